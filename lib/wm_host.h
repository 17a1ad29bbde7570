/* SPDX-License-Identifier: Apache-2.0 */
/* The machine: processor, disks, processes, people. */
#ifndef WM_HOST_H
#define WM_HOST_H

#include <apr_pools.h>
#include <apr_tables.h>
#include <apr_time.h>
#include <jansson.h>

#include "wm_err.h"

/* Seconds of all processors since the start of the machine, and those of them without work. */
const wm_err *wm_host_times(double *all, double *idle, apr_pool_t *pool);

/* Seconds of processors that process PID has used.  WM_E_NOT_FOUND: it has ended. */
const wm_err *wm_host_process_time(double *seconds, int pid, apr_pool_t *pool);

/* Percent of the processors' time that was not idle during the next DURATION: waits for so long. */
const wm_err *wm_host_cpu(double *percent, apr_interval_time_t duration, apr_pool_t *pool);

/* Sessions of people who are logged in on a terminal. */
const wm_err *wm_host_users(int *users, apr_pool_t *pool);

/* Processes, and those among them that have ended and whose parent does not care. */
const wm_err *wm_host_processes(int *all, int *zombies, apr_pool_t *pool);

/* {device: percent in use} of mounted devices, but for loop devices and those named in IGNORED (of
 * const char *; may be NULL), in POOL. */
const wm_err *wm_host_disks(json_t **disks, const apr_array_header_t *ignored, apr_pool_t *pool);

#endif
