-- SPDX-License-Identifier: Apache-2.0
-- What stands for {points} in the types: the points of the sources and generators asked for, in the
-- order of the file.  n is the source's number in webmunk.sources, from 1.  {generators} is one of
-- the first two blocks; with one generator the index gives the order of time by itself.
--
-- Bundles at or above webmunk.position do not count.  They are looked for only among points
-- recorded since the first of them, so no row of the others pays for it.

-- name: generator_one
p.generator_id = current_setting('webmunk.generators')::integer

-- name: generator_many
p.generator_id = ANY (string_to_array(current_setting('webmunk.generators'), ',')::integer[])

-- name: before_position
(p.recorded < (SELECT coalesce(min(b.recorded), 'infinity') FROM bundle b
                WHERE b.position >= current_setting('webmunk.position')::xid8)
 OR p.id >> 20 NOT IN (SELECT b.id FROM bundle b
                        WHERE b.position >= current_setting('webmunk.position')::xid8))

-- The same of points d that a type looks at besides its own.
-- name: before_position_other
(d.recorded < (SELECT coalesce(min(b.recorded), 'infinity') FROM bundle b
                WHERE b.position >= current_setting('webmunk.position')::xid8)
 OR d.id >> 20 NOT IN (SELECT b.id FROM bundle b
                        WHERE b.position >= current_setting('webmunk.position')::xid8))

-- One source after the other along the index of repeats: no sort of more than one source, and the
-- first row comes at once.
-- name: created_newest
(SELECT s.n, q.*
   FROM unnest(string_to_array(current_setting('webmunk.sources'), ',')::bigint[]) WITH ORDINALITY s(id, n)
  CROSS JOIN LATERAL
        (SELECT p.* FROM data_point p
          WHERE p.source_id = s.id AND {generators}
            AND p.created >= current_setting('webmunk.from')::timestamptz
            AND p.created < current_setting('webmunk.to')::timestamptz
            AND {before}
          ORDER BY p.created DESC, p.id DESC) q)

-- name: created_oldest
(SELECT s.n, q.*
   FROM unnest(string_to_array(current_setting('webmunk.sources'), ',')::bigint[]) WITH ORDINALITY s(id, n)
  CROSS JOIN LATERAL
        (SELECT p.* FROM data_point p
          WHERE p.source_id = s.id AND {generators}
            AND p.created >= current_setting('webmunk.from')::timestamptz
            AND p.created < current_setting('webmunk.to')::timestamptz
            AND {before}
          ORDER BY p.created, p.id) q)

-- A day or so by recorded: through the index over recorded, then sorted.
-- name: recorded_newest
(SELECT s.n, p.*
   FROM unnest(string_to_array(current_setting('webmunk.sources'), ',')::bigint[]) WITH ORDINALITY s(id, n)
   JOIN data_point p ON p.source_id = s.id
  WHERE {generators}
    AND p.recorded >= current_setting('webmunk.from')::timestamptz
    AND p.recorded < current_setting('webmunk.to')::timestamptz
    AND {before}
  ORDER BY s.n, p.recorded DESC, p.id DESC)

-- name: recorded_oldest
(SELECT s.n, p.*
   FROM unnest(string_to_array(current_setting('webmunk.sources'), ',')::bigint[]) WITH ORDINALITY s(id, n)
   JOIN data_point p ON p.source_id = s.id
  WHERE {generators}
    AND p.recorded >= current_setting('webmunk.from')::timestamptz
    AND p.recorded < current_setting('webmunk.to')::timestamptz
    AND {before}
  ORDER BY s.n, p.created, p.id)

-- Long windows by recorded: what a sort of everything would cost is more than reading each source.
-- name: recorded_newest_wide
(SELECT s.n, q.*
   FROM unnest(string_to_array(current_setting('webmunk.sources'), ',')::bigint[]) WITH ORDINALITY s(id, n)
  CROSS JOIN LATERAL
        (SELECT p.* FROM data_point p
          WHERE p.source_id = s.id AND {generators}
            AND p.recorded >= (SELECT current_setting('webmunk.from')::timestamptz)
            AND p.recorded < (SELECT current_setting('webmunk.to')::timestamptz)
            AND {before}
          ORDER BY p.recorded DESC, p.id DESC) q)

-- name: recorded_oldest_wide
(SELECT s.n, q.*
   FROM unnest(string_to_array(current_setting('webmunk.sources'), ',')::bigint[]) WITH ORDINALITY s(id, n)
  CROSS JOIN LATERAL
        (SELECT p.* FROM data_point p
          WHERE p.source_id = s.id AND {generators}
            AND p.recorded >= (SELECT current_setting('webmunk.from')::timestamptz)
            AND p.recorded < (SELECT current_setting('webmunk.to')::timestamptz)
            AND {before}
          ORDER BY p.created, p.id) q)

-- Counting needs no order. Of whom nothing came at the position or later, {before} is left out, and
-- the index over created tells all, where rows do not depend on what a point says.
-- name: created_count
(SELECT s.n, q.*
   FROM unnest(string_to_array(current_setting('webmunk.sources'), ',')::bigint[]) WITH ORDINALITY s(id, n)
  CROSS JOIN LATERAL
        (SELECT p.* FROM data_point p
          WHERE p.source_id = s.id AND {generators}
            AND p.created >= current_setting('webmunk.from')::timestamptz
            AND p.created < current_setting('webmunk.to')::timestamptz
            AND {before}
         OFFSET 0) q)

-- name: recorded_count
(SELECT s.n, p.*
   FROM unnest(string_to_array(current_setting('webmunk.sources'), ',')::bigint[]) WITH ORDINALITY s(id, n)
   JOIN data_point p ON p.source_id = s.id
  WHERE {generators}
    AND p.recorded >= current_setting('webmunk.from')::timestamptz
    AND p.recorded < current_setting('webmunk.to')::timestamptz
    AND {before})

-- name: recorded_count_wide
(SELECT s.n, q.*
   FROM unnest(string_to_array(current_setting('webmunk.sources'), ',')::bigint[]) WITH ORDINALITY s(id, n)
  CROSS JOIN LATERAL
        (SELECT p.* FROM data_point p
          WHERE p.source_id = s.id AND {generators}
            AND p.recorded >= (SELECT current_setting('webmunk.from')::timestamptz)
            AND p.recorded < (SELECT current_setting('webmunk.to')::timestamptz)
            AND {before}
         OFFSET 0) q)

-- Rows of a type's SELECT.
-- name: count
SELECT count(*) FROM ({rows}) q

-- Points of each source, whatever rows they make.  Not from the rollup: that knows no position.
-- name: completeness
SELECT p.n, count(*), to_char(min(p.created), 'YYYY-MM-DD"T"HH24:MI:SS.US"+00:00"'),
       to_char(max(p.created), 'YYYY-MM-DD"T"HH24:MI:SS.US"+00:00"')
  FROM {points} p
 WHERE {secondary}
 GROUP BY p.n
 ORDER BY p.n

-- The point itself, before the columns of each type.
-- name: point
p.id, p.n, p.created, p.recorded, p.properties->'passive-data-metadata'->'timezone'

-- Points as they are, for the format "raw".
-- name: raw
SELECT {point}, p.properties FROM {points} p


-- The item files beside webmunk-asin-details: number, name of the entry, content.
-- name: asin_files
SELECT a.id, left(a.asin, 4) || '/' || a.asin || '.json', a.metadata
  FROM asin_item a
 WHERE a.asin ~ '^[A-Z0-9]{10}$' AND a.metadata IS NOT NULL
 ORDER BY a.id
