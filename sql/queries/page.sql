-- SPDX-License-Identifier: Apache-2.0
-- The pages.  Each statement answers one JSON object; $1 is the study and $2 the time unless said
-- otherwise.  Times are page_time() objects, to which C adds words.

-- name: page_study
-- $1 0: the default study; $3 the time zone that the address asks for (NULL: the study's); $4 account, $5
-- page: the columns of its table that the account has hidden, null when it has not chosen.
SELECT jsonb_build_object(
           'id', y.id, 'slug', y.slug, 'name', y.name, 'time_zone', y.time_zone,
           'late_after', extract(epoch FROM y.late_after)::bigint,
           'silent_after', extract(epoch FROM y.silent_after)::bigint,
           'start_grace', extract(epoch FROM y.start_grace)::bigint,
           'now', page_time($2::timestamptz, coalesce($3::text, y.time_zone)),
           'hidden', (SELECT to_jsonb(c.hidden) FROM account_columns c
                       WHERE c.account_id = $4::bigint AND c.page = $5::text))
  FROM study y
 WHERE y.id = $1::bigint OR ($1::bigint = 0 AND y.is_default);

-- name: page_columns_keep
-- $1 account, $2 page, $3 columns of its table that are not shown.
INSERT INTO account_columns (account_id, page, hidden) VALUES ($1::bigint, $2::text, $3::text[])
ON CONFLICT (account_id, page) DO UPDATE SET hidden = excluded.hidden;

-- name: page_columns_forget
DELETE FROM account_columns WHERE account_id = $1::bigint AND page = $2::text;

-- name: page_studies
-- All studies, the default one first, and which of them the participant called $1, or without a name
-- the one with the number $2, belongs to.
SELECT jsonb_build_object(
    'studies', (SELECT jsonb_agg(jsonb_build_object('id', y.id, 'slug', y.slug, 'name', y.name)
                                 ORDER BY y.is_default DESC, lower(y.name), y.id) FROM study y),
    'of', (SELECT d.study_id FROM source s JOIN source d ON d.id = coalesce(s.merged_into, s.id)
            WHERE s.identifier = $1::text OR ($1::text IS NULL AND s.id = $2::bigint)));

-- name: page_overview
-- $3 studies whose alerts may be seen (NULL: all), $4 also those of the whole server: as many as the
-- page Alerts lists; $5 the time zone.
WITH p AS MATERIALIZED (
    SELECT * FROM source_states($2::timestamptz) WHERE study_id = $1::bigint
), n AS (
    SELECT state, count(*) AS count FROM p GROUP BY state
), traits AS (
    -- What silent participants have in common, against those who send.
    SELECT p.state, x.what, x.value
      FROM p LEFT JOIN source_group g ON g.id = p.group_id
     CROSS JOIN LATERAL (VALUES ('client', p.client || ' ' || p.version), ('group', g.name)) AS x(what, value)
     WHERE p.state IN ('silent', 'active', 'partial', 'clock')
), totals AS (
    SELECT what, count(*) FILTER (WHERE state = 'silent') AS silent,
           count(*) FILTER (WHERE state <> 'silent') AS sending FROM traits GROUP BY what
), shared AS (
    SELECT v.*, t.silent AS silent_all, t.sending AS sending_all
      FROM (SELECT what, value, count(*) FILTER (WHERE state = 'silent') AS silent,
                   count(*) FILTER (WHERE state <> 'silent') AS sending
              FROM traits WHERE value IS NOT NULL GROUP BY 1, 2) AS v
      JOIN totals t ON t.what = v.what
     WHERE v.silent >= 3 AND v.silent * 2 > t.silent
       AND v.sending::numeric / greatest(t.sending, 1) * 2 < v.silent::numeric / t.silent
     ORDER BY v.silent DESC, v.what, v.value LIMIT 3
), attention AS (
    SELECT p.*, g.name AS group_name,
           CASE
               WHEN p.state = 'never' THEN 'never'
               WHEN p.state = 'clock' THEN 'clock'
               WHEN p.state = 'partial' THEN 'required'
               WHEN p.last_sign_of_life > p.last_received + interval '1 hour' THEN 'alive'
               WHEN p.battery < 10 THEN 'battery'
               WHEN EXISTS (SELECT FROM shared h WHERE h.what = 'client' AND h.value = p.client || ' ' || p.version)
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
                   'state', a.state, 'since', page_time(a.since, $5::text),
                   'sign_of_life', page_time(a.last_sign_of_life, $5::text),
                   'received', page_time(a.last_received, $5::text), 'cause', a.cause,
                   'battery', round(a.battery), 'client', a.client, 'version', a.version)
                   ORDER BY a.state = 'partial' DESC, a.since NULLS LAST, a.id)
          FROM attention a), '[]'),
    'shared', coalesce((SELECT jsonb_agg(to_jsonb(h)) FROM shared h), '[]'),
    'alerts', (SELECT jsonb_object_agg(level, count)
                 FROM (SELECT level, count(*) FROM alert
                        WHERE closed IS NULL
                          AND ($3::bigint[] IS NULL OR study_id = ANY ($3::bigint[]) OR (study_id IS NULL AND $4::boolean))
                          AND alert_state(closed, acknowledged, acknowledged_until, $2::timestamptz) = 'open'
                        GROUP BY 1) AS n),
    'unassigned', (SELECT count(*) FROM source WHERE study_id IS NULL AND erased IS NULL AND merged_into IS NULL),
    -- More than a thousand is as bad as a thousand, and costs no more.
    'quarantined', (SELECT count(*) FROM (
        SELECT FROM quarantine WHERE received > $2::timestamptz - interval '24 hours' LIMIT 1001) AS q));

-- name: page_arrivals
-- The last 48 hours of received points and bundles against the same hour of the four weeks before; $3
-- the time zone.
WITH a AS MATERIALIZED (
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
                        'hour', to_char(h.hour AT TIME ZONE $3::text, 'YYYY-MM-DD HH24:MI'),
                        'at', to_char(h.hour AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'),
                        'points', coalesce(a.points, 0), 'bundles', coalesce(a.bundles, 0),
                        'low', CASE WHEN u.days >= 3 THEN round(u.band[1]) END,
                        'high', CASE WHEN u.days >= 3 THEN round(u.band[2]) END) ORDER BY h.hour)
               FROM hours h LEFT JOIN a ON a.hour = h.hour LEFT JOIN usual u ON u.hour = h.hour),
    'points', (SELECT coalesce(sum(a.points), 0) FROM a JOIN hours USING (hour)),
    'bundles', (SELECT coalesce(sum(a.bundles), 0) FROM a JOIN hours USING (hour)),
    'usual', EXISTS (SELECT FROM usual WHERE days >= 3));

-- name: page_generators
-- Per generator of the study: who sent within 24 hours, and received points of 14 days; $3 the time
-- zone.
WITH a AS (
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
           'id', g.id, 'generator', g.identifier, 'label', g.label, 'kind', g.kind,
           'required', coalesce(e.required, false), 'sources', coalesce(r.sources, 0),
           'received', page_time(coalesce(r.received, t.hour), $3::text), 'points', t.points, 'days', t.days)
           ORDER BY coalesce(e.required, false) DESC, t.points DESC, g.identifier), '[]')
  FROM listed l
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
-- $10 backwards, $11 rows, $12 generator of which something was received within 24 hours, $13 the time
-- zone, $14 hours for which nothing was received (0: any), $15 client with version as it is shown, $16
-- generator of which nothing was received within seven days, $17 studies whose alerts may be seen (NULL:
-- all).  One more row than asked for tells that there is another page.
WITH lacking AS MATERIALIZED (
    SELECT id FROM generator WHERE identifier = $16::text
), p AS MATERIALIZED (
    SELECT p.*, g.name AS group_name,
           -- A key goes into the address, therefore it has a bound.
           left(CASE $6::text
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
            END, 120) COLLATE "C" AS key
      FROM source_states($2::timestamptz) p
      LEFT JOIN source_group g ON g.id = p.group_id
     WHERE p.study_id = $1::bigint
       AND ($3::text IS NULL
            OR position(lower($3::text) IN lower(p.identifier || ' ' || p.name)) > 0)
       AND ($5::text IS NULL OR ($5::text = '-' AND g.name IS NULL) OR g.name = $5::text)
       AND ($12::text IS NULL OR EXISTS (
               SELECT FROM source_day d JOIN generator k ON k.id = d.generator_id
                WHERE d.source_id = p.id AND k.identifier = $12::text
                  AND d.day >= ($2::timestamptz AT TIME ZONE 'UTC')::date - 1
                  AND d.last_received > $2::timestamptz - interval '24 hours'))
       AND ($14::bigint = 0
            OR coalesce(p.last_received, p.added) < $2::timestamptz - $14::bigint * interval '1 hour')
       AND ($15::text IS NULL OR (p.client <> '' AND rtrim(concat(p.client, ' ', p.version)) = $15::text))
       -- Who sends it has it on the newest days; what came late is looked for among those of two months.
       AND ($16::text IS NULL OR p.last_received IS NULL
            OR p.last_received <= $2::timestamptz - interval '7 days'
            OR (SELECT true FROM source_day d
                 WHERE d.source_id = p.id AND d.generator_id = (SELECT id FROM lacking)
                   AND d.day > ($2::timestamptz AT TIME ZONE 'UTC')::date - 67
                   AND d.last_received > $2::timestamptz - interval '7 days'
                 ORDER BY d.day DESC LIMIT 1) IS NULL)
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
), alerts AS MATERIALIZED (
    -- Once over what is open, however much is closed: asked for by each row the plan would look so costly
    -- that PostgreSQL compiles it, which takes longer.
    SELECT a.source_id, count(*)
      FROM shown c JOIN alert a ON a.source_id = c.id
     WHERE a.closed IS NULL
       AND ($17::bigint[] IS NULL OR a.study_id = ANY ($17::bigint[]))
       AND alert_state(a.closed, a.acknowledged, a.acknowledged_until, $2::timestamptz) = 'open'
     GROUP BY 1
)
SELECT jsonb_build_object(
    'total', (SELECT count(*) FROM chosen),
    'counts', coalesce((SELECT jsonb_object_agg(state, count)
                          FROM (SELECT state, count(*) FROM p GROUP BY 1) AS n), '{}'),
    'groups', coalesce((SELECT jsonb_agg(name ORDER BY name) FROM source_group
                         WHERE study_id = $1::bigint), '[]'),
    'clients', coalesce((
        SELECT jsonb_agg(jsonb_build_object('client', client, 'count', count) ORDER BY count DESC, client)
          FROM (SELECT rtrim(concat(t.client, ' ', t.version)) AS client, count(*)
                  FROM source s JOIN source_status t ON t.source_id = s.id
                 WHERE s.study_id = $1::bigint AND s.merged_into IS NULL AND t.client <> ''
                 GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT 50) AS n), '[]'),
    -- What the study expects, and what came in the days that the Overview shows: the most first, because
    -- clients may invent any number.
    'generators', coalesce((
        SELECT jsonb_agg(identifier ORDER BY identifier)
          FROM (SELECT g.identifier
                  FROM (SELECT generator_id, false AS expected, sum(points) AS points FROM arrival
                         WHERE study_id = $1::bigint AND generator_id > 0
                           AND hour >= date_trunc('day', $2::timestamptz, 'UTC') - interval '13 days' GROUP BY 1
                        UNION ALL
                        SELECT generator_id, false, 0 FROM generator_recent WHERE study_id = $1::bigint
                        UNION ALL
                        SELECT generator_id, true, 0 FROM study_generator WHERE study_id = $1::bigint) AS l
                  JOIN generator g ON g.id = l.generator_id
                 GROUP BY 1 ORDER BY bool_or(l.expected) DESC, sum(l.points) DESC, 1 LIMIT 100) AS n), '[]'),
    'lacking', EXISTS (SELECT FROM lacking),
    'rows', coalesce((
        SELECT jsonb_agg(jsonb_build_object(
                   'id', c.id, 'identifier', c.identifier, 'name', c.name, 'group', c.group_name,
                   'state', c.state, 'since', page_time(c.since, $13::text),
                   'enrolled', page_time(c.added, $13::text),
                   'received', page_time(c.last_received, $13::text),
                   'sign_of_life', page_time(c.last_sign_of_life, $13::text),
                   'created', page_time(c.last_created, $13::text), 'points', c.points,
                   'points_7d', w.points, 'generators_7d', w.generators, 'hours', w.hours,
                   'lag', w.lag, 'battery', round(c.battery), 'client', c.client, 'version', c.version,
                   'alerts', coalesce(o.count, 0),
                   'key', c.key)
                   ORDER BY CASE WHEN $7::boolean THEN c.key END DESC,
                            CASE WHEN $7::boolean THEN c.id END DESC, c.key, c.id)
          FROM shown c
          LEFT JOIN alerts o ON o.source_id = c.id
         CROSS JOIN LATERAL (
             WITH d AS MATERIALIZED (
                 SELECT ($2::timestamptz AT TIME ZONE 'UTC')::date - d.day AS back, d.* FROM source_day d
                  WHERE d.source_id = c.id AND d.day >= ($2::timestamptz AT TIME ZONE 'UTC')::date - 13
             ), week AS (
                 SELECT coalesce(sum(points), 0) AS points,
                        count(DISTINCT generator_id) FILTER (WHERE points > 0) AS generators,
                        CASE WHEN sum(points) > 0 THEN
                            CASE WHEN sum(lag_minute) * 2 >= sum(points) THEN 'minute'
                                 WHEN sum(lag_hour) * 2 >= sum(points) THEN 'hour'
                                 WHEN sum(lag_day) * 2 >= sum(points) THEN 'day'
                                 ELSE 'more' END END AS lag
                   FROM d WHERE back BETWEEN 0 AND 6
             )
             SELECT w.*, (SELECT jsonb_agg(coalesce(quarters_hours(x.quarters), 0) ORDER BY n DESC)
                            FROM generate_series(0, 13) AS n
                            LEFT JOIN (SELECT back, bit_or(quarters) AS quarters FROM d GROUP BY 1) AS x ON x.back = n) AS hours
               FROM week AS w) AS w), '[]'));

-- name: page_unassigned
-- $1 the study whose waiting ids may be meant; $3 part of the id, $4 id that the page begins behind,
-- $5 backwards, $6 rows, $7 the time zone.  Newest first by id, which is the order of first sight.
WITH p AS (
    SELECT * FROM source s
     WHERE s.study_id IS NULL AND s.erased IS NULL AND s.merged_into IS NULL
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
         WHERE s.study_id = $1::bigint AND s.erased IS NULL AND s.merged_into IS NULL AND t.last_received IS NULL
           AND length(s.identifier) <= 100
         ORDER BY s.id DESC LIMIT 500) AS w), '[]'),
    'rows', coalesce((
        SELECT jsonb_agg(jsonb_build_object(
                   'id', s.id, 'identifier', s.identifier, 'first', page_time(s.added, $7::text),
                   'received', page_time(t.last_received, $7::text), 'points', coalesce(t.points, 0),
                   'generators', (SELECT count(DISTINCT d.generator_id) FROM source_day d WHERE d.source_id = s.id),
                   'client', t.client, 'version', t.version) ORDER BY s.id DESC)
          FROM shown s LEFT JOIN source_status t ON t.source_id = s.id), '[]'));

-- name: page_arrival_fold
SELECT arrival_fold();

-- name: page_refresh
SELECT study_refresh($1::bigint, $2::timestamptz);
