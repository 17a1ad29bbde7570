/* SPDX-License-Identifier: Apache-2.0 */
/* Not a test by itself: t/173-archive-proof.t runs it.
 *   export_flip FILE
 * checks copies of the archive FILE, each with one bit changed, and copies that end early; prints
 * "bits N unseen N" and "cuts N unseen N", and "unseen bit BYTE BIT" for the first of them. */
#include <fcntl.h>
#include <unistd.h>

#include <apr_strings.h>
#include <sodium.h>

#include "tap.h"
#include "wm_export_sign.h"

static int whole(const char *path, apr_pool_t *pool)
{
    wm_export_verdict verdict;
    apr_pool_t *scratch;
    int good;

    apr_pool_create(&scratch, pool);
    good = !wm_export_verify(&verdict, path, NULL, scratch);
    apr_pool_destroy(scratch);
    return good;
}

static void flip(int file, const char *copy, const unsigned char *data, off_t size,
                 apr_pool_t *pool)
{
    long unseen = 0;

    for (off_t at = 0; at < size; at++)
        for (int bit = 0; bit < 8; bit++) {
            unsigned char changed = (unsigned char)(data[at] ^ 1 << bit);

            if (pwrite(file, &changed, 1, at) != 1)
                exit(1);
            if (whole(copy, pool) && unseen++ < 20)
                printf("unseen bit %ld %d\n", (long)at, bit);
            if (bit == 7 && pwrite(file, data + at, 1, at) != 1)
                exit(1);
        }
    printf("bits %ld unseen %ld\n", (long)size * 8, unseen);
}

static void cut(int file, const char *copy, off_t size, apr_pool_t *pool)
{
    long unseen = 0;

    for (off_t at = size - 1; at >= 0; at--) {
        if (ftruncate(file, at))
            exit(1);
        unseen += whole(copy, pool);
    }
    printf("cuts %ld unseen %ld\n", (long)size, unseen);
}

int main(int argc, char **argv)
{
    apr_pool_t *pool;
    unsigned char *data;
    const char *copy;
    off_t size;
    int file;

    if (argc < 2) {
        printf("1..0 # SKIP t/173-archive-proof.t runs this\n");
        return 0;
    }
    apr_initialize();
    apr_pool_create(&pool, NULL);
    if (sodium_init() < 0)
        return 1;
    copy = apr_pstrcat(pool, argv[1], ".changed", NULL);
    file = open(argv[1], O_RDONLY);
    size = file < 0 ? -1 : lseek(file, 0, SEEK_END);
    if (size < 0)
        return 1;
    data = apr_palloc(pool, (apr_size_t)size);
    if (pread(file, data, (size_t)size, 0) != size)
        return 1;
    close(file);
    file = open(copy, O_RDWR | O_CREAT | O_TRUNC, 0600);
    if (file < 0 || write(file, data, (size_t)size) != size)
        return 1;
    if (!whole(copy, pool)) {
        printf("the archive itself is not whole\n");
        return 1;
    }
    flip(file, copy, data, size, pool);
    cut(file, copy, size, pool);
    close(file);
    unlink(copy);
    apr_terminate();
    return 0;
}
