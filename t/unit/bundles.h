/* SPDX-License-Identifier: Apache-2.0 */
/* Small bundles, and the database that DATABASE_URL names. */
#ifndef WM_T_BUNDLES_H
#define WM_T_BUNDLES_H

#include <apr_strings.h>
#include <sodium.h>

#include "tap.h"
#include "wm_bundle.h"
#include "wm_db.h"

#define RECEIVED (APR_INT64_C(1700006400) * APR_USEC_PER_SEC)

static inline void must(const wm_err *err, apr_pool_t *pool)
{
    if (err) {
        printf("Bail out! %s\n", wm_err_text(err, pool));
        exit(1);
    }
}

/* The JSON of one point; N makes it differ from others. */
static inline const char *point(apr_pool_t *pool, const char *source, int n, const char *more)
{
    return apr_psprintf(pool,
                        "{\"n\":%d%s,\"passive-data-metadata\":{\"source\":\"%s\","
                        "\"generator-id\":\"probe\",\"generator\":\"probe: Probe/1.2 x\","
                        "\"timestamp\":%d.5}}",
                        n, more, source, 1700000000 + n);
}

/* As it came with CREATE. */
static inline wm_bundle *decode_received(apr_pool_t *pool, const char *json, apr_time_t received)
{
    wm_decode_options options = {.inflated_max = 1 << 28, .depth_max = 1000, .points_max = 1 << 20};
    wm_upload *upload = apr_pcalloc(pool, sizeof *upload);
    wm_bundle *bundle = NULL;

    upload->form = WM_BODY_JSON;
    upload->method = "CREATE";
    upload->data = json;
    upload->size = strlen(json);
    upload->received = received;
    randombytes_buf(upload->uid, sizeof upload->uid);
    must(wm_bundle_decode(&bundle, upload, &options, pool), pool);
    return bundle;
}

static inline wm_bundle *decode(apr_pool_t *pool, const char *json)
{
    return decode_received(pool, json, RECEIVED);
}

static inline wm_db *connect_db(apr_pool_t *pool)
{
    wm_db *db;

    must(wm_db_connect(&db, getenv("DATABASE_URL"), NULL, pool), pool);
    return db;
}

/* Store BUNDLE, which must succeed. */
static inline wm_stored store(wm_db *db, wm_bundle *bundle, apr_pool_t *pool, const char *name)
{
    wm_store_options options = {.body_keep = apr_time_from_sec(86400)};
    wm_stored stored = {0};
    const wm_err *err = wm_bundle_store(&stored, db, bundle, &options, pool);

    ok(!err, "%s", name);
    if (err)
        printf("# %s\n", wm_err_text(err, pool));
    return stored;
}

/* A number that SQL answers; the statements here are the test's own.  -1 when there is none. */
static inline long long number(wm_db *db, const char *sql)
{
    PGresult *result = PQexec(db->conn, sql);
    int answered = PQresultStatus(result) == PGRES_TUPLES_OK && PQntuples(result) == 1;
    long long value = answered ? strtoll(PQgetvalue(result, 0, 0), NULL, 10) : -1;

    if (!answered)
        printf("# %d rows %s\n", PQntuples(result), PQerrorMessage(db->conn));
    PQclear(result);
    return value;
}

/* Ends the program when there is nothing to test with. */
static inline apr_pool_t *begin(const char *runner)
{
    apr_pool_t *pool;

    apr_initialize();
    atexit(apr_terminate); /* what is in pools is no leak */
    apr_pool_create(&pool, NULL);
    if (!getenv("DATABASE_URL")) {
        printf("1..0 # SKIP DATABASE_URL is not set: %s runs this\n", runner);
        exit(0);
    }
    if (sodium_init() < 0)
        exit(1);
    return pool;
}

#endif
