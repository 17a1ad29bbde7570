/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <apr_strings.h>
#include <sodium.h>
#include <zip.h>
#include <zlib.h>

#include "wm_zip.h"

enum {
    COPY_SIZE = 64 * 1024,
    MADE_BY = 3 << 8 | 45, /* Unix, version 4.5: zip64 */
    NAMES_UTF8 = 1 << 11,  /* general purpose bit 11 */
    MEM_LEVEL = 9,
    YEAR_FIRST = 1980,
    YEAR_LAST = 2107,
    /* APPNOTE.TXT 4.3.14 to 4.3.16: the end, and what stands before it when there is too much. */
    END = 22,
    END64 = 56,
    LOCATOR = 20,
    VERSION64 = 45,
    ENTRIES_MAX = 0xffff
};
#define MODE_0600   (0100600UL << 16)
#define ZIP64_ABOVE APR_INT64_C(0xffff0000) /* sizes that may not fit into 32 bits */

struct wm_zip {
    zipFile file;
    const char *path, *unfinished;
    zip_fileinfo info;
    apr_int64_t entries;
    int broken;             /* errno of the last failure */
    int parts;              /* the file of parts that was read last; -1: none */
    const char *parts_path; /* in PARTS_POOL */
    apr_pool_t *parts_pool;
};

static apr_status_t zip_cleanup(void *data)
{
    wm_zip *zip = data;

    if (zip->file)
        zipClose(zip->file, NULL);
    zip->file = NULL;
    if (zip->parts >= 0)
        close(zip->parts);
    zip->parts = -1;
    return APR_SUCCESS;
}

static const wm_err *failure(wm_zip *zip, const char *what, apr_pool_t *pool)
{
    zip->broken = errno;
    if (!errno)
        return wm_err_make(pool, WM_E_SYSTEM, "%s %s failed", what, zip->unfinished);
    return wm_err_apr(pool, errno, "%s %s", what, zip->unfinished);
}

const wm_err *wm_zip_begin(wm_zip **result, const char *path, const apr_time_exp_t *time,
                           apr_pool_t *pool)
{
    wm_zip *zip = apr_pcalloc(pool, sizeof *zip);
    int year = time->tm_year + 1900;
    int in_range = year >= YEAR_FIRST && year <= YEAR_LAST;
    int file;

    zip->path = path;
    zip->parts = -1;
    apr_pool_create(&zip->parts_pool, pool);
    zip->unfinished = apr_pstrcat(pool, path, ".part", NULL);
    zip->info.tmz_date = (tm_zip){.tm_mday = 1, .tm_year = YEAR_FIRST};
    if (in_range)
        zip->info.tmz_date = (tm_zip){(uInt)time->tm_sec,  (uInt)time->tm_min, (uInt)time->tm_hour,
                                      (uInt)time->tm_mday, (uInt)time->tm_mon, (uInt)year};
    zip->info.external_fa = MODE_0600;
    /* minizip opens by name with the umask's mode: the file is there before, with ours. */
    unlink(zip->unfinished);
    file = open(zip->unfinished, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (file < 0)
        return failure(zip, "making", pool);
    close(file);
    errno = 0;
    zip->file = zipOpen64(zip->unfinished, APPEND_STATUS_CREATE);
    if (!zip->file)
        return failure(zip, "opening", pool);
    apr_pool_cleanup_register(pool, zip, zip_cleanup, apr_pool_cleanup_null);
    *result = zip;
    return NULL;
}

/* METHOD is Z_DEFLATED for what is compressed already, 0 for what stays as it is. */
static int open_entry(wm_zip *zip, const char *name, int method, int large)
{
    zip->entries++;
    return zipOpenNewFileInZip4_64(zip->file, name, &zip->info, NULL, 0, NULL, 0, NULL, method,
                                   WM_ZIP_LEVEL_DEFAULT, method != 0, -MAX_WBITS, MEM_LEVEL,
                                   Z_DEFAULT_STRATEGY, NULL, 0, MADE_BY, NAMES_UTF8, large);
}

static const wm_err *open_parts(wm_zip *zip, const char *path, apr_pool_t *pool)
{
    if (zip->parts >= 0 && !strcmp(path, zip->parts_path))
        return NULL;
    if (zip->parts >= 0)
        close(zip->parts);
    apr_pool_clear(zip->parts_pool);
    zip->parts_path = apr_pstrdup(zip->parts_pool, path);
    zip->parts = open(path, O_RDONLY | O_CLOEXEC);
    return zip->parts < 0 ? wm_err_apr(pool, errno, "opening %s", path) : NULL;
}

/* Copy PART from its file into the open entry. */
static const wm_err *copy_part(wm_zip *zip, const wm_zip_part *part, apr_pool_t *pool)
{
    char *buffer = apr_palloc(pool, COPY_SIZE);
    apr_int64_t at = part->start, end = at + part->packed;

    while (at < end) {
        size_t want = end - at < COPY_SIZE ? (size_t)(end - at) : COPY_SIZE;
        ssize_t n = pread(zip->parts, buffer, want, (off_t)at);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return wm_err_apr(pool, errno, "reading %s", zip->parts_path);
        if (!n)
            return wm_err_make(pool, WM_E_SYSTEM,
                               "%s ends at byte %" APR_INT64_T_FMT
                               " and went on to %" APR_INT64_T_FMT,
                               zip->parts_path, at, end);
        errno = 0;
        if (zipWriteInFileInZip(zip->file, buffer, (unsigned)n) != ZIP_OK)
            return failure(zip, "writing", pool);
        at += n;
    }
    return NULL;
}

const wm_err *wm_zip_add_part(wm_zip *zip, const char *name, const char *part_path,
                              const wm_zip_part *part, apr_pool_t *pool)
{
    WM_TRY(open_parts(zip, part_path, pool));
    errno = 0;
    if (open_entry(zip, name, Z_DEFLATED, part->bytes > ZIP64_ABOVE || part->packed > ZIP64_ABOVE))
        return failure(zip, "beginning an entry of", pool);
    WM_TRY(copy_part(zip, part, pool));
    errno = 0;
    if (zipCloseFileInZipRaw64(zip->file, (ZPOS64_T)part->bytes, part->crc) != ZIP_OK)
        return failure(zip, "ending an entry of", pool);
    return NULL;
}

const wm_err *wm_zip_add_text(wm_zip *zip, const char *name, const char *data, size_t size,
                              apr_pool_t *pool)
{
    errno = 0;
    if (open_entry(zip, name, 0, 0) ||
        zipWriteInFileInZip(zip->file, data, (unsigned)size) != ZIP_OK ||
        zipCloseFileInZip(zip->file) != ZIP_OK)
        return failure(zip, "writing", pool);
    return NULL;
}

/* What a directory says about its files is a file too. */
static void sync_folder(const char *path, apr_pool_t *pool)
{
    const char *slash = strrchr(path, '/');
    const char *folder = slash ? apr_pstrmemdup(pool, path, (apr_size_t)(slash - path + 1)) : ".";
    int file = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (file < 0)
        return;
    fsync(file);
    close(file);
}

static unsigned char *put(unsigned char *p, apr_uint64_t number, int bytes)
{
    for (; bytes--; number >>= 8)
        *p++ = (unsigned char)number;
    return p;
}

static apr_uint64_t get4(const unsigned char *p)
{
    return p[0] | (apr_uint64_t)p[1] << 8 | (apr_uint64_t)p[2] << 16 | (apr_uint64_t)p[3] << 24;
}

/* minizip counts more entries than 16 bits hold only where the offset is too large as well, and other
 * programs then lose the rest.  -1 with an errno. */
static int count_entries(const wm_zip *zip, int file)
{
    unsigned char tail[LOCATOR + END], more[END64 + LOCATOR + END], *p = more;
    const unsigned char *end = tail + LOCATOR;
    off_t at = lseek(file, 0, SEEK_END) - END;

    if (zip->entries < ENTRIES_MAX)
        return 0;
    if (at < LOCATOR || pread(file, tail, sizeof tail, at - LOCATOR) != (ssize_t)sizeof tail)
        return -1;
    if (!memcmp(tail, "PK\6\7", 4))
        return 0;
    p = put(p, 0x06064b50, 4);
    p = put(p, END64 - 12, 8);
    p = put(p, VERSION64, 2);
    p = put(p, VERSION64, 2);
    p = put(p, 0, 8);
    p = put(p, (apr_uint64_t)zip->entries, 8);
    p = put(p, (apr_uint64_t)zip->entries, 8);
    p = put(p, get4(end + 12), 8);
    p = put(p, get4(end + 16), 8);
    p = put(p, 0x07064b50, 4);
    p = put(p, 0, 4);
    p = put(p, (apr_uint64_t)at, 8);
    p = put(p, 1, 4);
    memcpy(p, end, END);
    return pwrite(file, more, sizeof more, at) == (ssize_t)sizeof more ? 0 : -1;
}

const wm_err *wm_zip_end(wm_zip *zip, apr_pool_t *pool)
{
    int file, failed;

    errno = 0;
    failed = zipClose(zip->file, NULL) != ZIP_OK;
    zip->file = NULL;
    if (failed)
        return failure(zip, "ending", pool);
    file = open(zip->unfinished, O_RDWR | O_CLOEXEC);
    if (file < 0)
        return failure(zip, "opening", pool);
    failed = count_entries(zip, file) || fsync(file);
    close(file);
    if (failed || rename(zip->unfinished, zip->path))
        return failure(zip, "finishing", pool);
    sync_folder(zip->path, pool);
    return NULL;
}

int wm_zip_full(const wm_zip *zip)
{
    return zip->broken == ENOSPC || zip->broken == EDQUOT;
}

const wm_err *wm_zip_digest(apr_int64_t *bytes, unsigned char sha256[WM_ZIP_SHA256],
                            const char *path, apr_pool_t *pool)
{
    unsigned char *buffer = apr_palloc(pool, COPY_SIZE);
    int file = open(path, O_RDONLY | O_CLOEXEC);
    crypto_hash_sha256_state sha;
    ssize_t n;

    if (file < 0)
        return wm_err_apr(pool, errno, "opening %s", path);
    *bytes = 0;
    crypto_hash_sha256_init(&sha);
    while ((n = read(file, buffer, COPY_SIZE)) > 0 || (n < 0 && errno == EINTR)) {
        if (n < 0)
            continue;
        crypto_hash_sha256_update(&sha, buffer, (unsigned long long)n);
        *bytes += n;
    }
    close(file);
    if (n < 0)
        return wm_err_apr(pool, errno, "reading %s", path);
    crypto_hash_sha256_final(&sha, sha256);
    return NULL;
}
