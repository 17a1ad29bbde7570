-- SPDX-License-Identifier: Apache-2.0

-- name: audit_add
SELECT webmunk.access_log_add($1::text, $2::text, $3::text, $4::text, $5::text::jsonb, $6::bigint[],
                              $7::text, $8::text, $9::text, $10::text);

-- name: audit_covered
-- Does a row not older than $5 seconds say that $1 saw the view $3 with all participants of $4 by
-- action $2?
SELECT EXISTS (
    SELECT FROM webmunk.access_log l
     WHERE l.at > clock_timestamp() - $5::bigint * interval '1 second'
       AND l.account = $1::text AND l.action = $2::text AND l.result = 'ok'
       AND l.extent ->> 'view' = $3::text
       AND NOT EXISTS (
           SELECT FROM unnest($4::bigint[]) AS u(id)
            WHERE NOT EXISTS (SELECT FROM webmunk.access_log_source s
                               WHERE s.log_id = l.id AND s.source_id = u.id)))::int::bigint;

-- name: audit_verify
SELECT coalesce(webmunk.access_log_verify(), 0);
