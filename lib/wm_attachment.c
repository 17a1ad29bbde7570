/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h" /* _GNU_SOURCE: sync_file_range */

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <apr_strings.h>
#include <sodium.h>

#include "wm_attachment.h"

static const wm_err *disk_error(const char *what, const char *path, apr_pool_t *pool)
{
    char text[120];
    int code = errno;

    return wm_err_make(pool, WM_E_BUSY, "%s %s: %s", what, path,
                       apr_strerror(code, text, sizeof text));
}

static const wm_err *sync_dir(const char *path, apr_pool_t *pool)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    const wm_err *err = NULL;

    if (fd < 0)
        return disk_error("opening", path, pool);
    if (fsync(fd))
        err = disk_error("flushing", path, pool);
    close(fd);
    return err;
}

/* Make PARENT/NAME; a new entry is flushed with its parent. */
static const wm_err *make_dir(const char **path, const char *parent, const char *name,
                              apr_pool_t *pool)
{
    *path = apr_pstrcat(pool, parent, "/", name, NULL);
    if (!mkdir(*path, 0750))
        return sync_dir(parent, pool);
    return errno == EEXIST ? NULL : disk_error("making", *path, pool);
}

static const wm_err *write_all(int fd, const char *path, const wm_text *content, apr_pool_t *pool)
{
    const char *data = content->data;
    size_t left = content->size;

    while (left) {
        ssize_t n = write(fd, data, left);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return disk_error("writing", path, pool);
        data += n;
        left -= (size_t)n;
    }
    return NULL;
}

/* Files that are flushed together: each fsync alone waits for the journal, but what has begun to be
 * written goes with the first of them. */
enum { BATCH = 64 };

typedef struct batch {
    const char *paths[BATCH];
    int fds[BATCH];
    int count;
} batch;

static const wm_err *write_one(batch *open_files, wm_file *file, const char *root,
                               const char *relative, apr_pool_t *pool)
{
    const char *path = apr_pstrcat(pool, root, "/", relative, NULL);
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0640);

    if (fd < 0)
        return disk_error("making", path, pool);
    file->path = relative;
    open_files->paths[open_files->count] = path;
    open_files->fds[open_files->count++] = fd;
    crypto_hash_sha256(file->sha256, (const unsigned char *)file->content.data, file->content.size);
    WM_TRY(write_all(fd, path, &file->content, pool));
    sync_file_range(fd, 0, 0, SYNC_FILE_RANGE_WRITE); /* begins; fsync tells whether it worked */
    return NULL;
}

/* Flush, unless ERR says that something went wrong already, and close the files of B. */
static const wm_err *finish_batch(batch *b, const wm_err *err, apr_pool_t *pool)
{
    for (int i = 0; i < b->count; i++) {
        if (!err && fsync(b->fds[i]))
            err = disk_error("flushing", b->paths[i], pool);
        if (close(b->fds[i]) && !err)
            err = disk_error("closing", b->paths[i], pool);
    }
    b->count = 0;
    return err;
}

const wm_err *wm_attachment_store(wm_bundle *bundle, const char *root, apr_pool_t *pool)
{
    char uid[2 * sizeof bundle->upload->uid + 1], year[8], month[8];
    const char *year_dir, *month_dir;
    const wm_err *err = NULL;
    batch b = {.count = 0};
    apr_time_exp_t when;

    if (!bundle->files->nelts)
        return NULL;
    apr_time_exp_gmt(&when, bundle->upload->received);
    apr_snprintf(year, sizeof year, "%04d", when.tm_year + 1900);
    apr_snprintf(month, sizeof month, "%02d", when.tm_mon + 1);
    sodium_bin2hex(uid, sizeof uid, bundle->upload->uid, sizeof bundle->upload->uid);

    WM_TRY(make_dir(&year_dir, root, year, pool));
    WM_TRY(make_dir(&month_dir, year_dir, month, pool));
    for (int i = 0; i < bundle->files->nelts && !err; i++) {
        err = write_one(&b, &APR_ARRAY_IDX(bundle->files, i, wm_file), root,
                        apr_psprintf(pool, "%s/%s/%s-%d", year, month, uid, i), pool);
        if (err || b.count == BATCH || i == bundle->files->nelts - 1)
            err = finish_batch(&b, err, pool);
    }
    return err ? err : sync_dir(month_dir, pool);
}

void wm_attachment_remove(const wm_bundle *bundle, const char *root, apr_pool_t *pool)
{
    for (int i = 0; i < bundle->files->nelts; i++) {
        const char *path = APR_ARRAY_IDX(bundle->files, i, wm_file).path;

        if (path)
            unlink(apr_pstrcat(pool, root, "/", path, NULL));
    }
}
