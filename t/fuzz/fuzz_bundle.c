/* SPDX-License-Identifier: Apache-2.0 */
/* The whole way from a body to points.  The first byte of an input chooses the form: j JSON,
 * s a single point, g gzip, u urlencoded, m multipart, whose content type is the first line; the
 * rest is the body. */
#include <sodium.h>

#include "fuzz.h"
#include "wm_box.h"
#include "wm_bundle.h"
#include "wm_utf8.h"

static wm_box_keys keys;
static const wm_decode_options options = {
    .inflated_max = 1 << 18, .depth_max = 30, .points_max = 200, .keys = &keys};

/* The server's key pair is that of the seed 1, the clients' that of 2: corpus/bundle has boxes. */
static void make_keys(void)
{
    unsigned char seed[32] = {1}, unused[32];

    if (keys.peer[0])
        return;
    FUZZ_CHECK(sodium_init() >= 0);
    crypto_box_seed_keypair(unused, keys.secret, seed);
    seed[0] = 2;
    crypto_box_seed_keypair(keys.peer, unused, seed);
}

static void check_text(wm_text text)
{
    if (!text.size)
        return;
    FUZZ_CHECK(wm_utf8_valid(text.data, text.data + text.size));
    FUZZ_CHECK(!memchr(text.data, '\0', text.size));
}

static void check_dictionaries(const wm_bundle *b)
{
    FUZZ_CHECK(b->news->nelts == b->sources->nelts);
    for (int i = 0; i < b->sources->nelts; i++)
        check_text(APR_ARRAY_IDX(b->sources, i, wm_text));
    for (int i = 0; i < b->generators->nelts; i++)
        check_text(APR_ARRAY_IDX(b->generators, i, wm_text));
    for (int i = 0; i < b->agents->nelts; i++) {
        check_text(APR_ARRAY_IDX(b->agents, i, wm_agent).generator);
        check_text(APR_ARRAY_IDX(b->agents, i, wm_agent).user_agent);
    }
    for (int i = 0; i < b->files->nelts; i++) {
        check_text(APR_ARRAY_IDX(b->files, i, wm_file).identifier);
        check_text(APR_ARRAY_IDX(b->files, i, wm_file).content_type);
    }
    for (int i = 0; i < b->links->nelts; i++) {
        const wm_file_link *link = &APR_ARRAY_IDX(b->links, i, wm_file_link);

        FUZZ_CHECK(link->file >= 0 && link->file < b->files->nelts);
        FUZZ_CHECK(link->point >= 0 && link->point < b->point_count);
    }
}

/* Read every byte, so that a sanitizer looks at each. */
static void touch(wm_text text)
{
    static volatile char sink;

    for (size_t i = 0; i < text.size; i++)
        sink = text.data[i];
    (void)sink;
}

/* The properties alone are a bundle of the same point, and already clean. */
static void check_properties(const wm_bundle *b, const wm_point *p, apr_pool_t *pool)
{
    const apr_uint32_t repairs = WM_F_NUL_REMOVED | WM_F_SURROGATE_REPLACED | WM_F_UTF8_REPLACED |
                                 WM_F_NONFINITE_NUMBER | WM_F_NUMBER_OUT_OF_RANGE;
    wm_upload upload = *b->upload;
    char *copy = fuzz_exact(p->properties.data, p->properties.size);
    wm_bundle *again;

    upload.form = WM_BODY_JSON;
    upload.data = copy;
    upload.size = p->properties.size;
    FUZZ_CHECK(!wm_bundle_decode(&again, &upload, &options, pool));
    FUZZ_CHECK(again->point_count == 1 && !again->quarantined->nelts);
    FUZZ_CHECK(!(again->points[0].flags & repairs));
    FUZZ_CHECK(p->untimed || !memcmp(again->points[0].digest, p->digest, sizeof p->digest));
    FUZZ_CHECK(again->points[0].properties.size == p->properties.size || b->encrypted);
    free(copy);
}

static void check_points(const wm_bundle *b, apr_pool_t *pool)
{
    for (int i = 0; i < b->point_count; i++) {
        const wm_point *p = &b->points[i];
        int first = 1;

        FUZZ_CHECK(i ? p->ordinal > p[-1].ordinal : 1);
        FUZZ_CHECK(p->source >= 0 && p->source < b->sources->nelts);
        FUZZ_CHECK(p->generator >= 0 && p->generator < b->generators->nelts);
        FUZZ_CHECK(p->agent >= 0 && p->agent < b->agents->nelts);
        check_text(p->properties);
        check_text(p->secondary);
        for (int j = 0; j < i; j++) {
            FUZZ_CHECK(memcmp(b->points[j].digest, p->digest, sizeof p->digest) != 0);
            first = first && (b->points[j].properties.size != p->properties.size ||
                              memcmp(b->points[j].properties.data, p->properties.data,
                                     p->properties.size) != 0);
        }
        if (first)
            check_properties(b, p, pool);
    }
}

static void check_bundle(const wm_bundle *b, apr_pool_t *pool)
{
    touch(b->gzip);
    touch(b->json);
    FUZZ_CHECK(!b->gzip.data || !b->json.data);
    for (int i = 0; i < b->quarantined->nelts; i++) {
        const wm_quarantined *q = &APR_ARRAY_IDX(b->quarantined, i, wm_quarantined);

        FUZZ_CHECK(q->raw.data && q->reason < WM_Q_COUNT && wm_reason_word(q->reason));
        FUZZ_CHECK(q->index >= 0 || (!b->point_count && b->quarantined->nelts == 1));
        touch(q->raw);
    }
    check_dictionaries(b);
    check_points(b, pool);
    fuzz_accepted += b->point_count > 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char forms[] = "jsgum";
    static const wm_body_form form[] = {WM_BODY_JSON, WM_BODY_JSON, WM_BODY_GZIP,
                                        WM_BODY_URLENCODED, WM_BODY_MULTIPART};
    wm_upload upload = {.received = APR_INT64_C(1800000000000000), .uid = {1, 2, 3, 4, 5, 6, 7}};
    const char *choice = size && *data ? strchr(forms, *data) : NULL;
    const uint8_t *line;
    char *type = NULL, *body;
    apr_pool_t *pool;
    const wm_err *err;
    wm_bundle *bundle;

    if (!choice)
        return 0;
    make_keys();
    pool = fuzz_pool();
    data++;
    size--;
    upload.form = form[choice - forms];
    upload.single = *choice == 's';
    if (*choice == 'm' && size && (line = memchr(data, '\n', size))) {
        type = fuzz_exact(data, (size_t)(line - data) + 1);
        type[line - data] = '\0';
        size -= (size_t)(line - data) + 1;
        data = line + 1;
    }
    body = fuzz_exact(data, size);
    upload.content_type = type;
    upload.data = body;
    upload.size = size;
    err = wm_bundle_decode(&bundle, &upload, &options, pool);
    FUZZ_CHECK(!err || err->code == WM_E_INPUT);
    if (!err)
        check_bundle(bundle, pool);
    free(body);
    free(type);
    apr_pool_destroy(pool);
    return 0;
}
