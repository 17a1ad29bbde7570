/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>
#include <sys/statvfs.h>

#include <apr_strings.h>

#include "wm_db.h"
#include "wm_health.h"
#include "wm_json_own.h"
#include "wm_page_int.h"

/* A sample comes every minute. */
enum { OLD_WARNING = 180, OLD_CRITICAL = 600 };

static const char *const words[] = {"ok", "warning", "critical"};

const char *wm_health_word(int state)
{
    return words[state];
}

int wm_health_state(const char *text)
{
    for (int i = 0; text && i < WM_HEALTH_STATES; i++)
        if (!strcmp(text, words[i]))
            return i;
    return WM_HEALTH_CRITICAL;
}

const wm_err *wm_health_ask(json_t **facts, wm_db *db, apr_time_t now, apr_pool_t *pool)
{
    return wm_db_json(facts, db, WM_SQL_HEALTH_FACTS, WM_ARGS(WM_TIME(now)), pool);
}

void wm_health_folders(json_t *facts, const apr_array_header_t *folders)
{
    json_t *list = json_array();

    for (int i = 0; i < folders->nelts; i++) {
        const char *path = APR_ARRAY_IDX(folders, i, const char *);
        json_int_t bytes = 0, left = -1;
        struct statvfs fs;

        if (!statvfs(path, &fs)) {
            bytes = (json_int_t)fs.f_blocks * (json_int_t)fs.f_frsize;
            left = (json_int_t)fs.f_bavail * (json_int_t)fs.f_frsize;
        }
        json_array_append_new(
            list, json_pack("{s:s, s:I, s:I}", "path", path, "bytes", bytes, "free", left));
    }
    json_object_set_new(facts, "folders", list);
}

const wm_err *wm_health_keep(wm_db *db, const json_t *facts, const json_t *verdict, apr_time_t now,
                             apr_pool_t *pool)
{
    return wm_db_do(NULL, db, WM_SQL_HEALTH_KEEP,
                    WM_ARGS(WM_TIME(now), WM_TEXT(wm_json_own_text(facts, pool)),
                            WM_TEXT(wm_json_own_text(verdict, pool))),
                    pool);
}

void wm_health_add_runner(json_t *verdict, apr_int64_t age, apr_pool_t *pool)
{
    int state = age < 0 || age >= OLD_CRITICAL ? WM_HEALTH_CRITICAL
                : age >= OLD_WARNING           ? WM_HEALTH_WARNING
                                               : WM_HEALTH_OK;
    const char *text = "The job runner works.";

    if (age < 0)
        text = "No sample was ever taken: start webmunkd (systemctl start webmunkd).";
    else if (state)
        text = apr_psprintf(pool,
                            "The newest sample is %s old: no runner works, or its database is away."
                            " Look at systemctl status webmunkd.",
                            wm_page_duration(age, pool));
    json_array_insert_new(json_object_get(verdict, "checks"), 0,
                          json_pack("{s:s, s:s, s:s, s:s}", "name", "runner", "label", "Job runner",
                                    "state", words[state], "words", text));
    if (state > wm_health_state(json_string_value(json_object_get(verdict, "state"))))
        json_object_set_new(verdict, "state", json_string(words[state]));
}

const wm_err *wm_health_newest(json_t **health, wm_db *db, apr_time_t now, apr_pool_t *pool)
{
    json_int_t age = -1;

    WM_TRY(wm_db_json(health, db, WM_SQL_HEALTH_NEWEST, WM_ARGS(WM_TIME(now)), pool));
    if (*health)
        age = json_integer_value(json_object_get(*health, "age"));
    else
        *health = wm_json_own(json_pack("{s:s, s:[]}", "state", "ok", "checks"), pool);
    wm_health_add_runner(*health, age, pool);
    return NULL;
}
