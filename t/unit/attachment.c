/* SPDX-License-Identifier: Apache-2.0 */
/* Files of a bundle on disk, more of them than are flushed together. */
#include <dirent.h>
#include <stdlib.h>
#include <unistd.h>

#include <apr_general.h>
#include <apr_strings.h>
#include <sodium.h>

#include "tap.h"
#include "wm_attachment.h"

enum { COUNT = 150 };

static apr_pool_t *pool;

static wm_bundle *make_bundle(void)
{
    wm_upload *upload = apr_pcalloc(pool, sizeof *upload);
    wm_bundle *bundle = apr_pcalloc(pool, sizeof *bundle);

    upload->received = APR_INT64_C(1700000000000000);
    bundle->upload = upload;
    bundle->files = apr_array_make(pool, COUNT, sizeof(wm_file));
    for (int i = 0; i < COUNT; i++) {
        wm_file *file = apr_array_push(bundle->files);
        const char *text = apr_psprintf(pool, "content %d", i);

        memset(file, 0, sizeof *file);
        file->content = (wm_text){text, strlen(text)};
    }
    return bundle;
}

static int same_content(const wm_file *file, const char *root)
{
    FILE *f = fopen(apr_pstrcat(pool, root, "/", file->path, NULL), "rb");
    unsigned char sha[32];
    char text[100];
    size_t size = f ? fread(text, 1, sizeof text, f) : 0;

    if (f)
        fclose(f);
    crypto_hash_sha256(sha, (const unsigned char *)file->content.data, file->content.size);
    return size == file->content.size && !memcmp(text, file->content.data, size) &&
           !memcmp(sha, file->sha256, sizeof sha);
}

static int open_files(void)
{
    DIR *dir = opendir("/proc/self/fd");
    int count = 0;

    while (dir && readdir(dir))
        count++;
    if (dir)
        closedir(dir);
    return count;
}

static int entries(const char *path)
{
    DIR *dir = opendir(path);
    const struct dirent *entry;
    int count = 0;

    while (dir && (entry = readdir(dir)))
        count += entry->d_name[0] != '.';
    if (dir)
        closedir(dir);
    return count;
}

int main(void)
{
    char root[] = "/tmp/wm-attachment-XXXXXX";
    const char *month, *blocked;
    wm_bundle *b, *again;
    int before, same = 0, with_path = 0;
    const wm_err *err;

    apr_initialize();
    apr_pool_create(&pool, NULL);
    if (!mkdtemp(root) || sodium_init() < 0)
        return 1;
    month = apr_pstrcat(pool, root, "/2023/11", NULL);
    b = make_bundle();
    before = open_files();
    ok(!wm_attachment_store(b, root, pool), "%d files are stored", COUNT);
    for (int i = 0; i < COUNT; i++)
        same += same_content(&APR_ARRAY_IDX(b->files, i, wm_file), root);
    is_int(same, COUNT, "... each with its content and digest");
    is_int(entries(month), COUNT, "... in the month of reception");
    is_int(open_files(), before, "... and none is left open");

    wm_attachment_remove(b, root, pool);
    is_int(entries(month), 0, "all can be removed");
    blocked = apr_pstrcat(pool, root, "/", APR_ARRAY_IDX(b->files, 100, wm_file).path, NULL);
    ok(!symlink("/dev/null", blocked), "something stands where the 101st would go");
    again = make_bundle();
    err = wm_attachment_store(again, root, pool);
    ok(err && err->code == WM_E_BUSY, "then the files cannot be stored");
    for (int i = 0; i < COUNT; i++)
        with_path += APR_ARRAY_IDX(again->files, i, wm_file).path != NULL;
    is_int(with_path, 100, "... those before it have a path");
    is_int(open_files(), before, "... and none is left open");
    wm_attachment_remove(again, root, pool);
    is_int(entries(month), 1, "... so that they can be removed");

    unlink(blocked);
    rmdir(month);
    rmdir(apr_pstrcat(pool, root, "/2023", NULL));
    rmdir(root);
    apr_terminate();
    return done();
}
