/*
 * What a host may use of budgets that it shares with others: the words behind the slots. Their
 * spare words and times are looked at with the header's.
 */
#include "cli/region_findings.h"
#include "core/chart.h"
#include "core/lease.h"
#include "core/word.h"

#include <stdio.h>

static uint64_t load(const word_t *word)
{
        return atomic_load_explicit(word, memory_order_relaxed);
}

static uint64_t offset_of(const struct region_file *f, const void *at)
{
        return (uint64_t)((const char *)at - (const char *)f->region.header);
}

static void check_sharing(const struct region_file *f, struct findings *findings)
{
        const struct region_header *h = f->region.header;
        uint64_t sharing = load(&h->sharing);

        if (sharing != 0 && sharing != LEASE_SHARING)
                findings_add(findings, offsetof(struct region_header, sharing), "header sharing",
                             "is %#llx: neither shared nor not", (unsigned long long)sharing);
}

static void check_hosts(const struct region_file *f, struct findings *findings)
{
        const struct lease_header *lease = f->region.lease;
        bool is_end = false;

        if (lease->host == 0)
                findings_add(findings, offset_of(f, &lease->host), "hosts host",
                             "this host has no number: a store takes it for another one");
        for (size_t i = 0; i < REGION_ROSTER; ++i) {
                if (is_end && load(&lease->roster[i]) != 0) {
                        findings_add(findings, offset_of(f, &lease->roster[i]), "hosts roster",
                                     "a host stands behind the end of the list");
                        return;
                }
                is_end = load(&lease->roster[i]) == 0;
        }
}

/* Nothing is kept for a slot that is no budget: who claims it would begin with it. */
static void check_empty(const struct region_file *f, size_t index, struct findings *findings)
{
        const struct lease *lease = &f->region.leases[index];
        const word_t *words = &lease->share;
        char where[64];

        for (size_t i = 0; i < sizeof(*lease) / sizeof(*words); ++i) {
                if (load(&words[i]) == 0)
                        continue;
                snprintf(where, sizeof(where), "lease %zu", index);
                findings_add(findings, offset_of(f, &words[i]), where,
                             "is %#llx, and its slot is no budget",
                             (unsigned long long)load(&words[i]));
                return;
        }
}

static void check_lease(const struct region_file *f, size_t index, struct findings *findings)
{
        const struct lease *lease = &f->region.leases[index];
        uint64_t share = load(&lease->share);
        char where[64];

        snprintf(where, sizeof(where), "lease %zu", index);
        if ((uint32_t)share > WINDOW_AMOUNT_MAX || share >> 32 > WINDOW_AMOUNT_MAX)
                findings_add(findings, offset_of(f, &lease->share), where,
                             "a share of %u, before %llu: more than a window holds",
                             (uint32_t)share, (unsigned long long)(share >> 32));
        /* Low: what it is; high: what it was before it was lowered. */
        if ((uint32_t)share > share >> 32)
                findings_add(findings, offset_of(f, &lease->share), where,
                             "a share of %u, and was %llu before it was lowered", (uint32_t)share,
                             (unsigned long long)(share >> 32));
        for (size_t i = 0; i < RING_CELLS; ++i) {
                uint64_t cap = load(&lease->caps[i]);

                /* High: the cap; low: what it was before it was lowered. */
                if ((cap >> FIELD_BITS & FIELD_MASK) > (cap & FIELD_MASK))
                        findings_add(findings, offset_of(f, &lease->caps[i]), where,
                                     "cap %zu is %llu, and was %llu before it was lowered", i,
                                     (unsigned long long)(cap >> FIELD_BITS & FIELD_MASK),
                                     (unsigned long long)(cap & FIELD_MASK));
        }
}

void region_check_leases(const struct region_file *f, struct findings *findings)
{
        size_t n = f->bytes == REGION_BYTES ? REGION_SLOTS : 0;

        check_sharing(f, findings);
        if (n > 0)
                check_hosts(f, findings);
        for (size_t i = 0; i < n; ++i) {
                const struct slot *slot = &f->region.slots[i];

                if (load(&slot->key) != 0 && slot_pool(load(&slot->pool_span)) < REGION_POOLS)
                        check_lease(f, i, findings);
                else
                        check_empty(f, i, findings);
        }
}
