/* SPDX-License-Identifier: Apache-2.0 */
/* The columns derived from a point (wire protocol, section 6). */
#include <math.h>

#include <apr_general.h>
#include <apr_strings.h>

#include "tap.h"
#include "wm_decimal.h"
#include "wm_derive.h"
#include "wm_iso8601.h"
#include "wm_secondary.h"

static const apr_time_t received = APR_INT64_C(1800000000123456);
static apr_pool_t *pool;
static wm_json *json;
static wm_derived derived;

static wm_text text_of(const char *s)
{
    return (wm_text){s, s ? strlen(s) : 0};
}

static const char *string_of(wm_text text)
{
    return text.data ? apr_pstrmemdup(pool, text.data, text.size) : NULL;
}

/* The outcome for the point POINT. */
static int derive(const char *point, const char *header)
{
    wm_json_step step;

    json = wm_json_create(point, strlen(point), 1000, NULL, pool);
    if (wm_json_next(&step, json) || step != WM_JSON_ELEMENT)
        return -2;
    return wm_derive(&derived, json, text_of(header), received, pool);
}

/* The outcome for a point with the metadata members METADATA. */
static int derive_metadata(const char *metadata, const char *header)
{
    return derive(apr_psprintf(pool, "{\"passive-data-metadata\":{%s}}", metadata), header);
}

static void source_is(const char *value, const char *header, const char *want, apr_uint32_t flag,
                      const char *name)
{
    const char *metadata = value ? apr_psprintf(pool, "\"source\":%s,", value) : "";
    int outcome = derive_metadata(
        apr_pstrcat(pool, metadata, "\"generator\":\"g: u\",\"timestamp\":1", NULL), header);

    ok(outcome == WM_DERIVE_GOOD, "%s", name);
    is_str(string_of(derived.source), want, "... by its name");
    is_int(derived.flags, flag, "... with its flag");
}

static void test_source(void)
{
    const char *longest = apr_psprintf(pool, "\"%01022d\xc3\xa9\"", 0);

    source_is("\"p-17\"", NULL, "p-17", 0, "a source is a source");
    source_is("\" p 17 \"", NULL, " p 17 ", 0, "blanks are kept");
    source_is("\"\"", NULL, "missing-source", WM_F_SOURCE_EMPTY, "an empty source has a name");
    source_is("\"\\u0000\"", NULL, "missing-source", WM_F_SOURCE_EMPTY | WM_F_NUL_REMOVED,
              "... also when U+0000 is all there was");
    source_is("null", NULL, "-", WM_F_SOURCE_NULL, "a null source has a name");
    source_is("12345678", NULL, "12345678", WM_F_SOURCE_NUMBER, "a number is its text");
    source_is("\"undefined\"", NULL, "undefined", 0, "sentinels are stored");
    source_is("\"a\\n\\u00e9\"", NULL, "a\n\xc3\xa9", 0, "escapes are decoded");
    source_is(NULL, "p-17", "p-17", WM_F_SOURCE_HEADER, "the header stands in");
    source_is("\"p-17\"", "p-17", "p-17", 0, "a header that agrees says nothing");
    source_is("\"p-17\"", "p-18", "p-17", WM_F_IDENTIFIER_DIFFERS, "one that differs is a flag");
    is_int(derive_metadata("\"generator\":\"g\"", NULL), WM_Q_NO_SOURCE, "no source, no point");
    is_int(derive_metadata("\"source\":[1]", "p"), WM_Q_BAD_SOURCE, "a list is no source");
    is_int(derive_metadata("\"source\":{}", NULL), WM_Q_BAD_SOURCE, "nor is an object");
    is_int(derive_metadata("\"source\":true", NULL), WM_Q_BAD_SOURCE, "nor a boolean");
    is_int(derive_metadata(apr_pstrcat(pool, "\"source\":", longest, NULL), NULL), WM_DERIVE_GOOD,
           "1023 characters are a source");
    longest = apr_psprintf(pool, "\"source\":\"%01024d\xc3\xa9\"", 0);
    is_int(derive_metadata(longest, NULL), WM_Q_BAD_SOURCE, "1025 are none");
    source_is("\"x\",\"source\":\"y\"", NULL, "y", 0, "of two sources the last counts");
}

static void test_structure(void)
{
    is_int(derive("{\"a\":1}", NULL), WM_Q_NO_METADATA, "a point needs metadata");
    is_int(derive("{\"passive-data-metadata\":[]}", NULL), WM_Q_BAD_METADATA, "... as an object");
    is_int(derive("[[1]]", NULL), WM_Q_NOT_AN_OBJECT, "a list is no point");
    is_int(derive("{\"passive-data-metadata\":{\"source\":1},\"passive-data-metadata\":5}", NULL),
           WM_Q_BAD_METADATA, "of two metadata the last counts");
}

static void agent_is(const char *members, const char *generator, const char *id,
                     const char *user_agent, apr_uint32_t flag, const char *name)
{
    const char *metadata = apr_psprintf(pool, "\"source\":\"p\",\"timestamp\":1%s", members);

    ok(derive_metadata(metadata, NULL) == WM_DERIVE_GOOD, "%s", name);
    is_str(string_of(derived.generator), generator, "... generator");
    is_str(string_of(derived.generator_id), id, "... identifier");
    is_str(string_of(derived.user_agent), user_agent, "... user agent");
    is_int(derived.flags, flag, "... flags");
}

static void test_generator(void)
{
    agent_is(",\"generator\":\"g-1: A/1 (rv: 2)\",\"generator-id\":\"g-1\"", "g-1: A/1 (rv: 2)",
             "g-1", "A/1 (rv: 2)", 0, "what stands behind the identifier is the user agent");
    agent_is(",\"generator\":\"other: A/1\",\"generator-id\":\"g-1\"", "other: A/1", "g-1", "A/1",
             0, "else what stands behind colon and blank");
    agent_is(",\"generator\":\"Mozilla/5.0 (rv:109.0) Gecko\",\"generator-id\":\"pdk-web-visit\"",
             "Mozilla/5.0 (rv:109.0) Gecko", "pdk-web-visit", "Mozilla/5.0 (rv:109.0) Gecko", 0,
             "else all of it");
    agent_is(",\"generator-id\":\"g\"", "", "g", NULL, WM_F_GENERATOR_MISSING, "no generator");
    agent_is(",\"generator\":null,\"generator-id\":\"g\"", "", "g", NULL, WM_F_GENERATOR_INVALID,
             "a null generator");
    agent_is(",\"generator\":5,\"generator-id\":\"g\"", "5", "g", "5", WM_F_GENERATOR_INVALID,
             "a number as generator");
    agent_is(",\"generator\":\"\",\"generator-id\":\"g\"", "", "g", NULL, 0, "an empty generator");
    agent_is(",\"generator\":\"undefined: A\"", "undefined: A", "unknown-generator", "A", 0,
             "no identifier");
    agent_is(",\"generator\":\"x: A\",\"generator-id\":null", "x: A", "unknown-generator", "A",
             WM_F_GENERATOR_ID_INVALID, "a null identifier");
    agent_is(",\"generator\":\"7: A\",\"generator-id\":7", "7: A", "7", "A",
             WM_F_GENERATOR_ID_INVALID, "a number as identifier");
    agent_is(",\"generator\":\": A\",\"generator-id\":\"\"", ": A", "", "A", 0,
             "an empty identifier is kept");
    agent_is(",\"generator\":\"g:\",\"generator-id\":\"g\"", "g:", "g", "", 0,
             "nothing may stand behind the identifier");
}

static void created_is(const char *timestamp, apr_time_t want, apr_uint32_t flag, const char *name)
{
    ok(derive_metadata(apr_psprintf(pool, "\"source\":\"p\",\"generator\":\"g\"%s%s",
                                    timestamp ? ",\"timestamp\":" : "", timestamp ? timestamp : ""),
                       NULL) == WM_DERIVE_GOOD,
       "%s", name);
    is_int(derived.created, want, "... is that time");
    is_int(derived.flags, flag, "... with its flag");
    is_int(derived.untimed, want == received, "... and whose it is");
}

static void test_created_numbers(void)
{
    created_is("1700000000", APR_INT64_C(1700000000000000), 0, "whole seconds");
    created_is("1700000030.1234560013", APR_INT64_C(1700000030123456), 0, "ten decimals");
    created_is("1700000030.1234565", APR_INT64_C(1700000030123456), 0, "half goes to even");
    created_is("1700000030.1234575", APR_INT64_C(1700000030123458), 0, "... up as well");
    created_is("1700000030.12345650001", APR_INT64_C(1700000030123457), 0,
               "more than half goes up");
    created_is("1.7E9", APR_INT64_C(1700000000000000), 0, "an exponent");
    created_is("17000000000000e-4", APR_INT64_C(1700000000000000), 0, "... a negative one");
    created_is("-5", -5000000, 0, "before 1970");
    created_is("-0.0000005", 0, 0, "half a microsecond before");
    created_is("0.0000015", 2, 0, "one and a half after");
    created_is("0.00000009", 0, 0, "less than half");
    created_is("0", 0, 0, "1970 itself");
    created_is("99999999999.9999994", APR_INT64_C(99999999999999999), 0, "the last second");
    created_is("1700000000250", APR_INT64_C(1700000000250000), WM_F_TIMESTAMP_MS, "milliseconds");
    created_is("100000000000", APR_INT64_C(100000000000000), WM_F_TIMESTAMP_MS, "from 1e11 on");
    created_is("1700000000250001", APR_INT64_C(1700000000250001), WM_F_TIMESTAMP_US,
               "microseconds");
    created_is("1700000000250001500", APR_INT64_C(1700000000250002), WM_F_TIMESTAMP_NS,
               "nanoseconds");
    created_is("1e20", received, WM_F_TIMESTAMP_INVALID, "beyond all units");
    created_is("1e400", received, WM_F_TIMESTAMP_INVALID | WM_F_NUMBER_OUT_OF_RANGE,
               "beyond all numbers");
    created_is("NaN", received, WM_F_TIMESTAMP_INVALID | WM_F_NONFINITE_NUMBER, "no number");
    created_is("true", received, WM_F_TIMESTAMP_INVALID, "a boolean");
    created_is("null", received, WM_F_TIMESTAMP_INVALID, "null");
    created_is("[1]", received, WM_F_TIMESTAMP_INVALID, "a list");
    created_is(NULL, received, WM_F_TIMESTAMP_MISSING, "no timestamp");
}

static void test_created_texts(void)
{
    created_is("\"1700000000\"", APR_INT64_C(1700000000000000), WM_F_TIMESTAMP_TEXT,
               "a numeric text");
    created_is("\" 1700000000.5 \"", APR_INT64_C(1700000000500000), WM_F_TIMESTAMP_TEXT,
               "... with blanks");
    created_is("\"1700000000250\"", APR_INT64_C(1700000000250000),
               WM_F_TIMESTAMP_TEXT | WM_F_TIMESTAMP_MS, "... in milliseconds");
    created_is("\"2023-11-14T22:13:20Z\"", APR_INT64_C(1700000000000000), WM_F_TIMESTAMP_TEXT,
               "ISO 8601");
    created_is("\"2023-11-14T23:13:20.1234565+01:00\"", APR_INT64_C(1700000000123456),
               WM_F_TIMESTAMP_TEXT, "... with offset and fraction");
    created_is("\"20231114T221320,5Z\"", APR_INT64_C(1700000000500000), WM_F_TIMESTAMP_TEXT,
               "... in its basic form");
    created_is("\"yesterday\"", received, WM_F_TIMESTAMP_INVALID, "words");
    created_is("\"\"", received, WM_F_TIMESTAMP_INVALID, "nothing");
    created_is("\"Infinity\"", received, WM_F_TIMESTAMP_INVALID, "infinity in quotes");
}

static void test_iso8601(void)
{
    static const struct {
        const char *text;
        apr_time_t want;
    } good[] = {{"1970-01-01", 0},
                {"2000-02-29 12:00", APR_INT64_C(951825600000000)},
                {"1969-12-31T23:59:59.999999-00:00", -1},
                {"2023-11-14T22:13:20-0530", APR_INT64_C(1700019800000000)},
                {"2023-11-14T22:13+05", APR_INT64_C(1699981980000000)},
                {"2016-12-31T23:59:60Z", APR_INT64_C(1483228800000000)},
                {"0001-01-01", APR_INT64_C(-62135596800000000)},
                {"9999-12-31T23:59:59.9999999Z", APR_INT64_C(253402300800000000)}};
    static const char *const bad[] = {"2023-02-29",
                                      "1900-02-29",
                                      "2023-13-01",
                                      "2023-00-01",
                                      "2023-1-1",
                                      "2023-01-01T",
                                      "2023-01-01T24:00",
                                      "2023-01-01T12",
                                      "0000-01-01",
                                      "2023-01-01T12:00:",
                                      "2023-01-01T12:00:00.",
                                      "2023-01-01T12:00Zx",
                                      "2023-01",
                                      "2023-01-01T12:00+1",
                                      "2023-01-01T12:00+",
                                      "2023-01-01T12:00+25:00",
                                      "2023-01-32",
                                      "2023-01-01X12:00:00",
                                      "2023-0101",
                                      "12:00"};
    apr_time_t time = 0;

    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        ok(wm_iso8601_parse(&time, good[i].text, strlen(good[i].text)), "%s is a time",
           good[i].text);
        is_int(time, good[i].want, "... the right one");
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        ok(!wm_iso8601_parse(&time, bad[i], strlen(bad[i])), "%s is no time", bad[i]);
}

static void location_is(const char *metadata, const char *point, double longitude, double latitude,
                        apr_uint32_t flag, const char *name)
{
    ok(derive(apr_psprintf(pool,
                           "{\"passive-data-metadata\":{\"source\":\"p\",\"timestamp\":1,"
                           "\"generator\":\"g\"%s}%s}",
                           metadata, point),
              NULL) == WM_DERIVE_GOOD,
       "%s", name);
    ok(isnan(longitude) ? isnan(derived.longitude) && isnan(derived.latitude)
                        : derived.longitude == longitude && derived.latitude == latitude,
       "... is at %.17g %.17g", derived.longitude, derived.latitude);
    is_int(derived.flags, flag, "... with its flag");
}

static void test_location(void)
{
    location_is("", "", NAN, NAN, 0, "no location");
    location_is(",\"latitude\":41.8819,\"longitude\":-87.6278", "", -87.6278, 41.8819, 0,
                "the metadata's");
    location_is("", ",\"latitude\":1e1,\"longitude\":\"20\"", 20, 10, 0, "the point's, as text");
    location_is(",\"latitude\":1,\"longitude\":2", ",\"latitude\":3,\"longitude\":4", 2, 1, 0,
                "the metadata's before the point's");
    location_is(",\"latitude\":1", ",\"latitude\":3,\"longitude\":4", 4, 3, 0,
                "half a location is none");
    location_is(",\"latitude\":91,\"longitude\":0", "", NAN, NAN, WM_F_LOCATION_INVALID,
                "beyond the pole");
    location_is(",\"latitude\":0,\"longitude\":-180.1", "", NAN, NAN, WM_F_LOCATION_INVALID,
                "beyond the date line");
    location_is(",\"latitude\":null,\"longitude\":null", "", NAN, NAN, WM_F_LOCATION_INVALID,
                "nulls");
    location_is(",\"latitude\":true,\"longitude\":1", "", NAN, NAN, WM_F_LOCATION_INVALID,
                "a boolean");
    location_is(",\"latitude\":\"north\",\"longitude\":1", "", NAN, NAN, WM_F_LOCATION_INVALID,
                "a word");
    location_is(",\"latitude\":41.88190000000001,\"longitude\":-87.62779999999999876", "",
                -87.62779999999999876, 41.88190000000001, 0, "all digits of a double");
}

static void test_decimal(void)
{
    wm_decimal number;

    ok(wm_decimal_parse(&number, "5e-324", 6) && wm_decimal_double(&number) == 5e-324,
       "the smallest double");
    ok(wm_decimal_parse(&number, "1.7976931348623157e308", 22) &&
           wm_decimal_double(&number) == 1.7976931348623157e308,
       "the largest double");
    ok(wm_decimal_parse(&number, "1e999999999999", 14) && isinf(wm_decimal_double(&number)),
       "larger is infinite");
    ok(!wm_decimal_parse(&number, ".", 1) && !wm_decimal_parse(&number, "1e", 2) &&
           !wm_decimal_parse(&number, "1 2", 3) && !wm_decimal_parse(&number, "", 0),
       "what is no number");
}

static void battery_is(const char *members, double want, const char *name)
{
    double got;

    derive(apr_psprintf(pool, "{%s}", members), NULL);
    got = wm_derive_battery(json, pool);
    ok(isnan(want) ? isnan(got) : got == want, "%s", name);
}

static void test_battery(void)
{
    battery_is("\"level\":80", 80, "a charge is in percent");
    battery_is("\"level\":4,\"scale\":16", 25, "... or of a scale");
    battery_is("\"level\":\"17\"", 17, "... or text");
    battery_is("\"scale\":100", NAN, "without a level there is none");
    battery_is("\"level\":-1,\"scale\":100", NAN, "an unknown charge is none");
    battery_is("\"level\":50,\"scale\":0", 50, "a scale of zero is no scale");
}

int main(void)
{
    apr_initialize();
    apr_pool_create(&pool, NULL);
    test_source();
    test_structure();
    test_generator();
    test_created_numbers();
    test_created_texts();
    test_iso8601();
    test_location();
    test_decimal();
    test_battery();
    apr_terminate();
    return done();
}
