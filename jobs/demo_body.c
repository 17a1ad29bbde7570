/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <apr_strings.h>
#include <jansson.h>
#include <sodium.h>

#include "demo.h"
#include "wm_gzip.h"

#define COUNT(list) (int)(sizeof(list) / sizeof(list)[0])

/* What people do from midnight on, by their own clock. */
static const double day_rhythm[24] = {2,  1,  0,  0,  0,  0,  2,  6,  10, 13, 15, 15,
                                      16, 14, 14, 15, 17, 19, 21, 23, 22, 17, 10, 5};

static const char *const words[] = {"insulated bottle", "desk lamp",   "yoga mat",
                                    "coffee beans",     "wool socks",  "phone case",
                                    "garden hose",      "paper towels"};
static const char *const rules[] = {".s-result-item[data-asin]", "#buybox", ".sponsored-label"};
static const char *const classes[] = {"webmunk-sponsored", "webmunk-asin-item",
                                      "webmunk-house-brand"};
static const char *const actions[] = {"show-main-screen", "show-settings", "reload-rules"};
static const char *const apps[] = {"com.android.chrome", "com.spotify.music",
                                   "com.amazon.mShop.android.shopping"};

/* One body in the making. */
typedef struct making {
    const wm_demo_study *study;
    const wm_demo_person *person;
    const wm_demo_upload *upload;
    json_t *points;
    int drawn; /* how many random numbers were used */
    apr_pool_t *pool;
} making;

static double chance(making *m)
{
    return wm_demo_chance(m->study, m->person->number, 1000000 + m->upload->number, m->drawn++);
}

static int below(making *m, int limit)
{
    return (int)(chance(m) * limit);
}

static const char *page_url(making *m)
{
    return apr_psprintf(m->pool, "https://www.amazon.com/dp/B0%08d/ref=sr_1_%d",
                        below(m, 100000000), 1 + below(m, 48));
}

static json_t *with_page(making *m, json_t *point)
{
    json_object_set_new(point, "url*", json_string(page_url(m)));
    json_object_set_new(
        point, "page-title*",
        json_string(apr_psprintf(m->pool, "Amazon.com: %s", words[below(m, COUNT(words))])));
    json_object_set_new(
        point, "page-id",
        json_string(apr_psprintf(m->pool, "%08x-%04x", below(m, 1 << 30), below(m, 1 << 16))));
    json_object_set_new(point, "tab-id", json_integer(100000 + below(m, 900000)));
    return point;
}

/* What a browser sees; the common things first. */
static json_t *browse(making *m, const char **generator)
{
    double kind = chance(m);

    if (kind < 0.45) {
        *generator = "webmunk-extension-scroll-position";
        return with_page(m, json_pack("{s:i, s:i, s:i, s:i}", "top", below(m, 12000), "left", 0,
                                      "width", 1440, "height", 789));
    }
    if (kind < 0.7) {
        *generator = "webmunk-extension-matched-rule";
        return with_page(m, json_pack("{s:s, s:i}", "rule", rules[below(m, COUNT(rules))], "count",
                                      1 + below(m, 60)));
    }
    if (kind < 0.85) {
        *generator = "webmunk-extension-element-show";
        return with_page(m, json_pack("{s:s, s:{s:i, s:i}}", "element-class",
                                      classes[below(m, COUNT(classes))], "offset", "top",
                                      below(m, 9000), "left", below(m, 1400)));
    }
    if (kind < 0.93) {
        *generator = "webmunk-extension-element-click";
        return with_page(m, json_pack("{s:s}", "element-class", classes[below(m, COUNT(classes))]));
    }
    if (kind < 0.985) {
        *generator = "webmunk-extension-action";
        return json_pack("{s:s}", "action", actions[below(m, COUNT(actions))]);
    }
    *generator = "webmunk-amazon-order";
    return json_pack("{s:s, s:[{s:s, s:s}]}", "order-number",
                     apr_psprintf(m->pool, "112-%07d-%07d", below(m, 10000000), below(m, 10000000)),
                     "items", "title", words[below(m, COUNT(words))], "price",
                     apr_psprintf(m->pool, "$%d.%02d", 1 + below(m, 120), below(m, 100)));
}

/* What a telephone notes. */
static json_t *carry(making *m, const char **generator)
{
    double kind = chance(m);

    if (kind < 0.4) {
        *generator = "pdk-foreground-application";
        return json_pack("{s:s, s:b}", "application", apps[below(m, COUNT(apps))], "screen_active",
                         1);
    }
    if (kind < 0.7) {
        *generator = "pdk-screen-state";
        return json_pack("{s:s}", "state", below(m, 2) ? "on" : "off");
    }
    *generator = "pdk-location";
    return json_pack("{s:f, s:f, s:f}", "latitude", 41.5 + chance(m), "longitude",
                     -88.0 + chance(m), "accuracy", 5 + 40 * chance(m));
}

static json_t *battery(making *m)
{
    return json_pack("{s:i, s:s, s:s}", "level", 15 + below(m, 86), "status",
                     below(m, 3) ? "discharging" : "charging", "plugged", "unknown");
}

static json_t *status(making *m)
{
    return json_pack("{s:i, s:{s:s, s:i}, s:{s:I, s:I}}", "pending_points", below(m, 20),
                     "cpu-info", "archName", "x86_64", "numOfProcessors", 8, "memory-info",
                     "availableCapacity", (json_int_t)below(m, 1 << 20) * 8192, "capacity",
                     (json_int_t)8 << 30);
}

/* Put the metadata on POINT and the point on the bundle. */
static void add(making *m, const char *generator, json_t *point, apr_time_t when)
{
    const wm_demo_person *p = m->person;
    const char *agent = when < p->updated ? p->agent_before : p->agent;
    json_t *metadata;

    if (p->fate == WM_DEMO_CLOCK_AHEAD)
        when += apr_time_from_sec(7200);
    if (!p->android) {
        json_object_set_new(point, "date", json_integer(when / 1000));
        json_object_set_new(point, "generatorId", json_string(generator));
    }
    metadata = json_pack("{s:s, s:s, s:s, s:f, s:s}", "source", p->identifier, "generator",
                         apr_psprintf(m->pool, "%s: %s", generator, agent), "generator-id",
                         generator, "timestamp", (double)(when / 1000) / 1000, "timezone", p->zone);
    /* An extension that was built badly leaves them out now and then. */
    if (p->fate == WM_DEMO_BROKEN_CLIENT && below(m, 60) == 0)
        json_decref(metadata);
    else
        json_object_set_new(point, "passive-data-metadata", metadata);
    json_array_append_new(m->points, point);
}

/* How much happened since the upload before. */
static int happened(making *m)
{
    apr_int64_t seconds = apr_time_sec(m->upload->when) + m->person->hours * 3600;
    double much = day_rhythm[seconds / 3600 % 24] * m->person->eager * (0.4 + 1.2 * chance(m));
    int weekday = (int)((seconds / 86400 + 4) % 7);

    if (weekday == 0 || weekday == 6)
        much *= 0.7;
    return much > 62 ? 62 : (int)much;
}

static json_t *points_of(making *m)
{
    apr_time_t from = m->upload->before, span = m->upload->when - from;
    const wm_demo_person *p = m->person;
    int count = happened(m);
    /* The part that they stopped sending is one that the study requires. */
    int partial =
        p->fate == WM_DEMO_PARTIAL &&
        m->upload->when > m->study->start + apr_time_from_sec(86400) * m->study->days * 2 / 3;

    m->points = json_array();
    for (int i = 0; i < count; i++) {
        apr_time_t when = from + (apr_time_t)((i + chance(m)) / (count + 1) * (double)span);
        const char *generator;
        json_t *point = p->android ? carry(m, &generator) : browse(m, &generator);

        add(m, generator, point, when);
    }
    if (p->android)
        add(m, "pdk-device-battery", battery(m), m->upload->when - apr_time_from_sec(50));
    else
        add(m, "webmunk-local-tasks", json_pack("{s:[]}", "pending-tasks"),
            m->upload->when - apr_time_from_sec(40));
    if (!partial)
        add(m, "pdk-system-status", status(m),
            m->upload->when - apr_time_from_sec(1 + below(m, 20)));
    return m->points;
}

/* Base64 with the three characters escaped that a form must not hold. */
static const wm_err *add_payload(wm_buf *out, const wm_buf *data, apr_pool_t *pool)
{
    size_t size = sodium_base64_encoded_len(data->size, sodium_base64_VARIANT_ORIGINAL);
    char *text = apr_palloc(pool, size);

    sodium_bin2base64(text, size, (const unsigned char *)data->data, data->size,
                      sodium_base64_VARIANT_ORIGINAL);
    while (*text) {
        size_t plain = strcspn(text, "+/=");

        WM_TRY(wm_buf_add(out, text, plain));
        text += plain;
        if (*text) {
            WM_TRY(wm_buf_add(out, *text == '+' ? "%2B" : *text == '/' ? "%2F" : "%3D", 3));
            text++;
        }
    }
    return NULL;
}

const wm_err *wm_demo_body(wm_buf *out, const wm_demo_study *study, const wm_demo_person *person,
                           const wm_demo_upload *upload, apr_pool_t *scratch_pool)
{
    static const char head[] = "compression=gzip&payload=";
    making m = {.study = study, .person = person, .upload = upload, .pool = scratch_pool};
    json_t *points = points_of(&m);
    char *text = json_dumps(points, JSON_INDENT(2) | JSON_REAL_PRECISION(15));
    wm_buf *packed = wm_buf_create(NULL, scratch_pool);
    const wm_err *err;

    json_decref(points);
    if (!text)
        return wm_err_make(scratch_pool, WM_E_SYSTEM, "no memory for an upload");
    err = wm_gzip_deflate(packed, text, strlen(text));
    free(text);
    WM_TRY(err);
    WM_TRY(wm_buf_add(out, head, sizeof head - 1));
    return add_payload(out, packed, scratch_pool);
}
