# SPDX-License-Identifier: Apache-2.0
# Paths are below the source directory.
SQL_QUERIES = \
	sql/queries/base.sql \
	sql/queries/bundle.sql

sql_schema_files = \
	sql/schema/0001-collect.sql \
	sql/schema/0004-store.sql
schemadir = $(pkgdatadir)/sql/schema
dist_schema_DATA = $(sql_schema_files)
EXTRA_DIST += $(SQL_QUERIES) build-aux/sql2h.awk
