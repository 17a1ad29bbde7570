/* SPDX-License-Identifier: Apache-2.0 */
/* Storing while others store, wait or break, in the database that DATABASE_URL names; t/142-store-race.t
 * starts one and runs this. */
#include <pthread.h>

#include <apr_general.h>

#include "bundles.h"

enum { THREADS = 6 };

/* A bundle that a thread of its own stores. */
typedef struct upload {
    pthread_t thread;
    apr_pool_t *pool;
    const char *json;
    apr_time_t received;
    const wm_err *err;
    wm_stored stored;
} upload;

static void *run_upload(void *data)
{
    upload *u = data;
    wm_store_options options = {0};

    u->err = wm_bundle_store(&u->stored, connect_db(u->pool),
                             decode_received(u->pool, u->json, u->received), &options, u->pool);
    return NULL;
}

static void start_upload(upload *u, const char *json, int seconds)
{
    apr_pool_create(&u->pool, NULL);
    u->json = json;
    u->received = RECEIVED + apr_time_from_sec(seconds);
    if (pthread_create(&u->thread, NULL, run_upload, u))
        exit(1);
}

static void end_upload(upload *u, const char *name)
{
    pthread_join(u->thread, NULL);
    ok(!u->err, "%s", name);
    if (u->err)
        printf("# %s\n", wm_err_text(u->err, u->pool));
    apr_pool_destroy(u->pool);
}

/* Until so many connections wait for a lock. */
static void await_locks(wm_db *db, int count)
{
    while (number(db, "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND"
                      " datname = current_database()") < count)
        apr_sleep(1000);
}

/* All threads store the same first-seen sources, in opposite orders, piece by piece. */
static void *racer(void *data)
{
    int number_of = *(int *)data;
    const wm_err *err = NULL;
    apr_pool_t *pool;
    wm_db *db;

    apr_pool_create(&pool, NULL);
    db = connect_db(pool);
    for (int round = 0; round < 20 && !err; round++) {
        wm_store_options options = {0};
        wm_stored stored;
        const char *json = "";

        for (int i = 0; i < 8; i++) {
            int n = number_of % 2 ? i : 7 - i;

            json =
                apr_pstrcat(pool, json, i ? "," : "[",
                            point(pool, apr_psprintf(pool, "race-%d-%d", round, n), n, ""), NULL);
        }
        err = wm_bundle_store(&stored, db, decode(pool, apr_pstrcat(pool, json, "]", NULL)),
                              &options, pool);
        if (err)
            printf("# %s\n", wm_err_text(err, pool));
    }
    apr_pool_destroy(pool);
    return err ? data : NULL;
}

static void test_race(wm_db *db)
{
    pthread_t threads[THREADS];
    int numbers[THREADS], failed = 0;

    for (int i = 0; i < THREADS; i++) {
        numbers[i] = i;
        pthread_create(&threads[i], NULL, racer, &numbers[i]);
    }
    for (int i = 0; i < THREADS; i++) {
        void *result;

        pthread_join(threads[i], &result);
        failed += result != NULL;
    }
    is_int(failed, 0, "writers of the same new sources in opposite orders all succeed");
    is_int(number(db, "SELECT count(*) FROM point WHERE source LIKE 'race-%'"), 160,
           "and each point is there once");
    is_int(number(db, "SELECT sum(points) * 1000 + sum(repeats) FROM source_status t JOIN source s"
                      " ON s.id = t.source_id WHERE identifier LIKE 'race-%'"),
           160 * 1000 + 160 * (THREADS - 1), "points and repeats add up");
}

/* Neither shows to the other before it is committed. */
static void test_untimed(wm_db *db, apr_pool_t *pool)
{
    const char *json =
        "[{\"twice\":1,\"passive-data-metadata\":{\"source\":\"s-untimed\",\"generator-id\":\"g\","
        "\"generator\":\"g: x\",\"timestamp\":null}}]";
    wm_db *holder = connect_db(pool);
    upload list[2];

    store(db, decode(pool, apr_psprintf(pool, "[%s]", point(pool, "s-untimed", 1, ""))), pool,
          "a source is known");
    must(wm_db_script(holder,
                      "BEGIN; UPDATE source_status SET points = points WHERE source_id ="
                      " (SELECT id FROM source WHERE identifier = 's-untimed')",
                      pool),
         pool);
    start_upload(&list[0], json, 1);
    start_upload(&list[1], json, 2);
    await_locks(db, 2);
    must(wm_db_script(holder, "COMMIT", pool), pool);
    end_upload(&list[0], "a bundle without times that comes twice at once is stored");
    end_upload(&list[1], "... and its twin is accepted");
    is_int(list[0].stored.points * 10 + list[0].stored.repeats + list[1].stored.points * 10 +
               list[1].stored.repeats,
           11, "... as a repeat");
    is_int(number(db, "SELECT count(*) FROM point WHERE properties ? 'twice'"), 1,
           "... and its point is there once");
}

static void test_lost_connection(wm_db *db, apr_pool_t *pool)
{
    wm_db *other = connect_db(pool);
    char sql[100];
    wm_stored stored;

    apr_snprintf(sql, sizeof sql, "SELECT pg_terminate_backend(%d)::int",
                 PQbackendPID(other->conn));
    is_int(number(db, sql), 1, "a backend is terminated");
    stored =
        store(other, decode(pool, apr_pstrcat(pool, "[", point(pool, "s-lost", 1, ""), "]", NULL)),
              pool, "a bundle on its dead connection is stored all the same");
    is_int(stored.points, 1, "once");
}

/* The backend of the first transaction that comes to its bundle's row dies. */
static void test_lost_transaction(wm_db *db, apr_pool_t *pool)
{
    wm_db *other = connect_db(pool);
    wm_stored stored;

    must(wm_db_script(
             db,
             "CREATE SEQUENCE deaths;"
             "CREATE FUNCTION die() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
             " IF nextval('deaths') = 1 THEN"
             "  PERFORM pg_terminate_backend(pg_backend_pid());"
             " END IF; RETURN NEW; END $$;"
             "CREATE TRIGGER die BEFORE INSERT ON bundle FOR EACH ROW EXECUTE FUNCTION die()",
             pool),
         pool);
    stored =
        store(other, decode(pool, apr_psprintf(pool, "[%s,7]", point(pool, "s-death", 1, ""))),
              pool, "a bundle whose connection breaks in its transaction is stored all the same");
    is_int(stored.points, 1, "once");
    must(wm_db_script(db, "DROP TRIGGER die ON bundle; DROP FUNCTION die(); DROP SEQUENCE deaths",
                      pool),
         pool);
}

/* Who waits for the default partition while a month is moved out of it has asked the wrong one. */
static void test_partition(wm_db *db, apr_pool_t *pool)
{
    wm_db *mover = connect_db(pool);
    upload late;

    must(wm_db_begin(mover, pool), pool);
    is_int(number(mover, "SELECT partition_make('data_point', '2031-05-01')::int"), 1,
           "a partition is being made");
    start_upload(&late, apr_psprintf(pool, "[%s,7]", point(pool, "s-moved", 236000000, "")), 1);
    await_locks(db, 1);
    must(wm_db_commit(mover, pool), pool);
    end_upload(&late, "a bundle with a point of that month is stored meanwhile");
    is_int(late.stored.points, 1, "with its point");
    is_int(number(db, "SELECT count(*) FROM data_point_203105"), 1, "in the new partition");
}

int main(void)
{
    apr_pool_t *pool = begin("t/142-store-race.t");
    wm_db *db = connect_db(pool);

    test_race(db);
    test_untimed(db, pool);
    test_lost_connection(db, pool);
    test_lost_transaction(db, pool);
    test_partition(db, pool);

    apr_terminate();
    return done();
}
