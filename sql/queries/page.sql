-- SPDX-License-Identifier: Apache-2.0
-- The pages.  Each statement answers one JSON object; $1 is the study and $2 the time unless said
-- otherwise.  Times are page_time() objects, to which C adds words.

-- name: page_study
-- $1 0: the default study.
SELECT jsonb_build_object(
           'id', y.id, 'slug', y.slug, 'name', y.name, 'time_zone', y.time_zone,
           'late_after', extract(epoch FROM y.late_after)::bigint,
           'silent_after', extract(epoch FROM y.silent_after)::bigint,
           'start_grace', extract(epoch FROM y.start_grace)::bigint,
           'now', page_time($2::timestamptz, y.time_zone))
  FROM study y
 WHERE y.id = $1::bigint OR ($1::bigint = 0 AND y.is_default);

-- name: page_overview
WITH y AS (
    SELECT * FROM study WHERE id = $1::bigint
), p AS MATERIALIZED (
    SELECT * FROM source_states($2::timestamptz) WHERE study_id = $1::bigint
), n AS (
    SELECT state, count(*) AS count FROM p GROUP BY state
), versions AS (
    -- What silent participants have in common, against those who send.
    SELECT p.client, p.version, count(*) FILTER (WHERE p.state IN ('silent', 'late')) AS silent,
           count(*) FILTER (WHERE p.state IN ('active', 'partial', 'clock')) AS sending
      FROM p WHERE coalesce(p.version, '') <> '' GROUP BY 1, 2
), totals AS (
    SELECT sum(silent) AS silent, sum(sending) AS sending FROM versions
), shared AS (
    SELECT v.client, v.version, v.silent, t.silent AS silent_all, v.sending, t.sending AS sending_all
      FROM versions v, totals t
     WHERE v.silent >= 3 AND v.silent * 2 > t.silent
       AND v.sending::numeric / greatest(t.sending, 1) * 2 < v.silent::numeric / t.silent
     ORDER BY v.silent DESC LIMIT 3
), attention AS (
    SELECT p.*, g.name AS group_name,
           CASE
               WHEN p.state = 'never' THEN 'never'
               WHEN p.state = 'clock' THEN 'clock'
               WHEN p.state = 'partial' THEN 'required'
               WHEN p.last_sign_of_life > p.last_received + interval '1 hour' THEN 'alive'
               WHEN p.battery < 10 THEN 'battery'
               WHEN EXISTS (SELECT FROM shared h WHERE h.client = p.client AND h.version = p.version)
               THEN 'version'
               ELSE 'unknown'
           END AS cause
      FROM p LEFT JOIN source_group g ON g.id = p.group_id
     WHERE p.state IN ('never', 'silent', 'late', 'partial', 'clock')
     ORDER BY p.state = 'partial' DESC, p.since NULLS LAST, p.id
     LIMIT 20
)
SELECT jsonb_build_object(
    'counts', coalesce((SELECT jsonb_object_agg(state, count) FROM n), '{}'),
    'attention', coalesce((
        SELECT jsonb_agg(jsonb_build_object(
                   'id', a.id, 'identifier', a.identifier, 'name', a.name, 'group', a.group_name,
                   'state', a.state, 'since', page_time(a.since, y.time_zone),
                   'sign_of_life', page_time(a.last_sign_of_life, y.time_zone),
                   'received', page_time(a.last_received, y.time_zone), 'cause', a.cause,
                   'battery', round(a.battery), 'version', a.version)
                   ORDER BY a.state = 'partial' DESC, a.since NULLS LAST, a.id)
          FROM attention a, y), '[]'),
    'shared', coalesce((SELECT jsonb_agg(to_jsonb(h)) FROM shared h), '[]'),
    'unassigned', (SELECT count(*) FROM source WHERE study_id IS NULL AND erased IS NULL),
    -- More than a thousand is as bad as a thousand, and costs no more.
    'quarantined', (SELECT count(*) FROM (
        SELECT FROM quarantine WHERE received > $2::timestamptz - interval '24 hours' LIMIT 1001) AS q));

-- name: page_arrivals
-- The last 48 hours of received points and bundles against the same hour of the four weeks before.
WITH y AS (
    SELECT time_zone FROM study WHERE id = $1::bigint
), a AS MATERIALIZED (
    SELECT hour, points, bundles
      FROM arrival_since($1::bigint, date_trunc('hour', $2::timestamptz, 'UTC') - interval '30 days')
     WHERE generator = 0
), first AS (
    SELECT min(hour) AS hour FROM a
), hours AS (
    SELECT h AS hour
      FROM generate_series(date_trunc('hour', $2::timestamptz, 'UTC') - interval '47 hours',
                           date_trunc('hour', $2::timestamptz, 'UTC'), interval '1 hour') AS h
), usual AS (
    SELECT h.hour, count(*) AS days,
           percentile_cont(ARRAY[0.1, 0.9]) WITHIN GROUP (ORDER BY coalesce(a.points, 0)) AS band
      FROM hours h
     CROSS JOIN generate_series(1, 28) AS back
      JOIN first f ON h.hour - back * interval '24 hours' >= f.hour
      LEFT JOIN a ON a.hour = h.hour - back * interval '24 hours'
     GROUP BY 1
)
SELECT jsonb_build_object(
    'rows', (SELECT jsonb_agg(jsonb_build_object(
                        'hour', to_char(h.hour AT TIME ZONE y.time_zone, 'YYYY-MM-DD HH24:MI'),
                        'points', coalesce(a.points, 0), 'bundles', coalesce(a.bundles, 0),
                        'low', CASE WHEN u.days >= 3 THEN round(u.band[1]) END,
                        'high', CASE WHEN u.days >= 3 THEN round(u.band[2]) END) ORDER BY h.hour)
               FROM hours h LEFT JOIN a ON a.hour = h.hour LEFT JOIN usual u ON u.hour = h.hour),
    'points', (SELECT coalesce(sum(a.points), 0) FROM a JOIN hours USING (hour)),
    'bundles', (SELECT coalesce(sum(a.bundles), 0) FROM a JOIN hours USING (hour)),
    'usual', EXISTS (SELECT FROM usual WHERE days >= 3))
  FROM y;

-- name: page_generators
-- Per generator of the study: who sent within 24 hours, and received points of 14 days.
WITH y AS (
    SELECT time_zone FROM study WHERE id = $1::bigint
), a AS (
    SELECT generator, (hour AT TIME ZONE 'UTC')::date AS day, sum(points) AS points, max(hour) AS hour
      FROM arrival_since($1::bigint, date_trunc('day', $2::timestamptz, 'UTC') - interval '13 days')
     WHERE generator > 0 GROUP BY 1, 2
), recent AS (
    SELECT generator_id AS generator, sources, received FROM generator_recent WHERE study_id = $1::bigint
), listed AS (
    SELECT generator FROM a UNION SELECT generator FROM recent
    UNION SELECT generator_id FROM study_generator WHERE study_id = $1::bigint
)
SELECT coalesce(jsonb_agg(jsonb_build_object(
           'generator', g.identifier, 'label', g.label, 'kind', g.kind,
           'required', coalesce(e.required, false), 'sources', coalesce(r.sources, 0),
           'received', page_time(coalesce(r.received, t.hour), y.time_zone), 'points', t.points, 'days', t.days)
           ORDER BY coalesce(e.required, false) DESC, t.points DESC, g.identifier), '[]')
  FROM listed l CROSS JOIN y
  JOIN generator g ON g.id = l.generator
  LEFT JOIN recent r ON r.generator = l.generator
  LEFT JOIN study_generator e ON e.study_id = $1::bigint AND e.generator_id = l.generator
 CROSS JOIN LATERAL (
     SELECT coalesce(sum(a.points), 0) AS points, max(a.hour) AS hour,
            jsonb_agg(coalesce(a.points, 0) ORDER BY d) AS days
       FROM generate_series(13, 0, -1) AS back
      CROSS JOIN LATERAL (SELECT ($2::timestamptz AT TIME ZONE 'UTC')::date - back AS d) AS x
       LEFT JOIN a ON a.generator = l.generator AND a.day = x.d) AS t;

-- name: page_participants
-- $3 part of id or name, $4 states separated by commas, $5 group ("-": without one), $6 column,
-- $7 descending, $8 and $9 key and id of the row that the page begins behind (id 0: at the start),
-- $10 backwards, $11 rows.  One more row than asked for tells that there is another page.
WITH y AS (
    SELECT time_zone FROM study WHERE id = $1::bigint
), p AS MATERIALIZED (
    SELECT p.*, g.name AS group_name,
           (CASE $6::text
                WHEN 'state' THEN sort_key(state_rank(p.state)::bigint)
                WHEN 'name' THEN lower(p.name)
                WHEN 'group' THEN coalesce(lower(g.name), '')
                WHEN 'enrolled' THEN sort_key(p.added)
                WHEN 'received' THEN sort_key(p.last_received)
                WHEN 'life' THEN sort_key(p.last_sign_of_life)
                WHEN 'created' THEN sort_key(p.last_created)
                WHEN 'points' THEN sort_key(p.points)
                WHEN 'battery' THEN sort_key(round(p.battery)::bigint)
                WHEN 'client' THEN coalesce(lower(p.client || ' ' || p.version), '')
                ELSE p.identifier
            END) COLLATE "C" AS key
      FROM source_states($2::timestamptz) p
      LEFT JOIN source_group g ON g.id = p.group_id
     WHERE p.study_id = $1::bigint
       AND ($3::text IS NULL
            OR position(lower($3::text) IN lower(p.identifier || ' ' || p.name)) > 0)
       AND ($5::text IS NULL OR ($5::text = '-' AND g.name IS NULL) OR g.name = $5::text)
), chosen AS MATERIALIZED (
    SELECT * FROM p WHERE $4::text IS NULL OR state = ANY (string_to_array($4::text, ','))
), shown AS (
    SELECT * FROM chosen
     WHERE $9::bigint = 0
        OR CASE WHEN $7::boolean <> $10::boolean THEN (key, id) < ($8::text COLLATE "C", $9::bigint)
                ELSE (key, id) > ($8::text COLLATE "C", $9::bigint) END
     ORDER BY CASE WHEN $7::boolean <> $10::boolean THEN key END DESC,
              CASE WHEN $7::boolean <> $10::boolean THEN id END DESC, key, id
     LIMIT $11::bigint + 1
)
SELECT jsonb_build_object(
    'total', (SELECT count(*) FROM chosen),
    'counts', coalesce((SELECT jsonb_object_agg(state, count)
                          FROM (SELECT state, count(*) FROM p GROUP BY 1) AS n), '{}'),
    'groups', coalesce((SELECT jsonb_agg(name ORDER BY name) FROM source_group
                         WHERE study_id = $1::bigint), '[]'),
    'rows', coalesce((
        SELECT jsonb_agg(jsonb_build_object(
                   'id', c.id, 'identifier', c.identifier, 'name', c.name, 'group', c.group_name,
                   'state', c.state, 'enrolled', page_time(c.added, y.time_zone),
                   'received', page_time(c.last_received, y.time_zone),
                   'sign_of_life', page_time(c.last_sign_of_life, y.time_zone),
                   'created', page_time(c.last_created, y.time_zone), 'points', c.points,
                   'points_7d', w.points, 'generators_7d', w.generators, 'hours', w.hours,
                   'lag', w.lag, 'battery', round(c.battery), 'client', c.client, 'version', c.version,
                   'key', c.key)
                   ORDER BY CASE WHEN $7::boolean THEN c.key END DESC,
                            CASE WHEN $7::boolean THEN c.id END DESC, c.key, c.id)
          FROM shown c CROSS JOIN y
         CROSS JOIN LATERAL (
             SELECT coalesce(sum(x.points) FILTER (WHERE back < 7), 0) AS points,
                    coalesce(max(x.generators) FILTER (WHERE back < 7), 0) AS generators,
                    jsonb_agg(coalesce(quarters_hours(x.quarters), 0) ORDER BY back DESC) AS hours,
                    CASE WHEN sum(x.points) > 0 THEN
                        CASE WHEN sum(x.lag_minute) * 2 >= sum(x.points) THEN 'minute'
                             WHEN sum(x.lag_hour) * 2 >= sum(x.points) THEN 'hour'
                             WHEN sum(x.lag_day) * 2 >= sum(x.points) THEN 'day'
                             ELSE 'more' END END AS lag
               FROM generate_series(0, 13) AS back
               LEFT JOIN (SELECT d.day, sum(d.points) AS points, count(*) FILTER (WHERE d.points > 0) AS generators,
                                 bit_or(d.quarters) AS quarters, sum(d.lag_minute) AS lag_minute,
                                 sum(d.lag_hour) AS lag_hour, sum(d.lag_day) AS lag_day
                            FROM source_day d
                           WHERE d.source_id = c.id AND d.day >= ($2::timestamptz AT TIME ZONE 'UTC')::date - 13
                           GROUP BY 1) AS x
                 ON x.day = ($2::timestamptz AT TIME ZONE 'UTC')::date - back) AS w), '[]'));

-- name: page_unassigned
-- $1 the study whose clock is shown; $3 part of the id, $4 id that the page begins behind,
-- $5 backwards, $6 rows.  Newest first by id, which is the order of first sight.
WITH y AS (
    SELECT time_zone FROM study WHERE id = $1::bigint
), p AS (
    SELECT * FROM source s
     WHERE s.study_id IS NULL AND s.erased IS NULL
       AND ($3::text IS NULL OR position(lower($3::text) IN lower(s.identifier)) > 0)
), shown AS (
    SELECT * FROM p
     WHERE $4::bigint = 0 OR CASE WHEN $5::boolean THEN id > $4::bigint ELSE id < $4::bigint END
     ORDER BY CASE WHEN $5::boolean THEN id END, CASE WHEN NOT $5::boolean THEN id END DESC
     LIMIT $6::bigint + 1
)
SELECT jsonb_build_object(
    'total', (SELECT count(*) FROM p),
    'waiting', coalesce((SELECT jsonb_agg(identifier) FROM (
        SELECT s.identifier FROM source s LEFT JOIN source_status t ON t.source_id = s.id
         WHERE s.study_id IS NOT NULL AND s.erased IS NULL AND t.last_received IS NULL
           AND length(s.identifier) <= 100
         ORDER BY s.id DESC LIMIT 500) AS w), '[]'),
    'rows', coalesce((
        SELECT jsonb_agg(jsonb_build_object(
                   'id', s.id, 'identifier', s.identifier, 'first', page_time(s.added, y.time_zone),
                   'received', page_time(t.last_received, y.time_zone), 'points', coalesce(t.points, 0),
                   'generators', (SELECT count(DISTINCT d.generator_id) FROM source_day d WHERE d.source_id = s.id),
                   'client', t.client, 'version', t.version) ORDER BY s.id DESC)
          FROM shown s CROSS JOIN y LEFT JOIN source_status t ON t.source_id = s.id), '[]'));

-- name: page_participant
-- $3 the identifier.  Sources on no list are shown too.
SELECT jsonb_build_object(
           'id', p.id, 'identifier', p.identifier, 'name', p.name, 'group', g.name, 'state', p.state,
           'since', page_time(p.since, y.time_zone), 'enrolled', page_time(p.added, y.time_zone),
           'received', page_time(p.last_received, y.time_zone),
           'sign_of_life', page_time(p.last_sign_of_life, y.time_zone),
           'created', page_time(p.last_created, y.time_zone), 'client', p.client, 'version', p.version,
           'battery', round(p.battery), 'battery_at', page_time(p.battery_at, y.time_zone),
           'points', p.points, 'repeats', p.repeats, 'quarantined', p.quarantined,
           'paused_until', page_time(s.paused_until, y.time_zone))
  FROM source_states($2::timestamptz) p
  JOIN source s ON s.id = p.id
  JOIN study y ON y.id = $1::bigint
  LEFT JOIN source_group g ON g.id = p.group_id
 WHERE p.identifier = $3::text AND (p.study_id = $1::bigint OR p.study_id IS NULL);

-- name: page_completeness
-- $1 the source, $3 days.  Hours expected: what the study sets; else the participant's own median
-- of the same weekday over four weeks; else the whole day.
WITH s AS (
    SELECT s.study_id, (s.added AT TIME ZONE 'UTC')::date AS enrolled,
           (least(s.completed, s.withdrawn, y.ends) AT TIME ZONE 'UTC')::date AS ended,
           ($2::timestamptz AT TIME ZONE 'UTC')::date AS today
      FROM source s LEFT JOIN study y ON y.id = s.study_id WHERE s.id = $1::bigint
), g AS (
    SELECT d.generator_id AS id, min(d.day) AS first, max(d.day) AS last FROM source_day d
     WHERE d.source_id = $1::bigint AND d.points > 0 GROUP BY 1
    UNION
    SELECT e.generator_id, NULL, NULL FROM study_generator e JOIN s USING (study_id)
     WHERE e.required AND NOT EXISTS (SELECT FROM source_day d WHERE d.source_id = $1::bigint
                                         AND d.generator_id = e.generator_id AND d.points > 0)
), days AS (
    SELECT g.id, g.first, x.day, coalesce(d.points, 0) AS points,
           coalesce(quarters_hours(d.quarters), 0) AS hours
      FROM g CROSS JOIN s
     CROSS JOIN LATERAL generate_series(27 + $3::bigint, 0, -1) AS back
     CROSS JOIN LATERAL (SELECT s.today - back::integer AS day) AS x
      LEFT JOIN source_day d ON d.source_id = $1::bigint AND d.generator_id = g.id AND d.day = x.day
), before AS (
    SELECT d.*, ARRAY[CASE WHEN day - 7 >= first THEN lag(hours, 7) OVER w END,
                      CASE WHEN day - 14 >= first THEN lag(hours, 14) OVER w END,
                      CASE WHEN day - 21 >= first THEN lag(hours, 21) OVER w END,
                      CASE WHEN day - 28 >= first THEN lag(hours, 28) OVER w END] AS weekdays
      FROM days d WINDOW w AS (PARTITION BY id ORDER BY day)
), usual AS (
    SELECT id, percentile_cont(0.5) WITHIN GROUP (ORDER BY points) AS points
      FROM days WHERE points > 0 GROUP BY id
), cells AS (
    SELECT b.id, b.day, b.points, b.hours, c.hours AS own, u.points AS usual
      FROM before b CROSS JOIN s
      LEFT JOIN usual u ON u.id = b.id
     CROSS JOIN LATERAL (SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY h) AS hours
                           FROM unnest(b.weekdays) AS h) AS c
     WHERE b.day > s.today - $3::bigint::integer
), judged AS (
    SELECT c.id, c.day, c.points, c.hours, k.kind, e.required, x.expected,
           CASE WHEN e.expected_hours IS NOT NULL THEN 'study'
                WHEN c.own > 0 THEN 'own' ELSE 'day' END AS basis,
           CASE WHEN c.day < s.enrolled AND c.points = 0 OR c.day > s.ended THEN 'blank'
                WHEN c.points > 10 * c.usual THEN 'burst'
                WHEN k.kind IN ('event', 'once') THEN CASE WHEN c.points > 0 THEN 'some' ELSE 'quiet' END
                WHEN c.points = 0 THEN 'none'
                WHEN k.kind = 'daily' THEN 'full'
                WHEN c.hours < 0.25 * x.expected THEN 'thin'
                WHEN c.hours <= 0.75 * x.expected THEN 'half'
                ELSE 'full' END AS class
      FROM cells c CROSS JOIN s
      JOIN generator k ON k.id = c.id
      LEFT JOIN study_generator e ON e.study_id = s.study_id AND e.generator_id = c.id
     CROSS JOIN LATERAL (SELECT CASE WHEN e.expected_hours IS NOT NULL THEN e.expected_hours
                                     WHEN c.own > 0 THEN round(c.own) ELSE 24 END AS expected) AS x
)
SELECT jsonb_build_object(
    'days', (SELECT jsonb_agg(to_char(s.today - back::integer, 'YYYY-MM-DD') ORDER BY back DESC)
               FROM s, generate_series(0, $3::bigint - 1) AS back),
    'generators', coalesce((
        SELECT jsonb_agg(row ORDER BY row -> 'required' DESC, row ->> 'kind', row ->> 'generator')
          FROM (SELECT jsonb_build_object(
                           'generator', k.identifier, 'label', k.label, 'kind', k.kind,
                           'required', coalesce(bool_or(j.required), false),
                           'cells', jsonb_agg(jsonb_build_object(
                               'day', to_char(j.day, 'YYYY-MM-DD'), 'points', j.points, 'hours', j.hours,
                               'expected', j.expected, 'basis', j.basis, 'class', j.class)
                               ORDER BY j.day)) AS row
                  FROM judged j JOIN generator k ON k.id = j.id GROUP BY k.id) AS r), '[]'),
    'totals', (SELECT jsonb_agg(jsonb_build_object(
                          'day', to_char(x.day, 'YYYY-MM-DD'), 'created', coalesce(c.points, 0),
                          'received', coalesce(r.points, 0)) ORDER BY x.day)
                 FROM s CROSS JOIN generate_series(0, least($3::bigint, 30) - 1) AS back
                CROSS JOIN LATERAL (SELECT s.today - back::integer AS day) AS x
                 LEFT JOIN (SELECT day, sum(points) AS points FROM source_day
                             WHERE source_id = $1::bigint
                               AND day > (SELECT today FROM s) - least($3::bigint, 30)::integer
                             GROUP BY 1) AS c ON c.day = x.day
                 LEFT JOIN (SELECT (b.received AT TIME ZONE 'UTC')::date AS day, sum(b.points) AS points
                              FROM source_bundle v
                              JOIN bundle b ON b.id = v.bundle_id AND b.received = v.received
                             WHERE v.source_id = $1::bigint
                               AND v.received >= ((SELECT today FROM s) - least($3::bigint, 30)::integer + 1)::timestamp AT TIME ZONE 'UTC'
                             GROUP BY 1) AS r ON r.day = x.day));

-- name: page_day
-- $1 the source, $3 the UTC day.
SELECT coalesce(jsonb_agg(jsonb_build_object(
           'generator', g.identifier, 'label', g.label, 'kind', g.kind, 'points', d.points,
           'hours', quarters_hours(d.quarters), 'quarters', d.quarters::text,
           'first', page_time(d.first_created, 'UTC'), 'last', page_time(d.last_created, 'UTC'))
           ORDER BY g.kind, g.identifier), '[]')
  FROM source_day d JOIN generator g ON g.id = d.generator_id
 WHERE d.source_id = $1::bigint AND d.day = $3::text::date AND d.points > 0
   AND $2::timestamptz IS NOT NULL;

-- name: page_source_generators
-- $1 the source, $3 the time zone.
SELECT coalesce(jsonb_agg(jsonb_build_object(
           'generator', g.identifier, 'label', g.label, 'kind', g.kind, 'points', d.points,
           'bytes', d.bytes, 'first', page_time(d.first, $3::text), 'last', page_time(d.last, $3::text),
           'received', page_time(d.received, $3::text), 'hours_7d', d.hours, 'repeats', d.repeats,
           'interval', CASE WHEN d.points > 1
                            THEN round(extract(epoch FROM d.last - d.first) / (d.points - 1)) END,
           'lag', CASE WHEN d.points > 0 THEN
                      CASE WHEN d.lag_minute * 2 >= d.points THEN 'minute'
                           WHEN d.lag_hour * 2 >= d.points THEN 'hour'
                           WHEN d.lag_day * 2 >= d.points THEN 'day' ELSE 'more' END END,
           'lag_max', round(d.lag_max), 'ahead', d.ahead)
           ORDER BY d.received DESC NULLS LAST, g.identifier), '[]')
  FROM (SELECT generator_id, sum(points) AS points, sum(bytes) AS bytes, min(first_created) AS first,
               max(last_created) AS last, max(last_received) AS received, sum(repeats) AS repeats,
               sum(quarters_hours(quarters)) FILTER (
                   WHERE day > ($2::timestamptz AT TIME ZONE 'UTC')::date - 7) AS hours,
               sum(lag_minute) AS lag_minute, sum(lag_hour) AS lag_hour, sum(lag_day) AS lag_day,
               max(lag_max) AS lag_max, sum(ahead) AS ahead
          FROM source_day WHERE source_id = $1::bigint GROUP BY 1) AS d
  JOIN generator g ON g.id = d.generator_id;

-- name: page_uploads
-- $1 the source, $2 the time zone, $3 and $4 received (text) and id that the page begins behind
-- (id 0: at the newest), $5 backwards, $6 rows.
WITH u AS (
    SELECT v.received, v.bundle_id FROM source_bundle v
     WHERE v.source_id = $1::bigint
       AND ($4::bigint = 0
            OR CASE WHEN $5::boolean THEN (v.received, v.bundle_id) > ($3::text::timestamptz, $4::bigint)
                    ELSE (v.received, v.bundle_id) < ($3::text::timestamptz, $4::bigint) END)
     ORDER BY CASE WHEN $5::boolean THEN v.received END, CASE WHEN $5::boolean THEN v.bundle_id END,
              v.received DESC, v.bundle_id DESC
     LIMIT $6::bigint + 1
)
SELECT coalesce(jsonb_agg(jsonb_build_object(
           'bundle', b.id, 'key', b.received, 'received', page_time(b.received, $2::text),
           'recorded', page_time(b.recorded, $2::text), 'bytes', b.request_bytes,
           'json_bytes', b.json_bytes, 'compressed', b.compressed, 'encrypted', b.encrypted,
           'points', b.points, 'repeats', b.repeats, 'quarantined', b.quarantined,
           'ignored', b.ignored, 'client', b.client, 'method', b.method,
           'reasons', (SELECT coalesce(jsonb_agg(DISTINCT q.reason), '[]') FROM quarantine q
                        WHERE b.quarantined > 0 AND q.bundle_id = b.id))
           ORDER BY b.received DESC, b.id DESC), '[]')
  FROM u JOIN bundle b ON b.id = u.bundle_id AND b.received = u.received;

-- name: page_points
-- $1 the source, $2 the time zone, $3 the generator ("": the one that was received last), $4 and $5
-- created (text) and digest (text) that the page begins behind ("": at the newest), $6 backwards,
-- $7 rows.  The only page that reads data_point: by its index, bounded.
WITH g AS (
    SELECT g.id, g.identifier, g.label
      FROM (SELECT generator_id, max(last_received) AS received FROM source_day
             WHERE source_id = $1::bigint GROUP BY 1) AS d
      JOIN generator g ON g.id = d.generator_id
     WHERE $3::text = '' OR g.identifier = $3::text
     ORDER BY d.received DESC NULLS LAST, g.id LIMIT 1
), p AS (
    SELECT d.* FROM data_point d
     WHERE d.source_id = $1::bigint AND d.generator_id = (SELECT id FROM g)
       AND ($5::text = ''
            OR CASE WHEN $6::boolean THEN (d.created, d.digest) > ($4::text::timestamptz, $5::text::uuid)
                    ELSE (d.created, d.digest) < ($4::text::timestamptz, $5::text::uuid) END)
     ORDER BY CASE WHEN $6::boolean THEN d.created END, CASE WHEN $6::boolean THEN d.digest END,
              d.created DESC, d.digest DESC
     LIMIT $7::bigint + 1
)
SELECT jsonb_build_object(
    'generator', (SELECT identifier FROM g), 'label', (SELECT label FROM g),
    'rows', coalesce((
        SELECT jsonb_agg(jsonb_build_object(
                   'id', p.id, 'key', p.created, 'digest', p.digest,
                   'created', page_time(p.created, $2::text), 'recorded', page_time(p.recorded, $2::text),
                   'agent', a.user_agent, 'secondary', p.secondary_identifier,
                   'flags', to_jsonb(flag_names(p.flags)),
                   'bytes', length(p.properties::text),
                   'properties', left(jsonb_pretty(p.properties), 4000),
                   'cut', length(jsonb_pretty(p.properties)) > 4000)
                   ORDER BY p.created DESC, p.digest DESC)
          FROM p LEFT JOIN agent a ON a.id = p.agent_id), '[]'));

-- name: page_arrival_fold
SELECT arrival_fold();

-- name: page_refresh
SELECT study_refresh($1::bigint, $2::timestamptz);
