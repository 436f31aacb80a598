/* docs/region.md draws the bytes: what it says of offsets, sizes and bits is what they are. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "core/chart.h"
#include "core/evidence.h"
#include "core/window.h"

#define DOC "docs/region.md"
/* Lines "| number | number | name |" of its section must be exactly the fields of @charts, in their
 * order. */
static void compare(const struct chart *const charts[], size_t n_charts)
{
        const char *title = charts[0]->title;
        char line[1024], name[64];
        bool is_inside = false;
        size_t c = 0, i = 0, first, bytes;
        FILE *f = fopen(DOC, "r");

        assert_non_null(f);
        while (fgets(line, sizeof(line), f)) {
                const struct chart_field *field;

                if (line[0] == '#')
                        is_inside = strstr(line, title) != NULL;
                if (!is_inside)
                        continue;
                /* NOLINTNEXTLINE(cert-err34-c): our own document; what does not fit differs */
                if (sscanf(line, "| %zu | %zu | %*[`]%63[a-z_]` |", &first, &bytes, name) != 3)
                        continue;
                if (c == n_charts)
                        fail_msg("%s: %s is not there", title, name);
                field = &charts[c]->fields[i];
                if (strcmp(name, field->name) != 0 || first != field->offset ||
                    bytes != field->bytes)
                        fail_msg("%s: says %zu, %zu, %s; is %u, %u, %s", title, first, bytes, name,
                                 field->offset, field->bytes, field->name);
                if (++i == charts[c]->n_fields) {
                        i = 0;
                        ++c;
                }
        }
        (void)fclose(f);
        if (c != n_charts)
                fail_msg("%s: %s is missing", title, charts[c]->fields[i].name);
}

static void every_struct_is_as_drawn(void **state)
{
        static const struct chart *const evidence[] = { &chart_evidence, &chart_figures };
        static const struct chart *const others[] = {
                &chart_header, &chart_egress, &chart_home,         &chart_slot,
                &chart_cell,   &chart_anchor, &chart_lease_header, &chart_lease,
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(others); ++i)
                compare(&others[i], 1);
        compare(evidence, ARRAY_SIZE(evidence));
}

static void check_chart(const struct chart *chart)
{
        size_t end = 0;

        for (size_t i = 0; i < chart->n_fields; ++i) {
                const struct chart_field *field = &chart->fields[i];

                if (field->offset != end || field->bytes == 0)
                        fail_msg("%s: %s begins at %u, not at %zu", chart->title, field->name,
                                 field->offset, end);
                /* Read as words: but for the certificate, none is cut. */
                if (field->kind != CHART_CERTIFICATE && field->bytes % 8 != 0)
                        fail_msg("%s: %s is not of words", chart->title, field->name);
                end += field->bytes;
        }
        assert_int_equal(end, chart->bytes);
}

static void the_chart_has_every_byte(void **state)
{
        static const struct chart *const charts[] = {
                &chart_header, &chart_egress,   &chart_home,    &chart_slot,         &chart_cell,
                &chart_anchor, &chart_evidence, &chart_figures, &chart_lease_header, &chart_lease,
        };
        size_t end = 0;

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(charts); ++i)
                check_chart(charts[i]);
        for (size_t i = 0; i < chart_section_count(); ++i) {
                const struct chart_section *s = chart_section(i);

                assert_int_equal(s->offset, end);
                end += s->count * s->chart->bytes;
        }
        assert_int_equal(end, REGION_BYTES);
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
        expect_said("| egresses | ", REGION_EGRESSES, " of ");
        expect_said("| homes | ", REGION_HOMES, " words");
        expect_said("`weights` | ", REGION_WEIGHTS, " words");
        expect_said("`roster` | ", REGION_ROSTER, " words");
        expect_said("`src/core/evidence.h`), ", EVIDENCE_SLOTS_MAX, " of\n");
        expect_said("names pool ", REGION_POOL_EVIDENCE, " is evidence");
        expect_said("in cell N % ", RING_CELLS, "");
        expect_said("| high | up to ", WINDOW_AMOUNT_MAX, " |");
        /* The lowest row of the versions is the first, the highest ours. */
        expect_said("| ", REGION_VERSION, " | gates");
}

/* Of a word that a take wrote, the bits that the document names. */
static void words_are_cut_as_drawn(void **state)
{
        static struct slot slot;
        const struct window w = { &slot, 60000, 100, NULL };
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
                cmocka_unit_test(every_struct_is_as_drawn),
                cmocka_unit_test(the_chart_has_every_byte),
                cmocka_unit_test(sizes_and_numbers_are_as_said),
                cmocka_unit_test(words_are_cut_as_drawn),
        };

        return cmocka_run_group_tests_name("core/layout", tests, NULL, NULL);
}
