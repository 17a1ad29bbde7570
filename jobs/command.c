/* SPDX-License-Identifier: Apache-2.0 */
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <apr_strings.h>

#include "command.h"
#include "wm_account.h"
#include "wm_audit.h"
#include "wm_json_own.h"
#include "wm_value.h"

/* A thousand years. */
#define LONGEST (APR_TIME_C(1000) * 366 * 86400 * APR_USEC_PER_SEC)

#define X(name) &wm_cmd_##name,
const wm_command *const wm_commands[] = {WM_COMMANDS(X) NULL};
#undef X

const char *wm_run_option(const wm_run *run, const char *name)
{
    const wm_option *options = run->command->options;

    for (int i = 0; options[i].name; i++)
        if (!strcmp(options[i].name, name))
            return run->values[i];
    return NULL;
}

const wm_err *wm_run_usage(wm_run *run, const char *fmt, ...)
{
    va_list ap;
    const char *text;

    va_start(ap, fmt);
    text = apr_pvsprintf(run->pool, fmt, ap);
    va_end(ap);
    run->usage = 1;
    return wm_err_make(run->pool, WM_E_INPUT, "%s", text);
}

void wm_run_progress(const wm_run *run, const char *fmt, ...)
{
    va_list ap;

    (void)run;
    if (!isatty(STDERR_FILENO))
        return;
    va_start(ap, fmt);
    vfprintf(stderr, fmt, ap);
    va_end(ap);
    fputc('\n', stderr);
}

const wm_err *wm_run_duration(apr_int64_t *seconds, wm_run *run, const char *option)
{
    const char *text = wm_run_option(run, option);
    apr_interval_time_t time;

    if (!wm_value_parse(&time, WM_VALUE_TIME, NULL, text) || time < APR_USEC_PER_SEC ||
        time > LONGEST)
        return wm_run_usage(run, "--%s is \"%s\" and must be a time like 12h, 90d or 4w", option,
                            text);
    *seconds = apr_time_sec(time);
    return NULL;
}

const wm_err *wm_run_study(apr_int64_t *study, wm_run *run)
{
    const char *slug = wm_run_option(run, "study");

    return slug ? wm_account_study(study, run->db, slug, run->pool) : NULL;
}

const wm_err *wm_run_audit(wm_run *run, const char *action, const char *object)
{
    return wm_run_audit_sources(run, action, object, NULL, 0, NULL);
}

const wm_err *wm_run_audit_sources(wm_run *run, const char *action, const char *object,
                                   const apr_int64_t *sources, int count, const char *purpose)
{
    const struct passwd *who = getpwuid(getuid());
    json_t *extent = json_pack("{s:s}", "system_account", who ? who->pw_name : "unknown");
    wm_audit entry = {
        .via = WM_VIA_COMMAND,
        .action = action,
        .object = object,
        .extent = wm_json_own(extent, run->pool),
        .sources = sources,
        .source_count = count,
        .purpose = purpose,
    };

    return wm_audit_add(NULL, run->db, &entry, run->pool);
}

void wm_help_program(void)
{
    puts("usage: webmunkd [-d CONNINFO] [--config FILE] COMMAND [OPTION...] [ARGUMENT...]\n"
         "\n"
         "Administers the database of a Webmunk server.\n"
         "\n"
         "commands:");
    for (int i = 0; wm_commands[i]; i++)
        printf("  %-20s %s\n", wm_commands[i]->name, wm_commands[i]->summary);
    puts("\n"
         "options:\n"
         "  -d, --database CONNINFO  the database, as a URI or as keywords of libpq\n"
         "                           (default: DATABASE_URL, then the settings, then the PG*\n"
         "                           environment)\n"
         "      --config FILE        the settings (default: WEBMUNKD_CONF, then\n"
         "                           " WM_CONF_FILE ")\n"
         "  -h, --help               this text; after a command, its own\n"
         "  -V, --version            the version\n"
         "\n"
         "Exit status: 0 done, 1 failed, 2 wrong usage.");
}

void wm_help_command(const wm_command *c)
{
    printf("usage: webmunkd %s%s%s%s\n\n%s\n", c->name, c->options[0].name ? " [OPTION...]" : "",
           c->args[0] ? " " : "", c->args, c->help);
    if (!c->options[0].name)
        return;
    puts("\noptions:");
    for (const wm_option *o = c->options; o->name; o++) {
        int width = printf("  --%s%s%s", o->name, o->arg ? " " : "", o->arg ? o->arg : "");

        printf("%*s%s%s\n", width < 26 ? 27 - width : 1, "", o->help,
               o->required ? " (needed)" : "");
    }
}
