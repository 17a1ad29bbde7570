/* SPDX-License-Identifier: Apache-2.0 */
/* Forms.  An input that begins with "multipart" is a content type, LF, and the body; any other is
 * a urlencoded body. */
#include "fuzz.h"
#include "wm_form.h"

static void check_slice(wm_text text, const char *body, size_t size)
{
    FUZZ_CHECK(text.data >= body && text.size <= size && text.data + text.size <= body + size);
}

/* Every value lies in the body, and the two ways of reading it agree. */
static int check_field(const wm_form_field *field, const char *body, size_t size, apr_pool_t *pool)
{
    wm_buf *buf = wm_buf_create(NULL, pool);
    int is_true;

    if (!field->value.data)
        return 0;
    if (field->value.size)
        check_slice(field->value, body, size);
    is_true = wm_form_field_is(field, "true");
    if (field->urlencoded) {
        FUZZ_CHECK(!wm_form_decode(buf, field->value.data, field->value.size));
        FUZZ_CHECK(buf->size <= field->value.size);
        FUZZ_CHECK(is_true == (buf->size == 4 && !memcmp(buf->data, "true", 4)));
    }
    wm_buf_free(buf);
    return 1;
}

static void check_form(const wm_form *form, const char *body, size_t size, apr_pool_t *pool)
{
    int found = check_field(&form->payload, body, size, pool);

    check_field(&form->compression, body, size, pool);
    check_field(&form->encrypted, body, size, pool);
    check_field(&form->nonce, body, size, pool);
    for (int i = 0; i < form->files->nelts; i++) {
        const wm_file *file = &APR_ARRAY_IDX(form->files, i, wm_file);
        unsigned sum = 0;

        check_slice(file->content, body, size);
        FUZZ_CHECK(file->identifier.data && file->content_type.size);
        for (size_t j = 0; j < file->identifier.size; j++)
            sum += (unsigned char)file->identifier.data[j];
        for (size_t j = 0; j < file->content_type.size; j++)
            sum += (unsigned char)file->content_type.data[j];
        FUZZ_CHECK(sum != 1); /* uses what was read, so that a sanitizer looks at it */
    }
    fuzz_accepted += found;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const uint8_t *line =
        size > 9 && !memcmp(data, "multipart", 9) ? memchr(data, '\n', size) : NULL;
    apr_pool_t *pool = fuzz_pool();
    size_t skip = line ? (size_t)(line - data) + 1 : 0;
    char *body = fuzz_exact(data + skip, size - skip);
    const wm_err *err;
    wm_form *form;

    if (line) {
        char *type = fuzz_exact(data, skip);

        type[skip - 1] = '\0';
        err = wm_form_parse_multipart(&form, type, body, size - skip, wm_hold_create(NULL, pool),
                                      pool);
        free(type); /* nothing of the form may point into it */
    } else {
        err = wm_form_parse_urlencoded(&form, body, size, pool);
    }
    FUZZ_CHECK(!err || err->code == WM_E_INPUT);
    if (!err)
        check_form(form, body, size - skip, pool);
    free(body);
    apr_pool_destroy(pool);
    return 0;
}
