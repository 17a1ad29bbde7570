/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <apr_file_io.h>
#include <apr_strings.h>

#include "command.h"
#include "dest.h"
#include "job.h"
#include "wm_json_own.h"

enum { SETTINGS_MAX = 64 * 1024 };

static const char *text_of(const json_t *object, const char *name)
{
    const char *text = json_string_value(json_object_get(object, name));

    return text ? text : "";
}

static const wm_err *audit(wm_run *run, const char *action)
{
    return wm_run_audit(run, action, apr_pstrcat(run->pool, "destination:", run->args[0], NULL));
}

static const wm_err *missing(wm_run *run)
{
    return wm_err_make(run->pool, WM_E_INPUT, "there is no destination \"%s\"", run->args[0]);
}

/* The value of --settings: JSON, or the name of a file with it. */
static const wm_err *read_settings(json_t **settings, wm_run *run)
{
    const char *text = wm_run_option(run, "settings");
    apr_file_t *file;
    apr_size_t size;
    char *data;

    if (!text)
        text = "{}";
    size = strlen(text);
    if (*text != '{') {
        if (strcmp(text, "-") ? apr_file_open(&file, text, APR_FOPEN_READ, 0, run->pool)
                              : apr_file_open_stdin(&file, run->pool))
            return wm_run_usage(run, "--settings is \"%s\", which is neither JSON nor a file",
                                text);
        data = apr_pcalloc(run->pool, SETTINGS_MAX);
        apr_file_read_full(file, data, SETTINGS_MAX - 1, &size);
        text = data;
    }
    return wm_err_wrap(run->pool, wm_json_own_parse(settings, text, size, run->pool),
                       "the settings");
}

static const wm_err *add(wm_run *run)
{
    const char *profiles = wm_run_option(run, "profiles");
    const char *secret = wm_run_option(run, "secret");
    const char *name = run->args[0];
    const wm_dest_kind *kind = wm_dest_find(wm_run_option(run, "kind"));
    int replace = wm_run_option(run, "replace") != NULL;
    apr_int64_t study = 0, changed;
    json_t *settings;
    const wm_err *err;

    if (!kind)
        return wm_run_usage(run,
                            "there is no kind \"%s\"; \"webmunkd destination kinds\" lists them",
                            wm_run_option(run, "kind"));
    if (!*name || strlen(name) > 100 || strpbrk(name, " \t\r\n/"))
        return wm_run_usage(run,
                            "a destination's name has no blanks and slashes and at most 100 bytes");
    WM_TRY(read_settings(&settings, run));
    WM_TRY(wm_dest_check(kind, settings, secret, run->pool));
    WM_TRY(wm_run_study(&study, run));
    WM_TRY(wm_db_begin(run->db, run->pool));
    err = wm_db_do(&changed, run->db, replace ? WM_SQL_DESTINATION_REPLACE : WM_SQL_DESTINATION_ADD,
                   WM_ARGS(WM_I64(study), WM_TEXT(name), WM_TEXT(kind->name),
                           WM_TEXT(wm_json_own_text(settings, run->pool)),
                           WM_TEXT(secret ? secret : ""), WM_TEXT(profiles ? profiles : "nightly")),
                   run->pool);
    if (err && err->code == WM_E_CONFLICT)
        return wm_err_make(run->pool, WM_E_CONFLICT,
                           "there is a destination \"%s\" already; --replace changes it", name);
    WM_TRY(err);
    if (!changed)
        return missing(run);
    WM_TRY(audit(run, replace ? "destination-change" : "destination-add"));
    WM_TRY(wm_db_commit(run->db, run->pool));
    printf("destination \"%s\" is %s; \"webmunkd destination test %s\" tries it\n", name,
           replace ? "changed" : "added", name);
    return NULL;
}

static const wm_err *list(wm_run *run)
{
    json_t *root, *d;
    size_t i;

    WM_TRY(wm_db_json(&root, run->db, WM_SQL_DESTINATION_LIST, WM_ARGS(WM_TEXT("")), run->pool));
    if (wm_run_option(run, "json")) {
        puts(wm_json_own_text(root, run->pool));
        return NULL;
    }
    printf("%-24s %-8s %-8s %9s %9s %9s  %s\n", "name", "kind", "state", "waiting", "delivered",
           "failed", "last test");
    json_array_foreach(root, i, d)
    {
        const char *result = text_of(d, "test_result");

        printf("%-24s %-8s %-8s %9d %9d %9d  %s\n", text_of(d, "name"), text_of(d, "kind"),
               json_is_true(json_object_get(d, "paused")) ? "paused" : "active",
               (int)json_integer_value(json_object_get(d, "waiting")),
               (int)json_integer_value(json_object_get(d, "delivered")),
               (int)json_integer_value(json_object_get(d, "failed")),
               !*text_of(d, "tested") ? "never"
               : *result              ? result
                                      : "well");
    }
    return NULL;
}

static const wm_err *find(json_t **found, wm_run *run)
{
    json_t *root;

    WM_TRY(wm_db_json(&root, run->db, WM_SQL_DESTINATION_LIST, WM_ARGS(WM_TEXT(run->args[0])),
                      run->pool));
    *found = json_array_get(root, 0);
    return *found && *run->args[0] ? NULL : missing(run);
}

static const wm_err *show(wm_run *run)
{
    json_t *d;
    char *text;

    WM_TRY(find(&d, run));
    text = json_dumps(d, JSON_INDENT(2) | JSON_SORT_KEYS | JSON_ENSURE_ASCII);
    if (!text)
        return wm_err_make(run->pool, WM_E_SYSTEM, "there is no memory");
    puts(text);
    free(text);
    return NULL;
}

static const wm_err *test(wm_run *run)
{
    wm_dest_send send = {.pool = run->pool, .fd = -1};
    const wm_err *err;
    const char *result;
    json_t *d;

    WM_TRY(find(&d, run));
    send.kind = wm_dest_find(text_of(d, "kind"));
    send.name = text_of(d, "name");
    send.settings = json_object_get(d, "settings");
    send.secret_name = json_string_value(json_object_get(d, "secret_name"));
    if (!send.kind)
        return wm_err_make(run->pool, WM_E_INPUT, "this webmunkd knows no kind %s",
                           text_of(d, "kind"));
    WM_TRY(wm_fetch_create(&send.fetch, NULL, run->pool));
    err = wm_dest_check(send.kind, send.settings, send.secret_name, run->pool);
    if (!err)
        err = wm_dest_test(&result, &send);
    if (err)
        result = wm_err_text(err, run->pool);
    WM_TRY(wm_db_do(NULL, run->db, WM_SQL_DESTINATION_TESTED,
                    WM_ARGS(WM_I64(json_integer_value(json_object_get(d, "id"))),
                            WM_TEXT(result ? result : "")),
                    run->pool));
    if (result)
        return wm_err_make(run->pool, WM_E_INPUT, "the test of \"%s\" failed: %s", send.name,
                           result);
    printf("destination \"%s\" works: %s was written, verified (%s) and removed\n", send.name,
           send.object, send.remote_checksum);
    return NULL;
}

static const wm_err *set_paused(wm_run *run, int paused)
{
    apr_int64_t changed;

    WM_TRY(wm_db_do(&changed, run->db, WM_SQL_DESTINATION_PAUSE,
                    WM_ARGS(WM_TEXT(run->args[0]), WM_BOOL(paused)), run->pool));
    return changed ? NULL : missing(run);
}

static const wm_err *pause_it(wm_run *run)
{
    WM_TRY(wm_db_begin(run->db, run->pool));
    WM_TRY(set_paused(run, 1));
    WM_TRY(audit(run, "destination-pause"));
    WM_TRY(wm_db_commit(run->db, run->pool));
    printf("destination \"%s\" is paused\n", run->args[0]);
    return NULL;
}

static const wm_err *resume(wm_run *run)
{
    wm_rows *rows;

    WM_TRY(wm_db_begin(run->db, run->pool));
    WM_TRY(set_paused(run, 0));
    WM_TRY(wm_db_rows(&rows, run->db, WM_SQL_DESTINATION_AGAIN, WM_ARGS(WM_TEXT(run->args[0])),
                      run->pool));
    for (int i = 0; i < wm_rows_count(rows); i++) {
        apr_int64_t id = wm_rows_i64(rows, i, 0), job;
        json_t *params = wm_json_own(json_pack("{s:I}", "delivery", (json_int_t)id), run->pool);

        WM_TRY(wm_job_add(&job, run->db, "deliver",
                          apr_psprintf(run->pool, "delivery %" APR_INT64_T_FMT, id),
                          wm_rows_i64(rows, i, 1), params, 0, run->pool));
    }
    WM_TRY(audit(run, "destination-resume"));
    WM_TRY(wm_db_commit(run->db, run->pool));
    printf("destination \"%s\" is active; %d deliveries are sent\n", run->args[0],
           wm_rows_count(rows));
    return NULL;
}

static const wm_err *drop(wm_run *run)
{
    apr_int64_t changed;

    WM_TRY(wm_db_begin(run->db, run->pool));
    WM_TRY(wm_db_do(&changed, run->db, WM_SQL_DESTINATION_REMOVE, WM_ARGS(WM_TEXT(run->args[0])),
                    run->pool));
    if (!changed)
        return missing(run);
    WM_TRY(audit(run, "destination-remove"));
    WM_TRY(wm_db_commit(run->db, run->pool));
    printf("destination \"%s\" is removed; what was sent there stays there\n", run->args[0]);
    return NULL;
}

static void print_keys(const wm_dest_key *keys)
{
    for (; keys->name; keys++)
        printf("  %-22s %s%s\n", keys->name, keys->help, keys->required ? " (needed)" : "");
}

static const wm_err *kinds(wm_run *run)
{
    (void)run;
    for (int i = 0; wm_dest_kinds[i]; i++) {
        printf("%s: %s\n", wm_dest_kinds[i]->name, wm_dest_kinds[i]->summary);
        print_keys(wm_dest_kinds[i]->keys);
        printf("  secret: %s\n\n", wm_dest_kinds[i]->secret ? wm_dest_kinds[i]->secret : "none");
    }
    puts("all kinds:");
    print_keys(wm_dest_common_keys);
    return NULL;
}

const wm_command wm_cmd_destination_add = {
    .name = "destination add",
    .args = "NAME",
    .args_min = 1,
    .args_max = 1,
    .summary = "add a place that archives are sent to",
    .help =
        "Adds a destination.  \"webmunkd destination kinds\" lists the kinds and their settings.\n"
        "Secrets are files below WEBMUNK_SECRETS_DIR, or systemd credentials; here goes the\n"
        "file's name alone.",
    .needs = WM_NEEDS_DATABASE,
    .options =
        {{.name = "kind", .arg = "KIND", .help = "what it is", .required = 1},
         {.name = "settings", .arg = "JSON", .help = "an object, or a file with it; - is stdin"},
         {.name = "secret", .arg = "FILE", .help = "name of the secret's file, without folder"},
         {.name = "study", .arg = "SLUG", .help = "archives of this study alone (default: all)"},
         {.name = "profiles",
          .arg = "LIST",
          .help = "exports of these go there by themselves (default: nightly)"},
         {.name = "replace", .help = "change the destination of that name"}},
    .run = add,
};

const wm_command wm_cmd_destination_list = {
    .name = "destination list",
    .args = "",
    .summary = "list destinations, their deliveries and last tests",
    .help = "Lists all destinations by name.",
    .needs = WM_NEEDS_DATABASE,
    .options = {{.name = "json", .help = "as JSON"}},
    .run = list,
};

const wm_command wm_cmd_destination_show = {
    .name = "destination show",
    .args = "NAME",
    .args_min = 1,
    .args_max = 1,
    .summary = "show one destination as JSON",
    .help = "Shows all that is known of a destination.  Secrets are not.",
    .needs = WM_NEEDS_DATABASE,
    .run = show,
};

const wm_command wm_cmd_destination_test = {
    .name = "destination test",
    .args = "NAME",
    .args_min = 1,
    .args_max = 1,
    .summary = "write, verify and remove a small object there",
    .help = "Tries a destination and keeps the result for the pages.  Nothing stays there.",
    .needs = WM_NEEDS_DATABASE,
    .run = test,
};

const wm_command wm_cmd_destination_pause = {
    .name = "destination pause",
    .args = "NAME",
    .args_min = 1,
    .args_max = 1,
    .summary = "send nothing there until it is resumed",
    .help = "Deliveries to a paused destination wait.",
    .needs = WM_NEEDS_DATABASE,
    .run = pause_it,
};

const wm_command wm_cmd_destination_resume = {
    .name = "destination resume",
    .args = "NAME",
    .args_min = 1,
    .args_max = 1,
    .summary = "send there again, also what waits or has failed",
    .help = "Ends a pause, and tries every delivery there that is not done once more.",
    .needs = WM_NEEDS_DATABASE,
    .run = resume,
};

const wm_command wm_cmd_destination_remove = {
    .name = "destination remove",
    .args = "NAME",
    .args_min = 1,
    .args_max = 1,
    .summary = "forget a destination and its ledger",
    .help = "What was sent there stays there; that it was sent is forgotten here.",
    .needs = WM_NEEDS_DATABASE,
    .run = drop,
};

const wm_command wm_cmd_destination_kinds = {
    .name = "destination kinds",
    .args = "",
    .summary = "list the kinds of destinations and their settings",
    .help = "Lists what a destination can be, its settings, and what its secret holds.",
    .run = kinds,
};
