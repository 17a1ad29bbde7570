/* SPDX-License-Identifier: Apache-2.0 */
/* webmunkd: what an administrator does at the command line. */
#include "config.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <apr_general.h>
#include <libpq-fe.h>

#include "command.h"
#include "prompt.h"
#include "settings.h"
#include "wm_box.h"

enum { EXIT_FAILED = 1, EXIT_USAGE = 2 };

/* What a signal cancels; PQcancel and reading the state are what a handler may do with libpq. */
static PGconn *volatile connection;
static PGcancel *volatile cancel;
static volatile sig_atomic_t interrupted;

/* A statement under way fails, its transaction is rolled back, and the program ends by its own
 * cleanups.  Outside a statement, or the second time, it ends at once: the server rolls back what
 * a vanished client left open. */
static void on_signal(int number)
{
    char reason[256];

    wm_prompt_restore();
    if (interrupted || !cancel || PQtransactionStatus(connection) != PQTRANS_ACTIVE) {
        signal(number, SIG_DFL);
        raise(number);
        return;
    }
    interrupted = number;
    PQcancel(cancel, reason, sizeof reason);
}

static void catch_signals(void)
{
    struct sigaction action = {.sa_handler = on_signal};
    const int list[] = {SIGINT, SIGTERM, SIGHUP};

    sigemptyset(&action.sa_mask);
    for (size_t i = 0; i < sizeof list / sizeof *list; i++) {
        sigaddset(&action.sa_mask, list[i]);
        sigaction(list[i], &action, NULL);
    }
    signal(SIGPIPE, SIG_DFL);
}

static int on_log(void *host, wm_log_level level)
{
    (void)host;
    return level <= WM_LOG_NOTICE;
}

static void log_line(void *host, wm_log_level level, const char *fmt, va_list ap)
    __attribute__((format(printf, 3, 0)));

static void log_line(void *host, wm_log_level level, const char *fmt, va_list ap)
{
    (void)host;
    (void)level;
    fputs("webmunkd: ", stderr);
    vfprintf(stderr, fmt, ap);
    fputc('\n', stderr);
}

static const wm_log stderr_log = {.enabled = on_log, .write = log_line};

static const wm_err *execute(wm_run *run)
{
    const wm_settings *settings;
    const wm_err *err;

    WM_TRY(wm_box_init(run->pool));
    if (run->command->needs) {
        WM_TRY(wm_settings_read(&settings, wm_settings_path(run->config), run->pool));
        wm_settings_use(settings);
        run->conninfo = run->database ? run->database : wm_settings_conninfo();
    }
    if (!(run->command->needs & WM_NEEDS_DATABASE))
        return run->command->run(run);
    WM_TRY(wm_db_connect(&run->db, run->conninfo, &stderr_log, run->pool));
    connection = run->db->conn;
    cancel = PQgetCancel(run->db->conn);
    err = run->command->run(run);
    wm_db_settle(run->db);
    return err;
}

static int report(wm_run *run, const wm_err *err)
{
    PGcancel *done = cancel;

    cancel = NULL;
    PQfreeCancel(done);
    if (interrupted) {
        fputs("webmunkd: interrupted; what was not finished is rolled back\n", stderr);
        return 128 + interrupted;
    }
    if (err) {
        fprintf(stderr, "webmunkd: %s\n", wm_err_text(err, run->pool));
        if (run->command && run->command->failure)
            return run->command->failure;
        return run->usage ? EXIT_USAGE : EXIT_FAILED;
    }
    if (fflush(stdout) || ferror(stdout)) {
        perror("webmunkd: cannot write the output");
        return EXIT_FAILED;
    }
    return run->status;
}

int main(int argc, const char *const *argv)
{
    wm_run run = {0};
    const wm_err *err;
    int help, version, status;

    if (apr_initialize() != APR_SUCCESS)
        return EXIT_FAILED;
    apr_pool_create(&run.pool, NULL);
    catch_signals();
    run.log = &stderr_log;
    err = wm_options_parse(&run, &help, &version, argc - 1, argv + 1);
    if (!err && help == 2)
        wm_help_command(run.command);
    else if (!err && help)
        wm_help_program();
    else if (!err && version)
        puts("webmunkd " PACKAGE_VERSION);
    else if (!err)
        err = execute(&run);
    status = report(&run, err);
    apr_pool_destroy(run.pool);
    apr_terminate();
    return status;
}
