/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include <apr_buckets.h>
#include <apr_mmap.h>
#include <apr_strings.h>
#include <apr_support.h>
#include <httpd.h>
#include <http_core.h>
#include <http_protocol.h>
#include <util_filter.h>

#include "wm_buf.h"

#include "body.h"
#include "config.h"

#define DEADLINE "WEBMUNK_DEADLINE"

enum { READ_SIZE = 64 * 1024 };

typedef struct body {
    wm_http *h;
    apr_off_t max, size;
    wm_buf *buf;      /* until it is too large for memory */
    apr_file_t *file; /* from then on */
    apr_time_t start;
    apr_interval_time_t timeout, time_max;
    apr_int64_t rate;
} body;

static const wm_err *too_large(const body *b)
{
    return wm_err_make(b->h->r->pool, WM_E_LIMIT, "the body is over %" APR_OFF_T_FMT " bytes",
                       b->max);
}

/* What is left of the time that a body of this size may take. */
static apr_interval_time_t time_left(const body *b)
{
    apr_interval_time_t whole = b->timeout + apr_time_from_sec(b->size / b->rate);

    return b->start + (whole < b->time_max ? whole : b->time_max) - apr_time_now();
}

static const wm_err *too_slow(const body *b)
{
    return wm_err_make(b->h->r->pool, WM_E_TIMEOUT,
                       "%" APR_OFF_T_FMT " bytes in %d s are less than WebmunkBodyTimeout, "
                       "WebmunkBodyRate and WebmunkBodyTimeMax ask for",
                       b->size, (int)apr_time_sec(apr_time_now() - b->start));
}

/* HTTP/2: the socket belongs to the whole connection, so its timeout is not ours to change and the
 * stream is asked again and again, at growing distances. */
static apr_status_t fetch_stream(apr_bucket_brigade *bb, const body *b)
{
    enum { FIRST = 500, LAST = 20000 };

    for (apr_interval_time_t pause = FIRST;; pause = pause * 2 > LAST ? LAST : pause * 2) {
        apr_status_t rv = ap_get_brigade(b->h->r->input_filters, bb, AP_MODE_READBYTES,
                                         APR_NONBLOCK_READ, READ_SIZE);

        if (rv == APR_SUCCESS ? !APR_BRIGADE_EMPTY(bb) : !APR_STATUS_IS_EAGAIN(rv))
            return rv;
        if (time_left(b) <= 0)
            return APR_TIMEUP;
        if (b->h->r->connection->aborted)
            return APR_ECONNABORTED;
        apr_sleep(pause);
    }
}

/* Until the socket has something to read, at most WAIT. */
static void wait_for(apr_socket_t *socket, apr_interval_time_t wait)
{
    apr_interval_time_t before;

    if (!socket || apr_socket_timeout_get(socket, &before) != APR_SUCCESS)
        return;
    apr_socket_timeout_set(socket, wait);
    apr_wait_for_io_or_timeout(NULL, socket, 1); /* what it found out, the next read says */
    apr_socket_timeout_set(socket, before);
}

/* HTTP/1: between the filter that undoes chunks and the connection.  That filter reads lines, of
 * chunk sizes and trailers, and each byte of a line would start the socket's timeout anew. */
static apr_status_t deadline_filter(ap_filter_t *f, apr_bucket_brigade *bb, ap_input_mode_t mode,
                                    apr_read_type_e block, apr_off_t size)
{
    /* mod_reqtimeout, further down, has deadlines of its own to look at. */
    const apr_interval_time_t nap = apr_time_from_sec(1);
    const body *b = f->ctx;

    if (block != APR_BLOCK_READ || (mode != AP_MODE_READBYTES && mode != AP_MODE_GETLINE))
        return ap_get_brigade(f->next, bb, mode, block, size);
    for (;;) {
        apr_interval_time_t left = time_left(b);
        apr_status_t rv;

        if (left <= 0)
            return APR_TIMEUP;
        rv = ap_get_brigade(f->next, bb, mode, APR_NONBLOCK_READ, size);
        if (rv == APR_SUCCESS ? !APR_BRIGADE_EMPTY(bb) : !APR_STATUS_IS_EAGAIN(rv))
            return rv;
        wait_for(ap_get_conn_socket(f->c), left < nap ? left : nap);
    }
}

void wm_body_register_filter(void)
{
    ap_register_input_filter(DEADLINE, deadline_filter, NULL, AP_FTYPE_PROTOCOL + 1);
}

/* The names of Debian's errno for a full disk, a full quota, a read-only or broken one all mean the
 * same here: not now. */
static const wm_err *disk_error(const body *b, apr_status_t rv, const char *what)
{
    char text[120];

    return wm_err_make(b->h->r->pool, WM_E_BUSY, "%s in WebmunkTempDir %s: %s", what,
                       wm_server_temp_dir(b->h->r->server), apr_strerror(rv, text, sizeof text));
}

/* From memory to a file without a name. */
static const wm_err *spill(body *b)
{
    request_rec *r = b->h->r;
    char *path = apr_pstrcat(r->pool, wm_server_temp_dir(r->server), "/webmunk-XXXXXX", NULL);
    apr_status_t rv = apr_file_mktemp(
        &b->file, path, APR_FOPEN_CREATE | APR_FOPEN_READ | APR_FOPEN_WRITE | APR_FOPEN_EXCL,
        r->pool);

    if (rv != APR_SUCCESS)
        return disk_error(b, rv, "making a file");
    apr_file_remove(path, r->pool);
    rv = apr_file_write_full(b->file, b->buf->data, b->buf->size, NULL);
    wm_buf_free(b->buf);
    return rv == APR_SUCCESS ? NULL : disk_error(b, rv, "writing");
}

static const wm_err *append(body *b, const char *data, size_t size)
{
    apr_status_t rv;

    b->size += (apr_off_t)size;
    if (b->size > b->max)
        return too_large(b);
    if (!b->file && b->size <= WM_BODY_IN_MEMORY)
        return wm_buf_add(b->buf, data, size);
    if (!b->file)
        WM_TRY(spill(b));
    rv = apr_file_write_full(b->file, data, size, NULL);
    return rv == APR_SUCCESS ? NULL : disk_error(b, rv, "writing");
}

/* One brigade; *DONE when it held the end. */
static const wm_err *take(int *done, body *b, apr_bucket_brigade *bb)
{
    for (apr_bucket *e = APR_BRIGADE_FIRST(bb); e != APR_BRIGADE_SENTINEL(bb);
         e = APR_BUCKET_NEXT(e)) {
        const char *data;
        apr_size_t size;

        if (APR_BUCKET_IS_EOS(e)) {
            *done = 1;
            return NULL;
        }
        if (APR_BUCKET_IS_METADATA(e))
            continue;
        if (apr_bucket_read(e, &data, &size, APR_BLOCK_READ) != APR_SUCCESS)
            return wm_err_make(b->h->r->pool, WM_E_INPUT, "the body cannot be read");
        WM_TRY(append(b, data, size));
    }
    return NULL;
}

/* What a failed read means.  Nobody is there to answer when the connection ended. */
static const wm_err *read_error(body *b, apr_status_t rv)
{
    apr_pool_t *pool = b->h->r->pool;
    char text[120];

    if (APR_STATUS_IS_TIMEUP(rv) || APR_STATUS_IS_ETIMEDOUT(rv) ||
        (rv != AP_FILTER_ERROR && time_left(b) <= 0))
        return too_slow(b);
    if (APR_STATUS_IS_ENOSPC(rv))
        return wm_err_make(pool, WM_E_LIMIT, "the body is over httpd's LimitRequestBody");
    if (APR_STATUS_IS_EINVAL(rv) || APR_STATUS_IS_EGENERAL(rv))
        return wm_err_make(pool, WM_E_INPUT, "the body is not framed as HTTP wants");
    if (rv == AP_FILTER_ERROR) {
        b->h->answered = 1;
        return wm_err_make(pool, WM_E_INPUT, "the body is not framed as HTTP wants");
    }
    b->h->vanished = 1;
    return wm_err_make(pool, WM_E_INPUT, "the sender left after %" APR_OFF_T_FMT " bytes: %s",
                       b->size, apr_strerror(rv, text, sizeof text));
}

static const wm_err *read_brigades(body *b)
{
    request_rec *r = b->h->r;
    apr_bucket_brigade *bb = apr_brigade_create(r->pool, r->connection->bucket_alloc);

    for (int done = 0; !done;) {
        const wm_err *err;
        apr_status_t rv;

        if (time_left(b) <= 0)
            return too_slow(b);
        rv = r->connection->master ? fetch_stream(bb, b)
                                   : ap_get_brigade(r->input_filters, bb, AP_MODE_READBYTES,
                                                    APR_BLOCK_READ, READ_SIZE);
        if (rv != APR_SUCCESS)
            return read_error(b, rv);
        err = take(&done, b, bb);
        apr_brigade_cleanup(bb);
        if (err)
            return err;
    }
    b->h->body_read = 1;
    return NULL;
}

static const wm_err *read_all(body *b)
{
    request_rec *r = b->h->r;
    ap_filter_t *deadline = NULL;
    const wm_err *err;

    if (!r->connection->master)
        deadline = ap_add_input_filter(DEADLINE, b, r, r->connection);
    err = read_brigades(b);
    if (deadline)
        ap_remove_input_filter(deadline); /* B ends with the caller */
    return err;
}

/* Content-Length, -1 when there is none. */
static apr_off_t declared(const wm_http *h)
{
    const char *text = wm_http_header(h, "Content-Length");
    apr_off_t size;
    char *end;

    if (!text || apr_strtoff(&size, text, &end, 10) != APR_SUCCESS || *end)
        return -1;
    return size;
}

const wm_err *wm_body_read(const char **data, size_t *size, wm_http *h, apr_off_t max)
{
    request_rec *r = h->r;
    body b = {.h = h,
              .max = max,
              .start = apr_time_now(),
              .timeout = wm_dir_body_timeout(r),
              .time_max = wm_dir_body_time_max(r),
              .rate = wm_dir_body_rate(r)};
    apr_off_t length = declared(h);
    apr_mmap_t *map;
    apr_status_t rv;

    if (length > max)
        return too_large(&b);
    b.buf = wm_buf_create(NULL, r->pool);
    if (length > 0 && length <= WM_BODY_IN_MEMORY)
        WM_TRY(wm_buf_reserve(b.buf, (size_t)length));
    WM_TRY(read_all(&b));

    *size = (size_t)b.size;
    *data = b.buf->data ? b.buf->data : "";
    if (!b.file)
        return NULL;
    rv = apr_mmap_create(&map, b.file, 0, *size, APR_MMAP_READ, r->pool);
    if (rv != APR_SUCCESS)
        return disk_error(&b, rv, "mapping a file");
    *data = map->mm;
    return NULL;
}
