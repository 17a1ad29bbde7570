/* SPDX-License-Identifier: Apache-2.0 */
/* Archives in two steps: each entry is first a file of its own of raw deflate data, a part, so that
 * whoever is interrupted loses the unfinished part alone; finished parts are then joined into a zip
 * (zip64 where needed) without being compressed again.  Equal content, names and time make equal
 * bytes with the same zlib (exports.md 1.10). */
#ifndef WM_ZIP_H
#define WM_ZIP_H

#include <stddef.h>

#include <apr_pools.h>
#include <apr_time.h>

#include "wm_err.h"

enum { WM_ZIP_LEVEL_DEFAULT = 6, WM_ZIP_SHA256 = 32 };

/* What is known of a finished part. */
typedef struct wm_zip_part {
    apr_int64_t bytes;  /* before compression */
    apr_int64_t packed; /* size of the part's file */
    apr_uint32_t crc;
    unsigned char sha256[WM_ZIP_SHA256];        /* of what goes in */
    unsigned char packed_sha256[WM_ZIP_SHA256]; /* of the part's file */
} wm_zip_part;

typedef struct wm_zip_packer wm_zip_packer;

/* Something that makes one part after the other.  LEVEL is zlib's, 1 to 9.  Its thread and memory
 * (about 1.5 MB) end with POOL. */
const wm_err *wm_zip_packer_create(wm_zip_packer **packer, int level, apr_pool_t *pool);

/* Begin the part PATH, a new file of mode 0600; one that is there is overwritten.  An unfinished
 * part before it is given up and stays as it lies. */
const wm_err *wm_zip_pack_begin(wm_zip_packer *packer, const char *path, apr_pool_t *pool);

/* Append to the part.  Compressing runs in a thread of its own while the caller makes more. */
const wm_err *wm_zip_pack_write(wm_zip_packer *packer, const char *data, size_t size,
                                apr_pool_t *pool);

/* Finish the part: its file is complete, and on its way to the disk. */
const wm_err *wm_zip_pack_end(wm_zip_part *part, wm_zip_packer *packer, apr_pool_t *pool);

/* Wait until all finished parts are on the disk. */
const wm_err *wm_zip_pack_sync(wm_zip_packer *packer, apr_pool_t *pool);

/* Did the last failure come from a full disk or quota? */
int wm_zip_packer_full(const wm_zip_packer *packer);

typedef struct wm_zip wm_zip;

/* Begin the archive PATH; until wm_zip_end it is PATH.part, of mode 0600.  All entries carry TIME
 * (its year is held between 1980 and 2107).  POOL's cleanup gives up what was not ended. */
const wm_err *wm_zip_begin(wm_zip **zip, const char *path, const apr_time_exp_t *time,
                           apr_pool_t *pool);

/* Add the part in the file PART_PATH as entry NAME (UTF-8).  WM_E_SYSTEM also when the file has not
 * the size that PART says. */
const wm_err *wm_zip_add_part(wm_zip *zip, const char *name, const char *part_path,
                              const wm_zip_part *part, apr_pool_t *pool);

/* Add an entry from memory, not compressed: its CRC-32 then covers each of its bytes. */
const wm_err *wm_zip_add_text(wm_zip *zip, const char *name, const char *data, size_t size,
                              apr_pool_t *pool);

/* Finish: flushed to disk, renamed to PATH. */
const wm_err *wm_zip_end(wm_zip *zip, apr_pool_t *pool);

/* Did the last failure come from a full disk or quota? */
int wm_zip_full(const wm_zip *zip);

/* Size and SHA-256 of the file PATH. */
const wm_err *wm_zip_digest(apr_int64_t *bytes, unsigned char sha256[WM_ZIP_SHA256],
                            const char *path, apr_pool_t *pool);

#endif
