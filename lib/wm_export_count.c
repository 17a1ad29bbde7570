/* SPDX-License-Identifier: Apache-2.0 */
/* Questions about all rows of a type.  PostgreSQL answers as fast as it can: some participants at a
 * time, the exporter, which is nice, waits in between for its turn, and so for uploads. */
#include <apr_hash.h>
#include <apr_strings.h>

#include "wm_export_copy.h"
#include "wm_export_row.h"

enum { SOURCES_A_STEP = 25 };

/* Of whom something came at the position or later. */
typedef struct late {
    int all;           /* so many that nobody looked */
    apr_hash_t *known; /* of ids */
} late;

static const wm_err *find_late(late *who, const wm_export_copy *copy)
{
    wm_rows *rows;

    who->all = copy->definition->clock == WM_EXPORT_BY_RECORDED;
    who->known = apr_hash_make(copy->pool);
    if (who->all)
        return NULL;
    WM_TRY(wm_db_rows(&rows, copy->db, WM_SQL_EXPORT_ROWS_LATE, WM_ARGS(WM_TEXT(copy->position)),
                      copy->pool));
    for (int i = 0; i < wm_rows_count(rows); i++) {
        apr_int64_t *id = apr_palloc(copy->pool, sizeof *id);

        who->all |= !wm_rows_text(rows, i, 0);
        *id = who->all ? 0 : wm_rows_i64(rows, i, 0);
        apr_hash_set(who->known, id, sizeof *id, id);
    }
    return NULL;
}

static int is_late(const late *who, const wm_export_copy *copy, int from, int before)
{
    int found = who->all;

    for (int i = from; i < before && !found; i++) {
        const wm_export_source *s = APR_ARRAY_IDX(copy->sources, i, const wm_export_source *);

        found = apr_hash_get(who->known, &s->id, sizeof s->id) != NULL;
    }
    return found;
}

/* What is asked by whom. */
typedef struct asking {
    wm_export_copy *copy;
    const wm_export_question *question;
    const wm_err *(*line)(void *host, char *line, size_t size);
    void *host;
    const wm_err *(*step)(void *host); /* after some participants, may be NULL */
    int first;                         /* index of the source that an answer calls 1 */
} asking;

static const wm_err *ask_step(asking *q, const late *who, int before, apr_pool_t *pool)
{
    int exact = is_late(who, q->copy, q->first, before);
    const char *list = wm_export_source_list(q->copy, q->first, before, pool);

    WM_TRY(wm_db_do(NULL, q->copy->db, WM_SQL_EXPORT_ROWS_STEP, WM_ARGS(WM_TEXT(list)), pool));
    WM_TRY(wm_export_copy_run(q->copy, exact ? q->question->exact : q->question->settled, q->line,
                              q->host));
    return q->step ? q->step(q->host) : NULL;
}

static const wm_err *ask(asking *q)
{
    int count = q->copy->sources->nelts;
    const wm_err *err = NULL;
    apr_pool_t *scratch;
    late who;

    if (q->copy->at_once || q->copy->nothing)
        return wm_export_copy_run(q->copy, q->question->exact, q->line, q->host);
    WM_TRY(find_late(&who, q->copy));
    apr_pool_create(&scratch, q->copy->pool);
    for (; q->first < count && !err; q->first += SOURCES_A_STEP) {
        int left = count - q->first, many = left < SOURCES_A_STEP ? left : SOURCES_A_STEP;

        apr_pool_clear(scratch);
        err = ask_step(q, &who, q->first + many, scratch);
    }
    if (err)
        err = wm_err_make(q->copy->pool, err->code, "%s", wm_err_text(err, scratch));
    apr_pool_destroy(scratch);
    return err;
}

typedef struct counting {
    apr_int64_t rows;
    const wm_err *(*step)(void *host, apr_int64_t rows);
    void *host;
} counting;

static const wm_err *take_count(void *host, char *line, size_t size)
{
    ((counting *)host)->rows += wm_export_number((wm_text){line, size});
    return NULL;
}

static const wm_err *tell_count(void *host)
{
    counting *c = host;

    return c->step(c->host, c->rows);
}

const wm_err *wm_export_count(apr_int64_t *rows, wm_db *db, const wm_export_type *type,
                              const wm_export_definition *definition, const char *position,
                              const wm_err *(*step)(void *host, apr_int64_t rows), void *host,
                              apr_pool_t *pool)
{
    counting c = {.step = step, .host = host};
    asking q = {.line = take_count, .host = &c, .step = step ? tell_count : NULL};

    WM_TRY(wm_export_copy_make(&q.copy, db, type, definition, position, pool));
    q.question = &q.copy->rows;
    WM_TRY(ask(&q));
    *rows = c.rows;
    return NULL;
}

typedef struct completing {
    const asking *q;
    apr_array_header_t *list;
    const wm_err *(*step)(void *host);
    void *host;
    apr_pool_t *pool;
} completing;

static const wm_err *take_points(void *host, char *line, size_t size)
{
    completing *c = host;
    wm_text fields[4];
    wm_export_points *p;

    if (wm_export_split(fields, 4, line, size) != 4)
        return wm_err_make(c->pool, WM_E_SYSTEM, "points of a source came without their times");
    p = &APR_ARRAY_IDX(c->list, c->q->first + (int)wm_export_number(fields[0]) - 1,
                       wm_export_points);
    p->points = wm_export_number(fields[1]);
    p->first = apr_pstrmemdup(c->pool, fields[2].data, fields[2].size);
    p->last = apr_pstrmemdup(c->pool, fields[3].data, fields[3].size);
    return NULL;
}

static const wm_err *tell_points(void *host)
{
    completing *c = host;

    return c->step(c->host);
}

const wm_err *wm_export_completeness(apr_array_header_t **list, wm_db *db,
                                     const wm_export_type *type,
                                     const wm_export_definition *definition, const char *position,
                                     const wm_err *(*step)(void *host), void *host,
                                     apr_pool_t *pool)
{
    asking q = {.line = take_points, .step = tell_points};
    completing c = {.q = &q, .step = step, .host = host, .pool = pool};

    WM_TRY(wm_export_copy_make(&q.copy, db, type, definition, position, pool));
    c.list = apr_array_make(pool, q.copy->sources->nelts, sizeof(wm_export_points));
    for (int i = 0; i < q.copy->sources->nelts; i++)
        APR_ARRAY_PUSH(c.list, wm_export_points) = (wm_export_points){
            .source = APR_ARRAY_IDX(q.copy->sources, i, const wm_export_source *)};
    q.question = &q.copy->points;
    q.host = &c;
    *list = c.list;
    return ask(&q);
}
