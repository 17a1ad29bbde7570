/* SPDX-License-Identifier: Apache-2.0 */
/* Stores bundles in the database that DATABASE_URL names; t/140-store.t starts one and runs this. */
#include <apr_general.h>

#include "bundles.h"

static void test_repeats(wm_db *db, apr_pool_t *pool)
{
    const char *a = point(pool, "s-repeat", 1, ""), *b = point(pool, "s-repeat", 2, "");
    wm_stored first, second;

    first = store(db, decode(pool, apr_psprintf(pool, "[%s,%s,%s]", a, a, b)), pool,
                  "a bundle of an unknown source is stored");
    is_int(first.points, 3, "equal points of one bundle are all stored");
    second =
        store(db, decode(pool, apr_psprintf(pool, "[%s,%s]", b, point(pool, "s-repeat", 3, ""))),
              pool, "a bundle with a known point is stored");
    is_int(second.points, 1, "only its new point is");
    is_int(second.repeats, 1, "the known one is counted as repeat");
    is_int(number(db, "SELECT count(*) FROM point WHERE source = 's-repeat'"), 4,
           "the table holds each once");
    is_int(number(db, "SELECT sum(points) * 10 + sum(repeats) FROM source_day d JOIN source s"
                      " ON s.id = d.source_id WHERE s.identifier = 's-repeat'"),
           41, "the day's rollup counts four points and one repeat");
    is_int(number(db, "SELECT points * 10 + repeats FROM source_status t JOIN source s"
                      " ON s.id = t.source_id WHERE s.identifier = 's-repeat'"),
           41, "and so does the source's status");
    is_int(number(db, apr_psprintf(pool,
                                   "SELECT count(*) FROM bundle WHERE id = %" APR_INT64_T_FMT
                                   " AND points = 1 AND repeats = 1 AND body IS NOT NULL",
                                   second.id)),
           1, "the bundle's row has the counts and the body");
}

static void test_untimed(wm_db *db, apr_pool_t *pool)
{
    const char *json =
        "[{\"passive-data-metadata\":{\"source\":\"s-untimed\",\"generator-id\":\"g\","
        "\"generator\":\"g: x\",\"timestamp\":null}}]";
    wm_stored stored;

    store(db, decode(pool, json), pool, "a point without a time is stored");
    stored = store(db, decode(pool, json), pool, "the same bundle again is accepted");
    is_int(stored.repeats, 1, "its point without a time is known by the bundle's digest");
}

/* A point from the future among known ones. */
static void test_ahead(wm_db *db, apr_pool_t *pool)
{
    const char *known = point(pool, "s-ahead", 1, "");

    store(db, decode(pool, apr_psprintf(pool, "[%s]", known)), pool, "a point is stored");
    store(db,
          decode(pool, apr_psprintf(pool, "[%s,%s]", known, point(pool, "s-ahead", 999999, ""))),
          pool, "... and again, with one that is ahead of its time");
    is_int(number(db, "SELECT count(*) FROM source_day WHERE lag_max < 0"), 0,
           "... which has no lag");
}

static void test_pieces(wm_db *db, apr_pool_t *pool)
{
    char *blank = apr_palloc(pool, 20001);
    char *json, *at;
    wm_bundle *bundle;
    wm_stored stored;

    memset(blank, 'x', 20000);
    blank[20000] = 0;
    at = json = apr_palloc(pool, 700 * 20400);
    for (int i = 0; i < 700; i++) {
        const char *text = point(pool, "s-large", i, apr_psprintf(pool, ",\"t\":\"%s\"", blank));

        *at++ = i ? ',' : '[';
        memcpy(at, text, strlen(text));
        at += strlen(text);
    }
    memcpy(at, "]", 2);
    bundle = decode(pool, json);
    stored = store(db, bundle, pool, "a bundle of 14 MB is stored in pieces");
    is_int(stored.points, 700, "all of its points are there");
    is_int(number(db, apr_psprintf(
                          pool,
                          "SELECT sum((c ->> 2)::int) FROM bundle,"
                          " jsonb_array_elements(generator_counts) c WHERE id = %" APR_INT64_T_FMT,
                          stored.id)),
           700, "its counts by generator add up");
    is_int(number(db, "SELECT sum(points) FROM source_day d JOIN source s ON s.id = d.source_id"
                      " WHERE identifier = 's-large'"),
           700, "and so does the rollup");
    stored = store(db, decode(pool, json), pool, "the large bundle again is accepted");
    is_int(stored.repeats, 700, "and all of it is known");
}

/* What one request could hold of everything; no statement may outlast the time that the module's
 * connections have. */
static void test_many(wm_db *db, apr_pool_t *pool)
{
    enum { SOURCES = 20000 };
    char *json = apr_palloc(pool, SOURCES * 220), *at = json;
    wm_stored stored;

    PQclear(PQexec(db->conn, "SET statement_timeout = '5s'"));
    for (int i = 0; i < SOURCES; i++)
        at += apr_snprintf(at, 220, "%c%s,%d", i ? ',' : '[',
                           point(pool, apr_psprintf(pool, "many-%d", i), i % 7, ""), i);
    memcpy(at, "]", 2);
    stored = store(db, decode(pool, json), pool, "a bundle of 20,000 sources is stored");
    is_int(stored.points, SOURCES, "with all of its points");
    is_int(stored.quarantined, SOURCES, "and as many bad elements in quarantine");
    is_int(number(db, "SELECT count(*) FROM quarantine WHERE reason = 'not-an-object' AND raw <> ''"
                      " AND bundle_id = (SELECT max(id) FROM bundle)"),
           SOURCES, "each with its bytes");
    is_int(number(db, "SELECT count(*) FROM source_bundle b JOIN source s ON s.id = b.source_id"
                      " WHERE identifier LIKE 'many-%'"),
           SOURCES, "every source leads to the bundle");
    is_int(number(db, "SELECT sum(points) * 10 + sum(repeats) FROM source_status t JOIN source s"
                      " ON s.id = t.source_id WHERE identifier LIKE 'many-%'"),
           SOURCES * 10, "and has one point");
    stored = store(db, decode(pool, json), pool, "the same again is accepted");
    is_int(stored.repeats, SOURCES, "as repeats");
    is_int(number(db, "SELECT sum(points) * 10 + sum(repeats) FROM source_status t JOIN source s"
                      " ON s.id = t.source_id WHERE identifier LIKE 'many-%'"),
           SOURCES * 11, "that every source counts");
    PQclear(PQexec(db->conn, "RESET statement_timeout"));
}

static void test_sides(wm_db *db, apr_pool_t *pool)
{
    wm_stored stored =
        store(db,
              decode(pool, apr_psprintf(pool, "[%s,7,%s,{}]", point(pool, "s-one", 1, ""),
                                        point(pool, "s-two", 1, ""))),
              pool, "a bundle of two sources with bad elements is stored");

    is_int(stored.points, 2, "its good points are stored");
    is_int(stored.quarantined, 2, "its bad elements are in quarantine");
    is_int(number(db, "SELECT sum(quarantined) FROM source_status t JOIN source s ON"
                      " s.id = t.source_id WHERE identifier IN ('s-one', 's-two')"),
           2, "where its first source's status counts them");
    is_int(number(db,
                  apr_psprintf(pool,
                               "SELECT count(*) FROM quarantine WHERE bundle_id = %" APR_INT64_T_FMT
                               " AND (index, reason) IN"
                               " ((1, 'not-an-object'), (3, 'no-metadata'))",
                               stored.id)),
           2, "with index and reason");
    is_int(number(db, apr_psprintf(pool,
                                   "SELECT count(*) FROM source_bundle b JOIN source s ON"
                                   " s.id = b.source_id WHERE bundle_id = %" APR_INT64_T_FMT
                                   " AND identifier IN ('s-one', 's-two')",
                                   stored.id)),
           2, "both sources lead to the bundle");
    stored = store(db, decode(pool, "["), pool, "a bundle that is no JSON is accepted");
    is_int(number(db,
                  apr_psprintf(pool,
                               "SELECT count(*) FROM quarantine WHERE bundle_id = %" APR_INT64_T_FMT
                               " AND index IS NULL AND raw = '['",
                               stored.id)),
           1, "and its bytes are in quarantine");
}

static void test_partitions(wm_db *db, apr_pool_t *pool)
{
    store(db, decode(pool, apr_pstrcat(pool, "[", point(pool, "s-part", 1, ""), "]", NULL)), pool,
          "a point of a month without a partition is stored");
    ok(number(db, "SELECT count(*) FROM data_point_default") > 0,
       "it lies in the default partition");
    is_int(number(db, "SELECT partition_make('data_point', '2023-11-01')::int"), 1,
           "the month's partition can be made afterwards");
    is_int(number(db, "SELECT count(*) FROM data_point_default WHERE created >= '2023-11-01Z'"
                      " AND created < '2023-12-01Z'"),
           0, "and takes the month's points over");
    is_int(number(db, "SELECT count(*) FROM point WHERE source = 's-part'"), 1, "none is lost");
    is_int(number(db, "SELECT partition_make('data_point', '2023-11-01')::int"), 0,
           "a second call does nothing");
}

static void test_arrivals(wm_db *db)
{
    const char *sum =
        "SELECT sum(points) FROM arrival_since((SELECT id FROM study WHERE is_default),"
        " '-infinity') WHERE generator = 0";
    long long points = number(db, "SELECT count(*) FROM data_point");

    is_int(number(db, sum), points, "arrivals count every point before they are folded");
    is_int(number(db,
                  "SELECT sum(bundles) FROM arrival_since((SELECT id FROM study WHERE is_default),"
                  " '-infinity') WHERE generator = 0"),
           number(db, "SELECT count(*) FROM bundle WHERE points + repeats > 0"),
           "and every upload that held points, known ones too");
    number(db, "SELECT count(arrival_fold())");
    is_int(number(db, sum), points, "and after");
    is_int(number(db, "SELECT sum(points) FROM arrival WHERE generator_id = 0"), points,
           "when all of it is folded");
    number(db, "SELECT count(arrival_fold())");
    is_int(number(db, sum), points, "folding again changes nothing");
}

int main(void)
{
    apr_pool_t *pool = begin("t/140-store.t");
    wm_db *db = connect_db(pool);

    test_repeats(db, pool);
    test_untimed(db, pool);
    test_ahead(db, pool);
    test_pieces(db, pool);
    test_sides(db, pool);
    test_many(db, pool);
    test_partitions(db, pool);
    test_arrivals(db);

    apr_terminate();
    return done();
}
