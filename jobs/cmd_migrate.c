/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>

#include <apr_file_io.h>
#include <apr_strings.h>

#include "command.h"
#include "wm_migrate.h"

static const char *schema_dir(const wm_run *run)
{
    const char *dir = wm_run_option(run, "schema-dir");

    if (!dir)
        dir = getenv("WM_SCHEMA_DIR");
    return dir && dir[0] ? dir : WM_PKGDATADIR "/sql/schema";
}

static void note(void *baton, const wm_migration *m)
{
    wm_run_progress(baton, "applying %s", m->file);
}

static const wm_err *status(wm_run *run, const char *dir)
{
    apr_array_header_t *list;
    int pending = 0;

    WM_TRY(wm_migrate_status(&list, run->db, dir, run->pool));
    for (int i = 0; i < list->nelts; i++) {
        const wm_migration *m = &APR_ARRAY_IDX(list, i, wm_migration);

        printf("%04d  %-24s  %s\n", m->number, m->title, m->applied ? m->applied : "pending");
        pending += !m->applied;
    }
    printf("%d pending\n", pending);
    return wm_migrate_judge(list, run->pool);
}

static const wm_err *migrate(wm_run *run)
{
    const char *dir = schema_dir(run);
    /* Installed and in the source tree alike, grants.sql lies beside the directory. */
    const char *grants = apr_pstrcat(run->pool, dir, "/../grants.sql", NULL);
    wm_rows *rows;
    int applied;

    if (wm_run_option(run, "status"))
        return status(run, dir);
    WM_TRY(wm_migrate_run(&applied, run->db, dir, grants, note, run, run->pool));
    printf("%d migration%s applied\n", applied, applied == 1 ? "" : "s");
    WM_TRY(wm_db_rows(&rows, run->db, WM_SQL_MIGRATE_ROLES, WM_NO_ARGS, run->pool));
    if (wm_rows_i64(rows, 0, 0) < 4)
        puts("The roles wm_owner, wm_web, wm_jobs and wm_export do not exist and this role may not "
             "create them: server and jobs must connect as the owner of the tables.");
    return NULL;
}

const wm_command wm_cmd_migrate = {
    .name = "migrate",
    .args = "",
    .summary = "bring the database to this program's schema",
    .help =
        "Applies the migrations that the database does not have yet, each in a transaction of\n"
        "its own, then roles and grants.  Runs that come together wait for each other.  Refuses\n"
        "when an applied file was changed or the database is newer than this program.  After a\n"
        "restore into another cluster exports, arrivals and forwarding go on where they were.",
    .needs = WM_NEEDS_DATABASE,
    .options = {{.name = "status", .help = "list what is applied and what is pending"},
                {.name = "schema-dir",
                 .arg = "DIR",
                 .help = "the migrations (default: WM_SCHEMA_DIR, then the installed ones)"}},
    .run = migrate,
};
