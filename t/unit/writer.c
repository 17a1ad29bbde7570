/* SPDX-License-Identifier: Apache-2.0 */
/* Many threads that store at once, in the database that DATABASE_URL names; t/141-writer.t starts one
 * and runs this. */
#include "senders.h"

enum { THREADS = 9 };

/* The first of COUNT holds its connection until all others wait, then everybody is done. */
static void run(sender *list, int count, apr_interval_time_t wait, apr_pool_t *pool)
{
    wm_writer *writer;

    must(wm_writer_create(&writer, 1, 0, wait, pool), pool);
    atomic_store(&borrowed, 0);
    atomic_store(&go, 0);
    list[0].lead = 1;
    start(&list[0], writer);
    while (!atomic_load(&borrowed))
        sched_yield();
    for (int i = 1; i < count; i++)
        start(&list[i], writer);
    while (wm_writer_waiting(writer) < count - 1)
        sched_yield();
    atomic_store(&go, 1);
    for (int i = 0; i < count; i++)
        pthread_join(list[i].thread, NULL);
    is_int(wm_writer_waiting(writer), 0, "nobody waits any more");
}

static void test_batch(wm_db *db, apr_pool_t *pool)
{
    sender list[THREADS] = {0};

    for (int i = 0; i < THREADS; i++) {
        const char *source = apr_psprintf(pool, "batch-%d", i);

        list[i].json = apr_pstrcat(pool, "[", point(pool, source, i, ""), ",",
                                   point(pool, source, 100 + i, ""), "]", NULL);
    }
    run(list, THREADS, apr_time_from_sec(60), pool);
    is_int(failed(list, THREADS), 0, "all of nine uploads are stored");
    is_int(list[5].stored.points, 2, "each is told how many points");
    is_int(number(db, apr_psprintf(pool,
                                   "SELECT count(*) FROM point WHERE source = 'batch-5'"
                                   " AND bundle_id = %" APR_INT64_T_FMT,
                                   list[5].stored.id)),
           2, "and in which bundle");
    is_int(number(db, "SELECT count(DISTINCT b.position)" OF("batch-")), 2,
           "those that waited were one transaction");
    is_int(number(db, "SELECT count(*)" OF("batch-") " AND points = 2 AND repeats = 0 AND body IS"
                                                     " NOT NULL AND (generator_counts->0->>2)::int"
                                                     " = 2 AND jsonb_array_length(generator_counts)"
                                                     " = 1"),
           THREADS, "each bundle's row has its own counts and body");
    is_int(number(db, "SELECT count(*) FROM source_status t JOIN source s ON s.id = t.source_id"
                      " WHERE identifier LIKE 'batch-%' AND points = 2 AND version = '1.2'"),
           THREADS, "and so has each source's status");
    is_int(number(db, "SELECT count(*) FROM bundle b JOIN source s ON s.id = b.source_id JOIN point"
                      " p ON p.bundle_id = b.id WHERE s.identifier LIKE 'batch-%' AND p.source <>"
                      " s.identifier"),
           0, "no point went to a neighbour's bundle");
    forget(list, THREADS);
}

/* The same source in several bundles of one batch, later ones received earlier. */
static void test_one_source(wm_db *db, apr_pool_t *pool)
{
    sender list[5] = {0};

    for (int i = 0; i < 5; i++) {
        const char *level = apr_psprintf(pool, ",\"level\":%d", 10 * i);

        list[i].json =
            i < 3 ? apr_pstrcat(pool, "[", point(pool, "same", i, ""), "]", NULL)
                  : apr_psprintf(pool,
                                 "[{\"n\":%d%s,\"passive-data-metadata\":{\"source\":\"same\","
                                 "\"generator-id\":\"pdk-device-battery\",\"generator\":\"b: "
                                 "Phone/%d x\",\"timestamp\":%d}}]",
                                 i, level, i, 1700000000 - 86400 * i);
        list[i].received = RECEIVED + apr_time_from_sec(100 - i);
    }
    run(list, 5, apr_time_from_sec(60), pool);
    is_int(failed(list, 5), 0, "five uploads of one browser at once are stored");
    is_int(number(db, "SELECT count(DISTINCT b.position)" OF("same")), 2, "by two transactions");
    is_int(number(db, "SELECT sum(points) FROM source_day d JOIN source s ON s.id = d.source_id"
                      " WHERE identifier = 'same'"),
           5, "its days add up");
    is_int(number(db, "SELECT count(*) FROM source_status t JOIN source s ON s.id = t.source_id"
                      " WHERE identifier = 'same' AND client = 'Probe' AND points = 5 AND"
                      " extract(epoch FROM last_received) = 1700006500 AND extract(epoch FROM"
                      " last_created) = 1700000002.5 AND battery = 30 AND extract(epoch FROM"
                      " battery_at) = 1700006497"),
           1, "its status says what was received last, not stored last");
    is_int(number(db, "SELECT count(*) FROM source_day d JOIN source s ON s.id = d.source_id"
                      " WHERE identifier = 'same' AND points = 3 AND extract(epoch FROM"
                      " last_received) = 1700006500 AND extract(epoch FROM first_received) ="
                      " 1700006498"),
           1, "the day of three of them spans when they came");
    forget(list, 5);
}

/* Known points, the same bundle twice, points without a time, and what the database refuses: among
 * innocent neighbours. */
static void test_troubles(wm_db *db, apr_pool_t *pool)
{
    const char *untimed = "[{\"passive-data-metadata\":{\"source\":\"trouble-u\","
                          "\"generator-id\":\"g\",\"generator\":\"g: x\",\"timestamp\":null}}]";
    sender first[2] = {{.json = untimed}, {.json = NULL}}, list[7] = {0};

    first[1].json = apr_pstrcat(pool, "[", point(pool, "trouble-k", 1, ""), "]", NULL);
    run(first, 2, apr_time_from_sec(60), pool);
    is_int(failed(first, 2), 0, "two uploads are stored");
    must(wm_db_script(db,
                      "ALTER TABLE data_point ADD CONSTRAINT no_666 CHECK (properties ->> 'n' IS"
                      " NULL OR properties ->> 'n' <> '666')",
                      pool),
         pool);
    list[0].json = apr_pstrcat(pool, "[", point(pool, "trouble-0", 0, ""), "]", NULL);
    list[1].json = apr_pstrcat(pool, "[", point(pool, "trouble-1", 1, ""), "]", NULL);
    list[2].json = untimed;
    list[3].json = first[1].json;
    list[4].json = apr_pstrcat(pool, "[", point(pool, "trouble-4", 666, ""), "]", NULL);
    list[5].json = list[6].json =
        apr_pstrcat(pool, "[", point(pool, "trouble-5", 5, ""), "]", NULL);
    run(list, 7, apr_time_from_sec(60), pool);
    must(wm_db_script(db, "ALTER TABLE data_point DROP CONSTRAINT no_666", pool), pool);
    is_int(failed(list, 7), 0, "seven uploads, four of them with a trouble, are all accepted");
    is_int(list[1].stored.points, 1, "a good one is stored");
    is_int(list[2].stored.repeats, 1, "a known one without times is a repeat");
    is_int(list[3].stored.repeats, 1, "and so is a known one with times");
    is_int(list[4].stored.quarantined, 1, "what the database refuses is in quarantine");
    is_int(list[5].stored.points * 10 + list[6].stored.points, list[5].stored.points ? 10 : 1,
           "one of two that are the same is stored");
    is_int(list[5].stored.repeats + list[6].stored.repeats, 1, "the other is a repeat");
    is_int(number(db, "SELECT count(*) FROM point WHERE source LIKE 'trouble-%'"), 5,
           "and the table holds what it should");
    is_int(number(db, "SELECT sum(points) * 10 + sum(repeats) FROM source_status t JOIN source s ON"
                      " s.id = t.source_id WHERE identifier LIKE 'trouble-%'"),
           53, "and the rollups, too");
    forget(first, 2);
    forget(list, 7);
}

/* Threads of one process may store for several virtual hosts. */
static void test_databases(wm_db *db, apr_pool_t *pool)
{
    static const char one[] = "one", other[] = "other";
    sender list[7] = {0};

    for (int i = 0; i < 7; i++) {
        list[i].json =
            apr_pstrcat(pool, "[", point(pool, apr_psprintf(pool, "host-%d", i), i, ""), "]", NULL);
        list[i].database = i % 2 ? one : other;
    }
    run(list, 7, apr_time_from_sec(60), pool);
    is_int(failed(list, 7), 0, "uploads for two databases are stored");
    is_int(number(db, "SELECT count(DISTINCT b.position)" OF("host-")), 3,
           "those that waited by a transaction for each");
    is_int(number(db,
                  "SELECT count(*) FROM (SELECT b.position FROM bundle b JOIN source s ON s.id ="
                  " b.source_id WHERE identifier LIKE 'host-%' GROUP BY 1 HAVING count(DISTINCT"
                  " right(identifier, 1)::int % 2) > 1) x"),
           0, "never together");
    forget(list, 7);
}

static void test_away(wm_db *db, apr_pool_t *pool)
{
    sender list[4] = {0};
    int busy = 0;

    for (int i = 0; i < 4; i++) {
        list[i].json =
            apr_pstrcat(pool, "[", point(pool, apr_psprintf(pool, "away-%d", i), i, ""), "]", NULL);
        list[i].away = 1;
    }
    run(list, 4, apr_time_from_sec(60), pool);
    for (int i = 0; i < 4; i++)
        busy += list[i].err && list[i].err->code == WM_E_BUSY;
    is_int(busy, 4, "while the database is away everybody is told");
    is_int(number(db, "SELECT count(*) FROM source WHERE identifier LIKE 'away-%'"), 0,
           "and nothing is stored");
    is_int(atomic_load(&borrowed), 2, "after two had tried, not four");
    forget(list, 4);
}

/* A connection that dies under a batch takes nobody's upload with it. */
static void test_broken(wm_db *db, apr_pool_t *pool)
{
    sender list[5] = {0};
    char sql[100];

    for (int i = 0; i < 5; i++) {
        list[i].json = apr_pstrcat(
            pool, "[", point(pool, apr_psprintf(pool, "broken-%d", i), i, ""), "]", NULL);
        list[i].db = connect_db(pool);
        apr_snprintf(sql, sizeof sql, "SELECT pg_terminate_backend(%d, 60000)::int",
                     PQbackendPID(list[i].db->conn));
        is_int(number(db, sql), 1, "a backend is terminated");
    }
    run(list, 5, apr_time_from_sec(60), pool);
    is_int(failed(list, 5), 0, "uploads that begin on dead connections are stored");
    is_int(number(db, "SELECT count(*) FROM point WHERE source LIKE 'broken-%'"), 5, "once each");
    forget(list, 5);
}

/* A batch does not wait long for a row that somebody holds; who needs it goes alone. */
static void test_held(wm_db *db, apr_pool_t *pool)
{
    sender list[3] = {0};
    wm_db *holder = connect_db(pool);
    wm_writer *writer;

    list[0].json = apr_pstrcat(pool, "[", point(pool, "held", 1, ""), "]", NULL);
    run(list, 1, apr_time_from_sec(60), pool);
    apr_pool_destroy(list[0].pool);
    list[0] = (sender){.json = apr_pstrcat(pool, "[", point(pool, "held", 2, ""), "]", NULL)};
    list[1].json = apr_pstrcat(pool, "[", point(pool, "held-not", 1, ""), "]", NULL);
    must(wm_db_script(holder,
                      "BEGIN; UPDATE source_status SET points = points WHERE source_id = (SELECT id"
                      " FROM source WHERE identifier = 'held')",
                      pool),
         pool);
    atomic_store(&borrowed, 0);
    must(wm_writer_create(&writer, 1, 0, apr_time_from_sec(60), pool), pool);
    start(&list[0], writer);
    while (!atomic_load(&borrowed))
        sched_yield();
    start(&list[1], writer);
    pthread_join(list[1].thread, NULL);
    ok(!list[1].err, "an upload is stored while the row of another's source is held");
    must(wm_db_script(holder, "COMMIT", pool), pool);
    pthread_join(list[0].thread, NULL);
    ok(!list[0].err, "and that other's when it is free");
    is_int(number(db, "SELECT points FROM source_status WHERE source_id = (SELECT id FROM source"
                      " WHERE identifier = 'held')"),
           2, "with its status");
    forget(list, 2);
}

static void test_wait(wm_db *db, apr_pool_t *pool)
{
    sender list[2] = {{.lead = 1}, {0}};
    wm_writer *writer;

    list[0].json = apr_pstrcat(pool, "[", point(pool, "wait-0", 1, ""), "]", NULL);
    list[1].json = apr_pstrcat(pool, "[", point(pool, "wait-1", 1, ""), "]", NULL);
    must(wm_writer_create(&writer, 1, 0, apr_time_from_msec(20), pool), pool);
    atomic_store(&borrowed, 0);
    atomic_store(&go, 0);
    start(&list[0], writer);
    while (!atomic_load(&borrowed))
        sched_yield();
    start(&list[1], writer);
    pthread_join(list[1].thread, NULL);
    ok(list[1].err && list[1].err->code == WM_E_BUSY, "who has no turn in time is told so");
    atomic_store(&go, 1);
    pthread_join(list[0].thread, NULL);
    ok(!list[0].err, "who had it is stored");
    is_int(number(db, "SELECT count(*) FROM source WHERE identifier LIKE 'wait-%'"), 1,
           "nothing else is");
    forget(list, 2);
}

int main(void)
{
    apr_pool_t *pool = begin("t/141-writer.t");
    wm_db *db = connect_db(pool);

    test_batch(db, pool);
    test_one_source(db, pool);
    test_troubles(db, pool);
    test_databases(db, pool);
    test_away(db, pool);
    test_broken(db, pool);
    test_held(db, pool);
    test_wait(db, pool);
    apr_terminate();
    return done();
}
