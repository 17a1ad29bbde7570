/* SPDX-License-Identifier: Apache-2.0 */
/* What another server says to points that were forwarded to it. */
#ifndef WM_FORWARD_H
#define WM_FORWARD_H

#include <apr_pools.h>

typedef enum {
    WM_FORWARD_TAKEN, /* stored there, durably */
    WM_FORWARD_LARGE, /* too large, and certainly not stored */
    WM_FORWARD_REFUSED
} wm_forward_verdict;

/* Judge the answer of an add-bundle.json: taken is what has a status of 2xx and is a JSON object whose
 * member "added" is true, and nothing else.  A page for people, an object with "error" and a redirect
 * are no receipts.  *WHY (NULL when taken) says what it was and what to do; nothing the other side
 * wrote is in it. */
wm_forward_verdict wm_forward_judge(const char **why, int status, const char *body, apr_size_t size,
                                    apr_pool_t *pool);

#endif
