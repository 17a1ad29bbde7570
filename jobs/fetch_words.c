/* SPDX-License-Identifier: Apache-2.0 */
/* What answers mean to an operator, and addresses as they may be written. */
#include <string.h>

#include <apr_lib.h>
#include <apr_strings.h>

#include "fetch.h"

const wm_err *wm_fetch_expect(const wm_fetch_answer *answer, const char *peer, const char *doing,
                              apr_pool_t *pool)
{
    int status = answer->status;

    if (status >= 200 && status < 300)
        return NULL;
    if (status == 401 || status == 403)
        return wm_err_make(
            pool, WM_E_INPUT,
            "%s refused %s (%d): check the secret, and what it is allowed to do there", peer, doing,
            status);
    if (status == 404)
        return wm_err_make(pool, WM_E_NOT_FOUND, "%s knows no such place for %s (404)", peer,
                           doing);
    if (status >= 300 && status < 400)
        return wm_err_make(pool, WM_E_INPUT,
                           "%s wants %s to be done at another address (%d): correct the settings",
                           peer, doing, status);
    if (status == 413 || status == 507)
        return wm_err_make(pool, WM_E_BUSY, "%s has no room left for %s (%d): make some", peer,
                           doing, status);
    if (status == 429 || status >= 500)
        return wm_err_make(pool, WM_E_BUSY, "%s cannot do it now: %s (%d)", peer, doing, status);
    return wm_err_make(pool, WM_E_CONFLICT, "%s refused %s (%d)", peer, doing, status);
}

const wm_err *wm_fetch_check_url(const char *url, const char *what, apr_pool_t *pool)
{
    static const char *const here[] = {"127.0.0.1", "localhost", "[::1]"};

    if (strchr(url, '@') || strpbrk(url, " \t\r\n"))
        return wm_err_make(pool, WM_E_INPUT, "%s must hold no blanks and no user or password",
                           what);
    if (!strncmp(url, "https://", 8) && url[8])
        return NULL;
    if (!strncmp(url, "http://", 7))
        for (int i = 0; i < 3; i++) {
            size_t size = strlen(here[i]);

            if (!strncmp(url + 7, here[i], size) && strchr(":/", url[7 + size]))
                return NULL; /* strchr finds the end as well */
        }
    return wm_err_make(pool, WM_E_INPUT,
                       "%s is \"%s\" and must begin with https:// (http:// is for this host alone)",
                       what, url);
}
