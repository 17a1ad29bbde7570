/* SPDX-License-Identifier: Apache-2.0 */
/* What the commands about jobs read from the command line; errors are of usage. */
#ifndef WM_JOB_ARGS_H
#define WM_JOB_ARGS_H

#include "command.h"
#include "job.h"

/* The job called NAME. */
const wm_err *wm_job_arg_job(const wm_job **job, wm_run *run, const char *name);

/* --params, an empty object without it. */
const wm_err *wm_job_arg_params(struct json_t **params, wm_run *run);

/* The number of OPTION; *VALUE stays without it. */
const wm_err *wm_job_arg_number(apr_int64_t *value, wm_run *run, const char *option, int low,
                                int high);

#endif
