/* SPDX-License-Identifier: Apache-2.0 */
/* A dictionary of what repeats in a bundle: sources, generators, agents.  Hashed with a seed that the
 * sender does not know, so that nobody can aim at its slots. */
#ifndef WM_DICT_H
#define WM_DICT_H

#include <apr_tables.h>

#include "wm_buf.h"
#include "wm_point.h"

typedef struct wm_dict_entry {
    wm_text a, b;
    apr_uint64_t hash;
} wm_dict_entry;

typedef struct wm_dict {
    apr_array_header_t *entries; /* wm_dict_entry, in order of first sight */
    apr_uint32_t *slots;         /* index + 1, 0 is free */
    apr_uint32_t mask;
    apr_uint64_t seed;
    wm_hold *hold;
    apr_pool_t *pool;
} wm_dict;

/* An empty dictionary in POOL.  What it grows to is accounted for in HOLD. */
wm_dict *wm_dict_create(apr_uint64_t seed, wm_hold *hold, apr_pool_t *pool);

/* The index of the pair A, B (B may be NULL data), entered with copies when it is new.  Fails like
 * wm_hold_add; the dictionary stays as it was. */
const wm_err *wm_dict_put(int *index, wm_dict *dict, wm_text a, wm_text b);

/* The index of the pair, -1 when it is not there. */
int wm_dict_find(const wm_dict *dict, wm_text a, wm_text b);

static inline const wm_dict_entry *wm_dict_at(const wm_dict *dict, int index)
{
    return &((const wm_dict_entry *)(const void *)dict->entries->elts)[index];
}

/* Equal bytes, or both NULL. */
int wm_text_equal(wm_text a, wm_text b);

/* A keyed hash of SIZE bytes. */
apr_uint64_t wm_hash(apr_uint64_t seed, const void *data, size_t size);

#endif
