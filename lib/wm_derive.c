/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <string.h>

#include "wm_decimal.h"
#include "wm_derive.h"
#include "wm_iso8601.h"
#include "wm_utf8.h"

/* The members that the columns come from. */
typedef struct metadata {
    const wm_json_node *source, *generator, *generator_id, *timestamp, *longitude, *latitude;
} metadata;

#define TEXT(literal)         ((wm_text){literal, sizeof literal - 1})
#define KEY_IS(text, literal) (!memcmp(text, literal, sizeof literal - 1))

/* One walk over the members of an object; the last of duplicates counts. */
static void collect(metadata *m, const wm_json *json, apr_uint32_t at)
{
    const wm_json_node *nodes = json->nodes;

    for (apr_uint32_t i = at + 1; i < nodes[at].next; i = nodes[i].next) {
        const wm_json_node *node = &nodes[i];
        const char *key = wm_json_key_at(json, node);

        switch (node->key_size) {
        case 6:
            if (KEY_IS(key, "source"))
                m->source = node;
            break;
        case 8:
            if (KEY_IS(key, "latitude"))
                m->latitude = node;
            break;
        case 9:
            if (KEY_IS(key, "generator"))
                m->generator = node;
            else if (KEY_IS(key, "timestamp"))
                m->timestamp = node;
            else if (KEY_IS(key, "longitude"))
                m->longitude = node;
            break;
        case 12:
            if (KEY_IS(key, "generator-id"))
                m->generator_id = node;
            break;
        default:
            break;
        }
    }
}

static int same_text(wm_text a, wm_text b)
{
    return a.size == b.size && (!a.size || !memcmp(a.data, b.data, a.size));
}

/* 6.1 */
static int derive_source(wm_derived *d, const wm_json *json, const wm_json_node *node,
                         wm_text header, apr_pool_t *pool)
{
    if (!node) {
        if (!header.data)
            return WM_Q_NO_SOURCE;
        d->source = header;
        d->flags |= WM_F_SOURCE_HEADER;
        return WM_DERIVE_GOOD;
    }
    switch ((wm_json_type)node->type) {
    case WM_JSON_STRING:
        d->source = wm_json_value(json, node, pool);
        break;
    case WM_JSON_NUMBER:
        d->source = wm_json_value(json, node, pool);
        d->flags |= WM_F_SOURCE_NUMBER;
        break;
    case WM_JSON_NULL:
        d->source = TEXT("-");
        d->flags |= WM_F_SOURCE_NULL;
        break;
    default:
        return WM_Q_BAD_SOURCE;
    }
    if (!d->source.size) {
        d->source = TEXT("missing-source");
        d->flags |= WM_F_SOURCE_EMPTY;
    }
    if (d->source.size > WM_POINT_SOURCE_MAX &&
        wm_utf8_count(d->source.data, d->source.size) > WM_POINT_SOURCE_MAX)
        return WM_Q_BAD_SOURCE;
    if (header.data && !same_text(header, d->source))
        d->flags |= WM_F_IDENTIFIER_DIFFERS;
    return WM_DERIVE_GOOD;
}

static int is_blank(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

static wm_text trimmed(const char *data, const char *end)
{
    while (data < end && is_blank(*data))
        data++;
    while (end > data && is_blank(end[-1]))
        end--;
    return (wm_text){data, (size_t)(end - data)};
}

/* 6.3: behind "<generator-id>:", else behind the first colon and blank, else all. */
static wm_text user_agent_of(wm_text generator, wm_text id)
{
    const char *end = generator.data + generator.size, *colon;

    if (!generator.size)
        return (wm_text){NULL, 0};
    if (generator.size > id.size && generator.data[id.size] == ':' &&
        (!id.size || !memcmp(generator.data, id.data, id.size)))
        return trimmed(generator.data + id.size + 1, end);
    for (colon = generator.data; (colon = memchr(colon, ':', (size_t)(end - colon))); colon++)
        if (end - colon > 1 && colon[1] == ' ')
            return trimmed(colon + 2, end);
    return generator;
}

/* 6.2 */
static void derive_generator(wm_derived *d, const wm_json *json, const metadata *m,
                             apr_pool_t *pool)
{
    const wm_json_node *id = m->generator_id, *generator = m->generator;

    d->generator_id = TEXT("unknown-generator");
    if (id && id->type == WM_JSON_STRING) {
        d->generator_id = wm_json_value(json, id, pool);
    } else if (id) {
        d->flags |= WM_F_GENERATOR_ID_INVALID;
        if (id->type == WM_JSON_NUMBER)
            d->generator_id = wm_json_value(json, id, pool);
    }
    d->generator = TEXT("");
    if (!generator) {
        d->flags |= WM_F_GENERATOR_MISSING;
    } else if (generator->type == WM_JSON_STRING) {
        d->generator = wm_json_value(json, generator, pool);
    } else {
        d->flags |= WM_F_GENERATOR_INVALID;
        if (generator->type == WM_JSON_NUMBER)
            d->generator = wm_json_value(json, generator, pool);
    }
    d->user_agent = user_agent_of(d->generator, d->generator_id);
}

/* A number's magnitude tells its unit.  0 when it is too large for any. */
static int created_from_number(wm_derived *d, const wm_decimal *number)
{
    static const struct {
        apr_int64_t digits; /* before the point */
        int shift;          /* to microseconds */
        apr_uint32_t flag;
    } units[] = {{11, 6, 0},
                 {14, 3, WM_F_TIMESTAMP_MS},
                 {17, 0, WM_F_TIMESTAMP_US},
                 {20, -3, WM_F_TIMESTAMP_NS}};

    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++)
        if (number->point <= units[i].digits) {
            d->created = wm_decimal_scaled(number, units[i].shift);
            d->flags |= units[i].flag;
            return 1;
        }
    return 0;
}

void wm_derive_created(wm_derived *d, const wm_json *json, const wm_json_node *node,
                       apr_time_t received, apr_pool_t *pool)
{
    wm_decimal number;
    wm_text text;

    d->untimed = 0;
    if (node && node->type == WM_JSON_NUMBER && !(node->bits & WM_JSON_OUT_OF_RANGE)) {
        if (wm_decimal_parse(&number, wm_json_text_at(json, node), node->size) &&
            created_from_number(d, &number))
            return;
    } else if (node && node->type == WM_JSON_STRING) {
        text = wm_json_value(json, node, pool);
        if (wm_decimal_parse(&number, text.data, text.size)
                ? created_from_number(d, &number)
                : wm_iso8601_parse(&d->created, text.data, text.size)) {
            d->flags |= WM_F_TIMESTAMP_TEXT;
            return;
        }
    }
    d->flags |= node ? WM_F_TIMESTAMP_INVALID : WM_F_TIMESTAMP_MISSING;
    d->created = received;
    d->untimed = 1;
}

int wm_derive_number(double *value, const wm_json *json, const wm_json_node *node, apr_pool_t *pool)
{
    wm_decimal number;
    wm_text text;

    if (!node || (node->type != WM_JSON_NUMBER && node->type != WM_JSON_STRING))
        return 0;
    text = wm_json_value(json, node, pool);
    if (!wm_decimal_parse(&number, text.data, text.size))
        return 0;
    *value = wm_decimal_double(&number);
    return isfinite(*value);
}

/* 6.7 */
static void derive_location(wm_derived *d, const wm_json *json, const metadata *m,
                            const metadata *point, apr_pool_t *pool)
{
    const metadata *place = m->longitude && m->latitude ? m : point;

    d->longitude = d->latitude = NAN;
    if (!place->longitude || !place->latitude)
        return;
    if (wm_derive_number(&d->longitude, json, place->longitude, pool) &&
        wm_derive_number(&d->latitude, json, place->latitude, pool) && fabs(d->longitude) <= 180 &&
        fabs(d->latitude) <= 90)
        return;
    d->longitude = d->latitude = NAN;
    d->flags |= WM_F_LOCATION_INVALID;
}

double wm_derive_battery(const wm_json *json, apr_pool_t *pool)
{
    double level, scale;

    if (!wm_derive_number(&level, json, wm_json_member(json, 0, "level", 5), pool))
        return NAN;
    if (wm_derive_number(&scale, json, wm_json_member(json, 0, "scale", 5), pool) && scale > 0)
        level = level * 100 / scale;
    return level >= 0 && level <= 100 ? level : NAN;
}

int wm_derive(wm_derived *d, const wm_json *json, wm_text header, apr_time_t received,
              apr_pool_t *pool)
{
    static const char name[] = "passive-data-metadata";
    const wm_json_node *node;
    metadata m = {NULL, NULL, NULL, NULL, NULL, NULL}, point = m;
    int reason;

    d->flags = json->flags;
    if (json->nodes[0].type != WM_JSON_OBJECT)
        return WM_Q_NOT_AN_OBJECT;
    node = wm_json_member(json, 0, name, sizeof name - 1);
    if (!node)
        return WM_Q_NO_METADATA;
    if (node->type != WM_JSON_OBJECT)
        return WM_Q_BAD_METADATA;
    d->metadata = (apr_uint32_t)(node - json->nodes);
    collect(&m, json, d->metadata);
    reason = derive_source(d, json, m.source, header, pool);
    if (reason != WM_DERIVE_GOOD)
        return reason;
    derive_generator(d, json, &m, pool);
    wm_derive_created(d, json, m.timestamp, received, pool);
    if (!m.longitude || !m.latitude)
        collect(&point, json, 0);
    derive_location(d, json, &m, &point, pool);
    return WM_DERIVE_GOOD;
}
