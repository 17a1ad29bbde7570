-- SPDX-License-Identifier: Apache-2.0
-- title: Webmunk: rules that matched
-- generators: webmunk-extension-matched-rule
-- packaging: file
-- order: newest
-- sensitive: URL, Page Title
-- columns: W4
--   Tab ID
--   Page ID
--   Rule
--   Count
--   URL
--   Page Title
SELECT {point},
       p.properties->'tab-id',
       p.properties->'page-id',
       p.properties->'rule',
       coalesce(p.properties->'count', '-1'),
       coalesce(p.properties->'url!', p.properties->'url*'),
       coalesce(p.properties->'page-title!', p.properties->'page-title*')
  FROM {points} p
