-- SPDX-License-Identifier: Apache-2.0
-- Merging sources, and the way back.

-- name: merge_fence
SELECT source_merge_fence();

-- name: merge_look
-- What merging $1 into $2 would be, $3: across studies too; "problem" says why it may not be.
WITH o AS (SELECT * FROM source WHERE identifier = $1::text),
     d AS (SELECT * FROM source WHERE identifier = $2::text)
SELECT jsonb_build_object(
    'origin', (SELECT id FROM o), 'destination', (SELECT id FROM d),
    'studies', (SELECT count(DISTINCT study_id) FROM (SELECT study_id FROM o UNION ALL SELECT study_id FROM d) AS s),
    'problem', CASE
        WHEN NOT EXISTS (SELECT FROM o) THEN format('there is no participant "%s"', $1::text)
        WHEN NOT EXISTS (SELECT FROM d) THEN format('there is no participant "%s"', $2::text)
        WHEN (SELECT id FROM o) = (SELECT id FROM d) THEN 'a participant cannot be merged into itself'
        WHEN (SELECT merged_into FROM o) IS NOT NULL THEN format(
            '"%s" is merged into "%s" already; "webmunkd source unmerge" undoes that', $1::text,
            (SELECT s.identifier FROM o JOIN source s ON s.id = o.merged_into))
        WHEN (SELECT merged_into FROM d) IS NOT NULL THEN format(
            '"%s" is merged into "%s": merge into that one', $2::text,
            (SELECT s.identifier FROM d JOIN source s ON s.id = d.merged_into))
        WHEN EXISTS (SELECT FROM o WHERE erased IS NOT NULL OR withdrawn IS NOT NULL) THEN format(
            '"%s" has withdrawn or was erased: its data must not become another''s', $1::text)
        WHEN EXISTS (SELECT FROM d WHERE erased IS NOT NULL OR withdrawn IS NOT NULL) THEN format(
            '"%s" has withdrawn or was erased', $2::text)
        WHEN EXISTS (SELECT FROM source_merge m WHERE m.state <> 'done'
                        AND (m.destination_id = (SELECT id FROM o)
                             OR (SELECT id FROM d) = m.origin_id OR (SELECT id FROM o) IN (m.origin_id, m.holder_id)
                             OR m.undo AND (SELECT id FROM d) IN (m.destination_id, m.holder_id)))
            THEN 'a merge of one of them is not finished yet; "webmunkd source list" shows it'
        WHEN EXISTS (SELECT FROM source_forward f WHERE f.source_id IN (SELECT id FROM o UNION SELECT id FROM d))
            THEN 'one of them is forwarded to another server: "webmunkd server unassign" first'
        WHEN (SELECT unexported IS NULL FROM o) <> (SELECT unexported IS NULL FROM d)
            THEN 'one of them is excluded from exports and the other is not: "webmunkd source exclude" or "include" one first'
        WHEN NOT $3::bool AND (SELECT study_id FROM o) IS NOT NULL
             AND (SELECT study_id FROM o) IS DISTINCT FROM (SELECT study_id FROM d) THEN format(
            '"%s" is in the study "%s" and "%s" %s; --across-studies merges all the same', $1::text,
            (SELECT y.slug FROM o JOIN study y ON y.id = o.study_id), $2::text,
            coalesce((SELECT format('in "%s"', y.slug) FROM d JOIN study y ON y.id = d.study_id), 'in none')) END);

-- name: merge_count
-- What would move from $1 to $2.
SELECT jsonb_build_object('points', count(*), 'repeats', count(*) FILTER (WHERE EXISTS (
           SELECT FROM data_point d WHERE d.source_id = $2::int8 AND d.generator_id = p.generator_id
              AND d.created = p.created AND d.digest = p.digest)),
       'bundles', (SELECT count(*) FROM source_bundle v WHERE v.source_id = $1::int8),
       'first', to_char(min(p.created) AT TIME ZONE 'UTC', 'YYYY-MM-DD'), 'last', to_char(max(p.created) AT TIME ZONE 'UTC', 'YYYY-MM-DD'))
  FROM data_point p WHERE p.source_id = $1::int8;

-- name: merge_add
INSERT INTO source_merge (origin_id, destination_id) VALUES ($1::int8, $2::int8) RETURNING id;

-- name: merge_undo_look
-- The merge of $1, and why it may not be undone now.
SELECT jsonb_build_object(
    'origin', s.id, 'destination', m.destination_id, 'merge', m.id, 'into', d.identifier,
    'problem', CASE
        WHEN m.id IS NULL THEN format('"%s" is merged into nobody', $1::text)
        WHEN m.state = 'waiting' AND m.began IS NULL THEN NULL
        WHEN EXISTS (SELECT FROM source_merge n
                      WHERE n.state <> 'done' AND ARRAY[n.origin_id, n.destination_id] && ARRAY[s.id, d.id, m.destination_id])
            THEN 'a merge of one of them is not finished yet; "webmunkd source list" shows it'
        WHEN s.erased IS NOT NULL OR d.erased IS NOT NULL THEN 'one of them was erased' END)
  FROM source s
  LEFT JOIN source_merge m ON m.origin_id = s.id AND NOT (m.undo AND m.state = 'done')
  LEFT JOIN source d ON d.id = coalesce(s.merged_into, m.destination_id)
 WHERE s.identifier = $1::text;

-- name: merge_forget
-- A merge that has not begun.
DELETE FROM source_merge WHERE id = $1::int8 AND state = 'waiting' AND began IS NULL;

-- name: merge_undo
UPDATE source_merge SET undo = true, state = 'waiting', finished = NULL WHERE id = $1::int8 AND state = 'done' AND NOT undo;

-- name: merge_pending
-- What job $1 (0: all) has to do: merges that are not finished, and those whose origin got more from
-- transactions that had looked it up before.
SELECT m.id, m.undo, m.origin_id, o.identifier, d.identifier
  FROM source_merge m
  JOIN source o ON o.id = m.origin_id
  JOIN source d ON d.id = m.destination_id
 WHERE ($1::int8 = 0 OR m.id = $1::int8)
   AND (m.state <> 'done' OR NOT m.undo AND (
        EXISTS (SELECT FROM source_day x WHERE x.source_id = m.origin_id)
        OR EXISTS (SELECT FROM source_status x WHERE x.source_id = m.origin_id)))
 ORDER BY m.id;

-- name: merge_again
UPDATE source_merge SET state = 'waiting' WHERE id = $1::int8 AND state = 'done' AND NOT undo;

-- name: merge_lock
-- One process works at a merge; the lock goes with its connection.
SELECT pg_try_advisory_lock(hashtextextended('webmunk.merge', 0) # $1::int8);

-- name: merge_unlock
SELECT pg_advisory_unlock(hashtextextended('webmunk.merge', 0) # $1::int8);

-- name: merge_begin
SELECT source_merge_begin($1::int8);

-- name: merge_step
SELECT CASE WHEN m.undo THEN source_merge_back(m.id, $2::int4) ELSE source_merge_step(m.id, $2::int4) END
  FROM source_merge m WHERE m.id = $1::int8;

-- name: merge_so_far
SELECT points, repeats, expected FROM source_merge WHERE id = $1::int8;

-- name: merge_writers
SELECT source_merge_writers()::text;

-- name: merge_writers_left
SELECT count(*) FROM pg_locks WHERE locktype = 'virtualxid' AND virtualtransaction = ANY ($1::text::text[]);

-- name: merge_done
SELECT source_merge_done($1::int8);

-- name: merge_list
-- $1 an identifier; '': all.
SELECT coalesce(jsonb_agg(jsonb_build_object(
           'id', m.id, 'origin', o.identifier, 'destination', d.identifier, 'undo', m.undo, 'state', m.state,
           'expected', m.expected, 'points', m.points, 'repeats', m.repeats,
           'requested', to_char(m.requested AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'),
           'finished', to_char(m.finished AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"')) ORDER BY m.id), '[]')
  FROM source_merge m
  JOIN source o ON o.id = m.origin_id
  JOIN source d ON d.id = m.destination_id
 WHERE $1::text = '' OR $1::text IN (o.identifier, d.identifier);

-- name: merge_source
-- A participant by identifier: who it is by now, and who else.
SELECT jsonb_build_object(
           'id', s.id, 'identifier', s.identifier, 'name', s.name, 'study', y.slug, 'group', g.name,
           'added', to_char(s.added AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'),
           'excluded', to_char(s.unexported AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'),
           'merged_into', d.identifier, 'points', coalesce(t.points, 0), 'repeats', coalesce(t.repeats, 0),
           'last_received', to_char(t.last_received AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'),
           'also', (SELECT coalesce(jsonb_agg(a.identifier ORDER BY a.identifier), '[]') FROM source a WHERE a.merged_into = s.id))
  FROM source s
  LEFT JOIN source d ON d.id = s.merged_into
  LEFT JOIN study y ON y.id = s.study_id
  LEFT JOIN source_group g ON g.id = s.group_id
  LEFT JOIN source_status t ON t.source_id = s.id
 WHERE s.identifier = $1::text;
