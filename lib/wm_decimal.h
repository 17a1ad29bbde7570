/* SPDX-License-Identifier: Apache-2.0 */
/* Decimal numbers as text: doubles would round a time twice, and strtod obeys the locale that
 * another httpd module may have set. */
#ifndef WM_DECIMAL_H
#define WM_DECIMAL_H

#include <stddef.h>
#include <apr.h>

/* A number 0.D1D2... x 10^point, D1 not 0.  Points into the text that was parsed. */
typedef struct wm_decimal {
    const char *first; /* D1; NULL when the number is zero */
    const char *last;  /* behind the last digit; a point may be among the digits */
    apr_int64_t point;
    apr_int64_t scale; /* digits behind the point, less the exponent */
    int negative;
    int integer; /* written without point and exponent */
} wm_decimal;

/* Parse TEXT: a JSON number, and what people write besides: blanks around it, a plus sign, no digit
 * before or behind the point.  0 when it is no number.  Exponents saturate at 10^9. */
int wm_decimal_parse(wm_decimal *number, const char *text, size_t size);

/* The number times 10^SHIFT, rounded half to even.  point + SHIFT must be at most 18. */
apr_int64_t wm_decimal_scaled(const wm_decimal *number, int shift);

/* The number as a double, within one unit in the last place; HUGE_VAL when it is too large. */
double wm_decimal_double(const wm_decimal *number);

/* Whether the JSON number TEXT survives in jsonb and in an IEEE double: numeric holds 131072 digits
 * before the point and 16383 behind it, and a double 1.797e308. */
int wm_decimal_storable(const char *text, size_t size);

#endif
