-- SPDX-License-Identifier: Apache-2.0
-- How the server is, and proofs that the access log is whole.

-- A ring: every minute for a day, every hour for thirty days.  Numbers that charts show are columns;
-- facts and checks are of minutes alone.  Nothing in it is about a participant.
CREATE TABLE health_sample (
    span text NOT NULL CHECK (span IN ('minute', 'hour')),
    at timestamptz NOT NULL,                   -- begin of the minute or hour
    taken timestamptz NOT NULL,                -- the newest sample that is in it
    state text NOT NULL CHECK (state IN ('ok', 'warning', 'critical')), -- the worst of an hour
    bundles bigint,                            -- since the sample before; NULL: that was too long ago
    points bigint,
    quarantined bigint,
    waiting bigint,                            -- jobs that are due; most of an hour
    connections bigint,                        -- most of an hour
    database_bytes bigint,
    free_bytes bigint,                         -- of the fullest file system that is watched; least of an hour
    facts jsonb,
    checks jsonb,                              -- [{"name", "label", "state", "words"}, ...]
    PRIMARY KEY (span, at)
);

-- Keep a sample, and let go what is older than the ring.
CREATE FUNCTION health_keep(p_now timestamptz, p_facts jsonb, p_verdict jsonb) RETURNS void
LANGUAGE sql AS $$
    INSERT INTO health_sample AS s (span, at, taken, state, bundles, points, quarantined, waiting, connections,
                                    database_bytes, free_bytes, facts, checks)
    SELECT span, date_trunc(span, p_now, 'UTC'), p_now, p_verdict ->> 'state', (p_facts ->> 'bundles')::bigint,
           (p_facts ->> 'points')::bigint, (p_facts ->> 'quarantined')::bigint, (p_facts ->> 'jobs_ready')::bigint,
           (p_facts ->> 'connections')::bigint, (p_facts ->> 'database_bytes')::bigint,
           (SELECT min((f ->> 'free')::bigint) FROM jsonb_array_elements(p_facts -> 'folders') AS f),
           CASE span WHEN 'minute' THEN p_facts END, CASE span WHEN 'minute' THEN p_verdict -> 'checks' END
      FROM unnest(ARRAY['minute', 'hour']) AS span
    ON CONFLICT (span, at) DO UPDATE SET
        taken = excluded.taken,
        state = CASE WHEN s.span = 'hour' AND 'critical' IN (s.state, excluded.state) THEN 'critical'
                     WHEN s.span = 'hour' AND 'warning' IN (s.state, excluded.state) THEN 'warning'
                     ELSE excluded.state END,
        bundles = CASE WHEN num_nulls(s.bundles, excluded.bundles) < 2
                       THEN coalesce(s.bundles, 0) + coalesce(excluded.bundles, 0) END,
        points = CASE WHEN num_nulls(s.points, excluded.points) < 2
                      THEN coalesce(s.points, 0) + coalesce(excluded.points, 0) END,
        quarantined = CASE WHEN num_nulls(s.quarantined, excluded.quarantined) < 2
                           THEN coalesce(s.quarantined, 0) + coalesce(excluded.quarantined, 0) END,
        waiting = greatest(s.waiting, excluded.waiting),
        connections = greatest(s.connections, excluded.connections),
        database_bytes = excluded.database_bytes,
        free_bytes = least(s.free_bytes, excluded.free_bytes),
        facts = excluded.facts,
        checks = excluded.checks;
    DELETE FROM health_sample
     WHERE at < p_now - CASE span WHEN 'minute' THEN interval '24 hours' ELSE interval '30 days' END;
$$;
