/* SPDX-License-Identifier: Apache-2.0 */
/* What the list of participants is filtered by (dashboard document, 11.3): its form, and the chips of what is
 * in use. */
#include <stdlib.h>
#include <string.h>

#include <apr_strings.h>

#include "wm_page_int.h"
#include "wm_url.h"

enum { HOUR = 3600, SILENT_MAX = 8760 /* hours: a year */ };

/* In hours. */
static const int silences[] = {6, 12, 24, 48, 168};

static const wm_err *read_silent(apr_int64_t *hours, const char *text, apr_pool_t *pool)
{
    *hours = 0;
    if (!text)
        return NULL;
    if (strlen(text) <= 4 && !text[strspn(text, "0123456789")])
        *hours = apr_atoi64(text);
    return *hours >= 1 && *hours <= SILENT_MAX
               ? NULL
               : wm_err_make(pool, WM_E_INPUT,
                             "silent in the address is no whole number of hours from 1 to %d",
                             SILENT_MAX);
}

const wm_err *wm_page_filters_read(wm_page_filters *filters, wm_db *db, const wm_page_query *q,
                                   apr_pool_t *pool)
{
    WM_TRY(wm_page_states(&filters->states, q->state, pool));
    WM_TRY(read_silent(&filters->silent, q->silent, pool));
    return wm_page_named(&filters->generator, db, q->generator, q->generator_number,
                         WM_SQL_PAGE_GENERATOR_NAME, pool);
}

static void add_choice(json_t *list, const char *value, const char *label, int chosen)
{
    json_array_append_new(
        list, json_pack("{s:s, s:s, s:b}", "value", value, "label", label, "chosen", chosen));
}

static int is(const char *given, const char *value)
{
    return given && !strcmp(given, value);
}

/* States that occur with their numbers. */
static json_t *states_of(const json_t *page, const wm_page_query *q, apr_pool_t *pool)
{
    static const char *const order[] = {"problem",   "received",  "never",  "silent",  "late",
                                        "partial",   "clock",     "active", "invited", "paused",
                                        "completed", "withdrawn", "erased"};
    const json_t *counts = json_object_get(page, "counts");
    json_t *list = json_array();

    for (size_t i = 0; i < sizeof order / sizeof *order; i++) {
        apr_int64_t n = json_integer_value(json_object_get(counts, order[i]));
        json_t *state = wm_page_state_of(order[i]);
        const char *label = json_string_value(json_object_get(state, "label"));

        if (!label)
            label = i ? "Sending" : "All with a problem";
        else
            label = apr_psprintf(pool, "%s (%" APR_INT64_T_FMT ")", label, n);
        if (n || is(q->state, order[i]) || i < 2)
            add_choice(list, order[i], label, is(q->state, order[i]));
        json_decref(state);
    }
    return list;
}

static json_t *groups_of(const json_t *page, const wm_page_query *q)
{
    json_t *list = json_array(), *group;
    size_t i;

    json_array_foreach(json_object_get(page, "groups"), i, group)
    {
        const char *name = json_string_value(group);

        add_choice(list, name, name, is(q->group, name));
    }
    if (i)
        add_choice(list, "-", "Without a group", is(q->group, "-"));
    return list;
}

static void add_silence(json_t *list, apr_int64_t hours, apr_int64_t chosen, apr_pool_t *pool)
{
    add_choice(list, apr_psprintf(pool, "%" APR_INT64_T_FMT, hours),
               wm_page_limit(hours * HOUR, pool), hours == chosen);
}

/* Those of everybody, and in its place the one that somebody wrote by hand. */
static json_t *silences_of(apr_int64_t hours, apr_pool_t *pool)
{
    json_t *list = json_array();
    int last = 0;

    for (size_t i = 0; i < sizeof silences / sizeof *silences; i++) {
        if (hours > last && hours < silences[i])
            add_silence(list, hours, hours, pool);
        last = silences[i];
        add_silence(list, last, hours, pool);
    }
    if (hours > last)
        add_silence(list, hours, hours, pool);
    return list;
}

/* A choice that the address could not carry is none. */
static int fits(const char *value, apr_pool_t *pool)
{
    return strlen(wm_url_escape(value, "", pool)) <= WM_PAGE_CHOICE_MAX;
}

/* Clients of the study, the most frequent first; at the end the one that nobody has and is asked for. */
static json_t *clients_of(const json_t *page, const wm_page_query *q, apr_pool_t *pool)
{
    json_t *list = json_array(), *row;
    int found = 0;
    size_t i;

    json_array_foreach(json_object_get(page, "clients"), i, row)
    {
        const char *client = json_string_value(json_object_get(row, "client"));
        apr_int64_t n = json_integer_value(json_object_get(row, "count"));

        found |= is(q->client, client);
        if (fits(client, pool))
            add_choice(
                list, client,
                apr_psprintf(pool, "%s (%" APR_INT64_T_FMT ")", wm_page_shown(client, pool), n),
                is(q->client, client));
    }
    if (q->client && !found)
        add_choice(list, q->client, wm_page_shown(q->client, pool), 1);
    return list;
}

static json_t *generators_of(const json_t *page, const wm_page_query *q, apr_pool_t *pool)
{
    json_t *list = json_array(), *row;
    int found = 0;
    size_t i;

    json_array_foreach(json_object_get(page, "generators"), i, row)
    {
        const char *generator = json_string_value(row);

        found |= is(q->without, generator);
        if (fits(generator, pool))
            add_choice(list, generator, wm_page_shown(generator, pool), is(q->without, generator));
    }
    if (q->without && !found)
        add_choice(list, q->without, wm_page_shown(q->without, pool), 1);
    return list;
}

/* What the chip of the state filter says. */
static const char *state_label(const char *state, apr_pool_t *pool)
{
    json_t *known = state ? wm_page_state_of(state) : NULL;
    const char *label = json_string_value(json_object_get(known, "label"));

    if (state && !label)
        label = !strcmp(state, "problem")    ? "With a problem"
                : !strcmp(state, "received") ? "Sending"
                                             : "Expected to send";
    label = label ? apr_pstrdup(pool, label) : NULL;
    json_decref(known);
    return label;
}

static void add_chips(json_t *page, const wm_page_filters *filters, const wm_page_query *q,
                      apr_pool_t *pool)
{
    const struct {
        const char *label, *value, *name;
    } chips[] = {
        {"Search", q->search, "q"},
        {"State", state_label(q->state, pool), "state"},
        {"Group", is(q->group, "-") ? "none" : q->group, "group"},
        {"Sent within 24 hours", wm_page_shown(filters->generator, pool),
         q->generator ? "generator" : "generator-number"},
        {"Nothing received for more than",
         filters->silent ? wm_page_limit(filters->silent * HOUR, pool) : NULL, "silent"},
        {"Client", wm_page_shown(q->client, pool), "client"},
        {"Nothing within 7 days of", wm_page_shown(q->without, pool), "without"},
    };

    for (size_t i = 0; i < sizeof chips / sizeof *chips; i++)
        wm_page_chip(page, chips[i].label, chips[i].value, "participants", chips[i].name, q, pool);
}

const wm_err *wm_page_filters_show(json_t *page, const wm_page_filters *filters,
                                   const wm_page_query *q, apr_pool_t *pool)
{
    if (q->without && !json_is_true(json_object_get(page, "lacking")))
        return wm_err_make(pool, WM_E_INPUT, "without in the address is no generator");
    json_object_del(page, "lacking");
    add_chips(page, filters, q, pool);
    json_object_set_new(page, "states", states_of(page, q, pool));
    json_object_set_new(page, "groups", groups_of(page, q));
    json_object_set_new(page, "has_groups",
                        json_boolean(json_array_size(json_object_get(page, "groups")) > 0));
    json_object_set_new(page, "silences", silences_of(filters->silent, pool));
    json_object_set_new(page, "clients", clients_of(page, q, pool));
    json_object_set_new(page, "generators", generators_of(page, q, pool));
    json_object_set_new(page, "more_filters", json_boolean(q->silent || q->client || q->without));
    return NULL;
}
