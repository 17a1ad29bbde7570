-- SPDX-License-Identifier: Apache-2.0
-- title: Passive Data Kit: time of day
-- generators: pdk-time-of-day
-- packaging: source
-- order: oldest
-- columns: P5U
--   Sunrise
--   Sunset
--   Is Day = text
SELECT {point},
       p.properties->'sunrise',
       p.properties->'sunset',
       CASE WHEN jsonb_typeof(p.properties->'sunrise') = 'number' AND jsonb_typeof(p.properties->'sunset') = 'number'
             AND jsonb_typeof(p.properties->'observed') = 'number'
            THEN CASE WHEN p.properties->'sunrise' < p.properties->'observed'
                       AND p.properties->'observed' < p.properties->'sunset' THEN '1' ELSE '0' END END
  FROM {points} p
