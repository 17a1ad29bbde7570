-- SPDX-License-Identifier: Apache-2.0

-- name: audit_add
SELECT webmunk.access_log_add($1::text, $2::text, $3::text, $4::text, $5::text::jsonb, $6::bigint[],
                              $7::text, $8::text, $9::text, $10::text);

-- name: audit_verify
SELECT coalesce(webmunk.access_log_verify(), 0);
