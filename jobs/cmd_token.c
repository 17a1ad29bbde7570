/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include <apr_strings.h>
#include <sodium.h>

#include "command.h"
#include "prompt.h"
#include "wm_json_own.h"
#include "wm_token.h"

static const wm_err *audit(wm_run *run, const char *action)
{
    return wm_run_audit(run, action, apr_pstrcat(run->pool, "token:", run->args[0], NULL));
}

/* Committed before the token is printed: nobody can use what is rolled back. */
static const wm_err *insert(char text[WM_TOKEN_ROOM], wm_run *run, const char *given)
{
    apr_int64_t study = 0, seconds = 0;
    apr_time_t expires = 0;

    if (wm_run_option(run, "expires")) {
        WM_TRY(wm_run_duration(&seconds, run, "expires"));
        expires = apr_time_now() + apr_time_from_sec(seconds);
    }
    WM_TRY(wm_run_study(&study, run));
    WM_TRY(wm_db_begin(run->db, run->pool));
    if (given)
        WM_TRY(wm_token_register(run->db, run->args[0], given, study, expires, run->pool));
    else
        WM_TRY(wm_token_add(text, run->db, run->args[0], study, expires, run->pool));
    WM_TRY(audit(run, "token-add"));
    return wm_db_commit(run->db, run->pool);
}

static const wm_err *add(wm_run *run)
{
    const char *file = wm_run_option(run, "value-file");
    char given[WM_SECRET_LINE_MAX], text[WM_TOKEN_ROOM];
    const wm_err *err;

    if (file) {
        WM_TRY(wm_secret_file(given, run, file));
        err = insert(text, run, given);
        sodium_memzero(given, sizeof given);
        WM_TRY(err);
        printf("token \"%s\" registered\n", run->args[0]);
        return NULL;
    }
    WM_TRY(insert(text, run, NULL));
    puts(text);
    sodium_memzero(text, sizeof text);
    fputs("The line above is shown this once; the database keeps only its digest.\n", stderr);
    return NULL;
}

static const wm_err *end_token(wm_run *run)
{
    WM_TRY(wm_db_begin(run->db, run->pool));
    WM_TRY(wm_token_revoke(run->db, run->args[0], run->pool));
    WM_TRY(audit(run, "token-revoke"));
    WM_TRY(wm_db_commit(run->db, run->pool));
    printf("token \"%s\" is revoked\n", run->args[0]);
    return NULL;
}

static const wm_err *list(wm_run *run)
{
    json_t *root, *t;
    size_t i;

    WM_TRY(wm_db_json(&root, run->db, WM_SQL_TOKEN_LIST, WM_NO_ARGS, run->pool));
    if (wm_run_option(run, "json")) {
        puts(wm_json_own_text(root, run->pool));
        return NULL;
    }
    printf("%-24s %-8s %-16s %-20s %s\n", "name", "state", "study", "expires", "last used");
    json_array_foreach(root, i, t)
    {
        const char *study = json_string_value(json_object_get(t, "study"));
        const char *expires = json_string_value(json_object_get(t, "expires"));
        const char *used = json_string_value(json_object_get(t, "last_used"));

        printf("%-24s %-8s %-16s %-20s %s\n", json_string_value(json_object_get(t, "name")),
               json_string_value(json_object_get(t, "state")), study ? study : "-",
               expires ? expires : "never", used ? used : "never");
    }
    return NULL;
}

const wm_command wm_cmd_token_add = {
    .name = "token add",
    .args = "NAME",
    .args_min = 1,
    .args_max = 1,
    .summary = "make a token for uploads by PUT",
    .help =
        "Makes a bearer token and prints it, once.  Clients send it with every upload by PUT; it\n"
        "travels in their configuration, so it keeps out noise, not attackers.",
    .needs = WM_NEEDS_DATABASE,
    .options = {{.name = "study",
                 .arg = "SLUG",
                 .help = "where its new participants belong (default: the default study)"},
                {.name = "expires",
                 .arg = "TIME",
                 .help = "12h, 90d or 4w from now (default: never)"},
                {.name = "value-file",
                 .arg = "FILE",
                 .help = "register the token on its first line instead; - is stdin"}},
    .run = add,
};

const wm_command wm_cmd_token_list = {
    .name = "token list",
    .args = "",
    .summary = "list upload tokens, without their texts",
    .help = "Lists all tokens by name, revoked ones too.",
    .needs = WM_NEEDS_DATABASE,
    .options = {{.name = "json", .help = "as JSON"}},
    .run = list,
};

const wm_command wm_cmd_token_revoke = {
    .name = "token revoke",
    .args = "NAME",
    .args_min = 1,
    .args_max = 1,
    .summary = "end a token; its uploads get 401 from now on",
    .help = "The token's row stays for the record; its name is free again.",
    .needs = WM_NEEDS_DATABASE,
    .run = end_token,
};
