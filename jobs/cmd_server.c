/* SPDX-License-Identifier: Apache-2.0 */
/* Other servers that points are forwarded to. */
#include <stdio.h>
#include <string.h>

#include <apr_strings.h>
#include <jansson.h>

#include "command.h"
#include "forward.h"
#include "secret.h"
#include "servers.h"
#include "wm_alert.h"
#include "wm_forward.h"
#include "wm_json_own.h"
#include "wm_url.h"

enum { NAME_MAX_BYTES = 100 };

static const char *text_of(const json_t *object, const char *name)
{
    const char *text = json_string_value(json_object_get(object, name));

    return text ? text : "";
}

static apr_int64_t number_of(const json_t *object, const char *name)
{
    return json_integer_value(json_object_get(object, name));
}

static const wm_err *audit(wm_run *run, const char *action)
{
    return wm_run_audit(run, action, apr_pstrcat(run->pool, "server:", run->args[0], NULL));
}

const wm_err *wm_server_missing(wm_run *run)
{
    return wm_err_make(run->pool, WM_E_INPUT, "there is no server \"%s\"", run->args[0]);
}

static const wm_err *add(wm_run *run)
{
    int replace = wm_run_option(run, "replace") != NULL;
    const char *name = run->args[0], *url = wm_run_option(run, "url");
    const char *metadata = wm_run_option(run, "metadata-url");
    const char *secret = wm_run_option(run, "secret");
    apr_int64_t changed;
    const wm_err *err;

    if (!*name || strlen(name) > NAME_MAX_BYTES || strpbrk(name, " \t\r\n/"))
        return wm_run_usage(run, "a server's name has no blanks and slashes and at most 100 bytes");
    WM_TRY(wm_fetch_check_url(url, "--url", run->pool));
    if (metadata)
        WM_TRY(wm_fetch_check_url(metadata, "--metadata-url", run->pool));
    if (secret)
        WM_TRY(wm_secret_check_name(secret, run->pool));
    WM_TRY(wm_db_begin(run->db, run->pool));
    err = wm_db_do(&changed, run->db, replace ? WM_SQL_SERVER_REPLACE : WM_SQL_SERVER_ADD,
                   WM_ARGS(WM_TEXT(name), WM_TEXT(url), WM_TEXT(metadata ? metadata : ""),
                           WM_TEXT(secret ? secret : ""), WM_BOOL(!wm_run_option(run, "remove"))),
                   run->pool);
    if (err && err->code == WM_E_CONFLICT)
        return wm_err_make(run->pool, WM_E_CONFLICT,
                           "there is a server \"%s\" already; --replace changes it", name);
    WM_TRY(err);
    if (!changed)
        return wm_server_missing(run);
    WM_TRY(audit(run, replace ? "server-change" : "server-add"));
    WM_TRY(wm_db_commit(run->db, run->pool));
    printf("server \"%s\" is %s; \"webmunkd server test %s\" tries it\n", name,
           replace ? "changed" : "added", name);
    return NULL;
}

/* "3 points, 40 s" or "-". */
static const char *lag(const json_t *s, apr_pool_t *pool)
{
    apr_int64_t behind = number_of(s, "behind"), age = number_of(s, "behind_seconds");

    if (!behind)
        return "-";
    return apr_psprintf(pool, "%" APR_INT64_T_FMT ", %" APR_INT64_T_FMT " %s", behind,
                        age < 600     ? age
                        : age < 36000 ? age / 60
                                      : age / 3600,
                        age < 600     ? "s"
                        : age < 36000 ? "min"
                                      : "h");
}

static const wm_err *list(wm_run *run)
{
    json_t *root, *s;
    size_t i;

    WM_TRY(wm_db_json(&root, run->db, WM_SQL_SERVER_LIST, WM_ARGS(WM_TEXT("")), run->pool));
    if (wm_run_option(run, "json")) {
        puts(wm_json_own_text(root, run->pool));
        return NULL;
    }
    printf("%-20s %-8s %9s %12s %-18s %-20s  %s\n", "name", "state", "sources", "sent", "behind",
           "acknowledged", "last error");
    json_array_foreach(root, i, s)
    {
        printf("%-20s %-8s %9" APR_INT64_T_FMT, text_of(s, "name"),
               json_is_true(json_object_get(s, "paused")) ? "paused"
               : number_of(s, "failures")                 ? "failing"
               : number_of(s, "backfills")                ? "backfill"
                                                          : "active",
               number_of(s, "sources"));
        printf(" %12" APR_INT64_T_FMT " %-18s %-20s  %s\n", number_of(s, "points"),
               lag(s, run->pool), *text_of(s, "last_sent") ? text_of(s, "last_sent") : "never",
               wm_alert_line(text_of(s, "error"), run->pool));
    }
    return NULL;
}

static const wm_err *find(json_t **server, wm_run *run)
{
    json_t *root;

    WM_TRY(
        wm_db_json(&root, run->db, WM_SQL_SERVER_LIST, WM_ARGS(WM_TEXT(run->args[0])), run->pool));
    *server = json_array_get(root, 0);
    return *server && *run->args[0] ? NULL : wm_server_missing(run);
}

/* An empty bundle is a success everywhere, and stores nothing. */
static const wm_err *test(wm_run *run)
{
    wm_fetch_answer answer;
    const char *why = NULL;
    const wm_err *err;
    wm_fetch *fetch;
    json_t *server;

    WM_TRY(find(&server, run));
    WM_TRY(wm_fetch_create(&fetch, NULL, run->pool));
    err = wm_forward_post(&answer, fetch, run->args[0], text_of(server, "upload_url"),
                          "payload=%5B%5D", run->pool);
    if (err)
        why = wm_err_text(err, run->pool);
    else
        wm_forward_judge(&why, answer.status, answer.body, answer.size, run->pool);
    WM_TRY(wm_db_do(NULL, run->db, WM_SQL_SERVER_TESTED,
                    WM_ARGS(WM_TEXT(run->args[0]), WM_TEXT(why ? why : "")), run->pool));
    if (why)
        return wm_err_make(run->pool, WM_E_INPUT, "the test of \"%s\" failed: %s", run->args[0],
                           why);
    printf("server \"%s\" takes uploads\n", run->args[0]);
    return NULL;
}

/* The key alone, without the line's end. */
static const wm_err *metadata_key(const char **key, const json_t *server, wm_run *run)
{
    const char *secret = text_of(server, "secret_name");

    *key = "";
    if (!*secret)
        return NULL;
    WM_TRY(wm_secret_text(key, secret, run->pool));
    *key = apr_pstrmemdup(run->pool, *key, strcspn(*key, "\r\n"));
    return NULL;
}

static const wm_err *ask(wm_run *run)
{
    wm_fetch_answer answer;
    const char *key, *form;
    wm_fetch *fetch;
    json_t *server, *told;

    WM_TRY(find(&server, run));
    if (!*text_of(server, "metadata_url"))
        return wm_err_make(run->pool, WM_E_INPUT,
                           "nobody says where \"%s\" answers questions: give it --metadata-url",
                           run->args[0]);
    WM_TRY(metadata_key(&key, server, run));
    form = apr_pstrcat(run->pool, "identifier=", wm_url_escape(run->args[1], "", run->pool),
                       "&request-key=", wm_url_escape(key, "", run->pool), NULL);
    WM_TRY(wm_fetch_create(&fetch, NULL, run->pool));
    WM_TRY(wm_forward_post(&answer, fetch, run->args[0], text_of(server, "metadata_url"), form,
                           run->pool));
    WM_TRY(wm_fetch_expect(&answer, run->args[0], "asking", run->pool));
    if (wm_json_own_parse(&told, answer.body, answer.size, run->pool) || !json_is_object(told))
        return wm_err_make(run->pool, WM_E_INPUT,
                           "\"%s\" answers with something else: is --metadata-url the address of"
                           " its fetch-metadata.json?",
                           run->args[0]);
    if (!json_object_size(told))
        return wm_err_make(run->pool, WM_E_NOT_FOUND,
                           "\"%s\" does not know %s, or the key in --secret is not its",
                           run->args[0], run->args[1]);
    json_dumpf(told, stdout, JSON_INDENT(2) | JSON_SORT_KEYS | JSON_ENSURE_ASCII);
    putchar('\n');
    return NULL;
}

static const wm_err *set_paused(wm_run *run, int paused, const char *action)
{
    apr_int64_t changed;

    WM_TRY(wm_db_begin(run->db, run->pool));
    WM_TRY(wm_db_do(&changed, run->db, WM_SQL_SERVER_PAUSE,
                    WM_ARGS(WM_TEXT(run->args[0]), WM_BOOL(paused)), run->pool));
    if (!changed)
        return wm_server_missing(run);
    if (!paused)
        WM_TRY(wm_server_wake(run));
    WM_TRY(audit(run, action));
    return wm_db_commit(run->db, run->pool);
}

static const wm_err *pause_it(wm_run *run)
{
    WM_TRY(set_paused(run, 1, "server-pause"));
    printf("server \"%s\" is paused; what comes in meanwhile waits\n", run->args[0]);
    return NULL;
}

static const wm_err *resume(wm_run *run)
{
    WM_TRY(set_paused(run, 0, "server-resume"));
    printf("server \"%s\" is active; what waits is sent now\n", run->args[0]);
    return NULL;
}

static const wm_err *drop(wm_run *run)
{
    apr_int64_t changed;
    json_t *server;

    WM_TRY(find(&server, run));
    WM_TRY(wm_db_begin(run->db, run->pool));
    WM_TRY(wm_db_do(&changed, run->db, WM_SQL_SERVER_REMOVE, WM_ARGS(WM_TEXT(run->args[0])),
                    run->pool));
    if (!changed)
        return wm_err_make(run->pool, WM_E_CONFLICT,
                           "participants are assigned to \"%s\": unassign them first",
                           run->args[0]);
    WM_TRY(audit(run, "server-remove"));
    WM_TRY(wm_db_commit(run->db, run->pool));
    printf("server \"%s\" is removed; what it has stays there\n", run->args[0]);
    return NULL;
}

const wm_command wm_cmd_server_add = {
    .name = "server add",
    .args = "NAME",
    .args_min = 1,
    .args_max = 1,
    .summary = "add a server that points are forwarded to",
    .help = "Adds another server of this kind, or of Passive Data Kit.  \"webmunkd server assign\" "
            "says\n"
            "whose points go there.",
    .needs = WM_NEEDS_DATABASE,
    .options = {{.name = "url", .arg = "URL", .help = "its add-bundle.json", .required = 1},
                {.name = "metadata-url", .arg = "URL", .help = "its fetch-metadata.json"},
                {.name = "secret", .arg = "FILE", .help = "name of the file with the key for that"},
                {.name = "remove", .help = "remove points here when it has acknowledged them"},
                {.name = "replace", .help = "change the server of that name"}},
    .run = add,
};

const wm_command wm_cmd_server_list = {
    .name = "server list",
    .args = "",
    .summary = "list servers, what they got and what waits",
    .help = "Lists servers by name, with the points that wait for each, since when, and the last "
            "error.",
    .needs = WM_NEEDS_DATABASE,
    .options = {{.name = "json", .help = "as JSON"}},
    .run = list,
};

const wm_command wm_cmd_server_test = {
    .name = "server test",
    .args = "NAME",
    .args_min = 1,
    .args_max = 1,
    .summary = "send a server an upload without points",
    .help = "Sends an empty bundle, which stores nothing there, and says whether the answer was a "
            "receipt.",
    .needs = WM_NEEDS_DATABASE,
    .run = test,
};

const wm_command wm_cmd_server_ask = {
    .name = "server ask",
    .args = "NAME IDENTIFIER",
    .args_min = 2,
    .args_max = 2,
    .summary = "ask a server what it knows of a participant",
    .help = "Shows what the server's fetch-metadata.json says of a participant, as JSON.",
    .needs = WM_NEEDS_DATABASE,
    .run = ask,
};

const wm_command wm_cmd_server_pause = {
    .name = "server pause",
    .args = "NAME",
    .args_min = 1,
    .args_max = 1,
    .summary = "send a server nothing until it is resumed",
    .help = "Points wait until \"webmunkd server resume\"; none is left out.",
    .needs = WM_NEEDS_DATABASE,
    .run = pause_it,
};

const wm_command wm_cmd_server_resume = {
    .name = "server resume",
    .args = "NAME",
    .args_min = 1,
    .args_max = 1,
    .summary = "send to a server again, now",
    .help = "Ends a pause, or the wait after a failure.",
    .needs = WM_NEEDS_DATABASE,
    .run = resume,
};

const wm_command wm_cmd_server_remove = {
    .name = "server remove",
    .args = "NAME",
    .args_min = 1,
    .args_max = 1,
    .summary = "remove a server that nobody is assigned to",
    .help = "Forgets a server.  What it has got stays there.",
    .needs = WM_NEEDS_DATABASE,
    .run = drop,
};
