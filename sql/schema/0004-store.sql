-- SPDX-License-Identifier: Apache-2.0
-- Partitions and the one transaction that stores a bundle.

-- Make the partition of PARENT for the month of MONTH: what the default partition holds of that
-- month moves over in the same transaction, because a plain CREATE fails as soon as one device's
-- clock ran ahead.  Returns false when it is there already.
CREATE FUNCTION partition_make(parent text, month date) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = webmunk, pg_temp AS $$
DECLARE
    low timestamptz := date_trunc('month', month::timestamp) AT TIME ZONE 'UTC';
    high timestamptz := (date_trunc('month', month::timestamp) + interval '1 month') AT TIME ZONE 'UTC';
    child text := parent || '_' || to_char(month, 'YYYYMM');
    key text;
BEGIN
    key := CASE parent WHEN 'data_point' THEN 'created' WHEN 'bundle' THEN 'received' END;
    IF key IS NULL THEN
        RAISE EXCEPTION 'table % has no monthly partitions', parent;
    END IF;
    IF to_regclass(format('webmunk.%I', child)) IS NOT NULL THEN
        RETURN false;
    END IF;
    PERFORM set_config('lock_timeout', '5s', true);
    EXECUTE format('LOCK TABLE %I IN SHARE UPDATE EXCLUSIVE MODE', parent);
    EXECUTE format('LOCK TABLE %I IN ACCESS EXCLUSIVE MODE', parent || '_default');
    EXECUTE format('CREATE TABLE %I (LIKE %I INCLUDING ALL)', child, parent);
    EXECUTE format('WITH moved AS (DELETE FROM %I WHERE %I >= %L AND %I < %L RETURNING *)
                    INSERT INTO %I SELECT * FROM moved',
                   parent || '_default', key, low, key, high, child);
    EXECUTE format('ALTER TABLE %I ATTACH PARTITION %I FOR VALUES FROM (%L) TO (%L)',
                   parent, child, low, high);
    RETURN true;
END $$;

-- The partitions from BACK months ago to AHEAD months from now.  Returns how many were made.
CREATE FUNCTION partitions_ahead(ahead integer DEFAULT 3, back integer DEFAULT 3) RETURNS integer
LANGUAGE plpgsql AS $$
DECLARE
    made integer := 0;
    m integer;
BEGIN
    FOR m IN -back .. ahead LOOP
        made := made
            + partition_make('data_point', ((now() AT TIME ZONE 'UTC') + m * interval '1 month')::date)::integer
            + partition_make('bundle', ((now() AT TIME ZONE 'UTC') + m * interval '1 month')::date)::integer;
    END LOOP;
    RETURN made;
END $$;

-- Rows of the dictionaries, in an order of their own so that two writers cannot deadlock.  Runs in
-- a transaction before the one that stores.
CREATE FUNCTION dictionary_make(p_sources text[], p_generators text[], p_agent_generators text[],
                                p_agent_user_agents text[], p_now timestamptz) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO source (identifier, name, study_id, added)
    SELECT t, t, (SELECT id FROM study WHERE is_default AND accept_unlisted), coalesce(p_now, now())
      FROM (SELECT DISTINCT t COLLATE "C" AS t FROM unnest(p_sources) AS u(t) ORDER BY 1) AS d
     WHERE NOT EXISTS (SELECT FROM source WHERE identifier = t)
    ON CONFLICT DO NOTHING;
    INSERT INTO generator (identifier, label, added)
    SELECT t, t, coalesce(p_now, now())
      FROM (SELECT DISTINCT t COLLATE "C" AS t FROM unnest(p_generators) AS u(t) ORDER BY 1) AS d
     WHERE NOT EXISTS (SELECT FROM generator WHERE identifier = t)
    ON CONFLICT DO NOTHING;
    INSERT INTO agent (generator, user_agent)
    SELECT g, a
      FROM (SELECT DISTINCT g COLLATE "C" AS g, a COLLATE "C" AS a
              FROM unnest(p_agent_generators, p_agent_user_agents) AS u(g, a) ORDER BY 1, 2) AS d
     WHERE NOT EXISTS (SELECT FROM agent WHERE generator || E'\x01' || user_agent = g || E'\x01' || a)
    ON CONFLICT DO NOTHING;
END $$;

-- Store points of bundle P_BUNDLE, their rollups and the news of their sources, all in the caller's
-- transaction.  Rows go in by the order of the index that keeps repeats out, so that two writers
-- cannot deadlock.  Dictionary arrays are indexed from 1.  An untimed point (no usable time of its
-- own, created = received) is a repeat only when a bundle with this body is known.
-- missing: a dictionary lacks a row; nothing was done, call dictionary_make and come again.
CREATE FUNCTION points_store(
    p_bundle bigint, p_received timestamptz, p_recorded timestamptz, p_body_digest uuid,
    p_sources text[], p_generators text[], p_agent_generators text[], p_agent_user_agents text[],
    p_ordinal integer[], p_source integer[], p_generator integer[], p_agent integer[],
    p_created timestamptz[], p_untimed boolean[], p_digest uuid[], p_secondary text[],
    p_longitude float8[], p_latitude float8[], p_flags integer[], p_properties jsonb[],
    p_bytes integer[], p_day integer[], p_quarter integer[], p_lag float8[],
    p_news_source integer[], p_news_agent integer[], p_news_created timestamptz[], p_news_battery float8[],
    OUT missing boolean, OUT stored integer, OUT source_ids bigint[], OUT counts jsonb)
LANGUAGE plpgsql AS $$
DECLARE
    study_ids bigint[];
    generator_ids integer[];
    agent_ids integer[];
    new_ids bigint[];
    known boolean := false;
BEGIN
    -- LATERAL with LIMIT keeps these index look-ups whatever the statistics say.
    SELECT array_agg(s.id ORDER BY n), array_agg(coalesce(s.study_id, 0) ORDER BY n)
      INTO source_ids, study_ids
      FROM unnest(p_sources) WITH ORDINALITY AS u(t, n)
      LEFT JOIN LATERAL (SELECT id, study_id FROM source WHERE identifier = t LIMIT 1) AS s ON true;
    SELECT array_agg(g.id ORDER BY n) INTO generator_ids
      FROM unnest(p_generators) WITH ORDINALITY AS u(t, n)
      LEFT JOIN LATERAL (SELECT id FROM generator WHERE identifier = t LIMIT 1) AS g ON true;
    SELECT array_agg(a.id ORDER BY n) INTO agent_ids
      FROM unnest(p_agent_generators, p_agent_user_agents) WITH ORDINALITY AS u(g, a, n)
      LEFT JOIN LATERAL (SELECT id FROM agent
                          WHERE generator || E'\x01' || user_agent = u.g || E'\x01' || u.a LIMIT 1) AS a ON true;
    missing := array_position(source_ids, NULL) IS NOT NULL
            OR array_position(generator_ids, NULL) IS NOT NULL
            OR array_position(agent_ids, NULL) IS NOT NULL;
    IF missing THEN
        RETURN;
    END IF;
    IF true = ANY (p_untimed) THEN
        known := EXISTS (SELECT FROM bundle WHERE body_digest = p_body_digest);
    END IF;

    WITH made AS (
        INSERT INTO data_point (id, source_id, created, recorded, digest, generator_id, agent_id, flags,
                                longitude, latitude, secondary_identifier, properties)
        SELECT p_bundle << 20 | u.ordinal, source_ids[u.source], u.created, p_recorded, u.digest,
               generator_ids[u.generator], agent_ids[u.agent], u.flags, u.longitude, u.latitude,
               u.secondary, u.properties
          FROM unnest(p_ordinal, p_source, p_generator, p_agent, p_created, p_untimed, p_digest,
                      p_secondary, p_longitude, p_latitude, p_flags, p_properties)
               AS u(ordinal, source, generator, agent, created, untimed, digest, secondary, longitude,
                    latitude, flags, properties)
         WHERE NOT (known AND u.untimed)
         ORDER BY 2, 6, 3, 5
        ON CONFLICT DO NOTHING
        RETURNING id)
    SELECT array_agg(id), count(*) INTO new_ids, stored FROM made;

    WITH given AS (
        SELECT u.*, new.id IS NOT NULL AS fresh
          FROM unnest(p_ordinal, p_source, p_generator, p_created, p_bytes, p_day, p_quarter, p_lag)
               AS u(ordinal, source, generator, created, bytes, day, quarter, lag)
          LEFT JOIN unnest(new_ids) AS new(id) ON new.id = (p_bundle << 20 | u.ordinal)
    ), grouped AS (
        SELECT source, generator, day,
               count(*) FILTER (WHERE fresh) AS points,
               coalesce(sum(bytes) FILTER (WHERE fresh), 0) AS bytes,
               coalesce(bit_or(set_bit(B'0'::bit(96), quarter, 1)) FILTER (WHERE fresh), B'0'::bit(96)) AS quarters,
               min(created) FILTER (WHERE fresh) AS first_created,
               max(created) FILTER (WHERE fresh) AS last_created,
               count(*) FILTER (WHERE fresh AND lag <= 60) AS lag_minute,
               count(*) FILTER (WHERE fresh AND lag <= 3600) AS lag_hour,
               count(*) FILTER (WHERE fresh AND lag <= 86400) AS lag_day,
               coalesce(sum(lag) FILTER (WHERE fresh), 0) AS lag_sum,
               coalesce(max(lag) FILTER (WHERE fresh), 0) AS lag_max,
               count(*) FILTER (WHERE fresh AND lag < -300) AS ahead,
               count(*) FILTER (WHERE NOT fresh) AS repeats
          FROM given GROUP BY 1, 2, 3
    ), rolled AS (
        INSERT INTO source_day AS d
        SELECT source_ids[source], generator_ids[generator], date '1970-01-01' + day, points, bytes, quarters,
               first_created, last_created, p_received, p_received, lag_minute, lag_hour, lag_day,
               lag_sum, lag_max, ahead, repeats
          FROM grouped ORDER BY 1, 2, 3
        ON CONFLICT (source_id, generator_id, day) DO UPDATE SET
            points = d.points + excluded.points,
            bytes = d.bytes + excluded.bytes,
            quarters = d.quarters | excluded.quarters,
            first_created = least(d.first_created, excluded.first_created),
            last_created = greatest(d.last_created, excluded.last_created),
            first_received = least(d.first_received, excluded.first_received),
            last_received = greatest(d.last_received, excluded.last_received),
            lag_minute = d.lag_minute + excluded.lag_minute,
            lag_hour = d.lag_hour + excluded.lag_hour,
            lag_day = d.lag_day + excluded.lag_day,
            lag_sum = d.lag_sum + excluded.lag_sum,
            lag_max = greatest(d.lag_max, excluded.lag_max),
            ahead = d.ahead + excluded.ahead,
            repeats = d.repeats + excluded.repeats
    ), noted AS (
        INSERT INTO source_status AS t (source_id, last_received, last_created, last_sign_of_life, agent_id,
                                        client, version, battery, battery_at, points, repeats)
        SELECT source_ids[u.source], p_received, u.created, p_received, agent_ids[u.agent],
               left(split_part(a.user_agent, '/', 1), 200),
               left(split_part(split_part(a.user_agent, '/', 2), ' ', 1), 100),
               u.battery, CASE WHEN u.battery IS NOT NULL THEN p_received END,
               coalesce(c.points, 0), coalesce(c.repeats, 0)
          FROM unnest(p_news_source, p_news_agent, p_news_created, p_news_battery)
               AS u(source, agent, created, battery)
          LEFT JOIN (SELECT source, sum(points) AS points, sum(repeats) AS repeats FROM grouped GROUP BY 1) AS c
               USING (source)
         CROSS JOIN LATERAL (SELECT p_agent_user_agents[u.agent]) AS a(user_agent)
         ORDER BY 1
        ON CONFLICT (source_id) DO UPDATE SET
            last_received = greatest(t.last_received, excluded.last_received),
            last_created = greatest(t.last_created, excluded.last_created),
            last_sign_of_life = greatest(t.last_sign_of_life, excluded.last_sign_of_life),
            agent_id = CASE WHEN excluded.last_received >= t.last_received THEN excluded.agent_id ELSE t.agent_id END,
            client = CASE WHEN excluded.last_received >= t.last_received THEN excluded.client ELSE t.client END,
            version = CASE WHEN excluded.last_received >= t.last_received THEN excluded.version ELSE t.version END,
            battery = CASE WHEN excluded.battery_at >= coalesce(t.battery_at, '-infinity')
                           THEN excluded.battery ELSE t.battery END,
            battery_at = greatest(t.battery_at, excluded.battery_at),
            points = t.points + excluded.points,
            repeats = t.repeats + excluded.repeats
    )
    SELECT jsonb_agg(jsonb_build_array(study, generator, points, bytes)) INTO counts
      FROM (SELECT study_ids[source] AS study, generator_ids[generator] AS generator,
                   sum(points) AS points, sum(bytes) AS bytes
              FROM grouped WHERE points > 0 GROUP BY 1, 2) AS c;
END $$;

-- Fold the counts of bundles whose transactions have all ended into arrival.  Called by whoever
-- reads arrivals and by a job; a second caller at the same time leaves it to the first.
CREATE FUNCTION arrival_fold() RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = webmunk, pg_temp AS $$
DECLARE
    low xid8;
    high xid8 := pg_snapshot_xmin(pg_current_snapshot());
BEGIN
    SELECT position INTO low FROM arrival_mark FOR UPDATE SKIP LOCKED;
    IF low IS NULL OR low >= high THEN
        RETURN;
    END IF;
    INSERT INTO arrival AS t (study_id, generator_id, hour, points, bundles, bytes)
    SELECT study, generator, hour, sum(points), sum(bundles), sum(bytes)
      FROM arrival_of(low, high) GROUP BY 1, 2, 3 ORDER BY 1, 3, 2
    ON CONFLICT (study_id, hour, generator_id) DO UPDATE SET
        points = t.points + excluded.points,
        bundles = t.bundles + excluded.bundles,
        bytes = t.bytes + excluded.bytes;
    UPDATE arrival_mark SET position = high;
END $$;

-- What the bundles from position LOW to below HIGH (NULL: no bound) brought, per study, generator
-- and hour; generator 0 counts each bundle once per study.
CREATE FUNCTION arrival_of(low xid8, high xid8,
    OUT study bigint, OUT generator integer, OUT hour timestamptz, OUT points bigint, OUT bundles bigint,
    OUT bytes bigint) RETURNS SETOF record
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = webmunk, pg_temp AS $$
    WITH counted AS (
        SELECT b.id, date_trunc('hour', b.received, 'UTC') AS hour, (c ->> 0)::bigint AS study,
               (c ->> 1)::integer AS generator, (c ->> 2)::bigint AS points, (c ->> 3)::bigint AS bytes
          FROM bundle b CROSS JOIN LATERAL jsonb_array_elements(b.generator_counts) AS c
         WHERE b.position >= low AND (high IS NULL OR b.position < high))
    SELECT study, generator, hour, sum(points)::bigint, count(*), sum(bytes)::bigint
      FROM counted GROUP BY 1, 2, 3
    UNION ALL
    SELECT study, 0, hour, sum(points)::bigint, count(DISTINCT id), sum(bytes)::bigint
      FROM counted GROUP BY 1, 3
$$;

-- Arrivals of a study since SINCE: what is folded, and what came after.
CREATE FUNCTION arrival_since(p_study bigint, since timestamptz,
    OUT generator integer, OUT hour timestamptz, OUT points bigint, OUT bundles bigint, OUT bytes bigint)
RETURNS SETOF record
LANGUAGE sql STABLE AS $$
    SELECT generator, hour, sum(points)::bigint, sum(bundles)::bigint, sum(bytes)::bigint
      FROM (SELECT a.generator_id AS generator, a.hour, a.points, a.bundles, a.bytes
              FROM arrival a WHERE a.study_id = p_study AND a.hour >= since
            UNION ALL
            SELECT o.generator, o.hour, o.points, o.bundles, o.bytes
              FROM arrival_mark m CROSS JOIN LATERAL arrival_of(m.position, NULL) AS o
             WHERE o.study = p_study AND o.hour >= since) AS x
     GROUP BY 1, 2
$$;
