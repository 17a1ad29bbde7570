/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "corpus.h"
#include "corpus_json.h"

#define COUNT(list)        (sizeof(list) / sizeof(list)[0])
#define PICK(random, list) (list)[corpus_below(random, COUNT(list))]

static const char *const words[] = {
    "bottle",   "steel",   "insulated",   "travel",  "mug",       "wireless", "headphones",
    "noise",    "over",    "ear",         "charger", "portable",  "fast",     "cable",
    "cotton",   "organic", "socks",       "crew",    "men",       "women",    "kids",
    "pack",     "of",      "six",         "large",   "small",     "black",    "navy",
    "grey",     "filter",  "replacement", "kitchen", "storage",   "lids",     "airtight",
    "yoga",     "mat",     "thick",       "coffee",  "ground",    "dark",     "roast",
    "towels",   "paper",   "ultra",       "soft",    "sheets",    "queen",    "pillow",
    "memory",   "foam",    "hose",        "garden",  "solar",     "lights",   "outdoor",
    "backpack", "laptop",  "sleeve",      "mouse",   "ergonomic", "keyboard", "desk",
    "lamp",     "shelf",   "frame"};
static const char *const odd_words[] = {"café", "Größe", "crème", "señor", "日本製", "抹茶",
                                        "Łódź", "½\"",   "™",     "—",     "“new”",  "👍🏽"};
static const char *const brands[] = {"Nordvik", "Kestrel & Sons", "HomeLine", "Ünterwerk",
                                     "Sola",    "Marlow",         "Okapi",    "Bluestem"};
static const char *const rules[] = {
    ".s-result-item[data-asin]", "#buybox",           ".a-carousel-card",
    ".sponsored-label",          "div:has(.a-price)", "[data-component-type=\"s-search-result\"]"};
static const char *const classes[] = {"webmunk-asin-item", "webmunk-sponsored",
                                      "webmunk-house-brand", "webmunk-buy-box"};
static const char *const actions[] = {"show-main-screen", "show-settings", "close-window",
                                      "reload-rules", "upload-data"};
static const char *const patterns[] = {"#productTitle", "#centerCol", ".a-carousel-card"};
static const char *const zones[] = {"America/New_York", "America/Chicago", "America/Los_Angeles",
                                    "Europe/Berlin", "Asia/Kolkata"};
static const char *const platforms[] = {"Windows NT 10.0; Win64; x64",
                                        "Macintosh; Intel Mac OS X 10_15_7", "X11; Linux x86_64"};
static const int screens[][2] = {{1440, 789}, {1920, 969}, {1366, 657}, {2560, 1329}};

/* A tab as one page was seen in it. */
typedef struct page {
    char id[40], url[160], title[160];
    int tab;
} page;

/* One bundle in the making. */
typedef struct making {
    corpus_json json;
    corpus_random *random;
    const corpus_source *source;
    page page;
    int html; /* least characters of an element's HTML */
} making;

corpus_random corpus_random_make(apr_uint64_t seed, apr_uint64_t use, apr_uint64_t number)
{
    corpus_random random = {seed * APR_UINT64_C(0x9e3779b97f4a7c15) ^ use << 48};

    corpus_below(&random, 1);
    random.state ^= number * APR_UINT64_C(0xd1342543de82ef95);
    return random;
}

/* splitmix64 */
static apr_uint64_t next(corpus_random *random)
{
    apr_uint64_t z = random->state += APR_UINT64_C(0x9e3779b97f4a7c15);

    z = (z ^ z >> 30) * APR_UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * APR_UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

apr_uint32_t corpus_below(corpus_random *random, apr_uint32_t limit)
{
    return (apr_uint32_t)((next(random) >> 32) * limit >> 32);
}

void corpus_source_make(corpus_source *source, apr_uint64_t seed, int number)
{
    corpus_random random = corpus_random_make(seed, 1, (apr_uint64_t)number);
    size_t screen = corpus_below(&random, COUNT(screens));

    /* The factor has no divisor in common with 90 million. */
    snprintf(
        source->identifier, sizeof source->identifier, "%08d",
        (int)(10000000 + ((apr_uint64_t)number * 53471161 + seed * 7919) % APR_UINT64_C(90000000)));
    snprintf(source->agent, sizeof source->agent,
             "Webmunk/1.%d.%d Mozilla/5.0 (%s) AppleWebKit/537.36 (KHTML, like Gecko) "
             "Chrome/%d.0.0.0 Safari/537.36",
             (int)corpus_below(&random, 3), (int)corpus_below(&random, 12),
             PICK(&random, platforms), 120 + (int)corpus_below(&random, 20));
    source->zone = PICK(&random, zones);
    source->width = screens[screen][0];
    source->height = screens[screen][1];
    source->cores = 4 << corpus_below(&random, 2);
}

static void write_uuid(char *text, size_t size, corpus_random *random)
{
    apr_uint64_t a = next(random), b = next(random);

    snprintf(text, size, "%08x-%04x-%04x-%04x-%012llx", (unsigned)(a >> 32),
             (unsigned)(a >> 16) & 0xffff, (unsigned)a & 0xffff, (unsigned)(b >> 48),
             (unsigned long long)b & 0xffffffffffffULL);
}

static void write_words(char *text, size_t size, int count, corpus_random *random)
{
    size_t at = 0;

    for (int i = 0; i < count; i++) {
        const char *word = corpus_below(random, 40) ? PICK(random, words) : PICK(random, odd_words);

        at += (size_t)snprintf(text + at, size - at, "%s%s", i ? " " : "", word);
    }
}

static void write_asin(char text[16], corpus_random *random)
{
    static const char letters[] = "0123456789ABCDEFGHJKLMNPQRSTVWXYZ";
    int at = snprintf(text, 16, "B0");

    while (at < 10)
        text[at++] = letters[corpus_below(random, sizeof letters - 1)];
    text[at] = 0;
}

static void turn_page(making *m)
{
    corpus_random *r = m->random;
    char name[100], asin[16];

    write_uuid(m->page.id, sizeof m->page.id, r);
    write_words(name, sizeof name, 2 + (int)corpus_below(r, 3), r);
    write_asin(asin, r);
    m->page.tab = 100000000 + (int)corpus_below(r, 1900000000);
    if (corpus_below(r, 2)) {
        snprintf(m->page.url, sizeof m->page.url,
                 "https://www.amazon.com/s?k=%s&crid=%013llX&ref=nb_sb_noss_%d", asin,
                 (unsigned long long)next(r) >> 12, 1 + (int)corpus_below(r, 2));
        snprintf(m->page.title, sizeof m->page.title, "Amazon.com : %s", name);
    } else {
        snprintf(m->page.url, sizeof m->page.url, "https://www.amazon.com/dp/%s/ref=sr_1_%d?qid=%u",
                 asin, 1 + (int)corpus_below(r, 48), 1700000000 + corpus_below(r, 95000000));
        snprintf(m->page.title, sizeof m->page.title, "%s %s", PICK(r, brands), name);
    }
}

/* A search result's card of at least m->html characters. */
static void write_html(char *text, size_t size, const char *class, making *m)
{
    corpus_random *r = m->random;
    char asin[16], title[100];
    size_t at;

    write_asin(asin, r);
    write_words(title, sizeof title, 5, r);
    at = (size_t)snprintf(text, size,
                          "<div data-asin=\"%s\" data-index=\"%d\" class=\"s-result-item %s\">",
                          asin, (int)corpus_below(r, 60), class);
    do
        at += (size_t)snprintf(
            text + at, size - at,
            "\n\t<a class=\"a-link-normal\" href=\"/dp/%s/ref=sr_1_%d\"><img class=\"s-image\" "
            "src=\"https://m.media-amazon.com/images/I/%08x._AC_UL320_.jpg\" alt=\"%s\"></a>"
            "<span class=\"a-price\">$%d.%02d</span>",
            asin, (int)corpus_below(r, 48), (unsigned)next(r), title, (int)corpus_below(r, 200),
            (int)corpus_below(r, 100));
    while (at < (size_t)m->html && at + 600 < size);
    snprintf(text + at, size - at, "</div>");
}

/* Halves, quarters and eighths of a pixel are common, thousandths occur. */
static apr_int64_t pixels(corpus_random *random, apr_uint32_t limit)
{
    apr_int64_t milli = APR_INT64_C(1000) * corpus_below(random, limit);
    apr_uint32_t kind = corpus_below(random, 10);

    if (kind < 5)
        return milli;
    return milli + (kind < 8 ? 125 * corpus_below(random, 8) : corpus_below(random, 1000));
}

static void add_page(making *m)
{
    corpus_json_text(&m->json, "url*", m->page.url);
    corpus_json_text(&m->json, "page-title*", m->page.title);
}

static void add_box(making *m)
{
    corpus_json *j = &m->json;

    corpus_json_open(j, "offset", '{');
    corpus_json_milli(j, "top", pixels(m->random, 9000));
    corpus_json_milli(j, "left", pixels(m->random, 1600));
    corpus_json_close(j, '}');
    corpus_json_open(j, "size", '{');
    corpus_json_milli(j, "width", pixels(m->random, 900));
    corpus_json_milli(j, "height", pixels(m->random, 700));
    corpus_json_close(j, '}');
}

static void add_scroll(making *m)
{
    corpus_json *j = &m->json;

    corpus_json_text(j, "page-id", m->page.id);
    add_page(m);
    corpus_json_milli(j, "top", pixels(m->random, 12000));
    corpus_json_int(j, "left", 0);
    corpus_json_int(j, "width", m->source->width);
    corpus_json_int(j, "height", m->source->height);
    corpus_json_int(j, "tab-id", m->page.tab);
}

static void add_rule(making *m)
{
    corpus_json_text(&m->json, "page-id", m->page.id);
    corpus_json_text(&m->json, "rule", PICK(m->random, rules));
    corpus_json_int(&m->json, "count", 1 + (int)corpus_below(m->random, 60));
    add_page(m);
    corpus_json_int(&m->json, "tab-id", m->page.tab);
}

static void add_class(making *m)
{
    const char *class = PICK(m->random, classes);
    char html[8192];

    write_html(html, sizeof html, class, m);
    corpus_json_text(&m->json, "page-id", m->page.id);
    corpus_json_text(&m->json, "class-name", class);
    add_page(m);
    corpus_json_text(&m->json, "element-content*", html);
    corpus_json_int(&m->json, "tab-id", m->page.tab);
}

static void add_element(making *m, int with_page)
{
    const char *class = PICK(m->random, classes);
    corpus_json *j = &m->json;
    char html[8192], id[40], text[64];

    write_uuid(id, sizeof id, m->random);
    snprintf(text, sizeof text, "webmunk_id_%s", id);
    corpus_json_text(j, "page-id", m->page.id);
    corpus_json_text(j, "element-id", text);
    corpus_json_text(j, "element-class", class);
    add_page(m);
    if (with_page) {
        write_html(html, sizeof html, "body", m);
        corpus_json_text(j, "page-content*", html);
    }
    write_html(html, sizeof html, class, m);
    corpus_json_text(j, "element-content*", html);
    add_box(m);
    corpus_json_int(j, "tab-id", m->page.tab);
}

static void add_visible(making *m)
{
    add_element(m, 0);
}

static void add_click(making *m)
{
    add_element(m, 1);
}

static void add_log(making *m)
{
    corpus_json *j = &m->json;
    char html[8192];

    corpus_json_text(j, "page-id", m->page.id);
    corpus_json_open(j, "pattern-matches", '{');
    for (size_t i = 0; i < COUNT(patterns); i++) {
        corpus_json_open(j, patterns[i], '[');
        if (corpus_below(m->random, 2)) {
            write_html(html, sizeof html, "match", m);
            corpus_json_open(j, NULL, '{');
            corpus_json_text(j, "element-content*", html);
            add_box(m);
            corpus_json_close(j, '}');
        }
        corpus_json_close(j, ']');
    }
    corpus_json_close(j, '}');
    add_page(m);
    corpus_json_text(j, "action", "load");
    corpus_json_int(j, "tab-id", m->page.tab);
}

static void add_action(making *m)
{
    corpus_json_text(&m->json, "action", PICK(m->random, actions));
}

static void add_status(making *m)
{
    corpus_json *j = &m->json;

    corpus_json_int(j, "pending_points", corpus_below(m->random, 65));
    corpus_json_open(j, "cpu-info", '{');
    corpus_json_text(j, "archName", "x86_64");
    corpus_json_text(j, "modelName", "Intel(R) Core(TM) i5-8250U CPU @ 1.60GHz");
    corpus_json_int(j, "numOfProcessors", m->source->cores);
    corpus_json_open(j, "temperatures", '[');
    corpus_json_close(j, ']');
    corpus_json_close(j, '}');
    corpus_json_open(j, "memory-info", '{');
    corpus_json_int(j, "availableCapacity", APR_INT64_C(4096) * corpus_below(m->random, 2 << 20));
    corpus_json_int(j, "capacity", APR_INT64_C(8) << 30);
    corpus_json_close(j, '}');
}

/* What browsers send, and how often in a bundle of each size. */
static const struct kind {
    const char *generator;
    void (*add)(making *m);
    apr_uint32_t weight[3];
} kinds[] = {
    {"webmunk-extension-action", add_action, {60, 47, 8}},
    {"webmunk-extension-scroll-position", add_scroll, {20, 20, 26}},
    {"webmunk-extension-matched-rule", add_rule, {15, 18, 16}},
    {"webmunk-extension-element-show", add_visible, {0, 5, 18}},
    {"webmunk-extension-element-hide", add_visible, {0, 4, 15}},
    {"webmunk-extension-class-added", add_class, {5, 4, 13}},
    {"webmunk-extension-log-elements", add_log, {0, 1, 2}},
    {"webmunk-extension-element-click", add_click, {0, 1, 2}},
};
static const struct kind status = {"pdk-system-status", add_status, {0}};

static const struct kind *pick_kind(int variant, corpus_random *random)
{
    apr_uint32_t at = corpus_below(random, 100);
    size_t i = 0;

    while (at >= kinds[i].weight[variant])
        at -= kinds[i++].weight[variant];
    return &kinds[i];
}

static void add_point(making *m, const struct kind *kind, apr_int64_t clock)
{
    corpus_json *j = &m->json;
    char generator[280];

    snprintf(generator, sizeof generator, "%s: %s", kind->generator, m->source->agent);
    corpus_json_open(j, NULL, '{');
    kind->add(m);
    corpus_json_int(j, "date", clock);
    corpus_json_text(j, "generatorId", kind->generator);
    corpus_json_open(j, "passive-data-metadata", '{');
    corpus_json_text(j, "source", m->source->identifier);
    corpus_json_text(j, "generator", generator);
    corpus_json_text(j, "generator-id", kind->generator);
    corpus_json_milli(j, "timestamp", clock);
    corpus_json_text(j, "timezone", m->source->zone);
    corpus_json_close(j, '}');
    corpus_json_close(j, '}');
}

static making begin(wm_buf *out, const corpus_source *source, int variant, corpus_random *random)
{
    static const int html[] = {100, 100, 2000};
    making m = {.json.out = out, .random = random, .source = source, .html = html[variant]};

    turn_page(&m);
    return m;
}

int corpus_bundle(wm_buf *out, const corpus_source *source, int variant, apr_int64_t clock,
                  corpus_random *random)
{
    making m = begin(out, source, variant, random);
    int events = variant == CORPUS_SMALL ? 9 : 64;

    corpus_json_open(&m.json, NULL, '[');
    for (int i = 0; i < events; i++) {
        if (!corpus_below(random, 3))
            turn_page(&m);
        clock += 40 + corpus_below(random, 9000);
        add_point(&m, pick_kind(variant, random), clock);
    }
    /* The extension closes each bundle with a status of its own. */
    add_point(&m, &status, clock + 20 + corpus_below(random, 200));
    corpus_json_close(&m.json, ']');
    return events + 1;
}

void corpus_point(wm_buf *out, const corpus_source *source, int variant, apr_int64_t clock,
                  corpus_random *random)
{
    making m = begin(out, source, variant, random);

    add_point(&m, pick_kind(variant, random), clock);
}
