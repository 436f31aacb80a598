#include "stats/inside.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const char *const dimensions[STATS_BY_COUNT] = {
        [STATS_BY_CLASS] = "class",
        [STATS_BY_ACCOUNT] = "account",
        [STATS_BY_ENDPOINT] = "endpoint",
        [STATS_BY_CLIENT] = "client",
};

static const char *const outcomes[] = {
#define X(enumerator, name) name,
        STATS_OUTCOMES(X)
#undef X
};

_Static_assert(ARRAY_SIZE(outcomes) == STATS_OUTCOME_COUNT, "one row per outcome");

const char *stats_by_name(enum stats_by by)
{
        must(by < STATS_BY_COUNT);
        return dimensions[by];
}

int stats_by_from(struct str name, enum stats_by *ret_by)
{
        for (unsigned i = 0; i < STATS_BY_COUNT; ++i)
                if (str_eq(name, str_of(dimensions[i]))) {
                        *ret_by = i;
                        return 0;
                }
        return -EINVAL;
}

const char *stats_outcome_name(enum stats_outcome outcome)
{
        must(outcome < STATS_OUTCOME_COUNT);
        return outcomes[outcome];
}

/* Life. */

void *stats_take(struct stats *s, size_t bytes)
{
        void *memory = calloc(1, bytes);

        s->bytes += memory ? bytes : 0;
        return memory;
}

void stats_give(struct stats *s, void *memory, size_t bytes)
{
        s->bytes -= memory ? bytes : 0;
        free(memory);
}

int stats_open(uint64_t seed, struct stats **ret_stats)
{
        struct stats *s = calloc(1, sizeof(*s));

        if (!s)
                return -ENOMEM;
        s->bytes = sizeof(*s);
        if (names_open(s, seed) < 0) {
                stats_close(s);
                return -ENOMEM;
        }
        *ret_stats = s;
        return 0;
}

struct stats *stats_close(struct stats *s)
{
        if (!s)
                return NULL;
        windows_close(s);
        names_close(s);
        must(s->bytes == sizeof(*s));
        free(s);
        return NULL;
}

size_t stats_bytes(const struct stats *s)
{
        return s->bytes;
}

void stats_on_window(struct stats *s, stats_window_fn fn, void *ctx)
{
        s->on_window = fn;
        s->ctx = ctx;
}

/* Noting. */

uint64_t stats_key(struct str text)
{
        uint64_t key = UINT64_C(0xcbf29ce484222325);

        for (size_t i = 0; i < text.n; ++i)
                key = (key ^ (unsigned char)text.p[i]) * UINT64_C(0x100000001b3);
        key ^= key >> 32;
        return key ? key : 1;
}

bool stats_is_error(enum stats_outcome outcome)
{
        return outcome == STATS_ERROR || outcome == STATS_NOT_SENT || outcome == STATS_UNKNOWN;
}

void stats_add(struct stats_figures *f, const struct stats_request *r)
{
        f->weight += r->weight;
        f->orders += r->orders;
        f->over_limit += r->over_limit;
        if (r->is_attempt)
                return;
        ++f->requests;
        f->retries += r->retries;
        f->errors += stats_is_error(r->outcome);
        f->refused += r->outcome == STATS_REFUSED;
}

void stats_figures_add(struct stats_figures *to, const struct stats_figures *more)
{
        to->requests += more->requests;
        to->weight += more->weight;
        to->orders += more->orders;
        to->errors += more->errors;
        to->over_limit += more->over_limit;
        to->retries += more->retries;
        to->refused += more->refused;
}

/* The number of a refusal's word; the last one is for all that have none. */
static int reason_of(struct stats *s, const char *word)
{
        size_t i = 0;

        while (i < s->n_reasons && s->reasons[i] != word && strcmp(s->reasons[i], word) != 0)
                ++i;
        if (i == s->n_reasons && i < STATS_REASONS_MAX)
                s->reasons[s->n_reasons++] = i < STATS_REASONS_MAX - 1 ? word : STATS_OTHERS;
        return (int)(i < STATS_REASONS_MAX ? i : STATS_REASONS_MAX - 1);
}

static void note_code(struct stats_sums *sums, int32_t code)
{
        size_t i = 0;

        while (i < sums->n_codes && sums->codes[i].code != code)
                ++i;
        if (i == STATS_CODES_MAX) {
                ++sums->other_codes;
                return;
        }
        if (i == sums->n_codes)
                sums->codes[sums->n_codes++].code = code;
        ++sums->codes[i].n;
}

/* Return: the number of the reason, or -1. */
static int note_sums(struct stats *s, const struct stats_request *r)
{
        struct stats_sums *sums = &s->sums;
        int reason = -1;

        stats_add(&sums->all, r);
        if (r->verdict < STATS_VERDICTS_MAX)
                ++sums->verdicts[r->verdict];
        if (r->code != 0)
                note_code(sums, r->code);
        if (r->is_attempt)
                return -1;
        ++sums->outcomes[r->outcome];
        if ((r->outcome == STATS_REFUSED || r->outcome == STATS_NOT_SENT)) {
                reason = reason_of(s, r->reason ? r->reason : STATS_NONE);
                ++sums->refused[reason];
        }
        if (stats_has_wait(r) && r->class < CLASS_COUNT)
                waits_add(&sums->waits[r->class], r->wait_us);
        if (r->exchange_us > 0 && r->class < CLASS_COUNT)
                waits_add(&sums->exchange[r->class], r->exchange_us);
        return reason;
}

/* In the window of the orders' own counter, where there is one. */
static void note_orders(struct stats *s, const struct stats_request *r, const struct who *who,
                        uint64_t now_ms, int reason)
{
        struct stats_request order = *r;

        order.pool = r->orders_book - 1;
        order.weight = 0;
        if (order.pool < s->n_books && s->books[order.pool].pool.span_ms > 0)
                windows_note(s, &order, who, now_ms, reason);
}

void stats_note(struct stats *s, const struct stats_request *r, uint64_t now_ms)
{
        struct who who;
        int reason;

        must(r->outcome < STATS_OUTCOME_COUNT);
        who.number[STATS_BY_CLASS] = names_class(r->class);
        who.number[STATS_BY_ACCOUNT] = names_number(s, STATS_BY_ACCOUNT, &r->account, r, now_ms);
        who.number[STATS_BY_ENDPOINT] = names_number(s, STATS_BY_ENDPOINT, &r->endpoint, r, now_ms);
        who.number[STATS_BY_CLIENT] = names_number(s, STATS_BY_CLIENT, &r->client, r, now_ms);
        for (unsigned by = 0; by < STATS_BY_COUNT; ++by)
                stats_add(&names_at(s, who.number[by])->figures, r);
        reason = note_sums(s, r);
        if (r->pool < s->n_books && s->books[r->pool].pool.span_ms > 0)
                windows_note(s, r, &who, now_ms, reason);
        if (r->orders_book > 0)
                note_orders(s, r, &who, now_ms, reason);
}

/* Reading. */

const struct stats_sums *stats_sums(const struct stats *s)
{
        return &s->sums;
}

const char *stats_reason(const struct stats *s, size_t i)
{
        return i < s->n_reasons ? s->reasons[i] : NULL;
}

static bool is_empty(const struct stats_figures *f)
{
        static const struct stats_figures nothing;

        return memcmp(f, &nothing, sizeof(nothing)) == 0;
}

void stats_each(const struct stats *s, enum stats_by by, stats_name_fn fn, void *ctx)
{
        uint16_t first = names_first(by);

        must(by < STATS_BY_COUNT);
        /* The others come last. */
        for (unsigned i = 1; i <= s->names.n[by]; ++i) {
                unsigned k = i % s->names.n[by];
                const struct name *name = names_at(s, (uint16_t)(first + k));

                if (k >= FIXED_NAMES || !is_empty(&name->figures))
                        fn(ctx, name->text, &name->figures);
        }
}

uint32_t stats_pools(const struct stats *s)
{
        return s->n_books;
}

const struct stats_pool *stats_pool(const struct stats *s, uint32_t pool)
{
        must(pool < s->n_books);
        return &s->books[pool].pool;
}
