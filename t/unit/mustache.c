/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include <apr_file_io.h>
#include <apr_general.h>
#include <apr_strings.h>

#include "tap.h"
#include "wm_json_own.h"
#include "wm_mustache.h"

static apr_pool_t *pool;

/* TEXT rendered with DATA, or the error's text. */
static const char *rendered(wm_templates *set, const char *name, const json_t *data)
{
    wm_buf *out;
    const wm_err *err = wm_templates_render(&out, set, name, data, pool);

    return err ? wm_err_text(err, pool)
               : apr_pstrmemdup(pool, out->data ? out->data : "", out->size);
}

static const char *with(const char *text, const char *data)
{
    wm_templates *set = wm_templates_create(0, pool);
    const wm_err *err = wm_templates_add(set, "t", text, strlen(text));
    json_t *root;

    if (err)
        return wm_err_text(err, pool);
    err = wm_json_own_parse(&root, data, strlen(data), pool);
    return err ? wm_err_text(err, pool) : rendered(set, "t", root);
}

static const char *strict(const char *text)
{
    wm_templates *set = wm_templates_create(1, pool);
    const wm_err *err = wm_templates_add(set, "t", text, strlen(text));

    if (!err)
        err = wm_templates_check(set, pool);
    return err ? wm_err_text(err, pool) : "fine";
}

static void spec_case(const char *file, const json_t *c)
{
    wm_templates *set = wm_templates_create(0, pool);
    const char *text = json_string_value(json_object_get(c, "template")), *name;
    const wm_err *err = wm_templates_add(set, "case", text, strlen(text));
    json_t *partial;

    json_object_foreach(json_object_get(c, "partials"), name, partial)
    {
        const char *part = json_string_value(partial);

        if (!err)
            err = wm_templates_add(set, name, part, strlen(part));
    }
    is_str(err ? wm_err_text(err, pool) : rendered(set, "case", json_object_get(c, "data")),
           json_string_value(json_object_get(c, "expected")),
           apr_psprintf(pool, "specification, %s: %s", file,
                        json_string_value(json_object_get(c, "name"))));
}

static void spec(void)
{
    static const char *const files[] = {"comments", "delimiters", "interpolation",
                                        "inverted", "partials",   "sections"};
    const char *shared = getenv("WM_SHARED"), *src = getenv("WM_SRCDIR");
    json_error_t error;
    json_t *root, *tests, *c;
    size_t i, n;

    if (!shared)
        shared = apr_pstrcat(pool, src ? src : ".", "/../shared", NULL);
    for (n = 0; n < sizeof files / sizeof *files; n++) {
        root = json_load_file(
            apr_pstrcat(pool, shared, "/data/mustache-spec/", files[n], ".json", NULL), 0, &error);
        if (!wm_json_own(root, pool)) {
            ok(1, "specification, %s # SKIP shared data not present", files[n]);
            continue;
        }
        tests = json_object_get(root, "tests");
        ok(json_array_size(tests) > 0, "the specification's %s has cases", files[n]);
        json_array_foreach(tests, i, c) spec_case(files[n], c);
    }
}

static void values(void)
{
    is_str(with("{{a}}", "{\"a\": \"<a href='x\\\"`&\"}"), "&lt;a href=&#39;x&quot;&#96;&amp;",
           "everything that means something in HTML is escaped");
    is_str(
        with("{{n}} {{r}} {{b}} {{z}}|{{l}}|{{o}}", "{\"n\": 9007199254740993, \"r\": 0.1, \"b\": "
                                                    "true, \"z\": null, \"l\": [1], \"o\": {}}"),
        "9007199254740993 0.1 true ||", "numbers are exact; null, arrays and objects are nothing");
    is_str(with("{{#a}}1{{/a}}{{#b}}2{{/b}}{{#c}}3{{/c}}{{^a}}-{{/a}}",
                "{\"a\": 0, \"b\": \"\", \"c\": {}}"),
           "-", "0, empty text and empty objects skip a section");
    is_str(with("{{#a}}{{n}}{{b}} {{/a}}",
                "{\"b\": \"out\", \"a\": [{\"n\": 1}, {\"n\": 2, \"b\": \"in\"}]}"),
           "1out 2in ", "a name is searched outwards");
    is_str(with("{{#a}}[{{b.c}}]{{/a}}", "{\"a\": {\"b\": {}}, \"b\": {\"c\": \"wrong\"}}"), "[]",
           "a dotted name is not searched outwards after its first part");
}

static void faults(void)
{
    is_str(with("a\n{{#x}}\nb", "{}"), "t.mustache line 2: section x is never closed",
           "an open section is named with its line");
    is_str(with("{{#x}}\n\n{{/y}}", "{}"), "t.mustache line 3: section x of line 1 is closed by y",
           "sections that overlap are refused");
    is_str(with("\n\n{{/y}}", "{}"), "t.mustache line 3: no section is open to be closed by y",
           "an end without a begin is refused");
    is_str(with("{{a", "{}"), "t.mustache line 1: a tag is not closed by }}",
           "a tag without end is refused");
    is_str(with("{{ }}", "{}"), "t.mustache line 1: a tag has no name",
           "a tag without name is refused");
    is_str(with("{{a..b}}", "{}"), "t.mustache line 1: an empty part in the name a..b",
           "an empty part of a name is refused");
    is_str(with("{{=x=}}", "{}"),
           "t.mustache line 1: delimiters must be two words without =, not x",
           "half a pair of delimiters is refused");
    is_str(with("{{$a}}{{/a}}", "{}"), "t.mustache line 1: inheritance is not supported: a",
           "inheritance is refused, not ignored");
    is_str(strict("{{a}}\n{{{b}}}"),
           "t.mustache line 2: text must be escaped; this tag does not: b",
           "strict templates have no triple mustache");
    is_str(strict("{{& b }}"), "t.mustache line 1: text must be escaped; this tag does not: b",
           "... and no ampersand");
    is_str(strict("\n{{>gone}}"), "t.mustache line 2: there is no partial gone",
           "strict templates name only partials that are there");
}

static void bounds(void)
{
    wm_templates *set = wm_templates_create(1, pool);
    const char *self = "x{{>t}}",
               *many = "{{#l}}{{#l}}{{#l}}{{#l}}{{#l}}{{/l}}{{/l}}{{/l}}{{/l}}{{/l}}";
    const char *fat = "{{#l}}{{#l}}{{#l}}{{text}}{{/l}}{{/l}}{{/l}}";
    json_t *root = wm_json_own(json_object(), pool), *list = json_array();
    char *text = memset(apr_palloc(pool, 40000), '<', 40000);

    ok(!wm_templates_add(set, "t", self, strlen(self)) &&
           !wm_templates_add(set, "many", many, strlen(many)) &&
           !wm_templates_add(set, "fat", fat, strlen(fat)) && !wm_templates_check(set, pool),
       "a partial may ask for itself");
    is_str(rendered(set, "t", root), "t.mustache: sections and partials go deeper than 100 levels",
           "recursion without end is stopped");
    for (int i = 0; i < 100; i++)
        json_array_append_new(list, json_integer(i));
    json_object_set_new(root, "l", list);
    json_object_set_new(root, "text", json_stringn(text, 40000));
    is_str(rendered(set, "many", root), "many.mustache: rendering takes over 2000000 steps",
           "sections that multiply are stopped");
    is_str(rendered(set, "fat", root), "the rendered text has more than 16777216 bytes",
           "a text without end is stopped");
    is_str(rendered(set, "none", root), "there is no template none",
           "an unknown template is an error");
}

static int write_file(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");

    return file && fputs(text, file) >= 0 && !fclose(file);
}

static void folder(void)
{
    char *dir = apr_pstrdup(pool, "/tmp/wm-mustache-XXXXXX");
    const char *page, *part, *partials, *other;
    wm_templates *set = NULL;
    const wm_err *err;

    if (!ok(mkdtemp(dir) != NULL, "a folder for templates can be made"))
        return;
    partials = apr_pstrcat(pool, dir, "/partials", NULL);
    page = apr_pstrcat(pool, dir, "/page.mustache", NULL);
    other = apr_pstrcat(pool, dir, "/page.mustache~", NULL);
    part = apr_pstrcat(pool, partials, "/part.mustache", NULL);
    err = wm_templates_load(&set, apr_pstrcat(pool, dir, "/none", NULL), pool);
    ok(err && strstr(err->why, "/none/partials"), "a missing folder is named");
    apr_dir_make(partials, APR_FPROT_OS_DEFAULT, pool);
    ok(write_file(page, "<p>\n  {{>part}}\n</p>\n") && write_file(part, "{{a}}\n\n{{a}}\n") &&
           write_file(other, "{{{"),
       "templates can be written");
    err = wm_templates_load(&set, dir, pool);
    is_str(err ? wm_err_text(err, pool) : "fine", "fine",
           "a folder with partials loads, and only *.mustache");
    if (!err) {
        is_str(rendered(set, "page", wm_json_own(json_pack("{s:s}", "a", "1\n2"), pool)),
               "<p>\n  1\n2\n\n  1\n2\n</p>\n",
               "lines of the partial are indented, those of a value not");
        ok(wm_templates_has(set, "part") && !wm_templates_has(set, "gone"),
           "a set knows its names");
    }
    write_file(part, "\n{{{a}}}");
    err = wm_templates_load(&set, dir, pool);
    ok(err && strstr(wm_err_text(err, pool), "part.mustache line 2: "),
       "a fault in a file is told with file and line");
    apr_file_remove(part, pool);
    apr_file_remove(page, pool);
    apr_file_remove(other, pool);
    apr_dir_remove(partials, pool);
    apr_dir_remove(dir, pool);
}

int main(void)
{
    apr_initialize();
    apr_pool_create(&pool, NULL);

    values();
    faults();
    bounds();
    folder();
    spec();

    apr_terminate();
    return done();
}
