/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include <apr_strings.h>
#include <sodium.h>

#include "command.h"
#include "mail.h"
#include "prompt.h"
#include "wm_account.h"
#include "wm_json_own.h"

#define ROLE_HELP  "viewer, analyst, coordinator, manager, auditor or administrator"
#define RIGHT_HELP "sensitive, records or export"

static const wm_err *read_role(wm_role *role, wm_run *run)
{
    const char *word = wm_run_option(run, "role");

    *role = WM_ROLE_COUNT;
    if (word && (*role = wm_role_parse(word)) == WM_ROLE_COUNT)
        return wm_run_usage(run, "--role is \"%s\" and must be " ROLE_HELP, word);
    return NULL;
}

/* What --role or --right and --study say. */
static const wm_err *read_grant(wm_grant *grant, wm_run *run)
{
    const char *word = wm_run_option(run, "right");

    *grant = (wm_grant){.study = WM_ALL_STUDIES};
    WM_TRY(read_role(&grant->role, run));
    if ((grant->role != WM_ROLE_COUNT) == (word != NULL))
        return wm_run_usage(run, "name either a role or a right: --role or --right");
    if (word && ((grant->right = wm_right_parse(word)) == WM_RIGHT_COUNT ||
                 !wm_role_may_by_grant(WM_ROLE_COUNT, grant->right)))
        return wm_run_usage(run, "--right is \"%s\" and must be " RIGHT_HELP, word);
    return wm_run_study(&grant->study, run);
}

static const wm_err *audit(wm_run *run, const char *action)
{
    return wm_run_audit(run, action, apr_pstrcat(run->pool, "account:", run->args[0], NULL));
}

static const wm_err *insert(wm_run *run, const char *password, wm_role role, apr_int64_t study)
{
    apr_int64_t id;

    WM_TRY(wm_db_begin(run->db, run->pool));
    WM_TRY(wm_account_add(&id, run->db, run->args[0], password, run->pool));
    if (role != WM_ROLE_COUNT)
        WM_TRY(wm_account_grant(run->db, id, (wm_grant){.role = role, .study = study}, run->pool));
    WM_TRY(audit(run, "account-add"));
    return wm_db_commit(run->db, run->pool);
}

static const wm_err *add(wm_run *run)
{
    apr_int64_t study = WM_ALL_STUDIES;
    char password[WM_SECRET_LINE_MAX];
    const wm_err *err;
    wm_role role;

    if (!wm_run_option(run, "role") && wm_run_option(run, "study"))
        return wm_run_usage(run, "--study needs --role");
    WM_TRY(read_role(&role, run));
    WM_TRY(wm_run_study(&study, run));
    err = wm_secret_password(password, run, wm_run_option(run, "password-file"), run->args[0]);
    if (!err)
        err = insert(run, password, role, study);
    sodium_memzero(password, sizeof password);
    WM_TRY(err);
    printf("account \"%s\" added\n", run->args[0]);
    if (role == WM_ROLE_COUNT)
        printf("It may not do anything yet: webmunkd account grant %s --role ROLE\n", run->args[0]);
    return NULL;
}

static const wm_err *existing(wm_account **account, wm_run *run)
{
    WM_TRY(wm_account_find(account, run->db, run->args[0], run->pool));
    return *account ? NULL
                    : wm_err_make(run->pool, WM_E_NOT_FOUND, "there is no account called \"%s\"",
                                  run->args[0]);
}

/* "analyst, manager or administrator" */
static const char *roles_for(wm_right right, apr_pool_t *pool)
{
    const char *text = "";
    int left = 0;

    for (int i = 0; i < WM_ROLE_COUNT; i++)
        left += wm_role_may_by_grant((wm_role)i, right);
    for (int i = 0; i < WM_ROLE_COUNT; i++)
        if (wm_role_may_by_grant((wm_role)i, right))
            text = apr_pstrcat(pool, text, wm_role_word((wm_role)i),
                               --left > 1  ? ", "
                               : left == 1 ? " or "
                                           : "",
                               NULL);
    return text;
}

/* A right that was given may be void, so far. */
static const wm_err *say_void(wm_run *run, wm_grant grant)
{
    apr_int64_t study = grant.study == WM_ALL_STUDIES ? WM_ANY_STUDY : grant.study;
    wm_account *account;

    WM_TRY(existing(&account, run));
    if (grant.role == WM_ROLE_COUNT && !account->disabled &&
        !wm_account_may(account, grant.right, study))
        printf("It does not count yet: that needs the role %s there%s\n",
               roles_for(grant.right, run->pool),
               grant.right == WM_MAY_SENSITIVE ? ", and the right to records" : "");
    return NULL;
}

static const wm_err *change(wm_run *run, int give)
{
    wm_account *account;
    wm_grant grant;

    WM_TRY(read_grant(&grant, run));
    WM_TRY(existing(&account, run));
    WM_TRY(wm_db_begin(run->db, run->pool));
    WM_TRY(give ? wm_account_grant(run->db, account->id, grant, run->pool)
                : wm_account_ungrant(run->db, account->id, grant, run->pool));
    WM_TRY(audit(run, give ? "account-grant" : "account-ungrant"));
    WM_TRY(wm_db_commit(run->db, run->pool));
    printf("account \"%s\" %s%s in %s\n", account->name,
           grant.role != WM_ROLE_COUNT ? give ? "is now " : "is no longer "
           : give                      ? "now has the right "
                                       : "no longer has the right ",
           wm_grant_word(grant),
           grant.study == WM_ALL_STUDIES ? "all studies" : wm_run_option(run, "study"));
    return give ? say_void(run, grant) : NULL;
}

static const wm_err *grant(wm_run *run)
{
    return change(run, 1);
}

static const wm_err *ungrant(wm_run *run)
{
    return change(run, 0);
}

static const wm_err *password_set(wm_run *run)
{
    char password[WM_SECRET_LINE_MAX];
    wm_account *account;
    const wm_err *err;

    WM_TRY(existing(&account, run));
    err = wm_secret_password(password, run, wm_run_option(run, "password-file"), account->name);
    if (!err)
        err = wm_db_begin(run->db, run->pool);
    if (!err)
        err = wm_account_password(run->db, account->name, password, run->pool);
    sodium_memzero(password, sizeof password);
    WM_TRY(err);
    WM_TRY(audit(run, "account-password"));
    WM_TRY(wm_db_commit(run->db, run->pool));
    printf("account \"%s\" has a new password; its sessions have ended\n", account->name);
    return NULL;
}

static const wm_err *set_disabled(wm_run *run, int disabled)
{
    WM_TRY(wm_db_begin(run->db, run->pool));
    WM_TRY(wm_account_disable(run->db, run->args[0], disabled, run->pool));
    WM_TRY(audit(run, disabled ? "account-disable" : "account-enable"));
    return wm_db_commit(run->db, run->pool);
}

static const wm_err *disable(wm_run *run)
{
    WM_TRY(set_disabled(run, 1));
    printf("account \"%s\" is disabled; its sessions have ended\n", run->args[0]);
    return NULL;
}

static const wm_err *enable(wm_run *run)
{
    WM_TRY(set_disabled(run, 0));
    printf("account \"%s\" is enabled\n", run->args[0]);
    return NULL;
}

static const wm_err *mail(wm_run *run)
{
    const char *address = run->arg_count > 1 ? run->args[1] : "";
    apr_int64_t changed;

    if (*address && !wm_mail_address_ok(address))
        return wm_run_usage(run, "\"%s\" is no address of mail, or more than that", address);
    WM_TRY(wm_db_begin(run->db, run->pool));
    WM_TRY(wm_db_do(&changed, run->db, WM_SQL_ACCOUNT_MAIL,
                    WM_ARGS(WM_TEXT(run->args[0]), WM_TEXT(address)), run->pool));
    if (!changed)
        return wm_err_make(run->pool, WM_E_NOT_FOUND, "there is no account called \"%s\"",
                           run->args[0]);
    WM_TRY(audit(run, "account-mail"));
    WM_TRY(wm_db_commit(run->db, run->pool));
    printf(*address ? "account \"%s\" gets mail at %s\n" : "account \"%s\" gets no mail\n",
           run->args[0], address);
    return NULL;
}

/* "manager, viewer (pilot)", or the same of rights. */
static const char *grants_text(const json_t *grants, const char *key, apr_pool_t *pool)
{
    const char *text = "";
    size_t i;
    json_t *grant;

    json_array_foreach(grants, i, grant)
    {
        const char *study = json_string_value(json_object_get(grant, "study"));

        text =
            apr_pstrcat(pool, text, i ? ", " : "", json_string_value(json_object_get(grant, key)),
                        study ? " (" : "", study ? study : "", study ? ")" : "", NULL);
    }
    return text;
}

/* "manager, viewer (pilot); sensitive (pilot)" */
static const char *given_text(const json_t *account, apr_pool_t *pool)
{
    const char *roles = grants_text(json_object_get(account, "roles"), "role", pool);
    const char *rights = grants_text(json_object_get(account, "rights"), "right", pool);

    if (!*roles)
        roles = "-";
    return *rights ? apr_pstrcat(pool, roles, "; ", rights, NULL) : roles;
}

static const wm_err *list(wm_run *run)
{
    json_t *root, *a;
    size_t i;

    WM_TRY(wm_db_json(&root, run->db, WM_SQL_ACCOUNT_LIST, WM_NO_ARGS, run->pool));
    if (wm_run_option(run, "json")) {
        puts(wm_json_own_text(root, run->pool));
        return NULL;
    }
    printf("%-24s %-9s %-20s %s\n", "name", "state", "last sign-in", "roles; rights");
    json_array_foreach(root, i, a)
    {
        const char *last = json_string_value(json_object_get(a, "last_sign_in"));

        printf("%-24s %-9s %-20s %s\n", json_string_value(json_object_get(a, "name")),
               json_is_true(json_object_get(a, "disabled")) ? "disabled" : "active",
               last ? last : "never", given_text(a, run->pool));
    }
    return NULL;
}

#define ROLE_OPTION                                      \
    {                                                    \
        .name = "role", .arg = "ROLE", .help = ROLE_HELP \
    }
#define STUDY_OPTION                                                              \
    {                                                                             \
        .name = "study", .arg = "SLUG", .help = "where (default: in all studies)" \
    }
#define GRANT_OPTIONS                                                                    \
    {                                                                                    \
        ROLE_OPTION, {.name = "right", .arg = "RIGHT", .help = RIGHT_HELP}, STUDY_OPTION \
    }
#define FILE_OPTION                                          \
    {                                                        \
        .name = "password-file", .arg = "FILE",              \
        .help = "the first line is the password; - is stdin" \
    }

const wm_command wm_cmd_account_add = {
    .name = "account add",
    .args = "NAME",
    .args_min = 1,
    .args_max = 1,
    .summary = "make an account that can sign in",
    .help = "Makes an account.  The password is asked for at the terminal, twice, or read from a\n"
            "file; it has at least 12 characters and is none of those that are guessed first.",
    .needs = WM_NEEDS_DATABASE,
    .options = {ROLE_OPTION, STUDY_OPTION, FILE_OPTION},
    .run = add,
};

const wm_command wm_cmd_account_grant = {
    .name = "account grant",
    .args = "NAME",
    .args_min = 1,
    .args_max = 1,
    .summary = "give an account a role, or a right beside it",
    .help = "Gives an account a role in one study or in all; or, with --right, a right that roles\n"
            "do not have by themselves.  \"sensitive\" is to see fields that clients mark with *\n"
            "and to export them: it counts for an analyst, a manager or an administrator who has\n"
            "the right to records.  \"records\" and \"export\" count for an administrator.",
    .needs = WM_NEEDS_DATABASE,
    .options = GRANT_OPTIONS,
    .run = grant,
};

const wm_command wm_cmd_account_ungrant = {
    .name = "account ungrant",
    .args = "NAME",
    .args_min = 1,
    .args_max = 1,
    .summary = "take a role or a right away again",
    .help = "Takes a role or a right away, in the study where it was given, or the one in all.",
    .needs = WM_NEEDS_DATABASE,
    .options = GRANT_OPTIONS,
    .run = ungrant,
};

const wm_command wm_cmd_account_password = {
    .name = "account password",
    .args = "NAME",
    .args_min = 1,
    .args_max = 1,
    .summary = "set an account's password and end its sessions",
    .help = "Sets a new password, asked for or read like that of \"account add\".",
    .needs = WM_NEEDS_DATABASE,
    .options = {FILE_OPTION},
    .run = password_set,
};

const wm_command wm_cmd_account_mail = {
    .name = "account mail",
    .args = "NAME [ADDRESS]",
    .args_min = 1,
    .args_max = 2,
    .summary = "set where an account is told that its exports are ready",
    .help = "Sets the address that mail about exports of this account goes to; without ADDRESS it "
            "gets\n"
            "none.",
    .needs = WM_NEEDS_DATABASE,
    .run = mail,
};

const wm_command wm_cmd_account_disable = {
    .name = "account disable",
    .args = "NAME",
    .args_min = 1,
    .args_max = 1,
    .summary = "end an account's sessions and let it sign in no more",
    .help = "Accounts are never deleted, because the access log names them.",
    .needs = WM_NEEDS_DATABASE,
    .run = disable,
};

const wm_command wm_cmd_account_enable = {
    .name = "account enable",
    .args = "NAME",
    .args_min = 1,
    .args_max = 1,
    .summary = "let a disabled account sign in again",
    .help = "The account keeps its password, its roles and its rights.",
    .needs = WM_NEEDS_DATABASE,
    .run = enable,
};

const wm_command wm_cmd_account_list = {
    .name = "account list",
    .args = "",
    .summary = "list accounts, their state, roles and rights",
    .help = "Lists all accounts by name.",
    .needs = WM_NEEDS_DATABASE,
    .options = {{.name = "json", .help = "as JSON"}},
    .run = list,
};
