/* SPDX-License-Identifier: Apache-2.0 */
/* WebmunkMemoryMax: who waits, who goes on, who is refused. */
#include <apr_general.h>
#include <apr_pools.h>
#include <apr_thread_proc.h>

#include "../../mod_webmunk/memory.h"
#include "tap.h"

enum { MAX = 1000 };

typedef struct asker {
    const wm_budget *budget;
    size_t bytes;
    const wm_err *err;
    apr_pool_t *pool;
} asker;

static const wm_err *ask(const wm_budget *budget, size_t bytes, apr_pool_t *pool)
{
    return budget->take(budget->host, bytes, pool);
}

static void give(const wm_budget *budget, size_t bytes)
{
    budget->give(budget->host, bytes);
}

static void *APR_THREAD_FUNC ask_thread(apr_thread_t *thread, void *data)
{
    asker *a = data;

    a->err = ask(a->budget, a->bytes, a->pool);
    apr_thread_exit(thread, APR_SUCCESS);
    return NULL;
}

static apr_thread_t *start(asker *a, const wm_budget *budget, size_t bytes, apr_pool_t *pool)
{
    apr_thread_t *thread;

    a->budget = budget;
    a->bytes = bytes;
    apr_pool_create(&a->pool, NULL);
    apr_thread_create(&thread, NULL, ask_thread, a, pool);
    return thread;
}

static void join(apr_thread_t *thread)
{
    apr_status_t rv;

    apr_thread_join(&rv, thread);
}

int main(void)
{
    apr_pool_t *pool, *first_pool, *second_pool;
    const wm_budget *first, *second, *third;
    struct wm_ledger *hasty, *patient;
    asker a, b;
    apr_thread_t *thread, *other;

    apr_initialize();
    apr_pool_create(&pool, NULL);
    ok(!wm_ledger_create(&hasty, MAX, 0, pool), "a ledger without patience");
    ok(!wm_ledger_create(&patient, MAX, apr_time_from_sec(60), pool), "and one with much");

    apr_pool_create(&first_pool, pool);
    apr_pool_create(&second_pool, pool);
    first = wm_ledger_account(hasty, first_pool);
    second = wm_ledger_account(hasty, second_pool);
    ok(!ask(first, 10 * MAX, pool), "who is alone gets more than the limit");
    ok(ask(second, 1, pool) != NULL, "then nobody else gets anything");
    is_int(ask(second, 1, pool)->code, WM_E_BUSY, "... and is told to come back");
    ok(!ask(first, MAX, pool), "the one who is alone may go on growing");
    apr_pool_destroy(first_pool);
    ok(!ask(second, MAX / 2, pool), "an account that closes gives everything back");
    apr_pool_create(&first_pool, pool);
    first = wm_ledger_account(hasty, first_pool);
    ok(!ask(first, MAX / 2, pool), "two that fit share");
    ok(ask(first, 1, pool) != NULL, "... up to the limit");
    give(second, MAX / 2);
    ok(!ask(first, 1, pool), "what is given back can be had");

    first = wm_ledger_account(patient, pool);
    second = wm_ledger_account(patient, pool);
    third = wm_ledger_account(patient, pool);
    ok(!ask(first, 600, pool) && !ask(second, 400, pool), "two requests hold everything");
    thread = start(&a, third, 300, pool);
    give(first, 300);
    join(thread);
    ok(!a.err, "who waits gets what others give back");
    give(third, 300);

    ok(!ask(third, 300, pool), "everything is held again, by three");
    thread = start(&a, first, 100, pool);
    other = start(&b, second, 100, pool);
    ok(ask(third, 100, pool) != NULL,
       "when all wait for each other the youngest is refused at once");
    give(third, 300);
    join(thread);
    join(other);
    ok(!a.err && !b.err, "... and the others go on");

    apr_terminate();
    return done();
}
