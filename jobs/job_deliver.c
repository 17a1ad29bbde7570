/* SPDX-License-Identifier: Apache-2.0 */
/* Send one archive to one destination.  The row of delivery is the ledger: a try that was killed goes
 * on from what it kept, and what is delivered is not sent again. */
#include <stdlib.h>
#include <string.h>

#include <apr_strings.h>
#include <jansson.h>
#include <sodium.h>

#include "dest.h"
#include "job.h"
#include "mail.h"
#include "settings.h"
#include "wm_json_own.h"

enum { TRIES = 12 };

static const char *text_of(const json_t *object, const char *name)
{
    return json_string_value(json_object_get(object, name));
}

typedef struct delivery {
    wm_job_run *run;
    apr_int64_t id;
    json_t *row;
    wm_dest_send send;
} delivery;

static const wm_err *keep(wm_dest_send *send, json_t *resume, apr_int64_t done)
{
    delivery *d = send->host;

    return wm_db_do(NULL, d->run->db, WM_SQL_DELIVERY_KEEP,
                    WM_ARGS(WM_I64(d->id),
                            WM_TEXT(resume ? wm_json_own_text(resume, send->pool) : NULL),
                            WM_I64(done)),
                    send->pool);
}

/* Progress is for the eye: when it cannot be written, the upload goes on. */
static void sent(wm_dest_send *send, apr_int64_t done)
{
    delivery *d = send->host;

    (void)wm_job_progress(d->run, done, send->size, "bytes", send->name);
}

static const wm_err *open_archive(delivery *d)
{
    const char *folder = wm_setting_text(WM_SETTING_EXPORT_DIR);
    const char *path = text_of(d->row, "path");
    const char *state = text_of(d->row, "export_state");
    const char *expected = text_of(d->row, "file_sha256");
    char hex[65];

    if (!path || strcmp(state, "ready"))
        return wm_err_make(
            d->run->pool, WM_E_INPUT, "the archive of export %" APR_INT64_T_FMT " is %s",
            (apr_int64_t)json_integer_value(json_object_get(d->row, "export")), state);
    if (*path != '/') {
        if (!folder)
            return wm_err_make(d->run->pool, WM_E_INPUT, "nobody says where archives lie: set %s",
                               wm_setting_called(WM_SETTING_EXPORT_DIR, d->run->pool));
        path = apr_pstrcat(d->run->pool, folder, "/", path, NULL);
    }
    WM_TRY(wm_dest_open(&d->send, path));
    sodium_bin2hex(hex, sizeof hex, d->send.sha256, sizeof d->send.sha256);
    if (expected && strcmp(hex, expected))
        return wm_err_make(d->run->pool, WM_E_INPUT,
                           "the archive %s is not what was built: its SHA-256 has changed", path);
    return NULL;
}

static const wm_err *prepare(delivery *d)
{
    json_t *settings = json_object_get(d->row, "settings");
    const char *kind = text_of(d->row, "kind");
    wm_dest_send *send = &d->send;

    send->pool = d->run->pool;
    send->kind = wm_dest_find(kind);
    if (!send->kind)
        return wm_err_make(d->run->pool, WM_E_INPUT,
                           "this webmunkd knows no destinations of kind %s", kind);
    send->name = text_of(d->row, "destination");
    send->settings = settings;
    send->secret_name = text_of(d->row, "secret_name");
    WM_TRY(wm_dest_check(send->kind, settings, send->secret_name, d->run->pool));
    /* An upload under way keeps its name, whatever the settings say by now. */
    send->resume = json_object_get(d->row, "resume");
    if (!json_is_object(send->resume))
        send->resume = NULL;
    if (send->resume)
        send->object = text_of(d->row, "object");
    else
        WM_TRY(wm_dest_object(&send->object, settings, json_object_get(d->row, "facts"),
                              d->run->pool));
    send->keep = keep;
    send->sent = sent;
    send->host = d;
    return wm_fetch_create(&send->fetch, d->run->stop, d->run->pool);
}

static const wm_err *deliver_now(delivery *d)
{
    apr_int64_t changed;

    WM_TRY(prepare(d));
    WM_TRY(wm_db_do(&changed, d->run->db, WM_SQL_DELIVERY_BEGIN,
                    WM_ARGS(WM_I64(d->id), WM_TEXT(d->send.object), WM_I64(d->run->id)),
                    d->run->pool));
    if (!changed)
        return NULL; /* somebody else delivered it meanwhile */
    WM_TRY(open_archive(d));
    WM_TRY(wm_dest_deliver(&d->send));
    WM_TRY(wm_db_do(
        NULL, d->run->db, WM_SQL_DELIVERY_DONE,
        WM_ARGS(WM_I64(d->id), WM_I64(d->send.remote_bytes), WM_TEXT(d->send.remote_checksum)),
        d->run->pool));
    wm_job_note(d->run, "%s is at %s, %" APR_INT64_T_FMT " bytes (%s)", d->send.object,
                d->send.name, d->send.remote_bytes, d->send.remote_checksum);
    return NULL;
}

/* For good: state, log line and a mail to the administrators, whatever became of other mail. */
static const wm_err *give_up(delivery *d, const char *why, int tries)
{
    const char *name = text_of(d->row, "destination");
    const char *file = text_of(json_object_get(d->row, "facts"), "file_name");
    apr_pool_t *pool = d->run->pool;

    wm_log_write(d->run->log, WM_LOG_ERROR,
                 "WM0550 delivery %" APR_INT64_T_FMT " to \"%s\" has failed after %d tries: %s",
                 d->id, name, tries, why);
    return wm_mail_add(
        d->run->db, NULL, apr_psprintf(pool, "Delivery to %s has failed", name),
        apr_psprintf(
            pool,
            "The archive %s could not be delivered to \"%s\" (%d tries):\n\n  %s\n\n"
            "The archive is kept until it expires. When the cause is removed, this delivers it:\n\n"
            "  webmunkd destination test %s\n  webmunkd destination resume %s\n",
            file ? file : "", name, tries, why, name, name),
        apr_psprintf(pool, "delivery %" APR_INT64_T_FMT " failed, job %" APR_INT64_T_FMT, d->id,
                     d->run->id),
        pool);
}

static const wm_err *failed(delivery *d, const wm_err *err)
{
    int tries = (int)json_integer_value(json_object_get(d->row, "tries")) + 1;
    int stopped = d->run->stop && *d->run->stop;
    int final = !stopped && (err->code != WM_E_BUSY || tries >= TRIES);
    const char *why = wm_err_text(err, d->run->pool);

    WM_TRY(wm_db_begin(d->run->db, d->run->pool));
    WM_TRY(wm_db_do(NULL, d->run->db, WM_SQL_DELIVERY_ERROR,
                    WM_ARGS(WM_I64(d->id), WM_TEXT(why), WM_BOOL(final)), d->run->pool));
    if (final)
        WM_TRY(give_up(d, why, tries));
    WM_TRY(wm_db_commit(d->run->db, d->run->pool));
    return wm_err_make(d->run->pool, final ? WM_E_INPUT : WM_E_BUSY, "%s: %s",
                       text_of(d->row, "destination"), why);
}

static const wm_err *deliver(wm_job_run *run)
{
    delivery d = {.run = run, .send.fd = -1};
    const wm_err *err;

    d.id = json_integer_value(json_object_get(run->params, "delivery"));
    WM_TRY(wm_db_json(&d.row, run->db, WM_SQL_DELIVERY_FIND, WM_ARGS(WM_I64(d.id)), run->pool));
    if (!d.row) {
        wm_job_note(run, "delivery %" APR_INT64_T_FMT " is no longer wanted", d.id);
        return NULL;
    }
    if (!strcmp(text_of(d.row, "state"), "delivered")) {
        wm_job_note(run, "it was delivered before");
        return NULL;
    }
    if (json_is_true(json_object_get(d.row, "paused"))) {
        wm_job_note(run, "%s is paused; the delivery waits", text_of(d.row, "destination"));
        return NULL;
    }
    err = deliver_now(&d);
    /* The database's own trouble is the runner's to judge. */
    if (err && !err->sqlstate[0] && PQstatus(run->db->conn) == CONNECTION_OK)
        return failed(&d, err);
    return err;
}

const wm_job wm_job_deliver = {
    .name = "deliver",
    .summary = "send an archive to a destination",
    .deadline = APR_TIME_C(12) * 3600 * APR_USEC_PER_SEC,
    .tries = TRIES,
    .parallel = 4,
    .run = deliver,
};
