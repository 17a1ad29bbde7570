/* SPDX-License-Identifier: Apache-2.0 */
/* The module record: which hooks, and what each process makes once. */
#include <stdlib.h>
#ifdef __GLIBC__
#include <malloc.h>
#endif

#include <apr_strings.h>
#include <httpd.h>
#include <http_config.h>
#include <http_core.h>
#include <http_log.h>
#include <http_protocol.h>
#include <http_request.h>
#include <jansson.h>

#include "wm_box.h"
#include "wm_writer.h"

#include "auth.h"
#include "auth_secret.h"
#include "body.h"
#include "child.h"
#include "config.h"
#include "dbd.h"
#include "memory.h"
#include "mount.h"
#include "route.h"

/* How long a request waits for memory of others before it is answered 503. */
#define MEMORY_WAIT apr_time_from_sec(3)

/* A flood of sign-ins takes this many times 64 MiB; the others wait, then are answered 503. */
#define PASSWORDS_AT_ONCE 2
#define PASSWORD_WAIT     apr_time_from_sec(5)

/* So many transactions with uploads at once in a child: the more, the fewer uploads share one. */
#define BATCHES_AT_ONCE 2

/* So long a bundle waits for others while there is a place: about what storing one takes. */
#define BATCH_GATHER apr_time_from_msec(3)

static int post_config(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp, server_rec *s)
{
    (void)plog;
    (void)ptemp;
    (void)s;
    ap_add_version_component(pconf, "mod_webmunk/" WM_VERSION);
    /* "HttpProtocolOptions RegisteredMethods" would refuse what iOS sends. */
    ap_method_register(pconf, "CREATE");
    return OK;
}

static const wm_err *make_child(server_rec *main_server, apr_pool_t *pool)
{
    wm_child *child = apr_pcalloc(pool, sizeof *child);

    WM_TRY(wm_box_init(pool));
    WM_TRY(wm_gate_create(&child->gate, "database connection", wm_server_places(main_server),
                          wm_server_database_wait(main_server), pool));
    WM_TRY(wm_writer_create(&child->writer, BATCHES_AT_ONCE, BATCH_GATHER,
                            wm_server_database_wait(main_server), pool));
    WM_TRY(wm_gate_create(&child->passwords, "place to check a password", PASSWORDS_AT_ONCE,
                          PASSWORD_WAIT, pool));
    WM_TRY(wm_secret_create(&child->secret, pool));
    WM_TRY(wm_ledger_create(&child->ledger, wm_server_memory_max(main_server), MEMORY_WAIT, pool));
    for (server_rec *s = main_server; s; s = s->next)
        wm_server_set_child(s, child);
    return NULL;
}

/* The buffers of a bundle are some hundred kilobytes, made and freed with every upload.  By default
 * glibc gives such memory back at once and faults it in again page by page: a fifth of the time of
 * decoding (bench/README).  What threads keep lies in few arenas, or it would grow for hours until
 * each of them had seen the largest bundle. */
static void keep_freed_memory(void)
{
#ifdef __GLIBC__
    mallopt(M_MMAP_THRESHOLD, 4 * 1024 * 1024);
    mallopt(M_TRIM_THRESHOLD, 16 * 1024 * 1024);
    mallopt(M_ARENA_MAX, 4);
#endif
}

static void child_init(apr_pool_t *pool, server_rec *s)
{
    const wm_err *err;

    keep_freed_memory();
    json_object_seed(0); /* before threads could race for it */
    err = make_child(s, pool);
    if (err) {
        ap_log_error(APLOG_MARK, APLOG_EMERG, 0, s, "WM0152 this child cannot start: %s",
                     wm_err_text(err, pool));
        exit(APEXIT_CHILDSICK);
    }
}

static void register_hooks(apr_pool_t *pool)
{
    /* An administrator's rewrites and aliases come first; a redirect of theirs stands. */
    static const char *const after[] = {"mod_rewrite.c", "mod_alias.c", NULL};

    ap_hook_check_config(wm_config_check, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_post_config(post_config, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_child_init(child_init, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_translate_name(wm_mount_translate, after, NULL, APR_HOOK_MIDDLE);
    ap_hook_map_to_storage(wm_mount_map_to_storage, NULL, NULL, APR_HOOK_FIRST);
    ap_hook_insert_error_filter(wm_mount_insert_error_filter, NULL, NULL, APR_HOOK_LAST);
    ap_hook_handler(wm_route_handle, NULL, NULL, APR_HOOK_MIDDLE);
    wm_mount_register_filters(pool);
    wm_body_register_filter();
    wm_auth_register(pool);
}

/* The library's flags hide every name; httpd looks this one up. */
extern module AP_MODULE_DECLARE_DATA webmunk_module __attribute__((visibility("default")));

AP_DECLARE_MODULE(webmunk) = {
    STANDARD20_MODULE_STUFF, wm_dir_create, wm_dir_merge,   wm_server_create,
    wm_server_merge,         wm_commands,   register_hooks, AP_MODULE_FLAG_NONE,
};
