/* SPDX-License-Identifier: Apache-2.0 */
/* Where archives lie and how they are made: the settings of webmunkd's environment. */
#ifndef WM_EXPORTS_H
#define WM_EXPORTS_H

#include <apr_pools.h>

#include "command.h"
#include "wm_err.h"

typedef struct wm_exports {
    const char *dir;      /* WEBMUNK_EXPORT_DIR, made with mode 0700 */
    const char *key_path; /* WEBMUNK_EXPORT_KEY, a secret key of keygen --sign; NULL: unsigned */
    int level;            /* WEBMUNK_EXPORT_LEVEL, zlib's */
    apr_int64_t keep;     /* WEBMUNK_EXPORT_KEEP, in seconds */
} wm_exports;

/* Read them; WM_E_INPUT in words for one that is wrong. */
const wm_err *wm_exports_read(wm_exports *exports, apr_pool_t *pool);

/* Seconds of "12h", "90d" or "4w"; 0 for anything else. */
apr_int64_t wm_exports_seconds(const char *text);

/* The number of an export that the command's argument is; an error of usage for anything else. */
const wm_err *wm_exports_number(apr_int64_t *id, wm_run *run);

/* What is known of export ID, as JSON in the run's pool; WM_E_NOT_FOUND. */
const wm_err *wm_exports_show(struct json_t **export, wm_run *run, apr_int64_t id);

#endif
