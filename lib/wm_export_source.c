/* SPDX-License-Identifier: Apache-2.0 */
/* Whose points an export has, and what their files are called. */
#include <stdlib.h>
#include <string.h>

#include <apr_hash.h>
#include <apr_lib.h>
#include <apr_strings.h>
#include <sodium.h>

#include "wm_export_int.h"
#include "wm_pgarray.h"

enum { SLUG_MAX = 200, PSEUDONYM_BYTES = 10 };

const char *wm_export_slug(const char *text, apr_pool_t *pool)
{
    char *slug = apr_palloc(pool, SLUG_MAX + 1), *p = slug;

    for (; *text && p < slug + SLUG_MAX; text++) {
        char c = (char)apr_tolower(*text);

        if ((unsigned char)*text > 0x7f)
            continue;
        if (apr_isalnum(c) || c == '_')
            *p++ = c;
        else if ((apr_isspace(c) || (c >= 0x1c && c <= 0x1f) || c == '-') &&
                 (p == slug || p[-1] != '-'))
            *p++ = '-';
    }
    while (p > slug && (p[-1] == '-' || p[-1] == '_'))
        p--;
    *p = 0;
    slug += strspn(slug, "-_");
    return *slug ? slug : "source";
}

/* SLUG, with a number behind it when another source has it (E12). */
static const char *unique_slug(apr_hash_t *taken, const char *slug, apr_pool_t *pool)
{
    const char *name = slug;
    int *next = apr_hash_get(taken, slug, APR_HASH_KEY_STRING);

    while (apr_hash_get(taken, name, APR_HASH_KEY_STRING))
        name = apr_psprintf(pool, "%s__%d", slug, ++*next);
    apr_hash_set(taken, name, APR_HASH_KEY_STRING, apr_pcalloc(pool, sizeof *next));
    return name;
}

/* What stands for IDENTIFIER: keyed, so that nobody without the key can try identifiers. */
static const wm_err *pseudonym(const char **name, const char *identifier, const char *key_hex,
                               apr_pool_t *pool)
{
    unsigned char key[32], digest[16];
    char hex[2 * sizeof digest + 1];
    size_t size;

    if (sodium_hex2bin(key, sizeof key, key_hex, strlen(key_hex), NULL, &size, NULL) ||
        size != sizeof key)
        return wm_err_make(pool, WM_E_SYSTEM, "the key for pseudonyms is not 32 bytes of hex");
    if (crypto_generichash(digest, sizeof digest, (const unsigned char *)identifier,
                           strlen(identifier), key, sizeof key))
        return wm_err_make(pool, WM_E_SYSTEM, "libsodium makes no digest");
    sodium_bin2hex(hex, sizeof hex, digest, PSEUDONYM_BYTES);
    *name = apr_pstrcat(pool, "p-", hex, NULL);
    return NULL;
}

static int by_shown(const void *a, const void *b)
{
    return strcmp(((const wm_export_source *)a)->shown, ((const wm_export_source *)b)->shown);
}

static const wm_err *ask(wm_rows **rows, wm_db *db, const wm_export_definition *d,
                         const char *position, apr_pool_t *pool)
{
    wm_arg sources = WM_NULL(WM_OID_TEXT_ARRAY), groups = WM_NULL(WM_OID_INT8_ARRAY);
    wm_pgarray array;

    if (d->sources) {
        WM_TRY(wm_pgarray_begin(&array, WM_OID_TEXT, NULL, pool));
        for (int i = 0; i < d->sources->nelts; i++)
            WM_TRY(wm_pgarray_add_word(&array, APR_ARRAY_IDX(d->sources, i, const char *)));
        sources = wm_pgarray_arg(&array, WM_OID_TEXT_ARRAY);
    }
    if (d->groups) {
        WM_TRY(wm_pgarray_begin(&array, WM_OID_INT8, NULL, pool));
        for (int i = 0; i < d->groups->nelts; i++)
            WM_TRY(wm_pgarray_add_i64(&array, APR_ARRAY_IDX(d->groups, i, apr_int64_t)));
        groups = wm_pgarray_arg(&array, WM_OID_INT8_ARRAY);
    }
    return wm_db_rows(rows, db, WM_SQL_EXPORT_ROWS_SOURCES,
                      WM_ARGS(WM_I64(d->study), sources, groups, WM_TEXT(position)), pool);
}

const wm_err *wm_export_sources(apr_array_header_t **sources, wm_db *db,
                                const wm_export_definition *d, const char *position,
                                apr_pool_t *pool)
{
    apr_hash_t *taken = apr_hash_make(pool);
    wm_rows *rows;
    int count;

    WM_TRY(ask(&rows, db, d, position, pool));
    count = wm_rows_count(rows);
    *sources = apr_array_make(pool, count ? count : 1, sizeof(wm_export_source));
    for (int i = 0; i < count; i++) {
        wm_export_source *s = &APR_ARRAY_PUSH(*sources, wm_export_source);

        s->id = wm_rows_i64(rows, i, 0);
        s->identifier = s->shown = wm_rows_text(rows, i, 1);
        s->slug = wm_export_slug(wm_rows_text(rows, i, 2), pool);
        s->skipped = wm_rows_text(rows, i, 3);
        if (d->pseudonym_key) {
            WM_TRY(pseudonym(&s->shown, s->identifier, d->pseudonym_key, pool));
            WM_TRY(wm_export_hidden_make(&s->hidden, s->identifier, s->shown, pool));
            s->slug = s->shown;
        }
    }
    /* The order of the identifiers would tell something about them. */
    if (d->pseudonym_key && count)
        qsort((*sources)->elts, (size_t)count, sizeof(wm_export_source), by_shown);
    for (int i = 0; i < count; i++) {
        wm_export_source *s = &APR_ARRAY_IDX(*sources, i, wm_export_source);

        if (!s->skipped)
            s->slug = unique_slug(taken, s->slug, pool);
    }
    return NULL;
}
