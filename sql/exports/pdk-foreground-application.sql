-- SPDX-License-Identifier: Apache-2.0
-- title: Passive Data Kit: application in front
-- generators: pdk-foreground-application
-- packaging: source
-- order: oldest
-- columns: P5L
--   Application
--   Duration
--   Screen Active
--   Play Store Category = empty
SELECT {point},
       p.properties->'application',
       p.properties->'duration',
       p.properties->'screen_active'
  FROM {points} p
