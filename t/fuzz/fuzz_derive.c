/* SPDX-License-Identifier: Apache-2.0 */
/* The derived columns.  An input is one line, the X-PDK-IDENTIFIER (none when it is empty), and the
 * text of a bundle. */
#include <math.h>

#include "fuzz.h"
#include "wm_decimal.h"
#include "wm_derive.h"
#include "wm_iso8601.h"
#include "wm_secondary.h"
#include "wm_utf8.h"

static const apr_time_t received = APR_INT64_C(1800000000000000);

static void check_text(wm_text text)
{
    if (!text.size)
        return;
    FUZZ_CHECK(wm_utf8_valid(text.data, text.data + text.size));
    FUZZ_CHECK(!memchr(text.data, '\0', text.size));
}

/* Numbers reach 1e11 seconds before and after 1970, texts the year 9999. */
static void check_created(apr_time_t created)
{
    FUZZ_CHECK(created <= APR_INT64_C(253402387200000000) &&
               created >= -APR_INT64_C(100000000000000000));
}

static void check_point(wm_json *json, wm_text header, apr_pool_t *pool)
{
    wm_text secondary;
    wm_derived d;
    double battery;
    int outcome = wm_derive(&d, json, header, received, pool);

    FUZZ_CHECK(outcome == WM_DERIVE_GOOD || (outcome >= 0 && outcome < WM_Q_COUNT));
    if (outcome != WM_DERIVE_GOOD)
        return;
    fuzz_accepted++;
    check_text(d.source);
    FUZZ_CHECK(d.source.size && wm_utf8_count(d.source.data, d.source.size) <= 1024);
    check_text(d.generator);
    check_text(d.generator_id);
    check_text(d.user_agent);
    FUZZ_CHECK(d.generator.data && d.generator_id.data && !d.user_agent.data == !d.generator.size);
    check_created(d.created);
    FUZZ_CHECK(!d.untimed || d.created == received);
    FUZZ_CHECK(isnan(d.longitude) ? isnan(d.latitude)
                                  : fabs(d.longitude) <= 180 && fabs(d.latitude) <= 90);
    FUZZ_CHECK(json->nodes[d.metadata].type == WM_JSON_OBJECT);
    FUZZ_CHECK(!wm_secondary_apply(&secondary, wm_secondary_find(d.generator_id), json, pool));
    check_text(secondary);
    battery = wm_derive_battery(json, pool);
    FUZZ_CHECK(isnan(battery) || (battery >= 0 && battery <= 100));
}

/* Any text as a number and as a time. */
static void check_scalars(const char *text, size_t size)
{
    wm_decimal number;
    apr_time_t time;

    if (wm_decimal_parse(&number, text, size)) {
        double value = wm_decimal_double(&number);

        FUZZ_CHECK(!isnan(value) && (value >= 0 || number.negative));
        if (number.point <= 11)
            check_created(wm_decimal_scaled(&number, 6));
        wm_decimal_storable(text, size);
        fuzz_accepted++;
    }
    if (wm_iso8601_parse(&time, text, size)) {
        FUZZ_CHECK(time >= APR_INT64_C(-62135683200000000) &&
                   time <= APR_INT64_C(253402387200000000));
        fuzz_accepted++;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const uint8_t *line = size ? memchr(data, '\n', size) : NULL;
    size_t skip = line ? (size_t)(line - data) + 1 : 0;
    apr_pool_t *pool = fuzz_pool();
    char *head = fuzz_exact(data, skip), *text = fuzz_exact(data + skip, size - skip);
    wm_text header = {skip > 1 ? head : NULL, skip > 1 ? skip - 1 : 0};
    wm_json *json = wm_json_create(text, size - skip, 50, NULL, pool);
    wm_json_step step;

    check_scalars(text, size - skip);
    if (header.data)
        wm_utf8_repair(&header, pool);
    if (!header.size || wm_utf8_count(header.data, header.size) > WM_POINT_SOURCE_MAX)
        header.data = NULL;
    for (;;) {
        FUZZ_CHECK(!wm_json_next(&step, json));
        if (step == WM_JSON_ELEMENT)
            check_point(json, header, pool);
        else if (step != WM_JSON_DEEP)
            break;
    }
    free(head);
    free(text);
    apr_pool_destroy(pool);
    return 0;
}
