-- SPDX-License-Identifier: Apache-2.0
-- title: Passive Data Kit: light
-- generators: pdk-sensor-light
-- packaging: sources-with-rows 25000
-- order: oldest
-- columns: P5U
--   Raw Timestamp
--   Normalized Timestamp
--   Light Level
--   Accuracy
-- A row for each reading; arrays may be shorter than that of the times.
SELECT {point},
       p.properties->'sensor_data'->'raw_timestamp'->i.n,
       p.properties->'sensor_data'->'observed'->i.n,
       p.properties->'sensor_data'->'light_level'->i.n,
       p.properties->'sensor_data'->'accuracy'->i.n
  FROM {points} p
 CROSS JOIN LATERAL
       generate_series(0, CASE jsonb_typeof(p.properties->'sensor_data'->'observed')
                          WHEN 'array' THEN jsonb_array_length(p.properties->'sensor_data'->'observed')
                          ELSE 0 END - 1) i(n)
