-- SPDX-License-Identifier: Apache-2.0
-- Alerts and their rules, for webmunkd; pages have page_alert.sql.

-- name: alert_update
SELECT opened, closed, open FROM webmunk.alerts_update($1::timestamptz);
