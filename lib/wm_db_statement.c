/* SPDX-License-Identifier: Apache-2.0 */
/* The statements of the generated table, with typed arguments, and their rows. */
#include <stdlib.h>
#include <string.h>

#include <apr_strings.h>
#include <jansson.h>
#include <libpq-events.h>

#include "wm_db.h"
#include "wm_db_own.h"
#include "wm_json_own.h"

/* PostgreSQL counts microseconds from 2000-01-01. */
#define PG_EPOCH_USEC (APR_INT64_C(946684800) * 1000000)
#define MAX_ARGS      64

struct wm_rows {
    PGresult *result;
};

static apr_status_t clear_cleanup(void *data)
{
    PQclear(data);
    return APR_SUCCESS;
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
        const wm_err *err = wm_db_error(db, *result, sql->name, pool);

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
