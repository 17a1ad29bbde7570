/* SPDX-License-Identifier: Apache-2.0 */
/* Drive's resumable uploads: pieces with their place, and after an interruption the question how far
 * the other side is.  The address of a session is as good as a password: it is remembered sealed, with
 * a key that follows from the account's own. */
#include <stdlib.h>
#include <string.h>

#include <apr_lib.h>
#include <apr_strings.h>
#include <sodium.h>

#include "dest_drive.h"
#include "wm_json_own.h"

/* Pieces are a multiple of 256 KiB, by the documentation. */
enum { MIB = 1 << 20, PIECE_MIB = 32, STUMBLES_MAX = 3, SESSION_MAX = 4000 };

enum { MORE = 308, DONE = -1, LOST = -2 };

typedef struct upload {
    wm_drive *drive;
    const char *session;
    apr_int64_t offset; /* so much is there; DONE: all; LOST: the session is no more */
} upload;

static const char *seal(const wm_drive *d, const char *session, apr_pool_t *pool)
{
    const int variant = sodium_base64_VARIANT_ORIGINAL;
    size_t size = strlen(session), sealed = crypto_secretbox_NONCEBYTES + crypto_secretbox_MACBYTES;
    unsigned char *box = apr_palloc(pool, sealed + size);

    randombytes_buf(box, crypto_secretbox_NONCEBYTES);
    crypto_secretbox_easy(box + crypto_secretbox_NONCEBYTES, (const unsigned char *)session, size,
                          box, d->key);
    return sodium_bin2base64(apr_palloc(pool, sodium_base64_encoded_len(sealed + size, variant)),
                             sodium_base64_encoded_len(sealed + size, variant), box, sealed + size,
                             variant);
}

/* NULL when it is none, or of another account. */
static const char *unseal(const wm_drive *d, const char *text, apr_pool_t *pool)
{
    unsigned char box[SESSION_MAX];
    size_t size, head = crypto_secretbox_NONCEBYTES + crypto_secretbox_MACBYTES;
    char *session;

    if (!text || sodium_base642bin(box, sizeof box, text, strlen(text), NULL, &size, NULL,
                                   sodium_base64_VARIANT_ORIGINAL))
        return NULL;
    session = apr_pcalloc(pool, sizeof box);
    return size > head && !crypto_secretbox_open_easy(
                              (unsigned char *)session, box + crypto_secretbox_NONCEBYTES,
                              size - crypto_secretbox_NONCEBYTES, box, d->key)
               ? session
               : NULL;
}

static const wm_err *keep(const upload *u)
{
    wm_dest_send *send = u->drive->send;
    json_t *resume = json_pack("{s:s, s:I}", "sealed", seal(u->drive, u->session, send->pool),
                               "offset", (json_int_t)u->offset);

    return send->keep(send, wm_json_own(resume, send->pool), u->offset);
}

/* How far the other side is, by an answer of the session; 0 when it does not say. */
static int judge(upload *u, const wm_fetch_answer *answer)
{
    const char *range = apr_table_get(answer->headers, "Range");
    apr_int64_t size = u->drive->send->size;

    if (answer->status == 404 || answer->status == 410) {
        u->offset = LOST;
        return 1;
    }
    if (answer->status == 200 || answer->status == 201) {
        u->offset = DONE;
        return 1;
    }
    if (answer->status != MORE)
        return 0;
    /* "bytes=0-42" has 43 bytes; without the header it has none. */
    u->offset = range && !strncmp(range, "bytes=0-", 8) ? apr_atoi64(range + 8) + 1 : 0;
    if (u->offset < 0 || u->offset > size)
        u->offset = LOST;
    return 1;
}

/* A request of the session; SIZE bytes of the file from OFFSET on, or none: the question. */
static const wm_err *put(wm_fetch_answer *answer, const upload *u, apr_int64_t offset,
                         apr_int64_t size, apr_pool_t *pool)
{
    wm_dest_send *send = u->drive->send;
    const char *place =
        size ? apr_psprintf(pool,
                            "Content-Range: bytes %" APR_INT64_T_FMT "-%" APR_INT64_T_FMT
                            "/%" APR_INT64_T_FMT,
                            offset, offset + size - 1, send->size)
             : apr_psprintf(pool, "Content-Range: bytes */%" APR_INT64_T_FMT, send->size);
    const char *headers[] = {place, "Content-Type: application/octet-stream", "Expect:", NULL};
    wm_fetch_request r = {.url = u->session,
                          .peer = "Google Drive",
                          .method = "PUT",
                          .headers = headers,
                          .has_body = 1,
                          .body = size ? NULL : "",
                          .fd = send->fd,
                          .offset = offset,
                          .size = size,
                          .sent = wm_dest_count,
                          .ctx = send};

    send->base = offset;
    return wm_fetch_do(answer, send->fetch, &r, pool);
}

static const wm_err *ask(upload *u, apr_pool_t *pool)
{
    wm_fetch_answer answer;

    WM_TRY(put(&answer, u, 0, 0, pool));
    return judge(u, &answer) ? NULL : wm_drive_expect(&answer, "asking how far it is", pool);
}

/* One piece.  When it goes wrong the session is asked what has come of it: a connection may break
 * behind the last byte. */
static const wm_err *send_piece(upload *u, int *stumbles, apr_pool_t *pool)
{
    wm_dest_send *send = u->drive->send;
    apr_int64_t piece = wm_dest_number(send, "piece_mib", PIECE_MIB) * MIB, from = u->offset;
    apr_int64_t size = send->size - from < piece ? send->size - from : piece;
    wm_fetch_answer answer;
    const wm_err *err = put(&answer, u, from, size, pool);

    if (!err && judge(u, &answer)) {
        *stumbles = u->offset > from ? 0 : *stumbles + 1;
    } else {
        if (!err)
            err = wm_drive_expect(&answer, "a part of the archive", pool);
        if (++*stumbles > STUMBLES_MAX)
            return err;
        WM_TRY(ask(u, pool));
    }
    return *stumbles > STUMBLES_MAX
               ? wm_err_make(pool, WM_E_BUSY, "Google Drive does not get ahead")
               : NULL;
}

/* A session of an earlier try, and how far it is; NULL when there is none that goes on. */
static const wm_err *take_up(upload *u, apr_pool_t *pool)
{
    const char *text = json_string_value(json_object_get(u->drive->send->resume, "sealed"));

    u->session = unseal(u->drive, text, pool);
    if (!u->session)
        return NULL;
    WM_TRY(wm_fetch_check_url(u->session, "the upload session", pool));
    WM_TRY(ask(u, pool));
    if (u->offset == LOST)
        u->session = NULL;
    return NULL;
}

const wm_err *wm_drive_upload(wm_drive *d,
                              const wm_err *(*begin)(const char **session, wm_drive *drive))
{
    upload u = {.drive = d};
    apr_pool_t *pool = d->send->pool, *step;
    const wm_err *err = NULL;
    int stumbles = 0;

    WM_TRY(take_up(&u, pool));
    if (!u.session) {
        WM_TRY(begin(&u.session, d));
        u.offset = 0;
        WM_TRY(keep(&u));
    }
    apr_pool_create(&step, pool);
    while (!err && u.offset >= 0) {
        apr_pool_clear(step);
        err = send_piece(&u, &stumbles, step);
        if (!err && u.offset >= 0)
            err = keep(&u);
    }
    if (!err && u.offset == LOST) {
        WM_TRY(d->send->keep(d->send, NULL, 0));
        err = wm_err_make(pool, WM_E_BUSY,
                          "Google Drive has ended the upload session; another begins");
    }
    if (err)
        err = wm_err_make(pool, err->code, "%s", wm_err_text(err, step));
    apr_pool_destroy(step);
    return err;
}
