/* SPDX-License-Identifier: Apache-2.0 */
/* Shared by the two halves of wm_form.h only. */
#ifndef WM_FORM_OWN_H
#define WM_FORM_OWN_H

#include "wm_form.h"

/* A form without fields and files in POOL. */
wm_form *wm_form_create(apr_pool_t *pool);

/* Note VALUE when NAME is one of the known fields; both are slices, both URLENCODED or not. */
void wm_form_set(wm_form *form, wm_text name, wm_text value, int urlencoded);

#endif
