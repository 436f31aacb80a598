#include "budget/budget.h"
#include "core/egress.h"
#include "core/sharing.h"
#include "gateway/breakers.h"
#include "gateway/service.h"
#include "gateway/upstream.h"

#include <stdarg.h>
#include <stdio.h>
#include <time.h>

/* Cut where there is no more room. */
PRINTF(2, 3) static void add(char to[SERVICE_WORDS_SIZE], const char *format, ...)
{
        size_t n = strlen(to);
        va_list args;

        va_start(args, format);
        vsnprintf(to + n, SERVICE_WORDS_SIZE - n, format, args);
        va_end(args);
}

static void add_time(char to[SERVICE_WORDS_SIZE], uint64_t at_ms)
{
        time_t at = (time_t)(at_ms / MS_PER_SECOND);
        char text[16];
        struct tm parts;

        if (gmtime_r(&at, &parts) && strftime(text, sizeof(text), "%H:%M:%S", &parts) > 0)
                add(to, " until %s UTC", text);
}

/* @what and the verb, of one address; its name stands behind. */
static void add_gate(char to[SERVICE_WORDS_SIZE], const struct egress *egress, unsigned gate,
                     const char *what, uint64_t now_ms)
{
        static const char *const words[] = {
                [GATE_STOP] = "stopped",
                [GATE_BAN] = "banned",
                [GATE_FIREWALL] = "shut out by the firewall",
        };
        char name[EGRESS_TEXT];
        struct gate_view v;

        gate_look(&egress->gates[gate], now_ms, &v);
        if (!v.is_shut || v.kind >= GATE_KINDS)
                return;
        add(to, "; %s %s", what, words[v.kind]);
        if (v.until_ms > now_ms)
                add_time(to, v.until_ms);
        else
                add(to, " until a probe is answered");
        if (egress_text(egress, name)[0] != '\0')
                add(to, ", by %s", name);
}

static void add_gates(char to[SERVICE_WORDS_SIZE], struct gateway *g, const struct egress *egress)
{
        unsigned said = 1u << BUDGET_GATE_ALL;

        add_gate(to, egress, BUDGET_GATE_ALL, "everything is",
                 upstream_now(g, &g->outlets[0].upstreams[POLICY_API]).now_ms);
        for (unsigned i = 0; i < POLICY_GROUP_COUNT; ++i) {
                const struct upstream *u = &g->outlets[0].upstreams[i];
                unsigned gate = budget_gate(u->group);
                char what[32];

                snprintf(what, sizeof(what), "%s is", policy_group_name(u->group));
                if (!(said & 1u << gate))
                        add_gate(to, egress, gate, what, upstream_now(g, u).now_ms);
                said |= 1u << gate;
        }
}

static void add_breakers(char to[SERVICE_WORDS_SIZE], struct gateway *g, const struct outlet *o)
{
        for (unsigned i = 0; i < POLICY_GROUP_COUNT; ++i)
                if (breakers_are_shut(g, &o->upstreams[i], NULL))
                        add(to, "; %s does not answer%s%s", policy_group_name((enum policy_group)i),
                            o->is_named ? ", by " : "", o->is_named ? o->name : "");
}

static void add_sharing(char to[SERVICE_WORDS_SIZE], struct gateway *g)
{
        struct sharing sharing;
        char words[SHARING_WORDS_SIZE];

        hosts_look(g, &sharing);
        if (sharing.state == SHARING_WAITS && g->hosts.waits[0] != '\0')
                add(to, "; the store grants nothing: %.100s", g->hosts.waits);
        else if (sharing_words(&sharing, words)[0] != '\0')
                add(to, "; %s", words);
}

static void add_trouble(char to[SERVICE_WORDS_SIZE], struct gateway *g)
{
        const struct region_header *header = g->region.header;

        for (unsigned i = 0; i < REGION_EGRESSES; ++i)
                if (egress_is_there(header, i))
                        add_gates(to, g, &header->egresses[i]);
        for (size_t i = 0; i < g->n_outlets; ++i)
                add_breakers(to, g, &g->outlets[i]);
        add_sharing(to, g);
}

const char *service_words(struct gateway *g, char to[SERVICE_WORDS_SIZE])
{
        to[0] = '\0';
        if (g->is_draining)
                add(to, "draining: %zu requests under way", g->n_flows);
        else if (g->ending.is_handing_over)
                add(to, "handing over to the next gateway");
        else if (!g->settings.limits)
                add(to, "a plain proxy: limits are off");
        else if (g->shadow)
                add(to, "in shadow: decides and reports, lets everything pass");
        else
                add(to, "serving");
        if (g->settings.limits && !g->is_draining)
                add_trouble(to, g);
        return to;
}
