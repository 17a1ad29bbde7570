/* SPDX-License-Identifier: Apache-2.0 */
/* Request bodies as the Webmunk extension sends them, the same bytes for the same arguments. */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <apr_general.h>
#include <apr_pools.h>
#include <zlib.h>

#include "corpus.h"
#include "corpus_json.h"

static const char usage_text[] =
    "usage: corpus --out PREFIX [options]\n"
    "\n"
    "  --variant WORD   small (10 points, 4 KB of JSON), medium (65 points, 40 KB; the default)\n"
    "                   or large (65 points, 128 KB)\n"
    "  --bundles N      how many bodies (20000)\n"
    "  --points         single points for add-point.json instead of bundles\n"
    "  --sources N      different browsers (500)\n"
    "  --seed N         another corpus of the same kind (1)\n"
    "  --end EPOCH      newest time of a point, in seconds (1795219200)\n"
    "  --days N         over how many days the points are spread (14)\n"
    "  --help           this text\n"
    "\n"
    "PREFIX.pack holds the bodies, one behind the other, PREFIX.index a line \"offset size\" for\n"
    "each, PREFIX.info what they add up to.\n";

typedef struct settings {
    const char *out;
    int variant, bundles, single, sources, days;
    apr_uint64_t seed;
    apr_int64_t end;
} settings;

typedef struct totals {
    apr_int64_t points, json_bytes, body_bytes;
} totals;

static void die(const char *what, const char *name)
{
    fprintf(stderr, "corpus: %s %s\n", what, name);
    exit(1);
}

static long number(const char *name, const char *text, long least, long most)
{
    char *end;
    long value = strtol(text, &end, 10);

    if (*end || end == text || value < least || value > most) {
        fprintf(stderr, "corpus: --%s takes a number from %ld to %ld\n", name, least, most);
        exit(2);
    }
    return value;
}

static int variant_of(const char *word)
{
    static const char *const names[] = {"small", "medium", "large"};

    for (int i = 0; i < 3; i++)
        if (!strcmp(word, names[i]))
            return i;
    die("--variant takes small, medium or large, not", word);
    return 0;
}

static void read_arguments(settings *s, int argc, char **argv)
{
    static const struct option options[] = {
        {"out", 1, NULL, 'o'},    {"variant", 1, NULL, 'v'}, {"bundles", 1, NULL, 'b'},
        {"points", 0, NULL, 'p'}, {"sources", 1, NULL, 's'}, {"seed", 1, NULL, 'r'},
        {"end", 1, NULL, 'e'},    {"days", 1, NULL, 'd'},    {"help", 0, NULL, 'h'},
        {NULL, 0, NULL, 0},
    };
    int option, which = 0;

    while ((option = getopt_long(argc, argv, "", options, &which)) != -1) {
        const char *name = option == '?' ? NULL : options[which].name;

        switch (option) {
        case 'o':
            s->out = optarg;
            break;
        case 'v':
            s->variant = variant_of(optarg);
            break;
        case 'b':
            s->bundles = (int)number(name, optarg, 1, 10000000);
            break;
        case 'p':
            s->single = 1;
            break;
        case 's':
            s->sources = (int)number(name, optarg, 1, 10000000);
            break;
        case 'r':
            s->seed = (apr_uint64_t)number(name, optarg, 0, 1L << 40);
            break;
        case 'e':
            s->end = number(name, optarg, 0, 1L << 40);
            break;
        case 'd':
            s->days = (int)number(name, optarg, 1, 3650);
            break;
        case 'h':
            fputs(usage_text, stdout);
            exit(0);
        default:
            fputs(usage_text, stderr);
            exit(2);
        }
    }
    if (!s->out || optind < argc) {
        fputs(usage_text, stderr);
        exit(2);
    }
}

/* As a browser's form serializer does it. */
static void put_form_text(wm_buf *out, const unsigned char *text, size_t size)
{
    static const char hex[] = "0123456789ABCDEF";

    for (size_t i = 0; i < size; i++) {
        unsigned char c = text[i];

        if ((c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
            (c && strchr("*-._", c))) {
            corpus_put(out, (const char *)&text[i], 1);
        } else if (c == ' ') {
            corpus_put(out, "+", 1);
        } else {
            corpus_put(out, (char[3]){'%', hex[c >> 4], hex[c & 15]}, 3);
        }
    }
}

static void put_base64(wm_buf *out, const unsigned char *data, size_t size)
{
    static const char letters[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

    for (size_t i = 0; i < size; i += 3) {
        size_t left = size - i;
        unsigned word = (unsigned)data[i] << 16 | (left > 1 ? (unsigned)data[i + 1] << 8 : 0) |
                        (left > 2 ? data[i + 2] : 0);
        char four[4] = {letters[word >> 18], letters[word >> 12 & 63],
                        left > 1 ? letters[word >> 6 & 63] : '=',
                        left > 2 ? letters[word & 63] : '='};

        corpus_put(out, four, 4);
    }
}

static void pack(wm_buf *out, const wm_buf *in)
{
    z_stream z = {0};

    if (deflateInit2(&z, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) != Z_OK)
        die("zlib does not start", "");
    if (wm_buf_reserve(out, deflateBound(&z, in->size)))
        die("no memory", "");
    z.next_in = (unsigned char *)in->data;
    z.avail_in = (uInt)in->size;
    z.next_out = (unsigned char *)out->data;
    z.avail_out = (uInt)out->room;
    if (deflate(&z, Z_FINISH) != Z_STREAM_END)
        die("zlib does not finish", "");
    out->size = z.total_out;
    deflateEnd(&z);
}

static FILE *create(const char *prefix, const char *suffix)
{
    char path[4096];
    FILE *file;

    if (snprintf(path, sizeof path, "%s.%s", prefix, suffix) >= (int)sizeof path)
        die("too long:", prefix);
    file = fopen(path, "wb");
    if (!file)
        die("cannot write", path);
    return file;
}

/* When bundle NUMBER begins: the sources take turns, round after round. */
static apr_int64_t clock_of(const settings *s, int number, corpus_random *random)
{
    apr_int64_t span = APR_INT64_C(86400000) * s->days;
    int rounds = (s->bundles + s->sources - 1) / s->sources;
    apr_int64_t round = span / rounds, room = round > 1200000 ? round - 600000 : round / 2;

    return s->end * 1000 - span + round * (number / s->sources) +
           (apr_int64_t)((double)room * corpus_below(random, 1 << 30) / (1 << 30));
}

static void make_body(wm_buf *body, wm_buf *json, wm_buf *zip, const settings *s, int number,
                      totals *sum)
{
    corpus_random random =
        corpus_random_make(s->seed, 2 + (apr_uint64_t)s->variant, (apr_uint64_t)number);
    apr_int64_t clock = clock_of(s, number, &random);
    corpus_source source;

    body->size = json->size = zip->size = 0;
    corpus_source_make(&source, s->seed, number % s->sources);
    if (s->single) {
        corpus_point(json, &source, s->variant, clock, &random);
        corpus_puts(body, "payload=");
        put_form_text(body, (const unsigned char *)json->data, json->size);
        sum->points++;
    } else {
        wm_buf base64 = {.pool = body->pool};

        sum->points += corpus_bundle(json, &source, s->variant, clock, &random);
        pack(zip, json);
        corpus_puts(body, "compression=gzip&payload=");
        put_base64(&base64, (const unsigned char *)zip->data, zip->size);
        put_form_text(body, (const unsigned char *)base64.data, base64.size);
        wm_buf_free(&base64);
    }
    sum->json_bytes += (apr_int64_t)json->size;
}

int main(int argc, char **argv)
{
    settings s = {.variant = CORPUS_MEDIUM,
                  .bundles = 20000,
                  .sources = 500,
                  .seed = 1,
                  .end = 1795219200,
                  .days = 14};
    totals sum = {0};
    wm_buf *body, *json, *zip;
    FILE *packed, *list, *info;
    apr_pool_t *pool;

    apr_initialize();
    apr_pool_create(&pool, NULL);
    read_arguments(&s, argc, argv);
    body = wm_buf_create(NULL, pool);
    json = wm_buf_create(NULL, pool);
    zip = wm_buf_create(NULL, pool);
    packed = create(s.out, "pack");
    list = create(s.out, "index");
    info = create(s.out, "info");
    for (int i = 0; i < s.bundles; i++) {
        make_body(body, json, zip, &s, i, &sum);
        fprintf(list, "%" APR_INT64_T_FMT " %zu\n", sum.body_bytes, body->size);
        fwrite(body->data, 1, body->size, packed);
        sum.body_bytes += (apr_int64_t)body->size;
    }
    fprintf(info,
            "bodies %d\npoints %" APR_INT64_T_FMT "\njson_bytes %" APR_INT64_T_FMT
            "\nbody_bytes %" APR_INT64_T_FMT "\n",
            s.bundles, sum.points, sum.json_bytes, sum.body_bytes);
    if (fclose(packed) || fclose(list) || fclose(info))
        die("cannot write", s.out);
    apr_terminate();
    return 0;
}
