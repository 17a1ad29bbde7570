-- SPDX-License-Identifier: Apache-2.0

-- name: migrate_lock
SELECT pg_advisory_lock(5277036310);

-- name: migrate_unlock
SELECT pg_advisory_unlock(5277036310);

-- name: migrate_schema_exists
SELECT to_regnamespace('webmunk') IS NOT NULL, to_regclass('webmunk.wm_schema') IS NOT NULL;

-- name: migrate_create_schema
CREATE SCHEMA webmunk;

-- name: migrate_create_table
CREATE TABLE webmunk.wm_schema (
    number integer PRIMARY KEY,
    title text NOT NULL,
    hash text NOT NULL,
    applied timestamptz NOT NULL DEFAULT now()
);

-- name: migrate_list
SELECT number, title, hash, to_char(applied AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS"Z"')
  FROM webmunk.wm_schema
 ORDER BY number;

-- name: migrate_record
INSERT INTO webmunk.wm_schema (number, title, hash) VALUES ($1::int8, $2::text, $3::text);

-- name: migrate_secret
INSERT INTO webmunk.server_secret (secret) VALUES ($1::bytea) ON CONFLICT DO NOTHING;

-- name: migrate_roles
SELECT count(*) FROM pg_roles WHERE rolname IN ('wm_owner', 'wm_web', 'wm_jobs', 'wm_export');

-- name: migrate_partitions
SELECT webmunk.partitions_ahead($1::int8::integer);
