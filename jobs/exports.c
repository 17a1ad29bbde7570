/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include <apr_strings.h>

#include "exports.h"
#include "settings.h"

/* Of "https://data.example.org/dashboard" all before the path; NULL of NULL. */
static const char *server_of(const char *url, apr_pool_t *pool)
{
    const char *host = url ? strstr(url, "://") : NULL;

    return host ? apr_pstrmemdup(pool, url, (size_t)(host - url) + 3 + strcspn(host + 3, "/?#"))
                : NULL;
}

const wm_err *wm_exports_read(wm_exports *exports, apr_pool_t *pool)
{
    exports->setup.dir = wm_setting_text(WM_SETTING_EXPORT_DIR);
    exports->setup.site = server_of(wm_setting_text(WM_SETTING_SITE_URL), pool);
    exports->setup.level = (int)wm_setting_number(WM_SETTING_EXPORT_LEVEL);
    exports->key_path = wm_setting_text(WM_SETTING_EXPORT_KEY);
    exports->keep = apr_time_sec(wm_setting_number(WM_SETTING_EXPORT_KEEP));
    if (!exports->setup.dir)
        return wm_err_make(pool, WM_E_INPUT, "nobody says where archives lie: set %s",
                           wm_setting_called(WM_SETTING_EXPORT_DIR, pool));
    if (mkdir(exports->setup.dir, 0700) && errno != EEXIST)
        return wm_err_apr(pool, errno, "making %s, the folder of archives", exports->setup.dir);
    return NULL;
}
