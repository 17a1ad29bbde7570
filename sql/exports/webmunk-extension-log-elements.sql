-- SPDX-License-Identifier: Apache-2.0
-- title: Webmunk: elements that match patterns
-- generators: webmunk-extension-log-elements
-- packaging: source
-- order: newest
-- sensitive: URL, Page Title, Element HTML
-- columns: W4
--   Tab ID
--   Page ID
--   URL
--   Page Title
--   Pattern = text
--   Top
--   Left
--   Width
--   Height
--   Element HTML = stripped
--   check
--   check
-- A row for each match, patterns in jsonb's order.  What is no list or no object gives no row.
SELECT {point},
       p.properties->'tab-id',
       p.properties->'page-id',
       coalesce(p.properties->'url!', p.properties->'url*'),
       coalesce(p.properties->'page-title!', p.properties->'page-title*'),
       l.pattern,
       m.match->'offset'->'top',
       m.match->'offset'->'left',
       m.match->'size'->'width',
       m.match->'size'->'height',
       coalesce(m.match->'element-content!', m.match->'element-content*'),
       jsonb_typeof(m.match->'offset') = 'object',
       jsonb_typeof(m.match->'size') = 'object'
  FROM {points} p
 CROSS JOIN LATERAL
       jsonb_each(CASE jsonb_typeof(p.properties->'pattern-matches')
                  WHEN 'object' THEN p.properties->'pattern-matches' ELSE '{}' END) l(pattern, list)
 CROSS JOIN LATERAL
       jsonb_array_elements(CASE jsonb_typeof(l.list) WHEN 'array' THEN l.list ELSE '[]' END) m(match)
