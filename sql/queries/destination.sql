-- SPDX-License-Identifier: Apache-2.0
-- Where archives go, what goes there, and the mail about it.

-- name: destination_add
INSERT INTO webmunk.destination (study_id, name, kind, settings, secret_name, profiles)
VALUES (nullif($1::int8, 0), $2::text, $3::text, $4::text::jsonb, nullif($5::text, ''), string_to_array($6::text, ','));

-- name: destination_replace
UPDATE webmunk.destination
   SET study_id = nullif($1::int8, 0), kind = $3::text, settings = $4::text::jsonb, secret_name = nullif($5::text, ''),
       profiles = string_to_array($6::text, ','), tested = NULL, test_result = NULL
 WHERE name = $2::text;

-- name: destination_list
SELECT coalesce(jsonb_agg(jsonb_build_object(
           'id', d.id, 'name', d.name, 'kind', d.kind, 'study', y.slug, 'settings', d.settings,
           'secret_name', d.secret_name, 'profiles', d.profiles, 'paused', d.paused,
           'tested', to_char(d.tested AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'), 'test_result', d.test_result,
           'waiting', (SELECT count(*) FROM webmunk.delivery v WHERE v.destination_id = d.id AND v.state IN ('waiting', 'sending')),
           'delivered', (SELECT count(*) FROM webmunk.delivery v WHERE v.destination_id = d.id AND v.state = 'delivered'),
           'failed', (SELECT count(*) FROM webmunk.delivery v WHERE v.destination_id = d.id AND v.state = 'failed'))
           ORDER BY d.name), '[]')
  FROM webmunk.destination d LEFT JOIN webmunk.study y ON y.id = d.study_id
 WHERE $1::text = '' OR d.name = $1::text;

-- name: destination_pause
UPDATE webmunk.destination SET paused = $2::bool WHERE name = $1::text;

-- name: destination_tested
UPDATE webmunk.destination SET tested = now(), test_result = nullif($2::text, '') WHERE id = $1::int8;

-- name: destination_remove
DELETE FROM webmunk.destination WHERE name = $1::text;

-- What waits, was broken off or has failed, to be tried (again).
-- name: destination_again
UPDATE webmunk.delivery v SET state = 'waiting', tries = 0, error = NULL
  FROM webmunk.destination d
 WHERE d.name = $1::text AND v.destination_id = d.id AND v.state <> 'delivered'
RETURNING v.id, coalesce(d.study_id, 0);

-- name: delivery_find
SELECT jsonb_build_object(
           'state', v.state, 'tries', v.tries, 'resume', v.resume, 'object', v.object, 'destination', d.name,
           'kind', d.kind, 'settings', d.settings, 'secret_name', d.secret_name, 'paused', d.paused,
           'path', e.path, 'export', e.id, 'export_state', e.state, 'file_bytes', e.file_bytes,
           'file_sha256', encode(e.file_sha256, 'hex'),
           'facts', jsonb_build_object(
               'file_name', e.file_name, 'study', y.slug, 'profile', e.profile,
               'requested', to_char(e.requested AT TIME ZONE 'UTC', 'YYYY-MM-DD'),
               'day', (SELECT to_char(min(x.day), 'YYYY-MM-DD') FROM webmunk.export_day x WHERE x.export_id = e.id),
               'path', e.definition ->> 'path', 'first_source', r.first, 'last_source', r.last))
  FROM webmunk.delivery v
  JOIN webmunk.destination d ON d.id = v.destination_id
  JOIN webmunk.export e ON e.id = v.export_id
  JOIN webmunk.study y ON y.id = e.study_id
  LEFT JOIN LATERAL (
      SELECT min(s COLLATE "C") AS first, max(s COLLATE "C") AS last
        FROM jsonb_array_elements_text(CASE WHEN jsonb_typeof(e.definition -> 'sources') = 'array'
                                             AND coalesce(e.definition ->> 'pseudonyms', '') = ''
                                            THEN e.definition -> 'sources' ELSE '[]' END) AS s) AS r ON true
 WHERE v.id = $1::int8;

-- name: delivery_begin
UPDATE webmunk.delivery
   SET state = 'sending', tries = tries + 1, object = $2::text, job_id = coalesce(nullif($3::int8, 0), job_id),
       started = coalesce(started, now()), error = NULL
 WHERE id = $1::int8 AND state <> 'delivered';

-- name: delivery_keep
UPDATE webmunk.delivery SET resume = $2::text::jsonb, bytes_done = $3::int8 WHERE id = $1::int8;

-- name: delivery_done
UPDATE webmunk.delivery
   SET state = 'delivered', delivered = now(), resume = NULL, error = NULL, bytes_done = $2::int8, remote_bytes = $2::int8,
       remote_checksum = $3::text
 WHERE id = $1::int8;

-- name: delivery_error
UPDATE webmunk.delivery SET state = CASE WHEN $3::bool THEN 'failed' ELSE 'waiting' END, error = $2::text
 WHERE id = $1::int8;

-- name: mail_add
INSERT INTO webmunk.mail (to_address, subject, body, what)
VALUES (coalesce($1::text, ''), $2::text, $3::text, $4::text) ON CONFLICT (what) DO NOTHING;

-- name: mail_due
SELECT id, to_address, subject, body, tries, extract(epoch FROM added)::int8
  FROM webmunk.mail WHERE state = 'waiting' AND run_after <= now() ORDER BY run_after, id LIMIT 100;

-- name: mail_sent
UPDATE webmunk.mail SET state = 'sent', sent = now(), tries = tries + 1, error = NULL WHERE id = $1::int8;

-- name: mail_error
UPDATE webmunk.mail
   SET state = CASE WHEN $3::bool THEN 'failed' ELSE 'waiting' END, tries = tries + 1, error = $2::text,
       run_after = now() + make_interval(secs => $4::int8)
 WHERE id = $1::int8;

-- name: mail_unsent
UPDATE webmunk.mail SET state = 'unsent', error = $1::text WHERE state = 'waiting';

-- name: mail_purge
-- They name participants and addresses; who did not read them by then will not.
DELETE FROM webmunk.mail WHERE state <> 'waiting' AND added < now() - interval '30 days';

-- name: mail_exports_ready
-- Archives of the last day that somebody with an address asked for and was not told of.
SELECT e.id, a.mail_address, y.name, e.file_name, e.rows, pg_size_pretty(e.file_bytes),
       to_char(e.expires AT TIME ZONE y.time_zone, 'YYYY-MM-DD HH24:MI'), y.time_zone, w.what
  FROM webmunk.export e
  JOIN webmunk.account a ON a.id = e.requested_by AND a.mail_address IS NOT NULL AND a.disabled IS NULL
  JOIN webmunk.study y ON y.id = e.study_id
 CROSS JOIN LATERAL (SELECT 'export ' || e.id || ' ready' AS what) AS w
 WHERE e.state = 'ready' AND e.finished > now() - interval '1 day' AND e.deleted IS NULL
   AND NOT EXISTS (SELECT FROM webmunk.mail m WHERE m.what = w.what)
 ORDER BY e.id;

-- name: mail_jobs_failed
-- Jobs that failed within a day, for good and not as before.  A night is told once, however often it
-- is tried; a delivery tells itself; the mail about mail would not arrive; a test was somebody's.
SELECT j.id, concat_ws(' ', j.name, nullif(j.what, '')), coalesce(j.error, ''), j.tries, coalesce(e.id, 0),
       CASE WHEN d.day IS NOT NULL THEN e.profile || ' export of ' || d.day || ' (' || y.name || ')' ELSE '' END, w.what
  FROM webmunk.job j
  LEFT JOIN LATERAL (SELECT max(r.id) AS id FROM webmunk.job_run r WHERE r.job_id = j.id) AS r ON true
  LEFT JOIN webmunk.export e ON e.job_id = j.id
  LEFT JOIN webmunk.study y ON y.id = e.study_id
  LEFT JOIN webmunk.export_day d ON d.study_id = e.study_id AND d.profile = e.profile AND d.day::text = e.definition ->> 'from'
 CROSS JOIN LATERAL (
       SELECT CASE WHEN d.day IS NOT NULL THEN 'night ' || d.study_id || ' ' || d.profile || ' ' || d.day || ' failed'
                   ELSE 'job ' || j.id || ' failed, run ' || coalesce(r.id, 0) END AS what) AS w
 WHERE j.state = 'failed' AND j.finished > now() - interval '1 day' AND j.name NOT IN ('mail', 'destination-test')
   AND NOT (j.name = 'deliver' AND EXISTS (SELECT FROM webmunk.delivery v WHERE v.job_id = j.id AND v.state = 'failed'))
   AND (SELECT p.state FROM webmunk.job p
         WHERE p.name = j.name AND p.what = j.what AND p.id < j.id AND p.state IN ('done', 'failed')
         ORDER BY p.id DESC LIMIT 1) IS DISTINCT FROM 'failed'
   AND NOT EXISTS (SELECT FROM webmunk.mail m WHERE m.what = w.what)
 ORDER BY j.id;
