/* SPDX-License-Identifier: Apache-2.0 */
/* Bundles of very many names or files, and what they cost. */
#include <apr_general.h>
#include <apr_strings.h>

#include "tap.h"
#include "wm_bundle.h"

static apr_pool_t *pool;

/* COUNT points, of which EACH neighbours share source, generator and agent. */
static wm_buf *many(int count, int each, apr_pool_t *p)
{
    wm_buf *text = wm_buf_create(NULL, p);

    for (int i = 0; i < count; i++) {
        char point[200];
        int n = i / each;

        apr_snprintf(point, sizeof point,
                     "%c{\"passive-data-metadata\":{\"source\":\"s%d\",\"generator\":\"g%d: a%d\","
                     "\"generator-id\":\"g%d\",\"timestamp\":%d}}",
                     i ? ',' : '[', n, n, n, n, i);
        wm_buf_add(text, point, strlen(point));
    }
    wm_buf_add(text, "]", 1);
    return text;
}

static const wm_err *decode(wm_bundle **bundle, const wm_buf *text, const wm_budget *budget,
                            apr_pool_t *p)
{
    wm_decode_options options = {
        .inflated_max = 1 << 28, .depth_max = 100, .points_max = 1 << 20, .budget = budget};
    wm_upload *upload = apr_pcalloc(p, sizeof *upload);

    upload->form = WM_BODY_JSON;
    upload->received = APR_INT64_C(1800000000000000);
    upload->data = text->data;
    upload->size = text->size;
    return wm_bundle_decode(bundle, upload, &options, p);
}

static wm_bundle *decode_many(int count, int each)
{
    wm_bundle *bundle = NULL;

    ok(!decode(&bundle, many(count, each, pool), NULL, pool), "%d points of each %d", count, each);
    return bundle;
}

static void test_names(void)
{
    wm_bundle *b = decode_many(WM_BUNDLE_NAMES_MAX / 3, 1);

    is_int(b->point_count, WM_BUNDLE_NAMES_MAX / 3, "as many names as allowed are stored");
    b = decode_many(WM_BUNDLE_NAMES_MAX / 3 + 1, 1);
    is_int(b->point_count, 0, "more than that are not");
    is_int(b->sources->nelts + b->generators->nelts + b->agents->nelts + b->news->nelts, 0,
           "... and nobody learns of them");
    is_int(b->quarantined->nelts, 1, "... the bundle is set aside once");
    is_str(wm_reason_word(APR_ARRAY_IDX(b->quarantined, 0, wm_quarantined).reason),
           "too-many-names", "... for that reason");
    b = decode_many(3 * WM_BUNDLE_NAMES_MAX, 1000);
    is_int(b->point_count, 3 * WM_BUNDLE_NAMES_MAX, "points of few names may be many");
}

/* A form with a payload and so many files. */
static wm_bundle *decode_files(int count)
{
    static const char file[] =
        "--B\r\nContent-Disposition: form-data; name=f; filename=f\r\n\r\n1\r\n";
    static const char payload[] =
        "--B\r\nContent-Disposition: form-data; name=payload\r\n\r\n[]\r\n--B--\r\n";
    wm_decode_options options = {.inflated_max = 1 << 28, .depth_max = 100, .points_max = 10};
    wm_upload *upload = apr_pcalloc(pool, sizeof *upload);
    wm_buf *text = wm_buf_create(NULL, pool);
    wm_bundle *bundle = NULL;

    for (int i = 0; i < count; i++)
        wm_buf_add(text, file, strlen(file));
    wm_buf_add(text, payload, strlen(payload));
    upload->form = WM_BODY_MULTIPART;
    upload->content_type = "multipart/form-data; boundary=B";
    upload->data = text->data;
    upload->size = text->size;
    ok(!wm_bundle_decode(&bundle, upload, &options, pool), "%d files are received", count);
    return bundle;
}

static void test_files(void)
{
    wm_bundle *b = decode_files(10000);
    const wm_quarantined *q;

    is_int(b->files->nelts, 10000, "as many files as allowed are kept");
    is_int(b->quarantined->nelts, 0, "... beside the points");
    b = decode_files(10001);
    is_int(b->files->nelts, 0, "more are not taken apart");
    is_int(b->quarantined->nelts, 1, "... the bundle is set aside");
    q = &APR_ARRAY_IDX(b->quarantined, 0, wm_quarantined);
    is_str(wm_reason_word(q->reason), "too-many-files", "... for that reason");
    is_int(q->raw.size, b->upload->size, "... with all of its files");
}

static const wm_err *take(void *host, size_t bytes, apr_pool_t *p)
{
    (void)p;
    *(size_t *)host += bytes;
    return NULL;
}

static void give(void *host, size_t bytes)
{
    *(size_t *)host -= bytes;
}

/* What decoding asks its budget for and keeps. */
static size_t cost(int count, int each)
{
    size_t held = 0, kept;
    wm_budget budget = {take, give, &held};
    apr_pool_t *sub;
    wm_bundle *b;

    apr_pool_create(&sub, pool);
    ok(!decode(&b, many(count, each, sub), &budget, sub), "%d points of each %d", count, each);
    kept = held;
    apr_pool_destroy(sub);
    is_int(held, 0, "... give back all they took");
    return kept;
}

static void test_cost(void)
{
    enum { COUNT = 8000 };
    size_t same = cost(COUNT, COUNT), distinct = cost(COUNT, 1);

    ok(distinct > same + COUNT * (2 * sizeof(wm_text) + sizeof(wm_agent) + sizeof(wm_source_news)),
       "names are asked for as well");
}

int main(void)
{
    apr_initialize();
    apr_pool_create(&pool, NULL);
    test_names();
    test_files();
    test_cost();
    apr_terminate();
    return done();
}
