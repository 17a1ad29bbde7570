/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include <apr_ring.h>
#include <apr_thread_cond.h>
#include <apr_thread_mutex.h>

#include "wm_store.h"
#include "wm_writer.h"

/* More in one batch would make each wait longer and share no more. */
enum { MOST = 32 };

typedef enum { WAITING, TAKEN, STORED, REFUSED, ALONE } entry_state;

/* A bundle in the queue.  Its own thread sleeps while another works on it. */
typedef struct entry {
    APR_RING_ENTRY(entry) link;
    wm_storable item;
    size_t bytes; /* of its rows, about */
    wm_stored *stored;
    const void *database;
    apr_time_t since; /* of its wait */
    entry_state state;
    const wm_err *err; /* when REFUSED; in pool */
    apr_thread_cond_t *changed;
    apr_pool_t *pool;
} entry;

APR_RING_HEAD(queue, entry);

struct wm_writer {
    apr_thread_mutex_t *mutex;
    struct queue queue; /* of those that are WAITING */
    int waiting;        /* entries of the queue */
    int under_way;      /* entries of batches that are being stored */
    int free;           /* so many more batches may begin */
    apr_interval_time_t gather, wait;
};

const wm_err *wm_writer_create(wm_writer **result, int batches, apr_interval_time_t gather,
                               apr_interval_time_t wait, apr_pool_t *pool)
{
    wm_writer *writer = apr_pcalloc(pool, sizeof *writer);
    apr_status_t rv = apr_thread_mutex_create(&writer->mutex, APR_THREAD_MUTEX_DEFAULT, pool);

    if (rv != APR_SUCCESS)
        return wm_err_apr(pool, rv, "making the writer");
    APR_RING_INIT(&writer->queue, entry, link);
    writer->free = batches;
    writer->gather = gather < wait ? gather : wait;
    writer->wait = wait;
    *result = writer;
    return NULL;
}

static const wm_err *store_alone(entry *e, const wm_lender *lender)
{
    const wm_err *err;
    wm_db *db;

    WM_TRY(lender->borrow(&db, lender->host));
    err = wm_storable_store(e->stored, db, &e->item, e->pool);
    lender->give_back(lender->host);
    return err;
}

/* Bundles that are the same must not meet in one statement, in which neither is known yet. */
static int fits(const entry *e, entry *const *batch, int count, int points, size_t bytes)
{
    const wm_bundle *b = e->item.bundle;

    if (points > WM_STORE_PIECE_ROWS || bytes > WM_STORE_PIECE_BYTES ||
        e->database != batch[0]->database || e->item.options->now != batch[0]->item.options->now)
        return 0;
    for (int i = 0; i < count; i++)
        if (!memcmp(b->body_digest, batch[i]->item.bundle->body_digest, sizeof b->body_digest))
            return 0;
    return 1;
}

/* SELF and those that waited longest, out of the queue.  Under the mutex. */
static int take(entry **batch, wm_writer *writer, entry *self)
{
    int points = self->item.bundle->point_count, count = 1;
    size_t bytes = self->bytes;
    entry *e, *next;

    batch[0] = self;
    for (e = APR_RING_FIRST(&writer->queue);
         e != APR_RING_SENTINEL(&writer->queue, entry, link) && count < MOST; e = next) {
        next = APR_RING_NEXT(e, link);
        if (e == self ||
            !fits(e, batch, count, points + e->item.bundle->point_count, bytes + e->bytes))
            continue;
        points += e->item.bundle->point_count;
        bytes += e->bytes;
        batch[count++] = e;
    }
    for (int i = 0; i < count; i++) {
        APR_RING_REMOVE(batch[i], link);
        batch[i]->state = TAKEN;
    }
    writer->waiting -= count;
    return count;
}

static const wm_err *store_batch(int *done, wm_db *db, entry *const *batch, int count,
                                 apr_pool_t *pool)
{
    const wm_storable *items[MOST];
    wm_store_range ranges[MOST];
    wm_stored *stored[MOST];
    wm_store_arrays arrays;
    wm_store_set *set;

    for (int i = 0; i < count; i++) {
        items[i] = &batch[i]->item;
        stored[i] = batch[i]->stored;
        ranges[i] = (wm_store_range){batch[i]->item.bundle, 0, batch[i]->item.bundle->point_count};
    }
    WM_TRY(wm_store_set_make(&set, ranges, count, pool));
    WM_TRY(wm_store_arrays_make(&arrays, set, pool));
    return wm_store_together(done, stored, db, items, count, &arrays, pool);
}

/* What becomes of the batch; *ERR when it is REFUSED. */
static entry_state lead(const wm_err **err, entry *const *batch, int count, const wm_lender *lender)
{
    apr_pool_t *pool = batch[0]->pool;
    const wm_err *failed;
    int done = 0;
    wm_db *db;

    *err = lender->borrow(&db, lender->host);
    if (*err) /* the others would wait as long in vain */
        return REFUSED;
    failed = store_batch(&done, db, batch, count, pool);
    if (failed && count > 1)
        wm_log_write(db->log, WM_LOG_NOTICE, "WM0121 %d bundles are stored one by one: %s", count,
                     wm_err_text(failed, pool));
    lender->give_back(lender->host);
    if (!failed && done)
        return STORED;
    batch[0]->item.careful = count == 1;
    return ALONE;
}

/* The one that waited longest shall look whether it is its turn. */
static void wake_next(const wm_writer *writer)
{
    if (writer->free > 0 && !APR_RING_EMPTY(&writer->queue, entry, link))
        apr_thread_cond_signal(APR_RING_FIRST(&writer->queue)->changed);
}

/* Whether the batch that E is waiting for is large enough, or E waited long enough.  Under the
 * mutex. */
static int may_begin(const wm_writer *writer, const entry *e, apr_time_t now)
{
    return writer->free > 0 &&
           (writer->waiting >= writer->under_way || now >= e->since + writer->gather);
}

/* Take a batch with SELF and store it.  Begins and ends under the mutex. */
static void lead_batch(wm_writer *writer, entry *self, const wm_lender *lender)
{
    entry *batch[MOST];
    int count = take(batch, writer, self);
    entry_state state;
    const wm_err *err;

    writer->free--;
    writer->under_way += count;
    apr_thread_mutex_unlock(writer->mutex);
    state = lead(&err, batch, count, lender);
    apr_thread_mutex_lock(writer->mutex);
    writer->free++;
    writer->under_way -= count;
    for (int i = 0; i < count; i++) {
        batch[i]->state = state;
        if (state == REFUSED)
            batch[i]->err = i ? wm_err_make(batch[i]->pool, err->code, "%s", err->why) : err;
        if (i)
            apr_thread_cond_signal(batch[i]->changed);
    }
    wake_next(writer);
}

/* Until E is no longer waiting, by this thread's doing or another's.  Under the mutex. */
static void take_turn(wm_writer *writer, entry *e, const wm_lender *lender)
{
    apr_time_t now = apr_time_now(), end = now + writer->wait;

    e->since = now;
    APR_RING_INSERT_TAIL(&writer->queue, e, entry, link);
    writer->waiting++;
    for (; e->state == WAITING; now = apr_time_now()) {
        if (may_begin(writer, e, now)) {
            lead_batch(writer, e, lender);
        } else if (now < end) {
            apr_time_t until = writer->free > 0 ? e->since + writer->gather : end;

            apr_thread_cond_timedwait(e->changed, writer->mutex, until - now);
        } else {
            APR_RING_REMOVE(e, link);
            writer->waiting--;
            e->state = REFUSED;
            e->err = wm_err_make(e->pool, WM_E_BUSY, "the writer had no turn in %d ms",
                                 (int)(writer->wait / 1000));
        }
    }
    while (e->state == TAKEN)
        apr_thread_cond_wait(e->changed, writer->mutex);
}

const wm_err *wm_writer_store(wm_stored *stored, wm_writer *writer, const wm_lender *lender,
                              const wm_bundle *bundle, const wm_store_options *options,
                              apr_pool_t *pool)
{
    entry e = {.stored = stored, .database = lender->database, .pool = pool};
    apr_status_t rv;

    WM_TRY(wm_storable_make(&e.item, bundle, options, pool));
    if (!wm_store_simple(&e.item))
        return store_alone(&e, lender);
    e.bytes = e.item.body.size;
    for (int i = 0; i < bundle->point_count; i++)
        e.bytes += bundle->points[i].properties.size;
    rv = apr_thread_cond_create(&e.changed, pool);
    if (rv != APR_SUCCESS)
        return wm_err_apr(pool, rv, "waiting for the writer");
    apr_thread_mutex_lock(writer->mutex);
    take_turn(writer, &e, lender);
    apr_thread_mutex_unlock(writer->mutex);
    if (e.state == ALONE)
        return store_alone(&e, lender);
    return e.err;
}

int wm_writer_waiting(wm_writer *writer)
{
    int count;

    apr_thread_mutex_lock(writer->mutex);
    count = writer->waiting;
    apr_thread_mutex_unlock(writer->mutex);
    return count;
}
