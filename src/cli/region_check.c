/*
 * The header of a region, word by word: each kind of core/chart.h has its rule here.
 */
#include "budget/budget.h"
#include "budget/counters.h"
#include "budget/exclock.h"
#include "call/breaker.h"
#include "cli/region_findings.h"
#include "core/chart.h"
#include "core/egress.h"
#include "core/evidence.h"
#include "core/front.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* Binance opened in 2017; nothing is stopped for longer than so many years. */
#define FIRST_MS  1483228800000ULL
#define YEAR_MS   31536000000ULL
#define YEARS_MAX 10
#define DAY_MS    86400000ULL
/* An exchange's clock and ours are never so far apart. */
#define OFFSET_MAX_MS ((int64_t)DAY_MS)
/* The counts that say how much evidence there is are off by a few: whoever is killed between the
 * two, or two who claim at once. */
#define EVIDENCE_OFF 64
#define COUNTER_MAX  (1ULL << 56)

struct word {
        const struct region_file *file;
        struct findings *findings;
        uint64_t wall_ms;
        const struct chart_section *section;
        size_t part; /* of the section */
        const struct chart_field *field;
        uint64_t offset; /* in the file */
        size_t index;    /* in the field */
        uint64_t value;
};

bool region_is_time(uint64_t ms, uint64_t wall_ms)
{
        return ms == 0 || (ms >= FIRST_MS && ms < wall_ms + YEARS_MAX * YEAR_MS);
}

PRINTF(2, 3) static void find(const struct word *w, const char *format, ...)
{
        char where[96], text[320], part[24] = "";
        va_list args;

        if (w->section->count > 1)
                snprintf(part, sizeof(part), "[%zu]", w->part);
        if (w->field->bytes > sizeof(uint64_t))
                snprintf(where, sizeof(where), "%s%s %s[%zu]", w->section->name, part,
                         w->field->name, w->index);
        else
                snprintf(where, sizeof(where), "%s%s %s", w->section->name, part, w->field->name);
        va_start(args, format);
        vsnprintf(text, sizeof(text), format, args);
        va_end(args);
        findings_add(w->findings, w->offset, where, "is %#llx: %s", (unsigned long long)w->value,
                     text);
}

static void check_ceilings(const struct word *w)
{
        struct ceilings c = ceilings_unpack(w->value);

        if (ceilings_pack(&c) != w->value)
                find(w, "no set of shares: the usual ones are used until a gateway sets them");
}

/* Phase and kind as core/gate.c packs them. */
static void check_gate(const struct word *w)
{
        unsigned phase = w->value & 15, kind = w->value >> 4 & 15;

        if (phase > 2 || kind >= GATE_KINDS)
                find(w, "no gate has phase %u and kind %u: it counts as shut", phase, kind);
        else if (!region_is_time(w->value >> 8, w->wall_ms) || (phase != 0 && w->value >> 8 == 0))
                find(w, "its time is none: %s",
                     phase == 0 ? "a ramp is reckoned from it" : "who waits for it waits for ever");
}

static void check_clock(const struct word *w)
{
        const word_t *word = &w->file->region.header->clocks[w->index % EXCLOCK_WHEN];
        int64_t offset_ms;
        uint32_t error_ms;

        if (w->index % EXCLOCK_WHEN >= POLICY_GROUP_COUNT) {
                if (w->value != 0)
                        find(w, "there is no product of this number, it should be 0");
        } else if (w->index >= EXCLOCK_WHEN) {
                if (w->value > w->wall_ms + DAY_MS || !region_is_time(w->value, w->wall_ms))
                        find(w, "measured at a time that has not come: this machine's clock was "
                                "set back, or it is damaged; the clock counts as unknown");
                else if (w->value != 0 && atomic_load(word) == 0)
                        find(w, "says when a clock was measured that never was");
        } else if (exclock_read(word, &offset_ms, &error_ms) &&
                   (offset_ms > OFFSET_MAX_MS || offset_ms < -OFFSET_MAX_MS)) {
                find(w, "an exchange whose clock is %lld ms from ours: windows are counted by it",
                     (long long)offset_ms);
        }
}

static void check_pool(const struct word *w)
{
        uint32_t span_ms = region_window_span(w->value), limit = region_window_limit(w->value);
        size_t pool = w->index / REGION_POOL_WINDOWS, window = w->index % REGION_POOL_WINDOWS;
        const word_t *words = w->file->region.header->pools[pool];

        if (w->value == 0)
                return;
        if (pool >= policy_pool_count())
                find(w, "there is no pool of this number, it should be 0");
        else if (span_ms == 0 || limit == 0)
                find(w, "%s allows %u in %u ms: no window of the exchange", policy_pool(pool)->name,
                     limit, span_ms);
        for (size_t i = 0; i < window; ++i)
                if (span_ms != 0 && region_window_span(atomic_load(&words[i])) == span_ms)
                        find(w, "a second window of %u ms in pool %zu", span_ms, pool);
}

static void check_rule(const struct word *w)
{
        if (w->index > RULE_RAMP && w->value != 0)
                find(w, "there is no rule of this number, it should be 0");
        else if (w->index == RULE_BREAKER && w->value != 0 && w->value >> 63 == 0)
                find(w, "no rule of breakers: the usual one is used");
        else if (w->index == RULE_RAMP && w->value != 0 && w->value >> 63 == 0)
                find(w, "no rule of a ramp: the usual one is used");
}

static void check_breaker(const struct word *w)
{
        if (w->index >= POLICY_GROUP_COUNT) {
                if (w->value != 0)
                        find(w, "there is no product of this number, it should be 0");
        } else if (w->value >> 62 > BREAKER_PROBING) {
                find(w, "no state of a breaker");
        } else if (!region_is_time(w->value & ((1ULL << 48) - 1), w->wall_ms)) {
                find(w, "its time is none");
        }
}

static void check_weight(const struct word *w)
{
        size_t n = 0;

        for (size_t i = 0; i < region_file_slots(w->file); ++i)
                n += slot_pool(atomic_load(&w->file->region.slots[i].pool_span)) ==
                     REGION_POOL_EVIDENCE;
        if (w->index > WEIGHTS_NAMED && w->value != 0)
                find(w, "nothing is counted here, it should be 0");
        else if (w->index == WEIGHTS_SLOTS && w->file->state == REGION_GOOD &&
                 (w->value > n + EVIDENCE_OFF || w->value + EVIDENCE_OFF < n))
                find(w, "%llu slots of evidence are said, %zu are there: %s",
                     (unsigned long long)w->value, n,
                     w->value > n ? "room for it is given away"
                                  : "it may take the room of budgets");
        else if (w->index == WEIGHTS_NAMED && w->value > n + EVIDENCE_OFF)
                find(w, "more names than slots of evidence");
}

static void check_home(const struct word *w)
{
        uint64_t egress = w->value & 0xff;

        if (w->value != 0 && (egress == 0 || egress > REGION_EGRESSES))
                find(w, "the home of a client at no address: it counts as new");
        else if (w->value != 0 && !egress_is_there(w->file->region.header, (unsigned)egress - 1))
                find(w, "the home of a client at an address that nobody has named");
}

static void check_word(const struct word *w)
{
        switch (w->field->kind) {
        case CHART_SPARE:
                if (w->value != 0)
                        find(w, "a spare word is 0: what a later version keeps in it would be "
                                "taken for true");
                break;
        case CHART_CEILINGS:
                check_ceilings(w);
                break;
        case CHART_GATE:
                check_gate(w);
                break;
        case CHART_CLOCK:
                check_clock(w);
                break;
        case CHART_POOL:
                check_pool(w);
                break;
        case CHART_COUNTER:
                if (w->index >= COUNTERS && w->value != 0)
                        find(w, "nothing is counted here, it should be 0");
                else if (w->value > COUNTER_MAX)
                        find(w, "nothing happens so often");
                break;
        case CHART_EXCHANGE:
                if (w->index >= POLICY_GROUP_COUNT && w->value != 0)
                        find(w, "there is no product of this number, it should be 0");
                break;
        case CHART_RULE:
                check_rule(w);
                break;
        case CHART_BREAKER:
                check_breaker(w);
                break;
        case CHART_WEIGHT:
                check_weight(w);
                break;
        case CHART_TIME_MS:
                if (!region_is_time(w->value, w->wall_ms))
                        find(w, "no time");
                break;
        case CHART_TIME_US:
                if (!region_is_time(w->value / US_PER_MS, w->wall_ms))
                        find(w, "no time");
                break;
        case CHART_HOME:
                check_home(w);
                break;
        case CHART_ANY:
        case CHART_CERTIFICATE:
        case CHART_PAIR:
        case CHART_INSIDE:
                break;
        }
}

/* Its sizes are the file's state; what is left of it. */
static void check_certificate(const struct region_file *f, uint64_t wall_ms,
                              struct findings *findings)
{
        static struct region_plan plan;
        const struct region_header *h = f->region.header;

        budget_plan(&plan, wall_ms);
        if (h->table_hash != plan.table_hash)
                findings_add(findings, offsetof(struct region_header, table_hash),
                             "header table_hash",
                             "was made for other endpoint tables than this weir has: its programs "
                             "refuse it, and what its pools and endpoints are called here is "
                             "guessed");
        if (h->born_ms == 0 || !region_is_time(h->born_ms, wall_ms))
                findings_add(findings, offsetof(struct region_header, born_ms), "header born_ms",
                             "%llu is no time to be made", (unsigned long long)h->born_ms);
}

static void check_field(struct word *w, size_t at)
{
        if (w->field->kind == CHART_CERTIFICATE)
                return;
        for (w->index = 0; w->index < w->field->bytes / sizeof(uint64_t); ++w->index) {
                w->offset = at + w->field->offset + w->index * sizeof(uint64_t);
                if (w->offset + sizeof(uint64_t) > w->file->bytes)
                        return;
                memcpy(&w->value, (const char *)w->file->region.header + w->offset,
                       sizeof(w->value));
                check_word(w);
        }
}

/* All but the slots. */
static void check_header(const struct region_file *f, uint64_t wall_ms, struct findings *findings)
{
        struct word w = { .file = f, .findings = findings, .wall_ms = wall_ms };

        check_certificate(f, wall_ms, findings);
        for (size_t i = 0; i < chart_section_count(); ++i) {
                const struct chart *chart = chart_section(i)->chart;

                w.section = chart_section(i);
                if (chart == &chart_slot)
                        continue;
                for (w.part = 0; w.part < w.section->count; ++w.part) {
                        for (size_t k = 0; k < chart->n_fields; ++k) {
                                w.field = &chart->fields[k];
                                check_field(&w, w.section->offset + w.part * chart->bytes);
                        }
                }
        }
}

/* What keeps programs from opening it. */
static void check_file(const struct region_file *f, struct findings *findings)
{
        char text[384];

        region_file_say(f, text, sizeof(text));
        if (text[0] != '\0')
                findings_add(findings, f->state == REGION_CUT ? f->bytes : 0, "file", "%s", text);
        if (f->stat.st_mode & S_IWOTH)
                findings_add(findings, 0, "file",
                             "may be written by everybody: every program refuses it; chmod 600 it");
        else if (f->stat.st_mode & S_IWGRP)
                findings_add(findings, 0, "file",
                             "may be written by its group: every program refuses it; chmod 600 it");
}

void region_check(const struct region_file *f, uint64_t wall_ms, struct findings *ret)
{
        ret->n = ret->n_more = 0;
        check_file(f, ret);
        if (f->state == REGION_UNFINISHED || f->state == REGION_FOREIGN ||
            f->state == REGION_VERSION_OTHER)
                return;
        check_header(f, wall_ms, ret);
        region_check_slots(f, wall_ms, ret);
        region_check_leases(f, ret);
}
