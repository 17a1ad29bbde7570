/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/statvfs.h>

#include <apr_strings.h>
#include <jansson.h>

#include "wm_export_archive.h"
#include "wm_export_sign.h"
#include "wm_json_own.h"

enum { ROOM_PER_ENTRY = 400 }; /* what an archive says of an entry, at most, with its name */

const char *wm_export_archive_name(const wm_export_archive *a, apr_pool_t *pool)
{
    const wm_export_definition *d = a->definition;
    const char *days = "all";

    if (d->from && d->to && !strcmp(d->from, d->to))
        days = d->from;
    else if (d->from || d->to)
        days = apr_psprintf(pool, "%s_%s", d->from ? d->from : "begin", d->to ? d->to : "now");
    return apr_psprintf(pool, "%s_%s_%s%" APR_INT64_T_FMT ".zip", a->study_slug, days,
                        *a->profile ? apr_pstrcat(pool, a->profile, "-", NULL) : "", a->id);
}

/* The window's end as people in its zone say it; the first day of zip when it is open. */
static void entry_time(apr_time_exp_t *time, const wm_export_definition *d)
{
    int year, month, day;
    apr_time_t next;

    memset(time, 0, sizeof *time);
    time->tm_year = 80;
    time->tm_mday = 1;
    if (!d->to || sscanf(d->to, "%4d-%2d-%2d", &year, &month, &day) != 3)
        return;
    time->tm_year = year - 1900;
    time->tm_mon = month - 1;
    time->tm_mday = day;
    if (apr_time_exp_gmt_get(&next, time) == APR_SUCCESS)
        apr_time_exp_gmt(time, next + apr_time_from_sec(86400));
}

/* Is there room for the whole archive?  To know it before is better than to fill the disk. */
static const wm_err *check_room(wm_export_archive *a, const apr_array_header_t *parts,
                                apr_pool_t *pool)
{
    apr_uint64_t needed = 1024 * 1024;
    struct statvfs disk;

    for (int i = 0; i < parts->nelts; i++) {
        const wm_export_part *p = &APR_ARRAY_IDX(parts, i, wm_export_part);

        needed += (apr_uint64_t)p->zip.packed + ROOM_PER_ENTRY + 3 * strlen(p->entry);
    }
    if (statvfs(a->dir, &disk))
        return wm_err_apr(pool, errno, "asking for the room in %s", a->dir);
    if ((apr_uint64_t)disk.f_bavail * disk.f_frsize >= needed)
        return NULL;
    a->full = 1;
    return wm_err_apr(pool, ENOSPC, "joining the archive in %s", a->dir);
}

static const wm_err *join(wm_zip *zip, wm_export_archive *a, const apr_array_header_t *parts,
                          const char *key_path, apr_pool_t *pool)
{
    char key[WM_SIGN_KEY_TEXT];
    const char *manifest, *signature;

    for (int i = 0; i < parts->nelts; i++) {
        const wm_export_part *p = &APR_ARRAY_IDX(parts, i, wm_export_part);
        apr_pool_t *scratch;
        const wm_err *err;

        if (a->watch->stopped(a->watch->host))
            return wm_err_make(pool, WM_E_BUSY, "stopped");
        apr_pool_create(&scratch, pool);
        err = wm_zip_add_part(zip, p->entry, wm_export_part_path(a, p->file, scratch), &p->zip,
                              scratch);
        if (err)
            err = wm_err_wrap(pool, err, "joining %s", p->entry);
        apr_pool_destroy(scratch);
        WM_TRY(err);
    }
    if (key_path)
        WM_TRY(wm_export_sign_public(key, key_path, pool));
    WM_TRY(wm_export_manifest(&manifest, a, parts, key_path ? key : NULL, pool));
    WM_TRY(wm_zip_add_text(zip, "manifest.json", manifest, strlen(manifest), pool));
    if (key_path) {
        WM_TRY(wm_export_sign(&signature, manifest, strlen(manifest), key_path, pool));
        WM_TRY(wm_zip_add_text(zip, "manifest.sig", signature, strlen(signature), pool));
    }
    return wm_zip_end(zip, pool);
}

const wm_err *wm_export_archive_join(const char **path, wm_export_archive *a, const char *key_path,
                                     apr_pool_t *pool)
{
    apr_array_header_t *parts;
    apr_time_exp_t time;
    const wm_err *err;
    wm_zip *zip;

    a->full = 0;
    *path = apr_psprintf(pool, "%" APR_INT64_T_FMT ".zip", a->id);
    WM_TRY(wm_db_do(NULL, a->db, WM_SQL_EXPORT_PACKING, WM_ARGS(WM_I64(a->id)), pool));
    WM_TRY(wm_export_parts_read(&parts, a, pool));
    WM_TRY(check_room(a, parts, pool));
    if (!a->sources)
        WM_TRY(wm_export_sources(&a->sources, a->db, a->definition, a->position, a->pool));
    entry_time(&time, a->definition);
    WM_TRY(wm_zip_begin(&zip, apr_pstrcat(pool, a->dir, "/", *path, NULL), &time, pool));
    err = join(zip, a, parts, key_path, pool);
    a->full = err && wm_zip_full(zip);
    return err;
}
