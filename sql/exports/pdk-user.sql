-- SPDX-License-Identifier: Apache-2.0
-- title: Passive Data Kit: mode of use
-- generators: pdk-user
-- packaging: source
-- order: oldest
-- columns:
--   Source = source
--   Created Timestamp = created seconds
--   Created Date = created L
--   Mode
SELECT {point},
       p.properties->'mode'
  FROM {points} p
