/* SPDX-License-Identifier: Apache-2.0 */
#include <apr_general.h>
#include <sodium.h>

#include "tap.h"
#include "wm_base64.h"

static apr_pool_t *pool;

/* Decode TEXT from memory of its own size; -1 when it is bad, else the number of bytes. */
static int decode(wm_buf *out, const char *text, size_t size, int urlencoded)
{
    char *copy = malloc(size ? size : 1);
    int good = -1;
    const wm_err *err;

    if (!copy)
        abort();
    memcpy(copy, text, size);
    wm_buf_free(out);
    err = wm_base64_decode(&good, out, copy, size, urlencoded);
    free(copy);
    if (err)
        return -2;
    return good ? (int)out->size : -1;
}

static void gives(const char *text, int urlencoded, const char *want, const char *name)
{
    wm_buf *out = wm_buf_create(NULL, pool);
    int got = decode(out, text, strlen(text), urlencoded);

    ok(got == (int)strlen(want) && !memcmp(out->data ? out->data : "", want, (size_t)got), "%s",
       name);
    wm_buf_free(out);
}

static void bad(const char *text, int urlencoded, const char *name)
{
    wm_buf *out = wm_buf_create(NULL, pool);

    is_int(decode(out, text, strlen(text), urlencoded), -1, name);
    is_int(out->size, 0, "... and nothing was appended");
    wm_buf_free(out);
}

static void test_plain(void)
{
    gives("", 0, "", "nothing is nothing");
    gives("Zg==", 0, "f", "one byte");
    gives("Zm8=", 0, "fo", "two bytes");
    gives("Zm9vYmFy", 0, "foobar", "six bytes");
    gives("Zm9vYg", 0, "foob", "padding may be missing");
    gives("Zm9vYmE", 0, "fooba", "... after two bytes too");
    gives("Zg=", 0, "f", "... and be cut");
    gives("Zm9v====", 0, "foo", "superfluous padding is no harm");
    gives("\tZm9v\r\nYm\r\nFy\r\n", 0, "foobar", "wrapped lines are joined");
    gives("Zg=\r\n=\r\n", 0, "f", "padding may be wrapped too");
    gives("+/+/", 0, "\xfb\xff\xbf", "the standard alphabet");
    gives("-_-_", 0, "\xfb\xff\xbf", "the URL-safe alphabet");
    gives(" / /", 0, "\xfb\xff\xbf", "a blank is a plus that was not escaped");
    gives("\r\n", 0, "", "line ends alone are nothing");
}

static void test_bad(void)
{
    bad("Z", 0, "a single character is bad");
    bad("Zm9vY", 0, "a single character left over is bad");
    bad("Zm9v!", 0, "a foreign character is bad");
    bad("Zm9%76", 0, "an escape is foreign outside a urlencoded form");
    bad("Zg==Zg==", 0, "a digit behind padding is bad");
    bad("Zg== ", 0, "a blank behind padding is bad");
    bad("Z===", 0, "padding does not complete a single character");
    bad("Zm9v\x80", 0, "a byte above 127 is bad");
    bad("Zm\x0b"
        "9v",
        0, "a vertical tab is bad");
}

static void test_urlencoded(void)
{
    gives("%2B%2f%2b%2F", 1, "\xfb\xff\xbf", "plus and slash as escapes");
    gives("+/+%2F", 1, "\xfb\xff\xbf", "a plus that was not escaped");
    gives("%20/ /", 1, "\xfb\xff\xbf", "an escaped blank");
    gives("Zm9v%0D%0AYmFy%09Yg%3D%3D%0d%0a", 1, "foobarb", "line ends and padding as escapes");
    gives("%5Am%39v", 1, "foo", "a digit may be escaped");
    gives("Zm9vYmFyZm9vYm%46yZm9vYmFy", 1, "foobarfoobarfoobar", "an escape between long runs");
    bad("Zm9v%", 1, "a broken escape is foreign");
    bad("Zm9v%2", 1, "... of one digit too");
    bad("Zm9v%zz", 1, "... of no digits too");
    bad("Zm9v%00", 1, "an escaped NUL is foreign");
    bad("Zm9v%25", 1, "an escaped % is foreign");
    bad("Zm9v%252B", 1, "... even when it begins an escape");
    bad("Zm9v&", 1, "an ampersand is foreign");
}

static void test_append(void)
{
    wm_buf *out = wm_buf_create(NULL, pool);
    int good = 0;

    ok(!wm_buf_add(out, "x", 1), "a buffer with a byte");
    ok(!wm_base64_decode(&good, out, "Zm9v", 4, 0) && good, "decoding appends");
    ok(out->size == 4 && !memcmp(out->data, "xfoo", 4), "... behind what was there");
    ok(!wm_base64_decode(&good, out, "Zm9vZm9v*", 9, 0) && !good, "bad base64");
    ok(out->size == 4 && !memcmp(out->data, "xfoo", 4), "... leaves what was there");
    wm_buf_free(out);
}

/* Every length against libsodium, in each of the spellings. */
static void test_lengths(void)
{
    unsigned char bytes[100];
    char text[200], escaped[600];
    wm_buf *out = wm_buf_create(NULL, pool);
    int wrong = 0;

    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (unsigned char)(i * 151 + 251);
    for (size_t size = 0; size <= sizeof bytes; size++) {
        size_t length, e = 0;

        sodium_bin2base64(text, sizeof text, bytes, size, sodium_base64_VARIANT_ORIGINAL);
        length = strlen(text);
        for (size_t i = 0; i < length; i++) {
            if (strchr("+/=", text[i]))
                e += (size_t)snprintf(escaped + e, sizeof escaped - e, "%%%02X", text[i]);
            else
                escaped[e++] = text[i];
        }
        if (decode(out, text, length, 0) != (int)size || (size && memcmp(out->data, bytes, size)))
            wrong++;
        if (decode(out, escaped, e, 1) != (int)size || (size && memcmp(out->data, bytes, size)))
            wrong++;
    }
    is_int(wrong, 0, "every length up to 100 bytes survives, plain and urlencoded");
    wm_buf_free(out);
}

static void test_cut(void)
{
    static const char text[] = "Zm9vYmFyZm9v%0D%0AYmFyZm9v%2B%2FFyZg%3D%3D%0D%0A";
    wm_buf *out = wm_buf_create(NULL, pool);
    int wrong = 0;

    for (size_t size = 0; size < strlen(text); size++) {
        int got = decode(out, text, size, 1);

        if (got > (int)size * 3 / 4 || got < -1 || (size <= 12 && (size % 4 == 1) != (got == -1)))
            wrong++;
    }
    is_int(wrong, 0, "text that is cut off anywhere is bad or shorter, as its length says");
    wm_buf_free(out);
}

int main(void)
{
    apr_initialize();
    apr_pool_create(&pool, NULL);

    test_plain();
    test_bad();
    test_urlencoded();
    test_append();
    test_lengths();
    test_cut();

    apr_terminate();
    return done();
}
