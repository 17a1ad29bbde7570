/* SPDX-License-Identifier: Apache-2.0 */
/* Where archives lie and how they are made: [export] of the settings. */
#ifndef WM_EXPORTS_H
#define WM_EXPORTS_H

#include <apr_pools.h>

#include "command.h"
#include "wm_err.h"
#include "wm_export_archive.h"

typedef struct wm_exports {
    wm_export_setup setup; /* the folder is made with mode 0700 */
    const char *key_path;  /* a secret key of keygen --sign; NULL: unsigned */
    apr_int64_t keep;      /* in seconds */
} wm_exports;

/* Read them and make the folder; WM_E_INPUT in words when nobody says which. */
const wm_err *wm_exports_read(wm_exports *exports, apr_pool_t *pool);

/* The number of an export that the command's argument is; an error of usage for anything else. */
const wm_err *wm_exports_number(apr_int64_t *id, wm_run *run);

/* What is known of export ID, as JSON in the run's pool; WM_E_NOT_FOUND. */
const wm_err *wm_exports_show(struct json_t **export, wm_run *run, apr_int64_t id);

#endif
