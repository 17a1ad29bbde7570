/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include <apr_strings.h>
#include <jansson.h>

#include "command.h"
#include "job_args.h"
#include "wm_alert.h"
#include "wm_json_own.h"
#include "wm_value.h"

static const char *text_of(const json_t *row, const char *name)
{
    const char *text = json_string_value(json_object_get(row, name));

    return text ? text : "";
}

static const wm_err *list(wm_run *run)
{
    const char *state = wm_run_option(run, "state");
    apr_int64_t study = 0, limit = 50;
    json_t *root, *row;
    size_t i;

    state = state ? state : "open";
    if (strcmp(state, "open") && strcmp(state, "acknowledged") && strcmp(state, "closed"))
        return wm_run_usage(run, "--state is open, acknowledged or closed");
    WM_TRY(wm_run_study(&study, run));
    WM_TRY(wm_job_arg_number(&limit, run, "limit", 1, 10000));
    WM_TRY(wm_db_json(&root, run->db, WM_SQL_ALERT_LIST,
                      WM_ARGS(WM_TEXT(state), WM_I64(study), WM_I64(limit)), run->pool));
    if (wm_run_option(run, "json")) {
        puts(wm_json_own_text(root, run->pool));
        return NULL;
    }
    printf("%8s %-9s %-17s %-24s %s\n", "id", "level", "opened (UTC)", "participant", "");
    json_array_foreach(root, i, row)
    {
        const json_t *participant = json_object_get(row, "participant");

        printf("%8" APR_INT64_T_FMT " %-9s %-17s %-24s %s\n",
               (apr_int64_t)json_integer_value(json_object_get(row, "id")), text_of(row, "level"),
               text_of(json_object_get(row, "opened"), "local"),
               json_is_object(participant)
                   ? wm_alert_line(text_of(participant, "identifier"), run->pool)
                   : "(server)",
               wm_alert_words(row, run->pool));
    }
    return NULL;
}

/* "12 hours", "none", or whose limit counts when the rule says none. */
static const char *limit_text(const json_t *rule, const char *name, apr_pool_t *pool)
{
    const json_t *limit = json_object_get(rule, name);

    if (!*text_of(rule, "wrong"))
        return "-";
    return json_is_null(limit) ? "study's" : wm_alert_value(limit, text_of(rule, "unit"), pool);
}

static const wm_err *rules(wm_run *run)
{
    json_t *root, *row;
    size_t i;

    WM_TRY(wm_db_json(&root, run->db, WM_SQL_ALERT_RULES, WM_ARGS(WM_TEXT("")), run->pool));
    if (wm_run_option(run, "json")) {
        puts(wm_json_own_text(root, run->pool));
        return NULL;
    }
    printf("%-16s %-16s %-16s %-9s %-12s %-12s %s\n", "check", "study", "group", "level", "warning",
           "critical", "");
    json_array_foreach(root, i, row)
    {
        printf("%-16s %-16s %-16s %-9s %-12s %-12s %s\n", text_of(row, "check"),
               *text_of(row, "study") ? text_of(row, "study") : "(all)",
               *text_of(row, "group") ? text_of(row, "group") : "(all)",
               *text_of(row, "wrong") ? "-" : text_of(row, "level"),
               limit_text(row, "warning", run->pool), limit_text(row, "critical", run->pool),
               json_is_true(json_object_get(row, "enabled")) ? "" : "off");
    }
    return NULL;
}

/* What a rule is for: --study, and --group of it. */
static const wm_err *scope(apr_int64_t *study, apr_int64_t *group, wm_run *run)
{
    const char *name = wm_run_option(run, "group");
    wm_rows *rows;

    *study = *group = 0;
    WM_TRY(wm_run_study(study, run));
    if (!name)
        return NULL;
    if (!*study)
        return wm_run_usage(run, "--group needs --study");
    WM_TRY(wm_db_rows(&rows, run->db, WM_SQL_ALERT_GROUP, WM_ARGS(WM_I64(*study), WM_TEXT(name)),
                      run->pool));
    if (!wm_rows_count(rows))
        return wm_err_make(run->pool, WM_E_NOT_FOUND, "there is no group \"%s\" in that study",
                           name);
    *group = wm_rows_i64(rows, 0, 0);
    return NULL;
}

/* A rule of the check called NAME, which says in what it is measured. */
static const wm_err *find_check(const json_t **check, wm_run *run, const char *name)
{
    json_t *root;

    WM_TRY(wm_db_json(&root, run->db, WM_SQL_ALERT_RULES, WM_ARGS(WM_TEXT(name)), run->pool));
    *check = json_array_get(root, 0);
    return *check ? NULL
                  : wm_run_usage(run, "there is no check \"%s\"; \"webmunkd alert rules\" has them",
                                 name);
}

/* The value of --OPTION in the unit of CHECK; SQL null without it. */
static const wm_err *limit_of(wm_arg *arg, wm_run *run, const char *option, const json_t *check)
{
    const char *text = wm_run_option(run, option), *unit = text_of(check, "unit");
    int is_time = !strcmp(unit, "seconds"), is_size = !strcmp(unit, "bytes");
    const char *form = is_time   ? "a time like 90min, 12h or 2d"
                       : is_size ? "a size like 512M or 1G"
                                 : "a number from 0 to 100";
    apr_int64_t number;

    *arg = WM_NULL(WM_OID_FLOAT8);
    if (!text)
        return NULL;
    if (!*text_of(check, "wrong"))
        return wm_run_usage(run, "%s has no limits; --level says how bad it is", run->args[0]);
    if (!strcmp(text, "none")) {
        *arg = WM_F64(strcmp(text_of(check, "wrong"), "above") ? -INFINITY : INFINITY);
        return NULL;
    }
    if (!strcmp(text, "study") && !strcmp(run->args[0], "upload-silence")) {
        *arg = WM_F64(NAN);
        return NULL;
    }
    if (!wm_value_parse(&number,
                        is_time   ? WM_VALUE_TIME
                        : is_size ? WM_VALUE_SIZE
                                  : WM_VALUE_NUMBER,
                        NULL, text) ||
        (!is_time && !is_size && number > 100))
        return wm_run_usage(run, "--%s is \"%s\" and must be %s, or none", option, text, form);
    *arg = WM_F64(is_time ? (double)number / APR_USEC_PER_SEC : (double)number);
    return NULL;
}

static const wm_err *level_of(const char **level, wm_run *run, const json_t *check)
{
    const wm_alert_level *known = wm_alert_levels;

    *level = wm_run_option(run, "level");
    if (!*level)
        return NULL;
    if (*text_of(check, "wrong"))
        return wm_run_usage(run, "%s has limits, which say how bad it is", run->args[0]);
    while (known->name && strcmp(known->name, *level))
        known++;
    return known->name
               ? NULL
               : wm_run_usage(run, "--level is \"%s\" and must be info, warning or critical",
                              *level);
}

static const wm_err *audit(wm_run *run, const char *action, const char *what)
{
    return wm_run_audit(run, action, apr_pstrcat(run->pool, "alert-rule:", what, NULL));
}

static const wm_err *set(wm_run *run)
{
    int on = wm_run_option(run, "on") != NULL, off = wm_run_option(run, "off") != NULL;
    apr_int64_t study, group, margin = -1;
    wm_arg warning, critical;
    const char *level;
    const json_t *check;
    wm_rows *rows;

    if (on && off)
        return wm_run_usage(run, "a check is either --on or --off");
    WM_TRY(scope(&study, &group, run));
    WM_TRY(find_check(&check, run, run->args[0]));
    WM_TRY(limit_of(&warning, run, "warning", check));
    WM_TRY(limit_of(&critical, run, "critical", check));
    WM_TRY(level_of(&level, run, check));
    WM_TRY(wm_job_arg_number(&margin, run, "margin", 0, 99));
    WM_TRY(wm_db_begin(run->db, run->pool));
    WM_TRY(wm_db_rows(&rows, run->db, WM_SQL_ALERT_RULE_SET,
                      WM_ARGS(WM_TEXT(run->args[0]), WM_I64(study), WM_I64(group),
                              on || off ? WM_BOOL(on) : WM_NULL(WM_OID_BOOL), warning, critical,
                              WM_TEXT(level),
                              margin < 0 ? WM_NULL(WM_OID_FLOAT8) : WM_F64((double)margin / 100)),
                      run->pool));
    if (!wm_rows_bool(rows, 0, 0))
        return wm_run_usage(run, "the warning must come before the critical limit");
    WM_TRY(audit(run, "alert-rule-set", run->args[0]));
    return wm_db_commit(run->db, run->pool);
}

static const wm_err *unset(wm_run *run)
{
    apr_int64_t study, group, changed;
    const json_t *check;

    WM_TRY(scope(&study, &group, run));
    WM_TRY(find_check(&check, run, run->args[0]));
    if (!study)
        return wm_run_usage(run, "alert unset needs --study: the rule for all studies stays");
    WM_TRY(wm_db_begin(run->db, run->pool));
    WM_TRY(wm_db_do(&changed, run->db, WM_SQL_ALERT_RULE_UNSET,
                    WM_ARGS(WM_TEXT(run->args[0]), WM_I64(study), WM_I64(group)), run->pool));
    if (!changed)
        return wm_err_make(run->pool, WM_E_NOT_FOUND, "%s has no rule of its own there",
                           run->args[0]);
    WM_TRY(audit(run, "alert-rule-unset", run->args[0]));
    return wm_db_commit(run->db, run->pool);
}

/* A participant, or a group of a study. */
static const wm_err *change_mute(wm_run *run, int mute)
{
    const char *name = run->arg_count ? run->args[0] : wm_run_option(run, "group");
    apr_int64_t study, group, seconds = 0, changed;

    if (run->arg_count == (wm_run_option(run, "group") != NULL))
        return wm_run_usage(run, "%s needs a participant, or --group and --study",
                            run->command->name);
    WM_TRY(scope(&study, &group, run));
    if (mute && wm_run_option(run, "for"))
        WM_TRY(wm_run_duration(&seconds, run, "for"));
    WM_TRY(wm_db_begin(run->db, run->pool));
    if (mute)
        WM_TRY(
            wm_db_do(&changed, run->db, group ? WM_SQL_ALERT_MUTE_GROUP : WM_SQL_ALERT_MUTE_SOURCE,
                     WM_ARGS(group ? WM_I64(group) : WM_TEXT(name), WM_I64(seconds)), run->pool));
    else
        WM_TRY(wm_db_do(&changed, run->db,
                        group ? WM_SQL_ALERT_UNMUTE_GROUP : WM_SQL_ALERT_UNMUTE_SOURCE,
                        WM_ARGS(group ? WM_I64(group) : WM_TEXT(name)), run->pool));
    if (!changed)
        return wm_err_make(run->pool, WM_E_NOT_FOUND,
                           mute ? "there is no participant \"%s\"" : "\"%s\" is not muted", name);
    WM_TRY(wm_run_audit(run, mute ? "alert-mute" : "alert-unmute",
                        apr_pstrcat(run->pool, group ? "group:" : "source:", name, NULL)));
    return wm_db_commit(run->db, run->pool);
}

static const wm_err *mute(wm_run *run)
{
    return change_mute(run, 1);
}

static const wm_err *unmute(wm_run *run)
{
    return change_mute(run, 0);
}

#define SCOPE_OPTIONS                                                            \
    {.name = "study", .arg = "SLUG", .help = "in this study (default: in all)"}, \
    {                                                                            \
        .name = "group", .arg = "NAME", .help = "in this group of the study"     \
    }

const wm_command wm_cmd_alert_list = {
    .name = "alert list",
    .args = "",
    .summary = "list what is wrong with participants and the server",
    .help = "Lists alerts, the worst first; closed ones, the newest first.",
    .needs = WM_NEEDS_DATABASE,
    .options = {{.name = "state", .arg = "STATE", .help = "open (default), acknowledged or closed"},
                {.name = "study", .arg = "SLUG", .help = "of this study (default: of all)"},
                {.name = "limit", .arg = "N", .help = "so many (default: 50)"},
                {.name = "json", .help = "as JSON"}},
    .run = list,
};

const wm_command wm_cmd_alert_rules = {
    .name = "alert rules",
    .args = "",
    .summary = "list the checks, their limits and where they differ",
    .help = "Lists the checks with their limits and levels, for all studies first, then where a "
            "study\n"
            "or a group has its own.",
    .needs = WM_NEEDS_DATABASE,
    .options = {{.name = "json", .help = "as JSON"}},
    .run = rules,
};

const wm_command wm_cmd_alert_set = {
    .name = "alert set",
    .args = "CHECK",
    .args_min = 1,
    .args_max = 1,
    .summary = "set limits or level of a check, or switch it off",
    .help = "Sets what is given, for all studies, a study or a group; the rest stays, or is as it "
            "was\n"
            "there before.  The next look at everything, within five minutes, goes by it.",
    .needs = WM_NEEDS_DATABASE,
    .options = {SCOPE_OPTIONS,
                {.name = "warning", .arg = "LIMIT", .help = "12h, 33 (percent), 1G, or none"},
                {.name = "critical", .arg = "LIMIT", .help = "likewise"},
                {.name = "level",
                 .arg = "LEVEL",
                 .help = "of a check without limits: info, warning or critical"},
                {.name = "margin",
                 .arg = "PERCENT",
                 .help = "so much better than the limit ends an alert (10 at first)"},
                {.name = "off", .help = "do not check it"},
                {.name = "on", .help = "check it"}},
    .run = set,
};

const wm_command wm_cmd_alert_unset = {
    .name = "alert unset",
    .args = "CHECK",
    .args_min = 1,
    .args_max = 1,
    .summary = "let a study or group have the limits of all again",
    .help = "Removes what a study or a group has of its own.",
    .needs = WM_NEEDS_DATABASE,
    .options = {SCOPE_OPTIONS},
    .run = unset,
};

const wm_command wm_cmd_alert_mute = {
    .name = "alert mute",
    .args = "[PARTICIPANT]",
    .args_max = 1,
    .summary = "raise no alerts about a participant or a group",
    .help =
        "Closes the alerts of a participant or a group and raises none.  Exports have them like "
        "all\n"
        "others.",
    .needs = WM_NEEDS_DATABASE,
    .options = {SCOPE_OPTIONS,
                {.name = "for",
                 .arg = "TIME",
                 .help = "12h, 90d or 4w from now (default: for good)"}},
    .run = mute,
};

const wm_command wm_cmd_alert_unmute = {
    .name = "alert unmute",
    .args = "[PARTICIPANT]",
    .args_max = 1,
    .summary = "raise alerts about a participant or a group again",
    .help = "Ends what \"alert mute\" began.",
    .needs = WM_NEEDS_DATABASE,
    .options = {SCOPE_OPTIONS},
    .run = unmute,
};
