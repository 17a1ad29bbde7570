/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include <apr_strings.h>

#include "wm_export_int.h"

/* Not a generator's name: no type of a client can have a blank at its end and be found. */
#define GENERIC "generic"

const wm_export_type *wm_export_type_find(const char *name, apr_pool_t *pool)
{
    const wm_export_type *generic = NULL;
    wm_export_type *type;

    for (const wm_export_type *t = wm_export_types; t->name; t++) {
        if (!strcmp(t->name, GENERIC))
            generic = t;
        else if (!strcmp(t->name, name))
            return t;
    }
    type = apr_pmemdup(pool, generic, sizeof *type);
    type->name = type->generators = apr_pstrdup(pool, name);
    type->generic = 1;
    return type;
}

/* Is GENERATOR what the word, with a star at its end or none, means? */
static int means(const char *word, size_t size, const char *generator)
{
    if (size && word[size - 1] == '*')
        return !strncmp(word, generator, size - 1);
    return !strncmp(word, generator, size) && !generator[size];
}

int wm_export_type_reads(const wm_export_type *type, const char *generator)
{
    const char *word = type->generators;

    if (type->generic)
        return !strcmp(word, generator);
    while (*word) {
        size_t size = strcspn(word, " ");
        int leave_out = *word == '!';

        if (means(word + leave_out, size - (size_t)leave_out, generator))
            return !leave_out;
        word += size;
        word += *word == ' ';
    }
    return 0;
}

int wm_export_listed(const char *list, char separator, const char *name, size_t size)
{
    const char ends[] = {separator, '\0'};

    while (list && *list) {
        size_t length = strcspn(list, ends);

        if (length == size && !memcmp(list, name, size))
            return 1;
        list += length + (list[length] == separator);
    }
    return 0;
}

const char *wm_export_unmarked(const char *generator)
{
    for (const wm_export_type *t = wm_export_types; t->name; t++)
        if (t->unmarked && wm_export_type_reads(t, generator))
            return t->unmarked;
    return NULL;
}
