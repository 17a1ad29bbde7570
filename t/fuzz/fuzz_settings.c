/* SPDX-License-Identifier: Apache-2.0 */
/* A file of settings: whatever it holds is read or refused with its line. */
#include <string.h>

#include "fuzz.h"
#include "settings.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    apr_pool_t *pool = fuzz_pool();
    char *text = fuzz_exact(data, size);
    const wm_settings *settings = NULL;
    const wm_err *err = wm_settings_parse(&settings, "FILE", text, size, pool);

    FUZZ_CHECK(!err == (settings != NULL));
    if (err) {
        FUZZ_CHECK(err->code == WM_E_INPUT && !strncmp(err->why, "FILE", 4));
    } else {
        wm_settings_use(settings);
        FUZZ_CHECK(wm_setting_number(WM_SETTING_EXPORT_LEVEL) >= 1);
        FUZZ_CHECK(wm_setting_number(WM_SETTING_EXPORT_LEVEL) <= 9);
        fuzz_accepted += size > 0;
    }
    free(text);
    apr_pool_destroy(pool);
    return 0;
}
