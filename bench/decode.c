/* SPDX-License-Identifier: Apache-2.0 */
/* CPU time of decoding, by stage: decode DIRECTORY [ROUNDS].  The directory holds urlencoded gzip
 * bodies (*.body) as bench/corpus makes them.  Each stage runs over all bodies at once; stages that
 * need the tape are measured together with the split, which is then taken off.  The best of the
 * rounds counts, because everything else only adds. */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <apr_general.h>
#include <apr_strings.h>
#include <sodium.h>

#include "wm_base64.h"
#include "wm_box.h"
#include "wm_bundle.h"
#include "wm_derive.h"
#include "wm_form.h"
#include "wm_gzip.h"
#include "wm_json.h"
#include "wm_secondary.h"

typedef struct item {
    char *body;
    size_t size;
    wm_buf *packed, *text;
    wm_bundle *bundle;
} item;

typedef struct bench {
    item *items;
    int count;
    apr_pool_t *pool, *scratch;
    volatile unsigned long sink; /* what stages compute must be used */
} bench;

typedef void stage(bench *b, item *it);

static void check(const wm_err *err, apr_pool_t *pool)
{
    if (!err)
        return;
    fprintf(stderr, "decode: %s\n", wm_err_text(err, pool));
    exit(1);
}

static void unwrap(bench *b, item *it)
{
    wm_form *form;
    int good;

    it->packed->size = 0;
    check(wm_form_parse_urlencoded(&form, it->body, it->size, b->scratch), b->scratch);
    check(wm_base64_decode(&good, it->packed, form->payload.value.data, form->payload.value.size,
                           form->payload.urlencoded),
          b->scratch);
    b->sink += (unsigned long)good;
}

static void inflate_stage(bench *b, item *it)
{
    wm_gzip_result result;

    it->text->size = 0;
    check(wm_gzip_inflate(&result, it->text, it->packed->data, it->packed->size, 64 << 20),
          b->scratch);
    b->sink += result;
}

typedef enum { SPLIT, DERIVE, EMIT } what;

static void walk(bench *b, item *it, what more)
{
    wm_json *json = wm_json_create(it->text->data, it->text->size, 1000, NULL, b->scratch);
    wm_buf *out = wm_buf_create(NULL, b->scratch);
    wm_json_step step;
    wm_text secondary;
    wm_derived d;

    if (more == EMIT)
        check(wm_buf_reserve(out, it->text->size), b->scratch);
    for (;;) {
        check(wm_json_next(&step, json), b->scratch);
        if (step != WM_JSON_ELEMENT)
            break;
        b->sink += json->count;
        if (more == DERIVE) {
            wm_derive(&d, json, (wm_text){NULL, 0}, 0, b->scratch);
            check(
                wm_secondary_apply(&secondary, wm_secondary_find(d.generator_id), json, b->scratch),
                b->scratch);
            b->sink += (unsigned long)d.created + secondary.size;
        } else if (more == EMIT) {
            check(wm_json_emit(json, out, NULL), b->scratch);
        }
    }
}

static void split_stage(bench *b, item *it)
{
    walk(b, it, SPLIT);
}

static void derive_stage(bench *b, item *it)
{
    walk(b, it, DERIVE);
}

static void emit_stage(bench *b, item *it)
{
    walk(b, it, EMIT);
}

static void digest_stage(bench *b, item *it)
{
    unsigned char digest[16];

    for (int i = 0; i < it->bundle->point_count; i++) {
        const wm_text *text = &it->bundle->points[i].properties;

        crypto_generichash(digest, sizeof digest, (const unsigned char *)text->data, text->size,
                           NULL, 0);
        b->sink += digest[0];
    }
}

static void decode(bench *b, item *it, apr_pool_t *pool)
{
    static const wm_decode_options options = {
        .inflated_max = 64 << 20, .depth_max = 1000, .points_max = 1 << 20};
    wm_upload *upload = apr_pcalloc(pool, sizeof *upload);

    upload->form = WM_BODY_URLENCODED;
    upload->data = it->body;
    upload->size = it->size;
    check(wm_bundle_decode(&it->bundle, upload, &options, pool), b->pool);
}

static void whole_stage(bench *b, item *it)
{
    wm_bundle *kept = it->bundle;

    decode(b, it, b->scratch);
    b->sink += (unsigned long)it->bundle->point_count;
    it->bundle = kept;
}

/* Microseconds per bundle of STAGE, the best of ROUNDS passes over all. */
static double measure(bench *b, stage *run, int rounds)
{
    double best = 0;

    for (int round = 0; round < rounds; round++) {
        struct timespec from, to;
        double took;

        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &from);
        for (int i = 0; i < b->count; i++) {
            run(b, &b->items[i]);
            apr_pool_clear(b->scratch);
        }
        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &to);
        took = (double)(to.tv_sec - from.tv_sec) * 1e6 + (double)(to.tv_nsec - from.tv_nsec) / 1e3;
        if (!round || took < best)
            best = took;
    }
    return best / b->count;
}

static int is_body(const struct dirent *entry)
{
    size_t length = strlen(entry->d_name);

    return length > 5 && !strcmp(entry->d_name + length - 5, ".body");
}

static void read_item(bench *b, item *it, const char *path)
{
    FILE *file = fopen(path, "rb");
    long size = -1;

    if (file && !fseek(file, 0, SEEK_END))
        size = ftell(file);
    if (size < 0) {
        perror(path);
        exit(1);
    }
    rewind(file);
    it->body = apr_palloc(b->pool, (size_t)size + 1);
    it->size = fread(it->body, 1, (size_t)size, file);
    fclose(file);
    it->packed = wm_buf_create(NULL, b->pool);
    it->text = wm_buf_create(NULL, b->pool);
    unwrap(b, it);
    inflate_stage(b, it);
    decode(b, it, b->pool);
}

static void read_all(bench *b, const char *folder)
{
    struct dirent **entries;
    int n = scandir(folder, &entries, is_body, alphasort);

    if (n <= 0) {
        fprintf(stderr, "decode: no *.body in %s\n", folder);
        exit(1);
    }
    b->items = apr_pcalloc(b->pool, (size_t)n * sizeof *b->items);
    for (int i = 0; i < n; i++) {
        read_item(b, &b->items[b->count++],
                  apr_pstrcat(b->pool, folder, "/", entries[i]->d_name, NULL));
        free(entries[i]);
    }
    free(entries);
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        stage *run;
        int behind_split;
    } stages[] = {{"form and base64", unwrap, 0},       {"inflate", inflate_stage, 0},
                  {"split and repair", split_stage, 0}, {"derive", derive_stage, 1},
                  {"write sorted", emit_stage, 1},      {"digests", digest_stage, 0}};
    int rounds = argc > 2 ? (int)strtol(argv[2], NULL, 10) : 10;
    double split = 0, sum = 0, whole;
    size_t bytes = 0, text = 0, points = 0;
    bench b = {.items = NULL};

    if (argc < 2) {
        fprintf(stderr, "usage: decode DIRECTORY [ROUNDS]\n");
        return 2;
    }
    apr_initialize();
    apr_pool_create(&b.pool, NULL);
    apr_pool_create(&b.scratch, b.pool);
    check(wm_box_init(b.pool), b.pool);
    read_all(&b, argv[1]);
    for (int i = 0; i < b.count; i++) {
        bytes += b.items[i].size;
        text += b.items[i].text->size;
        points += (size_t)b.items[i].bundle->point_count;
    }
    printf("%d bundles of %zu points, %zu bytes, %zu bytes of JSON\n", b.count,
           points / (size_t)b.count, bytes / (size_t)b.count, text / (size_t)b.count);
    for (size_t i = 0; i < sizeof stages / sizeof stages[0]; i++) {
        double took = measure(&b, stages[i].run, rounds);

        if (stages[i].run == split_stage)
            split = took;
        if (stages[i].behind_split)
            took -= split;
        sum += took;
        printf("%-20s %7.1f us\n", stages[i].name, took);
    }
    whole = measure(&b, whole_stage, rounds);
    printf("%-20s %7.1f us\n%-20s %7.1f us per bundle\n", "the rest", whole - sum, "all", whole);
    apr_terminate();
    return 0;
}
