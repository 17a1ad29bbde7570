/* SPDX-License-Identifier: Apache-2.0 */
/* The bounded tokenizer for device text (architecture, section 6; wire protocol 5.3 and 7.3; T26).
 *
 * It walks over the elements of a bundle's array, one at a time, strictly by RFC 8259 except that NaN,
 * Infinity and -Infinity are read as null, and makes a flat tape of nodes of each.  Texts in a node
 * are what will be stored: U+0000 removed, lone surrogates and bad UTF-8 replaced by U+FFFD, and
 * every string in its one normal spelling (only " \ and control characters escaped, those in the
 * shortest way), so that equal strings are equal bytes.  Memory beside the text is the tape, which
 * is bounded and used again for each element.  No recursion before wm_json_emit, whose depth the
 * limit bounds. */
#ifndef WM_JSON_H
#define WM_JSON_H

#include "wm_buf.h"
#include "wm_err.h"
#include "wm_point.h"

enum {
    WM_JSON_DEPTH_MAX = 2000,      /* largest useful depth limit: PostgreSQL recurses, too */
    WM_JSON_NODES_MAX = 1 << 22,   /* of one element; jsonb holds little more */
    WM_JSON_STORED_MAX = 0xfffffff /* bytes of one jsonb value */
};

typedef enum {
    WM_JSON_NULL,
    WM_JSON_FALSE,
    WM_JSON_TRUE,
    WM_JSON_NUMBER,
    WM_JSON_STRING,
    WM_JSON_ARRAY,
    WM_JSON_OBJECT
} wm_json_type;

enum {
    WM_JSON_TEXT_SIDE = 1,    /* text was repaired and lies in the side buffer */
    WM_JSON_TEXT_ESCAPED = 2, /* text has backslashes */
    WM_JSON_KEY_SIDE = 4,     /* the same of the key */
    WM_JSON_KEY_ESCAPED = 8,
    WM_JSON_OUT_OF_RANGE = 16, /* a number that jsonb cannot hold: written as a string */
    WM_JSON_DROPPED = 32       /* a later duplicate of the key won; known after wm_json_emit */
};

typedef struct wm_json_node {
    apr_uint32_t key, key_size; /* member's key between its quotes */
    apr_uint32_t text, size;    /* string between its quotes, number; containers: nodes inside */
    apr_uint32_t next;          /* node behind this value and all it contains */
    unsigned char type, bits;
} wm_json_node;

typedef enum {
    WM_JSON_ELEMENT, /* an element and its tape, node 0 is the element */
    WM_JSON_DEEP,    /* an element that nests too deep */
    WM_JSON_LARGE,   /* an element that no jsonb value can hold */
    WM_JSON_END,     /* no more, and nothing but blanks behind */
    WM_JSON_SCALAR,  /* good JSON, but neither array nor object */
    WM_JSON_BROKEN   /* no JSON */
} wm_json_step;

typedef struct wm_json {
    const char *text, *at, *end;
    wm_text raw;         /* the element as it came */
    apr_uint32_t flags;  /* wm_point_flag: what was repaired in it */
    wm_json_node *nodes; /* its tape */
    apr_uint32_t count;
    size_t growth; /* bytes that repairs may have added to it */
    apr_uint32_t depth_max;
    int place; /* in the text: before, in the array, behind a lone object, done */
    wm_buf *tape, *side, *order, *levels;
} wm_json;

/* Begin with the complete text DATA, less than 4 GiB; it must outlive the result, which lives in
 * POOL.  A byte order mark is skipped. */
wm_json *wm_json_create(const char *data, size_t size, int depth_max, const wm_budget *budget,
                        apr_pool_t *pool);

/* Advance to the next element.  After BROKEN all earlier elements are worthless, too.  Fails like
 * wm_buf_reserve. */
const wm_err *wm_json_next(wm_json_step *step, wm_json *json);

/* What wm_json_emit shall do to one object of the element: leave the member KEY out and put MEMBER,
 * the text "key":value, at its end; without MEMBER the object's own, if any, comes last. */
typedef struct wm_json_extra {
    apr_uint32_t object; /* node */
    wm_text key;
    wm_text member;
    size_t from, to; /* result: where it and its comma stand in the emitted text */
} wm_json_extra;

/* Append the element to OUT: no blanks, the members of every object sorted (shorter keys first,
 * then by bytes, which is jsonb's own order and spares PostgreSQL the work), the last of duplicates.
 * EXTRA may be NULL.  Fails like wm_buf_reserve. */
const wm_err *wm_json_emit(wm_json *json, wm_buf *out, wm_json_extra *extra);

/* The same for the value at node AT alone. */
const wm_err *wm_json_emit_node(wm_json *json, apr_uint32_t at, wm_buf *out);

/* The member KEY of object AT, the last of duplicates; NULL when there is none. */
const wm_json_node *wm_json_member(const wm_json *json, apr_uint32_t at, const char *key,
                                   size_t size);

/* The decoded text of a string or the text of a number; escapes are decoded into POOL, otherwise it
 * points into the text or the side buffer and lives until the next element. */
wm_text wm_json_value(const wm_json *json, const wm_json_node *node, apr_pool_t *pool);
wm_text wm_json_key(const wm_json *json, const wm_json_node *node, apr_pool_t *pool);

/* The same as they are written, with their escapes. */
static inline const char *wm_json_text_at(const wm_json *json, const wm_json_node *node)
{
    return (node->bits & WM_JSON_TEXT_SIDE ? json->side->data : json->text) + node->text;
}

static inline const char *wm_json_key_at(const wm_json *json, const wm_json_node *node)
{
    return (node->bits & WM_JSON_KEY_SIDE ? json->side->data : json->text) + node->key;
}

#endif
