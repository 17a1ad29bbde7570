/* SPDX-License-Identifier: Apache-2.0 */
/* The columns of tables: of CSV, and those that accounts choose from. */
#ifndef WM_PAGE_TABLES_H
#define WM_PAGE_TABLES_H

#include "wm_page_int.h"

extern const wm_page_column wm_columns_participants[];

const struct wm_csv_column *wm_csv_alerts(const wm_page_query *q);
const struct wm_csv_column *wm_csv_participants(const wm_page_query *q);
const struct wm_csv_column *wm_csv_unassigned(const wm_page_query *q);
const struct wm_csv_column *wm_csv_participant(const wm_page_query *q);
const struct wm_csv_column *wm_csv_exports(const wm_page_query *q);

#endif
