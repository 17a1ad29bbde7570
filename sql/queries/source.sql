-- SPDX-License-Identifier: Apache-2.0
-- Participants: what people decide about them.

-- name: source_find
-- $1 an identifier; NULL: the one with the number $2.  Of no study at all is what only those with rights in all see.
SELECT s.id, coalesce(s.study_id, (SELECT y.id FROM study y WHERE y.is_default), -1), s.identifier
  FROM source s WHERE s.identifier = $1::text OR ($1::text IS NULL AND s.id = $2::int8);

-- name: source_exclude_look
-- Why exports cannot leave out the source $1, or have it again: what is merged goes by the other.
SELECT CASE
           WHEN s.merged_into IS NOT NULL THEN format('"%s" is merged into "%s": name that one', s.identifier,
               (SELECT d.identifier FROM source d WHERE d.id = s.merged_into))
           WHEN EXISTS (SELECT FROM source_merge m WHERE m.state <> 'done'
                           AND s.id IN (m.origin_id, m.destination_id, m.holder_id))
               THEN format('a merge of "%s" is not finished yet', s.identifier) END
  FROM source s WHERE s.id = $1::int8;

-- name: source_exclude
-- $2: never in an export from now on, or again.  Whoever is merged into it too, for when that is undone.
UPDATE source SET unexported = CASE WHEN $2::bool THEN now() END
 WHERE id IN (SELECT $1::int8 UNION ALL SELECT a.id FROM source a WHERE a.merged_into = $1::int8)
   AND (unexported IS NOT NULL) <> $2::bool;

-- name: source_excluded
-- Who is in no export; $1 an identifier, '': all.
SELECT coalesce(jsonb_agg(jsonb_build_object(
           'id', s.id, 'identifier', s.identifier, 'study', y.slug,
           'excluded', to_char(s.unexported AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'))
           ORDER BY y.slug, s.identifier), '[]')
  FROM source s LEFT JOIN study y ON y.id = s.study_id
 WHERE s.unexported IS NOT NULL AND s.merged_into IS NULL AND $1::text IN ('', s.identifier);
