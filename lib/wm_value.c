/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include <apr_lib.h>
#include <apr_strings.h>

#include "wm_value.h"

/* A number and one of the units "abc" with their factors; 0 when TEXT is none. */
static int parse_units(apr_int64_t *value, const char *text, const char *const *units,
                       const apr_int64_t *factors)
{
    char *end;
    apr_int64_t number;

    if (!apr_isdigit(*text))
        return 0;
    number = apr_strtoi64(text, &end, 10);
    for (int i = 0; units[i]; i++) {
        if (strcasecmp(end, units[i]))
            continue;
        if (number > APR_INT64_MAX / factors[i])
            return 0;
        *value = number * factors[i];
        return 1;
    }
    *value = number;
    return number == 0 && !*end;
}

/* Place of TEXT among WORDS ("a|b|c"), or -1. */
static int word_place(const char *text, const char *words)
{
    size_t size = strlen(text);

    for (int place = 0;; place++) {
        size_t length = strcspn(words, "|");

        if (length == size && !strncasecmp(text, words, size))
            return place;
        if (!words[length])
            return -1;
        words += length + 1;
    }
}

int wm_value_parse(apr_int64_t *value, wm_value_kind kind, const char *words, const char *text)
{
    static const char *const sizes[] = {"", "K", "M", "G", "T", NULL};
    static const apr_int64_t bytes[] = {1, 1 << 10, 1 << 20, 1 << 30, APR_INT64_C(1) << 40};
    static const char *const times[] = {"ms", "s", "min", "h", "d", "w", NULL};
    static const apr_int64_t usec[] = {1000,
                                       1000000,
                                       60000000,
                                       APR_INT64_C(3600000000),
                                       APR_INT64_C(86400000000),
                                       APR_INT64_C(604800000000)};
    static const char *const plain[] = {"", NULL};
    int place;

    switch (kind) {
    case WM_VALUE_SIZE:
        return parse_units(value, text, sizes, bytes);
    case WM_VALUE_TIME:
        return parse_units(value, text, times, usec);
    case WM_VALUE_NUMBER:
        return parse_units(value, text, plain, bytes);
    case WM_VALUE_FLAG:
        *value = !strcasecmp(text, "on");
        return *value || !strcasecmp(text, "off");
    case WM_VALUE_CHOICE:
    case WM_VALUE_WORDS:
        place = word_place(text, words);
        *value = kind == WM_VALUE_CHOICE || place < 0 ? place : 1 << place;
        return place >= 0;
    default:
        return 0;
    }
}

static const char *const forms[] = {
    [WM_VALUE_SIZE] = "a number of bytes, with K, M, G or T behind it if you like",
    [WM_VALUE_NUMBER] = "a number",
    [WM_VALUE_TIME] = "a time such as 500ms, 30s, 5min, 2h or 30d",
    [WM_VALUE_FLAG] = "on or off",
    [WM_VALUE_LIST] = NULL,
};

const char *wm_value_form(wm_value_kind kind)
{
    return forms[kind];
}

const char *wm_value_text(wm_value_kind kind, apr_int64_t value, apr_pool_t *pool)
{
    if (kind == WM_VALUE_TIME)
        return value % 1000000 ? apr_psprintf(pool, "%" APR_INT64_T_FMT "ms", value / 1000)
                               : apr_psprintf(pool, "%" APR_INT64_T_FMT "s", value / 1000000);
    return apr_psprintf(pool, "%" APR_INT64_T_FMT, value);
}
