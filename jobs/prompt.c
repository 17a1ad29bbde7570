/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include <apr_strings.h>
#include <sodium.h>

#include "prompt.h"

/* The one terminal whose echo may be off: signal handlers have no other way to know it. */
static volatile sig_atomic_t tty_fd = -1;
static struct termios tty_before;

void wm_prompt_restore(void)
{
    int fd = tty_fd;

    if (fd >= 0)
        tcsetattr(fd, TCSANOW, &tty_before);
}

/* Byte by byte, so that nothing of what follows the line is taken or kept in a buffer. */
static const wm_err *read_line(char line[WM_SECRET_LINE_MAX], wm_run *run, int fd, const char *what)
{
    size_t size = 0;

    for (;;) {
        char c;
        ssize_t got = read(fd, &c, 1);

        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return wm_err_apr(run->pool, errno, "cannot read %s", what);
        if (got == 0 || c == '\n')
            break;
        if (c == '\0' || size == WM_SECRET_LINE_MAX - 1)
            return wm_err_make(run->pool, WM_E_INPUT,
                               "the first line of %s is no text, or longer than %d bytes", what,
                               WM_SECRET_LINE_MAX - 1);
        line[size++] = c;
    }
    if (size && line[size - 1] == '\r')
        size--;
    line[size] = '\0';
    if (!size)
        return wm_err_make(run->pool, WM_E_INPUT, "the first line of %s is empty", what);
    return NULL;
}

const wm_err *wm_secret_file(char line[WM_SECRET_LINE_MAX], wm_run *run, const char *path)
{
    const wm_err *err;
    int fd;

    if (!strcmp(path, "-"))
        return read_line(line, run, STDIN_FILENO, "standard input");
    fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    if (fd < 0)
        return wm_err_apr(run->pool, errno, "cannot read %s", path);
    err = read_line(line, run, fd, path);
    close(fd);
    return err;
}

static void say(int fd, const char *text)
{
    /* A terminal that cannot be written to shows up when it is read. */
    if (write(fd, text, strlen(text)) < 0)
        return;
}

static const wm_err *ask(char line[WM_SECRET_LINE_MAX], wm_run *run, int fd, const char *question)
{
    struct termios silent;
    const wm_err *err;

    if (tcgetattr(fd, &tty_before))
        return wm_err_apr(run->pool, errno, "cannot ask at the terminal");
    silent = tty_before;
    silent.c_lflag &= ~(tcflag_t)ECHO;
    silent.c_lflag |= ECHONL;
    tty_fd = fd;
    if (tcsetattr(fd, TCSAFLUSH, &silent)) {
        tty_fd = -1;
        return wm_err_apr(run->pool, errno, "cannot silence the terminal");
    }
    say(fd, question);
    err = read_line(line, run, fd, "the terminal");
    wm_prompt_restore();
    tty_fd = -1;
    return err;
}

static const wm_err *ask_twice(char line[WM_SECRET_LINE_MAX], wm_run *run, int fd,
                               const char *account)
{
    char again[WM_SECRET_LINE_MAX];
    const wm_err *err;

    WM_TRY(ask(line, run, fd, apr_psprintf(run->pool, "New password for %s: ", account)));
    err = ask(again, run, fd, "The same again: ");
    if (!err && strcmp(line, again))
        err = wm_err_make(run->pool, WM_E_INPUT, "the two passwords differ");
    sodium_memzero(again, sizeof again);
    return err;
}

const wm_err *wm_secret_password(char line[WM_SECRET_LINE_MAX], wm_run *run, const char *path,
                                 const char *account)
{
    const wm_err *err;
    int fd;

    if (path)
        return wm_secret_file(line, run, path);
    fd = isatty(STDIN_FILENO) ? open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY) : -1;
    if (fd < 0)
        return wm_run_usage(run, "there is no terminal to ask at: give --password-file FILE, or "
                                 "\"-\" for standard input");
    err = ask_twice(line, run, fd, account);
    close(fd);
    return err;
}

const wm_err *wm_prompt_confirm(int *yes, wm_run *run, const char *question)
{
    char line[WM_SECRET_LINE_MAX];
    const wm_err *err;
    int fd;

    *yes = wm_run_option(run, "yes") != NULL;
    if (*yes)
        return NULL;
    fd = isatty(STDIN_FILENO) ? open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY) : -1;
    if (fd < 0)
        return wm_run_usage(run, "there is no terminal to ask at: give --yes");
    say(fd, apr_pstrcat(run->pool, question, " Type yes: ", NULL));
    err = read_line(line, run, fd, "the terminal");
    close(fd);
    *yes = !err && !strcmp(line, "yes");
    return NULL;
}
