/* SPDX-License-Identifier: Apache-2.0 */
/* The wire protocol's test vectors, as far as decoding goes: points, flags, quarantine, files. */
#include <math.h>

#include <apr_file_io.h>
#include <apr_general.h>
#include <apr_strings.h>
#include <jansson.h>

#include "tap.h"
#include "wm_base64.h"
#include "wm_box.h"
#include "wm_bundle.h"
#include "wm_utf8.h"

static const apr_time_t received = APR_INT64_C(1800000000123456);
static apr_pool_t *pool;
static const char *folder;
static wm_box_keys keys;
static int bad; /* complaints about the current vector */

static void complain(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
static void complain(const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    printf("# ");
    vprintf(fmt, ap);
    printf("\n");
    va_end(ap);
    bad++;
}

static char *slurp(size_t *size, const char *path)
{
    FILE *file = fopen(path, "rb");
    char *data = NULL;
    long length;

    *size = 0;
    if (!file)
        return NULL;
    fseek(file, 0, SEEK_END);
    length = ftell(file);
    rewind(file);
    data = apr_palloc(pool, (size_t)length + 1);
    *size = fread(data, 1, (size_t)length, file);
    data[*size] = '\0';
    fclose(file);
    return data;
}

static json_t *load(const char *name)
{
    size_t size;
    char *text = slurp(&size, apr_psprintf(pool, "%s/spec/vectors/%s", folder, name));

    return text ? json_loadb(text, size, 0, NULL) : NULL;
}

static const char *text_of(json_t *object, const char *key)
{
    return json_string_value(json_object_get(object, key));
}

static void read_key(unsigned char key[32], json_t *all, const char *who, const char *half)
{
    const char *text = text_of(json_object_get(all, who), half);
    wm_buf *buf = wm_buf_create(NULL, pool);
    int good;

    if (text && !wm_base64_decode(&good, buf, text, strlen(text), 0) && good && buf->size == 32)
        memcpy(key, buf->data, 32);
}

/* 2023-11-14T22:13:20.123456Z, as the manifest writes times. */
static const char *time_text(apr_time_t t)
{
    apr_time_exp_t e;
    char *text;

    apr_time_exp_gmt(&e, t);
    text = apr_psprintf(pool, "%04d-%02d-%02dT%02d:%02d:%02d", e.tm_year + 1900, e.tm_mon + 1,
                        e.tm_mday, e.tm_hour, e.tm_min, e.tm_sec);
    return e.tm_usec ? apr_psprintf(pool, "%s.%06dZ", text, e.tm_usec)
                     : apr_pstrcat(pool, text, "Z", NULL);
}

static void compare_text(json_t *want, wm_text got, const char *what, int point)
{
    if (json_is_string(want) ? !got.data || json_string_length(want) != got.size ||
                                   memcmp(json_string_value(want), got.data, got.size)
                             : got.data != NULL)
        complain("point %d: %s is \"%.*s\"", point, what, (int)got.size, got.data ? got.data : "");
}

static void compare_flags(json_t *want, apr_uint32_t got, int point)
{
    static const char *const names[] = {
#define X(name, bit, text) text,
        WM_POINT_FLAGS(X)
#undef X
    };
    apr_uint32_t expected = 0;
    json_t *flag;
    size_t i;

    json_array_foreach(want, i, flag) for (size_t j = 0; j < sizeof names / sizeof names[0]; j++)
    {
        if (!strcmp(json_string_value(flag), names[j]))
            expected |= 1u << j;
    }
    if (expected != got)
        complain("point %d: flags are %x instead of %x", point, got, expected);
}

static int same_json(json_t *a, json_t *b)
{
    if (json_is_number(a) && json_is_number(b))
        return json_number_value(a) == json_number_value(b);
    return json_equal(a, b);
}

static void compare_properties(json_t *want, const wm_point *p, int at)
{
    json_t *all = json_loadb(p->properties.data, p->properties.size,
                             JSON_DECODE_INT_AS_REAL | JSON_REJECT_DUPLICATES, NULL);
    json_t *sent, *value;
    const char *key, *text = apr_pstrmemdup(pool, p->properties.data, p->properties.size);

    if (!all) {
        complain("point %d: the properties are no JSON: %s", at, text);
        return;
    }
    sent = json_object_get(json_object_get(all, "passive-data-metadata"), "encrypted_transmission");
    value = json_object_get(want, "encrypted_transmission");
    if (json_is_null(value) ? sent != NULL : !sent || !json_equal(sent, value))
        complain("point %d: encrypted_transmission is wrong", at);
    if (!wm_utf8_valid(p->properties.data, p->properties.data + p->properties.size))
        complain("point %d: the properties are no UTF-8", at);
    json_object_foreach(json_object_get(want, "properties_include"), key, value)
    {
        if (!same_json(json_object_get(all, key), value))
            complain("point %d: %s is wrong in %s", at, key, text);
    }
    json_object_foreach(json_object_get(want, "number_text"), key, value)
    {
        if (!strstr(text, apr_psprintf(pool, "\"%s\":%s,", key, json_string_value(value))))
            complain("point %d: the number %s is wrong in %s", at, key, text);
    }
    json_decref(all);
}

static void compare_point(json_t *want, const wm_bundle *b, int at)
{
    const wm_point *p = &b->points[at];
    const wm_agent *agent = &APR_ARRAY_IDX(b->agents, p->agent, wm_agent);
    const char *created = text_of(want, "created");
    json_t *location = json_object_get(want, "location");

    compare_text(json_object_get(want, "source"), APR_ARRAY_IDX(b->sources, p->source, wm_text),
                 "source", at);
    compare_text(json_object_get(want, "generator_identifier"),
                 APR_ARRAY_IDX(b->generators, p->generator, wm_text), "generator identifier", at);
    compare_text(json_object_get(want, "generator"), agent->generator, "generator", at);
    compare_text(json_object_get(want, "user_agent"), agent->user_agent, "user agent", at);
    compare_text(json_object_get(want, "secondary_identifier"), p->secondary,
                 "secondary identifier", at);
    if (!strcmp(created, "@received")
            ? p->created != received || !p->untimed
            : strncmp(created, time_text(p->created), 26) != 0 || p->untimed)
        complain("point %d: created is %s instead of %s", at, time_text(p->created), created);
    if (json_is_array(location) ? p->longitude != json_number_value(json_array_get(location, 0)) ||
                                      p->latitude != json_number_value(json_array_get(location, 1))
                                : !isnan(p->longitude) || !isnan(p->latitude))
        complain("point %d: location is %g, %g", at, p->longitude, p->latitude);
    compare_flags(json_object_get(want, "flags"), p->flags, at);
    compare_properties(want, p, at);
}

static void compare_quarantine(json_t *want, const wm_bundle *b)
{
    json_t *entry;
    size_t i;

    if ((int)json_array_size(want) != b->quarantined->nelts)
        complain("%d quarantined instead of %zu", b->quarantined->nelts, json_array_size(want));
    json_array_foreach(want, i, entry)
    {
        json_t *index = json_object_get(entry, "index");
        const wm_quarantined *q = &APR_ARRAY_IDX(b->quarantined, i, wm_quarantined);

        if ((int)i >= b->quarantined->nelts)
            break;
        if (strcmp(text_of(entry, "reason"), wm_reason_word(q->reason)) ||
            q->index != (index ? (int)json_integer_value(index) : -1) || !q->raw.data)
            complain("quarantined %zu: %s at %d", i, wm_reason_word(q->reason), q->index);
    }
}

static void compare_files(json_t *want, const wm_bundle *b)
{
    json_t *entry;
    size_t i;

    if ((int)json_array_size(want) != b->files->nelts)
        complain("%d files instead of %zu", b->files->nelts, json_array_size(want));
    json_array_foreach(want, i, entry)
    {
        const wm_file *file = &APR_ARRAY_IDX(b->files, i, wm_file);
        json_t *index = json_object_get(entry, "point_index");
        int linked = -1;

        if ((int)i >= b->files->nelts)
            break;
        compare_text(json_object_get(entry, "identifier"), file->identifier, "file", (int)i);
        compare_text(json_object_get(entry, "content_type"), file->content_type, "type", (int)i);
        for (int j = 0; j < b->links->nelts; j++)
            if (APR_ARRAY_IDX(b->links, j, wm_file_link).file == (int)i)
                linked = APR_ARRAY_IDX(b->links, j, wm_file_link).point;
        if (file->content.size != (size_t)json_integer_value(json_object_get(entry, "bytes")) ||
            linked != (json_is_integer(index) ? (int)json_integer_value(index) : -1))
            complain("file %zu has %zu bytes and belongs to point %d", i, file->content.size,
                     linked);
    }
}

static wm_upload *upload_of(json_t *request)
{
    wm_upload *u = apr_pcalloc(pool, sizeof *u);
    json_t *headers = json_object_get(request, "headers");

    u->method = text_of(request, "method");
    u->content_type = text_of(headers, "Content-Type");
    u->identifier = text_of(headers, "X-PDK-IDENTIFIER");
    u->user_agent = text_of(headers, "User-Agent");
    u->received = received;
    u->single = strstr(text_of(request, "path"), "add-point.json") != NULL;
    u->data = slurp(
        &u->size, apr_psprintf(pool, "%s/spec/vectors/%s", folder, text_of(request, "body_file")));
    if (!strcmp(u->method, "PUT"))
        u->form = WM_BODY_GZIP;
    else if (u->content_type && !strncmp(u->content_type, "multipart/form-data", 19))
        u->form = WM_BODY_MULTIPART;
    else if (u->content_type && !strncmp(u->content_type, "application/x-www", 17))
        u->form = WM_BODY_URLENCODED;
    else
        u->form = WM_BODY_JSON;
    return u;
}

static const wm_err *decode(wm_bundle **bundle, const wm_upload *upload, json_t *expect)
{
    const char *precondition = text_of(expect, "precondition");
    wm_decode_options options = {
        .inflated_max = 512 << 20, .depth_max = 1000, .points_max = 1 << 20, .keys = &keys};

    if (precondition && strstr(precondition, "1 MiB"))
        options.inflated_max = 1 << 20;
    return wm_bundle_decode(bundle, upload, &options, pool);
}

static void run(json_t *vector)
{
    json_t *request = json_object_get(vector, "request"), *store = json_object_get(vector, "store");
    json_t *expect = json_object_get(vector, "expect"), *point;
    int status = (int)json_integer_value(json_object_get(expect, "status"));
    const wm_err *err;
    wm_bundle *b;
    size_t i;

    if ((status != 201 && status != 400) || !json_is_string(json_object_get(request, "body_file")))
        return; /* settled before anything is decoded */
    bad = 0;
    err = decode(&b, upload_of(request), expect);
    if (status == 400) {
        ok(err && err->code == WM_E_INPUT, "vector %s (%s) is refused", text_of(vector, "id"),
           text_of(vector, "name"));
        return;
    }
    if (err) {
        complain("%s", wm_err_text(err, pool));
    } else if (strcmp(text_of(vector, "id"),
                      "53")) { /* what a resend stores is the store's matter */
        if ((int)json_array_size(json_object_get(store, "points")) != b->point_count)
            complain("%d points", b->point_count);
        json_array_foreach(json_object_get(store, "points"), i, point)
        {
            if ((int)i < b->point_count)
                compare_point(point, b, (int)i);
        }
        compare_quarantine(json_object_get(store, "quarantine"), b);
        compare_files(json_object_get(store, "files"), b);
        if (b->ignored != (int)json_array_size(json_object_get(store, "ignored")))
            complain("%d ignored", b->ignored);
    }
    ok(!bad, "vector %s (%s) decodes as its manifest says", text_of(vector, "id"),
       text_of(vector, "name"));
}

static wm_bundle *decode_vector(json_t *manifest, const char *id)
{
    json_t *vector;
    wm_bundle *b = NULL;
    size_t i;

    json_array_foreach(json_object_get(manifest, "vectors"), i, vector)
    {
        if (!strcmp(text_of(vector, "id"), id) &&
            decode(&b, upload_of(json_object_get(vector, "request")), NULL))
            return NULL;
    }
    return b;
}

static void test_resend(json_t *manifest)
{
    wm_bundle *first = decode_vector(manifest, "03"), *again = decode_vector(manifest, "53");
    int same = first && again && first->point_count == again->point_count;

    for (int i = 0; same && i < first->point_count; i++)
        same = !memcmp(first->points[i].digest, again->points[i].digest, 16) &&
               first->points[i].created == again->points[i].created;
    ok(same, "a bundle that is sent again has points of the same digests");
    ok(same && !memcmp(first->body_digest, again->body_digest, 16), "... and the same body digest");
}

static void test_real_upload(void)
{
    wm_upload u = {.form = WM_BODY_URLENCODED, .received = received};
    int flags = 0;
    wm_bundle *b;

    u.data = slurp(&u.size, apr_pstrcat(pool, folder, "/data/webmunk-extension-0.39.body", NULL));
    if (!ok(!decode(&b, &u, NULL), "the upload of a real browser decodes"))
        return;
    for (int i = 0; i < b->point_count; i++)
        flags |= (int)b->points[i].flags;
    is_int(b->point_count, 17, "... into all its points");
    is_int(flags, 0, "... without a flag");
    is_int(b->quarantined->nelts, 0, "... and nothing is set aside");
}

int main(void)
{
    const char *shared = getenv("WM_SHARED"), *source = getenv("WM_SRCDIR");
    json_t *manifest, *all, *vector;
    size_t i;

    apr_initialize();
    apr_pool_create(&pool, NULL);
    folder = shared ? shared : apr_pstrcat(pool, source ? source : ".", "/../shared", NULL);
    manifest = load("manifest.json");
    all = load("keys.json");
    if (!manifest || !all) {
        printf("1..0 # SKIP shared data not present\n");
        return 0;
    }
    ok(!wm_box_init(pool), "libsodium is ready");
    read_key(keys.secret, all, "server", "secret");
    read_key(keys.peer, all, "client", "public");
    json_array_foreach(json_object_get(manifest, "vectors"), i, vector) run(vector);
    test_resend(manifest);
    test_real_upload();
    json_decref(manifest);
    json_decref(all);
    apr_terminate();
    return done();
}
