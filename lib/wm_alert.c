/* SPDX-License-Identifier: Apache-2.0 */
#include "wm_alert.h"

#include <string.h>

#include <apr_strings.h>

#include "wm_page_int.h"

enum { LINE_MAX_CHARACTERS = 500 };

const wm_alert_level wm_alert_levels[] = {
#define X(name, mark, label, one, many) {name, mark, label, one, many},
    WM_ALERT_LEVELS(X)
#undef X
        {NULL, NULL, NULL, NULL, NULL},
};

static const char *text_of(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));

    return text ? text : "";
}

const char *wm_alert_value(const json_t *value, const char *unit, apr_pool_t *pool)
{
    double number = json_number_value(value);

    if (!json_is_number(value)) /* infinity is a text in jsonb */
        return "none";
    if (!strcmp(unit, "percent"))
        return apr_psprintf(pool, "%.0f %%", number);
    if (number > 9e15) /* more than any of them can be */
        number = 9e15;
    if (!strcmp(unit, "seconds"))
        return wm_page_duration((apr_int64_t)number, pool);
    if (!strcmp(unit, "bytes"))
        return wm_page_bytes((apr_int64_t)number, pool);
    return wm_page_number((apr_int64_t)number, pool);
}

/* SENTENCE with WITH in place of MARK. */
static const char *fill(const char *sentence, const char *mark, const char *with, apr_pool_t *pool)
{
    const char *at = strstr(sentence, mark);

    return at ? apr_pstrcat(pool, apr_pstrmemdup(pool, sentence, (size_t)(at - sentence)), with,
                            at + strlen(mark), NULL)
              : sentence;
}

const char *wm_alert_line(const char *text, apr_pool_t *pool)
{
    char *line = apr_pstrdup(pool, wm_page_short(text, LINE_MAX_CHARACTERS, pool));

    for (char *c = line; *c; c++)
        if ((unsigned char)*c < ' ' || *c == 0x7f)
            *c = ' ';
    return line;
}

const char *wm_alert_words(const json_t *alert, apr_pool_t *pool)
{
    const json_t *limit = json_object_get(alert, "reached");
    const char *unit = text_of(alert, "unit"), *message = text_of(alert, "message");
    const char *words = text_of(alert, "sentence");

    words =
        fill(words, "{value}", wm_alert_value(json_object_get(alert, "value"), unit, pool), pool);
    words = fill(words, "{subject}", text_of(alert, "subject"), pool);
    if (json_is_number(limit))
        words = apr_pstrcat(pool, words, " (limit ", wm_alert_value(limit, unit, pool), ")", NULL);
    if (*message)
        words = apr_pstrcat(pool, words, ": ", message, NULL);
    return wm_alert_line(words, pool);
}
