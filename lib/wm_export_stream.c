/* SPDX-License-Identifier: Apache-2.0 */
/* COPY's lines become rows of files as they come by; nothing is kept but one row. */
#include <string.h>

#include <apr_strings.h>

#include "wm_export_copy.h"
#include "wm_export_row.h"

enum { FLUSH = 64 * 1024, FIELDS_MAX = WM_EXPORT_FIXED + WM_EXPORT_CELLS_MAX };

/* What is being written. */
typedef struct stream {
    const wm_export_type *type;
    const wm_export_definition *definition;
    const wm_export_sink *sink;
    wm_export_copy *copy;
    wm_export_rower *rower;
    wm_buf *out;
    wm_text fields[FIELDS_MAX];
    int source;              /* index of the source whose file is open; -1: none */
    int part;                /* of its files, when they are split */
    int points;              /* in this part */
    apr_int64_t last;        /* point */
    apr_pool_t *pool, *step; /* STEP is cleared for each file */
} stream;

static const wm_err *flush(stream *s)
{
    const wm_err *err = NULL;

    if (s->out->size)
        err = s->sink->write(s->sink->host, s->out->data, s->out->size);
    s->out->size = 0;
    return err;
}

static const char *extension(const wm_export_definition *d)
{
    return d->format == WM_EXPORT_CSV ? ".csv" : d->format == WM_EXPORT_JSONL ? ".jsonl" : ".txt";
}

static const wm_err *begin_entry(stream *s, const char *name)
{
    WM_TRY(flush(s));
    WM_TRY(s->sink->entry(s->sink->host, name));
    return wm_export_header(s->out, s->rower);
}

static const wm_export_source *source_at(const stream *s, int index)
{
    return APR_ARRAY_IDX(s->copy->sources, index, const wm_export_source *);
}

/* The file of source INDEX, or its next part. */
static const wm_err *begin_source(stream *s, int index, int part)
{
    const char *slug = source_at(s, index)->slug, *number = "";

    apr_pool_clear(s->step);
    if (s->type->split)
        number = apr_psprintf(s->step, "__%d", part);
    s->source = index;
    s->part = part;
    s->points = 0;
    return begin_entry(s, apr_pstrcat(s->step, wm_export_slug(s->type->name, s->step), "/", slug,
                                      number, extension(s->definition), NULL));
}

/* Files of sources before UNTIL that have no rows: the header alone, where the type has such. */
static const wm_err *empty_sources(stream *s, int until)
{
    for (int i = s->source + 1; i < until && !s->type->rows_only; i++)
        WM_TRY(begin_source(s, i, 0));
    return NULL;
}

static const wm_err *place(stream *s, int index, apr_int64_t point)
{
    if (!s->type->by_source)
        return NULL;
    if (index != s->source) {
        WM_TRY(empty_sources(s, index));
        WM_TRY(begin_source(s, index, 0));
        s->last = -1;
    }
    if (point == s->last)
        return NULL;
    s->last = point;
    if (s->type->split && s->points == s->type->split)
        WM_TRY(begin_source(s, index, s->part + 1));
    s->points++;
    return NULL;
}

static const wm_err *take_line(void *host, char *line, size_t size)
{
    stream *s = host;
    int count = wm_export_split(s->fields, FIELDS_MAX, line, size), index, defects;
    apr_int64_t point;
    const wm_export_source *source = NULL;

    if (count != s->rower->field_count)
        return wm_err_make(s->pool, WM_E_SYSTEM, "%s gives %d fields instead of %d", s->type->name,
                           count, s->rower->field_count);
    point = wm_export_number(s->fields[WM_FIELD_ID]);
    if (!s->type->own) {
        index = (int)wm_export_number(s->fields[WM_FIELD_N]) - 1;
        WM_TRY(place(s, index, point));
        source = source_at(s, index);
    }
    WM_TRY(wm_export_row(s->out, &defects, s->rower, s->fields, source));
    if (s->out->size >= FLUSH)
        WM_TRY(flush(s));
    return s->sink->row ? s->sink->row(s->sink->host, point, defects) : NULL;
}

/* A file of its own: number, name, JSON. */
static const wm_err *take_file(void *host, char *line, size_t size)
{
    static const wm_export_json pretty = {.style = WM_EXPORT_PRETTY};
    stream *s = host;
    wm_text fields[3];

    if (wm_export_split(fields, 3, line, size) != 3 || !fields[1].data || !fields[2].data)
        return wm_err_make(s->pool, WM_E_SYSTEM, "a file of %s came without content",
                           s->type->name);
    WM_TRY(flush(s));
    apr_pool_clear(s->step);
    WM_TRY(s->sink->entry(s->sink->host, apr_pstrmemdup(s->step, fields[1].data, fields[1].size)));
    return wm_export_layout(s->out, fields[2], &pretty);
}

static const wm_err *stream_rows(stream *s)
{
    if (s->type->files)
        WM_TRY(wm_export_copy_files(s->copy, take_file, s));
    WM_TRY(wm_export_rower_make(&s->rower, s->type, s->definition, s->pool));
    if (!s->type->by_source) {
        const char *name = wm_export_type_entry(s->type, s->pool);

        WM_TRY(begin_entry(s, apr_pstrcat(s->pool, name, extension(s->definition), NULL)));
    }
    WM_TRY(wm_export_copy_run(s->copy, s->copy->sql, take_line, s));
    if (s->type->by_source)
        WM_TRY(empty_sources(s, s->copy->sources->nelts));
    return flush(s);
}

const wm_err *wm_export_stream(wm_db *db, const wm_export_type *type,
                               const wm_export_definition *definition, const char *position,
                               const wm_export_sink *sink, apr_pool_t *pool)
{
    stream *s;
    apr_pool_t *own;
    const wm_err *err;

    /* What one type needs is given back when the next begins. */
    apr_pool_create(&own, pool);
    s = apr_pcalloc(own, sizeof *s);
    s->type = type;
    s->definition = definition;
    s->sink = sink;
    s->pool = own;
    s->source = -1;
    s->last = -1;
    s->out = wm_buf_create(NULL, own);
    apr_pool_create(&s->step, own);
    err = wm_export_copy_make(&s->copy, db, type, definition, position, own);
    if (!err)
        err = definition->format == WM_EXPORT_RAW ? wm_export_raw(s->copy, sink, own)
                                                  : stream_rows(s);
    /* The error must outlive the pool that it was made in. */
    if (err)
        err = wm_err_make(pool, err->code, "%s", wm_err_text(err, own));
    apr_pool_destroy(own);
    return err;
}
