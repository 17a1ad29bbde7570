/* SPDX-License-Identifier: Apache-2.0 */
/* The statements of sql/queries/, by number.  The build generates ids and table. */
#ifndef WM_SQL_H
#define WM_SQL_H

#include "wm_sql_ids.h"

typedef struct wm_sql {
    const char *name;
    int params;
    int prepared; /* kept by each connection, where parsing is a notable part of the whole */
    const char *text;
} wm_sql;

extern const wm_sql wm_sql_table[WM_SQL_COUNT];

#endif
