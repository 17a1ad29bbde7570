/* SPDX-License-Identifier: Apache-2.0 */
/* The few lines of TAP that a C test needs; the plan is printed last. */
#ifndef WM_TAP_H
#define WM_TAP_H

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int tap_count, tap_failed;

static inline int tap_ok(int good, const char *file, int line, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

static inline int tap_ok(int good, const char *file, int line, const char *fmt, ...)
{
    va_list ap;

    printf("%sok %d - ", good ? "" : "not ", ++tap_count);
    va_start(ap, fmt);
    vprintf(fmt, ap);
    va_end(ap);
    printf("\n");
    if (!good) {
        tap_failed++;
        printf("#   at %s line %d\n", file, line);
    }
    fflush(stdout);
    return good;
}

static inline int tap_str(const char *got, const char *want, const char *file, int line,
                          const char *name)
{
    int good = got && want ? !strcmp(got, want) : got == want;

    tap_ok(good, file, line, "%s", name);
    if (!good)
        printf("#     got: %s\n#    want: %s\n", got ? got : "(null)", want ? want : "(null)");
    return good;
}

static inline int done(void)
{
    printf("1..%d\n", tap_count);
    return tap_failed != 0;
}

#define ok(good, ...)           tap_ok(!!(good), __FILE__, __LINE__, __VA_ARGS__)
#define is_str(got, want, name) tap_str((got), (want), __FILE__, __LINE__, (name))
#define is_int(got, want, name)                                              \
    do {                                                                     \
        long long tap_got = (got), tap_want = (want);                        \
        if (!ok(tap_got == tap_want, "%s", name))                            \
            printf("#     got: %lld\n#    want: %lld\n", tap_got, tap_want); \
    } while (0)

#endif
