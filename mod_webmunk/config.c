/* SPDX-License-Identifier: Apache-2.0 */
#include <stddef.h>
#include <string.h>

#include <apr_strings.h>
#include <httpd.h>
#include <http_config.h>
#include <http_core.h>
#include <http_log.h>

#include "config.h"
#include "wm_value.h"

APLOG_USE_MODULE(webmunk);

#define UNSET (-1)
#define NONE  "none"

typedef enum { LOCATION, SERVER, PROCESS } scope_id;

/* One directive, as the setter and the merge see it. */
typedef struct setting {
    const char *name;
    const char *preset;
    const char *words;
    apr_int64_t least, most;
    wm_value_kind kind;
    scope_id scope;
    size_t offset;
} setting;

#define MEMBER_SIZE(m)   apr_int64_t m
#define MEMBER_NUMBER(m) apr_int64_t m
#define MEMBER_TIME(m)   apr_int64_t m
#define MEMBER_FLAG(m)   apr_int64_t m
#define MEMBER_CHOICE(m) apr_int64_t m
#define MEMBER_WORDS(m)  apr_int64_t m
#define MEMBER_PATH(m)   const char *m
#define MEMBER_LIST(m)   apr_array_header_t *m

typedef struct dir_conf {
#define X(kind, member, ...) MEMBER_##kind(member);
    WM_DIR_DIRECTIVES(X)
#undef X
} dir_conf;

typedef struct server_conf {
#define X(kind, scope, member, ...) MEMBER_##kind(member);
    WM_SERVER_DIRECTIVES(X)
#undef X
    const struct wm_box_keys *box_keys;
    const struct wm_site *site;
    struct wm_child *child;
    int places;
} server_conf;

enum {
#define X(kind, member, ...) DIR_##member,
    WM_DIR_DIRECTIVES(X)
#undef X
        DIR_COUNT
};
enum {
#define X(kind, scope, member, ...) SERVER_##member,
    WM_SERVER_DIRECTIVES(X)
#undef X
        SERVER_COUNT
};

static const setting dir_settings[DIR_COUNT] = {
#define X(kind, member, name, preset, words, least, most, help) \
    {name, preset, words, least, most, WM_VALUE_##kind, LOCATION, offsetof(dir_conf, member)},
    WM_DIR_DIRECTIVES(X)
#undef X
};
static const setting server_settings[SERVER_COUNT] = {
#define X(kind, scope, member, name, preset, words, least, most, help) \
    {name, preset, words, least, most, WM_VALUE_##kind, scope, offsetof(server_conf, member)},
    WM_SERVER_DIRECTIVES(X)
#undef X
};

extern module AP_MODULE_DECLARE_DATA webmunk_module;

static int is_pointer(wm_value_kind kind)
{
    return kind == WM_VALUE_PATH || kind == WM_VALUE_LIST;
}

static apr_int64_t *number_at(void *conf, const setting *s)
{
    return (apr_int64_t *)((char *)conf + s->offset);
}

static void **pointer_at(void *conf, const setting *s)
{
    return (void **)((char *)conf + s->offset);
}

static const char *set_number(cmd_parms *cmd, void *conf, const setting *s, const char *text)
{
    apr_int64_t *stored = number_at(conf, s);
    apr_int64_t value;

    if (!wm_value_parse(&value, s->kind, s->words, text)) {
        if (s->words)
            return apr_psprintf(cmd->pool, "%s is \"%s\", but must be one of %s", s->name, text,
                                s->words);
        return apr_psprintf(cmd->pool, "%s is \"%s\", but must be %s", s->name, text,
                            wm_value_form(s->kind));
    }
    if (s->least < s->most && (value < s->least || value > s->most))
        return apr_psprintf(cmd->pool, "%s is %s, but must be between %s and %s", s->name, text,
                            wm_value_text(s->kind, s->least, cmd->pool),
                            wm_value_text(s->kind, s->most, cmd->pool));
    if (s->kind == WM_VALUE_WORDS && *stored != UNSET)
        value |= *stored;
    *stored = value;
    return NULL;
}

/* The setter of every directive. */
static const char *set(cmd_parms *cmd, void *conf, const char *text)
{
    const setting *s = cmd->info;
    const char *path;
    void **stored;

    if (s->scope == PROCESS) {
        const char *error = ap_check_cmd_context(cmd, GLOBAL_ONLY);

        if (error)
            return error;
    }
    if (s->scope != LOCATION)
        conf = ap_get_module_config(cmd->server->module_config, &webmunk_module);
    if (!is_pointer(s->kind))
        return set_number(cmd, conf, s, text);

    stored = pointer_at(conf, s);
    if (s->kind == WM_VALUE_PATH) {
        path = ap_server_root_relative(cmd->pool, text);
        if (!path)
            return apr_psprintf(cmd->pool, "%s is \"%s\", but that is no path", s->name, text);
        *stored = (void *)path;
        return NULL;
    }
    if (!*stored)
        *stored = apr_array_make(cmd->pool, 2, sizeof(const char *));
    APR_ARRAY_PUSH((apr_array_header_t *)*stored, const char *) = apr_pstrdup(cmd->pool, text);
    return NULL;
}

static void unset(void *conf, const setting *list, int count)
{
    for (int i = 0; i < count; i++)
        if (!is_pointer(list[i].kind))
            *number_at(conf, &list[i]) = UNSET;
}

/* What ADD sets wins. */
static void merge(void *merged, void *add, const setting *list, int count)
{
    for (int i = 0; i < count; i++) {
        const setting *s = &list[i];

        if (is_pointer(s->kind)) {
            if (*pointer_at(add, s))
                *pointer_at(merged, s) = *pointer_at(add, s);
        } else if (*number_at(add, s) != UNSET) {
            *number_at(merged, s) = *number_at(add, s);
        }
    }
}

void *wm_dir_create(apr_pool_t *pool, char *path)
{
    dir_conf *conf = apr_pcalloc(pool, sizeof *conf);

    (void)path;
    unset(conf, dir_settings, DIR_COUNT);
    return conf;
}

void *wm_dir_merge(apr_pool_t *pool, void *base, void *add)
{
    dir_conf *conf = apr_pmemdup(pool, base, sizeof *conf);

    merge(conf, add, dir_settings, DIR_COUNT);
    return conf;
}

void *wm_server_create(apr_pool_t *pool, server_rec *s)
{
    server_conf *conf = apr_pcalloc(pool, sizeof *conf);

    (void)s;
    unset(conf, server_settings, SERVER_COUNT);
    return conf;
}

void *wm_server_merge(apr_pool_t *pool, void *base, void *add)
{
    server_conf *conf = apr_pmemdup(pool, base, sizeof *conf);

    merge(conf, add, server_settings, SERVER_COUNT);
    return conf;
}

/* The preset is written as an administrator would write it and read the same way. */
static apr_int64_t number_of(void *conf, const setting *s)
{
    apr_int64_t value = *number_at(conf, s);

    if (value == UNSET && !wm_value_parse(&value, s->kind, s->words, s->preset))
        value = 0;
    return value;
}

static void *pointer_of(void *conf, const setting *s)
{
    void *value = *pointer_at(conf, s);

    return value || s->kind == WM_VALUE_LIST || !strcmp(s->preset, NONE) ? value
                                                                         : (void *)s->preset;
}

static void *dir_of(const request_rec *r)
{
    return ap_get_module_config(r->per_dir_config, &webmunk_module);
}

static void *server_of(const server_rec *s)
{
    return ap_get_module_config(s->module_config, &webmunk_module);
}

#define GET_SIZE   number_of
#define GET_NUMBER number_of
#define GET_TIME   number_of
#define GET_FLAG   number_of
#define GET_CHOICE number_of
#define GET_WORDS  number_of
#define GET_PATH   pointer_of
#define GET_LIST   pointer_of

#define X(kind, member, ...)                                       \
    WM_GETTER_##kind wm_dir_##member(const request_rec *r)         \
    {                                                              \
        return GET_##kind(dir_of(r), &dir_settings[DIR_##member]); \
    }
WM_DIR_DIRECTIVES(X)
#undef X

#define X(kind, scope, member, ...)                                         \
    WM_GETTER_##kind wm_server_##member(const server_rec *s)                \
    {                                                                       \
        return GET_##kind(server_of(s), &server_settings[SERVER_##member]); \
    }
WM_SERVER_DIRECTIVES(X)
#undef X

const struct wm_box_keys *wm_server_box_keys(const server_rec *s)
{
    return ((server_conf *)server_of(s))->box_keys;
}

const struct wm_site *wm_server_site(const server_rec *s)
{
    return ((server_conf *)server_of(s))->site;
}

void wm_server_set_site(server_rec *s, const struct wm_site *site)
{
    ((server_conf *)server_of(s))->site = site;
}

void wm_server_set_box_keys(server_rec *s, const struct wm_box_keys *keys)
{
    ((server_conf *)server_of(s))->box_keys = keys;
}

int wm_server_places(const server_rec *s)
{
    return ((server_conf *)server_of(s))->places;
}

void wm_server_set_places(server_rec *s, int places)
{
    ((server_conf *)server_of(s))->places = places;
}

struct wm_child *wm_server_child(const server_rec *s)
{
    return ((server_conf *)server_of(s))->child;
}

void wm_server_set_child(server_rec *s, struct wm_child *child)
{
    ((server_conf *)server_of(s))->child = child;
}

#define COMMAND_SIZE   AP_INIT_TAKE1
#define COMMAND_NUMBER AP_INIT_TAKE1
#define COMMAND_TIME   AP_INIT_TAKE1
#define COMMAND_FLAG   AP_INIT_TAKE1
#define COMMAND_CHOICE AP_INIT_TAKE1
#define COMMAND_WORDS  AP_INIT_ITERATE
#define COMMAND_PATH   AP_INIT_TAKE1
#define COMMAND_LIST   AP_INIT_ITERATE

const command_rec wm_commands[] = {
#define X(kind, member, name, preset, words, least, most, help)                             \
    COMMAND_##kind(name, set, (void *)&dir_settings[DIR_##member], RSRC_CONF | ACCESS_CONF, \
                   help " (default: " preset ")"),
    WM_DIR_DIRECTIVES(X)
#undef X
#define X(kind, scope, member, name, preset, words, least, most, help)              \
    COMMAND_##kind(name, set, (void *)&server_settings[SERVER_##member], RSRC_CONF, \
                   help " (default: " preset ")"),
        WM_SERVER_DIRECTIVES(X)
#undef X
            {.name = NULL}};
