/* SPDX-License-Identifier: Apache-2.0 */
/* From the tape back to text: minified, members sorted, the last of duplicates. */
#include <arpa/inet.h>
#include <string.h>

#include "wm_json.h"

/* A member on its way to its place. */
typedef struct entry {
    apr_uint64_t rank; /* size of the key, then its first four bytes */
    apr_uint32_t node;
} entry;

typedef struct emitter {
    wm_json *json;
    char *w; /* room for everything was reserved */
    wm_json_extra *extra;
    char *start; /* of the buffer, for extra->from and to */
    size_t used; /* entries of json->order */
} emitter;

/* Keys, numbers and most strings are short: no call for them. */
static inline char *put(char *w, const char *s, size_t n)
{
    if (n > 32) {
        memcpy(w, s, n);
    } else if (n >= 16) {
        memcpy(w, s, 16);
        memcpy(w + n - 16, s + n - 16, 16);
    } else if (n >= 8) {
        memcpy(w, s, 8);
        memcpy(w + n - 8, s + n - 8, 8);
    } else if (n >= 4) {
        memcpy(w, s, 4);
        memcpy(w + n - 4, s + n - 4, 4);
    } else if (n) {
        w[0] = s[0];
        w[n / 2] = s[n / 2];
        w[n - 1] = s[n - 1];
    }
    return w + n;
}

static inline char *put_quoted(char *w, const char *s, size_t n)
{
    *w++ = '"';
    w = put(w, s, n);
    *w++ = '"';
    return w;
}

static inline apr_uint64_t rank_of(const char *key, apr_uint32_t size)
{
    apr_uint32_t head = 0;

    if (size >= 4) {
        memcpy(&head, key, 4);
        head = ntohl(head);
    } else {
        for (apr_uint32_t i = 0; i < 4; i++)
            head = head << 8 | (i < size ? (unsigned char)key[i] : 0);
    }
    return (apr_uint64_t)size << 32 | head;
}

static int compare_rest(const wm_json *json, const entry *a, const entry *b)
{
    apr_uint32_t size = (apr_uint32_t)(a->rank >> 32);

    return size <= 4 ? 0
                     : memcmp(wm_json_key_at(json, &json->nodes[a->node]) + 4,
                              wm_json_key_at(json, &json->nodes[b->node]) + 4, size - 4);
}

static inline int compare(const wm_json *json, const entry *a, const entry *b)
{
    if (a->rank != b->rank)
        return a->rank < b->rank ? -1 : 1;
    return compare_rest(json, a, b);
}

/* Both sorts are stable: of equal keys the last stays last. */
static void insertion_sort(const wm_json *json, entry *list, size_t count)
{
    for (size_t i = 1; i < count; i++) {
        entry moving = list[i];
        size_t j = i;

        for (; j && compare(json, &list[j - 1], &moving) > 0; j--)
            list[j] = list[j - 1];
        list[j] = moving;
    }
}

/* SPARE has room for COUNT entries; the depth is the logarithm of COUNT. */
static void merge_sort(const wm_json *json, entry *list, size_t count, entry *spare)
{
    size_t half = count / 2, i = 0, j = half, k = 0;

    if (count <= 24) {
        insertion_sort(json, list, count);
        return;
    }
    merge_sort(json, list, half, spare);
    merge_sort(json, list + half, count - half, spare);
    memcpy(spare, list, half * sizeof *list);
    while (i < half && j < count)
        list[k++] = compare(json, &spare[i], &list[j]) <= 0 ? spare[i++] : list[j++];
    memcpy(list + k, spare + i, (half - i) * sizeof *list);
}

/* The members of object AT in order, behind the entries in use; COUNT of them.  OWN gets the
 * member that the extra one replaces, 0 when there is none. */
static const wm_err *sort_members(emitter *e, apr_uint32_t at, size_t *count, apr_uint32_t *own)
{
    wm_json *json = e->json;
    const wm_json_node *node = &json->nodes[at];
    const wm_json_extra *extra = e->extra && e->extra->object == at ? e->extra : NULL;
    entry *list;
    size_t n = 0;

    json->order->size = e->used * sizeof *list;
    WM_TRY(wm_buf_reserve(json->order, 2 * sizeof *list * ((size_t)node->size + 1)));
    list = (entry *)(void *)json->order->data + e->used;
    *own = 0;
    for (apr_uint32_t i = at + 1; i < node->next; i = json->nodes[i].next) {
        const wm_json_node *child = &json->nodes[i];
        const char *key = wm_json_key_at(json, child);

        if (extra && child->key_size == extra->key.size &&
            !memcmp(key, extra->key.data, extra->key.size)) {
            json->nodes[*own].bits |= *own ? WM_JSON_DROPPED : 0;
            *own = i;
            continue;
        }
        list[n].rank = rank_of(key, child->key_size);
        list[n++].node = i;
    }
    merge_sort(json, list, n, list + n);
    *count = n;
    return NULL;
}

static const wm_err *emit_value(emitter *e, apr_uint32_t at);

static const wm_err *emit_member(emitter *e, apr_uint32_t at)
{
    const wm_json_node *node = &e->json->nodes[at];

    e->w = put_quoted(e->w, wm_json_key_at(e->json, node), node->key_size);
    *e->w++ = ':';
    return emit_value(e, at);
}

/* The extra member at the end of its object, or the object's own. */
static const wm_err *emit_extra(emitter *e, apr_uint32_t own, int first)
{
    wm_json_extra *extra = e->extra;

    extra->from = (size_t)(e->w - e->start);
    if (extra->member.data || own) {
        if (!first)
            *e->w++ = ',';
        if (extra->member.data) {
            e->w = put(e->w, extra->member.data, extra->member.size);
            e->json->nodes[own].bits |= own ? WM_JSON_DROPPED : 0;
        } else {
            WM_TRY(emit_member(e, own));
        }
    }
    extra->to = (size_t)(e->w - e->start);
    return NULL;
}

static const wm_err *emit_object(emitter *e, apr_uint32_t at)
{
    const entry *list;
    size_t base = e->used, count;
    apr_uint32_t own;
    int first = 1;

    WM_TRY(sort_members(e, at, &count, &own));
    e->used += count;
    *e->w++ = '{';
    for (size_t i = 0; i < count; i++) {
        /* Members below may have moved the list. */
        list = (const entry *)(const void *)e->json->order->data + base;
        if (i + 1 < count && !compare(e->json, &list[i], &list[i + 1])) {
            e->json->nodes[list[i].node].bits |= WM_JSON_DROPPED;
            continue;
        }
        if (!first)
            *e->w++ = ',';
        first = 0;
        WM_TRY(emit_member(e, list[i].node));
    }
    if (e->extra && e->extra->object == at)
        WM_TRY(emit_extra(e, own, first));
    *e->w++ = '}';
    e->used = base;
    return NULL;
}

static const wm_err *emit_array(emitter *e, apr_uint32_t at)
{
    const wm_json_node *nodes = e->json->nodes;

    *e->w++ = '[';
    for (apr_uint32_t i = at + 1; i < nodes[at].next; i = nodes[i].next) {
        if (i > at + 1)
            *e->w++ = ',';
        WM_TRY(emit_value(e, i));
    }
    *e->w++ = ']';
    return NULL;
}

/* Recursion is as deep as the element, which the depth limit bounds. */
static const wm_err *emit_value(emitter *e, apr_uint32_t at)
{
    const wm_json_node *node = &e->json->nodes[at];
    const char *text = wm_json_text_at(e->json, node);

    switch ((wm_json_type)node->type) {
    case WM_JSON_STRING:
        e->w = put_quoted(e->w, text, node->size);
        break;
    case WM_JSON_NUMBER:
        e->w = node->bits & WM_JSON_OUT_OF_RANGE ? put_quoted(e->w, text, node->size)
                                                 : put(e->w, text, node->size);
        break;
    case WM_JSON_TRUE:
        e->w = put(e->w, "true", 4);
        break;
    case WM_JSON_FALSE:
        e->w = put(e->w, "false", 5);
        break;
    case WM_JSON_NULL:
        e->w = put(e->w, "null", 4);
        break;
    case WM_JSON_ARRAY:
        return emit_array(e, at);
    case WM_JSON_OBJECT:
        return emit_object(e, at);
    }
    return NULL;
}

/* Every token takes at most what it took as it came, plus the growth that was counted. */
static const wm_err *emit(wm_json *json, apr_uint32_t at, wm_buf *out, wm_json_extra *extra)
{
    emitter e = {.json = json, .extra = extra};

    WM_TRY(
        wm_buf_reserve(out, json->raw.size + json->growth + (extra ? extra->member.size + 1 : 0)));
    e.start = out->data;
    e.w = out->data + out->size;
    WM_TRY(emit_value(&e, at));
    out->size = (size_t)(e.w - out->data);
    return NULL;
}

const wm_err *wm_json_emit(wm_json *json, wm_buf *out, wm_json_extra *extra)
{
    return emit(json, 0, out, extra);
}

const wm_err *wm_json_emit_node(wm_json *json, apr_uint32_t at, wm_buf *out)
{
    return emit(json, at, out, NULL);
}
