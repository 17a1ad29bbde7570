-- SPDX-License-Identifier: Apache-2.0
-- The page Alerts.

-- name: page_alerts
-- $1 studies that may be seen (NULL: all), $13 also what is of the whole server; $2 the time, $3 the
-- time zone, $4 tab, $5 part of id, name, subject or check, $6 level, $7 column, $8 descending, $9 and
-- $10 key and id of the row that the page begins behind, $11 backwards, $12 rows, $14 participant whose
-- alerts alone are shown.  Closed ones of the last 90 days.
WITH seen AS MATERIALIZED (
    SELECT a.id, alert_state(a.closed, a.acknowledged, a.acknowledged_until, $2::timestamptz) AS state
      FROM alert a
     WHERE ($1::bigint[] IS NULL OR a.study_id = ANY ($1::bigint[]) OR (a.study_id IS NULL AND $13::boolean))
       AND CASE WHEN $4::text = 'closed' THEN a.closed IS NULL OR a.closed > $2::timestamptz - interval '90 days'
                ELSE a.closed IS NULL END
       AND ($14::text IS NULL OR a.source_id = (SELECT id FROM source WHERE identifier = $14::text))
), chosen AS MATERIALIZED (
    SELECT v.id,
           -- A key goes into the address, therefore it has a bound.
           left(CASE $7::text
                WHEN 'participant' THEN coalesce(v.identifier, v.subject)
                WHEN 'check' THEN sort_key(v.place::bigint)
                WHEN 'opened' THEN sort_key(v.opened)
                WHEN 'seen' THEN sort_key(v.last_seen)
                ELSE sort_key((3 - alert_rank(v.level))::bigint)
            END, 120) COLLATE "C" AS key
      FROM seen s JOIN alert_shown v ON v.id = s.id
     WHERE s.state = $4::text
       AND ($6::text IS NULL OR v.level = $6::text)
       AND ($5::text IS NULL OR position(lower($5::text) IN lower(
               concat_ws(' ', v.identifier, v.source_name, v.subject, v.label, v.check_name))) > 0)
), shown AS (
    SELECT * FROM chosen
     WHERE $10::bigint = 0
        OR CASE WHEN $8::boolean <> $11::boolean THEN (key, id) < ($9::text COLLATE "C", $10::bigint)
                ELSE (key, id) > ($9::text COLLATE "C", $10::bigint) END
     ORDER BY CASE WHEN $8::boolean <> $11::boolean THEN key END DESC,
              CASE WHEN $8::boolean <> $11::boolean THEN id END DESC, key, id
     LIMIT $12::bigint + 1
)
SELECT jsonb_build_object(
    'total', (SELECT count(*) FROM chosen),
    'counts', (SELECT jsonb_build_object('open', count(*) FILTER (WHERE state = 'open'),
                                         'acknowledged', count(*) FILTER (WHERE state = 'acknowledged')) FROM seen),
    'checked', page_time((SELECT j.finished FROM job j WHERE j.name = 'status-checks' AND j.what = '' AND j.state = 'done'
                           ORDER BY j.id DESC LIMIT 1), $3::text),
    'rows', coalesce((
        SELECT jsonb_agg(alert_object(v, $3::text) || jsonb_build_object('state', $4::text, 'key', c.key)
                         ORDER BY CASE WHEN $8::boolean THEN c.key END DESC,
                                  CASE WHEN $8::boolean THEN c.id END DESC, c.key, c.id)
          FROM shown c JOIN alert_shown v ON v.id = c.id), '[]'));

-- name: page_alert
-- $1 alert: whose it is; 0: the whole server's.
SELECT jsonb_build_object('study', coalesce(study_id, 0), 'source', coalesce(source_id, 0)) FROM alert WHERE id = $1::bigint;

-- name: page_alerts_open
-- Which of the alerts $1 nobody has acknowledged, and whose they are, as page_alert says it.
SELECT id, coalesce(study_id, 0), coalesce(source_id, 0) FROM alert
 WHERE id = ANY ($1::bigint[]) AND alert_state(closed, acknowledged, acknowledged_until, now()) = 'open' ORDER BY id;

-- name: page_alert_acknowledge
-- $1 alerts, $2 by whom, $3 days; 0: as long as it is open.
UPDATE alert
   SET acknowledged = now(), acknowledged_by = $2::bigint,
       acknowledged_until = CASE WHEN $3::bigint > 0 THEN now() + $3::bigint * interval '1 day' END
 WHERE id = ANY ($1::bigint[]) AND closed IS NULL;

-- name: page_alert_reopen
UPDATE alert SET acknowledged = NULL, acknowledged_by = NULL, acknowledged_until = NULL
 WHERE id = $1::bigint AND closed IS NULL;
