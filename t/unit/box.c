/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#include <apr_general.h>
#include <apr_strings.h>
#include <sodium.h>

#include "tap.h"
#include "wm_box.h"
#include "wm_bundle.h"

/* 32 bytes in base64: of a secret key, and of the public key that belongs to another. */
#define SECRET "KKQc5fYXrDXLvI/dMrPIeUOQ7XRkkrHRY9NIjb1nGhI="
#define PEER   "Pxd6Wv6prWMIYEHfH1WbQhRCzMa985raFzw65u9HfDY="

static apr_pool_t *pool;
static char folder[] = "/tmp/webmunk-box-XXXXXX";

static const char *path_of(const char *name)
{
    return apr_psprintf(pool, "%s/%s", folder, name);
}

static const char *write_file(const char *name, const char *text, mode_t mode)
{
    const char *path = path_of(name);
    FILE *file = fopen(path, "w");

    if (!file || fputs(text, file) < 0 || fclose(file) || chmod(path, mode))
        abort();
    return path;
}

static void refused(const char *secret, const char *peer, wm_err_code code, const char *words,
                    const char *name)
{
    wm_box_keys keys;
    const wm_err *err = wm_box_keys_read(&keys, secret, peer, pool);

    is_int(err ? err->code : WM_E_COUNT, code, name);
    if (!ok(err && strstr(err->why, folder) && strstr(err->why, words),
            "... and the sentence names the file and \"%s\"", words))
        printf("# %s\n", err ? err->why : "no error");
}

static void test_read(void)
{
    const char *secret = write_file("secret", SECRET "\n", 0600);
    const char *peer = write_file("peer", PEER, 0644);
    wm_box_keys keys;
    unsigned char want[32];
    size_t length;

    ok(!wm_box_keys_read(&keys, secret, peer, pool), "keys are read, with and without a line end");
    sodium_base642bin(want, sizeof want, SECRET, strlen(SECRET), NULL, &length, NULL,
                      sodium_base64_VARIANT_ORIGINAL);
    ok(!memcmp(keys.secret, want, 32), "the secret is the first file's");
    sodium_base642bin(want, sizeof want, PEER, strlen(PEER), NULL, &length, NULL,
                      sodium_base64_VARIANT_ORIGINAL);
    ok(!memcmp(keys.peer, want, 32), "the peer's key is the second file's");
    ok(!wm_box_keys_read(&keys, write_file("dos", SECRET " \r\n\r\n", 0640), peer, pool),
       "blank lines and a group that may read are no harm");
}

static void test_read_modes(void)
{
    const char *secret = write_file("secret", SECRET, 0600), *peer = write_file("peer", PEER, 0644);

    refused(write_file("open", SECRET, 0604), peer, WM_E_FORBIDDEN, "chmod 600",
            "a secret that everybody may read is refused");
    refused(write_file("open", SECRET, 0644), peer, WM_E_FORBIDDEN, "chmod 600",
            "... and with the usual mode");
    refused(write_file("open", SECRET, 0620), peer, WM_E_FORBIDDEN, "chmod 600",
            "a secret that the group may write is refused");
    refused(secret, write_file("loose", PEER, 0666), WM_E_FORBIDDEN, "chmod 644",
            "a peer's key that everybody may change is refused");
}

static void test_read_bad(void)
{
    const char *secret = write_file("secret", SECRET, 0600), *peer = write_file("peer", PEER, 0644);
    char zeros[45] = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
    const char *missing = path_of("missing");

    refused(missing, peer, WM_E_NOT_FOUND, "webmunkd keygen", "a missing secret is told");
    refused(secret, missing, WM_E_NOT_FOUND, "webmunkd keygen", "a missing peer's key is told");
    refused(secret, folder, WM_E_SYSTEM, "reading", "a folder is no key file");
    refused(write_file("bad", "", 0600), peer, WM_E_INPUT, "base64", "an empty file is no key");
    refused(write_file("bad", "KKQc5fYX", 0600), peer, WM_E_INPUT, "base64",
            "a short line is no key");
    refused(write_file("bad", SECRET SECRET, 0600), peer, WM_E_INPUT, "base64",
            "two keys are no key");
    refused(write_file("bad", "# my key\n" SECRET, 0600), peer, WM_E_INPUT, "base64",
            "a comment is no key");
    refused(write_file("bad", apr_psprintf(pool, SECRET "%300s", ""), 0600), peer, WM_E_INPUT,
            "base64", "a long file is no key");
    refused(secret, write_file("bad", zeros, 0644), WM_E_INPUT, "no public key",
            "zeros are no public key");
    for (size_t size = 0; size < strlen(SECRET) - 1; size++) {
        wm_box_keys keys;
        const char *path = write_file("bad", apr_pstrmemdup(pool, SECRET, size), 0600);

        if (!wm_box_keys_read(&keys, path, peer, pool)) {
            ok(0, "a key cut off after %zu characters is refused", size);
            return;
        }
    }
    ok(1, "a key that is cut off anywhere is refused");
}

static mode_t mode_of(const char *path)
{
    struct stat info;

    return stat(path, &info) ? 0 : info.st_mode & 07777;
}

static void conflicts(const char *secret, const char *open_half, const char *name)
{
    const wm_err *err = wm_box_pair_write(secret, open_half, pool);

    is_int(err ? err->code : WM_E_COUNT, WM_E_CONFLICT, name);
}

static void test_pair(void)
{
    const char *secret = path_of("new.secret"), *half = path_of("new.public");
    const char *other = path_of("other.secret"), *other_half = path_of("other.public");
    wm_box_keys ours, theirs;
    unsigned char derived[32];

    umask(022);
    ok(!wm_box_pair_write(secret, half, pool), "a pair is made");
    is_int(mode_of(secret), 0600, "only the owner may read the secret");
    is_int(mode_of(half), 0644, "everybody may read the public key");
    ok(!wm_box_pair_write(other, other_half, pool), "a second pair is made");
    ok(!wm_box_keys_read(&ours, secret, other_half, pool), "one side's keys are read");
    ok(!wm_box_keys_read(&theirs, other, half, pool), "the other side's keys are read");
    ok(memcmp(ours.secret, theirs.secret, 32) != 0, "two pairs differ");
    crypto_scalarmult_base(derived, ours.secret);
    ok(!memcmp(derived, theirs.peer, 32), "the public key belongs to the secret");

    conflicts(secret, path_of("third.public"), "a secret that exists is not overwritten");
    is_int(mode_of(path_of("third.public")), 0, "... and no public key is left behind");
    conflicts(path_of("third.secret"), half, "a public key that exists is not overwritten");
    is_int(mode_of(path_of("third.secret")), 0, "... and no secret is left behind");
    if (symlink("third.secret", path_of("link")))
        abort();
    conflicts(path_of("link"), path_of("third.public"),
              "a link that leads nowhere is not followed");
    ok(!wm_box_keys_read(&theirs, secret, other_half, pool) &&
           !memcmp(theirs.secret, ours.secret, 32),
       "the first secret is what it was");
    ok(wm_box_pair_write(path_of("no/such/folder"), path_of("x"), pool) != NULL,
       "a folder that does not exist is told");
}

/* Open from memory of its own size behind "x"; -1 when it does not open, -2 on other trouble. */
static int opened(wm_buf *out, const wm_box_keys *keys, const char *nonce, size_t nonce_size,
                  const unsigned char *data, size_t size)
{
    char *copy = malloc(size ? size : 1);
    const wm_err *err;
    int good = 0;

    if (!copy)
        abort();
    memcpy(copy, data, size);
    wm_buf_free(out);
    err = wm_buf_add(out, "x", 1);
    if (!err)
        err = wm_box_open(&good, out, keys, nonce, nonce_size, copy, size);
    free(copy);
    if (err || (!good && out->size != 1))
        return -2;
    return good ? (int)out->size - 1 : -1;
}

static void test_open(void)
{
    enum { TEXT = 26, BOX = TEXT + 16 };
    static const char text[] = "[{\"passive-data\": \"point\"}]";
    static const char nonce[] = "123456789012345678901234";
    const unsigned char *iv = (const unsigned char *)nonce;
    unsigned char box[BOX], empty[16];
    wm_box_keys ours, theirs;
    wm_buf *out = wm_buf_create(NULL, pool);
    int taken = 0;

    crypto_box_keypair(theirs.peer, ours.secret);
    crypto_box_keypair(ours.peer, theirs.secret);
    if (crypto_box_easy(box, (const unsigned char *)text, TEXT, iv, theirs.peer, theirs.secret) ||
        crypto_box_easy(empty, iv, 0, iv, theirs.peer, theirs.secret))
        abort();

    is_int(opened(out, &ours, nonce, 24, box, BOX), TEXT, "a box opens");
    ok(!memcmp(out->data, "x", 1) && !memcmp(out->data + 1, text, TEXT),
       "... and its message stands behind what was there");
    is_int(opened(out, &ours, nonce, 24, empty, 16), 0, "an empty message is a message");
    for (size_t size = 0; size < BOX; size++)
        taken += opened(out, &ours, nonce, 24, box, size) != -1;
    is_int(taken, 0, "a box that is cut off anywhere does not open");
    for (size_t i = 0; i < BOX; i++) {
        box[i] ^= 1;
        taken += opened(out, &ours, nonce, 24, box, BOX) != -1;
        box[i] ^= 1;
    }
    is_int(taken, 0, "a box with a changed byte does not open");
    is_int(opened(out, &ours, nonce, 23, box, BOX), -1, "a nonce of 23 bytes opens nothing");
    is_int(opened(out, &ours, nonce, 25, box, BOX), -1, "a nonce of 25 bytes opens nothing");
    is_int(opened(out, &ours, nonce, 0, box, BOX), -1, "an empty nonce opens nothing");
    is_int(opened(out, &ours, "x23456789012345678901234", 24, box, BOX), -1,
           "another nonce does not open it");
    ours.secret[5] ^= 1;
    is_int(opened(out, &ours, nonce, 24, box, BOX), -1, "another key does not open it");
    wm_buf_free(out);
}

static void remove_files(void)
{
    static const char *const names[] = {"secret",     "peer",         "dos",         "open",
                                        "loose",      "bad",          "link",        "new.secret",
                                        "new.public", "other.secret", "other.public"};

    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        unlink(path_of(names[i]));
    is_int(rmdir(folder), 0, "no other file was left");
}

int main(void)
{
    apr_initialize();
    apr_pool_create(&pool, NULL);
    if (!mkdtemp(folder))
        abort();

    ok(!wm_box_init(pool), "libsodium is ready");
    ok(!wm_box_init(pool), "... and may be asked twice");
    test_read();
    test_read_modes();
    test_read_bad();
    test_pair();
    test_open();
    remove_files();

    apr_terminate();
    return done();
}
