/* SPDX-License-Identifier: Apache-2.0 */
/* Which study a page is about, and which others there are to look at. */
#include <string.h>

#include <apr_strings.h>

#include "wm_json_own.h"
#include "wm_page_int.h"

static apr_int64_t id_of(const json_t *study)
{
    return json_integer_value(json_object_get(study, "id"));
}

static const char *slug_of(const json_t *study)
{
    return json_string_value(json_object_get(study, "slug"));
}

static int may(const wm_page_query *q, wm_right right, const json_t *study)
{
    return !q->person || wm_account_may(q->person, right, id_of(study));
}

/* The first of ALL in which they have RIGHT; that is the default one where they have it there. */
static const json_t *first(const json_t *all, wm_right right, const wm_page_query *q)
{
    const json_t *study;
    size_t i;

    json_array_foreach(all, i, study)
    {
        if (may(q, right, study))
            return study;
    }
    return json_array_get(all, 0);
}

static const json_t *find(const json_t *all, apr_int64_t id, const char *slug)
{
    const json_t *study;
    size_t i;

    json_array_foreach(all, i, study)
    {
        if (id ? id_of(study) == id : !strcmp(slug_of(study), slug))
            return study;
    }
    return NULL;
}

/* Those in which they have a role: every role shows something of a study. */
static json_t *choices(const json_t *all, const wm_page_query *q, apr_pool_t *pool)
{
    json_t *list = wm_json_own(json_array(), pool), *study;
    size_t i;

    json_array_foreach(all, i, study)
    {
        if (may(q, WM_MAY_OVERVIEW, study))
            json_array_append(list, study);
    }
    return list;
}

const wm_err *wm_page_choose_study(wm_page_query *q, wm_right right, wm_db *db, apr_pool_t *pool)
{
    const char *number = q->id_number ? q->id_number : "";
    int numbered = *number && strlen(number) <= 18 && !number[strspn(number, "0123456789")];
    const json_t *all, *chosen;
    apr_int64_t of;
    json_t *answer;

    WM_TRY(wm_page_ask(&answer, db, WM_SQL_PAGE_STUDIES,
                       WM_ARGS(WM_TEXT(q->identifier), WM_I64(numbered ? apr_atoi64(number) : 0)),
                       pool));
    all = json_object_get(answer, "studies");
    of = json_integer_value(json_object_get(answer, "of"));
    chosen = of ? find(all, of, NULL) : q->study ? find(all, 0, q->study) : first(all, right, q);
    if (!chosen || ((of || q->study) && !may(q, WM_MAY_OVERVIEW, chosen)))
        return wm_err_make(pool, WM_E_NOT_FOUND, "there is no such study in their sight");
    q->study_id = id_of(chosen);
    /* The default one needs no name in every address. */
    q->study = chosen == json_array_get(all, 0) ? NULL : slug_of(chosen);
    q->studies = choices(all, q, pool);
    return NULL;
}
