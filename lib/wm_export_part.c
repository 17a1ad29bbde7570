/* SPDX-License-Identifier: Apache-2.0 */
/* Finished parts of an archive, as rows of export_part. */
#include <string.h>

#include <apr_strings.h>
#include <sodium.h>

#include "wm_export_archive.h"

const char *wm_export_part_path(const wm_export_archive *a, int number, apr_pool_t *pool)
{
    return apr_psprintf(pool, "%s/%07d", a->parts, number);
}

const wm_err *wm_export_part_keep(wm_export_archive *a, const wm_export_part *part,
                                  apr_pool_t *pool)
{
    char sha[2 * WM_ZIP_SHA256 + 1], packed[2 * WM_ZIP_SHA256 + 1];

    sodium_bin2hex(sha, sizeof sha, part->zip.sha256, WM_ZIP_SHA256);
    sodium_bin2hex(packed, sizeof packed, part->zip.packed_sha256, WM_ZIP_SHA256);
    return wm_db_do(NULL, a->db, WM_SQL_EXPORT_PART_ADD,
                    WM_ARGS(WM_I64(a->id), WM_I64(part->number), WM_TEXT(part->type),
                            WM_TEXT(part->entry), WM_I64(part->rows), WM_I64(part->zip.bytes),
                            WM_I64(part->zip.packed), WM_I64(part->zip.crc), WM_TEXT(sha),
                            WM_I64(part->defects), WM_TEXT(part->defect_points), WM_TEXT(packed)),
                    pool);
}

static void read_digest(unsigned char sha256[WM_ZIP_SHA256], const char *hex)
{
    sodium_hex2bin(sha256, WM_ZIP_SHA256, hex, 2 * WM_ZIP_SHA256, NULL, NULL, NULL);
}

const wm_err *wm_export_parts_read(apr_array_header_t **parts, wm_export_archive *a,
                                   apr_pool_t *pool)
{
    wm_rows *rows;

    WM_TRY(wm_db_rows(&rows, a->db, WM_SQL_EXPORT_PARTS, WM_ARGS(WM_I64(a->id)), pool));
    *parts = apr_array_make(pool, wm_rows_count(rows), sizeof(wm_export_part));
    for (int i = 0; i < wm_rows_count(rows); i++) {
        wm_export_part *p = &APR_ARRAY_PUSH(*parts, wm_export_part);

        memset(p, 0, sizeof *p);
        p->number = (int)wm_rows_i64(rows, i, 0);
        p->type = wm_rows_text(rows, i, 1);
        p->entry = wm_rows_text(rows, i, 2);
        p->rows = wm_rows_i64(rows, i, 3);
        p->zip.bytes = wm_rows_i64(rows, i, 4);
        p->zip.packed = wm_rows_i64(rows, i, 5);
        p->zip.crc = (apr_uint32_t)wm_rows_i64(rows, i, 6);
        read_digest(p->zip.sha256, wm_rows_text(rows, i, 7));
        p->defects = wm_rows_i64(rows, i, 8);
        p->defect_points = wm_rows_text(rows, i, 9);
        read_digest(p->zip.packed_sha256, wm_rows_text(rows, i, 10));
    }
    return NULL;
}
