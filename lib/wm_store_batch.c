/* SPDX-License-Identifier: Apache-2.0 */
/* Simple bundles, one or many, in one statement. */
#include "wm_pgarray.h"
#include "wm_store.h"

/* A single large point, or a large body around small ones, takes longer than a statement outside of
 * a transaction may. */
int wm_store_simple(const wm_storable *item)
{
    const wm_bundle *b = item->bundle;

    return !item->careful && b->point_count && b->sources->nelts == 1 && !b->quarantined->nelts &&
           !b->files->nelts && b->points[0].properties.size <= WM_STORE_PIECE_BYTES &&
           item->body.size <= WM_STORE_PIECE_BYTES && wm_store_piece_end(b, 0) == b->point_count;
}

/* The arguments of bundles_store(). */
typedef struct batch_args {
    wm_arg recorded;
    struct facts {
        wm_arg uid, received, body_digest, client, method, form, token, encrypted, compressed,
            request_bytes, json_bytes, ignored, keep, body;
    } facts;
    struct wm_store_batch batch;
    struct wm_store_rows rows;
} batch_args;

/* One row per array of bundles: member, element type, how a bundle adds. */
#define BUNDLE_ARRAYS(X)                                                                 \
    X(uid, UUID, wm_pgarray_add(&array, u->uid, sizeof u->uid))                          \
    X(received, TIMESTAMPTZ, wm_pgarray_add_time(&array, u->received))                   \
    X(body_digest, UUID, wm_pgarray_add(&array, b->body_digest, sizeof b->body_digest))  \
    X(client, TEXT, wm_pgarray_add_word(&array, u->user_agent))                          \
    X(method, TEXT, wm_pgarray_add_word(&array, u->method))                              \
    X(form, TEXT, wm_pgarray_add_word(&array, wm_store_form(u->form)))                   \
    X(token, TEXT, wm_pgarray_add_word(&array, item->options->token))                    \
    X(encrypted, BOOL, wm_pgarray_add_bool(&array, b->encrypted))                        \
    X(compressed, BOOL, wm_pgarray_add_bool(&array, b->compressed))                      \
    X(request_bytes, INT8, wm_pgarray_add_i64(&array, (apr_int64_t)u->size))             \
    X(json_bytes, INT8, wm_pgarray_add_i64(&array, (apr_int64_t)b->json_bytes))          \
    X(ignored, INT4, wm_pgarray_add_i32(&array, b->ignored))                             \
    X(keep, FLOAT8,                                                                      \
      wm_pgarray_add_f64(&array, (double)(item->options->body_keep / APR_USEC_PER_SEC))) \
    X(body, BYTEA, wm_pgarray_add_text(&array, item->body.data, item->body.size))

static const wm_err *facts_make(struct facts *facts, const wm_storable *const *items, int count,
                                apr_pool_t *pool)
{
    wm_pgarray array;

#define X(member, type, add)                                     \
    WM_TRY(wm_pgarray_begin(&array, WM_OID_##type, NULL, pool)); \
    for (int i = 0; i < count; i++) {                            \
        const wm_storable *item = items[i];                      \
        const wm_bundle *b = item->bundle;                       \
        const wm_upload *u = b->upload;                          \
                                                                 \
        (void)u;                                                 \
        WM_TRY(add);                                             \
    }                                                            \
    facts->member = wm_pgarray_arg(&array, WM_OID_##type##_ARRAY);
    BUNDLE_ARRAYS(X)
#undef X
    return NULL;
}

static const wm_err *store(wm_rows **rows, wm_db *db, const batch_args *args, apr_pool_t *pool)
{
    return wm_db_rows(rows, db, WM_SQL_BUNDLES_STORE,
                      (wm_args){sizeof *args / sizeof(wm_arg), &args->recorded}, pool);
}

const wm_err *wm_store_together(int *done, wm_stored *const *stored, wm_db *db,
                                const wm_storable *const *items, int count,
                                const wm_store_arrays *arrays, apr_pool_t *pool)
{
    const wm_store_options *options = items[0]->options;
    batch_args args = {.recorded =
                           options->now ? WM_TIME(options->now) : WM_NULL(WM_OID_TIMESTAMPTZ),
                       .batch = arrays->batch,
                       .rows = arrays->rows};
    wm_rows *rows;

    WM_TRY(facts_make(&args.facts, items, count, pool));
    WM_TRY(store(&rows, db, &args, pool));
    if (wm_rows_bool(rows, 0, 0)) {
        WM_TRY(wm_store_dictionary(db, arrays, options, pool));
        WM_TRY(store(&rows, db, &args, pool));
        if (wm_rows_bool(rows, 0, 0))
            return wm_err_make(pool, WM_E_SYSTEM, "the dictionaries lack a row that was just made");
    }
    *done = !wm_rows_bool(rows, 0, 1);
    for (int i = 0; *done && i < count; i++)
        *stored[i] =
            (wm_stored){.id = wm_rows_i64(rows, i, 2), .points = items[i]->bundle->point_count};
    return NULL;
}
