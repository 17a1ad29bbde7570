/* SPDX-License-Identifier: Apache-2.0 */
/* The store half of wm_bundle.h: one transaction per bundle.  What fits goes in one statement;
 * larger bundles go in pieces inside one explicit transaction, so that memory stays bounded. */
#include <string.h>

#include <apr_strings.h>
#include <jansson.h>

#include "wm_bundle.h"
#include "wm_db.h"
#include "wm_gzip.h"
#include "wm_json_own.h"
#include "wm_log.h"
#include "wm_pgarray.h"
#include "wm_store.h"

enum { TRIES = 5 };

/* What one storing needs. */
typedef struct storing {
    wm_db *db;
    wm_storable item;
    apr_pool_t *pool;
} storing;

static const wm_err *keep_body(wm_text *body, const wm_bundle *b, apr_pool_t *pool)
{
    wm_buf *packed;

    if (b->gzip.data || !b->json.data) {
        *body = b->gzip;
        return NULL;
    }
    packed = wm_buf_create(NULL, pool);
    WM_TRY(wm_gzip_deflate(packed, b->json.data, b->json.size));
    *body = (wm_text){packed->data, packed->size};
    return NULL;
}

const wm_err *wm_storable_make(wm_storable *item, const wm_bundle *bundle,
                               const wm_store_options *options, apr_pool_t *pool)
{
    *item = (wm_storable){.bundle = bundle, .options = options};
    return options->body_keep ? keep_body(&item->body, bundle, pool) : NULL;
}

static wm_arg recorded_arg(const wm_store_options *options)
{
    return options->now ? WM_TIME(options->now) : WM_NULL(WM_OID_TIMESTAMPTZ);
}

const char *wm_store_form(wm_body_form form)
{
    static const char *const words[] = {"urlencoded", "multipart", "json", "gzip"};

    return words[form];
}

const wm_err *wm_store_dictionary(wm_db *db, const wm_store_arrays *a,
                                  const wm_store_options *options, apr_pool_t *pool)
{
    const struct wm_store_rows *r = &a->rows;

    return wm_db_do(NULL, db, WM_SQL_BUNDLE_DICTIONARY,
                    WM_ARGS(r->sources, r->generators, r->agent_generators, r->agent_user_agents,
                            recorded_arg(options)),
                    pool);
}

/* The arrays of the points FROM to below TO. */
static const wm_err *arrays_of(wm_store_arrays *arrays, const wm_bundle *bundle, int from, int to,
                               apr_pool_t *pool)
{
    const wm_store_range range = {bundle, from, to};
    wm_store_set *set;

    WM_TRY(wm_store_set_make(&set, &range, 1, pool));
    return wm_store_arrays_make(arrays, set, pool);
}

/* What the pieces of one bundle add up to. */
typedef struct sum {
    apr_int64_t id;
    const char *recorded;
    int stored;
    int missing; /* a dictionary lacks a row */
    apr_int64_t first_source;
    json_t *counts;
} sum;

/* Add what one piece gave: stored, source_ids, counts. */
static const wm_err *add_up(sum *total, const wm_rows *rows, apr_pool_t *pool)
{
    const char *counts = wm_rows_text(rows, 0, 3);
    json_t *list;

    total->stored += (int)wm_rows_i64(rows, 0, 1);
    if (!total->first_source && wm_rows_text(rows, 0, 2))
        total->first_source = apr_atoi64(wm_rows_text(rows, 0, 2) + 1); /* "{1,2}" */
    if (counts) {
        WM_TRY(wm_json_own_parse(&list, counts, strlen(counts), pool));
        json_array_extend(total->counts, list);
    }
    return NULL;
}

/* The arguments of points_store(). */
typedef struct points_args {
    wm_arg bundle, received, recorded, body_digest;
    struct wm_store_careful careful;
    struct wm_store_rows rows;
} points_args;

static const wm_err *store_piece(sum *total, const storing *s, const wm_store_arrays *a,
                                 apr_pool_t *pool)
{
    const wm_bundle *b = s->item.bundle;
    const points_args args = {.bundle = WM_I64(total->id),
                              .received = WM_TIME(b->upload->received),
                              .recorded = WM_TEXT(total->recorded),
                              .body_digest = WM_UUID(b->body_digest),
                              .careful = a->careful,
                              .rows = a->rows};
    wm_rows *rows;

    WM_TRY(wm_db_rows(&rows, s->db, WM_SQL_BUNDLE_POINTS,
                      (wm_args){sizeof args / sizeof(wm_arg), &args.bundle}, pool));
    total->missing = wm_rows_bool(rows, 0, 0);
    if (total->missing)
        return NULL;
    WM_TRY(add_up(total, rows, pool));
    if (b->sources->nelts == 1)
        return NULL;
    return wm_db_do(NULL, s->db, WM_SQL_BUNDLE_MORE_SOURCES,
                    WM_ARGS(WM_I64(total->id), WM_TIME(b->upload->received),
                            WM_TEXT(wm_rows_text(rows, 0, 2)), WM_I64(total->first_source)),
                    pool);
}

/* Call EACH with the arrays of every piece, until the sum says that a dictionary lacks a row. */
static const wm_err *for_pieces(sum *total, const storing *s,
                                const wm_err *(*each)(sum *, const storing *,
                                                      const wm_store_arrays *, apr_pool_t *))
{
    const wm_bundle *b = s->item.bundle;
    const wm_err *err = NULL;
    wm_store_arrays arrays;
    apr_pool_t *scratch;

    apr_pool_create(&scratch, s->pool);
    for (int from = 0, to; from < b->point_count && !err && !total->missing; from = to) {
        to = wm_store_piece_end(b, from);
        err = arrays_of(&arrays, b, from, to, scratch);
        if (!err)
            err = each(total, s, &arrays, scratch);
        if (!err) /* an error lives in the pool that it came from */
            apr_pool_clear(scratch);
    }
    return err;
}

static const wm_err *make_dictionary(sum *total, const storing *s, const wm_store_arrays *arrays,
                                     apr_pool_t *pool)
{
    (void)total;
    return wm_store_dictionary(s->db, arrays, s->item.options, pool);
}

static const wm_err *add_bundle_row(const storing *s, const sum *total)
{
    const wm_bundle *b = s->item.bundle;
    const wm_store_options *options = s->item.options;
    const wm_text *body = &s->item.body;
    const wm_upload *u = b->upload;
    const char *counts =
        json_array_size(total->counts) ? wm_json_own_text(total->counts, s->pool) : NULL;

    return wm_db_do(
        NULL, s->db, WM_SQL_BUNDLE_ADD,
        WM_ARGS(WM_I64(total->id), WM_TIME(u->received), WM_TEXT(total->recorded), WM_UUID(u->uid),
                WM_UUID(b->body_digest),
                total->first_source ? WM_I64(total->first_source) : WM_NULL(WM_OID_INT8),
                WM_TEXT(u->user_agent), WM_TEXT(u->method), WM_TEXT(wm_store_form(u->form)),
                WM_TEXT(options->token), WM_BOOL(b->encrypted), WM_BOOL(b->compressed),
                WM_I64(u->size), WM_I64(b->json_bytes), WM_I32(total->stored),
                WM_I32(b->point_count - total->stored), WM_I32(b->quarantined->nelts),
                WM_I32(b->ignored), WM_TEXT(counts),
                WM_F64((double)(options->body_keep / APR_USEC_PER_SEC)),
                body->data ? WM_BYTES(body->data, body->size) : WM_NULL(WM_OID_BYTEA)),
        s->pool);
}

static const wm_err *store_inside(sum *total, const storing *s)
{
    wm_rows *rows;

    WM_TRY(wm_db_do(NULL, s->db, WM_SQL_BUNDLE_PATIENCE, WM_NO_ARGS, s->pool));
    WM_TRY(wm_db_rows(&rows, s->db, WM_SQL_BUNDLE_NEXT, WM_ARGS(recorded_arg(s->item.options)),
                      s->pool));
    total->id = wm_rows_i64(rows, 0, 0);
    total->recorded = wm_rows_text(rows, 0, 1);
    WM_TRY(for_pieces(total, s, store_piece));
    if (total->missing)
        return NULL;
    WM_TRY(add_bundle_row(s, total));
    WM_TRY(wm_store_quarantine(s->db, s->item.bundle, total->id, total->first_source, s->pool));
    return wm_store_files(s->db, s->item.bundle, total->id, total->recorded, total->stored,
                          s->pool);
}

static const wm_err *try_transaction(sum *total, const storing *s)
{
    const wm_err *err;

    *total = (sum){.counts = wm_json_own(json_array(), s->pool)};
    WM_TRY(wm_db_begin(s->db, s->pool));
    err = store_inside(total, s);
    if (!err && !total->missing)
        err = wm_db_commit(s->db, s->pool);
    if (err || total->missing)
        wm_db_rollback(s->db);
    return err;
}

/* Everything: large bundles, repeats, quarantine, attachments, several sources. */
static const wm_err *store_in_transaction(wm_stored *stored, const storing *s)
{
    sum total;

    WM_TRY(try_transaction(&total, s));
    if (total.missing) {
        total.missing = 0;
        WM_TRY(for_pieces(&total, s, make_dictionary));
        WM_TRY(try_transaction(&total, s));
    }
    if (total.missing)
        return wm_err_make(s->pool, WM_E_SYSTEM, "the dictionaries lack a row that was just made");
    stored->id = total.id;
    stored->points = total.stored;
    stored->repeats = s->item.bundle->point_count - total.stored;
    return NULL;
}

/* A connection lost during the commit leaves open whether it happened: the uid tells. */
static const wm_err *find_stored(int *found, wm_stored *stored, const storing *s)
{
    const wm_upload *u = s->item.bundle->upload;
    wm_rows *rows;

    WM_TRY(wm_db_revive(s->db, s->pool));
    WM_TRY(wm_db_rows(&rows, s->db, WM_SQL_BUNDLE_BY_UID,
                      WM_ARGS(WM_TIME(u->received), WM_UUID(u->uid)), s->pool));
    *found = wm_rows_count(rows) > 0;
    if (*found) {
        stored->id = wm_rows_i64(rows, 0, 0);
        stored->points = (int)wm_rows_i64(rows, 0, 1);
        stored->repeats = (int)wm_rows_i64(rows, 0, 2);
    }
    return NULL;
}

/* In one statement, when nothing of it is known. */
static const wm_err *store_simple(int *done, wm_stored *stored, const storing *s)
{
    const wm_storable *item = &s->item;
    wm_store_arrays arrays;

    WM_TRY(arrays_of(&arrays, item->bundle, 0, item->bundle->point_count, s->pool));
    return wm_store_together(done, &stored, s->db, &item, 1, &arrays, s->pool);
}

/* One try.  *SIMPLE: begin with the one statement, until it has shown that it is not for this. */
static const wm_err *store_once(wm_stored *stored, int *simple, const storing *s)
{
    int done = 0;

    if (*simple) {
        const wm_err *err = store_simple(&done, stored, s);

        if (!err && !done) /* its points are known, or all of it with its uid */
            err = find_stored(&done, stored, s);
        /* Somebody holds its source: that can be waited for where it holds up nobody. */
        if (err && strcmp(err->sqlstate, "55P03"))
            return err;
        *simple = 0;
    }
    return done ? NULL : store_in_transaction(stored, s);
}

/* Deadlocks are possible between bundles stored in pieces.  And who has waited for the default
 * partition while a month was moved out of it finds that its row belongs elsewhere now, a 23514 like
 * that of a rule that the bundle breaks, which will show again. */
static int passes(const wm_err *err)
{
    return wm_db_retryable(err) || !strcmp(err->sqlstate, "23514");
}

/* Everything of S, in a few tries. */
static const wm_err *store_whole(wm_stored *stored, const storing *s)
{
    int simple = wm_store_simple(&s->item), found = 0;
    const wm_err *err = NULL;

    memset(stored, 0, sizeof *stored);
    stored->quarantined = s->item.bundle->quarantined->nelts;
    for (int i = 0; i < TRIES; i++) {
        err = store_once(stored, &simple, s);
        if (!err)
            return NULL;
        if (PQstatus(s->db->conn) == CONNECTION_BAD || wm_db_lost(err) ||
            !strcmp(err->sqlstate, "23505")) {
            /* When even that cannot be asked, the caller must learn from ERR that it is open. */
            if (find_stored(&found, stored, s))
                return err;
            if (found)
                return NULL;
        } else if (!passes(err)) {
            return err;
        }
    }
    return wm_err_wrap(s->pool, err, "the bundle could not be stored in %d tries", TRIES);
}

/* Data exception, integrity constraint, program limit: what the bundle says does not fit, and never
 * will. */
static int blames_content(const wm_err *err)
{
    return !strncmp(err->sqlstate, "22", 2) || !strncmp(err->sqlstate, "54", 2) ||
           (!strncmp(err->sqlstate, "23", 2) && strcmp(err->sqlstate, "23505"));
}

const wm_err *wm_storable_store(wm_stored *stored, wm_db *db, wm_storable *item, apr_pool_t *pool)
{
    const wm_err *err = store_whole(stored, &(storing){.db = db, .item = *item, .pool = pool});

    if (!err || !blames_content(err))
        return err;
    wm_log_write(db->log, WM_LOG_ERROR, "WM0120 a bundle goes to quarantine as not-storable: %s",
                 wm_err_text(err, pool));
    item->bundle = wm_bundle_aside(item->bundle, WM_Q_NOT_STORABLE, pool);
    item->body = (wm_text){NULL, 0};
    return store_whole(stored, &(storing){.db = db, .item = *item, .pool = pool});
}

const wm_err *wm_bundle_store(wm_stored *stored, wm_db *db, const wm_bundle *bundle,
                              const wm_store_options *options, apr_pool_t *pool)
{
    wm_storable item;

    WM_TRY(wm_storable_make(&item, bundle, options, pool));
    return wm_storable_store(stored, db, &item, pool);
}
