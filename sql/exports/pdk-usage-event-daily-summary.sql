-- SPDX-License-Identifier: Apache-2.0
-- title: Passive Data Kit: use of applications
-- generators: pdk-usage-event-daily-summary
-- packaging: sources-with-rows
-- order: oldest
-- columns:
--   Source = source
--   Created Timestamp = millis seconds
--   Created Date = millis L
--   Recorded Timestamp = recorded seconds
--   Recorded Date = recorded L
--   Package
--   Event
-- A row for each event; time and date are both the event's (E23).
SELECT {point},
       e.event->'observed',
       e.event->'observed',
       e.event->'package',
       e.event->'event_type'
  FROM {points} p
 CROSS JOIN LATERAL
       jsonb_array_elements(CASE jsonb_typeof(p.properties->'events')
                            WHEN 'array' THEN p.properties->'events' ELSE '[]' END) e(event)
