-- SPDX-License-Identifier: Apache-2.0
-- title: Passive Data Kit: web visits
-- generators: pdk-web-visit
-- packaging: source
-- order: oldest
-- sensitive: URL, Host, Title
-- unmarked: url host title
-- columns: P5L
--   Visit ID = required
--   URL = required
--   Protocol = required
--   Host = required
--   Title = required
--   Transition Type = required
--   Referrer Visit ID = required
SELECT {point},
       p.properties->'visitId',
       p.properties->'url',
       p.properties->'protocol',
       p.properties->'host',
       p.properties->'title',
       p.properties->'transition',
       p.properties->'referringVisitId'
  FROM {points} p
