-- SPDX-License-Identifier: Apache-2.0
-- title: Passive Data Kit: notifications
-- generators: pdk-notification-events
-- packaging: sources-with-rows
-- order: oldest
-- columns: P5L
--   Package
--   Channel
--   Action
--   Reason
SELECT {point},
       p.properties->'package',
       p.properties->'channel',
       p.properties->'action',
       p.properties->'reason'
  FROM {points} p
