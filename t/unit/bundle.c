/* SPDX-License-Identifier: Apache-2.0 */
/* A whole bundle: what its points share, what is set aside, what tells repeats. */
#include <math.h>

#include <apr_general.h>
#include <apr_strings.h>

#include "tap.h"
#include "wm_box.h"
#include "wm_bundle.h"
#include "wm_utf8.h"

#define M(source, more)                                                            \
    "\"passive-data-metadata\":{\"source\":\"" source "\",\"generator\":\"g: A\"," \
    "\"generator-id\":\"g\"" more "}"

static const apr_time_t received = APR_INT64_C(1800000000000000);
static apr_pool_t *pool;
static wm_upload upload;
static wm_decode_options options;

static void reset(void)
{
    memset(&upload, 0, sizeof upload);
    upload.form = WM_BODY_JSON;
    upload.received = received;
    options = (wm_decode_options){.inflated_max = 1 << 20, .depth_max = 100, .points_max = 1000};
}

static wm_bundle *decode_bytes(const char *data, size_t size)
{
    wm_bundle *bundle = NULL;
    wm_upload *copy = apr_pmemdup(pool, &upload, sizeof upload);

    copy->data = data;
    copy->size = size;
    if (wm_bundle_decode(&bundle, copy, &options, pool))
        printf("# decoding failed\n");
    return bundle;
}

static wm_bundle *decode(const char *text)
{
    return decode_bytes(text, strlen(text));
}

static const char *string_of(wm_text text)
{
    return text.data ? apr_pstrmemdup(pool, text.data, text.size) : NULL;
}

static int same_digest(const wm_bundle *a, int i, const wm_bundle *b, int j)
{
    return !memcmp(a->points[i].digest, b->points[j].digest, 16);
}

static void test_points(void)
{
    wm_bundle *b;

    reset();
    b = decode("[{\"b\":1," M("p", ",\"timestamp\":5") ",\"a\":2},null,{" M(
        "q", ",\"timestamp\":6") "},{" M("p", ",\"timestamp\":4") "}]");
    is_int(b->point_count, 3, "three points");
    is_int(b->ignored, 1, "a null is ignored");
    is_int(b->sources->nelts, 2, "sources are told once");
    is_str(string_of(APR_ARRAY_IDX(b->sources, 1, wm_text)), "q", "... by name");
    is_int(b->generators->nelts, 1, "so are generators");
    is_int(b->agents->nelts, 1, "... and agents");
    is_int(b->points[1].source, 1, "a point names its source");
    is_int(b->points[1].ordinal, 2, "... and its place in the array");
    is_str(string_of(b->points[0].properties),
           "{\"a\":2,\"b\":1,\"passive-data-metadata\":{\"source\":\"p\",\"generator\":\"g: A\","
           "\"timestamp\":5,\"generator-id\":\"g\",\"encrypted_transmission\":false}}",
           "its properties are minified and sorted");
    is_int(b->news->nelts, 2, "news are told by source");
    is_int(APR_ARRAY_IDX(b->news, 0, wm_source_news).last_created, 5000000,
           "... the newest point's time");
    ok(isnan(APR_ARRAY_IDX(b->news, 0, wm_source_news).battery), "... no charge without a battery");
    ok(b->json.data && !b->gzip.data && !b->compressed, "plain text is kept as such");
}

static void test_transmission(void)
{
    wm_bundle *b;

    reset();
    b = decode("[{" M("p", ",\"encrypted_transmission\":17,\"a\":1") "}]");
    ok(strstr(string_of(b->points[0].properties), ",\"encrypted_transmission\":false}"),
       "the server's word replaces the client's");
    upload.single = 1;
    b = decode("{" M("p", ",\"timestamp\":5") "}");
    ok(!strstr(string_of(b->points[0].properties), "encrypted_transmission"),
       "a single point gets none");
    b = decode("{" M("p", ",\"encrypted_transmission\":17,\"a\":1") "}");
    ok(strstr(string_of(b->points[0].properties), "\"encrypted_transmission\":17}"),
       "... and keeps its own");
    reset();
    upload.identifier = "p";
    b = decode("[{\"passive-data-metadata\":{}}]");
    is_str(string_of(b->points[0].properties),
           "{\"passive-data-metadata\":{\"encrypted_transmission\":false}}",
           "metadata may be empty otherwise");
}

static void test_digests(void)
{
    wm_bundle *a, *b;

    reset();
    a = decode("[{\"x\":1.0,\"y\":\"\\u00e9\"," M("p", ",\"timestamp\":5") "}]");
    b = decode("[ {" M("p", ",\"timestamp\":5") ", \"y\":\"\xc3\xa9\", \"x\" : 7, \"x\" : 1.0 } ]");
    ok(same_digest(a, 0, b, 0), "order, blanks and spelling do not make another point");
    ok(!memcmp(a->body_digest, b->body_digest, 16), "... nor another bundle");
    b = decode("[{\"x\":1.00,\"y\":\"\xc3\xa9\"," M("p", ",\"timestamp\":5") "}]");
    ok(!same_digest(a, 0, b, 0), "another number does");
    b = decode("[{\"x\":\"1.0\",\"y\":\"\xc3\xa9\"," M("p", ",\"timestamp\":5") "}]");
    ok(!same_digest(a, 0, b, 0), "... so does a text");
    upload.single = 1;
    b = decode("{\"x\":1.0,\"y\":\"\\u00e9\"," M("p", ",\"timestamp\":5") "}");
    ok(same_digest(a, 0, b, 0), "what the server adds is no part of it");

    reset();
    a = decode("[{" M("p", ",\"timestamp\":5") "},{" M("p", ",\"timestamp\":5") "},{\"a\":1," M(
        "p", ",\"timestamp\":5") "}]");
    b = decode("[{\"z\":1," M("p", ",\"timestamp\":5") "},{" M("p", ",\"timestamp\":5") "}]");
    ok(!same_digest(a, 0, a, 1), "equal points of a bundle are told apart");
    ok(same_digest(a, 0, b, 1), "... by their number, wherever they stand");

    options.repeats_keep = 1;
    b = decode("[{" M("p", ",\"timestamp\":5") "}]");
    memset(upload.uid, 7, sizeof upload.uid);
    a = decode("[{" M("p", ",\"timestamp\":5") "}]");
    ok(!same_digest(a, 0, b, 0), "where repeats are kept each upload has its own");
    ok(!memcmp(a->body_digest, b->body_digest, 16), "... of the same bundle");
    a = decode("[{" M("p", "") "}]");
    ok(!a->points[0].untimed && a->points[0].flags == WM_F_TIMESTAMP_MISSING,
       "... which tells no repeats, not even of points without a time");
}

static void test_untimed(void)
{
    wm_bundle *a, *b;

    reset();
    a = decode("[{" M("p", "") "}]");
    b = decode(" [{" M("p", "") "}]");
    ok(a->points[0].untimed && a->points[0].created == received,
       "a point without a time has that of receipt");
    ok(same_digest(a, 0, b, 0), "the same bundle gives it the same digest");
    b = decode("[{" M("p", "") "},{" M("q", ",\"timestamp\":1") "}]");
    ok(!same_digest(a, 0, b, 0), "... another bundle another one");
    ok(b->points[0].untimed && !b->points[1].untimed, "... only where it has no time");
}

static void test_many_equal(void)
{
    wm_buf *text = wm_buf_create(NULL, pool);
    int distinct = 1;
    wm_bundle *b;

    reset();
    for (int i = 0; i < 600; i++)
        wm_buf_add(text, i ? ",{" M("p", "") "}" : "[{" M("p", "") "}", strlen(M("p", "")) + 3);
    wm_buf_add(text, "]", 1);
    b = decode_bytes(text->data, text->size);
    is_int(b->point_count, 600, "hundreds of equal points");
    for (int i = 1; i < b->point_count; i++)
        distinct = distinct && !same_digest(b, i, b, i - 1) && !same_digest(b, i, b, 0);
    ok(distinct, "... are hundreds of points");
}

static void aside_is(const wm_bundle *b, int at, wm_reason reason, int index, const char *raw)
{
    const wm_quarantined *q = &APR_ARRAY_IDX(b->quarantined, at, wm_quarantined);

    if (ok(at < b->quarantined->nelts, "something is set aside as %s", wm_reason_word(reason))) {
        is_str(wm_reason_word(q->reason), wm_reason_word(reason), "... for that reason");
        is_int(q->index, index, "... at its place");
        is_str(string_of(q->raw), raw, "... as it was");
    }
}

static void test_quarantine(void)
{
    wm_bundle *b;

    reset();
    options.depth_max = 3;
    b = decode("[5 , {\"a\":[[[1]]]},{" M("p", ",\"timestamp\":5") "}, {\"x\":\"\\ud800\"}]");
    is_int(b->point_count, 1, "one bad point harms no other");
    is_int(b->quarantined->nelts, 3, "three are set aside");
    aside_is(b, 0, WM_Q_NOT_AN_OBJECT, 0, "5");
    aside_is(b, 1, WM_Q_TOO_DEEP, 1, "{\"a\":[[[1]]]}");
    aside_is(b, 2, WM_Q_NO_METADATA, 3, "{\"x\":\"\\ud800\"}");
    b = decode("[{" M("p", ",\"timestamp\":5") "},5,]");
    is_int(b->point_count, 0, "what is no JSON has no points");
    is_int(b->sources->nelts + b->news->nelts + b->agents->nelts, 0, "... and no sources");
    aside_is(b, 0, WM_Q_BAD_JSON, -1, "[{" M("p", ",\"timestamp\":5") "},5,]");
    is_int(b->quarantined->nelts, 1, "... it is set aside once");
    options.points_max = 2;
    b = decode("[1,2,3]");
    aside_is(b, 0, WM_Q_TOO_MANY_POINTS, -1, "[1,2,3]");
    b = decode("[1,2]");
    is_int(b->quarantined->nelts, 2, "the limit itself is allowed");
    options.inflated_max = 4;
    b = decode("[1,2]");
    aside_is(b, 0, WM_Q_TOO_LARGE, -1, "[1,2]");
    reset();
    upload.form = WM_BODY_URLENCODED;
    b = decode("compression=gzip&payload=a%2ab%20c");
    aside_is(b, 0, WM_Q_BAD_BASE64, -1, "a*b c");
    b = decode("payload=%5B%5D&compression=zip");
    aside_is(b, 0, WM_Q_UNKNOWN_COMPRESSION, -1, "payload=%5B%5D&compression=zip");
    b = decode("payload=AAAA&encrypted=true&nonce=AAAA");
    aside_is(b, 0, WM_Q_NO_KEY, -1, "payload=AAAA&encrypted=true&nonce=AAAA");
    ok(b->encrypted, "... and known to be encrypted");
}

static void test_no_bundle(void)
{
    const wm_err *err;
    wm_bundle *b;

    reset();
    upload.form = WM_BODY_URLENCODED;
    upload.data = "x=1";
    upload.size = 3;
    err = wm_bundle_decode(&b, &upload, &options, pool);
    ok(err && err->code == WM_E_INPUT, "a form without payload is refused");
    upload.data = "payload=";
    upload.size = 8;
    ok(!wm_bundle_decode(&b, &upload, &options, pool), "an empty one is accepted");
    aside_is(b, 0, WM_Q_BAD_JSON, -1, "");
}

static void test_header(void)
{
    wm_bundle *b;

    reset();
    upload.identifier = "h\xff";
    b = decode("[{\"passive-data-metadata\":{\"timestamp\":1}},{" M("p", "") "}]");
    is_str(string_of(APR_ARRAY_IDX(b->sources, 0, wm_text)), "h\xef\xbf\xbd",
           "the header names the source, repaired");
    ok(b->points[0].flags & WM_F_SOURCE_HEADER, "... with a flag");
    ok(b->points[1].flags & WM_F_IDENTIFIER_DIFFERS, "another point's own source goes first");
    upload.identifier = "";
    b = decode("[{\"passive-data-metadata\":{}}]");
    aside_is(b, 0, WM_Q_NO_SOURCE, 0, "{\"passive-data-metadata\":{}}");
}

static void test_battery(void)
{
#define BATTERY(members, time)                                  \
    "{" members ",\"passive-data-metadata\":{\"source\":\"p\"," \
    "\"generator-id\":\"pdk-device-battery\",\"timestamp\":" time "}}"
    wm_bundle *b;

    reset();
    b = decode("[" BATTERY("\"level\":80", "5") "," BATTERY("\"level\":40", "4") "," BATTERY(
        "\"level\":\"?\"", "9") ",{" M("p", ",\"timestamp\":7") ",\"level\":1}]");
    ok(APR_ARRAY_IDX(b->news, 0, wm_source_news).battery == 80,
       "the newest point that tells a charge counts");
    is_int(APR_ARRAY_IDX(b->news, 0, wm_source_news).last_created, 9000000,
           "... the newest of all for the time");
}

static void test_files(void)
{
#define PART(name, more, content) \
    "--B\r\nContent-Disposition: form-data; name=\"" name "\"" more "\r\n\r\n" content "\r\n"
    wm_bundle *b;

    reset();
    upload.form = WM_BODY_MULTIPART;
    upload.content_type = "multipart/form-data; boundary=B";
    b = decode(PART("payload", "",
                    "[{\"a@\":[\"f\",\"f\",7,[\"g\"]],\"b\":{\"attachment-guid\":\"g\"}," M(
                        "p", "") "},{\"a@\":\"g\",\"a@\":\"\\u0066\"," M("p", "") "}]")
                   PART("f", "; filename=\"x\"", "1") PART("g", "; filename=\"y\"", "2")
                       PART("f", "; filename=\"z\"", "3")
                           PART("h\xff", "; filename=\"z\"", "4") "--B--\r\n");
    is_int(b->files->nelts, 4, "all files are kept");
    is_int(b->links->nelts, 5, "every point is linked to every file it names, once");
    ok(APR_ARRAY_IDX(b->links, 0, wm_file_link).file == 0 &&
           APR_ARRAY_IDX(b->links, 1, wm_file_link).file == 2 &&
           APR_ARRAY_IDX(b->links, 2, wm_file_link).file == 1,
       "... files of one name, and by the guid");
    ok(APR_ARRAY_IDX(b->links, 3, wm_file_link).point == 1 &&
           APR_ARRAY_IDX(b->links, 3, wm_file_link).file == 0,
       "... by the last of duplicates only");
    is_str(string_of(APR_ARRAY_IDX(b->files, 3, wm_file).identifier), "h\xef\xbf\xbd",
           "names are made storable");
}

/* A budget of that many bytes. */
static const wm_err *take(void *host, size_t bytes, apr_pool_t *p)
{
    size_t *left = host;

    if (bytes > *left)
        return wm_err_make(p, WM_E_BUSY, "no memory");
    *left -= bytes;
    return NULL;
}

static void give(void *host, size_t bytes)
{
    *(size_t *)host += bytes;
}

static void test_budget(void)
{
    static const char text[] = "[{\"x\":\"\\u0041\"," M("p", "") "}]";
    size_t left = 0, refused = 0;
    wm_budget budget = {take, give, &left};
    const wm_err *err = NULL;
    apr_pool_t *sub;
    wm_bundle *b;

    reset();
    options.budget = &budget;
    upload.data = text;
    upload.size = sizeof text - 1;
    for (size_t limit = 0; limit < 100000; limit += 500) {
        left = limit;
        apr_pool_create(&sub, pool);
        err = wm_bundle_decode(&b, &upload, &options, sub);
        apr_pool_destroy(sub);
        if (left != limit || (err && err->code != WM_E_BUSY))
            break;
        refused += err != NULL;
    }
    ok(refused > 1 && !err, "memory is asked for, a refusal is busy");
    is_int(left % 500, 0, "... and all of it is given back");
}

int main(void)
{
    apr_initialize();
    apr_pool_create(&pool, NULL);
    ok(!wm_box_init(pool), "libsodium is ready");
    test_points();
    test_transmission();
    test_digests();
    test_untimed();
    test_many_equal();
    test_quarantine();
    test_no_bundle();
    test_header();
    test_battery();
    test_files();
    test_budget();
    apr_terminate();
    return done();
}
