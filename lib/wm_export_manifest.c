/* SPDX-License-Identifier: Apache-2.0 */
/* What an archive says about itself: manifest.json, codebook.tsv, completeness.tsv. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include <apr_strings.h>
#include <jansson.h>
#include <sodium.h>

#include "wm_export_archive.h"
#include "wm_export_copy.h"
#include "wm_json_own.h"

#define FORMAT "webmunk-export-1"

static const wm_err *field(wm_buf *out, const char *text, const char *after)
{
    WM_TRY(wm_export_field(out, (wm_text){text, strlen(text)}, '\t', 0));
    return wm_buf_add(out, after, strlen(after));
}

/* What a cell of the kind CODE is (build-aux/exports2c.awk names the letters). */
static const char *meaning(const char *code)
{
    static const struct {
        const char *code, *words;
    } list[] = {
        {"s", "the participant: identifier or pseudonym"},
        {"cP", "when it happened, by the device's clock, in the participant's time zone"},
        {"cU", "when it happened, by the device's clock, in UTC"},
        {"cL", "when it happened, by the device's clock, in the export's time zone"},
        {"cS", "when it happened, by the device's clock, in seconds since 1970"},
        {"c", "when it happened, by the device's clock"},
        {"rP", "when the server stored it, in the participant's time zone"},
        {"rU", "when the server stored it, in UTC"},
        {"rL", "when the server stored it, in the export's time zone"},
        {"rS", "when the server stored it, in seconds since 1970"},
        {"r", "when the server stored it"},
        {"z", "the participant's time zone, as sent"},
        {"n", "as sent, without its line ends"},
        {"j", "as sent, as JSON"},
        {"e", "always empty"},
        {"d", "a day"},
        {"i", "an instant, from the point"},
        {"m", "an instant, from milliseconds in the point"},
        {"w", "an instant in whole seconds, from milliseconds in the point"},
        {"f", "a number"},
        {"t", "a text"},
        {"v", "as sent"},
    };

    for (size_t i = 0; i < sizeof list / sizeof *list; i++)
        if (!strncmp(list[i].code, code, strlen(list[i].code)))
            return list[i].words;
    return "";
}

/* Raw points have no columns but the document itself. */
static const wm_err *codebook_raw(wm_buf *out, const wm_export_archive *a,
                                  const wm_export_type *type)
{
    WM_TRY(field(out, type->name, "\t\tno\tyes\t"));
    return field(out,
                 a->definition->sensitive
                     ? "the point as it was stored, all members"
                     : "the point as it was stored, without members whose names end with * or !, "
                       "places, and what of Passive Data Kit is sensitive without such a mark",
                 "\r\n");
}

/* The columns of TYPE, one row each.  Checks among the cells ("x") are no columns. */
static const wm_err *codebook_type(wm_buf *out, const wm_export_archive *a,
                                   const wm_export_type *type, apr_pool_t *pool)
{
    const char *cell = type->cells ? type->cells : "";

    for (const char *column = type->columns; *column;) {
        size_t size = strcspn(column, "\t");
        int sensitive = wm_export_listed(type->sensitive, '\t', column, size);
        int left_out = sensitive && !a->definition->sensitive;

        while (*cell == 'x')
            cell += strcspn(cell, "\t") + (strchr(cell, '\t') != NULL);
        WM_TRY(field(out, type->name, "\t"));
        WM_TRY(field(out, apr_pstrmemdup(pool, column, size), "\t"));
        WM_TRY(field(out, sensitive ? "yes" : "no", "\t"));
        WM_TRY(field(out, left_out ? "no" : "yes", "\t"));
        WM_TRY(field(out, meaning(cell), "\r\n"));
        cell += strcspn(cell, "\t");
        cell += *cell == '\t';
        column += size + (column[size] == '\t');
    }
    return NULL;
}

static const wm_err *codebook(wm_export_archive *a, wm_buf *out, apr_pool_t *pool)
{
    static const char header[] = "Type\tColumn\tSensitive\tIn this archive\tMeaning\r\n";

    WM_TRY(wm_buf_add(out, header, sizeof header - 1));
    for (int i = 0; i < a->definition->types->nelts; i++) {
        const wm_export_type *type =
            wm_export_type_find(APR_ARRAY_IDX(a->definition->types, i, const char *), pool);

        WM_TRY(a->definition->format == WM_EXPORT_RAW ? codebook_raw(out, a, type)
                                                      : codebook_type(out, a, type, pool));
    }
    return NULL;
}

static const wm_err *look(void *host)
{
    wm_export_archive *a = host;

    return wm_export_look(a, a->expected, a->expected, "completeness", a->pool);
}

static const wm_err *completeness_type(wm_export_archive *a, const wm_export_type *type,
                                       wm_buf *out, apr_pool_t *pool)
{
    apr_array_header_t *list;

    WM_TRY(
        wm_export_completeness(&list, a->reader, type, a->definition, a->position, look, a, pool));
    for (int i = 0; i < list->nelts; i++) {
        const wm_export_points *p = &APR_ARRAY_IDX(list, i, wm_export_points);

        WM_TRY(field(out, p->source->shown, "\t"));
        WM_TRY(field(out, type->name, "\t"));
        WM_TRY(field(out, apr_psprintf(pool, "%" APR_INT64_T_FMT, p->points), "\t"));
        WM_TRY(field(out, p->first ? p->first : "", "\t"));
        WM_TRY(field(out, p->last ? p->last : "", "\r\n"));
    }
    return NULL;
}

static const wm_err *completeness(wm_export_archive *a, wm_buf *out, apr_pool_t *pool)
{
    static const char header[] = "Source\tType\tPoints\tFirst\tLast\r\n";

    WM_TRY(wm_zip_pack_write(a->packer, header, sizeof header - 1, pool));
    for (int i = 0; i < a->definition->types->nelts; i++) {
        const wm_export_type *type =
            wm_export_type_find(APR_ARRAY_IDX(a->definition->types, i, const char *), pool);
        const wm_err *err;
        apr_pool_t *scratch;

        if (type->own)
            continue;
        apr_pool_create(&scratch, pool);
        out->size = 0;
        err = completeness_type(a, type, out, scratch);
        if (!err)
            err = wm_zip_pack_write(a->packer, out->data, out->size, scratch);
        if (err)
            err = wm_err_wrap(pool, err, "completeness of %s", type->name);
        apr_pool_destroy(scratch);
        WM_TRY(err);
    }
    return NULL;
}

static const wm_err *table(wm_export_archive *a, int number, const char *entry,
                           const wm_err *(*write)(wm_export_archive *a, wm_buf *out,
                                                  apr_pool_t *pool),
                           apr_pool_t *pool)
{
    apr_array_header_t *parts = apr_array_make(pool, 1, sizeof(wm_export_part));
    wm_export_part *part = &APR_ARRAY_PUSH(parts, wm_export_part);
    wm_buf *out = wm_buf_create(NULL, pool);

    *part = (wm_export_part){.number = number, .type = "", .entry = entry, .file = number};
    part->defect_points = wm_json_own(json_array(), pool);
    WM_TRY(wm_zip_pack_open(a->packer, wm_export_part_path(a, number, pool), pool));
    wm_zip_pack_begin(a->packer);
    WM_TRY(write(a, out, pool));
    WM_TRY(wm_zip_pack_end(&part->zip, a->packer, pool));
    return wm_export_parts_keep(a, parts, pool);
}

static const wm_err *write_codebook(wm_export_archive *a, wm_buf *out, apr_pool_t *pool)
{
    WM_TRY(codebook(a, out, pool));
    return wm_zip_pack_write(a->packer, out->data, out->size, pool);
}

const wm_err *wm_export_archive_tables(wm_export_archive *a, int number, apr_pool_t *pool)
{
    apr_array_header_t *parts;
    int last = 0;

    WM_TRY(wm_export_parts_read(&parts, a, pool));
    if (parts->nelts)
        last = APR_ARRAY_IDX(parts, parts->nelts - 1, wm_export_part).number;
    if (last < number)
        WM_TRY(table(a, number, "codebook.tsv", write_codebook, pool));
    if (last < number + 1)
        WM_TRY(table(a, number + 1, "completeness.tsv", completeness, pool));
    return NULL;
}

static json_t *instant(apr_time_t time)
{
    apr_time_exp_t t;
    char text[40];

    if (time == 0 || time == APR_INT64_MAX)
        return json_null();
    apr_time_exp_gmt(&t, time);
    apr_snprintf(text, sizeof text, "%04d-%02d-%02dT%02d:%02d:%02dZ", t.tm_year + 1900,
                 t.tm_mon + 1, t.tm_mday, t.tm_hour, t.tm_min, t.tm_sec);
    return json_string(text);
}

static json_t *entries_json(const apr_array_header_t *parts)
{
    json_t *list = json_array();

    for (int i = 0; i < parts->nelts; i++) {
        const wm_export_part *p = &APR_ARRAY_IDX(parts, i, wm_export_part);
        char sha[2 * WM_ZIP_SHA256 + 1], packed[2 * WM_ZIP_SHA256 + 1], crc[16];
        json_t *one;

        sodium_bin2hex(sha, sizeof sha, p->zip.sha256, WM_ZIP_SHA256);
        sodium_bin2hex(packed, sizeof packed, p->zip.packed_sha256, WM_ZIP_SHA256);
        apr_snprintf(crc, sizeof crc, "%08x", p->zip.crc);
        one = json_pack("{s:s, s:I, s:s, s:I, s:s, s:s}", "name", p->entry, "bytes",
                        (json_int_t)p->zip.bytes, "sha256", sha, "packed_bytes",
                        (json_int_t)p->zip.packed, "packed_sha256", packed, "crc32", crc);
        if (*p->type) {
            json_object_set_new(one, "type", json_string(p->type));
            json_object_set_new(one, "rows", json_integer(p->rows));
            json_object_set_new(one, "defects", json_integer(p->defects));
        }
        if (p->defects)
            json_object_set(one, "defect_points", p->defect_points);
        json_array_append_new(list, one);
    }
    return list;
}

/* Who is in it and who is not, and in the definition only what an archive with pseudonyms may say. */
static json_t *sources_json(const wm_export_archive *a)
{
    json_t *included = json_array(), *skipped = json_array();

    for (int i = 0; i < a->sources->nelts; i++) {
        const wm_export_source *s = &APR_ARRAY_IDX(a->sources, i, wm_export_source);

        if (s->skipped)
            json_array_append_new(skipped,
                                  json_pack("{s:s, s:s}", "source", s->shown, "why", s->skipped));
        else
            json_array_append_new(included, json_string(s->shown));
    }
    return json_pack("{s:o, s:o}", "included", included, "skipped", skipped);
}

static json_t *definition_json(const wm_export_archive *a)
{
    json_t *copy = json_deep_copy(a->json), *list;

    if (!a->definition->pseudonym_key || !json_is_array(json_object_get(copy, "sources")))
        return copy;
    list = json_array();
    for (int i = 0; i < a->sources->nelts; i++)
        json_array_append_new(list,
                              json_string(APR_ARRAY_IDX(a->sources, i, wm_export_source).shown));
    json_object_set_new(copy, "sources", list);
    return copy;
}

static json_t *types_json(const wm_export_archive *a, apr_pool_t *pool)
{
    json_t *list = json_array();

    for (int i = 0; i < a->definition->types->nelts; i++) {
        const wm_export_type *type =
            wm_export_type_find(APR_ARRAY_IDX(a->definition->types, i, const char *), pool);

        json_array_append_new(list,
                              json_pack("{s:s, s:s}", "name", type->name, "title", type->title));
    }
    return list;
}

const wm_err *wm_export_manifest(const char **text, wm_export_archive *a,
                                 const apr_array_header_t *parts, const char *key_text,
                                 apr_pool_t *pool)
{
    json_t *root = wm_json_own(json_object(), pool), *signature = json_null();
    apr_int64_t rows = 0, bytes = 0;
    apr_time_t from, to;
    char *dumped;

    WM_TRY(wm_export_window(&from, &to, a->definition, a->db, pool));
    for (int i = 0; i < parts->nelts; i++) {
        rows += APR_ARRAY_IDX(parts, i, wm_export_part).rows;
        bytes += APR_ARRAY_IDX(parts, i, wm_export_part).zip.bytes;
    }
    if (key_text)
        signature = json_pack("{s:s, s:s, s:s}", "algorithm", "Ed25519", "file", "manifest.sig",
                              "public_key", key_text);
    json_object_set_new(root, "format", json_string(FORMAT));
    json_object_set_new(root, "product", json_string(PACKAGE_NAME " " PACKAGE_VERSION));
    json_object_set_new(root, "schema", json_string(a->schema ? a->schema : ""));
    json_object_set_new(root, "study",
                        json_pack("{s:s, s:s}", "slug", a->study_slug, "name", a->study_name));
    json_object_set_new(root, "definition", definition_json(a));
    json_object_set_new(root, "position", json_string(a->position));
    json_object_set_new(root, "site",
                        a->definition->site ? json_string(a->definition->site) : json_null());
    json_object_set_new(
        root, "window",
        json_pack("{s:s, s:s, s:o, s:o}", "clock",
                  a->definition->clock == WM_EXPORT_BY_RECORDED ? "recorded" : "created", "zone",
                  a->definition->zone, "from", instant(from), "before", instant(to)));
    json_object_set_new(root, "types", types_json(a, pool));
    json_object_set_new(root, "rows", json_integer(rows));
    json_object_set_new(root, "bytes", json_integer(bytes));
    json_object_set_new(root, "entries", entries_json(parts));
    json_object_set_new(root, "sources", sources_json(a));
    json_object_set_new(root, "signature", signature);
    dumped = json_dumps(root, JSON_SORT_KEYS | JSON_INDENT(1));
    if (!dumped)
        return wm_err_make(pool, WM_E_SYSTEM, "no memory for the manifest");
    *text = apr_pstrcat(pool, dumped, "\n", NULL);
    free(dumped);
    return NULL;
}
