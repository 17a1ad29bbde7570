/* SPDX-License-Identifier: Apache-2.0 */
/* Archives in two steps: each entry is first raw deflate data, a part, one after the other in files,
 * so that whoever is interrupted loses no more than the last file; parts are then joined into a zip
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
    apr_int64_t start;  /* where it begins in its file */
    apr_int64_t bytes;  /* before compression */
    apr_int64_t packed; /* and after: its size in the file */
    apr_uint32_t crc;
    unsigned char sha256[WM_ZIP_SHA256];        /* of what goes in */
    unsigned char packed_sha256[WM_ZIP_SHA256]; /* of what comes out */
} wm_zip_part;

typedef struct wm_zip_packer wm_zip_packer;

/* Something that makes one part after the other.  LEVEL is zlib's, 1 to 9.  Its thread and memory
 * (about 1.5 MB) end with POOL. */
const wm_err *wm_zip_packer_create(wm_zip_packer **packer, int level, apr_pool_t *pool);

/* Open the file PATH for parts, of mode 0600; one that is there is overwritten.  If
 * another is still open, what it has is given up. */
const wm_err *wm_zip_pack_open(wm_zip_packer *packer, const char *path, apr_pool_t *pool);

/* Is a file open? */
int wm_zip_pack_is_open(const wm_zip_packer *packer);

/* Begin a part behind those that the open file has. */
void wm_zip_pack_begin(wm_zip_packer *packer);

/* Append to the part.  Compressing runs in a thread of its own while the caller makes more. */
const wm_err *wm_zip_pack_write(wm_zip_packer *packer, const char *data, size_t size,
                                apr_pool_t *pool);

/* Finish the part. */
const wm_err *wm_zip_pack_end(wm_zip_part *part, wm_zip_packer *packer, apr_pool_t *pool);

/* Give up the part that was begun, if one was; returns how many bytes of it the file had. */
apr_int64_t wm_zip_pack_drop(wm_zip_packer *packer);

/* Close the file, if one is open, once all finished parts are on the disk; what is not finished is
 * given up. */
const wm_err *wm_zip_pack_close(wm_zip_packer *packer, apr_pool_t *pool);

/* Did the last failure come from a full disk or quota? */
int wm_zip_packer_full(const wm_zip_packer *packer);

typedef struct wm_zip wm_zip;

/* Begin the archive PATH; until wm_zip_end it is PATH.part, of mode 0600.  All entries carry TIME
 * (its year is held between 1980 and 2107).  POOL's cleanup gives up what was not ended. */
const wm_err *wm_zip_begin(wm_zip **zip, const char *path, const apr_time_exp_t *time,
                           apr_pool_t *pool);

/* Add the part in the file PART_PATH as entry NAME (UTF-8).  The file stays open for the next one.
 * WM_E_SYSTEM also when it ends before PART does. */
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
