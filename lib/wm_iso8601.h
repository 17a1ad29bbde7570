/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WM_ISO8601_H
#define WM_ISO8601_H

#include <stddef.h>
#include <apr_time.h>

/* Parse an instant in ISO 8601, extended (2023-11-14T22:13:20.5+01:00) or basic form
 * (20231114T221320Z), with blanks around it: T may be a blank, the time, the seconds, their fraction
 * and the offset may be missing; without an offset it is UTC.  Microseconds since 1970, rounded half
 * to even.  0 when TEXT is nothing of the kind or no date of the years 1 to 9999. */
int wm_iso8601_parse(apr_time_t *time, const char *text, size_t size);

#endif
