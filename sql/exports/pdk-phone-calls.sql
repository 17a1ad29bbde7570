-- SPDX-License-Identifier: Apache-2.0
-- title: Passive Data Kit: phone calls
-- generators: pdk-phone-calls
-- packaging: file
-- file: pdk_pdk-phone-calls
-- order: oldest
-- sensitive: Number
-- unmarked: number
-- columns:
--   Source = source
--   Created Timestamp = whole seconds
--   Created Date = whole P
--   Recorded Timestamp = recorded seconds
--   Recorded Date = recorded P
--   Type = required
--   Duration (Seconds) = required
--   Number = required
--   Is New = required
SELECT {point},
       p.properties->'call_timestamp',
       p.properties->'call_timestamp',
       p.properties->'type',
       p.properties->'duration',
       p.properties->'number',
       p.properties->'is_new'
  FROM {points} p
