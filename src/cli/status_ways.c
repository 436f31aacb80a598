#include "cli/status_ways.h"

#include <stdio.h>

/* The beginning of a line: the product, and by which address unless it is the one without a name.
 */
static void print_what(const struct look *look, unsigned egress, const char *product)
{
        if (egress == 0)
                printf("%-18s ", product);
        else
                printf("%-18s by %s: ", product, look->egresses[egress].name);
}

static unsigned long long seconds(uint64_t ms)
{
        return (ms + 999) / 1000;
}

void status_print_ways(const struct look *look)
{
        for (size_t i = 0; i < look->n_gates; ++i) {
                const struct look_gate *g = &look->gates[i];

                print_what(look, g->egress, g->product);
                printf("%s for %llu s more%s\n", gate_kind_name(g->kind), seconds(g->for_ms),
                       g->for_ms == 0 ? ", until a probe is answered" : "");
        }
        for (size_t i = 0; i < look->n_ramps; ++i) {
                print_what(look, look->ramps[i].egress, look->ramps[i].product);
                printf("opened again: more from second to second, for %llu s more\n",
                       seconds(look->ramps[i].for_ms));
        }
        for (size_t i = 0; i < look->n_breakers; ++i) {
                const struct look_breaker *b = &look->breakers[i];

                print_what(look, b->egress, b->product);
                printf("does not answer (%u failures in a row): %s\n", b->failures,
                       b->is_probing ? "being asked now" : "nothing is sent for a moment");
        }
}
