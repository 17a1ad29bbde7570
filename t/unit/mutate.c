/* SPDX-License-Identifier: Apache-2.0 */
/* Thousands of damaged bodies through the whole decoding, the same in every run: nothing may crash,
 * hang or make something of a bundle that cannot be stored.  Worth most under the sanitizers. */
#include <apr_general.h>
#include <apr_strings.h>
#include <dirent.h>
#include <jansson.h>

#include "tap.h"
#include "wm_box.h"
#include "wm_bundle.h"
#include "wm_gzip.h"
#include "wm_utf8.h"

enum { MUTATIONS = 10000, BODIES_MAX = 200 };

typedef struct body {
    char *data;
    size_t size;
    wm_body_form form;
    const char *content_type;
} body;

static apr_pool_t *pool;
static body bodies[BODIES_MAX];
static int body_count;
static apr_uint64_t state = APR_UINT64_C(0x2545f4914f6cdd1d);

/* Xorshift: the same numbers everywhere. */
static size_t below(size_t limit)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return limit ? (size_t)(state >> 11) % limit : 0;
}

static void add_body(char *data, size_t size, wm_body_form form, const char *content_type)
{
    if (body_count < BODIES_MAX)
        bodies[body_count++] = (body){data, size, form, content_type};
}

static char *slurp(size_t *size, const char *path)
{
    FILE *file = fopen(path, "rb");
    char *data;
    long length;

    *size = 0;
    if (!file)
        return NULL;
    fseek(file, 0, SEEK_END);
    length = ftell(file);
    rewind(file);
    data = apr_palloc(pool, (size_t)length + 1);
    *size = fread(data, 1, (size_t)length, file);
    fclose(file);
    return data;
}

/* The corpus of the fuzzer: a letter for the form, then the body. */
static void add_corpus(const char *folder)
{
    static const char forms[] = "jgum";
    static const wm_body_form form[] = {WM_BODY_JSON, WM_BODY_GZIP, WM_BODY_URLENCODED,
                                        WM_BODY_MULTIPART};
    struct dirent **entries;
    int n = scandir(folder, &entries, NULL, alphasort);

    for (int i = 0; i < n; i++) {
        size_t size;
        char *data = entries[i]->d_name[0] == '.'
                         ? NULL
                         : slurp(&size, apr_pstrcat(pool, folder, "/", entries[i]->d_name, NULL));
        const char *choice = data && size ? memchr(forms, *data, 4) : NULL;
        char *line = choice ? memchr(data, '\n', size) : NULL;

        if (choice && *choice == 'm' && line)
            add_body(line + 1, size - (size_t)(line + 1 - data), WM_BODY_MULTIPART,
                     apr_pstrmemdup(pool, data + 1, (size_t)(line - data) - 1));
        else if (choice)
            add_body(data + 1, size - 1, form[choice - forms], NULL);
        free(entries[i]);
    }
    if (n > 0)
        free(entries);
}

/* The wire protocol's vectors and a browser's upload, where they are. */
static void add_shared(const char *folder)
{
    const char *vectors = apr_pstrcat(pool, folder, "/spec/vectors/", NULL);
    json_t *manifest = json_load_file(apr_pstrcat(pool, vectors, "manifest.json", NULL), 0, NULL);
    json_t *vector, *request;
    size_t i, size;
    char *data;

    json_array_foreach(json_object_get(manifest, "vectors"), i, vector)
    {
        const char *type, *name, *method;

        request = json_object_get(vector, "request");
        name = json_string_value(json_object_get(request, "body_file"));
        method = json_string_value(json_object_get(request, "method"));
        type =
            json_string_value(json_object_get(json_object_get(request, "headers"), "Content-Type"));
        data = name ? slurp(&size, apr_pstrcat(pool, vectors, name, NULL)) : NULL;
        if (data)
            add_body(data, size,
                     !strcmp(method, "PUT")                         ? WM_BODY_GZIP
                     : type && !strncmp(type, "multipart/", 10)     ? WM_BODY_MULTIPART
                     : type && !strncmp(type, "application/x-", 14) ? WM_BODY_URLENCODED
                                                                    : WM_BODY_JSON,
                     type ? apr_pstrdup(pool, type) : NULL);
    }
    json_decref(manifest);
    data = slurp(&size, apr_pstrcat(pool, folder, "/data/webmunk-extension-0.39.body", NULL));
    if (data)
        add_body(data, size, WM_BODY_URLENCODED, NULL);
}

/* What is behind compression gets its share: a damaged checksum hides everything else. */
static void add_texts(const wm_decode_options *options)
{
    int sent = body_count;

    for (int i = 0; i < sent; i++) {
        const body *from = &bodies[i];
        wm_upload upload = {.form = from->form,
                            .content_type = from->content_type,
                            .data = from->data,
                            .size = from->size};
        wm_buf *text = wm_buf_create(NULL, pool);
        wm_gzip_result result;
        wm_bundle *b;

        if (wm_bundle_decode(&b, &upload, options, pool) || !b->point_count)
            continue;
        if (b->gzip.data && !wm_gzip_inflate(&result, text, b->gzip.data, b->gzip.size, 1 << 20))
            add_body(text->data, text->size, WM_BODY_JSON, NULL);
        else if (from->form == WM_BODY_URLENCODED && b->json.data)
            add_body(apr_pmemdup(pool, b->json.data, b->json.size), b->json.size, WM_BODY_JSON,
                     NULL);
    }
}

static void flip_bits(char *data, size_t size)
{
    for (size_t n = 1 + below(3); size && n; n--)
        data[below(size)] ^= (char)(1 << below(8));
}

static void set_bytes(char *data, size_t size)
{
    static const char picks[] = "\"\\{}[],:&=%+-0e\r\n\xff\xc3\x80 u";

    for (size_t n = 1 + below(4); size && n; n--)
        data[below(size)] = picks[below(sizeof picks)];
}

/* A piece of another body over a piece of this one. */
static void splice(char *data, size_t size)
{
    const body *other = &bodies[below((size_t)body_count)];
    size_t from = below(other->size), to = below(size), length = below(400);

    if (length > other->size - from)
        length = other->size - from;
    if (length > size - to)
        length = size - to;
    memcpy(data + to, other->data + from, length);
}

/* A piece out. */
static size_t cut(char *data, size_t size)
{
    size_t from = below(size), length = below(size - from + 1);

    if (below(2))
        return from; /* the end */
    memmove(data + from, data + from + length, size - from - length);
    return size - length;
}

static int is_storable(wm_text text)
{
    return !text.size ||
           (wm_utf8_valid(text.data, text.data + text.size) && !memchr(text.data, 0, text.size));
}

static int is_sound(const wm_bundle *b)
{
    int sound = b->news->nelts == b->sources->nelts;

    for (int i = 0; i < b->point_count; i++) {
        const wm_point *p = &b->points[i];

        sound = sound && p->source < b->sources->nelts && p->generator < b->generators->nelts &&
                p->agent < b->agents->nelts && is_storable(p->properties) &&
                is_storable(p->secondary) && p->properties.size > 2 &&
                p->properties.data[0] == '{' && p->properties.data[p->properties.size - 1] == '}';
    }
    for (int i = 0; i < b->quarantined->nelts; i++)
        sound = sound && APR_ARRAY_IDX(b->quarantined, i, wm_quarantined).raw.data;
    return sound;
}

/* One damaged body; its outcome: 0 refused, 1 nothing but quarantine, 2 points, -1 wrong. */
static int run(const wm_decode_options *options)
{
    const body *from = &bodies[below((size_t)body_count)];
    wm_upload upload = {.form = from->form, .content_type = from->content_type, .received = 1};
    char *data = malloc(from->size ? from->size : 1);
    int outcome = -1;
    const wm_err *err;
    apr_pool_t *sub;
    wm_bundle *b;

    memcpy(data, from->data, from->size);
    upload.data = data;
    upload.size = from->size;
    for (size_t n = below(4) ? 1 : 3; n; n--)
        switch (below(4)) {
        case 0:
            flip_bits(data, upload.size);
            break;
        case 1:
            set_bytes(data, upload.size);
            break;
        case 2:
            splice(data, upload.size);
            break;
        default:
            upload.size = cut(data, upload.size);
        }
    apr_pool_create(&sub, pool);
    err = wm_bundle_decode(&b, &upload, options, sub);
    if (err)
        outcome = err->code == WM_E_INPUT ? 0 : -1;
    else if (is_sound(b))
        outcome = b->point_count ? 2 : 1;
    apr_pool_destroy(sub);
    free(data);
    return outcome;
}

int main(void)
{
    const char *source = getenv("WM_SRCDIR"), *shared = getenv("WM_SHARED");
    wm_box_keys keys = {{1}, {9}};
    wm_decode_options options = {
        .inflated_max = 1 << 20, .depth_max = 1000, .points_max = 1 << 20, .keys = &keys};
    int counts[4] = {0, 0, 0, 0};

    apr_initialize();
    apr_pool_create(&pool, NULL);
    source = source ? source : ".";
    ok(!wm_box_init(pool), "libsodium is ready");
    add_corpus(apr_pstrcat(pool, source, "/t/fuzz/corpus/bundle", NULL));
    add_shared(shared ? shared : apr_pstrcat(pool, source, "/../shared", NULL));
    add_texts(&options);
    ok(body_count > 10, "%d bodies to damage", body_count);
    for (int i = 0; i < MUTATIONS && body_count; i++)
        counts[run(&options) + 1]++;
    is_int(counts[0], 0, "every damaged body is refused, set aside or sound points");
    ok(counts[1] > 0 && counts[2] > 0 && counts[3] > 0, "%d refused, %d set aside, %d with points",
       counts[1], counts[2], counts[3]);
    apr_terminate();
    return done();
}
