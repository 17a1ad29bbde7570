/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>

#include <apr_strings.h>

#include "command.h"

enum { MONTHS_DEFAULT = 3, MONTHS_MAX = 120 };

static const wm_err *partitions(wm_run *run)
{
    const char *text = wm_run_option(run, "months");
    apr_int64_t months = MONTHS_DEFAULT;
    wm_rows *rows;

    if (text) {
        char *end;

        months = apr_strtoi64(text, &end, 10);
        if (end == text || *end || months < 1 || months > MONTHS_MAX)
            return wm_run_usage(run, "--months is \"%s\" and must be a number from 1 to %d", text,
                                MONTHS_MAX);
    }
    WM_TRY(
        wm_db_rows(&rows, run->db, WM_SQL_MIGRATE_PARTITIONS, WM_ARGS(WM_I64(months)), run->pool));
    printf("%s partitions made\n", wm_rows_text(rows, 0, 0));
    return NULL;
}

const wm_command wm_cmd_partitions = {
    .name = "partitions",
    .args = "",
    .summary = "make the monthly partitions of the coming months",
    .help =
        "Makes the partitions of data_point and bundle ahead of time.  Rows that already lie in\n"
        "the default partition move.  Harmless at any time; run it daily.",
    .needs = WM_NEEDS_DATABASE,
    .options = {{.name = "months", .arg = "N", .help = "how many months ahead (default: 3)"}},
    .run = partitions,
};
