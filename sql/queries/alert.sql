-- SPDX-License-Identifier: Apache-2.0
-- Alerts and their rules, for webmunkd; pages have page_alert.sql.

-- name: alert_update
SELECT opened, closed, open FROM webmunk.alerts_update($1::timestamptz);

-- name: alert_lock
SELECT webmunk.alert_lock();

-- name: alert_digest
-- $1 the time, $2 so many alerts of each part.  What is told is marked, unless the day has its digest:
-- no counts then.  Of a level that took another's place only the new one is told.
WITH day AS MATERIALIZED (
    SELECT z.zone, w.what, EXISTS (SELECT FROM webmunk.mail m WHERE m.what = w.what) AS made
      FROM (SELECT coalesce((SELECT time_zone FROM webmunk.study WHERE is_default), 'UTC') AS zone) AS z
     CROSS JOIN LATERAL (SELECT 'alert digest ' || ($1::timestamptz AT TIME ZONE z.zone)::date AS what) AS w
), news AS (
    UPDATE webmunk.alert a SET told = true FROM day WHERE NOT a.told AND NOT day.made RETURNING a.id
), part AS (
    SELECT v.id, v.level, v.opened, v.study_id,
           CASE webmunk.alert_state(v.closed, v.acknowledged, v.acknowledged_until, $1::timestamptz)
               WHEN 'open' THEN CASE WHEN n.id IS NULL THEN 'open' ELSE 'opened' END
               WHEN 'closed' THEN CASE WHEN NOT EXISTS (
                   SELECT FROM webmunk.alert o
                    WHERE o.closed IS NULL AND o.check_name = v.check_name AND o.subject = v.subject
                      AND coalesce(o.source_id, 0) = coalesce(v.source_id, 0)) THEN 'closed' END
           END AS name
      FROM webmunk.alert v LEFT JOIN news n ON n.id = v.id
     WHERE (v.closed IS NULL OR n.id IS NOT NULL) AND NOT (SELECT made FROM day)
), placed AS MATERIALIZED (
    SELECT *, row_number() OVER (PARTITION BY name ORDER BY webmunk.alert_rank(level) DESC, opened, id) AS place
      FROM part WHERE name IS NOT NULL
)
SELECT jsonb_build_object(
    'what', day.what, 'zone', day.zone, 'made', day.made,
    'studies', (SELECT count(*) FROM webmunk.study),
    'counts', (SELECT coalesce(jsonb_object_agg(name, count), '{}')
                 FROM (SELECT name, count(*) FROM placed GROUP BY 1) AS c),
    'alerts', (SELECT coalesce(jsonb_object_agg(name, rows), '{}')
                 FROM (SELECT p.name, jsonb_agg(webmunk.alert_object(v, day.zone) ORDER BY p.place) AS rows
                         FROM placed p JOIN webmunk.alert_shown v ON v.id = p.id
                        WHERE p.place <= $2::int8 GROUP BY 1) AS r))
  FROM day;

-- name: alert_list
-- $1 open, acknowledged or closed, $2 study or 0, $3 so many.
SELECT coalesce(jsonb_agg(t.o ORDER BY t.place), '[]')
  FROM (SELECT webmunk.alert_object(v, 'UTC') AS o,
               row_number() OVER (ORDER BY CASE WHEN v.closed IS NULL THEN webmunk.alert_rank(v.level) END DESC,
                                           v.closed DESC, v.opened DESC, v.id DESC) AS place
          FROM webmunk.alert_shown v
         WHERE webmunk.alert_state(v.closed, v.acknowledged, v.acknowledged_until, now()) = $1::text
           AND ($2::int8 = 0 OR v.study_id = $2::int8)) AS t
 WHERE t.place <= $3::int8;

-- name: alert_rules
SELECT coalesce(jsonb_agg(jsonb_build_object(
           'check', c.name, 'label', c.label, 'unit', c.unit, 'wrong', c.wrong, 'study', y.slug, 'group', g.name,
           'enabled', r.enabled, 'warning', r.warning, 'critical', r.critical, 'level', r.level, 'margin', r.margin)
           ORDER BY c.place, y.slug NULLS FIRST, g.name NULLS FIRST), '[]')
  FROM webmunk.alert_rule r
  JOIN webmunk.alert_check c ON c.name = r.check_name
  LEFT JOIN webmunk.study y ON y.id = r.study_id
  LEFT JOIN webmunk.source_group g ON g.id = r.group_id
 WHERE $1::text = '' OR c.name = $1::text;

-- name: alert_rule_set
-- $1 check, $2 study or 0, $3 group or 0, then enabled, warning, critical, level and margin.  What is NULL
-- stays, or comes from the rule that counted before; NaN is the study's own limit.
INSERT INTO webmunk.alert_rule AS r (check_name, study_id, group_id, enabled, warning, critical, level, margin)
SELECT b.check_name, nullif($2::int8, 0), nullif($3::int8, 0), coalesce($4::bool, b.enabled),
       CASE WHEN $5::float8 = 'NaN' THEN NULL ELSE coalesce($5::float8, b.warning) END,
       CASE WHEN $6::float8 = 'NaN' THEN NULL ELSE coalesce($6::float8, b.critical) END,
       coalesce($7::text, b.level), coalesce($8::float8, b.margin)
  FROM (SELECT * FROM webmunk.alert_rule
         WHERE check_name = $1::text AND (study_id IS NULL OR study_id = $2::int8) AND (group_id IS NULL OR group_id = $3::int8)
         ORDER BY group_id IS NULL, study_id IS NULL LIMIT 1) AS b
ON CONFLICT (check_name, coalesce(study_id, 0), coalesce(group_id, 0)) DO UPDATE
   SET enabled = excluded.enabled, warning = excluded.warning, critical = excluded.critical, level = excluded.level,
       margin = excluded.margin
RETURNING CASE (SELECT wrong FROM webmunk.alert_check WHERE name = r.check_name)
              WHEN 'above' THEN coalesce(r.warning <= r.critical, true)
              WHEN 'below' THEN coalesce(r.warning >= r.critical, true) ELSE true END;

-- name: alert_rule_unset
-- What is for all stays: there must be one.
DELETE FROM webmunk.alert_rule
 WHERE check_name = $1::text AND study_id = $2::int8 AND coalesce(group_id, 0) = $3::int8;

-- name: alert_group
SELECT id FROM webmunk.source_group WHERE study_id = $1::int8 AND name = $2::text;

-- name: alert_mute_source
-- $2 seconds; 0: for good.
INSERT INTO webmunk.alert_mute AS m (source_id, until)
SELECT id, CASE WHEN $2::int8 > 0 THEN now() + $2::int8 * interval '1 second' END FROM webmunk.source WHERE identifier = $1::text
ON CONFLICT (source_id) DO UPDATE SET until = excluded.until;

-- name: alert_mute_group
INSERT INTO webmunk.alert_mute AS m (group_id, until)
VALUES ($1::int8, CASE WHEN $2::int8 > 0 THEN now() + $2::int8 * interval '1 second' END)
ON CONFLICT (group_id) DO UPDATE SET until = excluded.until;

-- name: alert_unmute_source
DELETE FROM webmunk.alert_mute WHERE source_id = (SELECT id FROM webmunk.source WHERE identifier = $1::text);

-- name: alert_unmute_group
DELETE FROM webmunk.alert_mute WHERE group_id = $1::int8;
