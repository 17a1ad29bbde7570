/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>
#include <sys/resource.h>

#include "wm_host.h"
#include "wm_pace.h"

/* The counters of the machine are hundredths of a second. */
#define LOOK_EVERY (APR_USEC_PER_SEC / 4)
/* Others with less than OTHERS_MIN are not in need; with IDLE_ENOUGH there is enough for all. */
#define OTHERS_MIN  0.2
#define IDLE_ENOUGH 0.25
#define NAP_MAX     (APR_USEC_PER_SEC / 4)

enum { REST_FOR_WORK = 3 }; /* a quarter of the time remains for work */

/* Seconds of processors since some time. */
typedef struct times {
    double all, idle, ours;
} times;

struct wm_pace {
    const wm_db *db;
    int local; /* PostgreSQL works for us on this machine */
    apr_time_t looked, woke;
    times then; /* when it was looked at */
    double others, idle;
    apr_pool_t *scratch;
};

/* Does the connection reach this machine? */
static int is_local(PGconn *conn)
{
    const char *host = PQhost(conn), *address = PQhostaddr(conn);

    return !host || !*host || *host == '/' || *host == '@' || !strncmp(address, "127.", 4) ||
           !strcmp(address, "::1");
}

static double own_seconds(void)
{
    struct rusage usage;

    getrusage(RUSAGE_SELF, &usage);
    return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
           (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

/* 0 where the machine does not tell. */
static int read_times(times *t, const wm_pace *p)
{
    double backend = 0;

    if (wm_host_times(&t->all, &t->idle, p->scratch))
        return 0;
    /* Asked for each time: a connection that is reset gets another process. */
    if (p->local && wm_host_process_time(&backend, PQbackendPID(p->db->conn), p->scratch))
        return 0;
    t->ours = own_seconds() + backend;
    return 1;
}

static void look(wm_pace *p, apr_time_t now)
{
    times t;

    p->looked = now;
    if (read_times(&t, p)) {
        double all = t.all - p->then.all, ours = t.ours - p->then.ours;

        if (all > 0 && ours >= 0) {
            p->idle = (t.idle - p->then.idle) / all;
            p->others = 1 - p->idle - ours / all;
        }
        p->then = t;
    }
    apr_pool_clear(p->scratch);
}

wm_pace *wm_pace_create(const wm_db *db, apr_pool_t *pool)
{
    wm_pace *p = apr_pcalloc(pool, sizeof *p);

    apr_pool_create(&p->scratch, pool);
    p->db = db;
    p->local = is_local(db->conn);
    p->woke = p->looked = apr_time_now();
    read_times(&p->then, p);
    return p;
}

apr_interval_time_t wm_pace_nap(double others, double idle, apr_interval_time_t worked)
{
    apr_interval_time_t nap = REST_FOR_WORK * worked;

    if (others < OTHERS_MIN || idle > IDLE_ENOUGH || worked < 0)
        return 0;
    return nap < NAP_MAX ? nap : NAP_MAX;
}

void wm_pace_rest(wm_pace *p)
{
    apr_time_t now = apr_time_now();
    apr_interval_time_t nap;

    if (now - p->looked >= LOOK_EVERY)
        look(p, now);
    nap = wm_pace_nap(p->others, p->idle, now - p->woke);
    if (nap)
        apr_sleep(nap);
    p->woke = nap ? apr_time_now() : now;
}
