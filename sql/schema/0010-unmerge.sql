-- SPDX-License-Identifier: Apache-2.0
-- The way back from a merge (0009-merge.sql).

-- The way back: the next days of the holder, with P_BATCH points or so, a day at least.  What goes back is
-- what a merge took from the origin's family, and what was sent under one of its names since.
-- NULL when nothing is left.
CREATE FUNCTION source_merge_back(p_merge bigint, p_batch integer) RETURNS bigint LANGUAGE plpgsql
SET plan_cache_mode = force_generic_plan SET enable_hashjoin = off SET enable_mergejoin = off SET jit = off AS $$
DECLARE
    m source_merge;
    family bigint[];
    names text[];
    generators integer[];
    days date[];
    k_generator integer[];
    k_created timestamptz[];
    k_digest uuid[];
    twins bigint[];
    moved bigint;
BEGIN
    SELECT * INTO m FROM source_merge WHERE id = p_merge FOR UPDATE;
    family := ARRAY(SELECT source_merge_family(m.origin_id));
    names := ARRAY(SELECT identifier FROM source WHERE id = ANY (family));
    SELECT * INTO generators, days FROM source_merge_next(m.holder_id, m.reached, p_batch);
    IF generators IS NULL THEN
        PERFORM source_merge_back_rest(m, family);
        RETURN NULL;
    END IF;
    SELECT array_agg(b.generator_id), array_agg(b.created), array_agg(b.digest)
      INTO k_generator, k_created, k_digest
      FROM (SELECT p.generator_id, p.created, p.digest
              FROM unnest(generators, days) WITH ORDINALITY AS x(generator, day, n)
              JOIN data_point p ON p.source_id = m.holder_id AND p.generator_id = x.generator
                   AND p.created >= x.day::timestamp AT TIME ZONE 'UTC'
                   AND p.created < (x.day + 1)::timestamp AT TIME ZONE 'UTC'
             WHERE p.moved_from = ANY (family)
                OR p.recorded >= m.began AND source_sent(p.properties) = ANY (names)
             ORDER BY x.n, p.created, p.digest) AS b;
    -- What was sent to the origin again meanwhile is the repeat.
    WITH twin AS (
        DELETE FROM data_point d USING unnest(k_generator, k_created, k_digest) AS k(generator, created, digest)
         WHERE d.source_id = m.origin_id AND d.generator_id = k.generator AND d.created = k.created
           AND d.digest = k.digest
        RETURNING d.id)
    SELECT array_agg(id) INTO twins FROM twin;
    PERFORM source_merge_recount(twins, 1);
    UPDATE data_point p
       SET source_id = m.origin_id,
           moved_from = CASE WHEN p.moved_from = ANY (family) AND p.moved_from <> m.origin_id THEN p.moved_from END
      FROM unnest(k_generator, k_created, k_digest) AS k(generator, created, digest)
     WHERE p.source_id = m.holder_id AND p.generator_id = k.generator AND p.created = k.created
       AND p.digest = k.digest;
    GET DIAGNOSTICS moved = ROW_COUNT;
    PERFORM source_merge_back_days(m, generators, days, k_generator, k_created);
    UPDATE source_merge
       SET points = points + moved,
           reached = (SELECT jsonb_build_array(g.identifier, days[cardinality(days)]) FROM generator g
                       WHERE g.id = generators[cardinality(generators)])
     WHERE id = m.id;
    RETURN moved;
END $$;

-- Days of which points (K_*) went back, and of which repeats had been put aside.
CREATE FUNCTION source_merge_back_days(m source_merge, generators integer[], days date[], k_generator integer[],
                                       k_created timestamptz[]) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    part record;
    own source_day;
    returned bigint;
    back bigint;
BEGIN
    PERFORM source_merge_lock(m.origin_id, m.holder_id, generators, days);
    FOR part IN
        SELECT h.*, coalesce(k.points, 0) AS kept_points, coalesce(k.bytes, 0) AS kept_bytes,
               coalesce(k.repeats, 0) AS kept_repeats, k.last_received AS kept_received, coalesce(c.n, 0) AS moved
          FROM unnest(generators, days) WITH ORDINALITY AS u(generator, day, n)
          JOIN source_day h ON h.source_id = m.holder_id AND h.generator_id = u.generator AND h.day = u.day
          LEFT JOIN source_merge_day k ON k.merge_id = m.id AND k.generator_id = u.generator AND k.day = u.day
          LEFT JOIN (SELECT k.generator, (k.created AT TIME ZONE 'UTC')::date AS day, count(*) AS n
                       FROM unnest(k_generator, k_created) AS k(generator, created) GROUP BY 1, 2) AS c
                 ON c.generator = u.generator AND c.day = u.day
         WHERE k.merge_id IS NOT NULL OR c.n > 0
         ORDER BY u.n
    LOOP
        returned := source_merge_return(m, part.generator_id, part.day);
        SELECT * INTO own FROM source_day
         WHERE source_id = m.origin_id AND generator_id = part.generator_id AND day = part.day;
        -- Of bytes sent since nobody knows whose they were: shared out by points.
        back := part.kept_bytes + (part.bytes - part.kept_bytes) * greatest(part.moved - part.kept_points, 0)
                / greatest(part.points - part.kept_points, 1);
        PERFORM source_day_rebuild(m.holder_id, part.generator_id, part.day, part.bytes - back,
            part.repeats - part.kept_repeats,
            CASE WHEN part.moved <= part.kept_points AND part.last_received > part.kept_received
                 THEN part.last_received END);
        PERFORM source_day_rebuild(m.origin_id, part.generator_id, part.day,
            coalesce(own.bytes, 0) + back + returned * back / greatest(part.moved, 1),
            coalesce(own.repeats, 0) + part.kept_repeats - returned, greatest(own.last_received, part.kept_received));
    END LOOP;
END $$;

-- Points of one day that were put aside are points again.
CREATE FUNCTION source_merge_return(m source_merge, p_generator integer, p_day date) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    ids bigint[];
BEGIN
    WITH aside AS (
        DELETE FROM source_merge_repeat r
         WHERE r.merge_id = m.id AND (r.point ->> 'generator_id')::integer = p_generator
           AND ((r.point ->> 'created')::timestamptz AT TIME ZONE 'UTC')::date = p_day
        RETURNING r.point
    ), again AS (
        INSERT INTO data_point SELECT p.* FROM aside CROSS JOIN jsonb_populate_record(NULL::data_point, point) AS p
        ON CONFLICT DO NOTHING RETURNING id)
    SELECT array_agg(id) INTO ids FROM again;
    PERFORM source_merge_recount(ids, -1);
    RETURN coalesce(cardinality(ids), 0);
END $$;

-- Bundles and status go back.
CREATE FUNCTION source_merge_back_rest(m source_merge, family bigint[]) RETURNS void LANGUAGE plpgsql
SET enable_hashjoin = off SET enable_mergejoin = off SET jit = off AS $$
BEGIN
    UPDATE bundle b
       SET source_id = m.origin_id, moved_from = CASE WHEN b.moved_from <> m.origin_id THEN b.moved_from END
     WHERE b.source_id = m.holder_id AND b.moved_from = ANY (family);
    UPDATE bundle_source v
       SET source_id = m.origin_id, moved_from = CASE WHEN v.moved_from <> m.origin_id THEN v.moved_from END
     WHERE v.source_id = m.holder_id AND v.moved_from = ANY (family);
    -- Uploads since: those whose points all went back, then those that both are in.
    UPDATE bundle b SET source_id = m.origin_id
     WHERE b.source_id = m.holder_id AND b.recorded >= m.began
       AND EXISTS (SELECT FROM data_point p WHERE p.recorded = b.recorded AND p.id >> 20 = b.id AND p.source_id = m.origin_id)
       AND NOT EXISTS (SELECT FROM data_point p
                        WHERE p.recorded = b.recorded AND p.id >> 20 = b.id AND p.source_id = m.holder_id);
    INSERT INTO bundle_source (bundle_id, received, source_id)
    SELECT b.id, b.received, m.origin_id
      FROM source_bundle v JOIN bundle b ON b.id = v.bundle_id AND b.received = v.received
     WHERE v.source_id = m.holder_id AND b.recorded >= m.began AND b.source_id IS DISTINCT FROM m.origin_id
       AND EXISTS (SELECT FROM data_point p WHERE p.recorded = b.recorded AND p.id >> 20 = b.id AND p.source_id = m.origin_id)
    ON CONFLICT DO NOTHING;
    PERFORM FROM source_status t JOIN source s ON s.id = t.source_id
      WHERE s.id IN (m.origin_id, m.holder_id) ORDER BY s.identifier FOR UPDATE OF t;
    INSERT INTO source_status SELECT t.* FROM jsonb_populate_record(NULL::source_status, m.status) AS t
     WHERE m.status IS NOT NULL
    ON CONFLICT DO NOTHING;
    UPDATE source_status t
       SET points = coalesce(d.points, 0), repeats = coalesce(d.repeats, 0), last_received = d.received,
           last_created = d.created,
           last_sign_of_life = CASE WHEN t.source_id = m.origin_id THEN greatest(t.last_sign_of_life, d.received)
                                    ELSE d.received END,
           quarantined = CASE WHEN t.source_id = m.origin_id THEN t.quarantined
                              ELSE greatest(t.quarantined - coalesce((m.status ->> 'quarantined')::bigint, 0), 0) END
      FROM (SELECT s.id, x.* FROM unnest(ARRAY[m.origin_id, m.holder_id]) AS s(id)
             CROSS JOIN LATERAL (SELECT sum(d.points) AS points, sum(d.repeats) AS repeats,
                                        max(d.last_received) AS received, max(d.last_created) AS created
                                   FROM source_day d WHERE d.source_id = s.id) AS x) AS d
     WHERE t.source_id = d.id;
    DELETE FROM source_merge_day WHERE merge_id = m.id;
END $$;
