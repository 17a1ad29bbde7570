/* SPDX-License-Identifier: Apache-2.0 */
#include <stddef.h>

#include "wm_log.h"

void wm_log_write(const wm_log *log, wm_log_level level, const char *fmt, ...)
{
    va_list ap;

    if (!log || !log->enabled(log->host, level))
        return;
    va_start(ap, fmt);
    log->write(log->host, level, fmt, ap);
    va_end(ap);
}
