/* SPDX-License-Identifier: Apache-2.0 */
/* A folder of this host, such as a mounted share.  Written under another name, flushed, renamed, and
 * read back. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <apr_strings.h>
#include <sodium.h>

#include "dest.h"

static const char *path_of(const wm_dest_send *send)
{
    return apr_pstrcat(send->pool, wm_dest_text(send, "folder"), "/", send->object, NULL);
}

/* Beside the final name: a rename within a folder is atomic. */
static const char *part_of(const char *path, apr_pool_t *pool)
{
    const char *name = strrchr(path, '/') + 1;

    return apr_pstrcat(pool, apr_pstrmemdup(pool, path, (apr_size_t)(name - path)), ".", name,
                       ".part", NULL);
}

static const wm_err *failed(const wm_dest_send *send, const char *path)
{
    int code = errno;
    char reason[200];

    if (code == ENOSPC || code == EDQUOT)
        return wm_err_make(send->pool, WM_E_BUSY, "%s: there is no room left: make some", path);
    if (code == EACCES || code == EPERM || code == EROFS)
        return wm_err_make(send->pool, WM_E_INPUT, "%s: the user of webmunkd may not write there",
                           path);
    apr_strerror(code, reason, sizeof reason);
    return wm_err_make(send->pool, WM_E_BUSY, "%s: %s", path, reason);
}

/* The folder itself must be there: when it is a mount that is away, nothing is to be written below. */
static const wm_err *make_folders(const wm_dest_send *send, const char *path)
{
    const char *folder = wm_dest_text(send, "folder");
    char *copy = apr_pstrdup(send->pool, path);
    struct stat st;

    if (stat(folder, &st) || !S_ISDIR(st.st_mode))
        return wm_err_make(send->pool, WM_E_BUSY, "the folder %s is not there: make or mount it",
                           folder);
    for (char *slash = copy + strlen(folder) + 1; (slash = strchr(slash, '/')); *slash++ = '/') {
        *slash = '\0';
        if (mkdir(copy, 0700) && errno != EEXIST)
            return failed(send, copy);
    }
    return NULL;
}

static const wm_err *copy_bytes(wm_dest_send *send, int out, const char *part)
{
    enum { CHUNK = 262144 };
    char *chunk = apr_palloc(send->pool, CHUNK);
    apr_int64_t done = 0;

    while (done < send->size) {
        ssize_t got = pread(send->fd, chunk, CHUNK, (off_t)done);
        ssize_t put = 0;

        if (got <= 0)
            return wm_err_make(send->pool, WM_E_SYSTEM, "the archive cannot be read to its end");
        while (put < got) {
            ssize_t n = write(out, chunk + put, (size_t)(got - put));

            if (n < 0 && errno == EINTR)
                continue;
            if (n <= 0)
                return failed(send, part);
            put += n;
        }
        done += got;
        wm_dest_count(send, done);
    }
    return fsync(out) ? failed(send, part) : NULL;
}

static void flush_folder(const char *path, apr_pool_t *pool)
{
    const char *end = strrchr(path, '/');
    int fd = open(apr_pstrmemdup(pool, path, (apr_size_t)(end - path)),
                  O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (fd < 0)
        return;
    fsync(fd); /* file systems of shares may not know how; the file itself is flushed */
    close(fd);
}

static const wm_err *send_file(wm_dest_send *send)
{
    const char *path = path_of(send);
    const char *part = part_of(path, send->pool);
    const wm_err *err;
    int out;

    WM_TRY(make_folders(send, path));
    out = open(part, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (out < 0)
        return failed(send, part);
    err = copy_bytes(send, out, part);
    if (close(out) && !err)
        err = failed(send, part);
    if (!err && rename(part, path))
        err = failed(send, path);
    if (err)
        unlink(part);
    else
        flush_folder(path, send->pool);
    return err;
}

static const wm_err *verify(wm_dest_send *send)
{
    const char *path = path_of(send);
    unsigned char sha256[32];
    char hex[65];
    const wm_err *err;
    struct stat st;
    int fd = open(path, O_RDONLY | O_CLOEXEC);

    if (fd < 0)
        return failed(send, path);
    if (fstat(fd, &st)) {
        close(fd);
        return failed(send, path);
    }
    err = wm_dest_digest(sha256, fd, 0, st.st_size, send->pool);
    close(fd);
    WM_TRY(err);
    send->remote_bytes = st.st_size;
    sodium_bin2hex(hex, sizeof hex, sha256, sizeof sha256);
    send->remote_checksum = apr_pstrcat(send->pool, "sha256 ", hex, NULL);
    if (st.st_size != send->size || memcmp(sha256, send->sha256, sizeof sha256))
        return wm_err_make(send->pool, WM_E_BUSY, "%s holds other bytes than were written", path);
    return NULL;
}

static const wm_err *remove_file(wm_dest_send *send)
{
    const char *path = path_of(send);

    return unlink(path) ? failed(send, path) : NULL;
}

static const wm_err *check(const json_t *settings, apr_pool_t *pool)
{
    const char *folder = json_string_value(json_object_get(settings, "folder"));

    return *folder == '/' && folder[1]
               ? NULL
               : wm_err_make(pool, WM_E_INPUT,
                             "the setting \"folder\" must begin with / and be more");
}

const wm_dest_kind wm_dest_local = {
    .name = "local",
    .summary = "a folder of this host, such as a mounted share",
    .keys = {{"folder", WM_DEST_TEXT, 1, "an existing folder, from the root on"}},
    .check = check,
    .send = send_file,
    .verify = verify,
    .remove = remove_file,
};
