/* SPDX-License-Identifier: Apache-2.0 */
/* libdeflate needs half of zlib's time, but wants the whole output's room at once: it takes what
 * is one member of an announced size, as nearly everything is; zlib takes the rest, by steps. */
#include <stdint.h>
#include <string.h>

#include <libdeflate.h>
#include <zlib.h>

#include "wm_gzip.h"

enum {
    GZIP_WINDOW = 15 + 16, /* zlib: largest window, gzip header and trailer */
    MEMBER_MIN = 18,       /* header and trailer of a member */
    HEADER_CRC = 2,        /* flag: the header has a checksum, which libdeflate does not check */
    RATIO_MAX = 1032,      /* of deflate: 258 bytes from 2 bits */
    CHUNK_MAX = 1 << 30,   /* zlib counts with unsigned int */
    STEP_MIN = 4096,
    FASTEST = 1
};

typedef enum { MEMBER_WHOLE, MEMBER_CUT, MEMBER_DAMAGED, MEMBER_TOO_LARGE } member_end;

/* Inflate DATA when it is exactly one good member whose trailer tells the truth about its size. */
static const wm_err *inflate_single(int *done, wm_buf *out, const char *data, size_t size,
                                    size_t max)
{
    struct libdeflate_decompressor *inflater;
    const unsigned char *tail;
    size_t announced, used, made;

    *done = 0;
    if (size < MEMBER_MIN || (data[3] & HEADER_CRC))
        return NULL;
    tail = (const unsigned char *)data + size - 4;
    announced = tail[0] | (size_t)tail[1] << 8 | (size_t)tail[2] << 16 | (size_t)tail[3] << 24;
    if (announced > max || announced / RATIO_MAX > size)
        return NULL;
    WM_TRY(wm_buf_reserve(out, announced + 1)); /* never an empty buffer without memory */
    inflater = libdeflate_alloc_decompressor();
    if (!inflater)
        return wm_err_make(out->pool, WM_E_BUSY, "no memory to inflate");
    *done = libdeflate_gzip_decompress_ex(inflater, data, size, out->data + out->size, announced,
                                          &used, &made) == LIBDEFLATE_SUCCESS &&
            used == size;
    if (*done)
        out->size += made;
    libdeflate_free_decompressor(inflater);
    return NULL;
}

static size_t smaller(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* Inflate with Z until its member ends or OUT holds TOP bytes. */
static const wm_err *inflate_steps(int *status, z_stream *z, wm_buf *out, const char **at,
                                   const char *end, size_t top)
{
    do {
        size_t give = smaller((size_t)(end - *at), CHUNK_MAX), room;

        if (out->size == out->room)
            WM_TRY(wm_buf_reserve(out, smaller(STEP_MIN, top - out->size)));
        room = smaller(smaller(out->room, top) - out->size, CHUNK_MAX);
        z->next_in = (Bytef *)(size_t)*at; /* zlib reads only */
        z->avail_in = (uInt)give;
        z->next_out = (Bytef *)out->data + out->size;
        z->avail_out = (uInt)room;
        *status = inflate(z, Z_NO_FLUSH);
        *at += give - z->avail_in;
        out->size += room - z->avail_out;
    } while (*status == Z_OK && out->size < top);
    return NULL;
}

/* Inflate the member at *AT, which moves behind it when it is whole. */
static const wm_err *inflate_member(member_end *how, wm_buf *out, const char **at, const char *end,
                                    size_t top)
{
    size_t before = out->size;
    z_stream z = {0};
    const wm_err *err;
    int status = inflateInit2(&z, GZIP_WINDOW);

    if (status == Z_OK) {
        err = inflate_steps(&status, &z, out, at, end, top);
        inflateEnd(&z);
        WM_TRY(err);
    }
    if (status == Z_MEM_ERROR)
        return wm_err_make(out->pool, WM_E_BUSY, "no memory to inflate");
    *how = out->size == top         ? MEMBER_TOO_LARGE
           : status == Z_STREAM_END ? MEMBER_WHOLE
           : status == Z_BUF_ERROR  ? MEMBER_CUT
                                    : MEMBER_DAMAGED;
    if (*how == MEMBER_DAMAGED)
        out->size = before;
    return NULL;
}

/* Inflate the members of DATA.  TOP is one byte more than OUT may hold. */
static const wm_err *inflate_members(wm_gzip_result *result, wm_buf *out, const char *data,
                                     size_t size, size_t top)
{
    const char *at = data, *end = data + size;

    *result = WM_GZIP_BAD;
    WM_TRY(wm_buf_reserve(out, smaller(top - out->size, smaller(size, top / 4) * 4 + STEP_MIN)));
    while (at < end) {
        member_end how = MEMBER_DAMAGED;

        if (*result == WM_GZIP_GOOD && (end - at < 2 || memcmp(at, "\x1f\x8b", 2)))
            break;
        WM_TRY(inflate_member(&how, out, &at, end, top));
        if (how == MEMBER_DAMAGED) /* junk, when a good member precedes it */
            break;
        *result = how == MEMBER_WHOLE       ? WM_GZIP_GOOD
                  : how == MEMBER_TOO_LARGE ? WM_GZIP_TOO_LARGE
                                            : WM_GZIP_BAD;
        if (how != MEMBER_WHOLE)
            break;
    }
    return NULL;
}

const wm_err *wm_gzip_inflate(wm_gzip_result *result, wm_buf *out, const char *data, size_t size,
                              size_t max)
{
    size_t before = out->size;
    const wm_err *err;
    int done;

    *result = WM_GZIP_GOOD;
    max = smaller(max, SIZE_MAX / 8 - before);
    WM_TRY(inflate_single(&done, out, data, size, max));
    if (done)
        return NULL;
    err = inflate_members(result, out, data, size, before + max + 1);
    if (err || *result != WM_GZIP_GOOD)
        out->size = before;
    return err;
}

const wm_err *wm_gzip_deflate(wm_buf *out, const char *data, size_t size)
{
    struct libdeflate_compressor *deflater = libdeflate_alloc_compressor(FASTEST);
    const wm_err *err;
    size_t room, made;

    if (!deflater)
        return wm_err_make(out->pool, WM_E_BUSY, "no memory to compress");
    /* Half is plenty for JSON, and memory is what is short with large bodies. */
    room = size / 2 + STEP_MIN;
    err = wm_buf_reserve(out, room);
    made = err ? 0 : libdeflate_gzip_compress(deflater, data, size, out->data + out->size, room);
    if (!err && !made) {
        room = libdeflate_gzip_compress_bound(deflater, size);
        err = wm_buf_reserve(out, room);
        made =
            err ? 0 : libdeflate_gzip_compress(deflater, data, size, out->data + out->size, room);
    }
    libdeflate_free_compressor(deflater);
    out->size += made;
    return err;
}
