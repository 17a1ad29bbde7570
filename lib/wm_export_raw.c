/* SPDX-License-Identifier: Apache-2.0 */
/* Points as they are stored, an array for each source and day of created in the export's zone
 * (exports.md 7, E26 to E29). */
#include <string.h>

#include <apr_strings.h>

#include "wm_export_copy.h"
#include "wm_export_row.h"

enum { FLUSH = 64 * 1024, RAW_FIELDS = WM_EXPORT_FIXED + 1 };

typedef struct raw {
    wm_export_copy *copy;
    const wm_export_sink *sink;
    wm_zone *zone;
    wm_buf *out;
    apr_int64_t source; /* index; -1: no file is open */
    apr_int64_t day;
    apr_time_t time; /* of the last point */
    apr_pool_t *pool, *step;
} raw;

static const wm_err *flush(raw *r)
{
    const wm_err *err = NULL;

    if (r->out->size)
        err = r->sink->write(r->sink->host, r->out->data, r->out->size);
    r->out->size = 0;
    return err;
}

static const wm_err *end_entry(raw *r)
{
    if (r->source < 0)
        return NULL;
    WM_TRY(wm_buf_add(r->out, "\n]", 2));
    return flush(r);
}

/* The source as it is called, or its slug and number when that could not be a file's name. */
static const char *file_name(const raw *r, const wm_export_source *s)
{
    const char *safe = wm_export_entry_name(s->shown, r->step);

    return strcmp(safe, s->shown) ? apr_psprintf(r->step, "%s~%" APR_INT64_T_FMT, s->slug, s->id)
                                  : safe;
}

static const wm_err *begin_entry(raw *r, apr_int64_t source, const wm_local *local, apr_int64_t day)
{
    const wm_export_source *s =
        APR_ARRAY_IDX(r->copy->sources, (int)source, const wm_export_source *);

    WM_TRY(end_entry(r));
    apr_pool_clear(r->step);
    r->source = source;
    r->day = day;
    WM_TRY(r->sink->entry(r->sink->host,
                          apr_psprintf(r->step, "%s__%s__%04d-%02d-%02d.json", file_name(r, s),
                                       wm_export_type_entry(r->copy->type, r->step),
                                       (int)local->year, local->month, local->day)));
    return wm_buf_add(r->out, "[\n  ", 4);
}

static const wm_err *take_line(void *host, char *line, size_t size)
{
    raw *r = host;
    wm_text fields[RAW_FIELDS];
    wm_export_json how = {.style = WM_EXPORT_PRETTY,
                          .insensitive = !r->copy->definition->sensitive,
                          .unmarked = r->copy->type->unmarked,
                          .base = 1};
    apr_int64_t source, day;
    apr_time_t time;
    wm_local local;

    if (wm_export_split(fields, RAW_FIELDS, line, size) != RAW_FIELDS)
        return wm_err_make(r->pool, WM_E_SYSTEM, "a point came with too few fields");
    source = wm_export_number(fields[WM_FIELD_N]) - 1;
    if (!wm_export_instant(&time, fields[WM_FIELD_CREATED]))
        time = r->time;
    r->time = time;
    wm_zone_local(&local, r->zone, time);
    day = wm_zone_days(local.year, local.month, local.day);
    /* A clock that goes back over midnight does not open a day again: its file has ended. */
    if (source != r->source || day > r->day)
        WM_TRY(begin_entry(r, source, &local, day));
    else
        WM_TRY(wm_buf_add(r->out, ",\n  ", 4));
    how.hidden = APR_ARRAY_IDX(r->copy->sources, (int)source, const wm_export_source *)->hidden;
    WM_TRY(wm_export_layout(r->out, fields[WM_EXPORT_FIXED], &how));
    if (r->out->size >= FLUSH)
        WM_TRY(flush(r));
    return r->sink->row ? r->sink->row(r->sink->host, wm_export_number(fields[WM_FIELD_ID]), 0)
                        : NULL;
}

const wm_err *wm_export_raw(wm_export_copy *copy, const wm_export_sink *sink, apr_pool_t *pool)
{
    raw *r = apr_pcalloc(pool, sizeof *r);

    r->copy = copy;
    r->sink = sink;
    r->source = -1;
    r->pool = pool;
    r->out = wm_buf_create(NULL, pool);
    apr_pool_create(&r->step, pool);
    r->zone = wm_zone_find(copy->definition->zone, pool);
    if (!r->zone)
        return wm_err_make(pool, WM_E_INPUT, "there is no time zone \"%s\"",
                           copy->definition->zone);
    WM_TRY(wm_export_copy_run(copy, copy->sql, take_line, r));
    return end_entry(r);
}
