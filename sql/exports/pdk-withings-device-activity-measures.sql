-- SPDX-License-Identifier: Apache-2.0
-- title: Withings device: activity measures
-- generators: pdk-withings-device
-- secondary: activity-measures
-- packaging: file
-- order: oldest
-- columns: P5U
--   date_start
--   timezone
--   steps
--   distance
--   active_calories
--   total_calories
--   elevation
--   soft_activity_duration
--   moderate_activity_duration
--   intense_activity_duration
-- Only the points of this stream (E25).
SELECT {point},
       p.properties->'date_start',
       p.properties->'timezone',
       p.properties->'steps',
       p.properties->'distance',
       p.properties->'active_calories',
       p.properties->'total_calories',
       p.properties->'elevation',
       p.properties->'soft_activity_duration',
       p.properties->'moderate_activity_duration',
       p.properties->'intense_activity_duration'
  FROM {points} p
