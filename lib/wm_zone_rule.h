/* SPDX-License-Identifier: Apache-2.0 */
/* The rule at the end of a TZif file (POSIX TZ with RFC 8536's extensions): what holds behind its
 * last transition. */
#ifndef WM_ZONE_RULE_H
#define WM_ZONE_RULE_H

#include <apr.h>

typedef struct wm_zone_change {
    char form; /* 'M' month, week, weekday; 'J' day without 29 February; 'D' day from 0 */
    int month, week, day;
    int time; /* seconds after local midnight, may be negative */
} wm_zone_change;

typedef struct wm_zone_rule {
    int standard, summer; /* seconds east of UTC */
    int changes;          /* whether there is summer time */
    wm_zone_change begin, end;
} wm_zone_rule;

/* Parse TEXT up to a line's end; 0 when it is no rule. */
int wm_zone_rule_parse(wm_zone_rule *rule, const char *text);

/* The offset at SECONDS since 1970, which holds in [*FROM, *TO). */
int wm_zone_rule_offset(const wm_zone_rule *rule, apr_int64_t seconds, apr_int64_t *from,
                        apr_int64_t *to);

#endif
