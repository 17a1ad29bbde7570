/* SPDX-License-Identifier: Apache-2.0 */
/* What settings.c knows of one setting, and the check of its value. */
#ifndef WM_SETTINGS_VALUE_H
#define WM_SETTINGS_VALUE_H

#include <apr.h>
#include <apr_pools.h>
#include <apr_tables.h>

#include "wm_err.h"

typedef enum {
    WM_KIND_TEXT,
    WM_KIND_CONNINFO,
    WM_KIND_PATH,
    WM_KIND_PATHS,
    WM_KIND_SECRET,
    WM_KIND_ADDRESS,
    WM_KIND_ADDRESSES,
    WM_KIND_URL,
    WM_KIND_CLOCK,
    WM_KIND_CHOICE,
    WM_KIND_NUMBER,
    WM_KIND_SIZE,
    WM_KIND_TIME,
    WM_KIND_LEVELS,
    WM_KIND_TIME_LEVELS
} wm_setting_kind;

typedef struct wm_setting_row {
    const char *section, *key;
    wm_setting_kind kind;
    const char *preset, *words;
    apr_int64_t low, high;
    const char *env, *help;
} wm_setting_row;

/* Check TEXT.  NUMBERS are set for kinds that are numbers, the second of LEVELS alone.  The error says what the value must be,
 * to be put behind "\"text\" and": it does not name the setting. */
const wm_err *wm_setting_check(apr_int64_t numbers[2], const wm_setting_row *row, const char *text,
                               apr_pool_t *pool);

/* What values are allowed, for people: "from 1 to 9", "required or off"; "" for anything. */
const char *wm_setting_form(const wm_setting_row *row, apr_pool_t *pool);

/* The parts of TEXT between its commas, without blanks around them, as const char *. */
apr_array_header_t *wm_setting_split(const char *text, apr_pool_t *pool);

/* TEXT with each ${NAME} replaced by the environment. */
const wm_err *wm_setting_expand(const char **expanded, const char *text, apr_pool_t *pool);

#endif
