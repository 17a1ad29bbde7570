/* SPDX-License-Identifier: Apache-2.0 */
/* Bundles of very many names or files, and what they cost. */
#include <apr_general.h>
#include <apr_strings.h>

#include "tap.h"
#include "wm_bundle.h"

#define FILE_PART    "--B\r\nContent-Disposition: form-data; name=f; filename=f\r\n\r\n1\r\n"
#define PAYLOAD_PART "--B\r\nContent-Disposition: form-data; name=payload\r\n\r\n"

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

/* COUNT points of three sources in turn, the newest first; every point names file f. */
static wm_bundle *decode_mixed(int count)
{
    wm_decode_options options = {.inflated_max = 1 << 28, .depth_max = 100, .points_max = 1 << 20};
    wm_upload *upload = apr_pcalloc(pool, sizeof *upload);
    wm_buf *text = wm_buf_create(NULL, pool);
    wm_bundle *bundle = NULL;

    wm_buf_add(text, FILE_PART PAYLOAD_PART "[", strlen(FILE_PART PAYLOAD_PART "["));
    for (int i = 0; i < count; i++) {
        char point[200];

        apr_snprintf(point, sizeof point,
                     "%s{\"n\":%d%s,\"passive-data-metadata\":{\"source\":\"s%d\",\"generator-id\":"
                     "\"g%d\",\"timestamp\":%d}}",
                     i ? "," : "", i, i % 7 ? "" : ",\"a@\":\"f\"", i % 3, i % 2, 1000000 - i);
        wm_buf_add(text, point, strlen(point));
    }
    wm_buf_add(text, "]\r\n--B--", 8);
    upload->form = WM_BODY_MULTIPART;
    upload->content_type = "multipart/form-data; boundary=B";
    upload->data = text->data;
    upload->size = text->size;
    ok(!wm_bundle_decode(&bundle, upload, &options, pool), "%d points are received", count);
    return bundle;
}

static int same_n(const wm_point *p)
{
    const char *start = apr_psprintf(pool, "\"n\":%u,", p->ordinal);

    return strstr(apr_pstrmemdup(pool, p->properties.data, p->properties.size), start) != NULL;
}

static void test_order(void)
{
    wm_bundle *b = decode_mixed(1000);
    int same = 0, groups = 1, ascending = 1, linked = 0;

    for (int i = 0; i < b->point_count; i++)
        same += b->points[i].ordinal == (apr_uint32_t)i;
    is_int(same, 1000, "points that are not many stay as they came");
    b = decode_mixed(5000);
    is_int(b->point_count, 5000, "many points are all there");
    for (int i = same = 0; i < b->point_count; i++) {
        const wm_point *p = &b->points[i];
        int first = i && (p->source != p[-1].source || p->generator != p[-1].generator);

        same += same_n(p);
        groups += first;
        ascending = ascending && (!i || first || p->created >= p[-1].created);
    }
    is_int(groups, 6, "... those of a source and generator together");
    ok(ascending, "... the older ones first");
    is_int(same, 5000, "... each with its properties and its place in the array");
    is_int(b->links->nelts, 715, "files are linked");
    for (int i = 0; i < b->links->nelts; i++)
        linked += b->points[APR_ARRAY_IDX(b->links, i, wm_file_link).point].ordinal ==
                  (apr_uint32_t)i * 7;
    is_int(linked, 715, "... to the points that name them");
}

/* A form with a payload and so many files. */
static wm_bundle *decode_files(int count)
{
    static const char payload[] = PAYLOAD_PART "[]\r\n--B--\r\n";
    wm_decode_options options = {.inflated_max = 1 << 28, .depth_max = 100, .points_max = 10};
    wm_upload *upload = apr_pcalloc(pool, sizeof *upload);
    wm_buf *text = wm_buf_create(NULL, pool);
    wm_bundle *bundle = NULL;

    for (int i = 0; i < count; i++)
        wm_buf_add(text, FILE_PART, strlen(FILE_PART));
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
    test_order();
    test_files();
    test_cost();
    apr_terminate();
    return done();
}
