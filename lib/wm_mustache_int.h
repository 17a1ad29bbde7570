/* SPDX-License-Identifier: Apache-2.0 */
/* What the compiler (wm_mustache.c) and the renderer (wm_mustache_render.c) share. */
#ifndef WM_MUSTACHE_INT_H
#define WM_MUSTACHE_INT_H

#include <apr_hash.h>

#include "wm_mustache.h"

typedef enum {
    WM_NODE_TEXT,
    WM_NODE_INDENT, /* begin of a line: the indentation of the partial goes here */
    WM_NODE_ESCAPED,
    WM_NODE_RAW,
    WM_NODE_SECTION,
    WM_NODE_INVERTED,
    WM_NODE_PARTIAL
} wm_node_kind;

/* Nodes stand in reading order; a section's children are those up to its end. */
typedef struct wm_node {
    wm_node_kind kind;
    int line;
    int end;           /* sections: index behind the last child */
    int key_count;     /* 0: the implicit iterator */
    const char **keys; /* the parts of a dotted name */
    const char *text;  /* text; name of a section or partial */
    size_t size;
    const char *indent; /* standalone partials: what stood before the tag */
    size_t indent_size;
} wm_node;

typedef struct wm_template {
    const char *name;
    const wm_node *nodes;
    int count;
} wm_template;

struct wm_templates {
    apr_pool_t *pool;
    apr_hash_t *by_name; /* of wm_template; never changed after the last add */
    int strict;
};

#endif
