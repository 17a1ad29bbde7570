/* SPDX-License-Identifier: Apache-2.0 */
/* The text of a mail: RFC 5322 headers, RFC 2047 words, a body as base64 unless it is plain ASCII of
 * short lines. */
#include <string.h>

#include <apr_strings.h>
#include <apr_time.h>
#include <sodium.h>

#include "mail.h"
#include "wm_buf.h"

enum {
    WORD_BYTES = 42, /* of UTF-8 in an encoded word of at most 75 characters */
    LINE_MAX_7BIT = 900,
    BASE64_LINE_BYTES = 57
};

int wm_mail_address_ok(const char *address)
{
    const char *at = strchr(address, '@');

    if (!at || at == address || !at[1] || strchr(at + 1, '@') || strlen(address) > 254)
        return 0;
    for (const char *c = address; *c; c++)
        if (*c <= ' ' || *c == 0x7f || strchr("<>(),;:\\\"[]", *c))
            return 0;
    return 1;
}

static const char *base64(const void *data, size_t size, apr_pool_t *pool)
{
    size_t room = sodium_base64_encoded_len(size, sodium_base64_VARIANT_ORIGINAL);
    char *text = apr_palloc(pool, room);

    return sodium_bin2base64(text, room, data, size, sodium_base64_VARIANT_ORIGINAL);
}

static int is_ascii(const char *text)
{
    for (; *text; text++)
        if ((unsigned char)*text >= 0x7f)
            return 0;
    return 1;
}

/* One line without controls; nothing in it can begin another header. */
static char *one_line(const char *text, apr_pool_t *pool)
{
    char *line = apr_pstrdup(pool, text);

    for (char *c = line; *c; c++)
        if ((unsigned char)*c < ' ' || *c == 0x7f)
            *c = ' ';
    return line;
}

const char *wm_mail_header(const char *text, apr_pool_t *pool)
{
    const char *line = one_line(text, pool);
    const char *encoded = "";
    size_t size = strlen(line);

    if (is_ascii(line) && size <= 200 && !strstr(line, "=?"))
        return line;
    while (size) {
        size_t take = size < WORD_BYTES ? size : WORD_BYTES;

        /* A character is not cut in two. */
        while (take < size && take > 1 && ((unsigned char)line[take] & 0xc0) == 0x80)
            take--;
        encoded = apr_pstrcat(pool, encoded, *encoded ? "\r\n " : "", "=?UTF-8?B?",
                              base64(line, take, pool), "?=", NULL);
        line += take;
        size -= take;
    }
    return encoded;
}

/* Lines of TEXT with CR LF, when all of them are short and ASCII. */
static const wm_err *add_plain(wm_buf *buf, const char *text)
{
    while (*text) {
        size_t size = strcspn(text, "\r\n");

        WM_TRY(wm_buf_add(buf, text, size));
        WM_TRY(wm_buf_add(buf, "\r\n", 2));
        text += size;
        text += text[0] == '\r' && text[1] == '\n' ? 2 : *text != '\0';
    }
    return NULL;
}

static const wm_err *add_base64(wm_buf *buf, const char *text, apr_pool_t *pool)
{
    size_t size = strlen(text);

    while (size) {
        size_t take = size < BASE64_LINE_BYTES ? size : BASE64_LINE_BYTES;
        const char *line = base64(text, take, pool);

        WM_TRY(wm_buf_add(buf, line, strlen(line)));
        WM_TRY(wm_buf_add(buf, "\r\n", 2));
        text += take;
        size -= take;
    }
    return NULL;
}

static int is_plain(const char *text)
{
    if (!is_ascii(text))
        return 0;
    for (; *text; text += strcspn(text, "\n"), text += *text == '\n')
        if (strcspn(text, "\n") > LINE_MAX_7BIT)
            return 0;
    return 1;
}

const wm_err *wm_mail_text(wm_buf **text, const wm_mail *mail, apr_pool_t *pool)
{
    wm_buf *buf = wm_buf_create(NULL, pool);
    int plain = is_plain(mail->body);
    char date[APR_RFC822_DATE_LEN];
    const char *to = "", *head;

    for (const char *const *a = mail->to; *a; a++)
        to = apr_pstrcat(pool, to, *to ? ",\r\n " : "", *a, NULL);
    apr_rfc822_date(date, mail->now);
    memcpy(date + strlen(date) - 3, "+00", 3); /* "GMT" is of old mail alone */
    head = apr_psprintf(pool,
                        "Date: %s00\r\nFrom: Webmunk <%s>\r\nTo: %s\r\nSubject: %s\r\n"
                        "Message-ID: <webmunk-%" APR_INT64_T_FMT "-%" APR_INT64_T_FMT "@%s>\r\n"
                        "Auto-Submitted: auto-generated\r\nMIME-Version: 1.0\r\n"
                        "Content-Type: text/plain; charset=utf-8\r\n"
                        "Content-Transfer-Encoding: %s\r\n\r\n",
                        date, mail->from, to, wm_mail_header(mail->subject, pool), mail->id,
                        mail->added, strchr(mail->from, '@') + 1, plain ? "7bit" : "base64");
    WM_TRY(wm_buf_add(buf, head, strlen(head)));
    WM_TRY(plain ? add_plain(buf, mail->body) : add_base64(buf, mail->body, pool));
    *text = buf;
    return NULL;
}
