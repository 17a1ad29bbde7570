/* SPDX-License-Identifier: Apache-2.0 */
/* WebDAV (RFC 4918): put under another name, then moved; folders are made on the way.  Servers cannot go
 * on with half a file, so an interrupted upload begins again. */
#include <stdlib.h>
#include <string.h>

#include <apr_strings.h>
#include <sodium.h>

#include "dest.h"
#include "wm_url.h"

typedef struct share {
    wm_dest_send *send;
    const char *base; /* ends with a slash */
    const char *user, *password;
} share;

static const wm_err *open_share(share *s, wm_dest_send *send)
{
    const char *url = wm_dest_text(send, "url");

    s->send = send;
    s->base = url[strlen(url) - 1] == '/' ? url : apr_pstrcat(send->pool, url, "/", NULL);
    WM_TRY(wm_dest_secret(&s->user, send, "user"));
    return wm_dest_secret(&s->password, send, "password");
}

static const char *url_of(const share *s, const char *object)
{
    return apr_pstrcat(s->send->pool, s->base, wm_url_escape(object, "/", s->send->pool), NULL);
}

static const char *part_of(const wm_dest_send *send)
{
    const char *slash = strrchr(send->object, '/');
    const char *name = slash ? slash + 1 : send->object;

    return apr_pstrcat(send->pool,
                       apr_pstrmemdup(send->pool, send->object, (apr_size_t)(name - send->object)),
                       ".", name, ".part", NULL);
}

/* libcurl offers Basic at once: over TLS, or to this host alone, as the settings' check sees to. */
static const wm_err *call(wm_fetch_answer *answer, const share *s, const char *method,
                          const char *object, const char *const *headers)
{
    wm_fetch_request r = {
        .url = url_of(s, object),
        .method = method,
        .headers = headers,
        .user = s->user,
        .password = s->password,
        .timeout = apr_time_from_sec(300),
    };

    return wm_fetch_do(answer, s->send->fetch, &r, s->send->pool);
}

/* 405: it is there already. */
static const wm_err *make_folders(const share *s)
{
    char *object = apr_pstrdup(s->send->pool, s->send->object);

    for (char *slash = strchr(object, '/'); slash; slash = strchr(slash + 1, '/')) {
        wm_fetch_answer answer;
        char after = slash[1];

        slash[1] = '\0';
        WM_TRY(call(&answer, s, "MKCOL", object, NULL));
        slash[1] = after;
        if (answer.status != 405)
            WM_TRY(wm_fetch_expect(&answer, "the share", "making a folder", s->send->pool));
    }
    return NULL;
}

static const wm_err *send_file(wm_dest_send *send)
{
    const char *headers[] = {"Content-Type: application/octet-stream", NULL};
    const char *moving[] = {NULL, "Overwrite: T", NULL};
    const char *part = part_of(send);
    wm_fetch_answer answer;
    share s;

    WM_TRY(open_share(&s, send));
    WM_TRY(make_folders(&s));
    wm_fetch_request put = {
        .url = url_of(&s, part),
        .headers = headers,
        .user = s.user,
        .password = s.password,
        .has_body = 1,
        .fd = send->fd,
        .size = send->size,
        .sent = wm_dest_count,
        .ctx = send,
    };
    WM_TRY(wm_fetch_do(&answer, send->fetch, &put, send->pool));
    WM_TRY(wm_fetch_expect(&answer, "the share", "the archive", send->pool));
    moving[0] = apr_pstrcat(send->pool, "Destination: ", url_of(&s, send->object), NULL);
    WM_TRY(call(&answer, &s, "MOVE", part, moving));
    return wm_fetch_expect(&answer, "the share", "renaming the archive", send->pool);
}

/* The number in <D:getcontentlength>, whatever the prefix; -1 when there is none. */
static apr_int64_t length_of(const char *xml)
{
    const char *at = strstr(xml, "getcontentlength");

    at = at ? strchr(at, '>') : NULL;
    return at && at[1] >= '0' && at[1] <= '9' ? apr_atoi64(at + 1) : -1;
}

typedef struct reading {
    crypto_hash_sha256_state state;
    apr_int64_t bytes;
} reading;

static int take(void *ctx, const char *data, size_t size)
{
    reading *r = ctx;

    crypto_hash_sha256_update(&r->state, (const unsigned char *)data, size);
    r->bytes += (apr_int64_t)size;
    return 0;
}

static const wm_err *read_back(const share *s)
{
    wm_dest_send *send = s->send;
    reading r = {.bytes = 0};
    wm_fetch_request get = {
        .url = url_of(s, send->object),
        .user = s->user,
        .password = s->password,
        .sink = take,
        .ctx = &r,
    };
    unsigned char sha256[32];
    wm_fetch_answer answer;
    char hex[65];

    crypto_hash_sha256_init(&r.state);
    WM_TRY(wm_fetch_do(&answer, send->fetch, &get, send->pool));
    WM_TRY(wm_fetch_expect(&answer, "the share", "reading the archive back", send->pool));
    crypto_hash_sha256_final(&r.state, sha256);
    if (r.bytes != send->size || memcmp(sha256, send->sha256, sizeof sha256))
        return wm_err_make(send->pool, WM_E_BUSY,
                           "the share gives back other bytes than were sent");
    sodium_bin2hex(hex, sizeof hex, sha256, sizeof sha256);
    send->remote_checksum = apr_pstrcat(send->pool, "sha256 ", hex, NULL);
    return NULL;
}

static const wm_err *verify(wm_dest_send *send)
{
    const char *headers[] = {"Depth: 0", NULL};
    const char *how = wm_dest_text(send, "verify");
    wm_fetch_answer answer;
    share s;

    WM_TRY(open_share(&s, send));
    WM_TRY(call(&answer, &s, "PROPFIND", send->object, headers));
    if (answer.status == 404)
        return wm_err_make(send->pool, WM_E_BUSY, "the share does not have it");
    WM_TRY(wm_fetch_expect(&answer, "the share", "a look at the archive", send->pool));
    send->remote_bytes = length_of(answer.body);
    if (send->remote_bytes != send->size)
        return wm_err_make(send->pool, WM_E_BUSY,
                           "the share has %" APR_INT64_T_FMT " bytes instead of %" APR_INT64_T_FMT,
                           send->remote_bytes, send->size);
    send->remote_checksum = "size";
    return how && !strcmp(how, "content") ? read_back(&s) : NULL;
}

static const wm_err *remove_file(wm_dest_send *send)
{
    wm_fetch_answer answer;
    share s;

    WM_TRY(open_share(&s, send));
    WM_TRY(call(&answer, &s, "DELETE", send->object, NULL));
    return wm_fetch_expect(&answer, "the share", "removing a file", send->pool);
}

static const wm_err *check(const json_t *settings, apr_pool_t *pool)
{
    const char *url = json_string_value(json_object_get(settings, "url"));
    const char *how = json_string_value(json_object_get(settings, "verify"));

    if (strpbrk(url, "?#"))
        return wm_err_make(pool, WM_E_INPUT, "the setting \"url\" must be the address of a folder");
    if (how && strcmp(how, "size") && strcmp(how, "content"))
        return wm_err_make(pool, WM_E_INPUT,
                           "the setting \"verify\" must be \"size\" or \"content\"");
    return wm_fetch_check_url(url, "the setting \"url\"", pool);
}

const wm_dest_kind wm_dest_webdav = {
    .name = "webdav",
    .summary = "a WebDAV share, such as Nextcloud",
    .secret = "{\"user\": \"...\", \"password\": \"...\"}",
    .keys = {{"url", WM_DEST_TEXT, 1, "https:// address of an existing folder"},
             {"verify", WM_DEST_TEXT, 0, "size (default), or content: read all of it back"}},
    .check = check,
    .send = send_file,
    .verify = verify,
    .remove = remove_file,
};
