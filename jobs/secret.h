/* SPDX-License-Identifier: Apache-2.0 */
/* Secrets are files: in the folder that the settings name, or systemd's CREDENTIALS_DIRECTORY.  The database
 * knows their names alone, and no text of them reaches an error, a log or a row. */
#ifndef WM_SECRET_H
#define WM_SECRET_H

#include <apr_pools.h>

#include "wm_err.h"

struct json_t;

/* The file of secret NAME, after a look at who may read it.  WM_E_INPUT, naming file and remedy, when
 * there is none, when others may read it, or when NAME is no plain name. */
const wm_err *wm_secret_path(const char **path, const char *name, apr_pool_t *pool);

/* WM_E_INPUT when NAME is none that a secret can have. */
const wm_err *wm_secret_check_name(const char *name, apr_pool_t *pool);

/* Its text, at most 64 KiB; POOL's cleanup wipes it. */
const wm_err *wm_secret_text(const char **text, const char *name, apr_pool_t *pool);

/* Its text as a JSON object; an error never quotes it. */
const wm_err *wm_secret_json(struct json_t **root, const char *name, apr_pool_t *pool);

#endif
