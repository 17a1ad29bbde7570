# SPDX-License-Identifier: Apache-2.0
# Paths are below the source directory.
SQL_QUERIES = \
	sql/queries/account.sql \
	sql/queries/alert.sql \
	sql/queries/audit.sql \
	sql/queries/base.sql \
	sql/queries/bundle.sql \
	sql/queries/demo.sql \
	sql/queries/destination.sql \
	sql/queries/export.sql \
	sql/queries/export_rows.sql \
	sql/queries/forward.sql \
	sql/queries/health.sql \
	sql/queries/job.sql \
	sql/queries/merge.sql \
	sql/queries/migrate.sql \
	sql/queries/page.sql \
	sql/queries/page_alert.sql \
	sql/queries/page_export.sql \
	sql/queries/page_job.sql \
	sql/queries/page_participant.sql \
	sql/queries/position.sql \
	sql/queries/session.sql \
	sql/queries/source.sql \
	sql/queries/token.sql

sql_schema_files = \
	sql/schema/0001-collect.sql \
	sql/schema/0002-accounts.sql \
	sql/schema/0003-pages.sql \
	sql/schema/0004-store.sql \
	sql/schema/0005-jobs.sql \
	sql/schema/0006-exports.sql \
	sql/schema/0007-mail.sql \
	sql/schema/0008-alerts.sql \
	sql/schema/0009-merge.sql \
	sql/schema/0010-unmerge.sql \
	sql/schema/0011-health.sql \
	sql/schema/0012-forward.sql \
	sql/schema/0013-positions.sql \
	sql/schema/0014-rights.sql \
	sql/schema/0015-account-columns.sql
schemadir = $(pkgdatadir)/sql/schema
dist_schema_DATA = $(sql_schema_files)
grantsdir = $(pkgdatadir)/sql
dist_grants_DATA = sql/grants.sql
EXTRA_DIST += $(SQL_QUERIES) build-aux/sql2h.awk

# Types of exports, sorted by name; points.sql is what they read.
SQL_EXPORTS = \
	sql/exports/generic.sql \
	sql/exports/pdk-app-event.sql \
	sql/exports/pdk-device-battery.sql \
	sql/exports/pdk-external-amazon-item.sql \
	sql/exports/pdk-external-engagement.sql \
	sql/exports/pdk-external-events.sql \
	sql/exports/pdk-foreground-application.sql \
	sql/exports/pdk-geofences.sql \
	sql/exports/pdk-location.sql \
	sql/exports/pdk-notification-events.sql \
	sql/exports/pdk-pedometer.sql \
	sql/exports/pdk-phone-calls.sql \
	sql/exports/pdk-screen-state.sql \
	sql/exports/pdk-sensor-accelerometer.sql \
	sql/exports/pdk-sensor-light.sql \
	sql/exports/pdk-system-status.sql \
	sql/exports/pdk-text-messages.sql \
	sql/exports/pdk-time-of-day.sql \
	sql/exports/pdk-usage-event-daily-summary.sql \
	sql/exports/pdk-user.sql \
	sql/exports/pdk-web-visit.sql \
	sql/exports/pdk-withings-device-activity-measures.sql \
	sql/exports/pdk-withings-device-body.sql \
	sql/exports/pdk-withings-device-intraday-activity.sql \
	sql/exports/pdk-withings-device-sleep-measures.sql \
	sql/exports/points.sql \
	sql/exports/webmunk-amazon-order.sql \
	sql/exports/webmunk-asin-details.sql \
	sql/exports/webmunk-extension-action.sql \
	sql/exports/webmunk-extension-class-added.sql \
	sql/exports/webmunk-extension-element-click.sql \
	sql/exports/webmunk-extension-element-hide.sql \
	sql/exports/webmunk-extension-element-show.sql \
	sql/exports/webmunk-extension-log-elements.sql \
	sql/exports/webmunk-extension-matched-rule.sql \
	sql/exports/webmunk-extension-scroll-position.sql \
	sql/exports/webmunk-local-tasks.sql \
	sql/exports/webmunk-visibility-export.sql
EXTRA_DIST += $(SQL_EXPORTS) build-aux/exports2c.awk sql/exports/README
