-- SPDX-License-Identifier: Apache-2.0
-- title: Passive Data Kit: battery
-- generators: pdk-device-battery
-- packaging: source
-- order: oldest
-- columns: P5L
--   Level = required
--   Scale
--   Plugged
--   Health
--   Voltage
--   Technology
--   Present
--   Temperature
SELECT {point},
       p.properties->'level',
       p.properties->'scale',
       p.properties->'plugged',
       p.properties->'health',
       p.properties->'voltage',
       p.properties->'technology',
       p.properties->'present',
       p.properties->'temperature'
  FROM {points} p
