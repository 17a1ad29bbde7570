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
 WHERE body IS NOT NULL
   AND id = ANY (ARRAY(
       SELECT id FROM webmunk.bundle
        WHERE body_expires <= $1::timestamptz AND body IS NOT NULL
        LIMIT $2::int8 FOR UPDATE SKIP LOCKED));

-- name: job_purge
-- Finished jobs and, with them, their runs; exports keep theirs until they go themselves.
DELETE FROM webmunk.job
 WHERE id IN (SELECT id FROM webmunk.job WHERE finished < $1::timestamptz ORDER BY finished LIMIT $2::int8
                 FOR UPDATE SKIP LOCKED);
