/* SPDX-License-Identifier: Apache-2.0 */
/* What pages about work that goes on have in common: rights per study, states, progress. */
#include <string.h>

#include <apr_strings.h>

#include "wm_page_int.h"
#include "wm_pgarray.h"

enum { LIVE_SECONDS = 2 };

/* Words for the states of jobs and exports: name, mark, label, what it means. */
#define STATES(X)                                                                \
    X("ready", "○", "Waiting", "Waits for a runner.")                            \
    X("running", "▶", "Running", "A runner works on it.")                        \
    X("lost", "!", "Interrupted", "Its runner is gone; another one takes over.") \
    X("done", "✓", "Done", "It ended well.")                                     \
    X("failed", "✕", "Failed", "It ended badly as often as it may be tried.")    \
    X("cancelled", "⊘", "Cancelled", "Somebody ended it.")

const wm_err *wm_page_studies(wm_arg *studies, const wm_page_query *q, wm_right right,
                              apr_pool_t *pool)
{
    const apr_array_header_t *list;
    wm_pgarray array;
    int all;

    *studies = WM_NULL(WM_OID_INT8_ARRAY);
    if (!q->person)
        return NULL;
    list = wm_account_studies(&all, q->person, right, pool);
    if (all)
        return NULL;
    WM_TRY(wm_pgarray_begin(&array, WM_OID_INT8, NULL, pool));
    for (int i = 0; i < list->nelts; i++)
        WM_TRY(wm_pgarray_add_i64(&array, APR_ARRAY_IDX(list, i, apr_int64_t)));
    *studies = wm_pgarray_arg(&array, WM_OID_INT8_ARRAY);
    return NULL;
}

void wm_page_live(json_t *page, int live, const char *path, const wm_page_query *q,
                  apr_pool_t *pool)
{
    const char *link = wm_page_link(q, apr_pstrcat(pool, path, "/progress", NULL),
                                    WM_CHANGES({"after", q->after}, {"before", q->before}), pool);

    json_object_set_new(page, "live", live ? json_integer(LIVE_SECONDS) : json_false());
    json_object_set_new(json_object_get(page, "links"), "progress", json_string(link));
}

json_t *wm_page_job_state(const char *name)
{
    static const struct {
        const char *name, *mark, *label, *help;
    } states[] = {
#define X(name, mark, label, help) {name, mark, label, help},
        STATES(X)
#undef X
    };

    for (size_t i = 0; name && i < sizeof states / sizeof *states; i++)
        if (!strcmp(name, states[i].name))
            return json_pack("{s:s, s:s, s:s, s:s}", "name", name, "label", states[i].label, "mark",
                             states[i].mark, "help", states[i].help);
    return json_object();
}

void wm_page_progress(json_t *progress, apr_pool_t *pool)
{
    apr_int64_t done = json_integer_value(json_object_get(progress, "done"));
    apr_int64_t total = json_integer_value(json_object_get(progress, "total"));
    const char *unit = json_string_value(json_object_get(progress, "unit"));
    const char *words = wm_page_number(done, pool);

    if (!json_is_object(progress))
        return;
    if (total > 0) {
        apr_int64_t percent = done >= total ? 100
                              : done <= 0   ? 0
                                            : (apr_int64_t)(100.0 * (double)done / (double)total);

        words = apr_pstrcat(pool, words, " of ", wm_page_number(total, pool), NULL);
        json_object_set_new(progress, "percent", json_integer(percent));
        json_object_set_new(progress, "known", json_true());
    }
    words = apr_pstrcat(pool, words, " ", unit ? unit : "", NULL);
    json_object_set_new(progress, "words", json_string(words));
}
