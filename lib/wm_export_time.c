/* SPDX-License-Identifier: Apache-2.0 */
/* Times as cells show them, each in its participant's zone (exports.md 1.5). */
#include <string.h>

#include <apr_lib.h>
#include <apr_strings.h>

#include "wm_export_row.h"

/* Names of zones that are remembered; devices can make up any number. */
enum { ZONES_MAX = 2000 };

static int digits(const char *p, int count)
{
    int n = 0;

    while (count--)
        n = n * 10 + (*p++ - '0');
    return n;
}

/* 2025-03-09 07:01:46[.092]+00 */
int wm_export_instant(apr_time_t *time, wm_text text)
{
    static const int scale[] = {0, 100000, 10000, 1000, 100, 10, 1};
    const char *p = text.data;
    apr_int64_t seconds;
    int micros = 0, fraction;

    if (!p || text.size < 22 || p[4] != '-' || p[10] != ' ')
        return 0;
    seconds = wm_zone_days(digits(p, 4), digits(p + 5, 2), digits(p + 8, 2)) * 86400 +
              digits(p + 11, 2) * 3600 + digits(p + 14, 2) * 60 + digits(p + 17, 2);
    if (p[19] == '.') {
        for (fraction = 0; fraction < 6 && apr_isdigit(p[20 + fraction]); fraction++)
            continue;
        micros = digits(p + 20, fraction) * scale[fraction];
        p += 1 + fraction;
    }
    if (p[19] != '+' || p + 22 != text.data + text.size)
        return 0;
    *time = seconds * 1000000 + micros;
    return 1;
}

static char *put2(char *p, int n)
{
    *p++ = (char)('0' + n / 10);
    *p++ = (char)('0' + n % 10);
    return p;
}

static char *put_date(char *p, const wm_local *l)
{
    p = put2(put2(p, (int)l->year / 100), (int)l->year % 100);
    *p++ = '-';
    p = put2(p, l->month);
    *p++ = '-';
    return put2(p, l->day);
}

static char *put_time(char *p, const wm_local *l)
{
    p = put2(p, l->hour);
    *p++ = ':';
    p = put2(p, l->minute);
    *p++ = ':';
    return put2(p, l->second);
}

/* As Python's isoformat prints it. */
static size_t put_iso(char *out, const wm_local *l)
{
    int offset = l->offset < 0 ? -l->offset : l->offset;
    char *p = put_date(out, l);

    *p++ = 'T';
    p = put_time(p, l);
    if (l->micros) {
        *p++ = '.';
        p = put2(put2(put2(p, l->micros / 10000), l->micros / 100 % 100), l->micros % 100);
    }
    *p++ = l->offset < 0 ? '-' : '+';
    p = put2(p, offset / 3600);
    *p++ = ':';
    p = put2(p, offset / 60 % 60);
    if (offset % 60) {
        *p++ = ':';
        p = put2(p, offset % 60);
    }
    return (size_t)(p - out);
}

size_t wm_export_time(char *out, wm_export_rower *r, char form, apr_time_t time)
{
    wm_local local;

    if (form == 'S')
        return (size_t)apr_snprintf(out, WM_EXPORT_TIME_MAX, "%" APR_INT64_T_FMT, time / 1000000);
    wm_zone_local(&local,
                  form == 'U'                  ? r->utc
                  : form == 'P' || form == 'Q' ? r->zone->zone
                                               : r->server,
                  time);
    if (local.year < 1 || local.year > 9999)
        return 0;
    if (form == 'T')
        return (size_t)(put_time(out, &local) - out);
    return form == 'D' || form == 'Q' ? (size_t)(put_date(out, &local) - out)
                                      : put_iso(out, &local);
}

/* What the device's zone RAW, JSON, is.  A text that names no zone stands as it came in "Time Zone";
 * times are the server's then, and it counts as a defect (E3). */
static const wm_err *resolve(wm_export_zone *z, wm_export_rower *r, wm_text raw, apr_pool_t *pool)
{
    wm_buf *text = wm_buf_create(NULL, pool);

    z->zone = NULL;
    z->text = (wm_text){NULL, 0};
    if (raw.data[0] == '"') {
        WM_TRY(wm_export_unquote(text, raw));
        z->text = (wm_text){apr_pstrmemdup(pool, text->data, text->size), text->size};
        z->zone = wm_zone_find(z->text.data, pool);
        wm_buf_free(text);
    }
    z->defect = !z->zone;
    if (!z->zone)
        z->zone = r->server;
    return NULL;
}

const wm_err *wm_export_take_zone(wm_export_rower *r, wm_text raw)
{
    wm_export_zone *z;
    apr_pool_t *pool = r->pool;

    if (!raw.data) {
        r->zone = &r->none;
        return NULL;
    }
    if (r->zone && r->zone->raw.size == raw.size && !memcmp(r->zone->raw.data, raw.data, raw.size))
        return NULL;
    z = apr_hash_get(r->zones, raw.data, (apr_ssize_t)raw.size);
    if (!z) {
        if (apr_hash_count(r->zones) >= ZONES_MAX) {
            pool = r->crowd;
            apr_pool_clear(pool);
        }
        z = apr_pcalloc(pool, sizeof *z);
        z->raw = (wm_text){apr_pmemdup(pool, raw.data, raw.size), raw.size};
        WM_TRY(resolve(z, r, raw, pool));
        if (pool == r->pool)
            apr_hash_set(r->zones, z->raw.data, (apr_ssize_t)raw.size, z);
    }
    r->zone = z;
    return NULL;
}
