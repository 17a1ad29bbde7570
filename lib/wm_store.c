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

enum { TRIES = 5 }; /* deadlocks are possible between bundles stored in pieces */

/* What one storing needs besides the bundle. */
typedef struct storing {
    wm_db *db;
    const wm_bundle *bundle;
    const wm_store_options *options;
    wm_text body; /* gzip, or data NULL */
    apr_pool_t *pool;
} storing;

static wm_arg recorded_arg(const wm_store_options *options)
{
    return options->now ? WM_TIME(options->now) : WM_NULL(WM_OID_TIMESTAMPTZ);
}

static wm_arg body_arg(const wm_text *body)
{
    return body->data ? WM_BYTES(body->data, body->size) : WM_NULL(WM_OID_BYTEA);
}

static double keep_seconds(const wm_store_options *options)
{
    return (double)(options->body_keep / APR_USEC_PER_SEC);
}

static const char *form_word(wm_body_form form)
{
    static const char *const words[] = {"urlencoded", "multipart", "json", "gzip"};

    return words[form];
}

/* The arguments of HEAD, then all arrays. */
static wm_args with_arrays(const wm_arg *head, size_t count, const wm_store_arrays *arrays,
                           apr_pool_t *pool)
{
    size_t all = count + sizeof *arrays / sizeof(wm_arg);
    wm_arg *list = apr_palloc(pool, sizeof *list * all);

    memcpy(list, head, sizeof *list * count);
    memcpy(list + count, arrays, sizeof *arrays);
    return (wm_args){(int)all, list};
}

const wm_err *wm_store_dictionary(wm_db *db, const wm_store_arrays *a,
                                  const wm_store_options *options, apr_pool_t *pool)
{
    return wm_db_do(NULL, db, WM_SQL_BUNDLE_DICTIONARY,
                    WM_ARGS(a->sources, a->generators, a->agent_generators, a->agent_user_agents,
                            recorded_arg(options)),
                    pool);
}

const wm_err *wm_store_at_once(int *done, wm_stored *stored, wm_db *db, const wm_bundle *b,
                               const wm_store_options *options, const wm_text *body,
                               const wm_store_arrays *a, apr_pool_t *pool)
{
    const wm_upload *u = b->upload;
    const wm_arg head[] = {WM_UUID(u->uid),
                           WM_TIME(u->received),
                           recorded_arg(options),
                           WM_UUID(b->body_digest),
                           WM_TEXT(u->user_agent),
                           WM_TEXT(u->method),
                           WM_TEXT(form_word(u->form)),
                           WM_TEXT(options->token),
                           WM_BOOL(b->encrypted),
                           WM_BOOL(b->compressed),
                           WM_I64(u->size),
                           WM_I64(b->json_bytes),
                           WM_I32(b->ignored),
                           WM_F64(keep_seconds(options)),
                           body_arg(body)};
    wm_rows *rows;

    WM_TRY(wm_db_rows(&rows, db, WM_SQL_BUNDLE_STORE,
                      with_arrays(head, sizeof head / sizeof *head, a, pool), pool));
    *done = wm_rows_count(rows) == 1;
    if (*done) {
        stored->id = wm_rows_i64(rows, 0, 0);
        stored->points = (int)wm_rows_i64(rows, 0, 1);
        stored->repeats = (int)wm_rows_i64(rows, 0, 2);
    }
    return NULL;
}

/* The common case: nothing but points of one source. */
static const wm_err *store_at_once(wm_stored *stored, const storing *s, const wm_store_arrays *a,
                                   apr_pool_t *pool)
{
    int done = 0;

    for (int i = 0; i < 2; i++) {
        WM_TRY(wm_store_at_once(&done, stored, s->db, s->bundle, s->options, &s->body, a, pool));
        if (done)
            return NULL;
        WM_TRY(wm_store_dictionary(s->db, a, s->options, pool));
    }
    return wm_err_make(pool, WM_E_SYSTEM, "the dictionaries lack a row that was just made");
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

static const wm_err *store_piece(sum *total, const storing *s, const wm_bundle *piece,
                                 apr_pool_t *pool)
{
    const wm_arg head[] = {WM_I64(total->id), WM_TIME(s->bundle->upload->received),
                           WM_TEXT(total->recorded), WM_UUID(s->bundle->body_digest)};
    wm_store_arrays a;
    wm_rows *rows;

    WM_TRY(wm_store_arrays_make(&a, piece, pool));
    WM_TRY(wm_db_rows(&rows, s->db, WM_SQL_BUNDLE_POINTS, with_arrays(head, 4, &a, pool), pool));
    total->missing = wm_rows_bool(rows, 0, 0);
    if (total->missing)
        return NULL;
    WM_TRY(add_up(total, rows, pool));
    if (s->bundle->sources->nelts == 1)
        return NULL;
    return wm_db_do(NULL, s->db, WM_SQL_BUNDLE_MORE_SOURCES,
                    WM_ARGS(WM_I64(total->id), WM_TIME(s->bundle->upload->received),
                            WM_TEXT(wm_rows_text(rows, 0, 2)), WM_I64(total->first_source)),
                    pool);
}

/* Call EACH with every piece of the bundle, until the sum says that a dictionary lacks a row. */
static const wm_err *for_pieces(sum *total, const storing *s,
                                const wm_err *(*each)(sum *, const storing *, const wm_bundle *,
                                                      apr_pool_t *))
{
    const wm_bundle *b = s->bundle;
    const wm_err *err = NULL;
    apr_pool_t *scratch;

    apr_pool_create(&scratch, s->pool);
    for (int from = 0, to; from < b->point_count && !err && !total->missing; from = to) {
        to = wm_store_piece_end(b, from);
        err = each(total, s, wm_store_piece(b, from, to, scratch), scratch);
        if (!err) /* an error lives in the pool that it came from */
            apr_pool_clear(scratch);
    }
    return err;
}

static const wm_err *make_dictionary(sum *total, const storing *s, const wm_bundle *piece,
                                     apr_pool_t *pool)
{
    wm_store_arrays a;

    (void)total;
    WM_TRY(wm_store_arrays_make(&a, piece, pool));
    return wm_store_dictionary(s->db, &a, s->options, pool);
}

static const wm_err *add_bundle_row(const storing *s, const sum *total)
{
    const wm_bundle *b = s->bundle;
    const wm_upload *u = b->upload;
    const char *counts =
        json_array_size(total->counts) ? wm_json_own_text(total->counts, s->pool) : NULL;

    return wm_db_do(
        NULL, s->db, WM_SQL_BUNDLE_ADD,
        WM_ARGS(WM_I64(total->id), WM_TIME(u->received), WM_TEXT(total->recorded), WM_UUID(u->uid),
                WM_UUID(b->body_digest),
                total->first_source ? WM_I64(total->first_source) : WM_NULL(WM_OID_INT8),
                WM_TEXT(u->user_agent), WM_TEXT(u->method), WM_TEXT(form_word(u->form)),
                WM_TEXT(s->options->token), WM_BOOL(b->encrypted), WM_BOOL(b->compressed),
                WM_I64(u->size), WM_I64(b->json_bytes), WM_I32(total->stored),
                WM_I32(b->point_count - total->stored), WM_I32(b->quarantined->nelts),
                WM_I32(b->ignored), WM_TEXT(counts), WM_F64(keep_seconds(s->options)),
                body_arg(&s->body)),
        s->pool);
}

static const wm_err *store_inside(sum *total, const storing *s)
{
    wm_rows *rows;

    WM_TRY(wm_db_do(NULL, s->db, WM_SQL_BUNDLE_PATIENCE, WM_NO_ARGS, s->pool));
    WM_TRY(
        wm_db_rows(&rows, s->db, WM_SQL_BUNDLE_NEXT, WM_ARGS(recorded_arg(s->options)), s->pool));
    total->id = wm_rows_i64(rows, 0, 0);
    total->recorded = wm_rows_text(rows, 0, 1);
    WM_TRY(for_pieces(total, s, store_piece));
    if (total->missing)
        return NULL;
    WM_TRY(add_bundle_row(s, total));
    WM_TRY(wm_store_quarantine(s->db, s->bundle, total->id, s->pool));
    return wm_store_files(s->db, s->bundle, total->id, s->pool);
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

/* Everything else: large bundles, quarantine, attachments, several sources. */
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
    stored->repeats = s->bundle->point_count - total.stored;
    return NULL;
}

/* A single large point, or a large body around small ones, takes longer than a statement outside of
 * a transaction may. */
static int fits_at_once(const storing *s)
{
    const wm_bundle *b = s->bundle;

    return b->point_count && b->sources->nelts == 1 && !b->quarantined->nelts && !b->files->nelts &&
           b->points[0].properties.size <= WM_STORE_PIECE_BYTES &&
           s->body.size <= WM_STORE_PIECE_BYTES && wm_store_piece_end(b, 0) == b->point_count;
}

/* A connection lost during the commit leaves open whether it happened: the uid tells. */
static const wm_err *find_stored(int *found, wm_stored *stored, const storing *s)
{
    const wm_upload *u = s->bundle->upload;
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

static const wm_err *keep_body(storing *s)
{
    const wm_bundle *b = s->bundle;
    wm_buf *packed;

    if (!s->options->body_keep)
        return NULL;
    if (b->gzip.data || !b->json.data) {
        s->body = b->gzip;
        return NULL;
    }
    packed = wm_buf_create(NULL, s->pool);
    WM_TRY(wm_gzip_deflate(packed, b->json.data, b->json.size));
    s->body = (wm_text){packed->data, packed->size};
    return NULL;
}

/* Everything of S, in a few tries. */
static const wm_err *store_whole(wm_stored *stored, storing *s)
{
    const wm_err *err = NULL;
    wm_store_arrays arrays;
    int at_once, found = 0;

    memset(stored, 0, sizeof *stored);
    stored->quarantined = s->bundle->quarantined->nelts;
    WM_TRY(keep_body(s));
    at_once = fits_at_once(s);
    if (at_once)
        WM_TRY(wm_store_arrays_make(&arrays, s->bundle, s->pool));
    for (int i = 0; i < TRIES; i++) {
        err =
            at_once ? store_at_once(stored, s, &arrays, s->pool) : store_in_transaction(stored, s);
        if (!err)
            return NULL;
        if (PQstatus(s->db->conn) == CONNECTION_BAD || !strcmp(err->sqlstate, "23505")) {
            /* When even that cannot be asked, the caller must learn from ERR that it is open. */
            if (find_stored(&found, stored, s))
                return err;
            if (found)
                return NULL;
        } else if (!wm_db_retryable(err)) {
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

const wm_err *wm_bundle_store(wm_stored *stored, wm_db *db, const wm_bundle *bundle,
                              const wm_store_options *options, apr_pool_t *pool)
{
    storing s = {.db = db, .bundle = bundle, .options = options, .pool = pool};
    const wm_err *err = store_whole(stored, &s);

    if (!err || !blames_content(err))
        return err;
    wm_log_write(db->log, WM_LOG_ERROR, "WM0120 a bundle goes to quarantine as not-storable: %s",
                 wm_err_text(err, pool));
    s.bundle = wm_bundle_aside(bundle, WM_Q_NOT_STORABLE, pool);
    s.body = (wm_text){NULL, 0};
    return store_whole(stored, &s);
}
