-- SPDX-License-Identifier: Apache-2.0
-- Jobs, their runs and schedules.  A run's number fences: what a run writes counts only while it is
-- the newest of its job.

-- name: job_add
-- No row: one of the same name and what ended meanwhile; ask again.
WITH added AS (
    INSERT INTO webmunk.job (name, what, study_id, params, run_after)
    VALUES ($1::text, $2::text, nullif($3::int8, 0), $4::text::jsonb, now() + $5::float8 * interval '1 second')
    ON CONFLICT (name, what) WHERE state IN ('ready', 'running') DO NOTHING
    RETURNING id
)
SELECT id FROM added
UNION ALL
SELECT id FROM webmunk.job WHERE name = $1::text AND what = $2::text AND state IN ('ready', 'running')
LIMIT 1;

-- name: job_progress
-- Never waits: the row may be locked by the run's own transaction, with its cursor.
UPDATE webmunk.job SET progress = $3::text::jsonb
 WHERE id = (SELECT id FROM webmunk.job WHERE id = $1::int8 AND state = 'running' FOR UPDATE SKIP LOCKED)
   AND $2::int8 = (SELECT max(id) FROM webmunk.job_run WHERE job_id = $1::int8);

-- name: job_cursor
-- The lease cannot be renewed while the run's transaction holds the row, so this does.
UPDATE webmunk.job
   SET cursor = $3::text::jsonb,
       lease_until = greatest(lease_until, clock_timestamp() + $4::float8 * interval '1 second')
 WHERE id = $1::int8 AND state = 'running'
   AND $2::int8 = (SELECT max(id) FROM webmunk.job_run WHERE job_id = $1::int8);

-- name: job_partitions
SELECT webmunk.partitions_ahead($1::int8::integer);

-- name: job_arrival_fold
SELECT webmunk.arrival_fold();

-- name: job_study_refresh
SELECT count(webmunk.study_refresh(id, $1::timestamptz)) FROM webmunk.study;

-- name: job_body_purge
-- $2 expired bodies at a time, by the index that only they are in.
UPDATE webmunk.bundle SET body = NULL
 WHERE id = ANY (ARRAY(
       SELECT id FROM webmunk.bundle
        WHERE body_expires <= $1::timestamptz AND body IS NOT NULL
        LIMIT $2::int8 FOR UPDATE SKIP LOCKED));

-- name: job_purge
-- Finished jobs and, with them, their runs; exports keep theirs until they go themselves.
DELETE FROM webmunk.job
 WHERE id IN (SELECT id FROM webmunk.job WHERE finished < $1::timestamptz ORDER BY finished LIMIT $2::int8
                 FOR UPDATE SKIP LOCKED);

-- $1 of the next three: [{"name", "parallel", "tries", "every", "daily_at"}, ...], the jobs that this
-- runner has.
-- name: job_schedule_sync
-- A time of day is one of the default study's.
INSERT INTO webmunk.schedule AS s (name, every, daily_at, time_zone, built_in, next_due)
SELECT k.name, CASE WHEN k.daily_at IS NULL THEN k.every * interval '1 second' END, k.daily_at, z.zone, true,
       CASE WHEN k.daily_at IS NULL THEN now() ELSE webmunk.daily_next(k.daily_at, z.zone, now()) END
  FROM jsonb_to_recordset($1::text::jsonb) AS k(name text, every float8, daily_at time)
 CROSS JOIN LATERAL (
       SELECT coalesce((SELECT y.time_zone FROM webmunk.study y WHERE y.is_default AND k.daily_at IS NOT NULL), 'UTC') AS zone) AS z
 WHERE k.every > 0 OR k.daily_at IS NOT NULL
ON CONFLICT (name, what) DO UPDATE
   SET every = excluded.every, daily_at = excluded.daily_at, time_zone = excluded.time_zone,
       next_due = CASE WHEN excluded.daily_at IS NULL THEN least(s.next_due, now() + excluded.every) ELSE excluded.next_due END
 WHERE s.built_in AND (s.every, s.daily_at, s.time_zone) IS DISTINCT FROM (excluded.every, excluded.daily_at, excluded.time_zone);

-- name: job_schedule_tick
SELECT webmunk.schedule_tick(ARRAY(SELECT k ->> 'name' FROM jsonb_array_elements($1::text::jsonb) AS k), now());

-- name: job_claim
-- $2 the lease in seconds, $3 who claims, $4 how many at most.
SELECT c.job_id, c.run_id, c.job_name, coalesce(c.job_study, 0), c.job_what, c.job_params, c.job_cursor, c.job_tries
  FROM (SELECT array_agg(k.name) AS names, array_agg(k.parallel) AS parallel, array_agg(k.tries) AS tries
          FROM jsonb_to_recordset($1::text::jsonb) AS k(name text, parallel integer, tries integer)) AS n
 CROSS JOIN LATERAL webmunk.job_claim($3::text, $2::float8 * interval '1 second', n.names, n.parallel, n.tries,
                                      $4::int8::integer) AS c;

-- name: job_renew
-- $1 [[job, run], ...].  A row that its run's transaction holds is left alone: that run's cursor
-- renews it, and nobody can claim it meanwhile.
UPDATE webmunk.job SET lease_until = clock_timestamp() + $2::float8 * interval '1 second'
 WHERE id IN (SELECT j.id FROM jsonb_array_elements($1::text::jsonb) AS k
                JOIN webmunk.job j ON j.id = (k ->> 0)::bigint
               WHERE j.state = 'running'
                 AND (k ->> 1)::bigint = (SELECT max(r.id) FROM webmunk.job_run r WHERE r.job_id = j.id)
                 FOR UPDATE OF j SKIP LOCKED);

-- name: job_held
-- Which of them are ours still, and whether somebody wants them to end.
SELECT j.id, j.stop
  FROM jsonb_array_elements($1::text::jsonb) AS k
  JOIN webmunk.job j ON j.id = (k ->> 0)::bigint
 WHERE j.state = 'running'
   AND (k ->> 1)::bigint = (SELECT max(r.id) FROM webmunk.job_run r WHERE r.job_id = j.id);

-- name: job_noted
UPDATE webmunk.job_run SET note = $2::text WHERE id = $1::int8 AND finished IS NULL;

-- name: job_finish
-- $4 NULL keeps what the run noted; $6 seconds until a retry.
SELECT webmunk.job_finish($1::int8, $2::int8, $3::text, $4::text, $5::text, $6::float8 * interval '1 second');

-- name: job_list
-- $1 a state or '', $2 a name or '', $3 how many.
SELECT coalesce(jsonb_agg(to_jsonb(t) ORDER BY t.open DESC, t.id DESC), '[]')
  FROM (SELECT j.id, j.name, j.what, j.state, j.tries, j.progress, j.error, j.worker,
               to_char(coalesce(j.finished, j.run_after) AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') AS at,
               j.finished IS NULL AS open
          FROM webmunk.job j
         WHERE ($1::text = '' OR j.state = $1::text) AND ($2::text = '' OR j.name = $2::text)
         ORDER BY j.finished IS NULL DESC, j.id DESC LIMIT $3::int8) AS t;

-- name: job_show
SELECT to_jsonb(j) || jsonb_build_object('runs', coalesce((
           SELECT jsonb_agg(to_jsonb(r) - 'job_id' ORDER BY r.id) FROM webmunk.job_run r WHERE r.job_id = j.id), '[]'))
  FROM webmunk.job j WHERE j.id = $1::int8;

-- name: job_cancel
UPDATE webmunk.job SET stop = true WHERE id = $1::int8 AND state IN ('ready', 'running');

-- name: job_retry
-- Not while another of the same name and what waits or runs.
UPDATE webmunk.job j SET state = 'ready', tries = 0, run_after = now(), finished = NULL, stop = false
 WHERE id = $1::int8
   AND (state = 'ready' OR state IN ('failed', 'cancelled') AND NOT EXISTS (
            SELECT FROM webmunk.job o WHERE o.name = j.name AND o.what = j.what AND o.state IN ('ready', 'running')));

-- name: job_schedule_list
SELECT coalesce(jsonb_agg(jsonb_build_object(
           'id', id, 'name', name, 'what', what, 'time_zone', time_zone, 'paused', paused, 'built_in', built_in,
           'when', coalesce('every ' || every, 'daily at ' || to_char(daily_at, 'HH24:MI'), 'cron ' || cron),
           'next_due', to_char(next_due AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"')) ORDER BY name, what), '[]')
  FROM webmunk.schedule;

-- name: job_schedule_add
-- $4 every, $5 daily at, $6 cron: one of them, the others ''.
WITH s AS (
    INSERT INTO webmunk.schedule (name, what, study_id, every, daily_at, cron, time_zone, params, next_due)
    SELECT $1::text, $2::text, nullif($3::int8, 0), nullif($4::text, '')::interval, nullif($5::text, '')::time,
           nullif($6::text, ''), z.zone, $8::text::jsonb,
           CASE WHEN $6::text <> '' THEN webmunk.cron_next($6::text, z.zone, now())
                WHEN $5::text <> '' THEN webmunk.daily_next(nullif($5::text, '')::time, z.zone, now())
                ELSE now() END
      FROM (SELECT coalesce(nullif($7::text, ''), (SELECT time_zone FROM webmunk.study WHERE id = $3::int8), 'UTC') AS zone) AS z
    RETURNING id, next_due
)
SELECT id, to_char(next_due AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') FROM s;

-- name: job_schedule_pause
-- What was missed meanwhile is made up for once.
UPDATE webmunk.schedule SET paused = $2::bool WHERE id::text = $1::text OR (name = $1::text AND what = '');

-- name: job_schedule_remove
DELETE FROM webmunk.schedule WHERE (id::text = $1::text OR (name = $1::text AND what = '')) AND NOT built_in;
