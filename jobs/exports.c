/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <sys/stat.h>

#include <apr_strings.h>

#include "exports.h"
#include "settings.h"

const wm_err *wm_exports_read(wm_exports *exports, apr_pool_t *pool)
{
    exports->dir = wm_setting_text(WM_SETTING_EXPORT_DIR);
    exports->key_path = wm_setting_text(WM_SETTING_EXPORT_KEY);
    exports->level = (int)wm_setting_number(WM_SETTING_EXPORT_LEVEL);
    exports->keep = apr_time_sec(wm_setting_number(WM_SETTING_EXPORT_KEEP));
    if (!exports->dir)
        return wm_err_make(pool, WM_E_INPUT, "nobody says where archives lie: set %s",
                           wm_setting_called(WM_SETTING_EXPORT_DIR, pool));
    if (mkdir(exports->dir, 0700) && errno != EEXIST)
        return wm_err_apr(pool, errno, "making %s, the folder of archives", exports->dir);
    return NULL;
}
