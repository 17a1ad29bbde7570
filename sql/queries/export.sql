-- SPDX-License-Identifier: Apache-2.0
-- Exports from the request to the file, and the nights.

-- name: export_add
SELECT webmunk.export_add(nullif($1::int8, 0), $2::text, $3::text, $4::text::jsonb, $5::int8::integer);

-- name: export_open
-- The position is fixed once, and with it $2, what links begin with: a run after an interruption goes on with the same.
UPDATE webmunk.export e
   SET state = CASE WHEN e.state = 'queued' THEN 'counting' ELSE e.state END,
       position = coalesce(e.position, webmunk.position_horizon()),
       snapshot_at = coalesce(e.snapshot_at, now()),
       site = CASE WHEN e.snapshot_at IS NULL THEN $2::text ELSE e.site END,
       error = NULL
  FROM webmunk.study y
 WHERE e.id = $1::int8 AND y.id = e.study_id AND e.state IN ('queued', 'counting', 'running', 'packing')
RETURNING e.position::text, e.types_done, e.definition::text, e.sources::text, e.rows_expected, e.profile,
          y.slug, y.name,
          (SELECT to_char(number, 'FM0000') || '-' || title FROM webmunk.wm_schema ORDER BY number DESC LIMIT 1), e.site;

-- name: export_may_open
SELECT webmunk.export_may_open($1::int8);

-- name: export_sources_keep
-- The identifiers $2 stay as they were at first; $3 says why each is skipped, or null.  When that was otherwise before
-- all begins anew, which is returned.
WITH before AS MATERIALIZED (
    SELECT coalesce(e.skipped <> $3::text::jsonb, false) AS changed FROM webmunk.export e WHERE e.id = $1::int8
), gone AS (
    DELETE FROM webmunk.export_part p USING before b WHERE p.export_id = $1::int8 AND b.changed
)
UPDATE webmunk.export e
   SET sources = coalesce(e.sources, $2::text::jsonb), skipped = $3::text::jsonb,
       state = CASE WHEN b.changed AND e.state IN ('running', 'packing') THEN 'counting' ELSE e.state END,
       types_done = CASE WHEN b.changed THEN 0 ELSE e.types_done END,
       rows = CASE WHEN b.changed THEN 0 ELSE e.rows END,
       bytes = CASE WHEN b.changed THEN 0 ELSE e.bytes END,
       rows_expected = CASE WHEN NOT b.changed THEN e.rows_expected END
  FROM before b WHERE e.id = $1::int8
RETURNING b.changed;

-- name: export_counted
UPDATE webmunk.export SET rows_expected = $2::int8, state = 'running' WHERE id = $1::int8;

-- name: export_packing
UPDATE webmunk.export SET state = 'packing' WHERE id = $1::int8;

-- name: export_parts
SELECT number, type, entry, rows, bytes, packed_bytes, crc32, encode(sha256, 'hex'), defects, to_json(defect_points)::text,
       encode(packed_sha256, 'hex'), file, start
  FROM webmunk.export_part WHERE export_id = $1::int8 ORDER BY number;

-- name: export_parts_add
INSERT INTO webmunk.export_part (export_id, number, type, entry, file, start, rows, bytes, packed_bytes, crc32, sha256,
                                 packed_sha256, defects, defect_points)
SELECT $1::int8, p.number, p.type, p.entry, p.file, p.start, p.rows, p.bytes, p.packed_bytes, p.crc32,
       decode(p.sha256, 'hex'), decode(p.packed_sha256, 'hex'), p.defects, p.defect_points
  FROM jsonb_to_recordset($2::text::jsonb)
       AS p(number integer, type text, entry text, file integer, start bigint, rows bigint, bytes bigint,
            packed_bytes bigint, crc32 bigint, sha256 text, packed_sha256 text, defects bigint, defect_points bigint[]);

-- name: export_parts_done
UPDATE webmunk.export
   SET types_done = $2::int8, rows = rows + $3::int8, bytes = bytes + $4::int8
 WHERE id = $1::int8;

-- name: export_ready
UPDATE webmunk.export
   SET state = 'ready', path = $2::text, file_name = $3::text, file_bytes = $4::int8, file_sha256 = decode($5::text, 'hex'),
       finished = now(), expires = now() + $6::int8 * interval '1 second', error = NULL
 WHERE id = $1::int8 AND state = 'packing'
RETURNING id;

-- name: export_deliver
-- To all that want this profile, where deliveries to a paused one wait; a second time changes nothing.
INSERT INTO webmunk.delivery (export_id, destination_id, object)
SELECT e.id, d.id, CASE WHEN e.profile = 'nightly' THEN (e.definition ->> 'from') || '/' ELSE '' END || e.file_name
  FROM webmunk.export e
  JOIN webmunk.destination d ON coalesce(d.study_id, e.study_id) = e.study_id
 WHERE e.id = $1::int8 AND e.profile <> '' AND e.profile = ANY (d.profiles)
 ORDER BY d.id
ON CONFLICT DO NOTHING
RETURNING id;

-- name: export_delivery_job
UPDATE webmunk.delivery SET job_id = $2::int8 WHERE id = $1::int8;

-- name: export_error
UPDATE webmunk.export SET error = $2::text WHERE id = $1::int8 AND state IN ('queued', 'counting', 'running', 'packing');

-- name: export_fail
UPDATE webmunk.export SET state = 'failed', error = $2::text, finished = now()
 WHERE id = $1::int8 AND state IN ('queued', 'counting', 'running', 'packing');

-- name: export_asked_to_end
SELECT coalesce(j.stop, false) OR e.state NOT IN ('queued', 'counting', 'running', 'packing')
  FROM webmunk.export e LEFT JOIN webmunk.job j ON j.id = e.job_id
 WHERE e.id = $1::int8;

-- name: export_cancel
-- A job that runs ends soon by itself; the trigger of job does the rest.
WITH ended AS (
    UPDATE webmunk.job j
       SET stop = true, state = CASE WHEN j.state = 'ready' THEN 'cancelled' ELSE j.state END,
           finished = CASE WHEN j.state = 'ready' THEN now() ELSE j.finished END
      FROM webmunk.export e
     WHERE e.id = $1::int8 AND j.id = e.job_id AND j.state IN ('ready', 'running')
       AND e.state IN ('queued', 'counting', 'running', 'packing')
    RETURNING j.id
)
SELECT count(*) FROM ended;

-- name: export_cancelled
UPDATE webmunk.export SET state = 'cancelled', finished = now()
 WHERE id = $1::int8 AND state IN ('queued', 'counting', 'running', 'packing');

-- name: export_due
-- Archives whose time is over.  One that still waits to be sent stays.
SELECT e.id, e.path FROM webmunk.export e
 WHERE e.state = 'ready' AND e.expires <= $1::timestamptz
   AND NOT EXISTS (SELECT FROM webmunk.delivery d WHERE d.export_id = e.id AND d.state IN ('waiting', 'sending'))
 ORDER BY e.id LIMIT $2::int8;

-- name: export_expire
UPDATE webmunk.export SET state = 'expired', expires = least(expires, now()) WHERE id = $1::int8 AND state IN ('ready', 'failed', 'cancelled');

-- name: export_of_folder
-- Does anybody still make this export, or is it ready?  'making', 'ready', or nothing.
SELECT CASE WHEN state IN ('queued', 'counting', 'running', 'packing') THEN 'making'
            WHEN state = 'ready' THEN 'ready' ELSE '' END
  FROM webmunk.export WHERE id = $1::int8;

-- name: export_show
SELECT jsonb_build_object(
           'id', e.id, 'study', y.slug, 'state', e.state, 'profile', e.profile, 'purpose', e.purpose,
           'definition', e.definition, 'position', e.position::text,
           'requested', to_char(e.requested AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'),
           'finished', to_char(e.finished AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'),
           'expires', to_char(e.expires AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'),
           'rows_expected', e.rows_expected, 'rows', e.rows, 'bytes', e.bytes, 'error', e.error,
           'path', e.path, 'file_name', e.file_name, 'file_bytes', e.file_bytes,
           'file_sha256', encode(e.file_sha256, 'hex'), 'progress', j.progress)
  FROM webmunk.export e
  JOIN webmunk.study y ON y.id = e.study_id
  LEFT JOIN webmunk.job j ON j.id = e.job_id
 WHERE e.id = $1::int8;

-- name: export_list
SELECT coalesce(jsonb_agg(t.o ORDER BY t.id DESC), '[]')
  FROM (SELECT e.id, jsonb_build_object(
                   'id', e.id, 'study', y.slug, 'state', e.state, 'profile', e.profile,
                   'from', e.definition ->> 'from', 'to', e.definition ->> 'to',
                   'requested', to_char(e.requested AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'),
                   'rows', e.rows, 'rows_expected', e.rows_expected, 'file_name', e.file_name,
                   'file_bytes', e.file_bytes, 'error', e.error) AS o
          FROM webmunk.export e
          JOIN webmunk.study y ON y.id = e.study_id
         WHERE ($1::int8 = 0 OR e.study_id = $1::int8)
         ORDER BY e.id DESC LIMIT $2::int8) t;

-- name: export_fetched
UPDATE webmunk.export SET downloads = downloads + 1 WHERE id = $1::int8;

-- name: export_days_plan
SELECT webmunk.export_days_plan($1::text, $2::timestamptz, $3::int8 * interval '1 second', $4::text::date);

-- name: export_days_next
-- The newest day whose points are all there: nothing that began before it was noted, after its end, is still
-- open.  What only reads does not count, but for the server's: it may be about to store.
SELECT d.study_id, d.day::text, y.time_zone,
       d.day < ($2::timestamptz AT TIME ZONE y.time_zone)::date - 1
  FROM webmunk.export_day d
  JOIN webmunk.study y ON y.id = d.study_id
 WHERE d.profile = $1::text AND d.export_id IS NULL
   AND d.fence <= webmunk.position_horizon()
   AND NOT EXISTS (
       SELECT FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid
        WHERE l.locktype = 'virtualxid' AND l.virtualtransaction = ANY (d.open) AND a.datname = current_database()
          AND (a.backend_xid IS NOT NULL OR a.application_name = 'mod_webmunk'))
 ORDER BY d.day DESC, d.study_id
 LIMIT 1 FOR UPDATE OF d SKIP LOCKED;

-- name: export_days_made
UPDATE webmunk.export_day SET export_id = $4::int8
 WHERE study_id = $1::int8 AND profile = $2::text AND day = $3::text::date;

-- name: export_days_waiting
SELECT count(*) FROM webmunk.export_day WHERE profile = $1::text AND export_id IS NULL;

-- name: export_lock
-- One process makes an export; the lock goes with its connection.
SELECT pg_try_advisory_lock(hashtextextended('webmunk.export', 0) # $1::int8);

-- name: export_default_study
SELECT id FROM webmunk.study WHERE is_default;
