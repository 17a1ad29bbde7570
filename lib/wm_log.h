/* SPDX-License-Identifier: Apache-2.0 */
/* The library's log lines go to whatever the host set.  Tags WMnnnn are listed in docs/log-tags. */
#ifndef WM_LOG_H
#define WM_LOG_H

#include <stdarg.h>

typedef enum {
    WM_LOG_ERROR,
    WM_LOG_WARNING,
    WM_LOG_NOTICE,
    WM_LOG_INFO,
    WM_LOG_DEBUG
} wm_log_level;

typedef struct wm_log {
    int (*enabled)(void *host, wm_log_level level); /* asked before anything is formatted */
    void (*write)(void *host, wm_log_level level, const char *fmt, va_list ap);
    void *host;
} wm_log;

/* Write one line if LOG (may be NULL) wants LEVEL.  FMT begins with the tag. */
void wm_log_write(const wm_log *log, wm_log_level level, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

#endif
