/* SPDX-License-Identifier: Apache-2.0 */
/* Parts and archives, read back by minizip's reader. */
#include <dirent.h>
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

static const wm_err *make_part(wm_zip_part *part, wm_zip_packer *packer, const char *name,
                               int lines)
{
    char line[64];

    WM_TRY(wm_zip_pack_begin(packer, path(name), pool));
    for (int i = 0; i < lines; i++) {
        int n = apr_snprintf(line, sizeof line, "line %d of many\r\n", i * 7919 % 100003);

        WM_TRY(wm_zip_pack_write(packer, line, (size_t)n, pool));
    }
    return wm_zip_pack_end(part, packer, pool);
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
    large.packed--;
    ok(make_zip("c.zip", &large, &empty) != NULL, "a part of another size is refused");
}

static int open_files(void)
{
    DIR *list = opendir("/proc/self/fd");
    int count = 0;

    while (list && readdir(list))
        count++;
    if (list)
        closedir(list);
    return count;
}

static void test_many_parts(void)
{
    int before = open_files(), failed = 0, most = 0, now;
    wm_zip_packer *packer;
    wm_zip_part part;

    failed = !!wm_zip_packer_create(&packer, 1, pool);
    for (int i = 0; i < 200 && !failed; i++) {
        failed = !!make_part(&part, packer, "after", 10);
        now = open_files();
        most = now > most ? now : most;
    }
    ok(!failed, "many parts are packed before anybody asks for them to be on the disk");
    ok(most - before <= 64, "which keeps a bounded number of files open");
    ok(!wm_zip_pack_sync(packer, pool) && open_files() == before, "then they are, and closed");
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
    err = wm_zip_pack_begin(packer, "/dev/full", pool);
    for (int i = 0; i < 100000 && !err; i++)
        err = wm_zip_pack_write(packer, "some text that fills the disk\n", 30, pool);
    if (!err)
        err = wm_zip_pack_end(&part, packer, pool);
    ok(err != NULL, "writing to a full disk fails");
    ok(wm_zip_packer_full(packer), "and is told apart from other failures");
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
    for (const char *const *n = (const char *const[]){"large", "empty", "again", "after", "a.zip",
                                                      "b.zip", "c.zip.part", "many.zip", NULL};
         *n; n++)
        unlink(path(*n));
    ok(!rmdir(dir), "nothing else was written");
    apr_terminate();
    return done();
}
