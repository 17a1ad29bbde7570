/* SPDX-License-Identifier: Apache-2.0 */
#include <ctype.h>
#include <errno.h>
#include <mntent.h>
#include <paths.h>
#include <stdio.h>
#include <string.h>
#include <sys/statvfs.h>
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

/* Time of all processors since the start of the machine, in ticks. */
static const wm_err *read_times(apr_uint64_t *busy, apr_uint64_t *all, apr_pool_t *pool)
{
    unsigned long long t[TIMES] = {0};
    FILE *file;

    WM_TRY(open_file(&file, "/proc/stat", pool));
    if (fscanf(file, "cpu %llu %llu %llu %llu %llu %llu %llu %llu", &t[0], &t[1], &t[2], &t[3],
               &t[4], &t[5], &t[6], &t[7]) < 4)
        return wm_err_make(pool, WM_E_SYSTEM, "/proc/stat has another form");
    *all = 0;
    for (int i = 0; i < TIMES; i++)
        *all += t[i];
    *busy = *all - t[3] - t[4];
    return NULL;
}

const wm_err *wm_host_cpu(double *percent, apr_interval_time_t duration, apr_pool_t *pool)
{
    apr_uint64_t busy, all, busy_before, all_before;

    WM_TRY(read_times(&busy_before, &all_before, pool));
    apr_sleep(duration);
    WM_TRY(read_times(&busy, &all, pool));
    /* The time spent waiting for disks can go backwards. */
    *percent = all > all_before && busy > busy_before
                   ? 100.0 * (double)(busy - busy_before) / (double)(all - all_before)
                   : 0;
    if (*percent > 100)
        *percent = 100;
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

/* The letter behind the name in parentheses, which may hold any; 0: it has ended meanwhile. */
static int state_of(const char *pid)
{
    char path[64], line[LINE_ROOM];
    const char *end = NULL;
    FILE *file;

    apr_snprintf(path, sizeof path, "/proc/%s/stat", pid);
    file = fopen(path, "re");
    if (!file)
        return 0;
    if (fgets(line, sizeof line, file))
        end = strrchr(line, ')');
    fclose(file);
    return end && end[1] == ' ' ? end[2] : 0;
}

const wm_err *wm_host_processes(int *all, int *zombies, apr_pool_t *pool)
{
    apr_finfo_t info;
    apr_dir_t *proc;
    apr_status_t rv = apr_dir_open(&proc, "/proc", pool);

    *all = *zombies = 0;
    if (rv)
        return wm_err_apr(pool, rv, "opening /proc");
    while (apr_dir_read(&info, APR_FINFO_NAME, proc) == APR_SUCCESS) {
        int state = isdigit((unsigned char)info.name[0]) ? state_of(info.name) : 0;

        *all += state != 0;
        *zombies += state == 'Z';
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
