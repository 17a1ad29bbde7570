-- SPDX-License-Identifier: Apache-2.0
-- title: Webmunk: clicks on elements
-- generators: webmunk-extension-element-click
-- packaging: file
-- order: newest
-- sensitive: URL, Page Title, Element HTML
-- columns: W4
--   Tab ID
--   Page ID
--   Element Class
--   Top
--   Left
--   Width
--   Height
--   URL
--   Page Title
--   Element HTML = stripped
--   check
--   check
SELECT {point},
       p.properties->'tab-id',
       p.properties->'page-id',
       p.properties->'element-class',
       p.properties->'offset'->'top',
       p.properties->'offset'->'left',
       p.properties->'size'->'width',
       p.properties->'size'->'height',
       coalesce(p.properties->'url!', p.properties->'url*'),
       coalesce(p.properties->'page-title!', p.properties->'page-title*'),
       coalesce(p.properties->'element-content!', p.properties->'element-content*'),
       jsonb_typeof(p.properties->'offset') = 'object',
       jsonb_typeof(p.properties->'size') = 'object'
  FROM {points} p
