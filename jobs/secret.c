/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <apr_strings.h>
#include <sodium.h>

#include "secret.h"
#include "settings.h"
#include "wm_json_own.h"

enum { SECRET_MAX = 64 * 1024 };

const wm_err *wm_secret_check_name(const char *name, apr_pool_t *pool)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";

    if (!*name || *name == '.' || strlen(name) > 100 || name[strspn(name, plain)])
        return wm_err_make(pool, WM_E_INPUT,
                           "a secret's name is that of a file, of letters, digits, dots, dashes and"
                           " underscores");
    return NULL;
}

/* systemd lets the service in by an access list, which shows as rights of the group. */
static const wm_err *check_mode(const char *path, const struct stat *st, int systemd,
                                apr_pool_t *pool)
{
    if (!S_ISREG(st->st_mode))
        return wm_err_make(pool, WM_E_INPUT, "the secret %s is no file", path);
    if (st->st_uid != geteuid() && st->st_uid != 0)
        return wm_err_make(
            pool, WM_E_INPUT,
            "the secret %s belongs to somebody else: chown it to the user of webmunkd", path);
    if (st->st_mode & (systemd ? 07 : 077))
        return wm_err_make(pool, WM_E_INPUT, "the secret %s can be read by others: chmod 0600 it",
                           path);
    if (st->st_size > SECRET_MAX)
        return wm_err_make(pool, WM_E_INPUT, "the secret %s is larger than 64 KiB", path);
    return NULL;
}

const wm_err *wm_secret_path(const char **path, const char *name, apr_pool_t *pool)
{
    const char *folder = wm_setting_text(WM_SETTING_SECRETS_DIR);
    int systemd = 0;
    struct stat st;

    WM_TRY(wm_secret_check_name(name, pool));
    if (!folder) {
        folder = getenv("CREDENTIALS_DIRECTORY");
        systemd = 1;
    }
    if (!folder || !*folder)
        return wm_err_make(pool, WM_E_INPUT,
                           "there is no folder for the secret \"%s\": set %s, or"
                           " LoadCredential in the systemd unit",
                           name, wm_setting_called(WM_SETTING_SECRETS_DIR, pool));
    *path = apr_pstrcat(pool, folder, "/", name, NULL);
    if (stat(*path, &st))
        return errno == ENOENT
                   ? wm_err_make(pool, WM_E_INPUT,
                                 "the secret %s is missing: put it there with mode 0600", *path)
                   : wm_err_apr(pool, errno, "the secret %s", *path);
    return check_mode(*path, &st, systemd, pool);
}

typedef struct span {
    char *data;
    size_t size;
} span;

static apr_status_t wipe(void *data)
{
    span *s = data;

    sodium_memzero(s->data, s->size);
    return APR_SUCCESS;
}

const wm_err *wm_secret_text(const char **text, const char *name, apr_pool_t *pool)
{
    span *s = apr_palloc(pool, sizeof *s);
    const char *path;
    ssize_t got;
    int fd;

    WM_TRY(wm_secret_path(&path, name, pool));
    s->size = SECRET_MAX + 1;
    s->data = apr_pcalloc(pool, s->size);
    apr_pool_cleanup_register(pool, s, wipe, apr_pool_cleanup_null);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return wm_err_apr(pool, errno, "the secret %s", path);
    got = read(fd, s->data, SECRET_MAX);
    close(fd);
    if (got <= 0)
        return wm_err_make(pool, WM_E_INPUT, "the secret %s is empty", path);
    *text = s->data;
    return NULL;
}

const wm_err *wm_secret_json(json_t **root, const char *name, apr_pool_t *pool)
{
    const char *text;
    json_error_t where;

    WM_TRY(wm_secret_text(&text, name, pool));
    /* Not by wm_json_own_parse: its errors quote. */
    *root = json_loads(text, JSON_REJECT_DUPLICATES, &where);
    if (*root)
        wm_json_own(*root, pool);
    if (!json_is_object(*root))
        return wm_err_make(pool, WM_E_INPUT,
                           "the secret \"%s\" must be a JSON object, like {\"user\": \"...\"}",
                           name);
    return NULL;
}
