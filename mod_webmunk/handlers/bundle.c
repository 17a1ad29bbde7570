/* SPDX-License-Identifier: Apache-2.0 */
/* add-bundle.json and add-point.json: what the clients send (wire protocol, sections 7 to 9). */
#include <httpd.h>
#include <jansson.h>

#include "wm_attachment.h"
#include "wm_bundle.h"
#include "wm_token.h"
#include "wm_writer.h"

#include "../child.h"
#include "../config.h"
#include "../handlers.h"
#include "../memory.h"
#include "../upload.h"

#define BUNDLE_ADDED "Data bundle added successfully, and ready for processing."
#define POINT_ADDED  "Data point added successfully."

/* The only credential of an upload: PUT, before anything of the body is read.  The connection goes
 * back at once, for the body may take its time. */
static const wm_err *authorize(const char **name, wm_http *h)
{
    const char *text = wm_token_bearer(wm_http_header(h, "Authorization"), h->r->pool);
    wm_token *token;
    wm_db *db;

    if (!text)
        return wm_err_make(h->r->pool, WM_E_AUTH, "a PUT without a bearer token");
    WM_TRY(wm_http_db(&db, h));
    WM_TRY(wm_token_find(&token, db, text, h->r->request_time, h->r->pool));
    wm_http_db_done(h);
    *name = token->name;
    return NULL;
}

static const wm_err *decode(wm_bundle **bundle, const wm_upload *upload, const wm_http *h)
{
    request_rec *r = h->r;
    wm_decode_options options = {
        .inflated_max = (size_t)wm_dir_inflated_max(r),
        .depth_max = (int)wm_dir_depth_max(r),
        .points_max = (apr_uint32_t)wm_dir_points_max(r),
        .keys = wm_server_box_keys(r->server),
        .budget = wm_ledger_account(wm_server_child(r->server)->ledger, r->pool),
        .repeats_keep = wm_dir_repeats(r) == WM_REPEATS_KEEP,
    };

    return wm_bundle_decode(bundle, upload, &options, r->pool);
}

static const wm_err *borrow(wm_db **db, void *host)
{
    return wm_http_db(db, host);
}

static void give_back(void *host)
{
    wm_http_db_done(host);
}

/* Into the database; a connection is borrowed only now, when no slow sender can hold it. */
static const wm_err *store(wm_http *h, const wm_bundle *bundle, const char *token)
{
    wm_store_options options = {.body_keep = wm_dir_body_keep(h->r), .token = token};
    /* A virtual host may have a database of its own. */
    wm_lender lender = {
        .borrow = borrow, .give_back = give_back, .host = h, .database = h->r->server};
    wm_stored stored;

    return wm_writer_store(&stored, wm_server_child(h->r->server)->writer, &lender, bundle,
                           &options, h->r->pool);
}

/* The bundle was read whole, is understood, and could not be stored because of ERR.  What is
 * acknowledged without the database is decided here and nowhere else; every client keeps what
 * is refused (11.3). */
static const wm_err *not_stored(wm_http *h, const wm_bundle *bundle, const wm_err *err)
{
    /* When the connection broke, nobody knows whether the commit happened: then the files stay,
     * for a row may name them. */
    if (!wm_db_lost(err))
        wm_attachment_remove(bundle, wm_server_attachment_dir(h->r->server), h->r->pool);
    return err;
}

static const wm_err *receive(wm_http *h, int single)
{
    const char *token = NULL;
    wm_upload *upload;
    wm_bundle *bundle;
    const wm_err *err;

    if (!wm_dir_uploads(h->r)) {
        h->expected = 1;
        return wm_err_make(h->r->pool, WM_E_BUSY, "WebmunkUploads is off");
    }
    if (h->method == WM_PUT)
        WM_TRY(authorize(&token, h));
    WM_TRY(wm_upload_read(&upload, h));
    upload->single = single;
    WM_TRY(decode(&bundle, upload, h));
    err = wm_attachment_store(bundle, wm_server_attachment_dir(h->r->server), h->r->pool);
    if (!err)
        err = store(h, bundle, token);
    return err ? not_stored(h, bundle, err) : NULL;
}

/* 201 once the bundle is stored or quarantined, for a repeat as well. */
const wm_err *wm_h_bundle_add(wm_http *h)
{
    WM_TRY(receive(h, 0));
    return wm_reply_json(h, HTTP_CREATED,
                         json_pack("{s:s, s:b}", "message", BUNDLE_ADDED, "added", 1));
}

/* The same rules as for a bundle of one, but encrypted_transmission is not added (section 8). */
const wm_err *wm_h_point_add(wm_http *h)
{
    WM_TRY(receive(h, 1));
    return wm_reply_json(h, HTTP_CREATED, json_pack("{s:s}", "message", POINT_ADDED));
}
