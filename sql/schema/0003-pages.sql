-- SPDX-License-Identifier: Apache-2.0
-- What the researchers' pages ask.  They read rollups: one row per participant, one per participant,
-- generator and day.  Everything takes the time as an argument, so that a page has one clock.

-- What a study expects of a generator.  A required one that stops alone makes the participant
-- Partial; without expected_hours a day is judged by the participant's own median.
CREATE TABLE study_generator (
    study_id bigint NOT NULL REFERENCES study,
    generator_id integer NOT NULL REFERENCES generator,
    required boolean NOT NULL DEFAULT true,
    silent_after interval NOT NULL DEFAULT '24 hours',
    expected_hours smallint CHECK (expected_hours BETWEEN 1 AND 24),
    PRIMARY KEY (study_id, generator_id)
);

-- A moment as pages show it: exact, countable, and by the clock of the study.
CREATE FUNCTION page_time(t timestamptz, zone text) RETURNS jsonb
LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT CASE WHEN t IS NOT NULL AND isfinite(t) THEN jsonb_build_object(
        'at', to_char(t AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'),
        'epoch', extract(epoch FROM t)::bigint,
        'local', to_char(t AT TIME ZONE zone, 'YYYY-MM-DD HH24:MI'),
        'exact', to_char(t AT TIME ZONE zone, 'YYYY-MM-DD HH24:MI:SS')) END
$$;

-- Texts that sort like the values: the key of a page's keyset.  Nothing sorts first.
CREATE FUNCTION sort_key(t timestamptz) RETURNS text LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT coalesce(to_char(extract(epoch FROM t)::numeric * 1000000 + 1000000000000000000,
                            'FM00000000000000000000'), '')
$$;
CREATE FUNCTION sort_key(n bigint) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT coalesce(to_char(n, 'FM0000000000000000000'), '')
$$;

-- Distinct hours of a day's quarter-hours: bit 0 is the first quarter, the leftmost one.
CREATE FUNCTION quarters_hours(q bit(96)) RETURNS integer LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT length(replace(((q | (q << 1) | (q << 2) | (q << 3))
                           & x'888888888888888888888888'::bit(96))::text, '0', ''))
$$;

-- The states in the order in which they are tested; lib/wm_page_view.c has their marks and words.
CREATE FUNCTION state_rank(state text) RETURNS integer LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT array_position(ARRAY['erased', 'withdrawn', 'completed', 'paused', 'invited', 'never', 'silent',
                                'late', 'partial', 'clock', 'active', 'unassigned'], state)
$$;

-- What takes a row per participant, generator and day to know, kept for all pages by whichever of
-- them finds it old: who sends data, but not all or with a wrong clock; and how many participants
-- sent a generator within 24 hours.
CREATE TABLE source_fault (
    source_id bigint PRIMARY KEY REFERENCES source ON DELETE CASCADE,
    study_id bigint NOT NULL,
    fault text NOT NULL CHECK (fault IN ('partial', 'clock'))
);
CREATE INDEX source_fault_by_study ON source_fault (study_id);
CREATE TABLE generator_recent (
    study_id bigint NOT NULL REFERENCES study,
    generator_id integer NOT NULL,
    sources bigint NOT NULL,
    received timestamptz NOT NULL,
    PRIMARY KEY (study_id, generator_id)
);
CREATE TABLE study_refreshed (
    study_id bigint PRIMARY KEY REFERENCES study,
    refreshed timestamptz NOT NULL,
    took interval NOT NULL
);

-- The faults of a study's participants. Partial: a required generator of which nothing was received
-- within its limit; who sends has it on the newest days, so those are asked before a backlog of
-- older ones. Clock: of the last days' points the most are ahead, or the newest lies before the study;
-- only a newest point that is ahead makes it worth asking.
CREATE FUNCTION source_faults(p_study bigint, p_now timestamptz)
RETURNS TABLE (source_id bigint, fault text)
LANGUAGE sql STABLE AS $$
    SELECT s.id, CASE WHEN c.partial THEN 'partial' ELSE 'clock' END
      FROM source s
      JOIN study y ON y.id = s.study_id
      JOIN source_status t ON t.source_id = s.id
     CROSS JOIN LATERAL (SELECT EXISTS (
               SELECT FROM study_generator e
                WHERE e.study_id = s.study_id AND e.required
                  AND NOT EXISTS (
                      SELECT FROM source_day d
                       WHERE d.source_id = s.id AND d.generator_id = e.generator_id
                         AND d.day >= (t.last_received AT TIME ZONE 'UTC')::date
                         AND d.last_received > p_now - e.silent_after)
                  AND NOT EXISTS (
                      SELECT FROM source_day d
                       WHERE d.source_id = s.id AND d.generator_id = e.generator_id
                         AND d.day > ((p_now - e.silent_after) AT TIME ZONE 'UTC')::date - 60
                         AND d.last_received > p_now - e.silent_after)) AS partial,
               t.last_created < y.starts
               OR (t.last_created > t.last_received + interval '5 minutes' AND (
                   SELECT sum(d.ahead) * 2 > sum(d.points) FROM source_day d
                    WHERE d.source_id = s.id
                      AND d.day >= (p_now AT TIME ZONE 'UTC')::date - 7)) AS clock) AS c
     WHERE s.study_id = p_study AND t.last_received >= p_now - y.late_after AND (c.partial OR c.clock)
$$;

-- Bring them up to date, unless that was done twenty times as long ago as it took, so that it never
-- is more than a twentieth of the work. A second caller at the same time leaves it to the first.
CREATE FUNCTION study_refresh(p_study bigint, p_now timestamptz) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = webmunk, pg_temp AS $$
DECLARE
    mark study_refreshed;
    begun timestamptz := clock_timestamp();
BEGIN
    INSERT INTO study_refreshed VALUES (p_study, '1970-01-01', '0') ON CONFLICT DO NOTHING;
    SELECT * INTO mark FROM study_refreshed WHERE study_id = p_study FOR UPDATE SKIP LOCKED;
    IF mark.study_id IS NULL
       OR p_now BETWEEN mark.refreshed AND mark.refreshed + mark.took * 20 THEN
        RETURN;
    END IF;
    WITH found AS MATERIALIZED (
        SELECT * FROM source_faults(p_study, p_now)
    ), gone AS (
        DELETE FROM source_fault f
         WHERE f.study_id = p_study AND NOT EXISTS (SELECT FROM found WHERE found.source_id = f.source_id)
    )
    INSERT INTO source_fault AS f (source_id, study_id, fault)
    SELECT found.source_id, p_study, found.fault FROM found
    ON CONFLICT (source_id) DO UPDATE SET study_id = excluded.study_id, fault = excluded.fault
     WHERE (f.study_id, f.fault) IS DISTINCT FROM (excluded.study_id, excluded.fault);
    WITH found AS MATERIALIZED (
        SELECT d.generator_id, count(DISTINCT d.source_id) AS sources, max(d.last_received) AS received
          FROM source_day d JOIN source s ON s.id = d.source_id AND s.study_id = p_study
         WHERE d.day >= (p_now AT TIME ZONE 'UTC')::date - 1
           AND d.last_received > p_now - interval '24 hours'
         GROUP BY 1
    ), gone AS (
        DELETE FROM generator_recent r
         WHERE r.study_id = p_study
           AND NOT EXISTS (SELECT FROM found WHERE found.generator_id = r.generator_id)
    )
    INSERT INTO generator_recent AS r (study_id, generator_id, sources, received)
    SELECT p_study, found.generator_id, found.sources, found.received FROM found
    ON CONFLICT (study_id, generator_id) DO UPDATE SET sources = excluded.sources, received = excluded.received
     WHERE (r.sources, r.received) IS DISTINCT FROM (excluded.sources, excluded.received);
    UPDATE study_refreshed SET refreshed = p_now, took = clock_timestamp() - begun
     WHERE study_id = p_study;
END $$;

-- Sources with their state at P_NOW (dashboard document, 10.1: the first that applies wins).
-- Silence is judged by the server's clock.  A body of one SELECT, so that conditions of the caller
-- reach the tables; one row per participant is all it reads.
CREATE FUNCTION source_states(p_now timestamptz) RETURNS TABLE (
    id bigint, identifier text, name text, study_id bigint, group_id bigint, added timestamptz,
    state text, since timestamptz, last_received timestamptz, last_sign_of_life timestamptz,
    last_created timestamptz, client text, version text, battery double precision,
    battery_at timestamptz, points bigint, repeats bigint, quarantined bigint)
LANGUAGE sql STABLE AS $$
    SELECT s.id, s.identifier, s.name, s.study_id, s.group_id, s.added, c.state,
           CASE c.state
               WHEN 'erased' THEN s.erased
               WHEN 'withdrawn' THEN s.withdrawn
               WHEN 'completed' THEN least(s.completed, y.ends)
               WHEN 'invited' THEN s.added
               WHEN 'never' THEN s.added
               WHEN 'silent' THEN t.last_received
               WHEN 'late' THEN t.last_received
           END,
           t.last_received, t.last_sign_of_life, t.last_created, t.client, t.version, t.battery,
           t.battery_at, coalesce(t.points, 0), coalesce(t.repeats, 0), coalesce(t.quarantined, 0)
      FROM source s
      LEFT JOIN study y ON y.id = s.study_id
      LEFT JOIN source_status t ON t.source_id = s.id
      LEFT JOIN source_fault f ON f.source_id = s.id AND f.study_id = s.study_id
     CROSS JOIN LATERAL (SELECT CASE
               WHEN s.erased <= p_now THEN 'erased'
               WHEN s.withdrawn <= p_now THEN 'withdrawn'
               WHEN s.study_id IS NULL THEN 'unassigned'
               WHEN s.completed <= p_now OR y.ends <= p_now THEN 'completed'
               WHEN s.paused_until > p_now THEN 'paused'
               WHEN t.last_received IS NULL AND s.added > p_now - y.start_grace THEN 'invited'
               WHEN t.last_received IS NULL THEN 'never'
               WHEN t.last_received < p_now - y.silent_after THEN 'silent'
               WHEN t.last_received < p_now - y.late_after THEN 'late'
               ELSE coalesce(f.fault, 'active')
           END AS state) AS c
     WHERE s.merged_into IS NULL
$$;
