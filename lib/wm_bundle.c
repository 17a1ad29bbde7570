/* SPDX-License-Identifier: Apache-2.0 */
#include <stdint.h>
#include <string.h>

#include <apr_strings.h>

#include "wm_decode.h"
#include "wm_payload.h"
#include "wm_utf8.h"

static const struct {
    const char *word, *text;
} reasons[] = {
#define X(name, word, text) {word, text},
    WM_QUARANTINE_REASONS(X)
#undef X
};

const char *wm_reason_word(wm_reason reason)
{
    return reasons[reason].word;
}

const char *wm_reason_text(wm_reason reason)
{
    return reasons[reason].text;
}

static void set_aside(wm_bundle *bundle, wm_reason reason, int index, wm_text raw)
{
    wm_quarantined *q = apr_array_push(bundle->quarantined);

    q->reason = reason;
    q->index = index;
    q->raw = raw;
}

static void make_lists(wm_bundle *bundle, apr_pool_t *pool)
{
    bundle->sources = apr_array_make(pool, 1, sizeof(wm_text));
    bundle->generators = apr_array_make(pool, 4, sizeof(wm_text));
    bundle->agents = apr_array_make(pool, 4, sizeof(wm_agent));
    bundle->news = apr_array_make(pool, 1, sizeof(wm_source_news));
    bundle->quarantined = apr_array_make(pool, 1, sizeof(wm_quarantined));
    bundle->files = apr_array_make(pool, 1, sizeof(wm_file));
    bundle->links = apr_array_make(pool, 1, sizeof(wm_file_link));
}

static wm_bundle *make_bundle(const wm_upload *upload, apr_pool_t *pool)
{
    wm_bundle *bundle = apr_pcalloc(pool, sizeof *bundle);

    bundle->upload = upload;
    make_lists(bundle, pool);
    return bundle;
}

/* A copy with replacements is up to three times as long. */
static const wm_err *repair(wm_text *text, wm_hold *hold, apr_pool_t *pool)
{
    if (memchr(text->data, 0, text->size) || !wm_utf8_valid(text->data, text->data + text->size))
        WM_TRY(wm_hold_add(hold, 3 * text->size));
    wm_utf8_repair(text, pool);
    return NULL;
}

/* Part names and content types are raw bytes of a client. */
static const wm_err *take_files(wm_bundle *bundle, apr_array_header_t *files,
                                const wm_budget *budget, apr_pool_t *pool)
{
    wm_hold *hold = wm_hold_create(budget, pool);

    if (!files)
        return NULL;
    bundle->files = files;
    for (int i = 0; i < files->nelts; i++) {
        wm_file *file = &APR_ARRAY_IDX(files, i, wm_file);

        WM_TRY(repair(&file->identifier, hold, pool));
        WM_TRY(repair(&file->content_type, hold, pool));
    }
    return NULL;
}

/* The header as a source; NULL data without one, or when it could not be a source. */
static wm_text header_source(const wm_upload *upload, apr_pool_t *pool)
{
    wm_text header = {upload->identifier, upload->identifier ? strlen(upload->identifier) : 0};

    if (header.data)
        wm_utf8_repair(&header, pool);
    if (!header.size || wm_utf8_count(header.data, header.size) > WM_POINT_SOURCE_MAX)
        header.data = NULL;
    return header;
}

static const wm_err *make_decoder(wm_decoder **result, wm_bundle *bundle, const wm_payload *payload,
                                  const wm_decode_options *options, apr_pool_t *pool)
{
    wm_decoder *d = *result = apr_pcalloc(pool, sizeof *d);
    apr_uint64_t seed;

    memcpy(&seed, bundle->upload->uid, sizeof seed);
    d->upload = bundle->upload;
    d->options = options;
    d->bundle = bundle;
    d->json = wm_json_create(payload->json.data, payload->json.size, options->depth_max,
                             options->budget, pool);
    d->points = wm_buf_create(options->budget, pool);
    d->out = wm_buf_create(options->budget, pool);
    d->hold = wm_hold_create(options->budget, pool);
    d->sources = wm_dict_create(seed, d->hold, pool);
    d->generators = wm_dict_create(seed, d->hold, pool);
    d->agents = wm_dict_create(seed, d->hold, pool);
    d->facts = apr_array_make(pool, 4, sizeof(wm_generator_facts));
    d->charged = apr_array_make(pool, 1, sizeof(apr_time_t));
    d->body = apr_palloc(pool, sizeof *d->body + 64); /* it wants 64 bytes of alignment */
    d->body = (void *)(((uintptr_t)d->body + 63) & ~(uintptr_t)63);
    crypto_generichash_init(d->body, NULL, 0, sizeof bundle->body_digest);
    d->header = header_source(bundle->upload, pool);
    if (!bundle->upload->single)
        d->transmission = bundle->encrypted ? (wm_text){"\"encrypted_transmission\":true", 29}
                                            : (wm_text){"\"encrypted_transmission\":false", 30};
    d->pool = pool;
    apr_pool_create(&d->scratch, pool);
    if (!bundle->files->nelts)
        return NULL;
    return wm_linker_create(&d->linker, bundle->files, seed, d->hold, pool);
}

static apr_uint32_t points_max(const wm_decode_options *options)
{
    return options->points_max < 1 << 20 ? options->points_max : 1 << 20;
}

/* One element's share of the body digest; the size keeps neighbours apart. */
static void digest_element(wm_decoder *d, char kind, const void *data, size_t size)
{
    unsigned char head[9] = {(unsigned char)kind};

    for (int i = 0; i < 8; i++)
        head[i + 1] = (unsigned char)((apr_uint64_t)size >> 8 * i);
    crypto_generichash_update(d->body, head, sizeof head);
    crypto_generichash_update(d->body, data, size);
}

/* Names that the store has to look up or make a row for. */
static int count_names(const wm_decoder *d)
{
    return d->sources->entries->nelts + d->generators->entries->nelts + d->agents->entries->nelts;
}

/* Set the element on the tape aside.  The list doubles, hence twice its size. */
static const wm_err *set_element_aside(wm_decoder *d, wm_reason reason, apr_uint32_t ordinal)
{
    WM_TRY(wm_hold_add(d->hold, 2 * sizeof(wm_quarantined)));
    set_aside(d->bundle, reason, (int)ordinal, d->json->raw);
    digest_element(d, 'q', d->json->raw.data, d->json->raw.size);
    return NULL;
}

/* All elements.  WORTHLESS gets WM_DERIVE_GOOD, or why nothing of the bundle is a point. */
static const wm_err *take_elements(int *worthless, wm_decoder *d)
{
    wm_json *json = d->json;
    wm_json_step step;
    int reason;

    for (apr_uint32_t ordinal = 0;; ordinal++) {
        WM_TRY(wm_json_next(&step, json));
        *worthless = step == WM_JSON_BROKEN                 ? WM_Q_BAD_JSON
                     : step == WM_JSON_SCALAR               ? WM_Q_NOT_A_BUNDLE
                     : count_names(d) > WM_BUNDLE_NAMES_MAX ? WM_Q_TOO_MANY_NAMES
                     : step == WM_JSON_END                  ? WM_DERIVE_GOOD
                     : ordinal == points_max(d->options)    ? WM_Q_TOO_MANY_POINTS
                                                            : WM_DERIVE_GOOD;
        if (step == WM_JSON_END || *worthless != WM_DERIVE_GOOD)
            return NULL;
        if (step == WM_JSON_ELEMENT && json->nodes[0].type == WM_JSON_NULL) {
            d->bundle->ignored++;
            continue;
        }
        if (step == WM_JSON_ELEMENT)
            WM_TRY(wm_point_add(&reason, d, ordinal));
        else
            reason = step == WM_JSON_DEEP ? WM_Q_TOO_DEEP : WM_Q_POINT_TOO_LARGE;
        if (reason != WM_DERIVE_GOOD)
            WM_TRY(set_element_aside(d, (wm_reason)reason, ordinal));
    }
}

/* The dictionaries as the store wants them, and where each point's properties lie. */
static void finish_points(wm_decoder *d)
{
    wm_bundle *bundle = d->bundle;
    const char *properties = d->out->data;

    bundle->points = (wm_point *)(void *)d->points->data;
    bundle->point_count = (int)(d->points->size / sizeof(wm_point));
    for (int i = 0; i < bundle->point_count; i++)
        digest_element(d, 'p', bundle->points[i].digest, sizeof bundle->points[i].digest);
    crypto_generichash_final(d->body, bundle->body_digest, sizeof bundle->body_digest);
    for (int i = 0; i < bundle->point_count; i++) {
        bundle->points[i].properties.data = properties;
        properties += bundle->points[i].properties.size;
        wm_point_digest_bundle(&bundle->points[i], d);
    }
    for (int i = 0; i < d->sources->entries->nelts; i++)
        *(wm_text *)apr_array_push(bundle->sources) = wm_dict_at(d->sources, i)->a;
    for (int i = 0; i < d->generators->entries->nelts; i++)
        *(wm_text *)apr_array_push(bundle->generators) = wm_dict_at(d->generators, i)->a;
    for (int i = 0; i < d->agents->entries->nelts; i++) {
        const wm_dict_entry *entry = wm_dict_at(d->agents, i);

        *(wm_agent *)apr_array_push(bundle->agents) = (wm_agent){entry->a, entry->b};
    }
}

static void digest_bytes(wm_bundle *bundle, wm_text bytes)
{
    crypto_generichash(bundle->body_digest, sizeof bundle->body_digest,
                       (const unsigned char *)bytes.data, bytes.size, NULL, 0);
}

/* One reason makes all of the bundle worthless: nothing of it is a point. */
static void set_bundle_aside(wm_bundle *bundle, wm_reason reason, wm_text raw, apr_pool_t *pool)
{
    apr_array_header_t *files = bundle->files;

    make_lists(bundle, pool);
    bundle->files = files;
    bundle->ignored = 0;
    set_aside(bundle, reason, -1, raw);
    digest_bytes(bundle, raw);
}

const wm_bundle *wm_bundle_aside(const wm_bundle *bundle, wm_reason reason, apr_pool_t *pool)
{
    const wm_upload *upload = bundle->upload;
    wm_bundle *aside = apr_pmemdup(pool, bundle, sizeof *bundle);

    aside->points = NULL;
    aside->point_count = 0;
    aside->gzip = aside->json = (wm_text){NULL, 0};
    set_bundle_aside(aside, reason, (wm_text){upload->data, upload->size}, pool);
    return aside;
}

static const wm_err *decode_text(wm_bundle *bundle, const wm_payload *payload,
                                 const wm_decode_options *options, apr_pool_t *pool)
{
    wm_text text = payload->json;
    int worthless;
    wm_decoder *d;

    WM_TRY(make_decoder(&d, bundle, payload, options, pool));
    WM_TRY(wm_buf_reserve(d->out, text.size + text.size / 8 + 64));
    WM_TRY(wm_buf_reserve(d->points, (text.size / 512 + 4) * sizeof(wm_point)));
    WM_TRY(take_elements(&worthless, d));
    if (worthless == WM_DERIVE_GOOD) {
        finish_points(d);
        WM_TRY(wm_points_order(d));
    } else {
        wm_buf_free(d->out);
        wm_buf_free(d->points);
        set_bundle_aside(bundle, (wm_reason)worthless, text, pool);
    }
    if (d->seen_buf)
        wm_buf_free(d->seen_buf);
    apr_pool_destroy(d->scratch);
    wm_buf_free(d->json->tape);
    wm_buf_free(d->json->side);
    wm_buf_free(d->json->order);
    wm_buf_free(d->json->levels);
    return NULL;
}

const wm_err *wm_bundle_decode(wm_bundle **result, const wm_upload *upload,
                               const wm_decode_options *options, apr_pool_t *pool)
{
    wm_bundle *bundle = make_bundle(upload, pool);
    wm_payload payload;

    WM_TRY(wm_payload_unwrap(&payload, upload, options, pool));
    bundle->encrypted = payload.encrypted;
    bundle->compressed = payload.gzip.data != NULL;
    WM_TRY(take_files(bundle, payload.files, options->budget, pool));
    if (payload.reason != WM_PAYLOAD_GOOD) {
        set_bundle_aside(bundle, (wm_reason)payload.reason, payload.raw, pool);
    } else {
        bundle->json_bytes = payload.json.size;
        bundle->gzip = payload.gzip;
        WM_TRY(decode_text(bundle, &payload, options, pool));
        if (!payload.gzip.data)
            bundle->json = payload.json;
        else if (!bundle->quarantined->nelts)
            wm_buf_free(payload.owner); /* nothing points into the inflated text any more */
    }
    *result = bundle;
    return NULL;
}
