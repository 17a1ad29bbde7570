/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include <apr_strings.h>
#include <jansson.h>

#include "job_args.h"
#include "wm_json_own.h"

static const char *job_names(apr_pool_t *pool)
{
    const char *list = NULL;

    for (int i = 0; wm_jobs[i]; i++)
        list = list ? apr_pstrcat(pool, list, ", ", wm_jobs[i]->name, NULL) : wm_jobs[i]->name;
    return list;
}

const wm_err *wm_job_arg_job(const wm_job **job, wm_run *run, const char *name)
{
    *job = wm_job_find(name);
    return *job ? NULL
                : wm_run_usage(run, "there is no job \"%s\"; there are %s", name,
                               job_names(run->pool));
}

const wm_err *wm_job_arg_params(json_t **params, wm_run *run)
{
    const char *text = wm_run_option(run, "params");
    const wm_err *err;

    if (!text) {
        *params = wm_json_own(json_object(), run->pool);
        return NULL;
    }
    err = wm_json_own_parse(params, text, strlen(text), run->pool);
    return err || !json_is_object(*params)
               ? wm_run_usage(run, "--params must be a JSON object like {\"export\": 17}")
               : NULL;
}

const wm_err *wm_job_arg_number(apr_int64_t *value, wm_run *run, const char *option, int low,
                                int high)
{
    const char *text = wm_run_option(run, option);
    char *end;

    if (!text)
        return NULL;
    *value = apr_strtoi64(text, &end, 10);
    if (end == text || *end || *value < low || *value > high)
        return wm_run_usage(run, "--%s is \"%s\" and must be a number from %d to %d", option, text,
                            low, high);
    return NULL;
}
