/*
 * Values that are one of a few words.
 */
#include "settings/guess.h"
#include "settings/value.h"

struct words {
        const char *what; /* "level" */
        const char *all;  /* for a sentence */
        const char *(*name)(unsigned i);
        unsigned n;
};

static int parse(struct str text, const struct words *words, unsigned *ret, struct sentence *why)
{
        char quoted[QUOTE_SIZE];
        struct guess g;

        guess_init(&g, text);
        for (unsigned i = 0; i < words->n; ++i) {
                if (str_eq(text, str_of(words->name(i)))) {
                        *ret = i;
                        return SETTINGS_GOOD;
                }
                guess_offer(&g, str_of(words->name(i)));
        }
        value_quote(text, quoted, sizeof(quoted));
        if (g.best.n > 0)
                return sentence_say(why, "%s is no %s; did you mean \"%.*s\"?", quoted, words->what,
                                    STR_ARGS(g.best));
        return sentence_say(why, "%s is no %s; write %s", quoted, words->what, words->all);
}

static const char *level_name(unsigned i)
{
        return log_level_name((enum log_level)i);
}

static const char *format_name(unsigned i)
{
        return log_format_name((enum log_format)i);
}

int word_parse_level(struct str text, enum log_level *ret, struct sentence *why)
{
        static const struct words levels = { "level", WORD_LEVELS, level_name, LOG_DEBUG + 1 };
        unsigned i = 0;
        int r = parse(text, &levels, &i, why);

        if (r == SETTINGS_GOOD)
                *ret = (enum log_level)i;
        return r;
}

int word_parse_format(struct str text, enum log_format *ret, struct sentence *why)
{
        static const struct words formats = { "format", WORD_FORMATS, format_name, LOG_JSON + 1 };
        unsigned i = 0;
        int r = parse(text, &formats, &i, why);

        if (r == SETTINGS_GOOD)
                *ret = (enum log_format)i;
        return r;
}
