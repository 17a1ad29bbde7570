/* SPDX-License-Identifier: Apache-2.0 */
/* One thread fills blocks, another compresses them: rows come from the database on one processor
 * while the other packs. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <apr_strings.h>
#include <sodium.h>
#include <zlib.h>

#include "wm_zip.h"

enum { BLOCK_SIZE = 256 * 1024, BLOCKS = 4, OUT_SIZE = 64 * 1024 };

struct wm_zip_packer {
    z_stream z;
    crypto_hash_sha256_state sha, packed_sha;
    wm_zip_part part;
    const char *path; /* of the file, in POOL */
    apr_pool_t *pool;
    char *room;            /* BLOCKS blocks, then the output */
    size_t sizes[BLOCKS];  /* of the blocks handed over */
    size_t filled;         /* bytes in the block that is being filled */
    unsigned given, taken; /* blocks handed over and packed; both count on */
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    pthread_t thread;
    int has_thread;
    int ending;      /* no block follows */
    int broken;      /* errno of the first failure, or -1 for zlib's */
    int file;        /* -1: none is open */
    apr_int64_t end; /* of its finished parts */
    int begun;       /* a part of it is not finished */
};

static char *block(const wm_zip_packer *p, unsigned number)
{
    return p->room + (size_t)(number % BLOCKS) * BLOCK_SIZE;
}

static int write_out(wm_zip_packer *p, const char *data, size_t size)
{
    crypto_hash_sha256_update(&p->packed_sha, (const unsigned char *)data, size);
    while (size) {
        ssize_t n = pwrite(p->file, data, size, (off_t)(p->end + p->part.packed));

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return errno;
        data += n;
        size -= (size_t)n;
        p->part.packed += n;
    }
    return 0;
}

/* Pack DATA; with FINISH what zlib still holds as well. */
static int pack(wm_zip_packer *p, const char *data, size_t size, int finish)
{
    char *out = p->room + (size_t)BLOCKS * BLOCK_SIZE;
    int status, failed;

    crypto_hash_sha256_update(&p->sha, (const unsigned char *)data, size);
    p->part.crc = (apr_uint32_t)crc32(p->part.crc, (const Bytef *)data, (uInt)size);
    p->part.bytes += (apr_int64_t)size;
    p->z.next_in = (Bytef *)(size_t)data;
    p->z.avail_in = (uInt)size;
    do {
        p->z.next_out = (Bytef *)out;
        p->z.avail_out = OUT_SIZE;
        status = deflate(&p->z, finish ? Z_FINISH : Z_NO_FLUSH);
        if (status == Z_STREAM_ERROR)
            return -1;
        failed = write_out(p, out, OUT_SIZE - p->z.avail_out);
        if (failed)
            return failed;
    } while (p->z.avail_out == 0 || (finish && status != Z_STREAM_END));
    return 0;
}

static void *pack_blocks(void *data)
{
    wm_zip_packer *p = data;

    pthread_mutex_lock(&p->mutex);
    for (;;) {
        int failed;

        while (p->taken == p->given && !p->ending)
            pthread_cond_wait(&p->changed, &p->mutex);
        if (p->taken == p->given || p->broken)
            break;
        pthread_mutex_unlock(&p->mutex);
        failed = pack(p, block(p, p->taken), p->sizes[p->taken % BLOCKS], 0);
        pthread_mutex_lock(&p->mutex);
        if (failed)
            p->broken = failed;
        p->taken++;
        pthread_cond_signal(&p->changed);
    }
    pthread_mutex_unlock(&p->mutex);
    return NULL;
}

/* The thread takes no signals: they are the runner's. */
static int start_thread(wm_zip_packer *p)
{
    sigset_t all, before;
    int failed;

    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, &before);
    failed = pthread_create(&p->thread, NULL, pack_blocks, p);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    p->has_thread = !failed;
    return failed;
}

static void end_thread(wm_zip_packer *p)
{
    if (!p->has_thread)
        return;
    pthread_mutex_lock(&p->mutex);
    p->ending = 1;
    pthread_cond_signal(&p->changed);
    pthread_mutex_unlock(&p->mutex);
    pthread_join(p->thread, NULL);
    p->has_thread = 0;
}

apr_int64_t wm_zip_pack_drop(wm_zip_packer *p)
{
    end_thread(p);
    if (!p->begun)
        return 0;
    p->begun = 0;
    /* Nobody reads what is behind the last finished part, but it takes room. */
    return ftruncate(p->file, (off_t)p->end) ? 0 : p->part.packed;
}

static apr_status_t packer_cleanup(void *data)
{
    wm_zip_packer *p = data;

    wm_zip_pack_drop(p);
    if (p->file >= 0)
        close(p->file);
    deflateEnd(&p->z);
    pthread_cond_destroy(&p->changed);
    pthread_mutex_destroy(&p->mutex);
    free(p->room);
    return APR_SUCCESS;
}

const wm_err *wm_zip_packer_create(wm_zip_packer **packer, int level, apr_pool_t *pool)
{
    wm_zip_packer *p = apr_pcalloc(pool, sizeof *p);

    p->file = -1;
    apr_pool_create(&p->pool, pool);
    p->room = malloc((size_t)BLOCKS * BLOCK_SIZE + OUT_SIZE);
    if (!p->room ||
        deflateInit2(&p->z, level, Z_DEFLATED, -MAX_WBITS, 9, Z_DEFAULT_STRATEGY) != Z_OK) {
        free(p->room);
        return wm_err_make(pool, WM_E_SYSTEM, "no memory to compress with level %d", level);
    }
    pthread_mutex_init(&p->mutex, NULL);
    pthread_cond_init(&p->changed, NULL);
    apr_pool_cleanup_register(pool, p, packer_cleanup, apr_pool_cleanup_null);
    *packer = p;
    return NULL;
}

const wm_err *wm_zip_pack_open(wm_zip_packer *p, const char *path, apr_pool_t *pool)
{
    wm_zip_pack_drop(p);
    if (p->file >= 0)
        close(p->file);
    p->broken = 0;
    apr_pool_clear(p->pool);
    p->path = apr_pstrdup(p->pool, path);
    p->file = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    p->end = 0;
    if (p->file >= 0)
        return NULL;
    p->broken = errno;
    return wm_err_apr(pool, p->broken, "making %s", path);
}

int wm_zip_pack_is_open(const wm_zip_packer *p)
{
    return p->file >= 0;
}

void wm_zip_pack_begin(wm_zip_packer *p)
{
    wm_zip_pack_drop(p);
    p->ending = 0;
    p->given = p->taken = 0;
    p->filled = 0;
    p->part = (wm_zip_part){.start = p->end, .crc = (apr_uint32_t)crc32(0, NULL, 0)};
    crypto_hash_sha256_init(&p->sha);
    crypto_hash_sha256_init(&p->packed_sha);
    deflateReset(&p->z);
    p->begun = 1;
}

static const wm_err *failure(const wm_zip_packer *p, apr_pool_t *pool)
{
    if (p->broken < 0)
        return wm_err_make(pool, WM_E_SYSTEM, "compressing %s failed", p->path);
    return wm_err_apr(pool, p->broken, "writing %s", p->path);
}

/* Hand the filled block over; the first one starts the thread. */
static int hand_over(wm_zip_packer *p)
{
    int failed = p->has_thread ? 0 : start_thread(p);

    pthread_mutex_lock(&p->mutex);
    if (failed && !p->broken)
        p->broken = failed;
    p->sizes[p->given % BLOCKS] = p->filled;
    p->given++;
    pthread_cond_signal(&p->changed);
    while (p->given - p->taken >= BLOCKS && !p->broken)
        pthread_cond_wait(&p->changed, &p->mutex);
    failed = p->broken;
    pthread_mutex_unlock(&p->mutex);
    p->filled = 0;
    return failed;
}

const wm_err *wm_zip_pack_write(wm_zip_packer *p, const char *data, size_t size, apr_pool_t *pool)
{
    while (size) {
        size_t n = BLOCK_SIZE - p->filled;

        if (n > size)
            n = size;
        memcpy(block(p, p->given) + p->filled, data, n);
        p->filled += n;
        data += n;
        size -= n;
        if (p->filled == BLOCK_SIZE && hand_over(p))
            return failure(p, pool);
    }
    return NULL;
}

const wm_err *wm_zip_pack_end(wm_zip_part *part, wm_zip_packer *p, apr_pool_t *pool)
{
    end_thread(p);
    if (!p->broken)
        p->broken = pack(p, block(p, p->given), p->filled, 1);
    if (p->broken)
        return failure(p, pool);
    p->begun = 0;
    p->end += p->part.packed;
    crypto_hash_sha256_final(&p->sha, p->part.sha256);
    crypto_hash_sha256_final(&p->packed_sha, p->part.packed_sha256);
    *part = p->part;
    return NULL;
}

const wm_err *wm_zip_pack_close(wm_zip_packer *p, apr_pool_t *pool)
{
    int failed = 0;

    if (p->file < 0)
        return NULL;
    wm_zip_pack_drop(p);
    if (fsync(p->file))
        failed = errno;
    if (close(p->file) && !failed)
        failed = errno;
    p->file = -1;
    if (!failed)
        return NULL;
    p->broken = failed;
    return wm_err_apr(pool, failed, "flushing %s to the disk", p->path);
}

int wm_zip_packer_full(const wm_zip_packer *p)
{
    return p->broken == ENOSPC || p->broken == EDQUOT;
}
