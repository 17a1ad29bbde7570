/* SPDX-License-Identifier: Apache-2.0 */
/* What an archive is called where it goes. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <apr_strings.h>

#include "dest.h"
#include "settings.h"

enum { OBJECT_MAX = 900 }; /* S3 ends at 1024 bytes */

static const char *text_of(const json_t *object, const char *name)
{
    const char *text = json_string_value(json_object_get(object, name));

    return text && *text ? text : NULL;
}

const char *wm_dest_site(apr_pool_t *pool)
{
    const char *site = wm_setting_text(WM_SETTING_SITE_NAME);
    char name[256] = "";

    if (site)
        return site;
    if (gethostname(name, sizeof name - 1) || !*name)
        return "webmunk";
    return apr_pstrdup(pool, name);
}

/* PATH with {study} and the like filled in. */
static const char *fill(const char *path, const json_t *facts, apr_pool_t *pool)
{
    static const struct {
        const char *mark, *fact;
    } marks[] = {
        {"{study}", "study"}, {"{profile}", "profile"}, {"{day}", "day"}, {"{date}", "requested"}};

    for (size_t i = 0; i < sizeof marks / sizeof *marks; i++) {
        const char *at, *value = text_of(facts, marks[i].fact);

        while ((at = strstr(path, marks[i].mark)))
            path = apr_pstrcat(pool, apr_pstrmemdup(pool, path, (apr_size_t)(at - path)),
                               value ? value : "none", at + strlen(marks[i].mark), NULL);
    }
    return path;
}

/* Identifiers may hold anything; a name of a file may not. */
static const char *plain(const char *text, apr_pool_t *pool)
{
    char *copy = apr_pstrmemdup(pool, text, strnlen(text, 80));

    for (char *c = copy; *c; c++)
        if ((unsigned char)*c < ' ' || strchr("/\\:*?\"<>|\x7f", *c))
            *c = '_';
    return copy;
}

static const wm_err *check(const char *object, apr_pool_t *pool)
{
    if (strlen(object) > OBJECT_MAX)
        return wm_err_make(pool, WM_E_INPUT, "the path at the destination is longer than %d bytes",
                           OBJECT_MAX);
    for (const char *part = object; part; part = strchr(part, '/') ? strchr(part, '/') + 1 : NULL) {
        size_t size = strcspn(part, "/");

        if (!size || (size == 1 && *part == '.') || (size == 2 && !strncmp(part, "..", 2)))
            return wm_err_make(
                pool, WM_E_INPUT,
                "the path at the destination may not have empty parts, \".\" or \"..\"");
    }
    for (const char *c = object; *c; c++)
        if ((unsigned char)*c < ' ' || *c == '"' || *c == '\\' || *c == 0x7f)
            return wm_err_make(
                pool, WM_E_INPUT,
                "the path at the destination may hold no quotes, backslashes or controls");
    return NULL;
}

const wm_err *wm_dest_object(const char **object, const json_t *settings, const json_t *facts,
                             apr_pool_t *pool)
{
    const char *path = text_of(facts, "path") ? text_of(facts, "path") : text_of(settings, "path");
    const char *first = text_of(facts, "first_source"), *last = text_of(facts, "last_source");
    const char *requested = text_of(facts, "requested");
    const char *name = text_of(facts, "file_name");

    if (!name)
        return wm_err_make(pool, WM_E_INPUT, "the archive has no name yet");
    if (json_is_true(json_object_get(settings, "prepend_source_range")) && first)
        name = apr_pstrcat(pool, plain(first, pool), last && strcmp(first, last) ? "-" : "",
                           last && strcmp(first, last) ? plain(last, pool) : "", "_", name, NULL);
    if (json_is_true(json_object_get(settings, "prepend_date")) && requested)
        name = apr_pstrcat(pool, requested, "_", name, NULL);
    if (json_is_true(json_object_get(settings, "prepend_host")))
        name = apr_pstrcat(pool, plain(wm_dest_site(pool), pool), "_", name, NULL);
    /* Nightly archives lie in folders of their days, unless the destination says where. */
    if (!path)
        path = text_of(facts, "day") ? text_of(facts, "day") : "";
    path = fill(path, facts, pool);
    while (*path == '/')
        path++;
    if (*path)
        name = apr_pstrcat(pool, path, path[strlen(path) - 1] == '/' ? "" : "/", name, NULL);
    *object = name;
    return check(name, pool);
}
