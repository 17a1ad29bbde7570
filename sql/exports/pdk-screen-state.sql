-- SPDX-License-Identifier: Apache-2.0
-- title: Passive Data Kit: screen
-- generators: pdk-screen-state
-- packaging: source
-- order: oldest
-- columns: P5L
--   Screen State = required
SELECT {point},
       p.properties->'state'
  FROM {points} p
