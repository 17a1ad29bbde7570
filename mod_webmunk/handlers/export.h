/* SPDX-License-Identifier: Apache-2.0 */
/* What the handlers of exports share. */
#ifndef WM_HANDLERS_EXPORT_H
#define WM_HANDLERS_EXPORT_H

#include <jansson.h>

#include "../http.h"

/* The export that the address names, as page_export_file says it, for somebody who may export in its
 * study.  WM_E_NOT_FOUND otherwise: whoever may not see it learns nothing of it. */
const wm_err *wm_export_of(json_t **export, apr_int64_t *number, wm_http *h, wm_db *db);

/* The row of the access log: ACTION on export NUMBER of DEFINITION in STUDY, with everybody whom it is
 * about.  EXTENT (borrowed, may be NULL) has what else is to be said. */
const wm_err *wm_export_record(wm_http *h, wm_db *db, const char *action, apr_int64_t number,
                               apr_int64_t study, const json_t *definition, const char *purpose,
                               json_t *extent);

/* The number that the route's first star stands for; 0 when it is none. */
apr_int64_t wm_captured_number(const wm_http *h);

#endif
