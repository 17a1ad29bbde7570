/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include <apr_strings.h>
#include <ap_provider.h>
#include <httpd.h>
#include <http_config.h>
#include <http_core.h>
#include <http_log.h>
#include <http_request.h>
#include <mod_auth.h>

#include "auth.h"
#include "auth_role.h"
#include "mount.h"

APLOG_USE_MODULE(webmunk);

#define PROVIDER "webmunk-role"

/* The roles of a Require line as a set of bits. */
static const char *parse(cmd_parms *cmd, const char *line, const void **parsed)
{
    unsigned *roles = apr_pcalloc(cmd->pool, sizeof *roles);
    const char *word;

    while (*(word = ap_getword_conf(cmd->pool, &line))) {
        wm_role role = wm_role_parse(word);

        if (role == WM_ROLE_COUNT)
            return apr_pstrcat(cmd->pool, "Require " PROVIDER ": \"", word,
                               "\" is no role; expected viewer, analyst, coordinator, manager, "
                               "auditor or administrator",
                               NULL);
        *roles |= 1u << role;
    }
    if (!*roles)
        return "Require " PROVIDER " needs at least one role, for example \"viewer\"";
    *parsed = roles;
    return NULL;
}

static int has_one(const wm_account *account, unsigned roles)
{
    for (int role = 0; role < WM_ROLE_COUNT; role++)
        if ((roles & 1u << role) && wm_account_has_role(account, (wm_role)role, WM_ANY_STUDY))
            return 1;
    return 0;
}

/* mod_authz_core says 401 or 403 by its own settings and has no words; the page at the internal
 * address has them and says 403. */
static void explain(request_rec *r, const wm_http *h)
{
    const char *page = apr_pstrcat(r->pool, h->mount, "/" WM_PATH_REFUSED, NULL);

    ap_custom_response(r, HTTP_UNAUTHORIZED, page);
    ap_custom_response(r, HTTP_FORBIDDEN, page);
}

static authz_status check(request_rec *r, const char *line, const void *parsed)
{
    const wm_http *h = wm_mount_claim(r);
    const wm_who *who;
    const wm_err *err;

    (void)line;
    if (!r->user)
        return AUTHZ_DENIED_NO_USER;
    /* The words that explain a refusal are for those who were refused. */
    if (r->prev && h && !strcmp(h->path, WM_PATH_REFUSED))
        return AUTHZ_GRANTED;
    err = wm_auth_who(&who, r);
    if (err) {
        ap_log_rerror(APLOG_MARK, APLOG_ERR, 0, r, "WM0202 Require " PROVIDER ": %s",
                      wm_err_text(err, r->pool));
        return AUTHZ_GENERAL_ERROR;
    }
    if (has_one(who->account, *(const unsigned *)parsed))
        return AUTHZ_GRANTED;
    if (h && h->form == WM_FORM_PAGE)
        explain(r, h);
    return AUTHZ_DENIED;
}

static const authz_provider provider = {check, parse};

void wm_auth_role_register(apr_pool_t *pool)
{
    ap_register_auth_provider(pool, AUTHZ_PROVIDER_GROUP, PROVIDER, AUTHZ_PROVIDER_VERSION,
                              &provider, AP_AUTH_INTERNAL_PER_CONF);
}
