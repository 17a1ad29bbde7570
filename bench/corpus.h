/* SPDX-License-Identifier: Apache-2.0 */
/* Made-up browsers and what they send, for corpus.c.  Everything follows from the seed. */
#ifndef BENCH_CORPUS_H
#define BENCH_CORPUS_H

#include <apr.h>

#include "wm_buf.h"

typedef struct corpus_random {
    apr_uint64_t state;
} corpus_random;

enum { CORPUS_SMALL, CORPUS_MEDIUM, CORPUS_LARGE };

typedef struct corpus_source {
    char identifier[12];
    char agent[224];
    const char *zone;
    int width, height, cores;
} corpus_source;

/* Seeded by three numbers: which corpus, what for, which one. */
corpus_random corpus_random_make(apr_uint64_t seed, apr_uint64_t use, apr_uint64_t number);
/* From 0 to below LIMIT. */
apr_uint32_t corpus_below(corpus_random *random, apr_uint32_t limit);

/* Browser NUMBER of the corpus SEED; below 90 million no two have the same identifier. */
void corpus_source_make(corpus_source *source, apr_uint64_t seed, int number);

/* Append to OUT the array that SOURCE sends: 10 or 65 points, the first at CLOCK (milliseconds
 * since 1970), written as JSON.stringify(points, null, 2) does.  Returns the number of points. */
int corpus_bundle(wm_buf *out, const corpus_source *source, int variant, apr_int64_t clock,
                  corpus_random *random);

/* Append to OUT one point of the mix of VARIANT, written the same way. */
void corpus_point(wm_buf *out, const corpus_source *source, int variant, apr_int64_t clock,
                  corpus_random *random);

#endif
