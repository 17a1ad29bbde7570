/* SPDX-License-Identifier: Apache-2.0 */
/* Exports: what may be asked for, and rows as they stand in files (exports.md).  Knows neither the
 * runner nor httpd. */
#ifndef WM_EXPORT_H
#define WM_EXPORT_H

#include <apr_pools.h>
#include <apr_tables.h>
#include <apr_time.h>

#include "wm_db.h"
#include "wm_err.h"

struct json_t;

typedef enum { WM_EXPORT_TSV, WM_EXPORT_CSV, WM_EXPORT_JSONL, WM_EXPORT_RAW } wm_export_format;
typedef enum { WM_EXPORT_BY_CREATED, WM_EXPORT_BY_RECORDED } wm_export_clock;

/* A type: one file of sql/exports/, compiled in. */
typedef struct wm_export_type {
    const char *name;       /* "webmunk-extension-scroll-position" */
    const char *title;      /* for people */
    const char *generators; /* whose points it reads, separated by blanks; "" when it has none */
    int by_source;          /* a file for each source, in a folder of its name */
    int newest_first;       /* exports.md 1.4 */
    const char *columns;    /* the header, separated by tabs */
    const char *sensitive;  /* names of columns that hold fields with *, separated by tabs */
    const char *sql;        /* one SELECT; see sql/exports/README */
    const char *cells;      /* how each cell is written, for wm_export_row.c */
    const char *file;       /* name of the one file, when it is not that of the type */
    int rows_only;          /* no file for a source without rows */
    int split;              /* points of one source in one file; 0: all */
    int own;                /* reads no points: sources and dates do not matter */
    int generic;            /* made by wm_export_type_find */
    const char *files;      /* the block that has files of JSON which go before, or NULL */
    const char *secondary;  /* of its points, or NULL */
    const char *unmarked;   /* members that are sensitive without *, separated by blanks, or NULL */
} wm_export_type;

/* Ended by a row without name; sorted by name. */
extern const wm_export_type wm_export_types[];

/* The type NAME; for a generator without a file of its own the generic one (exports.md 6), whose
 * name is then NAME, in POOL.  Never NULL. */
const wm_export_type *wm_export_type_find(const char *name, apr_pool_t *pool);

/* Does TYPE read points of GENERATOR?  What it leaves out stands before what that is left out of. */
int wm_export_type_reads(const wm_export_type *type, const char *generator);

/* Names of the members of GENERATOR's points that are sensitive without a mark, separated by blanks, or NULL. */
const char *wm_export_unmarked(const char *generator);

/* What is asked for.  The canonical JSON of it (members sorted) is export.definition:
 *   {"study": id, "types": [name...], "sources": [identifier...] or null for all of the study,
 *    "groups": [id...] or null, "from": "YYYY-MM-DD" or null, "to": likewise and inclusive,
 *    "clock": "created" | "recorded", "zone": "America/New_York",
 *    "format": "tsv" | "csv" | "jsonl" | "raw", "archives": "one" | "type",
 *    "pseudonyms": "" or a key's name (true makes a key), "sensitive": true | false, "newline": ""} */
typedef struct wm_export_definition {
    apr_int64_t study;
    apr_array_header_t *types;   /* const char * */
    apr_array_header_t *sources; /* const char *; NULL: all */
    apr_array_header_t *groups;  /* apr_int64_t; NULL: all */
    const char *from, *to;       /* days, or NULL */
    wm_export_clock clock;
    const char *zone;
    wm_export_format format;
    int archive_per_type;
    const char *pseudonyms;    /* the key's name, "" for none */
    const char *pseudonym_key; /* 32 bytes as hex, made for this export; NULL: identifiers stay */
    int sensitive;             /* keep the columns with * fields */
    const char *newline;       /* what takes the place of line ends in the stripped columns */
    const char *site; /* no member of the JSON: what links begin with, "https://host", or NULL */
} wm_export_definition;

/* JSON as it came from a page, the API or the command line, checked; unknown members, types, zones,
 * clocks, a reversed window: WM_E_INPUT with words for the person who asked.  In POOL. */
const wm_err *wm_export_define(wm_export_definition **definition, const struct json_t *json,
                               wm_db *db, apr_pool_t *pool);

/* Its canonical text, as it is stored and stands in the manifest. */
const char *wm_export_canonical(const wm_export_definition *definition, apr_pool_t *pool);

/* The window as instants: [*FROM, *TO), 0 and APR_INT64_MAX when open (exports.md 1.3). */
const wm_err *wm_export_window(apr_time_t *from, apr_time_t *to,
                               const wm_export_definition *definition, wm_db *db, apr_pool_t *pool);

/* Where rows go.  ENTRY begins a file of the archive (its name, safe and unique); WRITE appends
 * bytes to it; ROW is called after each row with the number of cells left empty because a field was
 * unreadable, and the point's id.  Any may fail, which ends the streaming. */
typedef struct wm_export_sink {
    const wm_err *(*entry)(void *host, const char *name);
    const wm_err *(*write)(void *host, const char *data, size_t size);
    const wm_err *(*row)(void *host, apr_int64_t point, int defects);
    void *host;
} wm_export_sink;

/* Stream all rows of TYPE that DEFINITION asks for to SINK, header first, in memory that does not
 * grow.  DB is inside a read-only repeatable-read transaction; only bundles with a position below
 * POSITION ("12345", an xid8) count. */
const wm_err *wm_export_stream(wm_db *db, const wm_export_type *type,
                               const wm_export_definition *definition, const char *position,
                               const wm_export_sink *sink, apr_pool_t *pool);

/* How many rows that will be.  STEP, which may be NULL, hears of the rows so far after every few
 * participants, and ends the counting with an error of its own. */
const wm_err *wm_export_count(apr_int64_t *rows, wm_db *db, const wm_export_type *type,
                              const wm_export_definition *definition, const char *position,
                              const wm_err *(*step)(void *host, apr_int64_t rows), void *host,
                              apr_pool_t *pool);

/* A participant of an export. */
typedef struct wm_export_source {
    apr_int64_t id;
    const char *identifier;
    const char *shown;                     /* identifier, or its pseudonym */
    const char *slug;                      /* as a file is named, unique in the export (E12) */
    const char *skipped;                   /* why it is left out, in words; NULL: it is in */
    const struct wm_export_hidden *hidden; /* what must not be told; NULL without pseudonyms */
} wm_export_source;

/* The participants that DEFINITION names and that POSITION knows, in the order of the rows:
 * wm_export_source, in POOL. */
const wm_err *wm_export_sources(apr_array_header_t **sources, wm_db *db,
                                const wm_export_definition *definition, const char *position,
                                apr_pool_t *pool);

/* What a participant has of a type. */
typedef struct wm_export_points {
    const wm_export_source *source;
    apr_int64_t points;
    const char *first, *last; /* created, "2026-11-22T10:00:00.000000+00:00"; NULL without points */
} wm_export_points;

/* The points of TYPE that all participants in an export have, whatever rows they make:
 * wm_export_points, in POOL, in the order of the rows.  DB as for wm_export_stream.  STEP is called after
 * every few participants and may end it with an error of its own. */
const wm_err *wm_export_completeness(apr_array_header_t **list, wm_db *db,
                                     const wm_export_type *type,
                                     const wm_export_definition *definition, const char *position,
                                     const wm_err *(*step)(void *host), void *host,
                                     apr_pool_t *pool);

#endif
