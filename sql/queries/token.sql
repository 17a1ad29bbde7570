-- SPDX-License-Identifier: Apache-2.0

-- name: token_find
SELECT id, name, coalesce(study_id, 0), encode(digest, 'hex'),
       last_used IS NULL OR last_used < $2::timestamptz - interval '1 minute'
  FROM webmunk.api_token
 WHERE digest = decode($1::text, 'hex') AND revoked IS NULL AND (expires IS NULL OR expires > $2::timestamptz);

-- Many clients share a token: the first notes the use, the others do not wait for it.
-- name: token_touch
UPDATE webmunk.api_token SET last_used = $2::timestamptz
 WHERE id = (SELECT id FROM webmunk.api_token
              WHERE id = $1::int8 AND (last_used IS NULL OR last_used < $2::timestamptz - interval '1 minute')
                FOR UPDATE SKIP LOCKED);

-- name: token_add
INSERT INTO webmunk.api_token (name, digest, study_id, expires)
VALUES ($1::text, decode($2::text, 'hex'), nullif($3::int8, 0), $4::timestamptz);

-- name: token_revoke
UPDATE webmunk.api_token SET revoked = now() WHERE name = $1::text AND revoked IS NULL;

-- name: token_list
SELECT coalesce(jsonb_agg(jsonb_build_object(
           'name', t.name, 'study', y.slug,
           'state', CASE WHEN t.revoked IS NOT NULL THEN 'revoked' WHEN t.expires <= now() THEN 'expired' ELSE 'valid' END,
           'added', to_char(t.added AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'),
           'expires', to_char(t.expires AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'),
           'last_used', to_char(t.last_used AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'),
           'revoked', to_char(t.revoked AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"')) ORDER BY t.name, t.added), '[]')
  FROM webmunk.api_token t LEFT JOIN webmunk.study y ON y.id = t.study_id;
