/* SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <apr_strings.h>

#include "wm_err.h"

static const struct {
    int status;
    const char *text;
} kinds[] = {
#define X(name, status, text) {status, text},
    WM_ERRORS(X)
#undef X
};

/* apr_pvsprintf would not know %zu, which the compiler's check of our formats admits. */
static const char *format(apr_pool_t *pool, const char *fmt, va_list ap)
    __attribute__((format(printf, 2, 0)));

static const char *format(apr_pool_t *pool, const char *fmt, va_list ap)
{
    va_list again;
    char *text;
    int size;

    va_copy(again, ap);
    size = vsnprintf(NULL, 0, fmt, again);
    va_end(again);
    if (size < 0)
        return fmt;
    text = apr_palloc(pool, (apr_size_t)size + 1);
    vsnprintf(text, (size_t)size + 1, fmt, ap);
    return text;
}

static wm_err *make(apr_pool_t *pool, wm_err_code code, const char *why, const wm_err *cause)
{
    wm_err *err = apr_pcalloc(pool, sizeof *err);

    err->code = code;
    err->why = why;
    err->cause = cause;
    if (cause)
        memcpy(err->sqlstate, cause->sqlstate, sizeof err->sqlstate);
    return err;
}

const wm_err *wm_err_make(apr_pool_t *pool, wm_err_code code, const char *fmt, ...)
{
    const char *why;
    va_list ap;

    va_start(ap, fmt);
    why = format(pool, fmt, ap);
    va_end(ap);
    return make(pool, code, why, NULL);
}

const wm_err *wm_err_apr(apr_pool_t *pool, apr_status_t status, const char *fmt, ...)
{
    const char *why;
    char text[200];
    va_list ap;

    va_start(ap, fmt);
    why = format(pool, fmt, ap);
    va_end(ap);
    apr_strerror(status, text, sizeof text);
    return make(pool, WM_E_SYSTEM, apr_pstrcat(pool, why, ": ", text, NULL), NULL);
}

const wm_err *wm_err_wrap(apr_pool_t *pool, const wm_err *cause, const char *fmt, ...)
{
    const char *why;
    va_list ap;

    if (!cause)
        return NULL;
    va_start(ap, fmt);
    why = format(pool, fmt, ap);
    va_end(ap);
    return make(pool, cause->code, why, cause);
}

const char *wm_err_text(const wm_err *err, apr_pool_t *pool)
{
    const char *text = err->why;

    for (err = err->cause; err; err = err->cause)
        text = apr_pstrcat(pool, text, ": ", err->why, NULL);
    return text;
}

int wm_err_status(wm_err_code code)
{
    return kinds[code].status;
}

const char *wm_err_public(wm_err_code code)
{
    return kinds[code].text;
}
