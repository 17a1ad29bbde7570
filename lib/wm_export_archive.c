/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <apr_file_info.h>
#include <apr_strings.h>
#include <jansson.h>

#include "wm_export_archive.h"
#include "wm_json_own.h"
#include "wm_position.h"

enum {
    DEFECTS_SHOWN = 20,
    ROWS_A_LOOK = 512,
    /* A file of parts ends with either: what a killed run has to make again. */
    PARTS_A_FILE = 256,
    BYTES_A_FILE = 8 * 1024 * 1024
};

/* The entries of one type while they stream. */
typedef struct filling {
    wm_export_archive *a;
    const wm_export_type *type;
    int number;                   /* of the entry that is written */
    int kept;                     /* entries up to this number are parts already */
    int writing;                  /* the entry is packed; else it is one of those */
    wm_export_part part;          /* the entry */
    int file;                     /* number of the first part in the open file */
    apr_array_header_t *waiting;  /* finished parts that are not yet rows of export_part */
    apr_int64_t done;             /* rows of all types so far */
    apr_int64_t rows, bytes;      /* of this type */
    apr_pool_t *pool, *file_pool; /* the latter of what WAITING points to */
} filling;

static const char *parts_folder(const char *dir, apr_int64_t id, apr_pool_t *pool)
{
    return apr_psprintf(pool, "%s/%" APR_INT64_T_FMT ".parts", dir, id);
}

static const wm_err *read_list(wm_export_archive *a, const char *text)
{
    apr_array_header_t *list;
    json_t *array, *item;
    size_t i;

    WM_TRY(wm_json_own_parse(&array, text, strlen(text), a->pool));
    list = apr_array_make(a->pool, (int)json_array_size(array), sizeof(const char *));
    json_array_foreach(array, i, item)
    {
        APR_ARRAY_PUSH(list, const char *) = json_string_value(item);
    }
    a->definition->sources = list;
    a->definition->groups = NULL;
    return NULL;
}

/* Its row; *ROWS is NULL while participants of its study are being merged. */
static const wm_err *open_row(wm_rows **rows, wm_db *db, apr_int64_t id, const char *site,
                              apr_pool_t *pool)
{
    const wm_err *err;
    wm_rows *may;

    *rows = NULL;
    WM_TRY(wm_db_begin(db, pool));
    err = wm_db_rows(&may, db, WM_SQL_EXPORT_MAY_OPEN, WM_ARGS(WM_I64(id)), pool);
    if (!err && wm_rows_bool(may, 0, 0))
        err = wm_db_rows(rows, db, WM_SQL_EXPORT_OPEN, WM_ARGS(WM_I64(id), WM_TEXT(site)), pool);
    if (!err)
        err = wm_db_commit(db, pool);
    if (err)
        wm_db_rollback(db);
    return err;
}

const wm_err *wm_export_archive_open(wm_export_archive **archive, wm_db *db, wm_db *reader,
                                     apr_int64_t id, const wm_export_setup *setup,
                                     const wm_export_watch *watch, apr_pool_t *pool)
{
    wm_export_archive *a = apr_pcalloc(pool, sizeof *a);
    const char *text;
    wm_rows *rows;

    *a = (wm_export_archive){.id = id, .db = db, .reader = reader, .watch = watch};
    a->dir = setup->dir;
    a->pool = pool;
    WM_TRY(wm_position_raise(db, pool));
    WM_TRY(open_row(&rows, db, id, setup->site, pool));
    *archive = NULL;
    if (!rows)
        return NULL;
    if (!wm_rows_count(rows))
        return wm_err_make(pool, WM_E_NOT_FOUND,
                           "there is no export %" APR_INT64_T_FMT " that waits to be made", id);
    a->position = wm_rows_text(rows, 0, 0);
    a->types_done = (int)wm_rows_i64(rows, 0, 1);
    text = wm_rows_text(rows, 0, 2);
    WM_TRY(wm_json_own_parse(&a->json, text, strlen(text), pool));
    WM_TRY(wm_export_define(&a->definition, a->json, db, pool));
    if (wm_rows_text(rows, 0, 3))
        WM_TRY(read_list(a, wm_rows_text(rows, 0, 3)));
    a->expected = wm_rows_text(rows, 0, 4) ? wm_rows_i64(rows, 0, 4) : -1;
    a->profile = wm_rows_text(rows, 0, 5);
    a->study_slug = wm_rows_text(rows, 0, 6);
    a->study_name = wm_rows_text(rows, 0, 7);
    a->schema = wm_rows_text(rows, 0, 8);
    a->definition->site = wm_rows_text(rows, 0, 9);
    a->parts = parts_folder(a->dir, id, pool);
    if (mkdir(a->parts, 0700) && errno != EEXIST) {
        a->full = errno == ENOSPC || errno == EDQUOT;
        return wm_err_apr(pool, errno, "making %s", a->parts);
    }
    WM_TRY(wm_zip_packer_create(&a->packer, setup->level, pool));
    *archive = a;
    return NULL;
}

const wm_err *wm_export_look(wm_export_archive *a, apr_int64_t done, apr_int64_t total,
                             const char *note, apr_pool_t *pool)
{
    if (a->watch->stopped(a->watch->host))
        return wm_err_make(pool, WM_E_BUSY, "stopped");
    return a->watch->progress(a->watch->host, done, total, note);
}

/* Make rows of the finished parts; ALL says that the type has no others. */
static const wm_err *commit_parts(filling *f, int all)
{
    apr_pool_t *pool;
    const wm_err *err;

    apr_pool_create(&pool, f->pool);
    err = wm_db_begin(f->a->db, pool);
    if (!err)
        err = wm_export_parts_keep(f->a, f->waiting, pool);
    if (!err)
        err = wm_db_do(NULL, f->a->db, WM_SQL_EXPORT_PARTS_DONE,
                       WM_ARGS(WM_I64(f->a->id), WM_I64(f->a->types_done + !!all), WM_I64(f->rows),
                               WM_I64(f->bytes)),
                       pool);
    if (!err)
        err = wm_db_commit(f->a->db, pool);
    if (err) {
        wm_db_rollback(f->a->db);
        err = wm_err_wrap(f->pool, err, "keeping parts");
    } else {
        apr_array_clear(f->waiting);
        f->rows = f->bytes = 0;
        f->a->types_done += !!all;
    }
    apr_pool_destroy(pool);
    return err;
}

/* The entry that was written is complete. */
static const wm_err *end_entry(filling *f)
{
    wm_zip_part *zip = &f->part.zip;

    if (!f->writing)
        return NULL;
    f->writing = 0;
    WM_TRY(wm_zip_pack_end(zip, f->a->packer, f->pool));
    APR_ARRAY_PUSH(f->waiting, wm_export_part) = f->part;
    f->rows += f->part.rows;
    f->bytes += zip->bytes;
    if (f->waiting->nelts < PARTS_A_FILE && zip->start + zip->packed < BYTES_A_FILE)
        return NULL;
    return commit_parts(f, 0);
}

static const wm_err *on_entry(void *host, const char *name)
{
    filling *f = host;

    WM_TRY(end_entry(f));
    f->number++;
    if (f->number <= f->kept)
        return NULL;
    if (!wm_zip_pack_is_open(f->a->packer)) {
        f->file = f->number;
        apr_pool_clear(f->file_pool);
        WM_TRY(wm_zip_pack_open(f->a->packer, wm_export_part_path(f->a, f->file, f->file_pool),
                                f->pool));
    }
    f->part = (wm_export_part){.number = f->number, .type = f->type->name, .file = f->file};
    f->part.entry = apr_pstrdup(f->file_pool, name);
    f->part.defect_points = wm_json_own(json_array(), f->file_pool);
    WM_TRY(wm_export_look(f->a, f->done, f->a->expected, f->part.entry, f->pool));
    f->writing = 1;
    wm_zip_pack_begin(f->a->packer);
    return NULL;
}

static const wm_err *on_write(void *host, const char *data, size_t size)
{
    filling *f = host;

    return f->writing ? wm_zip_pack_write(f->a->packer, data, size, f->pool) : NULL;
}

static const wm_err *on_row(void *host, apr_int64_t point, int defects)
{
    filling *f = host;

    f->part.rows++;
    if (defects) {
        f->part.defects += defects;
        if (json_array_size(f->part.defect_points) < DEFECTS_SHOWN)
            json_array_append_new(f->part.defect_points, json_integer(point));
    }
    if (++f->done % ROWS_A_LOOK)
        return NULL;
    return wm_export_look(f->a, f->done, f->a->expected, f->part.entry, f->pool);
}

/* The entries of the type at INDEX, of which parts from FIRST to KEPT are there. */
static const wm_err *fill_type(apr_int64_t *done, wm_export_archive *a, int index, int first,
                               int kept, apr_pool_t *pool)
{
    const char *name = APR_ARRAY_IDX(a->definition->types, index, const char *);
    filling f = {.a = a, .type = wm_export_type_find(name, pool), .pool = pool, .done = *done};
    wm_export_sink sink = {.entry = on_entry, .write = on_write, .row = on_row, .host = &f};
    const wm_err *err;

    f.number = first - 1;
    f.kept = kept;
    f.waiting = apr_array_make(pool, PARTS_A_FILE, sizeof(wm_export_part));
    apr_pool_create(&f.file_pool, pool);
    err = wm_export_stream(a->reader, f.type, a->definition, a->position, &sink, pool);
    if (!err)
        err = end_entry(&f);
    if (err) {
        a->stuck = wm_zip_pack_drop(a->packer);
        /* The next run need not make them again; when that fails too, it does. */
        commit_parts(&f, 0);
        return wm_err_wrap(a->pool, err, "%s", name);
    }
    WM_TRY(commit_parts(&f, 1));
    *done = f.done;
    return NULL;
}

/* Rows of the types that are counted already, for those of the next. */
typedef struct counting {
    wm_export_archive *a;
    apr_int64_t total;
    apr_pool_t *pool;
} counting;

static const wm_err *counted(void *host, apr_int64_t rows)
{
    counting *c = host;

    return wm_export_look(c->a, 0, c->total + rows, "counting", c->pool);
}

static const wm_err *count(wm_export_archive *a, apr_pool_t *pool)
{
    counting c = {.a = a, .pool = pool};
    apr_int64_t rows;

    if (a->expected >= 0)
        return NULL;
    for (int i = 0; i < a->definition->types->nelts; i++) {
        const char *name = APR_ARRAY_IDX(a->definition->types, i, const char *);
        const wm_export_type *type = wm_export_type_find(name, pool);

        WM_TRY(
            wm_export_count(&rows, a->reader, type, a->definition, a->position, counted, &c, pool));
        c.total += rows;
        WM_TRY(counted(&c, 0));
    }
    a->expected = c.total;
    return wm_db_do(NULL, a->db, WM_SQL_EXPORT_COUNTED, WM_ARGS(WM_I64(a->id), WM_I64(c.total)),
                    pool);
}

/* Who is in it, as DB says.  Who joins is fixed at the first run; who is left out of that is so until the
 * archive is ready: *CHANGED when parts were made with others, which are forgotten then. */
static const wm_err *fix_sources(int *changed, wm_export_archive *a, wm_db *db, apr_pool_t *pool)
{
    json_t *list = wm_json_own(json_array(), pool), *skipped = wm_json_own(json_array(), pool);
    wm_rows *rows;

    WM_TRY(wm_export_sources(&a->sources, db, a->definition, a->position, a->pool));
    for (int i = 0; i < a->sources->nelts; i++) {
        const wm_export_source *s = &APR_ARRAY_IDX(a->sources, i, wm_export_source);

        json_array_append_new(list, json_string(s->identifier));
        json_array_append_new(skipped, s->skipped ? json_string(s->skipped) : json_null());
    }
    WM_TRY(wm_db_rows(&rows, a->db, WM_SQL_EXPORT_SOURCES_KEEP,
                      WM_ARGS(WM_I64(a->id), WM_TEXT(wm_json_own_text(list, pool)),
                              WM_TEXT(wm_json_own_text(skipped, pool))),
                      pool));
    *changed = wm_rows_count(rows) && wm_rows_bool(rows, 0, 0);
    if (*changed) {
        a->types_done = 0;
        a->expected = -1;
    }
    return NULL;
}

/* The number after the parts of types that are done, and that of the last part there is; *DONE gets
 * the rows of the former. */
static void resume_at(int *next, int *last, apr_int64_t *done, const wm_export_archive *a,
                      const apr_array_header_t *parts)
{
    *next = 1;
    *done = *last = 0;
    for (int i = 0; i < parts->nelts; i++) {
        const wm_export_part *p = &APR_ARRAY_IDX(parts, i, wm_export_part);

        *last = p->number;
        for (int t = 0; t < a->types_done && t < a->definition->types->nelts; t++)
            if (!strcmp(p->type, APR_ARRAY_IDX(a->definition->types, t, const char *))) {
                *next = p->number + 1;
                *done += p->rows;
                break;
            }
    }
}

static const wm_err *fill(wm_export_archive *a, apr_pool_t *pool)
{
    apr_array_header_t *parts;
    apr_pool_t *type_pool;
    apr_int64_t done;
    int next, last, changed;

    WM_TRY(fix_sources(&changed, a, a->reader, pool));
    WM_TRY(count(a, pool));
    apr_pool_create(&type_pool, pool);
    for (;;) {
        WM_TRY(wm_export_parts_read(&parts, a, type_pool));
        resume_at(&next, &last, &done, a, parts);
        if (a->types_done == a->definition->types->nelts)
            break;
        WM_TRY(fill_type(&done, a, a->types_done, next, last, type_pool));
        apr_pool_clear(type_pool);
    }
    WM_TRY(a->watch->progress(a->watch->host, done, a->expected, "completeness"));
    return wm_export_archive_tables(a, next, pool);
}

/* All of it in one snapshot. */
static const wm_err *fill_once(wm_export_archive *a, apr_pool_t *pool)
{
    const wm_err *err;

    WM_TRY(wm_db_script(a->reader, "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY", pool));
    err = fill(a, pool);
    a->full = err && wm_zip_packer_full(a->packer);
    a->stuck += wm_zip_pack_drop(a->packer);
    /* A COPY that was left in the middle ends with its connection's reset. */
    wm_db_settle(a->reader);
    return err;
}

const wm_err *wm_export_archive_fill(wm_export_archive *a, apr_pool_t *pool)
{
    int changed;

    a->full = 0;
    a->stuck = 0;
    do {
        WM_TRY(fill_once(a, pool));
        WM_TRY(fix_sources(&changed, a, a->db, pool));
    } while (changed);
    return NULL;
}

void wm_export_archive_clean(const char *dir, apr_int64_t id, apr_pool_t *pool)
{
    const char *folder = parts_folder(dir, id, pool);
    apr_finfo_t info;
    apr_dir_t *open;

    unlink(apr_psprintf(pool, "%s/%" APR_INT64_T_FMT ".zip.part", dir, id));
    if (apr_dir_open(&open, folder, pool) != APR_SUCCESS)
        return;
    while (apr_dir_read(&info, APR_FINFO_NAME, open) == APR_SUCCESS)
        if (info.name[0] != '.')
            unlink(apr_pstrcat(pool, folder, "/", info.name, NULL));
    apr_dir_close(open);
    rmdir(folder);
}
