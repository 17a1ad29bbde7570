/* SPDX-License-Identifier: Apache-2.0 */
/* The form for a new export as a definition, and back. */
#include <string.h>

#include <apr_strings.h>

#include "wm_json_own.h"
#include "wm_page_export.h"

static const char *field(const apr_table_t *fields, const char *name)
{
    const char *value = apr_table_get(fields, name);

    return value && *value ? value : NULL;
}

static void set_text(json_t *d, const char *key, const apr_table_t *fields, const char *fallback)
{
    const char *value = field(fields, key);

    if (!value)
        value = fallback;
    json_object_set_new(d, key, value ? json_string(value) : json_null());
}

/* One identifier a line. */
static json_t *lines(const char *text, apr_pool_t *pool)
{
    json_t *list = json_array();
    char *rest = apr_pstrdup(pool, text ? text : ""), *end;

    for (; *rest; rest = end) {
        end = rest + strcspn(rest, "\r\n");
        if (*end)
            *end++ = 0;
        if (*rest)
            json_array_append_new(list, json_string(rest));
    }
    if (json_array_size(list))
        return list;
    json_decref(list);
    return json_null();
}

/* The name of the generator ID among the study's. */
static json_t *generator(const json_t *choices, apr_int64_t id)
{
    json_t *one;
    size_t i;

    json_array_foreach(json_object_get(choices, "generators"), i,
                       one) if (json_integer_value(json_object_get(one, "id")) ==
                                id) return json_object_get(one, "generator");
    return NULL;
}

/* Boxes have names that begin with what they choose: "type-NAME", "generator-ID", "group-ID". */
static void read_boxes(json_t *types, json_t *groups, const json_t *choices,
                       const apr_table_t *fields)
{
    const apr_array_header_t *all = apr_table_elts(fields);
    const apr_table_entry_t *entry = (const apr_table_entry_t *)all->elts;

    for (int i = 0; i < all->nelts; i++) {
        const char *name = entry[i].key;

        if (!strncmp(name, "type-", 5))
            json_array_append_new(types, json_string(name + 5));
        else if (!strncmp(name, "group-", 6))
            json_array_append_new(groups, json_integer(apr_atoi64(name + 6)));
        else if (!strncmp(name, "generator-", 10))
            json_array_append(types, generator(choices, apr_atoi64(name + 10)));
    }
}

json_t *wm_page_export_read(const json_t *choices, apr_int64_t study, const char *zone,
                            const apr_table_t *fields, apr_pool_t *pool)
{
    json_t *d = wm_json_own(json_object(), pool), *types = json_array(), *groups = json_array();

    read_boxes(types, groups, choices, fields);
    json_object_set_new(d, "study", json_integer(study));
    json_object_set_new(d, "types", types);
    json_object_set_new(d, "groups", json_array_size(groups) ? json_incref(groups) : json_null());
    json_decref(groups);
    json_object_set_new(d, "sources", lines(field(fields, "sources"), pool));
    set_text(d, "from", fields, NULL);
    set_text(d, "to", fields, NULL);
    set_text(d, "clock", fields, "created");
    set_text(d, "zone", fields, zone);
    set_text(d, "format", fields, "tsv");
    set_text(d, "archives", fields, "one");
    json_object_set_new(d, "newline", json_string(apr_table_get(fields, "newline") ? " " : ""));
    json_object_set_new(d, "pseudonyms", json_boolean(field(fields, "pseudonyms") != NULL));
    json_object_set_new(d, "sensitive", json_boolean(field(fields, "sensitive") != NULL));
    return d;
}

static int listed(const json_t *list, const json_t *value)
{
    json_t *one;
    size_t i;

    json_array_foreach(list, i, one) if (json_equal(one, value)) return 1;
    return 0;
}

/* Does the study have data that TYPE reads? */
static int has_data(const json_t *choices, const wm_export_type *type)
{
    json_t *one;
    size_t i;

    json_array_foreach(json_object_get(choices, "generators"), i, one)
    {
        if (wm_export_type_reads(type, json_string_value(json_object_get(one, "generator"))))
            return 1;
    }
    return 0;
}

/* The types that are files, those with data of the study apart from the others. */
static void list_types(json_t *page, const json_t *choices, const json_t *chosen)
{
    json_t *with = json_array(), *without = json_array();

    for (const wm_export_type *type = wm_export_types; type->name; type++) {
        int known = type->own || has_data(choices, type);
        json_t *name = json_string(type->name);

        if (strcmp(type->name, "generic"))
            json_array_append_new(known ? with : without,
                                  json_pack("{s:s, s:s, s:b}", "name", type->name, "title",
                                            type->title, "chosen", listed(chosen, name)));
        json_decref(name);
    }
    json_object_set_new(page, "any_without", json_boolean(json_array_size(without) > 0));
    json_object_set_new(page, "types", with);
    json_object_set_new(page, "types_without", without);
}

/* Generators of which no file of that name makes rows: they are written as they are. */
static void list_generators(json_t *page, const json_t *choices, const json_t *chosen,
                            apr_pool_t *pool)
{
    json_t *list = json_array(), *one;
    size_t i;

    json_array_foreach(json_object_get(choices, "generators"), i, one)
    {
        json_t *name = json_object_get(one, "generator");

        if (!wm_export_type_find(json_string_value(name), pool)->generic)
            continue;
        json_object_set_new(one, "chosen", json_boolean(listed(chosen, name)));
        wm_page_show_name(one, "generator", pool);
        json_array_append(list, one);
    }
    json_object_set_new(page, "any_generators", json_boolean(json_array_size(list) > 0));
    json_object_set_new(page, "generators", list);
}

static void list_groups(json_t *page, const json_t *choices, const json_t *chosen, apr_pool_t *pool)
{
    json_t *list = json_object_get(choices, "groups"), *one;
    size_t i;

    json_array_foreach(list, i, one)
    {
        json_object_set_new(one, "chosen",
                            json_boolean(listed(chosen, json_object_get(one, "id"))));
        wm_page_count_words(one, "participants", "participant", pool);
    }
    json_object_set_new(page, "any_groups", json_boolean(i > 0));
    json_object_set(page, "groups", list);
}

/* Choices of one: member NAME of the page is [{value, label, chosen}]. */
static void list_choice(json_t *page, const char *name, const json_t *d,
                        const char *const (*words)[2], size_t count)
{
    const char *value = json_string_value(json_object_get(d, name));
    json_t *list = json_array();

    for (size_t i = 0; i < count; i++)
        json_array_append_new(list, json_pack("{s:s, s:s, s:b}", "value", words[i][0], "label",
                                              words[i][1], "chosen",
                                              value ? !strcmp(value, words[i][0]) : !i));
    json_object_set_new(page, name, list);
}

void wm_page_export_show(json_t *page, const json_t *choices, const json_t *d, apr_pool_t *pool)
{
    static const char *const clocks[][2] = {{"created", "created, the device’s clock"},
                                            {"recorded", "recorded, the server’s clock"}};
    static const char *const formats[][2] = {
        {"tsv", "TSV"}, {"csv", "CSV"}, {"jsonl", "JSON Lines"}, {"raw", "raw, as received"}};
    static const char *const archives[][2] = {{"one", "one archive"},
                                              {"type", "one archive for each type"}};
    static const char *const texts[] = {"from", "to", "zone"};
    const json_t *sources = json_object_get(d, "sources");
    const char *text = "";
    json_t *one;
    size_t i;

    list_types(page, choices, json_object_get(d, "types"));
    list_generators(page, choices, json_object_get(d, "types"), pool);
    list_groups(page, choices, json_object_get(d, "groups"), pool);
    list_choice(page, "clock", d, clocks, 2);
    list_choice(page, "format", d, formats, 4);
    list_choice(page, "archives", d, archives, 2);
    for (i = 0; i < sizeof texts / sizeof *texts; i++)
        if (json_is_string(json_object_get(d, texts[i])))
            json_object_set(page, texts[i], json_object_get(d, texts[i]));
    json_array_foreach(sources, i, one) text =
        apr_pstrcat(pool, text, json_string_value(one), "\n", NULL);
    json_object_set_new(page, "sources", json_string(text));
    json_object_set_new(page, "newline",
                        json_boolean(json_string_length(json_object_get(d, "newline")) > 0));
    one = json_object_get(d, "pseudonyms");
    json_object_set_new(page, "pseudonyms",
                        json_boolean(json_is_true(one) || json_string_length(one)));
    json_object_set_new(page, "sensitive",
                        json_boolean(json_is_true(json_object_get(d, "sensitive"))));
}
