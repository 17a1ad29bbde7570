/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <apr_file_info.h>
#include <apr_strings.h>

#include "exports.h"
#include "job.h"
#include "wm_export_archive.h"

enum { BATCH = 100 };

static const wm_err *expire(apr_int64_t *gone, wm_job_run *run, const wm_exports *exports)
{
    apr_pool_t *pool;
    wm_rows *rows;
    int count;

    apr_pool_create(&pool, run->pool);
    do {
        apr_pool_clear(pool);
        WM_TRY(wm_db_rows(&rows, run->db, WM_SQL_EXPORT_DUE,
                          WM_ARGS(WM_TIME(run->now), WM_I64(BATCH)), pool));
        count = wm_rows_count(rows);
        for (int i = 0; i < count && !*run->stop; i++) {
            const char *file =
                apr_pstrcat(pool, exports->setup.dir, "/", wm_rows_text(rows, i, 1), NULL);

            if (unlink(file) && errno != ENOENT)
                return wm_err_apr(run->pool, errno, "removing %s", file);
            WM_TRY(wm_db_do(NULL, run->db, WM_SQL_EXPORT_EXPIRE,
                            WM_ARGS(WM_I64(wm_rows_i64(rows, i, 0))), pool));
            ++*gone;
        }
    } while (count == BATCH && !*run->stop);
    apr_pool_destroy(pool);
    return NULL;
}

/* The export that a name in the folder belongs to, "17.zip", "17.zip.part", "17.parts"; 0 for others,
 * which are not ours to touch. */
static apr_int64_t owner_of(const char *name, int *is_archive)
{
    char *end;
    apr_int64_t id = apr_strtoi64(name, &end, 10);

    *is_archive = !strcmp(end, ".zip");
    if (end == name || id < 1)
        return 0;
    return *is_archive || !strcmp(end, ".zip.part") || !strcmp(end, ".parts") ? id : 0;
}

/* Files of exports that were cancelled, failed, or ended in another way before their time. */
static const wm_err *sweep(apr_int64_t *gone, wm_job_run *run, const wm_exports *exports)
{
    apr_finfo_t info;
    apr_pool_t *pool;
    apr_dir_t *open;
    apr_status_t status = apr_dir_open(&open, exports->setup.dir, run->pool);

    if (status)
        return wm_err_apr(run->pool, status, "reading %s", exports->setup.dir);
    apr_pool_create(&pool, run->pool);
    while (!*run->stop && apr_dir_read(&info, APR_FINFO_NAME, open) == APR_SUCCESS) {
        int is_archive;
        apr_int64_t id = owner_of(info.name, &is_archive);
        const char *state = "";
        wm_rows *rows;

        if (!id)
            continue;
        WM_TRY(wm_db_rows(&rows, run->db, WM_SQL_EXPORT_OF_FOLDER, WM_ARGS(WM_I64(id)), pool));
        if (wm_rows_count(rows))
            state = wm_rows_text(rows, 0, 0);
        if (!strcmp(state, "making") || (is_archive && !strcmp(state, "ready")))
            continue;
        if (is_archive)
            unlink(apr_pstrcat(pool, exports->setup.dir, "/", info.name, NULL));
        else
            wm_export_archive_clean(exports->setup.dir, id, pool);
        ++*gone;
        apr_pool_clear(pool);
    }
    apr_dir_close(open);
    apr_pool_destroy(pool);
    return NULL;
}

static const wm_err *export_purge(wm_job_run *run)
{
    apr_int64_t expired = 0, swept = 0;
    wm_exports exports;

    WM_TRY(wm_exports_read(&exports, run->pool));
    WM_TRY(expire(&expired, run, &exports));
    WM_TRY(sweep(&swept, run, &exports));
    wm_job_note(run,
                "%" APR_INT64_T_FMT " archives expired, %" APR_INT64_T_FMT " left-overs removed",
                expired, swept);
    return NULL;
}

const wm_job wm_job_export_purge = {
    .name = "export-purge",
    .summary = "remove archives whose time is over, and what cancelled exports left",
    .every = APR_TIME_C(3600) * APR_USEC_PER_SEC,
    .run = export_purge,
};
