/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <apr_strings.h>

#include "exports.h"
#include "wm_zip.h"

enum { KEEP_DEFAULT = 30 * 86400 };

apr_int64_t wm_exports_seconds(const char *text)
{
    static const char units[] = "hdw";
    static const apr_int64_t sizes[] = {3600, 86400, 7 * 86400};
    const char *unit;
    char *end;
    apr_int64_t number = apr_strtoi64(text, &end, 10);

    unit = *end ? strchr(units, *end) : NULL;
    if (end == text || number < 1 || number > 100000 || !unit || end[1])
        return 0;
    return number * sizes[unit - units];
}

static const char *setting(const char *name)
{
    const char *text = getenv(name);

    return text && *text ? text : NULL;
}

const wm_err *wm_exports_read(wm_exports *exports, apr_pool_t *pool)
{
    const char *level = setting("WEBMUNK_EXPORT_LEVEL"), *keep = setting("WEBMUNK_EXPORT_KEEP");
    const char *dir = setting("WEBMUNK_EXPORT_DIR");

    if (!dir)
        return wm_err_make(pool, WM_E_INPUT,
                           "nobody says where archives lie: set WEBMUNK_EXPORT_DIR");
    exports->dir = dir;
    exports->key_path = setting("WEBMUNK_EXPORT_KEY");
    exports->level = WM_ZIP_LEVEL_DEFAULT;
    if (level && (level[0] < '1' || level[0] > '9' || level[1]))
        return wm_err_make(pool, WM_E_INPUT,
                           "WEBMUNK_EXPORT_LEVEL is \"%s\" and must be a number from 1 to 9",
                           level);
    if (level)
        exports->level = level[0] - '0';
    exports->keep = keep ? wm_exports_seconds(keep) : KEEP_DEFAULT;
    if (!exports->keep)
        return wm_err_make(pool, WM_E_INPUT,
                           "WEBMUNK_EXPORT_KEEP is \"%s\" and must be a time like 12h, 90d or 4w",
                           keep);
    if (mkdir(exports->dir, 0700) && errno != EEXIST)
        return wm_err_apr(pool, errno, "making %s, the folder of archives (WEBMUNK_EXPORT_DIR)",
                          exports->dir);
    return NULL;
}
