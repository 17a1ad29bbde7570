/* SPDX-License-Identifier: Apache-2.0 */
/* Rendering compiled Mustache.  Everything that changes is on the stack or in the output buffer. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "wm_mustache_int.h"

/* The values that names are looked up in, innermost first. */
typedef struct context {
    const json_t *value;
    const struct context *up;
} context;

/* Indentations of the partials around, innermost first. */
typedef struct indent {
    const char *text;
    size_t size;
    const struct indent *up;
} indent;

typedef struct renderer {
    const wm_templates *set;
    wm_buf *out;
    apr_pool_t *pool;
    int steps;
} renderer;

static const wm_err *render(renderer *r, const wm_template *t, int from, int to, const context *up,
                            const indent *margin, int depth);

static const wm_err *put(renderer *r, const char *text, size_t size)
{
    if (size > WM_MUSTACHE_TEXT_MAX - r->out->size)
        return wm_err_make(r->pool, WM_E_LIMIT, "the rendered text has more than %d bytes",
                           WM_MUSTACHE_TEXT_MAX);
    return wm_buf_add(r->out, text, size);
}

static const char *entity(char c)
{
    switch (c) {
    case '&':
        return "&amp;";
    case '<':
        return "&lt;";
    case '>':
        return "&gt;";
    case '"':
        return "&quot;";
    case '\'':
        return "&#39;";
    case '`':
        return "&#96;";
    default:
        return NULL;
    }
}

static const wm_err *put_escaped(renderer *r, const char *text, size_t size)
{
    size_t from = 0;

    for (size_t i = 0; i < size; i++) {
        const char *as = entity(text[i]);

        if (!as)
            continue;
        WM_TRY(put(r, text + from, i - from));
        WM_TRY(put(r, as, strlen(as)));
        from = i + 1;
    }
    return put(r, text + from, size - from);
}

static const wm_err *put_indent(renderer *r, const indent *margin)
{
    if (!margin)
        return NULL;
    WM_TRY(put_indent(r, margin->up));
    return put(r, margin->text, margin->size);
}

/* The shortest decimal that reads back as the same number. */
static int real_text(char *text, size_t room, double value)
{
    int size = 0;

    for (int digits = 15; digits <= 17; digits++) {
        size = snprintf(text, room, "%.*g", digits, value);
        if (strtod(text, NULL) == value)
            break;
    }
    return size;
}

static const wm_err *put_value(renderer *r, const json_t *value, int escape)
{
    char number[40];

    switch (value ? json_typeof(value) : JSON_NULL) {
    case JSON_STRING:
        return escape ? put_escaped(r, json_string_value(value), json_string_length(value))
                      : put(r, json_string_value(value), json_string_length(value));
    case JSON_INTEGER:
        return put(r, number,
                   (size_t)snprintf(number, sizeof number, "%" JSON_INTEGER_FORMAT,
                                    json_integer_value(value)));
    case JSON_REAL:
        return put(r, number, (size_t)real_text(number, sizeof number, json_real_value(value)));
    case JSON_TRUE:
        return put(r, "true", 4);
    case JSON_FALSE:
        return put(r, "false", 5);
    default:
        return NULL;
    }
}

/* The first part of a name is searched outwards, the others only inside what was found. */
static const json_t *look_up(const wm_node *node, const context *up)
{
    const json_t *value = NULL;

    if (!node->key_count)
        return up->value;
    for (; up && !value; up = up->up)
        value = json_object_get(up->value, node->keys[0]);
    for (int i = 1; i < node->key_count && value; i++)
        value = json_object_get(value, node->keys[i]);
    return value;
}

static int is_truthy(const json_t *value)
{
    switch (value ? json_typeof(value) : JSON_NULL) {
    case JSON_TRUE:
        return 1;
    case JSON_STRING:
        return json_string_length(value) > 0;
    case JSON_ARRAY:
        return json_array_size(value) > 0;
    case JSON_OBJECT:
        return json_object_size(value) > 0;
    case JSON_INTEGER:
        return json_integer_value(value) != 0;
    case JSON_REAL:
        return json_real_value(value) != 0;
    default:
        return 0;
    }
}

static const wm_err *render_section(renderer *r, const wm_template *t, int at, const context *up,
                                    const indent *margin, int depth)
{
    const wm_node *node = &t->nodes[at];
    const json_t *value = look_up(node, up);
    context inner = {.value = value, .up = up};
    size_t count = json_array_size(value);

    if (node->kind == WM_NODE_INVERTED)
        return is_truthy(value) ? NULL : render(r, t, at + 1, node->end, up, margin, depth);
    if (!is_truthy(value))
        return NULL;
    if (!json_is_array(value))
        return render(r, t, at + 1, node->end, &inner, margin, depth);
    for (size_t i = 0; i < count; i++) {
        inner.value = json_array_get(value, i);
        WM_TRY(render(r, t, at + 1, node->end, &inner, margin, depth));
    }
    return NULL;
}

static const wm_err *render_partial(renderer *r, const wm_node *node, const context *up,
                                    const indent *margin, int depth)
{
    const wm_template *t = apr_hash_get(r->set->by_name, node->text, APR_HASH_KEY_STRING);
    indent own = {.text = node->indent, .size = node->indent_size, .up = margin};

    if (!t)
        return NULL;
    return render(r, t, 0, t->count, up, own.size ? &own : margin, depth);
}

/* The nodes FROM .. TO of T.  MARGIN stands before each of their lines. */
static const wm_err *render(renderer *r, const wm_template *t, int from, int to, const context *up,
                            const indent *margin, int depth)
{
    if (depth > WM_MUSTACHE_DEPTH_MAX)
        return wm_err_make(r->pool, WM_E_LIMIT,
                           "%s.mustache: sections and partials go deeper than %d levels", t->name,
                           WM_MUSTACHE_DEPTH_MAX);
    for (int i = from; i < to; i++) {
        const wm_node *node = &t->nodes[i];

        if (++r->steps > WM_MUSTACHE_STEPS_MAX)
            return wm_err_make(r->pool, WM_E_LIMIT, "%s.mustache: rendering takes over %d steps",
                               t->name, WM_MUSTACHE_STEPS_MAX);
        switch (node->kind) {
        case WM_NODE_TEXT:
            WM_TRY(put(r, node->text, node->size));
            break;
        case WM_NODE_INDENT:
            WM_TRY(put_indent(r, margin));
            break;
        case WM_NODE_ESCAPED:
        case WM_NODE_RAW:
            WM_TRY(put_value(r, look_up(node, up), node->kind == WM_NODE_ESCAPED));
            break;
        case WM_NODE_SECTION:
        case WM_NODE_INVERTED:
            WM_TRY(render_section(r, t, i, up, margin, depth + 1));
            i = node->end - 1;
            break;
        case WM_NODE_PARTIAL:
            WM_TRY(render_partial(r, node, up, margin, depth + 1));
            break;
        }
    }
    return NULL;
}

const wm_err *wm_templates_render(wm_buf **text, const wm_templates *set, const char *name,
                                  const json_t *root, apr_pool_t *pool)
{
    const wm_template *t = apr_hash_get(set->by_name, name, APR_HASH_KEY_STRING);
    renderer r = {.set = set, .pool = pool};
    context outermost = {.value = root};

    if (!t)
        return wm_err_make(pool, WM_E_NOT_FOUND, "there is no template %s", name);
    r.out = wm_buf_create(NULL, pool);
    WM_TRY(render(&r, t, 0, t->count, &outermost, NULL, 0));
    *text = r.out;
    return NULL;
}
