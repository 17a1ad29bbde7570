-- SPDX-License-Identifier: Apache-2.0
-- Roles and what they may.  "webmunkd migrate" runs this after the migrations, in one transaction;
-- any number of times.  A new table is readable by wm_web and wm_jobs; who writes it stands in the
-- tables at the end.

-- Roles belong to the whole cluster.  Without the right to make them everything stays with the role
-- that connects, and the blocks below do nothing.
DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['wm_owner', 'wm_web', 'wm_jobs', 'wm_export'] LOOP
        BEGIN
            IF to_regrole(name) IS NULL THEN
                -- No password: an operator sets one, or lets the system account in by peer.
                EXECUTE format('CREATE ROLE %I LOGIN', name);
            END IF;
        EXCEPTION
            WHEN duplicate_object OR unique_violation THEN NULL; -- another database's migration was faster
            WHEN insufficient_privilege THEN RETURN;
        END;
    END LOOP;
END $$;

-- What a superuser has made belongs to wm_owner, so that wm_owner can migrate the next time.
DO $$
DECLARE
    command text;
BEGIN
    IF to_regrole('wm_owner') IS NULL
       OR NOT (SELECT rolsuper FROM pg_roles WHERE rolname = current_user) THEN
        RETURN;
    END IF;
    FOR command IN
        SELECT 'ALTER SCHEMA webmunk OWNER TO wm_owner'
        UNION ALL
        SELECT format('ALTER %s %s OWNER TO wm_owner',
                      CASE c.relkind WHEN 'v' THEN 'VIEW' WHEN 'm' THEN 'MATERIALIZED VIEW'
                                     WHEN 'S' THEN 'SEQUENCE' ELSE 'TABLE' END, c.oid::regclass)
          FROM pg_class c
         WHERE c.relnamespace = 'webmunk'::regnamespace AND c.relkind IN ('r', 'p', 'v', 'm', 'S')
           AND c.relowner <> 'wm_owner'::regrole
           -- A column's own sequence follows its table.
           AND NOT EXISTS (SELECT FROM pg_depend d
                            WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND c.relkind = 'S'
                              AND d.deptype IN ('a', 'i'))
        UNION ALL
        SELECT format('ALTER TYPE %s OWNER TO wm_owner', c.reltype::regtype)
          FROM pg_class c
         WHERE c.relnamespace = 'webmunk'::regnamespace AND c.relkind = 'c'
           AND c.relowner <> 'wm_owner'::regrole
        UNION ALL
        SELECT format('ALTER ROUTINE %s OWNER TO wm_owner', p.oid::regprocedure)
          FROM pg_proc p
         WHERE p.pronamespace = 'webmunk'::regnamespace AND p.proowner <> 'wm_owner'::regrole
    LOOP
        EXECUTE command;
    END LOOP;
END $$;

-- Logs of these roles never carry participants' data (only a superuser may set this and what follows).
DO $$
DECLARE
    name text;
BEGIN
    IF NOT (SELECT rolsuper FROM pg_roles WHERE rolname = current_user) THEN
        RETURN;
    END IF;
    -- For the check "transactions" of health.
    GRANT pg_read_all_stats TO wm_jobs;
    FOREACH name IN ARRAY ARRAY['wm_web', 'wm_jobs', 'wm_export'] LOOP
        EXECUTE format('ALTER ROLE %I IN DATABASE %I SET log_error_verbosity = terse', name, current_database());
        EXECUTE format('ALTER ROLE %I IN DATABASE %I SET log_parameter_max_length = 0', name, current_database());
        EXECUTE format('ALTER ROLE %I IN DATABASE %I SET log_statement = none', name, current_database());
        EXECUTE format('ALTER ROLE %I IN DATABASE %I SET search_path = webmunk', name, current_database());
    END LOOP;
END $$;

DO $$
DECLARE
    command text;
    -- Who writes what.
    web_insert_update text := 'source, generator, agent, bundle, bundle_source, data_point, source_day, source_status,
        arrival, arrival_mark, quarantine, attachment, attachment_point, job, schedule, export, export_key, destination,
        mail';
    web_write text := 'session, login_throttle, account_columns';
    jobs_write text := 'source, source_group, generator, agent, bundle, bundle_source, data_point, source_day,
        source_status, arrival, arrival_mark, quarantine, attachment, attachment_point, session, login_throttle,
        job, job_run, schedule, export, export_key, export_part, export_day, destination, delivery,
        mail, asin_item, alert, alert_rule, alert_mute, source_storage, source_merge, source_merge_day,
        source_merge_repeat, health_sample, data_server, source_forward, forward_batch';
BEGIN
    IF (SELECT count(*) FROM pg_roles WHERE rolname IN ('wm_web', 'wm_jobs', 'wm_export')) < 3 THEN
        RETURN;
    END IF;
    FOREACH command IN ARRAY ARRAY[
        -- From the beginning, so that what is no longer listed is gone.
        'REVOKE ALL ON ALL TABLES IN SCHEMA webmunk FROM PUBLIC, wm_web, wm_jobs, wm_export',
        'REVOKE ALL ON ALL SEQUENCES IN SCHEMA webmunk FROM PUBLIC, wm_web, wm_jobs, wm_export',
        'REVOKE ALL ON ALL ROUTINES IN SCHEMA webmunk FROM PUBLIC, wm_web, wm_jobs, wm_export',
        'REVOKE ALL ON SCHEMA webmunk FROM PUBLIC, wm_web, wm_jobs, wm_export',
        'GRANT USAGE ON SCHEMA webmunk TO wm_web, wm_jobs, wm_export',
        'GRANT USAGE ON ALL SEQUENCES IN SCHEMA webmunk TO wm_web, wm_jobs',
        'GRANT EXECUTE ON ALL ROUTINES IN SCHEMA webmunk TO wm_web, wm_jobs',
        'GRANT SELECT ON ALL TABLES IN SCHEMA webmunk TO wm_web, wm_jobs',

        -- The server: stores bundles, keeps sessions, and of people changes only what signing in
        -- changes.  Partitions are the jobs'.
        'REVOKE EXECUTE ON FUNCTION partition_make, partitions_ahead, job_claim, job_finish, schedule_tick, alerts_update, health_keep FROM wm_web',
        'GRANT INSERT, UPDATE ON ' || web_insert_update || ' TO wm_web',
        'GRANT INSERT, UPDATE, DELETE ON ' || web_write || ' TO wm_web',
        'GRANT UPDATE (password, last_sign_in) ON account TO wm_web',
        'GRANT UPDATE (last_used) ON api_token TO wm_web',
        'GRANT UPDATE (acknowledged, acknowledged_by, acknowledged_until) ON alert TO wm_web',

        -- The jobs do not sign anybody in and need no form tokens.
        'REVOKE SELECT ON server_secret FROM wm_jobs',
        'REVOKE SELECT ON account FROM wm_jobs',
        'GRANT SELECT (id, name, added, last_sign_in, disabled, mail_address) ON account TO wm_jobs',
        'GRANT INSERT, UPDATE, DELETE ON ' || jobs_write || ' TO wm_jobs',
        'GRANT INSERT ON access_log_head TO wm_jobs',

        -- Exports read views.
        'GRANT SELECT ON point, source_bundle TO wm_export',
        'GRANT EXECUTE ON FUNCTION flag_names TO wm_export']
    LOOP
        EXECUTE command;
    END LOOP;
END $$;
