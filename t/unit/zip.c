/* SPDX-License-Identifier: Apache-2.0 */
/* Parts and archives, read back by minizip's reader. */
#include <sys/stat.h>
#include <unistd.h>

#include <apr_general.h>
#include <apr_strings.h>
#include <sodium.h>
#include <unzip.h>

#include "tap.h"
#include "wm_zip_read.h"

enum { LINES = 200000 };

static apr_pool_t *pool;
static const char *dir;

static const char *path(const char *name)
{
    return apr_pstrcat(pool, dir, "/", name, NULL);
}

/* A part of LINES in the open file. */
static const wm_err *add_part(wm_zip_part *part, wm_zip_packer *packer, int lines)
{
    char line[64];

    wm_zip_pack_begin(packer);
    for (int i = 0; i < lines; i++) {
        int n = apr_snprintf(line, sizeof line, "line %d of many\r\n", i * 7919 % 100003);

        WM_TRY(wm_zip_pack_write(packer, line, (size_t)n, pool));
    }
    return wm_zip_pack_end(part, packer, pool);
}

/* A file of one part. */
static const wm_err *make_part(wm_zip_part *part, wm_zip_packer *packer, const char *name,
                               int lines)
{
    WM_TRY(wm_zip_pack_open(packer, path(name), pool));
    WM_TRY(add_part(part, packer, lines));
    return wm_zip_pack_close(packer, pool);
}

static const wm_err *make_zip(const char *name, const wm_zip_part *large, const wm_zip_part *empty)
{
    apr_time_exp_t time = {.tm_year = 124, .tm_mon = 2, .tm_mday = 11, .tm_sec = 2};
    wm_zip *zip;

    WM_TRY(wm_zip_begin(&zip, path(name), &time, pool));
    WM_TRY(wm_zip_add_part(zip, "gro\303\237/large.txt", path("large"), large, pool));
    WM_TRY(wm_zip_add_part(zip, "empty.txt", path("empty"), empty, pool));
    WM_TRY(wm_zip_add_text(zip, "manifest.json", "{}\n", 3, pool));
    return wm_zip_end(zip, pool);
}

/* The entry's content read through, which checks its CRC; its hash and size. */
static int read_entry(const char *archive, const char *entry, unsigned char *sha,
                      apr_int64_t *bytes)
{
    unzFile file = unzOpen64(path(archive));
    crypto_hash_sha256_state state;
    char buffer[10000];
    int n, good;

    *bytes = 0;
    crypto_hash_sha256_init(&state);
    if (!file || unzLocateFile(file, entry, 1) || unzOpenCurrentFile(file))
        return 0;
    while ((n = unzReadCurrentFile(file, buffer, sizeof buffer)) > 0) {
        crypto_hash_sha256_update(&state, (unsigned char *)buffer, (unsigned)n);
        *bytes += n;
    }
    crypto_hash_sha256_final(&state, sha);
    good = !n && unzCloseCurrentFile(file) == UNZ_OK;
    unzClose(file);
    return good;
}

static void test_archive(void)
{
    wm_zip_part large, empty, again;
    unsigned char sha[32], first[32], second[32];
    apr_int64_t bytes;
    wm_zip_packer *packer;
    struct stat info;

    ok(!wm_zip_packer_create(&packer, 6, pool), "a packer is made");
    ok(!make_part(&large, packer, "large", LINES), "a part of many blocks is packed");
    ok(!make_part(&empty, packer, "empty", 0), "and one without content");
    ok(large.bytes > 3000000 && large.packed < large.bytes / 2, "text gets smaller");
    ok(!stat(path("large"), &info) && info.st_size == large.packed && (info.st_mode & 0777) == 0600,
       "the part's file is as large as said, and private");
    ok(!make_part(&again, packer, "again", LINES) && again.packed == large.packed &&
           again.crc == large.crc && !memcmp(again.sha256, large.sha256, 32),
       "the same content gives the same part");
    ok(!make_zip("a.zip", &large, &empty), "parts are joined");
    ok(read_entry("a.zip", "gro\303\237/large.txt", sha, &bytes) && bytes == large.bytes &&
           !memcmp(sha, large.sha256, 32),
       "the large entry reads as it was written");
    ok(read_entry("a.zip", "empty.txt", sha, &bytes) && !bytes, "so does the empty one");
    ok(read_entry("a.zip", "manifest.json", sha, &bytes) && bytes == 3, "and a small text");
    ok(!stat(path("a.zip"), &info) && (info.st_mode & 0777) == 0600, "the archive is private");
    ok(stat(path("a.zip.part"), &info) != 0, "nothing is left of its making");
    ok(!make_zip("b.zip", &large, &empty) && !wm_zip_digest(&bytes, first, path("a.zip"), pool) &&
           !wm_zip_digest(&bytes, second, path("b.zip"), pool) && !memcmp(first, second, 32),
       "a second archive has the same bytes");
    large.packed++;
    ok(make_zip("c.zip", &large, &empty) != NULL, "a part that its file has not is refused");
}

enum { MANY_PARTS = 200 };

static int read_parts(const char *name, const wm_zip_part *parts)
{
    unsigned char sha[32];
    apr_int64_t bytes;

    for (int i = 0; i < MANY_PARTS; i++)
        if (!read_entry(name, apr_itoa(pool, i), sha, &bytes) || bytes != parts[i].bytes ||
            memcmp(sha, parts[i].sha256, 32))
            return 0;
    return 1;
}

/* Parts share files: what is given up among them leaves nothing. */
static void test_many_parts(void)
{
    wm_zip_part parts[MANY_PARTS], unfinished;
    apr_time_exp_t time = {.tm_year = 80, .tm_mday = 1};
    const wm_err *err = NULL;
    wm_zip_packer *packer;
    apr_int64_t end = 0;
    struct stat info;
    wm_zip *zip;

    ok(!wm_zip_packer_create(&packer, 1, pool) && !wm_zip_pack_is_open(packer) &&
           !wm_zip_pack_close(packer, pool),
       "closing what is not open is no failure");
    for (int i = 0; i < MANY_PARTS && !err; i++) {
        if (i % 100 == 0)
            err = wm_zip_pack_open(packer, path(i ? "second" : "first"), pool);
        if (!err && i % 7 == 3) {
            wm_zip_pack_begin(packer);
            err = wm_zip_pack_write(packer, "not to be read\n", 15, pool);
        }
        if (!err)
            err = add_part(&parts[i], packer, i == 50 ? LINES : i);
        if (!err && i % 100 == 99) {
            wm_zip_pack_begin(packer);
            err = wm_zip_pack_close(packer, pool);
        }
    }
    ok(!err, "many parts are packed into two files");
    for (int i = 100; i < MANY_PARTS; i++) {
        if (parts[i].start != end)
            break;
        end += parts[i].packed;
    }
    ok(!stat(path("second"), &info) && info.st_size == end, "which have nothing else");
    err = wm_zip_begin(&zip, path("parts.zip"), &time, pool);
    for (int i = 0; i < MANY_PARTS && !err; i++)
        err = wm_zip_add_part(zip, apr_itoa(pool, i), path(i < 100 ? "first" : "second"), &parts[i],
                              pool);
    ok(!err && !wm_zip_end(zip, pool) && read_parts("parts.zip", parts),
       "and each is read as it was written");
    ok(!wm_zip_pack_open(packer, path("large"), pool) && !add_part(&unfinished, packer, LINES) &&
           unfinished.start == 0,
       "a file is begun anew");
    wm_zip_pack_begin(packer);
    for (int i = 0; i < LINES && !err; i++)
        err =
            wm_zip_pack_write(packer, "a line of text that does not get much smaller than it is\n",
                              (size_t)(20 + i % 37), pool);
    ok(wm_zip_pack_drop(packer) > 0 && !stat(path("large"), &info) &&
           info.st_size == unfinished.packed,
       "what is given up gives its room back");
    ok(!wm_zip_pack_close(packer, pool), "and the file is closed");
}

static void test_full(void)
{
    wm_zip_packer *packer;
    wm_zip_part part;
    const wm_err *err;

    if (access("/dev/full", W_OK)) {
        ok(1, "a full disk is told apart # SKIP no /dev/full here");
        return;
    }
    ok(!wm_zip_packer_create(&packer, 1, pool), "another packer is made");
    err = wm_zip_pack_open(packer, "/dev/full", pool);
    wm_zip_pack_begin(packer);
    for (int i = 0; i < 100000 && !err; i++)
        err = wm_zip_pack_write(packer, "some text that fills the disk\n", 30, pool);
    if (!err)
        err = wm_zip_pack_end(&part, packer, pool);
    ok(err != NULL, "writing to a full disk fails");
    ok(wm_zip_packer_full(packer), "and is told apart from other failures");
    wm_zip_pack_close(packer, pool);
    ok(!make_part(&part, packer, "after", 10), "the packer goes on with another part");
}

/* More entries than the old directory of zip can count. */
static void test_many_entries(void)
{
    enum { MANY = 0x10002 };
    apr_time_exp_t time = {.tm_year = 80, .tm_mday = 1};
    const wm_zip_entry *entry;
    wm_zip_reader *reader;
    const wm_err *err;
    unz_global_info64 info;
    unzFile file;
    wm_zip *zip;
    int count = 0;

    err = wm_zip_begin(&zip, path("many.zip"), &time, pool);
    for (int i = 0; i < MANY && !err; i++) {
        char name[16];

        apr_snprintf(name, sizeof name, "%d", i);
        err = wm_zip_add_text(zip, name, "x", 1, pool);
    }
    ok(!err && !wm_zip_end(zip, pool), "an archive has more than 65,535 entries");
    err = wm_zip_reader_open(&reader, path("many.zip"), pool);
    while (!err && !(err = wm_zip_reader_next(&entry, reader, pool)) && entry)
        count++;
    ok(!err && count == MANY, "our reader counts all of them");
    file = unzOpen64(path("many.zip"));
    ok(file && unzGetGlobalInfo64(file, &info) == UNZ_OK && info.number_entry == MANY,
       "and so do others");
    if (file)
        unzClose(file);
}

int main(void)
{
    char template[] = "/tmp/wmzip-XXXXXX";

    apr_initialize();
    apr_pool_create(&pool, NULL);
    if (sodium_init() < 0 || !mkdtemp(template))
        abort();
    dir = template;
    test_archive();
    test_many_parts();
    test_full();
    test_many_entries();
    for (const char *const *n =
             (const char *const[]){"large", "empty", "again", "after", "a.zip", "b.zip",
                                   "c.zip.part", "many.zip", "first", "second", "parts.zip", NULL};
         *n; n++)
        unlink(path(*n));
    ok(!rmdir(dir), "nothing else was written");
    apr_terminate();
    return done();
}
