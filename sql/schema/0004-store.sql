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

-- Types of their own, because names of OUT parameters would be read again with every call.
CREATE TYPE dictionary_ids AS (source_ids bigint[], study_ids bigint[], merged boolean, generator_ids integer[],
                               agent_ids integer[]);
CREATE TYPE points_stored AS (missing boolean, stored integer, source_ids bigint[], counts jsonb);
CREATE TYPE bundles_stored AS (missing boolean, repeats boolean, ids bigint[]);

-- The ids of dictionary texts, in their order; NULL when a row is missing.  The row of a source that
-- was merged into another has that one's id and study at hand.
CREATE FUNCTION dictionary_find(p_sources text[], p_generators text[], p_agent_generators text[],
                                p_agent_user_agents text[]) RETURNS dictionary_ids
LANGUAGE plpgsql STABLE AS $$
DECLARE
    ids dictionary_ids;
BEGIN
    SELECT f.source_ids, f.study_ids, f.merged,
           ARRAY(SELECT (SELECT id FROM generator WHERE identifier = p_generators[i] LIMIT 1)
                   FROM generate_series(1, cardinality(p_generators)) AS i),
           ARRAY(SELECT (SELECT id FROM agent
                          WHERE generator || E'\x01' || user_agent
                                = p_agent_generators[i] || E'\x01' || p_agent_user_agents[i] LIMIT 1)
                   FROM generate_series(1, cardinality(p_agent_generators)) AS i)
      INTO ids
      FROM (SELECT coalesce(array_agg(coalesce(s.merged_into, s.id)), '{}') AS source_ids,
                   array_agg(coalesce(s.study_id, 0)) AS study_ids, bool_or(s.merged_into IS NOT NULL) AS merged
              FROM generate_series(1, cardinality(p_sources)) AS i
              LEFT JOIN LATERAL (SELECT * FROM source WHERE identifier = p_sources[i] LIMIT 1) AS s ON true) AS f;
    IF array_position(ids.source_ids, NULL) IS NOT NULL OR array_position(ids.generator_ids, NULL) IS NOT NULL
       OR array_position(ids.agent_ids, NULL) IS NOT NULL THEN
        RETURN NULL;
    END IF;
    RETURN ids;
END $$;

-- Add groups of source_day (g_*) and the news of sources (n_*).  Both are sorted by the texts of source
-- and generator, so that two writers take the rows in the same order and cannot deadlock.  With a merged
-- source among them two may be one, and its place is that of the other's text: one after the other.
CREATE FUNCTION rollups_add(
    ids dictionary_ids, p_agent_user_agents text[],
    g_source integer[], g_generator integer[], g_day integer[], g_points integer[], g_bytes bigint[],
    g_quarters bit(96)[], g_first timestamptz[], g_last timestamptz[], g_first_received timestamptz[],
    g_last_received timestamptz[], g_minute integer[], g_hour integer[], g_daily integer[], g_lag_sum float8[],
    g_lag_max float8[], g_ahead integer[], g_repeats integer[],
    n_source integer[], n_agent integer[], n_received timestamptz[], n_created timestamptz[], n_battery float8[],
    n_battery_at timestamptz[], n_points integer[], n_repeats integer[]) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    source_ids CONSTANT bigint[] := ids.source_ids;
    generator_ids CONSTANT integer[] := ids.generator_ids;
    agent_ids CONSTANT integer[] := ids.agent_ids;
    turns integer[] := '{NULL}'; -- all at once
    one integer;
BEGIN
    IF ids.merged THEN
        turns := ARRAY(SELECT n.i FROM generate_subscripts(source_ids, 1) AS n(i)
                         JOIN source s ON s.id = source_ids[n.i] ORDER BY s.identifier, n.i);
    END IF;
    FOREACH one IN ARRAY turns LOOP
        WITH rolled AS (
            INSERT INTO source_day AS d
            SELECT source_ids[g_source[i]], generator_ids[g_generator[i]], date '1970-01-01' + g_day[i], g_points[i],
                   g_bytes[i], g_quarters[i], g_first[i], g_last[i], g_first_received[i], g_last_received[i],
                   g_minute[i], g_hour[i], g_daily[i], g_lag_sum[i], g_lag_max[i], g_ahead[i], coalesce(g_repeats[i], 0)
              FROM generate_series(1, cardinality(g_source)) AS i
             WHERE one IS NULL OR g_source[i] = one
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
        )
        INSERT INTO source_status AS t (source_id, last_received, last_created, last_sign_of_life, agent_id,
                                        client, version, battery, battery_at, points, repeats)
        SELECT source_ids[n_source[i]], n_received[i], n_created[i], n_received[i], agent_ids[n_agent[i]],
               left(split_part(p_agent_user_agents[n_agent[i]], '/', 1), 200),
               left(split_part(split_part(p_agent_user_agents[n_agent[i]], '/', 2), ' ', 1), 100),
               n_battery[i], n_battery_at[i], coalesce(n_points[i], 0), coalesce(n_repeats[i], 0)
          FROM generate_series(1, cardinality(n_source)) AS i
         WHERE one IS NULL OR n_source[i] = one
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
            repeats = t.repeats + excluded.repeats;
    END LOOP;
END $$;

-- Only the digest of a bundle's body tells that its points without a time of their own are known, and it
-- shows when it is committed: of uploads that are the same and come together one after the other.
CREATE FUNCTION bodies_lock(p_digests uuid[]) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended(digest::text, 0))
       FROM (SELECT u.digest FROM unnest(p_digests) AS u(digest) ORDER BY 1) AS d;
END $$;

-- Bundles, each of one source with nothing but points, and all their points: what many requests have
-- waiting costs little more than what one has.  The caller has sorted the points by texts of source
-- and generator, created and digest, so that two writers take the entries of the index that keeps
-- repeats out in the same order and cannot deadlock.  Dictionary arrays are indexed from 1.  An array
-- that would say the same of all points may be NULL: bundle 1, source 1, no flags, no secondary
-- identifier, no place.  The counts of bundle i are those behind b_counts_end[i - 1] up to
-- b_counts_end[i].  Elements of arrays are taken by subscript: that costs a third of unnest() of a
-- dozen arrays.
-- missing: a dictionary lacks a row; call dictionary_make and come again.  repeats: something here is
-- known already, by its digest or, when it holds points without a time of their own (p_doubtful), by
-- the bundle's; points_store is for these.  Nothing is stored in both cases.
-- A lock that somebody holds on one source must not hold up the others: 55P03 after a second.
CREATE FUNCTION bundles_store(
    p_recorded timestamptz, b_uid uuid[], b_received timestamptz[], b_body_digest uuid[], b_client text[],
    b_method text[], b_form text[], b_token text[], b_encrypted boolean[], b_compressed boolean[],
    b_request_bytes bigint[], b_json_bytes bigint[], b_ignored integer[], b_keep float8[], b_body bytea[],
    p_doubtful uuid[], b_source integer[], b_points integer[], b_counts_end integer[], c_generator integer[],
    c_points integer[], c_bytes bigint[], p_bundle integer[],
    p_sources text[], p_generators text[], p_agent_generators text[], p_agent_user_agents text[],
    p_ordinal integer[], p_source integer[], p_generator integer[], p_agent integer[],
    p_created timestamptz[], p_digest uuid[], p_secondary text[], p_longitude float8[], p_latitude float8[],
    p_flags integer[], p_properties jsonb[],
    g_source integer[], g_generator integer[], g_day integer[], g_points integer[], g_bytes bigint[],
    g_quarters bit(96)[], g_first timestamptz[], g_last timestamptz[], g_first_received timestamptz[],
    g_last_received timestamptz[], g_minute integer[], g_hour integer[], g_daily integer[], g_lag_sum float8[],
    g_lag_max float8[], g_ahead integer[],
    n_source integer[], n_agent integer[], n_received timestamptz[], n_created timestamptz[], n_battery float8[],
    n_battery_at timestamptz[], n_points integer[])
RETURNS bundles_stored LANGUAGE plpgsql
SET plan_cache_mode = force_generic_plan SET jit = off SET lock_timeout = '1s' AS $$
DECLARE
    ids CONSTANT dictionary_ids := dictionary_find(p_sources, p_generators, p_agent_generators,
                                                   p_agent_user_agents);
    source_ids CONSTANT bigint[] := ids.source_ids;
    study_ids CONSTANT bigint[] := ids.study_ids;
    generator_ids CONSTANT integer[] := ids.generator_ids;
    agent_ids CONSTANT integer[] := ids.agent_ids;
    bundle_ids bigint[];
BEGIN
    IF source_ids IS NULL THEN
        RETURN ROW(true, false, NULL)::bundles_stored;
    END IF;
    IF p_doubtful IS NOT NULL THEN
        PERFORM bodies_lock(p_doubtful);
        IF EXISTS (SELECT FROM bundle WHERE body_digest = ANY (p_doubtful)) THEN
            RETURN ROW(false, true, NULL)::bundles_stored;
        END IF;
    END IF;
    p_recorded := coalesce(p_recorded, now());
    bundle_ids := ARRAY(SELECT nextval('bundle_id_seq') FROM generate_series(1, cardinality(b_uid)));
    -- Repeats are rare, and recognising them row by row (ON CONFLICT) costs a tenth of everything.
    BEGIN
        INSERT INTO data_point (id, source_id, created, recorded, digest, generator_id, agent_id, flags,
                                longitude, latitude, secondary_identifier, properties)
        SELECT bundle_ids[coalesce(p_bundle[i], 1)] << 20 | p_ordinal[i], source_ids[coalesce(p_source[i], 1)],
               p_created[i], p_recorded, p_digest[i], generator_ids[p_generator[i]], agent_ids[p_agent[i]],
               coalesce(p_flags[i], 0), p_longitude[i], p_latitude[i], p_secondary[i], p_properties[i]
          FROM generate_series(1, cardinality(p_ordinal)) AS i;
        INSERT INTO bundle (id, received, recorded, uid, body_digest, source_id, client, method, form, token,
                            encrypted, compressed, request_bytes, json_bytes, points, ignored,
                            generator_counts, body_expires, body)
        SELECT bundle_ids[i], b_received[i], p_recorded, b_uid[i], b_body_digest[i], source_ids[b_source[i]],
               b_client[i], b_method[i], b_form[i], b_token[i], b_encrypted[i], b_compressed[i],
               b_request_bytes[i], b_json_bytes[i], b_points[i], b_ignored[i],
               (SELECT jsonb_agg(jsonb_build_array(study_ids[b_source[i]], generator_ids[c_generator[c]],
                                                   c_points[c], c_bytes[c]))
                  FROM generate_series(coalesce(b_counts_end[i - 1], 0) + 1, b_counts_end[i]) AS c),
               CASE WHEN b_body[i] IS NOT NULL THEN p_recorded + make_interval(secs => b_keep[i]) END, b_body[i]
          FROM generate_series(1, cardinality(b_uid)) AS i;
    EXCEPTION WHEN unique_violation THEN
        RETURN ROW(false, true, NULL)::bundles_stored;
    END;
    PERFORM rollups_add(ids, p_agent_user_agents, g_source, g_generator, g_day, g_points, g_bytes, g_quarters,
        g_first, g_last, g_first_received, g_last_received, g_minute, g_hour, g_daily, g_lag_sum, g_lag_max,
        g_ahead, NULL, n_source, n_agent, n_received, n_created, n_battery, n_battery_at, n_points, NULL);
    RETURN ROW(false, false, bundle_ids)::bundles_stored;
END $$;

-- The groups of source_day once more, now that it shows which points of bundle P_BUNDLE were new: the
-- row in the table is theirs.
CREATE FUNCTION points_group(
    p_bundle bigint, p_received timestamptz, source_ids bigint[], generator_ids integer[],
    p_ordinal integer[], p_source integer[], p_generator integer[], p_created timestamptz[], p_digest uuid[],
    p_bytes integer[])
RETURNS TABLE (source integer, generator integer, day integer, points integer, bytes bigint, quarters bit(96),
               first timestamptz, last timestamptz, minute integer, hour integer, daily integer,
               lag_sum float8, lag_max float8, ahead integer, repeats integer)
LANGUAGE sql STABLE AS $$
    WITH given AS (
        SELECT coalesce(p_source[i], 1) AS source, p_generator[i] AS generator, p_created[i] AS created,
               p_bytes[i] AS bytes, floor(extract(epoch FROM p_created[i]) / 86400)::integer AS day,
               floor(extract(epoch FROM p_created[i]) / 900)::bigint AS quarter,
               extract(epoch FROM p_received - p_created[i])::float8 AS lag,
               EXISTS (SELECT FROM data_point d
                        WHERE d.source_id = source_ids[coalesce(p_source[i], 1)]
                          AND d.generator_id = generator_ids[p_generator[i]]
                          AND d.created = p_created[i] AND d.digest = p_digest[i]
                          AND d.id = p_bundle << 20 | p_ordinal[i]) AS fresh
          FROM generate_series(1, cardinality(p_ordinal)) AS i)
    SELECT source, generator, day,
           (count(*) FILTER (WHERE fresh))::integer,
           coalesce(sum(bytes) FILTER (WHERE fresh), 0),
           coalesce(bit_or(set_bit(B'0'::bit(96), (quarter - day * 96::bigint)::integer, 1)) FILTER (WHERE fresh),
                    B'0'::bit(96)),
           min(created) FILTER (WHERE fresh), max(created) FILTER (WHERE fresh),
           (count(*) FILTER (WHERE fresh AND lag <= 60))::integer,
           (count(*) FILTER (WHERE fresh AND lag <= 3600))::integer,
           (count(*) FILTER (WHERE fresh AND lag <= 86400))::integer,
           coalesce(sum(lag) FILTER (WHERE fresh), 0), greatest(max(lag) FILTER (WHERE fresh), 0),
           (count(*) FILTER (WHERE fresh AND lag < -300))::integer,
           (count(*) FILTER (WHERE NOT fresh))::integer
      FROM given GROUP BY 1, 2, 3 ORDER BY 1, 2, 3
$$;

-- Store points of bundle P_BUNDLE, some of which may be known, their rollups and the news of their
-- source, all in the caller's transaction.  Arrays as for bundles_store; moreover NULL: not untimed.  An
-- untimed point (no usable time of its own, created = received) is a repeat only when a bundle with this
-- body is known.  The groups count all points as new; when some are not, they are counted again here.
CREATE FUNCTION points_store(
    p_bundle bigint, p_received timestamptz, p_recorded timestamptz, p_body_digest uuid,
    p_untimed boolean[], p_bytes integer[],
    p_sources text[], p_generators text[], p_agent_generators text[], p_agent_user_agents text[],
    p_ordinal integer[], p_source integer[], p_generator integer[], p_agent integer[],
    p_created timestamptz[], p_digest uuid[], p_secondary text[], p_longitude float8[], p_latitude float8[],
    p_flags integer[], p_properties jsonb[],
    g_source integer[], g_generator integer[], g_day integer[], g_points integer[], g_bytes bigint[],
    g_quarters bit(96)[], g_first timestamptz[], g_last timestamptz[], g_first_received timestamptz[],
    g_last_received timestamptz[], g_minute integer[], g_hour integer[], g_daily integer[], g_lag_sum float8[],
    g_lag_max float8[], g_ahead integer[],
    n_source integer[], n_agent integer[], n_received timestamptz[], n_created timestamptz[], n_battery float8[],
    n_battery_at timestamptz[], n_points integer[])
RETURNS points_stored LANGUAGE plpgsql SET plan_cache_mode = force_generic_plan SET jit = off AS $$
DECLARE
    ids CONSTANT dictionary_ids := dictionary_find(p_sources, p_generators, p_agent_generators,
                                                   p_agent_user_agents);
    source_ids CONSTANT bigint[] := ids.source_ids;
    study_ids CONSTANT bigint[] := ids.study_ids;
    generator_ids CONSTANT integer[] := ids.generator_ids;
    agent_ids CONSTANT integer[] := ids.agent_ids;
    g_repeats integer[];
    n_repeats integer[];
    known boolean := false;
    stored integer;
    counts jsonb;
BEGIN
    IF source_ids IS NULL THEN
        RETURN ROW(true, 0, NULL, NULL)::points_stored;
    END IF;
    IF p_untimed IS NOT NULL THEN
        PERFORM bodies_lock(ARRAY[p_body_digest]);
        known := EXISTS (SELECT FROM bundle WHERE body_digest = p_body_digest);
    END IF;
    INSERT INTO data_point (id, source_id, created, recorded, digest, generator_id, agent_id, flags,
                            longitude, latitude, secondary_identifier, properties)
    SELECT p_bundle << 20 | p_ordinal[i], source_ids[coalesce(p_source[i], 1)], p_created[i], p_recorded,
           p_digest[i], generator_ids[p_generator[i]], agent_ids[p_agent[i]], coalesce(p_flags[i], 0),
           p_longitude[i], p_latitude[i], p_secondary[i], p_properties[i]
      FROM generate_series(1, cardinality(p_ordinal)) AS i
     WHERE NOT known OR NOT p_untimed[i]
    ON CONFLICT DO NOTHING;
    GET DIAGNOSTICS stored = ROW_COUNT;

    IF stored < cardinality(p_ordinal) THEN
        SELECT array_agg(source), array_agg(generator), array_agg(day), array_agg(points), array_agg(bytes),
               array_agg(quarters), array_agg(first), array_agg(last), array_agg(minute), array_agg(hour),
               array_agg(daily), array_agg(lag_sum), array_agg(lag_max), array_agg(ahead), array_agg(repeats)
          INTO g_source, g_generator, g_day, g_points, g_bytes, g_quarters, g_first, g_last, g_minute, g_hour,
               g_daily, g_lag_sum, g_lag_max, g_ahead, g_repeats
          FROM points_group(p_bundle, p_received, source_ids, generator_ids, p_ordinal, p_source, p_generator,
                            p_created, p_digest, p_bytes);
        SELECT array_agg(coalesce(c.points, 0) ORDER BY i), array_agg(coalesce(c.repeats, 0) ORDER BY i)
          INTO n_points, n_repeats
          FROM generate_series(1, cardinality(n_source)) AS i
          LEFT JOIN (SELECT g_source[g] AS source, sum(g_points[g]) AS points, sum(g_repeats[g]) AS repeats
                       FROM generate_series(1, cardinality(g_source)) AS g GROUP BY 1) AS c
                 ON c.source = n_source[i];
        g_first_received := array_fill(p_received, ARRAY[cardinality(g_source)]);
        g_last_received := g_first_received;
    END IF;
    PERFORM rollups_add(ids, p_agent_user_agents, g_source, g_generator, g_day, g_points, g_bytes, g_quarters,
        g_first, g_last, g_first_received, g_last_received, g_minute, g_hour, g_daily, g_lag_sum, g_lag_max,
        g_ahead, g_repeats, n_source, n_agent, n_received, n_created, n_battery, n_battery_at, n_points, n_repeats);
    SELECT jsonb_agg(jsonb_build_array(study_ids[g_source[i]], generator_ids[g_generator[i]], g_points[i], g_bytes[i]))
      INTO counts
      FROM generate_series(1, cardinality(g_source)) AS i;
    RETURN ROW(false, stored, source_ids, counts)::points_stored;
END $$;
