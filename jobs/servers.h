/* SPDX-License-Identifier: Apache-2.0 */
/* What the commands about other servers share. */
#ifndef WM_SERVERS_H
#define WM_SERVERS_H

#include "command.h"

/* There is no server called as the first argument says. */
const wm_err *wm_server_missing(wm_run *run);

/* Have the runner forward now. */
const wm_err *wm_server_wake(wm_run *run);

#endif
