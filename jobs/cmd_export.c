/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <apr_strings.h>
#include <jansson.h>

#include "command.h"
#include "exports.h"
#include "wm_buf.h"
#include "wm_export.h"
#include "wm_json_own.h"

enum { READ_SIZE = 64 * 1024, LIST_DEFAULT = 50, LIST_MAX = 10000 };

/* The JSON object in the file of --definition. */
static const wm_err *read_definition(json_t **root, wm_run *run, const char *path)
{
    FILE *file = strcmp(path, "-") ? fopen(path, "re") : stdin;
    char *chunk = apr_palloc(run->pool, READ_SIZE);
    wm_buf *text = wm_buf_create(NULL, run->pool);
    const wm_err *err = NULL;
    size_t n;

    if (!file)
        return wm_err_apr(run->pool, apr_get_os_error(), "opening %s", path);
    while (!err && (n = fread(chunk, 1, READ_SIZE, file)) > 0)
        err = wm_buf_add(text, chunk, n);
    if (file != stdin)
        fclose(file);
    WM_TRY(err);
    return wm_json_own_parse(root, text->size ? text->data : "", text->size, run->pool);
}

static void set_text(json_t *root, wm_run *run, const char *option)
{
    const char *text = wm_run_option(run, option);

    if (text)
        json_object_set_new(root, option, json_string(text));
}

/* A list whose members commas separate. */
static void set_list(json_t *root, wm_run *run, const char *option)
{
    const char *text = wm_run_option(run, option);
    json_t *list;

    if (!text)
        return;
    list = json_array();
    while (*text) {
        size_t size = strcspn(text, ",");

        if (size)
            json_array_append_new(list, json_stringn(text, size));
        text += size + (text[size] == ',');
    }
    json_object_set_new(root, option, list);
}

static const wm_err *set_groups(json_t *root, wm_run *run)
{
    const char *text = wm_run_option(run, "groups");
    json_t *list;

    if (!text)
        return NULL;
    list = json_array();
    json_object_set_new(root, "groups", list);
    while (*text) {
        char *end;
        apr_int64_t id = apr_strtoi64(text, &end, 10);

        if (end == text || (*end && *end != ','))
            return wm_run_usage(run, "--groups must be numbers of groups, separated by commas");
        json_array_append_new(list, json_integer(id));
        text = end + (*end == ',');
    }
    return NULL;
}

static const wm_err *set_study(json_t *root, wm_run *run)
{
    apr_int64_t study = 0;
    wm_rows *rows;

    WM_TRY(wm_run_study(&study, run));
    if (!study && json_object_get(root, "study"))
        return NULL;
    if (!study) {
        WM_TRY(wm_db_rows(&rows, run->db, WM_SQL_EXPORT_DEFAULT_STUDY, WM_NO_ARGS, run->pool));
        if (!wm_rows_count(rows))
            return wm_run_usage(run, "there is no default study: name one with --study");
        study = wm_rows_i64(rows, 0, 0);
    }
    json_object_set_new(root, "study", json_integer(study));
    return NULL;
}

/* What the options ask for, over what --definition says. */
static const wm_err *definition_of(json_t **result, wm_run *run)
{
    static const char *const texts[] = {"from",   "to",       "clock",  "zone",
                                        "format", "archives", "newline"};
    const char *file = wm_run_option(run, "definition");
    const char *pseudonyms = wm_run_option(run, "pseudonyms");
    json_t *root = wm_json_own(json_object(), run->pool);

    if (file)
        WM_TRY(read_definition(&root, run, file));
    if (!json_is_object(root))
        return wm_err_make(run->pool, WM_E_INPUT, "%s holds no JSON object", file);
    WM_TRY(set_study(root, run));
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        set_text(root, run, texts[i]);
    set_list(root, run, "types");
    set_list(root, run, "sources");
    WM_TRY(set_groups(root, run));
    if (pseudonyms)
        json_object_set_new(root, "pseudonyms",
                            strcmp(pseudonyms, "new") ? json_string(pseudonyms) : json_true());
    if (wm_run_option(run, "sensitive"))
        json_object_set_new(root, "sensitive", json_true());
    else if (!json_object_get(root, "sensitive"))
        json_object_set_new(root, "sensitive", json_false());
    *result = root;
    return NULL;
}

static const wm_err *audit(wm_run *run, const char *action, apr_int64_t id)
{
    return wm_run_audit(run, action, apr_psprintf(run->pool, "export:%" APR_INT64_T_FMT, id));
}

static const wm_err *create(wm_run *run)
{
    const char *purpose = wm_run_option(run, "purpose"), *profile = wm_run_option(run, "profile");
    wm_export_definition *definition;
    json_t *root = NULL;
    wm_rows *rows;

    WM_TRY(definition_of(&root, run));
    WM_TRY(wm_db_begin(run->db, run->pool));
    WM_TRY(wm_export_define(&definition, root, run->db, run->pool));
    WM_TRY(wm_db_rows(&rows, run->db, WM_SQL_EXPORT_ADD,
                      WM_ARGS(WM_I64(0), WM_TEXT(purpose ? purpose : ""),
                              WM_TEXT(profile ? profile : ""),
                              WM_TEXT(wm_export_canonical(definition, run->pool)), WM_I64(0)),
                      run->pool));
    for (int i = 0; i < wm_rows_count(rows); i++)
        WM_TRY(audit(run, "export-create", wm_rows_i64(rows, i, 0)));
    WM_TRY(wm_db_commit(run->db, run->pool));
    for (int i = 0; i < wm_rows_count(rows); i++)
        printf("%s\n", wm_rows_text(rows, i, 0));
    return NULL;
}

static const char *text_of(const json_t *o, const char *member, const char *otherwise)
{
    const char *text = json_string_value(json_object_get(o, member));

    return text && *text ? text : otherwise;
}

static const wm_err *list(wm_run *run)
{
    const char *limit = wm_run_option(run, "limit");
    apr_int64_t study = 0, count = limit ? apr_atoi64(limit) : LIST_DEFAULT;
    json_t *root, *e;
    size_t i;

    if (count < 1 || count > LIST_MAX)
        return wm_run_usage(run, "--limit must be a number from 1 to %d", LIST_MAX);
    WM_TRY(wm_run_study(&study, run));
    WM_TRY(wm_db_json(&root, run->db, WM_SQL_EXPORT_LIST, WM_ARGS(WM_I64(study), WM_I64(count)),
                      run->pool));
    if (wm_run_option(run, "json")) {
        puts(wm_json_own_text(root, run->pool));
        return NULL;
    }
    printf("%-7s %-9s %-20s %-10s %-10s %12s  %s\n", "number", "state", "requested", "from", "to",
           "rows", "file, or what is wrong");
    json_array_foreach(root, i, e)
    {
        printf("%-7" JSON_INTEGER_FORMAT " %-9s %-20s %-10s %-10s %12" JSON_INTEGER_FORMAT "  %s\n",
               json_integer_value(json_object_get(e, "id")), text_of(e, "state", ""),
               text_of(e, "requested", ""), text_of(e, "from", "-"), text_of(e, "to", "-"),
               json_integer_value(json_object_get(e, "rows")),
               text_of(e, "error", text_of(e, "file_name", "")));
    }
    return NULL;
}

const wm_err *wm_exports_number(apr_int64_t *id, wm_run *run)
{
    char *end;

    *id = apr_strtoi64(run->args[0], &end, 10);
    return end == run->args[0] || *end || *id < 1
               ? wm_run_usage(run, "\"%s\" is no number of an export", run->args[0])
               : NULL;
}

const wm_err *wm_exports_show(json_t **export, wm_run *run, apr_int64_t id)
{
    WM_TRY(wm_db_json(export, run->db, WM_SQL_EXPORT_SHOW, WM_ARGS(WM_I64(id)), run->pool));
    return *export
               ? NULL
               : wm_err_make(run->pool, WM_E_NOT_FOUND, "there is no export %" APR_INT64_T_FMT, id);
}

static const wm_err *show(wm_run *run)
{
    apr_int64_t id;
    json_t *export;
    char *text;

    WM_TRY(wm_exports_number(&id, run));
    WM_TRY(wm_exports_show(&export, run, id));
    text = json_dumps(export, JSON_SORT_KEYS | JSON_INDENT(2));
    if (text)
        puts(text);
    free(text);
    return NULL;
}

static const wm_err *cancel(wm_run *run)
{
    apr_int64_t id;
    json_t *export;
    wm_rows *rows;

    WM_TRY(wm_exports_number(&id, run));
    WM_TRY(wm_exports_show(&export, run, id));
    WM_TRY(wm_db_begin(run->db, run->pool));
    WM_TRY(wm_db_rows(&rows, run->db, WM_SQL_EXPORT_CANCEL, WM_ARGS(WM_I64(id)), run->pool));
    if (!wm_rows_i64(rows, 0, 0))
        return wm_err_make(run->pool, WM_E_CONFLICT,
                           "export %" APR_INT64_T_FMT " is %s: there is nothing to cancel", id,
                           text_of(export, "state", ""));
    WM_TRY(audit(run, "export-cancel", id));
    WM_TRY(wm_db_commit(run->db, run->pool));
    printf("export %" APR_INT64_T_FMT " is asked to end\n", id);
    return NULL;
}

const wm_command wm_cmd_export_create = {
    .name = "export create",
    .args = "",
    .summary = "ask for an export; the runner makes it",
    .help = "Asks for an archive of a study's points and prints its number, or one number per type "
            "with\n"
            "--archives type.  Fields that a client marks as sensitive are left out without "
            "--sensitive.",
    .needs = WM_NEEDS_DATABASE,
    .options =
        {{.name = "definition",
          .arg = "FILE",
          .help = "a JSON object with what the other options say; - is stdin"},
         {.name = "study", .arg = "SLUG", .help = "of which study (default: the default study)"},
         {.name = "types", .arg = "LIST", .help = "what: names, separated by commas"},
         {.name = "sources", .arg = "LIST", .help = "whose: identifiers (default: everybody's)"},
         {.name = "groups", .arg = "LIST", .help = "whose: numbers of groups"},
         {.name = "from", .arg = "DAY", .help = "the first day, like 2026-03-08"},
         {.name = "to", .arg = "DAY", .help = "the last day, which is in it"},
         {.name = "clock", .arg = "CLOCK", .help = "days of which clock: created or recorded"},
         {.name = "zone", .arg = "ZONE", .help = "time zone of the days (default: the study's)"},
         {.name = "format", .arg = "FORMAT", .help = "tsv, csv, jsonl or raw"},
         {.name = "archives", .arg = "HOW", .help = "one archive, or one per type: one or type"},
         {.name = "pseudonyms",
          .arg = "KEY",
          .help = "in place of identifiers: new makes a key, a key's name uses it again"},
         {.name = "sensitive", .help = "with the fields that clients mark as sensitive"},
         {.name = "newline",
          .arg = "TEXT",
          .help = "what takes the place of line ends in stripped columns"},
         {.name = "purpose", .arg = "TEXT", .help = "why, for the access log"},
         {.name = "profile", .arg = "NAME", .help = "send it to the destinations of this profile"}},
    .run = create,
};

const wm_command wm_cmd_export_list = {
    .name = "export list",
    .args = "",
    .summary = "list exports, the newest first",
    .help = "Lists exports with their state.",
    .needs = WM_NEEDS_DATABASE,
    .options = {{.name = "study", .arg = "SLUG", .help = "of one study"},
                {.name = "limit", .arg = "N", .help = "so many (default: 50)"},
                {.name = "json", .help = "as JSON"}},
    .run = list,
};

const wm_command wm_cmd_export_show = {
    .name = "export show",
    .args = "N",
    .args_min = 1,
    .args_max = 1,
    .summary = "show all that is known of an export, as JSON",
    .help = "Prints definition, state, progress and file of an export.",
    .needs = WM_NEEDS_DATABASE,
    .run = show,
};

const wm_command wm_cmd_export_cancel = {
    .name = "export cancel",
    .args = "N",
    .args_min = 1,
    .args_max = 1,
    .summary = "end an export that is not ready yet",
    .help = "The runner that makes it stops within a second and removes what it has.",
    .needs = WM_NEEDS_DATABASE,
    .run = cancel,
};
