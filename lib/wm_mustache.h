/* SPDX-License-Identifier: Apache-2.0 */
/* Mustache (mustache.github.io, mustache(5)): variables, sections, inverted sections, comments,
 * set delimiters, partials; not lambdas, inheritance and dynamic names.  A compiled set is constant:
 * any number of threads may render from it at once.
 *
 * Where the specification leaves the choice: a section is skipped for a missing value, null, false,
 * 0, "", [] and {}; a variable that is an array or object renders as nothing. */
#ifndef WM_MUSTACHE_H
#define WM_MUSTACHE_H

#include <apr_pools.h>
#include <apr_tables.h>
#include <jansson.h>

#include "wm_buf.h"
#include "wm_err.h"

enum {
    WM_MUSTACHE_DEPTH_MAX = 100,             /* sections and partials inside each other */
    WM_MUSTACHE_TEXT_MAX = 16 * 1024 * 1024, /* bytes of a rendered text */
    WM_MUSTACHE_SOURCE_MAX = 1024 * 1024,    /* bytes of one template */
    WM_MUSTACHE_STEPS_MAX = 2 * 1000 * 1000  /* tags and texts visited by one rendering */
};

typedef struct wm_templates wm_templates;

/* An empty set in POOL.  With STRICT set, tags that do not escape ({{{x}}}, {{&x}}) and partials
 * that are not in the set are errors, as our pages want it; without, they follow the specification. */
wm_templates *wm_templates_create(int strict, apr_pool_t *pool);

/* Compile TEXT under NAME ("overview").  WM_E_INPUT with file and line in the
 * sentence when it is no template.  TEXT is copied. */
const wm_err *wm_templates_add(wm_templates *set, const char *name, const char *text, size_t size);

/* Strict sets: every partial that a template asks for must be there.  To be called after the last
 * wm_templates_add; WM_E_INPUT names file and line. */
const wm_err *wm_templates_check(const wm_templates *set, apr_pool_t *pool);

/* Read and compile every file *.mustache of DIR and of its folder "partials" into a strict set in
 * POOL, named by file name without suffix ({{>head}} is partials/head.mustache).  Errors are
 * sentences with file and line. */
const wm_err *wm_templates_load(wm_templates **set, const char *dir, apr_pool_t *pool);

/* Nonzero when the set has NAME. */
int wm_templates_has(const wm_templates *set, const char *name);

/* Render template NAME with ROOT as context into *TEXT, a buffer of POOL.  WM_E_NOT_FOUND when there
 * is no such template; WM_E_LIMIT when a bound above is passed. */
const wm_err *wm_templates_render(wm_buf **text, const wm_templates *set, const char *name,
                                  const json_t *root, apr_pool_t *pool);

#endif
