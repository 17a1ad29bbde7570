/* SPDX-License-Identifier: Apache-2.0 */
/* Which location a request belongs to, and what holds for every answer there, whoever makes it. */
#ifndef WM_MOUNT_H
#define WM_MOUNT_H

#include <httpd.h>

#include "http.h"

/* The request as ours, made at the first call; NULL when its location has another handler. */
wm_http *wm_mount_claim(request_rec *r);

/* The same for a request that reached our content handler without a location of ours, by
 * AddHandler or a <Directory>: its path is r->path_info. */
wm_http *wm_mount_adopt(request_rec *r);

/* Hooks: our addresses live in no directory, so that directory walks, DirectorySlash and MultiViews
 * must not see them; CORS headers and the rule for CREATE hold for httpd's own error answers too,
 * those to unfinished requests included. */
int wm_mount_translate(request_rec *r);
int wm_mount_map_to_storage(request_rec *r);
void wm_mount_insert_error_filter(request_rec *r);
void wm_mount_register_filters(apr_pool_t *pool);

#endif
