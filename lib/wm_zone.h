/* SPDX-License-Identifier: Apache-2.0 */
/* Time zones by name, read from the system's TZif files (RFC 8536), because local times of many
 * zones stand in one file of rows and localtime knows one zone per process. */
#ifndef WM_ZONE_H
#define WM_ZONE_H

#include <apr_pools.h>
#include <apr_time.h>

typedef struct wm_zone wm_zone;

/* A local time.  YEAR is astronomical. */
typedef struct wm_local {
    apr_int64_t year;
    int month, day, hour, minute, second, micros;
    int offset; /* seconds east of UTC */
} wm_local;

/* The zone NAME in POOL; letters of either case will do.  NULL when there is no such zone, which
 * covers names that are no names of files. */
wm_zone *wm_zone_find(const char *name, apr_pool_t *pool);

/* UTC, without a file. */
wm_zone *wm_zone_utc(apr_pool_t *pool);

/* Its name as the files spell it. */
const char *wm_zone_name(const wm_zone *zone);

/* The local time of an instant.  Remembers the transition before it: a zone belongs to one thread. */
void wm_zone_local(wm_local *local, wm_zone *zone, apr_time_t time);

/* The date of DAY, counted from 1970-01-01. */
void wm_zone_date(wm_local *local, apr_int64_t day);

/* Days from 1970-01-01 to the date. */
apr_int64_t wm_zone_days(apr_int64_t year, int month, int day);

#endif
