-- SPDX-License-Identifier: Apache-2.0
-- title: Passive Data Kit: system
-- generators: pdk-system-status
-- packaging: source
-- order: oldest
-- columns: P5L
--   Available Storage
--   Other Storage
--   App Storage
--   Total Storage
--   App Runtime
--   System Runtime
--   Pending Points
SELECT {point},
       p.properties->'storage_available',
       p.properties->'storage_other',
       p.properties->'storage_app',
       p.properties->'storage_total',
       p.properties->'runtime',
       p.properties->'system_runtime',
       p.properties->'pending_points'
  FROM {points} p
