/* SPDX-License-Identifier: Apache-2.0 */
/* What stands at the head of a participant's page, whichever tab is below. */
#include <string.h>

#include <apr_strings.h>

#include "wm_page_int.h"

static const char *moment(const json_t *object, const char *key, const char *part)
{
    const char *text = json_string_value(json_object_get(json_object_get(object, key), part));

    return text ? text : "";
}

/* Why the participant is in this state, in words. */
static const char *reason(const json_t *p, apr_pool_t *pool)
{
    const char *state = json_string_value(json_object_get(p, "state")), *words, *alive = "";

    if (!strcmp(state, "silent") || !strcmp(state, "late")) {
        if (json_integer_value(json_object_get(json_object_get(p, "sign_of_life"), "epoch")) >
            json_integer_value(json_object_get(json_object_get(p, "received"), "epoch")) + 60)
            alive = apr_pstrcat(pool, "; the client was alive ", moment(p, "sign_of_life", "age"),
                                NULL);
        return apr_pstrcat(pool, "no data since ", moment(p, "received", "local"), " (",
                           moment(p, "received", "age"), ")", alive, NULL);
    }
    if (!strcmp(state, "never") || !strcmp(state, "invited"))
        return apr_pstrcat(pool, "on the list since ", moment(p, "enrolled", "local"),
                           ", nothing received", NULL);
    if (!strcmp(state, "paused"))
        return apr_pstrcat(pool, "until ", moment(p, "paused_until", "local"), NULL);
    if (!strcmp(state, "clock"))
        return apr_pstrcat(pool, "the newest point says ", moment(p, "created", "local"),
                           ", received ", moment(p, "received", "age"), NULL);
    if (!strcmp(state, "withdrawn") || !strcmp(state, "completed") || !strcmp(state, "erased"))
        return apr_pstrcat(pool, "since ", moment(p, "since", "local"), NULL);
    words = moment(p, "received", "age");
    if (!*words)
        return "nothing received";
    return apr_pstrcat(pool, "data received ", words,
                       !strcmp(state, "partial") ? ", but a required generator is missing" : "",
                       NULL);
}

/* Whether exports have them, in words. */
static const char *exports(const json_t *p, apr_pool_t *pool)
{
    const char *skipped = json_string_value(json_object_get(p, "skipped"));
    const char *since = moment(p, "excluded", "local");

    return !skipped ? "included"
           : strcmp(skipped, "excluded from exports")
               ? apr_pstrcat(pool, "left out: ", skipped, NULL)
               : apr_pstrcat(pool, "excluded since ", since, NULL);
}

int wm_page_may_exclude(const wm_account *person, apr_int64_t study)
{
    return wm_account_may(person, WM_MAY_PARTICIPANTS, study);
}

void wm_page_person(json_t *p, const wm_page_query *q, apr_pool_t *pool)
{
    apr_int64_t study = json_integer_value(json_object_get(p, "study_id"));

    wm_page_ages(p, q->now, pool);
    json_object_set_new(p, "reason", json_string(reason(p, pool)));
    json_object_set_new(p, "exports", json_string(exports(p, pool)));
    json_object_set_new(p, "may_exclude",
                        json_boolean(!q->person || wm_page_may_exclude(q->person, study)));
    wm_page_state(p);
    wm_page_participant_link(p, q, pool);
    wm_page_number_text(p, "points", pool);
    wm_page_number_text(p, "repeats", pool);
    wm_page_number_text(p, "quarantined", pool);
    if (json_is_number(json_object_get(p, "battery")))
        json_object_set_new(p, "has_battery", json_true());
    json_object_set_new(p, "named",
                        json_boolean(strcmp(json_string_value(json_object_get(p, "identifier")),
                                            json_string_value(json_object_get(p, "name")))));
}
