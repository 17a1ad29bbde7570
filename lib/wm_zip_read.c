/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <apr_strings.h>
#include <sodium.h>
#include <zlib.h>

#include "wm_zip_read.h"

/* APPNOTE.TXT, sections 4.3.7, 4.3.12, 4.3.14 to 4.3.16. */
enum {
    LOCAL = 30,
    CENTRAL = 46,
    END = 22,
    END64 = 56,
    LOCATOR = 20,
    EXTRA_HEAD = 4,
    EXTRA_MAX = EXTRA_HEAD + 3 * 8,
    FLAGS = 1 << 11, /* names are UTF-8 */
    NAME_SIZE_MAX = 4096,
    CHUNK = 64 * 1024
};
#define ATTRIBUTES  (0100600UL << 16)
#define ELSEWHERE   0xffffffffUL /* the number stands in the zip64 field */
#define ENTRIES_MAX 0xffffUL

struct wm_zip_reader {
    int file;
    const char *path;
    apr_int64_t directory, directory_size; /* where it begins */
    apr_int64_t entries;
    apr_int64_t at;     /* of the next row of the directory */
    apr_int64_t behind; /* the data seen so far */
    apr_int64_t seen;
    apr_uint32_t time; /* of the first entry: all have it */
    char *in, *out;
};

static apr_uint64_t get(const unsigned char *p, int bytes)
{
    apr_uint64_t n = 0;

    while (bytes--)
        n = n << 8 | p[bytes];
    return n;
}

static const wm_err *damaged(const wm_zip_reader *r, const char *what, apr_pool_t *pool)
{
    return wm_err_make(pool, WM_E_INPUT, "%s: its %s damaged", r->path, what);
}

static int read_at(const wm_zip_reader *r, void *data, size_t size, apr_int64_t offset)
{
    char *at = data;

    while (size) {
        ssize_t n = pread(r->file, at, size, (off_t)offset);

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return 0;
        at += n;
        offset += n;
        size -= (size_t)n;
    }
    return 1;
}

static apr_status_t close_file(void *data)
{
    close(((wm_zip_reader *)data)->file);
    return APR_SUCCESS;
}

/* The numbers of a directory too large for the old end: *END_AT moves before them. */
static int read_end64(wm_zip_reader *r, apr_int64_t *end_at)
{
    unsigned char end[END64 + LOCATOR];
    const unsigned char *locator = end + END64;

    *end_at -= sizeof end;
    if (*end_at < 0 || !read_at(r, end, sizeof end, *end_at))
        return 0;
    r->entries = (apr_int64_t)get(end + 32, 8);
    r->directory_size = (apr_int64_t)get(end + 40, 8);
    r->directory = (apr_int64_t)get(end + 48, 8);
    return !memcmp(end, "PK\6\6", 4) && get(end + 4, 8) == END64 - 12 && get(end + 12, 2) == 45 &&
           get(end + 14, 2) == 45 && !get(end + 16, 8) &&
           get(end + 24, 8) == (apr_uint64_t)r->entries && !memcmp(locator, "PK\6\7", 4) &&
           !get(locator + 4, 4) && get(locator + 8, 8) == (apr_uint64_t)*end_at &&
           get(locator + 16, 4) == 1;
}

/* The last bytes of the file; *END_AT gets where the directory must end. */
static int read_end(wm_zip_reader *r, apr_int64_t size)
{
    unsigned char end[END];
    apr_int64_t end_at = size - END;

    if (end_at < 0 || !read_at(r, end, END, end_at) || memcmp(end, "PK\5\6", 4) ||
        get(end + 4, 4) || get(end + 8, 2) != get(end + 10, 2) || get(end + 20, 2))
        return 0;
    r->entries = (apr_int64_t)get(end + 10, 2);
    r->directory_size = (apr_int64_t)get(end + 12, 4);
    r->directory = (apr_int64_t)get(end + 16, 4);
    if (get(end + 16, 4) == ELSEWHERE || get(end + 10, 2) == ENTRIES_MAX) {
        const wm_zip_reader small = *r;

        if (!read_end64(r, &end_at) || small.directory_size != r->directory_size ||
            (small.entries != (apr_int64_t)ENTRIES_MAX && small.entries != r->entries) ||
            (small.directory != (apr_int64_t)ELSEWHERE && small.directory != r->directory))
            return 0;
    }
    return r->directory >= 0 && r->directory_size >= 0 &&
           r->directory + r->directory_size == end_at;
}

void wm_zip_reader_rewind(wm_zip_reader *r)
{
    r->at = r->directory;
    r->behind = r->seen = 0;
}

const wm_err *wm_zip_reader_open(wm_zip_reader **reader, const char *path, apr_pool_t *pool)
{
    wm_zip_reader *r = apr_pcalloc(pool, sizeof *r);
    struct stat info;

    r->path = path;
    r->file = open(path, O_RDONLY | O_CLOEXEC);
    if (r->file < 0)
        return wm_err_make(pool, errno == ENOENT || errno == EACCES ? WM_E_NOT_FOUND : WM_E_SYSTEM,
                           "%s cannot be read", path);
    apr_pool_cleanup_register(pool, r, close_file, apr_pool_cleanup_null);
    r->in = apr_palloc(pool, 2 * CHUNK);
    r->out = r->in + CHUNK;
    if (fstat(r->file, &info) || !S_ISREG(info.st_mode) || !read_end(r, info.st_size))
        return wm_err_make(pool, WM_E_INPUT,
                           "%s is no zip archive of an export, or its end is missing", path);
    wm_zip_reader_rewind(r);
    *reader = r;
    return NULL;
}

/* The numbers that did not fit into 32 bits, in the order of the field that has them. */
static int read_extra(apr_int64_t *bytes, apr_int64_t *packed, apr_int64_t *offset,
                      const unsigned char *extra, size_t size)
{
    apr_int64_t *numbers[] = {bytes, packed, offset};
    const unsigned char *at = extra + EXTRA_HEAD;

    for (int i = 0; i < 3; i++) {
        if (!numbers[i] || *numbers[i] != (apr_int64_t)ELSEWHERE)
            continue;
        if (at + 8 > extra + size)
            return 0;
        *numbers[i] = (apr_int64_t)get(at, 8);
        if (*numbers[i] < 0)
            return 0;
        at += 8;
    }
    return at == extra + EXTRA_HEAD
               ? !size
               : at == extra + size && get(extra, 2) == 1 && get(extra + 2, 2) == size - EXTRA_HEAD;
}

/* What stands before the data of E must say the same as its row of the directory. */
static int check_local(wm_zip_reader *r, wm_zip_entry *e, const unsigned char *row,
                       apr_pool_t *pool)
{
    unsigned char head[LOCAL], extra[EXTRA_MAX];
    size_t name_size = strlen(e->name), extra_size;
    apr_int64_t bytes, packed;
    char *name = apr_palloc(pool, name_size + 1);

    if (!read_at(r, head, LOCAL, r->behind) || memcmp(head, "PK\3\4", 4))
        return 0;
    extra_size = (size_t)get(head + 28, 2);
    bytes = (apr_int64_t)get(head + 22, 4);
    packed = (apr_int64_t)get(head + 18, 4);
    if (get(head + 4, 2) != (extra_size ? 45 : 20) || memcmp(head + 6, row + 8, 12) ||
        get(head + 26, 2) != name_size || extra_size > EXTRA_MAX ||
        !read_at(r, name, name_size, r->behind + LOCAL) || memcmp(name, e->name, name_size) ||
        !read_at(r, extra, extra_size, r->behind + LOCAL + (apr_int64_t)name_size) ||
        !read_extra(&bytes, &packed, NULL, extra, extra_size))
        return 0;
    e->offset = r->behind + LOCAL + (apr_int64_t)name_size + (apr_int64_t)extra_size;
    return bytes == e->bytes && packed == e->packed && packed <= r->directory - e->offset;
}

/* A row of the directory; SIZES are those of its name and its extra field. */
static int check_row(wm_zip_reader *r, wm_zip_entry *e, const unsigned char *row, size_t extra_size,
                     apr_pool_t *pool)
{
    apr_int64_t offset = (apr_int64_t)get(row + 42, 4);
    apr_uint32_t time = (apr_uint32_t)get(row + 12, 4);
    unsigned char extra[EXTRA_MAX];
    apr_uint64_t made = get(row + 4, 2), needed = get(row + 6, 2);

    if (!r->seen)
        r->time = time;
    e->stored = get(row + 10, 2) == 0;
    e->crc = (apr_uint32_t)get(row + 16, 4);
    e->packed = (apr_int64_t)get(row + 20, 4);
    e->bytes = (apr_int64_t)get(row + 24, 4);
    if (extra_size > EXTRA_MAX ||
        !read_at(r, extra, extra_size, r->at + CENTRAL + (apr_int64_t)strlen(e->name)) ||
        !read_extra(&e->bytes, &e->packed, &offset, extra, extra_size))
        return 0;
    return (made == (3 << 8 | 45) || made == 45) && (needed == 20 || needed == 45) &&
           get(row + 8, 2) == FLAGS && (e->stored || get(row + 10, 2) == Z_DEFLATED) &&
           time == r->time && !get(row + 32, 6) && get(row + 38, 4) == ATTRIBUTES &&
           offset == r->behind && check_local(r, e, row, pool);
}

const wm_err *wm_zip_reader_next(const wm_zip_entry **entry, wm_zip_reader *r, apr_pool_t *pool)
{
    wm_zip_entry *e = apr_pcalloc(pool, sizeof *e);
    unsigned char row[CENTRAL];
    size_t name_size, extra_size;
    char *name;

    *entry = NULL;
    if (r->seen == r->entries)
        return r->at == r->directory + r->directory_size && r->behind == r->directory
                   ? NULL
                   : damaged(r, "directory is", pool);
    if (!read_at(r, row, CENTRAL, r->at) || memcmp(row, "PK\1\2", 4))
        return damaged(r, "directory is", pool);
    name_size = (size_t)get(row + 28, 2);
    extra_size = (size_t)get(row + 30, 2);
    if (!name_size || name_size > NAME_SIZE_MAX)
        return damaged(r, "directory is", pool);
    name = apr_pcalloc(pool, name_size + 1);
    e->name = name;
    if (!read_at(r, name, name_size, r->at + CENTRAL) || strlen(name) != name_size ||
        !check_row(r, e, row, extra_size, pool))
        return damaged(r,
                       apr_psprintf(pool, "directory or the head of entry %" APR_INT64_T_FMT " is",
                                    r->seen + 1),
                       pool);
    r->at += CENTRAL + (apr_int64_t)name_size + (apr_int64_t)extra_size;
    r->behind = e->offset + e->packed;
    r->seen++;
    *entry = e;
    return NULL;
}

/* What is known of the content while it comes by. */
typedef struct content {
    crypto_hash_sha256_state sha;
    wm_zip_part *found;
    const wm_err *(*write)(void *host, const char *data, size_t size);
    void *host;
} content;

static const wm_err *take(content *c, const char *data, size_t size)
{
    c->found->bytes += (apr_int64_t)size;
    c->found->crc = (apr_uint32_t)crc32(c->found->crc, (const Bytef *)data, (uInt)size);
    crypto_hash_sha256_update(&c->sha, (const unsigned char *)data, size);
    return c->write && size ? c->write(c->host, data, size) : NULL;
}

/* SIZE bytes of the entry; *ENDED when the stream has come to its end. */
static const wm_err *inflate_chunk(int *ended, z_stream *z, const wm_zip_reader *r,
                                   const wm_zip_entry *e, size_t size, content *c, apr_pool_t *pool)
{
    z->next_in = (Bytef *)r->in;
    z->avail_in = (uInt)size;
    do {
        int status;

        z->next_out = (Bytef *)r->out;
        z->avail_out = CHUNK;
        status = *ended ? Z_DATA_ERROR : inflate(z, Z_NO_FLUSH);
        if (status != Z_OK && status != Z_STREAM_END && status != Z_BUF_ERROR)
            return damaged(r, apr_psprintf(pool, "entry \"%s\" is", e->name), pool);
        *ended = status == Z_STREAM_END;
        WM_TRY(take(c, r->out, CHUNK - z->avail_out));
        if (c->found->bytes > e->bytes)
            return damaged(r, apr_psprintf(pool, "entry \"%s\" is", e->name), pool);
    } while (z->avail_in || (!z->avail_out && !*ended));
    return NULL;
}

static const wm_err *read_data(int *ended, z_stream *z, const wm_zip_reader *r,
                               const wm_zip_entry *e, content *c, apr_pool_t *pool)
{
    crypto_hash_sha256_state packed;
    apr_int64_t left = e->packed;

    crypto_hash_sha256_init(&packed);
    crypto_hash_sha256_init(&c->sha);
    while (left) {
        size_t size = left < CHUNK ? (size_t)left : CHUNK;

        if (!read_at(r, r->in, size, e->offset + e->packed - left))
            return damaged(r, apr_psprintf(pool, "entry \"%s\" is", e->name), pool);
        crypto_hash_sha256_update(&packed, (const unsigned char *)r->in, size);
        WM_TRY(e->stored ? take(c, r->in, size) : inflate_chunk(ended, z, r, e, size, c, pool));
        left -= (apr_int64_t)size;
    }
    crypto_hash_sha256_final(&packed, c->found->packed_sha256);
    crypto_hash_sha256_final(&c->sha, c->found->sha256);
    return NULL;
}

const wm_err *wm_zip_reader_read(wm_zip_part *found, wm_zip_reader *r, const wm_zip_entry *e,
                                 const wm_err *(*write)(void *host, const char *data, size_t size),
                                 void *host, apr_pool_t *pool)
{
    content c = {.found = found, .write = write, .host = host};
    const wm_err *err;
    int ended = e->stored;
    z_stream z = {0};

    memset(found, 0, sizeof *found);
    found->packed = e->packed;
    found->crc = (apr_uint32_t)crc32(0, NULL, 0);
    if (inflateInit2(&z, -MAX_WBITS) != Z_OK)
        return wm_err_make(pool, WM_E_SYSTEM, "no memory to read %s", r->path);
    err = read_data(&ended, &z, r, e, &c, pool);
    inflateEnd(&z);
    if (!err && (!ended || found->bytes != e->bytes || found->crc != e->crc))
        err = damaged(r, apr_psprintf(pool, "entry \"%s\" is", e->name), pool);
    return err;
}
