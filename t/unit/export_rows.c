/* SPDX-License-Identifier: Apache-2.0 */
/* Not a test by itself: t/160-export-rows.t runs it.
 *   export_rows load RECEIVED FILE          store the JSON of a bundle as received at a Unix second
 *   export_rows run DEFINITION DIR [LATER]  write the entries that DEFINITION, JSON, asks for below
 *                                           DIR; with LATER as of the position of that bundle
 *   export_rows sql DEFINITION              print the statement of its first type
 * run prints "rows N counted N defects N", and "defect TYPE ROW N" for each row with defects. */
#include <apr_file_io.h>
#include <sys/stat.h>

#include "bundles.h"
#include "wm_export_copy.h"
#include "wm_json_own.h"

typedef struct files {
    const char *dir, *type;
    FILE *out;
    apr_int64_t rows, defects;
    apr_pool_t *pool;
} files;

static const wm_err *entry(void *host, const char *name)
{
    files *f = host;
    char *path = apr_pstrcat(f->pool, f->dir, "/", name, NULL);

    if (f->out)
        fclose(f->out);
    for (char *slash = path + strlen(f->dir) + 1; (slash = strchr(slash, '/')); slash++) {
        *slash = 0;
        mkdir(path, 0700);
        *slash = '/';
    }
    f->out = fopen(path, "wxb");
    printf("entry %s\n", name);
    return f->out ? NULL : wm_err_make(f->pool, WM_E_SYSTEM, "cannot make %s", path);
}

static const wm_err *write_bytes(void *host, const char *data, size_t size)
{
    files *f = host;

    return fwrite(data, 1, size, f->out) == size
               ? NULL
               : wm_err_make(f->pool, WM_E_SYSTEM, "cannot write");
}

static const wm_err *row(void *host, apr_int64_t point, int defects)
{
    files *f = host;

    f->rows++;
    f->defects += defects;
    if (defects)
        printf("defect %s %" APR_INT64_T_FMT " %d\n", f->type, point, defects);
    return NULL;
}

static char *slurp(const char *path, apr_pool_t *pool)
{
    apr_file_t *file;
    apr_finfo_t info;
    apr_size_t size;
    char *data;

    if (apr_file_open(&file, path, APR_READ | APR_BINARY, 0, pool) ||
        apr_file_info_get(&info, APR_FINFO_SIZE, file))
        exit(1);
    data = apr_pcalloc(pool, (apr_size_t)info.size + 1);
    apr_file_read_full(file, data, (apr_size_t)info.size, &size);
    return data;
}

static int load(wm_db *db, const char *received, const char *path, apr_pool_t *pool)
{
    apr_time_t time = apr_time_from_sec(apr_atoi64(received));
    wm_store_options options = {.now = time};
    wm_bundle *bundle = decode(pool, slurp(path, pool));
    wm_upload *upload = apr_pmemdup(pool, bundle->upload, sizeof *upload);
    wm_stored stored;

    upload->received = time;
    bundle->upload = upload;
    must(wm_bundle_store(&stored, db, bundle, &options, pool), pool);
    printf("bundle %" APR_INT64_T_FMT " points %d quarantined %d\n", stored.id, stored.points,
           stored.quarantined);
    return 0;
}

static wm_export_definition *define(wm_db *db, const char *text, apr_pool_t *pool)
{
    wm_export_definition *definition;
    json_t *json;
    const wm_err *err;

    must(wm_json_own_parse(&json, text, strlen(text), pool), pool);
    err = wm_export_define(&definition, json, db, pool);
    if (err) {
        printf("refused %d %s\n", err->code == WM_E_INPUT, wm_err_text(err, pool));
        exit(2);
    }
    printf("definition %s\n", wm_export_canonical(definition, pool));
    definition->site = getenv("EXPORT_SITE");
    return definition;
}

static int run(wm_db *db, wm_export_definition *d, const char *dir, const char *position,
               apr_pool_t *pool)
{
    files f = {.dir = dir, .pool = pool};
    wm_export_sink sink = {entry, write_bytes, row, &f};
    apr_int64_t counted = 0, n;

    must(wm_db_script(db, "BEGIN TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY", pool),
         pool);
    for (int i = 0; i < d->types->nelts; i++) {
        const wm_export_type *type =
            wm_export_type_find(APR_ARRAY_IDX(d->types, i, const char *), pool);

        f.type = type->name;
        must(wm_export_count(&n, db, type, d, position, NULL, NULL, pool), pool);
        counted += n;
        must(wm_export_stream(db, type, d, position, &sink, pool), pool);
    }
    if (f.out)
        fclose(f.out);
    printf("rows %" APR_INT64_T_FMT " counted %" APR_INT64_T_FMT " defects %" APR_INT64_T_FMT "\n",
           f.rows, counted, f.defects);
    return 0;
}

static int print_sql(wm_db *db, wm_export_definition *d, apr_pool_t *pool)
{
    const wm_export_type *type =
        wm_export_type_find(APR_ARRAY_IDX(d->types, 0, const char *), pool);
    wm_export_copy *copy;

    must(wm_db_begin(db, pool), pool);
    must(wm_export_copy_make(&copy, db, type, d, "9000000000000", pool), pool);
    printf("%s\n", copy->sql);
    return 0;
}

int main(int argc, char **argv)
{
    apr_pool_t *pool = begin("t/160-export-rows.t");
    wm_db *db;

    if (argc < 3) {
        printf("1..0 # SKIP t/160-export-rows.t runs this\n");
        return 0;
    }
    db = connect_db(pool);
    if (!strcmp(argv[1], "load") && argc == 4)
        return load(db, argv[2], argv[3], pool);
    if (!strcmp(argv[1], "run") && argc >= 4)
        return run(db, define(db, argv[2], pool), argv[3], argc > 4 ? argv[4] : "9000000000000000",
                   pool);
    if (!strcmp(argv[1], "sql"))
        return print_sql(db, define(db, argv[2], pool), pool);
    return 1;
}
