/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include <apr_lib.h>
#include <apr_strings.h>

#include "wm_decimal.h"
#include "wm_export_row.h"
#include "wm_iso8601.h"

/* A cell's text and how it stands in JSON Lines. */
typedef struct cell {
    wm_text text;
    enum { CELL_TEXT, CELL_BARE } form; /* BARE: a number or JSON of its own */
    int defect;
} cell;

static const wm_err *make_column(wm_export_rower *r, const char *code, const char *name)
{
    wm_export_column *c = &r->columns[r->column_count++];
    wm_buf *quoted;

    c->kind = code[0];
    c->form = code[1];
    c->takes = !strchr("scrze", c->kind);
    r->field_count += c->takes;
    if (c->kind == 'x')
        return NULL;
    c->left_out =
        !r->definition->sensitive && wm_export_listed(r->type->sensitive, '\t', name, strlen(name));
    r->shown_count += !c->left_out;
    quoted = wm_buf_create(NULL, r->pool);
    WM_TRY(wm_export_quote(quoted, (wm_text){name, strlen(name)}));
    c->name = apr_pstrcat(r->pool, apr_pstrmemdup(r->pool, quoted->data, quoted->size), ": ", NULL);
    c->name_size = strlen(c->name);
    return NULL;
}

const wm_err *wm_export_rower_make(wm_export_rower **rower, const wm_export_type *type,
                                   const wm_export_definition *definition, apr_pool_t *pool)
{
    wm_export_rower *r = apr_pcalloc(pool, sizeof *r);
    char *codes = apr_pstrdup(pool, type->cells), *names = apr_pstrdup(pool, type->columns);
    char *code_at, *name_at;

    r->type = type;
    r->definition = definition;
    r->pool = pool;
    r->zones = apr_hash_make(pool);
    r->scratch = wm_buf_create(NULL, pool);
    r->spare = wm_buf_create(NULL, pool);
    r->told = wm_buf_create(NULL, pool);
    r->server = wm_zone_find(definition->zone, pool);
    if (!r->server)
        return wm_err_make(pool, WM_E_INPUT, "there is no time zone \"%s\"", definition->zone);
    r->server_text = (wm_text){wm_zone_name(r->server), strlen(wm_zone_name(r->server))};
    r->utc = wm_zone_utc(pool);
    r->none = (wm_export_zone){{NULL, 0}, r->server_text, r->server, 0};
    apr_pool_create(&r->crowd, pool);
    r->field_count = WM_EXPORT_FIXED;
    for (char *code = apr_strtok(codes, "\t", &code_at), *name = NULL; code;
         code = apr_strtok(NULL, "\t", &code_at)) {
        if (r->column_count == WM_EXPORT_CELLS_MAX)
            return wm_err_make(pool, WM_E_SYSTEM, "%s has too many columns", type->name);
        if (*code != 'x')
            name = apr_strtok(name ? NULL : names, "\t", &name_at);
        WM_TRY(make_column(r, code, name));
    }
    *rower = r;
    return NULL;
}

static char delimiter(const wm_export_rower *r)
{
    return r->definition->format == WM_EXPORT_CSV ? ',' : '\t';
}

const wm_err *wm_export_header(wm_buf *out, const wm_export_rower *r)
{
    const char *name = r->type->columns;
    int written = 0;

    if (r->definition->format == WM_EXPORT_JSONL)
        return NULL;
    for (int i = 0; i < r->column_count; i++) {
        size_t size = strcspn(name, "\t");
        char between = delimiter(r);

        if (r->columns[i].kind == 'x')
            continue;
        if (!r->columns[i].left_out) {
            if (written++)
                WM_TRY(wm_buf_add(out, &between, 1));
            WM_TRY(wm_export_field(out, (wm_text){name, size}, between, 0));
        }
        name += size + !!name[size];
    }
    return wm_buf_add(out, "\r\n", 2);
}

int wm_export_split(wm_text *fields, int max, char *line, size_t size)
{
    static const char from[] = "bfnrtv", to[] = "\b\f\n\r\t\v";
    char *p = line, *end = line + size;
    int count = 0;

    if (size && end[-1] == '\n')
        end--;
    while (count < max) {
        char *tab = memchr(p, '\t', (size_t)(end - p)), *stop = tab ? tab : end;
        char *slash = memchr(p, '\\', (size_t)(stop - p)), *at = slash;

        fields[count] = (wm_text){p, (size_t)(stop - p)};
        if (slash && stop - p == 2 && p[1] == 'N') {
            fields[count] = (wm_text){NULL, 0};
        } else if (slash) {
            while (slash < stop) {
                const char *which;

                if (*slash == '\\') {
                    slash++;
                    which = memchr(from, *slash, sizeof from - 1);
                    *at++ = which ? to[which - from] : *slash;
                } else {
                    *at++ = *slash;
                }
                slash++;
            }
            fields[count].size = (size_t)(at - p);
        }
        count++;
        if (!tab)
            break;
        p = tab + 1;
    }
    return count;
}

/* The time of a point's clock or of a field, as the column's form says. */
static const wm_err *put_instant(wm_export_rower *r, cell *c, char form, apr_time_t time)
{
    WM_TRY(wm_buf_reserve(r->scratch, WM_EXPORT_TIME_MAX));
    c->text = (wm_text){r->scratch->data, wm_export_time(r->scratch->data, r, form, time)};
    c->form = form == 'S' ? CELL_BARE : CELL_TEXT;
    c->defect = !c->text.size;
    return NULL;
}

/* A value of jsonb (exports.md 1.6). */
static const wm_err *put_value(wm_export_rower *r, cell *c, wm_text raw,
                               const wm_export_hidden *hidden)
{
    wm_export_json how = {
        .style = WM_EXPORT_COMPACT, .insensitive = !r->definition->sensitive, .hidden = hidden};
    int lines = r->definition->format == WM_EXPORT_JSONL;

    if (!raw.data || raw.data[0] == 'n')
        return NULL;
    c->form = CELL_BARE;
    switch (raw.data[0]) {
    case '"':
        c->form = CELL_TEXT;
        if (!memchr(raw.data, '\\', raw.size)) {
            c->text = (wm_text){raw.data + 1, raw.size - 2};
            return NULL;
        }
        WM_TRY(wm_export_unquote(r->scratch, raw));
        break;
    case '{':
    case '[':
        WM_TRY(wm_export_layout(r->scratch, raw, &how));
        break;
    case 't':
        c->text = lines ? raw : (wm_text){"True", 4};
        return NULL;
    case 'f':
        c->text = lines ? raw : (wm_text){"False", 5};
        return NULL;
    default:
        c->text = memchr(raw.data, '.', raw.size) ? wm_export_float(raw, r->number) : raw;
        return NULL;
    }
    c->text = (wm_text){r->scratch->data, r->scratch->size};
    return NULL;
}

/* Markup without its line ends; null is what the field must not be. */
static const wm_err *put_stripped(wm_export_rower *r, cell *c, wm_text raw,
                                  const wm_export_hidden *hidden)
{
    size_t from;

    c->defect = raw.data && raw.data[0] == 'n';
    WM_TRY(put_value(r, c, raw, hidden));
    if (c->form != CELL_TEXT || !c->text.size)
        return NULL;
    from = r->scratch->size;
    /* The text may lie in the buffer that grows. */
    if (c->text.data == r->scratch->data) {
        WM_TRY(wm_buf_reserve(r->spare, c->text.size));
        memcpy(r->spare->data, c->text.data, c->text.size);
        c->text.data = r->spare->data;
    }
    WM_TRY(wm_export_strip(r->scratch, c->text, r->definition->newline));
    c->text = (wm_text){r->scratch->data + from, r->scratch->size - from};
    return NULL;
}

/* A day that a page told: an instant is that day where the participant is (E17). */
static const wm_err *put_day(wm_export_rower *r, cell *c, wm_text raw)
{
    apr_time_t time;

    if (!raw.data)
        return NULL;
    c->defect = raw.data[0] != '"';
    if (c->defect)
        return NULL;
    WM_TRY(put_value(r, c, raw, NULL));
    if (c->form == CELL_TEXT && !memchr(c->text.data, 'T', c->text.size))
        return NULL;
    if (c->form == CELL_TEXT && c->text.size &&
        wm_iso8601_parse(&time, c->text.data, c->text.size)) {
        r->scratch->size = 0;
        return put_instant(r, c, 'Q', time);
    }
    c->text.size = 0;
    c->defect = 1;
    return NULL;
}

/* Milliseconds since 1970 of a field. */
static const wm_err *put_millis(wm_export_rower *r, cell *c, const wm_export_column *column,
                                wm_text raw)
{
    wm_decimal number;
    apr_time_t time;

    if (!raw.data || !wm_decimal_parse(&number, raw.data, raw.size) || number.point > 14) {
        c->defect = 1;
        return NULL;
    }
    time = wm_decimal_scaled(&number, 3);
    if (column->kind == 'w')
        time -= ((time % 1000000) + 1000000) % 1000000;
    return put_instant(r, c, column->form, time);
}

static const wm_err *put_json(wm_export_rower *r, cell *c, wm_text raw,
                              const wm_export_hidden *hidden)
{
    wm_export_json how = {.style = r->definition->format == WM_EXPORT_JSONL ? WM_EXPORT_COMPACT
                                                                            : WM_EXPORT_LINE,
                          .insensitive = !r->definition->sensitive,
                          .hidden = hidden};

    if (!raw.data)
        return NULL;
    WM_TRY(wm_export_layout(r->scratch, raw, &how));
    c->form = CELL_BARE;
    c->text = (wm_text){r->scratch->data, r->scratch->size};
    return NULL;
}

/* The field that PostgreSQL wrote for a float8. */
static void put_float(wm_export_rower *r, cell *c, wm_text raw)
{
    c->form = CELL_BARE;
    if (raw.data)
        c->text = wm_export_float(raw, r->number);
}

static const wm_err *put_clock(wm_export_rower *r, cell *c, char form, wm_text raw)
{
    apr_time_t time;

    if (wm_export_instant(&time, raw))
        return put_instant(r, c, form, time);
    c->defect = 1;
    return NULL;
}

static const wm_err *fill(cell *c, wm_export_rower *r, const wm_export_column *column,
                          const wm_text *fields, wm_text raw, const wm_export_source *source)
{
    const wm_export_hidden *hidden = source ? source->hidden : NULL;

    r->scratch->size = 0;
    switch (column->kind) {
    case 's':
        c->text = (wm_text){source->shown, strlen(source->shown)};
        return NULL;
    case 'c':
        return put_clock(r, c, column->form, fields[WM_FIELD_CREATED]);
    case 'r':
        return put_clock(r, c, column->form, fields[WM_FIELD_RECORDED]);
    case 'i':
        return raw.data ? put_clock(r, c, column->form, raw) : NULL;
    case 'z':
        c->text = column->form == 'L' ? r->server_text : r->zone->text;
        return NULL;
    case 'v':
        c->defect = column->form == 'r' && !raw.data;
        return put_value(r, c, raw, hidden);
    case 'n':
        return put_stripped(r, c, raw, hidden);
    case 't':
        c->text = raw;
        return NULL;
    case 'j':
        return put_json(r, c, raw, hidden);
    case 'f':
        put_float(r, c, raw);
        return NULL;
    case 'd':
        return put_day(r, c, raw);
    case 'm':
    case 'w':
        return put_millis(r, c, column, raw);
    case 'x':
        c->defect = raw.data && raw.data[0] == 'f';
        return NULL;
    default:
        return NULL;
    }
}

/* The pseudonym in place of the identifier that a field tells.  Documents are written without it. */
static const wm_err *hide(cell *c, wm_export_rower *r, const wm_export_column *column,
                          const wm_export_hidden *hidden)
{
    const char *shown = wm_export_hidden_shown(hidden);
    wm_text where;

    if (!c->text.size || !strchr("vntd", column->kind))
        return NULL;
    if (c->form == CELL_BARE) {
        if (wm_export_is_number_of(c->text, hidden))
            *c = (cell){{shown, strlen(shown)}, CELL_TEXT, c->defect};
        return NULL;
    }
    if (!wm_export_tells(&where, c->text.data, c->text, hidden, 0))
        return NULL;
    r->told->size = 0;
    WM_TRY(wm_export_hide(r->told, c->text, hidden));
    c->text = (wm_text){r->told->data, r->told->size};
    return NULL;
}

static const wm_err *put_cell(wm_buf *out, const wm_export_rower *r, const wm_export_column *column,
                              const cell *c, int first)
{
    char between = delimiter(r);

    if (r->definition->format != WM_EXPORT_JSONL) {
        if (!first)
            WM_TRY(wm_buf_add(out, &between, 1));
        return wm_export_field(out, c->text, between, r->shown_count == 1);
    }
    WM_TRY(wm_buf_add(out, first ? "{" : ", ", first ? 1 : 2));
    WM_TRY(wm_buf_add(out, column->name, column->name_size));
    if (!c->text.size && (c->form == CELL_BARE || !c->text.data))
        return wm_buf_add(out, "null", 4);
    return c->form == CELL_BARE ? wm_buf_add(out, c->text.data, c->text.size)
                                : wm_export_quote(out, c->text);
}

const wm_err *wm_export_row(wm_buf *out, int *defects, wm_export_rower *r, const wm_text *fields,
                            const wm_export_source *source)
{
    const wm_text *next = fields + WM_EXPORT_FIXED;
    int written = 0;

    WM_TRY(wm_export_take_zone(r, fields[WM_FIELD_ZONE]));
    *defects = r->zone->defect;
    for (int i = 0; i < r->column_count; i++) {
        const wm_export_column *column = &r->columns[i];
        wm_text raw = {NULL, 0};
        cell c = {{NULL, 0}, CELL_TEXT, 0};

        if (column->takes)
            raw = *next++;
        if (column->left_out)
            continue;
        WM_TRY(fill(&c, r, column, fields, raw, source));
        *defects += c.defect;
        if (column->kind == 'x')
            continue;
        if (source && source->hidden)
            WM_TRY(hide(&c, r, column, source->hidden));
        WM_TRY(put_cell(out, r, column, &c, !written++));
    }
    return r->definition->format == WM_EXPORT_JSONL ? wm_buf_add(out, "}\n", 2)
                                                    : wm_buf_add(out, "\r\n", 2);
}
