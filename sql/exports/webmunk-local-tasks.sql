-- SPDX-License-Identifier: Apache-2.0
-- title: Webmunk: pending tasks
-- generators: webmunk-local-tasks
-- packaging: file
-- order: newest
-- columns: W6
--   Task Count = text
--   Task Name(s) = text
--   check
SELECT {point},
       CASE jsonb_typeof(p.properties->'pending-tasks')
       WHEN 'array' THEN jsonb_array_length(p.properties->'pending-tasks') ELSE 0 END,
       (SELECT string_agg(CASE WHEN jsonb_typeof(t.task) = 'object' THEN coalesce(t.task->>'message', '') ELSE '' END,
                          ';' ORDER BY t.place)
          FROM jsonb_array_elements(CASE jsonb_typeof(p.properties->'pending-tasks')
                                    WHEN 'array' THEN p.properties->'pending-tasks' ELSE '[]' END)
               WITH ORDINALITY t(task, place)),
       jsonb_typeof(p.properties->'pending-tasks') = 'array'
  FROM {points} p
