/* SPDX-License-Identifier: Apache-2.0 */
/* Participants that no export has. */
#include <stdio.h>
#include <string.h>

#include <apr_strings.h>

#include "command.h"
#include "wm_audit.h"
#include "wm_source.h"

static const wm_err *change_in(int *changed, wm_run *run, int exclude, const char *reason)
{
    wm_source *source;

    WM_TRY(wm_source_find(&source, run->db, run->args[0], 0, run->pool));
    WM_TRY(wm_source_exclude(changed, run->db, source, exclude, run->pool));
    if (!*changed)
        return NULL;
    return wm_run_audit_sources(run, exclude ? "source-exclude" : "source-include",
                                apr_psprintf(run->pool, "source:%" APR_INT64_T_FMT, source->id),
                                &source->id, 1, reason);
}

static const wm_err *change(wm_run *run, int exclude)
{
    const char *reason = wm_audit_purpose(wm_run_option(run, "reason"));
    int changed;

    if (!reason || strlen(reason) > WM_PURPOSE_MAX)
        return wm_run_usage(run, "--reason must say why, in at most %d bytes", WM_PURPOSE_MAX);
    WM_TRY(wm_db_begin(run->db, run->pool));
    WM_TRY(change_in(&changed, run, exclude, reason));
    WM_TRY(wm_db_commit(run->db, run->pool));
    if (!changed)
        printf("\"%s\" was %s exports already\n", run->args[0],
               exclude ? "excluded from" : "included in");
    else if (exclude)
        printf("\"%s\" is in no export from now on; archives that are ready keep what they have\n",
               run->args[0]);
    else
        printf("\"%s\" is in exports again, with all its points\n", run->args[0]);
    return NULL;
}

static const wm_err *exclude(wm_run *run)
{
    return change(run, 1);
}

static const wm_err *include(wm_run *run)
{
    return change(run, 0);
}

const wm_command wm_cmd_source_exclude = {
    .name = "source exclude",
    .args = "IDENTIFIER",
    .args_min = 1,
    .args_max = 1,
    .summary = "leave a participant out of all exports",
    .help = "Leaves a participant, a tester for instance, out of every export from now on; "
            "manifests name\n"
            "it among those skipped.  Its data are stored and shown as before, and alerts raised.",
    .needs = WM_NEEDS_DATABASE,
    .options =
        {{.name = "reason", .arg = "TEXT", .help = "why, for the access log", .required = 1}},
    .run = exclude,
};

const wm_command wm_cmd_source_include = {
    .name = "source include",
    .args = "IDENTIFIER",
    .args_min = 1,
    .args_max = 1,
    .summary = "let exports have a participant again",
    .help = "Ends what \"source exclude\" began: exports that begin from now on have all that the\n"
            "participant ever sent.  Nightly archives that left it out are not made again.",
    .needs = WM_NEEDS_DATABASE,
    .options =
        {{.name = "reason", .arg = "TEXT", .help = "why, for the access log", .required = 1}},
    .run = include,
};
