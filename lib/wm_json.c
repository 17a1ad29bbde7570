/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "wm_decimal.h"
#include "wm_json_scan.h"

#define NO_NODE 0xffffffffu

/* Where json->at stands. */
enum { BEFORE, IN_ARRAY, BEHIND_OBJECT, DONE };

/* What became of an element. */
typedef enum { GOOD, BROKEN, DEEP, LARGE } outcome;

/* The rarely changing half of a scan; the rest are locals of scan(). */
typedef struct scan {
    wm_json *json;
    const char *end;
    apr_uint32_t room; /* nodes */
    const wm_err *err; /* of growing; the outcome is BROKEN then */
} scan;

wm_json *wm_json_create(const char *data, size_t size, int depth_max, const wm_budget *budget,
                        apr_pool_t *pool)
{
    wm_json *json = apr_pcalloc(pool, sizeof *json);

    json->text = json->at = data;
    json->end = data + size;
    json->depth_max = depth_max < 0 || depth_max > WM_JSON_DEPTH_MAX ? WM_JSON_DEPTH_MAX
                                                                     : (apr_uint32_t)depth_max;
    if (size >= 3 && !memcmp(data, "\xef\xbb\xbf", 3))
        json->at += 3;
    json->tape = wm_buf_create(budget, pool);
    json->side = wm_buf_create(budget, pool);
    json->order = wm_buf_create(budget, pool);
    json->levels = wm_buf_create(budget, pool);
    return json;
}

static int more_nodes(scan *s)
{
    wm_json *json = s->json;

    json->tape->size = s->room * sizeof(wm_json_node);
    s->err = wm_buf_reserve(json->tape, 256 * sizeof(wm_json_node));
    json->nodes = (wm_json_node *)(void *)json->tape->data;
    s->room = (apr_uint32_t)(json->tape->room / sizeof(wm_json_node));
    return !s->err;
}

/* A string that cannot stay as it is: its normal spelling goes to the side buffer. */
static int repair(scan *s, apr_uint32_t *text, apr_uint32_t *size, unsigned *bits)
{
    wm_buf *side = s->json->side;
    size_t written;

    s->err = wm_buf_reserve(side, 3 * (size_t)*size + 1);
    if (s->err)
        return 0;
    written =
        wm_json_rewrite(side->data + side->size, s->json->text + *text, *size, &s->json->flags);
    if (written > *size)
        s->json->growth += written - *size;
    *text = (apr_uint32_t)side->size;
    *size = (apr_uint32_t)written;
    *bits = WM_JSON_TEXT_SIDE;
    if (memchr(side->data + side->size, '\\', written))
        *bits |= WM_JSON_TEXT_ESCAPED;
    side->size += written;
    return 1;
}

/* The string whose first character is at P; BITS are those of a value. */
static inline const char *scan_string(scan *s, const char *p, apr_uint32_t *text,
                                      apr_uint32_t *size, unsigned *bits)
{
    const char *base = s->json->text, *stop;
    unsigned needs;
    int high = 0;

    *text = (apr_uint32_t)(p - base);
    *bits = 0;
    stop = wm_json_run(p, s->end, &high);
    if (!high && stop < s->end && *stop == '"') {
        *size = (apr_uint32_t)(stop - p);
        return stop + 1;
    }
    stop = wm_json_string_end(p, s->end, &needs);
    if (!stop)
        return NULL;
    *size = (apr_uint32_t)(stop - 1 - p);
    if (needs & WM_STRING_ESCAPED)
        *bits = WM_JSON_TEXT_ESCAPED;
    if ((needs & (WM_STRING_REWRITE | WM_STRING_BAD_UTF8)) && !repair(s, text, size, bits))
        return NULL;
    return stop;
}

static const char *scan_literal(scan *s, const char *p, wm_json_node *node)
{
    wm_json_type type = WM_JSON_NULL;
    int nonfinite = 0;

    p = wm_json_literal_end(p, s->end, &type, &nonfinite);
    node->type = (unsigned char)type;
    node->text = node->size = 0;
    if (p && nonfinite) {
        s->json->flags |= WM_F_NONFINITE_NUMBER;
        s->json->growth++; /* null is longer than NaN */
    }
    return p;
}

static const char *scan_number(scan *s, const char *p, wm_json_node *node)
{
    const char *stop;
    int fancy;

    if (s->end - p > 1 && *p == '-' && p[1] == 'I')
        return scan_literal(s, p, node);
    stop = wm_json_number_end(p, s->end, &fancy);
    if (!stop)
        return NULL;
    node->type = WM_JSON_NUMBER;
    node->text = (apr_uint32_t)(p - s->json->text);
    node->size = (apr_uint32_t)(stop - p);
    if (fancy && !wm_decimal_storable(p, node->size)) {
        node->bits |= WM_JSON_OUT_OF_RANGE;
        s->json->flags |= WM_F_NUMBER_OUT_OF_RANGE;
        s->json->growth += 2;
    }
    return stop;
}

static inline const char *scan_scalar(scan *s, const char *p, wm_json_node *node)
{
    unsigned bits;

    if (*p == '"') {
        node->type = WM_JSON_STRING;
        p = scan_string(s, p + 1, &node->text, &node->size, &bits);
        node->bits |= (unsigned char)bits;
        return p;
    }
    if (*p == '-' || (*p >= '0' && *p <= '9'))
        return scan_number(s, p, node);
    return scan_literal(s, p, node);
}

/* "key": at P, blanks around it included. */
static inline const char *scan_key(scan *s, const char *p, wm_json_node *node)
{
    unsigned bits;

    p = wm_json_skip_blanks(p, s->end);
    if (p == s->end || *p != '"')
        return NULL;
    p = scan_string(s, p + 1, &node->key, &node->key_size, &bits);
    if (!p)
        return NULL;
    node->bits = (unsigned char)(bits / WM_JSON_TEXT_SIDE * WM_JSON_KEY_SIDE);
    p = wm_json_skip_blanks(p, s->end);
    return p < s->end && *p == ':' ? p + 1 : NULL;
}

/* The tape of the value at json->at; json->at moves behind it when it is GOOD.  An open container
 * keeps its parent in `next' until it is closed.  CLOSER is what closes the innermost one. */
static outcome scan_value(scan *s)
{
    wm_json *json = s->json;
    const char *p = json->at, *end = s->end;
    apr_uint32_t parent = NO_NODE, count = 0, depth = 0;
    char closer = 0;
    wm_json_node *node;

    for (;;) {
        if (count == s->room && (count >= WM_JSON_NODES_MAX || !more_nodes(s)))
            return s->err ? BROKEN : LARGE;
        node = &json->nodes[count];
        node->bits = 0;
        node->key = node->key_size = 0;
        if (closer == '}' && !(p = scan_key(s, p, node)))
            return BROKEN;
        p = wm_json_skip_blanks(p, end);
        if (p == end)
            return BROKEN;
        if (*p == '{' || *p == '[') {
            if (++depth > json->depth_max)
                return DEEP;
            node->type = *p == '{' ? WM_JSON_OBJECT : WM_JSON_ARRAY;
            closer = *p == '{' ? '}' : ']';
            node->text = 0;
            node->next = parent;
            parent = count++;
            p = wm_json_skip_blanks(p + 1, end);
            if (p < end && *p != closer)
                continue;
        } else {
            p = scan_scalar(s, p, node);
            if (!p)
                return BROKEN;
            node->next = ++count;
        }
        for (; depth; p++) { /* close what ends here */
            p = wm_json_skip_blanks(p, end);
            if (p == end)
                return BROKEN;
            if (*p == ',')
                break;
            if (*p != closer)
                return BROKEN;
            node = &json->nodes[parent];
            node->size = count - parent - 1;
            parent = node->next;
            node->next = count;
            if (--depth)
                closer = json->nodes[parent].type == WM_JSON_OBJECT ? '}' : ']';
        }
        if (!depth)
            break;
        p++;
    }
    json->at = p;
    json->count = count;
    return GOOD;
}

/* Whether jsonb can hold it: 24 bytes for each node are its entry, its alignment and the head of a
 * number. */
static int is_storable(const wm_json *json)
{
    return json->raw.size + json->growth + 24 * (size_t)json->count < WM_JSON_STORED_MAX;
}

static const wm_err *next_element(wm_json_step *step, wm_json *json)
{
    scan s = {json, json->end, (apr_uint32_t)(json->tape->room / sizeof(wm_json_node)), NULL};
    const char *start = json->at, *behind;
    outcome result;

    json->side->size = 0;
    json->flags = 0;
    json->growth = 0;
    json->count = 0;
    result = scan_value(&s);
    if (s.err)
        return s.err;
    *step = WM_JSON_BROKEN;
    if (result == BROKEN)
        return NULL;
    if (result == GOOD) {
        json->raw = (wm_text){start, (size_t)(json->at - start)};
        *step = is_storable(json) ? WM_JSON_ELEMENT : WM_JSON_LARGE;
        return NULL;
    }
    WM_TRY(wm_json_check(&behind, start, json->end, json->levels));
    if (behind) {
        *step = result == DEEP ? WM_JSON_DEEP : WM_JSON_LARGE;
        json->raw = (wm_text){start, (size_t)(behind - start)};
        json->at = behind;
    }
    return NULL;
}

/* Nothing but blanks may follow. */
static wm_json_step finish(wm_json *json, const char *p, wm_json_step good)
{
    json->place = DONE;
    return wm_json_skip_blanks(p, json->end) == json->end ? good : WM_JSON_BROKEN;
}

static const wm_err *first_element(wm_json_step *step, wm_json *json)
{
    const char *p = wm_json_skip_blanks(json->at, json->end), *behind;

    json->at = p;
    if (p < json->end && *p == '{') {
        json->place = BEHIND_OBJECT;
        return next_element(step, json);
    }
    if (p < json->end && *p == '[') {
        json->place = IN_ARRAY;
        json->at = p = wm_json_skip_blanks(p + 1, json->end);
        if (p < json->end && *p == ']') {
            *step = finish(json, p + 1, WM_JSON_END);
            return NULL;
        }
        return next_element(step, json);
    }
    WM_TRY(wm_json_check(&behind, p, json->end, json->levels));
    *step = behind ? finish(json, behind, WM_JSON_SCALAR) : WM_JSON_BROKEN;
    return NULL;
}

const wm_err *wm_json_next(wm_json_step *step, wm_json *json)
{
    const char *p = json->at;

    if (json->place == BEFORE)
        return first_element(step, json);
    if (json->place == BEHIND_OBJECT) {
        *step = finish(json, p, WM_JSON_END);
        return NULL;
    }
    *step = json->place == DONE ? WM_JSON_END : WM_JSON_BROKEN;
    p = wm_json_skip_blanks(p, json->end);
    if (json->place == DONE || p == json->end)
        return NULL;
    if (*p == ']') {
        *step = finish(json, p + 1, WM_JSON_END);
    } else if (*p == ',') {
        json->at = wm_json_skip_blanks(p + 1, json->end);
        return next_element(step, json);
    }
    return NULL;
}
