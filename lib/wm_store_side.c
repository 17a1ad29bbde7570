/* SPDX-License-Identifier: Apache-2.0 */
/* The rows of a bundle beside its points. */
#include <stdlib.h>

#include "wm_pgarray.h"
#include "wm_store.h"

static const wm_err *quarantine_piece(wm_db *db, const wm_bundle *bundle, apr_int64_t id, int from,
                                      int to, apr_pool_t *pool)
{
    wm_pgarray reasons, indexes, raws;

    WM_TRY(wm_pgarray_begin(&reasons, WM_OID_TEXT, NULL, pool));
    WM_TRY(wm_pgarray_begin(&indexes, WM_OID_INT4, NULL, pool));
    WM_TRY(wm_pgarray_begin(&raws, WM_OID_BYTEA, NULL, pool));
    for (int i = from; i < to; i++) {
        const wm_quarantined *q = &APR_ARRAY_IDX(bundle->quarantined, i, wm_quarantined);

        WM_TRY(wm_pgarray_add_word(&reasons, wm_reason_word(q->reason)));
        WM_TRY(q->index < 0 ? wm_pgarray_add_null(&indexes)
                            : wm_pgarray_add_i32(&indexes, q->index));
        WM_TRY(wm_pgarray_add(&raws, q->raw.data, q->raw.size));
    }
    return wm_db_do(NULL, db, WM_SQL_BUNDLE_QUARANTINE,
                    WM_ARGS(WM_I64(id), WM_TIME(bundle->upload->received),
                            wm_pgarray_arg(&reasons, WM_OID_TEXT_ARRAY),
                            wm_pgarray_arg(&indexes, WM_OID_INT4_ARRAY),
                            wm_pgarray_arg(&raws, WM_OID_BYTEA_ARRAY)),
                    pool);
}

const wm_err *wm_store_quarantine(wm_db *db, const wm_bundle *bundle, apr_int64_t id,
                                  apr_int64_t source, apr_pool_t *pool)
{
    const apr_array_header_t *list = bundle->quarantined;
    const wm_err *err = NULL;
    apr_pool_t *scratch;

    apr_pool_create(&scratch, pool);
    for (int from = 0, to; from < list->nelts && !err; from = to) {
        size_t bytes = 0;

        for (to = from; to < list->nelts && to - from < WM_STORE_PIECE_ROWS; to++) {
            bytes += APR_ARRAY_IDX(list, to, wm_quarantined).raw.size;
            if (to > from && bytes > WM_STORE_PIECE_BYTES)
                break;
        }
        err = quarantine_piece(db, bundle, id, from, to, scratch);
        if (!err) /* an error lives in the pool that it came from */
            apr_pool_clear(scratch);
    }
    if (err || !list->nelts || !source)
        return err;
    return wm_db_do(NULL, db, WM_SQL_BUNDLE_QUARANTINED,
                    WM_ARGS(WM_I64(source), WM_I64(list->nelts)), pool);
}

static const wm_err *files_add(wm_arg *paths_arg, wm_db *db, const wm_bundle *bundle,
                               apr_int64_t id, apr_pool_t *pool)
{
    wm_pgarray identifiers, types, bytes, sha256, paths;

    WM_TRY(wm_pgarray_begin(&identifiers, WM_OID_TEXT, NULL, pool));
    WM_TRY(wm_pgarray_begin(&types, WM_OID_TEXT, NULL, pool));
    WM_TRY(wm_pgarray_begin(&bytes, WM_OID_INT8, NULL, pool));
    WM_TRY(wm_pgarray_begin(&sha256, WM_OID_BYTEA, NULL, pool));
    WM_TRY(wm_pgarray_begin(&paths, WM_OID_TEXT, NULL, pool));
    for (int i = 0; i < bundle->files->nelts; i++) {
        const wm_file *file = &APR_ARRAY_IDX(bundle->files, i, wm_file);

        WM_TRY(wm_pgarray_add_text(&identifiers, file->identifier.data, file->identifier.size));
        WM_TRY(wm_pgarray_add_text(&types, file->content_type.data, file->content_type.size));
        WM_TRY(wm_pgarray_add_i64(&bytes, (apr_int64_t)file->content.size));
        WM_TRY(wm_pgarray_add(&sha256, file->sha256, sizeof file->sha256));
        WM_TRY(wm_pgarray_add_word(&paths, file->path));
    }
    *paths_arg = wm_pgarray_arg(&paths, WM_OID_TEXT_ARRAY);
    return wm_db_do(NULL, db, WM_SQL_BUNDLE_ATTACH,
                    WM_ARGS(WM_I64(id), wm_pgarray_arg(&identifiers, WM_OID_TEXT_ARRAY),
                            wm_pgarray_arg(&types, WM_OID_TEXT_ARRAY),
                            wm_pgarray_arg(&bytes, WM_OID_INT8_ARRAY),
                            wm_pgarray_arg(&sha256, WM_OID_BYTEA_ARRAY), *paths_arg),
                    pool);
}

/* The links whose points BUNDLE has stored: of one that is known from another bundle there is no row
 * with the id that a link of this one would name. */
static const wm_err *links_stored(const apr_array_header_t **links, wm_db *db,
                                  const wm_bundle *bundle, apr_int64_t id, const char *recorded,
                                  apr_pool_t *pool)
{
    apr_array_header_t *left = apr_array_make(pool, 16, sizeof(wm_file_link));
    unsigned char *set = apr_pcalloc(pool, (1 << 20) / 8); /* of ordinals */
    const char *text;
    wm_rows *rows;
    char *end;

    WM_TRY(wm_db_rows(&rows, db, WM_SQL_BUNDLE_ORDINALS, WM_ARGS(WM_I64(id), WM_TEXT(recorded)),
                      pool));
    for (text = wm_rows_text(rows, 0, 0); text && *text; text = end) {
        unsigned long ordinal = strtoul(text, &end, 10);

        set[ordinal / 8] |= (unsigned char)(1 << ordinal % 8);
    }
    for (int i = 0; i < bundle->links->nelts; i++) {
        const wm_file_link *link = &APR_ARRAY_IDX(bundle->links, i, wm_file_link);
        apr_uint32_t ordinal = bundle->points[link->point].ordinal;

        if (set[ordinal / 8] & 1 << ordinal % 8)
            *(wm_file_link *)apr_array_push(left) = *link;
    }
    *links = left;
    return NULL;
}

static const wm_err *links_piece(wm_db *db, const wm_bundle *bundle, apr_int64_t id,
                                 const wm_arg *paths, const wm_file_link *links, int count,
                                 apr_pool_t *pool)
{
    wm_pgarray files, ordinals;

    WM_TRY(wm_pgarray_begin(&files, WM_OID_INT4, NULL, pool));
    WM_TRY(wm_pgarray_begin(&ordinals, WM_OID_INT4, NULL, pool));
    for (int i = 0; i < count; i++) {
        const wm_point *point = &bundle->points[links[i].point];

        WM_TRY(wm_pgarray_add_i32(&files, links[i].file + 1));
        WM_TRY(wm_pgarray_add_i32(&ordinals, (apr_int32_t)point->ordinal));
    }
    return wm_db_do(NULL, db, WM_SQL_BUNDLE_LINK,
                    WM_ARGS(WM_I64(id), *paths, wm_pgarray_arg(&files, WM_OID_INT4_ARRAY),
                            wm_pgarray_arg(&ordinals, WM_OID_INT4_ARRAY)),
                    pool);
}

const wm_err *wm_store_files(wm_db *db, const wm_bundle *bundle, apr_int64_t id,
                             const char *recorded, int stored, apr_pool_t *pool)
{
    const apr_array_header_t *links = bundle->links;
    const wm_err *err = NULL;
    apr_pool_t *scratch;
    wm_arg paths;

    if (!bundle->files->nelts)
        return NULL;
    WM_TRY(files_add(&paths, db, bundle, id, pool));
    if (links->nelts && stored < bundle->point_count)
        WM_TRY(links_stored(&links, db, bundle, id, recorded, pool));
    apr_pool_create(&scratch, pool);
    for (int from = 0, count; from < links->nelts && !err; from += count) {
        count = links->nelts - from;
        if (count > WM_STORE_PIECE_ROWS)
            count = WM_STORE_PIECE_ROWS;
        err = links_piece(db, bundle, id, &paths, &APR_ARRAY_IDX(links, from, wm_file_link), count,
                          scratch);
        if (!err)
            apr_pool_clear(scratch);
    }
    return err;
}
