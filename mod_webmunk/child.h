/* SPDX-License-Identifier: Apache-2.0 */
/* What every child process has once; made by child_init, const afterwards but for the insides of
 * gates, writer and ledger, which lock themselves. */
#ifndef WM_CHILD_H
#define WM_CHILD_H

struct wm_gate;
struct wm_ledger;
struct wm_secret;
struct wm_writer;

typedef struct wm_child {
    struct wm_gate *gate;      /* database connections */
    struct wm_gate *passwords; /* argon2id takes 64 MiB each time */
    struct wm_writer *writer;  /* of bundles */
    struct wm_ledger *ledger;  /* memory */
    struct wm_secret *secret;  /* of form tokens */
} wm_child;

#endif
