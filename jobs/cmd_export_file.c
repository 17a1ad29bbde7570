/* SPDX-License-Identifier: Apache-2.0 */
/* Archives as files: make, check, fetch, remove. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <apr_strings.h>
#include <jansson.h>

#include "command.h"
#include "exports.h"
#include "job.h"
#include "runner.h"
#include "wm_export_archive.h"
#include "wm_export_sign.h"
#include "wm_json_own.h"

enum { COPY_SIZE = 64 * 1024 };

static volatile sig_atomic_t stop;

static void on_stop(int number)
{
    stop = 1;
    signal(number, SIG_DFL);
}

static const wm_err *make(wm_run *run)
{
    const char *state;
    wm_job_run *one;
    apr_int64_t id;
    json_t *export;

    WM_TRY(wm_exports_number(&id, run));
    WM_TRY(wm_exports_show(&export, run, id));
    one = wm_job_run_make(run->db, run->conninfo, run->log, run->pool);
    one->params = wm_json_own(json_pack("{s:I}", "export", (json_int_t)id), run->pool);
    one->show = 1;
    one->stop = &stop;
    signal(SIGINT, on_stop);
    signal(SIGTERM, on_stop);
    WM_TRY(wm_job_export.run(one));
    WM_TRY(wm_job_progress_flush(one));
    printf("%s\n", wm_job_noted(one));
    WM_TRY(wm_exports_show(&export, run, id));
    state = json_string_value(json_object_get(export, "state"));
    return strcmp(state, "ready")
               ? wm_err_make(run->pool, WM_E_BUSY, "export %" APR_INT64_T_FMT " is %s", id, state)
               : NULL;
}

static const wm_err *verify(wm_run *run)
{
    const char *key = wm_run_option(run, "key");
    wm_export_verdict v;

    WM_TRY(wm_export_verify(&v, run->args[0], key, run->pool));
    printf("%s is whole: %d entries, %" APR_INT64_T_FMT " rows, ", run->args[0], v.entries, v.rows);
    printf("%" APR_INT64_T_FMT " bytes\n", v.bytes);
    if (v.key_known)
        printf("signed with the key in %s\n", key);
    else if (v.is_signed)
        printf("signed with the key %s, which the archive itself names: compare it, or name the "
               "file of the right one with --key\n",
               v.key);
    else
        puts("not signed: nothing says who made it");
    return NULL;
}

static const char *path_of(const json_t *export, const wm_exports *exports, apr_pool_t *pool)
{
    const char *path = json_string_value(json_object_get(export, "path"));

    return path ? apr_pstrcat(pool, exports->setup.dir, "/", path, NULL) : NULL;
}

static const wm_err *copy(int from, int to, const char *name, apr_pool_t *pool)
{
    char *buffer = apr_palloc(pool, COPY_SIZE), *at;
    ssize_t n, written;

    while ((n = read(from, buffer, COPY_SIZE)) != 0) {
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return wm_err_apr(pool, errno, "reading the archive");
        for (at = buffer; n; at += written, n -= written) {
            written = write(to, at, (size_t)n);
            if (written < 0 && errno == EINTR)
                written = 0;
            if (written < 0)
                return wm_err_apr(pool, errno, "writing %s", name);
        }
    }
    return NULL;
}

static const wm_err *copy_file(const char *path, const char *output, apr_pool_t *pool)
{
    int to_stdout = !strcmp(output, "-");
    int from = open(path, O_RDONLY | O_CLOEXEC), to;
    const wm_err *err;

    if (from < 0)
        return wm_err_apr(pool, errno, "opening %s", path);
    to = to_stdout ? STDOUT_FILENO : open(output, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (to < 0) {
        close(from);
        return wm_err_apr(pool, errno, "making %s", output);
    }
    err = copy(from, to, to_stdout ? "standard output" : output, pool);
    close(from);
    if (!to_stdout && close(to) && !err)
        err = wm_err_apr(pool, errno, "writing %s", output);
    if (!to_stdout && err)
        unlink(output);
    return err;
}

static const wm_err *audit(wm_run *run, const char *action, apr_int64_t id)
{
    return wm_run_audit(run, action, apr_psprintf(run->pool, "export:%" APR_INT64_T_FMT, id));
}

static const wm_err *get(wm_run *run)
{
    const char *output = wm_run_option(run, "output"), *path;
    wm_exports exports;
    apr_int64_t id;
    json_t *export;

    WM_TRY(wm_exports_number(&id, run));
    WM_TRY(wm_exports_show(&export, run, id));
    WM_TRY(wm_exports_read(&exports, run->pool));
    path = path_of(export, &exports, run->pool);
    if (!path || strcmp(json_string_value(json_object_get(export, "state")), "ready"))
        return wm_err_make(run->pool, WM_E_NOT_FOUND,
                           "export %" APR_INT64_T_FMT " is %s and has no archive", id,
                           json_string_value(json_object_get(export, "state")));
    if (!output)
        output = json_string_value(json_object_get(export, "file_name"));
    if (!strcmp(output, "-") && isatty(STDOUT_FILENO))
        return wm_run_usage(run, "an archive does not go to a terminal: redirect the output");
    /* Said before it is done: nobody gets data that the log does not know of. */
    WM_TRY(audit(run, "export-get", id));
    WM_TRY(copy_file(path, output, run->pool));
    WM_TRY(wm_db_do(NULL, run->db, WM_SQL_EXPORT_FETCHED, WM_ARGS(WM_I64(id)), run->pool));
    if (strcmp(output, "-"))
        printf("%s\n", output);
    return NULL;
}

static const wm_err *delete (wm_run *run)
{
    const char *path;
    wm_exports exports;
    apr_int64_t id, changed;
    json_t *export;

    WM_TRY(wm_exports_number(&id, run));
    WM_TRY(wm_exports_show(&export, run, id));
    WM_TRY(wm_exports_read(&exports, run->pool));
    WM_TRY(wm_db_begin(run->db, run->pool));
    WM_TRY(wm_db_do(&changed, run->db, WM_SQL_EXPORT_EXPIRE, WM_ARGS(WM_I64(id)), run->pool));
    if (!changed)
        return wm_err_make(run->pool, WM_E_CONFLICT,
                           "export %" APR_INT64_T_FMT " is %s: cancel it first", id,
                           json_string_value(json_object_get(export, "state")));
    WM_TRY(audit(run, "export-delete", id));
    path = path_of(export, &exports, run->pool);
    if (path && unlink(path) && errno != ENOENT)
        return wm_err_apr(run->pool, errno, "removing %s", path);
    wm_export_archive_clean(exports.setup.dir, id, run->pool);
    WM_TRY(wm_db_commit(run->db, run->pool));
    printf("the archive of export %" APR_INT64_T_FMT " is removed\n", id);
    return NULL;
}

const wm_command wm_cmd_export_run = {
    .name = "export run",
    .args = "N",
    .args_min = 1,
    .args_max = 1,
    .summary = "make an export here and now",
    .help = "Makes the archive in the foreground, with its progress on the terminal.  After an\n"
            "interruption, a second time goes on at the last finished part.",
    .needs = WM_NEEDS_DATABASE,
    .run = make,
};

const wm_command wm_cmd_export_verify = {
    .name = "export verify",
    .args = "FILE",
    .args_min = 1,
    .args_max = 1,
    .summary = "check an archive against its manifest and signature",
    .help = "Checks that each entry is what the manifest says, that none is missing or added, and\n"
            "that the signature is true.  Needs no database.",
    .options = {{.name = "key", .arg = "FILE", .help = "the public key that must have signed it"}},
    .run = verify,
};

const wm_command wm_cmd_export_get = {
    .name = "export get",
    .args = "N",
    .args_min = 1,
    .args_max = 1,
    .summary = "copy a finished archive",
    .help = "Copies the archive of an export; the access log notes it.",
    .needs = WM_NEEDS_DATABASE,
    .options = {{.name = "output",
                 .arg = "FILE",
                 .help = "a new file; - is standard output (default: the download's name)"}},
    .run = get,
};

const wm_command wm_cmd_export_delete = {
    .name = "export delete",
    .args = "N",
    .args_min = 1,
    .args_max = 1,
    .summary = "remove the archive of an export before its time",
    .help = "The file goes, the row of the export stays for the record.",
    .needs = WM_NEEDS_DATABASE,
    .run = delete,
};
