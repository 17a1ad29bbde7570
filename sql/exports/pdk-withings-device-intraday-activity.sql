-- SPDX-License-Identifier: Apache-2.0
-- title: Withings device: intraday activity
-- generators: pdk-withings-device
-- secondary: intraday-activity
-- packaging: file
-- order: oldest
-- columns: P5U
--   intraday_activity_history
--   activity_start
--   activity_duration
--   calories
--   distance
--   elevation_climbed
--   steps
--   swim_strokes
--   pool_laps
-- Only the points of this stream (E25).
SELECT {point},
       p.properties->'intraday_activity_history',
       p.properties->'activity_start',
       p.properties->'activity_duration',
       p.properties->'calories',
       p.properties->'distance',
       p.properties->'elevation_climbed',
       p.properties->'steps',
       p.properties->'swim_strokes',
       p.properties->'pool_laps'
  FROM {points} p
