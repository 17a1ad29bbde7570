/* SPDX-License-Identifier: Apache-2.0 */
/* Where archives go.  A new kind is a row of WM_DEST_KINDS and a file dest_NAME.c that defines
 * wm_dest_NAME; settings, help, tests and the delivery ledger come from its declaration. */
#ifndef WM_DEST_H
#define WM_DEST_H

#include <apr_pools.h>
#include <jansson.h>

#include "fetch.h"
#include "wm_err.h"

/* clang-format off */
#define WM_DEST_KINDS(X) \
    X(drive) \
    X(dropbox) \
    X(local) \
    X(s3) \
    X(sftp) \
    X(webdav)
/* clang-format on */

enum { WM_DEST_KEYS_MAX = 10 };

typedef enum { WM_DEST_TEXT, WM_DEST_FLAG, WM_DEST_NUMBER } wm_dest_type;

typedef struct wm_dest_key {
    const char *name;
    wm_dest_type type;
    int required;
    const char *help;
} wm_dest_key;

struct wm_dest_send;

typedef struct wm_dest_kind {
    const char *name;
    const char *summary;
    const char *secret;                 /* what its file holds, in words; NULL: there is none */
    wm_dest_key keys[WM_DEST_KEYS_MAX]; /* beside those of all kinds; ended by a row without name */
    /* Are these settings sound?  NULL: nothing beyond their types. */
    const wm_err *(*check)(const json_t *settings, apr_pool_t *pool);
    /* Send the object, going on from send->resume, and leave nothing half under its final name. */
    const wm_err *(*send)(struct wm_dest_send *send);
    /* Ask the other side what it has: sets remote_bytes and remote_checksum; WM_E_BUSY when it is not
     * what was sent. */
    const wm_err *(*verify)(struct wm_dest_send *send);
    const wm_err *(*remove)(struct wm_dest_send *send);
} wm_dest_kind;

#define X(name) extern const wm_dest_kind wm_dest_##name;
WM_DEST_KINDS(X)
#undef X

/* All of them, ended by NULL; and the keys that every kind has. */
extern const wm_dest_kind *const wm_dest_kinds[];
extern const wm_dest_key wm_dest_common_keys[];

/* One object on its way. */
typedef struct wm_dest_send {
    const wm_dest_kind *kind;
    const char *name; /* of the destination */
    json_t *settings;
    const char *secret_name; /* NULL: none */
    wm_fetch *fetch;
    const char *object; /* path or key there */
    int fd;             /* of the file here */
    apr_int64_t size;
    unsigned char sha256[32];
    json_t *resume; /* what keep was last given, of an earlier try; or NULL */
    /* Remember how far it is, durably, with what is needed to go on; RESUME NULL: from the beginning. */
    const wm_err *(*keep)(struct wm_dest_send *send, json_t *resume, apr_int64_t done);
    void (*sent)(struct wm_dest_send *send, apr_int64_t done); /* for the progress; often */
    apr_int64_t base; /* what came before the request under way */
    apr_int64_t remote_bytes;
    const char *remote_checksum; /* "sha256 ...", or what there is */
    void *host;
    apr_pool_t *pool;
} wm_dest_send;

/* The kind called NAME, or NULL. */
const wm_dest_kind *wm_dest_find(const char *name);

/* Settings are an object of known keys of the right types, all that are required, and no secret. */
const wm_err *wm_dest_check(const wm_dest_kind *kind, const json_t *settings, const char *secret,
                            apr_pool_t *pool);

/* A setting; NULL or FALLBACK when it is not there. */
const char *wm_dest_text(const wm_dest_send *send, const char *key);
int wm_dest_flag(const wm_dest_send *send, const char *key);
apr_int64_t wm_dest_number(const wm_dest_send *send, const char *key, apr_int64_t fallback);

/* A member of the destination's secret file; WM_E_INPUT when it is not there. */
const wm_err *wm_dest_secret(const char **value, const wm_dest_send *send, const char *member);

/* What an archive is called at a destination: path/prefixes_name, by SETTINGS and by FACTS (file_name,
 * and when known requested, day, study, profile, path, first_source, last_source).
 * WM_E_INPUT when it would climb out of the path. */
const wm_err *wm_dest_object(const char **object, const json_t *settings, const json_t *facts,
                             apr_pool_t *pool);

/* What file names say of this server: WEBMUNK_SITE_NAME, else the host's name. */
const char *wm_dest_site(apr_pool_t *pool);

/* Open PATH into fd, size and sha256. */
const wm_err *wm_dest_open(wm_dest_send *send, const char *path);

/* SHA-256 of SIZE bytes of FD from OFFSET. */
const wm_err *wm_dest_digest(unsigned char sha256[32], int fd, apr_int64_t offset, apr_int64_t size,
                             apr_pool_t *pool);

/* The request callback that adds send->base; ctx is the send. */
void wm_dest_count(void *ctx, apr_int64_t bytes);

/* send, then verify. */
const wm_err *wm_dest_deliver(wm_dest_send *send);

/* Write, verify and remove a small object; *RESULT is a sentence of what went wrong, or NULL. */
const wm_err *wm_dest_test(const char **result, wm_dest_send *send);

#endif
