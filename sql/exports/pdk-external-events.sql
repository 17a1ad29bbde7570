-- SPDX-License-Identifier: Apache-2.0
-- title: External data: events
-- generators: !pdk-external-engagement-* pdk-external-*
-- packaging: file
-- order: oldest
-- columns:
--   Record ID = source
--   Creation Date = created date
--   Creation Time = created time
--   Creation Time Zone = zone L
--   Creation Unix Timestamp = created seconds
--   Recorded Date = recorded date
--   Recorded Time = recorded time
--   Recorded Time Zone = zone L
--   Recorded Unix Timestamp = recorded seconds
--   Service = text
--   Event = text
--   Media Type = text
--   Outgoing Engagement Score
--   Incoming Engagement Score
--   pdk_length = text
--   pdk_word_count = text
-- Scores are those of the engagement point with the same source and created; annotations the
-- largest in the document.  The service is the word behind "pdk-external-".
SELECT {point},
       split_part((SELECT g.identifier FROM generator g WHERE g.id = p.generator_id), '-', 3),
       coalesce(p.properties->>'event', (SELECT g.identifier FROM generator g WHERE g.id = p.generator_id)),
       lower(p.properties->>'media_type'),
       e.outgoing,
       e.incoming,
       (SELECT max(v.value::numeric)
          FROM jsonb_path_query(p.properties, '$.**.pdk_length ? (@.type() == "number")') v(value)),
       (SELECT max(v.value::numeric)
          FROM jsonb_path_query(p.properties, '$.**.pdk_word_count ? (@.type() == "number")') v(value))
  FROM {points} p
 CROSS JOIN LATERAL
       (SELECT min(d.properties->>'outgoing_engagement') FILTER (WHERE jsonb_typeof(d.properties->'outgoing_engagement') = 'number')::jsonb,
               min(d.properties->>'incoming_engagement') FILTER (WHERE jsonb_typeof(d.properties->'incoming_engagement') = 'number')::jsonb
          FROM data_point d
         WHERE d.source_id = p.source_id AND d.created = p.created
           AND {before d}
           AND d.generator_id IN (SELECT g.id FROM generator g WHERE g.identifier ^@ 'pdk-external-engagement-')) e(outgoing, incoming)
