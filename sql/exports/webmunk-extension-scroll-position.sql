-- SPDX-License-Identifier: Apache-2.0
-- title: Webmunk: scroll position
-- generators: webmunk-extension-scroll-position
-- packaging: file
-- order: newest
-- sensitive: URL, Page Title
-- columns: W4
--   Tab ID
--   Page ID
--   Top
--   Left
--   Width
--   Height
--   URL
--   Page Title
SELECT {point},
       p.properties->'tab-id',
       p.properties->'page-id',
       p.properties->'top',
       p.properties->'left',
       p.properties->'width',
       p.properties->'height',
       coalesce(p.properties->'url!', p.properties->'url*'),
       coalesce(p.properties->'page-title!', p.properties->'page-title*')
  FROM {points} p
