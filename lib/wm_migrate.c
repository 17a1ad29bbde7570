/* SPDX-License-Identifier: Apache-2.0 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include <apr_file_io.h>
#include <apr_strings.h>
#include <sodium.h>

#include "wm_csrf.h"
#include "wm_migrate.h"
#include "wm_position.h"

enum { NUMBER_DIGITS = 4, FILE_MAX = 4 * 1024 * 1024 };

/* "0003-pages.sql" -> 3, "pages"; 0 when the name does not fit. */
static int parse_name(wm_migration *m, const char *name, apr_pool_t *pool)
{
    size_t size = strlen(name);

    if (size < NUMBER_DIGITS + 6 || strcmp(name + size - 4, ".sql") || name[NUMBER_DIGITS] != '-')
        return 0;
    m->number = 0;
    for (int i = 0; i < NUMBER_DIGITS; i++) {
        if (!isdigit((unsigned char)name[i]))
            return 0;
        m->number = m->number * 10 + (name[i] - '0');
    }
    m->title = apr_pstrndup(pool, name + NUMBER_DIGITS + 1, size - NUMBER_DIGITS - 5);
    m->file = apr_pstrdup(pool, name);
    return m->number > 0;
}

static const wm_err *read_text(const char **text, apr_size_t *size, const char *path,
                               apr_pool_t *pool)
{
    apr_file_t *file;
    apr_finfo_t info;
    char *data;
    apr_status_t status = apr_file_open(&file, path, APR_FOPEN_READ, APR_FPROT_OS_DEFAULT, pool);

    if (status)
        return wm_err_apr(pool, status, "cannot read %s", path);
    status = apr_file_info_get(&info, APR_FINFO_SIZE, file);
    if (!status && info.size > FILE_MAX) {
        apr_file_close(file);
        return wm_err_make(pool, WM_E_INPUT, "%s is larger than %d bytes", path, FILE_MAX);
    }
    if (!status) {
        data = apr_pcalloc(pool, (apr_size_t)info.size + 1);
        status = apr_file_read_full(file, data, (apr_size_t)info.size, size);
        *text = data;
        if (APR_STATUS_IS_EOF(status) && *size == (apr_size_t)info.size)
            status = APR_SUCCESS;
    }
    apr_file_close(file);
    if (status)
        return wm_err_apr(pool, status, "cannot read %s", path);
    if (strlen(*text) != *size)
        return wm_err_make(pool, WM_E_INPUT, "%s has a zero byte", path);
    return NULL;
}

static const wm_err *load(wm_migration *m, const char *dir, apr_pool_t *pool)
{
    unsigned char digest[crypto_hash_sha256_BYTES];
    char *hex = apr_palloc(pool, 2 * sizeof digest + 1);
    apr_size_t size = 0;

    WM_TRY(read_text(&m->text, &size, apr_pstrcat(pool, dir, "/", m->file, NULL), pool));
    crypto_hash_sha256(digest, (const unsigned char *)m->text, size);
    sodium_bin2hex(hex, 2 * sizeof digest + 1, digest, sizeof digest);
    m->hash = hex;
    return NULL;
}

static int by_number(const void *a, const void *b)
{
    return ((const wm_migration *)a)->number - ((const wm_migration *)b)->number;
}

static const wm_err *collect(apr_array_header_t *list, apr_dir_t *open, const char *dir,
                             apr_pool_t *pool)
{
    apr_finfo_t entry;

    while (apr_dir_read(&entry, APR_FINFO_NAME, open) == APR_SUCCESS) {
        size_t size = strlen(entry.name);
        wm_migration m = {0};

        /* Editors leave other files behind; only .sql files are ours. */
        if (entry.name[0] == '.' || size < 4 || strcmp(entry.name + size - 4, ".sql"))
            continue;
        if (!parse_name(&m, entry.name, pool))
            return wm_err_make(pool, WM_E_INPUT, "%s/%s is not named NNNN-title.sql", dir,
                               entry.name);
        WM_TRY(load(&m, dir, pool));
        APR_ARRAY_PUSH(list, wm_migration) = m;
    }
    return NULL;
}

const wm_err *wm_migrate_read(apr_array_header_t **list, const char *dir, apr_pool_t *pool)
{
    apr_dir_t *open;
    apr_status_t status = apr_dir_open(&open, dir, pool);
    const wm_err *err;

    if (status)
        return wm_err_apr(pool, status, "cannot read the schema directory %s", dir);
    *list = apr_array_make(pool, 16, sizeof(wm_migration));
    err = collect(*list, open, dir, pool);
    apr_dir_close(open);
    WM_TRY(err);
    if (!(*list)->nelts)
        return wm_err_make(pool, WM_E_INPUT, "the schema directory %s has no NNNN-title.sql file",
                           dir);
    qsort((*list)->elts, (size_t)(*list)->nelts, sizeof(wm_migration), by_number);
    for (int i = 0; i < (*list)->nelts; i++) {
        const wm_migration *m = &APR_ARRAY_IDX(*list, i, wm_migration);
        const wm_migration *before = i ? m - 1 : NULL;

        if (before && before->number == m->number)
            return wm_err_make(pool, WM_E_INPUT, "%s and %s have the same number", before->file,
                               m->file);
        if (m->number != i + 1)
            return wm_err_make(pool, WM_E_INPUT, "number %04d is missing before %s in %s", i + 1,
                               m->file, dir);
    }
    return NULL;
}

/* What the database has recorded goes into LIST: into the file's row, or as a row without file. */
static const wm_err *merge_recorded(apr_array_header_t *list, wm_db *db, apr_pool_t *pool)
{
    int files = list->nelts;
    wm_rows *rows;

    WM_TRY(wm_db_rows(&rows, db, WM_SQL_MIGRATE_SCHEMA_EXISTS, WM_NO_ARGS, pool));
    if (!wm_rows_bool(rows, 0, 1))
        return NULL;
    WM_TRY(wm_db_rows(&rows, db, WM_SQL_MIGRATE_LIST, WM_NO_ARGS, pool));
    for (int i = 0; i < wm_rows_count(rows); i++) {
        int number = (int)wm_rows_i64(rows, i, 0);
        wm_migration *m = NULL;

        /* Numbers of files have no gaps. */
        if (number >= 1 && number <= files)
            m = &APR_ARRAY_IDX(list, number - 1, wm_migration);
        if (!m) {
            m = apr_array_push(list);
            memset(m, 0, sizeof *m);
            m->number = number;
            m->title = wm_rows_text(rows, i, 1);
        }
        m->recorded = wm_rows_text(rows, i, 2);
        m->applied = wm_rows_text(rows, i, 3);
    }
    return NULL;
}

const wm_err *wm_migrate_status(apr_array_header_t **list, wm_db *db, const char *dir,
                                apr_pool_t *pool)
{
    WM_TRY(wm_migrate_read(list, dir, pool));
    return merge_recorded(*list, db, pool);
}

const wm_err *wm_migrate_judge(const apr_array_header_t *list, apr_pool_t *pool)
{
    int newest = 0;

    for (int i = 0; i < list->nelts; i++) {
        const wm_migration *m = &APR_ARRAY_IDX(list, i, wm_migration);

        if (m->recorded)
            newest = m->number > newest ? m->number : newest;
        if (!m->file)
            return wm_err_make(
                pool, WM_E_CONFLICT,
                "the database has migration %04d (%s), and this program has no file "
                "for it: the database is newer than the program, or the file is missing",
                m->number, m->title);
        if (m->recorded && strcmp(m->recorded, m->hash))
            return wm_err_make(
                pool, WM_E_CONFLICT,
                "%s was changed after it was applied on %s: restore the file and put "
                "the change into a new one",
                m->file, m->applied);
    }
    for (int i = 0; i < list->nelts; i++) {
        const wm_migration *m = &APR_ARRAY_IDX(list, i, wm_migration);

        if (!m->recorded && m->number < newest)
            return wm_err_make(pool, WM_E_CONFLICT,
                               "%s was never applied, but later ones were: give it a new number",
                               m->file);
    }
    return NULL;
}

static const wm_err *apply_one(wm_db *db, const wm_migration *m, apr_pool_t *pool)
{
    WM_TRY(wm_db_begin(db, pool));
    WM_TRY(wm_db_script(db, "SET LOCAL search_path = webmunk", pool));
    WM_TRY(wm_db_script(db, m->text, pool));
    if (PQtransactionStatus(db->conn) != PQTRANS_INTRANS)
        return wm_err_make(pool, WM_E_INPUT, "the file ends the transaction that it runs in");
    WM_TRY(wm_db_do(NULL, db, WM_SQL_MIGRATE_RECORD,
                    WM_ARGS(WM_I64(m->number), WM_TEXT(m->title), WM_TEXT(m->hash)), pool));
    return wm_db_commit(db, pool);
}

/* Schema and wm_schema, unless they are there: CREATE IF NOT EXISTS asks for the right to create
 * even then. */
static const wm_err *prepare(wm_db *db, apr_pool_t *pool)
{
    wm_rows *rows;

    WM_TRY(wm_db_rows(&rows, db, WM_SQL_MIGRATE_SCHEMA_EXISTS, WM_NO_ARGS, pool));
    if (!wm_rows_bool(rows, 0, 0))
        WM_TRY(wm_db_do(NULL, db, WM_SQL_MIGRATE_CREATE_SCHEMA, WM_NO_ARGS, pool));
    if (!wm_rows_bool(rows, 0, 1))
        WM_TRY(wm_db_do(NULL, db, WM_SQL_MIGRATE_CREATE_TABLE, WM_NO_ARGS, pool));
    return NULL;
}

static const wm_err *put_secret(wm_db *db, apr_pool_t *pool)
{
    unsigned char secret[WM_SECRET_SIZE];
    const wm_err *err;

    randombytes_buf(secret, sizeof secret);
    err = wm_db_do(NULL, db, WM_SQL_MIGRATE_SECRET, WM_ARGS(WM_BYTES(secret, sizeof secret)), pool);
    sodium_memzero(secret, sizeof secret);
    return err;
}

static const wm_err *apply_grants(wm_db *db, const char *grants, apr_pool_t *pool)
{
    apr_size_t size = 0;
    const char *text;

    WM_TRY(read_text(&text, &size, grants, pool));
    WM_TRY(wm_db_begin(db, pool));
    WM_TRY(wm_db_script(db, "SET LOCAL search_path = webmunk", pool));
    WM_TRY(wm_db_script(db, text, pool));
    return wm_db_commit(db, pool);
}

static const wm_err *run_locked(int *applied, wm_db *db, const char *dir, const char *grants,
                                wm_migrate_note *note, void *baton, apr_pool_t *pool)
{
    apr_array_header_t *list;

    /* Read under the lock: another run may just have finished. */
    WM_TRY(wm_migrate_status(&list, db, dir, pool));
    WM_TRY(wm_migrate_judge(list, pool));
    WM_TRY(prepare(db, pool));
    for (int i = 0; i < list->nelts; i++) {
        const wm_migration *m = &APR_ARRAY_IDX(list, i, wm_migration);
        const wm_err *err;

        if (m->recorded)
            continue;
        if (note)
            note(baton, m);
        if ((err = apply_one(db, m, pool)))
            return wm_err_wrap(pool, err, "%s", m->file);
        ++*applied;
    }
    WM_TRY(wm_position_raise(db, pool));
    if (grants) {
        const wm_err *err = apply_grants(db, grants, pool);

        if (err)
            return wm_err_wrap(pool, err, "%s", grants);
    }
    return put_secret(db, pool);
}

const wm_err *wm_migrate_run(int *applied, wm_db *db, const char *dir, const char *grants,
                             wm_migrate_note *note, void *baton, apr_pool_t *pool)
{
    apr_array_header_t *list;
    const wm_err *err;
    wm_rows *rows;
    int count = 0;

    /* What is wrong with the files needs no lock to be told. */
    WM_TRY(wm_migrate_read(&list, dir, pool));
    WM_TRY(wm_db_rows(&rows, db, WM_SQL_MIGRATE_LOCK, WM_NO_ARGS, pool));
    err = run_locked(&count, db, dir, grants, note, baton, pool);
    wm_db_settle(db);
    /* The lock goes with the connection when it is lost; then there is nothing to unlock. */
    wm_db_rows(&rows, db, WM_SQL_MIGRATE_UNLOCK, WM_NO_ARGS, pool);
    if (applied)
        *applied = count;
    return err;
}
