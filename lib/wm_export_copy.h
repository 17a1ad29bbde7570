/* SPDX-License-Identifier: Apache-2.0 */
/* The statement of a type for a definition, and its lines. */
#ifndef WM_EXPORT_COPY_H
#define WM_EXPORT_COPY_H

#include "wm_export_int.h"

/* A question about all rows: as it is asked of anybody, and of those of whom nothing came at the
 * position or later. */
typedef struct wm_export_question {
    const char *exact, *settled;
} wm_export_question;

typedef struct wm_export_copy {
    wm_db *db;
    const wm_export_type *type;
    const wm_export_definition *definition;
    apr_array_header_t *sources; /* const wm_export_source *, those that count, in their order */
    const char *sql;             /* the SELECT, complete */
    const char *position;
    wm_export_question rows;   /* how many rows that gives */
    wm_export_question points; /* source (from 1), points, first and last created; sources without
                                    points are left out */
    int at_once;               /* asking about some sources takes as long as about all */
    int nothing;               /* no sources or no generator: there are no rows */
    apr_pool_t *pool;
} wm_export_copy;

/* Find sources and generators, and set what the SELECT reads by current_setting; DB is inside the
 * transaction. */
const wm_err *wm_export_copy_make(wm_export_copy **copy, wm_db *db, const wm_export_type *type,
                                  const wm_export_definition *definition, const char *position,
                                  apr_pool_t *pool);

/* Numbers of the generators of TYPE that there are, separated by commas; *LIST is "" when there are
 * none. */
const wm_err *wm_export_generators(const char **list, int *count, wm_db *db,
                                   const wm_export_type *type, apr_pool_t *pool);

/* The ids of sources FROM to before BEFORE, as the setting webmunk.sources has them; in POOL. */
const char *wm_export_source_list(const wm_export_copy *copy, int from, int before,
                                  apr_pool_t *pool);

/* Call LINE for each line of COPY of SELECT; it may change what it gets.  Without rows nothing is
 * asked. */
const wm_err *wm_export_copy_run(wm_export_copy *copy, const char *select,
                                 const wm_err *(*line)(void *host, char *line, size_t size),
                                 void *host);

/* The same for the files that the type has beside its rows. */
const wm_err *wm_export_copy_files(wm_export_copy *copy,
                                   const wm_err *(*line)(void *host, char *line, size_t size),
                                   void *host);

/* Digits as a number. */
apr_int64_t wm_export_number(wm_text text);

/* NAME as that of an entry: what would leave the archive's folder is replaced. */
const char *wm_export_entry_name(const char *name, apr_pool_t *pool);

/* What the file of TYPE is called, without extension; no other type's is. */
const char *wm_export_type_entry(const wm_export_type *type, apr_pool_t *pool);

/* Points as they are: an entry for each source and day (exports.md 7). */
const wm_err *wm_export_raw(wm_export_copy *copy, const wm_export_sink *sink, apr_pool_t *pool);

#endif
