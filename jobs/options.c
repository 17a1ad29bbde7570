/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include <apr_strings.h>

#include "command.h"

typedef struct parser {
    wm_run *run;
    int argc;
    const char *const *argv;
    int at;
    int only_args; /* "--" was seen */
    int *help;
    int *version;
} parser;

/* How many of the words from AT on name C; 0 when they do not. */
static int words_match(const wm_command *c, const parser *p)
{
    const char *rest = c->name;
    int words = 0;

    while (*rest) {
        size_t size = strcspn(rest, " ");
        const char *word = p->at + words < p->argc ? p->argv[p->at + words] : NULL;

        if (!word || strlen(word) != size || memcmp(word, rest, size))
            return 0;
        words++;
        rest += size + (rest[size] == ' ');
    }
    return words;
}

/* The commands that begin with WORD, for the sentence after "account" alone. */
static const char *commands_under(const char *word, apr_pool_t *pool)
{
    const char *list = NULL;
    size_t size = strlen(word);

    for (int i = 0; wm_commands[i]; i++) {
        const char *name = wm_commands[i]->name;

        if (!strncmp(name, word, size) && name[size] == ' ')
            list = list ? apr_pstrcat(pool, list, ", ", name, NULL) : name;
    }
    return list;
}

static const wm_err *find_command(parser *p)
{
    const char *word = p->argv[p->at];
    const char *under;

    for (int i = 0; wm_commands[i]; i++) {
        int words = words_match(wm_commands[i], p);

        if (words) {
            p->run->command = wm_commands[i];
            p->at += words;
            return NULL;
        }
    }
    under = commands_under(word, p->run->pool);
    if (!under)
        return wm_run_usage(p->run, "there is no command \"%s\"; \"webmunkd --help\" lists them",
                            word);
    /* "account --help" asks for what there is. */
    return wm_run_usage(p->run, "\"%s\" is one of: %s", word, under);
}

/* The value of the option at AT, behind "=" or as the next word. */
static const wm_err *value_of(const char **value, parser *p, const char *inlined)
{
    if (inlined) {
        *value = inlined;
        return NULL;
    }
    if (p->at + 1 >= p->argc)
        return wm_run_usage(p->run, "%s needs a value", p->argv[p->at]);
    *value = p->argv[++p->at];
    return NULL;
}

static const wm_err *command_option(parser *p, const char *name, const char *inlined)
{
    const wm_option *options;

    /* "webmunkd --once NAME" is short for "webmunkd run --once NAME". */
    if (!p->run->command && !strcmp(name, "once"))
        p->run->command = &wm_cmd_run;
    options = p->run->command ? p->run->command->options : NULL;
    for (int i = 0; options && options[i].name; i++) {
        if (strcmp(options[i].name, name))
            continue;
        if (p->run->values[i])
            return wm_run_usage(p->run, "--%s was given twice", name);
        if (options[i].arg)
            return value_of(&p->run->values[i], p, inlined);
        if (inlined)
            return wm_run_usage(p->run, "--%s takes no value", name);
        p->run->values[i] = "";
        return NULL;
    }
    return wm_run_usage(p->run, "there is no option \"--%s\"; \"webmunkd %s%s--help\" lists them",
                        name, p->run->command ? p->run->command->name : "",
                        p->run->command ? " " : "");
}

static const wm_err *option(parser *p)
{
    const char *word = p->argv[p->at];
    const char *equals = strchr(word, '=');
    const char *name;

    if (!strcmp(word, "-h") || !strcmp(word, "--help")) {
        *p->help = p->run->command ? 2 : 1;
        return NULL;
    }
    if (!strcmp(word, "-V") || !strcmp(word, "--version")) {
        *p->version = 1;
        return NULL;
    }
    if (!strcmp(word, "-d"))
        return value_of(&p->run->database, p, NULL);
    if (word[1] != '-')
        return wm_run_usage(p->run, "there is no option \"%s\"; \"webmunkd --help\" lists them",
                            word);
    name =
        equals ? apr_pstrmemdup(p->run->pool, word + 2, (apr_size_t)(equals - word - 2)) : word + 2;
    if (!strcmp(name, "database"))
        return value_of(&p->run->database, p, equals ? equals + 1 : NULL);
    if (!strcmp(name, "config"))
        return value_of(&p->run->config, p, equals ? equals + 1 : NULL);
    return command_option(p, name, equals ? equals + 1 : NULL);
}

static const wm_err *complete(wm_run *run)
{
    const wm_command *c = run->command;

    if (!c)
        return wm_run_usage(run, "a command is missing; \"webmunkd --help\" lists them");
    if (run->arg_count < c->args_min || run->arg_count > c->args_max)
        return wm_run_usage(run, c->args[0] ? "%s takes %s" : "%s takes no argument%s", c->name,
                            c->args[0] ? c->args : "");
    for (int i = 0; c->options[i].name; i++)
        if (c->options[i].required && !run->values[i])
            return wm_run_usage(run, "%s needs --%s %s", c->name, c->options[i].name,
                                c->options[i].arg ? c->options[i].arg : "");
    return NULL;
}

const wm_err *wm_options_parse(wm_run *run, int *help, int *version, int argc,
                               const char *const *argv)
{
    parser p = {.run = run, .argc = argc, .argv = argv, .help = help, .version = version};

    *help = *version = 0;
    for (; p.at < argc; p.at++) {
        const char *word = argv[p.at];

        if (!p.only_args && !strcmp(word, "--")) {
            p.only_args = 1;
        } else if (!p.only_args && word[0] == '-' && word[1]) {
            WM_TRY(option(&p));
        } else if (!run->command) {
            WM_TRY(find_command(&p));
            p.at--; /* the loop steps over the last word */
        } else if (run->arg_count == WM_ARGUMENTS_MAX) {
            return wm_run_usage(run, "\"%s\" is one argument too many", word);
        } else {
            run->args[run->arg_count++] = word;
        }
    }
    return *help || *version ? NULL : complete(run);
}
