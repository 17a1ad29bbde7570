/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include <apr_strings.h>

#include "wm_dict.h"

enum {
    FIRST_SLOTS = 64,
    /* Arrays double and leave their old selves in the pool; what goes with an entry elsewhere, news
     * of a source and the like, is no larger. */
    ENTRY_COST = 8 * sizeof(wm_dict_entry)
};

int wm_text_equal(wm_text a, wm_text b)
{
    return a.size == b.size && !a.data == !b.data && (!a.size || !memcmp(a.data, b.data, a.size));
}

/* The high and the low half of a product depend on every bit of both factors. */
static apr_uint64_t mix(apr_uint64_t a, apr_uint64_t b)
{
    unsigned __int128 product = (unsigned __int128)a * b;

    return (apr_uint64_t)product ^ (apr_uint64_t)(product >> 64);
}

apr_uint64_t wm_hash(apr_uint64_t seed, const void *data, size_t size)
{
    const char *p = data;
    apr_uint64_t hash = seed ^ size, word;

    for (; size > 8; p += 8, size -= 8) {
        memcpy(&word, p, 8);
        hash = mix(hash ^ word, seed ^ APR_UINT64_C(0x9e3779b97f4a7c15));
    }
    word = 0;
    if (size)
        memcpy(&word, p, size);
    return mix(hash ^ word, seed ^ APR_UINT64_C(0xd1b54a32d192ed03));
}

wm_dict *wm_dict_create(apr_uint64_t seed, wm_hold *hold, apr_pool_t *pool)
{
    wm_dict *dict = apr_pcalloc(pool, sizeof *dict);

    dict->entries = apr_array_make(pool, 4, sizeof(wm_dict_entry));
    dict->slots = apr_pcalloc(pool, FIRST_SLOTS * sizeof *dict->slots);
    dict->mask = FIRST_SLOTS - 1;
    dict->seed = seed;
    dict->hold = hold;
    dict->pool = pool;
    return dict;
}

static const wm_err *grow(wm_dict *dict)
{
    apr_uint32_t slots = 4 * (dict->mask + 1);

    WM_TRY(wm_hold_add(dict->hold, slots * sizeof *dict->slots));
    dict->slots = apr_pcalloc(dict->pool, slots * sizeof *dict->slots);
    dict->mask = slots - 1;
    for (int i = 0; i < dict->entries->nelts; i++) {
        apr_uint32_t at = (apr_uint32_t)wm_dict_at(dict, i)->hash & dict->mask;

        while (dict->slots[at])
            at = (at + 1) & dict->mask;
        dict->slots[at] = (apr_uint32_t)i + 1;
    }
    return NULL;
}

static wm_text copy_of(wm_text text, apr_pool_t *pool)
{
    return text.data ? (wm_text){apr_pmemdup(pool, text.data, text.size), text.size} : text;
}

/* The slot of the pair with HASH, or the free one where it belongs. */
static apr_uint32_t slot_of(const wm_dict *dict, apr_uint64_t hash, wm_text a, wm_text b)
{
    apr_uint32_t at = (apr_uint32_t)hash & dict->mask;

    for (; dict->slots[at]; at = (at + 1) & dict->mask) {
        const wm_dict_entry *old = wm_dict_at(dict, (int)dict->slots[at] - 1);

        if (old->hash == hash && wm_text_equal(old->a, a) && wm_text_equal(old->b, b))
            break;
    }
    return at;
}

static apr_uint64_t hash_of(const wm_dict *dict, wm_text a, wm_text b)
{
    return wm_hash(dict->seed, a.data, a.size) + b.size;
}

int wm_dict_find(const wm_dict *dict, wm_text a, wm_text b)
{
    return (int)dict->slots[slot_of(dict, hash_of(dict, a, b), a, b)] - 1;
}

const wm_err *wm_dict_put(int *index, wm_dict *dict, wm_text a, wm_text b)
{
    apr_uint64_t hash = hash_of(dict, a, b);
    apr_uint32_t at = slot_of(dict, hash, a, b);
    wm_dict_entry *entry;

    if (dict->slots[at]) {
        *index = (int)dict->slots[at] - 1;
        return NULL;
    }
    WM_TRY(wm_hold_add(dict->hold, a.size + b.size + ENTRY_COST));
    if ((apr_uint32_t)dict->entries->nelts * 2 > dict->mask) {
        WM_TRY(grow(dict));
        at = slot_of(dict, hash, a, b);
    }
    entry = apr_array_push(dict->entries);
    entry->a = copy_of(a, dict->pool);
    entry->b = copy_of(b, dict->pool);
    entry->hash = hash;
    *index = dict->entries->nelts - 1;
    dict->slots[at] = (apr_uint32_t)*index + 1;
    return NULL;
}
