/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <string.h>

#include <apr_strings.h>

#include "wm_decode.h"

enum {
    FIRST_SEEN = 256,
    SMALL_TEXT = 4096 /* larger ones are accounted for */
};

static const char transmission_key[] = "encrypted_transmission";

/* The entry of DIGEST, or the free one where it belongs. */
static wm_seen *seen_at(wm_decoder *d, const unsigned char digest[16])
{
    apr_uint32_t at;

    memcpy(&at, digest, sizeof at);
    for (;; at++) {
        wm_seen *seen = &d->seen[at & d->seen_mask];

        if (!seen->count || !memcmp(seen->digest, digest, 16))
            return seen;
    }
}

static const wm_err *more_seen(wm_decoder *d, apr_uint32_t slots)
{
    wm_buf *buf = wm_buf_create(d->options->budget, d->pool), *old_buf = d->seen_buf;
    const wm_seen *old = d->seen;
    apr_uint32_t count = old ? d->seen_mask + 1 : 0;

    WM_TRY(wm_buf_reserve(buf, slots * sizeof *d->seen));
    memset(buf->data, 0, slots * sizeof *d->seen);
    d->seen_buf = buf;
    d->seen = (wm_seen *)(void *)buf->data;
    d->seen_mask = slots - 1;
    for (apr_uint32_t i = 0; i < count; i++)
        if (old[i].count)
            *seen_at(d, old[i].digest) = old[i];
    if (old_buf)
        wm_buf_free(old_buf);
    return NULL;
}

static void finish_digest(unsigned char digest[16], const crypto_generichash_state *state,
                          apr_uint32_t occurrence)
{
    crypto_generichash_state last = *state;
    unsigned char number[4] = {(unsigned char)occurrence, (unsigned char)(occurrence >> 8),
                               (unsigned char)(occurrence >> 16),
                               (unsigned char)(occurrence >> 24)};

    crypto_generichash_update(&last, number, sizeof number);
    crypto_generichash_final(&last, digest, 16);
}

const wm_err *wm_point_digest(unsigned char digest[16], wm_decoder *d, const char *text,
                              size_t size, size_t from, size_t to)
{
    apr_uint32_t points = (apr_uint32_t)(d->points->size / sizeof(wm_point));
    crypto_generichash_state state;
    wm_seen *seen;

    crypto_generichash_init(&state, NULL, 0, 16);
    crypto_generichash_update(&state, (const unsigned char *)text, from);
    crypto_generichash_update(&state, (const unsigned char *)text + to, size - to);
    finish_digest(digest, &state, 0);
    if (!d->seen)
        WM_TRY(more_seen(d, FIRST_SEEN));
    else if (points * 2 > d->seen_mask)
        WM_TRY(more_seen(d, 4 * (d->seen_mask + 1)));
    seen = seen_at(d, digest);
    if (!seen->count)
        memcpy(seen->digest, digest, 16);
    else
        finish_digest(digest, &state, seen->count);
    seen->count++;
    return NULL;
}

void wm_point_digest_bundle(wm_point *point, const wm_decoder *d)
{
    crypto_generichash_state state;

    if (!point->untimed && !d->options->repeats_keep)
        return;
    crypto_generichash_init(&state, NULL, 0, 16);
    crypto_generichash_update(&state, point->digest, sizeof point->digest);
    if (point->untimed)
        crypto_generichash_update(&state, d->bundle->body_digest, sizeof d->bundle->body_digest);
    if (d->options->repeats_keep) {
        crypto_generichash_update(&state, d->upload->uid, sizeof d->upload->uid);
        point->untimed = 0; /* no digest tells a repeat, the bundle's neither */
    }
    crypto_generichash_final(&state, point->digest, sizeof point->digest);
}

static const wm_err *put_generator(wm_point *point, wm_decoder *d, const wm_derived *derived)
{
    int known = d->generators->entries->nelts;
    wm_generator_facts *facts;

    WM_TRY(
        wm_dict_put(&point->generator, d->generators, derived->generator_id, (wm_text){NULL, 0}));
    if (point->generator == known) {
        facts = apr_array_push(d->facts);
        facts->rule = wm_secondary_find(derived->generator_id);
        facts->battery = wm_text_equal(derived->generator_id, (wm_text){"pdk-device-battery", 18});
        facts->agent = -1;
    }
    facts = &APR_ARRAY_IDX(d->facts, point->generator, wm_generator_facts);
    if (facts->agent < 0 ||
        !wm_text_equal(wm_dict_at(d->agents, facts->agent)->a, derived->generator) ||
        !wm_text_equal(wm_dict_at(d->agents, facts->agent)->b, derived->user_agent))
        WM_TRY(wm_dict_put(&facts->agent, d->agents, derived->generator, derived->user_agent));
    point->agent = facts->agent;
    return NULL;
}

static const wm_err *put_secondary(wm_point *point, wm_decoder *d)
{
    const wm_generator_facts *facts =
        &APR_ARRAY_IDX(d->facts, point->generator, wm_generator_facts);
    wm_buf *large;
    wm_text value;

    WM_TRY(wm_secondary_apply(&value, facts->rule, d->json, d->scratch));
    if (value.size > SMALL_TEXT) {
        large = wm_buf_create(d->options->budget, d->pool);
        WM_TRY(wm_buf_add(large, value.data, value.size));
        value.data = large->data;
    } else if (value.data) {
        WM_TRY(wm_hold_add(d->hold, value.size));
        value.data = apr_pmemdup(d->pool, value.data, value.size);
    }
    point->secondary = value;
    return NULL;
}

static void put_news(const wm_point *point, wm_decoder *d)
{
    apr_array_header_t *list = d->bundle->news;
    wm_source_news *news;
    apr_time_t *charged;
    double battery;

    if (point->source == list->nelts) {
        news = apr_array_push(list);
        *news = (wm_source_news){point->source, point->agent, point->created, NAN};
        *(apr_time_t *)apr_array_push(d->charged) = point->created;
    }
    news = &APR_ARRAY_IDX(list, point->source, wm_source_news);
    charged = &APR_ARRAY_IDX(d->charged, point->source, apr_time_t);
    if (point->created >= news->last_created) {
        news->last_created = point->created;
        news->agent = point->agent;
    }
    if (!APR_ARRAY_IDX(d->facts, point->generator, wm_generator_facts).battery)
        return;
    battery = wm_derive_battery(d->json, d->scratch);
    if (!isnan(battery) && (isnan(news->battery) || point->created >= *charged)) {
        news->battery = battery;
        *charged = point->created;
    }
}

/* The properties, and the digest of what of them is the client's. */
static const wm_err *put_properties(wm_point *point, wm_decoder *d, apr_uint32_t metadata)
{
    wm_json_extra extra = {.object = metadata,
                           .key = {transmission_key, sizeof transmission_key - 1},
                           .member = d->transmission};
    size_t start = d->out->size;

    WM_TRY(wm_json_emit(d->json, d->out, &extra));
    point->properties = (wm_text){NULL, d->out->size - start};
    return wm_point_digest(point->digest, d, d->out->data + start, point->properties.size,
                           extra.from - start, extra.to - start);
}

const wm_err *wm_point_add(int *reason, wm_decoder *d, apr_uint32_t ordinal)
{
    wm_derived derived;
    wm_point *point;

    apr_pool_clear(d->scratch);
    *reason = wm_derive(&derived, d->json, d->header, d->upload->received, d->scratch);
    if (*reason != WM_DERIVE_GOOD)
        return NULL;
    WM_TRY(wm_buf_reserve(d->points, sizeof *point));
    point = (wm_point *)(void *)(d->points->data + d->points->size);
    memset(point, 0, sizeof *point);
    point->ordinal = ordinal;
    WM_TRY(wm_dict_put(&point->source, d->sources, derived.source, (wm_text){NULL, 0}));
    WM_TRY(put_generator(point, d, &derived));
    point->created = derived.created;
    point->untimed = derived.untimed;
    point->longitude = derived.longitude;
    point->latitude = derived.latitude;
    point->flags = derived.flags;
    WM_TRY(put_secondary(point, d));
    put_news(point, d);
    WM_TRY(put_properties(point, d, derived.metadata));
    if (d->linker)
        WM_TRY(wm_linker_link(d, (int)(d->points->size / sizeof *point)));
    d->points->size += sizeof *point;
    return NULL;
}
