/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <apr_file_io.h>
#include <apr_strings.h>
#include <sodium.h>

#include "dest.h"
#include "secret.h"
#include "wm_json_own.h"

#define X(name) &wm_dest_##name,
const wm_dest_kind *const wm_dest_kinds[] = {WM_DEST_KINDS(X) NULL};
#undef X

const wm_dest_key wm_dest_common_keys[] = {
    {"path", WM_DEST_TEXT, 0,
     "folder there; {study}, {profile}, {day} and {date} stand for the export's own"},
    {"prepend_host", WM_DEST_FLAG, 0, "begin file names with the name of this server"},
    {"prepend_date", WM_DEST_FLAG, 0, "begin file names with the day of the request (UTC)"},
    {"prepend_source_range", WM_DEST_FLAG, 0,
     "begin file names with the first and last participant"},
    {NULL, WM_DEST_TEXT, 0, NULL}};

const wm_dest_kind *wm_dest_find(const char *name)
{
    for (int i = 0; wm_dest_kinds[i]; i++)
        if (!strcmp(wm_dest_kinds[i]->name, name))
            return wm_dest_kinds[i];
    return NULL;
}

static const wm_dest_key *find_key(const wm_dest_kind *kind, const char *name)
{
    for (const wm_dest_key *k = kind->keys; k->name; k++)
        if (!strcmp(k->name, name))
            return k;
    for (const wm_dest_key *k = wm_dest_common_keys; k->name; k++)
        if (!strcmp(k->name, name))
            return k;
    return NULL;
}

static const wm_err *check_value(const wm_dest_key *key, const json_t *value, apr_pool_t *pool)
{
    static const char *const types[] = {"a text", "true or false", "a whole number above 0"};
    int good = key->type == WM_DEST_TEXT   ? json_is_string(value) && *json_string_value(value)
               : key->type == WM_DEST_FLAG ? json_is_boolean(value)
                                           : json_integer_value(value) > 0;

    if (good && json_is_string(value) && strpbrk(json_string_value(value), "\r\n\t\v\f"))
        good = 0;
    return good ? NULL
                : wm_err_make(pool, WM_E_INPUT, "the setting \"%s\" must be %s", key->name,
                              types[key->type]);
}

const wm_err *wm_dest_check(const wm_dest_kind *kind, const json_t *settings, const char *secret,
                            apr_pool_t *pool)
{
    const char *name;
    json_t *value;

    if (!json_is_object(settings))
        return wm_err_make(pool, WM_E_INPUT, "settings must be a JSON object");
    json_object_foreach((json_t *)settings, name, value)
    {
        const wm_dest_key *key = find_key(kind, name);

        if (!key)
            return wm_err_make(
                pool, WM_E_INPUT,
                "the kind %s has no setting \"%s\"; \"webmunkd destination kinds\" lists"
                " them, and secrets go into a file",
                kind->name, name);
        WM_TRY(check_value(key, value, pool));
    }
    for (const wm_dest_key *k = kind->keys; k->name; k++)
        if (k->required && !json_object_get(settings, k->name))
            return wm_err_make(pool, WM_E_INPUT, "the kind %s needs the setting \"%s\": %s",
                               kind->name, k->name, k->help);
    if (kind->secret && !(secret && *secret))
        return wm_err_make(pool, WM_E_INPUT, "the kind %s needs a secret: %s", kind->name,
                           kind->secret);
    return kind->check ? kind->check(settings, pool) : NULL;
}

const char *wm_dest_text(const wm_dest_send *send, const char *key)
{
    return json_string_value(json_object_get(send->settings, key));
}

int wm_dest_flag(const wm_dest_send *send, const char *key)
{
    return json_is_true(json_object_get(send->settings, key));
}

apr_int64_t wm_dest_number(const wm_dest_send *send, const char *key, apr_int64_t fallback)
{
    const json_t *value = json_object_get(send->settings, key);

    return json_is_integer(value) ? json_integer_value(value) : fallback;
}

const wm_err *wm_dest_secret(const char **value, const wm_dest_send *send, const char *member)
{
    json_t *root;

    if (!send->secret_name)
        return wm_err_make(send->pool, WM_E_INPUT, "the destination has no secret: %s",
                           send->kind->secret);
    WM_TRY(wm_secret_json(&root, send->secret_name, send->pool));
    *value = json_string_value(json_object_get(root, member));
    if (!*value || !**value || strpbrk(*value, "\r\n"))
        return wm_err_make(send->pool, WM_E_INPUT, "the secret \"%s\" needs a text \"%s\"",
                           send->secret_name, member);
    return NULL;
}

const wm_err *wm_dest_digest(unsigned char sha256[32], int fd, apr_int64_t offset, apr_int64_t size,
                             apr_pool_t *pool)
{
    enum { CHUNK = 65536 };
    crypto_hash_sha256_state state;
    unsigned char *chunk = malloc(CHUNK);

    if (!chunk)
        return wm_err_make(pool, WM_E_SYSTEM, "there is no memory");
    crypto_hash_sha256_init(&state);
    while (size > 0) {
        size_t want = size < CHUNK ? (size_t)size : CHUNK;
        ssize_t got = pread(fd, chunk, want, (off_t)offset);

        if (got <= 0) {
            free(chunk);
            return wm_err_make(pool, WM_E_SYSTEM, "a file cannot be read to its end");
        }
        crypto_hash_sha256_update(&state, chunk, (unsigned long long)got);
        offset += got;
        size -= got;
    }
    free(chunk);
    crypto_hash_sha256_final(&state, sha256);
    return NULL;
}

static apr_status_t close_fd(void *data)
{
    wm_dest_send *send = data;

    close(send->fd);
    return APR_SUCCESS;
}

const wm_err *wm_dest_open(wm_dest_send *send, const char *path)
{
    struct stat st;

    send->fd = open(path, O_RDONLY | O_CLOEXEC);
    if (send->fd < 0)
        return wm_err_make(send->pool, errno == ENOENT ? WM_E_INPUT : WM_E_SYSTEM,
                           "the archive %s cannot be opened: has it expired?", path);
    apr_pool_cleanup_register(send->pool, send, close_fd, apr_pool_cleanup_null);
    if (fstat(send->fd, &st) || !S_ISREG(st.st_mode))
        return wm_err_make(send->pool, WM_E_INPUT, "%s is no file", path);
    send->size = st.st_size;
    return wm_dest_digest(send->sha256, send->fd, 0, send->size, send->pool);
}

void wm_dest_count(void *ctx, apr_int64_t bytes)
{
    wm_dest_send *send = ctx;

    if (send->sent)
        send->sent(send, send->base + bytes);
}

const wm_err *wm_dest_deliver(wm_dest_send *send)
{
    WM_TRY(send->kind->send(send));
    return wm_err_wrap(send->pool, send->kind->verify(send), "it was sent, but");
}

static const wm_err *keep_nothing(wm_dest_send *send, json_t *resume, apr_int64_t done)
{
    (void)send, (void)resume, (void)done;
    return NULL;
}

/* A file of its own for the test, which is gone when it is closed. */
static const wm_err *scratch(wm_dest_send *send)
{
    static const char text[] = "Webmunk wrote this to see whether it can. It may be removed.\n";
    const char *folder;
    const wm_err *err;
    char *path;
    int fd;

    if (apr_temp_dir_get(&folder, send->pool))
        folder = "/tmp";
    path = apr_pstrcat(send->pool, folder, "/webmunk-test-XXXXXX", NULL);
    fd = mkstemp(path);
    if (fd < 0)
        return wm_err_apr(send->pool, errno, "a file in %s", folder);
    if (write(fd, text, sizeof text - 1) != (ssize_t)(sizeof text - 1)) {
        close(fd);
        unlink(path);
        return wm_err_make(send->pool, WM_E_SYSTEM, "a file in %s cannot be written", folder);
    }
    close(fd);
    err = wm_dest_open(send, path);
    unlink(path);
    return err;
}

const wm_err *wm_dest_test(const char **result, wm_dest_send *send)
{
    json_t *facts;
    const wm_err *err, *gone;

    *result = NULL;
    WM_TRY(scratch(send));
    facts =
        json_pack("{s:s, s:s, s:s, s:s}", "file_name",
                  apr_psprintf(send->pool, "webmunk-test-%08x.txt", (unsigned)randombytes_random()),
                  "study", "test", "profile", "test", "requested", "1970-01-01");
    wm_json_own(facts, send->pool);
    WM_TRY(wm_dest_object(&send->object, send->settings, facts, send->pool));
    send->keep = keep_nothing;
    err = wm_dest_deliver(send);
    gone = err ? NULL : send->kind->remove(send);
    if (err)
        *result = wm_err_text(err, send->pool);
    else if (gone)
        *result =
            wm_err_text(wm_err_wrap(send->pool, gone,
                                    "writing works, but the test's object %s could not be removed",
                                    send->object),
                        send->pool);
    return NULL;
}
