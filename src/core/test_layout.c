/* docs/region.md draws the bytes: what it says of offsets, sizes and bits is what they are. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "core/evidence.h"
#include "core/window.h"

#define DOC "docs/region.md"
#define FIELD(s, f)                                                                                \
        {                                                                                          \
#f, offsetof(struct s, f), sizeof(((struct s *)0)->f)                              \
        }

struct fact {
        const char *name;
        size_t first, n;
};

/* Lines "| number | number | name |" of section @title must be exactly @facts, in their order. */
static void compare(const char *title, const struct fact *facts, size_t n_facts)
{
        char line[1024], name[64];
        bool is_inside = false;
        size_t n = 0, first, bytes;
        FILE *f = fopen(DOC, "r");

        assert_non_null(f);
        while (fgets(line, sizeof(line), f)) {
                if (line[0] == '#')
                        is_inside = strstr(line, title) != NULL;
                if (!is_inside)
                        continue;
                /* NOLINTNEXTLINE(cert-err34-c): our own document; what does not fit differs */
                if (sscanf(line, "| %zu | %zu | %*[`]%63[a-z_]` |", &first, &bytes, name) != 3)
                        continue;
                if (n == n_facts)
                        fail_msg("%s: %s is not there", title, name);
                if (strcmp(name, facts[n].name) != 0 || first != facts[n].first ||
                    bytes != facts[n].n)
                        fail_msg("%s: says %zu, %zu, %s; is %zu, %zu, %s", title, first, bytes,
                                 name, facts[n].first, facts[n].n, facts[n].name);
                ++n;
        }
        (void)fclose(f);
        if (n != n_facts)
                fail_msg("%s: %s is missing", title, facts[n].name);
}

static void the_header_is_as_drawn(void **state)
{
        static const struct fact facts[] = {
                FIELD(region_header, magic),        FIELD(region_header, version),
                FIELD(region_header, header_bytes), FIELD(region_header, slot_bytes),
                FIELD(region_header, n_slots),      FIELD(region_header, total_bytes),
                FIELD(region_header, table_hash),   FIELD(region_header, born_ms),
                FIELD(region_header, seed),         FIELD(region_header, spare_certificate),
                FIELD(region_header, ceilings),     FIELD(region_header, spare_ceilings),
                FIELD(region_header, gates),        FIELD(region_header, clocks),
                FIELD(region_header, pools),        FIELD(region_header, counters),
                FIELD(region_header, exchanges),    FIELD(region_header, rules),
                FIELD(region_header, breakers),     FIELD(region_header, fronts),
                FIELD(region_header, turns),        FIELD(region_header, spare_middle),
                FIELD(region_header, weights),      FIELD(region_header, spare_end),
                FIELD(region_header, accounts),
        };

        (void)state;
        compare("## Header", facts, ARRAY_SIZE(facts));
}

static void a_slot_is_as_drawn(void **state)
{
        static const struct fact facts[] = {
                FIELD(slot, key),   FIELD(slot, shut_until_ms), FIELD(slot, pool_span),
                FIELD(slot, owner), FIELD(slot, trip),          FIELD(slot, strangers),
                FIELD(slot, look),  FIELD(slot, cells),
        };

        (void)state;
        compare("## Slot", facts, ARRAY_SIZE(facts));
}

static void a_cell_is_as_drawn(void **state)
{
        static const struct fact facts[] = {
                FIELD(cell, sent),
                FIELD(cell, held),
                FIELD(cell, seen),
                FIELD(cell, foreign),
        };

        (void)state;
        compare("## Cell", facts, ARRAY_SIZE(facts));
}

static void evidence_is_as_drawn(void **state)
{
        static const struct fact anchor[] = {
                FIELD(anchor, shown),
                FIELD(anchor, step),
                FIELD(anchor, variant),
                FIELD(anchor, spare),
        };
        static const struct fact facts[] = {
                FIELD(evidence, of),
                FIELD(evidence, name),
                FIELD(evidence_figures, values),
                FIELD(evidence_figures, total),
                FIELD(evidence_figures, charged),
                FIELD(evidence_figures, learnt),
                FIELD(evidence_figures, decided),
                FIELD(evidence_figures, control),
                FIELD(evidence_figures, first_ms),
                FIELD(evidence_figures, last_ms),
        };

        (void)state;
        compare("## Anchor", anchor, ARRAY_SIZE(anchor));
        compare("## Evidence", facts, ARRAY_SIZE(facts));
}

static bool says(const char *text)
{
        char line[1024];
        bool is_there = false;
        FILE *f = fopen(DOC, "r");

        assert_non_null(f);
        while (!is_there && fgets(line, sizeof(line), f))
                is_there = strstr(line, text) != NULL;
        (void)fclose(f);
        return is_there;
}

/* The number stands between @before and @after. */
static void expect_said(const char *before, unsigned long long value, const char *after)
{
        char text[128];

        (void)snprintf(text, sizeof(text), "%s%llu%s", before, value, after);
        if (!says(text))
                fail_msg("docs/region.md does not say: %s", text);
}

static void sizes_and_numbers_are_as_said(void **state)
{
        (void)state;
        expect_said("| 8 | 4 | `version` | ", REGION_VERSION, ";");
        expect_said("`header_bytes` | ", REGION_HEADER_BYTES, " |");
        expect_said("`slot_bytes` | ", sizeof(struct slot), " |");
        expect_said("`n_slots` | ", REGION_SLOTS, " |");
        expect_said("`total_bytes` | ", REGION_BYTES, " |");
        expect_said(" ", REGION_BYTES, " +---");
        expect_said("`gates` | ", REGION_GATES, " words");
        expect_said("`clocks` | ", REGION_CLOCKS, " words");
        expect_said("`pools` | ", REGION_POOLS, " pools");
        expect_said("`counters` | ", REGION_COUNTERS, " words");
        expect_said("`exchanges` | ", REGION_EXCHANGES, " words");
        expect_said("`rules` | ", REGION_RULES, " words");
        expect_said("`breakers` | ", REGION_BREAKERS, " words");
        expect_said("`fronts` | ", REGION_FRONTS, " words");
        expect_said("`turns` | ", REGION_TURNS, " words");
        expect_said("`weights` | ", REGION_WEIGHTS, " words");
        expect_said("`src/core/evidence.h`), ", EVIDENCE_SLOTS_MAX, " of\n");
        expect_said("names pool ", REGION_POOL_EVIDENCE, " is evidence");
        expect_said("in cell N % ", RING_CELLS, "");
        expect_said("| high | up to ", WINDOW_AMOUNT_MAX, " |");
        /* The lowest row of the versions is the first, the highest ours. */
        expect_said("| ", REGION_VERSION, " | circuit breakers");
}

/* Of a word that a take wrote, the bits that the document names. */
static void words_are_cut_as_drawn(void **state)
{
        static struct slot slot;
        const struct window w = { &slot, 60000, 100 };
        const uint64_t number = 30000003;
        unsigned long long bit, bits, tag = 0, high = 0, low = 0;
        struct window_place place;
        char line[1024], part[16];
        uint64_t word;
        FILE *f = fopen(DOC, "r");

        (void)state;
        assert_non_null(f);
        assert_int_equal(window_take(&w, number, 5, 100, true, &place), WINDOW_TAKEN);
        window_land(&w, number, 3, 0, number * 60000 + 1000, 0);
        word = atomic_load(&slot.cells[number % RING_CELLS].sent);
        while (fgets(line, sizeof(line), f)) {
                unsigned long long value;

                /* NOLINTNEXTLINE(cert-err34-c): as above */
                if (sscanf(line, "| %llu | %llu | %15[a-z] |", &bit, &bits, part) != 3)
                        continue;
                value = word >> bit & ((1ULL << bits) - 1);
                if (strcmp(part, "tag") == 0)
                        tag = value;
                else if (strcmp(part, "high") == 0)
                        high = value;
                else if (strcmp(part, "low") == 0)
                        low = value;
        }
        (void)fclose(f);
        assert_int_equal(tag, number / RING_CELLS % (1u << 20));
        assert_int_equal(high, 5);
        assert_int_equal(low, 2);
}

int main(void)
{
        static const struct CMUnitTest tests[] = {
                cmocka_unit_test(the_header_is_as_drawn),
                cmocka_unit_test(a_slot_is_as_drawn),
                cmocka_unit_test(a_cell_is_as_drawn),
                cmocka_unit_test(evidence_is_as_drawn),
                cmocka_unit_test(sizes_and_numbers_are_as_said),
                cmocka_unit_test(words_are_cut_as_drawn),
        };

        return cmocka_run_group_tests_name("core/layout", tests, NULL, NULL);
}
