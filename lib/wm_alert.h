/* SPDX-License-Identifier: Apache-2.0 */
/* Alerts in words, for pages, mail and the terminal.  What is wrong is found by webmunk.alerts_update()
 * and described by webmunk.alert_object(). */
#ifndef WM_ALERT_H
#define WM_ALERT_H

#include <apr_pools.h>
#include <jansson.h>

/* Levels, the worst first: name, mark, label, what one is called and what several are. */
#define WM_ALERT_LEVELS(X)                                 \
    X("critical", "✕", "Critical", "critical", "critical") \
    X("warning", "!", "Warning", "warning", "warnings")    \
    X("info", "i", "Notice", "notice", "notices")

typedef struct wm_alert_level {
    const char *name, *mark, *label, *one, *many;
} wm_alert_level;

/* Ended by a NULL name. */
extern const wm_alert_level wm_alert_levels[];

/* A value or limit of a check in UNIT: "2 days", "33 %", "1.1 GB"; "none" when it has no end. */
const char *wm_alert_value(const json_t *value, const char *unit, apr_pool_t *pool);

/* TEXT, which anybody may have chosen, on one line and of bounded length. */
const char *wm_alert_line(const char *text, apr_pool_t *pool);

/* What ALERT says: "nothing received for 50 hours (limit 48 hours)"; what a job or peer added comes
 * behind a colon, on the same line.  Not yet escaped for anything. */
const char *wm_alert_words(const json_t *alert, apr_pool_t *pool);

/* The mail about DIGEST, the answer of the statement alert_digest: what opened and closed since the
 * last one first.  SITE is the address of the dashboard, or NULL. */
typedef struct wm_alert_digest {
    const char *subject, *body;
} wm_alert_digest;

void wm_alert_digest_make(wm_alert_digest *made, const json_t *digest, const char *site,
                          apr_pool_t *pool);

#endif
