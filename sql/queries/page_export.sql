-- SPDX-License-Identifier: Apache-2.0
-- The pages of exports.  $1 are the studies whose exports may be seen (NULL: all), $2 is the time
-- unless said otherwise.

-- name: page_exports
-- $3 account whose exports alone are shown (0: everybody's), $4 states separated by commas, $5 part of
-- number, purpose or name, $6 column, $7 descending, $8 and $9 key and id of the row that the page
-- begins behind (id 0: at the start), $10 backwards, $11 rows, $12 time zone, $13 the one export (0:
-- all).
WITH e AS MATERIALIZED (
    SELECT e.*, a.name AS by_name, y.name AS study_name, j.state AS job_state, j.progress, j.error AS job_error,
           CASE
               WHEN e.state = 'ready' AND (e.deleted IS NOT NULL OR e.expires <= $2::timestamptz) THEN 'expired'
               WHEN e.state = 'ready' AND v.under_way THEN 'delivering'
               WHEN e.state = 'ready' AND v.delivered THEN 'delivered'
               ELSE e.state
           END AS shown_state,
           left(CASE $6::text
                WHEN 'rows' THEN sort_key(greatest(e.rows, e.rows_expected))
                WHEN 'size' THEN sort_key(e.file_bytes)
                WHEN 'by' THEN coalesce(lower(a.name), '')
                WHEN 'expires' THEN sort_key(e.expires)
                WHEN 'downloads' THEN sort_key(e.downloads::bigint)
                WHEN 'state' THEN e.state
                ELSE sort_key(e.id)
            END, 120) COLLATE "C" AS key
      FROM export e
      JOIN study y ON y.id = e.study_id
      LEFT JOIN account a ON a.id = e.requested_by
      LEFT JOIN job j ON j.id = e.job_id
      LEFT JOIN LATERAL (SELECT bool_or(d.state IN ('waiting', 'sending')) AS under_way,
                                bool_and(d.state = 'delivered') AS delivered
                           FROM delivery d WHERE d.export_id = e.id) AS v ON true
     WHERE ($1::bigint[] IS NULL OR e.study_id = ANY ($1::bigint[]))
       AND ($3::bigint = 0 OR e.requested_by = $3::bigint)
       AND CASE WHEN $13::bigint = 0 THEN e.deleted IS NULL ELSE e.id = $13::bigint END
       AND ($5::text IS NULL
            OR position(lower($5::text) IN lower(e.id || ' ' || e.profile || ' ' || e.purpose || ' '
                                                 || coalesce(e.file_name, ''))) > 0)
), chosen AS MATERIALIZED (
    SELECT * FROM e WHERE $4::text IS NULL OR shown_state = ANY (string_to_array($4::text, ','))
), shown AS (
    SELECT * FROM chosen
     WHERE $9::bigint = 0
        OR CASE WHEN $7::boolean <> $10::boolean THEN (key, id) < ($8::text COLLATE "C", $9::bigint)
                ELSE (key, id) > ($8::text COLLATE "C", $9::bigint) END
     ORDER BY CASE WHEN $7::boolean <> $10::boolean THEN key END DESC,
              CASE WHEN $7::boolean <> $10::boolean THEN id END DESC, key, id
     LIMIT $11::bigint + 1
)
SELECT jsonb_build_object(
    'total', (SELECT count(*) FROM chosen),
    'counts', coalesce((SELECT jsonb_object_agg(shown_state, count)
                          FROM (SELECT shown_state, count(*) FROM e GROUP BY 1) AS n), '{}'),
    'rows', coalesce((
        SELECT jsonb_agg(jsonb_build_object(
                   'number', c.id, 'study', jsonb_build_object('id', c.study_id, 'name', c.study_name),
                   'name', CASE WHEN c.profile <> '' THEN c.profile ELSE c.purpose END,
                   'profile', c.profile, 'purpose', c.purpose, 'by', c.by_name, 'by_id', c.requested_by,
                   'requested', page_time(c.requested, $12::text), 'definition', c.definition,
                   'base_state', c.state, 'state', c.shown_state, 'error', coalesce(c.error, c.job_error),
                   'job', c.job_id, 'job_state', c.job_state, 'progress', c.progress,
                   'place', CASE WHEN c.job_state = 'ready' THEN (
                        SELECT count(*) + 1 FROM job k
                         WHERE k.state = 'ready'
                           AND (-k.priority, k.run_after, k.id) < (SELECT -o.priority, o.run_after, o.id
                                                                     FROM job o WHERE o.id = c.job_id)) END,
                   'started', page_time(r.started, $12::text),
                   'seconds', extract(epoch FROM coalesce(c.finished, $2::timestamptz) - r.started)::bigint,
                   'rows', c.rows, 'rows_expected', c.rows_expected, 'bytes', c.bytes,
                   'position', c.position::text, 'snapshot', page_time(c.snapshot_at, $12::text),
                   'file_name', c.file_name, 'file_bytes', c.file_bytes,
                   'sha256', encode(c.file_sha256, 'hex'),
                   'finished', page_time(c.finished, $12::text), 'expires', page_time(c.expires, $12::text),
                   'deleted', page_time(c.deleted, $12::text), 'downloads', c.downloads,
                   'id', c.id, 'key', c.key)
                   ORDER BY CASE WHEN $7::boolean THEN c.key END DESC,
                            CASE WHEN $7::boolean THEN c.id END DESC, c.key, c.id)
          FROM shown c
          LEFT JOIN LATERAL (SELECT u.started FROM job_run u WHERE u.job_id = c.job_id
                              ORDER BY u.id DESC LIMIT 1) AS r ON true), '[]'));

-- name: page_export_parts
-- $1 the export, $2 time zone: its finished parts and what became of it at destinations.
SELECT jsonb_build_object(
    'parts', coalesce((
        SELECT jsonb_agg(jsonb_build_object(
                   'number', p.number, 'type', p.type, 'entry', p.entry, 'rows', p.rows, 'bytes', p.bytes,
                   'packed_bytes', p.packed_bytes, 'sha256', encode(p.sha256, 'hex'), 'defects', p.defects,
                   'finished', page_time(p.finished, $2::text)) ORDER BY p.number)
          FROM (SELECT * FROM export_part WHERE export_id = $1::bigint ORDER BY number LIMIT 2000) AS p), '[]'),
    'part_count', (SELECT count(*) FROM export_part WHERE export_id = $1::bigint),
    'deliveries', coalesce((
        SELECT jsonb_agg(jsonb_build_object(
                   'destination', t.name, 'kind', t.kind, 'object', d.object, 'state', d.state, 'tries', d.tries,
                   'bytes_done', d.bytes_done, 'checksum', d.remote_checksum, 'error', d.error,
                   'delivered', page_time(d.delivered, $2::text)) ORDER BY t.name)
          FROM delivery d JOIN destination t ON t.id = d.destination_id WHERE d.export_id = $1::bigint), '[]'));

-- name: page_export_groups
-- $1 ids of groups: their names.
SELECT coalesce(jsonb_agg(name ORDER BY name), '[]') FROM source_group WHERE id = ANY ($1::bigint[]);

-- name: page_export_file
-- $1 the export, $2 the time, $3 time zone: what a download needs.
SELECT jsonb_build_object(
           'study', study_id, 'state', state, 'by_id', requested_by, 'purpose', purpose, 'path', path, 'name', file_name, 'bytes', file_bytes,
           'sha256', encode(file_sha256, 'hex'), 'rows', rows, 'definition', definition,
           'gone', deleted IS NOT NULL OR state = 'expired' OR coalesce(expires <= $2::timestamptz, false),
           'expired', page_time(coalesce(deleted, expires), $3::text))
  FROM export WHERE id = $1::bigint;

-- name: page_export_sources
-- Whom an export is about.  $1 study, $2 identifiers (NULL: all), $3 ids of groups (NULL: all).
SELECT coalesce(jsonb_agg(s.id), '[]')
  FROM source s
 WHERE s.study_id = $1::bigint AND s.erased IS NULL
   AND s.merged_into IS NULL AND ($2::text[] IS NULL OR s.identifier = ANY ($2::text[]) OR EXISTS (
           SELECT FROM source a WHERE a.merged_into = s.id AND a.identifier = ANY ($2::text[])))
   AND ($3::bigint[] IS NULL OR s.group_id = ANY ($3::bigint[]));

-- name: page_export_count_download
UPDATE export SET downloads = downloads + 1 WHERE id = $1::bigint;

-- name: page_export_add
-- $1 study, $2 definition, $3 purpose, $4 account.  The export and the job that makes it, or one of
-- each type.
SELECT e.id FROM export_add($4::bigint, $3::text, '', $2::text::jsonb || jsonb_build_object('study', $1::bigint)) AS e(id)
 ORDER BY e.id;

-- name: page_export_cancel
-- A job that waits is over at once; one that runs is asked to end and says so itself.
WITH e AS (
    SELECT e.id, e.job_id FROM export e
     WHERE e.id = $1::bigint AND e.state IN ('queued', 'counting', 'running', 'packing')
       FOR UPDATE
), j AS (
    UPDATE job SET stop = true, state = CASE state WHEN 'ready' THEN 'cancelled' ELSE state END,
                   finished = CASE state WHEN 'ready' THEN now() ELSE finished END
      FROM e WHERE job.id = e.job_id AND job.state IN ('ready', 'running')
    RETURNING job.id, job.state
)
UPDATE export x SET state = CASE WHEN EXISTS (SELECT FROM j WHERE j.state = 'running') THEN x.state ELSE 'cancelled' END,
                    finished = CASE WHEN EXISTS (SELECT FROM j WHERE j.state = 'running') THEN x.finished ELSE now() END
  FROM e WHERE x.id = e.id;

-- name: page_export_delete
-- The file goes with the next clean-up, which looks for what has expired.
UPDATE export SET deleted = now(), expires = least(expires, now())
 WHERE id = $1::bigint AND deleted IS NULL AND state IN ('ready', 'failed', 'cancelled', 'expired');

-- name: page_export_choices
-- $1 study: its groups with their numbers of participants, and its generators with points and bytes of
-- the days $2 to $3 (NULL: open).
SELECT jsonb_build_object(
    'participants', (SELECT count(*) FROM source WHERE study_id = $1::bigint AND erased IS NULL AND merged_into IS NULL),
    'groups', coalesce((
        SELECT jsonb_agg(jsonb_build_object('id', g.id, 'name', g.name, 'participants', (
                   SELECT count(*) FROM source s WHERE s.study_id = $1::bigint AND s.group_id = g.id
                      AND s.erased IS NULL AND s.merged_into IS NULL)) ORDER BY g.name)
          FROM source_group g WHERE g.study_id = $1::bigint), '[]'),
    'generators', coalesce((
        SELECT jsonb_agg(jsonb_build_object('id', g.id, 'generator', g.identifier, 'label', g.label, 'kind', g.kind)
                   ORDER BY g.identifier)
          FROM generator g
         WHERE EXISTS (SELECT FROM arrival a WHERE a.study_id = $1::bigint AND a.generator_id = g.id)
            OR EXISTS (SELECT FROM study_generator k WHERE k.study_id = $1::bigint AND k.generator_id = g.id)
            OR EXISTS (SELECT FROM generator_recent r WHERE r.study_id = $1::bigint AND r.generator_id = g.id)), '[]'));

-- name: page_export_estimate
-- What is there for an export, by the rollup of days.  $1 study, $2 identifiers (NULL: all), $3 ids of
-- groups (NULL: all), $4 generators, $5 and $6 days (NULL: open), $7 by the clock of receipt: then days
-- of which something came in the window count whole.
WITH s AS (
    SELECT s.id, s.identifier FROM source s
     WHERE s.study_id = $1::bigint AND s.erased IS NULL
       AND s.merged_into IS NULL AND ($2::text[] IS NULL OR s.identifier = ANY ($2::text[]) OR EXISTS (
           SELECT FROM source a WHERE a.merged_into = s.id AND a.identifier = ANY ($2::text[])))
       AND ($3::bigint[] IS NULL OR s.group_id = ANY ($3::bigint[]))
), g AS (
    SELECT g.id, g.identifier FROM generator g WHERE g.identifier = ANY ($4::text[])
), n AS MATERIALIZED (
    SELECT s.id, s.identifier AS source, g.identifier AS generator, d.points, d.bytes
      FROM s CROSS JOIN g CROSS JOIN LATERAL (
           SELECT coalesce(sum(d.points), 0) AS points, coalesce(sum(d.bytes), 0) AS bytes
             FROM source_day d
            WHERE d.source_id = s.id AND d.generator_id = g.id
              AND CASE WHEN $7::boolean
                       THEN ($5::date IS NULL OR d.last_received >= $5::date)
                            AND ($6::date IS NULL OR d.first_received < $6::date + 1)
                       ELSE ($5::date IS NULL OR d.day >= $5::date) AND ($6::date IS NULL OR d.day <= $6::date) END) AS d
)
SELECT jsonb_build_object(
    'participants', (SELECT count(*) FROM s),
    'with_data', (SELECT count(DISTINCT id) FROM n WHERE points > 0),
    'rows', (SELECT coalesce(sum(points), 0) FROM n),
    'bytes', (SELECT coalesce(sum(bytes), 0) FROM n),
    'generators', coalesce((SELECT jsonb_agg(jsonb_build_object('generator', generator, 'rows', points, 'bytes', bytes,
                                                                'participants', participants) ORDER BY generator)
                              FROM (SELECT generator, sum(points) AS points, sum(bytes) AS bytes,
                                           count(*) FILTER (WHERE points > 0) AS participants
                                      FROM n GROUP BY 1) AS x), '[]'),
    'missing', coalesce((SELECT jsonb_agg(jsonb_build_object('id', id, 'identifier', identifier) ORDER BY identifier) FROM (
        SELECT * FROM s WHERE NOT EXISTS (SELECT FROM n WHERE n.id = s.id AND n.points > 0)
         ORDER BY identifier LIMIT 20) AS m), '[]'),
    'without', (SELECT count(*) FROM s WHERE NOT EXISTS (SELECT FROM n WHERE n.id = s.id AND n.points > 0)),
    'speed', (SELECT jsonb_build_object('rows', sum(rows), 'seconds', greatest(1, extract(epoch FROM sum(took)))) FROM (
        SELECT e.rows, e.finished - r.started AS took
          FROM export e JOIN LATERAL (SELECT started FROM job_run WHERE job_id = e.job_id ORDER BY id DESC LIMIT 1) r ON true
         WHERE e.state = 'ready' AND e.rows > 0 AND e.finished > r.started ORDER BY e.id DESC LIMIT 10) AS t
        HAVING sum(rows) > 0));

-- name: page_destinations
-- $1 the studies (NULL: all), $2 time zone.
SELECT coalesce(jsonb_agg(jsonb_build_object(
           'id', t.id, 'name', t.name, 'kind', t.kind, 'study', y.name, 'study_id', t.study_id, 'profiles', to_jsonb(t.profiles),
           'paused', t.paused, 'has_secret', t.secret_name IS NOT NULL,
           'tested', page_time(t.tested, $2::text), 'test_result', t.test_result,
           'testing', EXISTS (SELECT FROM job j WHERE j.name = 'destination-test' AND j.what = 'destination ' || t.id
                                                 AND j.state IN ('ready', 'running')),
           'last', l.last) ORDER BY t.name), '[]')
  FROM destination t
  LEFT JOIN study y ON y.id = t.study_id
  LEFT JOIN LATERAL (
       SELECT jsonb_build_object('export', d.export_id, 'state', d.state, 'error', d.error, 'tries', d.tries,
                                 'at', page_time(coalesce(d.delivered, d.started), $2::text)) AS last
         FROM delivery d WHERE d.destination_id = t.id ORDER BY d.id DESC LIMIT 1) AS l ON true
 WHERE $1::bigint[] IS NULL OR t.study_id IS NULL OR t.study_id = ANY ($1::bigint[]);

-- name: page_destination_study
-- $1 destination: whose it is; 0: everybody's.
SELECT jsonb_build_object('study', coalesce(study_id, 0)) FROM destination WHERE id = $1::bigint;
