/* SPDX-License-Identifier: Apache-2.0 */
/* From facts to sentences.  A check says its state, what the matter is, and what helps. */
#include <apr_strings.h>

#include "wm_health.h"
#include "wm_json_own.h"
#include "wm_page_int.h"

typedef struct judge {
    const json_t *facts;
    const wm_health_limits *limits;
    json_t *checks;
    int worst;
    apr_pool_t *pool;
} judge;

static apr_int64_t fact(const judge *j, const char *name)
{
    return json_integer_value(json_object_get(j->facts, name));
}

/* VALUE is bad when it is high. */
static int level(apr_int64_t value, apr_int64_t unit, wm_health_limit limit)
{
    /* In floating point nothing overflows. */
    double scaled = (double)value * (double)unit;

    return limit.critical && scaled >= (double)limit.critical ? WM_HEALTH_CRITICAL
           : limit.warning && scaled >= (double)limit.warning ? WM_HEALTH_WARNING
                                                              : WM_HEALTH_OK;
}

static void say(judge *j, const char *name, const char *label, int state, const char *fmt, ...)
    __attribute__((format(printf, 5, 6)));

static void say(judge *j, const char *name, const char *label, int state, const char *fmt, ...)
{
    va_list ap;
    const char *text;

    va_start(ap, fmt);
    text = apr_pvsprintf(j->pool, fmt, ap);
    va_end(ap);
    if (state > j->worst)
        j->worst = state;
    json_array_append_new(j->checks, json_pack("{s:s, s:s, s:s, s:s}", "name", name, "label", label,
                                               "state", wm_health_word(state), "words", text));
}

static const char *span(const judge *j, const char *name)
{
    return wm_page_duration(fact(j, name), j->pool);
}

static const char *count(const judge *j, const char *name, const char *one)
{
    return wm_page_count(fact(j, name), one, j->pool);
}

static void jobs(judge *j)
{
    int state = level(fact(j, "job_wait"), APR_USEC_PER_SEC, j->limits->jobs);

    if (fact(j, "jobs_lost") && state < WM_HEALTH_WARNING)
        state = WM_HEALTH_WARNING;
    if (!state)
        say(j, "jobs", "Jobs", state, "%s running, %s due.", count(j, "jobs_running", "job"),
            wm_page_number(fact(j, "jobs_ready"), j->pool));
    else if (fact(j, "jobs_lost"))
        say(j, "jobs", "Jobs", state,
            "%s interrupted: its runner is gone, and no other has taken over. Start webmunkd.",
            count(j, "jobs_lost", "job"));
    else
        say(j, "jobs", "Jobs", state,
            "%s due, and the oldest waits for %s: all runners are busy, or none works. See what "
            "runs,"
            " start another webmunkd, or raise parallel in [runner].",
            count(j, "jobs_ready", "job"), span(j, "job_wait"));
}

/* LIST, which may be NULL, with the name of ROW behind a comma. */
static const char *also(const judge *j, const char *list, const json_t *row)
{
    const char *name = json_string_value(json_object_get(row, "name"));

    return list ? apr_pstrcat(j->pool, list, ", ", name, NULL) : name;
}

/* Names of schedules that have the member KEY (NULL: whose last run failed), by commas. */
static const char *schedules_with(const judge *j, const char *key)
{
    const json_t *row;
    const char *list = NULL;
    size_t i;

    json_array_foreach(json_object_get(j->facts, "schedules"), i, row)
    {
        const char *last = json_string_value(json_object_get(row, "last"));

        if (key ? json_is_true(json_object_get(row, key)) : last && *last == 'f')
            list = also(j, list, row);
    }
    return list;
}

static void schedules(judge *j)
{
    const char *overdue = schedules_with(j, "overdue"), *failed = schedules_with(j, NULL);

    if (overdue)
        say(j, "schedules", "Schedules", WM_HEALTH_CRITICAL,
            "Overdue: %s. Is webmunkd running, and does it have these jobs?", overdue);
    else if (failed)
        say(j, "schedules", "Schedules", WM_HEALTH_WARNING,
            "The last run failed: %s. The reason is with the job, on this page or by"
            " \"webmunkd job list --state failed\".",
            failed);
    else
        say(j, "schedules", "Schedules", WM_HEALTH_OK, "Every schedule is kept.");
}

static void arrivals(judge *j)
{
    apr_int64_t at = fact(j, "received"), silent = fact(j, "at") - at;
    int state = at ? level(silent, APR_USEC_PER_SEC, j->limits->silence) : WM_HEALTH_OK;

    if (!at)
        say(j, "arrivals", "Arrivals", state, "Nothing was ever received.");
    else if (state)
        say(j, "arrivals", "Arrivals", state,
            "Nothing was received for %s: is the upload address of the clients answered? Try it "
            "with"
            " curl, and look into httpd's error log.",
            wm_page_duration(silent, j->pool));
    else
        say(j, "arrivals", "Arrivals", state, "The newest upload came %s.",
            wm_page_age(at, fact(j, "at"), j->pool));
}

static void quarantine(judge *j)
{
    const json_t *newest = json_array_get(json_object_get(j->facts, "quarantine_reasons"), 0);
    int state = level(fact(j, "quarantine_day"), 1, j->limits->quarantine);

    if (!newest)
        say(j, "quarantine", "Quarantine", state, "Nothing went to quarantine in 24 hours.");
    else
        say(j, "quarantine", "Quarantine", state, "%s in 24 hours, the newest as %s.%s",
            count(j, "quarantine_day", "piece"),
            json_string_value(json_object_get(newest, "reason")),
            state ? " What sends them? The client's version is with the uploads of a participant."
                  : "");
}

static void rollups(judge *j)
{
    apr_int64_t lag = fact(j, "rollup_lag"), pages = fact(j, "page_lag");
    int state;

    if (pages > lag)
        lag = pages;
    state = level(lag, APR_USEC_PER_SEC, j->limits->rollups);
    if (state)
        say(j, "rollups", "Numbers of pages", state,
            "They are %s old: run arrival-fold, and see why it does not come by itself.",
            wm_page_duration(lag, j->pool));
    else
        say(j, "rollups", "Numbers of pages", state, "Up to date.");
}

static void database(judge *j)
{
    apr_int64_t most = fact(j, "connections_max"), used = fact(j, "connections");
    apr_int64_t percent = most > 0 ? used * 100 / most : 0;
    int state = level(percent, 1, j->limits->connections);

    say(j, "connections", "Connections", state,
        "%" APR_INT64_T_FMT " of %" APR_INT64_T_FMT " connections are in use, %" APR_INT64_T_FMT
        " %%; the database has %s.%s",
        used, most, percent, wm_page_bytes(fact(j, "database_bytes"), j->pool),
        state ? " Lower DBDMax or the number of httpd's children, or raise max_connections." : "");
    state = level(fact(j, "transaction"), APR_USEC_PER_SEC, j->limits->transactions);
    if (state)
        say(j, "transactions", "Transactions", state,
            "One is open for %s: what came since is not exported and not cleaned up. Find it in"
            " pg_stat_activity and end it.",
            span(j, "transaction"));
    else
        say(j, "transactions", "Transactions", state, "None is open for long.");
    if (json_is_true(json_object_get(j->facts, "position_behind")))
        say(j, "positions", "Positions", WM_HEALTH_CRITICAL,
            "This cluster's transaction ids are below those of the restored data: exports and"
            " forwarding miss what comes. Run webmunkd migrate.");
    else
        say(j, "positions", "Positions", WM_HEALTH_OK, "What comes follows what is stored.");
}

static void partitions(judge *j)
{
    enum { WEEK = 7 * 86400 };
    apr_int64_t ahead = fact(j, "months_ahead");
    int stray = json_is_true(json_object_get(j->facts, "default_bundles"));
    int state = ahead < 0                                   ? WM_HEALTH_CRITICAL
                : ahead < 1 && fact(j, "month_left") < WEEK ? WM_HEALTH_CRITICAL
                : ahead < 1 || stray                        ? WM_HEALTH_WARNING
                                                            : WM_HEALTH_OK;

    if (ahead < 1)
        say(j, "partitions", "Partitions", state,
            "There is none for %s: run webmunkd partitions, and see why the job does not.",
            ahead < 0 ? "this month" : "the next month");
    else
        say(j, "partitions", "Partitions", state, "Made for %s ahead.%s%s",
            count(j, "months_ahead", "month"),
            stray ? " Uploads lie in the default partition: run webmunkd partitions." : "",
            json_is_true(json_object_get(j->facts, "default_points"))
                ? " Some points have times outside of all months, and lie in the default one."
                : "");
}

/* Of all file systems the fullest speaks. */
static void disk(judge *j)
{
    const wm_health_limit *limit = &j->limits->disk;
    const json_t *row, *fullest = NULL;
    double least = 101;
    size_t i;

    json_array_foreach(json_object_get(j->facts, "folders"), i, row)
    {
        double left = json_number_value(json_object_get(row, "free"));
        double all = json_number_value(json_object_get(row, "bytes"));
        double percent = left < 0 ? -1 : all > 0 ? 100 * left / all : 100;

        if (percent < least) {
            least = percent;
            fullest = row;
        }
    }
    if (!fullest)
        say(j, "disk", "Disk", WM_HEALTH_OK,
            "No folder is watched: name them in folders of [health].");
    else if (least < 0)
        say(j, "disk", "Disk", WM_HEALTH_WARNING,
            "%s cannot be looked at: does it exist, and may webmunkd enter the folder above it?",
            json_string_value(json_object_get(fullest, "path")));
    else
        say(j, "disk", "Disk",
            least <= (double)limit->critical  ? WM_HEALTH_CRITICAL
            : least <= (double)limit->warning ? WM_HEALTH_WARNING
                                              : WM_HEALTH_OK,
            "%s has %s free, %.0f %%.%s", json_string_value(json_object_get(fullest, "path")),
            wm_page_bytes(json_integer_value(json_object_get(fullest, "free")), j->pool), least,
            least <= (double)limit->warning
                ? " Make room, or add some: with a full disk uploads are refused."
                : "");
}

static void exports(judge *j)
{
    int state = level(fact(j, "export_wait"), APR_USEC_PER_SEC, j->limits->exports);

    if (state)
        say(j, "exports", "Exports", state,
            "%s waiting, the oldest for %s: others take long, or no runner works.",
            count(j, "exports_waiting", "export"), span(j, "export_wait"));
    else
        say(j, "exports", "Exports", state, "%s under way, %s waiting.",
            count(j, "exports_running", "export"),
            wm_page_number(fact(j, "exports_waiting"), j->pool));
    state = level(fact(j, "days_behind"), 1, j->limits->archives);
    say(j, "archives", "Nightly archives", state, "%s without an archive.%s",
        fact(j, "days_behind") ? count(j, "days_behind", "closed day") : "No closed day is",
        state ? " The reason is with the jobs export-nightly and export." : "");
}

static void deliveries(judge *j)
{
    apr_int64_t failed = fact(j, "deliveries_failed");

    if (failed)
        say(j, "deliveries", "Deliveries", WM_HEALTH_WARNING,
            "%s failed for good: the page Destinations has the reason; then \"webmunkd destination"
            " resume NAME\".",
            wm_page_count(failed, "delivery", j->pool));
    else
        say(j, "deliveries", "Deliveries", WM_HEALTH_OK, "%s waiting.",
            wm_page_number(fact(j, "deliveries_waiting"), j->pool));
}

static void mail(judge *j)
{
    apr_int64_t failed = fact(j, "mail_failed");

    if (failed)
        say(j, "mail", "Mail", WM_HEALTH_WARNING,
            "%s failed in 7 days: the table mail has the reason. Is [mail] of webmunkd.conf right?",
            wm_page_count(failed, "mail", j->pool));
    else if (fact(j, "mail_unsent"))
        say(j, "mail", "Mail", WM_HEALTH_OK, "%s unsent in 7 days: no mail server is configured.",
            count(j, "mail_unsent", "mail"));
    else
        say(j, "mail", "Mail", WM_HEALTH_OK, "%s waiting.",
            wm_page_number(fact(j, "mail_waiting"), j->pool));
}

/* Names of servers that are PAUSED, or else wait for as long as the longest, by commas. */
static const char *servers_that(const judge *j, int paused)
{
    const json_t *row;
    const char *list = NULL;
    size_t i;

    json_array_foreach(json_object_get(j->facts, "servers"), i, row)
    {
        apr_int64_t wait = json_integer_value(json_object_get(row, "wait"));

        if (json_is_true(json_object_get(row, "paused")) == paused &&
            (paused || wait == fact(j, "forward_wait")))
            list = also(j, list, row);
    }
    return list;
}

/* Nothing is said where points are forwarded to nobody. */
static void forwarding(judge *j)
{
    int state = level(fact(j, "forward_wait"), APR_USEC_PER_SEC, j->limits->forward);
    const char *paused = servers_that(j, 1);

    if (!json_array_size(json_object_get(j->facts, "servers")))
        return;
    if (state)
        say(j, "forwarding", "Forwarding", state,
            "Points have waited for %s to be forwarded to %s: \"webmunkd server list\" has the"
            " reason, and \"webmunkd server resume NAME\" tries at once.",
            span(j, "forward_wait"), servers_that(j, 0));
    else
        say(j, "forwarding", "Forwarding", state, "%s%s%s.",
            fact(j, "forward_wait")
                ? apr_pstrcat(j->pool, "The oldest point waits for ", span(j, "forward_wait"), NULL)
                : "Nothing waits",
            paused ? "; paused: " : "", paused ? paused : "");
}

static void access_log(judge *j)
{
    apr_int64_t bad = fact(j, "access_log_bad");

    if (bad)
        say(j, "access_log", "Access log", WM_HEALTH_CRITICAL,
            "Row %" APR_INT64_T_FMT
            " is not what it was: somebody changed the log, or an older backup"
            " was restored. Keep a copy of the database, and see webmunkd access-log verify.",
            bad);
    else
        say(j, "access_log", "Access log", WM_HEALTH_OK, "Whole up to row %s, as last checked.",
            wm_page_number(fact(j, "access_log_last"), j->pool));
}

json_t *wm_health_judge(const json_t *facts, const wm_health_limits *limits, apr_pool_t *pool)
{
    static void (*const all[])(judge *) = {jobs,     schedules,  arrivals,  quarantine, rollups,
                                           database, partitions, disk,      exports,    deliveries,
                                           mail,     forwarding, access_log};
    judge j = {facts, limits, json_array(), WM_HEALTH_OK, pool};

    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        all[i](&j);
    return wm_json_own(
        json_pack("{s:s, s:o}", "state", wm_health_word(j.worst), "checks", j.checks), pool);
}
