/* SPDX-License-Identifier: Apache-2.0 */
/* Compiling Mustache.  Whether a tag stands alone on its line is decided on the source text: the
 * delimiters cannot contain blanks, so another tag on the line is never blank. */
#include <string.h>

#include <apr_strings.h>

#include "wm_mustache_int.h"

typedef struct compiler {
    wm_templates *set;
    const char *name;
    const char *text; /* of the template, terminated */
    const char *end;
    const char *at;
    const char *counted; /* lines are counted up to here */
    int line;
    const char *open, *close;
    size_t open_size, close_size;
    apr_array_header_t *nodes;
    int sections[WM_MUSTACHE_DEPTH_MAX];
    int depth;
} compiler;

/* One tag as found in the text. */
typedef struct tag {
    char sigil; /* 0: a variable */
    const char *begin, *end;
    const char *name;
    size_t indent_size; /* of a standalone tag */
    int standalone;
} tag;

wm_templates *wm_templates_create(int strict, apr_pool_t *pool)
{
    wm_templates *set = apr_pcalloc(pool, sizeof *set);

    set->pool = pool;
    set->strict = strict;
    set->by_name = apr_hash_make(pool);
    return set;
}

int wm_templates_has(const wm_templates *set, const char *name)
{
    return apr_hash_get(set->by_name, name, APR_HASH_KEY_STRING) != NULL;
}

static int is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static int line_at(compiler *c, const char *place)
{
    for (; c->counted < place; c->counted++)
        c->line += *c->counted == '\n';
    return c->line;
}

static const wm_err *fault(compiler *c, const char *place, const char *what, const char *which)
{
    return wm_err_make(c->set->pool, WM_E_INPUT, "%s.mustache line %d: %s%s%s", c->name,
                       line_at(c, place), what, which ? " " : "", which ? which : "");
}

static wm_node *push(compiler *c, wm_node_kind kind, const char *place)
{
    wm_node *node = apr_array_push(c->nodes);

    memset(node, 0, sizeof *node);
    node->kind = kind;
    node->line = line_at(c, place);
    return node;
}

/* Literal text, cut behind each newline so that an indentation can precede each line that is not
 * empty.  Whether BEGIN starts a line is seen in the source before it. */
static void push_text(compiler *c, const char *begin, const char *end)
{
    while (begin < end) {
        const char *newline = memchr(begin, '\n', (size_t)(end - begin));
        const char *stop = newline ? newline + 1 : end;
        wm_node *node;

        if ((begin == c->text || begin[-1] == '\n') && *begin != '\n' && *begin != '\r')
            push(c, WM_NODE_INDENT, begin);
        node = push(c, WM_NODE_TEXT, begin);
        node->text = begin;
        node->size = (size_t)(stop - begin);
        begin = stop;
    }
}

/* Split NAME at its dots. */
static const wm_err *set_keys(compiler *c, wm_node *node, const char *place, const char *name)
{
    const char *rest = name, *dot;
    int count = 1;

    if (!strcmp(name, "."))
        return NULL;
    for (const char *p = name; *p; p++) {
        if (is_blank(*p))
            return fault(c, place, "blanks inside the name", name);
        count += *p == '.';
    }
    node->keys = apr_palloc(c->set->pool, (size_t)count * sizeof *node->keys);
    for (int i = 0; i < count; i++) {
        dot = strchr(rest, '.');
        node->keys[i] = apr_pstrndup(c->set->pool, rest, dot ? (size_t)(dot - rest) : strlen(rest));
        if (!*node->keys[i])
            return fault(c, place, "an empty part in the name", name);
        rest = dot ? dot + 1 : "";
    }
    node->key_count = count;
    return NULL;
}

/* Name between BEGIN and END without the blanks around it. */
static const char *trim(compiler *c, const char *begin, const char *end)
{
    while (begin < end && is_blank(*begin))
        begin++;
    while (begin < end && is_blank(end[-1]))
        end--;
    return apr_pstrndup(c->set->pool, begin, (size_t)(end - begin));
}

static const char *find(const char *from, const char *end, const char *what, size_t size)
{
    for (; from + size <= end; from++) {
        from = memchr(from, *what, (size_t)(end - from));
        if (!from || from + size > end)
            return NULL;
        if (!memcmp(from, what, size))
            return from;
    }
    return NULL;
}

/* A tag that makes no output of its own and has its line to itself takes the line with it. */
static void find_line(compiler *c, tag *t)
{
    const char *before = t->begin, *after = t->end;

    if (!t->sigil || !strchr("#^/!=>", t->sigil))
        return;
    while (before > c->text && (before[-1] == ' ' || before[-1] == '\t'))
        before--;
    while (after < c->end && (*after == ' ' || *after == '\t'))
        after++;
    if (after + 1 < c->end && after[0] == '\r' && after[1] == '\n')
        after++;
    if ((before > c->text && before[-1] != '\n') || (after < c->end && *after != '\n'))
        return;
    t->standalone = 1;
    t->indent_size = (size_t)(t->begin - before);
    t->begin = before;
    t->end = after < c->end ? after + 1 : after;
}

/* Read the tag at T->begin. */
static const wm_err *read_tag(compiler *c, tag *t)
{
    const char *from = t->begin + c->open_size, *stop, *close = c->close;

    t->sigil = from < c->end && strchr("#^/!=>&{<$", *from) && *from ? *from++ : 0;
    if (t->sigil == '{' || t->sigil == '=')
        close = apr_pstrcat(c->set->pool, t->sigil == '{' ? "}" : "=", c->close, NULL);
    stop = find(from, c->end, close, strlen(close));
    if (!stop)
        return fault(c, t->begin, "a tag is not closed by", close);
    t->end = stop + strlen(close);
    t->name = t->sigil == '!' ? "" : trim(c, from, stop);
    if (!*t->name && t->sigil != '!')
        return fault(c, t->begin, "a tag has no name", NULL);
    return NULL;
}

static const wm_err *set_delimiters(compiler *c, const tag *t)
{
    size_t first = strcspn(t->name, " \t\r\n");
    const char *second = t->name + first;

    while (is_blank(*second))
        second++;
    if (!*second || strpbrk(second, " \t\r\n=") || memchr(t->name, '=', first))
        return fault(c, t->begin, "delimiters must be two words without =, not", t->name);
    c->open = apr_pstrndup(c->set->pool, t->name, first);
    c->open_size = first;
    c->close = second;
    c->close_size = strlen(second);
    return NULL;
}

static const wm_err *open_section(compiler *c, const tag *t)
{
    wm_node *node;

    if (c->depth == WM_MUSTACHE_DEPTH_MAX)
        return fault(c, t->begin, "sections are nested too deeply at", t->name);
    c->sections[c->depth++] = c->nodes->nelts;
    node = push(c, t->sigil == '#' ? WM_NODE_SECTION : WM_NODE_INVERTED, t->begin);
    node->text = t->name;
    return set_keys(c, node, t->begin, t->name);
}

static const wm_err *close_section(compiler *c, const tag *t)
{
    wm_node *node;

    if (!c->depth)
        return fault(c, t->begin, "no section is open to be closed by", t->name);
    node = &APR_ARRAY_IDX(c->nodes, c->sections[c->depth - 1], wm_node);
    if (strcmp(node->text, t->name))
        return fault(c, t->begin,
                     apr_psprintf(c->set->pool, "section %s of line %d is closed by", node->text,
                                  node->line),
                     t->name);
    node->end = c->nodes->nelts;
    c->depth--;
    return NULL;
}

static const wm_err *push_tag(compiler *c, const tag *t)
{
    wm_node *node;

    switch (t->sigil) {
    case '!':
        return NULL;
    case '=':
        return set_delimiters(c, t);
    case '#':
    case '^':
        return open_section(c, t);
    case '/':
        return close_section(c, t);
    case '>':
        if (*t->name == '*')
            return fault(c, t->begin, "dynamic names are not supported:", t->name);
        node = push(c, WM_NODE_PARTIAL, t->begin);
        node->text = t->name;
        node->indent = t->standalone ? t->begin : "";
        node->indent_size = t->indent_size;
        return NULL;
    case '<':
    case '$':
        return fault(c, t->begin, "inheritance is not supported:", t->name);
    case '{':
    case '&':
        if (c->set->strict)
            return fault(c, t->begin, "text must be escaped; this tag does not:", t->name);
        node = push(c, WM_NODE_RAW, t->begin);
        break;
    default:
        node = push(c, WM_NODE_ESCAPED, t->begin);
        break;
    }
    node->text = t->name;
    return set_keys(c, node, t->begin, t->name);
}

static const wm_err *compile(compiler *c)
{
    while (c->at < c->end) {
        tag t = {.begin = find(c->at, c->end, c->open, c->open_size)};
        const char *line;

        if (!t.begin) {
            push_text(c, c->at, c->end);
            break;
        }
        line = t.begin;
        WM_TRY(read_tag(c, &t));
        find_line(c, &t);
        push_text(c, c->at, t.begin);
        /* A tag that begins a line and stays on it is indented like text. */
        if (!t.standalone && (line == c->text || line[-1] == '\n'))
            push(c, WM_NODE_INDENT, line);
        WM_TRY(push_tag(c, &t));
        c->at = t.end;
    }
    if (c->depth) {
        const wm_node *node = &APR_ARRAY_IDX(c->nodes, c->sections[c->depth - 1], wm_node);

        return wm_err_make(c->set->pool, WM_E_INPUT,
                           "%s.mustache line %d: section %s is never closed", c->name, node->line,
                           node->text);
    }
    return NULL;
}

const wm_err *wm_templates_add(wm_templates *set, const char *name, const char *text, size_t size)
{
    compiler c = {
        .set = set, .line = 1, .open = "{{", .close = "}}", .open_size = 2, .close_size = 2};
    wm_template *made;

    if (size > WM_MUSTACHE_SOURCE_MAX)
        return wm_err_make(set->pool, WM_E_INPUT, "%s.mustache has more than %d bytes", name,
                           WM_MUSTACHE_SOURCE_MAX);
    if (memchr(text, 0, size))
        return wm_err_make(set->pool, WM_E_INPUT, "%s.mustache contains a zero byte", name);
    if (wm_templates_has(set, name))
        return wm_err_make(set->pool, WM_E_INPUT, "there are two templates named %s", name);
    c.name = apr_pstrdup(set->pool, name);
    c.text = c.at = c.counted = apr_pstrmemdup(set->pool, text, size);
    c.end = c.text + size;
    c.nodes = apr_array_make(set->pool, 64, sizeof(wm_node));
    WM_TRY(compile(&c));
    made = apr_palloc(set->pool, sizeof *made);
    made->name = c.name;
    made->nodes = (const wm_node *)c.nodes->elts;
    made->count = c.nodes->nelts;
    apr_hash_set(set->by_name, made->name, APR_HASH_KEY_STRING, made);
    return NULL;
}
