/* SPDX-License-Identifier: Apache-2.0 */
/* Refreshing without sending again (RFC 9110, 13.1.2). */
#ifndef WM_CONDITIONAL_H
#define WM_CONDITIONAL_H

#include "http.h"

/* Nonzero when If-None-Match of H names ETAG (with its quotes); mod_deflate's "-gzip" is looked
 * through, weak or strong does not matter. */
int wm_matches(const wm_http *h, const char *etag);

#endif
