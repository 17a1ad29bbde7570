/* SPDX-License-Identifier: Apache-2.0 */
/* The values of directives and settings, as administrators write them. */
#ifndef WM_VALUE_H
#define WM_VALUE_H

#include <apr.h>
#include <apr_pools.h>

/* What mod_webmunk/config.h says of each; settings of webmunkd use the first five kinds. */
typedef enum {
    WM_VALUE_SIZE,
    WM_VALUE_NUMBER,
    WM_VALUE_TIME,
    WM_VALUE_FLAG,
    WM_VALUE_CHOICE,
    WM_VALUE_WORDS,
    WM_VALUE_PATH,
    WM_VALUE_LIST
} wm_value_kind;

/* Read TEXT; 0 when it is not of the form that KIND (no PATH, no LIST) wants.  WORDS is "a|b|c" for
 * CHOICE and WORDS.  A plain 0 needs no unit. */
int wm_value_parse(apr_int64_t *value, wm_value_kind kind, const char *words, const char *text);

/* What KIND wants, to be put behind "must be"; NULL where the words say it. */
const char *wm_value_form(wm_value_kind kind);

/* VALUE of a number or time for people, in POOL. */
const char *wm_value_text(wm_value_kind kind, apr_int64_t value, apr_pool_t *pool);

#endif
