/* SPDX-License-Identifier: Apache-2.0 */
/* The protocol of sd_notify(3) is stable by promise: a datagram of NAME=value lines to the socket of
 * NOTIFY_SOCKET.  These lines instead of libsystemd keep a library that most of its users do not
 * run, with all that it links, out of every process of a job. */
#include <stdio.h>
#include <stdlib.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include <apr_strings.h>

#include "runner.h"

void wm_notify(const char *fmt, ...)
{
    const char *path = getenv("NOTIFY_SOCKET");
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    const struct timeval patience = {.tv_sec = 1};
    char text[512];
    va_list ap;
    size_t size;
    int fd;

    if (!path || (path[0] != '/' && path[0] != '@') || strlen(path) >= sizeof address.sun_path)
        return;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    size = strlen(path);
    memcpy(address.sun_path, path, size);
    if (path[0] == '@')
        address.sun_path[0] = 0;
    fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return;
    /* Nobody there, or nobody who reads, is no failure of ours. */
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
    (void)!sendto(fd, text, strlen(text), MSG_NOSIGNAL, (struct sockaddr *)&address,
                  (socklen_t)(offsetof(struct sockaddr_un, sun_path) + size));
    close(fd);
}

apr_int64_t wm_notify_clock(void)
{
    struct timespec now = {0};

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (apr_int64_t)now.tv_sec * APR_USEC_PER_SEC + now.tv_nsec / 1000;
}

apr_interval_time_t wm_notify_watchdog(void)
{
    const char *pid = getenv("WATCHDOG_PID");
    const char *usec = getenv("WATCHDOG_USEC");

    if (!usec || (pid && apr_atoi64(pid) != getpid()))
        return 0;
    return apr_atoi64(usec) > 0 ? apr_atoi64(usec) : 0;
}
