-- SPDX-License-Identifier: Apache-2.0
-- title: Passive Data Kit: application events
-- generators: pdk-app-event
-- packaging: file
-- file: pdk_pdk-app-event
-- order: oldest
-- columns: P5L
--   Event Name = required
--   Event Properties = json
SELECT {point},
       p.properties->'event_name',
       p.properties->'event_details'
  FROM {points} p
