/* SPDX-License-Identifier: Apache-2.0 */
/* What the pages of exports share. */
#ifndef WM_PAGE_EXPORT_H
#define WM_PAGE_EXPORT_H

#include "wm_export.h"
#include "wm_page_int.h"

typedef struct wm_export_state {
    const char *name, *mark, *label, *help;
    int live; /* it changes by itself */
} wm_export_state;

extern const wm_export_state wm_export_states[]; /* ends with a row without name */

/* The state NAME (may be NULL), or NULL. */
const wm_export_state *wm_export_state_find(const char *name);

/* Exports of the studies in which who asks may export: those of ACCOUNT (0: everybody), in STATES
 * (NULL: all), or the one NUMBER (0: all).  Of the query only the search counts. */
const wm_err *wm_page_export_ask(json_t **answer, wm_db *db, const wm_page_query *q,
                                 const wm_page_place *place, const char *states,
                                 apr_int64_t account, apr_int64_t number, const char *zone,
                                 apr_pool_t *pool);

/* Arguments "text[]" and "bigint[]" of the JSON array LIST; SQL null when it is none. */
const wm_err *wm_page_texts_arg(wm_arg *arg, const json_t *list, apr_pool_t *pool);
const wm_err *wm_page_numbers_arg(wm_arg *arg, const json_t *list, apr_pool_t *pool);

/* The definition that the FIELDS of the form make for STUDY, by what can be chosen there
 * (page_export_choices); and a definition into the PAGE of the form. */
json_t *wm_page_export_read(const json_t *choices, apr_int64_t study, const char *zone,
                            const apr_table_t *fields, apr_pool_t *pool);
void wm_page_export_show(json_t *page, const json_t *choices, const json_t *definition,
                         apr_pool_t *pool);

/* Words, links and what can be done, for a row of the answer.  Nonzero when it changes by itself. */
int wm_page_export_dress(json_t *row, const wm_page_query *q, apr_pool_t *pool);

#endif
