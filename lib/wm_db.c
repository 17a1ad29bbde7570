/* SPDX-License-Identifier: Apache-2.0 */
/* A connection: made, revived, settled; its transactions, scripts and COPY. */
#include <poll.h>
#include <string.h>

#include <apr_strings.h>

#include "wm_db.h"
#include "wm_db_own.h"

static apr_status_t finish_cleanup(void *data)
{
    PQfinish(data);
    return APR_SUCCESS;
}

wm_db *wm_db_wrap(PGconn *conn, const wm_log *log, apr_pool_t *pool)
{
    wm_db *db = apr_pcalloc(pool, sizeof *db);

    db->conn = conn;
    db->log = log;
    return db;
}

static void ignore_notice(void *arg, const PGresult *result)
{
    (void)arg;
    (void)result;
}

const wm_err *wm_db_connect(wm_db **db, const char *conninfo, const wm_log *log, apr_pool_t *pool)
{
    const char *keys[] = {"dbname", "fallback_application_name", "options", NULL};
    const char *values[] = {conninfo, "webmunk", "-c search_path=webmunk", NULL};
    PGconn *conn = PQconnectdbParams(keys, values, 1);

    if (!conn)
        return wm_err_make(pool, WM_E_SYSTEM, "no memory for a database connection");
    apr_pool_cleanup_register(pool, conn, finish_cleanup, apr_pool_cleanup_null);
    if (PQstatus(conn) != CONNECTION_OK)
        return wm_err_make(
            pool, WM_E_BUSY, "cannot connect to the database: %s",
            apr_pstrndup(pool, PQerrorMessage(conn), strcspn(PQerrorMessage(conn), "\n")));
    PQsetNoticeReceiver(conn, ignore_notice, NULL);
    *db = wm_db_wrap(conn, log, pool);
    return NULL;
}

static int is_dead(PGconn *conn)
{
    if (PQstatus(conn) != CONNECTION_OK)
        return 1;
    for (;;) {
        struct pollfd p = {.fd = PQsocket(conn), .events = POLLIN};

        if (poll(&p, 1, 0) <= 0)
            return 0;
        /* The farewell message comes before the end of file: ask until nothing is left (T9). */
        if (!PQconsumeInput(conn))
            return 1;
    }
}

const wm_err *wm_db_revive(wm_db *db, apr_pool_t *pool)
{
    if (!is_dead(db->conn))
        return NULL;
    PQreset(db->conn);
    if (PQstatus(db->conn) == CONNECTION_OK)
        return NULL;
    return wm_err_make(
        pool, WM_E_BUSY, "the database is away: %s",
        apr_pstrndup(pool, PQerrorMessage(db->conn), strcspn(PQerrorMessage(db->conn), "\n")));
}

void wm_db_settle(wm_db *db)
{
    switch (PQtransactionStatus(db->conn)) {
    case PQTRANS_IDLE:
        break;
    case PQTRANS_INTRANS:
    case PQTRANS_INERROR:
        wm_db_rollback(db);
        break;
    case PQTRANS_ACTIVE:
    case PQTRANS_UNKNOWN:
        PQreset(db->conn);
        break;
    }
}

static wm_err_code code_of(const char *state)
{
    if (!strcmp(state, "23505"))
        return WM_E_CONFLICT;
    if (!strcmp(state, "57014"))
        return WM_E_SLOW;
    /* No connection, shutting down, out of connections or disk, deadlock: worth another try. */
    if (!strncmp(state, "08", 2) || !strncmp(state, "57P", 3) || !strncmp(state, "53", 2) ||
        !strncmp(state, "40", 2) || !strcmp(state, "55P03") || !strcmp(state, "25006"))
        return WM_E_BUSY;
    return WM_E_SYSTEM;
}

/* A schema, table, column, function or type that is not there, or a right: what a new installation or
 * an update forgets. */
static const char *remedy(const char *state)
{
    static const char *const missing[] = {"3F000", "42P01", "42703", "42883", "42704", "42501"};

    for (size_t i = 0; i < sizeof missing / sizeof *missing; i++)
        if (!strcmp(state, missing[i]))
            return "; does this database have the schema and grants of this version? "
                   "\"webmunkd migrate\" makes them";
    return "";
}

/* SQLSTATE, primary message and constraint only: detail and context carry data (T24). */
const wm_err *wm_db_error(wm_db *db, const PGresult *result, const char *what, apr_pool_t *pool)
{
    const char *state = result ? PQresultErrorField(result, PG_DIAG_SQLSTATE) : NULL;
    const char *text = result ? PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY) : NULL;
    const char *constraint = result ? PQresultErrorField(result, PG_DIAG_CONSTRAINT_NAME) : NULL;
    wm_err *err;

    if (!state)
        state = PQstatus(db->conn) == CONNECTION_BAD ? "08006" : "XX000";
    if (!text)
        text = PQstatus(db->conn) == CONNECTION_BAD ? "connection lost" : "no result";
    err = (wm_err *)wm_err_make(pool, code_of(state), "%s: %s %s%s%s%s", what, state, text,
                                constraint ? " by " : "", constraint ? constraint : "",
                                remedy(state));
    apr_cpystrn(err->sqlstate, state, sizeof err->sqlstate);
    return err;
}

const wm_err *wm_db_copy_out(wm_db *db, const char *sql, const char *what, apr_pool_t *pool)
{
    PGresult *result = PQexec(db->conn, sql);
    const wm_err *err = NULL;

    if (PQresultStatus(result) != PGRES_COPY_OUT)
        err = wm_db_error(db, result, what, pool);
    PQclear(result);
    return err;
}

const wm_err *wm_db_copy_end(wm_db *db, const char *what, apr_pool_t *pool)
{
    const wm_err *err = NULL;
    PGresult *result;

    while ((result = PQgetResult(db->conn))) {
        if (PQresultStatus(result) != PGRES_COMMAND_OK && !err)
            err = wm_db_error(db, result, what, pool);
        PQclear(result);
    }
    if (!err && PQstatus(db->conn) == CONNECTION_BAD)
        err = wm_db_error(db, NULL, what, pool);
    return err;
}

/* "line 7" of a script that the server could not read; positions count from 1. */
static const char *script_place(const PGresult *result, const char *text, apr_pool_t *pool)
{
    const char *position = result ? PQresultErrorField(result, PG_DIAG_STATEMENT_POSITION) : NULL;
    int line = 1;

    if (!position)
        return "script";
    for (apr_int64_t left = apr_atoi64(position); --left > 0 && *text; text++)
        line += *text == '\n';
    return apr_psprintf(pool, "line %d", line);
}

const wm_err *wm_db_script(wm_db *db, const char *text, apr_pool_t *pool)
{
    PGresult *result = PQexec(db->conn, text);
    ExecStatusType status = PQresultStatus(result);
    const wm_err *err = NULL;

    if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK && status != PGRES_EMPTY_QUERY)
        err = wm_db_error(db, result, script_place(result, text, pool), pool);
    PQclear(result);
    return err;
}

const wm_err *wm_db_begin(wm_db *db, apr_pool_t *pool)
{
    return wm_db_script(db, "BEGIN", pool);
}

const wm_err *wm_db_commit(wm_db *db, apr_pool_t *pool)
{
    /* COMMIT of a failed transaction answers ROLLBACK with success: that is no commit. */
    int failed = PQtransactionStatus(db->conn) == PQTRANS_INERROR;

    WM_TRY(wm_db_script(db, "COMMIT", pool));
    return failed ? wm_err_make(pool, WM_E_SYSTEM, "commit of a failed transaction") : NULL;
}

void wm_db_rollback(wm_db *db)
{
    PQclear(PQexec(db->conn, "ROLLBACK"));
    if (PQtransactionStatus(db->conn) != PQTRANS_IDLE)
        PQreset(db->conn);
}

int wm_db_retryable(const wm_err *err)
{
    return err && (!strcmp(err->sqlstate, "40P01") || !strcmp(err->sqlstate, "40001"));
}

int wm_db_lost(const wm_err *err)
{
    return err && (!strncmp(err->sqlstate, "08", 2) || !strncmp(err->sqlstate, "57P", 3));
}
