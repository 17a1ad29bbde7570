/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "command.h"
#include "settings.h"

static const wm_err *check_config(wm_run *run)
{
    const char *path = wm_settings_path(run->config);
    const wm_settings *settings;

    WM_TRY(wm_settings_read(&settings, path, run->pool));
    if (wm_run_option(run, "show"))
        wm_settings_print(settings);
    else if (path)
        printf("%s is fine\n", path);
    else
        puts("there is no file of settings; environment and defaults are fine");
    return NULL;
}

const wm_command wm_cmd_check_config = {
    .name = "check-config",
    .args = "",
    .summary = "check the settings, and show them",
    .help = "Checks the file of settings and what the environment says instead; the first thing "
            "that is\n"
            "wrong is named with its line.  A running webmunkd reads the file again on HUP.",
    .options = {{.name = "show",
                 .help = "print every setting with its value and where it is from"}},
    .run = check_config,
};
