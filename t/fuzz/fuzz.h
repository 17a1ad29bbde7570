/* SPDX-License-Identifier: Apache-2.0 */
/* What the fuzz targets share.  README says how to add one. */
#ifndef WM_FUZZ_H
#define WM_FUZZ_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <apr_general.h>
#include <apr_pools.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Inputs that the code under test accepted.  A target counts them so that replaying can tell a
 * corpus that exercises something from one where everything is refused at the first byte.  Weak:
 * under libFuzzer there is no replay.c to define it. */
extern unsigned long fuzz_accepted;
__attribute__((weak)) unsigned long fuzz_accepted;

/* Abort, so that the fuzzer keeps the input, when COND does not hold. */
#define FUZZ_CHECK(cond)                                                              \
    do {                                                                              \
        if (!(cond)) {                                                                \
            fprintf(stderr, "%s:%d: does not hold: %s\n", __FILE__, __LINE__, #cond); \
            abort();                                                                  \
        }                                                                             \
    } while (0)

/* A pool for one input; the target destroys it. */
static inline apr_pool_t *fuzz_pool(void)
{
    static apr_pool_t *root;
    apr_pool_t *pool;

    if (!root) {
        apr_initialize();
        apr_pool_create(&root, NULL);
    }
    apr_pool_create(&pool, root);
    return pool;
}

/* DATA in memory of its own size (for free), so that a sanitizer sees a byte too many. */
static inline char *fuzz_exact(const void *data, size_t size)
{
    char *copy = malloc(size ? size : 1);

    FUZZ_CHECK(copy);
    if (size)
        memcpy(copy, data, size);
    return copy;
}

#endif
