/* SPDX-License-Identifier: Apache-2.0 */
/* What the builders of pages share: links, words, tables.  Results live in the given pool, or
 * belong to the JSON they were put into. */
#ifndef WM_PAGE_INT_H
#define WM_PAGE_INT_H

#include "wm_db.h"
#include "wm_page.h"

/* Words for a state, in the order in which they are tested (webmunk.state_rank lists the same
 * names; a test compares): name, mark, label, what it means. */
#define WM_STATES(X)                                                                             \
    X("erased", "✕", "Erased", "The data are erased; only the receipt remains.")                 \
    X("withdrawn", "⊘", "Withdrawn", "The participant withdrew.")                                \
    X("completed", "✓", "Completed", "The study has ended for this participant.")                \
    X("paused", "‖", "Paused", "Paused by a researcher.")                                        \
    X("invited", "○", "Invited", "On the list; nothing has been received yet.")                  \
    X("never", "!", "Never started", "Nothing was ever received, and the grace period is over.") \
    X("silent", "●", "Silent", "Nothing was received for longer than the silent limit.")         \
    X("late", "●", "Late", "Nothing was received for longer than the late limit.")               \
    X("partial", "◐", "Partial", "Data arrive, but a required generator is missing.")            \
    X("clock", "◷", "Clock", "Data arrive, but the clock of the device is wrong.")               \
    X("active", "●", "Active", "Data arrive in time.")                                           \
    X("unassigned", "?", "Unassigned", "Data arrive from an id that is on no list.")

/* The address of PATH with the query's arguments and CHANGES.  Cursors do not survive. */
const char *wm_page_link(const wm_page_query *q, const char *path, const wm_page_change *changes,
                         apr_pool_t *pool);
/* How addresses write so many DAYS. */
const char *wm_page_days(int days, apr_pool_t *pool);
/* What such a link carries, as [{name, value}]: hidden fields of a form that leads there. */
json_t *wm_page_fields(const wm_page_query *q, const wm_page_change *changes, apr_pool_t *pool);

/* How links name a participant ("id", "id-number") or a generator: by TEXT, unless that is too long
 * for an address, then by NUMBER.  The other member is NULL. */
typedef struct wm_page_name {
    const char *text;
    const char *number;
} wm_page_name;

wm_page_name wm_page_name_of(const char *text, apr_int64_t number, apr_pool_t *pool);
/* The name that an address means: TEXT, or what statement ID says of NUMBER; NULL when neither is
 * given.  WM_E_INPUT, WM_E_NOT_FOUND. */
const wm_err *wm_page_named(const char **name, wm_db *db, const char *text, const char *number,
                            wm_sql_id id, apr_pool_t *pool);

/* "3 hours"; "1 204"; "4.2 MB". */
const char *wm_page_duration(apr_int64_t seconds, apr_pool_t *pool);
/* The same without rounding: of 60 hours "60 hours", not "2 days". */
const char *wm_page_limit(apr_int64_t seconds, apr_pool_t *pool);
const char *wm_page_number(apr_int64_t number, apr_pool_t *pool);
const char *wm_page_bytes(apr_int64_t bytes, apr_pool_t *pool);
/* "1 upload", "1 204 uploads": ONE is the word for one, the plural ends with an s. */
const char *wm_page_count(apr_int64_t number, const char *one, apr_pool_t *pool);
/* "3 hours ago", "in 2 days", "just now". */
const char *wm_page_age(apr_int64_t then, apr_int64_t now, apr_pool_t *pool);
/* Words for a class of lag (minute, hour, day, more); NULL for NULL. */
const char *wm_page_lag(const char *lag);
/* TEXT, or its first characters and an ellipsis. */
const char *wm_page_short(const char *text, size_t characters, apr_pool_t *pool);

/* What a page shows of NAME, which a device chose: neither long nor invisible; NULL of NULL. */
const char *wm_page_shown(const char *name, apr_pool_t *pool);
/* Beside the name KEY of OBJECT that text as "short", and as "full" the whole name where "short" is
 * not all of it, else false. */
void wm_page_show_name(json_t *object, const char *key, apr_pool_t *pool);

/* Put the age into every moment inside VALUE. */
void wm_page_ages(json_t *value, apr_time_t now, apr_pool_t *pool);
/* Beside each number KEY of OBJECT a text KEY_text with its digits in groups. */
void wm_page_number_text(json_t *object, const char *key, apr_pool_t *pool);
/* Beside each number KEY of OBJECT a text KEY_words as wm_page_count makes it. */
void wm_page_count_words(json_t *object, const char *key, const char *one, apr_pool_t *pool);
/* Beside "total" of PAGE, the rows on all pages of its list, "total_text" and, in "total_noun", the word
 * for them: ONE is that for one. */
void wm_page_total(json_t *page, const char *one, apr_pool_t *pool);
/* Replace OBJECT's member "state" by {name, label, mark, help}. */
void wm_page_state(json_t *object);
/* The new object for state NAME; an empty one for a name that is no state. */
json_t *wm_page_state_of(const char *name);
/* The states that the argument STATE stands for, separated by commas: one, or those of "expected",
 * "received", "problem".  *STATES is NULL for NULL; WM_E_INPUT for other words. */
const wm_err *wm_page_states(const char **states, const char *state, apr_pool_t *pool);
/* Beside "identifier" and the number "id" a member "link" to the participant's page, and what
 * wm_page_show_name adds. */
void wm_page_participant_link(json_t *row, const wm_page_query *q, apr_pool_t *pool);

/* Run a statement for a page; an argument that the database cannot read is WM_E_INPUT. */
const wm_err *wm_page_ask(json_t **answer, wm_db *db, wm_sql_id id, wm_args args, apr_pool_t *pool);
/* Bring something up to date that pages share.  What takes too long is shown as it was, and on a
 * standby, which only reads, as its primary has it. */
const wm_err *wm_page_keep(wm_db *db, wm_sql_id id, wm_args args, apr_pool_t *pool);
/* A page with its study, title and own links, owned by POOL.  *STUDY_ID is the study's real number. */
const wm_err *wm_page_begin(json_t **page, apr_int64_t *study_id, wm_db *db, const char *path,
                            const wm_page_query *q, apr_pool_t *pool);
/* {zone, own}: the time zone of a page about STUDY, and whether it is the study's. */
json_t *wm_page_times(const json_t *study, const wm_page_query *q);
/* The time zone of all local times of PAGE, and the one that its study has. */
const char *wm_page_zone(const json_t *page);
const char *wm_page_own_zone(const json_t *page);
/* The zones to choose from, each with what leads to the same page, at PATH, in it; NULL for a page
 * without times. */
json_t *wm_page_zones(const json_t *page, const char *path, const wm_page_query *q,
                      apr_pool_t *pool);
/* The ids of ROWS' sources join the page's extent. */
void wm_page_extend(json_t *page, const json_t *rows);

typedef struct wm_page_column {
    const char *key; /* in the address, and of the statement */
    const char *label;
    int sortable;
    int descending; /* the first click sorts downwards */
    int numeric;
} wm_page_column;

/* Where in a list the page begins. */
typedef struct wm_page_place {
    const char *sort; /* column */
    int descending;
    int backwards;
    apr_int64_t id; /* 0: at the start */
    const char *key;
    int limit;
} wm_page_place;

/* Read sort, cursor and limit of the query.  COLUMNS ends with a NULL key; the first sortable one
 * is the default.  Each is WM_E_INPUT when it is none of the page's own. */
const wm_err *wm_page_place_read(wm_page_place *place, const wm_page_query *q,
                                 const wm_page_column *columns, apr_pool_t *pool);

/* Cut the extra row from ROWS, and put "table" into PAGE: caption, columns with their sort links,
 * next and previous (by members ID_KEY and "key" of the rows), sizes, search, downloads. */
void wm_page_table(json_t *page, json_t *rows, const char *caption, const char *path,
                   const wm_page_column *columns, const wm_page_place *place, const char *id_key,
                   const wm_page_query *q, apr_pool_t *pool);
/* Say in TABLE which columns are shown: by PAGE's "hidden", an array of keys, when the account has chosen. */
void wm_page_columns_show(json_t *page, json_t *table, const char *path, const wm_page_query *q);
/* Take column KEY out of PAGE's table, for who may not see it. */
void wm_page_column_drop(json_t *page, const char *key);
/* A chip "LABEL: value" that removes argument NAME. */
void wm_page_chip(json_t *page, const char *label, const char *value, const char *path,
                  const char *name, const wm_page_query *q, apr_pool_t *pool);

/* What the list of participants is filtered by, checked, in the form of its statement. */
typedef struct wm_page_filters {
    const char *states;
    const char *generator;
    apr_int64_t silent; /* hours; 0: any */
} wm_page_filters;

const wm_err *wm_page_filters_read(wm_page_filters *filters, wm_db *db, const wm_page_query *q,
                                   apr_pool_t *pool);
/* The choices of the form and the chips of PAGE, which has the answer and its table.  WM_E_INPUT when the
 * generator that is to be missing does not exist. */
const wm_err *wm_page_filters_show(json_t *page, const wm_page_filters *filters,
                                   const wm_page_query *q, apr_pool_t *pool);

/* The studies in which who asks has RIGHT, as an argument "bigint[]"; SQL null: all of them, or pages
 * are built without a host. */
const wm_err *wm_page_studies(wm_arg *studies, const wm_page_query *q, wm_right right,
                              apr_pool_t *pool);
/* Does something here change by itself?  Then "live" of PAGE says in seconds how often to ask, and
 * links.progress where. */
void wm_page_live(json_t *page, int live, const char *path, const wm_page_query *q,
                  apr_pool_t *pool);
/* The state of a job NAME of whom is said {name, label, mark, help}. */
json_t *wm_page_job_state(const char *name);
/* "80 of 100 rows" in member "words" of PROGRESS, and "percent". */
void wm_page_progress(json_t *progress, apr_pool_t *pool);

enum { WM_PAGE_DOCUMENTS_MAX = 8 << 20 }; /* characters of documents that one page asks for */

/* The documents "properties" of ROWS, texts of jsonb values or their beginnings, as who asks about STUDY
 * gets them: laid out, with a mask for values of sensitive members of GENERATOR, then cut, which "cut"
 * says.  Who may see sensitive fields there, and wants to, gets them without mask.  "sensitive" of PAGE
 * says which it is, with the link to the other.  WM_E_INPUT when the address wants to see what is not. */
const wm_err *wm_page_documents(json_t *page, json_t *rows, const char *generator,
                                apr_int64_t study, const wm_page_query *q, apr_pool_t *pool);

/* Participant P in words: state, reason, exports, and what may be done. */
void wm_page_person(json_t *p, const wm_page_query *q, apr_pool_t *pool);

/* How the server is, in member "health" of PAGE. */
const wm_err *wm_page_health(json_t *page, wm_db *db, const wm_page_query *q, apr_pool_t *pool);

/* The coordinates of the completeness grid and of a day's lanes. */
void wm_page_grid(json_t *completeness, const wm_page_query *q, apr_pool_t *pool);
void wm_page_lanes(json_t *generators, apr_pool_t *pool);
/* A line through VALUES: "x,y x,y" for a box of WIDTH and HEIGHT, in member "line" of OBJECT. */
void wm_page_spark(json_t *object, const json_t *values, int width, int height, apr_pool_t *pool);

/* Header and member ("received.at") of a CSV column; a list ends with a NULL header. */
struct wm_csv_column {
    const char *header;
    const char *member;
};

#endif
