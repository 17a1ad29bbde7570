/* SPDX-License-Identifier: Apache-2.0 */
#include <ctype.h>
#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <apr_file_io.h>
#include <apr_strings.h>

#include "wm_zone.h"
#include "wm_zone_rule.h"

enum { ZONE_FILE_MAX = 256 * 1024, ZONE_NAME_MAX = 100, DAY = 86400 };

struct wm_zone {
    const char *name;
    int count;
    const unsigned char *times; /* COUNT big-endian 64-bit seconds */
    const unsigned char *which; /* COUNT indexes of types */
    const unsigned char *types; /* 6 bytes each */
    int first;                  /* offset before the first transition */
    wm_zone_rule rule;          /* behind the last one */
    int ruled;
    apr_int64_t from, to; /* where OFFSET holds */
    int offset;
};

static apr_int64_t be64(const unsigned char *p)
{
    apr_uint64_t n = 0;

    for (int i = 0; i < 8; i++)
        n = n << 8 | p[i];
    return (apr_int64_t)n;
}

static apr_uint32_t be32(const unsigned char *p)
{
    return (apr_uint32_t)p[0] << 24 | (apr_uint32_t)p[1] << 16 | (apr_uint32_t)p[2] << 8 | p[3];
}

static int type_offset(const wm_zone *zone, int type)
{
    return (int)(apr_int32_t)be32(zone->types + 6 * (size_t)type);
}

/* Sizes of one data block; 0 when the header is none. */
static int header(apr_uint32_t counts[6], const unsigned char *p, const unsigned char *end)
{
    if (end - p < 44 || memcmp(p, "TZif", 4))
        return 0;
    for (int i = 0; i < 6; i++) {
        counts[i] = be32(p + 20 + 4 * i);
        if (counts[i] > ZONE_FILE_MAX)
            return 0;
    }
    return 1;
}

static size_t block_size(const apr_uint32_t c[6], size_t time)
{
    /* isutcnt, isstdcnt, leapcnt, timecnt, typecnt, charcnt */
    return c[3] * (time + 1) + (size_t)c[4] * 6 + c[5] + c[2] * (time + 4) + c[1] + c[0];
}

static int parse(wm_zone *zone, const unsigned char *p, const unsigned char *end, apr_pool_t *pool)
{
    apr_uint32_t c[6];
    const unsigned char *tail;

    if (!header(c, p, end) || p[4] < '2' || (size_t)(end - p) < 44 + block_size(c, 4))
        return 0;
    p += 44 + block_size(c, 4);
    if (!header(c, p, end) || c[2] || !c[4] || (size_t)(end - p) < 44 + block_size(c, 8))
        return 0;
    tail = p + 44 + block_size(c, 8);
    zone->count = (int)c[3];
    zone->times = p + 44;
    zone->which = zone->times + 8 * (size_t)c[3];
    zone->types = zone->which + c[3];
    for (apr_uint32_t i = 0; i < c[3]; i++)
        if (zone->which[i] >= c[4])
            return 0;
    zone->first = type_offset(zone, 0);
    if (tail < end && *tail == '\n')
        zone->ruled = wm_zone_rule_parse(
            &zone->rule, apr_pstrndup(pool, (const char *)tail + 1, (size_t)(end - tail - 1)));
    return 1;
}

static int good_name(const char *name)
{
    size_t size = strlen(name);

    if (!size || size > ZONE_NAME_MAX || name[0] == '/' || name[size - 1] == '/' ||
        !strncasecmp(name, "right/", 6) || strstr(name, "//"))
        return 0;
    for (const char *p = name; *p; p++)
        if (!isalnum((unsigned char)*p) && !strchr("_+-/", *p))
            return 0;
    return 1;
}

/* NAME as the folders spell it, part by part; NULL when it is not there. */
static const char *spelling(const char *top, const char *name, apr_pool_t *pool)
{
    const char *path = top, *found = NULL;

    while (*name) {
        size_t size = strcspn(name, "/");
        const char *part = NULL;
        struct dirent *entry;
        DIR *dir = opendir(path);

        if (!dir)
            return NULL;
        while (!part && (entry = readdir(dir)))
            if (strlen(entry->d_name) == size && !strncasecmp(entry->d_name, name, size))
                part = apr_pstrdup(pool, entry->d_name);
        closedir(dir);
        if (!part)
            return NULL;
        path = apr_pstrcat(pool, path, "/", part, NULL);
        found = found ? apr_pstrcat(pool, found, "/", part, NULL) : part;
        name += size;
        name += *name == '/';
    }
    return found;
}

static int load(wm_zone *zone, const char *path, apr_pool_t *pool)
{
    apr_file_t *file;
    apr_finfo_t info;
    apr_size_t size;
    unsigned char *data;
    int good = 0;

    if (apr_file_open(&file, path, APR_READ | APR_BINARY, 0, pool))
        return 0;
    if (!apr_file_info_get(&info, APR_FINFO_SIZE | APR_FINFO_TYPE, file) &&
        info.filetype == APR_REG && info.size < ZONE_FILE_MAX) {
        data = apr_palloc(pool, (apr_size_t)info.size + 1);
        if (!apr_file_read_full(file, data, (apr_size_t)info.size, &size))
            good = parse(zone, data, data + size, pool);
    }
    apr_file_close(file);
    return good;
}

wm_zone *wm_zone_utc(apr_pool_t *pool)
{
    wm_zone *zone = apr_pcalloc(pool, sizeof *zone);

    zone->name = "UTC";
    zone->to = zone->from = 0;
    return zone;
}

wm_zone *wm_zone_find(const char *name, apr_pool_t *pool)
{
    const char *top = getenv("TZDIR");
    wm_zone *zone = wm_zone_utc(pool);

    if (!good_name(name))
        return NULL;
    if (!strcasecmp(name, "UTC"))
        return zone;
    if (!top || !*top)
        top = "/usr/share/zoneinfo";
    zone->name = apr_pstrdup(pool, name);
    if (load(zone, apr_pstrcat(pool, top, "/", name, NULL), pool))
        return zone;
    name = spelling(top, name, pool);
    zone->name = name;
    return name && load(zone, apr_pstrcat(pool, top, "/", name, NULL), pool) ? zone : NULL;
}

const char *wm_zone_name(const wm_zone *zone)
{
    return zone->name;
}

/* Howard Hinnant's civil-from-days, with years that begin in March. */
void wm_zone_date(wm_local *local, apr_int64_t day)
{
    apr_int64_t era;
    int of_era, year_of_era, of_year, month;

    day += 719468;
    era = (day >= 0 ? day : day - 146096) / 146097;
    of_era = (int)(day - era * 146097);
    year_of_era = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    month = (5 * of_year + 2) / 153;
    local->day = of_year - (153 * month + 2) / 5 + 1;
    local->month = month < 10 ? month + 3 : month - 9;
    local->year = year_of_era + era * 400 + (local->month <= 2);
}

apr_int64_t wm_zone_days(apr_int64_t year, int month, int day)
{
    apr_int64_t era;
    int year_of_era, of_year;

    year -= month <= 2;
    era = (year >= 0 ? year : year - 399) / 400;
    year_of_era = (int)(year - era * 400);
    of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
    return era * 146097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + of_year -
           719468;
}

/* Find the offset at SECONDS and how long around it holds. */
static void seek(wm_zone *zone, apr_int64_t seconds)
{
    int low = 0, high = zone->count;

    while (low < high) {
        int middle = (low + high) / 2;

        if (be64(zone->times + 8 * (size_t)middle) <= seconds)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == zone->count && zone->ruled) {
        zone->offset = wm_zone_rule_offset(&zone->rule, seconds, &zone->from, &zone->to);
        if (low && zone->from < be64(zone->times + 8 * (size_t)(low - 1)))
            zone->from = be64(zone->times + 8 * (size_t)(low - 1));
        return;
    }
    zone->offset = low ? type_offset(zone, zone->which[low - 1]) : zone->first;
    zone->from = low ? be64(zone->times + 8 * (size_t)(low - 1)) : APR_INT64_MIN;
    zone->to = low < zone->count ? be64(zone->times + 8 * (size_t)low) : APR_INT64_MAX;
}

void wm_zone_local(wm_local *local, wm_zone *zone, apr_time_t time)
{
    apr_int64_t seconds = time / 1000000, day;
    int micros = (int)(time % 1000000), rest;

    if (micros < 0) {
        micros += 1000000;
        seconds--;
    }
    if (zone->types && (seconds < zone->from || seconds >= zone->to))
        seek(zone, seconds);
    seconds += zone->offset;
    day = seconds / DAY;
    rest = (int)(seconds % DAY);
    if (rest < 0) {
        rest += DAY;
        day--;
    }
    wm_zone_date(local, day);
    local->hour = rest / 3600;
    local->minute = rest / 60 % 60;
    local->second = rest % 60;
    local->micros = micros;
    local->offset = zone->offset;
}
