-- SPDX-License-Identifier: Apache-2.0

-- name: base_now
SELECT now();
