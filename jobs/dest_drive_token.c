/* SPDX-License-Identifier: Apache-2.0 */
/* Google's access tokens for a service account: a claim signed with RS256 (RFC 7515), by libcrypto
 * because libsodium has no RSA. */
#include <string.h>

#include <apr_strings.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <sodium.h>

#include "dest_drive.h"
#include "secret.h"
#include "wm_json_own.h"

static const char *base64url(const void *data, size_t size, apr_pool_t *pool)
{
    const int variant = sodium_base64_VARIANT_URLSAFE_NO_PADDING;
    size_t room = sodium_base64_encoded_len(size, variant);

    return sodium_bin2base64(apr_palloc(pool, room), room, data, size, variant);
}

static const char *sign(const char *text, const char *pem, apr_pool_t *pool)
{
    BIO *bio = BIO_new_mem_buf(pem, -1);
    EVP_PKEY *key = bio ? PEM_read_bio_PrivateKey(bio, NULL, NULL, NULL) : NULL;
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    unsigned char out[1024];
    size_t size = sizeof out;
    int good = key && ctx && EVP_DigestSignInit(ctx, NULL, EVP_sha256(), NULL, key) == 1 &&
               EVP_DigestSign(ctx, out, &size, (const unsigned char *)text, strlen(text)) == 1;

    EVP_MD_CTX_free(ctx);
    EVP_PKEY_free(key);
    BIO_free(bio);
    return good ? base64url(out, size, pool) : NULL;
}

static const char *member(const wm_fetch_answer *answer, const char *name, apr_pool_t *pool)
{
    json_t *root;

    if (wm_json_own_parse(&root, answer->body, answer->size, pool))
        return NULL;
    return json_string_value(json_object_get(root, name));
}

static const wm_err *get_token(wm_drive *d, const char *mail, const char *pem)
{
    static const char head[] = "{\"alg\":\"RS256\",\"typ\":\"JWT\"}";
    const char *headers[] = {"Content-Type: application/x-www-form-urlencoded", NULL};
    const char *own = wm_dest_text(d->send, "api_url");
    apr_pool_t *pool = d->send->pool;
    apr_int64_t now = apr_time_sec(apr_time_now());
    const char *url =
        own ? apr_pstrcat(pool, own, "/token", NULL) : "https://oauth2.googleapis.com/token";
    const char *claims, *text, *signature, *form, *token;
    wm_fetch_answer answer;

    claims = wm_json_own_text(
        wm_json_own(json_pack("{s:s, s:s, s:s, s:I, s:I}", "iss", mail, "scope",
                              "https://www.googleapis.com/auth/drive", "aud", url, "iat",
                              (json_int_t)now, "exp", (json_int_t)now + 3600),
                    pool),
        pool);
    text = apr_pstrcat(pool, base64url(head, sizeof head - 1, pool), ".",
                       base64url(claims, strlen(claims), pool), NULL);
    signature = sign(text, pem, pool);
    if (!signature)
        return wm_err_make(pool, WM_E_INPUT, "the secret's \"private_key\" is no RSA key in PEM");
    form = apr_pstrcat(
        pool, "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer&assertion=", text,
        ".", signature, NULL);
    wm_fetch_request r = {.url = url,
                          .peer = "Google",
                          .method = "POST",
                          .headers = headers,
                          .has_body = 1,
                          .body = form,
                          .size = (apr_int64_t)strlen(form),
                          .timeout = apr_time_from_sec(60)};
    WM_TRY(wm_fetch_do(&answer, d->send->fetch, &r, pool));
    if (answer.status == 400)
        return wm_err_make(pool, WM_E_INPUT,
                           "Google refused the service account's key: make a new one");
    WM_TRY(wm_fetch_expect(&answer, "Google", "an access token", pool));
    token = member(&answer, "access_token", pool);
    if (!token || strpbrk(token, "\r\n"))
        return wm_err_make(pool, WM_E_BUSY, "Google gave no access token");
    d->bearer = apr_pstrcat(pool, "Authorization: Bearer ", token, NULL);
    return NULL;
}

/* It has line breaks, which wm_dest_secret refuses. */
static const wm_err *pem_of(const char **pem, const wm_dest_send *send)
{
    json_t *root;

    WM_TRY(wm_secret_json(&root, send->secret_name, send->pool));
    *pem = json_string_value(json_object_get(root, "private_key"));
    return *pem ? NULL
                : wm_err_make(send->pool, WM_E_INPUT,
                              "the secret \"%s\" needs a text \"private_key\"", send->secret_name);
}

const wm_err *wm_drive_open(wm_drive *d, wm_dest_send *send)
{
    const char *api = wm_dest_text(send, "api_url"), *slash = strrchr(send->object, '/');
    static const char purpose[] = "webmunk: upload sessions";
    const char *mail, *pem;

    memset(d, 0, sizeof *d);
    d->send = send;
    d->api = api ? api : "https://www.googleapis.com";
    d->folder = wm_dest_text(send, "folder");
    d->name = slash ? slash + 1 : send->object;
    WM_TRY(wm_dest_secret(&mail, send, "client_email"));
    WM_TRY(pem_of(&pem, send));
    crypto_generichash(d->key, sizeof d->key, (const unsigned char *)pem, strlen(pem),
                       (const unsigned char *)purpose, sizeof purpose - 1);
    return get_token(d, mail, pem);
}
