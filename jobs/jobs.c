/* SPDX-License-Identifier: Apache-2.0 */
/* The jobs that webmunkd has.  A file of its own, so that a test can run others. */
#include <stddef.h>

#include "job.h"

#define X(name) &wm_job_##name,
const wm_job *const wm_jobs[] = {WM_JOBS(X) NULL};
#undef X
