-- SPDX-License-Identifier: Apache-2.0
-- title: Passive Data Kit: locations
-- generators: pdk-location
-- packaging: source
-- order: oldest
-- sensitive: Latitude, Longitude, Altitude
-- unmarked: altitude
-- columns: P5U
--   Observed
--   Raw Timestamp
--   Provider
--   Latitude
--   Longitude
--   Accuracy
--   Altitude
--   Speed
--   Bearing
SELECT {point},
       p.properties->'observed',
       p.properties->'location_timestamp',
       p.properties->'provider',
       p.properties->'latitude',
       p.properties->'longitude',
       p.properties->'accuracy',
       p.properties->'altitude',
       p.properties->'speed',
       p.properties->'bearing'
  FROM {points} p
