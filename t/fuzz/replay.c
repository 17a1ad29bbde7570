/* SPDX-License-Identifier: Apache-2.0 */
/* Runs the files of a folder through one fuzz target and prints TAP.  The folder is
 * $WM_SRCDIR/t/fuzz/corpus/NAME for a program called replay_NAME, because prove gives its programs
 * no arguments of their own; arguments name folders or files instead, to look at a finding. */
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <sys/stat.h>

#include "fuzz.h"

static int count, accepted;

static int bail_out(const char *what, const char *path)
{
    printf("Bail out! %s %s: %s\n", what, path, strerror(errno));
    return 1;
}

static int replay_file(const char *path)
{
    FILE *file = fopen(path, "rb");
    struct stat info;
    unsigned long before = fuzz_accepted;
    char *data;
    size_t size;

    if (!file || fstat(fileno(file), &info))
        return bail_out("cannot open", path);
    size = (size_t)info.st_size;
    data = malloc(size ? size : 1);
    if (!data || fread(data, 1, size, file) != size)
        return bail_out("cannot read", path);
    fclose(file);

    printf("# %s\n", path); /* before it runs: a crash then has a name */
    fflush(stdout);
    LLVMFuzzerTestOneInput((const uint8_t *)data, size);
    accepted += fuzz_accepted > before;
    printf("ok %d - %s input %s\n", ++count, fuzz_accepted > before ? "accepted" : "refused",
           strrchr(path, '/') ? strrchr(path, '/') + 1 : path);
    free(data);
    return 0;
}

static int is_input(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

static int replay_folder(const char *folder)
{
    struct dirent **entries;
    int n = scandir(folder, &entries, is_input, alphasort), failed = 0;

    if (n < 0 && errno == ENOTDIR)
        return replay_file(folder);
    if (n < 0)
        return bail_out("cannot list", folder);
    for (int i = 0; i < n; i++) {
        char path[PATH_MAX];

        if (snprintf(path, sizeof path, "%s/%s", folder, entries[i]->d_name) >= (int)sizeof path)
            failed = 1;
        failed = failed || replay_file(path);
        free(entries[i]);
    }
    free(entries);
    return failed;
}

static int replay_corpus(const char *program)
{
    const char *source = getenv("WM_SRCDIR"), *name = strstr(program, "replay_");
    char folder[PATH_MAX];
    int failed;

    while (name && strstr(name + 1, "replay_"))
        name = strstr(name + 1, "replay_");
    if (!source || !name) {
        printf("Bail out! WM_SRCDIR must name the source tree, and the program be replay_NAME\n");
        return 1;
    }
    if (snprintf(folder, sizeof folder, "%s/t/fuzz/corpus/%s", source, name + strlen("replay_")) >=
        (int)sizeof folder)
        return 1;
    failed = replay_folder(folder);
    printf("%sok %d - the corpus %s has inputs that are accepted (%d)\n", accepted ? "" : "not ",
           count + 1, name + strlen("replay_"), accepted);
    printf("%sok %d - ... and inputs that are refused (%d)\n", accepted < count ? "" : "not ",
           count + 2, count - accepted);
    failed = failed || !accepted || accepted == count;
    count += 2;
    return failed;
}

int main(int argc, char **argv)
{
    int failed = 0;

    if (argc < 2)
        failed = replay_corpus(argv[0]);
    for (int i = 1; i < argc; i++)
        failed = replay_folder(argv[i]) || failed;
    printf("1..%d\n", count);
    return failed;
}
