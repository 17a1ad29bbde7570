/* SPDX-License-Identifier: Apache-2.0 */
/* The ceiling that uploads are compared with: plain libpq connections that store the same points
 * in the same tables by the same statement, one transaction per bundle, without HTTP and with all
 * points decoded beforehand. */
#include <getopt.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <apr_general.h>
#include <apr_strings.h>

#include "loader.h"

static const char usage_text[] =
    "usage: loader --corpus PREFIX --database CONNINFO [options]\n"
    "\n"
    "  --connections N,N..  one run for each number of connections (4,16)\n"
    "  --seconds N          length of a run (10)\n"
    "  --points N           end a run when N points are stored, however long it takes\n"
    "  --bundles N          use only so many bundles of the corpus\n"
    "  --first-pass N       begin with pass N over the corpus (0)\n"
    "  --step-days N        each pass lies so many days before the one before (14)\n"
    "  --help               this text\n"
    "\n"
    "Prints a line for each run and the best at the end.  A corpus that is used up begins again\n"
    "with other times and digests, so that no point is a repeat.\n";

typedef struct settings {
    const char *corpus, *database, *connections;
    int seconds, bundles, first_pass, step_days;
    apr_int64_t points;
} settings;

/* One run; the threads share it. */
typedef struct run {
    const settings *settings;
    const loader_corpus *corpus;
    pthread_barrier_t start;
    atomic_llong until;
    atomic_llong *next; /* number of the bundle that comes next, of all runs */
    atomic_llong bundles, points, limit;
} run;

static void die(const wm_err *err, apr_pool_t *pool)
{
    if (err) {
        fprintf(stderr, "loader: %s\n", wm_err_text(err, pool));
        exit(1);
    }
}

static const wm_err *store_next(run *r, wm_db *db, apr_pool_t *pool)
{
    const wm_store_options options = {.body_keep = APR_TIME_C(30) * 86400 * APR_USEC_PER_SEC};
    long long number = atomic_fetch_add(r->next, 1);
    loader_bundle bundle;
    wm_storable item = {.options = &options};
    const wm_storable *items = &item;
    wm_stored stored, *results = &stored;
    int done;

    WM_TRY(loader_again(&bundle, &r->corpus->bundles[number % r->corpus->count],
                        r->settings->first_pass + (int)(number / r->corpus->count),
                        r->settings->step_days, pool));
    bundle.upload.received = apr_time_now();
    memcpy(bundle.upload.uid, &number, sizeof number);
    memcpy(bundle.upload.uid + 8, &bundle.upload.received, 8);
    item.bundle = &bundle.bundle;
    item.body = bundle.body;
    WM_TRY(wm_store_together(&done, &results, db, &items, 1, &bundle.arrays, pool));
    if (!done)
        return wm_err_make(pool, WM_E_SYSTEM, "the corpus is known already");
    atomic_fetch_add(&r->bundles, 1);
    atomic_fetch_add(&r->points, stored.points);
    return NULL;
}

static void *work(void *data)
{
    run *r = data;
    apr_pool_t *pool, *scratch;
    wm_db *db;

    apr_pool_create(&pool, NULL);
    apr_pool_create(&scratch, pool);
    die(wm_db_connect(&db, r->settings->database, NULL, pool), pool);
    pthread_barrier_wait(&r->start);
    while (r->limit ? atomic_load(&r->points) < r->limit : apr_time_now() < r->until) {
        die(store_next(r, db, scratch), scratch);
        apr_pool_clear(scratch);
    }
    apr_pool_destroy(pool);
    return NULL;
}

/* Points per second with COUNT connections. */
static double measure(const settings *s, const loader_corpus *corpus, atomic_llong *next, int count)
{
    run r = {.settings = s, .corpus = corpus, .next = next, .limit = s->points};
    pthread_t *threads = calloc((size_t)count, sizeof *threads);
    apr_time_t begin;
    double seconds;

    pthread_barrier_init(&r.start, NULL, (unsigned)count + 1);
    for (int i = 0; i < count; i++)
        if (pthread_create(&threads[i], NULL, work, &r)) {
            fprintf(stderr, "loader: cannot start a thread\n");
            exit(1);
        }
    r.until = APR_INT64_MAX;
    pthread_barrier_wait(&r.start);
    begin = apr_time_now();
    r.until = begin + s->seconds * APR_USEC_PER_SEC;
    for (int i = 0; i < count; i++)
        pthread_join(threads[i], NULL);
    seconds = (double)(apr_time_now() - begin) / APR_USEC_PER_SEC;
    free(threads);
    printf("connections %d seconds %.2f bundles %lld points %lld bundles_per_s %.0f "
           "points_per_s %.0f\n",
           count, seconds, r.bundles, r.points, (double)r.bundles / seconds,
           (double)r.points / seconds);
    fflush(stdout);
    return (double)r.points / seconds;
}

/* The dictionaries before the clock starts: httpd has them after the first bundles, too. */
static const wm_err *make_dictionaries(const settings *s, const loader_corpus *corpus,
                                       apr_pool_t *pool)
{
    const wm_store_options options = {0};
    apr_pool_t *scratch;
    wm_db *db;

    apr_pool_create(&scratch, pool);
    WM_TRY(wm_db_connect(&db, s->database, NULL, pool));
    WM_TRY(wm_db_script(db, "SET synchronous_commit = off", pool));
    for (int i = 0; i < corpus->count; i++) {
        WM_TRY(wm_store_dictionary(db, &corpus->bundles[i].arrays, &options, scratch));
        apr_pool_clear(scratch);
    }
    return NULL;
}

static apr_int64_t number(const char *name, const char *text)
{
    char *end;
    apr_int64_t value = apr_strtoi64(text, &end, 10);

    if (*end || end == text || value < 0) {
        fprintf(stderr, "loader: --%s takes a number\n", name);
        exit(2);
    }
    return value;
}

static void read_arguments(settings *s, int argc, char **argv)
{
    static const struct option options[] = {
        {"corpus", 1, NULL, 'c'},     {"database", 1, NULL, 'd'},  {"connections", 1, NULL, 'n'},
        {"seconds", 1, NULL, 's'},    {"points", 1, NULL, 'p'},    {"bundles", 1, NULL, 'b'},
        {"first-pass", 1, NULL, 'f'}, {"step-days", 1, NULL, 't'}, {"help", 0, NULL, 'h'},
        {NULL, 0, NULL, 0},
    };
    int option, which = 0;

    while ((option = getopt_long(argc, argv, "", options, &which)) != -1) {
        const char *name = option == '?' ? NULL : options[which].name;

        switch (option) {
        case 'c':
            s->corpus = optarg;
            break;
        case 'd':
            s->database = optarg;
            break;
        case 'n':
            s->connections = optarg;
            break;
        case 's':
            s->seconds = (int)number(name, optarg);
            break;
        case 'p':
            s->points = number(name, optarg);
            break;
        case 'b':
            s->bundles = (int)number(name, optarg);
            break;
        case 'f':
            s->first_pass = (int)number(name, optarg);
            break;
        case 't':
            s->step_days = (int)number(name, optarg);
            break;
        case 'h':
            fputs(usage_text, stdout);
            exit(0);
        default:
            fputs(usage_text, stderr);
            exit(2);
        }
    }
    if (!s->corpus || !s->database || optind < argc) {
        fputs(usage_text, stderr);
        exit(2);
    }
}

int main(int argc, char **argv)
{
    settings s = {.connections = "4,16", .seconds = 10, .step_days = 14};
    loader_corpus corpus = {0};
    atomic_llong next = 0;
    const char *at;
    apr_pool_t *pool;
    double best = 0;

    apr_initialize();
    apr_pool_create(&pool, NULL);
    read_arguments(&s, argc, argv);
    die(loader_read(&corpus, s.corpus, s.bundles, pool), pool);
    die(make_dictionaries(&s, &corpus, pool), pool);
    at = s.connections;
    do {
        char *end;
        long count = strtol(at, &end, 10);
        double rate;

        if (count < 1 || count > 1000 || (*end && *end != ',')) {
            fprintf(stderr, "loader: --connections takes numbers, separated by commas\n");
            return 2;
        }
        rate = measure(&s, &corpus, &next, (int)count);
        best = rate > best ? rate : best;
        at = *end ? end + 1 : end;
    } while (*at);
    printf("best %.0f\n", best);
    apr_terminate();
    return 0;
}
