/* SPDX-License-Identifier: Apache-2.0 */
/* The digest of alerts as plain text.  Ids are texts of clients, reasons of anybody: each stays on its
 * line and has a bound. */
#include <string.h>

#include <apr_strings.h>

#include "wm_alert.h"
#include "wm_page_int.h"

static const struct {
    const char *name, *title, *count;
} parts[] = {{"opened", "Opened since the last digest", "opened"},
             {"closed", "Closed since the last digest", "closed"},
             {"open", "Still open", "still open"}};

enum { PARTS = sizeof parts / sizeof *parts };

static const char *text_of(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));

    return text ? text : "";
}

static const char *local(const json_t *alert, const char *key)
{
    return text_of(json_object_get(alert, key), "local");
}

/* "  p17 (Pilot): battery at 9 % (limit 20 %), since 2026-02-01 14:05" */
static const char *line_of(const json_t *alert, int many_studies, apr_pool_t *pool)
{
    const json_t *participant = json_object_get(alert, "participant");
    const char *who = wm_page_shown(text_of(participant, "identifier"), pool);
    const char *study = many_studies ? text_of(alert, "study_name") : "";
    const char *closed = local(alert, "closed");

    return apr_pstrcat(pool, "  ",
                       json_is_object(participant) ? wm_alert_line(who, pool) : "Server",
                       *study ? " (" : "", wm_alert_line(study, pool), *study ? ")" : "", ": ",
                       wm_alert_words(alert, pool), *closed ? ", " : ", since ",
                       local(alert, "opened"), *closed ? " to " : "", closed, "\n", NULL);
}

static const char *part_text(const json_t *digest, int part, apr_pool_t *pool)
{
    const json_t *alerts = json_object_get(json_object_get(digest, "alerts"), parts[part].name);
    apr_int64_t total =
        json_integer_value(json_object_get(json_object_get(digest, "counts"), parts[part].name));
    int many = json_integer_value(json_object_get(digest, "studies")) > 1;
    apr_int64_t shown = (apr_int64_t)json_array_size(alerts);
    const char *text, *level = "";
    json_t *alert;
    size_t i;

    if (!total)
        return "";
    text = apr_psprintf(pool, "%s: %" APR_INT64_T_FMT "\n", parts[part].title, total);
    json_array_foreach(alerts, i, alert)
    {
        const wm_alert_level *of = wm_alert_levels;

        while (of->name && strcmp(of->name, text_of(alert, "level")))
            of++;
        if (of->name && strcmp(level, of->name)) {
            level = of->name;
            text = apr_pstrcat(pool, text, "\n", of->label, "\n", NULL);
        }
        text = apr_pstrcat(pool, text, line_of(alert, many, pool), NULL);
    }
    if (total > shown)
        text = apr_psprintf(pool, "%s  and %" APR_INT64_T_FMT " more\n", text, total - shown);
    return apr_pstrcat(pool, text, "\n", NULL);
}

void wm_alert_digest_make(wm_alert_digest *made, const json_t *digest, const char *site,
                          apr_pool_t *pool)
{
    const json_t *counts = json_object_get(digest, "counts");
    const char *subject = "Alerts:", *body = "";

    for (int i = 0; i < PARTS; i++) {
        apr_int64_t n = json_integer_value(json_object_get(counts, parts[i].name));

        if (n)
            subject = apr_psprintf(pool, "%s%s %" APR_INT64_T_FMT " %s", subject, *body ? "," : "",
                                   n, parts[i].count);
        body = apr_pstrcat(pool, body, part_text(digest, i, pool), NULL);
    }
    made->subject = subject;
    made->body = apr_pstrcat(pool, body, "Times are of ", text_of(digest, "zone"), ".\n",
                             site ? apr_pstrcat(pool, site, "/alerts\n", NULL) : "", NULL);
}
