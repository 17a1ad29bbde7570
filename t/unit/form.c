/* SPDX-License-Identifier: Apache-2.0 */
#include <apr_general.h>
#include <apr_strings.h>

#include "tap.h"
#include "wm_form.h"

static apr_pool_t *pool;

/* TEXT in memory of its own size, so that a checker sees one byte too many. */
static char *exact(const char *text, size_t size)
{
    char *copy = malloc(size ? size : 1);

    if (!copy)
        abort();
    memcpy(copy, text, size);
    return copy;
}

static const char *text_of(wm_text text)
{
    return text.data ? apr_pstrmemdup(pool, text.data, text.size) : NULL;
}

static const char *decoded(const wm_form_field *field)
{
    wm_buf *buf = wm_buf_create(NULL, pool);

    if (!field->value.data)
        return NULL;
    if (!field->urlencoded)
        return text_of(field->value);
    if (wm_form_decode(buf, field->value.data, field->value.size))
        return "(error)";
    return apr_pstrmemdup(pool, buf->data ? buf->data : "", buf->size);
}

static wm_form *urlencoded(const char *text)
{
    wm_form *form = NULL;

    ok(!wm_form_parse_urlencoded(&form, text, strlen(text), pool), "a form: %.60s", text);
    return form;
}

static void test_urlencoded(void)
{
    wm_form *form = urlencoded("compression=gzip&payload=a%2Bb+c%3D%zz%4&x=y&encrypted=true");

    is_str(decoded(&form->payload), "a+b c=%zz%4", "escapes are decoded, broken ones kept");
    is_str(decoded(&form->compression), "gzip", "compression is found before the payload");
    ok(wm_form_field_is(&form->encrypted, "true"), "encrypted is true");
    ok(!wm_form_field_is(&form->encrypted, "tru"), "... and no shorter word");
    ok(!wm_form_field_is(&form->encrypted, "true "), "... and no longer word");
    ok(!form->nonce.value.data, "a field that was not sent is absent");
    ok(!wm_form_field_is(&form->nonce, ""), "... and is no empty word");
    is_int(form->files->nelts, 0, "a urlencoded form has no files");

    form = urlencoded("payload=one&payload=two&p%61yload=%74hree");
    ok(wm_form_field_is(&form->payload, "three"), "the last of a name counts, escaped or not");
    form = urlencoded("payload=a=b&nonce=");
    is_str(decoded(&form->payload), "a=b", "only the first = separates");
    ok(form->nonce.value.data && !form->nonce.value.size, "an empty value is present");
    form = urlencoded("&&payload&=x&");
    ok(wm_form_field_is(&form->payload, ""), "a name without = has an empty value");
    form = urlencoded("Payload=a&payloads=b&payloa=c");
    ok(!form->payload.value.data, "names are compared whole and with case");
    form = urlencoded("");
    ok(!form->payload.value.data, "an empty body is an empty form");
}

static void test_urlencoded_cut(void)
{
    static const char text[] = "nonce=%41%4&payload=%2B+%";
    int good = 1;

    for (size_t size = 0; size <= strlen(text); size++) {
        char *copy = exact(text, size);
        wm_form *form;

        if (wm_form_parse_urlencoded(&form, copy, size, pool))
            good = 0;
        else if (size > 11 && strcmp(decoded(&form->nonce), "A%4"))
            good = 0;
        else if (size > 19)
            good = good && decoded(&form->payload) != NULL;
        free(copy);
    }
    ok(good, "a urlencoded form that is cut off anywhere is a form");
}

static void test_urlencoded_many(void)
{
    enum { COUNT = 1000000 };
    wm_buf *text = wm_buf_create(NULL, pool);
    wm_form *form = NULL;

    for (int i = 0; i < COUNT; i++)
        wm_buf_add(text, "a=1&", 4);
    wm_buf_add(text, "payload=x&b", 11);
    ok(!wm_form_parse_urlencoded(&form, text->data, text->size, pool), "a million fields");
    ok(form && wm_form_field_is(&form->payload, "x"), "... and the payload behind them");
}

#define TYPE "multipart/form-data; boundary=B"

static const wm_err *parse_multipart(wm_form **form, const char *type, const char *text,
                                     size_t size)
{
    return wm_form_parse_multipart(form, type, text, size, wm_hold_create(NULL, pool), pool);
}

static wm_form *multipart(const char *type, const char *text, const char *name)
{
    wm_form *form = NULL;
    const wm_err *err = parse_multipart(&form, type, text, strlen(text));

    if (!ok(!err, "%s", name))
        printf("# %s\n", wm_err_text(err, pool));
    return err ? NULL : form;
}

static void refused(const char *type, const char *text, const char *name)
{
    wm_form *form = NULL;
    const wm_err *err = parse_multipart(&form, type, text, strlen(text));

    is_int(err ? err->code : WM_E_COUNT, WM_E_INPUT, name);
}

static const wm_file *file_of(const wm_form *form, int i)
{
    return form && i < form->files->nelts ? &APR_ARRAY_IDX(form->files, i, wm_file) : NULL;
}

static void is_file(const wm_form *form, int i, const char *identifier, const char *type,
                    const char *content)
{
    const wm_file *file = file_of(form, i);

    is_str(file ? text_of(file->identifier) : NULL, identifier, "the file's identifier");
    is_str(file ? text_of(file->content_type) : NULL, type, "... content type");
    is_str(file ? text_of(file->content) : NULL, content, "... content");
}

#define PAYLOAD "--B\r\nContent-Disposition: form-data; name=\"payload\"\r\n\r\n[]\r\n"

static void test_multipart_files(void)
{
    wm_form *form = multipart(
        TYPE,
        PAYLOAD
        "--B\r\nContent-Disposition: form-data; name=\"shot.png\"; filename=\"blob\"\r\n"
        "Content-Type: image/png\r\n\r\n\x89PNG\r\n--\r\n\r\n"
        "--B\r\ncontent-DISPOSITION:form-data;NAME=guid-1;FileName=a.txt\r\n"
        "Content-Length: 99999\r\n\r\n\r\n"
        "--B\r\nContent-Disposition: form-data; name=\"guid-1\"; filename*=UTF-8''b.txt\r\n\r\n"
        "second\r\n--B--\r\n",
        "fields and files");

    is_str(form ? decoded(&form->payload) : NULL, "[]", "the payload is found");
    ok(form && !form->payload.urlencoded, "a multipart field is not urlencoded");
    is_int(form ? form->files->nelts : -1, 3, "three files, two of them with one name");
    is_file(form, 0, "shot.png", "image/png", "\x89PNG\r\n--\r\n");
    is_file(form, 1, "guid-1", "application/octet-stream", "");
    is_file(form, 2, "guid-1", "application/octet-stream", "second");
}

static void test_multipart_names(void)
{
    wm_form *form = multipart(
        TYPE,
        "--B\r\nContent-Disposition: form-data; name=\"say %22hi%22%0d%0A%2F%2\"; filename=\"\"\r\n"
        "\r\n1\r\n"
        "--B\r\nContent-Disposition: form-data; filename=\"x; name=y\"; name=\"a\\\"b\\\\c\\d\"\r\n"
        "\r\n2\r\n"
        "--B\r\nContent-Disposition: form-data;\r\n\tname=folded; filename=f\r\nX-Other\r\n"
        "Content-Type:  \r\n\r\n3\r\n"
        "--B\r\nContent-Disposition: form-data; name=\"open; filename=f\r\n\r\n4\r\n"
        "--B\r\nContent-Disposition: form-data; name=\"payload\"; name=\"second\"\r\n\r\n5\r\n"
        "--B--",
        "odd part names");

    is_int(form ? form->files->nelts : -1, 3, "a filename inside a quoted name makes no file");
    is_file(form, 0, "say \"hi\"\r\n%2F%2", "application/octet-stream", "1");
    is_file(form, 1, "a\"b\\c\\d", "application/octet-stream", "2");
    is_file(form, 2, "folded", "application/octet-stream", "3");
    is_str(form ? decoded(&form->payload) : NULL, "5", "the first name of a part counts");
}

static void test_multipart_fields(void)
{
    wm_form *form =
        multipart(TYPE,
                  PAYLOAD "--B\r\nContent-Disposition: form-data; name=\"other\"\r\n\r\n1\r\n"
                          "--B\r\nContent-Length: 4\r\nContent-Disposition: form-data; "
                          "name=\"encrypted\"\r\n\r\ntrue\r\n"
                          "--B\r\nContent-Type: text/plain\r\nContent-Disposition: form-data; "
                          "name=\"nonce\"\r\n\r\na+%41\r\n"
                          "--B\r\nContent-Disposition: form-data; name=\"payload\"\r\n\r\n"
                          "\r\n--\r\n--BB\r\n--B-\r\n--B -\r\n--B--x\r\n-- B\r\n--\r\n"
                          "--B--\r\nepilogue\r\n--B\r\n",
                  "a value full of beginnings of boundaries");

    is_str(form ? decoded(&form->payload) : NULL,
           "\r\n--\r\n--BB\r\n--B-\r\n--B -\r\n--B--x\r\n-- B\r\n--",
           "the last payload counts, and what is no delimiter belongs to it");
    ok(form && wm_form_field_is(&form->encrypted, "true"), "a part's Content-Length is ignored");
    ok(form && wm_form_field_is(&form->nonce, "a+%41"), "values of parts are not percent-decoded");
    ok(form && !form->files->nelts, "a part with a type and without a filename is a field");
}

static void test_boundary(void)
{
    static const char body[] =
        "--B\r\nContent-Disposition: form-data; name=payload\r\n\r\n1\r\n--B--";
    static const char spaced[] =
        "preamble\r\nand more\r\n--B \t\r\n"
        "Content-Disposition: form-data; name=payload\r\n\r\n1\r\n--B-- \t\r\n";
    static const char odd[] = "--a\"; b\r\nContent-Disposition: form-data; name=payload\r\n\r\n1"
                              "\r\n--a\"; b--";

    multipart("multipart/form-data; BOUNDARY=\"B\"; charset=utf-8", body, "a quoted boundary");
    multipart("multipart/form-data;charset=utf-8;boundary=B;x=y", body, "parameters around it");
    multipart("multipart/form-data; x=\"a; boundary=C\"; ; = ; boundary = B ", body,
              "a boundary inside a quoted string is none");
    multipart("multipart/form-data; boundary=\"a\\\"; b\"", odd, "a boundary with escapes");
    multipart(TYPE, spaced, "a preamble, and blanks behind the boundary");
    multipart(TYPE, "--B--", "a form without parts");
    refused("multipart/form-data", body, "no boundary parameter is refused");
    refused("multipart/form-data; boundary=", body, "an empty boundary is refused");
    refused("multipart/form-data; boundary=\"\"", body, "an empty quoted boundary is refused");
    refused("multipart/form-data; xboundary=B", body, "another parameter is no boundary");
    refused(apr_psprintf(pool, "multipart/form-data; boundary=%0300d", 1), body,
            "a boundary of 300 characters is refused");
    refused(NULL, body, "no content type is refused");
    refused("multipart/form-data; boundary=C", body, "another boundary than the body's is refused");
    refused(TYPE, "", "an empty body is refused");
    refused(TYPE, "x--B--", "a boundary inside a line is none");
}

static void test_broken(void)
{
    refused(TYPE, "--B\r\nContent-Disposition: form-data; name=a\r\n\r\n1\r\n--B\r\n--B--\r\n",
            "a part without headers and empty line is refused");
    refused(TYPE, "--B\r\n\r\n1\r\n--B--\r\n", "a part without headers is refused");
    refused(TYPE, "--B\r\nContent-Disposition: form-data\r\n\r\n1\r\n--B--\r\n",
            "a part without a name is refused");
    refused(TYPE, "--B\r\nContent-Disposition: form-data; name=a\r\n--B--\r\n",
            "a part whose headers do not end is refused");
    refused(TYPE, "--B\r\nContent-Disposition: form-data; name=a\r\n\r\n1\r\n--B\r\n",
            "a body that ends behind a delimiter is refused");
}

static void test_multipart_cut(void)
{
    static const char text[] = PAYLOAD "--B\r\nContent-Disposition: form-data; name=\"a\\\"%22\"; "
                                       "filename=\"f\"\r\n\r\n1\r\n--B--";
    size_t size = strlen(text), refusals = 0;

    for (size_t i = 0; i < size; i++) {
        char *copy = exact(text, i);
        wm_form *form;

        if (parse_multipart(&form, TYPE, copy, i))
            refusals++;
        free(copy);
    }
    is_int(refusals, size, "a multipart body that is cut off anywhere is refused");
}

static wm_form *many_parts(int count, const char *part)
{
    wm_buf *text = wm_buf_create(NULL, pool);
    wm_form *form = NULL;

    for (int i = 0; i < count; i++)
        wm_buf_add(text, part, strlen(part));
    wm_buf_add(text, PAYLOAD "--B--", strlen(PAYLOAD "--B--"));
    ok(!parse_multipart(&form, TYPE, text->data, text->size), "%d parts are a form", count + 1);
    return form;
}

static void test_multipart_many(void)
{
    static const char file[] =
        "--B\r\nContent-Disposition: form-data; name=a; filename=b\r\n\r\n1\r\n";
    static const char field[] = "--B\r\nContent-Disposition: form-data; name=a\r\n\r\n1\r\n";
    wm_form *form = many_parts(WM_FORM_FILES_MAX, file);

    is_int(form->files->nelts, WM_FORM_FILES_MAX, "as many files as allowed are kept");
    ok(!form->more_files, "... and those are all");
    form = many_parts(WM_FORM_FILES_MAX + 1, file);
    is_int(form->files->nelts, WM_FORM_FILES_MAX, "one file more is not");
    ok(form->more_files, "... which is told");
    form = many_parts(10 * WM_FORM_FILES_MAX, field);
    is_str(decoded(&form->payload), "[]", "the payload is found behind any number of fields");
    ok(!form->more_files, "... which are no files");
}

static void test_slices(void)
{
    static const char text[] = PAYLOAD "--B--";
    wm_form *form = multipart(TYPE, text, "a form");

    ok(form && form->payload.value.data == strstr(text, "[]"), "a value is a slice of the body");
}

int main(void)
{
    apr_initialize();
    apr_pool_create(&pool, NULL);

    test_urlencoded();
    test_urlencoded_cut();
    test_urlencoded_many();
    test_multipart_files();
    test_multipart_names();
    test_multipart_fields();
    test_boundary();
    test_broken();
    test_multipart_cut();
    test_multipart_many();
    test_slices();

    apr_terminate();
    return done();
}
