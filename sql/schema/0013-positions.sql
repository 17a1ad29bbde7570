-- SPDX-License-Identifier: Apache-2.0
-- Positions after a restore into another cluster.

-- No position that is stored is above it.  Looked up by indexes, but for tables that stay small; max() of xid8
-- came with PostgreSQL 15.
CREATE FUNCTION position_highest() RETURNS xid8 LANGUAGE sql STABLE AS $$
    SELECT greatest(
        (SELECT position FROM webmunk.bundle ORDER BY position DESC LIMIT 1),
        (SELECT position FROM webmunk.source ORDER BY position DESC LIMIT 1),
        (SELECT position FROM webmunk.arrival_mark),
        (SELECT position FROM webmunk.data_server ORDER BY position DESC LIMIT 1),
        (SELECT since FROM webmunk.source_forward ORDER BY since DESC LIMIT 1),
        (SELECT position FROM webmunk.export WHERE position IS NOT NULL ORDER BY position DESC LIMIT 1),
        (SELECT fence FROM webmunk.export_day ORDER BY fence DESC LIMIT 1),
        (SELECT (facts ->> 'position')::xid8 FROM webmunk.health_sample WHERE span = 'minute' ORDER BY at DESC LIMIT 1))
$$;

-- Would something be stored below what is stored already?  Whoever wrote a position has ended, so in the
-- cluster that it was written in the next is above it.
CREATE FUNCTION position_behind() RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT webmunk.position_highest() >= webmunk.position_next()
$$;

-- Go on after what is stored, where it is needed; true: it was.  Positions of all transactions of this
-- cluster, those under way too, are then above the highest.  Anybody may see to it, the first who connects
-- does.
CREATE FUNCTION position_raise() RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = webmunk, pg_temp SET lock_timeout = '2s' AS $$
BEGIN
    IF NOT position_behind() THEN
        RETURN false;
    END IF;
    -- One at a time, and not beside somebody who stores.
    LOCK TABLE bundle IN SHARE ROW EXCLUSIVE MODE;
    IF NOT position_behind() THEN
        RETURN false;
    END IF;
    EXECUTE format('CREATE OR REPLACE FUNCTION webmunk.position_offset() RETURNS bigint'
                   ' LANGUAGE sql IMMUTABLE PARALLEL SAFE AS %L', 'SELECT ' || position_highest() || '::bigint');
    RETURN true;
END $$;
