/* SPDX-License-Identifier: Apache-2.0 */
/* Participants' sources: who is who, and merging two of them. */
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include <apr_strings.h>
#include <jansson.h>

#include "command.h"
#include "job.h"
#include "prompt.h"
#include "runner.h"
#include "wm_alert.h"
#include "wm_json_own.h"

static volatile sig_atomic_t stop;

static void on_stop(int number)
{
    stop = 1;
    signal(number, SIG_DFL);
}

static apr_int64_t number_of(const json_t *object, const char *name)
{
    return json_integer_value(json_object_get(object, name));
}

static const char *text_of(const json_t *object, const char *name)
{
    const char *text = json_string_value(json_object_get(object, name));

    return text ? text : "";
}

static const wm_err *refuse(wm_run *run, const json_t *look)
{
    const char *problem = text_of(look, "problem");

    return *problem ? wm_err_make(run->pool, WM_E_INPUT, "%s", problem) : NULL;
}

/* Both participants stand in the row. */
static const wm_err *audit(wm_run *run, const char *action, const json_t *look)
{
    const apr_int64_t sources[] = {number_of(look, "origin"), number_of(look, "destination")};

    return wm_run_audit_sources(run, action,
                                apr_psprintf(run->pool, "source:%" APR_INT64_T_FMT, sources[0]),
                                sources, 2, NULL);
}

/* Have the runner do it, or with --now do it here. */
static const wm_err *hand_over(wm_run *run, apr_int64_t merge, apr_int64_t job)
{
    wm_job_run *one;

    if (!wm_run_option(run, "now")) {
        printf("merge %" APR_INT64_T_FMT " is job %" APR_INT64_T_FMT
               "; \"webmunkd source list\" shows how far it is\n",
               merge, job);
        return NULL;
    }
    one = wm_job_run_make(run->db, run->conninfo, run->log, run->pool);
    one->params = wm_json_own(json_pack("{s:I}", "merge", (json_int_t)merge), run->pool);
    one->show = 1;
    one->stop = &stop;
    signal(SIGINT, on_stop);
    signal(SIGTERM, on_stop);
    WM_TRY(wm_job_source_merge.run(one));
    WM_TRY(wm_job_progress_flush(one));
    printf("%s\n", wm_job_noted(one));
    return stop ? wm_err_make(run->pool, WM_E_BUSY,
                              "stopped before its end; job %" APR_INT64_T_FMT " goes on", job)
                : NULL;
}

static const wm_err *add_job(apr_int64_t *job, wm_run *run, apr_int64_t merge)
{
    json_t *params = wm_json_own(json_pack("{s:I}", "merge", (json_int_t)merge), run->pool);

    return wm_job_add(job, run->db, "source-merge",
                      apr_psprintf(run->pool, "merge %" APR_INT64_T_FMT, merge), 0, params, 0,
                      run->pool);
}

static const wm_err *look_at(json_t **look, wm_run *run)
{
    WM_TRY(wm_db_json(look, run->db, WM_SQL_MERGE_LOOK,
                      WM_ARGS(WM_TEXT(run->args[0]), WM_TEXT(run->args[1]),
                              WM_BOOL(wm_run_option(run, "across-studies") != NULL)),
                      run->pool));
    return refuse(run, *look);
}

static const wm_err *merge_add(apr_int64_t *merge, apr_int64_t *job, wm_run *run)
{
    json_t *look;
    wm_rows *rows;

    /* Behind the fence, because of somebody who merges the other way round. */
    WM_TRY(wm_db_do(NULL, run->db, WM_SQL_MERGE_FENCE, WM_NO_ARGS, run->pool));
    WM_TRY(look_at(&look, run));
    WM_TRY(wm_db_rows(
        &rows, run->db, WM_SQL_MERGE_ADD,
        WM_ARGS(WM_I64(number_of(look, "origin")), WM_I64(number_of(look, "destination"))),
        run->pool));
    *merge = wm_rows_i64(rows, 0, 0);
    WM_TRY(add_job(job, run, *merge));
    WM_TRY(audit(run, "source-merge", look));
    return wm_db_commit(run->db, run->pool);
}

static const wm_err *merge(wm_run *run)
{
    apr_int64_t id, job;
    json_t *look, *count;
    int yes;

    WM_TRY(look_at(&look, run));
    WM_TRY(wm_db_json(
        &count, run->db, WM_SQL_MERGE_COUNT,
        WM_ARGS(WM_I64(number_of(look, "origin")), WM_I64(number_of(look, "destination"))),
        run->pool));
    printf("%s has %" APR_INT64_T_FMT " points", run->args[0], number_of(count, "points"));
    if (number_of(count, "points"))
        printf(" from %s to %s", text_of(count, "first"), text_of(count, "last"));
    printf(" in %" APR_INT64_T_FMT " uploads; ", number_of(count, "bundles"));
    printf("%s has %" APR_INT64_T_FMT " of them already\n", run->args[1],
           number_of(count, "repeats"));
    if (wm_run_option(run, "dry-run"))
        return NULL;
    WM_TRY(wm_prompt_confirm(
        &yes, run,
        apr_psprintf(run->pool, "All of it becomes data of %s, and what %s sends from now on.",
                     run->args[1], run->args[0])));
    if (!yes)
        return wm_err_make(run->pool, WM_E_INPUT, "nothing was merged");
    WM_TRY(wm_db_begin(run->db, run->pool));
    WM_TRY(merge_add(&id, &job, run));
    return hand_over(run, id, job);
}

static const wm_err *look_back(json_t **look, wm_run *run)
{
    WM_TRY(wm_db_json(look, run->db, WM_SQL_MERGE_UNDO_LOOK, WM_ARGS(WM_TEXT(run->args[0])),
                      run->pool));
    if (!*look)
        return wm_err_make(run->pool, WM_E_INPUT, "there is no participant \"%s\"", run->args[0]);
    return refuse(run, *look);
}

/* A merge that has not begun is forgotten: *JOB is 0 then. */
static const wm_err *unmerge_add(apr_int64_t *merge, apr_int64_t *job, wm_run *run)
{
    apr_int64_t changed;
    json_t *look;

    *job = 0;
    WM_TRY(wm_db_do(NULL, run->db, WM_SQL_MERGE_FENCE, WM_NO_ARGS, run->pool));
    WM_TRY(look_back(&look, run));
    *merge = number_of(look, "merge");
    WM_TRY(wm_db_do(&changed, run->db, WM_SQL_MERGE_FORGET, WM_ARGS(WM_I64(*merge)), run->pool));
    if (!changed) {
        WM_TRY(wm_db_do(NULL, run->db, WM_SQL_MERGE_UNDO, WM_ARGS(WM_I64(*merge)), run->pool));
        WM_TRY(add_job(job, run, *merge));
    }
    WM_TRY(audit(run, "source-unmerge", look));
    return wm_db_commit(run->db, run->pool);
}

static const wm_err *unmerge(wm_run *run)
{
    apr_int64_t id, job;
    json_t *look;
    int yes;

    WM_TRY(look_back(&look, run));
    WM_TRY(wm_prompt_confirm(&yes, run,
                             apr_psprintf(run->pool, "All that %s sent goes back from %s to it.",
                                          run->args[0], text_of(look, "into"))));
    if (!yes)
        return wm_err_make(run->pool, WM_E_INPUT, "nothing was changed");
    WM_TRY(wm_db_begin(run->db, run->pool));
    WM_TRY(unmerge_add(&id, &job, run));
    if (job)
        return hand_over(run, id, job);
    puts("the merge had not begun and is forgotten");
    return NULL;
}

static const char *state_of(const json_t *m)
{
    int undo = json_is_true(json_object_get(m, "undo"));
    const char *state = text_of(m, "state");

    if (!strcmp(state, "done"))
        return undo ? "undone" : "merged";
    if (!strcmp(state, "moving"))
        return undo ? "moving back" : "moving";
    return undo ? "waits to undo" : "waits";
}

static void print_excluded(const json_t *root, apr_pool_t *pool)
{
    const json_t *s;
    size_t i;

    printf("%-20s  %-20s  %s\n", "excluded since", "study", "participant");
    json_array_foreach(root, i, s)
    {
        printf("%-20s  %-20s  %s\n", text_of(s, "excluded"),
               wm_alert_line(text_of(s, "study"), pool),
               wm_alert_line(text_of(s, "identifier"), pool));
    }
}

static void print_merges(const json_t *root, apr_pool_t *pool)
{
    const json_t *m;
    size_t i;

    printf("%6s  %-13s %12s %8s  %s\n", "merge", "state", "points", "repeats",
           "origin, destination");
    json_array_foreach(root, i, m)
    {
        printf("%6" APR_INT64_T_FMT "  %-13s %12" APR_INT64_T_FMT, number_of(m, "id"), state_of(m),
               number_of(m, "points"));
        printf(" %8" APR_INT64_T_FMT "  %s, %s\n", number_of(m, "repeats"),
               wm_alert_line(text_of(m, "origin"), pool),
               wm_alert_line(text_of(m, "destination"), pool));
    }
}

static const wm_err *list(wm_run *run)
{
    const char *who = run->arg_count ? run->args[0] : "";
    int excluded = wm_run_option(run, "excluded") != NULL;
    json_t *root;

    WM_TRY(wm_db_json(&root, run->db, excluded ? WM_SQL_SOURCE_EXCLUDED : WM_SQL_MERGE_LIST,
                      WM_ARGS(WM_TEXT(who)), run->pool));
    if (wm_run_option(run, "json"))
        puts(wm_json_own_text(root, run->pool));
    else if (excluded)
        print_excluded(root, run->pool);
    else
        print_merges(root, run->pool);
    return NULL;
}

static const wm_err *show(wm_run *run)
{
    json_t *source;

    WM_TRY(wm_db_json(&source, run->db, WM_SQL_MERGE_SOURCE, WM_ARGS(WM_TEXT(run->args[0])),
                      run->pool));
    if (!source)
        return wm_err_make(run->pool, WM_E_NOT_FOUND, "there is no participant \"%s\"",
                           run->args[0]);
    json_dumpf(source, stdout, JSON_INDENT(2) | JSON_SORT_KEYS | JSON_ENSURE_ASCII);
    putchar('\n');
    return NULL;
}

const wm_command wm_cmd_source_list = {
    .name = "source list",
    .args = "[IDENTIFIER]",
    .args_max = 1,
    .summary = "list merges of participants, or who is excluded from exports",
    .help = "Lists merges of participants, done and under way, in their order; of one participant "
            "when it\n"
            "is named.",
    .needs = WM_NEEDS_DATABASE,
    .options = {{.name = "excluded", .help = "who is in no export instead, and since when"},
                {.name = "json", .help = "as JSON"}},
    .run = list,
};

const wm_command wm_cmd_source_show = {
    .name = "source show",
    .args = "IDENTIFIER",
    .args_min = 1,
    .args_max = 1,
    .summary = "show a participant, and who was merged into it, as JSON",
    .help =
        "Shows a participant: study, group, points, since when exports leave it out, whom it was "
        "merged\n"
        "into and who was merged into it.",
    .needs = WM_NEEDS_DATABASE,
    .run = show,
};

const wm_command wm_cmd_source_merge = {
    .name = "source merge",
    .args = "ORIGIN DESTINATION",
    .args_min = 2,
    .args_max = 2,
    .summary = "make one participant's data another's",
    .help = "Everything that ORIGIN has sent becomes data of DESTINATION, in its study and group, "
            "and so\n"
            "does what ORIGIN sends from then on.  What the points say of themselves stays as it "
            "was\n"
            "sent.  The runner does it in the background; exports under way end first.\n"
            "\"webmunkd source unmerge ORIGIN\" undoes it.",
    .needs = WM_NEEDS_DATABASE,
    .options = {{.name = "dry-run", .help = "count what would move, and change nothing"},
                {.name = "across-studies", .help = "even when that takes data to another study"},
                {.name = "now", .help = "do it here, not in the runner"},
                {.name = "yes", .help = "do not ask"}},
    .run = merge,
};

const wm_command wm_cmd_source_unmerge = {
    .name = "source unmerge",
    .args = "ORIGIN",
    .args_min = 1,
    .args_max = 1,
    .summary = "undo a merge",
    .help = "Gives ORIGIN back what was merged into another participant, and what it has sent "
            "since.",
    .needs = WM_NEEDS_DATABASE,
    .options = {{.name = "now", .help = "do it here, not in the runner"},
                {.name = "yes", .help = "do not ask"}},
    .run = unmerge,
};
