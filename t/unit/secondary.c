/* SPDX-License-Identifier: Apache-2.0 */
/* The secondary identifier (wire protocol 6.4). */
#include <apr_general.h>
#include <apr_strings.h>

#include "tap.h"
#include "wm_secondary.h"

static apr_pool_t *pool;

static void secondary_is(const char *generator, const char *members, const char *want,
                         const char *name)
{
    const char *text = apr_psprintf(pool, "[{%s}]", members);
    wm_json *json = wm_json_create(text, strlen(text), 1000, NULL, pool);
    wm_text value = {NULL, 0};
    wm_json_step step;

    ok(!wm_json_next(&step, json) && step == WM_JSON_ELEMENT &&
           !wm_secondary_apply(&value, wm_secondary_find((wm_text){generator, strlen(generator)}),
                               json, pool),
       "%s", name);
    is_str(value.data ? apr_pstrmemdup(pool, value.data, value.size) : NULL, want,
           "... has this one");
}

static void test_names(void)
{
    secondary_is("pdk-screen-state", "\"state\":\"on\"", "on", "a generator with a rule");
    secondary_is("PDK.Screen State", "\"state\":\"on\"", "on", "... in another spelling");
    secondary_is("--pdk_screen--state!_", "\"state\":\"on\"", "on", "... in a strange one");
    secondary_is("pdk-screen-states", "\"state\":\"on\"", NULL, "a generator without a rule");
    secondary_is("pdk-screen\xc3\xa9-state", "\"state\":\"on\"", NULL, "another script's letter");
    secondary_is("", "\"state\":\"on\"", NULL, "an empty identifier");
    secondary_is(apr_psprintf(pool, "pdk-screen-state%0100d", 0), "\"state\":\"on\"", NULL,
                 "a long identifier");
    secondary_is("webmunk-extension-matched-rule", "\"rule\":\".a\\\"b\"", ".a\"b",
                 "what browsers send");
    secondary_is("webmunk-amazon-order", "\"order-number\":\"1-2\"", "1-2", "the last rules");
    secondary_is("pdk-app-event", "\"event_name\":\"x\"", "x", "the first rule");
}

static void test_values(void)
{
    secondary_is("pdk-screen-state", "\"state\":[ 1, 2 ]", "[1, 2]", "a list");
    secondary_is("pdk-screen-state", "\"state\":[\"a\",[1,null],{\"b\":1,\"a\":2}]",
                 "[\"a\", [1,null], {\"a\":2,\"b\":1}]", "a list of all sorts");
    secondary_is("pdk-screen-state", "\"state\":[]", "[]", "an empty list");
    secondary_is("pdk-screen-state", "\"state\":{\"b\":1,\"a\":2}", "{\"a\":2,\"b\":1}",
                 "an object");
    secondary_is("pdk-screen-state", "\"state\":5.50", "5.50", "a number");
    secondary_is("pdk-screen-state", "\"state\":true", "true", "a boolean");
    secondary_is("pdk-screen-state", "\"state\":null", NULL, "null");
    secondary_is("pdk-screen-state", "\"state\":\"\"", "", "an empty text");
    secondary_is("pdk-screen-state", "\"other\":1", NULL, "an absent member");
    secondary_is("pdk-screen-state", "\"state\":\"off\",\"state\":\"on\"", "on", "duplicates");
}

static void test_special(void)
{
    static const char *const falsy[] = {"false", "null", "0", "-0.0e5", "\"\"", "[]", "{}"};
    static const char *const truthy[] = {"true", "1", "0.5", "\"no\"", "[0]", "{\"a\":0}"};

    secondary_is("pdk-voice-activity", "\"x\":1", "unknown", "voices that nobody looked for");
    for (size_t i = 0; i < sizeof falsy / sizeof falsy[0]; i++)
        secondary_is("pdk-voice-activity", apr_pstrcat(pool, "\"voices_present\":", falsy[i], NULL),
                     "not-present", "no voices");
    for (size_t i = 0; i < sizeof truthy / sizeof truthy[0]; i++)
        secondary_is("pdk-voice-activity",
                     apr_pstrcat(pool, "\"voices_present\":", truthy[i], NULL), "present",
                     "voices");
    secondary_is("pdk-mitmproxy-visit", "\"url\":\"https://u:p@News.example:8443/a?b#c\"",
                 "u:p@News.example:8443", "a URL's authority");
    secondary_is("pdk-mitmproxy-visit", "\"url\":\"http://a.example?x=//b\"", "a.example",
                 "... without a path");
    secondary_is("pdk-mitmproxy-visit", "\"url\":\"about:blank\"", NULL, "a URL without authority");
    secondary_is("pdk-mitmproxy-visit", "\"url\":\"a?b=http://c\"", NULL, "... but with slashes");
    secondary_is("pdk-mitmproxy-visit", "\"url\":7", NULL, "a number is no URL");
    secondary_is("pdk-mitmproxy-visit", "\"x\":7", NULL, "no URL");
}

int main(void)
{
    apr_initialize();
    apr_pool_create(&pool, NULL);
    test_names();
    test_values();
    test_special();
    apr_terminate();
    return done();
}
