-- SPDX-License-Identifier: Apache-2.0

-- name: session_start
INSERT INTO webmunk.session (digest, account_id, created, last_used, expires, address, user_agent)
VALUES (decode($1::text, 'hex'), $2::int8, $3::timestamptz, $3::timestamptz, $4::timestamptz, $5::text, $6::text)
RETURNING id;

-- name: session_find
SELECT s.id, encode(s.digest, 'hex'), (extract(epoch FROM s.created) * 1000000)::bigint,
       (extract(epoch FROM s.last_used) * 1000000)::bigint, (extract(epoch FROM s.expires) * 1000000)::bigint,
       s.address, s.user_agent, a.id, a.name, (extract(epoch FROM a.last_sign_in) * 1000000)::bigint,
       webmunk.account_grants(a.id)
  FROM webmunk.session s
  JOIN webmunk.account a ON a.id = s.account_id
 WHERE s.digest = decode($1::text, 'hex') AND s.expires > $2::timestamptz AND s.last_used > $3::timestamptz
   AND a.disabled IS NULL;

-- Requests of one page come together: the first notes the use, the others do not wait for it.
-- name: session_touch
UPDATE webmunk.session SET last_used = $2::timestamptz
 WHERE id = (SELECT id FROM webmunk.session
              WHERE id = $1::int8 AND last_used < $2::timestamptz - interval '1 minute' FOR UPDATE SKIP LOCKED);

-- name: session_end
DELETE FROM webmunk.session WHERE digest = decode($1::text, 'hex');

-- name: session_end_id
DELETE FROM webmunk.session WHERE account_id = $1::int8 AND id = $2::int8;

-- name: session_end_all
DELETE FROM webmunk.session WHERE account_id = $1::int8 AND id <> $2::int8;

-- name: session_purge
DELETE FROM webmunk.session
 WHERE id IN (SELECT id FROM webmunk.session
               WHERE expires <= $1::timestamptz OR last_used <= $2::timestamptz LIMIT $3::int8
                 FOR UPDATE SKIP LOCKED);

-- name: session_secret
SELECT encode(secret, 'hex') FROM webmunk.server_secret;
