/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include <apr_hash.h>
#include <apr_lib.h>
#include <apr_strings.h>
#include <sodium.h>

#include "wm_export_copy.h"

enum { ID_SIZE = 22 }; /* a comma, digits, the end */

/* A window by recorded that is longer than this is read source by source. */
#define WIDE (APR_INT64_C(40) * 86400 * 1000000)

static const char *frame(const char *name)
{
    for (const wm_export_frame *f = wm_export_frames; f->name; f++)
        if (!strcmp(f->name, name))
            return f->sql;
    return "";
}

static const char *replace(const char *text, const char *word, const char *with, apr_pool_t *pool)
{
    const char *at;

    while ((at = strstr(text, word)))
        text = apr_pstrcat(pool, apr_pstrmemdup(pool, text, (apr_size_t)(at - text)), with,
                           at + strlen(word), NULL);
    return text;
}

static const char *fill_points(const wm_export_copy *copy, const char *select, const char *points,
                               int many)
{
    apr_pool_t *pool = copy->pool;

    select = replace(select, "{point}", frame("point"), pool);
    select = replace(select, "{points}", frame(points), pool);
    select =
        replace(select, "{generators}", frame(many ? "generator_many" : "generator_one"), pool);
    return replace(select, "{before d}", frame("before_position_other"), pool);
}

static const char *exact(const wm_export_copy *copy, const char *select)
{
    return replace(select, "{before}", frame("before_position"), copy->pool);
}

static void ask(wm_export_question *question, const wm_export_copy *copy, const char *select,
                int many)
{
    int recorded = copy->definition->clock == WM_EXPORT_BY_RECORDED;
    const char *points = copy->at_once ? "recorded_count"
                         : recorded    ? "recorded_count_wide"
                                       : "created_count";

    select = fill_points(copy, select, points, many);
    question->exact = exact(copy, select);
    question->settled = recorded ? NULL : replace(select, "{before}", "true", copy->pool);
}

/* What the points' own part of a type asks for besides its generators. */
static const char *secondary(const wm_export_copy *copy)
{
    return copy->type->secondary ? apr_pstrcat(copy->pool, "p.secondary_identifier = '",
                                               copy->type->secondary, "'", NULL)
                                 : "true";
}

static void compose(wm_export_copy *copy, int many, apr_time_t from, apr_time_t to)
{
    const wm_export_definition *d = copy->definition;
    int raw = d->format == WM_EXPORT_RAW, recorded = d->clock == WM_EXPORT_BY_RECORDED;
    const char *select = raw ? frame("raw") : copy->type->sql;
    const char *order = copy->type->newest_first && !raw ? "newest" : "oldest";
    int wide = recorded && (!d->from || to - from > WIDE);
    const char *points = apr_pstrcat(copy->pool, recorded ? "recorded_" : "created_", order,
                                     wide ? "_wide" : "", NULL);

    /* Whose rows come source by source are counted so too: a join would read all other points. */
    copy->at_once = (recorded && !wide) || copy->type->own;
    copy->sql = exact(copy, fill_points(copy, select, points, many));
    ask(&copy->rows, copy, replace(frame("count"), "{rows}", select, copy->pool), many);
    ask(&copy->points, copy,
        replace(frame("completeness"), "{secondary}", secondary(copy), copy->pool), many);
}

/* Those called NAME, or whose names begin with it when it ends with a star. */
static const wm_err *ask_generators(wm_rows **rows, wm_db *db, char *name, apr_pool_t *pool)
{
    size_t size = strlen(name);
    wm_sql_id statement = WM_SQL_EXPORT_ROWS_GENERATOR;

    if (size && name[size - 1] == '*') {
        name[size - 1] = 0;
        statement = WM_SQL_EXPORT_ROWS_GENERATORS;
    }
    return wm_db_rows(rows, db, statement, WM_ARGS(WM_TEXT(name)), pool);
}

const wm_err *wm_export_generators(const char **list, int *count, wm_db *db,
                                   const wm_export_type *type, apr_pool_t *pool)
{
    char *names = apr_pstrdup(pool, type->generators), *at = NULL;
    apr_hash_t *without = apr_hash_make(pool);
    wm_rows *rows;

    *list = "";
    *count = 0;
    if (type->generic) {
        WM_TRY(wm_db_rows(&rows, db, WM_SQL_EXPORT_ROWS_GENERATOR, WM_ARGS(WM_TEXT(names)), pool));
        *count = wm_rows_count(rows);
        *list = *count ? wm_rows_text(rows, 0, 0) : "";
        return NULL;
    }
    /* What is left out stands before what it is left out of. */
    for (char *name = apr_strtok(names, " ", &at); name; name = apr_strtok(NULL, " ", &at)) {
        int leave_out = *name == '!';

        WM_TRY(ask_generators(&rows, db, name + leave_out, pool));
        for (int i = 0; i < wm_rows_count(rows); i++) {
            const char *id = wm_rows_text(rows, i, 0);

            if (leave_out)
                apr_hash_set(without, id, APR_HASH_KEY_STRING, id);
            else if (!apr_hash_get(without, id, APR_HASH_KEY_STRING))
                *list = apr_pstrcat(pool, *list, (*count)++ ? "," : "", id, NULL);
        }
    }
    return NULL;
}

static const wm_err *find_sources(wm_export_copy *copy, const char *position)
{
    apr_array_header_t *all;

    WM_TRY(wm_export_sources(&all, copy->db, copy->definition, position, copy->pool));
    copy->sources = apr_array_make(copy->pool, all->nelts + 1, sizeof(const wm_export_source *));
    for (int i = 0; i < all->nelts; i++) {
        const wm_export_source *s = &APR_ARRAY_IDX(all, i, wm_export_source);

        if (!s->skipped)
            APR_ARRAY_PUSH(copy->sources, const wm_export_source *) = s;
    }
    return NULL;
}

const char *wm_export_source_list(const wm_export_copy *copy, int from, int before,
                                  apr_pool_t *pool)
{
    int count = before - from;
    char *text = apr_palloc(pool, (apr_size_t)count * ID_SIZE + 1), *end = text;

    *end = 0;
    for (int i = from; i < before; i++)
        end += apr_snprintf(end, ID_SIZE, "%s%" APR_INT64_T_FMT, i > from ? "," : "",
                            APR_ARRAY_IDX(copy->sources, i, const wm_export_source *)->id);
    return text;
}

/* An instant as timestamptz reads it, whatever its zone. */
static const char *instant(apr_time_t time, apr_pool_t *pool)
{
    apr_time_exp_t t;

    apr_time_exp_gmt(&t, time);
    return apr_psprintf(pool, "%04d-%02d-%02d %02d:%02d:%02d.%06d+00", t.tm_year + 1900,
                        t.tm_mon + 1, t.tm_mday, t.tm_hour, t.tm_min, t.tm_sec, t.tm_usec);
}

const wm_err *wm_export_copy_make(wm_export_copy **made, wm_db *db, const wm_export_type *type,
                                  const wm_export_definition *d, const char *position,
                                  apr_pool_t *pool)
{
    wm_export_copy *copy = apr_pcalloc(pool, sizeof *copy);
    const char *generators;
    apr_time_t from, to;
    int count;

    copy->db = db;
    copy->type = type;
    copy->definition = d;
    copy->position = position;
    copy->pool = pool;
    WM_TRY(wm_export_window(&from, &to, d, db, pool));
    WM_TRY(find_sources(copy, position));
    WM_TRY(wm_export_generators(&generators, &count, db, type, pool));
    copy->nothing = !type->own && (!count || !copy->sources->nelts);
    compose(copy, count > 1, from, to);
    *made = copy;
    return wm_db_do(NULL, db, WM_SQL_EXPORT_ROWS_SETTINGS,
                    WM_ARGS(WM_TEXT(wm_export_source_list(copy, 0, copy->sources->nelts, pool)),
                            WM_TEXT(generators),
                            WM_TEXT(d->from ? instant(from, pool) : "-infinity"),
                            WM_TEXT(d->to ? instant(to, pool) : "infinity"), WM_TEXT(position),
                            WM_TEXT(d->site)),
                    pool);
}

/* The rest of a COPY that nobody wants: the server is told to stop, and what it has sent already is
 * thrown away, so that the connection is of use again. */
static void drain(wm_db *db)
{
    PGcancel *cancel = PQgetCancel(db->conn);
    char words[256], *data;

    if (cancel) {
        PQcancel(cancel, words, sizeof words);
        PQfreeCancel(cancel);
    }
    while (PQgetCopyData(db->conn, &data, 0) > 0)
        PQfreemem(data);
}

const wm_err *wm_export_copy_run(wm_export_copy *copy, const char *select,
                                 const wm_err *(*line)(void *host, char *line, size_t size),
                                 void *host)
{
    const wm_err *err, *end;
    apr_pool_t *scratch;
    char *data;
    int size;

    if (copy->nothing)
        return NULL;
    apr_pool_create(&scratch, copy->pool);
    err = wm_db_copy_out(copy->db, apr_pstrcat(scratch, "COPY (", select, ") TO STDOUT", NULL),
                         copy->type->name, copy->pool);
    apr_pool_destroy(scratch);
    WM_TRY(err);
    while (!err && (size = PQgetCopyData(copy->db->conn, &data, 0)) > 0) {
        err = line(host, data, (size_t)size);
        PQfreemem(data);
    }
    if (err)
        drain(copy->db);
    end = wm_db_copy_end(copy->db, copy->type->name, copy->pool);
    return err ? err : end;
}

const wm_err *wm_export_copy_files(wm_export_copy *copy,
                                   const wm_err *(*line)(void *host, char *line, size_t size),
                                   void *host)
{
    return wm_export_copy_run(copy, frame(copy->type->files), line, host);
}

apr_int64_t wm_export_number(wm_text text)
{
    apr_int64_t n = 0;

    for (size_t i = 0; i < text.size && apr_isdigit(text.data[i]); i++)
        n = n * 10 + (text.data[i] - '0');
    return n;
}

/* Could another type write a file of this name? */
static int is_taken(const char *name)
{
    for (const wm_export_type *t = wm_export_types; t->name; t++)
        if (t->file && !strcmp(t->file, name))
            return 1;
    return 0;
}

const char *wm_export_type_entry(const wm_export_type *type, apr_pool_t *pool)
{
    const char *name = wm_export_entry_name(type->name, pool);
    unsigned char digest[16];
    char hex[9];

    if (type->file)
        return type->file;
    if (!type->generic || (!strcmp(name, type->name) && !is_taken(name)))
        return name;
    /* "a/b" and "a:b" are two kinds of data. */
    crypto_generichash(digest, sizeof digest, (const unsigned char *)type->name, strlen(type->name),
                       NULL, 0);
    return apr_pstrcat(pool, name, "~", sodium_bin2hex(hex, sizeof hex, digest, 4), NULL);
}

const char *wm_export_entry_name(const char *name, apr_pool_t *pool)
{
    char *safe = apr_pstrndup(pool, name, 200);

    for (char *p = safe; *p; p++)
        if ((unsigned char)*p < 0x20 || strchr("/\\:*?\"<>|", *p) || *p == 0x7f)
            *p = '_';
    /* A cut may have split a character. */
    if (strlen(name) > 200)
        for (char *p = safe + 199; p > safe && (unsigned char)*p > 0x7f; p--)
            *p = 0;
    if (*safe == '.' || !*safe)
        safe = apr_pstrcat(pool, "_", safe, NULL);
    return safe;
}
