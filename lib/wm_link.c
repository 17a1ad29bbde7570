/* SPDX-License-Identifier: Apache-2.0 */
/* Attachments (wire protocol 7.5): every file that a point names, every point that names a file. */
#include <string.h>

#include "wm_decode.h"

struct wm_linker {
    wm_dict *names; /* of the files */
    int *first;     /* by name: the first file that has it */
    int *next;      /* by file: the next one of the same name, -1 at the end */
    int *linked;    /* by name: the last point that was linked, -1 before */
};

const wm_err *wm_linker_create(wm_linker **result, const apr_array_header_t *files,
                               apr_uint64_t seed, wm_hold *hold, apr_pool_t *pool)
{
    wm_linker *linker = apr_palloc(pool, sizeof *linker);
    size_t bytes = (size_t)files->nelts * sizeof(int);
    int *last = apr_palloc(pool, bytes);

    linker->names = wm_dict_create(seed, hold, pool);
    linker->first = apr_palloc(pool, bytes);
    linker->next = apr_palloc(pool, bytes);
    linker->linked = apr_palloc(pool, bytes);
    for (int i = 0; i < files->nelts; i++) {
        int known = linker->names->entries->nelts, name;

        WM_TRY(wm_dict_put(&name, linker->names, APR_ARRAY_IDX(files, i, wm_file).identifier,
                           (wm_text){NULL, 0}));
        linker->next[i] = linker->linked[i] = -1;
        if (name == known)
            linker->first[name] = i;
        else
            linker->next[last[name]] = i;
        last[name] = i;
    }
    *result = linker;
    return NULL;
}

static const wm_err *link_name(wm_decoder *d, const wm_json_node *node, int point)
{
    wm_linker *linker = d->linker;
    int name =
        wm_dict_find(linker->names, wm_json_value(d->json, node, d->scratch), (wm_text){NULL, 0});

    if (name < 0 || linker->linked[name] == point)
        return NULL;
    linker->linked[name] = point;
    for (int file = linker->first[name]; file >= 0; file = linker->next[file]) {
        wm_file_link *link;

        if (d->bundle->links->nelts >= WM_LINKS_MAX)
            return NULL;
        WM_TRY(wm_hold_add(d->hold, 2 * sizeof *link)); /* the list doubles */
        link = apr_array_push(d->bundle->links);
        link->file = file;
        link->point = point;
    }
    return NULL;
}

static int names_files(const wm_json *json, const wm_json_node *node)
{
    static const char guid[] = "attachment-guid";
    const char *key = wm_json_key_at(json, node);

    return node->key_size &&
           (key[node->key_size - 1] == '@' ||
            (node->key_size == sizeof guid - 1 && !memcmp(key, guid, sizeof guid - 1)));
}

const wm_err *wm_linker_link(wm_decoder *d, int point)
{
    const wm_json_node *nodes = d->json->nodes;

    for (apr_uint32_t i = 0; i < d->json->count; i++) {
        if (nodes[i].bits & WM_JSON_DROPPED) {
            i = nodes[i].next - 1;
            continue;
        }
        if (!names_files(d->json, &nodes[i]))
            continue;
        if (nodes[i].type == WM_JSON_STRING)
            WM_TRY(link_name(d, &nodes[i], point));
        else if (nodes[i].type == WM_JSON_ARRAY)
            for (apr_uint32_t j = i + 1; j < nodes[i].next; j = nodes[j].next)
                if (nodes[j].type == WM_JSON_STRING)
                    WM_TRY(link_name(d, &nodes[j], point));
    }
    return NULL;
}
