-- SPDX-License-Identifier: Apache-2.0
-- The page System: jobs and schedules.  $1 are the studies whose jobs may be seen beside those of the
-- whole server (NULL: all), $2 is the time, $3 the time zone.

-- name: page_jobs
SELECT jsonb_build_object(
    'schedules', coalesce((
        SELECT jsonb_agg(jsonb_build_object(
                   'id', s.id, 'name', s.name, 'what', s.what, 'study_id', s.study_id, 'study', y.name,
                   'every', extract(epoch FROM s.every)::bigint, 'daily_at', to_char(s.daily_at, 'HH24:MI'), 'cron', s.cron,
                   'zone', s.time_zone, 'paused', s.paused, 'built_in', s.built_in,
                   'next_due', CASE WHEN NOT s.paused THEN page_time(s.next_due, $3::text) END,
                   'overdue', NOT s.paused AND s.next_due < $2::timestamptz - 2 * coalesce(s.every, interval '1 hour'),
                   'success', page_time(l.finished, $3::text),
                   'last', (SELECT jsonb_build_object('id', j.id, 'state', j.state, 'error', j.error,
                                                      'finished', page_time(j.finished, $3::text), 'progress', j.progress)
                              FROM job j WHERE j.name = s.name AND j.what = s.what ORDER BY j.id DESC LIMIT 1))
                   ORDER BY s.name, s.what)
          FROM schedule s
          LEFT JOIN study y ON y.id = s.study_id
          LEFT JOIN LATERAL (SELECT j.finished FROM job j WHERE j.name = s.name AND j.what = s.what AND j.state = 'done'
                              ORDER BY j.finished DESC LIMIT 1) AS l ON true
         WHERE $1::bigint[] IS NULL OR s.study_id IS NULL OR s.study_id = ANY ($1::bigint[])), '[]'),
    'counts', (SELECT jsonb_build_object(
                          'ready', count(*) FILTER (WHERE state = 'ready'),
                          'running', count(*) FILTER (WHERE state = 'running' AND lease_until >= $2::timestamptz),
                          'lost', count(*) FILTER (WHERE state = 'running' AND lease_until < $2::timestamptz),
                          'failed', count(*) FILTER (WHERE state = 'failed' AND finished > $2::timestamptz - interval '24 hours'),
                          'waiting', extract(epoch FROM $2::timestamptz - min(run_after) FILTER (WHERE state = 'ready'
                                                                     AND run_after < $2::timestamptz))::bigint)
                 FROM job
                WHERE (state IN ('ready', 'running') OR finished > $2::timestamptz - interval '24 hours')
                  AND ($1::bigint[] IS NULL OR study_id IS NULL OR study_id = ANY ($1::bigint[]))));

-- name: page_job_list
-- $4 state (NULL: all), "lost" of those whose runner is gone, "failed-today" of those that failed
-- within 24 hours, $5 part of name or what, $6 id that the page begins behind, $7 backwards,
-- $8 rows.  Newest first.
WITH j AS (
    SELECT *, CASE WHEN state = 'running' AND lease_until < $2::timestamptz THEN 'lost' ELSE state END AS shown_state
      FROM job
     WHERE ($1::bigint[] IS NULL OR study_id IS NULL OR study_id = ANY ($1::bigint[]))
       AND CASE $4::text
               WHEN 'lost' THEN state = 'running' AND lease_until < $2::timestamptz
               WHEN 'running' THEN state = 'running' AND lease_until >= $2::timestamptz
               WHEN 'failed-today' THEN state = 'failed' AND finished > $2::timestamptz - interval '24 hours'
               ELSE state = $4::text OR $4::text IS NULL
           END
       AND ($5::text IS NULL OR position(lower($5::text) IN lower(name || ' ' || what)) > 0)
), shown AS (
    SELECT * FROM j
     WHERE $6::bigint = 0 OR CASE WHEN $7::boolean THEN id > $6::bigint ELSE id < $6::bigint END
     ORDER BY CASE WHEN $7::boolean THEN id END, CASE WHEN NOT $7::boolean THEN id END DESC
     LIMIT $8::bigint + 1
)
SELECT jsonb_build_object(
    'total', (SELECT count(*) FROM j),
    'rows', coalesce((
        SELECT jsonb_agg(jsonb_build_object(
                   'id', c.id, 'name', c.name, 'what', c.what,
                   'state', c.shown_state,
                   'stop', c.stop AND c.finished IS NULL, 'tries', c.tries, 'progress', c.progress, 'error', c.error, 'by', a.name,
                   'added', page_time(c.added, $3::text), 'run_after', page_time(c.run_after, $3::text),
                   'finished', page_time(c.finished, $3::text)) ORDER BY c.id DESC)
          FROM shown c LEFT JOIN account a ON a.id = c.added_by), '[]'));

-- name: page_job
-- $4 the job, with its tries.
SELECT jsonb_build_object(
           'id', j.id, 'name', j.name, 'what', j.what, 'study_id', j.study_id, 'study', y.name,
           'state', CASE WHEN j.state = 'running' AND j.lease_until < $2::timestamptz THEN 'lost' ELSE j.state END,
           'stop', j.stop AND j.finished IS NULL, 'tries', j.tries, 'progress', j.progress, 'error', j.error, 'worker', j.worker, 'by', a.name,
           'export', j.params -> 'export', 'priority', j.priority,
           'added', page_time(j.added, $3::text), 'run_after', page_time(j.run_after, $3::text),
           'finished', page_time(j.finished, $3::text),
           'runs', coalesce((SELECT jsonb_agg(jsonb_build_object(
                                        'id', r.id, 'worker', r.worker, 'started', page_time(r.started, $3::text),
                                        'finished', page_time(r.finished, $3::text), 'outcome', r.outcome, 'note', r.note,
                                        'error', r.error,
                                        'seconds', extract(epoch FROM coalesce(r.finished, $2::timestamptz) - r.started)::bigint)
                                        ORDER BY r.id DESC)
                               FROM (SELECT * FROM job_run WHERE job_id = j.id ORDER BY id DESC LIMIT 100) AS r), '[]'))
  FROM job j
  LEFT JOIN study y ON y.id = j.study_id
  LEFT JOIN account a ON a.id = j.added_by
 WHERE j.id = $4::bigint AND ($1::bigint[] IS NULL OR j.study_id IS NULL OR j.study_id = ANY ($1::bigint[]));

-- name: page_schedule
-- $1 schedule: whose it is; 0: the whole server's.
SELECT jsonb_build_object('study', coalesce(study_id, 0), 'name', name, 'what', what)
  FROM schedule WHERE id = $1::bigint;

-- name: page_schedule_pause
UPDATE schedule SET paused = $2::boolean WHERE id = $1::bigint AND paused <> $2::boolean;

-- name: page_schedule_run
-- One that waits already runs sooner; one that runs is left alone.
INSERT INTO job AS j (name, study_id, what, params, added_by)
SELECT s.name, s.study_id, s.what, s.params, $2::bigint FROM schedule s WHERE s.id = $1::bigint
    ON CONFLICT (name, what) WHERE state IN ('ready', 'running')
    DO UPDATE SET run_after = least(j.run_after, now()) WHERE j.state = 'ready';

-- name: page_destination_test
INSERT INTO job (name, study_id, what, params, added_by)
SELECT 'destination-test', t.study_id, 'destination ' || t.id, jsonb_build_object('destination', t.id, 'name', t.name), $2::bigint
  FROM destination t WHERE t.id = $1::bigint
    ON CONFLICT (name, what) WHERE state IN ('ready', 'running') DO NOTHING;
