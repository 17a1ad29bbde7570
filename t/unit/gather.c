/* SPDX-License-Identifier: Apache-2.0 */
/* When a batch begins while another is under way, in the database that DATABASE_URL names;
 * t/143-gather.t starts one and runs this. */
#include "senders.h"

/* Start SENDER and have it wait as number PLACE of the queue. */
static void queue_up(sender *s, wm_writer *writer, int place)
{
    start(s, writer);
    while (wm_writer_waiting(writer) < place)
        sched_yield();
}

/* Until a batch of three of LIST, 2 to 4, is all that is being stored; it ends when go is 3. */
static void hold_three(sender *list, wm_writer *writer)
{
    static const int leads[] = {2, 1, 3};

    atomic_store(&borrowed, 0);
    atomic_store(&go, 0);
    for (int i = 0; i < 3; i++)
        list[i].lead = leads[i];
    for (int i = 0; i < 2; i++) {
        start(&list[i], writer);
        while (atomic_load(&borrowed) <= i)
            sched_yield();
    }
    for (int i = 2; i < 5; i++)
        queue_up(&list[i], writer, i - 1);
    atomic_store(&go, 1);
    pthread_join(list[1].thread, NULL);
    while (wm_writer_waiting(writer))
        sched_yield();
    atomic_store(&go, 2);
    pthread_join(list[0].thread, NULL);
}

static void let_go(sender *list)
{
    atomic_store(&go, 3);
    for (int i = 2; i < 5; i++)
        pthread_join(list[i].thread, NULL);
}

/* Each upload is one point of a source of its own, NAME and its number. */
static void give_points(sender *list, int count, const char *name, apr_pool_t *pool)
{
    for (int i = 0; i < count; i++)
        list[i].json = apr_pstrcat(
            pool, "[", point(pool, apr_psprintf(pool, "%s-%d", name, i), i, ""), "]", NULL);
}

static void test_gather(wm_db *db, apr_pool_t *pool)
{
    sender list[8] = {0};
    wm_writer *writer;

    give_points(list, 8, "gather", pool);
    must(wm_writer_create(&writer, 2, apr_time_from_sec(60), apr_time_from_sec(60), pool), pool);
    hold_three(list, writer);
    queue_up(&list[5], writer, 1);
    queue_up(&list[6], writer, 2);
    is_int(atomic_load(&borrowed), 1, "while three are stored, two wait beside a free connection");
    start(&list[7], writer);
    for (int i = 5; i < 8; i++)
        pthread_join(list[i].thread, NULL);
    let_go(list);
    is_int(failed(list, 8), 0, "with a third they begin");
    is_int(number(db, "SELECT count(DISTINCT b.position)" OF("gather-") " AND right(identifier, 1)"
                                                                        "::int > 4"),
           1, "in one transaction");
    forget(list, 8);
}

static void test_gather_end(wm_db *db, apr_pool_t *pool)
{
    sender list[6] = {0};
    wm_writer *writer;

    give_points(list, 6, "gathered", pool);
    must(wm_writer_create(&writer, 2, apr_time_from_msec(1), apr_time_from_sec(60), pool), pool);
    hold_three(list, writer);
    start(&list[5], writer);
    pthread_join(list[5].thread, NULL);
    is_int(number(db, "SELECT count(*)" OF("gathered-5")), 1,
           "who waited long enough is stored beside three that are not yet");
    let_go(list);
    is_int(failed(list, 6), 0, "which are in the end");
    forget(list, 6);
}

int main(void)
{
    apr_pool_t *pool = begin("t/143-gather.t");
    wm_db *db = connect_db(pool);

    test_gather(db, pool);
    test_gather_end(db, pool);
    apr_terminate();
    return done();
}
