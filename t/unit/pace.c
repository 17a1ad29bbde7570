/* SPDX-License-Identifier: Apache-2.0 */
/* Who gives way to whom, and what the machine says of its processes. */
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <apr_general.h>

#include "tap.h"
#include "wm_host.h"
#include "wm_pace.h"

#define MS APR_TIME_C(1000)

static apr_pool_t *pool;

static void test_naps(void)
{
    ok(!wm_pace_nap(0, 0, 10 * MS), "who has the machine alone does not rest, however busy it is");
    ok(!wm_pace_nap(0.1, 0, 10 * MS), "nor for others that do next to nothing");
    ok(!wm_pace_nap(0.5, 0.5, 10 * MS), "nor where there is enough for all");
    ok(wm_pace_nap(0.9, 0.05, 10 * MS) == 30 * MS, "else work has a quarter of the time");
    ok(wm_pace_nap(0.9, 0, 60000 * MS) == 250 * MS, "and a rest after long work has a bound");
    ok(!wm_pace_nap(0.9, 0, -10 * MS), "a clock that is set back changes nothing");
}

/* A process whose name looks like what stands behind it, and that works until it is killed. */
static pid_t start_worker(void)
{
    pid_t pid = fork();

    if (pid)
        return pid;
    prctl(PR_SET_NAME, "a) R 1 2 (b");
    for (volatile unsigned n = 0;; n++)
        ;
}

static void test_process(void)
{
    double first, now, all, idle;
    const wm_err *err;
    pid_t pid = start_worker();
    int status;

    err = wm_host_process_time(&first, pid, pool);
    ok(pid > 0 && !err && first >= 0, "a process of any name has its time");
    do {
        now = first;
        err = wm_host_process_time(&now, pid, pool);
    } while (!err && now < first + 0.05);
    ok(!err, "which grows while it works");
    ok(!wm_host_times(&all, &idle, pool) && all > now && idle >= 0 && idle < all,
       "all processors have more");
    kill(pid, SIGKILL);
    waitpid(pid, &status, 0);
    err = wm_host_process_time(&now, pid, pool);
    ok(err && err->code == WM_E_NOT_FOUND, "one that has ended has none");
}

int main(void)
{
    apr_initialize();
    apr_pool_create(&pool, NULL);
    test_naps();
    test_process();
    apr_terminate();
    return done();
}
