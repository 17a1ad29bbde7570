/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WM_JOBS_FORWARD_H
#define WM_JOBS_FORWARD_H

#include "fetch.h"

/* POST the urlencoded FORM to the server called NAME, as forwarded points and questions travel. */
const wm_err *wm_forward_post(wm_fetch_answer *answer, wm_fetch *fetch, const char *name,
                              const char *url, const char *form, apr_pool_t *pool);

#endif
