/* SPDX-License-Identifier: Apache-2.0 */
/* Finished parts of an archive, as rows of export_part. */
#include <string.h>

#include <apr_strings.h>
#include <jansson.h>
#include <sodium.h>

#include "wm_export_archive.h"
#include "wm_json_own.h"

const char *wm_export_part_path(const wm_export_archive *a, int number, apr_pool_t *pool)
{
    return apr_psprintf(pool, "%s/%07d", a->parts, number);
}

static json_t *part_json(const wm_export_part *p)
{
    char sha[2 * WM_ZIP_SHA256 + 1], packed[2 * WM_ZIP_SHA256 + 1];

    sodium_bin2hex(sha, sizeof sha, p->zip.sha256, WM_ZIP_SHA256);
    sodium_bin2hex(packed, sizeof packed, p->zip.packed_sha256, WM_ZIP_SHA256);
    return json_pack("{s:i, s:s, s:s, s:i, s:I, s:I, s:I, s:I, s:I, s:s, s:s, s:I, s:O}", "number",
                     p->number, "type", p->type, "entry", p->entry, "file", p->file, "start",
                     (json_int_t)p->zip.start, "rows", (json_int_t)p->rows, "bytes",
                     (json_int_t)p->zip.bytes, "packed_bytes", (json_int_t)p->zip.packed, "crc32",
                     (json_int_t)p->zip.crc, "sha256", sha, "packed_sha256", packed, "defects",
                     (json_int_t)p->defects, "defect_points", p->defect_points);
}

const wm_err *wm_export_parts_keep(wm_export_archive *a, const apr_array_header_t *parts,
                                   apr_pool_t *pool)
{
    json_t *list = wm_json_own(json_array(), pool);

    WM_TRY(wm_zip_pack_close(a->packer, pool));
    for (int i = 0; i < parts->nelts; i++)
        if (json_array_append_new(list, part_json(&APR_ARRAY_IDX(parts, i, wm_export_part))))
            return wm_err_make(pool, WM_E_SYSTEM, "no memory for the list of parts");
    return wm_db_do(NULL, a->db, WM_SQL_EXPORT_PARTS_ADD,
                    WM_ARGS(WM_I64(a->id), WM_TEXT(wm_json_own_text(list, pool))), pool);
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
        const char *defect_points;

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
        defect_points = wm_rows_text(rows, i, 9);
        WM_TRY(wm_json_own_parse(&p->defect_points, defect_points, strlen(defect_points), pool));
        read_digest(p->zip.packed_sha256, wm_rows_text(rows, i, 10));
        p->file = (int)wm_rows_i64(rows, i, 11);
        p->zip.start = wm_rows_i64(rows, i, 12);
    }
    return NULL;
}
