/* SPDX-License-Identifier: Apache-2.0 */
/* Answers of the dashboard: a page as HTML, and errors in the form that is wanted. */
#ifndef WM_MODULE_PAGE_H
#define WM_MODULE_PAGE_H

#include "wm_audit.h"
#include "wm_page.h"

#include "http.h"

/* Fill the host's part of a query: base, account, form token when it is known, clock, version. */
void wm_page_query_begin(wm_page_query *q, wm_http *h);

/* Study and time zone of the address of a form, as far as they can be read. */
void wm_page_query_kept(wm_page_query *q, wm_http *h);

/* Choose study and time zone of a query whose arguments are read; an unknown zone is WM_E_INPUT with
 * the words that help. */
const wm_err *wm_page_query_choose(wm_page_query *q, wm_right right, wm_http *h, wm_db *db);

/* 303 to PATH of the dashboard with CHANGES, in the study and time zone that the address of the form has. */
const wm_err *wm_page_redirect(wm_http *h, const char *path, const wm_page_change *changes);

/* Prepare TEMPLATE filled with PAGE as the answer. */
const wm_err *wm_page_reply(wm_http *h, int status, const char *template, json_t *page,
                            const wm_page_query *q);

/* Into ROW the participants whose data leave: EXTENT is an array of their ids. */
void wm_page_audit_sources(wm_audit *row, const json_t *extent, apr_pool_t *pool);

/* Where a button of page PATH was, with its filters and place in the list: the field "back" when it is an
 * address of that page. */
const char *wm_page_way_back(wm_http *h, const char *path);

/* Prepare the answer to ERR, as a page or as application/problem+json (RFC 9457).  Never fails: a
 * page that cannot be rendered becomes plain words. */
void wm_page_fail(wm_http *h, int status, const wm_err *err);

#endif
