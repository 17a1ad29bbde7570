/* SPDX-License-Identifier: Apache-2.0 */
/* Threads that upload at once through one writer, and hold its batches as long as a test wants. */
#ifndef WM_T_SENDERS_H
#define WM_T_SENDERS_H

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>

#include <apr_general.h>
#include <apr_strings.h>

#include "bundles.h"
#include "wm_writer.h"

/* One upload: what it says, and what came of it. */
typedef struct sender {
    pthread_t thread;
    apr_pool_t *pool;
    wm_writer *writer;
    const char *json;
    apr_time_t received;
    int lead; /* it shall hold its connection until "go" is so high */
    int away; /* its database is away */
    const char *database;
    const wm_err *err;
    wm_stored stored;
    wm_db *db;
} sender;

static atomic_int borrowed;
static atomic_int go;

static inline const wm_err *borrow(wm_db **db, void *host)
{
    sender *s = host;

    atomic_fetch_add(&borrowed, 1);
    while (s->lead > atomic_load(&go))
        sched_yield();
    if (s->away)
        return wm_err_make(s->pool, WM_E_BUSY, "the database is away");
    if (!s->db)
        s->db = connect_db(s->pool);
    *db = s->db;
    return NULL;
}

static inline void give_back(void *host)
{
    (void)host;
    atomic_fetch_sub(&borrowed, 1);
}

static inline void *upload(void *data)
{
    sender *s = data;
    wm_store_options options = {.body_keep = apr_time_from_sec(86400)};
    wm_lender lender = {
        .borrow = borrow, .give_back = give_back, .host = s, .database = s->database};
    wm_bundle *bundle = decode(s->pool, s->json);

    if (s->received)
        ((wm_upload *)bundle->upload)->received = s->received;
    s->err = wm_writer_store(&s->stored, s->writer, &lender, bundle, &options, s->pool);
    return NULL;
}

static inline void start(sender *s, wm_writer *writer)
{
    s->writer = writer;
    apr_pool_create(&s->pool, NULL);
    s->json = apr_pstrdup(s->pool, s->json);
    if (pthread_create(&s->thread, NULL, upload, s))
        exit(1);
}

static inline int failed(const sender *list, int count)
{
    int bad = 0;

    for (int i = 0; i < count; i++)
        if (list[i].err) {
            printf("# %d: %s\n", i, wm_err_text(list[i].err, list[i].pool));
            bad++;
        }
    return bad;
}

static inline void forget(sender *list, int count)
{
    for (int i = 0; i < count; i++)
        apr_pool_destroy(list[i].pool);
}

#define OF(prefix) \
    " FROM bundle b JOIN source s ON s.id = b.source_id WHERE s.identifier LIKE '" prefix "%'"

#endif
