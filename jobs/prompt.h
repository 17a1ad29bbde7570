/* SPDX-License-Identifier: Apache-2.0 */
/* Where passwords and tokens come from: a file, standard input, or a terminal without echo. */
#ifndef WM_PROMPT_H
#define WM_PROMPT_H

#include "command.h"

enum { WM_SECRET_LINE_MAX = 4096 };

/* The first line of PATH ("-": of standard input), without its end.  The caller wipes it. */
const wm_err *wm_secret_file(char line[WM_SECRET_LINE_MAX], wm_run *run, const char *path);

/* A new password: from PATH when it is not NULL, else typed twice at the terminal. */
const wm_err *wm_secret_password(char line[WM_SECRET_LINE_MAX], wm_run *run, const char *path,
                                 const char *account);

/* Nonzero when a person at the terminal answers QUESTION with yes, or --yes was given; without both it is
 * an error of usage. */
const wm_err *wm_prompt_confirm(int *yes, wm_run *run, const char *question);

/* Put the terminal's echo back; safe in a signal handler. */
void wm_prompt_restore(void);

#endif
