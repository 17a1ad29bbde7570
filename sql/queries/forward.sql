-- SPDX-License-Identifier: Apache-2.0
-- Other servers, whose points go there, and the batches on their way.

-- name: server_add
INSERT INTO data_server (name, upload_url, metadata_url, secret_name, keep)
VALUES ($1::text, $2::text, nullif($3::text, ''), nullif($4::text, ''), $5::bool);

-- name: server_replace
UPDATE data_server
   SET upload_url = $2::text, metadata_url = nullif($3::text, ''), secret_name = nullif($4::text, ''), keep = $5::bool,
       failures = 0, next_try = now(), error = NULL, tested = NULL, test_result = NULL
 WHERE name = $1::text;

-- name: server_list
-- $1 a name; '': all.  Behind: points that came in and are not acknowledged, and since when they wait;
-- of bundles of several sources all points count.
SELECT coalesce(jsonb_agg(jsonb_build_object(
           'id', s.id, 'name', s.name, 'upload_url', s.upload_url, 'metadata_url', s.metadata_url,
           'secret_name', s.secret_name, 'keep', s.keep, 'paused', s.paused, 'sources', w.sources,
           'withdrawn', w.sources - g.sources, 'backfills', g.backfills, 'points', s.points, 'batches', s.batches, 'failures', s.failures, 'error', s.error,
           'behind', q.points + coalesce(l.points, 0), 'behind_seconds', coalesce(extract(epoch FROM now() - least(q.oldest, l.oldest))::bigint, 0),
           'last_sent', to_char(s.last_sent AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'),
           'next_try', CASE WHEN s.failures > 0 THEN to_char(s.next_try AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') END,
           'tested', to_char(s.tested AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'), 'test_result', s.test_result)
           ORDER BY s.name), '[]')
  FROM data_server s
 CROSS JOIN LATERAL (SELECT count(*) AS sources FROM source_forward f WHERE f.server_id = s.id) AS w
 CROSS JOIN LATERAL (SELECT count(*) AS sources, count(*) FILTER (WHERE f.backfill) AS backfills
                       FROM source_forwarded f WHERE f.server_id = s.id) AS g
 CROSS JOIN LATERAL (SELECT coalesce(sum(b.points), 0) AS points, min(b.oldest) AS oldest
                       FROM forward_batch b WHERE b.server_id = s.id) AS q
 CROSS JOIN LATERAL forward_behind(s) AS l
 WHERE $1::text IN ('', s.name);

-- name: server_pause
UPDATE data_server SET paused = $2::bool, next_try = now(), failures = 0 WHERE name = $1::text;

-- name: server_tested
UPDATE data_server SET tested = now(), test_result = nullif($2::text, '') WHERE name = $1::text;

-- name: server_lock
-- Before sources are assigned, so that no batch is packed meanwhile.
SELECT id FROM data_server WHERE name = $1::text FOR UPDATE;

-- name: server_look
-- Identifiers $2 that cannot be assigned to server $1, and why.
SELECT coalesce(jsonb_agg(problem ORDER BY n), '[]')
  FROM (SELECT u.n, CASE
               WHEN s.id IS NULL THEN format('there is no participant "%s"', u.name)
               WHEN s.merged_into IS NOT NULL THEN format('"%s" is merged into "%s": name that one', u.name,
                   (SELECT d.identifier FROM source d WHERE d.id = s.merged_into))
               WHEN s.erased IS NOT NULL OR s.withdrawn IS NOT NULL THEN format('"%s" has withdrawn or was erased', u.name)
               WHEN f.server_id <> $1::int8 THEN format('"%s" is forwarded to "%s": unassign it first', u.name, v.name)
               WHEN EXISTS (SELECT FROM source_merge m WHERE m.state <> 'done'
                               AND s.id IN (m.origin_id, m.destination_id, m.holder_id))
                   THEN format('a merge of "%s" is not finished yet', u.name) END AS problem
          FROM unnest($2::text[]) WITH ORDINALITY AS u(name, n)
          LEFT JOIN source s ON s.identifier = u.name
          LEFT JOIN source_forward f ON f.source_id = s.id
          LEFT JOIN data_server v ON v.id = f.server_id) AS x
 WHERE problem IS NOT NULL;

-- name: server_assign
INSERT INTO source_forward (source_id, server_id)
SELECT s.id, $1::int8 FROM source s WHERE s.identifier = ANY ($2::text[]) ORDER BY s.id
ON CONFLICT DO NOTHING
RETURNING source_id;

-- name: server_unassign
DELETE FROM source_forward f USING source s
 WHERE s.id = f.source_id AND f.server_id = $1::int8 AND s.identifier = ANY ($2::text[])
RETURNING f.source_id;

-- name: server_backfill
-- What the sources $2 of a server (NULL: all) had stored before they were assigned.
UPDATE source_forward f SET backfill = true, back_received = '-infinity', back_point = 0
  FROM source s
 WHERE s.id = f.source_id AND f.server_id = $1::int8 AND ($2::text[] IS NULL OR s.identifier = ANY ($2::text[]))
RETURNING f.source_id;

-- name: server_remove
DELETE FROM data_server s WHERE s.name = $1::text AND NOT EXISTS (SELECT FROM source_forward f WHERE f.server_id = s.id);

-- name: forward_servers
-- Who may be sent something now; $1: only this one.
SELECT id, name, upload_url FROM data_server
 WHERE NOT paused AND next_try <= now() AND ($1::text = '' OR name = $1::text) ORDER BY last_sent NULLS FIRST, id;

-- name: forward_lock
-- One process sends to a server; the lock goes with its connection.
SELECT pg_try_advisory_lock(hashtextextended('webmunk.forward', 0) # $1::int8);

-- name: forward_unlock
SELECT pg_advisory_unlock(hashtextextended('webmunk.forward', 0) # $1::int8);

-- name: forward_fill
SELECT forward_fill($1::int8, $2::int4, $3::int8);

-- name: forward_batch
SELECT b.number, b.payload, b.points, s.paused FROM forward_take($1::int8) b JOIN data_server s ON s.id = b.server_id;

-- name: forward_done
SELECT forward_done($1::int8, $2::int8);

-- name: forward_smaller
SELECT forward_smaller($1::int8, $2::int8);

-- name: forward_failed
-- Returns how often by now, and since when nothing was acknowledged.
UPDATE data_server SET failures = failures + 1, error = $2::text,
       next_try = now() + make_interval(secs => least(3600, 30 * 2 ^ least(failures, 7)) * (0.75 + random() / 2))
 WHERE id = $1::int8
RETURNING failures, to_char(coalesce(last_sent, added) AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI'), to_char(next_try AT TIME ZONE 'UTC', 'HH24:MI:SS');
