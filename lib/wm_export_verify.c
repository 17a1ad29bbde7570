/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>
#include <unistd.h>

#include <apr_hash.h>
#include <apr_strings.h>
#include <jansson.h>
#include <sodium.h>
#include <unzip.h>

#include "wm_box.h"
#include "wm_buf.h"
#include "wm_export_sign.h"
#include "wm_json_own.h"
#include "wm_zip.h"

enum { READ_SIZE = 64 * 1024, NAME_MAX_SIZE = 4096, MANIFEST_MAX = 256 * 1024 * 1024 };

typedef struct checking {
    unzFile zip;
    const char *file;
    wm_export_verdict *verdict;
    apr_hash_t *entries; /* of the manifest, by name; those that were met are removed */
    char *buffer;
    apr_pool_t *pool;
} checking;

static apr_status_t close_zip(void *data)
{
    unzClose(data);
    return APR_SUCCESS;
}

static const wm_err *wrong(const checking *c, const char *what, const char *name)
{
    return wm_err_make(c->pool, WM_E_INPUT, "%s: \"%s\" %s", c->file, name, what);
}

/* Read the current entry through, which checks its CRC; OUT may be NULL. */
static const wm_err *read_current(const checking *c, const char *name, wm_buf *out,
                                  unsigned char *sha256, apr_int64_t *bytes)
{
    crypto_hash_sha256_state state;
    int n, status;

    if (unzOpenCurrentFile(c->zip) != UNZ_OK)
        return wrong(c, "cannot be opened", name);
    *bytes = 0;
    crypto_hash_sha256_init(&state);
    while ((n = unzReadCurrentFile(c->zip, c->buffer, READ_SIZE)) > 0) {
        crypto_hash_sha256_update(&state, (unsigned char *)c->buffer, (unsigned)n);
        *bytes += n;
        if (out && *bytes > MANIFEST_MAX)
            break;
        if (out)
            WM_TRY(wm_buf_add(out, c->buffer, (size_t)n));
    }
    status = unzCloseCurrentFile(c->zip);
    if (n || status != UNZ_OK)
        return wrong(c, "is damaged", name);
    crypto_hash_sha256_final(&state, sha256);
    return NULL;
}

/* A text entry; *TEXT is NULL when there is none. */
static const wm_err *read_text(const char **text, size_t *size, const checking *c, const char *name)
{
    unsigned char sha[WM_ZIP_SHA256];
    wm_buf *out = wm_buf_create(NULL, c->pool);
    apr_int64_t bytes;

    *text = NULL;
    if (unzLocateFile(c->zip, name, 1) != UNZ_OK)
        return NULL;
    WM_TRY(read_current(c, name, out, sha, &bytes));
    *size = out->size;
    WM_TRY(wm_buf_add(out, "", 1));
    *text = out->data;
    return NULL;
}

/* The line at *AT as base64 of SIZE bytes; *AT moves behind it. */
static int line_of(unsigned char *bytes, size_t size, const char **at)
{
    size_t length = strcspn(*at, "\r\n"), got;
    int bad = sodium_base642bin(bytes, size, *at, length, NULL, &got, NULL,
                                sodium_base64_VARIANT_ORIGINAL);

    *at += length;
    *at += strspn(*at, "\r\n");
    return !bad && got == size;
}

static const wm_err *check_signature(checking *c, const char *key_path, const char *manifest,
                                     size_t size, int promised)
{
    unsigned char key[crypto_sign_PUBLICKEYBYTES], wanted[crypto_sign_PUBLICKEYBYTES],
        signature[crypto_sign_BYTES];
    const char *text, *at;
    size_t text_size;

    WM_TRY(read_text(&text, &text_size, c, "manifest.sig"));
    if (!text && (promised || key_path))
        return wm_err_make(c->pool, WM_E_INPUT, "%s has no signature", c->file);
    if (!text)
        return NULL;
    at = text + strcspn(text, "\n");
    at += *at == '\n';
    if (strncmp(text, "Ed25519\n", 8) || !line_of(key, sizeof key, &at) ||
        !line_of(signature, sizeof signature, &at))
        return wrong(c, "is no signature", "manifest.sig");
    if (key_path) {
        WM_TRY(wm_box_key_read(wanted, key_path, 0, c->pool));
        if (sodium_memcmp(wanted, key, sizeof key))
            return wm_err_make(c->pool, WM_E_INPUT, "%s is signed with another key than %s",
                               c->file, key_path);
        c->verdict->key_known = 1;
    }
    if (crypto_sign_verify_detached(signature, (const unsigned char *)manifest, size, key))
        return wm_err_make(c->pool, WM_E_INPUT, "%s: the signature is not true", c->file);
    c->verdict->is_signed = 1;
    sodium_bin2base64(c->verdict->key, WM_SIGN_KEY_TEXT, key, sizeof key,
                      sodium_base64_VARIANT_ORIGINAL);
    return NULL;
}

static const wm_err *read_manifest(checking *c, const char *key_path)
{
    json_t *root, *entry;
    const char *text;
    size_t size, i;

    WM_TRY(read_text(&text, &size, c, "manifest.json"));
    if (!text)
        return wm_err_make(c->pool, WM_E_INPUT, "%s has no manifest.json", c->file);
    if (wm_json_own_parse(&root, text, size, c->pool))
        return wrong(c, "is no JSON", "manifest.json");
    WM_TRY(check_signature(c, key_path, text, size,
                           json_is_object(json_object_get(root, "signature"))));
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

/* The archive's current entry against the manifest. */
static const wm_err *check_entry(checking *c)
{
    unsigned char sha[WM_ZIP_SHA256];
    char name[NAME_MAX_SIZE + 1], hex[2 * WM_ZIP_SHA256 + 1];
    const char *wanted;
    unz_file_info64 info;
    apr_int64_t bytes;
    json_t *entry;

    if (unzGetCurrentFileInfo64(c->zip, &info, name, NAME_MAX_SIZE, NULL, 0, NULL, 0) != UNZ_OK)
        return wm_err_make(c->pool, WM_E_INPUT, "%s: its directory is damaged", c->file);
    name[NAME_MAX_SIZE] = 0;
    if (!strcmp(name, "manifest.json") || !strcmp(name, "manifest.sig"))
        return NULL;
    entry = apr_hash_get(c->entries, name, APR_HASH_KEY_STRING);
    if (!entry)
        return wrong(c, "is not in the manifest", apr_pstrdup(c->pool, name));
    apr_hash_set(c->entries, json_string_value(json_object_get(entry, "name")), APR_HASH_KEY_STRING,
                 NULL);
    WM_TRY(read_current(c, apr_pstrdup(c->pool, name), NULL, sha, &bytes));
    sodium_bin2hex(hex, sizeof hex, sha, sizeof sha);
    wanted = json_string_value(json_object_get(entry, "sha256"));
    if (!wanted || strcmp(wanted, hex) ||
        bytes != json_integer_value(json_object_get(entry, "bytes")))
        return wrong(c, "is not what the manifest says", apr_pstrdup(c->pool, name));
    c->verdict->entries++;
    c->verdict->bytes += bytes;
    c->verdict->rows += json_integer_value(json_object_get(entry, "rows"));
    return NULL;
}

const wm_err *wm_export_verify(wm_export_verdict *verdict, const char *file, const char *key_path,
                               apr_pool_t *pool)
{
    checking c = {.file = file, .verdict = verdict, .pool = pool};
    apr_hash_index_t *left;
    int status;

    memset(verdict, 0, sizeof *verdict);
    if (access(file, R_OK))
        return wm_err_make(pool, WM_E_NOT_FOUND, "%s cannot be read", file);
    c.buffer = apr_palloc(pool, READ_SIZE);
    c.zip = unzOpen64(file);
    if (!c.zip)
        return wm_err_make(pool, WM_E_INPUT, "%s is no zip archive", file);
    apr_pool_cleanup_register(pool, c.zip, close_zip, apr_pool_cleanup_null);
    WM_TRY(read_manifest(&c, key_path));
    for (status = unzGoToFirstFile(c.zip); status == UNZ_OK; status = unzGoToNextFile(c.zip))
        WM_TRY(check_entry(&c));
    if (status != UNZ_END_OF_LIST_OF_FILE)
        return wm_err_make(pool, WM_E_INPUT, "%s: its directory is damaged", file);
    left = apr_hash_first(pool, c.entries);
    if (left)
        return wrong(&c, "is missing", apr_hash_this_key(left));
    return NULL;
}
