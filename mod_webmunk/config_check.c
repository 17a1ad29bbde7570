/* SPDX-License-Identifier: Apache-2.0 */
/* What `httpd -t` says about our directives beyond their form. */
#include <stdlib.h>
#include <string.h>

#include <apr_file_info.h>
#include <apr_strings.h>
#include <httpd.h>
#include <http_config.h>
#include <http_core.h>
#include <http_log.h>

#include "wm_box.h"
#include "wm_bundle.h"

#include "config.h"
#include "dbd.h"
#include "site.h"

APLOG_USE_MODULE(webmunk);

/* What the whole configuration says.  mod_dbd keeps its settings to itself, so they are read from
 * the tree, Includes and all. */
typedef struct survey {
    int handled;     /* some SetHandler webmunk */
    int dashboard;   /* some WebmunkServe dashboard */
    int pgsql;       /* some DBDriver pgsql */
    int timeout;     /* every DBDParams has connect_timeout */
    int dbd_max;     /* the smallest; mod_dbd's own default is 10 */
    int connections; /* WebmunkDatabaseConnections stands there */
} survey;

static int has_word(apr_pool_t *pool, const char *args, const char *word)
{
    while (args && *args)
        if (!strcasecmp(ap_getword_conf(pool, &args), word))
            return 1;
    return 0;
}

static int smaller(int a, int b)
{
    return !a || b < a ? b : a;
}

static void look(survey *found, const ap_directive_t *tree, apr_pool_t *pool)
{
    for (; tree; tree = tree->next) {
        const char *name = tree->directive, *args = tree->args;

        if (tree->first_child)
            look(found, tree->first_child, pool);
        if (!strcasecmp(name, "SetHandler"))
            found->handled |= has_word(pool, args, "webmunk");
        else if (!strcasecmp(name, "WebmunkServe"))
            found->dashboard |= has_word(pool, args, "dashboard");
        else if (!strcasecmp(name, "DBDriver"))
            found->pgsql |= has_word(pool, args, "pgsql");
        else if (!strcasecmp(name, "DBDParams"))
            found->timeout &= strstr(args, "connect_timeout") != NULL;
        else if (!strcasecmp(name, "DBDMax"))
            found->dbd_max = smaller(found->dbd_max, (int)apr_atoi64(args));
        else if (!strcasecmp(name, "WebmunkDatabaseConnections"))
            found->connections = 1;
    }
}

static int is_dir(const char *path, apr_pool_t *pool)
{
    apr_finfo_t info;

    return apr_stat(&info, path, APR_FINFO_TYPE, pool) == APR_SUCCESS && info.filetype == APR_DIR;
}

static int refuse(const char *sentence, server_rec *s)
{
    ap_log_error(APLOG_MARK, APLOG_STARTUP | APLOG_EMERG, 0, s, "WM0150 %s", sentence);
    return HTTP_INTERNAL_SERVER_ERROR;
}

/* httpd reads its configuration twice when it starts, once for httpd -t. */
static int is_last_check(void)
{
    return ap_state_query(AP_SQ_MAIN_STATE) != AP_SQ_MS_CREATE_PRE_CONFIG ||
           ap_state_query(AP_SQ_RUN_MODE) == AP_SQ_RM_CONFIG_TEST;
}

static int check_database(const survey *found, server_rec *s, apr_pool_t *pool)
{
    int places = (int)wm_server_database_connections(s);
    int max = found->dbd_max ? found->dbd_max : 10;

    if (!wm_dbd_available())
        return refuse("SetHandler webmunk needs mod_dbd: load it (a2enmod dbd)", s);
    if (!found->pgsql)
        return refuse("SetHandler webmunk needs PostgreSQL: set DBDriver pgsql and DBDParams", s);
    if (places > max && found->connections)
        return refuse(apr_psprintf(pool,
                                   "WebmunkDatabaseConnections is %d, but DBDMax is %d: "
                                   "requests would wait in mod_dbd without a limit",
                                   places, max),
                      s);
    if (!found->timeout && is_last_check())
        ap_log_error(APLOG_MARK, APLOG_WARNING, 0, s,
                     "WM0151 DBDParams has no connect_timeout: a database host that does not "
                     "answer would stall all requests");
    for (server_rec *each = s; each; each = each->next)
        wm_server_set_places(each, places < max ? places : max);
    return OK;
}

static int check_keys(server_rec *s, apr_pool_t *pconf)
{
    const char *secret = wm_server_box_secret_key(s), *peer = wm_server_box_peer_key(s);
    wm_box_keys *keys;
    const wm_err *err;

    if (!secret && !peer)
        return OK;
    if (!secret || !peer)
        return refuse("WebmunkBoxSecretKey and WebmunkBoxPeerKey belong together: one is missing",
                      s);
    keys = apr_pcalloc(pconf, sizeof *keys);
    err = wm_box_keys_read(keys, secret, peer, pconf);
    if (err)
        return refuse(wm_err_text(err, pconf), s);
    wm_server_set_box_keys(s, keys);
    return OK;
}

/* Templates, style sheets and the secret of form tokens, for this server or virtual host. */
static int check_site(server_rec *s, apr_pool_t *pconf)
{
    const wm_site *site;
    const wm_err *err = wm_site_load(&site, s, pconf);

    if (err)
        return refuse(wm_err_text(err, pconf), s);
    wm_server_set_site(s, site);
    return OK;
}

static int check_server(const survey *found, server_rec *s, apr_pool_t *pconf, apr_pool_t *pool)
{
    const char *attachments = wm_server_attachment_dir(s), *temp = wm_server_temp_dir(s);

    if (check_keys(s, pconf) != OK)
        return HTTP_INTERNAL_SERVER_ERROR;
    if (!found->handled)
        return OK;
    if (!is_dir(temp, pool))
        return refuse(apr_psprintf(pool, "WebmunkTempDir %s is no directory", temp), s);
    if (!is_dir(attachments, pool))
        return refuse(apr_psprintf(pool,
                                   "WebmunkAttachmentDir %s is no directory: make it, owned "
                                   "by the user that httpd's children run as",
                                   attachments),
                      s);
    return found->dashboard ? check_site(s, pconf) : OK;
}

int wm_config_check(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp, server_rec *s)
{
    survey found = {.timeout = 1};

    (void)plog;
    look(&found, ap_conftree, ptemp);
    if (found.handled && check_database(&found, s, ptemp) != OK)
        return HTTP_INTERNAL_SERVER_ERROR;
    for (server_rec *each = s; each; each = each->next)
        if (check_server(&found, each, pconf, ptemp) != OK)
            return HTTP_INTERNAL_SERVER_ERROR;
    return OK;
}
