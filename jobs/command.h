/* SPDX-License-Identifier: Apache-2.0 */
/* The commands of webmunkd.  A new one is a row of WM_COMMANDS and a file cmd_NOUN.c that defines
 * wm_cmd_NAME; help, checks of options and arguments, and the connection come from its declaration. */
#ifndef WM_COMMAND_H
#define WM_COMMAND_H

#include <apr_pools.h>

#include "wm_db.h"
#include "wm_err.h"

/* clang-format off */
#define WM_COMMANDS(X) \
    X(migrate) \
    X(partitions) \
    X(demo) \
    X(account_add) \
    X(account_list) \
    X(account_grant) \
    X(account_ungrant) \
    X(account_password) \
    X(account_mail) \
    X(account_disable) \
    X(account_enable) \
    X(alert_list) \
    X(alert_rules) \
    X(alert_set) \
    X(alert_unset) \
    X(alert_mute) \
    X(alert_unmute) \
    X(access_log_verify) \
    X(token_add) \
    X(token_list) \
    X(token_revoke) \
    X(destination_add) \
    X(destination_list) \
    X(destination_show) \
    X(destination_test) \
    X(destination_pause) \
    X(destination_resume) \
    X(destination_remove) \
    X(destination_kinds) \
    X(keygen) \
    X(check_config) \
    X(health) \
    X(export_create) \
    X(export_list) \
    X(export_show) \
    X(export_run) \
    X(export_cancel) \
    X(export_get) \
    X(export_delete) \
    X(export_verify) \
    X(job_list) \
    X(job_show) \
    X(job_run) \
    X(job_cancel) \
    X(job_retry) \
    X(schedule_list) \
    X(schedule_add) \
    X(schedule_pause) \
    X(schedule_resume) \
    X(schedule_remove) \
    X(server_add) \
    X(server_list) \
    X(server_test) \
    X(server_ask) \
    X(server_pause) \
    X(server_resume) \
    X(server_remove) \
    X(server_assign) \
    X(server_unassign) \
    X(server_backfill) \
    X(source_list) \
    X(source_show) \
    X(source_merge) \
    X(source_unmerge) \
    X(source_exclude) \
    X(source_include) \
    X(run)
/* clang-format on */

enum { WM_OPTIONS_MAX = 20, WM_ARGUMENTS_MAX = 32 };

/* What is there before a command starts; with the database come the settings. */
enum { WM_NEEDS_DATABASE = 1, WM_NEEDS_SETTINGS = 2 };

typedef struct wm_option {
    const char *name; /* without the dashes */
    const char *arg;  /* what its value is called in the help; NULL: it takes none */
    const char *help;
    int required;
} wm_option;

typedef struct wm_run wm_run;

typedef struct wm_command {
    const char *name; /* as typed, "account add" */
    const char *args; /* as in the help, "NAME"; "" for none */
    int args_min, args_max;
    const char *summary; /* one line of the list */
    const char *help;    /* the sentences of its own help */
    unsigned needs;
    int failure; /* exit status when it fails, for programs that look at it; 0: 1 */
    wm_option options[WM_OPTIONS_MAX]; /* ended by a row without name */
    const wm_err *(*run)(wm_run *run);
} wm_command;

struct wm_run {
    const wm_command *command;
    const char *config;   /* the file of settings that --config names; NULL: none does */
    const char *database; /* as --database says; NULL: it does not */
    const char *conninfo; /* of --database, else of the settings; "" leaves it to PG* */
    wm_db *db;            /* NULL unless the command needs one */
    const wm_log *log;
    const char *args[WM_ARGUMENTS_MAX];
    int arg_count;
    const char *values[WM_OPTIONS_MAX]; /* of the options, by row; "" for one without value */
    int usage;                          /* the failure is one of usage: exit 2 */
    int status;                         /* exit status of a success */
    apr_pool_t *pool;
};

#define X(name) extern const wm_command wm_cmd_##name;
WM_COMMANDS(X)
#undef X

/* All of them, ended by NULL. */
extern const wm_command *const wm_commands[];

/* The value of option NAME: NULL when it was not given, "" when it takes none. */
const char *wm_run_option(const wm_run *run, const char *name);

/* An error of usage: the program exits with 2. */
const wm_err *wm_run_usage(wm_run *run, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Progress on stderr, when that is a terminal. */
void wm_run_progress(const wm_run *run, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* A number of seconds from "90d", "12h" or "2w"; an error of usage for anything else. */
const wm_err *wm_run_duration(apr_int64_t *seconds, wm_run *run, const char *option);

/* The study named by --study; STUDY stays as it is when that was not given. */
const wm_err *wm_run_study(apr_int64_t *study, wm_run *run);

/* Write a row about a command to the access log, with the operator's system account. */
const wm_err *wm_run_audit(wm_run *run, const char *action, const char *object);

/* The same about the participants with the ids SOURCES, and why (may be NULL). */
const wm_err *wm_run_audit_sources(wm_run *run, const char *action, const char *object,
                                   const apr_int64_t *sources, int count, const char *purpose);

/* Parse ARGV (after the program's name) into RUN.  *HELP: 1 the program's, 2 the command's was
 * asked for; *VERSION likewise.  Errors are of usage. */
const wm_err *wm_options_parse(wm_run *run, int *help, int *version, int argc,
                               const char *const *argv);

/* The texts behind --help. */
void wm_help_program(void);
void wm_help_command(const wm_command *command);

#endif
