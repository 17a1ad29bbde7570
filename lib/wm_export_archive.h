/* SPDX-License-Identifier: Apache-2.0 */
/* From a row of export to a finished archive (docs/exports.md).  Each entry is a part on the disk
 * and a row of export_part before it is joined to the others: whoever is interrupted goes on at the
 * last part that is one, and the archive's bytes are the same.  Small parts share a file and are kept
 * together: a study has hundreds of participants with a few rows each. */
#ifndef WM_EXPORT_ARCHIVE_H
#define WM_EXPORT_ARCHIVE_H

#include "wm_export.h"
#include "wm_zip.h"

struct json_t;

/* What the host hears meanwhile. */
typedef struct wm_export_watch {
    int (*stopped)(void *host); /* nonzero: end soon */
    const wm_err *(*progress)(void *host, apr_int64_t rows, apr_int64_t total, const char *note);
    void *host;
} wm_export_watch;

/* How archives are made. */
typedef struct wm_export_setup {
    const char *dir;  /* of all of them */
    const char *site; /* what links begin with, "https://host"; NULL: nothing */
    int level;        /* zlib's */
} wm_export_setup;

typedef struct wm_export_archive {
    apr_int64_t id;
    wm_db *db;         /* for parts and states, idle */
    wm_db *reader;     /* for the rows: one read-only transaction after the other */
    const char *dir;   /* of all archives */
    const char *parts; /* of this one's parts */
    wm_export_definition *definition;
    struct json_t *json;  /* of the definition */
    const char *position; /* bundles below it are in the archive */
    const char *profile, *study_slug, *study_name, *schema;
    apr_array_header_t *sources; /* wm_export_source, once rows are read */
    int types_done;
    apr_int64_t expected; /* rows; -1 before they are counted */
    wm_zip_packer *packer;
    const wm_export_watch *watch;
    int full;          /* the last failure came from a full disk */
    apr_int64_t stuck; /* then: the bytes of the part that did not fit, which are given back */
    apr_pool_t *pool;
} wm_export_archive;

/* Take up the export ID, whose position and site are fixed now if they are not already.
 * WM_E_NOT_FOUND when there is none to be made.  *ARCHIVE is NULL while participants of its study are
 * being merged: then ask again. */
const wm_err *wm_export_archive_open(wm_export_archive **archive, wm_db *db, wm_db *reader,
                                     apr_int64_t id, const wm_export_setup *setup,
                                     const wm_export_watch *watch, apr_pool_t *pool);

/* Count, then stream all entries that are not parts yet, in one snapshot; and all of them anew when somebody
 * in them is to be left out by now. */
const wm_err *wm_export_archive_fill(wm_export_archive *archive, apr_pool_t *pool);

/* Join the parts with manifest and signature (KEY_PATH, or NULL: unsigned) into the archive, *PATH
 * below dir. */
const wm_err *wm_export_archive_join(const char **path, wm_export_archive *archive,
                                     const char *key_path, apr_pool_t *pool);

/* What a download is called. */
const char *wm_export_archive_name(const wm_export_archive *archive, apr_pool_t *pool);

/* Remove the parts of export ID, and what a join left half-made. */
void wm_export_archive_clean(const char *dir, apr_int64_t id, apr_pool_t *pool);

/* The rest is of the files wm_export_archive*.c alone. */

/* Tell the watch, with NOTE, that DONE of TOTAL rows are there; an error when it wants to end. */
const wm_err *wm_export_look(wm_export_archive *archive, apr_int64_t done, apr_int64_t total,
                             const char *note, apr_pool_t *pool);

/* One row of export_part. */
typedef struct wm_export_part {
    int number;
    const char *type; /* "" for what is not of a type */
    const char *entry;
    int file; /* number of the first part in its file */
    wm_zip_part zip;
    apr_int64_t rows, defects;
    struct json_t *defect_points; /* the first of them, an array */
} wm_export_part;

/* All parts of the archive, by number: wm_export_part. */
const wm_err *wm_export_parts_read(apr_array_header_t **parts, wm_export_archive *archive,
                                   apr_pool_t *pool);

/* The file whose first part is NUMBER. */
const char *wm_export_part_path(const wm_export_archive *archive, int number, apr_pool_t *pool);

/* Write the code book, and the table of who has how many points of what, as parts NUMBER and the
 * one after it, unless they are there. */
const wm_err *wm_export_archive_tables(wm_export_archive *archive, int number, apr_pool_t *pool);

/* Close the packer's file and keep PARTS (wm_export_part), all of which are on the disk then. */
const wm_err *wm_export_parts_keep(wm_export_archive *archive, const apr_array_header_t *parts,
                                   apr_pool_t *pool);

/* The manifest; KEY_TEXT is the public key in base64, or NULL for an unsigned archive. */
const wm_err *wm_export_manifest(const char **text, wm_export_archive *archive,
                                 const apr_array_header_t *parts, const char *key_text,
                                 apr_pool_t *pool);

#endif
