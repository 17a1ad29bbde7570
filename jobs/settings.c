/* SPDX-License-Identifier: Apache-2.0 */
/* The form of the file is inih's; what it reads its lines through here counts and bounds them, and takes
 * blanks from their beginnings, so that an indented key is a key and no more of the value above. */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <apr_strings.h>
#include <ini.h>

#include "settings.h"
#include "settings_value.h"

enum { FILE_MAX = 65536 };

static const wm_setting_row rows[] = {
#define X(name, section, key, kind, preset, words, low, high, env, help) \
    {section, key, WM_KIND_##kind, preset, words, low, high, env, help},
    WM_SETTINGS(X)
#undef X
};

typedef struct setting {
    const char *text; /* NULL: not set */
    apr_int64_t numbers[2];
    int line;     /* of the file that has it; 0: none has */
    int from_env; /* which has the last word */
} setting;

struct wm_settings {
    const char *path; /* NULL: no file */
    setting values[WM_SETTING_COUNT];
};

typedef struct parser {
    wm_settings *settings;
    const char *at; /* the rest of the text */
    int line;
    const wm_err *err;
    apr_pool_t *pool;
} parser;

static const wm_settings none;
static const wm_settings *current = &none;

static const wm_err *wrong(const parser *p, int line, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

static const wm_err *wrong(const parser *p, int line, const char *fmt, ...)
{
    va_list ap;
    const char *text;

    va_start(ap, fmt);
    text = apr_pvsprintf(p->pool, fmt, ap);
    va_end(ap);
    return wm_err_make(p->pool, WM_E_INPUT, "%s:%d: %s", p->settings->path, line, text);
}

/* --- lines -------------------------------------------------------------------------------------- */

/* The keys of SECTION, or all sections when it is NULL; NULL when there is no such section. */
static const char *names(const char *section, apr_pool_t *pool)
{
    const char *list = NULL, *last = "";

    for (int i = 0; i < WM_SETTING_COUNT; i++) {
        const char *name = section ? rows[i].key : rows[i].section;

        if (section ? strcmp(section, rows[i].section) : !strcmp(last, name))
            continue;
        list = list ? apr_pstrcat(pool, list, ", ", name, NULL) : name;
        last = name;
    }
    return list;
}

/* inih tells of a section with the first of its keys; one without any must be known, too. */
static const wm_err *check_section(const parser *p, const char *line)
{
    const char *end = strchr(line, ']');
    const char *name = end ? apr_pstrmemdup(p->pool, line + 1, (apr_size_t)(end - line - 1)) : NULL;

    if (!name || names(name, p->pool))
        return NULL;
    return wrong(p, p->line, "there is no section [%s]; there are %s", name, names(NULL, p->pool));
}

static int is_comment(const char *line)
{
    return *line == '#' || *line == ';';
}

static const wm_err *check_line(const parser *p, const char *line, size_t size, int room)
{
    for (size_t i = 0; i < size; i++)
        if (iscntrl((unsigned char)line[i]) && line[i] != '\t' && line[i] != '\r')
            return wrong(p, p->line, "the line has a control character");
    /* Its end and a NUL need room as well; comments are not handed on. */
    if (is_comment(line) || size + 3 <= (size_t)room)
        return NULL;
    return wrong(p, p->line, "the line is longer than %d bytes", room - 3);
}

/* inih's fgets. */
static char *next_line(char *line, int room, void *data)
{
    parser *p = data;
    size_t size;

    if (p->err || !*p->at)
        return NULL;
    p->line++;
    p->at += strspn(p->at, " \t");
    size = strcspn(p->at, "\n");
    p->err = check_line(p, p->at, size, room);
    if (p->err)
        return NULL;
    if (is_comment(p->at))
        *line = 0;
    else
        apr_cpystrn(line, p->at, size + 1);
    p->at += size + (p->at[size] == '\n');
    if (*line == '[')
        p->err = check_section(p, line);
    return p->err ? NULL : line;
}

/* --- values ------------------------------------------------------------------------------------- */

static int find(const char *section, const char *key)
{
    for (int i = 0; i < WM_SETTING_COUNT; i++)
        if (!strcmp(rows[i].section, section) && !strcmp(rows[i].key, key))
            return i;
    return -1;
}

/* A key that is none, with what was probably meant. */
static const wm_err *unknown(const parser *p, const char *section, const char *key)
{
    const char *known = names(section, p->pool);

    for (int i = 0; i < WM_SETTING_COUNT; i++)
        if (!strcmp(rows[i].env, key))
            return wrong(p, p->line,
                         "%s is a name of the environment; here it is %s in section [%s]", key,
                         rows[i].key, rows[i].section);
    if (!*section)
        return wrong(p, p->line, "%s stands in no section; there are %s", key,
                     names(NULL, p->pool));
    return wrong(p, p->line, "there is no %s in section [%s]; there are %s", key, section,
                 known ? known : "none");
}

static const wm_err *add(parser *p, const char *section, const char *key, const char *value)
{
    int id = find(section, key);
    const wm_setting_row *row = &rows[id < 0 ? 0 : id];
    setting *s = &p->settings->values[id < 0 ? 0 : id];
    const char *text;
    const wm_err *err;

    if (id < 0)
        return unknown(p, section, key);
    if (s->line && row->kind != WM_KIND_ADDRESSES && row->kind != WM_KIND_PATHS)
        return wrong(p, p->line, "%s in [%s] was given already, in line %d", key, section, s->line);
    err = wm_setting_expand(&text, value, p->pool);
    if (!err && !*text)
        return wrong(p, p->line, "%s in [%s] is empty; without a value, remove the line", key,
                     section);
    if (!err)
        err = wm_setting_check(s->numbers, row, text, p->pool);
    if (err)
        return wrong(p, p->line, "%s in [%s] %s", key, section, err->why);
    s->text = s->line ? apr_pstrcat(p->pool, s->text, ", ", text, NULL) : text;
    s->line = p->line;
    return NULL;
}

static int on_value(void *data, const char *section, const char *key, const char *value)
{
    parser *p = data;

    if (!p->err)
        p->err = add(p, section, key, value);
    return !p->err;
}

/* What the file does not say, and what the environment says instead. */
static const wm_err *complete(wm_settings *settings, apr_pool_t *pool)
{
    for (int i = 0; i < WM_SETTING_COUNT; i++) {
        setting *s = &settings->values[i];
        const char *value = getenv(rows[i].env);
        const wm_err *err = NULL;

        if (value && *value) {
            s->text = apr_pstrdup(pool, value);
            s->from_env = 1;
            /* A password in the environment is the administrator's choice. */
            if (rows[i].kind != WM_KIND_CONNINFO)
                err = wm_setting_check(s->numbers, &rows[i], value, pool);
        } else if (!s->text && *rows[i].preset) {
            s->text = rows[i].preset;
            err = wm_setting_check(s->numbers, &rows[i], s->text, pool);
        }
        if (err)
            return wm_err_make(pool, WM_E_INPUT, "%s %s", rows[i].env, err->why);
    }
    return NULL;
}

/* --- files -------------------------------------------------------------------------------------- */

const wm_err *wm_settings_parse(const wm_settings **settings, const char *path, const char *text,
                                apr_size_t size, apr_pool_t *pool)
{
    parser p = {.pool = pool};
    int line;

    p.settings = apr_pcalloc(pool, sizeof *p.settings);
    p.settings->path = path;
    p.at = apr_pstrmemdup(pool, text, size);
    if (strlen(p.at) != size)
        return wm_err_make(pool, WM_E_INPUT, "%s is no text: it has a NUL byte", path);
    if (!strncmp(p.at, "\xef\xbb\xbf", 3))
        p.at += 3;
    line = ini_parse_stream(next_line, &p, on_value, &p);
    /* inih goes on after a line that is none of its own, and tells of the first. */
    if (line > 0 && (!p.err || line < p.line))
        return wrong(&p, line, "the line is neither \"[section]\" nor \"key = value\"");
    if (p.err)
        return p.err;
    if (line)
        return wm_err_make(pool, WM_E_SYSTEM, "%s: no memory", path);
    WM_TRY(complete(p.settings, pool));
    *settings = p.settings;
    return NULL;
}

static const wm_err *read_file(char *text, apr_size_t *size, const char *path, apr_pool_t *pool)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t got = 0;

    *size = 0;
    if (fd < 0)
        return wm_err_apr(pool, errno, "the settings in %s", path);
    while (*size < FILE_MAX + 1 && (got = read(fd, text + *size, FILE_MAX + 1 - *size)) > 0)
        *size += (apr_size_t)got;
    close(fd);
    if (got < 0)
        return wm_err_apr(pool, errno, "the settings in %s", path);
    if (*size > FILE_MAX)
        return wm_err_make(pool, WM_E_INPUT, "%s is larger than 64 KiB", path);
    return NULL;
}

const wm_err *wm_settings_read(const wm_settings **settings, const char *path, apr_pool_t *pool)
{
    char *text;
    apr_size_t size;

    if (!path) {
        wm_settings *made = apr_pcalloc(pool, sizeof *made);

        WM_TRY(complete(made, pool));
        *settings = made;
        return NULL;
    }
    text = apr_palloc(pool, FILE_MAX + 1);
    WM_TRY(read_file(text, &size, path, pool));
    return wm_settings_parse(settings, path, text, size, pool);
}

const char *wm_settings_path(const char *given)
{
    struct stat st;

    if (!given)
        given = getenv("WEBMUNKD_CONF");
    if (!given && (!stat(WM_CONF_FILE, &st) || errno != ENOENT))
        given = WM_CONF_FILE;
    return given && *given ? given : NULL;
}

/* --- reading ------------------------------------------------------------------------------------ */

void wm_settings_use(const wm_settings *settings)
{
    current = settings;
}

const char *wm_setting_text(wm_setting id)
{
    return current->values[id].text;
}

apr_int64_t wm_setting_number(wm_setting id)
{
    return current->values[id].numbers[0];
}

apr_int64_t wm_setting_critical(wm_setting id)
{
    return current->values[id].numbers[1];
}

apr_array_header_t *wm_setting_list(wm_setting id, apr_pool_t *pool)
{
    return wm_setting_split(current->values[id].text, pool);
}

const char *wm_settings_conninfo(void)
{
    const char *conninfo = wm_setting_text(WM_SETTING_DATABASE);

    return conninfo ? conninfo : "";
}

const char *wm_setting_called(wm_setting id, apr_pool_t *pool)
{
    return apr_psprintf(pool, "%s in [%s] of webmunkd.conf (or %s)", rows[id].key, rows[id].section,
                        rows[id].env);
}

static void print_one(const wm_setting_row *row, const setting *s, apr_pool_t *pool)
{
    const char *form = wm_setting_form(row, pool);

    printf("\n# %s%s%s\n# environment: %s", row->help, *form ? "; " : "", form, row->env);
    if (*row->preset)
        printf("; default: %s", row->preset);
    if (s->from_env)
        printf("; set by the environment");
    else if (s->line)
        printf("; set in line %d", s->line);
    printf("\n%s%s = %s\n", s->from_env || s->line ? "" : "#", row->key, s->text ? s->text : "");
}

void wm_settings_print(const wm_settings *settings)
{
    apr_pool_t *pool;

    apr_pool_create(&pool, NULL);
    printf("# %s\n", settings->path ? settings->path : "no file");
    for (int i = 0; i < WM_SETTING_COUNT; i++) {
        if (!i || strcmp(rows[i].section, rows[i - 1].section))
            printf("\n[%s]\n", rows[i].section);
        print_one(&rows[i], &settings->values[i], pool);
    }
    apr_pool_destroy(pool);
}
