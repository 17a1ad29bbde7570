/* SPDX-License-Identifier: Apache-2.0 */
/* Decoded bundles that stay in memory, for loader.c. */
#ifndef BENCH_LOADER_H
#define BENCH_LOADER_H

#include "wm_bundle.h"
#include "wm_store.h"

/* All that the statement is given, decoded and built before the clock starts. */
typedef struct loader_bundle {
    wm_upload upload;
    wm_bundle bundle; /* numbers and digest only */
    wm_text body;
    wm_store_arrays arrays;
} loader_bundle;

typedef struct loader_corpus {
    loader_bundle *bundles;
    int count;
    apr_int64_t points;
} loader_corpus;

/* The first MOST bundles of PREFIX.pack, or all of them; in POOL. */
const wm_err *loader_read(loader_corpus *corpus, const char *prefix, int most, apr_pool_t *pool);

/* A bundle of the corpus once more in TO, as nobody has sent it: its points PASS times STEP_DAYS
 * earlier, with digests of their own.  Pass 0 is the corpus itself.  In POOL. */
const wm_err *loader_again(loader_bundle *to, const loader_bundle *from, int pass, int step_days,
                           apr_pool_t *pool);

#endif
