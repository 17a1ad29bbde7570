-- SPDX-License-Identifier: Apache-2.0
-- What people choose to see.

-- Columns of a page's table that an account does not want.  What is added later is shown; no row: the
-- page's own choice.
CREATE TABLE account_columns (
    account_id bigint NOT NULL REFERENCES account ON DELETE CASCADE,
    page text NOT NULL,
    hidden text[] NOT NULL,
    PRIMARY KEY (account_id, page)
);
