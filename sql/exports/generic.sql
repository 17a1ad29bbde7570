-- SPDX-License-Identifier: Apache-2.0
-- title: Any other kind of data
-- generators:
-- packaging: file
-- order: oldest
-- sensitive: Latitude, Longitude
-- columns:
--   Source = source
--   Generator = text
--   Generator Identifier = text
--   Created Timestamp = created seconds
--   Created Date = created U
--   Latitude = float
--   Longitude = float
--   Recorded Timestamp = recorded seconds
--   Recorded Date = recorded U
--   Properties = json
SELECT {point},
       (SELECT a.generator FROM agent a WHERE a.id = p.agent_id),
       (SELECT g.identifier FROM generator g WHERE g.id = p.generator_id),
       p.latitude,
       p.longitude,
       p.properties
  FROM {points} p
