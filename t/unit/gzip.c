/* SPDX-License-Identifier: Apache-2.0 */
#include <apr_general.h>
#include <zlib.h>

#include "tap.h"
#include "wm_gzip.h"

enum { LIMIT = 100000 };

static apr_pool_t *pool;

/* A gzip member of DATA, made by zlib, appended to OUT. */
static void add_member(wm_buf *out, const void *data, size_t size, int level)
{
    z_stream z = {0};
    char made[4096];
    int status;

    if (deflateInit2(&z, level, Z_DEFLATED, 31, 8, Z_DEFAULT_STRATEGY) != Z_OK)
        abort();
    z.next_in = (Bytef *)(size_t)data;
    z.avail_in = (uInt)size;
    do {
        z.next_out = (Bytef *)made;
        z.avail_out = sizeof made;
        status = deflate(&z, Z_FINISH);
        if (wm_buf_add(out, made, sizeof made - z.avail_out))
            abort();
    } while (status == Z_OK);
    deflateEnd(&z);
}

static wm_buf *member(const char *text)
{
    wm_buf *buf = wm_buf_create(NULL, pool);

    add_member(buf, text, strlen(text), 6);
    return buf;
}

/* Inflate from memory of its own size; -1 on an error. */
static int inflate_to(wm_buf *out, const char *data, size_t size, size_t max)
{
    char *copy = malloc(size ? size : 1);
    wm_gzip_result result = WM_GZIP_BAD;
    const wm_err *err;

    if (!copy)
        abort();
    if (size)
        memcpy(copy, data, size);
    err = wm_gzip_inflate(&result, out, copy, size, max);
    free(copy);
    return err ? -1 : (int)result;
}

/* Inflate IN behind "before": RESULT, and WANT behind it when that is good. */
static void inflates(const wm_buf *in, size_t max, wm_gzip_result result, const char *want,
                     const char *name)
{
    wm_buf *out = wm_buf_create(NULL, pool);
    size_t length = strlen(want);

    if (wm_buf_add(out, "before", 6))
        abort();
    is_int(inflate_to(out, in->data, in->size, max), result, name);
    ok(out->size == 6 + length && !memcmp(out->data, "before", 6) &&
           !memcmp(out->data + 6, want, length),
       "... and the buffer holds what it should");
    wm_buf_free(out);
}

static void test_members(void)
{
    wm_buf *buf = member("one");

    inflates(buf, LIMIT, WM_GZIP_GOOD, "one", "one member");
    add_member(buf, "", 0, 6);
    add_member(buf, "two", 3, 1);
    inflates(buf, LIMIT, WM_GZIP_GOOD, "onetwo", "three members, an empty one among them");
    if (wm_buf_add(buf, "\x1fjunk", 5))
        abort();
    inflates(buf, LIMIT, WM_GZIP_GOOD, "onetwo", "junk behind them is ignored");
    buf->size -= 4;
    inflates(buf, LIMIT, WM_GZIP_GOOD, "onetwo", "a single byte behind them is ignored");
    inflates(member(""), LIMIT, WM_GZIP_GOOD, "", "an empty member");
}

static void test_junk(void)
{
    wm_buf *buf = member("one"), *second = member("second member");

    if (wm_buf_add(buf, "\x1f\x8b\x07 damaged", 11))
        abort();
    inflates(buf, LIMIT, WM_GZIP_GOOD, "one", "junk that begins like a member is ignored");

    buf = member("one");
    second->data[second->size - 6] ^= 1;
    if (wm_buf_add(buf, second->data, second->size))
        abort();
    inflates(buf, LIMIT, WM_GZIP_GOOD, "one", "a second member with a wrong checksum is ignored");
    buf->size -= 3;
    inflates(buf, LIMIT, WM_GZIP_GOOD, "one", "... whether or not it is whole");
    buf->size -= 12;
    inflates(buf, LIMIT, WM_GZIP_BAD, "", "a second member that is cut off makes all bad");
    inflates(member("x"), LIMIT, WM_GZIP_GOOD, "x", "a member of one byte");
}

static void test_damage(void)
{
    wm_buf *buf = member("some text, some text, some other text");
    wm_buf *out = wm_buf_create(NULL, pool);
    int taken = 0, ignored = 0;

    for (size_t size = 0; size < buf->size; size++)
        taken += inflate_to(out, buf->data, size, LIMIT) != WM_GZIP_BAD;
    is_int(taken, 0, "a member that is cut off anywhere is bad");
    for (size_t i = 0; i < buf->size * 8; i++) {
        buf->data[i / 8] ^= (char)(1 << i % 8);
        /* time, flags about the compressor and system are nobody's business */
        if (inflate_to(out, buf->data, buf->size, LIMIT) == WM_GZIP_GOOD) {
            ignored += i / 8 >= 4 && i / 8 < 10;
            taken += i / 8 < 3 || i / 8 >= 10;
        }
        buf->data[i / 8] ^= (char)(1 << i % 8);
        wm_buf_free(out);
    }
    is_int(taken, 0, "a member with one bit changed is bad");
    is_int(ignored, 48, "... but for time and system in its header");
    is_int(inflate_to(out, "[]", 2, LIMIT), WM_GZIP_BAD, "plain text is no gzip");
    is_int(inflate_to(out, "", 0, LIMIT), WM_GZIP_BAD, "nothing is no gzip");
    wm_buf_free(out);
}

static void test_limit(void)
{
    wm_buf *buf = member("12345"), *bomb = wm_buf_create(NULL, pool), *out;
    char *zeros = calloc(1, 50 * LIMIT);

    if (!zeros)
        abort();
    inflates(buf, 5, WM_GZIP_GOOD, "12345", "exactly the maximum");
    inflates(buf, 4, WM_GZIP_TOO_LARGE, "", "one byte above it");
    inflates(buf, 0, WM_GZIP_TOO_LARGE, "", "a maximum of nothing");
    inflates(member(""), 0, WM_GZIP_GOOD, "", "... admits an empty member");
    add_member(buf, "67", 2, 6);
    inflates(buf, 7, WM_GZIP_GOOD, "1234567", "exactly the maximum in two members");
    inflates(buf, 6, WM_GZIP_TOO_LARGE, "", "one byte above it in two members");
    inflates(buf, (size_t)-1, WM_GZIP_GOOD, "1234567", "no maximum at all");

    add_member(bomb, zeros, 50 * LIMIT, 9);
    out = wm_buf_create(NULL, pool);
    is_int(inflate_to(out, bomb->data, bomb->size, LIMIT), WM_GZIP_TOO_LARGE,
           "a bomb is too large");
    ok(out->room <= 2 * LIMIT, "... and took little more memory than the maximum");
    is_int(inflate_to(out, bomb->data, bomb->size, 50 * LIMIT), WM_GZIP_GOOD,
           "a high ratio alone is no reason");
    ok(out->size == 50 * LIMIT && !memcmp(out->data, zeros, out->size), "... and all of it comes");
    wm_buf_free(out);
    memset(bomb->data + bomb->size - 4, 0, 4);
    is_int(inflate_to(out, bomb->data, bomb->size, LIMIT), WM_GZIP_TOO_LARGE,
           "a bomb that lies about its size is too large");
    is_int(inflate_to(out, bomb->data, bomb->size, 50 * LIMIT), WM_GZIP_BAD,
           "a wrong size in the trailer is bad");
    memset(bomb->data + bomb->size - 4, 0xff, 4);
    wm_buf_free(out);
    is_int(inflate_to(out, bomb->data, 18, (size_t)-1), WM_GZIP_BAD, "a cut bomb is bad");
    wm_buf_free(out);
    wm_buf_free(bomb);
    free(zeros);
}

static const wm_err *take_nothing(void *host, size_t bytes, apr_pool_t *p)
{
    (void)host;
    return wm_err_make(p, WM_E_BUSY, "no room for %zu bytes", bytes);
}

static void give_nothing(void *host, size_t bytes)
{
    (void)host;
    (void)bytes;
}

static void test_budget(void)
{
    static const wm_budget empty = {take_nothing, give_nothing, NULL};
    wm_buf *in = member("text"), *out = wm_buf_create(&empty, pool);
    wm_gzip_result result;
    const wm_err *err = wm_gzip_inflate(&result, out, in->data, in->size, LIMIT);

    is_int(err ? err->code : WM_E_COUNT, WM_E_BUSY, "an exhausted budget stops inflating");
    err = wm_gzip_inflate(&result, out, in->data, in->size - 1, LIMIT);
    is_int(err ? err->code : WM_E_COUNT, WM_E_BUSY, "... in steps too");
    err = wm_gzip_deflate(out, "text", 4);
    is_int(err ? err->code : WM_E_COUNT, WM_E_BUSY, "... and compressing");
}

static void test_deflate(void)
{
    wm_buf *gzip = wm_buf_create(NULL, pool), *out = wm_buf_create(NULL, pool);
    unsigned state = 1;
    char *noise = malloc(LIMIT);

    if (!noise)
        abort();
    for (size_t i = 0; i < LIMIT; i++)
        noise[i] = (char)((state = state * 1103515245 + 12345) >> 16);
    ok(!wm_gzip_deflate(gzip, "", 0), "nothing is compressed");
    inflates(gzip, LIMIT, WM_GZIP_GOOD, "", "... and comes back");
    ok(!wm_gzip_deflate(gzip, "text", 4), "a second member is appended");
    inflates(gzip, LIMIT, WM_GZIP_GOOD, "text", "... and comes back");
    wm_buf_free(gzip);
    ok(!wm_gzip_deflate(gzip, noise, LIMIT), "what does not shrink is kept too");
    is_int(inflate_to(out, gzip->data, gzip->size, LIMIT), WM_GZIP_GOOD, "... and comes back");
    ok(out->size == LIMIT && !memcmp(out->data, noise, LIMIT), "... as it was");
    wm_buf_free(out);
    wm_buf_free(gzip);
    memset(noise, ' ', LIMIT);
    ok(!wm_gzip_deflate(gzip, noise, LIMIT) && gzip->size < LIMIT / 50, "blanks shrink");
    wm_buf_free(gzip);
    free(noise);
}

int main(void)
{
    apr_initialize();
    apr_pool_create(&pool, NULL);

    test_members();
    test_junk();
    test_damage();
    test_limit();
    test_budget();
    test_deflate();

    apr_terminate();
    return done();
}
