/* SPDX-License-Identifier: Apache-2.0 */
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include <apr_strings.h>
#include <jansson.h>
#include <libpq-events.h>

#include "wm_db.h"
#include "wm_json_own.h"

/* PostgreSQL counts microseconds from 2000-01-01. */
#define PG_EPOCH_USEC (APR_INT64_C(946684800) * 1000000)
#define MAX_ARGS      64

struct wm_rows {
    PGresult *result;
};

static apr_status_t finish_cleanup(void *data)
{
    PQfinish(data);
    return APR_SUCCESS;
}

static apr_status_t clear_cleanup(void *data)
{
    PQclear(data);
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

/* SQLSTATE, primary message and constraint only: detail and context carry data (T24). */
static const wm_err *db_error(wm_db *db, const PGresult *result, const char *what, apr_pool_t *pool)
{
    const char *state = result ? PQresultErrorField(result, PG_DIAG_SQLSTATE) : NULL;
    const char *text = result ? PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY) : NULL;
    const char *constraint = result ? PQresultErrorField(result, PG_DIAG_CONSTRAINT_NAME) : NULL;
    wm_err *err;

    if (!state)
        state = PQstatus(db->conn) == CONNECTION_BAD ? "08006" : "XX000";
    if (!text)
        text = PQstatus(db->conn) == CONNECTION_BAD ? "connection lost" : "no result";
    err = (wm_err *)wm_err_make(pool, code_of(state), "%s: %s %s%s%s", what, state, text,
                                constraint ? " by " : "", constraint ? constraint : "");
    apr_cpystrn(err->sqlstate, state, sizeof err->sqlstate);
    return err;
}

static char *put_be(char *out, apr_uint64_t value, int bytes)
{
    for (int i = bytes - 1; i >= 0; i--) {
        out[i] = (char)(value & 0xff);
        value >>= 8;
    }
    return out;
}

typedef struct bound {
    Oid types[MAX_ARGS];
    const char *values[MAX_ARGS];
    int lengths[MAX_ARGS];
    int formats[MAX_ARGS];
    char numbers[MAX_ARGS][8];
} bound;

static void bind_one(bound *b, int i, const wm_arg *arg)
{
    apr_uint64_t bits;

    b->types[i] = arg->type;
    b->formats[i] = arg->type != WM_OID_TEXT;
    b->lengths[i] = (int)arg->size;
    b->values[i] = arg->data;
    if (arg->size == (size_t)-1 || arg->data || arg->type == WM_OID_TEXT)
        return;
    switch (arg->type) {
    case WM_OID_INT8:
        b->values[i] = put_be(b->numbers[i], (apr_uint64_t)arg->number, 8);
        b->lengths[i] = 8;
        break;
    case WM_OID_INT4:
        b->values[i] = put_be(b->numbers[i], (apr_uint64_t)arg->number, 4);
        b->lengths[i] = 4;
        break;
    case WM_OID_BOOL:
        b->values[i] = put_be(b->numbers[i], (apr_uint64_t)arg->number, 1);
        b->lengths[i] = 1;
        break;
    case WM_OID_FLOAT8:
        memcpy(&bits, &arg->real, 8);
        b->values[i] = put_be(b->numbers[i], bits, 8);
        b->lengths[i] = 8;
        break;
    case WM_OID_TIMESTAMPTZ:
        b->values[i] = put_be(b->numbers[i], (apr_uint64_t)(arg->number - PG_EPOCH_USEC), 8);
        b->lengths[i] = 8;
        break;
    default:
        break;
    }
}

/* Which statements this connection has prepared, one byte each, kept with the connection itself:
 * a wm_db lives as long as a request, and PQreset, whoever calls it, loses them all (T8). */
static int prepared_event(PGEventId id, void *info, void *arg)
{
    PGconn *conn;
    char *list;

    (void)arg;
    switch (id) {
    case PGEVT_REGISTER:
        list = calloc(WM_SQL_COUNT, 1);
        conn = ((PGEventRegister *)info)->conn;
        return list && PQsetInstanceData(conn, prepared_event, list);
    case PGEVT_CONNRESET:
        list = PQinstanceData(((PGEventConnReset *)info)->conn, prepared_event);
        memset(list, 0, WM_SQL_COUNT);
        return 1;
    case PGEVT_CONNDESTROY:
        free(PQinstanceData(((PGEventConnDestroy *)info)->conn, prepared_event));
        return 1;
    default:
        return 1;
    }
}

static PGresult *exec_once(PGconn *conn, const wm_sql *sql, int count, const bound *b)
{
    return PQexecParams(conn, sql->text, count, b->types, b->values, b->lengths, b->formats, 0);
}

/* Prepares the statement when this connection has not done so.  A pooler or an operator may have
 * dropped it (26000), a migration changed what it returns (0A000): then without it, and next time
 * it is prepared anew. */
static PGresult *exec_prepared(PGconn *conn, wm_sql_id id, int count, const bound *b)
{
    const wm_sql *sql = &wm_sql_table[id];
    char *list = PQinstanceData(conn, prepared_event);
    const char *state;
    PGresult *result;

    if (!list && PQregisterEventProc(conn, prepared_event, "webmunk", NULL))
        list = PQinstanceData(conn, prepared_event);
    if (!list)
        return exec_once(conn, sql, count, b);
    if (!list[id]) {
        result = PQprepare(conn, sql->name, sql->text, count, b->types);
        if (PQresultStatus(result) != PGRES_COMMAND_OK)
            return result;
        PQclear(result);
        list[id] = 1;
    }
    result = PQexecPrepared(conn, sql->name, count, b->values, b->lengths, b->formats, 0);
    state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
    if (!state || (strcmp(state, "26000") && strcmp(state, "0A000")) ||
        PQtransactionStatus(conn) != PQTRANS_IDLE)
        return result;
    PQclear(result);
    PQclear(PQexec(conn, "DEALLOCATE ALL"));
    memset(list, 0, WM_SQL_COUNT);
    return exec_once(conn, sql, count, b);
}

static const wm_err *run(PGresult **result, wm_db *db, wm_sql_id id, wm_args args, apr_pool_t *pool)
{
    const wm_sql *sql = &wm_sql_table[id];
    ExecStatusType status;
    bound b;

    *result = NULL;
    if (args.count != sql->params || args.count > MAX_ARGS)
        return wm_err_make(pool, WM_E_SYSTEM, "%s takes %d arguments and got %d", sql->name,
                           sql->params, args.count);
    for (int i = 0; i < args.count; i++)
        bind_one(&b, i, &args.list[i]);
    *result = sql->prepared ? exec_prepared(db->conn, id, args.count, &b)
                            : exec_once(db->conn, sql, args.count, &b);
    status = PQresultStatus(*result);
    if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK) {
        const wm_err *err = db_error(db, *result, sql->name, pool);

        PQclear(*result);
        *result = NULL;
        return err;
    }
    return NULL;
}

const wm_err *wm_db_do(apr_int64_t *affected, wm_db *db, wm_sql_id id, wm_args args,
                       apr_pool_t *pool)
{
    PGresult *result;

    WM_TRY(run(&result, db, id, args, pool));
    if (affected)
        *affected = apr_atoi64(PQcmdTuples(result));
    PQclear(result);
    return NULL;
}

const wm_err *wm_db_rows(wm_rows **rows, wm_db *db, wm_sql_id id, wm_args args, apr_pool_t *pool)
{
    PGresult *result;

    WM_TRY(run(&result, db, id, args, pool));
    apr_pool_cleanup_register(pool, result, clear_cleanup, apr_pool_cleanup_null);
    *rows = apr_pcalloc(pool, sizeof **rows);
    (*rows)->result = result;
    return NULL;
}

const wm_err *wm_db_json(json_t **root, wm_db *db, wm_sql_id id, wm_args args, apr_pool_t *pool)
{
    const char *text;
    wm_rows *rows;

    *root = NULL;
    WM_TRY(wm_db_rows(&rows, db, id, args, pool));
    if (!wm_rows_count(rows) || !(text = wm_rows_text(rows, 0, 0)))
        return NULL;
    return wm_json_own_parse(root, text, strlen(text), pool);
}

const wm_err *wm_db_copy_out(wm_db *db, const char *sql, const char *what, apr_pool_t *pool)
{
    PGresult *result = PQexec(db->conn, sql);
    const wm_err *err = NULL;

    if (PQresultStatus(result) != PGRES_COPY_OUT)
        err = db_error(db, result, what, pool);
    PQclear(result);
    return err;
}

const wm_err *wm_db_copy_end(wm_db *db, const char *what, apr_pool_t *pool)
{
    const wm_err *err = NULL;
    PGresult *result;

    while ((result = PQgetResult(db->conn))) {
        if (PQresultStatus(result) != PGRES_COMMAND_OK && !err)
            err = db_error(db, result, what, pool);
        PQclear(result);
    }
    if (!err && PQstatus(db->conn) == CONNECTION_BAD)
        err = db_error(db, NULL, what, pool);
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
        err = db_error(db, result, script_place(result, text, pool), pool);
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

int wm_rows_count(const wm_rows *rows)
{
    return PQntuples(rows->result);
}

const char *wm_rows_text(const wm_rows *rows, int row, int column)
{
    return PQgetisnull(rows->result, row, column) ? NULL : PQgetvalue(rows->result, row, column);
}

apr_int64_t wm_rows_i64(const wm_rows *rows, int row, int column)
{
    return apr_atoi64(PQgetvalue(rows->result, row, column));
}

double wm_rows_f64(const wm_rows *rows, int row, int column)
{
    return strtod(PQgetvalue(rows->result, row, column), NULL);
}

int wm_rows_bool(const wm_rows *rows, int row, int column)
{
    return PQgetvalue(rows->result, row, column)[0] == 't';
}

int wm_db_retryable(const wm_err *err)
{
    return err && (!strcmp(err->sqlstate, "40P01") || !strcmp(err->sqlstate, "40001"));
}
