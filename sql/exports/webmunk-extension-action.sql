-- SPDX-License-Identifier: Apache-2.0
-- title: Webmunk: actions
-- generators: webmunk-extension-action
-- packaging: file
-- order: newest
-- columns: W4
--   Action
SELECT {point},
       p.properties->'action'
  FROM {points} p
