/* SPDX-License-Identifier: Apache-2.0 */
/* All SQL of the product goes through here.  The host owns the PGconn: mod_dbd's pool in httpd,
 * a connection of its own in webmunkd.  libpq only, no apr_dbd queries (T1, T3-T8). */
#ifndef WM_DB_H
#define WM_DB_H

#include <apr_pools.h>
#include <apr_time.h>
#include <libpq-fe.h>

#include "wm_err.h"
#include "wm_log.h"
#include "wm_sql.h"

struct json_t;

typedef struct wm_db {
    PGconn *conn;
    const wm_log *log;
} wm_db;

/* PostgreSQL's type numbers (pg_type.dat; they never change). */
enum {
    WM_OID_BOOL = 16,
    WM_OID_BYTEA = 17,
    WM_OID_INT8 = 20,
    WM_OID_INT2 = 21,
    WM_OID_INT4 = 23,
    WM_OID_TEXT = 25,
    WM_OID_FLOAT8 = 701,
    WM_OID_TIMESTAMPTZ = 1184,
    WM_OID_UUID = 2950,
    WM_OID_JSONB = 3802,
    WM_OID_BIT = 1560,
    WM_OID_BIT_ARRAY = 1561,
    WM_OID_BOOL_ARRAY = 1000,
    WM_OID_BYTEA_ARRAY = 1001,
    WM_OID_INT2_ARRAY = 1005,
    WM_OID_INT4_ARRAY = 1007,
    WM_OID_TEXT_ARRAY = 1009,
    WM_OID_INT8_ARRAY = 1016,
    WM_OID_FLOAT8_ARRAY = 1022,
    WM_OID_TIMESTAMPTZ_ARRAY = 1185,
    WM_OID_UUID_ARRAY = 2951,
    WM_OID_JSONB_ARRAY = 3807
};

/* One typed argument.  Numbers travel in binary, texts as text, arrays in binary as wm_pgarray
 * made them. */
typedef struct wm_arg {
    Oid type;
    const void *data; /* NULL: SQL null, unless the number is used */
    size_t size;
    apr_int64_t number;
    double real;
} wm_arg;

typedef struct wm_args {
    int count;
    const wm_arg *list;
} wm_args;

/* TEXT is sent as text: cast to what it is once, $1::text::jsonb (T23).  s may be NULL. */
#define WM_TEXT(s)           ((wm_arg){.type = WM_OID_TEXT, .data = (s)})
#define WM_I64(n)            ((wm_arg){.type = WM_OID_INT8, .number = (n)})
#define WM_I32(n)            ((wm_arg){.type = WM_OID_INT4, .number = (n)})
#define WM_BOOL(b)           ((wm_arg){.type = WM_OID_BOOL, .number = !!(b)})
#define WM_F64(x)            ((wm_arg){.type = WM_OID_FLOAT8, .real = (x)})
#define WM_TIME(t)           ((wm_arg){.type = WM_OID_TIMESTAMPTZ, .number = (t)}) /* apr_time_t */
#define WM_NULL(oid)         ((wm_arg){.type = (oid), .size = (size_t)-1})
#define WM_UUID(p)           ((wm_arg){.type = WM_OID_UUID, .data = (p), .size = 16})
#define WM_BYTES(p, n)       ((wm_arg){.type = WM_OID_BYTEA, .data = (p), .size = (n)})
#define WM_BINARY(oid, p, n) ((wm_arg){.type = (oid), .data = (p), .size = (n)}) /* arrays */
#define WM_ARGS(...) \
    ((wm_args){(int)(sizeof((wm_arg[]){__VA_ARGS__}) / sizeof(wm_arg)), (wm_arg[]){__VA_ARGS__}})
#define WM_NO_ARGS ((wm_args){0, NULL})

typedef struct wm_rows wm_rows;

/* Use CONN; nothing is sent.  The result lives in POOL. */
wm_db *wm_db_wrap(PGconn *conn, const wm_log *log, apr_pool_t *pool);

/* Connect by CONNINFO (webmunkd and tests); POOL's cleanup finishes the connection.
 * WM_E_BUSY when the server is away. */
const wm_err *wm_db_connect(wm_db **db, const char *conninfo, const wm_log *log, apr_pool_t *pool);

/* Before use of a pooled connection: find out without a round trip whether it died meanwhile (T9)
 * and reset it.  WM_E_BUSY when the database is away. */
const wm_err *wm_db_revive(wm_db *db, apr_pool_t *pool);

/* After use: whatever is open is rolled back, whatever is unfinished is reset (T13, T14). */
void wm_db_settle(wm_db *db);

/* Run a statement; *AFFECTED (may be NULL) gets the number of rows changed or returned. */
const wm_err *wm_db_do(apr_int64_t *affected, wm_db *db, wm_sql_id id, wm_args args,
                       apr_pool_t *pool);

/* Run a statement and keep its rows in POOL.  Results come as text. */
const wm_err *wm_db_rows(wm_rows **rows, wm_db *db, wm_sql_id id, wm_args args, apr_pool_t *pool);

/* Run a statement whose first column of the first row is JSON of our own making; *ROOT belongs to
 * POOL.  No row: *ROOT is NULL. */
const wm_err *wm_db_json(struct json_t **root, wm_db *db, wm_sql_id id, wm_args args,
                         apr_pool_t *pool);

/* Begin SQL, a COPY ... TO STDOUT that the caller put together from files of sql/; PQgetCopyData has
 * its lines.  WHAT names it in errors. */
const wm_err *wm_db_copy_out(wm_db *db, const char *sql, const char *what, apr_pool_t *pool);

/* How that COPY ended, after its last line. */
const wm_err *wm_db_copy_end(wm_db *db, const char *what, apr_pool_t *pool);

/* Run a text of one or more statements without parameters: migrations, BEGIN, COMMIT. */
const wm_err *wm_db_script(wm_db *db, const char *text, apr_pool_t *pool);

const wm_err *wm_db_begin(wm_db *db, apr_pool_t *pool);
const wm_err *wm_db_commit(wm_db *db, apr_pool_t *pool);
void wm_db_rollback(wm_db *db);

int wm_rows_count(const wm_rows *rows);
/* NULL for SQL null; the text lives as long as the rows. */
const char *wm_rows_text(const wm_rows *rows, int row, int column);
/* 0 for SQL null and for text that is no number. */
apr_int64_t wm_rows_i64(const wm_rows *rows, int row, int column);
double wm_rows_f64(const wm_rows *rows, int row, int column);
int wm_rows_bool(const wm_rows *rows, int row, int column);

/* Nonzero when ERR is a deadlock or serialization failure and the transaction may be repeated. */
int wm_db_retryable(const wm_err *err);

/* Nonzero when ERR ended the connection: nobody knows whether what was under way is committed. */
int wm_db_lost(const wm_err *err);

#endif
