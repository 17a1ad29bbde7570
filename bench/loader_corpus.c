/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include <apr_file_io.h>
#include <apr_mmap.h>
#include <apr_strings.h>

#include "loader.h"

/* The whole pack, mapped. */
static const wm_err *map_pack(apr_mmap_t **map, const char *prefix, apr_pool_t *pool)
{
    const char *path = apr_pstrcat(pool, prefix, ".pack", NULL);
    apr_status_t status;
    apr_finfo_t info;
    apr_file_t *file;

    status = apr_file_open(&file, path, APR_READ | APR_BINARY, APR_OS_DEFAULT, pool);
    if (status == APR_SUCCESS)
        status = apr_file_info_get(&info, APR_FINFO_SIZE, file);
    if (status == APR_SUCCESS)
        status = apr_mmap_create(map, file, 0, (apr_size_t)info.size, APR_MMAP_READ, pool);
    return status == APR_SUCCESS ? NULL : wm_err_apr(pool, status, "cannot read %s", path);
}

static wm_text keep(const wm_text *text, apr_pool_t *pool)
{
    return (wm_text){text->data ? apr_pmemdup(pool, text->data, text->size) : NULL, text->size};
}

/* What is decoded goes with SCRATCH; the arrays and the gzip body stay in POOL. */
static const wm_err *decode(loader_bundle *to, const char *data, size_t size, apr_pool_t *pool,
                            apr_pool_t *scratch)
{
    const wm_decode_options options = {
        .inflated_max = 512 << 20, .depth_max = 1000, .points_max = 1 << 20};
    wm_store_range range = {.from = 0};
    wm_store_set *set;
    wm_bundle *bundle;

    to->upload = (wm_upload){.form = WM_BODY_URLENCODED,
                             .content_type = "application/x-www-form-urlencoded",
                             .user_agent = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 "
                                           "(KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36",
                             .method = "POST",
                             .data = data,
                             .size = size,
                             .received = apr_time_now()};
    WM_TRY(wm_bundle_decode(&bundle, &to->upload, &options, scratch));
    if (!bundle->point_count || bundle->quarantined->nelts)
        return wm_err_make(pool, WM_E_INPUT, "a body of the corpus does not decode to points");
    range.bundle = bundle;
    range.to = bundle->point_count;
    WM_TRY(wm_store_set_make(&set, &range, 1, scratch));
    WM_TRY(wm_store_arrays_make(&to->arrays, set, pool));
    to->body = keep(&bundle->gzip, pool);
    to->bundle = (wm_bundle){.point_count = bundle->point_count,
                             .ignored = bundle->ignored,
                             .compressed = bundle->compressed,
                             .json_bytes = bundle->json_bytes};
    memcpy(to->bundle.body_digest, bundle->body_digest, sizeof bundle->body_digest);
    return NULL;
}

const wm_err *loader_read(loader_corpus *corpus, const char *prefix, int most, apr_pool_t *pool)
{
    const char *path = apr_pstrcat(pool, prefix, ".index", NULL);
    apr_array_header_t *list = apr_array_make(pool, 20000, sizeof(loader_bundle));
    apr_pool_t *scratch;
    apr_mmap_t *map;
    long offset, size;
    FILE *index;

    WM_TRY(map_pack(&map, prefix, pool));
    index = fopen(path, "r");
    if (!index)
        return wm_err_make(pool, WM_E_INPUT, "cannot read %s", path);
    apr_pool_create(&scratch, pool);
    while (fscanf(index, "%ld %ld", &offset, &size) == 2 && (!most || list->nelts < most)) {
        loader_bundle *bundle = apr_array_push(list);

        WM_TRY(decode(bundle, (char *)map->mm + offset, (size_t)size, pool, scratch));
        corpus->points += bundle->bundle.point_count;
        apr_pool_clear(scratch);
    }
    fclose(index);
    corpus->bundles = (loader_bundle *)list->elts;
    corpus->count = list->nelts;
    return NULL;
}

/* Elements of a binary array: behind its head, each behind its length. */
enum { HEAD = 20, LENGTH = 4 };

static apr_int64_t get_be(const char *from, int size)
{
    apr_uint64_t value = 0;

    for (int i = 0; i < size; i++)
        value = value << 8 | (unsigned char)from[i];
    return size == 4 ? (apr_int32_t)value : (apr_int64_t)value;
}

static void add_be(char *at, int size, apr_int64_t more)
{
    apr_uint64_t value = (apr_uint64_t)(get_be(at, size) + more);

    for (int i = size - 1; i >= 0; i--) {
        at[i] = (char)(value & 0xff);
        value >>= 8;
    }
}

/* A copy of the array ARG whose elements of SIZE bytes are MORE larger. */
static wm_arg add_to_all(const wm_arg *arg, int size, apr_int64_t more, apr_pool_t *pool)
{
    wm_arg copy = *arg;
    char *data = apr_pmemdup(pool, arg->data, arg->size);

    for (char *at = data + HEAD + LENGTH; at < data + arg->size; at += size + LENGTH)
        add_be(at, size, more);
    copy.data = data;
    return copy;
}

const wm_err *loader_again(loader_bundle *to, const loader_bundle *from, int pass, int step_days,
                           apr_pool_t *pool)
{
    const apr_int64_t days = -(apr_int64_t)pass * step_days;
    const apr_int64_t usec = days * 86400 * APR_USEC_PER_SEC;

    *to = *from;
    to->bundle.upload = &to->upload;
    if (!pass)
        return NULL;
    to->bundle.body_digest[0] ^= (unsigned char)pass;
    to->bundle.body_digest[1] ^= (unsigned char)(pass >> 8);
    to->arrays.rows.created = add_to_all(&from->arrays.rows.created, 8, usec, pool);
    to->arrays.rows.news_created = add_to_all(&from->arrays.rows.news_created, 8, usec, pool);
    to->arrays.rows.group_day = add_to_all(&from->arrays.rows.group_day, 4, days, pool);
    to->arrays.rows.group_first = add_to_all(&from->arrays.rows.group_first, 8, usec, pool);
    to->arrays.rows.group_last = add_to_all(&from->arrays.rows.group_last, 8, usec, pool);
    to->arrays.rows.digest = add_to_all(&from->arrays.rows.digest, 16, 0, pool);
    for (char *at = (char *)to->arrays.rows.digest.data + HEAD + LENGTH,
              *end = (char *)to->arrays.rows.digest.data + to->arrays.rows.digest.size;
         at < end; at += 16 + LENGTH)
        at[0] ^= (char)pass, at[1] ^= (char)(pass >> 8);
    return NULL;
}
