/* SPDX-License-Identifier: Apache-2.0 */
/* Words, numbers and marks of the pages. */
#include <string.h>

#include <apr_strings.h>

#include "wm_page_int.h"

enum { NAME_CHARACTERS = 80 };

static const struct {
    const char *name, *mark, *label, *help;
} states[] = {
#define X(name, mark, label, help) {name, mark, label, help},
    WM_STATES(X)
#undef X
};

/* Words of the argument "state" that stand for several. */
static const struct {
    const char *name, *states;
} sets[] = {
    {"expected", "never,silent,late,partial,clock,active"},
    {"received", "partial,clock,active"},
    {"problem", "never,silent,late,partial,clock"},
};

json_t *wm_page_state_of(const char *name)
{
    for (size_t i = 0; name && i < sizeof states / sizeof *states; i++)
        if (!strcmp(name, states[i].name))
            return json_pack("{s:s, s:s, s:s, s:s}", "name", name, "label", states[i].label, "mark",
                             states[i].mark, "help", states[i].help);
    return json_object();
}

void wm_page_state(json_t *object)
{
    const char *name = json_string_value(json_object_get(object, "state"));

    json_object_set_new(object, "state", wm_page_state_of(name));
}

const wm_err *wm_page_states(const char **names, const char *state, apr_pool_t *pool)
{
    *names = NULL;
    if (!state)
        return NULL;
    for (size_t i = 0; i < sizeof sets / sizeof *sets; i++)
        if (!strcmp(state, sets[i].name))
            *names = sets[i].states;
    for (size_t i = 0; i < sizeof states / sizeof *states; i++)
        if (!strcmp(state, states[i].name))
            *names = states[i].name;
    if (!*names)
        return wm_err_make(pool, WM_E_INPUT, "state in the address is none of the states");
    return NULL;
}

static const struct {
    apr_int64_t size, up_to;
    const char *word;
} spans[] = {
    {1, 120, "second"},      {60, 7200, "minute"},         {3600, 172800, "hour"},
    {86400, 5184000, "day"}, {2592000, 63072000, "month"}, {31536000, 0, "year"},
};

static size_t unit_of(apr_int64_t seconds)
{
    size_t i = 0;

    while (spans[i].up_to && seconds >= spans[i].up_to)
        i++;
    return i;
}

static const char *in_units(apr_int64_t seconds, size_t unit, apr_pool_t *pool)
{
    apr_int64_t n = seconds / spans[unit].size;

    return apr_psprintf(pool, "%" APR_INT64_T_FMT " %s%s", n, spans[unit].word, n == 1 ? "" : "s");
}

const char *wm_page_duration(apr_int64_t seconds, apr_pool_t *pool)
{
    return in_units(seconds, unit_of(seconds), pool);
}

const char *wm_page_limit(apr_int64_t seconds, apr_pool_t *pool)
{
    size_t unit = unit_of(seconds);

    while (seconds % spans[unit].size)
        unit--;
    return in_units(seconds, unit, pool);
}

const char *wm_page_age(apr_int64_t then, apr_int64_t now, apr_pool_t *pool)
{
    apr_int64_t gone = now - then;

    if (gone > -60 && gone < 60)
        return "just now";
    return gone > 0 ? apr_pstrcat(pool, wm_page_duration(gone, pool), " ago", NULL)
                    : apr_pstrcat(pool, "in ", wm_page_duration(-gone, pool), NULL);
}

const char *wm_page_number(apr_int64_t number, apr_pool_t *pool)
{
    const char *digits = apr_psprintf(pool, "%" APR_INT64_T_FMT, number), *text = "";
    size_t size = strlen(digits), first = (size - (number < 0)) % 3;

    /* A narrow space that does not break between groups of three. */
    first += number < 0;
    text = apr_pstrndup(pool, digits, first);
    for (size_t i = first; i < size; i += 3)
        text = apr_pstrcat(pool, text, i > (size_t)(number < 0) ? "\u202f" : "",
                           apr_pstrndup(pool, digits + i, 3), NULL);
    return text;
}

const char *wm_page_count(apr_int64_t number, const char *one, apr_pool_t *pool)
{
    return apr_pstrcat(pool, wm_page_number(number, pool), " ", one, number == 1 ? "" : "s", NULL);
}

const char *wm_page_bytes(apr_int64_t bytes, apr_pool_t *pool)
{
    static const char *const units[] = {"kB", "MB", "GB", "TB"};
    double value = (double)bytes / 1000;
    size_t i = 0;

    if (bytes < 1000)
        return apr_psprintf(pool, "%" APR_INT64_T_FMT " B", bytes);
    while (value >= 999.95 && i + 1 < sizeof units / sizeof *units) {
        value /= 1000;
        i++;
    }
    return apr_psprintf(pool, value < 10 ? "%.1f %s" : "%.0f %s", value, units[i]);
}

const char *wm_page_lag(const char *lag)
{
    static const struct {
        const char *name, *words;
    } classes[] = {{"minute", "under 1 minute"},
                   {"hour", "under 1 hour"},
                   {"day", "under 1 day"},
                   {"more", "over 1 day"}};

    for (size_t i = 0; lag && i < sizeof classes / sizeof *classes; i++)
        if (!strcmp(lag, classes[i].name))
            return classes[i].words;
    return NULL;
}

const char *wm_page_short(const char *text, size_t characters, apr_pool_t *pool)
{
    const char *end = text;

    for (size_t n = 0; *end; n++) {
        if (n == characters)
            return apr_pstrcat(pool, apr_pstrndup(pool, text, (size_t)(end - text)), "…", NULL);
        end++;
        while (((unsigned char)*end & 0xc0) == 0x80)
            end++;
    }
    return text;
}

/* Has TEXT anything to see?  Blanks of ASCII and control characters have not. */
static int is_visible(const char *text)
{
    for (; *text; text++)
        if ((unsigned char)*text > ' ' && *text != 0x7f)
            return 1;
    return 0;
}

const char *wm_page_shown(const char *name, apr_pool_t *pool)
{
    const char *text = name ? wm_page_short(name, NAME_CHARACTERS, pool) : NULL;

    return !text || is_visible(text) ? text : apr_pstrcat(pool, "“", text, "”", NULL);
}

void wm_page_show_name(json_t *object, const char *key, apr_pool_t *pool)
{
    const char *name = json_string_value(json_object_get(object, key));
    int cut;

    if (!name)
        return;
    cut = wm_page_short(name, NAME_CHARACTERS, pool) != name;
    json_object_set_new(object, "full", cut ? json_string(name) : json_false());
    json_object_set_new(object, "short", json_string(wm_page_shown(name, pool)));
}

void wm_page_ages(json_t *value, apr_time_t now, apr_pool_t *pool)
{
    json_t *epoch = json_object_get(value, "epoch"), *child;
    const char *key;
    size_t i;

    if (json_is_integer(epoch) && json_object_get(value, "local"))
        json_object_set_new(
            value, "age",
            json_string(wm_page_age(json_integer_value(epoch), apr_time_sec(now), pool)));
    json_object_foreach(value, key, child) wm_page_ages(child, now, pool);
    json_array_foreach(value, i, child) wm_page_ages(child, now, pool);
}

void wm_page_number_text(json_t *object, const char *key, apr_pool_t *pool)
{
    const json_t *value = json_object_get(object, key);

    if (json_is_number(value))
        json_object_set_new(
            object, apr_pstrcat(pool, key, "_text", NULL),
            json_string(wm_page_number((apr_int64_t)json_number_value(value), pool)));
}

void wm_page_count_words(json_t *object, const char *key, const char *one, apr_pool_t *pool)
{
    const json_t *value = json_object_get(object, key);

    if (json_is_number(value))
        json_object_set_new(
            object, apr_pstrcat(pool, key, "_words", NULL),
            json_string(wm_page_count((apr_int64_t)json_number_value(value), one, pool)));
}

void wm_page_total(json_t *page, const char *one, apr_pool_t *pool)
{
    int many = json_integer_value(json_object_get(page, "total")) != 1;

    wm_page_number_text(page, "total", pool);
    json_object_set_new(page, "total_noun",
                        json_string(apr_pstrcat(pool, one, many ? "s" : "", NULL)));
}
