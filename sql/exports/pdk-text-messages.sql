-- SPDX-License-Identifier: Apache-2.0
-- title: Passive Data Kit: text messages
-- generators: pdk-text-messages
-- packaging: file
-- file: pdk_pdk-text-messages
-- order: oldest
-- sensitive: Person, Address, Body
-- unmarked: person address body
-- columns:
--   Source = source
--   Created Timestamp = whole seconds
--   Created Date = whole P
--   Recorded Timestamp = recorded seconds
--   Recorded Date = recorded P
--   Direction = required
--   Person = required
--   Address = required
--   Length = required
--   Body = required
SELECT {point},
       p.properties->'date',
       p.properties->'date',
       p.properties->'direction',
       p.properties->'person',
       p.properties->'address',
       p.properties->'length',
       p.properties->'body'
  FROM {points} p
