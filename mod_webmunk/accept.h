/* SPDX-License-Identifier: Apache-2.0 */
/* In which form an answer is wanted. */
#ifndef WM_ACCEPT_H
#define WM_ACCEPT_H

#include "http.h"

/* Nonzero when the path asked for ends in ".json", or Accept prefers JSON to HTML (RFC 9110, 12.5.1;
 * a range of equal quality decides for HTML, which is what browsers want). */
int wm_accept_json(const wm_http *h);

/* Quality in thousandths that the header ACCEPT (NULL: everything is welcome) gives to TYPE
 * ("text/html"); the most specific range counts. */
int wm_accept_quality(const char *accept, const char *type);

#endif
