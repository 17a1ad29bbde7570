# SPDX-License-Identifier: Apache-2.0
# Paths are below the source directory.
SQL_QUERIES = \
	sql/queries/account.sql \
	sql/queries/audit.sql \
	sql/queries/base.sql \
	sql/queries/bundle.sql \
	sql/queries/demo.sql \
	sql/queries/destination.sql \
	sql/queries/export_rows.sql \
	sql/queries/job.sql \
	sql/queries/migrate.sql \
	sql/queries/page.sql \
	sql/queries/page_participant.sql \
	sql/queries/session.sql \
	sql/queries/token.sql

sql_schema_files = \
	sql/schema/0001-collect.sql \
	sql/schema/0002-accounts.sql \
	sql/schema/0003-pages.sql \
	sql/schema/0004-store.sql \
	sql/schema/0005-jobs.sql \
	sql/schema/0006-exports.sql \
	sql/schema/0007-mail.sql
schemadir = $(pkgdatadir)/sql/schema
dist_schema_DATA = $(sql_schema_files)
grantsdir = $(pkgdatadir)/sql
dist_grants_DATA = sql/grants.sql
EXTRA_DIST += $(SQL_QUERIES) build-aux/sql2h.awk

# Types of exports, sorted by name; points.sql is what they read.
SQL_EXPORTS = \
	sql/exports/generic.sql \
	sql/exports/points.sql \
	sql/exports/webmunk-extension-element-hide.sql \
	sql/exports/webmunk-extension-element-show.sql \
	sql/exports/webmunk-extension-log-elements.sql \
	sql/exports/webmunk-extension-scroll-position.sql \
	sql/exports/webmunk-visibility-export.sql
EXTRA_DIST += $(SQL_EXPORTS) build-aux/exports2c.awk sql/exports/README
