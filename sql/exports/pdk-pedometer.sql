-- SPDX-License-Identifier: Apache-2.0
-- title: Passive Data Kit: steps
-- generators: pdk-pedometer
-- packaging: source
-- order: oldest
-- columns: P5L
--   Daily Steps
--   Total Steps
--   Daily Average Pace
--   Total Average Pace
--   Daily Distance
--   Total Distance
--   Daily Floors Ascended
--   Total Floors Ascended
--   Daily Floors Descended
--   Total Floors Descended
--   Background Recording
SELECT {point},
       p.properties->'daily-summary-steps',
       p.properties->'step-count',
       p.properties->'daily-average-pace',
       p.properties->'average-pace',
       p.properties->'daily-summary-distance',
       p.properties->'distance',
       p.properties->'daily-summary-floors-ascended',
       p.properties->'floors-ascended',
       p.properties->'daily-summary-floors-descended',
       p.properties->'floors-descended',
       p.properties->'from-background'
  FROM {points} p
