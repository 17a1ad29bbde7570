/* SPDX-License-Identifier: Apache-2.0 */
/* Whose points go to which other server. */
#include <stdio.h>
#include <string.h>

#include <apr_file_io.h>
#include <apr_strings.h>
#include <jansson.h>

#include "command.h"
#include "job.h"
#include "servers.h"
#include "wm_json_own.h"
#include "wm_pgarray.h"
#include "wm_position.h"

enum { LINE_MAX_BYTES = 8192, PROBLEMS_SHOWN = 10 };

const wm_err *wm_server_wake(wm_run *run)
{
    apr_int64_t job;

    return wm_job_add(&job, run->db, "forward", "", 0, NULL, 0, run->pool);
}

/* The lines of --file. */
static const wm_err *read_file(wm_pgarray *names, int *count, wm_run *run, const char *path)
{
    char *line = apr_palloc(run->pool, LINE_MAX_BYTES);
    apr_file_t *file;
    apr_status_t rv =
        strcmp(path, "-")
            ? apr_file_open(&file, path, APR_FOPEN_READ | APR_FOPEN_BUFFERED, 0, run->pool)
            : apr_file_open_stdin(&file, run->pool);

    if (rv)
        return wm_run_usage(run, "--file is \"%s\", which cannot be read", path);
    while (!apr_file_gets(line, LINE_MAX_BYTES, file)) {
        size_t size = strcspn(line, "\r\n");

        if (!line[size] && size == LINE_MAX_BYTES - 1)
            return wm_err_make(run->pool, WM_E_INPUT, "a line of %s is too long", path);
        line[size] = '\0';
        if (!size)
            continue;
        WM_TRY(wm_pgarray_add_word(names, line));
        ++*count;
    }
    return NULL;
}

/* The identifiers of the command line and of --file; *COUNT of them. */
static const wm_err *read_names(wm_arg *arg, int *count, wm_run *run)
{
    const char *path = wm_run_option(run, "file");
    wm_pgarray names;

    *count = 0;
    WM_TRY(wm_pgarray_begin(&names, WM_OID_TEXT, NULL, run->pool));
    for (int i = 1; i < run->arg_count; i++, ++*count)
        WM_TRY(wm_pgarray_add_word(&names, run->args[i]));
    if (path)
        WM_TRY(read_file(&names, count, run, path));
    *arg = wm_pgarray_arg(&names, WM_OID_TEXT_ARRAY);
    return NULL;
}

/* Begin, and hold the server's row. */
static const wm_err *lock(apr_int64_t *server, wm_run *run)
{
    wm_rows *rows;

    WM_TRY(wm_position_raise(run->db, run->pool)); /* since when is a position */
    WM_TRY(wm_db_begin(run->db, run->pool));
    WM_TRY(
        wm_db_rows(&rows, run->db, WM_SQL_SERVER_LOCK, WM_ARGS(WM_TEXT(run->args[0])), run->pool));
    if (!wm_rows_count(rows))
        return wm_server_missing(run);
    *server = wm_rows_i64(rows, 0, 0);
    return NULL;
}

static const wm_err *check(wm_run *run, apr_int64_t server, const wm_arg *names)
{
    const char *all = NULL;
    json_t *problems;
    size_t count;

    WM_TRY(wm_db_json(&problems, run->db, WM_SQL_SERVER_LOOK, WM_ARGS(WM_I64(server), *names),
                      run->pool));
    count = json_array_size(problems);
    for (size_t i = 0; i < count && i < PROBLEMS_SHOWN; i++)
        all = apr_pstrcat(run->pool, all ? all : "", all ? "; " : "",
                          json_string_value(json_array_get(problems, i)), NULL);
    if (count > PROBLEMS_SHOWN)
        all = apr_psprintf(run->pool, "%s; and %d more", all, (int)count - PROBLEMS_SHOWN);
    return all ? wm_err_make(run->pool, WM_E_INPUT, "%s", all) : NULL;
}

/* Ids are the first column of ROWS. */
static const wm_err *finish(wm_run *run, const char *action, const wm_rows *rows)
{
    int count = wm_rows_count(rows);
    apr_int64_t *ids = apr_palloc(run->pool, sizeof *ids * ((size_t)count + 1));

    for (int i = 0; i < count; i++)
        ids[i] = wm_rows_i64(rows, i, 0);
    if (strcmp(action, "server-unassign"))
        WM_TRY(wm_server_wake(run));
    WM_TRY(wm_run_audit_sources(run, action, apr_pstrcat(run->pool, "server:", run->args[0], NULL),
                                ids, count, NULL));
    return wm_db_commit(run->db, run->pool);
}

static const wm_err *change(int *changed, wm_run *run, const char *action, wm_sql_id statement,
                            int all_without_names)
{
    apr_int64_t server = 0;
    wm_arg names;
    wm_rows *rows;
    int count;

    WM_TRY(read_names(&names, &count, run));
    if (!count && !all_without_names)
        return wm_run_usage(run, "whose? Name participants, or a file of them with --file");
    if (!count)
        names = WM_NULL(WM_OID_TEXT_ARRAY);
    WM_TRY(lock(&server, run));
    if (statement == WM_SQL_SERVER_ASSIGN)
        WM_TRY(check(run, server, &names));
    WM_TRY(wm_db_rows(&rows, run->db, statement, WM_ARGS(WM_I64(server), names), run->pool));
    *changed = wm_rows_count(rows);
    if (statement != WM_SQL_SERVER_ASSIGN && count && *changed < count)
        return wm_err_make(run->pool, WM_E_INPUT, "only %d of the %d are assigned to \"%s\"",
                           *changed, count, run->args[0]);
    return finish(run, action, rows);
}

static const wm_err *assign(wm_run *run)
{
    int changed;

    WM_TRY(change(&changed, run, "server-assign", WM_SQL_SERVER_ASSIGN, 0));
    printf("%d participants are assigned to \"%s\"; what they sent before goes there with"
           " \"webmunkd server backfill\"\n",
           changed, run->args[0]);
    return NULL;
}

static const wm_err *unassign(wm_run *run)
{
    int changed;

    WM_TRY(change(&changed, run, "server-unassign", WM_SQL_SERVER_UNASSIGN, 0));
    printf("%d participants are no longer assigned to \"%s\"\n", changed, run->args[0]);
    return NULL;
}

static const wm_err *backfill(wm_run *run)
{
    int changed;

    WM_TRY(change(&changed, run, "server-backfill", WM_SQL_SERVER_BACKFILL, 1));
    printf("what %d participants had sent before they were assigned goes to \"%s\"\n", changed,
           run->args[0]);
    return NULL;
}

/* What the three have in common. */
#define OF_PARTICIPANTS                                                            \
    .args = "SERVER [IDENTIFIER...]", .args_min = 1, .args_max = WM_ARGUMENTS_MAX, \
    .needs = WM_NEEDS_DATABASE,                                                    \
    .options = {{.name = "file", .arg = "FILE", .help = "identifiers, one a line; - is stdin"}}

const wm_command wm_cmd_server_assign = {
    .name = "server assign",
    OF_PARTICIPANTS,
    .summary = "forward what participants send to a server",
    .help = "From now on what these participants send is stored here and forwarded.  Exports leave "
            "them\n"
            "out and say so.",
    .run = assign,
};

const wm_command wm_cmd_server_unassign = {
    .name = "server unassign",
    OF_PARTICIPANTS,
    .summary = "no longer forward what participants send",
    .help = "What is packed already is still sent.",
    .run = unassign,
};

const wm_command wm_cmd_server_backfill = {
    .name = "server backfill",
    OF_PARTICIPANTS,
    .summary = "forward what participants had sent before",
    .help =
        "Sends what was stored before they were assigned: of these participants, or of all that "
        "are\n"
        "assigned.  A server of this kind recognises what it has already.",
    .run = backfill,
};
