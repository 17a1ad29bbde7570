-- SPDX-License-Identifier: Apache-2.0
-- The simulated study of `webmunkd demo`; its people are in the default study.

-- Which of these people are there, and when they joined and last sent.
-- name: demo_find
SELECT u.n, (extract(epoch FROM s.added) * 1000000)::bigint, (extract(epoch FROM t.last_received) * 1000000)::bigint
  FROM unnest($1::text[]) WITH ORDINALITY AS u(identifier, n)
 CROSS JOIN LATERAL (SELECT id, added FROM source WHERE identifier = u.identifier LIMIT 1) AS s
  LEFT JOIN source_status t ON t.source_id = s.id
 ORDER BY u.n;

-- name: demo_groups
INSERT INTO source_group (study_id, name)
SELECT y.id, a.name
  FROM study y CROSS JOIN unnest(ARRAY['Control', 'Treatment A', 'Treatment B']) AS a(name)
 WHERE y.is_default
ON CONFLICT DO NOTHING;

-- An arm of 0 is none; the unassigned are known, but on no list.
-- name: demo_people
INSERT INTO source (identifier, name, study_id, group_id, added, paused_until, withdrawn, completed)
SELECT u.identifier, u.name, CASE WHEN NOT u.unassigned THEN y.id END, g.id, u.added, u.paused, u.withdrawn, u.completed
  FROM unnest($1::text[], $2::text[], $3::int4[], $4::bool[], $5::timestamptz[], $6::timestamptz[], $7::timestamptz[],
              $8::timestamptz[]) AS u(identifier, name, arm, unassigned, added, paused, withdrawn, completed)
 CROSS JOIN study y
  LEFT JOIN source_group g
    ON g.study_id = y.id AND g.name = (ARRAY['Control', 'Treatment A', 'Treatment B'])[u.arm] AND NOT u.unassigned
 WHERE y.is_default
ON CONFLICT DO NOTHING;

-- Every client of the study reports its state; what reports by itself has a kind of its own.
-- name: demo_generators
WITH kinds AS (
    UPDATE generator SET kind = 'continuous'
     WHERE identifier IN ('pdk-system-status', 'pdk-device-battery', 'webmunk-local-tasks') AND kind = 'event')
INSERT INTO study_generator (study_id, generator_id)
SELECT y.id, g.id FROM study y CROSS JOIN generator g WHERE y.is_default AND g.identifier = 'pdk-system-status'
ON CONFLICT DO NOTHING;
