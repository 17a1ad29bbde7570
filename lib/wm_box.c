/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <sodium.h>

#include "wm_box.h"
#include "wm_bundle.h"

enum {
    KEY_SIZE = 32,
    LINE_SIZE = sodium_base64_ENCODED_LEN(KEY_SIZE, sodium_base64_VARIANT_ORIGINAL),
    FILE_MAX = 128 /* a key, and blanks that an editor may have left */
};

_Static_assert(KEY_SIZE == crypto_box_SECRETKEYBYTES && KEY_SIZE == crypto_box_PUBLICKEYBYTES,
               "keys of both kinds have 32 bytes");

const wm_err *wm_box_init(apr_pool_t *pool)
{
    if (sodium_init() < 0)
        return wm_err_make(pool, WM_E_SYSTEM, "libsodium finds no source of random numbers");
    return NULL;
}

static const wm_err *check_mode(const char *path, mode_t mode, int secret, apr_pool_t *pool)
{
    if (secret && (mode & 037))
        return wm_err_make(pool, WM_E_FORBIDDEN,
                           "%s holds a secret key but has mode %04o: chmod 600 it, or 640 for a "
                           "group of the server's own",
                           path, (unsigned)(mode & 07777));
    if (mode & 002)
        return wm_err_make(pool, WM_E_FORBIDDEN,
                           "%s may be changed by anybody (mode %04o): chmod 644 it", path,
                           (unsigned)(mode & 07777));
    return NULL;
}

/* Read until END of file or SIZE bytes; -1 on failure. */
static ssize_t read_all(int file, char *text, size_t size)
{
    size_t got = 0;

    while (got < size) {
        ssize_t n = read(file, text + got, size - got);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -1;
        if (!n)
            break;
        got += (size_t)n;
    }
    return (ssize_t)got;
}

/* The key that a file's TEXT spells.  libsodium's decoder takes no secret-dependent time. */
static const wm_err *decode_key(unsigned char *key, const char *path, const char *text, size_t size,
                                apr_pool_t *pool)
{
    size_t length;
    int fits = size <= FILE_MAX;

    while (size && memchr(" \t\r\n", text[size - 1], 4))
        size--;
    if (!fits ||
        sodium_base642bin(key, KEY_SIZE, text, size, NULL, &length, NULL,
                          sodium_base64_VARIANT_ORIGINAL) ||
        length != KEY_SIZE)
        return wm_err_make(pool, WM_E_INPUT,
                           "%s holds no key: expected one line, 32 bytes in base64 (44 "
                           "characters); webmunkd keygen makes such files",
                           path);
    return NULL;
}

const wm_err *wm_box_key_read(unsigned char *key, const char *path, int secret, apr_pool_t *pool)
{
    char text[FILE_MAX + 1];
    struct stat info;
    const wm_err *err;
    ssize_t size;
    int file = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);

    if (file < 0 && errno == ENOENT)
        return wm_err_make(pool, WM_E_NOT_FOUND,
                           "the key file %s does not exist; webmunkd keygen makes it", path);
    if (file < 0)
        return wm_err_apr(pool, errno, "opening the key file %s", path);
    if (fstat(file, &info)) {
        err = wm_err_apr(pool, errno, "asking for the mode of %s", path);
    } else if (!(err = check_mode(path, info.st_mode, secret, pool))) {
        size = read_all(file, text, sizeof text);
        err = size < 0 ? wm_err_apr(pool, errno, "reading the key file %s", path)
                       : decode_key(key, path, text, (size_t)size, pool);
        sodium_memzero(text, sizeof text);
    }
    close(file);
    return err;
}

const wm_err *wm_box_keys_read(wm_box_keys *keys, const char *secret_path, const char *peer_path,
                               apr_pool_t *pool)
{
    unsigned char shared[crypto_box_BEFORENMBYTES];

    WM_TRY(wm_box_key_read(keys->secret, secret_path, 1, pool));
    WM_TRY(wm_box_key_read(keys->peer, peer_path, 0, pool));
    if (crypto_box_beforenm(shared, keys->peer, keys->secret))
        return wm_err_make(pool, WM_E_INPUT,
                           "%s holds 32 bytes that are no public key; copy the clients' again",
                           peer_path);
    sodium_memzero(shared, sizeof shared);
    return NULL;
}

static int write_all(int file, const char *text, size_t size)
{
    while (size) {
        ssize_t n = write(file, text, size);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -1;
        text += n;
        size -= (size_t)n;
    }
    return fsync(file);
}

/* A new file PATH with KEY in it.  What could not be finished is removed again. */
static const wm_err *write_key(const char *path, mode_t mode, const unsigned char *key,
                               apr_pool_t *pool)
{
    char line[LINE_SIZE + 1];
    const wm_err *err = NULL;
    int file = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode);

    if (file < 0 && errno == EEXIST)
        return wm_err_make(pool, WM_E_CONFLICT,
                           "%s exists and stays as it is: a lost key cannot be made again. Move it "
                           "away or choose another name",
                           path);
    if (file < 0)
        return wm_err_apr(pool, errno, "making the key file %s", path);
    sodium_bin2base64(line, LINE_SIZE, key, KEY_SIZE, sodium_base64_VARIANT_ORIGINAL);
    line[LINE_SIZE - 1] = '\n';
    if (write_all(file, line, LINE_SIZE))
        err = wm_err_apr(pool, errno, "writing the key file %s", path);
    sodium_memzero(line, sizeof line);
    if (close(file) && !err)
        err = wm_err_apr(pool, errno, "closing the key file %s", path);
    if (err)
        unlink(path);
    return err;
}

const wm_err *wm_box_halves_write(const char *secret_path, const unsigned char *secret,
                                  const char *public_path, const unsigned char *open_half,
                                  apr_pool_t *pool)
{
    const wm_err *err;

    WM_TRY(write_key(secret_path, 0600, secret, pool));
    err = write_key(public_path, 0644, open_half, pool);
    if (err)
        unlink(secret_path);
    return err;
}

const wm_err *wm_box_pair_write(const char *secret_path, const char *public_path, apr_pool_t *pool)
{
    unsigned char secret[KEY_SIZE], open_half[KEY_SIZE];
    const wm_err *err;

    crypto_box_keypair(open_half, secret);
    err = wm_box_halves_write(secret_path, secret, public_path, open_half, pool);
    sodium_memzero(secret, sizeof secret);
    return err;
}

const wm_err *wm_box_open(int *good, wm_buf *out, const wm_box_keys *keys, const char *nonce,
                          size_t nonce_size, const char *data, size_t size)
{
    size_t message;

    *good = 0;
    if (nonce_size != crypto_box_NONCEBYTES || size < crypto_box_MACBYTES)
        return NULL;
    message = size - crypto_box_MACBYTES;
    WM_TRY(wm_buf_reserve(out, message + 1)); /* never an empty buffer without memory */
    if (crypto_box_open_easy((unsigned char *)out->data + out->size, (const unsigned char *)data,
                             size, (const unsigned char *)nonce, keys->peer, keys->secret))
        return NULL;
    out->size += message;
    *good = 1;
    return NULL;
}
