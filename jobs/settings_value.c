/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include <apr_strings.h>
#include <libpq-fe.h>

#include "mail.h"
#include "secret.h"
#include "settings_value.h"
#include "wm_value.h"

static wm_value_kind number_kind(wm_setting_kind kind)
{
    return kind == WM_KIND_SIZE                                  ? WM_VALUE_SIZE
           : kind == WM_KIND_TIME || kind == WM_KIND_TIME_LEVELS ? WM_VALUE_TIME
                                                                 : WM_VALUE_NUMBER;
}

apr_array_header_t *wm_setting_split(const char *text, apr_pool_t *pool)
{
    apr_array_header_t *list = apr_array_make(pool, 4, sizeof(const char *));

    while (text && *text) {
        size_t size;

        text += strspn(text, ", \t");
        size = strcspn(text, ",");
        while (size && strchr(" \t", text[size - 1]))
            size--;
        if (size)
            APR_ARRAY_PUSH(list, const char *) = apr_pstrmemdup(pool, text, size);
        text += strcspn(text, ",");
    }
    return list;
}

/* "a|b|c" as "a, b or c", with AFTER behind each. */
static const char *either(const char *words, const char *after, apr_pool_t *pool)
{
    const char *text = "";

    while (words && *words) {
        size_t size = strcspn(words, "|");
        const char *rest = words + size + (words[size] == '|');

        text = apr_pstrcat(pool, text,
                           !*text  ? ""
                           : *rest ? ", "
                                   : " or ",
                           apr_pstrmemdup(pool, words, size), after, NULL);
        words = rest;
    }
    return text;
}

const char *wm_setting_form(const wm_setting_row *row, apr_pool_t *pool)
{
    wm_value_kind number = number_kind(row->kind);

    switch (row->kind) {
    case WM_KIND_PATH:
        return "an absolute path";
    case WM_KIND_PATHS:
        return "absolute paths, parted by commas";
    case WM_KIND_CONNINFO:
        return "a URI or keywords of libpq, without a password";
    case WM_KIND_SECRET:
        return "the name of a secret, without folder";
    case WM_KIND_ADDRESS:
        return "an address of mail and nothing else";
    case WM_KIND_ADDRESSES:
        return "addresses of mail, parted by commas";
    case WM_KIND_URL:
        return apr_pstrcat(pool, "an address that begins with ", either(row->words, "://", pool),
                           ", without user and password", NULL);
    case WM_KIND_CLOCK:
        return "a time of day like 08:00";
    case WM_KIND_CHOICE:
        return either(row->words, "", pool);
    case WM_KIND_NUMBER:
    case WM_KIND_SIZE:
    case WM_KIND_TIME:
    case WM_KIND_LEVELS:
    case WM_KIND_TIME_LEVELS:
        return apr_pstrcat(
            pool, row->kind < WM_KIND_LEVELS ? "" : "two, for a warning and for critical, each ",
            wm_value_form(number), ", from ", wm_value_text(number, row->low, pool), " to ",
            wm_value_text(number, row->high, pool), NULL);
    case WM_KIND_TEXT:
        break;
    }
    return "";
}

/* Are all parts of TEXT, between its commas, as IS_OK wants them, and is there one? */
static int list_ok(const char *text, int (*is_ok)(const char *), apr_pool_t *pool)
{
    const apr_array_header_t *list = wm_setting_split(text, pool);

    for (int i = 0; i < list->nelts; i++)
        if (!is_ok(APR_ARRAY_IDX(list, i, const char *)))
            return 0;
    return list->nelts > 0;
}

static int path_ok(const char *text)
{
    return *text == '/';
}

static int url_ok(const char *text, const char *words)
{
    const char *mark = strstr(text, "://");

    /* An "@" would come with a user. */
    if (!mark || !mark[3] || mark[3] == '/' || strpbrk(text, "@ \t"))
        return 0;
    while (*words) {
        size_t size = strcspn(words, "|");

        if (size == (size_t)(mark - text) && !strncmp(words, text, size))
            return 1;
        words += size + (words[size] == '|');
    }
    return 0;
}

static int clock_ok(const char *text)
{
    return strlen(text) == 5 && strspn(text, "0123456789") == 2 && text[2] == ':' &&
           strspn(text + 3, "0123456789") == 2 && strncmp(text, "24", 2) < 0 && text[3] < '6';
}

/* A database as libpq reads it; what it says of a bad one can quote a password. */
static int conninfo_ok(const char *text)
{
    PQconninfoOption *options = PQconninfoParse(text, NULL);
    int good = options != NULL;

    for (PQconninfoOption *o = options; good && o->keyword; o++)
        if (o->val && strstr(o->keyword, "password") && *o->val)
            good = 0;
    PQconninfoFree(options);
    return good;
}

static int number_ok(apr_int64_t *number, const wm_setting_row *row, const char *text)
{
    return wm_value_parse(number, number_kind(row->kind), NULL, text) && *number >= row->low &&
           *number <= row->high;
}

/* Two numbers with blanks between them. */
static int levels_ok(apr_int64_t number[2], const wm_setting_row *row, const char *text,
                     apr_pool_t *pool)
{
    size_t size = strcspn(text, " \t");
    const char *second = text + size + strspn(text + size, " \t");

    return number_ok(&number[0], row, apr_pstrmemdup(pool, text, size)) &&
           number_ok(&number[1], row, second);
}

static int is_good(apr_int64_t number[2], const wm_setting_row *row, const char *text,
                   apr_pool_t *pool)
{
    switch (row->kind) {
    case WM_KIND_PATH:
        return path_ok(text);
    case WM_KIND_PATHS:
        return list_ok(text, path_ok, pool);
    case WM_KIND_CONNINFO:
        return conninfo_ok(text);
    case WM_KIND_SECRET:
        return wm_secret_check_name(text, pool) == NULL;
    case WM_KIND_ADDRESS:
        return wm_mail_address_ok(text);
    case WM_KIND_ADDRESSES:
        return list_ok(text, wm_mail_address_ok, pool);
    case WM_KIND_URL:
        return url_ok(text, row->words);
    case WM_KIND_CLOCK:
        return clock_ok(text);
    case WM_KIND_CHOICE:
        return wm_value_parse(number, WM_VALUE_CHOICE, row->words, text);
    case WM_KIND_NUMBER:
    case WM_KIND_SIZE:
    case WM_KIND_TIME:
        return number_ok(number, row, text);
    case WM_KIND_LEVELS:
    case WM_KIND_TIME_LEVELS:
        return levels_ok(number, row, text, pool);
    case WM_KIND_TEXT:
        break;
    }
    return 1;
}

const wm_err *wm_setting_check(apr_int64_t number[2], const wm_setting_row *row, const char *text,
                               apr_pool_t *pool)
{
    const char *form;

    number[0] = number[1] = 0;
    if (is_good(number, row, text, pool))
        return NULL;
    form = wm_setting_form(row, pool);
    /* What may hold a password is not repeated. */
    if (row->kind == WM_KIND_CONNINFO || row->kind == WM_KIND_URL || row->kind == WM_KIND_SECRET)
        return wm_err_make(pool, WM_E_INPUT, "must be %s", form);
    return wm_err_make(pool, WM_E_INPUT, "is \"%s\" and must be %s", text, form);
}

const wm_err *wm_setting_expand(const char **expanded, const char *text, apr_pool_t *pool)
{
    const char *begin, *end, *name, *value;
    const char *done = "";

    while ((begin = strstr(text, "${"))) {
        end = strchr(begin, '}');
        if (!end)
            return wm_err_make(pool, WM_E_INPUT, "has \"${\" without \"}\"");
        name = apr_pstrmemdup(pool, begin + 2, (apr_size_t)(end - begin - 2));
        value = getenv(name);
        if (!value)
            return wm_err_make(pool, WM_E_INPUT, "wants ${%s}, which the environment does not have",
                               name);
        done = apr_pstrcat(pool, done, apr_pstrmemdup(pool, text, (apr_size_t)(begin - text)),
                           value, NULL);
        text = end + 1;
    }
    *expanded = apr_pstrcat(pool, done, text, NULL);
    return NULL;
}
