/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <apr_strings.h>

#include "heads.h"

enum { LINE_MAX_SIZE = 4096 };

static apr_status_t close_file(void *data)
{
    fclose(data);
    return APR_SUCCESS;
}

const wm_err *wm_heads_read(const char *path,
                            const wm_err *(*each)(void *baton, const wm_chain_head *head, int line),
                            void *baton, apr_pool_t *pool)
{
    FILE *in = fopen(path, "re");
    char line[LINE_MAX_SIZE];

    if (!in && errno == ENOENT)
        return NULL;
    if (!in)
        return wm_err_apr(pool, errno, "the heads in %s", path);
    apr_pool_cleanup_register(pool, in, close_file, apr_pool_cleanup_null);
    for (int number = 1; fgets(line, sizeof line, in); number++) {
        size_t size = strlen(line);
        wm_chain_head head;

        if (size + 1 < sizeof line && (!size || line[size - 1] != '\n'))
            break; /* its writer was interrupted */
        if (wm_chain_head_parse(&head, line, size, pool))
            return wm_err_make(pool, WM_E_INPUT, "%s:%d: that is no head of an access log", path,
                               number);
        WM_TRY(each(baton, &head, number));
    }
    return ferror(in) ? wm_err_apr(pool, EIO, "reading %s", path) : NULL;
}

/* Cut off what stands behind the last line end of FD. */
static int cut(int fd)
{
    char tail[LINE_MAX_SIZE];
    struct stat st;
    off_t from;
    ssize_t got;

    if (fstat(fd, &st))
        return -1;
    from = st.st_size > LINE_MAX_SIZE ? st.st_size - LINE_MAX_SIZE : 0;
    got = pread(fd, tail, sizeof tail, from);
    if (got < 0)
        return -1;
    while (got > 0 && tail[got - 1] != '\n')
        got--;
    return from + got == st.st_size ? 0 : ftruncate(fd, from + got);
}

const wm_err *wm_heads_append(const char *path, const wm_chain_head *head, apr_pool_t *pool)
{
    const char *line = wm_chain_head_line(head, pool);
    size_t size = strlen(line);
    int fd = open(path, O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC, 0600), failed = 0;

    if (fd < 0)
        return wm_err_apr(pool, errno, "the heads in %s", path);
    if (cut(fd) || write(fd, line, size) != (ssize_t)size || fsync(fd))
        failed = errno ? errno : ENOSPC;
    if (close(fd) && !failed)
        failed = errno;
    return failed ? wm_err_apr(pool, failed, "writing a head into %s", path) : NULL;
}
