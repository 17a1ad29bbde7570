/* SPDX-License-Identifier: Apache-2.0 */
/* The directives.  A row of a table below makes the member, its unset value, its merge, its getter
 * and its command; the text in the default column is what an administrator would write.
 * Documented in man/mod_webmunk.5; guard 904 compares. */
#ifndef WM_CONFIG_H
#define WM_CONFIG_H

#include <httpd.h>
#include <http_config.h>

struct wm_box_keys;
struct wm_child;
struct wm_site;

/* What a location can offer (WebmunkServe).  The order is that of the words in the table. */
enum {
    WM_SERVE_DATA = 1,
    WM_SERVE_DASHBOARD = 2,
    WM_SERVE_SUPPORT = 4,
    WM_SERVE_TRACES = 8,
    WM_SERVE_MONITOR = 16
};
enum { WM_REPEATS_SUPPRESS, WM_REPEATS_KEEP };

/* kind, member, directive, default, words of WORDS and CHOICE, least, most, help; the default
 * "none" is the absence of a PATH or LIST
 *
 * SIZE   bytes, with K, M, G or T     -> apr_int64_t        NUMBER a plain number -> apr_int64_t
 * TIME   with ms, s, min, h, d or w   -> apr_interval_time_t  FLAG   on or off    -> 0 or 1
 * CHOICE one of words                 -> its place, from 0  WORDS  some of words  -> a set of bits
 * PATH   relative to ServerRoot       -> const char *, NULL when there is no default
 * LIST   texts, may be repeated       -> const apr_array_header_t * of const char *, may be NULL */

/* What is set aside is one value of the database, and a message to it, which end below 1 GB. */
#define WM_KEEP_MAX (APR_INT64_C(1000) << 20)

/* Settings of a location.  Getter: wm_dir_<member>(const request_rec *). */
#define WM_DIR_DIRECTIVES(X)                                                               \
    X(WORDS, serve, "WebmunkServe", "data", "data|dashboard|support|traces|monitor", 0, 0, \
      "what this location offers, one or more words")                                      \
    X(FLAG, uploads, "WebmunkUploads", "on", NULL, 0, 0,                                   \
      "off for maintenance: uploads are refused so that every client keeps its data")      \
    X(SIZE, body_max, "WebmunkBodyMax", "256M", NULL, 1024, WM_KEEP_MAX,                   \
      "largest accepted upload, in bytes of the request")                                  \
    X(SIZE, inflated_max, "WebmunkInflatedMax", "512M", NULL, 1024, WM_KEEP_MAX,           \
      "largest JSON text of a bundle; beyond it the bundle goes to quarantine")            \
    X(NUMBER, depth_max, "WebmunkDepthMax", "1000", NULL, 8, 1000,                         \
      "deepest nesting of a point; beyond it the point goes to quarantine")                \
    X(NUMBER, points_max, "WebmunkPointsMax", "1048576", NULL, 1, 1048576,                 \
      "most points of a bundle; beyond it the bundle goes to quarantine")                  \
    X(CHOICE, repeats, "WebmunkRepeats", "suppress", "suppress|keep", 0, 0,                \
      "what happens to points that are known from another bundle")                         \
    X(TIME, body_keep, "WebmunkBodyKeep", "30d", NULL, 0, APR_TIME_C(36500) * 86400000000, \
      "how long the body of an upload is kept as received; 0 for not at all")              \
    X(TIME, body_timeout, "WebmunkBodyTimeout", "60s", NULL, APR_TIME_C(1000000),          \
      APR_TIME_C(86400000000), "time in which the whole body of an upload must arrive")    \
    X(SIZE, body_rate, "WebmunkBodyRate", "4K", NULL, 1, APR_INT64_C(1) << 30,             \
      "each so many bytes received extend WebmunkBodyTimeout by a second")                 \
    X(TIME, body_time_max, "WebmunkBodyTimeMax", "30min", NULL, APR_TIME_C(1000000),       \
      APR_TIME_C(86400000000), "longest that the body of an upload may take in all")       \
    X(LIST, upload_alias, "WebmunkUploadAlias", "none", NULL, 0, 0,                        \
      "further paths below the location that mean add-bundle.json")                        \
    X(NUMBER, monitor_cpu_warning, "WebmunkMonitorCPUWarning", "80", NULL, 0, 101,         \
      "percent of the processors in use from which on cpu-load.json says warning")         \
    X(NUMBER, monitor_cpu_critical, "WebmunkMonitorCPUCritical", "95", NULL, 0, 101,       \
      "percent of the processors in use from which on cpu-load.json says critical")        \
    X(LIST, monitor_ignore_disk, "WebmunkMonitorIgnoreDisk", "none", NULL, 0, 0,           \
      "devices that disk-usage.json leaves out")

/* Settings of a server.  Getter: wm_server_<member>(const server_rec *).  The scope is SERVER
 * (a virtual host may differ) or PROCESS (one value for all of httpd). */
#define WM_SERVER_DIRECTIVES(X)                                                                    \
    X(SIZE, PROCESS, memory_max, "WebmunkMemoryMax", "256M", NULL, 1 << 20, APR_INT64_C(1) << 40,  \
      "inflated bytes that all requests of one child process may hold together")                   \
    X(NUMBER, PROCESS, database_connections, "WebmunkDatabaseConnections", "10", NULL, 1, 10000,   \
      "requests of one child process that may hold a database connection; never more than DBDMax") \
    X(TIME, PROCESS, database_wait, "WebmunkDatabaseWait", "3s", NULL, 0, APR_TIME_C(60000000),    \
      "how long a request waits for one of them before it is answered 503")                        \
    X(PATH, SERVER, attachment_dir, "WebmunkAttachmentDir", WM_STATEDIR "/attachments", NULL, 0,   \
      0, "directory, never a served one, for files that come with bundles")                        \
    X(PATH, SERVER, export_dir, "WebmunkExportDir", WM_STATEDIR "/exports", NULL, 0, 0,            \
      "directory, never a served one, in which webmunkd leaves finished exports")                  \
    X(PATH, SERVER, temp_dir, "WebmunkTempDir", "/var/tmp", NULL, 0, 0,                            \
      "directory for uploads over 1 MB while they arrive")                                         \
    X(PATH, SERVER, box_secret_key, "WebmunkBoxSecretKey", "none", NULL, 0, 0,                     \
      "file with the secret key of this server, for encrypted bundles")                            \
    X(PATH, SERVER, box_peer_key, "WebmunkBoxPeerKey", "none", NULL, 0, 0,                         \
      "file with the public key that all clients share, for encrypted bundles")                    \
    X(PATH, SERVER, secret_file, "WebmunkSecretFile", WM_STATEDIR "/secret", NULL, 0, 0,           \
      "file with the secret that form tokens are made from")                                       \
    X(PATH, SERVER, template_dir, "WebmunkTemplateDir", WM_PKGDATADIR "/templates", NULL, 0, 0,    \
      "directory of the page templates")                                                           \
    X(PATH, SERVER, asset_dir, "WebmunkAssetDir", WM_PKGDATADIR "/assets", NULL, 0, 0,             \
      "directory of style sheets and scripts")

#define WM_GETTER_SIZE   apr_int64_t
#define WM_GETTER_NUMBER apr_int64_t
#define WM_GETTER_TIME   apr_interval_time_t
#define WM_GETTER_FLAG   apr_int64_t
#define WM_GETTER_CHOICE apr_int64_t
#define WM_GETTER_WORDS  apr_int64_t
#define WM_GETTER_PATH   const char *
#define WM_GETTER_LIST   const apr_array_header_t *

#define X(kind, member, ...) WM_GETTER_##kind wm_dir_##member(const request_rec *r);
WM_DIR_DIRECTIVES(X)
#undef X
#define X(kind, scope, member, ...) WM_GETTER_##kind wm_server_##member(const server_rec *s);
WM_SERVER_DIRECTIVES(X)
#undef X

/* Read by check_config, as root, before the children start; NULL without the two directives. */
const struct wm_box_keys *wm_server_box_keys(const server_rec *s);
void wm_server_set_box_keys(server_rec *s, const struct wm_box_keys *keys);

/* What pages are made from, read at the same moment; NULL when no location serves them. */
const struct wm_site *wm_server_site(const server_rec *s);
void wm_server_set_site(server_rec *s, const struct wm_site *site);

/* WebmunkDatabaseConnections, or DBDMax where that is lower; check_config finds out. */
int wm_server_places(const server_rec *s);
void wm_server_set_places(server_rec *s, int places);

/* What child_init made; the same for all servers of the process. */
struct wm_child *wm_server_child(const server_rec *s);
void wm_server_set_child(server_rec *s, struct wm_child *child);

/* For the module record. */
extern const command_rec wm_commands[];
void *wm_dir_create(apr_pool_t *pool, char *path);
void *wm_dir_merge(apr_pool_t *pool, void *base, void *add);
void *wm_server_create(apr_pool_t *pool, server_rec *s);
void *wm_server_merge(apr_pool_t *pool, void *base, void *add);

/* Hook, in config_check.c: what needs several directives, files or other modules.  httpd -t runs it
 * (T2). */
int wm_config_check(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp, server_rec *s);

#endif
