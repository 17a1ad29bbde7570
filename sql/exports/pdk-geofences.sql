-- SPDX-License-Identifier: Apache-2.0
-- title: Passive Data Kit: geofences
-- generators: pdk-geofences
-- packaging: source
-- order: oldest
-- sensitive: Center Latitude, Center Longitude, Details
-- unmarked: center_latitude center_longitude
-- columns: P5U
--   Observed
--   Fence ID
--   Fence Name
--   Transition
--   Center Latitude
--   Center Longitude
--   Radius
--   Details = json
SELECT {point},
       p.properties->'observed',
       p.properties->'fence_details'->'identifier',
       p.properties->'fence_details'->'name',
       p.properties->'transition',
       p.properties->'fence_details'->'center_latitude',
       p.properties->'fence_details'->'center_longitude',
       p.properties->'fence_details'->'radius',
       p.properties->'fence_details'
  FROM {points} p
