-- SPDX-License-Identifier: Apache-2.0

-- name: account_find
SELECT a.id, a.name, a.disabled IS NOT NULL, (extract(epoch FROM a.last_sign_in) * 1000000)::bigint,
       a.password, webmunk.account_grants(a.id)
  FROM webmunk.account a
 WHERE lower(a.name) = lower($1::text);

-- name: account_add
INSERT INTO webmunk.account (name, password, password_set) VALUES ($1::text, $2::text, now())
RETURNING id;

-- name: account_grant
INSERT INTO webmunk.role_grant (account_id, role, study_id) VALUES ($1::int8, $2::text, nullif($3::int8, -1))
ON CONFLICT DO NOTHING;

-- name: account_ungrant
DELETE FROM webmunk.role_grant
 WHERE account_id = $1::int8 AND role = $2::text AND coalesce(study_id, -1) = $3::int8;

-- name: account_grant_right
INSERT INTO webmunk.right_grant (account_id, may, study_id) VALUES ($1::int8, $2::text, nullif($3::int8, -1))
ON CONFLICT DO NOTHING;

-- name: account_ungrant_right
DELETE FROM webmunk.right_grant
 WHERE account_id = $1::int8 AND may = $2::text AND coalesce(study_id, -1) = $3::int8;

-- name: account_password
-- Its sessions end with the old password.
WITH a AS (
    UPDATE webmunk.account SET password = $2::text, password_set = now() WHERE lower(name) = lower($1::text)
    RETURNING id
), gone AS (
    DELETE FROM webmunk.session s USING a WHERE s.account_id = a.id
)
SELECT id FROM a;

-- name: account_disable
WITH a AS (
    UPDATE webmunk.account SET disabled = CASE WHEN $2::bool THEN coalesce(disabled, now()) END
     WHERE lower(name) = lower($1::text)
    RETURNING id
), gone AS (
    DELETE FROM webmunk.session s USING a WHERE s.account_id = a.id AND $2::bool
)
SELECT id FROM a;

-- name: account_mail
UPDATE webmunk.account SET mail_address = nullif($2::text, '') WHERE lower(name) = lower($1::text);

-- name: account_list
SELECT coalesce(jsonb_agg(jsonb_build_object(
           'name', a.name, 'disabled', a.disabled IS NOT NULL, 'mail', a.mail_address,
           'added', to_char(a.added AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'),
           'last_sign_in', to_char(a.last_sign_in AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'),
           'sessions', (SELECT count(*) FROM webmunk.session s WHERE s.account_id = a.id AND s.expires > now()),
           'roles', (SELECT coalesce(jsonb_agg(jsonb_build_object('role', g.role, 'study', y.slug) ORDER BY g.id), '[]')
                       FROM webmunk.role_grant g LEFT JOIN webmunk.study y ON y.id = g.study_id
                      WHERE g.account_id = a.id),
           'rights', (SELECT coalesce(jsonb_agg(jsonb_build_object('right', g.may, 'study', y.slug) ORDER BY g.id), '[]')
                        FROM webmunk.right_grant g LEFT JOIN webmunk.study y ON y.id = g.study_id
                       WHERE g.account_id = a.id)) ORDER BY lower(a.name)), '[]')
  FROM webmunk.account a;

-- name: account_study
SELECT id FROM webmunk.study WHERE slug = $1::text;

-- The key is made here, because the database decides which names are the same.
-- name: account_throttle_key
SELECT encode(sha256(convert_to('account:' || lower($1::text), 'UTF8')), 'hex'),
       encode(sha256(convert_to('address:' || $2::text, 'UTF8')), 'hex');

-- Counts an attempt unless the key has to wait; the row's lock makes parallel attempts queue.
-- Failures are forgotten after a day.  $3 attempts are free, then each failure doubles the wait.
-- Who need not wait is free since a minute ago: clocks of hosts and the order of threads differ a little.
-- name: account_throttle_take
WITH taken AS (
    INSERT INTO webmunk.login_throttle AS t (key, failures, last_try, blocked_until)
    VALUES (decode($1::text, 'hex'), 1, $2::timestamptz, $2::timestamptz - interval '1 minute')
    ON CONFLICT (key) DO UPDATE SET
        failures = CASE WHEN t.last_try < excluded.last_try - interval '1 day' THEN 1 ELSE t.failures + 1 END,
        last_try = excluded.last_try,
        blocked_until = excluded.last_try
            + CASE WHEN t.last_try < excluded.last_try - interval '1 day' OR t.failures + 1 < $3::int8
                   THEN interval '-1 minute'
                   ELSE make_interval(secs => least(900, power(2, least(t.failures + 1 - $3::int8, 10)))) END
     WHERE t.blocked_until <= excluded.last_try
    RETURNING 1)
SELECT EXISTS (SELECT FROM taken),
       (SELECT greatest(1, ceil(extract(epoch FROM blocked_until - $2::timestamptz)))::bigint
          FROM webmunk.login_throttle WHERE key = decode($1::text, 'hex'));

-- name: account_throttle_forget
DELETE FROM webmunk.login_throttle WHERE key = decode($1::text, 'hex');

-- Success gives the address its attempt back and no more: others behind it may be guessing.
-- name: account_throttle_return
UPDATE webmunk.login_throttle
   SET failures = greatest(failures - 1, 0), blocked_until = least(blocked_until, $2::timestamptz)
 WHERE key = decode($1::text, 'hex');

-- name: account_throttle_purge
DELETE FROM webmunk.login_throttle
 WHERE key IN (SELECT key FROM webmunk.login_throttle
                WHERE last_try < $1::timestamptz - interval '1 day' ORDER BY last_try LIMIT $2::int8
                  FOR UPDATE SKIP LOCKED);

-- name: account_signed_in
UPDATE webmunk.account
   SET last_sign_in = $2::timestamptz, password = CASE WHEN password = $3::text THEN $4::text ELSE password END
 WHERE id = $1::int8 AND disabled IS NULL AND password = $3::text;
