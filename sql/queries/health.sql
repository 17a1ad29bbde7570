-- SPDX-License-Identifier: Apache-2.0
-- How the server is: what is sampled, kept and shown.

-- name: health_facts
-- $1 the time.  Numbers by their names; spans are seconds.  Arrivals are those of bundles whose transactions ended
-- since the sample before, by their counters; points are never counted.  A transaction that holds the position back is
-- seen by that, whoever's it is; the time of others' sessions only with pg_read_all_stats.
WITH before AS (
    SELECT taken, facts FROM webmunk.health_sample WHERE span = 'minute' ORDER BY at DESC LIMIT 1
), here AS MATERIALIZED (
    SELECT webmunk.position_horizon() AS position, webmunk.position_horizon() < webmunk.position_next() AS held
), arrived AS (
    SELECT count(*) AS bundles, coalesce(sum(points), 0) AS points, coalesce(sum(quarantined), 0) AS quarantined
      FROM webmunk.bundle
     WHERE position >= (SELECT (facts ->> 'position')::xid8 FROM before WHERE taken > $1::timestamptz - interval '1 hour')
       AND position < (SELECT position FROM here)
), pieces AS MATERIALIZED (
    SELECT reason, received FROM webmunk.quarantine
     WHERE received > $1::timestamptz - interval '24 hours' ORDER BY received DESC LIMIT 100000
), held AS (
    SELECT CASE WHEN NOT held THEN NULL
                WHEN position::text = (SELECT facts ->> 'position' FROM before)
                THEN coalesce((SELECT (facts ->> 'held_since')::bigint FROM before),
                              (SELECT extract(epoch FROM taken)::bigint FROM before))
                ELSE extract(epoch FROM $1::timestamptz)::bigint END AS since
      FROM here
)
SELECT jsonb_build_object(
    'at', extract(epoch FROM $1::timestamptz)::bigint,
    'position', (SELECT position::text FROM here),
    'position_behind', webmunk.position_behind(),
    'held_since', (SELECT since FROM held))
    || CASE WHEN (SELECT taken > $1::timestamptz - interval '1 hour' FROM before) THEN (SELECT to_jsonb(a) FROM arrived a)
            ELSE '{"bundles": null, "points": null, "quarantined": null}'::jsonb END
    || jsonb_build_object(
    'received', (SELECT extract(epoch FROM max(received))::bigint FROM webmunk.bundle),
    'sources', EXISTS (SELECT FROM webmunk.source),
    'quarantine_day', (SELECT count(*) FROM pieces),
    'quarantine_bytes', pg_total_relation_size('webmunk.quarantine'),
    'quarantine_reasons', (SELECT coalesce(jsonb_agg(to_jsonb(r) ORDER BY r.newest DESC), '[]')
                             FROM (SELECT reason, count(*) AS pieces, extract(epoch FROM max(received))::bigint AS newest
                                     FROM pieces GROUP BY 1 ORDER BY 3 DESC LIMIT 3) AS r))
    || (SELECT jsonb_build_object(
            'jobs_ready', count(*) FILTER (WHERE state = 'ready' AND run_after <= $1::timestamptz),
            'jobs_running', count(*) FILTER (WHERE state = 'running' AND lease_until >= $1::timestamptz),
            'jobs_lost', count(*) FILTER (WHERE state = 'running' AND lease_until < $1::timestamptz),
            'jobs_failed', count(*) FILTER (WHERE state = 'failed' AND finished > $1::timestamptz - interval '24 hours'),
            'job_wait', coalesce(extract(epoch FROM $1::timestamptz - min(run_after) FILTER (
                WHERE state = 'ready' AND run_after <= $1::timestamptz AND name <> 'export'))::bigint, 0))
          FROM webmunk.job
         WHERE state IN ('ready', 'running') OR finished > $1::timestamptz - interval '24 hours')
    || jsonb_build_object(
    'schedules', (
        SELECT coalesce(jsonb_agg(jsonb_build_object(
                   'name', s.name, 'what', s.what, 'paused', s.paused,
                   'overdue', NOT s.paused AND s.next_due < $1::timestamptz - 2 * coalesce(s.every, interval '1 hour'),
                   'last', l.state, 'finished', extract(epoch FROM l.finished)::bigint) ORDER BY s.name, s.what), '[]')
          FROM webmunk.schedule s
          LEFT JOIN LATERAL (SELECT j.state, j.finished FROM webmunk.job j
                              WHERE j.name = s.name AND j.what = s.what AND j.finished IS NOT NULL
                              ORDER BY j.id DESC LIMIT 1) AS l ON true),
    'rollup_lag', coalesce((SELECT extract(epoch FROM $1::timestamptz - recorded)::bigint FROM webmunk.bundle
                             WHERE position >= (SELECT position FROM webmunk.arrival_mark)
                             ORDER BY position LIMIT 1), 0),
    'page_lag', coalesce((SELECT extract(epoch FROM $1::timestamptz - min(refreshed + 20 * took))::bigint
                            FROM webmunk.study_refreshed WHERE refreshed > '1970-01-01'), 0),
    'access_log_last', coalesce((SELECT last FROM webmunk.access_log_head ORDER BY id DESC LIMIT 1), 0),
    'access_log_bad', coalesce((SELECT bad FROM webmunk.access_log_head ORDER BY id DESC LIMIT 1), 0),
    'database_bytes', pg_database_size(current_database()),
    'connections', (SELECT count(*) FROM pg_stat_activity WHERE usesysid IS NOT NULL),
    'connections_max', current_setting('max_connections')::bigint,
    'transaction', greatest(0, extract(epoch FROM $1::timestamptz)::bigint - (SELECT since FROM held),
                            (SELECT extract(epoch FROM $1::timestamptz - min(xact_start))::bigint FROM pg_stat_activity
                              WHERE datname = current_database() AND pid <> pg_backend_pid())),
    'default_bundles', EXISTS (SELECT FROM webmunk.bundle_default WHERE received > '-infinity' LIMIT 1),
    'default_points', EXISTS (SELECT FROM webmunk.data_point_default WHERE recorded > '-infinity' LIMIT 1),
    'months_ahead', (
        SELECT coalesce(min(m) - 1, 12) FROM generate_series(0, 12) AS m
         WHERE to_regclass('webmunk.bundle_' || to_char(($1::timestamptz AT TIME ZONE 'UTC') + m * interval '1 month', 'YYYYMM')) IS NULL),
    'month_left', extract(epoch FROM (date_trunc('month', $1::timestamptz, 'UTC') + interval '1 month') - $1::timestamptz)::bigint)
    || (SELECT jsonb_build_object(
            'exports_waiting', count(*) FILTER (WHERE state = 'queued'),
            'exports_running', count(*) FILTER (WHERE state <> 'queued'),
            'export_wait', coalesce(extract(epoch FROM $1::timestamptz - min(requested) FILTER (WHERE state = 'queued'))::bigint, 0))
          FROM webmunk.export WHERE state IN ('queued', 'counting', 'running', 'packing'))
    || (SELECT jsonb_build_object(
            'deliveries_waiting', count(*) FILTER (WHERE state IN ('waiting', 'sending')),
            'deliveries_failed', count(*) FILTER (WHERE state = 'failed'))
          FROM webmunk.delivery)
    || jsonb_build_object(
    'days_behind', (SELECT count(*) FROM webmunk.export_day d
                      JOIN webmunk.study y ON y.id = d.study_id
                      LEFT JOIN webmunk.export e ON e.id = d.export_id
                     WHERE (d.day + 1)::timestamp AT TIME ZONE y.time_zone < $1::timestamptz - interval '12 hours'
                       AND (d.export_id IS NULL OR e.state IN ('queued', 'counting', 'running', 'packing', 'failed'))))
    || (SELECT jsonb_build_object(
            'mail_waiting', count(*) FILTER (WHERE state = 'waiting'),
            'mail_failed', count(*) FILTER (WHERE state = 'failed'),
            'mail_unsent', count(*) FILTER (WHERE state = 'unsent'),
            'mail_wait', coalesce(extract(epoch FROM $1::timestamptz - min(added) FILTER (WHERE state = 'waiting'))::bigint, 0))
          FROM webmunk.mail WHERE added > $1::timestamptz - interval '7 days')
    || (SELECT jsonb_build_object(
            'forward_wait', coalesce(max(f.wait) FILTER (WHERE NOT f.paused), 0),
            'servers', coalesce(jsonb_agg(to_jsonb(f) ORDER BY f.name), '[]'))
          FROM (SELECT s.name, s.paused, s.failures,
                       coalesce(greatest(extract(epoch FROM $1::timestamptz - webmunk.forward_oldest(s))::bigint, 0), 0) AS wait
                  FROM webmunk.data_server s) AS f);

-- name: health_keep
SELECT webmunk.health_keep($1::timestamptz, $2::text::jsonb, $3::text::jsonb);

-- name: health_newest
SELECT jsonb_build_object('at', extract(epoch FROM taken)::bigint,
                          'age', greatest(0, extract(epoch FROM $1::timestamptz - taken)::bigint),
                          'state', state, 'facts', facts, 'checks', checks)
  FROM webmunk.health_sample WHERE span = 'minute' ORDER BY at DESC LIMIT 1;

-- name: page_health
-- $1 the time, $2 the time zone, $3 so many steps of $4 seconds each, from samples of the span $5; where nothing was
-- sampled is a gap.
WITH step AS (
    SELECT b.bin, to_timestamp(b.bin * $4::int8) AS at
      FROM generate_series(floor(extract(epoch FROM $1::timestamptz) / $4::int8)::bigint - $3::int8 + 1,
                           floor(extract(epoch FROM $1::timestamptz) / $4::int8)::bigint) AS b(bin)
)
SELECT jsonb_build_object(
    'taken', (SELECT webmunk.page_time(taken, $2::text) FROM webmunk.health_sample WHERE span = 'minute' ORDER BY at DESC LIMIT 1),
    'rows', (SELECT jsonb_agg(jsonb_build_object(
                 'label', to_char(b.at AT TIME ZONE $2::text, CASE WHEN $3::int8 * $4::int8 > 86400 THEN 'MM-DD HH24:MI' ELSE 'HH24:MI' END),
                 'local', to_char(b.at AT TIME ZONE $2::text, 'YYYY-MM-DD HH24:MI'), 'state', m.state,
                 'bundles', m.bundles, 'points', m.points, 'quarantined', m.quarantined, 'waiting', m.waiting,
                 'connections', m.connections, 'database_mb', round(m.database_bytes / 1048576.0, 1),
                 'free_gb', round(m.free_bytes / 1073741824.0, 2)) ORDER BY b.bin)
  FROM step b
  LEFT JOIN (SELECT floor(extract(epoch FROM at) / $4::int8)::bigint AS bin, sum(bundles) AS bundles, sum(points) AS points,
                    sum(quarantined) AS quarantined, max(waiting) AS waiting, max(connections) AS connections,
                    max(database_bytes) AS database_bytes, min(free_bytes) AS free_bytes,
                    (array_agg(state ORDER BY array_position(ARRAY['critical', 'warning', 'ok'], state)))[1] AS state
               FROM webmunk.health_sample
              WHERE span = $5::text AND at >= (SELECT min(f.at) FROM step f) GROUP BY 1) AS m USING (bin)));
