/* SPDX-License-Identifier: Apache-2.0 */
/* People: accounts, their passwords (argon2id), their roles per study, and signing in.
 * Rights are those of the researchers' pages (dashboard specification, 11.16): a role has some, and
 * some count for it only where they were granted as well.  A right that was granted counts in a
 * study in which the account also has a role that it is meant for:
 *     sensitive   analyst, manager, administrator; and only beside the right to records
 *     records     administrator
 *     export      administrator
 * Anywhere else it is void, but stays granted until the role comes. */
#ifndef WM_ACCOUNT_H
#define WM_ACCOUNT_H

#include <apr_tables.h>
#include <apr_time.h>

#include "wm_db.h"
#include "wm_err.h"

/* One row per right: what an account may do in a study. */
#define WM_RIGHTS(X)                                                                    \
    X(WM_MAY_OVERVIEW, "overview")   /* counts and states */                            \
    X(WM_MAY_STATES, "states")       /* participants by id, and whether they send */    \
    X(WM_MAY_RECORDS, "records")     /* what they sent */                               \
    X(WM_MAY_SENSITIVE, "sensitive") /* fields masked otherwise: never by role alone */ \
    X(WM_MAY_EXPORT, "export")                                                          \
    X(WM_MAY_PARTICIPANTS, "participants") /* change names, groups, states */           \
    X(WM_MAY_CONFIGURE, "configure")                                                    \
    X(WM_MAY_ERASE_REQUEST, "erase-request")                                            \
    X(WM_MAY_ERASE_APPROVE, "erase-approve")                                            \
    X(WM_MAY_ERASE_RUN, "erase-run")                                                    \
    X(WM_MAY_LOG_OWN, "log-own") /* the access log's rows of the account itself */      \
    X(WM_MAY_LOG_STUDY, "log-study")                                                    \
    X(WM_MAY_LOG_ALL, "log-all")                                                        \
    X(WM_MAY_ACCOUNTS_VIEW, "accounts-view")                                            \
    X(WM_MAY_ACCOUNTS_STUDY, "accounts-study") /* grant roles in the study */           \
    X(WM_MAY_ACCOUNTS_ALL, "accounts-all")     /* make and disable accounts */          \
    X(WM_MAY_SYSTEM, "system")                 /* jobs, disk, server settings */

typedef enum {
#define X(name, word) name,
    WM_RIGHTS(X)
#undef X
        WM_RIGHT_COUNT
} wm_right;

/* One row per role: constant, word in role_grant.role and in "Require webmunk-role". */
#define WM_ROLES(X)                       \
    X(WM_ROLE_VIEWER, "viewer")           \
    X(WM_ROLE_ANALYST, "analyst")         \
    X(WM_ROLE_COORDINATOR, "coordinator") \
    X(WM_ROLE_MANAGER, "manager")         \
    X(WM_ROLE_AUDITOR, "auditor")         \
    X(WM_ROLE_ADMINISTRATOR, "administrator")

typedef enum {
#define X(name, word) name,
    WM_ROLES(X)
#undef X
        WM_ROLE_COUNT
} wm_role;

enum {
    WM_ANY_STUDY = 0,           /* as a question: in one study at least */
    WM_ALL_STUDIES = -1,        /* as a question: in all of them; in a grant: all */
    WM_PASSWORD_MIN = 12,       /* characters */
    WM_PASSWORD_MAX = 1024,     /* bytes */
    WM_ACCOUNT_NAME_MAX = 255,  /* bytes */
    WM_PASSWORD_HASH_ROOM = 128 /* crypto_pwhash_STRBYTES */
};

typedef struct wm_grant {
    wm_role role;      /* WM_ROLE_COUNT: a single right, not a role */
    wm_right right;    /* ... this one */
    apr_int64_t study; /* study.id, or WM_ALL_STUDIES */
} wm_grant;

typedef struct wm_account {
    apr_int64_t id;
    const char *name;
    int disabled;
    const wm_grant *grants;
    int grant_count;
    apr_time_t last_sign_in; /* after wm_sign_in_finish the one before; 0: never */
} wm_account;

/* The role's word ("viewer"), and back: WM_ROLE_COUNT when WORD is none.  The same of rights. */
const char *wm_role_word(wm_role role);
wm_role wm_role_parse(const char *word);
const char *wm_right_word(wm_right right);
wm_right wm_right_parse(const char *word);
/* The word of what GRANT gives. */
const char *wm_grant_word(wm_grant grant);

/* Nonzero when ROLE includes RIGHT. */
int wm_role_may(wm_role role, wm_right right);

/* Nonzero when RIGHT counts for ROLE where it is granted as well; with WM_ROLE_COUNT for any role. */
int wm_role_may_by_grant(wm_role role, wm_right right);

/* Nonzero when ACCOUNT (may be NULL; a disabled one may nothing) has RIGHT in STUDY, by a role or by
 * grant: a study.id, WM_ANY_STUDY or WM_ALL_STUDIES.  Reads memory only. */
int wm_account_may(const wm_account *account, wm_right right, apr_int64_t study);

/* Nonzero when ACCOUNT has ROLE itself in STUDY ("Require webmunk-role"). */
int wm_account_has_role(const wm_account *account, wm_role role, apr_int64_t study);

/* Ids of the studies in which ACCOUNT has RIGHT, for "study_id = ANY($n)"; *ALL is nonzero, and
 * the array empty, when that is every study.  apr_int64_t elements in POOL. */
apr_array_header_t *wm_account_studies(int *all, const wm_account *account, wm_right right,
                                       apr_pool_t *pool);

/* The account called NAME with its grants, for hosts whose sign-in is somebody else's
 * (mod_auth_openidc).  *ACCOUNT is NULL when there is none; a disabled one is returned as such. */
const wm_err *wm_account_find(wm_account **account, wm_db *db, const char *name, apr_pool_t *pool);

/* The same with the password's hash (NULL: none), for signing in alone. */
const wm_err *wm_account_find_hash(wm_account **account, const char **hash, wm_db *db,
                                   const char *name, apr_pool_t *pool);

/* What account_grants() says ("viewer:3,manager:*,sensitive:3") into ACCOUNT. */
const wm_err *wm_account_grants_parse(wm_account *account, const char *text, apr_pool_t *pool);

/* --- passwords ------------------------------------------------------------------------------- */

/* WM_E_INPUT with a sentence when PASSWORD is too short, too long, the account's name or one of
 * the most common ones.  No rules of composition. */
const wm_err *wm_password_judge(const char *password, const char *name, apr_pool_t *pool);

/* Nonzero when PASSWORD fits HASH.  HASH may be NULL: then it never does, and takes as long. */
int wm_password_check(const char *hash, const char *password);

/* Nonzero when HASH was made with other parameters than the product's. */
int wm_password_stale(const char *hash);

/* Hash PASSWORD by argon2id with the product's parameters (64 MiB, 2 passes: about 80 ms). */
const wm_err *wm_password_hash(char out[WM_PASSWORD_HASH_ROOM], const char *password,
                               apr_pool_t *pool);

/* --- signing in ------------------------------------------------------------------------------ *
 * In three steps, so that no database connection is held while argon2id works:
 *   begin (database) -> check (none; one thread at a time, it needs 64 MiB) -> finish (database).
 * An attempt is counted before it is checked, so parallel guesses gain nothing; finish gives it
 * back after success.  Unknown names and disabled accounts take the same steps and the same time. */

typedef struct wm_sign_in wm_sign_in;

/* Count an attempt for NAME from ADDRESS (text of an IP address; IPv6 counts by /64; may be NULL).
 * WM_E_RATE while either has to wait: *RETRY_AFTER then has the seconds, else 0. */
const wm_err *wm_sign_in_begin(wm_sign_in **sign_in, int *retry_after, wm_db *db, const char *name,
                               const char *address, apr_time_t now, apr_pool_t *pool);

/* Check PASSWORD.  WM_E_AUTH when it does not fit, whatever the reason. */
const wm_err *wm_sign_in_check(wm_sign_in *sign_in, const char *password, apr_pool_t *pool);

/* After a successful check: reset the account's counter, note the time, store a new hash when the
 * product's parameters have changed.  *ACCOUNT has its grants.  WM_E_AUTH when the check did not
 * succeed or the account was disabled meanwhile. */
const wm_err *wm_sign_in_finish(wm_account **account, wm_sign_in *sign_in, wm_db *db,
                                apr_time_t now, apr_pool_t *pool);

/* Forget at most LIMIT counters that have been quiet for a day.  wm_sign_in_finish does so too. */
const wm_err *wm_sign_in_purge(apr_int64_t *gone, wm_db *db, apr_int64_t limit, apr_time_t now,
                               apr_pool_t *pool);

/* The three steps in one, for hosts that have their connection anyway. */
const wm_err *wm_account_sign_in(wm_account **account, int *retry_after, wm_db *db,
                                 const char *name, const char *password, const char *address,
                                 apr_time_t now, apr_pool_t *pool);

/* --- administration -------------------------------------------------------------------------- */

/* Make an account that can sign in by PASSWORD (judged here).  WM_E_INPUT for a name that is none,
 * WM_E_CONFLICT when it exists (case does not count). */
const wm_err *wm_account_add(apr_int64_t *id, wm_db *db, const char *name, const char *password,
                             apr_pool_t *pool);

/* Give what GRANT says.  Giving it twice is success. */
const wm_err *wm_account_grant(wm_db *db, apr_int64_t account_id, wm_grant grant, apr_pool_t *pool);

/* Take it away again.  WM_E_NOT_FOUND when it was not given in that study, or in all. */
const wm_err *wm_account_ungrant(wm_db *db, apr_int64_t account_id, wm_grant grant,
                                 apr_pool_t *pool);

/* The id of the study called SLUG.  WM_E_NOT_FOUND when there is none. */
const wm_err *wm_account_study(apr_int64_t *study, wm_db *db, const char *slug, apr_pool_t *pool);

/* Set a new password (judged here) and end all sessions of the account, in one statement. */
const wm_err *wm_account_password(wm_db *db, const char *name, const char *password,
                                  apr_pool_t *pool);

/* Disable, which ends all sessions, or enable.  WM_E_NOT_FOUND when there is no such account. */
const wm_err *wm_account_disable(wm_db *db, const char *name, int disabled, apr_pool_t *pool);

#endif
