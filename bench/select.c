/* SPDX-License-Identifier: Apache-2.0 */
/* What an export sends to the database, as a script for psql: bench/export runs it to compare the
 * export with the same SELECT alone. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <apr_general.h>
#include <apr_strings.h>
#include <jansson.h>

#include "wm_export_copy.h"
#include "wm_json_own.h"

static const char usage_text[] = "usage: select CONNINFO DEFINITION POSITION\n"
                                 "\n"
                                 "DEFINITION is the JSON of an export with one type, POSITION its "
                                 "position.  Prints the settings\n"
                                 "that the exporter makes, and its COPY.\n";

/* All that statement export_rows_settings sets. */
static const char *const settings[] = {"webmunk.sources",  "webmunk.generators",
                                       "webmunk.\"from\"", "webmunk.\"to\"",
                                       "webmunk.position", "timezone",
                                       "datestyle",        "extra_float_digits",
                                       "client_encoding",  "jit",
                                       "enable_memoize",   "max_parallel_workers_per_gather",
                                       "work_mem"};

static const wm_err *print_setting(wm_db *db, const char *name, apr_pool_t *pool)
{
    PGresult *shown = PQexec(db->conn, apr_pstrcat(pool, "SHOW ", name, NULL));
    char *literal;

    if (PQresultStatus(shown) != PGRES_TUPLES_OK) {
        PQclear(shown);
        return wm_err_make(pool, WM_E_SYSTEM, "%s is not set", name);
    }
    literal = PQescapeLiteral(db->conn, PQgetvalue(shown, 0, 0), strlen(PQgetvalue(shown, 0, 0)));
    printf("SET LOCAL %s = %s;\n", name, literal);
    PQfreemem(literal);
    PQclear(shown);
    return NULL;
}

static const wm_err *print_script(const char *conninfo, const char *text, const char *position,
                                  apr_pool_t *pool)
{
    wm_export_definition *definition;
    const char *name;
    wm_export_copy *copy;
    json_t *json;
    wm_db *db;

    WM_TRY(wm_json_own_parse(&json, text, strlen(text), pool));
    WM_TRY(wm_db_connect(&db, conninfo, NULL, pool));
    WM_TRY(wm_db_begin(db, pool));
    WM_TRY(wm_export_define(&definition, json, db, pool));
    name = APR_ARRAY_IDX(definition->types, 0, const char *);
    WM_TRY(wm_export_copy_make(&copy, db, wm_export_type_find(name, pool), definition, position,
                               pool));
    if (copy->nothing)
        return wm_err_make(pool, WM_E_INPUT, "there are no points of %s", name);
    puts("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY;\nSET LOCAL search_path = webmunk;");
    for (size_t i = 0; i < sizeof settings / sizeof *settings; i++)
        WM_TRY(print_setting(db, settings[i], pool));
    printf("COPY (%s) TO STDOUT;\n", copy->sql);
    return NULL;
}

int main(int argc, char **argv)
{
    const wm_err *err;
    apr_pool_t *pool;

    if (argc != 4) {
        fputs(usage_text, stderr);
        return 2;
    }
    apr_initialize();
    apr_pool_create(&pool, NULL);
    err = print_script(argv[1], argv[2], argv[3], pool);
    if (err)
        fprintf(stderr, "select: %s\n", wm_err_text(err, pool));
    apr_terminate();
    return !!err;
}
