-- SPDX-License-Identifier: Apache-2.0
-- title: Withings device: sleep measures
-- generators: pdk-withings-device
-- secondary: sleep-measures
-- packaging: file
-- order: oldest
-- columns: P5U
--   start_date
--   end_date
--   state
--   measurement_device
-- Only the points of this stream (E25).
SELECT {point},
       p.properties->'start_date',
       p.properties->'end_date',
       p.properties->'state',
       p.properties->'measurement_device'
  FROM {points} p
