/* SPDX-License-Identifier: Apache-2.0 */
/* Everything that leaves this host: HTTP, SFTP and SMTP by libcurl, whose only user fetch.c is.
 * Addresses never carry secrets, answers are bounded, redirects are not followed (an upload that is
 * sent elsewhere would carry its credentials along), and an error never holds what was sent. */
#ifndef WM_FETCH_H
#define WM_FETCH_H

#include <signal.h>

#include <apr_pools.h>
#include <apr_tables.h>
#include <apr_time.h>

#include "wm_err.h"

typedef struct wm_fetch wm_fetch;

/* What to do and how; everything may stay 0 but url. */
typedef struct wm_fetch_request {
    const char *url;
    const char *peer;           /* what the other side is called in errors; NULL: the host's name */
    const char *method;         /* of HTTP; NULL: GET, or PUT with a body */
    const char *const *headers; /* "Name: value", ended by NULL */
    const char *user, *password;
    const char *sigv4; /* sign for S3: "aws:amz:eu-west-1:s3" */

    /* A body: text, or SIZE bytes of an open file from OFFSET. */
    int has_body;
    const char *body;
    int fd;
    apr_int64_t offset, size;

    apr_size_t answer_max;       /* bytes of an answer that are kept; 0: 1 MiB; more is an error */
    apr_interval_time_t timeout; /* of it all; 0: none but the lowest speed */
    /* Gets the answer instead; a nonzero result ends the transfer. */
    int (*sink)(void *ctx, const char *data, size_t size);
    void (*sent)(void *ctx, apr_int64_t bytes); /* how much of the body is gone */
    void *ctx;

    /* SFTP: a private key file or a password; the host's key by fingerprint or known_hosts file. */
    const char *private_key, *host_key, *known_hosts;
    const char *const *before; /* commands as of CURLOPT_QUOTE */
    const char *const *after;
    int upload;       /* BODY is appended to what is there already */
    int no_transfer;  /* the commands alone */
    apr_int64_t from; /* read from this offset; beyond the end: WM_E_CONFLICT */

    /* SMTP */
    const char *mail_from;
    const char *const *mail_to;
    int starttls; /* refuse to go on without */
    const char *ca_file;
} wm_fetch_request;

typedef struct wm_fetch_answer {
    int status; /* of HTTP or SMTP; 0 of SFTP */
    const char *body;
    apr_size_t size;
    apr_table_t *headers;
} wm_fetch_answer;

/* One at a time; POOL's cleanup ends it.  A nonzero *STOP (may be NULL) breaks off a transfer. */
const wm_err *wm_fetch_create(wm_fetch **fetch, const volatile sig_atomic_t *stop,
                              apr_pool_t *pool);

/* Do it once more after a connection that failed, and up to three times when a server says 429 or
 * 503 and names a time to wait of at most a minute.  Any HTTP status is a success of this function;
 * wm_fetch_expect judges it.  WM_E_BUSY: try again later; WM_E_INPUT: an operator must act. */
const wm_err *wm_fetch_do(wm_fetch_answer *answer, wm_fetch *fetch, const wm_fetch_request *request,
                          apr_pool_t *pool);

/* NULL when the status is 2xx, else what it means and what to do; DOING is like "putting part 3". */
const wm_err *wm_fetch_expect(const wm_fetch_answer *answer, const char *peer, const char *doing,
                              apr_pool_t *pool);

/* URL is https, or http to this very host: nothing else may carry credentials. */
const wm_err *wm_fetch_check_url(const char *url, const char *what, apr_pool_t *pool);

#endif
