/* SPDX-License-Identifier: Apache-2.0 */
/* The tokenizer of device text.  An input is the text of a bundle; depth is limited to DEPTH. */
#include <jansson.h>

#include "fuzz.h"
#include "wm_json.h"
#include "wm_utf8.h"

enum { DEPTH = 24 };

static wm_json_step next(wm_json *json)
{
    wm_json_step step;

    FUZZ_CHECK(!wm_json_next(&step, json));
    return step;
}

typedef enum { REFUSED, ACCEPTED, UNDECIDED } verdict;

/* Whether jansson takes TEXT; it stops at numbers beyond doubles. */
static verdict jansson_says(const char *text, size_t size)
{
    json_error_t error;
    json_t *root =
        json_loadb(text, size, JSON_DECODE_ANY | JSON_DECODE_INT_AS_REAL | JSON_ALLOW_NUL, &error);

    if (!root)
        return json_error_code(&error) == json_error_numeric_overflow ? UNDECIDED : REFUSED;
    json_decref(root);
    return ACCEPTED;
}

/* What was emitted is clean: reading it changes nothing any more. */
static void check_emitted(const wm_buf *out, apr_pool_t *pool)
{
    char *copy = fuzz_exact(out->data, out->size);
    wm_json *json = wm_json_create(copy, out->size, DEPTH, NULL, pool);
    wm_buf *again = wm_buf_create(NULL, pool);
    int scalar = *copy != '{' && *copy != '[';

    FUZZ_CHECK(wm_utf8_valid(copy, copy + out->size));
    FUZZ_CHECK(!memchr(copy, '\0', out->size) &&
               !memmem(copy, out->size, "\\u0000", 6) == !memmem(copy, out->size, "\\\\u0000", 7));
    FUZZ_CHECK(jansson_says(copy, out->size) != REFUSED);
    if (scalar || *copy == '[') {
        FUZZ_CHECK(!scalar || next(json) == WM_JSON_SCALAR);
    } else {
        FUZZ_CHECK(next(json) == WM_JSON_ELEMENT && !json->flags && json->growth == 0);
        FUZZ_CHECK(!wm_json_emit(json, again, NULL));
        FUZZ_CHECK(again->size == out->size && !memcmp(again->data, copy, out->size));
        FUZZ_CHECK(next(json) == WM_JSON_END);
    }
    wm_buf_free(again);
    free(copy);
}

/* Nodes lie inside each other, and every text can be had. */
static void check_tape(const wm_json *json, apr_pool_t *pool)
{
    FUZZ_CHECK(json->count > 0 && json->nodes[0].next == json->count);
    for (apr_uint32_t i = 0; i < json->count; i++) {
        const wm_json_node *node = &json->nodes[i];
        wm_text text = wm_json_value(json, node, pool), key = wm_json_key(json, node, pool);

        FUZZ_CHECK(node->next > i && node->next <= json->count);
        FUZZ_CHECK(wm_utf8_valid(key.data, key.data + key.size));
        if (node->type == WM_JSON_STRING || node->type == WM_JSON_NUMBER)
            FUZZ_CHECK(wm_utf8_valid(text.data, text.data + text.size) &&
                       !memchr(text.data, '\0', text.size));
        else
            FUZZ_CHECK(node->type >= WM_JSON_ARRAY || node->next == i + 1);
    }
}

/* How the text ends when every container is too deep, which is another way through it. */
static wm_json_step shallow_end(const char *text, size_t size, apr_pool_t *pool)
{
    wm_json *json = wm_json_create(text, size, 0, NULL, pool);
    wm_json_step step;

    do
        step = next(json);
    while (step == WM_JSON_ELEMENT || step == WM_JSON_DEEP);
    return step;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    apr_pool_t *pool = fuzz_pool();
    char *text = fuzz_exact(data, size);
    wm_json *json = wm_json_create(text, size, DEPTH, NULL, pool);
    wm_buf *out = wm_buf_create(NULL, pool);
    apr_uint32_t changes = 0;
    wm_json_step step;

    while ((step = next(json)) == WM_JSON_ELEMENT || step == WM_JSON_DEEP) {
        FUZZ_CHECK(json->raw.data >= text && json->raw.data + json->raw.size <= text + size);
        if (step == WM_JSON_DEEP)
            continue;
        check_tape(json, pool);
        changes |= json->flags;
        out->size = 0;
        FUZZ_CHECK(!wm_json_emit(json, out, NULL));
        FUZZ_CHECK(out->size <= json->raw.size + json->growth);
        check_emitted(out, pool);
        fuzz_accepted += step == WM_JSON_ELEMENT;
    }
    FUZZ_CHECK(shallow_end(text, size, pool) == step);
    if (step == WM_JSON_BROKEN)
        FUZZ_CHECK(!size || memchr(text, '\0', size) || jansson_says(text, size) != ACCEPTED);
    else if (!(changes & ~(apr_uint32_t)WM_F_NUMBER_OUT_OF_RANGE) && step == WM_JSON_END &&
             size < 2000 && (uint8_t)*text != 0xef)
        FUZZ_CHECK(jansson_says(text, size) != REFUSED || memmem(text, size, "\\u0000", 6) ||
                   memchr(text, 'N', size) || memchr(text, 'I', size));
    free(text);
    apr_pool_destroy(pool);
    return 0;
}
