/* SPDX-License-Identifier: Apache-2.0 */
/* Signing in, sessions and tokens against the database that DATABASE_URL names;
 * t/123-sign-in.t starts one and runs this. */
#include <apr_general.h>
#include <apr_strings.h>
#include <sodium.h>

#include "tap.h"
#include "wm_account.h"
#include "wm_audit.h"
#include "wm_csrf.h"
#include "wm_session.h"
#include "wm_token.h"

#define START  (APR_INT64_C(1900000000) * APR_USEC_PER_SEC)
#define SEC(n) apr_time_from_sec(n)

static const char password[] = "blau regen fenster";

/* Success, or the end of the program: what follows makes no sense without. */
static void must(const wm_err *err, apr_pool_t *pool)
{
    if (!err)
        return;
    printf("Bail out! %s\n", wm_err_text(err, pool));
    exit(1);
}

static wm_err_code try_in(wm_db *db, const char *name, const char *pass, const char *address,
                          apr_time_t now, int *wait, apr_pool_t *pool)
{
    wm_account *account;
    const wm_err *err = wm_account_sign_in(&account, wait, db, name, pass, address, now, pool);

    return err ? err->code : WM_E_COUNT;
}

static void test_sign_in(wm_db *db, apr_pool_t *pool)
{
    wm_account *account;
    wm_sign_in *late;
    int wait;

    is_int(try_in(db, "anna", "falsch, ganz falsch", NULL, START, &wait, pool), WM_E_AUTH,
           "a wrong password is refused");
    is_int(try_in(db, "nobody", password, NULL, START, &wait, pool), WM_E_AUTH,
           "an unknown name gets the same answer");
    is_int(try_in(db, "an\xff\xff", password, NULL, START, &wait, pool), WM_E_AUTH,
           "and so does what is no text");
    must(wm_account_sign_in(&account, &wait, db, "ANNA", password, "192.0.2.1", START, pool), pool);
    is_str(account->name, "anna", "the case of a name does not count");
    is_int(account->last_sign_in, 0, "the first sign-in has none before it");
    ok(wm_account_has_role(account, WM_ROLE_MANAGER, WM_ALL_STUDIES), "the account has its roles");
    must(wm_account_sign_in(&account, &wait, db, "anna", password, "192.0.2.1", START + SEC(5),
                            pool),
         pool);
    is_int(account->last_sign_in, START, "the second tells of the first");

    must(wm_sign_in_begin(&late, &wait, db, "anna", NULL, START, pool), pool);
    must(wm_sign_in_check(late, password, pool), pool);
    must(wm_account_disable(db, "anna", 1, pool), pool);
    ok(wm_sign_in_finish(&account, late, db, START, pool) && !account,
       "an account disabled meanwhile does not get in");
    is_int(try_in(db, "anna", password, NULL, START, &wait, pool), WM_E_AUTH,
           "a disabled account gets the answer of a wrong password");
    must(wm_account_disable(db, "anna", 0, pool), pool);
    must(wm_sign_in_begin(&late, &wait, db, "anna", NULL, START, pool), pool);
    ok(wm_sign_in_finish(&account, late, db, START, pool) && !account,
       "nobody gets in without the check");
}

static void test_account_limit(wm_db *db, apr_pool_t *pool)
{
    apr_time_t now = START + SEC(100000);
    int wait = 0, before = 0;

    for (int i = 0; i < 5; i++)
        is_int(try_in(db, "bert", "falsch, ganz falsch", "192.0.2.9", now, &wait, pool), WM_E_AUTH,
               "five attempts are free");
    is_int(try_in(db, "BERT", password, "198.51.100.1", now, &wait, pool), WM_E_RATE,
           "the sixth has to wait, from any address and with the right password");
    is_int(wait, 1, "a second at first");
    for (int i = 0; i < 12; i++) {
        now += SEC(wait);
        if (try_in(db, "bert", "falsch, ganz falsch", NULL, now, &wait, pool) != WM_E_AUTH)
            break;
        try_in(db, "bert", "falsch, ganz falsch", NULL, now, &wait, pool);
        if (wait < before || (wait != 2 * before && before && wait != 900))
            break;
        before = wait;
    }
    is_int(wait, 900, "the wait doubles up to a quarter of an hour");
    is_int(try_in(db, "anna", password, "192.0.2.9", now, &wait, pool), WM_E_COUNT,
           "another account is free to sign in from the same address");
    now += SEC(900);
    is_int(try_in(db, "bert", password, NULL, now, &wait, pool), WM_E_COUNT,
           "after the wait the right password counts");
    is_int(try_in(db, "bert", "falsch, ganz falsch", NULL, now, &wait, pool), WM_E_AUTH,
           "success starts the count again");
    for (int i = 0; i < 5; i++)
        try_in(db, "unknown", "falsch, ganz falsch", NULL, now, &wait, pool);
    is_int(try_in(db, "unknown", "falsch, ganz falsch", NULL, now, &wait, pool), WM_E_RATE,
           "names that nobody has wait as long");
}

static void test_address_limit(wm_db *db, apr_pool_t *pool)
{
    apr_time_t now = START + SEC(900000);
    int wait = 0;

    for (int i = 0; i < 20; i++)
        try_in(db, apr_psprintf(pool, "guess%d", i), "falsch, ganz falsch",
               apr_psprintf(pool, "2001:db8:1:2::%x", i + 1), now, &wait, pool);
    is_int(try_in(db, "anna", password, "2001:db8:1:2:ffff::1", now, &wait, pool), WM_E_RATE,
           "an IPv6 network that guesses at many names has to wait");
    is_int(try_in(db, "anna", password, "2001:db8:1:3::1", now, &wait, pool), WM_E_COUNT,
           "its neighbour does not");
    is_int(try_in(db, "anna", password, NULL, now, &wait, pool), WM_E_COUNT,
           "and the account is free elsewhere");
    now += SEC(86401);
    is_int(try_in(db, "anna", password, "2001:db8:1:2::1", now, &wait, pool), WM_E_COUNT,
           "a day later it is forgotten");
}

static void test_sessions(wm_db *db, apr_pool_t *pool)
{
    char key[WM_SESSION_KEY_ROOM], other[WM_SESSION_KEY_ROOM], form[WM_CSRF_ROOM];
    wm_account *anna;
    wm_session *s;
    wm_csrf_secret secret;
    apr_int64_t count;

    must(wm_account_find(&anna, db, "anna", pool), pool);
    must(wm_session_start(key, db, anna->id, "192.0.2.1", "Browser\xff/1", NULL, START, pool),
         pool);
    must(wm_session_start(other, db, anna->id, NULL, NULL, NULL, START, pool), pool);
    ok(strcmp(key, other), "two sessions have different keys");
    must(wm_session_find(&s, db, key, NULL, START + SEC(30), pool), pool);
    ok(s && s->account->id == anna->id && !strcmp(s->account->name, "anna"),
       "a key opens its session");
    ok(s && wm_account_has_role(s->account, WM_ROLE_MANAGER, 1), "with the account's roles");
    is_str(s ? s->address : NULL, "192.0.2.1", "the address is kept");
    is_str(s ? s->user_agent : NULL, "Browser\xef\xbf\xbd/1", "what is no text is made text");
    ok(s && !strstr(key, s->handle), "the handle tells nothing of the key");
    must(wm_session_find(&s, db, key, NULL, START + SEC(50), pool), pool);
    ok(s && s->last_used == START, "use within a minute is not written");
    must(wm_session_find(&s, db, key, NULL, START + SEC(61), pool), pool);
    must(wm_session_find(&s, db, key, NULL, START + SEC(70), pool), pool);
    ok(s && s->last_used == START + SEC(61), "later use is");
    must(wm_session_find(&s, db, key, NULL, START + SEC(61 + 8 * 3600 + 1), pool), pool);
    ok(!s, "a session ends after eight hours without use");
    for (apr_time_t t = START; t < START + SEC(7 * 86400); t += SEC(7 * 3600))
        must(wm_session_find(&s, db, other, NULL, t, pool), pool);
    ok(s != NULL, "one that is used goes on");
    must(wm_session_find(&s, db, other, NULL, START + SEC(7 * 86400), pool), pool);
    ok(!s, "but not longer than a week");
    key[5] = key[5] == 'A' ? 'B' : 'A';
    must(wm_session_find(&s, db, key, NULL, START, pool), pool);
    ok(!s, "a changed key opens nothing");
    must(wm_session_find(&s, db, "", NULL, START, pool), pool);
    ok(!s, "an empty key opens nothing");
    must(wm_session_find(&s, db, NULL, NULL, START, pool), pool);
    ok(!s, "no key opens nothing");

    must(wm_session_purge(&count, db, NULL, 100, START + SEC(9 * 86400), pool), pool);
    is_int(count, 2, "sessions that have expired are deleted");
    must(wm_session_start(key, db, anna->id, NULL, NULL, NULL, START, pool), pool);
    must(wm_session_start(other, db, anna->id, NULL, NULL, NULL, START, pool), pool);
    must(wm_session_find(&s, db, other, NULL, START, pool), pool);
    must(wm_session_end_all(&count, db, anna->id, s ? s->id : 0, pool), pool);
    is_int(count, 1, "all sessions but the present one are ended");
    ok(s && wm_session_end_id(db, anna->id + 1, s->id, pool),
       "nobody ends somebody else's session");
    must(wm_session_end(db, other, pool), pool);
    must(wm_session_find(&s, db, other, NULL, START, pool), pool);
    ok(!s, "an ended session is gone");
    must(wm_session_end(db, other, pool), pool);

    must(wm_session_start(key, db, anna->id, NULL, NULL, NULL, START, pool), pool);
    must(wm_account_disable(db, "anna", 1, pool), pool);
    must(wm_account_disable(db, "anna", 0, pool), pool);
    must(wm_session_find(&s, db, key, NULL, START, pool), pool);
    ok(!s, "disabling an account ends its sessions for good");
    must(wm_session_start(key, db, anna->id, NULL, NULL, NULL, START, pool), pool);
    must(wm_account_password(db, "anna", password, pool), pool);
    must(wm_session_find(&s, db, key, NULL, START, pool), pool);
    ok(!s, "and so does a new password");

    must(wm_csrf_secret_db(&secret, db, pool), pool);
    wm_csrf_make(form, &secret, "anna", "s", START);
    ok(wm_csrf_check(&secret, "anna", "s", form, START), "the database has a secret for forms");
}

static void test_tokens(wm_db *db, apr_pool_t *pool)
{
    char text[WM_TOKEN_ROOM];
    wm_token *token;
    const wm_err *err;

    must(wm_token_add(text, db, "browser", 0, START + SEC(60), pool), pool);
    must(wm_token_find(&token, db, text, START, pool), pool);
    is_str(token->name, "browser", "a token is found by its text");
    is_int(token->study, 0, "without a study it belongs to the default one");
    err = wm_token_find(&token, db, text, START + SEC(60), pool);
    ok(err && err->code == WM_E_AUTH && !token, "it expires");
    err = wm_token_find(&token, db, "wm_unknown-unknown-unknown", START, pool);
    ok(err && err->code == WM_E_AUTH, "an unknown token is refused");
    err = wm_token_find(&token, db, NULL, START, pool);
    ok(err && err->code == WM_E_AUTH, "no token is refused");
    err = wm_token_find(&token, db, "", START, pool);
    ok(err && err->code == WM_E_AUTH, "an empty token is refused");
    must(wm_token_revoke(db, "browser", pool), pool);
    err = wm_token_find(&token, db, text, START, pool);
    ok(err && err->code == WM_E_AUTH, "a revoked token is refused");
    must(wm_token_register(db, "browser", "test-bearer-token", 1, 0, pool), pool);
    must(wm_token_find(&token, db, "test-bearer-token", START, pool), pool);
    ok(token && token->study == 1, "the name of a revoked token is free, for a given text too");
    err = wm_token_register(db, "short", "fifteen-letters", 0, 0, pool);
    ok(err && err->code == WM_E_INPUT, "a short text is refused");
    err = wm_token_register(db, "blank", "a text with blanks", 0, 0, pool);
    ok(err && err->code == WM_E_INPUT, "one that no header can carry is refused");
    err = wm_token_register(db, "two words", "test-bearer-token-2", 0, 0, pool);
    ok(err && err->code == WM_E_INPUT, "a name has no blanks");
}

static void test_audit(wm_db *db, apr_pool_t *pool)
{
    const apr_int64_t sources[] = {7, 3, 7};
    wm_audit row = {.account = "anna",
                    .via = WM_VIA_SESSION,
                    .action = "page",
                    .sources = sources,
                    .source_count = 3};
    apr_int64_t first, second, bad;

    row.extent = json_pack("{s:i}", "rows", 2);
    must(wm_audit_add(&first, db, &row, pool), pool);
    must(wm_audit_add(&second, db, &row, pool), pool);
    json_decref(row.extent);
    is_int(second, first + 1, "rows of the access log are numbered without gaps");
    must(wm_audit_verify(&bad, db, pool), pool);
    is_int(bad, 0, "and fit together");
}

int main(void)
{
    apr_pool_t *pool;
    apr_int64_t id;
    wm_db *db;

    apr_initialize();
    apr_pool_create(&pool, NULL);
    if (sodium_init() < 0 || !getenv("DATABASE_URL")) {
        puts("1..0 # SKIP t/123-sign-in.t gives this a database");
        return 0;
    }
    must(wm_db_connect(&db, getenv("DATABASE_URL"), NULL, pool), pool);
    must(wm_account_add(&id, db, "anna", password, pool), pool);
    must(wm_account_grant(db, id, (wm_grant){.role = WM_ROLE_MANAGER, .study = WM_ALL_STUDIES},
                          pool),
         pool);
    must(wm_account_add(&id, db, "bert", password, pool), pool);
    test_sign_in(db, pool);
    test_account_limit(db, pool);
    test_address_limit(db, pool);
    test_sessions(db, pool);
    test_tokens(db, pool);
    test_audit(db, pool);
    apr_pool_destroy(pool);
    apr_terminate();
    return done();
}
