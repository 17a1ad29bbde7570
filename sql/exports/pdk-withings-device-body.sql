-- SPDX-License-Identifier: Apache-2.0
-- title: Withings device: body
-- generators: pdk-withings-device
-- secondary: body
-- packaging: file
-- order: oldest
-- columns: P5U
--   measure_date
--   measure_status
--   measure_category
--   measure_type
--   measure_value
-- Only the points of this stream (E25).
SELECT {point},
       p.properties->'measure_date',
       p.properties->'measure_status',
       p.properties->'measure_category',
       p.properties->'measure_type',
       p.properties->'measure_value'
  FROM {points} p
