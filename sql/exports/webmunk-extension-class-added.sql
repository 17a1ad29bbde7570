-- SPDX-License-Identifier: Apache-2.0
-- title: Webmunk: classes added
-- generators: webmunk-extension-class-added
-- packaging: file
-- order: newest
-- sensitive: URL, Page Title, Element HTML
-- columns: W4
--   Tab ID
--   Page ID
--   URL
--   Page Title
--   Class Name
--   Element HTML = stripped
SELECT {point},
       p.properties->'tab-id',
       p.properties->'page-id',
       coalesce(p.properties->'url!', p.properties->'url*'),
       coalesce(p.properties->'page-title!', p.properties->'page-title*'),
       p.properties->'class-name',
       coalesce(p.properties->'element-content!', p.properties->'element-content*')
  FROM {points} p
