/* SPDX-License-Identifier: Apache-2.0 */
/* What needs no database: roles, grants, passwords and bearer headers. */
#include <apr_general.h>
#include <apr_strings.h>
#include <sodium.h>

#include "tap.h"
#include "wm_account.h"
#include "wm_token.h"

static void test_grants(apr_pool_t *pool)
{
    wm_account a = {.id = 1, .name = "anna"};
    apr_array_header_t *studies;
    int all;

    ok(!wm_account_grants_parse(&a, "analyst:3,viewer:*,manager:12", pool), "grants are read");
    is_int(a.grant_count, 3, "all of them");
    ok(wm_account_may(&a, WM_MAY_RECORDS, 3), "an analyst sees records of the study");
    ok(!wm_account_may(&a, WM_MAY_RECORDS, 4), "and of no other");
    ok(wm_account_may(&a, WM_MAY_OVERVIEW, 4), "a viewer of all studies sees any overview");
    ok(wm_account_may(&a, WM_MAY_OVERVIEW, WM_ALL_STUDIES), "and that of all");
    ok(wm_account_may(&a, WM_MAY_CONFIGURE, WM_ANY_STUDY), "a manager configures some study");
    ok(!wm_account_may(&a, WM_MAY_CONFIGURE, WM_ALL_STUDIES), "but not all");
    ok(wm_account_has_role(&a, WM_ROLE_MANAGER, 12), "a role is had in its study");
    ok(!wm_account_has_role(&a, WM_ROLE_MANAGER, 3), "and in no other");
    ok(!wm_account_has_role(&a, WM_ROLE_ADMINISTRATOR, WM_ANY_STUDY), "no role is made up");
    studies = wm_account_studies(&all, &a, WM_MAY_RECORDS, pool);
    ok(!all && studies->nelts == 2 && APR_ARRAY_IDX(studies, 0, apr_int64_t) == 3 &&
           APR_ARRAY_IDX(studies, 1, apr_int64_t) == 12,
       "the studies with records are listed");
    studies = wm_account_studies(&all, &a, WM_MAY_OVERVIEW, pool);
    ok(all && !studies->nelts, "all studies are no list");
    a.disabled = 1;
    ok(!wm_account_may(&a, WM_MAY_OVERVIEW, 3), "a disabled account may nothing");
    ok(!wm_account_has_role(&a, WM_ROLE_MANAGER, 12), "and has no role");
    wm_account_studies(&all, &a, WM_MAY_OVERVIEW, pool);
    ok(!all, "nor a study");
    ok(!wm_account_may(NULL, WM_MAY_OVERVIEW, 3), "nobody may nothing");
    ok(!wm_account_grants_parse(&a, NULL, pool) && a.grant_count == 0, "no grants are none");
    ok(!wm_account_grants_parse(&a, "emperor:*,viewer:2", pool) && a.grant_count == 1,
       "a role of a newer schema gives nothing");
}

/* Whether an account to which TEXT was given has RIGHT in STUDY. */
static int given(const char *text, wm_right right, apr_int64_t study, apr_pool_t *pool)
{
    wm_account a = {.id = 1, .name = "anna"};

    if (wm_account_grants_parse(&a, text, pool))
        return -1;
    return wm_account_may(&a, right, study);
}

static void test_rights(apr_pool_t *pool)
{
    wm_account a = {.id = 1, .name = "anna", .disabled = 1};
    apr_array_header_t *studies;
    int all;

    ok(given("analyst:3,sensitive:3", WM_MAY_SENSITIVE, 3, pool), "a right is had by grant");
    ok(!given("analyst:3", WM_MAY_SENSITIVE, 3, pool), "... and not by role alone");
    ok(!given("sensitive:3", WM_MAY_SENSITIVE, 3, pool), "... nor without role");
    ok(!given("sensitive:3", WM_MAY_OVERVIEW, WM_ANY_STUDY, pool), "... and gives no other");
    ok(!given("analyst:3,sensitive:4", WM_MAY_SENSITIVE, WM_ANY_STUDY, pool),
       "a role in one study and a right in another are nothing");
    ok(given("analyst:3,sensitive:*", WM_MAY_SENSITIVE, 3, pool) &&
           !given("analyst:3,sensitive:*", WM_MAY_SENSITIVE, 4, pool) &&
           !given("analyst:3,sensitive:*", WM_MAY_SENSITIVE, WM_ALL_STUDIES, pool),
       "a right in all studies counts where the role is");
    ok(given("sensitive:3,manager:*", WM_MAY_SENSITIVE, 3, pool) &&
           !given("sensitive:3,manager:*", WM_MAY_SENSITIVE, 4, pool) &&
           given("sensitive:3,manager:*", WM_MAY_SENSITIVE, WM_ANY_STUDY, pool) &&
           !given("sensitive:3,manager:*", WM_MAY_SENSITIVE, WM_ALL_STUDIES, pool),
       "a role in all studies, where the right is");
    ok(given("manager:*,sensitive:*", WM_MAY_SENSITIVE, WM_ALL_STUDIES, pool), "both in all: all");
    ok(!given("viewer:3,sensitive:3,records:3,export:3", WM_MAY_SENSITIVE, 3, pool) &&
           !given("viewer:3,sensitive:3,records:3,export:3", WM_MAY_RECORDS, 3, pool) &&
           !given("viewer:3,sensitive:3,records:3,export:3", WM_MAY_EXPORT, 3, pool),
       "no right makes an analyst of a viewer");
    ok(!given("coordinator:3,sensitive:3", WM_MAY_SENSITIVE, 3, pool) &&
           !given("coordinator:3,export:3", WM_MAY_EXPORT, 3, pool) &&
           !given("auditor:3,records:3", WM_MAY_RECORDS, 3, pool),
       "... nor of a coordinator or an auditor");
    ok(!given("administrator:*,sensitive:*", WM_MAY_SENSITIVE, 3, pool) &&
           given("administrator:*,sensitive:*,records:*", WM_MAY_SENSITIVE, 3, pool) &&
           given("administrator:*,analyst:3,sensitive:*", WM_MAY_SENSITIVE, 3, pool),
       "who sees sensitive fields sees records");
    ok(given("administrator:*,export:2", WM_MAY_EXPORT, 2, pool) &&
           !given("administrator:*,export:2", WM_MAY_EXPORT, 3, pool) &&
           !given("administrator:*,export:2", WM_MAY_RECORDS, 2, pool),
       "an administrator exports by grant");
    ok(!given("analyst:3,configure:3,system:*", WM_MAY_CONFIGURE, 3, pool),
       "what is never granted alone is worth nothing");
    wm_account_grants_parse(&a, "administrator:*,analyst:3,sensitive:3", pool);
    ok(!wm_account_may(&a, WM_MAY_SENSITIVE, 3), "a disabled account has no rights");
    a.disabled = 0;
    studies = wm_account_studies(&all, &a, WM_MAY_SENSITIVE, pool);
    ok(!all && studies->nelts && APR_ARRAY_IDX(studies, 0, apr_int64_t) == 3,
       "studies are those where it counts");
    is_str(wm_grant_word(a.grants[2]), "sensitive", "a grant has a word");
    is_int(wm_right_parse("Sensitive"), WM_RIGHT_COUNT, "words of rights are in small letters");
}

/* The table of the dashboard specification, 11.16. */
static void test_roles(void)
{
    for (int r = 0; r < WM_ROLE_COUNT; r++) {
        const char *word = wm_role_word((wm_role)r);

        is_int(wm_role_parse(word), r, word);
        ok(wm_role_may((wm_role)r, WM_MAY_OVERVIEW), "%s sees the overview", word);
        ok(!wm_role_may((wm_role)r, WM_MAY_SENSITIVE), "%s alone unmasks nothing", word);
    }
    is_int(wm_role_parse("Viewer"), WM_ROLE_COUNT, "role words are in small letters");
    is_int(wm_role_parse(""), WM_ROLE_COUNT, "an empty word is no role");
    ok(!wm_role_may(WM_ROLE_VIEWER, WM_MAY_RECORDS), "a viewer sees no records");
    ok(!wm_role_may(WM_ROLE_AUDITOR, WM_MAY_RECORDS), "an auditor sees no records");
    ok(!wm_role_may(WM_ROLE_ADMINISTRATOR, WM_MAY_RECORDS),
       "an administrator has no automatic right to read records");
    ok(!wm_role_may(WM_ROLE_ADMINISTRATOR, WM_MAY_EXPORT), "nor to export them");
    ok(wm_role_may(WM_ROLE_AUDITOR, WM_MAY_LOG_ALL), "an auditor reads the access log");
    ok(!wm_role_may(WM_ROLE_MANAGER, WM_MAY_LOG_ALL), "a manager only that of the study");
    ok(!wm_role_may(WM_ROLE_COORDINATOR, WM_MAY_ERASE_APPROVE) &&
           wm_role_may(WM_ROLE_COORDINATOR, WM_MAY_ERASE_REQUEST),
       "a coordinator asks for erasure and does not approve it");
    ok(wm_role_may_by_grant(WM_ROLE_ANALYST, WM_MAY_SENSITIVE) &&
           !wm_role_may_by_grant(WM_ROLE_COORDINATOR, WM_MAY_SENSITIVE) &&
           wm_role_may_by_grant(WM_ROLE_COUNT, WM_MAY_EXPORT) &&
           !wm_role_may_by_grant(WM_ROLE_COUNT, WM_MAY_SYSTEM),
       "three rights are given by grant, to some");
    is_str(wm_right_word(WM_MAY_ERASE_RUN), "erase-run", "a right has a word");
}

static void refused(const char *password, const char *why, apr_pool_t *pool)
{
    const wm_err *err = wm_password_judge(password, "anna@lab.example", pool);

    ok(err && err->code == WM_E_INPUT && strstr(err->why, why), "\"%.20s\" is refused: %s",
       password, why);
}

static void test_passwords(apr_pool_t *pool)
{
    char hash[WM_PASSWORD_HASH_ROOM], weak[crypto_pwhash_STRBYTES];
    char *huge = apr_pcalloc(pool, WM_PASSWORD_MAX + 2);

    memset(huge, 'x', WM_PASSWORD_MAX + 1);
    ok(!wm_password_judge("blau regen fenster", "anna", pool), "a phrase is accepted");
    ok(!wm_password_judge("\xc3\xa4\xc3\xb6\xc3\xbc\xc3\x9f\xc3\xa9\xc3\xa8 w2k7z", "anna", pool),
       "letters of twelve characters are counted, not their bytes");
    refused("elf zeichen", "fewer than 12", pool);
    refused("\xc3\xa4\xc3\xb6\xc3\xbc\xc3\x9f\xc3\xa9\xc3\xa8\xc3\xa4\xc3\xb6", "fewer than 12",
            pool);
    refused("Password1234", "guessed", pool);
    refused("aaaaaaaaaaaaaaa", "guessed", pool);
    refused("abcabcabcabcab", "guessed", pool);
    refused("123456789012", "guessed", pool);
    refused("QwertyUiopAs", "guessed", pool);
    refused("Anna@Lab.example", "guessed", pool);
    refused("not utf-8 \xff\xfe here", "UTF-8", pool);
    refused(huge, "longer than", pool);

    ok(!wm_password_hash(hash, "blau regen fenster", pool), "a password is hashed");
    ok(!strncmp(hash, "$argon2id$", 10), "by argon2id");
    ok(wm_password_check(hash, "blau regen fenster"), "it fits its hash");
    ok(!wm_password_check(hash, "blau regen fensteR"), "another does not");
    ok(!wm_password_check(NULL, "blau regen fenster"), "nothing fits where there is no hash");
    ok(!wm_password_stale(hash), "a new hash has the product's parameters");
    ok(!wm_password_stale(NULL), "what stands for a missing hash costs as much as a hash");
    ok(!crypto_pwhash_str(weak, "x", 1, crypto_pwhash_OPSLIMIT_MIN, crypto_pwhash_MEMLIMIT_MIN) &&
           wm_password_stale(weak),
       "a hash with other parameters is known");
}

static void test_bearer(apr_pool_t *pool)
{
    is_str(wm_token_bearer("Bearer abc.DEF-1_2~+/==", pool), "abc.DEF-1_2~+/==", "a token is read");
    is_str(wm_token_bearer("bEARER   abc \t", pool), "abc",
           "the scheme may have any case, and blanks do not count");
    ok(!wm_token_bearer("Basic abc", pool), "another scheme has none");
    ok(!wm_token_bearer("Bearer", pool), "nor has the scheme alone");
    ok(!wm_token_bearer("Bearer ", pool), "nor with a blank");
    ok(!wm_token_bearer("Bearerabc", pool), "a blank is needed");
    ok(!wm_token_bearer("Bearer a b", pool), "two words are none");
    ok(!wm_token_bearer("Bearer =abc", pool), "padding comes last");
    ok(!wm_token_bearer("Bea", pool), "a cut-off header has none");
    ok(!wm_token_bearer("", pool), "an empty header has none");
    ok(!wm_token_bearer(NULL, pool), "no header has none");
}

int main(void)
{
    apr_pool_t *pool;

    apr_initialize();
    apr_pool_create(&pool, NULL);
    if (sodium_init() < 0)
        return 1;
    test_grants(pool);
    test_rights(pool);
    test_roles();
    test_passwords(pool);
    test_bearer(pool);
    apr_terminate();
    return done();
}
