/* SPDX-License-Identifier: Apache-2.0 */
/* The text exposition format of Prometheus: every number among the facts is a gauge. */
#include <string.h>

#include <apr_strings.h>

#include "wm_health.h"

typedef struct writer {
    wm_buf *text;
    apr_pool_t *pool;
} writer;

static const wm_err *add(const writer *w, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

static const wm_err *add(const writer *w, const char *fmt, ...)
{
    va_list ap;
    const char *line;

    va_start(ap, fmt);
    line = apr_pvsprintf(w->pool, fmt, ap);
    va_end(ap);
    return wm_buf_add(w->text, line, strlen(line));
}

/* TEXT as the value of a label. */
static const char *label(const writer *w, const char *text)
{
    char *to = apr_palloc(w->pool, 2 * strlen(text ? text : "") + 1), *at = to;

    for (; text && *text; text++) {
        if (*text == '\\' || *text == '"' || *text == '\n')
            *at++ = '\\';
        *at++ = *text == '\n' ? 'n' : *text;
    }
    *at = 0;
    return to;
}

static const wm_err *head(const writer *w, const char *name, const char *help)
{
    return add(w, "# HELP webmunk_%s %s\n# TYPE webmunk_%s gauge\n", name, help, name);
}

static const wm_err *checks(const writer *w, const json_t *health)
{
    const json_t *row;
    size_t i;

    WM_TRY(head(w, "check_state", "0 ok, 1 warning, 2 critical"));
    json_array_foreach(json_object_get(health, "checks"), i, row)
    {
        const char *name = json_string_value(json_object_get(row, "name"));

        WM_TRY(add(w, "webmunk_check_state{check=\"%s\"} %d\n", label(w, name),
                   wm_health_state(json_string_value(json_object_get(row, "state")))));
    }
    return NULL;
}

/* Gauges of lists among the facts: MEMBER of each row where it is not negative, with KEY as LABEL. */
static const struct gauge {
    const char *list, *member, *key, *label, *name, *help;
} gauges[] = {
    {"folders", "bytes", "path", "path", "folder_bytes", "size of its file system"},
    {"folders", "free", "path", "path", "folder_free_bytes", "free for webmunkd"},
    {"servers", "wait", "name", "server", "server_wait_seconds",
     "how long a point waits to be forwarded to it"},
    {"servers", "failures", "name", "server", "server_failures", "since the last acknowledgement"},
};

static const wm_err *labelled(const writer *w, const json_t *list, const struct gauge *g)
{
    const json_t *row;
    size_t i;

    if (!json_array_size(list))
        return NULL;
    WM_TRY(head(w, g->name, g->help));
    json_array_foreach(list, i, row)
    {
        apr_int64_t value = json_integer_value(json_object_get(row, g->member));

        if (value >= 0)
            WM_TRY(add(w, "webmunk_%s{%s=\"%s\"} %" APR_INT64_T_FMT "\n", g->name, g->label,
                       label(w, json_string_value(json_object_get(row, g->key))), value));
    }
    return NULL;
}

static const wm_err *schedules(const writer *w, const json_t *list)
{
    const json_t *row;
    size_t i;

    if (!json_array_size(list))
        return NULL;
    WM_TRY(head(w, "schedule_overdue", "1: its time has passed"));
    json_array_foreach(list, i, row)
        WM_TRY(add(w, "webmunk_schedule_overdue{job=\"%s\",what=\"%s\"} %d\n",
                   label(w, json_string_value(json_object_get(row, "name"))),
                   label(w, json_string_value(json_object_get(row, "what"))),
                   json_is_true(json_object_get(row, "overdue"))));
    WM_TRY(head(w, "schedule_finished_timestamp_seconds", "end of its last run"));
    json_array_foreach(list, i, row)
    {
        const json_t *at = json_object_get(row, "finished");

        if (json_is_integer(at))
            WM_TRY(add(w,
                       "webmunk_schedule_finished_timestamp_seconds{job=\"%s\",what=\"%s\"} "
                       "%" APR_INT64_T_FMT "\n",
                       label(w, json_string_value(json_object_get(row, "name"))),
                       label(w, json_string_value(json_object_get(row, "what"))),
                       (apr_int64_t)json_integer_value(at)));
    }
    return NULL;
}

const wm_err *wm_health_prometheus(wm_buf *text, const json_t *health, apr_pool_t *pool)
{
    json_t *facts = json_object_get(health, "facts"), *value;
    writer w = {text, pool};
    const char *name;

    WM_TRY(head(&w, "state", "0 ok, 1 warning, 2 critical: the worst check"));
    WM_TRY(add(&w, "webmunk_state %d\n",
               wm_health_state(json_string_value(json_object_get(health, "state")))));
    WM_TRY(checks(&w, health));
    json_object_foreach(facts, name, value)
    {
        if (!json_is_integer(value) && !json_is_boolean(value))
            continue;
        WM_TRY(head(&w, name, "as sampled by the job health"));
        WM_TRY(add(&w, "webmunk_%s %" APR_INT64_T_FMT "\n", name,
                   json_is_integer(value) ? (apr_int64_t)json_integer_value(value)
                                          : (apr_int64_t)json_is_true(value)));
    }
    for (size_t i = 0; i < sizeof gauges / sizeof *gauges; i++)
        WM_TRY(labelled(&w, json_object_get(facts, gauges[i].list), &gauges[i]));
    return schedules(&w, json_object_get(facts, "schedules"));
}
