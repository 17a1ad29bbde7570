/* SPDX-License-Identifier: Apache-2.0 */
/* What participants sent, as a page shows it: not everything, and sensitive fields to few. */
#include <string.h>

#include "wm_export_int.h"
#include "wm_page_int.h"

enum {
    SHOWN_MAX = 4000,        /* characters */
    ROOM = 4 * SHOWN_MAX + 1 /* bytes that are more characters than that */
};

static const wm_err *lay_out(wm_buf *out, json_t *row, const wm_export_json *how, apr_pool_t *pool)
{
    const json_t *document = json_object_get(row, "properties");
    const char *text;

    WM_TRY(wm_export_layout(
        out, (wm_text){json_string_value(document), json_string_length(document)}, how));
    WM_TRY(wm_buf_add(out, "", 1));
    text = wm_page_short(out->data, SHOWN_MAX, pool);
    if (text != out->data)
        json_object_set_new(row, "cut", json_true());
    json_object_set_new(row, "properties", json_string(text));
    return NULL;
}

/* What the page says about sensitive fields, of which it has MASKED ones behind the mask. */
static json_t *say(int may, int shown, int masked, const wm_page_query *q, apr_pool_t *pool)
{
    const char *link = wm_page_link(q, "participant",
                                    WM_CHANGES({"show", shown ? NULL : "sensitive"},
                                               {"after", q->after}, {"before", q->before}),
                                    pool);

    return json_pack("{s:b, s:b, s:s*, s:s*}", "shown", shown, "hidden", masked > 0, "link",
                     may ? link : NULL, "remedy", may ? NULL : WM_PAGE_ASK_FOR_SENSITIVE);
}

const wm_err *wm_page_documents(json_t *page, json_t *rows, const char *generator,
                                apr_int64_t study, const wm_page_query *q, apr_pool_t *pool)
{
    int may = wm_account_may(q->person, WM_MAY_SENSITIVE, study), masked = 0;
    int shown = may && q->show;
    wm_export_json how = {.style = WM_EXPORT_SHOWN,
                          .insensitive = !shown,
                          .mask = "(hidden)",
                          .masked = &masked,
                          .unmarked = wm_export_unmarked(generator),
                          .most = ROOM};
    apr_pool_t *scratch;
    json_t *row;
    size_t i;

    if (q->show && strcmp(q->show, "sensitive"))
        return wm_err_make(pool, WM_E_INPUT, "show in the address is not sensitive");
    apr_pool_create(&scratch, pool);
    json_array_foreach(rows, i, row)
    {
        WM_TRY(lay_out(wm_buf_create(NULL, scratch), row, &how, scratch));
        apr_pool_clear(scratch);
    }
    apr_pool_destroy(scratch);
    json_object_set_new(page, "sensitive", say(may, shown, masked, q, pool));
    return NULL;
}

int wm_page_shows_sensitive(const json_t *page)
{
    return json_is_true(json_object_get(json_object_get(page, "sensitive"), "shown"));
}
