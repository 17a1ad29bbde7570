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

-- name: audit_check
-- $1 the row to go on behind, $2 its hash in hex, $3 how many rows.
SELECT last, encode(hash, 'hex'), coalesce(bad, 0), coalesce(reason, '')
  FROM webmunk.access_log_check($1::bigint, decode($2::text, 'hex'), $3::bigint);

-- name: audit_hash
-- The hash of row $1 in hex; no row: it is gone.
SELECT encode(hash, 'hex') FROM webmunk.access_log WHERE id = $1::bigint;

-- name: audit_last
SELECT coalesce(max(id), 0) FROM webmunk.access_log;

-- name: audit_head
-- The newest head; its last good row counts even when a break was found behind it.
SELECT last, encode(hash, 'hex'), coalesce(bad, 0), coalesce(reason, '')
  FROM webmunk.access_log_head ORDER BY id DESC LIMIT 1;

-- name: audit_head_add
INSERT INTO webmunk.access_log_head (at, last, hash, bad, reason, signature)
VALUES ($1::timestamptz, $2::bigint, decode($3::text, 'hex'), nullif($4::bigint, 0), nullif($5::text, ''), nullif($6::text, ''));

-- name: audit_head_wrong
-- The first stored head that the log does not have any more.
SELECT h.last, to_char(h.at AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI "UTC"'), l.id IS NULL
  FROM webmunk.access_log_head h LEFT JOIN webmunk.access_log l ON l.id = h.last
 WHERE h.last > 0 AND l.hash IS DISTINCT FROM h.hash ORDER BY h.last LIMIT 1;

-- name: audit_head_count
SELECT count(*) FROM webmunk.access_log_head WHERE last > 0;
