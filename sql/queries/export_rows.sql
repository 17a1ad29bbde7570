-- SPDX-License-Identifier: Apache-2.0
-- What a definition of an export is checked against, and what its rows are found by.

-- name: export_rows_study
SELECT s.time_zone FROM study s WHERE s.id = $1::int8;

-- name: export_rows_generator
SELECT g.id FROM generator g WHERE g.identifier = $1::text;

-- name: export_rows_generators
SELECT g.id FROM generator g WHERE g.identifier ^@ $1::text ORDER BY g.id;

-- Is the local day over?
-- name: export_rows_over
SELECT ($1::text::date + 1)::timestamp AT TIME ZONE $2::text <= now();

-- name: export_rows_group
SELECT g.id FROM source_group g WHERE g.study_id = $1::int8 AND g.id = $2::int8;

-- name: export_rows_source
SELECT s.id FROM source s WHERE s.study_id = $1::int8 AND s.identifier = $2::text;

-- name: export_rows_key
SELECT encode(k.key, 'hex') FROM export_key k WHERE k.name = $1::text AND k.study_id = $2::int8;

-- name: export_rows_key_add
INSERT INTO export_key (name, study_id, key) VALUES ($1::text, $2::int8, $3::bytea);

-- Half-open local days as instants, with the rules of the zone.
-- name: export_rows_window
SELECT (extract(epoch FROM ($1::text::date)::timestamp AT TIME ZONE $3::text) * 1000000)::int8,
       (extract(epoch FROM ($2::text::date + 1)::timestamp AT TIME ZONE $3::text) * 1000000)::int8;

-- Naming one that was merged into another means that other.
-- Who joined at the position or later is no part of an export, and only named when it was asked for.
-- name: export_rows_sources
SELECT s.id, s.identifier, normalize(s.identifier, NFKD),
       CASE WHEN s.position >= $4::text::xid8 THEN 'joined after the position'
            ELSE source_skipped(s) END
  FROM source s
 WHERE s.study_id = $1::int8
   AND s.merged_into IS NULL AND ($2::text[] IS NULL OR s.identifier = ANY ($2::text[]) OR EXISTS (
           SELECT FROM source a WHERE a.merged_into = s.id AND a.identifier = ANY ($2::text[])))
   AND ($3::int8[] IS NULL OR s.group_id = ANY ($3::int8[]))
   AND ($2::text[] IS NOT NULL OR s.position < $4::text::xid8)
 ORDER BY s.identifier COLLATE "C";

-- The parameters of sql/exports (COPY takes none), and settings that its plans need: texts of times
-- as C reads them, no time spent on compiling, memory for the sort of one source.  A cache of rows
-- that are as large as points, each of which is met once, costs half of the time.
-- name: export_rows_settings
SELECT set_config('webmunk.sources', $1::text, true), set_config('webmunk.generators', $2::text, true),
       set_config('webmunk.from', $3::text, true), set_config('webmunk.to', $4::text, true),
       set_config('webmunk.position', $5::text, true), set_config('webmunk.site', coalesce($6::text, ''), true),
       set_config('timezone', 'UTC', true), set_config('datestyle', 'ISO', true),
       set_config('extra_float_digits', '1', true), set_config('client_encoding', 'UTF8', true),
       set_config('jit', 'off', true), set_config('enable_memoize', 'off', true),
       set_config('max_parallel_workers_per_gather', '0', true),
       set_config('work_mem', greatest(16384, (pg_size_bytes(current_setting('work_mem')) / 1024)::integer)::text, true);

-- name: export_rows_step
SELECT set_config('webmunk.sources', $1::text, true);

-- Participants of whom something came at the position or later; NULL alone: too many to tell.
-- name: export_rows_late
WITH late AS MATERIALIZED (
    SELECT b.id, b.recorded FROM bundle b WHERE b.position >= $1::text::xid8 LIMIT 10001
)
SELECT NULL::bigint FROM late HAVING count(*) > 10000
UNION ALL
SELECT DISTINCT p.source_id
  FROM late l
 CROSS JOIN LATERAL
       (SELECT d.source_id FROM data_point d WHERE d.recorded = l.recorded AND d.id >> 20 = l.id OFFSET 0) p
 WHERE (SELECT count(*) FROM late) <= 10000;
