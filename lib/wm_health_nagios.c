/* SPDX-License-Identifier: Apache-2.0 */
/* HEALTH in the two forms that Nagios scripts of the reference read (wire protocol, 21). */
#include <string.h>

#include <apr_strings.h>

#include "wm_health.h"
#include "wm_json_own.h"

static const char *text_of(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));

    return text ? text : "";
}

json_t *wm_health_jobs(const json_t *health, apr_pool_t *pool)
{
    const json_t *facts = json_object_get(health, "facts"), *row;
    json_t *errors = json_array(), *warnings = json_array();
    size_t i;

    json_array_foreach(json_object_get(health, "checks"), i, row)
    {
        int state = wm_health_state(text_of(row, "state"));

        if (!strcmp(text_of(row, "name"), "runner") && state != WM_HEALTH_OK)
            json_array_append_new(state == WM_HEALTH_CRITICAL ? errors : warnings,
                                  json_string("runner"));
    }
    json_array_foreach(json_object_get(facts, "schedules"), i, row)
    {
        const char *what = text_of(row, "what");
        json_t *name =
            json_string(apr_pstrcat(pool, text_of(row, "name"), *what ? " " : "", what, NULL));

        if (json_is_true(json_object_get(row, "overdue")))
            json_array_append(errors, name);
        else if (!strcmp(text_of(row, "last"), "failed"))
            json_array_append(warnings, name);
        json_decref(name);
    }
    return wm_json_own(json_pack("{s:o, s:o}", "errors", errors, "warnings", warnings), pool);
}

json_t *wm_health_issues(const json_t *health, apr_pool_t *pool)
{
    json_t *issues = json_array();
    const json_t *row;
    size_t i;

    json_array_foreach(json_object_get(health, "checks"), i, row)
    {
        const char *name = text_of(row, "name");

        if (wm_health_state(text_of(row, "state")) != WM_HEALTH_OK && strcmp(name, "runner") &&
            strcmp(name, "schedules"))
            json_array_append_new(issues,
                                  json_string(apr_pstrcat(pool, "webmunk: ", text_of(row, "label"),
                                                          ": ", text_of(row, "words"), NULL)));
    }
    return wm_json_own(json_pack("{s:o}", "issues", issues), pool);
}
