/* SPDX-License-Identifier: Apache-2.0 */
/* From one line of COPY to one row of a file. */
#ifndef WM_EXPORT_ROW_H
#define WM_EXPORT_ROW_H

#include <apr_hash.h>

#include "wm_export_int.h"
#include "wm_zone.h"

enum { WM_EXPORT_CELLS_MAX = 64, WM_EXPORT_FIXED = 5 };

/* The fields before those of a type: sql/exports/points.sql, block "point". */
enum { WM_FIELD_ID, WM_FIELD_N, WM_FIELD_CREATED, WM_FIELD_RECORDED, WM_FIELD_ZONE };

/* One cell: the letters of exports2c.awk. */
typedef struct wm_export_column {
    char kind; /* s source, c created, r recorded, z zone, v value, n stripped, t text, j json,
                  e empty, d day, f float, i instant, m milliseconds,
                  w the same in whole seconds, x check */
    char form; /* P L U: a date there; S seconds, D day, T time of day; r required; L of z */
    int takes; /* whether it takes a field */
    int left_out;
    const char *name; /* as a JSON string and a colon; NULL for checks */
    size_t name_size;
} wm_export_column;

/* What a device's zone is. */
typedef struct wm_export_zone {
    wm_text raw;   /* as it came, JSON */
    wm_text text;  /* what stands in "Time Zone" */
    wm_zone *zone; /* where its times are shown */
    int defect;
} wm_export_zone;

typedef struct wm_export_rower {
    const wm_export_type *type;
    const wm_export_definition *definition;
    wm_export_column columns[WM_EXPORT_CELLS_MAX];
    int column_count, shown_count;
    int field_count; /* of a line of COPY */
    wm_zone *server, *utc;
    wm_text server_text;
    apr_hash_t *zones;       /* by their JSON: wm_export_zone */
    wm_export_zone *zone;    /* of this row */
    wm_export_zone none;     /* what holds when a point tells none */
    wm_buf *scratch, *spare; /* of a cell */
    wm_buf *told;            /* a cell that told the identifier, without it */
    char number[40];
    apr_pool_t *pool;
    apr_pool_t *crowd; /* of a zone that is not remembered */
} wm_export_rower;

/* Ready to write rows of TYPE; lives in POOL. */
const wm_err *wm_export_rower_make(wm_export_rower **rower, const wm_export_type *type,
                                   const wm_export_definition *definition, apr_pool_t *pool);

/* Append the header to OUT; nothing in JSON Lines. */
const wm_err *wm_export_header(wm_buf *out, const wm_export_rower *rower);

/* Split LINE of COPY at its tabs and undo its escapes, in place.  FIELDS has room for MAX; a data of
 * NULL is SQL null.  Returns how many there are. */
int wm_export_split(wm_text *fields, int max, char *line, size_t size);

/* A time as PostgreSQL writes it in UTC; 0 when it is infinite or not of the years 1 to 9999. */
int wm_export_instant(apr_time_t *time, wm_text text);

enum { WM_EXPORT_TIME_MAX = 48 };

/* Write TIME as the column's FORM says ('Q': the day where the participant is) into OUT, which has
 * WM_EXPORT_TIME_MAX bytes; 0 when its year has not four digits. */
size_t wm_export_time(char *out, wm_export_rower *rower, char form, apr_time_t time);

/* Make RAW, JSON or SQL null, the zone of the row. */
const wm_err *wm_export_take_zone(wm_export_rower *rower, wm_text raw);

/* Append the row of FIELDS, of the participant SOURCE (NULL: of none); *DEFECTS gets the number of cells that
 * stay empty because something was unreadable (E1). */
const wm_err *wm_export_row(wm_buf *out, int *defects, wm_export_rower *rower,
                            const wm_text *fields, const wm_export_source *source);

#endif
