/* SPDX-License-Identifier: Apache-2.0 */
/* What the files dest_drive*.c share. */
#ifndef WM_DEST_DRIVE_H
#define WM_DEST_DRIVE_H

#include "dest.h"

typedef struct wm_drive {
    wm_dest_send *send;
    const char *api, *name, *folder;
    const char *bearer;    /* "Authorization: Bearer ..." */
    unsigned char key[32]; /* follows from the account's key, which webmunkd alone can read */
} wm_drive;

/* Ready to call, with a token of the destination's account. */
const wm_err *wm_drive_open(wm_drive *drive, wm_dest_send *send);

/* What an answer that is no success means. */
const wm_err *wm_drive_expect(const wm_fetch_answer *answer, const char *doing, apr_pool_t *pool);

/* Send the file by the resumable session that was remembered, or by one that BEGIN makes. */
const wm_err *wm_drive_upload(wm_drive *drive,
                              const wm_err *(*begin)(const char **session, wm_drive *drive));

#endif
