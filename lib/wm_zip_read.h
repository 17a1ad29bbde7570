/* SPDX-License-Identifier: Apache-2.0 */
/* Archives as wm_zip.h makes them, read so strictly that no bit of them can change unseen: every
 * byte is data of an entry or follows from what the directory says of it. */
#ifndef WM_ZIP_READ_H
#define WM_ZIP_READ_H

#include "wm_zip.h"

typedef struct wm_zip_reader wm_zip_reader;

/* An entry, in the order of the archive. */
typedef struct wm_zip_entry {
    const char *name;
    int stored; /* not compressed */
    apr_int64_t bytes, packed;
    apr_uint32_t crc;
    apr_int64_t offset; /* of its data */
} wm_zip_entry;

/* Open the archive PATH and look at its end; WM_E_INPUT when it is none of ours, or is cut off. */
const wm_err *wm_zip_reader_open(wm_zip_reader **reader, const char *path, apr_pool_t *pool);

/* The next entry, in POOL; NULL when all were seen, and nothing lies between or behind them. */
const wm_err *wm_zip_reader_next(const wm_zip_entry **entry, wm_zip_reader *reader,
                                 apr_pool_t *pool);

/* Begin with the first entry again. */
void wm_zip_reader_rewind(wm_zip_reader *reader);

/* Read the data of ENTRY through: size and CRC-32 are what the directory says, FOUND gets them with
 * both digests.  WRITE, unless NULL, gets the content as it comes. */
const wm_err *wm_zip_reader_read(wm_zip_part *found, wm_zip_reader *reader,
                                 const wm_zip_entry *entry,
                                 const wm_err *(*write)(void *host, const char *data, size_t size),
                                 void *host, apr_pool_t *pool);

#endif
