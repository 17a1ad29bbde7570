/* SPDX-License-Identifier: Apache-2.0 */
/* Reading a folder of templates. */
#include <string.h>

#include <apr_file_io.h>
#include <apr_strings.h>

#include "wm_mustache_int.h"

#define SUFFIX ".mustache"

const wm_err *wm_templates_check(const wm_templates *set, apr_pool_t *pool)
{
    if (!set->strict)
        return NULL;
    for (apr_hash_index_t *i = apr_hash_first(pool, set->by_name); i; i = apr_hash_next(i)) {
        const wm_template *made = apr_hash_this_val(i);

        for (int n = 0; n < made->count; n++) {
            const wm_node *node = &made->nodes[n];

            if (node->kind == WM_NODE_PARTIAL && !wm_templates_has(set, node->text))
                return wm_err_make(pool, WM_E_INPUT, "%s.mustache line %d: there is no partial %s",
                                   made->name, node->line, node->text);
        }
    }
    return NULL;
}

static const wm_err *load_file(wm_templates *set, const char *path, const char *name,
                               apr_pool_t *pool)
{
    apr_size_t size = 0;
    apr_status_t status;
    apr_finfo_t info;
    apr_file_t *file;
    char *text;

    status =
        apr_file_open(&file, path, APR_FOPEN_READ | APR_FOPEN_BINARY, APR_FPROT_OS_DEFAULT, pool);
    if (status == APR_SUCCESS)
        status = apr_file_info_get(&info, APR_FINFO_SIZE, file);
    if (status != APR_SUCCESS)
        return wm_err_apr(pool, status, "cannot open template %s", path);
    if (info.size > WM_MUSTACHE_SOURCE_MAX)
        return wm_err_make(pool, WM_E_INPUT, "%s has more than %d bytes", path,
                           WM_MUSTACHE_SOURCE_MAX);
    text = apr_palloc(pool, (apr_size_t)info.size + 1);
    if (info.size)
        status = apr_file_read_full(file, text, (apr_size_t)info.size, &size);
    apr_file_close(file);
    if (status != APR_SUCCESS)
        return wm_err_apr(pool, status, "cannot read template %s", path);
    return wm_err_wrap(pool, wm_templates_add(set, name, text, size), "template %s", path);
}

static const wm_err *load_folder(int *count, wm_templates *set, const char *dir, apr_pool_t *pool)
{
    const wm_err *err = NULL;
    apr_status_t status;
    apr_finfo_t info;
    apr_dir_t *folder;

    *count = 0;
    status = apr_dir_open(&folder, dir, pool);
    if (status != APR_SUCCESS)
        return wm_err_apr(pool, status, "cannot open the template folder %s", dir);
    while (!err && apr_dir_read(&info, APR_FINFO_NAME, folder) == APR_SUCCESS) {
        size_t size = strlen(info.name);

        if (*info.name == '.' || size <= strlen(SUFFIX) ||
            strcmp(info.name + size - strlen(SUFFIX), SUFFIX))
            continue;
        (*count)++;
        err = load_file(set, apr_pstrcat(pool, dir, "/", info.name, NULL),
                        apr_pstrndup(pool, info.name, size - strlen(SUFFIX)), pool);
    }
    apr_dir_close(folder);
    return err;
}

const wm_err *wm_templates_load(wm_templates **set, const char *dir, apr_pool_t *pool)
{
    wm_templates *made = wm_templates_create(1, pool);
    int count;

    WM_TRY(load_folder(&count, made, apr_pstrcat(pool, dir, "/partials", NULL), pool));
    WM_TRY(load_folder(&count, made, dir, pool));
    if (!count)
        return wm_err_make(pool, WM_E_INPUT, "the template folder %s has no file *%s", dir, SUFFIX);
    WM_TRY(wm_templates_check(made, pool));
    *set = made;
    return NULL;
}
