/* SPDX-License-Identifier: Apache-2.0 */
/* The settings of webmunkd, from its file, its environment and the defaults below.  A row makes the
 * name, the check, the accessor's number and the line of "check-config --show"; described in
 * man/webmunkd.conf.5 and conf/webmunkd.conf.in, which guard 911 compares.
 *
 * A program has one set of them at a time: what runs and commands read is what wm_settings_use was
 * given last, and a process of a run keeps what its runner had when it began. */
#ifndef WM_SETTINGS_H
#define WM_SETTINGS_H

#include <apr_pools.h>
#include <apr_tables.h>
#include <apr_time.h>

#include "wm_err.h"

/* name, section, key, kind, default ("" for none), words of CHOICE and URL, least, most,
 * environment, help
 *
 * TEXT      anything                   PATH      an absolute path
 * PATHS     parted by commas; the key may be repeated
 * CONNINFO  a database, without its password
 * SECRET    the name of a secret (secret.h), never the secret
 * ADDRESS   one, of mail               ADDRESSES parted by commas; the key may be repeated
 * URL       begins with one of the words, and holds no user or password
 * CLOCK     a time of day, like 08:00
 * CHOICE    one of the words           NUMBER    from least to most
 * SIZE      bytes, with K, M, G or T   TIME      with ms, s, min, h, d or w; microseconds
 * LEVELS    two numbers, from what on it is worth a warning, and critical; TIME_LEVELS two times */
/* clang-format off */
#define WM_SETTINGS(X) \
    X(SITE_NAME, "site", "name", TEXT, "", NULL, 0, 0, "WEBMUNK_SITE_NAME", \
      "what names of files and mail call this server; the name of the host without it") \
    X(SITE_URL, "site", "url", URL, "", "https|http", 0, 0, "WEBMUNK_SITE_URL", \
      "the address of the dashboard, for links in mail and files; without it there are none") \
    X(DATABASE, "database", "conninfo", CONNINFO, "", NULL, 0, 0, "DATABASE_URL", \
      "the database, as a URI or keywords of libpq; its PG* environment without it") \
    X(PARALLEL, "runner", "parallel", NUMBER, "4", NULL, 1, 64, "WEBMUNK_PARALLEL", \
      "so many runs at once") \
    X(LEASE, "runner", "lease", TIME, "60s", NULL, WM_SECONDS(2), WM_SECONDS(3600), \
      "WEBMUNK_LEASE", "runs of a runner that is silent so long are others'") \
    X(POLL, "runner", "poll", TIME, "5s", NULL, WM_SECONDS(1), WM_SECONDS(3600), "WEBMUNK_POLL", \
      "look for due jobs so often, woken by the database or not") \
    X(GRACE, "runner", "grace", TIME, "30s", NULL, WM_SECONDS(1), WM_SECONDS(3600), \
      "WEBMUNK_GRACE", "how long a run may take to stop when asked") \
    X(SECRETS_DIR, "secrets", "dir", PATH, "", NULL, 0, 0, "WEBMUNK_SECRETS_DIR", \
      "folder of the secrets, files of mode 0600; systemd's credentials without it") \
    X(CA_FILE, "network", "ca_file", PATH, "", NULL, 0, 0, "WEBMUNK_CA_FILE", \
      "certificates of authorities to trust instead of the system's") \
    X(EXPORT_DIR, "export", "dir", PATH, "", NULL, 0, 0, "WEBMUNK_EXPORT_DIR", \
      "folder of archives and their parts, made with mode 0700") \
    X(EXPORT_KEY, "export", "key", PATH, "", NULL, 0, 0, "WEBMUNK_EXPORT_KEY", \
      "file of the secret key that signs archives; unsigned without it") \
    X(EXPORT_LEVEL, "export", "level", NUMBER, "6", NULL, 1, 9, "WEBMUNK_EXPORT_LEVEL", \
      "how hard archives are compressed") \
    X(EXPORT_KEEP, "export", "keep", TIME, "30d", NULL, WM_SECONDS(3600), WM_SECONDS(3153600000), \
      "WEBMUNK_EXPORT_KEEP", "how long finished archives are kept") \
    X(FORWARD_BATCH_POINTS, "forward", "batch_points", NUMBER, "100", NULL, 1, 5000, \
      "WEBMUNK_FORWARD_BATCH_POINTS", "so many points at most go to another server at once") \
    X(FORWARD_BATCH_BYTES, "forward", "batch_bytes", SIZE, "1M", NULL, 1024, 67108864, \
      "WEBMUNK_FORWARD_BATCH_BYTES", "and so many bytes of them, but for one that is larger") \
    X(FORWARD_TIMEOUT, "forward", "timeout", TIME, "30s", NULL, WM_SECONDS(1), WM_SECONDS(600), \
      "WEBMUNK_FORWARD_TIMEOUT", "how long the other server may take to acknowledge them") \
    X(HEALTH_FOLDERS, "health", "folders", PATHS, "", NULL, 0, 0, "WEBMUNK_HEALTH_FOLDERS", \
      "folders whose free space is watched beside that of archives: attachments, the database") \
    X(HEALTH_DISK, "health", "disk", LEVELS, "10 5", NULL, 0, 100, "WEBMUNK_HEALTH_DISK", \
      "percent of a file system that are still free") \
    X(HEALTH_JOBS, "health", "jobs", TIME_LEVELS, "10min 1h", NULL, 0, WM_SECONDS(31536000), \
      "WEBMUNK_HEALTH_JOBS", "how long a job waits that is due") \
    X(HEALTH_EXPORTS, "health", "exports", TIME_LEVELS, "6h 24h", NULL, 0, WM_SECONDS(31536000), \
      "WEBMUNK_HEALTH_EXPORTS", "how long an export waits") \
    X(HEALTH_ARCHIVES, "health", "archives", LEVELS, "1 3", NULL, 0, 100000, "WEBMUNK_HEALTH_ARCHIVES", \
      "closed days without a nightly archive") \
    X(HEALTH_ROLLUPS, "health", "rollups", TIME_LEVELS, "10min 1h", NULL, 0, WM_SECONDS(31536000), \
      "WEBMUNK_HEALTH_ROLLUPS", "how old the numbers of pages are") \
    X(HEALTH_TRANSACTIONS, "health", "transactions", TIME_LEVELS, "1h 6h", NULL, 0, WM_SECONDS(31536000), \
      "WEBMUNK_HEALTH_TRANSACTIONS", "how long a transaction is open") \
    X(HEALTH_FORWARD, "health", "forward", TIME_LEVELS, "1h 24h", NULL, 0, WM_SECONDS(31536000), \
      "WEBMUNK_HEALTH_FORWARD", "how long a point waits to be forwarded to another server") \
    X(HEALTH_CONNECTIONS, "health", "connections", LEVELS, "80 95", NULL, 0, 100, "WEBMUNK_HEALTH_CONNECTIONS", \
      "percent of the database's connections in use") \
    X(HEALTH_QUARANTINE, "health", "quarantine", LEVELS, "100 10000", NULL, 0, 100000, "WEBMUNK_HEALTH_QUARANTINE", \
      "pieces that went to quarantine in 24 hours") \
    X(HEALTH_SILENCE, "health", "silence", TIME_LEVELS, "0 0", NULL, 0, WM_SECONDS(31536000), \
      "WEBMUNK_HEALTH_SILENCE", "how long nothing was received; 0 for whatever") \
    X(ACCESS_LOG_FILE, "access_log", "file", PATH, "", NULL, 0, 0, "WEBMUNK_ACCESS_LOG_FILE", \
      "file that heads of the access log are appended to") \
    X(ACCESS_LOG_MAIL, "access_log", "mail", ADDRESSES, "", NULL, 0, 0, "WEBMUNK_ACCESS_LOG_MAIL", \
      "who gets the head of the access log by mail, once a day") \
    X(SMTP_URL, "mail", "smtp_url", URL, "", "smtp|smtps", 0, 0, "WEBMUNK_SMTP_URL", \
      "the mail server; without it mail stays unsent") \
    X(SMTP_TLS, "mail", "tls", CHOICE, "", "required|off", 0, 0, "WEBMUNK_SMTP_TLS", \
      "whether smtp:// is encrypted; required on other hosts without it") \
    X(SMTP_SECRET, "mail", "secret", SECRET, "", NULL, 0, 0, "WEBMUNK_SMTP_SECRET", \
      "name of the secret with user and password of the mail server") \
    X(MAIL_FROM, "mail", "from", ADDRESS, "", NULL, 0, 0, "WEBMUNK_MAIL_FROM", \
      "the address that mail comes from") \
    X(MAIL_ADMINS, "mail", "admins", ADDRESSES, "", NULL, 0, 0, "WEBMUNK_MAIL_ADMINS", \
      "who is told of failures") \
    X(DIGEST_TO, "alerts", "digest_to", ADDRESSES, "", NULL, 0, 0, "WEBMUNK_ALERT_DIGEST_TO", \
      "who gets the daily digest of alerts; the admins of [mail] without it") \
    X(DIGEST_AT, "alerts", "digest_at", CLOCK, "08:00", NULL, 0, 0, "WEBMUNK_ALERT_DIGEST_AT", \
      "when the digest is made, in the time zone of the default study")
/* clang-format on */

#define WM_SECONDS(seconds) ((apr_time_t)(seconds)*APR_USEC_PER_SEC)

typedef enum {
#define X(name, ...) WM_SETTING_##name,
    WM_SETTINGS(X)
#undef X
        WM_SETTING_COUNT
} wm_setting;

typedef struct wm_settings wm_settings;

/* Which file: GIVEN by --config, else by WEBMUNKD_CONF, else the installed one when it is there.
 * NULL: none ("" in the environment says so, too). */
const char *wm_settings_path(const char *given);

/* Read and check PATH (may be NULL) and the environment, in POOL.  WM_E_INPUT in words, with file
 * and line, for the first thing that is wrong. */
const wm_err *wm_settings_read(const wm_settings **settings, const char *path, apr_pool_t *pool);

/* The same with the file's TEXT, of SIZE bytes and called PATH. */
const wm_err *wm_settings_parse(const wm_settings **settings, const char *path, const char *text,
                                apr_size_t size, apr_pool_t *pool);

/* What the accessors below read from now on; it must outlive their results. */
void wm_settings_use(const wm_settings *settings);

/* NULL: not set. */
const char *wm_setting_text(wm_setting id);

/* The database, for libpq; "" leaves it to the PG* environment. */
const char *wm_settings_conninfo(void);

/* Of NUMBER, SIZE, TIME (microseconds) and CHOICE (the word's place); 0 when it is not set. */
apr_int64_t wm_setting_number(wm_setting id);

/* The second of LEVELS and TIME_LEVELS. */
apr_int64_t wm_setting_critical(wm_setting id);

/* The parts of ADDRESSES and PATHS, as const char *; none when it is not set. */
apr_array_header_t *wm_setting_list(wm_setting id, apr_pool_t *pool);

/* What the setting is called in a sentence: "dir in [export] of webmunkd.conf (or WEBMUNK_...)". */
const char *wm_setting_called(wm_setting id, apr_pool_t *pool);

/* All of them, as a file of settings with comments. */
void wm_settings_print(const wm_settings *settings);

#endif
