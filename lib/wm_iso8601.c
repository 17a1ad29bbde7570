/* SPDX-License-Identifier: Apache-2.0 */
#include "wm_iso8601.h"

#include "wm_decimal.h"

typedef struct reader {
    const char *p, *end;
} reader;

static int is_blank(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

/* Exactly COUNT digits. */
static int digits(reader *r, int count, int *value)
{
    *value = 0;
    if (r->end - r->p < count)
        return 0;
    for (; count; count--, r->p++) {
        if (*r->p < '0' || *r->p > '9')
            return 0;
        *value = *value * 10 + (*r->p - '0');
    }
    return 1;
}

static int skip(reader *r, char c)
{
    if (r->p == r->end || *r->p != c)
        return 0;
    r->p++;
    return 1;
}

/* Days since 1970 in the proleptic Gregorian calendar; March is the first month, so that the leap day
 * is the last of its year. */
static apr_int64_t days_of(int year, int month, int day)
{
    apr_int64_t y = month > 2 ? year : year - 1;
    apr_int64_t era = y / 400, in_era = y % 400;
    apr_int64_t in_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;

    return era * 146097 + in_era * 365 + in_era / 4 - in_era / 100 + in_year - 719468;
}

static int days_in(int year, int month)
{
    static const char days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    int leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);

    return days[month - 1] + (month == 2 && leap);
}

static int parse_date(reader *r, apr_int64_t *day_number)
{
    int year, month, day, extended;

    if (!digits(r, 4, &year))
        return 0;
    extended = skip(r, '-');
    if (!digits(r, 2, &month) || (extended && !skip(r, '-')) || !digits(r, 2, &day))
        return 0;
    if (year < 1 || month < 1 || month > 12 || day < 1 || day > days_in(year, month))
        return 0;
    *day_number = days_of(year, month, day);
    return 1;
}

/* .123456789 or ,123456789 as microseconds. */
static int parse_fraction(reader *r, apr_int64_t *micros)
{
    const char *start = r->p;
    wm_decimal fraction = {.first = r->p + 1};

    *micros = 0;
    if (r->p == r->end || (*r->p != '.' && *r->p != ','))
        return 1;
    for (r->p++; r->p < r->end && *r->p >= '0' && *r->p <= '9';)
        r->p++;
    fraction.last = r->p;
    *micros = wm_decimal_scaled(&fraction, 6);
    return r->p > start + 1;
}

/* 22:13:20.5 or 221320.5; seconds are optional, a leap second is the next minute's first. */
static int parse_clock(reader *r, apr_int64_t *micros)
{
    int hour, minute, second = 0, extended;
    apr_int64_t fraction = 0;

    if (!digits(r, 2, &hour))
        return 0;
    extended = skip(r, ':');
    if (!digits(r, 2, &minute))
        return 0;
    if (extended ? skip(r, ':') : r->p < r->end && *r->p >= '0' && *r->p <= '9')
        if (!digits(r, 2, &second) || !parse_fraction(r, &fraction))
            return 0;
    if (hour > 23 || minute > 59 || second > 60)
        return 0;
    *micros = ((hour * 60 + minute) * APR_INT64_C(60) + second) * APR_USEC_PER_SEC + fraction;
    return 1;
}

/* Z, +01, +0130, +01:30, +01:30:15 or nothing, as seconds east. */
static int parse_offset(reader *r, apr_int64_t *seconds)
{
    int hour, minute = 0, second = 0, west;

    *seconds = 0;
    if (r->p == r->end)
        return 1;
    if (skip(r, 'Z') || skip(r, 'z'))
        return r->p == r->end;
    west = *r->p == '-';
    if (!skip(r, '+') && !skip(r, '-'))
        return 0;
    if (!digits(r, 2, &hour))
        return 0;
    if (r->p < r->end) {
        skip(r, ':');
        if (!digits(r, 2, &minute))
            return 0;
    }
    if (r->p < r->end && (!skip(r, ':') || !digits(r, 2, &second)))
        return 0;
    if (r->p != r->end || hour > 23 || minute > 59 || second > 59)
        return 0;
    *seconds = (hour * 60 + minute) * APR_INT64_C(60) + second;
    if (west)
        *seconds = -*seconds;
    return 1;
}

int wm_iso8601_parse(apr_time_t *time, const char *text, size_t size)
{
    reader r = {text, text + size};
    apr_int64_t day, clock = 0, offset = 0;

    while (r.p < r.end && is_blank(*r.p))
        r.p++;
    while (r.end > r.p && is_blank(r.end[-1]))
        r.end--;
    if (!parse_date(&r, &day))
        return 0;
    if (r.p < r.end) {
        if (!skip(&r, 'T') && !skip(&r, 't') && !skip(&r, ' '))
            return 0;
        if (!parse_clock(&r, &clock) || !parse_offset(&r, &offset))
            return 0;
    }
    *time = (day * 86400 - offset) * APR_USEC_PER_SEC + clock;
    return 1;
}
