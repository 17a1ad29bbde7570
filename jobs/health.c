/* SPDX-License-Identifier: Apache-2.0 */
#include <apr_strings.h>

#include "health.h"
#include "settings.h"
#include "wm_health.h"

static wm_health_limit limit_of(wm_setting id)
{
    return (wm_health_limit){wm_setting_number(id), wm_setting_critical(id)};
}

/* The folder of archives, and those that the settings name. */
static const apr_array_header_t *folders(apr_pool_t *pool)
{
    apr_array_header_t *list = wm_setting_list(WM_SETTING_HEALTH_FOLDERS, pool);
    const char *exports = wm_setting_text(WM_SETTING_EXPORT_DIR);

    if (exports)
        APR_ARRAY_PUSH(list, const char *) = exports;
    return list;
}

const wm_err *wm_health_take(json_t **facts, json_t **verdict, wm_db *db, apr_time_t now,
                             apr_pool_t *pool)
{
    const wm_health_limits limits = {
        .jobs = limit_of(WM_SETTING_HEALTH_JOBS),
        .exports = limit_of(WM_SETTING_HEALTH_EXPORTS),
        .rollups = limit_of(WM_SETTING_HEALTH_ROLLUPS),
        .transactions = limit_of(WM_SETTING_HEALTH_TRANSACTIONS),
        .silence = limit_of(WM_SETTING_HEALTH_SILENCE),
        .forward = limit_of(WM_SETTING_HEALTH_FORWARD),
        .quarantine = limit_of(WM_SETTING_HEALTH_QUARANTINE),
        .connections = limit_of(WM_SETTING_HEALTH_CONNECTIONS),
        .disk = limit_of(WM_SETTING_HEALTH_DISK),
        .archives = limit_of(WM_SETTING_HEALTH_ARCHIVES),
    };

    WM_TRY(wm_health_ask(facts, db, now, pool));
    wm_health_folders(*facts, folders(pool));
    *verdict = wm_health_judge(*facts, &limits, pool);
    return NULL;
}
