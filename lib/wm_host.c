/* SPDX-License-Identifier: Apache-2.0 */
#include <ctype.h>
#include <errno.h>
#include <mntent.h>
#include <paths.h>
#include <stdio.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>
#include <utmpx.h>

#include <apr_file_info.h>
#include <apr_strings.h>

#include "wm_host.h"
#include "wm_json_own.h"

enum {
    LINE_ROOM = 4096,
    TIMES = 8 /* user nice system idle iowait irq softirq steal; guests are of user */
};

static apr_status_t close_file(void *file)
{
    fclose(file);
    return APR_SUCCESS;
}

static const wm_err *open_file(FILE **file, const char *path, apr_pool_t *pool)
{
    *file = fopen(path, "re");
    if (!*file)
        return wm_err_apr(pool, errno, "opening %s", path);
    apr_pool_cleanup_register(pool, *file, close_file, apr_pool_cleanup_null);
    return NULL;
}

const wm_err *wm_host_times(double *all, double *idle, apr_pool_t *pool)
{
    double second = (double)sysconf(_SC_CLK_TCK), sum = 0;
    unsigned long long t[TIMES] = {0};
    FILE *file;

    WM_TRY(open_file(&file, "/proc/stat", pool));
    if (fscanf(file, "cpu %llu %llu %llu %llu %llu %llu %llu %llu", &t[0], &t[1], &t[2], &t[3],
               &t[4], &t[5], &t[6], &t[7]) < 4)
        return wm_err_make(pool, WM_E_SYSTEM, "/proc/stat has another form");
    for (int i = 0; i < TIMES; i++)
        sum += (double)t[i];
    *all = sum / second;
    *idle = (double)(t[3] + t[4]) / second;
    return NULL;
}

/* What /proc/PID/stat says behind the name in parentheses, which may hold any. */
static const char *after_name(char *line, size_t room, const char *pid)
{
    const char *end = NULL;
    char path[64];
    FILE *file;

    apr_snprintf(path, sizeof path, "/proc/%s/stat", pid);
    file = fopen(path, "re");
    if (!file)
        return NULL;
    if (fgets(line, (int)room, file))
        end = strrchr(line, ')');
    fclose(file);
    return end && end[1] == ' ' ? end + 2 : NULL;
}

const wm_err *wm_host_process_time(double *seconds, int pid, apr_pool_t *pool)
{
    const char *rest;
    unsigned long long user, system;
    char line[LINE_ROOM];

    rest = after_name(line, sizeof line, apr_itoa(pool, pid));
    /* State, ten numbers, then those (proc(5)). */
    if (!rest ||
        sscanf(rest, "%*c %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %llu %llu", &user, &system) != 2)
        return wm_err_make(pool, WM_E_NOT_FOUND, "there is no process %d", pid);
    *seconds = (double)(user + system) / (double)sysconf(_SC_CLK_TCK);
    return NULL;
}

const wm_err *wm_host_cpu(double *percent, apr_interval_time_t duration, apr_pool_t *pool)
{
    double all, idle, all_before, idle_before;

    WM_TRY(wm_host_times(&all_before, &idle_before, pool));
    apr_sleep(duration);
    WM_TRY(wm_host_times(&all, &idle, pool));
    /* The time spent waiting for disks can go backwards. */
    *percent = all > all_before ? 100 - 100 * (idle - idle_before) / (all - all_before) : 0;
    *percent = *percent < 0 ? 0 : *percent > 100 ? 100 : *percent;
    return NULL;
}

/* The file's records: getutxent has one place for all threads. */
const wm_err *wm_host_users(int *users, apr_pool_t *pool)
{
    struct utmpx record;
    FILE *file;

    *users = 0;
    file = fopen(_PATH_UTMP, "re");
    if (!file) /* where nobody logs in there is none */
        return errno == ENOENT ? NULL : wm_err_apr(pool, errno, "opening %s", _PATH_UTMP);
    while (fread(&record, sizeof record, 1, file) == 1)
        *users += record.ut_type == USER_PROCESS;
    fclose(file);
    return NULL;
}

const wm_err *wm_host_processes(int *all, int *zombies, apr_pool_t *pool)
{
    char line[LINE_ROOM];
    apr_finfo_t info;
    apr_dir_t *proc;
    apr_status_t rv = apr_dir_open(&proc, "/proc", pool);

    *all = *zombies = 0;
    if (rv)
        return wm_err_apr(pool, rv, "opening /proc");
    while (apr_dir_read(&info, APR_FINFO_NAME, proc) == APR_SUCCESS) {
        const char *rest = NULL;

        if (isdigit((unsigned char)info.name[0]))
            rest = after_name(line, sizeof line, info.name);
        *all += rest != NULL; /* else it has ended meanwhile */
        *zombies += rest && *rest == 'Z';
    }
    apr_dir_close(proc);
    return NULL;
}

static int listed(const apr_array_header_t *list, const char *device)
{
    for (int i = 0; list && i < list->nelts; i++)
        if (!strcmp(APR_ARRAY_IDX(list, i, const char *), device))
            return 1;
    return 0;
}

const wm_err *wm_host_disks(json_t **disks, const apr_array_header_t *ignored, apr_pool_t *pool)
{
    char line[LINE_ROOM];
    struct mntent mount;
    FILE *file;

    *disks = wm_json_own(json_object(), pool);
    WM_TRY(open_file(&file, "/proc/self/mounts", pool));
    while (getmntent_r(file, &mount, line, sizeof line)) {
        struct statvfs fs;
        double used, room;

        if (strncmp(mount.mnt_fsname, "/dev/", 5) || !strncmp(mount.mnt_fsname, "/dev/loop", 9) ||
            listed(ignored, mount.mnt_fsname) || statvfs(mount.mnt_dir, &fs) || !fs.f_blocks)
            continue;
        /* As df says it: what only root may use is neither used nor free. */
        used = (double)(fs.f_blocks - fs.f_bfree);
        room = used + (double)fs.f_bavail;
        json_object_set_new(
            *disks, mount.mnt_fsname,
            json_real(room > 0 ? (double)(int)(1000 * used / room + 0.5) / 10 : 100));
    }
    return NULL;
}
