/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "wm_account.h"

#define MAY(right) (1u << WM_MAY_##right)

/* An auditor sees counts only. */
/* clang-format off */
static const unsigned rights_of[WM_ROLE_COUNT] = {
    [WM_ROLE_VIEWER] = MAY(OVERVIEW) | MAY(STATES),
    [WM_ROLE_ANALYST] = MAY(OVERVIEW) | MAY(STATES) | MAY(RECORDS) | MAY(EXPORT) | MAY(LOG_OWN),
    [WM_ROLE_COORDINATOR] = MAY(OVERVIEW) | MAY(STATES) | MAY(RECORDS) | MAY(PARTICIPANTS) |
                             MAY(ERASE_REQUEST) | MAY(LOG_OWN),
    [WM_ROLE_MANAGER] = MAY(OVERVIEW) | MAY(STATES) | MAY(RECORDS) | MAY(EXPORT) | MAY(PARTICIPANTS) |
                         MAY(CONFIGURE) | MAY(ERASE_REQUEST) | MAY(ERASE_APPROVE) | MAY(LOG_OWN) |
                         MAY(LOG_STUDY) | MAY(ACCOUNTS_VIEW) | MAY(ACCOUNTS_STUDY),
    [WM_ROLE_AUDITOR] = MAY(OVERVIEW) | MAY(LOG_OWN) | MAY(LOG_STUDY) | MAY(LOG_ALL) |
                         MAY(ACCOUNTS_VIEW),
    /* Running the machine is no right to read what participants sent. */
    [WM_ROLE_ADMINISTRATOR] = MAY(OVERVIEW) | MAY(STATES) | MAY(PARTICIPANTS) | MAY(CONFIGURE) |
                               MAY(ERASE_RUN) | MAY(LOG_OWN) | MAY(LOG_STUDY) | MAY(LOG_ALL) |
                               MAY(ACCOUNTS_VIEW) | MAY(ACCOUNTS_STUDY) | MAY(ACCOUNTS_ALL) |
                               MAY(SYSTEM),
};
/* clang-format on */

static const unsigned by_grant[WM_ROLE_COUNT] = {
    [WM_ROLE_ANALYST] = MAY(SENSITIVE),
    [WM_ROLE_MANAGER] = MAY(SENSITIVE),
    [WM_ROLE_ADMINISTRATOR] = MAY(RECORDS) | MAY(SENSITIVE) | MAY(EXPORT),
};

static const char *const role_words[] = {
#define X(name, word) word,
    WM_ROLES(X)
#undef X
};

static const char *const right_words[] = {
#define X(name, word) word,
    WM_RIGHTS(X)
#undef X
};

const char *wm_role_word(wm_role role)
{
    return role_words[role];
}

wm_role wm_role_parse(const char *word)
{
    int role = 0;

    while (role < WM_ROLE_COUNT && strcmp(role_words[role], word))
        role++;
    return (wm_role)role;
}

const char *wm_right_word(wm_right right)
{
    return right_words[right];
}

wm_right wm_right_parse(const char *word)
{
    int right = 0;

    while (right < WM_RIGHT_COUNT && strcmp(right_words[right], word))
        right++;
    return (wm_right)right;
}

const char *wm_grant_word(wm_grant grant)
{
    return grant.role != WM_ROLE_COUNT ? wm_role_word(grant.role) : wm_right_word(grant.right);
}

int wm_role_may(wm_role role, wm_right right)
{
    return role < WM_ROLE_COUNT && (rights_of[role] >> right & 1);
}

int wm_role_may_by_grant(wm_role role, wm_right right)
{
    int any = 0;

    if (role < WM_ROLE_COUNT)
        return (int)(by_grant[role] >> right & 1);
    for (int i = 0; i < WM_ROLE_COUNT; i++)
        any |= wm_role_may_by_grant((wm_role)i, right);
    return any;
}

/* Whether GRANT holds in STUDY, a study.id or WM_ALL_STUDIES. */
static int holds(const wm_grant *grant, apr_int64_t study)
{
    return grant->study == WM_ALL_STUDIES || grant->study == study;
}

static int may_in(const wm_account *account, wm_right right, apr_int64_t study)
{
    int granted = 0, counts = 0;

    for (int i = 0; i < account->grant_count; i++) {
        const wm_grant *grant = &account->grants[i];

        if (!holds(grant, study))
            continue;
        if (grant->role == WM_ROLE_COUNT)
            granted |= grant->right == right;
        else if (wm_role_may(grant->role, right))
            return 1;
        else
            counts |= wm_role_may_by_grant(grant->role, right);
    }
    return granted && counts &&
           (right != WM_MAY_SENSITIVE || may_in(account, WM_MAY_RECORDS, study));
}

int wm_account_may(const wm_account *account, wm_right right, apr_int64_t study)
{
    if (!account || account->disabled)
        return 0;
    if (study != WM_ANY_STUDY)
        return may_in(account, right, study);
    for (int i = 0; i < account->grant_count; i++)
        if (may_in(account, right, account->grants[i].study))
            return 1;
    return 0;
}

int wm_account_has_role(const wm_account *account, wm_role role, apr_int64_t study)
{
    if (!account || account->disabled)
        return 0;
    for (int i = 0; i < account->grant_count; i++)
        if (account->grants[i].role == role &&
            (study == WM_ANY_STUDY || holds(&account->grants[i], study)))
            return 1;
    return 0;
}

apr_array_header_t *wm_account_studies(int *all, const wm_account *account, wm_right right,
                                       apr_pool_t *pool)
{
    apr_array_header_t *list = apr_array_make(pool, 4, sizeof(apr_int64_t));

    *all = wm_account_may(account, right, WM_ALL_STUDIES);
    if (*all || !account || account->disabled)
        return list;
    for (int i = 0; i < account->grant_count; i++)
        if (account->grants[i].study != WM_ALL_STUDIES &&
            may_in(account, right, account->grants[i].study))
            APR_ARRAY_PUSH(list, apr_int64_t) = account->grants[i].study;
    return list;
}
