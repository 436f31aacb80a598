/*
 * Fault scripts: from text to rules. Errors name line and column.
 */
#include "sim/faults.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

/* After so long the rest of a partly filled order may fill. */
#define PARTIAL_REST_MS 1000

/* Where the reader is: one line, cut into words by blanks. */
struct reader {
        struct str line;
        size_t at;      /* behind the last word */
        size_t word_at; /* start of the last word */
        const char *why;
};

static bool is_blank(char c)
{
        return c == ' ' || c == '\t' || c == '\r';
}

static bool next_word(struct reader *r, struct str *ret_word)
{
        while (r->at < r->line.n && is_blank(r->line.p[r->at]))
                ++r->at;
        r->word_at = r->at;
        while (r->at < r->line.n && !is_blank(r->line.p[r->at]))
                ++r->at;
        *ret_word = str_from(r->line.p + r->word_at, r->at - r->word_at);
        return ret_word->n > 0;
}

static int wrong(struct reader *r, const char *why)
{
        r->why = why;
        return -EINVAL;
}

static int read_number(struct reader *r, uint64_t max, const char *why, uint64_t *ret)
{
        struct str word;

        if (!next_word(r, &word) || str_to_u64(word, ret) < 0 || *ret > max)
                return wrong(r, why);
        return 0;
}

/* "12.5%" into parts per million. */
static int percent(struct str word, uint64_t *ret_ppm)
{
        char text[24], *end;
        double value;

        if (word.n < 2 || word.p[word.n - 1] != '%')
                return -EINVAL;
        word.n -= 1;
        if (!str_copy(word, text, sizeof(text)))
                return -EINVAL;
        value = strtod(text, &end);
        if (*end || !(value >= 0 && value <= 100))
                return -EINVAL;
        *ret_ppm = (uint64_t)(value * 10000 + 0.5);
        return 0;
}

static int read_percent(struct reader *r, uint64_t *ret_ppm)
{
        struct str word;

        if (!next_word(r, &word) || percent(word, ret_ppm) < 0)
                return wrong(r, "want a percentage like 5% or 0.1%");
        return 0;
}

static int read_when(struct reader *r, struct fault_rule *rule)
{
        static const struct {
                const char *name;
                enum fault_when when;
        } counted[] = { { "next", WHEN_NEXT }, { "every", WHEN_EVERY }, { "after", WHEN_AFTER } };
        struct str word;

        if (!next_word(r, &word))
                return wrong(r, "want when: always, 5%, next N, every N or after N");
        if (str_eq(word, STR_LITERAL("always"))) {
                rule->when = WHEN_ALWAYS;
                return 0;
        }
        if (percent(word, &rule->when_n) == 0) {
                rule->when = WHEN_CHANCE;
                return 0;
        }
        for (size_t i = 0; i < ARRAY_SIZE(counted); ++i) {
                if (!str_eq(word, str_of(counted[i].name)))
                        continue;
                rule->when = counted[i].when;
                if (read_number(r, UINT32_MAX, "want how many requests", &rule->when_n) < 0 ||
                    rule->when_n == 0)
                        return wrong(r, "want how many requests");
                return 0;
        }
        return wrong(r, "want when: always, 5%, next N, every N or after N");
}

/* "100" or "100..300", then perhaps "spike 5% 4000". */
static int read_wait(struct reader *r, struct fault_rule *rule)
{
        struct str word, from;
        const char *dots;

        if (!next_word(r, &word))
                return wrong(r, "want milliseconds: 100 or 100..300");
        dots = str_find(word, STR_LITERAL(".."));
        from = dots ? str_from(word.p, (size_t)(dots - word.p)) : word;
        if (str_to_u64(from, &rule->from) < 0)
                return wrong(r, "want milliseconds: 100 or 100..300");
        rule->to = rule->from;
        if (dots && str_to_u64(str_from(dots + 2, word.n - from.n - 2), &rule->to) < 0)
                return wrong(r, "want milliseconds: 100 or 100..300");
        if (rule->to < rule->from || rule->to > 86400 * MS_PER_SECOND)
                return wrong(r, "want a range that rises, of a day at most");
        if (!next_word(r, &word))
                return 0;
        if (!str_eq(word, STR_LITERAL("spike")))
                return wrong(r, "only \"spike PERCENT MS\" may follow");
        if (read_percent(r, &rule->spike_ppm) < 0)
                return -EINVAL;
        return read_number(r, 86400 * MS_PER_SECOND, "want the spike's milliseconds", &rule->spike);
}

static int read_stage(struct reader *r, struct fault_rule *rule)
{
        struct str word;

        if (!next_word(r, &word))
                return wrong(r, "want when it breaks: unread, unexecuted or executed");
        if (str_eq(word, STR_LITERAL("unread")))
                rule->stage = STAGE_UNREAD;
        else if (str_eq(word, STR_LITERAL("unexecuted")))
                rule->stage = STAGE_UNEXECUTED;
        else if (str_eq(word, STR_LITERAL("executed")))
                rule->stage = STAGE_EXECUTED;
        else
                return wrong(r, "want when it breaks: unread, unexecuted or executed");
        return 0;
}

static int read_usage(struct reader *r, struct fault_rule *rule)
{
        struct str word;

        if (next_word(r, &word) && str_eq(word, STR_LITERAL("missing")))
                rule->usage = USAGE_MISSING;
        else if (str_eq(word, STR_LITERAL("stale")))
                rule->usage = USAGE_STALE;
        else
                return wrong(r, "want missing or stale");
        return 0;
}

/* Perhaps "execute PERCENT". */
static int read_execute(struct reader *r, struct fault_rule *rule)
{
        struct reader before = *r;
        struct str word;

        if (!next_word(r, &word))
                return 0;
        if (str_eq(word, STR_LITERAL("execute")))
                return read_percent(r, &rule->execute_ppm);
        *r = before;
        return 0;
}

static int read_status(struct reader *r, struct fault_rule *rule)
{
        uint64_t status;

        if (read_number(r, 599, "want a status from 200 to 599", &status) < 0 || status < 200)
                return wrong(r, "want a status from 200 to 599");
        rule->status = (unsigned)status;
        return 0;
}

static int read_code(struct reader *r, struct fault_rule *rule)
{
        struct str word;
        uint64_t code;
        bool negative;

        if (!next_word(r, &word))
                return wrong(r, "want a code like -1000");
        negative = word.p[0] == '-';
        if (str_to_u64(str_from(word.p + negative, word.n - negative), &code) < 0 || code > 999999)
                return wrong(r, "want a code like -1000");
        rule->code = negative ? -(int)code : (int)code;
        return 0;
}

static int read_rest(struct reader *r, struct fault_rule *rule)
{
        struct str rest = str_trim(str_from(r->line.p + r->at, r->line.n - r->at));

        if (!str_copy(rest, rule->text, sizeof(rule->text)))
                return wrong(r, "this text is too long");
        r->at = r->line.n;
        return 0;
}

static int read_empty(struct reader *r, struct fault_rule *rule)
{
        return read_status(r, rule) < 0 ? -EINVAL : read_execute(r, rule);
}

static int read_error(struct reader *r, struct fault_rule *rule)
{
        if (read_status(r, rule) < 0 || read_code(r, rule) < 0 || read_execute(r, rule) < 0)
                return -EINVAL;
        return read_rest(r, rule);
}

static int read_body(struct reader *r, struct fault_rule *rule)
{
        if (read_status(r, rule) < 0 || read_execute(r, rule) < 0)
                return -EINVAL;
        return read_rest(r, rule);
}

static int read_half(struct reader *r, struct fault_rule *rule)
{
        uint64_t ppm = 500000;
        struct reader before = *r;
        struct str word;

        if (next_word(r, &word)) {
                *r = before;
                if (read_percent(r, &ppm) < 0)
                        return -EINVAL;
        }
        rule->from = ppm / 10000 ? ppm / 10000 : 1;
        return 0;
}

static int read_trickle(struct reader *r, struct fault_rule *rule)
{
        if (read_number(r, 1 << 20, "want how many bytes at a time", &rule->from) < 0 ||
            rule->from == 0)
                return wrong(r, "want how many bytes at a time");
        return read_number(r, 60000, "want milliseconds between them", &rule->to);
}

static int read_late(struct reader *r, struct fault_rule *rule)
{
        return read_number(r, 86400 * MS_PER_SECOND, "want milliseconds", &rule->from);
}

/* "30%", then perhaps after how many milliseconds the rest may fill. */
static int read_partial(struct reader *r, struct fault_rule *rule)
{
        struct reader before;
        struct str word;

        if (read_percent(r, &rule->from) < 0)
                return -EINVAL;
        if (rule->from == 0 || rule->from == 1000000)
                return wrong(r, "want more than 0% and less than 100%");
        rule->to = PARTIAL_REST_MS;
        before = *r;
        if (!next_word(r, &word))
                return 0;
        *r = before;
        return read_number(r, 86400 * MS_PER_SECOND, "want milliseconds until the rest fills",
                           &rule->to);
}

static int read_close(struct reader *r, struct fault_rule *rule)
{
        (void)r;
        rule->stage = STAGE_UNREAD;
        return 0;
}

static int read_nothing(struct reader *r, struct fault_rule *rule)
{
        (void)r;
        (void)rule;
        return 0;
}

static const struct {
        const char *name;
        int (*read)(struct reader *r, struct fault_rule *rule);
} actions[FAULT_ACTIONS] = {
        [FAULT_DELAY] = { "delay", read_wait },
        [FAULT_SLOW] = { "slow", read_wait },
        [FAULT_ENGINE] = { "engine", read_wait },
        [FAULT_RESET] = { "reset", read_stage },
        [FAULT_CLOSE] = { "close", read_close },
        [FAULT_HALF] = { "half", read_half },
        [FAULT_UNKNOWN] = { "unknown", read_execute },
        [FAULT_UNAVAILABLE] = { "unavailable", read_nothing },
        [FAULT_INTERNAL] = { "internal", read_nothing },
        [FAULT_OVERLOAD] = { "overload", read_nothing },
        [FAULT_TIMEOUT] = { "timeout", read_execute },
        [FAULT_BUS] = { "bus", read_execute },
        [FAULT_WAF] = { "waf", read_nothing },
        [FAULT_EMPTY] = { "empty", read_empty },
        [FAULT_ERROR] = { "error", read_error },
        [FAULT_BODY] = { "body", read_body },
        [FAULT_GZIP] = { "gzip", read_nothing },
        [FAULT_CHUNKED] = { "chunked", read_nothing },
        [FAULT_TRICKLE] = { "trickle", read_trickle },
        [FAULT_MIXED] = { "mixed", read_nothing },
        [FAULT_HEADERS] = { "headers", read_usage },
        [FAULT_LATE] = { "late", read_late },
        [FAULT_PARTIAL] = { "partial", read_partial },
};

static int read_action(struct reader *r, struct fault_rule *rule)
{
        struct str word;

        if (!next_word(r, &word))
                return wrong(r, "want an action, like delay, reset or unknown");
        for (size_t i = 0; i < FAULT_ACTIONS; ++i) {
                if (!str_eq(word, str_of(actions[i].name)))
                        continue;
                rule->action = (enum fault_action)i;
                return actions[i].read(r, rule);
        }
        return wrong(r, "there is no such action");
}

static int read_path(struct reader *r, struct fault_rule *rule)
{
        struct str word;

        if (!next_word(r, &word) || (word.p[0] != '/' && word.p[0] != '*'))
                return wrong(r, "want a path, a prefix like /api/*, or *");
        rule->is_prefix = word.p[word.n - 1] == '*';
        word.n -= rule->is_prefix;
        if (!str_copy(word, rule->path, sizeof(rule->path)))
                return wrong(r, "this path is too long");
        return 0;
}

static bool is_method(struct str word)
{
        static const char *const methods[] = { "*", "GET", "POST", "PUT", "DELETE", "HEAD" };

        for (size_t i = 0; i < ARRAY_SIZE(methods); ++i)
                if (str_eq(word, str_of(methods[i])))
                        return true;
        return false;
}

static int read_skew(struct reader *r, struct faults *faults)
{
        struct fault_rule number = { .code = 0 };

        if (read_code(r, &number) < 0)
                return wrong(r, "want milliseconds, like -1500");
        faults->has_skew = true;
        faults->skew_ms = number.code;
        return 0;
}

static int read_foreign(struct reader *r, struct faults *faults)
{
        struct str word;

        if (!next_word(r, &word))
                return wrong(r, "want a pool, like spot or futures");
        for (enum pool pool = 0; pool < POOL_COUNT; ++pool) {
                if (!str_eq(word, str_of(pool_name(pool))))
                        continue;
                faults->has_foreign[pool] = true;
                return read_number(r, 1000000, "want weight per second", &faults->foreign[pool]);
        }
        return wrong(r, "there is no such pool");
}

static int read_rule(struct reader *r, struct str method, struct faults *faults)
{
        struct fault_rule rule = { .code = 0 };

        if (!is_method(method))
                return wrong(r, "want a method, *, seed, skew or foreign");
        if (faults->n == FAULT_RULES_MAX)
                return wrong(r, "there are too many rules");
        str_copy(method, rule.method, sizeof(rule.method));
        if (read_path(r, &rule) < 0 || read_when(r, &rule) < 0 || read_action(r, &rule) < 0)
                return -EINVAL;
        faults->rules[faults->n++] = rule;
        return 0;
}

/* A comment begins with a # at the start of a word. */
static void cut_comment(struct str *line)
{
        for (size_t i = 0; i < line->n; ++i)
                if (line->p[i] == '#' && (i == 0 || is_blank(line->p[i - 1])))
                        line->n = i;
}

static int read_line(struct reader *r, struct faults *faults)
{
        struct str word, more;
        int result;

        cut_comment(&r->line);
        if (!next_word(r, &word))
                return 0;
        if (str_eq(word, STR_LITERAL("seed")))
                result = read_number(r, UINT64_MAX, "want a number", &faults->seed);
        else if (str_eq(word, STR_LITERAL("skew")))
                result = read_skew(r, faults);
        else if (str_eq(word, STR_LITERAL("foreign")))
                result = read_foreign(r, faults);
        else
                result = read_rule(r, word, faults);
        if (result == 0 && next_word(r, &more))
                return wrong(r, "there is more on this line than the action takes");
        return result;
}

int faults_parse(struct faults *faults, struct str script, struct faults_error *ret_error)
{
        struct faults *made = malloc(sizeof(*made));
        struct str line;
        unsigned number = 0;

        must(made);
        faults_init(made, faults->seed);
        while (str_split(&script, '\n', &line)) {
                struct reader r = { .line = line };

                number += 1;
                if (read_line(&r, made) == 0)
                        continue;
                *ret_error =
                        (struct faults_error){ .line = number, .column = (unsigned)r.word_at + 1 };
                snprintf(ret_error->why, sizeof(ret_error->why), "%s", r.why);
                free(made);
                return -EINVAL;
        }
        *faults = *made;
        free(made);
        return 0;
}
