-- SPDX-License-Identifier: Apache-2.0
-- The page of one participant.  Each statement answers one JSON value; $1 is the source and $2 the
-- time unless said otherwise.

-- name: page_source_name
-- Whom a number in the address means.
SELECT jsonb_build_object('name', identifier) FROM source WHERE id = $1::bigint;

-- name: page_generator_name
SELECT jsonb_build_object('name', identifier) FROM generator WHERE id = $1::bigint;

-- name: page_participant
-- $1 the study, $3 the identifier, or that of one merged into it, $4 the time zone.  Sources on no list
-- are shown too.
SELECT jsonb_build_object(
           'id', p.id, 'identifier', p.identifier, 'name', p.name, 'group', g.name, 'state', p.state,
           'since', page_time(p.since, $4::text), 'enrolled', page_time(p.added, $4::text),
           'received', page_time(p.last_received, $4::text),
           'sign_of_life', page_time(p.last_sign_of_life, $4::text),
           'created', page_time(p.last_created, $4::text), 'client', p.client, 'version', p.version,
           'battery', round(p.battery), 'battery_at', page_time(p.battery_at, $4::text),
           'points', p.points, 'repeats', p.repeats, 'quarantined', p.quarantined,
           'paused_until', page_time(s.paused_until, $4::text), 'study_id', y.id,
           'skipped', source_skipped(s), 'excluded', page_time(s.unexported, $4::text))
  FROM source_states($2::timestamptz) p
  JOIN source s ON s.id = p.id
  JOIN study y ON y.id = $1::bigint
  LEFT JOIN source_group g ON g.id = p.group_id
 WHERE p.id = (SELECT coalesce(merged_into, id) FROM source WHERE identifier = $3::text) AND (p.study_id = $1::bigint OR p.study_id IS NULL);

-- name: page_completeness
-- $3 days (-1: all since the enrolment or the first day with data, up to $4 of them, and beyond ninety
-- up to $5 cells).  Hours expected: what the study sets; else the participant's own median of the same
-- weekday over four weeks; else the whole day.  Of the day of enrolment and of today only the part
-- that counts.
WITH s AS (
    SELECT s.study_id, s.added, (s.added AT TIME ZONE 'UTC')::date AS enrolled,
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
), n AS (
    SELECT f.first, CASE WHEN $3::bigint > 0 THEN $3::bigint
                         ELSE greatest(1, least(s.today - f.first + 1, $4::bigint, greatest(90, $5::bigint / greatest(f.rows, 1))))
                    END::integer AS days
      FROM s CROSS JOIN LATERAL (SELECT least(s.enrolled, min(g.first)) AS first, count(*) AS rows FROM g) AS f
), days AS (
    SELECT g.id, g.first, x.day, coalesce(d.points, 0) AS points,
           coalesce(quarters_hours(d.quarters), 0) AS hours
      FROM g CROSS JOIN s CROSS JOIN n
     CROSS JOIN LATERAL generate_series(27 + n.days, 0, -1) AS back
     CROSS JOIN LATERAL (SELECT s.today - back AS day) AS x
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
      FROM before b CROSS JOIN s CROSS JOIN n
      LEFT JOIN usual u ON u.id = b.id
     CROSS JOIN LATERAL (SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY h) AS hours
                           FROM unnest(b.weekdays) AS h) AS c
     WHERE b.day > s.today - n.days
), judged AS (
    SELECT c.id, c.day, c.points, c.hours, k.kind, e.required, x.expected,
           CASE WHEN x.share < 1 THEN 'part' WHEN e.expected_hours IS NOT NULL THEN 'study'
                WHEN c.own > 0 THEN 'own' ELSE 'day' END AS basis,
           CASE WHEN c.day < s.enrolled AND c.points = 0 OR c.day > s.ended THEN 'blank'
                WHEN c.points = 0 AND k.kind IN ('continuous', 'daily')
                     AND c.day = s.today AND (x.expected = 0 OR k.kind = 'daily') THEN 'blank'
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
     CROSS JOIN LATERAL (SELECT c.day::timestamp AT TIME ZONE 'UTC' AS begins) AS b
     CROSS JOIN LATERAL (SELECT greatest(extract(epoch FROM
            least(b.begins + interval '24 hours', $2::timestamptz)
            - CASE WHEN c.day = s.enrolled THEN s.added ELSE b.begins END) / 86400, 0) AS share) AS p
     CROSS JOIN LATERAL (SELECT p.share, round(p.share::double precision *
            CASE WHEN e.expected_hours IS NOT NULL THEN e.expected_hours
                 WHEN c.own > 0 THEN c.own ELSE 24 END) AS expected) AS x
)
SELECT jsonb_build_object(
    'days', (SELECT jsonb_agg(to_char(s.today - back, 'YYYY-MM-DD') ORDER BY back DESC)
               FROM s, n, generate_series(0, n.days - 1) AS back),
    'cut', (SELECT jsonb_build_object('days', n.days, 'first', to_char(n.first, 'YYYY-MM-DD'))
              FROM s, n WHERE $3::bigint < 0 AND s.today - n.first >= n.days),
    'generators', coalesce((
        SELECT jsonb_agg(row ORDER BY row -> 'required' DESC, row ->> 'kind', row ->> 'generator')
          FROM (SELECT jsonb_build_object(
                           'generator', k.identifier, 'label', k.label, 'kind', k.kind,
                           'required', coalesce(bool_or(j.required), false),
                           'cells', jsonb_agg(jsonb_build_object(
                               'day', to_char(j.day, 'YYYY-MM-DD'), 'points', j.points, 'hours', j.hours,
                               'expected', CASE j.kind WHEN 'continuous' THEN j.expected END, 'basis', j.basis, 'class', j.class)
                               ORDER BY j.day)) AS row
                  FROM judged j JOIN generator k ON k.id = j.id GROUP BY k.id) AS r), '[]'),
    'totals', (SELECT jsonb_agg(jsonb_build_object(
                          'day', to_char(x.day, 'YYYY-MM-DD'), 'created', coalesce(c.points, 0),
                          'received', coalesce(r.points, 0)) ORDER BY x.day)
                 FROM s CROSS JOIN n CROSS JOIN generate_series(0, least(n.days, 30) - 1) AS back
                CROSS JOIN LATERAL (SELECT s.today - back AS day) AS x
                 LEFT JOIN (SELECT day, sum(points) AS points FROM source_day
                             WHERE source_id = $1::bigint
                               AND day > (SELECT s.today - least(n.days, 30) FROM s, n)
                             GROUP BY 1) AS c ON c.day = x.day
                 LEFT JOIN (SELECT (b.received AT TIME ZONE 'UTC')::date AS day, sum(b.points) AS points
                              FROM source_bundle v
                              JOIN bundle b ON b.id = v.bundle_id AND b.received = v.received
                             WHERE v.source_id = $1::bigint
                               AND v.received >= (SELECT s.today - least(n.days, 30) + 1 FROM s, n)::timestamp AT TIME ZONE 'UTC'
                             GROUP BY 1) AS r ON r.day = x.day));

-- name: page_day
-- $3 the UTC day.
SELECT coalesce(jsonb_agg(jsonb_build_object(
           'generator', g.identifier, 'label', g.label, 'kind', g.kind, 'points', d.points,
           'hours', quarters_hours(d.quarters), 'quarters', d.quarters::text,
           'first', page_time(d.first_created, 'UTC'), 'last', page_time(d.last_created, 'UTC'))
           ORDER BY g.kind, g.identifier), '[]')
  FROM source_day d JOIN generator g ON g.id = d.generator_id
 WHERE d.source_id = $1::bigint AND d.day = $3::text::date AND d.points > 0
   AND $2::timestamptz IS NOT NULL;

-- name: page_source_generators
-- $3 the time zone.
SELECT coalesce(jsonb_agg(jsonb_build_object(
           'id', g.id, 'generator', g.identifier, 'label', g.label, 'kind', g.kind, 'points', d.points,
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
                   WHERE ($2::timestamptz AT TIME ZONE 'UTC')::date - day BETWEEN 0 AND 6) AS hours,
               sum(lag_minute) AS lag_minute, sum(lag_hour) AS lag_hour, sum(lag_day) AS lag_day,
               max(lag_max) AS lag_max, sum(ahead) AS ahead
          FROM source_day WHERE source_id = $1::bigint GROUP BY 1) AS d
  JOIN generator g ON g.id = d.generator_id;

-- name: page_uploads
-- $2 the time zone, $3 and $4 received (text) and id that the page begins behind
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
-- $2 the time zone, $3 the generator ("": the one that was received last), $4 and $5
-- created (text) and digest (text) that the page begins behind ("": at the newest), $6 backwards,
-- $7 rows, $8 characters of each document.  The only page that reads data_point: by its index, bounded.
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
                   'bytes', length(t.document),
                   'properties', left(t.document, $8::bigint::integer),
                   'cut', length(t.document) > $8::bigint)
                   ORDER BY p.created DESC, p.digest DESC)
          FROM p LEFT JOIN agent a ON a.id = p.agent_id
         -- Once: a document may be large.
         CROSS JOIN LATERAL (SELECT p.properties::text AS document OFFSET 0) AS t), '[]'));
