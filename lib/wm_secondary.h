/* SPDX-License-Identifier: Apache-2.0 */
/* The secondary identifier: one member of a point, chosen by its generator (wire protocol 6.4). */
#ifndef WM_SECONDARY_H
#define WM_SECONDARY_H

#include "wm_buf.h"
#include "wm_err.h"
#include "wm_json.h"

typedef struct wm_secondary_rule wm_secondary_rule;

/* The rule for the generator identifier GENERATOR, NULL when it has none. */
const wm_secondary_rule *wm_secondary_find(wm_text generator);

/* Apply RULE to the element on JSON's tape; VALUE's data is NULL when it has none.  VALUE points into
 * the tape's text or into POOL.  Call it before wm_json_emit.  Fails like wm_buf_reserve. */
const wm_err *wm_secondary_apply(wm_text *value, const wm_secondary_rule *rule, wm_json *json,
                                 apr_pool_t *pool);

#endif
