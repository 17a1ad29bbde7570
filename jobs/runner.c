/* SPDX-License-Identifier: Apache-2.0 */
/* The loop of "webmunkd run": one process that claims jobs, forks one process for each run, renews
 * their leases and watches their time.  Signals are taken in ppoll alone, so that no handler does
 * anything but remember. */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <libpq-fe.h>

#include "runner.h"
#include "wm_position.h"

static volatile sig_atomic_t got_stop, got_reload;

static void on_stop(int number)
{
    (void)number;
    got_stop++;
}

static void on_reload(int number)
{
    (void)number;
    got_reload = 1;
}

static void on_child(int number)
{
    (void)number;
}

/* MASK is what ppoll lets through. */
static void set_signals(sigset_t *mask)
{
    const int list[] = {SIGTERM, SIGINT, SIGHUP, SIGCHLD};
    void (*const handlers[])(int) = {on_stop, on_stop, on_reload, on_child};
    sigset_t blocked;

    sigemptyset(&blocked);
    for (size_t i = 0; i < sizeof list / sizeof *list; i++) {
        struct sigaction action = {.sa_handler = handlers[i]};

        sigemptyset(&action.sa_mask);
        sigaction(list[i], &action, NULL);
        sigaddset(&blocked, list[i]);
    }
    signal(SIGPIPE, SIG_IGN);
    sigprocmask(SIG_BLOCK, &blocked, mask);
    for (size_t i = 0; i < sizeof list / sizeof *list; i++)
        sigdelset(mask, list[i]);
}

static int children_count(const wm_runner *r)
{
    int count = 0;

    for (int i = 0; i < WM_SLOTS_MAX; i++)
        count += r->children[i].job != NULL;
    return count;
}

/* --- processes ---------------------------------------------------------------------------------- */

static void start(wm_runner *r, wm_child *c)
{
    pid_t pid;

    fflush(NULL); /* or both would write what is buffered */
    pid = fork();
    if (pid == 0)
        wm_child_main(r, c);
    if (pid > 0) {
        c->pid = pid;
        return;
    }
    wm_log_write(r->log, WM_LOG_ERROR, "WM0401 cannot start a process: %s", strerror(errno));
    c->ended = 1;
    c->status = WM_CHILD_FAILED << 8;
}

static void reap(wm_runner *r)
{
    for (int i = 0; i < WM_SLOTS_MAX; i++) {
        wm_child *c = &r->children[i];

        if (!c->pid || waitpid(c->pid, &c->status, WNOHANG) != c->pid)
            continue;
        c->pid = 0;
        c->ended = 1;
        r->wake = 1;
    }
}

static void press(wm_child *c, wm_press how)
{
    static const int signals[] = {0, SIGTERM, SIGINT, SIGTERM, SIGKILL};

    c->press = how;
    c->pressed = apr_time_now();
    if (c->pid)
        kill(c->pid, signals[how]);
}

/* Begin to end those that have to, go on with those that do not listen.  Returns when to look
 * again. */
static apr_time_t press_all(wm_runner *r)
{
    apr_time_t now = apr_time_now(), next = now + r->poll;

    for (int i = 0; i < WM_SLOTS_MAX; i++) {
        wm_child *c = &r->children[i];
        apr_time_t due;

        if (!c->pid)
            continue;
        if (!c->late && c->press == WM_PRESS_NONE && now >= c->deadline)
            c->late = 1;
        if (c->lost && c->press < WM_PRESS_KILL)
            press(c, WM_PRESS_KILL);
        else if (c->press == WM_PRESS_NONE && c->late)
            press(c, WM_PRESS_CANCEL);
        else if (c->press == WM_PRESS_NONE && (c->asked || r->stopping))
            press(c, WM_PRESS_ASK);
        if (c->press == WM_PRESS_NONE) {
            due = c->deadline;
        } else {
            due = c->pressed + (c->press == WM_PRESS_ASK ? (r->hurry ? 0 : r->grace) : r->patience);
            if (c->press < WM_PRESS_KILL && now >= due) {
                press(c, c->press + 1);
                due = now + r->patience;
            }
        }
        if (due < next)
            next = due;
    }
    return next;
}

/* --- the database ------------------------------------------------------------------------------- */

static void forget(wm_child *c)
{
    apr_pool_destroy(c->pool);
    memset(c, 0, sizeof *c);
}

/* Write what became of runs whose processes did not; a place is free when that is known. */
static const wm_err *settle(wm_runner *r)
{
    for (int i = 0; i < WM_SLOTS_MAX; i++) {
        wm_child *c = &r->children[i];

        if (!c->ended)
            continue;
        if (!c->lost && (!WIFEXITED(c->status) || WEXITSTATUS(c->status) != WM_CHILD_RECORDED))
            WM_TRY(wm_runner_record(r, c));
        forget(c);
    }
    return NULL;
}

static const wm_err *claim(wm_runner *r)
{
    wm_child *claimed[WM_SLOTS_MAX];
    int count;

    WM_TRY(wm_runner_tick(r));
    WM_TRY(wm_runner_claim(&count, claimed, r));
    for (int i = 0; i < count; i++)
        start(r, claimed[i]);
    return NULL;
}

static const wm_err *turn(wm_runner *r)
{
    apr_time_t now = apr_time_now();
    PGnotify *note;

    if (!PQconsumeInput(r->db->conn))
        return wm_err_make(r->scratch, WM_E_BUSY, "the database ended the connection");
    while ((note = PQnotifies(r->db->conn))) {
        PQfreemem(note);
        r->wake = 1;
    }
    WM_TRY(settle(r));
    if (!r->wake && now - r->polled < r->poll)
        return NULL;
    WM_TRY(wm_runner_renew(r));
    if (!r->stopping)
        WM_TRY(claim(r));
    r->polled = now;
    r->wake = 0;
    return NULL;
}

/* The database is away: ask again soon, then less soon. */
static void lose(wm_runner *r, const wm_err *err)
{
    if (!r->failures)
        wm_log_write(r->log, WM_LOG_ERROR, "WM0402 %s; trying again", wm_err_text(err, r->scratch));
    wm_runner_disconnect(r);
    r->ask_again = apr_time_now() + APR_USEC_PER_SEC * (r->failures < 5 ? 1 << r->failures : 30);
    r->failures++;
}

/* Without the database for a whole lease: others have the jobs by now. */
static void lapse(wm_runner *r)
{
    if (apr_time_now() - r->renewed < r->lease)
        return;
    for (int i = 0; i < WM_SLOTS_MAX; i++)
        r->children[i].lost = r->children[i].job != NULL;
}

static const wm_err *connect_first(wm_runner *r)
{
    WM_TRY(wm_runner_connect(r));
    WM_TRY(wm_position_raise(r->db, r->scratch));
    WM_TRY(wm_runner_sync(r));
    if (r->failures)
        wm_log_write(r->log, WM_LOG_NOTICE, "WM0403 the database is back");
    r->failures = 0;
    r->wake = 1;
    wm_notify("READY=1");
    return NULL;
}

/* One look at everything.  An error ends the runner. */
static const wm_err *look(wm_runner *r)
{
    const wm_err *err = NULL;

    apr_pool_clear(r->scratch);
    reap(r);
    if (!r->db && apr_time_now() >= r->ask_again) {
        err = connect_first(r);
        /* Not away, but without our tables or rights: waiting does not help. */
        if (err && err->code != WM_E_BUSY && !r->renewed)
            return wm_err_wrap(r->pool, err, "the database has no jobs; has migrate run?");
    }
    if (!err && r->db)
        err = turn(r);
    if (err)
        lose(r, err);
    if (!r->db)
        lapse(r);
    if (!r->db && r->stopping)
        for (int i = 0; i < WM_SLOTS_MAX; i++)
            if (r->children[i].ended)
                forget(&r->children[i]); /* its lease lapses */
    return NULL;
}

static void reload(wm_runner *r)
{
    got_reload = 0;
    wm_notify("RELOADING=1\nMONOTONIC_USEC=%" APR_INT64_T_FMT, wm_notify_clock());
    if (r->reload)
        r->reload(r);
    wm_log_write(r->log, WM_LOG_NOTICE, "WM0404 connecting anew");
    wm_runner_disconnect(r);
    r->ask_again = 0;
}

static void begin_to_stop(wm_runner *r, int times)
{
    if (!r->stopping) {
        wm_notify("STOPPING=1\nSTATUS=ending runs");
        wm_log_write(r->log, WM_LOG_NOTICE, "WM0405 stopping; %d runs are asked to end",
                     children_count(r));
    }
    r->stopping = 1;
    r->hurry = times > 1;
}

const wm_err *wm_runner_loop(wm_runner *r)
{
    apr_interval_time_t watchdog = wm_notify_watchdog() / 2;
    apr_time_t next, now;
    sigset_t mask;

    set_signals(&mask);
    for (;;) {
        struct pollfd fd = {.fd = -1, .events = POLLIN};
        struct timespec wait = {0};

        if (got_stop)
            begin_to_stop(r, got_stop);
        if (got_reload)
            reload(r);
        WM_TRY(look(r));
        if (r->stopping && !children_count(r))
            return NULL;
        next = press_all(r);
        now = apr_time_now();
        if (!r->db && r->ask_again < next)
            next = r->ask_again;
        if (watchdog) {
            wm_notify("WATCHDOG=1\nSTATUS=%d runs", children_count(r));
            if (now + watchdog < next)
                next = now + watchdog;
        }
        if (next > now) {
            wait.tv_sec = (time_t)apr_time_sec(next - now);
            wait.tv_nsec = (long)apr_time_usec(next - now) * 1000;
        }
        if (r->db)
            fd.fd = PQsocket(r->db->conn);
        ppoll(&fd, 1, &wait, &mask);
    }
}
