/* SPDX-License-Identifier: Apache-2.0 */
#include <stdint.h>
#include <string.h>

#include "wm_base64.h"
#include "wm_box.h"
#include "wm_form.h"
#include "wm_gzip.h"
#include "wm_payload.h"

typedef struct unwrapping {
    wm_payload *out;
    const wm_upload *upload;
    const wm_decode_options *options;
    size_t max; /* bytes of JSON text; the tape counts with 32 bits */
    apr_pool_t *pool;
} unwrapping;

typedef enum { PLAIN, GZIP, UNKNOWN } compression;

static void fail(unwrapping *u, wm_reason reason, wm_text raw)
{
    u->out->reason = reason;
    u->out->raw = raw;
}

static wm_text whole_body(const unwrapping *u)
{
    return (wm_text){u->upload->data, u->upload->size};
}

static void take_json(unwrapping *u, wm_text json, wm_buf *owner)
{
    if (json.size > u->max) {
        fail(u, WM_Q_TOO_LARGE, json);
        return;
    }
    u->out->json = json;
    u->out->owner = owner;
}

static const wm_err *take_gzip(unwrapping *u, wm_text packed)
{
    wm_buf *buf = wm_buf_create(u->options->budget, u->pool);
    wm_gzip_result result;

    WM_TRY(wm_gzip_inflate(&result, buf, packed.data, packed.size, u->max));
    if (result != WM_GZIP_GOOD) {
        fail(u, result == WM_GZIP_TOO_LARGE ? WM_Q_TOO_LARGE : WM_Q_BAD_GZIP, packed);
        return NULL;
    }
    u->out->gzip = packed;
    take_json(u, (wm_text){buf->data ? buf->data : "", buf->size}, buf);
    return NULL;
}

/* The text of FIELD: a slice, or decoded into OWNER. */
static const wm_err *field_text(wm_text *text, wm_buf **owner, unwrapping *u,
                                const wm_form_field *field)
{
    *text = field->value;
    *owner = NULL;
    if (!field->urlencoded ||
        (!memchr(text->data, '%', text->size) && !memchr(text->data, '+', text->size)))
        return NULL;
    *owner = wm_buf_create(u->options->budget, u->pool);
    WM_TRY(wm_form_decode(*owner, field->value.data, field->value.size));
    *text = (wm_text){(*owner)->data, (*owner)->size};
    return NULL;
}

/* Base64 text, urlencoded or not, to bytes in a buffer of its own. */
static const wm_err *unbase64(int *good, wm_buf **buf, unwrapping *u, wm_text text, int urlencoded)
{
    *buf = wm_buf_create(u->options->budget, u->pool);
    WM_TRY(wm_buf_reserve(*buf, 1)); /* never NULL data, which means absent */
    return wm_base64_decode(good, *buf, text.data, text.size, urlencoded);
}

static const wm_err *plain_form(unwrapping *u, const wm_form *form, compression packed)
{
    wm_buf *owner;
    wm_text text;
    int good;

    if (packed == GZIP) {
        WM_TRY(unbase64(&good, &owner, u, form->payload.value, form->payload.urlencoded));
        if (good)
            return take_gzip(u, (wm_text){owner->data, owner->size});
    }
    WM_TRY(field_text(&text, &owner, u, &form->payload));
    if (packed == GZIP)
        fail(u, WM_Q_BAD_BASE64, text);
    else
        take_json(u, text, owner);
    return NULL;
}

/* Base64, box, then the text or base64 of gzip.  What is not base64 does not open, either: Android
 * falls back to clear text under the encrypted flag. */
static const wm_err *boxed_form(unwrapping *u, const wm_form *form, compression packed)
{
    wm_buf *box, *nonce, *message = wm_buf_create(u->options->budget, u->pool);
    wm_text text;
    int good;

    if (!form->nonce.value.data) {
        fail(u, WM_Q_NO_NONCE, whole_body(u));
        return NULL;
    }
    if (!u->options->keys) {
        fail(u, WM_Q_NO_KEY, whole_body(u));
        return NULL;
    }
    WM_TRY(unbase64(&good, &nonce, u, form->nonce.value, form->nonce.urlencoded));
    if (good)
        WM_TRY(unbase64(&good, &box, u, form->payload.value, form->payload.urlencoded));
    if (good)
        WM_TRY(wm_box_open(&good, message, u->options->keys, nonce->data, nonce->size, box->data,
                           box->size));
    if (!good) {
        fail(u, WM_Q_DECRYPT_FAILED, whole_body(u));
        return NULL;
    }
    text = (wm_text){message->data ? message->data : "", message->size};
    if (packed == UNKNOWN) {
        fail(u, WM_Q_UNKNOWN_COMPRESSION, text);
    } else if (packed == PLAIN) {
        take_json(u, text, message);
    } else {
        WM_TRY(unbase64(&good, &box, u, text, 0));
        if (good)
            return take_gzip(u, (wm_text){box->data, box->size});
        fail(u, WM_Q_BAD_BASE64, text);
    }
    return NULL;
}

static const wm_err *unwrap_form(unwrapping *u)
{
    const wm_upload *upload = u->upload;
    compression packed;
    wm_form *form;

    if (upload->form == WM_BODY_MULTIPART)
        WM_TRY(wm_form_parse_multipart(&form, upload->content_type, upload->data, upload->size,
                                       wm_hold_create(u->options->budget, u->pool), u->pool));
    else
        WM_TRY(wm_form_parse_urlencoded(&form, upload->data, upload->size, u->pool));
    if (!form->payload.value.data)
        return wm_err_make(u->pool, WM_E_INPUT, "the form has no field payload");
    u->out->encrypted = wm_form_field_is(&form->encrypted, "true");
    if (form->more_files) {
        fail(u, WM_Q_TOO_MANY_FILES, whole_body(u)); /* the files are in there */
        return NULL;
    }
    u->out->files = form->files;
    packed = wm_form_field_is(&form->compression, "gzip") ? GZIP
             : !form->compression.value.data || wm_form_field_is(&form->compression, "none")
                 ? PLAIN
                 : UNKNOWN;
    if (u->out->encrypted)
        return boxed_form(u, form, packed);
    if (packed != UNKNOWN)
        return plain_form(u, form, packed);
    fail(u, WM_Q_UNKNOWN_COMPRESSION, whole_body(u));
    return NULL;
}

const wm_err *wm_payload_unwrap(wm_payload *payload, const wm_upload *upload,
                                const wm_decode_options *options, apr_pool_t *pool)
{
    unwrapping u = {payload, upload, options, options->inflated_max, pool};

    memset(payload, 0, sizeof *payload);
    payload->reason = WM_PAYLOAD_GOOD;
    if (u.max > UINT32_MAX - 1)
        u.max = UINT32_MAX - 1;
    switch (upload->form) {
    case WM_BODY_JSON:
        take_json(&u, whole_body(&u), NULL);
        break;
    case WM_BODY_GZIP:
        return take_gzip(&u, whole_body(&u));
    case WM_BODY_URLENCODED:
    case WM_BODY_MULTIPART:
        return unwrap_form(&u);
    }
    return NULL;
}
