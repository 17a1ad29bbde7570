/* SPDX-License-Identifier: Apache-2.0 */
/* The researchers' pages: from a query to the JSON that is both the page's answer at its address
 * with ".json" and what its template is rendered from.  A host does only this: find the page by
 * its path, fill the query from the request's arguments, build, write the access log row, render.
 *
 *     const wm_page *which = wm_page_find("participants");
 *     wm_page_query q = {.base = "/dashboard", .account = r->user, ...};
 *     for each argument: WM_TRY(wm_page_query_arg(&q, name, value, pool));
 *     WM_TRY(which->build(&page, db, &q, pool));
 *     .json: json_dumps(page); .csv: wm_page_csv(); else WM_TRY(wm_page_html(...));
 *
 * Content and definitions: dashboard document, sections 10 and 11. */
#ifndef WM_PAGE_H
#define WM_PAGE_H

#include <apr_pools.h>
#include <apr_tables.h>
#include <apr_time.h>
#include <jansson.h>

#include "wm_account.h"
#include "wm_buf.h"
#include "wm_err.h"

struct wm_csv_column;
struct wm_db;
struct wm_templates;

enum {
    WM_PAGE_ALL_DAYS = -1,       /* no number that an address can have */
    WM_PAGE_LIMIT = 50,          /* rows of a page unless the address says otherwise */
    WM_PAGE_ARGUMENT_MAX = 4096, /* bytes of one argument; a longer one is WM_E_INPUT */
    WM_PAGE_ESCAPED_MAX = 2048,  /* ... percent-encoded, but for names: links carry them on, and
                                    httpd refuses a request line of more than 8,190 bytes */
    WM_PAGE_CHOICE_MAX = 300     /* ... of a client and of a generator that is missing */
};

/* What the address and the session say.  The host zeroes it, fills the first group, and gives
 * every argument of the address to wm_page_query_arg.  NULL: not given. */
typedef struct wm_page_query {
    const char *base;         /* URL prefix of the dashboard without the last slash, "/dashboard" */
    const char *account;      /* who is signed in; NULL: nobody (sign-in and error pages) */
    const char *csrf;         /* form token for the sign-out form; never part of the JSON answer */
    const char *request_id;   /* shown in the footer */
    const char *version;      /* of the server, shown in the footer */
    const char *notice;       /* a sentence to show once, e.g. the notice of the last sign-in */
    const wm_account *person; /* the account; NULL: nobody, or pages are built without a host */
    apr_int64_t study_id;     /* by wm_page_choose_study; 0: the default study */
    json_t *studies;          /* ... those to choose from, by the same; NULL: none */
    apr_int64_t number;       /* what the star of the page's path stands for; 0: nothing */
    const apr_table_t *fields; /* of a form that was sent to the page; or NULL */
    const char *problem;       /* what is wrong with it, in words; or NULL */
    int counts_only;           /* who asks may not see lists of participants */
    int no_points;             /* ... and not what they sent: no links to it */
    int no_sign_out;           /* who asks signed in elsewhere and signs out there */
    apr_time_t now;            /* the server's clock */

    const char *study;   /* study: slug; NULL: the default study */
    const char *zone;    /* zone: of the times shown, by wm_page_choose_zone; NULL: the study's */
    const char *search;  /* q: part of id or name */
    const char *sort;    /* sort: column, "-" in front for descending */
    const char *level;   /* level: of alerts, "critical", "warning" or "info" */
    const char *state;   /* state: a state, or "expected", "received", "problem" for several */
    const char *group;   /* group: name, or "-" for those without */
    const char *silent;  /* silent: hours for which nothing was received */
    const char *client;  /* client: with its version, as lists show it */
    const char *without; /* without: generator of which nothing was received within 7 days */
    const char *after;   /* after, before: keyset cursors as the page's own links carry them */
    const char *before;
    int limit;              /* limit: 25, 50, 100 or 250 */
    const char *identifier; /* id: the participant; of alerts, those about them */
    const char *id_number;  /* id-number: the same by number, where the id is too long for a link */
    const char *generator; /* generator: identifier; in a list, those who sent it within 24 hours */
    const char *generator_number; /* generator-number: the same by number */
    const char *tab;  /* tab: completeness, day, generators, uploads or points; of alerts */
    const char *who;  /* who: "mine" or "all" exports */
    const char *copy; /* copy: number of an export whose definition is taken over */
    const char *day;  /* day: one UTC day of a participant, "2026-01-31" */
    const char *show; /* show: "sensitive" fields, too */
    int days;         /* days: of a grid or plot; WM_PAGE_ALL_DAYS for "all" */
    int everything;   /* set by wm_page_csv: all rows instead of a page of them */
} wm_page_query;

/* One page.  A new page is a row in wm_pages plus its template. */
typedef struct wm_page {
    const char *path;     /* below the base; "" is the first page; "*" stands for a number */
    const char *template; /* name in the template set */
    const char *title;
    const char *nav;    /* words in the navigation; NULL: not listed there */
    const char *parent; /* path of the page above it, for breadcrumb and navigation; or NULL */
    /* Columns of ".csv"; NULL: this page, or its tab, has no table to download. */
    const struct wm_csv_column *(*csv)(const wm_page_query *q);
    const char *action; /* for access_log, e.g. "view-participants" */
    wm_right right;     /* without which it is refused, and not in the navigation */
    int all_studies;    /* it shows what is of any study in which they have the right */
    /* *PAGE belongs to POOL.  WM_E_INPUT when an argument is out of its form, WM_E_NOT_FOUND when
     * the study or participant does not exist; database errors. */
    const wm_err *(*build)(json_t **page, struct wm_db *db, const wm_page_query *q,
                           apr_pool_t *pool);
} wm_page;

extern const wm_page wm_pages[]; /* ends with a row whose path is NULL */

/* The page at PATH where a last segment of digits is *NUMBER, else 0. */
const wm_page *wm_page_find_number(const char *path, apr_int64_t *number, apr_pool_t *pool);

/* The page at PATH (below the base, without slashes at its ends and without suffix), or NULL.  The
 * first page also has a name, because ".json" needs something to stand behind: "overview". */
const wm_page *wm_page_find(const char *path);

/* One decoded argument of the address.  Names that no page knows are ignored; WM_E_INPUT when the
 * value is too long or no number where one is due. */
const wm_err *wm_page_query_arg(wm_page_query *q, const char *name, const char *value,
                                apr_pool_t *pool);

/* Which study the page is about: a participant's own, else the one that the address names, else the
 * default one or, where the account has not RIGHT in that, the first in which it has.  WM_E_NOT_FOUND
 * when the address names none in which the account has a role.  Whether it has RIGHT in the study is
 * then for the host to ask. */
const wm_err *wm_page_choose_study(wm_page_query *q, wm_right right, struct wm_db *db,
                                   apr_pool_t *pool);

/* The time zone that the address names, as its file is called; times are the study's where it names
 * none.  WM_E_INPUT when there is no such zone.  PostgreSQL would read all files to tell. */
const wm_err *wm_page_choose_zone(wm_page_query *q, apr_pool_t *pool);

/* One changed argument of a link; a list of them ends with a NULL name, a NULL value removes. */
typedef struct wm_page_change {
    const char *name;
    const char *value;
} wm_page_change;

#define WM_CHANGES(...) ((const wm_page_change[]){__VA_ARGS__, {NULL, NULL}})
#define WM_NO_CHANGES   ((const wm_page_change[]){{NULL, NULL}})

/* The address of PATH with nothing but the query's study and time zone, and CHANGES. */
const char *wm_page_link_only(const wm_page_query *q, const char *path,
                              const wm_page_change *changes, apr_pool_t *pool);

const wm_err *wm_page_overview(json_t **page, struct wm_db *db, const wm_page_query *q,
                               apr_pool_t *pool);
const wm_err *wm_page_participants(json_t **page, struct wm_db *db, const wm_page_query *q,
                                   apr_pool_t *pool);
const wm_err *wm_page_unassigned(json_t **page, struct wm_db *db, const wm_page_query *q,
                                 apr_pool_t *pool);
const wm_err *wm_page_participant(json_t **page, struct wm_db *db, const wm_page_query *q,
                                  apr_pool_t *pool);

const wm_err *wm_page_alerts(json_t **page, struct wm_db *db, const wm_page_query *q,
                             apr_pool_t *pool);

/* Exports, one export, the form for a new one, destinations; jobs and schedules, one job. */
const wm_err *wm_page_exports(json_t **page, struct wm_db *db, const wm_page_query *q,
                              apr_pool_t *pool);
const wm_err *wm_page_export(json_t **page, struct wm_db *db, const wm_page_query *q,
                             apr_pool_t *pool);
const wm_err *wm_page_export_new(json_t **page, struct wm_db *db, const wm_page_query *q,
                                 apr_pool_t *pool);
const wm_err *wm_page_destinations(json_t **page, struct wm_db *db, const wm_page_query *q,
                                   apr_pool_t *pool);
const wm_err *wm_page_system(json_t **page, struct wm_db *db, const wm_page_query *q,
                             apr_pool_t *pool);
const wm_err *wm_page_job(json_t **page, struct wm_db *db, const wm_page_query *q,
                          apr_pool_t *pool);

/* The definition that the FIELDS of that form make for STUDY, not yet checked. */
const wm_err *wm_page_export_defined(json_t **definition, struct wm_db *db, apr_int64_t study,
                                     const char *zone, const apr_table_t *fields, apr_pool_t *pool);

/* Whom the export of DEFINITION in STUDY is about, for the access log: an array of source ids. */
const wm_err *wm_page_export_sources(json_t **ids, struct wm_db *db, apr_int64_t study,
                                     const json_t *definition, apr_pool_t *pool);

/* Has an export of DEFINITION sensitive fields?  Only "sensitive": false leaves them out. */
int wm_page_export_is_sensitive(const json_t *definition);

/* WM_E_SENSITIVE when it has, and PERSON may not see those of STUDY: then they neither ask for it nor get
 * its archive. */
const wm_err *wm_page_export_permit(const wm_account *person, apr_int64_t study,
                                    const json_t *definition, apr_pool_t *pool);

/* May PERSON cancel and delete an export of STUDY that the account BY (0: none) asked for? */
int wm_page_may_change_export(const wm_account *person, apr_int64_t study, apr_int64_t by);

/* May PERSON have a destination of STUDY (0: all studies) tested? */
int wm_page_may_test(const wm_account *person, apr_int64_t study);

/* May PERSON pause and run what is scheduled in STUDY (0: the whole server's)? */
int wm_page_may_schedule(const wm_account *person, apr_int64_t study);

/* May PERSON leave participants of STUDY out of exports? */
int wm_page_may_exclude(const wm_account *person, apr_int64_t study);

/* May PERSON see and acknowledge alerts of STUDY (0: the whole server's), about a participant or not? */
int wm_page_may_see_alert(const wm_account *person, apr_int64_t study);
int wm_page_may_acknowledge(const wm_account *person, apr_int64_t study, int of_participant);

/* What to do for somebody who may not see sensitive fields, in a sentence. */
#define WM_PAGE_ASK_FOR_SENSITIVE                              \
    "Ask an administrator for the right to sensitive fields: " \
    "webmunkd account grant NAME --right sensitive"

/* Does PAGE show sensitive fields?  The access log has an action for that. */
int wm_page_shows_sensitive(const json_t *page);

/* Has PAGE a table whose columns an account chooses? */
int wm_page_has_columns(const wm_page *page);
/* Keep for ACCOUNT which columns the FIELDS of that form show: those with "show-KEY"; or with "default"
 * forget what was chosen.  WM_E_INPUT for a column that PAGE has not. */
const wm_err *wm_page_columns_keep(struct wm_db *db, const wm_page *page, apr_int64_t account,
                                   const apr_table_t *fields, apr_pool_t *pool);

/* The participants whose data PAGE shows, for the access log: an array of source ids (may be
 * empty) that belongs to PAGE. */
const json_t *wm_page_extent(const json_t *page);

/* The sign-in form, template "signin".  ACTION is where it posts ("user", "password", "location");
 * PROBLEM a neutral sentence or NULL; LOCATION where to go afterwards or NULL. */
const wm_err *wm_page_signin(json_t **page, const wm_page_query *q, const char *action,
                             const char *problem, const char *location, apr_pool_t *pool);

/* An error page, template "error": the status, its public sentence, what to do next. */
const wm_err *wm_page_error(json_t **page, const wm_page_query *q, wm_err_code code,
                            apr_pool_t *pool);

/* PAGE as HTML: the frame (navigation, account, form token, footer) is added and TEMPLATE rendered.
 * The text lives in POOL's buffer. */
const wm_err *wm_page_html(wm_buf **text, const struct wm_templates *templates,
                           const char *template, json_t *page, const wm_page_query *q,
                           apr_pool_t *pool);

/* All rows of WHICH's table with the query's filters as CSV (RFC 4180, UTF-8, header line; a cell
 * that a spreadsheet would take for a formula gets a quote in front).  WM_E_NOT_FOUND when the page
 * has no table.  *EXTENT is as wm_page_extent's, of all rows. */
const wm_err *wm_page_csv(wm_buf **text, const json_t **extent, const wm_page *which,
                          struct wm_db *db, const wm_page_query *q, apr_pool_t *pool);

#endif
