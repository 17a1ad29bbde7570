/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include <apr_hash.h>
#include <apr_strings.h>
#include <jansson.h>
#include <sodium.h>

#include "wm_buf.h"
#include "wm_export_sign.h"
#include "wm_json_own.h"
#include "wm_zip_read.h"

enum { MANIFEST_MAX = 256 * 1024 * 1024 };

typedef struct checking {
    wm_zip_reader *zip;
    const char *file;
    wm_export_verdict *verdict;
    apr_hash_t *entries; /* of the manifest, by name; those that were met are removed */
    const char *manifest, *signature; /* NULL: not met */
    size_t manifest_size;
    apr_pool_t *pool;
} checking;

static const wm_err *wrong(const checking *c, const char *what, const char *name)
{
    return wm_err_make(c->pool, WM_E_INPUT, "%s: \"%s\" %s", c->file, name, what);
}

static const wm_err *append(void *host, const char *data, size_t size)
{
    wm_buf *out = host;

    return out->size + size > MANIFEST_MAX
               ? wm_err_make(out->pool, WM_E_INPUT, "a manifest of more than %d bytes",
                             MANIFEST_MAX)
               : wm_buf_add(out, data, size);
}

static const wm_err *read_text(const char **text, size_t *size, const checking *c,
                               const wm_zip_entry *entry)
{
    wm_buf *out = wm_buf_create(NULL, c->pool);
    wm_zip_part found;

    if (*text || !entry->stored)
        return wrong(c, "is not as we write it", entry->name);
    WM_TRY(wm_zip_reader_read(&found, c->zip, entry, append, out, c->pool));
    *size = out->size;
    WM_TRY(wm_buf_add(out, "", 1));
    *text = out->data;
    return NULL;
}

/* Manifest and signature stand at the end; what is before them is looked at when they are known. */
static const wm_err *find_texts(checking *c)
{
    const wm_zip_entry *entry;
    apr_pool_t *scratch;
    const wm_err *err;
    size_t size;

    apr_pool_create(&scratch, c->pool);
    for (;;) {
        err = wm_zip_reader_next(&entry, c->zip, scratch);
        if (!err && entry && !strcmp(entry->name, "manifest.json"))
            err = read_text(&c->manifest, &c->manifest_size, c, entry);
        else if (!err && entry && !strcmp(entry->name, "manifest.sig"))
            err = read_text(&c->signature, &size, c, entry);
        if (err || !entry)
            break;
        apr_pool_clear(scratch);
    }
    if (err)
        err = wm_err_make(c->pool, err->code, "%s", wm_err_text(err, scratch));
    apr_pool_destroy(scratch);
    return err;
}

static const wm_err *check_signature(checking *c, const char *key_path, int promised)
{
    const char *text = c->signature;

    if (!text && (promised || key_path))
        return wm_err_make(c->pool, WM_E_INPUT, "%s has no signature", c->file);
    if (!text)
        return NULL;
    if (!promised)
        return wrong(c, "is there, and the manifest does not know of it", "manifest.sig");
    WM_TRY(wm_export_sign_check(c->verdict->key, text, c->manifest, c->manifest_size, key_path,
                                c->file, c->pool));
    c->verdict->key_known = key_path != NULL;
    c->verdict->is_signed = 1;
    return NULL;
}

static const wm_err *read_manifest(checking *c, const char *key_path)
{
    json_t *root, *entry;
    size_t i;

    if (!c->manifest)
        return wm_err_make(c->pool, WM_E_INPUT, "%s has no manifest.json", c->file);
    if (wm_json_own_parse(&root, c->manifest, c->manifest_size, c->pool))
        return wrong(c, "is no JSON", "manifest.json");
    WM_TRY(check_signature(c, key_path, json_is_object(json_object_get(root, "signature"))));
    c->entries = apr_hash_make(c->pool);
    json_array_foreach(json_object_get(root, "entries"), i, entry)
    {
        const char *name = json_string_value(json_object_get(entry, "name"));

        if (!name || apr_hash_get(c->entries, name, APR_HASH_KEY_STRING))
            return wrong(c, "names an entry twice, or not at all", "manifest.json");
        apr_hash_set(c->entries, name, APR_HASH_KEY_STRING, entry);
    }
    return NULL;
}

static int same_digest(const json_t *entry, const char *member, const unsigned char *sha256)
{
    const char *wanted = json_string_value(json_object_get(entry, member));
    char hex[2 * WM_ZIP_SHA256 + 1];

    sodium_bin2hex(hex, sizeof hex, sha256, WM_ZIP_SHA256);
    return wanted && !strcmp(wanted, hex);
}

/* An entry against the manifest: its content, and the very bytes that hold it. */
static const wm_err *check_entry(checking *c, const wm_zip_entry *e, apr_pool_t *scratch)
{
    wm_zip_part found;
    json_t *entry;

    if (!strcmp(e->name, "manifest.json") || !strcmp(e->name, "manifest.sig"))
        return NULL;
    entry = apr_hash_get(c->entries, e->name, APR_HASH_KEY_STRING);
    if (!entry)
        return wrong(c, "is not in the manifest", e->name);
    apr_hash_set(c->entries, json_string_value(json_object_get(entry, "name")), APR_HASH_KEY_STRING,
                 NULL);
    WM_TRY(wm_zip_reader_read(&found, c->zip, e, NULL, NULL, scratch));
    if (!same_digest(entry, "sha256", found.sha256) ||
        !same_digest(entry, "packed_sha256", found.packed_sha256) ||
        found.bytes != json_integer_value(json_object_get(entry, "bytes")))
        return wrong(c, "is not what the manifest says", e->name);
    c->verdict->entries++;
    c->verdict->bytes += found.bytes;
    c->verdict->rows += json_integer_value(json_object_get(entry, "rows"));
    return NULL;
}

static const wm_err *check_entries(checking *c)
{
    const wm_zip_entry *entry;
    apr_pool_t *scratch;
    const wm_err *err;

    wm_zip_reader_rewind(c->zip);
    apr_pool_create(&scratch, c->pool);
    while (!(err = wm_zip_reader_next(&entry, c->zip, scratch)) && entry) {
        err = check_entry(c, entry, scratch);
        if (err)
            break;
        apr_pool_clear(scratch);
    }
    if (err)
        err = wm_err_make(c->pool, err->code, "%s", wm_err_text(err, scratch));
    apr_pool_destroy(scratch);
    return err;
}

const wm_err *wm_export_verify(wm_export_verdict *verdict, const char *file, const char *key_path,
                               apr_pool_t *pool)
{
    checking c = {.file = file, .verdict = verdict, .pool = pool};
    apr_hash_index_t *left;

    memset(verdict, 0, sizeof *verdict);
    WM_TRY(wm_zip_reader_open(&c.zip, file, pool));
    WM_TRY(find_texts(&c));
    WM_TRY(read_manifest(&c, key_path));
    WM_TRY(check_entries(&c));
    left = apr_hash_first(pool, c.entries);
    return left ? wrong(&c, "is missing", apr_hash_this_key(left)) : NULL;
}
