/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "command.h"
#include "health.h"
#include "wm_health.h"
#include "wm_json_own.h"

enum { UNKNOWN = 3 };

static const char *text_of(const json_t *object, const char *key)
{
    return json_string_value(json_object_get(object, key));
}

/* A line for Nagios and its like, with the sentence of the worst check and numbers behind a bar; then
 * a line for each check. */
static void print(const json_t *facts, const json_t *verdict)
{
    static const char *const words[] = {"OK", "WARNING", "CRITICAL"};
    static const char *const numbers[] = {"points",      "bundles",        "quarantine_day",
                                          "jobs_ready",  "jobs_failed",    "job_wait",
                                          "connections", "database_bytes", NULL};
    const json_t *checks = json_object_get(verdict, "checks"), *row, *worst = NULL;
    const char *state = text_of(verdict, "state");
    size_t i;

    json_array_foreach(checks, i, row) if (!worst && !strcmp(text_of(row, "state"), state)) worst =
        row;
    printf("WEBMUNK %s: %s |", words[wm_health_state(state)],
           strcmp(state, "ok") ? text_of(worst, "words") : "everything is well");
    for (i = 0; numbers[i]; i++)
        if (json_is_integer(json_object_get(facts, numbers[i])))
            printf(" %s=%" JSON_INTEGER_FORMAT, numbers[i],
                   json_integer_value(json_object_get(facts, numbers[i])));
    puts("");
    json_array_foreach(checks, i, row) printf("%-8s  %s: %s\n", text_of(row, "state"),
                                              text_of(row, "label"), text_of(row, "words"));
}

static const wm_err *health(wm_run *run)
{
    json_t *facts, *verdict, *newest;
    apr_time_t now = apr_time_now();

    WM_TRY(wm_health_take(&facts, &verdict, run->db, now, run->pool));
    WM_TRY(wm_health_newest(&newest, run->db, now, run->pool));
    wm_health_add_runner(
        verdict,
        json_object_get(newest, "facts") ? json_integer_value(json_object_get(newest, "age")) : -1,
        run->pool);
    if (wm_run_option(run, "json")) {
        json_object_set(verdict, "facts", facts);
        puts(wm_json_own_text(verdict, run->pool));
    } else {
        print(facts, verdict);
    }
    run->status = wm_health_state(text_of(verdict, "state"));
    return NULL;
}

const wm_command wm_cmd_health = {
    .name = "health",
    .args = "",
    .summary = "say how the server is, for people and Nagios",
    .help =
        "Looks at jobs, schedules, arrivals, quarantine, the numbers of pages, connections, long\n"
        "transactions, positions, partitions, disks, exports, deliveries, mail and forwarding, by "
        "the\nlimits of [health].\n"
        "Exit status: 0 ok, 1 warning, 2 critical, 3 that cannot be known.",
    .needs = WM_NEEDS_DATABASE,
    .failure = UNKNOWN,
    .options = {{.name = "json", .help = "as JSON, with all numbers"}},
    .run = health,
};
