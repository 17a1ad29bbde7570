/* SPDX-License-Identifier: Apache-2.0 */
/* Forward-only migrations: NNNN-title.sql files, each applied once, in its own transaction, under
 * an advisory lock, and recorded in webmunk.wm_schema with its hash (house style, section 10). */
#ifndef WM_MIGRATE_H
#define WM_MIGRATE_H

#include <apr_tables.h>
#include <apr_time.h>

#include "wm_db.h"
#include "wm_err.h"

typedef struct wm_migration {
    int number;
    const char *title;
    const char *file;     /* NNNN-title.sql; NULL when only the database knows it */
    const char *text;     /* of the file */
    const char *hash;     /* SHA-256 of the file in hex; NULL without file */
    const char *recorded; /* hash in the database; NULL when not applied yet */
    const char *applied;  /* when, as the database writes it; NULL when not applied yet */
} wm_migration;

/* Called before a file is applied, for a progress line. */
typedef void wm_migrate_note(void *baton, const wm_migration *migration);

/* The files of DIR in order (wm_migration elements).  WM_E_INPUT for a name that does not fit, a
 * gap or a duplicate number. */
const wm_err *wm_migrate_read(apr_array_header_t **list, const char *dir, apr_pool_t *pool);

/* The files of DIR together with what the database has recorded; changes nothing.  Every file
 * counts as pending when the database has no schema webmunk. */
const wm_err *wm_migrate_status(apr_array_header_t **list, wm_db *db, const char *dir,
                                apr_pool_t *pool);

/* WM_E_CONFLICT, with a sentence, when LIST (of wm_migrate_status) shows an applied file that was
 * changed or is missing, or a database that is newer than the program. */
const wm_err *wm_migrate_judge(const apr_array_header_t *list, apr_pool_t *pool);

/* Bring the database to the newest file of DIR, let positions go on after those of restored data
 * (wm_position.h), then apply GRANTS (a file; NULL: none) and put the server's secret where it is
 * missing.  *APPLIED (may be NULL) counts the files.  A failing file leaves the database as the file
 * before left it. */
const wm_err *wm_migrate_run(int *applied, wm_db *db, const char *dir, const char *grants,
                             wm_migrate_note *note, void *baton, apr_pool_t *pool);

#endif
