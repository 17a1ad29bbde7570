/* SPDX-License-Identifier: Apache-2.0 */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <apr_strings.h>
#include <sodium.h>

#include "command.h"
#include "demo.h"
#include "wm_bundle.h"
#include "wm_pgarray.h"

enum { PARTICIPANTS = 200, DAYS = 14, SEED = 1, MOST_PARTICIPANTS = 5000, MOST_DAYS = 365 };

#define DAY    ((apr_time_t)86400 * APR_USEC_PER_SEC)
#define RECENT (20 * (apr_time_t)60 * APR_USEC_PER_SEC)

/* A study on its way into the database. */
typedef struct simulation {
    wm_run *run;
    wm_demo_study study;
    wm_demo_person *people;
    apr_array_header_t *uploads; /* wm_demo_upload, in the order of time */
    apr_time_t now, known;       /* everything up to KNOWN is stored */
    apr_int64_t stored, points, posted;
} simulation;

static const wm_err *number_of(apr_int64_t *number, wm_run *run, const char *option, int most)
{
    const char *text = wm_run_option(run, option);
    char *end;

    if (!text)
        return NULL;
    *number = apr_strtoi64(text, &end, 10);
    if (end == text || *end || *number < 1 || *number > most)
        return wm_run_usage(run, "--%s is \"%s\" and must be a number from 1 to %d", option, text,
                            most);
    return NULL;
}

static void make_people(simulation *s)
{
    s->people = apr_pcalloc(s->run->pool, sizeof *s->people * (size_t)s->study.participants);
    for (int i = 0; i < s->study.participants; i++)
        wm_demo_person_make(&s->people[i], &s->study, i, s->run->pool);
}

/* Of all people and of MORE that would come after them. */
static const wm_err *identifiers_of(wm_arg *arg, const simulation *s, int more)
{
    wm_demo_person person;
    wm_pgarray array;

    WM_TRY(wm_pgarray_begin(&array, WM_OID_TEXT, NULL, s->run->pool));
    for (int i = 0; i < s->study.participants + more; i++) {
        wm_demo_person_make(&person, &s->study, i, s->run->pool);
        WM_TRY(wm_pgarray_add(&array, person.identifier, strlen(person.identifier)));
    }
    *arg = wm_pgarray_arg(&array, WM_OID_TEXT_ARRAY);
    return NULL;
}

/* Somebody of this study is there already: then everybody must be, as these options make them.
 * *FOUND says whether; s->study.start and s->known are set. */
static const wm_err *find_people(int *found, simulation *s)
{
    wm_arg identifiers;
    wm_rows *rows;

    WM_TRY(identifiers_of(&identifiers, s, 1));
    WM_TRY(wm_db_rows(&rows, s->run->db, WM_SQL_DEMO_FIND, WM_ARGS(identifiers), s->run->pool));
    *found = wm_rows_count(rows) > 0;
    if (!*found)
        return NULL;
    s->study.start = wm_rows_i64(rows, 0, 1);
    make_people(s);
    for (int i = 0; i < s->study.participants; i++) {
        if (wm_rows_count(rows) != s->study.participants || wm_rows_i64(rows, i, 0) != i + 1 ||
            wm_rows_i64(rows, i, 1) != s->people[i].added)
            return wm_err_make(s->run->pool, WM_E_CONFLICT,
                               "a simulated study of another size is there already; repeat its "
                               "options to continue it, or choose another --seed");
        if (wm_rows_i64(rows, i, 2) > s->known)
            s->known = wm_rows_i64(rows, i, 2);
    }
    return NULL;
}

static const wm_err *add_when(wm_pgarray *array, int condition, apr_time_t time)
{
    return condition ? wm_pgarray_add_time(array, time) : wm_pgarray_add_null(array);
}

static const wm_err *add_people(simulation *s)
{
    wm_pgarray names, arms, unassigned, added, paused, withdrawn, completed;
    apr_pool_t *pool = s->run->pool;
    wm_arg identifiers;

    WM_TRY(identifiers_of(&identifiers, s, 0));
    WM_TRY(wm_pgarray_begin(&names, WM_OID_TEXT, NULL, pool));
    WM_TRY(wm_pgarray_begin(&arms, WM_OID_INT4, NULL, pool));
    WM_TRY(wm_pgarray_begin(&unassigned, WM_OID_BOOL, NULL, pool));
    WM_TRY(wm_pgarray_begin(&added, WM_OID_TIMESTAMPTZ, NULL, pool));
    WM_TRY(wm_pgarray_begin(&paused, WM_OID_TIMESTAMPTZ, NULL, pool));
    WM_TRY(wm_pgarray_begin(&withdrawn, WM_OID_TIMESTAMPTZ, NULL, pool));
    WM_TRY(wm_pgarray_begin(&completed, WM_OID_TIMESTAMPTZ, NULL, pool));
    for (int i = 0; i < s->study.participants; i++) {
        const wm_demo_person *p = &s->people[i];

        WM_TRY(wm_pgarray_add(&names, p->name, strlen(p->name)));
        WM_TRY(wm_pgarray_add_i32(&arms, p->group));
        WM_TRY(wm_pgarray_add(&unassigned, p->fate == WM_DEMO_UNASSIGNED ? "\1" : "\0", 1));
        WM_TRY(wm_pgarray_add_time(&added, p->added));
        WM_TRY(add_when(&paused, p->fate == WM_DEMO_PAUSED, s->now + 30 * DAY));
        WM_TRY(add_when(&withdrawn, p->fate == WM_DEMO_WITHDRAWN, p->stops));
        WM_TRY(add_when(&completed, p->fate == WM_DEMO_COMPLETED, p->stops));
    }
    WM_TRY(wm_db_do(NULL, s->run->db, WM_SQL_DEMO_GROUPS, WM_NO_ARGS, pool));
    return wm_db_do(NULL, s->run->db, WM_SQL_DEMO_PEOPLE,
                    WM_ARGS(identifiers, wm_pgarray_arg(&names, WM_OID_TEXT_ARRAY),
                            wm_pgarray_arg(&arms, WM_OID_INT4_ARRAY),
                            wm_pgarray_arg(&unassigned, WM_OID_BOOL_ARRAY),
                            wm_pgarray_arg(&added, WM_OID_TIMESTAMPTZ_ARRAY),
                            wm_pgarray_arg(&paused, WM_OID_TIMESTAMPTZ_ARRAY),
                            wm_pgarray_arg(&withdrawn, WM_OID_TIMESTAMPTZ_ARRAY),
                            wm_pgarray_arg(&completed, WM_OID_TIMESTAMPTZ_ARRAY)),
                    pool);
}

static int upload_order(const void *a, const void *b)
{
    const wm_demo_upload *x = a, *y = b;

    if (x->when != y->when)
        return x->when < y->when ? -1 : 1;
    return x->person - y->person;
}

/* All uploads after s->known up to now: in the order of time, so that an interrupted run can be
 * continued. */
static void plan(simulation *s)
{
    s->uploads = apr_array_make(s->run->pool, 1024, sizeof(wm_demo_upload));
    for (int i = 0; i < s->study.participants; i++) {
        const wm_demo_person *p = &s->people[i];
        int most = (int)((s->now - p->added) / (DAY / WM_DEMO_UPLOADS_A_DAY));
        wm_demo_upload upload;

        for (int n = 0; n <= most; n++)
            if (wm_demo_upload_make(&upload, &s->study, p, n) && upload.when > s->known &&
                upload.when <= s->now)
                *(wm_demo_upload *)apr_array_push(s->uploads) = upload;
    }
    qsort(s->uploads->elts, (size_t)s->uploads->nelts, sizeof(wm_demo_upload), upload_order);
}

/* As if it had arrived then.  AGAIN makes it another request with the same body. */
static const wm_err *store(simulation *s, const wm_demo_upload *u, const wm_buf *body, int again,
                           apr_pool_t *pool)
{
    const wm_decode_options decode = {
        .inflated_max = 1 << 24, .depth_max = 1000, .points_max = 1 << 20};
    const wm_store_options options = {.body_keep = 30 * DAY, .now = u->when + again};
    const apr_int64_t name[] = {(apr_int64_t)s->study.seed, u->person, u->number, again};
    wm_upload upload = {.form = WM_BODY_URLENCODED,
                        .content_type = "application/x-www-form-urlencoded",
                        .user_agent = s->people[u->person].browser,
                        .method = "POST",
                        .data = body->data,
                        .size = body->size,
                        .received = u->when + again};
    wm_bundle *bundle;
    wm_stored stored;

    crypto_generichash(upload.uid, sizeof upload.uid, (const unsigned char *)name, sizeof name,
                       NULL, 0);
    WM_TRY(wm_bundle_decode(&bundle, &upload, &decode, pool));
    WM_TRY(wm_bundle_store(&stored, s->run->db, bundle, &options, pool));
    s->stored++;
    s->points += stored.points;
    return NULL;
}

static const wm_err *upload_one(simulation *s, const wm_demo_upload *u, const char *url,
                                apr_pool_t *pool)
{
    const wm_demo_person *person = &s->people[u->person];
    wm_buf *body = wm_buf_create(NULL, pool);

    WM_TRY(wm_demo_body(body, &s->study, person, u, pool));
    if (url && u->when > s->now - RECENT) {
        s->posted++;
        return wm_demo_post(url, person->browser, body, pool);
    }
    WM_TRY(store(s, u, body, 0, pool));
    /* The answer got lost on the way: the client sends the same again. */
    if (person->fate == WM_DEMO_SENDS_TWICE &&
        wm_demo_chance(&s->study, u->person, u->number, 7) < 0.05)
        WM_TRY(store(s, u, body, 1, pool));
    return NULL;
}

static const wm_err *upload_all(simulation *s, const char *url)
{
    const wm_demo_upload *list = (const wm_demo_upload *)s->uploads->elts;
    apr_pool_t *scratch;
    apr_time_t day = 0;

    /* Nothing of this is missed when the machine stops; the row of the access log, which comes
     * last, is durable and makes all before it so. */
    WM_TRY(wm_db_script(s->run->db, "SET synchronous_commit = off", s->run->pool));
    apr_pool_create(&scratch, s->run->pool);
    for (int i = 0; i < s->uploads->nelts; i++) {
        if (list[i].when / DAY != day)
            wm_run_progress(s->run, "%d of %d uploads", i, s->uploads->nelts);
        day = list[i].when / DAY;
        WM_TRY(upload_one(s, &list[i], url, scratch));
        apr_pool_clear(scratch);
    }
    return wm_db_script(s->run->db, "RESET synchronous_commit", s->run->pool);
}

static const wm_err *demo(wm_run *run)
{
    apr_int64_t participants = PARTICIPANTS, days = DAYS, seed = SEED;
    apr_int64_t until = apr_time_sec(apr_time_now());
    simulation s = {.run = run};
    int found;

    WM_TRY(number_of(&participants, run, "participants", MOST_PARTICIPANTS));
    WM_TRY(number_of(&days, run, "days", MOST_DAYS));
    WM_TRY(number_of(&seed, run, "seed", 999));
    WM_TRY(number_of(&until, run, "until", INT_MAX));
    s.now = apr_time_from_sec(until);
    s.study = (wm_demo_study){.seed = (apr_uint64_t)seed,
                              .participants = (int)participants,
                              .days = (int)days,
                              .start = s.now - days * DAY};
    make_people(&s);
    WM_TRY(find_people(&found, &s));
    if (!found)
        WM_TRY(add_people(&s));
    plan(&s);
    WM_TRY(upload_all(&s, wm_run_option(run, "url")));
    WM_TRY(wm_db_do(NULL, run->db, WM_SQL_DEMO_GENERATORS, WM_NO_ARGS, run->pool));
    WM_TRY(wm_run_audit(run, "demo", apr_psprintf(run->pool, "seed %d", (int)seed)));
    printf("%s: %d participants, %" APR_INT64_T_FMT " uploads with %" APR_INT64_T_FMT
           " points stored, %" APR_INT64_T_FMT " sent\n",
           found ? "simulated study continued" : "simulated study made", s.study.participants,
           s.stored, s.points, s.posted);
    return NULL;
}

const wm_command wm_cmd_demo = {
    .name = "demo",
    .args = "",
    .summary = "fill the default study with simulated participants",
    .help = "Makes participants of whom most send data, some are late, silent, have a wrong clock\n"
            "or never started, and what they have sent up to now, through the same functions that\n"
            "store real uploads.  The same options at a later time continue the study from where\n"
            "it was.  Identifiers are demo-SEED-0001 and so on.",
    .needs = WM_NEEDS_DATABASE,
    .options = {{.name = "participants", .arg = "N", .help = "how many (default: 200)"},
                {.name = "days", .arg = "N", .help = "how long it has been running (default: 14)"},
                {.name = "seed", .arg = "N", .help = "another study of the same kind (default: 1)"},
                {.name = "until",
                 .arg = "EPOCH",
                 .help = "as if it were so many seconds after 1970 (default: now)"},
                {.name = "url",
                 .arg = "URL",
                 .help = "send the last 20 minutes to this upload address, http://HOST/data/"}},
    .run = demo,
};
