# SPDX-License-Identifier: Apache-2.0
# Paths are below the source directory.
SQL_QUERIES = \
	sql/queries/base.sql

sql_schema_files =
schemadir = $(pkgdatadir)/sql/schema
dist_schema_DATA = $(sql_schema_files)
EXTRA_DIST += $(SQL_QUERIES) build-aux/sql2h.awk
