/* SPDX-License-Identifier: Apache-2.0 */
/* What the button "Test" of the page of destinations asks for.  A test that fails is an answer, not a
 * failure of the job: it stands with the destination. */
#include <jansson.h>

#include "dest.h"
#include "job.h"

static const char *text_of(const json_t *object, const char *name)
{
    return json_string_value(json_object_get(object, name));
}

static const wm_err *destination_test(wm_job_run *run)
{
    wm_dest_send send = {.pool = run->pool, .fd = -1};
    const char *result = NULL;
    const wm_err *err;
    json_t *list, *d;

    WM_TRY(wm_db_json(&list, run->db, WM_SQL_DESTINATION_LIST,
                      WM_ARGS(WM_TEXT(text_of(run->params, "name"))), run->pool));
    d = json_array_get(list, 0);
    if (!d) {
        wm_job_note(run, "the destination is gone");
        return NULL;
    }
    send.kind = wm_dest_find(text_of(d, "kind"));
    send.name = text_of(d, "name");
    send.settings = json_object_get(d, "settings");
    send.secret_name = text_of(d, "secret_name");
    if (!send.kind)
        return wm_err_make(run->pool, WM_E_INPUT, "this webmunkd knows no kind %s",
                           text_of(d, "kind"));
    WM_TRY(wm_fetch_create(&send.fetch, NULL, run->pool));
    err = wm_dest_check(send.kind, send.settings, send.secret_name, run->pool);
    if (!err)
        err = wm_dest_test(&result, &send);
    if (err)
        result = wm_err_text(err, run->pool);
    wm_job_note(run, "%s: %s", send.name, result ? result : "it works");
    return wm_db_do(NULL, run->db, WM_SQL_DESTINATION_TESTED,
                    WM_ARGS(WM_I64(json_integer_value(json_object_get(d, "id"))),
                            WM_TEXT(result ? result : "")),
                    run->pool);
}

const wm_job wm_job_destination_test = {
    .name = "destination-test",
    .summary = "try a destination out",
    .deadline = APR_TIME_C(10) * 60 * APR_USEC_PER_SEC,
    .tries = 2,
    .parallel = 4,
    .run = destination_test,
};
