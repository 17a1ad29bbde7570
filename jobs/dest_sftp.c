/* SPDX-License-Identifier: Apache-2.0 */
/* SFTP.  The host's key is pinned, always.  Written under a name that holds the archive's digest, so that
 * an interrupted upload goes on where it stopped and never behind other bytes; then renamed. */
#include <string.h>

#include <apr_strings.h>
#include <sodium.h>

#include "dest.h"
#include "secret.h"
#include "wm_url.h"

typedef struct login {
    wm_fetch_request request;
    const char *base; /* of URLs */
    const char *root; /* of commands: "" or a folder with a slash at its end */
} login;

static const wm_err *open_login(login *l, const wm_dest_send *send)
{
    const char *pin = wm_dest_text(send, "host_key");
    const char *root = wm_dest_text(send, "root");
    const char *text;
    apr_pool_t *pool = send->pool;

    memset(l, 0, sizeof *l);
    l->root = root ? apr_pstrcat(pool, root, root[strlen(root) - 1] == '/' ? "" : "/", NULL) : "";
    l->base = apr_psprintf(pool, "sftp://%s:%" APR_INT64_T_FMT "%s%s", wm_dest_text(send, "host"),
                           wm_dest_number(send, "port", 22), root ? "" : "/~/",
                           wm_url_escape(l->root, "/", pool));
    l->request.peer = wm_dest_text(send, "host");
    l->request.user = wm_dest_text(send, "username");
    l->request.host_key = pin ? pin + strlen("SHA256:") : NULL;
    l->request.known_hosts = wm_dest_text(send, "known_hosts");
    WM_TRY(wm_secret_text(&text, send->secret_name, pool));
    if (!strncmp(text, "-----BEGIN", 10))
        return wm_secret_path(&l->request.private_key, send->secret_name, pool);
    return wm_dest_secret(&l->request.password, send, "password");
}

static const char *url_of(const login *l, const char *object, apr_pool_t *pool)
{
    return apr_pstrcat(pool, l->base, wm_url_escape(object, "/", pool), NULL);
}

static const char *part_of(const wm_dest_send *send)
{
    const char *slash = strrchr(send->object, '/');
    const char *name = slash ? slash + 1 : send->object;
    char hex[9];

    sodium_bin2hex(hex, sizeof hex, send->sha256, 4);
    return apr_pstrcat(send->pool,
                       apr_pstrmemdup(send->pool, send->object, (apr_size_t)(name - send->object)),
                       ".", name, ".", hex, ".part", NULL);
}

static const wm_err *send_file(wm_dest_send *send)
{
    const char *part = part_of(send);
    wm_fetch_answer answer;
    const char *after[3];
    login l;

    WM_TRY(open_login(&l, send));
    /* A rename replaces nothing in this protocol; an earlier try may have left the name. */
    after[0] = apr_pstrcat(send->pool, "*rm \"", l.root, send->object, "\"", NULL);
    after[1] = apr_pstrcat(send->pool, "rename \"", l.root, part, "\" \"", l.root, send->object,
                           "\"", NULL);
    after[2] = NULL;
    l.request.url = url_of(&l, part, send->pool);
    l.request.has_body = 1;
    l.request.fd = send->fd;
    l.request.size = send->size;
    l.request.upload = 1;
    l.request.after = after;
    l.request.sent = wm_dest_count;
    l.request.ctx = send;
    return wm_fetch_do(&answer, send->fetch, &l.request, send->pool);
}

typedef struct reading {
    crypto_hash_sha256_state state;
    apr_int64_t bytes, max;
} reading;

static int take(void *ctx, const char *data, size_t size)
{
    reading *r = ctx;

    crypto_hash_sha256_update(&r->state, (const unsigned char *)data, size);
    r->bytes += (apr_int64_t)size;
    return r->bytes > r->max;
}

/* Reading from the size on brings nothing exactly when the file there is as long; with verify
 * "content" all of it is read back and compared. */
static const wm_err *verify(wm_dest_send *send)
{
    const char *how = wm_dest_text(send, "verify");
    int all = how && !strcmp(how, "content");
    reading r = {.max = all ? send->size : 0};
    unsigned char sha256[32];
    wm_fetch_answer answer;
    const wm_err *err;
    char hex[65];
    login l;

    WM_TRY(open_login(&l, send));
    crypto_hash_sha256_init(&r.state);
    l.request.url = url_of(&l, send->object, send->pool);
    l.request.from = all ? 0 : send->size;
    l.request.sink = take;
    l.request.ctx = &r;
    err = wm_fetch_do(&answer, send->fetch, &l.request, send->pool);
    if (r.bytes > r.max)
        return wm_err_make(send->pool, WM_E_BUSY, "%s has a longer file", l.request.peer);
    if (err && (err->code == WM_E_CONFLICT || err->code == WM_E_NOT_FOUND))
        return wm_err_make(send->pool, WM_E_BUSY, "%s has a shorter file, or none", l.request.peer);
    WM_TRY(err);
    crypto_hash_sha256_final(&r.state, sha256);
    if (all && (r.bytes != send->size || memcmp(sha256, send->sha256, sizeof sha256)))
        return wm_err_make(send->pool, WM_E_BUSY, "%s gives back other bytes than were sent",
                           l.request.peer);
    send->remote_bytes = send->size;
    sodium_bin2hex(hex, sizeof hex, sha256, sizeof sha256);
    send->remote_checksum = all ? apr_pstrcat(send->pool, "sha256 ", hex, NULL) : "size";
    return NULL;
}

static const wm_err *remove_file(wm_dest_send *send)
{
    wm_fetch_answer answer;
    const char *before[2] = {NULL, NULL};
    login l;

    WM_TRY(open_login(&l, send));
    before[0] = apr_pstrcat(send->pool, "rm \"", l.root, send->object, "\"", NULL);
    l.request.url = l.base;
    l.request.before = before;
    l.request.no_transfer = 1;
    return wm_fetch_do(&answer, send->fetch, &l.request, send->pool);
}

static const wm_err *check(const json_t *settings, apr_pool_t *pool)
{
    const char *host = json_string_value(json_object_get(settings, "host"));
    const char *pin = json_string_value(json_object_get(settings, "host_key"));
    const char *root = json_string_value(json_object_get(settings, "root"));
    const char *known = json_string_value(json_object_get(settings, "known_hosts"));
    const char *how = json_string_value(json_object_get(settings, "verify"));

    if (strpbrk(host, "/@:? "))
        return wm_err_make(
            pool, WM_E_INPUT,
            "the setting \"host\" must be a name or an address; the port has its own");
    if (!pin && !known)
        return wm_err_make(
            pool, WM_E_INPUT,
            "the host's key must be pinned: set \"host_key\" to the SHA256:... that"
            " ssh-keygen -lf prints for it on the server, or \"known_hosts\" to a file");
    if (pin && (strncmp(pin, "SHA256:", 7) || strlen(pin) != 50))
        return wm_err_make(
            pool, WM_E_INPUT,
            "the setting \"host_key\" must be SHA256: and 43 characters, as ssh-keygen -lf"
            " prints it");
    if ((known && *known != '/') || (root && (*root != '/' || strpbrk(root, "\"\\"))))
        return wm_err_make(pool, WM_E_INPUT,
                           "the settings \"known_hosts\" and \"root\" must begin with /");
    if (how && strcmp(how, "size") && strcmp(how, "content"))
        return wm_err_make(pool, WM_E_INPUT,
                           "the setting \"verify\" must be \"size\" or \"content\"");
    return NULL;
}

const wm_dest_kind wm_dest_sftp = {
    .name = "sftp",
    .summary = "an SSH server's files",
    .secret = "a private key without passphrase, or {\"password\": \"...\"}",
    .keys = {{"host", WM_DEST_TEXT, 1, "name or address of the server"},
             {"port", WM_DEST_NUMBER, 0, "its port (default: 22)"},
             {"username", WM_DEST_TEXT, 1, "who signs in"},
             {"host_key", WM_DEST_TEXT, 0,
              "the host's key, SHA256:... as ssh-keygen -lf prints it"},
             {"known_hosts", WM_DEST_TEXT, 0, "or a file with the host's keys"},
             {"root", WM_DEST_TEXT, 0, "where paths begin (default: the user's home)"},
             {"verify", WM_DEST_TEXT, 0, "size (default), or content: read all of it back"}},
    .check = check,
    .send = send_file,
    .verify = verify,
    .remove = remove_file,
};
