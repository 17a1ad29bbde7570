/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "wm_secondary.h"

/* What to make of the member. */
typedef enum {
    MEMBER,    /* its text */
    AUTHORITY, /* the authority of a URL */
    PRESENCE   /* present, not-present or unknown */
} kind;

struct wm_secondary_rule {
    const char *generator; /* normalised */
    const char *member;
    kind kind;
};

/* Sorted by generator. */
static const wm_secondary_rule rules[] = {
    {"pdk_app_event", "event_name", MEMBER},
    {"pdk_bluetooth_devices", "device_class", MEMBER},
    {"pdk_device_battery", "status", MEMBER},
    {"pdk_fitbit", "fitbit_type", MEMBER},
    {"pdk_foreground_application", "application", MEMBER},
    {"pdk_geofences", "transition", MEMBER},
    {"pdk_google_fit", "reading-type", MEMBER},
    {"pdk_location", "status", MEMBER},
    {"pdk_mitmproxy_visit", "url", AUTHORITY},
    {"pdk_nokia_health", "datastream", MEMBER},
    {"pdk_notification_events", "action", MEMBER},
    {"pdk_phone_calls", "type", MEMBER},
    {"pdk_screen_state", "state", MEMBER},
    {"pdk_text_messages", "direction", MEMBER},
    {"pdk_usage_stats", "event_type", MEMBER},
    {"pdk_voice_activity", "voices_present", PRESENCE},
    {"pdk_withings", "datastream", MEMBER},
    {"pdk_withings_device", "datastream", MEMBER},
    {"webmunk_amazon_order", "order-number", MEMBER},
    {"webmunk_extension_action", "action", MEMBER},
    {"webmunk_extension_class_added", "class-name", MEMBER},
    {"webmunk_extension_element_click", "element-class", MEMBER},
    {"webmunk_extension_element_hide", "element-class", MEMBER},
    {"webmunk_extension_element_show", "element-class", MEMBER},
    {"webmunk_extension_matched_rule", "rule", MEMBER},
};

enum { RULE_NAME_MAX = 64 };

/* Dots to blanks, lower case, other characters than letters, digits, _ - and blanks removed, runs of
 * blanks and hyphens to one, trimmed, hyphens to underscores.  Other scripts' letters match no rule
 * and are kept.  0 when the result is longer than any rule's name. */
static int normalise(char name[RULE_NAME_MAX], wm_text text)
{
    size_t n = 0, start = 0;
    int gap = 0;

    for (size_t i = 0; i < text.size; i++) {
        unsigned char c = (unsigned char)text.data[i];

        if (c >= 'A' && c <= 'Z')
            c |= 0x20;
        if (c == '.' || c == '-' || c == ' ' || (c >= '\t' && c <= '\r')) {
            gap = 1;
            continue;
        }
        if (c < 0x80 && c != '_' && !(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9'))
            continue;
        if (n + 2 > RULE_NAME_MAX - 1)
            return 0;
        if (gap)
            name[n++] = '_';
        gap = 0;
        name[n++] = (char)c;
    }
    while (n && name[n - 1] == '_')
        n--;
    while (start < n && name[start] == '_')
        start++;
    memmove(name, name + start, n - start);
    name[n - start] = '\0';
    return 1;
}

static int by_generator(const void *key, const void *rule)
{
    return strcmp(key, ((const wm_secondary_rule *)rule)->generator);
}

const wm_secondary_rule *wm_secondary_find(wm_text generator)
{
    char name[RULE_NAME_MAX];

    if (!normalise(name, generator))
        return NULL;
    return bsearch(name, rules, sizeof rules / sizeof rules[0], sizeof rules[0], by_generator);
}

/* False, null, "", [], {} and zero are what Python takes for false. */
static int is_true(const wm_json *json, const wm_json_node *node)
{
    const char *text = wm_json_text_at(json, node);

    switch ((wm_json_type)node->type) {
    case WM_JSON_NULL:
    case WM_JSON_FALSE:
        return 0;
    case WM_JSON_NUMBER:
        for (size_t i = 0; i < node->size && text[i] != 'e' && text[i] != 'E'; i++)
            if (text[i] >= '1' && text[i] <= '9')
                return 1;
        return 0;
    case WM_JSON_STRING:
    case WM_JSON_ARRAY:
    case WM_JSON_OBJECT:
        return node->size > 0;
    case WM_JSON_TRUE:
        break;
    }
    return 1;
}

/* Between // and the path; null without it. */
static wm_text authority_of(wm_text url)
{
    const char *p = url.data, *end = p + url.size, *q;

    while (p < end && *p != '/' && *p != '?' && *p != '#')
        p++;
    if (end - p < 2 || p[0] != '/' || p[1] != '/')
        return (wm_text){NULL, 0};
    p += 2;
    for (q = p; q < end && *q != '/' && *q != '?' && *q != '#';)
        q++;
    return (wm_text){p, (size_t)(q - p)};
}

/* A list as "[1, 2]", its elements as they will be stored; an object likewise without blanks. */
static const wm_err *container_text(wm_text *value, wm_json *json, const wm_json_node *node,
                                    apr_pool_t *pool)
{
    apr_uint32_t at = (apr_uint32_t)(node - json->nodes), end = node->next;
    wm_buf *out = wm_buf_create(json->tape->budget, pool);

    if (node->type == WM_JSON_OBJECT) {
        WM_TRY(wm_json_emit_node(json, at, out));
    } else {
        WM_TRY(wm_buf_add(out, "[", 1));
        for (apr_uint32_t i = at + 1; i < end; i = json->nodes[i].next) {
            if (i > at + 1)
                WM_TRY(wm_buf_add(out, ", ", 2));
            WM_TRY(wm_json_emit_node(json, i, out));
        }
        WM_TRY(wm_buf_add(out, "]", 1));
    }
    *value = (wm_text){out->data, out->size};
    return NULL;
}

static const wm_err *text_of(wm_text *value, wm_json *json, const wm_json_node *node,
                             apr_pool_t *pool)
{
    switch ((wm_json_type)node->type) {
    case WM_JSON_NULL:
        break;
    case WM_JSON_FALSE:
        *value = (wm_text){"false", 5};
        break;
    case WM_JSON_TRUE:
        *value = (wm_text){"true", 4};
        break;
    case WM_JSON_NUMBER:
    case WM_JSON_STRING:
        *value = wm_json_value(json, node, pool);
        break;
    case WM_JSON_ARRAY:
    case WM_JSON_OBJECT:
        return container_text(value, json, node, pool);
    }
    return NULL;
}

const wm_err *wm_secondary_apply(wm_text *value, const wm_secondary_rule *rule, wm_json *json,
                                 apr_pool_t *pool)
{
    const wm_json_node *node;

    *value = (wm_text){NULL, 0};
    if (!rule)
        return NULL;
    node = wm_json_member(json, 0, rule->member, strlen(rule->member));
    if (rule->kind == PRESENCE) {
        *value = !node                 ? (wm_text){"unknown", 7}
                 : is_true(json, node) ? (wm_text){"present", 7}
                                       : (wm_text){"not-present", 11};
        return NULL;
    }
    if (!node)
        return NULL;
    if (rule->kind == MEMBER)
        return text_of(value, json, node, pool);
    if (node->type == WM_JSON_STRING)
        *value = authority_of(wm_json_value(json, node, pool));
    return NULL;
}
