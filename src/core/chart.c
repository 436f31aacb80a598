#include "core/chart.h"

#define FIELD(s, f, kind)                                                                          \
        {                                                                                          \
#f, offsetof(struct s, f), sizeof(((struct s *)0)->f), (kind)                      \
        }

static const struct chart_field header[] = {
        FIELD(region_header, magic, CHART_CERTIFICATE),
        FIELD(region_header, version, CHART_CERTIFICATE),
        FIELD(region_header, header_bytes, CHART_CERTIFICATE),
        FIELD(region_header, slot_bytes, CHART_CERTIFICATE),
        FIELD(region_header, n_slots, CHART_CERTIFICATE),
        FIELD(region_header, total_bytes, CHART_CERTIFICATE),
        FIELD(region_header, table_hash, CHART_CERTIFICATE),
        FIELD(region_header, born_ms, CHART_CERTIFICATE),
        FIELD(region_header, seed, CHART_CERTIFICATE),
        FIELD(region_header, spare_certificate, CHART_SPARE),
        FIELD(region_header, ceilings, CHART_CEILINGS),
        FIELD(region_header, sharing, CHART_ANY),
        FIELD(region_header, spare_ceilings, CHART_SPARE),
        FIELD(region_header, spare_gates, CHART_SPARE),
        FIELD(region_header, clocks, CHART_CLOCK),
        FIELD(region_header, pools, CHART_POOL),
        FIELD(region_header, counters, CHART_COUNTER),
        FIELD(region_header, exchanges, CHART_EXCHANGE),
        FIELD(region_header, rules, CHART_RULE),
        FIELD(region_header, spare_middle, CHART_SPARE),
        FIELD(region_header, weights, CHART_WEIGHT),
        FIELD(region_header, spare_end, CHART_SPARE),
        FIELD(region_header, accounts, CHART_ANY),
};

static const struct chart_field egress[] = {
        FIELD(egress, name, CHART_ANY),         FIELD(egress, unclocked, CHART_ANY),
        FIELD(egress, spare_name, CHART_SPARE), FIELD(egress, gates, CHART_GATE),
        FIELD(egress, breakers, CHART_BREAKER), FIELD(egress, fronts, CHART_TIME_US),
        FIELD(egress, turns, CHART_TIME_US),    FIELD(egress, text, CHART_ANY),
};

static const struct chart_field home[] = { { "home", 0, sizeof(word_t), CHART_HOME } };

/* As a budget has them: other slots keep their first four words, and their own in the cells. */
static const struct chart_field slot[] = {
        FIELD(slot, key, CHART_ANY),       FIELD(slot, shut_until_ms, CHART_TIME_MS),
        FIELD(slot, pool_span, CHART_ANY), FIELD(slot, owner, CHART_ANY),
        FIELD(slot, trip, CHART_ANY),      FIELD(slot, strangers, CHART_ANY),
        FIELD(slot, look, CHART_ANY),      FIELD(slot, cells, CHART_INSIDE),
};

static const struct chart_field cell[] = {
        FIELD(cell, sent, CHART_PAIR),
        FIELD(cell, held, CHART_PAIR),
        FIELD(cell, seen, CHART_PAIR),
        FIELD(cell, foreign, CHART_PAIR),
};

static const struct chart_field anchor[] = {
        FIELD(anchor, shown, CHART_PAIR),
        FIELD(anchor, step, CHART_PAIR),
        FIELD(anchor, variant, CHART_ANY),
        FIELD(anchor, spare, CHART_SPARE),
};

static const struct chart_field evidence[] = {
        FIELD(evidence, of, CHART_INSIDE),
        FIELD(evidence, name, CHART_ANY),
};

static const struct chart_field figures[] = {
        FIELD(evidence_figures, values, CHART_ANY),
        FIELD(evidence_figures, total, CHART_ANY),
        FIELD(evidence_figures, charged, CHART_ANY),
        FIELD(evidence_figures, learnt, CHART_ANY),
        FIELD(evidence_figures, decided, CHART_ANY),
        FIELD(evidence_figures, control, CHART_ANY),
        FIELD(evidence_figures, first_ms, CHART_TIME_MS),
        FIELD(evidence_figures, last_ms, CHART_TIME_MS),
};

static const struct chart_field lease_header[] = {
        FIELD(lease_header, host, CHART_ANY),
        FIELD(lease_header, sequence, CHART_ANY),
        FIELD(lease_header, birth, CHART_ANY),
        FIELD(lease_header, epoch, CHART_ANY),
        FIELD(lease_header, share_until_ms, CHART_TIME_MS),
        FIELD(lease_header, n_hosts, CHART_ANY),
        FIELD(lease_header, answered_ms, CHART_TIME_MS),
        FIELD(lease_header, away_ms, CHART_TIME_MS),
        FIELD(lease_header, waits_ms, CHART_TIME_MS),
        FIELD(lease_header, refused_ms, CHART_TIME_MS),
        FIELD(lease_header, spare, CHART_SPARE),
        FIELD(lease_header, roster, CHART_ANY),
};

static const struct chart_field lease[] = {
        FIELD(lease, share, CHART_ANY),   FIELD(lease, hunger, CHART_PAIR),
        FIELD(lease, urgent, CHART_PAIR), FIELD(lease, spare, CHART_SPARE),
        FIELD(lease, caps, CHART_PAIR),
};

#define CHART(title, fields, s)                                                                    \
        {                                                                                          \
                title, fields, ARRAY_SIZE(fields), sizeof(struct s)                                \
        }

/* Its first page: what follows is drawn apart. */
const struct chart chart_header = { "## Header", header, ARRAY_SIZE(header),
                                    offsetof(struct region_header, egresses) };
const struct chart chart_egress = CHART("## Egress", egress, egress);
const struct chart chart_home = { "## Home", home, ARRAY_SIZE(home), sizeof(word_t) };
const struct chart chart_slot = CHART("## Slot", slot, slot);
const struct chart chart_cell = CHART("## Cell", cell, cell);
const struct chart chart_anchor = CHART("## Anchor", anchor, anchor);
const struct chart chart_evidence = CHART("## Evidence", evidence, evidence);
const struct chart chart_figures = CHART("## Evidence", figures, evidence_figures);
const struct chart chart_lease_header =
        CHART("## Shared with other hosts", lease_header, lease_header);
const struct chart chart_lease = CHART("## Lease", lease, lease);

static const struct chart_section sections[] = {
        { "header", &chart_header, 0, 1 },
        { "egresses", &chart_egress, offsetof(struct region_header, egresses), REGION_EGRESSES },
        { "homes", &chart_home, offsetof(struct region_header, homes), REGION_HOMES },
        { "slots", &chart_slot, REGION_HEADER_BYTES, REGION_SLOTS },
        { "hosts", &chart_lease_header, REGION_HEADER_BYTES + REGION_SLOTS_BYTES, 1 },
        { "leases", &chart_lease,
          REGION_HEADER_BYTES + REGION_SLOTS_BYTES + sizeof(struct lease_header), REGION_SLOTS },
};

size_t chart_section_count(void)
{
        return ARRAY_SIZE(sections);
}

const struct chart_section *chart_section(size_t index)
{
        must(index < ARRAY_SIZE(sections));
        return &sections[index];
}
