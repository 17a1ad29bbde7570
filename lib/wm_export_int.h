/* SPDX-License-Identifier: Apache-2.0 */
/* What the files wm_export_*.c share about rows. */
#ifndef WM_EXPORT_INT_H
#define WM_EXPORT_INT_H

#include "wm_buf.h"
#include "wm_export.h"
#include "wm_point.h"

/* A block of sql/exports/points.sql; ended by a row without name. */
typedef struct wm_export_frame {
    const char *name;
    const char *sql;
} wm_export_frame;

extern const wm_export_frame wm_export_frames[];

/* Text of cells.  Appending fails like wm_buf_add. */

/* Python's repr of the double that TEXT, a number of jsonb with a point or an exponent, stands for
 * (exports.md 1.6).  *SCRATCH has 40 bytes; the result points into it or into TEXT. */
wm_text wm_export_float(wm_text text, char scratch[40]);

/* The decoded text of the JSON string JSON, quotes included. */
const wm_err *wm_export_unquote(wm_buf *out, wm_text json);

/* TEXT as a JSON string. */
const wm_err *wm_export_quote(wm_buf *out, wm_text text);

typedef enum {
    WM_EXPORT_COMPACT, /* no blanks, as stored (E9) */
    WM_EXPORT_LINE,    /* ", " and ": ", ASCII only, as Python's json.dumps */
    WM_EXPORT_PRETTY,  /* two blanks of indent, ASCII only */
    WM_EXPORT_SHOWN    /* two blanks of indent, all else as stored: for the pages */
} wm_export_style;

/* An identifier that a pseudonym stands for. */
typedef struct wm_export_hidden wm_export_hidden;

const wm_err *wm_export_hidden_make(const wm_export_hidden **hidden, const char *identifier,
                                    const char *shown, apr_pool_t *pool);

const char *wm_export_hidden_shown(const wm_export_hidden *hidden);

/* *WHERE gets the first place at or behind FROM at which TEXT tells the identifier, as it is or as
 * it stands in an address; 0 when it does not.  IN_JSON: TEXT is the inside of a JSON string. */
int wm_export_tells(wm_text *where, const char *from, wm_text text, const wm_export_hidden *hidden,
                    int in_json);

/* Is NUMBER, of JSON, the identifier? */
int wm_export_is_number_of(wm_text number, const wm_export_hidden *hidden);

/* Append TEXT with the pseudonym wherever it tells the identifier. */
const wm_err *wm_export_hide(wm_buf *out, wm_text text, const wm_export_hidden *hidden);

/* Is the name of SIZE bytes in LIST, which may be NULL and whose names SEPARATOR stands between? */
int wm_export_listed(const char *list, char separator, const char *name, size_t size);

/* How JSON is written, and what must not be in it. */
typedef struct wm_export_json {
    wm_export_style style;
    int insensitive;                /* leave members out that are sensitive */
    const wm_export_hidden *hidden; /* whose identifier is not told; NULL: as it is */
    int base;                       /* levels that are around it */
    const char *mask;               /* stands for values of those members, which stay; or NULL */
    int *masked;                    /* counts them, when there is a mask */
    const char *unmarked;           /* what is sensitive besides names that end with * or !, and
                                       places: names separated by blanks; or NULL */
    size_t most;                    /* stop behind so many bytes; 0: write all */
} wm_export_json;

/* JSON, text of a jsonb value, in another layout.  It may end anywhere: what was cut off is not there. */
const wm_err *wm_export_layout(wm_buf *out, wm_text json, const wm_export_json *how);

/* TEXT without its line ends, which REPLACEMENT stands for (exports.md 1.7, E10). */
const wm_err *wm_export_strip(wm_buf *out, wm_text text, const char *replacement);

/* TEXT as a field of a row in Python's "excel" dialect; LONE: the row has no other. */
const wm_err *wm_export_field(wm_buf *out, wm_text text, char delimiter, int lone);

/* Slugs of names that PostgreSQL has normalised to NFKD (exports.md 1.10). */
const char *wm_export_slug(const char *text, apr_pool_t *pool);

#endif
