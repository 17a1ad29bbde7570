/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "forward.h"
#include "settings.h"

const wm_err *wm_forward_post(wm_fetch_answer *answer, wm_fetch *fetch, const char *name,
                              const char *url, const char *form, apr_pool_t *pool)
{
    static const char *const headers[] = {"Content-Type: application/x-www-form-urlencoded",
                                          "Expect:", NULL};
    const wm_fetch_request request = {.url = url,
                                      .peer = name,
                                      .method = "POST",
                                      .headers = headers,
                                      .has_body = 1,
                                      .body = form,
                                      .size = (apr_int64_t)strlen(form),
                                      .timeout = wm_setting_number(WM_SETTING_FORWARD_TIMEOUT)};

    return wm_fetch_do(answer, fetch, &request, pool);
}
