/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <string.h>

#include "wm_decimal.h"

#define EXPONENT_LIMIT APR_INT64_C(1000000000)

static int is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static int is_blank(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

/* e+123 at P; P moves behind it.  0 when digits are missing. */
static int parse_exponent(apr_int64_t *exponent, const char **p, const char *end)
{
    int negative = 0;

    *exponent = 0;
    if (*p == end || (**p != 'e' && **p != 'E'))
        return 1;
    ++*p;
    if (*p < end && (**p == '+' || **p == '-'))
        negative = *(*p)++ == '-';
    if (*p == end || !is_digit(**p))
        return 0;
    for (; *p < end && is_digit(**p); ++*p)
        if (*exponent < EXPONENT_LIMIT)
            *exponent = *exponent * 10 + (**p - '0');
    if (*exponent > EXPONENT_LIMIT)
        *exponent = EXPONENT_LIMIT;
    if (negative)
        *exponent = -*exponent;
    return 1;
}

int wm_decimal_parse(wm_decimal *d, const char *text, size_t size)
{
    const char *p = text, *end = text + size;
    apr_int64_t whole = 0, behind = 0, zeros = 0, exponent;

    while (p < end && is_blank(*p))
        p++;
    while (end > p && is_blank(end[-1]))
        end--;
    memset(d, 0, sizeof *d);
    if (p < end && (*p == '-' || *p == '+'))
        d->negative = *p++ == '-';
    for (; p < end && is_digit(*p); p++, whole++)
        if (!d->first && *p != '0')
            d->first = p, d->point = -whole;
    d->point += whole;
    d->integer = p == end;
    d->last = p;
    if (p < end && *p == '.')
        for (p++; p < end && is_digit(*p); p++, behind++) {
            d->last = p + 1;
            if (d->first)
                continue;
            if (*p == '0')
                zeros++;
            else
                d->first = p, d->point = -zeros;
        }
    if (!whole && !behind)
        return 0;
    if (!parse_exponent(&exponent, &p, end) || p != end)
        return 0;
    d->point = d->first ? d->point + exponent : 0;
    d->scale = behind - exponent;
    return 1;
}

/* The next digit at *P, zero behind the last one. */
static int next_digit(const wm_decimal *d, const char **p)
{
    if (*p < d->last && **p == '.')
        ++*p;
    return *p < d->last ? *(*p)++ - '0' : 0;
}

static int rest_is_zero(const wm_decimal *d, const char *p)
{
    for (; p < d->last; p++)
        if (*p != '0' && *p != '.')
            return 0;
    return 1;
}

apr_int64_t wm_decimal_scaled(const wm_decimal *d, int shift)
{
    apr_int64_t digits = d->point + shift, value = 0;
    const char *p = d->first;
    int next;

    if (!p || digits < 0)
        return 0;
    for (; digits > 0; digits--)
        value = value * 10 + next_digit(d, &p);
    next = next_digit(d, &p);
    if (next > 5 || (next == 5 && (!rest_is_zero(d, p) || (value & 1))))
        value++;
    return d->negative ? -value : value;
}

double wm_decimal_double(const wm_decimal *d)
{
    apr_uint64_t digits = 0;
    apr_int64_t exponent = d->point;
    const char *p = d->first;
    long double value, power = 10;

    if (!p)
        return 0;
    if (d->point > 309)
        return d->negative ? -HUGE_VAL : HUGE_VAL;
    if (d->point < -400)
        return 0;
    for (int i = 0; i < 19 && p < d->last; i++, exponent--)
        digits = digits * 10 + (apr_uint64_t)next_digit(d, &p);
    value = (long double)digits;
    for (apr_int64_t n = exponent < 0 ? -exponent : exponent; n; n >>= 1, power *= power)
        if (n & 1)
            value = exponent < 0 ? value / power : value * power;
    return (double)(d->negative ? -value : value);
}

int wm_decimal_storable(const char *text, size_t size)
{
    /* 2^1024 less half a unit: from here on a double is infinite. */
    static const char limit[] = "17976931348623158079";
    const char *p;
    wm_decimal d;

    if (!wm_decimal_parse(&d, text, size) || d.scale > 16383 || d.scale < -100000)
        return 0;
    if (!d.first)
        return 1;
    if (d.integer)
        return d.point <= 131072;
    if (d.point != 309)
        return d.point < 309;
    p = d.first;
    for (int i = 0; limit[i]; i++) {
        int digit = next_digit(&d, &p) + '0';

        if (digit != limit[i])
            return digit < limit[i];
    }
    return 0;
}
