-- SPDX-License-Identifier: Apache-2.0
-- title: External data: engagement
-- generators: pdk-external-engagement-*
-- packaging: file
-- order: oldest
-- columns:
--   Record ID = source
--   Creation Date = created date
--   Creation Time = created time
--   Creation Time Zone = zone L
--   Creation Unix Timestamp = created seconds
--   Service = text
--   Engagement Type = text
--   Outgoing Engagement
--   Incoming Engagement
SELECT {point},
       (SELECT substr(g.identifier, length('pdk-external-engagement-') + 1) FROM generator g WHERE g.id = p.generator_id),
       lower(p.properties->>'type'),
       p.properties->'outgoing_engagement',
       p.properties->'incoming_engagement'
  FROM {points} p
