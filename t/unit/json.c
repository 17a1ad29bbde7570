/* SPDX-License-Identifier: Apache-2.0 */
/* The tokenizer of device text. */
#include <apr_general.h>
#include <apr_strings.h>

#include "tap.h"
#include "wm_json.h"
#include "wm_utf8.h"

static apr_pool_t *pool;
static apr_uint32_t flags;

static const char *step_word(wm_json_step step)
{
    static const char *const words[] = {"element", "deep", "large", "end", "scalar", "broken"};

    return words[step];
}

/* The elements of TEXT as they are emitted, a line each, and how it ended. */
static const char *split(const char *text, size_t size, int depth)
{
    /* A copy without anything behind it: reading on is a finding of the sanitizers. */
    char *copy = malloc(size ? size : 1);
    const char *result = "";
    wm_buf *out = wm_buf_create(NULL, pool);
    wm_json_step step;
    wm_json *json;

    memcpy(copy, text, size);
    json = wm_json_create(copy, size, depth, NULL, pool);
    flags = 0;
    for (;;) {
        out->size = 0;
        if (wm_json_next(&step, json))
            return "error";
        if (step != WM_JSON_ELEMENT && step != WM_JSON_DEEP)
            break;
        flags |= json->flags;
        if (step == WM_JSON_ELEMENT && wm_json_emit(json, out, NULL))
            return "error";
        result = apr_psprintf(pool, "%s%.*s\n", result, step == WM_JSON_DEEP ? 4 : (int)out->size,
                              step == WM_JSON_DEEP ? "deep" : out->data);
    }
    free(copy);
    return apr_pstrcat(pool, result, step_word(step), NULL);
}

static void splits(const char *text, const char *want, const char *name)
{
    is_str(split(text, strlen(text), 1000), want, name);
}

/* The only element of an array. */
static void becomes(const char *element, const char *want, apr_uint32_t flag, const char *name)
{
    splits(apr_pstrcat(pool, "[", element, "]", NULL), apr_pstrcat(pool, want, "\nend", NULL),
           name);
    is_int(flags, flag, "... with its flag");
}

static void test_shapes(void)
{
    splits("[]", "end", "an empty array has no elements");
    splits(" [ ] \n", "end", "... blanks or not");
    splits("\xef\xbb\xbf[1]", "1\nend", "a byte order mark is skipped");
    splits("[1, \"a\",null , true,false,{},[]]", "1\n\"a\"\nnull\ntrue\nfalse\n{}\n[]\nend",
           "elements of all types are found");
    splits(" {\"a\" : [ 1 , 2 ] } ", "{\"a\":[1,2]}\nend", "a lone object is one element");
    splits("17", "scalar", "a number is no bundle");
    splits("\"a\"", "scalar", "a string is no bundle");
    splits(" null ", "scalar", "null is no bundle");
    splits("", "broken", "nothing is no JSON");
    splits("  ", "broken", "blanks are no JSON");
    splits("17 x", "broken", "text behind a scalar is an error");
}

/* For the name of a test: printable and on one line. */
static const char *shown(const char *text)
{
    char *copy = apr_pstrdup(pool, text);

    for (char *p = copy; *p; p++)
        if (*p < ' ' || *p > '~' || *p == '#')
            *p = '.';
    return copy;
}

static void test_errors(void)
{
    static const char *const bad[] = {
        "[",          "[1",        "[1,",         "[1,]",          "[,1]",       "[1 2]",
        "[1]]",       "[1] x",     "{",           "{\"a\"",        "{\"a\":",    "{\"a\":1",
        "{\"a\":1,}", "{a:1}",     "{1:1}",       "{\"a\" 1}",     "[01]",       "[1.]",
        "[.5]",       "[+1]",      "[-]",         "[1e]",          "[1e+]",      "[0x10]",
        "[\"a]",      "[\"\\x\"]", "[\"\\u12\"]", "[\"\\u12g4\"]", "[\"a\nb\"]", "[\"a\tb\"]",
        "[tru]",      "[nulll]",   "[NULL]",      "[nan]",         "[-NaN]",     "['a']",
        "[1}",        "{\"a\":1]", "[[1}]",       "[{\"a\":[}]]",  "[\"\\",      "[\"\\u",
        "[1]\x01",    "[\x0b]",    "[/*a*/1]",    "\xef\xbb[1]",   "[-Infinit]", "[\xff]"};

    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        const char *got = split(bad[i], strlen(bad[i]), 1000);

        ok(strlen(got) >= 6 && !strcmp(got + strlen(got) - 6, "broken"), "%s is no JSON",
           shown(bad[i]));
    }
    is_str(split("[\"a\0b\"]", 7, 1000), "broken", "a raw U+0000 is no JSON");
}

static void test_strings(void)
{
    becomes("\"a\\\"b\\\\c\\n\\t\\b\\f\\r\"", "\"a\\\"b\\\\c\\n\\t\\b\\f\\r\"", 0,
            "escapes in their normal spelling stay");
    becomes("\"\\/\\u0041\\u00e9\\u20AC\"", "\"/A\xc3\xa9\xe2\x82\xac\"", 0, "others are decoded");
    becomes("\"\\u0022\\u005c\\u000a\\u0009\\u001F\\u007f\"", "\"\\\"\\\\\\n\\t\\u001f\x7f\"", 0,
            "... unless JSON needs them");
    becomes("\"\\ud83d\\ude00\"", "\"\xf0\x9f\x98\x80\"", 0, "surrogate pairs are one character");
    becomes("\"x\\ud83d\"", "\"x\xef\xbf\xbd\"", WM_F_SURROGATE_REPLACED,
            "a lone high surrogate is replaced");
    becomes("\"\\ude00\\ud83d\"", "\"\xef\xbf\xbd\xef\xbf\xbd\"", WM_F_SURROGATE_REPLACED,
            "surrogates in the wrong order are two");
    becomes("\"\\ud83d\\u0041\"",
            "\"\xef\xbf\xbd"
            "A\"",
            WM_F_SURROGATE_REPLACED, "what follows a lone surrogate stays");
    becomes("\"a\\u0000b\"", "\"ab\"", WM_F_NUL_REMOVED, "U+0000 is removed");
    becomes("\"C:\\\\u0000x\"", "\"C:\\\\u0000x\"", 0, "an escaped backslash before u0000 is text");
    becomes("{\"k\\u0000ey\":1}", "{\"key\":1}", WM_F_NUL_REMOVED, "... in keys, too");
    becomes("\"a\xff"
            "b\"",
            "\"a\xef\xbf\xbd"
            "b\"",
            WM_F_UTF8_REPLACED, "a bad byte is replaced");
    becomes("\"\xe2\x82\"", "\"\xef\xbf\xbd\"", WM_F_UTF8_REPLACED,
            "a beginning of a character is replaced by one");
    becomes("\"\xed\xa0\x80\"", "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"", WM_F_UTF8_REPLACED,
            "a surrogate in bytes by three");
    becomes("\"\xc0\x80\"", "\"\xef\xbf\xbd\xef\xbf\xbd\"", WM_F_UTF8_REPLACED,
            "an overlong U+0000 by two");
    becomes("\"\xf4\x90\x80\x80\"", "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"",
            WM_F_UTF8_REPLACED, "beyond U+10FFFF by four");
    becomes("\"\xf0\x9f\x98\x80 \xe6\x97\xa5\xe6\x9c\xac\"",
            "\"\xf0\x9f\x98\x80 \xe6\x97\xa5\xe6\x9c\xac\"", 0, "good UTF-8 stays");
    becomes("\"0123456789abcdef0123456789abcdef\\u0041\\/\xc3\xa9\"",
            "\"0123456789abcdef0123456789abcdefA/\xc3\xa9\"", 0, "long strings are no exception");
}

static void test_numbers(void)
{
    becomes("NaN", "null", WM_F_NONFINITE_NUMBER, "NaN is null");
    becomes("[Infinity,-Infinity]", "[null,null]", WM_F_NONFINITE_NUMBER, "so is infinity");
    becomes("[-0,0.10,1E5,1e-7,9223372036854775808]", "[-0,0.10,1E5,1e-7,9223372036854775808]", 0,
            "numbers keep their spelling");
    becomes("1.7976931348623157e308", "1.7976931348623157e308", 0,
            "the largest double is a number");
    becomes("1.7976931348623159e308", "\"1.7976931348623159e308\"", WM_F_NUMBER_OUT_OF_RANGE,
            "a larger one is a string");
    becomes("{\"a\":-1e400}", "{\"a\":\"-1e400\"}", WM_F_NUMBER_OUT_OF_RANGE,
            "... negative ones, too");
    becomes("1e999999999999999999999", "\"1e999999999999999999999\"", WM_F_NUMBER_OUT_OF_RANGE,
            "an exponent may be absurd");
    becomes("1e-16383", "1e-16383", 0, "numeric has 16383 digits behind the point");
    becomes("1e-16384", "\"1e-16384\"", WM_F_NUMBER_OUT_OF_RANGE, "... and no more");
    becomes("0e400", "0e400", 0, "zero is zero");
}

static void test_objects(void)
{
    becomes("{\"bb\":1,\"a\":2,\"ab\":3}", "{\"a\":2,\"ab\":3,\"bb\":1}", 0,
            "members are sorted, shorter keys first");
    becomes("{\"a\":1,\"b\":0,\"a\":{\"c\":2},\"a\":3}", "{\"a\":3,\"b\":0}", 0,
            "the last duplicate wins");
    becomes("{\"a\":1,\"\\u0061\":2,\"a\\u0000\":3}", "{\"a\":3}", WM_F_NUL_REMOVED,
            "keys are compared by what they mean");
    becomes("{\"\":1,\" \":2}", "{\"\":1,\" \":2}", 0, "an empty key is a key");
    becomes("{\"abcdx\":1,\"abcda\":2}", "{\"abcda\":2,\"abcdx\":1}", 0,
            "keys of one beginning are told apart");
}

static void test_many_members(void)
{
    wm_buf *text = wm_buf_create(NULL, pool);
    const char *got;
    int sorted = 1;

    wm_buf_add(text, "[{", 2);
    for (int i = 0; i < 5000; i++) {
        const char *member =
            apr_psprintf(pool, "%s\"k%04d\":%d", i ? "," : "", (i * 7919) % 2500, i);

        wm_buf_add(text, member, strlen(member));
    }
    wm_buf_add(text, "}]", 2);
    got = split(text->data, text->size, 1000);
    for (int i = 0; i < 2499 && sorted; i++) {
        const char *a = strstr(got, apr_psprintf(pool, "\"k%04d\":", i));
        const char *b = strstr(got, apr_psprintf(pool, "\"k%04d\":", i + 1));

        sorted = a && b && a < b && !strstr(a + 1, apr_psprintf(pool, "\"k%04d\":", i)) &&
                 atol(a + 8) >= 2500;
    }
    ok(sorted, "thousands of members are sorted, and the last of each key is there once");
}

static const char *nested(int levels)
{
    char *text = apr_palloc(pool, 2 * (size_t)levels + 1);

    memset(text, '[', (size_t)levels);
    memset(text + levels, ']', (size_t)levels);
    text[2 * levels] = '\0';
    return text;
}

static void test_depth(void)
{
    const char *text = apr_psprintf(pool, "[1,%s,{\"a\":%s},2]", nested(11), nested(9));
    const char *want = apr_psprintf(pool, "1\ndeep\n{\"a\":%s}\n2\nend", nested(9));

    is_str(split(text, strlen(text), 10), want, "an element that is too deep harms no neighbour");
    text = apr_psprintf(pool, "[%s]", nested(100000));
    is_str(split(text, strlen(text), 1000), "deep\nend",
           "a hundred thousand levels are walked over");
    is_str(split(text, strlen(text) / 2, 1000), "broken", "... unless they are not closed");
    text = apr_psprintf(pool, "[%s,1]", nested(1000));
    ok(strstr(split(text, strlen(text), 1000), "]\n1\nend"), "a thousand levels are fine");
    is_str(split("[[[[[}]]]],1]", 13, 2), "broken", "walking over still sees what is no JSON");
}

static void test_extra(void)
{
    static const char text[] = "[{\"m\":{\"zz\":1,\"x\":true,\"y\":2},\"x\":0}]";
    wm_json_extra extra = {.object = 1, .key = {"x", 1}, .member = {"\"x\":false", 9}};
    wm_buf *out = wm_buf_create(NULL, pool);
    wm_json *json = wm_json_create(text, sizeof text - 1, 100, NULL, pool);
    wm_json_step step;

    ok(!wm_json_next(&step, json) && step == WM_JSON_ELEMENT, "an element with an own member x");
    extra.object = (apr_uint32_t)(wm_json_member(json, 0, "m", 1) - json->nodes);
    ok(!wm_json_emit(json, out, &extra), "... is emitted with ours");
    is_str(apr_pstrmemdup(pool, out->data, out->size),
           "{\"m\":{\"y\":2,\"zz\":1,\"x\":false},\"x\":0}", "... at the end of the one object");
    is_str(apr_pstrmemdup(pool, out->data + extra.from, extra.to - extra.from), ",\"x\":false",
           "... and its place is told");
    out->size = 0;
    extra.member.data = NULL;
    extra.member.size = 0;
    ok(!wm_json_emit(json, out, &extra), "without ours");
    is_str(apr_pstrmemdup(pool, out->data, out->size),
           "{\"m\":{\"y\":2,\"zz\":1,\"x\":true},\"x\":0}", "... its own comes last");
}

static void test_values(void)
{
    static const char text[] = "[{\"a\":\"x\\n\\\"\\u0001\\u20ac\",\"b\\t\":5}]";
    wm_json *json = wm_json_create(text, sizeof text - 1, 100, NULL, pool);
    wm_json_step step;
    wm_text value;

    ok(!wm_json_next(&step, json) && step == WM_JSON_ELEMENT, "an element with escapes");
    value = wm_json_value(json, &json->nodes[1], pool);
    is_str(apr_pstrmemdup(pool, value.data, value.size), "x\n\"\x01\xe2\x82\xac",
           "values are decoded");
    value = wm_json_key(json, &json->nodes[2], pool);
    is_str(apr_pstrmemdup(pool, value.data, value.size), "b\t", "keys are decoded");
    is_int(json->raw.size, sizeof text - 3, "the element's own text is told");
}

static void test_repair(void)
{
    wm_text text = {"a\0b\xff", 4};

    is_int(wm_utf8_repair(&text, pool), WM_F_NUL_REMOVED | WM_F_UTF8_REPLACED,
           "raw text is repaired");
    is_str(apr_pstrmemdup(pool, text.data, text.size), "ab\xef\xbf\xbd", "... likewise");
    is_int(wm_utf8_count("a\xc3\xa9\xf0\x9f\x98\x80", 7), 3, "characters are counted");
}

int main(void)
{
    apr_initialize();
    apr_pool_create(&pool, NULL);
    test_shapes();
    test_errors();
    test_strings();
    test_numbers();
    test_objects();
    test_many_members();
    test_depth();
    test_extra();
    test_values();
    test_repair();
    apr_terminate();
    return done();
}
