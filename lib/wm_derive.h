/* SPDX-License-Identifier: Apache-2.0 */
/* The columns derived from one point (wire protocol, section 6): pure functions over its tape. */
#ifndef WM_DERIVE_H
#define WM_DERIVE_H

#include "wm_bundle.h"
#include "wm_json.h"

enum { WM_DERIVE_GOOD = -1 };

typedef struct wm_derived {
    wm_text source;
    wm_text generator; /* as sent */
    wm_text generator_id;
    wm_text user_agent; /* NULL: the generator is empty */
    apr_time_t created;
    int untimed;                /* created is the time of receipt */
    double longitude, latitude; /* NAN: no location */
    apr_uint32_t flags;         /* wm_point_flag: the tokenizer's and those of section 6 */
    apr_uint32_t metadata;      /* node of passive-data-metadata */
} wm_derived;

/* Derive the columns of the element on JSON's tape.  HEADER is the repaired X-PDK-IDENTIFIER, or
 * NULL data without one; RECEIVED stands in for a missing time.  Texts point into the tape's text or,
 * where escapes were decoded, into POOL.  WM_DERIVE_GOOD, or the wm_reason why it is no point. */
int wm_derive(wm_derived *derived, const wm_json *json, wm_text header, apr_time_t received,
              apr_pool_t *pool);

/* The moment that the timestamp NODE (NULL: absent) names, by 6.5; sets untimed and flags. */
void wm_derive_created(wm_derived *derived, const wm_json *json, const wm_json_node *node,
                       apr_time_t received, apr_pool_t *pool);

/* NODE as a finite number: a number or a numeric string.  0 when it is neither. */
int wm_derive_number(double *value, const wm_json *json, const wm_json_node *node,
                     apr_pool_t *pool);

/* Charge in percent that a pdk-device-battery point tells: level, or level of scale; NAN: none. */
double wm_derive_battery(const wm_json *json, apr_pool_t *pool);

#endif
