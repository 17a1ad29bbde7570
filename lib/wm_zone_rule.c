/* SPDX-License-Identifier: Apache-2.0 */
#include <ctype.h>
#include <string.h>

#include "wm_zone.h"
#include "wm_zone_rule.h"

enum { DAY = 86400 };

static int number(const char **at, int *value, int max)
{
    if (!isdigit((unsigned char)**at))
        return 0;
    for (*value = 0; isdigit((unsigned char)**at); (*at)++) {
        *value = *value * 10 + (**at - '0');
        if (*value > max)
            return 0;
    }
    return 1;
}

static int skip_name(const char **at)
{
    const char *from = *at;

    if (*from == '<') {
        *at = strchr(from, '>');
        return *at && (*at)++ - from > 1;
    }
    while (isalpha((unsigned char)**at))
        (*at)++;
    return *at - from >= 3;
}

/* [+-]hh[:mm[:ss]] */
static int span(const char **at, int *seconds)
{
    int sign = **at == '-' ? -1 : 1, h, m = 0, s = 0;

    if (**at == '-' || **at == '+')
        (*at)++;
    if (!number(at, &h, 167))
        return 0;
    if (**at == ':') {
        (*at)++;
        if (!number(at, &m, 59))
            return 0;
        if (**at == ':') {
            (*at)++;
            if (!number(at, &s, 59))
                return 0;
        }
    }
    *seconds = sign * (h * 3600 + m * 60 + s);
    return 1;
}

static int change(const char **at, wm_zone_change *c)
{
    if (*(*at)++ != ',')
        return 0;
    c->form = 'D';
    c->time = 7200;
    if (**at == 'M' || **at == 'J')
        c->form = *(*at)++;
    if (c->form == 'M') {
        if (!number(at, &c->month, 12) || *(*at)++ != '.' || !number(at, &c->week, 5) ||
            *(*at)++ != '.' || !number(at, &c->day, 6) || !c->month || !c->week)
            return 0;
    } else if (!number(at, &c->day, 365)) {
        return 0;
    }
    if (**at == '/') {
        (*at)++;
        return span(at, &c->time);
    }
    return 1;
}

int wm_zone_rule_parse(wm_zone_rule *rule, const char *text)
{
    memset(rule, 0, sizeof *rule);
    if (!skip_name(&text) || !span(&text, &rule->standard))
        return 0;
    /* POSIX counts westwards. */
    rule->standard = -rule->standard;
    if (!*text || *text == '\n')
        return 1;
    rule->changes = 1;
    rule->summer = rule->standard + 3600;
    if (!skip_name(&text))
        return 0;
    if (*text != ',') {
        if (!span(&text, &rule->summer))
            return 0;
        rule->summer = -rule->summer;
    }
    return change(&text, &rule->begin) && change(&text, &rule->end) && (!*text || *text == '\n');
}

static int leap(apr_int64_t year)
{
    return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

/* Local seconds since 1970 at which the change falls in YEAR. */
static apr_int64_t local_time(const wm_zone_change *c, apr_int64_t year)
{
    apr_int64_t day;

    if (c->form == 'M') {
        apr_int64_t first = wm_zone_days(year, c->month, 1);
        apr_int64_t next =
            c->month == 12 ? wm_zone_days(year + 1, 1, 1) : wm_zone_days(year, c->month + 1, 1);
        int weekday = (int)(((first + 4) % 7 + 7) % 7);

        day = first + (c->day - weekday + 7) % 7 + 7 * (c->week - 1);
        while (day >= next)
            day -= 7;
    } else {
        day = wm_zone_days(year, 1, 1) + c->day;
        if (c->form == 'J')
            day += leap(year) && c->day >= 60 ? 0 : -1;
    }
    return day * DAY + c->time;
}

int wm_zone_rule_offset(const wm_zone_rule *rule, apr_int64_t seconds, apr_int64_t *from,
                        apr_int64_t *to)
{
    wm_local date;
    int offset = rule->standard;

    *from = APR_INT64_MIN;
    *to = APR_INT64_MAX;
    if (!rule->changes)
        return offset;
    wm_zone_date(&date, (seconds >= 0 ? seconds : seconds - DAY + 1) / DAY);
    /* The last change at or before the instant decides; years around it hold all candidates. */
    for (apr_int64_t year = date.year - 1; year <= date.year + 1; year++) {
        for (int summer = 0; summer < 2; summer++) {
            apr_int64_t at = summer ? local_time(&rule->begin, year) - rule->standard
                                    : local_time(&rule->end, year) - rule->summer;

            if (at <= seconds && at >= *from) {
                *from = at;
                offset = summer ? rule->summer : rule->standard;
            } else if (at > seconds && at < *to) {
                *to = at;
            }
        }
    }
    return offset;
}
