/*
 * The header.
 */
#include "cli/region_picture.h"
#include "budget/budget.h"
#include "budget/counters.h"
#include "budget/exchange.h"
#include "budget/exclock.h"
#include "call/breaker.h"
#include "core/chart.h"
#include "core/egress.h"
#include "core/front.h"
#include "look/look.h"

#include <stdio.h>
#include <string.h>

static uint64_t load(const word_t *word)
{
        return atomic_load_explicit(word, memory_order_relaxed);
}

const char *region_hex(uint64_t value, char to[REGION_HEX_SIZE])
{
        snprintf(to, REGION_HEX_SIZE, "%016llx", (unsigned long long)value);
        return to;
}

static json_t *integer(uint64_t value)
{
        return json_integer((json_int_t)value);
}

static json_t *file_json(const struct region_file *f, const char *path)
{
        json_t *users = json_array();
        char mode[8], text[512];

        for (size_t i = 0; i < f->n_users; ++i)
                json_array_append_new(users, json_integer(f->users[i]));
        snprintf(mode, sizeof(mode), "%04o", (unsigned)f->stat.st_mode & 07777);
        region_file_say(f, text, sizeof(text));
        return json_pack("{s:s, s:I, s:s, s:I, s:s, s:s, s:o}", "region", path, "bytes",
                         (json_int_t)f->stat.st_size, "mode", mode, "uid",
                         (json_int_t)f->stat.st_uid, "state", region_state_name(f->state), "says",
                         text, "users", users);
}

static json_t *certificate(const struct region_header *h)
{
        char magic[REGION_HEX_SIZE], hash[REGION_HEX_SIZE], seed[REGION_HEX_SIZE];

        return json_pack("{s:s, s:I, s:I, s:I, s:I, s:I, s:s, s:I, s:s}", "magic",
                         region_hex(load(&h->magic), magic), "version", (json_int_t)h->version,
                         "header_bytes", (json_int_t)h->header_bytes, "slot_bytes",
                         (json_int_t)h->slot_bytes, "n_slots", (json_int_t)h->n_slots,
                         "total_bytes", (json_int_t)h->total_bytes, "table_hash",
                         region_hex(h->table_hash, hash), "born_ms", (json_int_t)h->born_ms, "seed",
                         region_hex(h->seed, seed));
}

/* Every field of a struct as it is: word's number to its value, those that are not 0. */
static json_t *words(const struct region_file *f, const struct chart *chart, size_t at)
{
        json_t *all = json_object();

        for (size_t i = 0; i < chart->n_fields; ++i) {
                const struct chart_field *field = &chart->fields[i];
                json_t *one = json_object();

                for (size_t k = 0; k < field->bytes / sizeof(uint64_t); ++k) {
                        char name[16], hex[REGION_HEX_SIZE];
                        uint64_t value;

                        memcpy(&value,
                               (const char *)f->region.header + at + field->offset +
                                       k * sizeof(uint64_t),
                               sizeof(value));
                        snprintf(name, sizeof(name), "%zu", k);
                        if (value != 0)
                                json_object_set_new(one, name, json_string(region_hex(value, hex)));
                }
                if (field->kind != CHART_CERTIFICATE && json_object_size(one) > 0)
                        json_object_set(all, field->name, one);
                json_decref(one);
        }
        return all;
}

static json_t *ceilings(const struct region_header *h)
{
        struct ceilings c = ceilings_unpack(load(&h->ceilings));
        json_t *json = json_object();

        for (unsigned i = 0; i < CLASS_COUNT; ++i)
                json_object_set_new(json, class_name((enum weir_class)i), json_integer(c.pct[i]));
        json_object_set_new(json, "opens_from", json_integer(c.opens_from_pct));
        return json;
}

/* Of a group: the host that it stands for has this clock. */
static uint64_t now_of_gate(const struct region *region, unsigned gate, uint64_t wall_ms)
{
        for (unsigned g = 0; g < POLICY_GROUP_COUNT; ++g)
                if (budget_gate((enum policy_group)g) == gate)
                        return look_group_time(region, g, wall_ms).now_ms;
        return wall_ms;
}

static const char *name_of_gate(unsigned gate)
{
        if (gate == BUDGET_GATE_ALL)
                return "all";
        for (unsigned g = 0; g < POLICY_GROUP_COUNT; ++g)
                if (budget_gate((enum policy_group)g) == gate)
                        return gate == budget_gate(POLICY_FAPI)
                                       ? "futures"
                                       : policy_group_name((enum policy_group)g);
        return "";
}

static void add_gates(const struct region *region, const struct egress *egress, uint64_t wall_ms,
                      json_t *list)
{
        char name[EGRESS_TEXT];

        for (unsigned i = 0; i < ARRAY_SIZE(egress->gates); ++i) {
                const word_t *gate = &egress->gates[i];
                uint64_t now_ms = now_of_gate(region, i, wall_ms);
                struct gate_view v;

                if (load(gate) == 0)
                        continue;
                gate_look(gate, now_ms, &v);
                json_array_append_new(list,
                                      json_pack("{s:s, s:i, s:s, s:b, s:s, s:b, s:I, s:I, s:I}",
                                                "egress", egress_text(egress, name), "gate", i,
                                                "product", name_of_gate(i), "shut", v.is_shut,
                                                "kind", gate_kind_name(v.kind), "probing",
                                                v.is_probing, "until_ms", (json_int_t)v.until_ms,
                                                "for_ms",
                                                (json_int_t)(v.is_shut && v.until_ms > now_ms
                                                                     ? v.until_ms - now_ms
                                                                     : 0),
                                                "opened_ms", (json_int_t)gate_opened_ms(gate)));
        }
}

static json_t *clocks(const struct region_header *h)
{
        json_t *list = json_array();

        for (unsigned g = 0; g < POLICY_GROUP_COUNT; ++g) {
                int64_t offset_ms;
                uint32_t error_ms;

                if (exclock_read(&h->clocks[g], &offset_ms, &error_ms))
                        json_array_append_new(
                                list, json_pack("{s:s, s:I, s:I, s:I}", "product",
                                                policy_group_name((enum policy_group)g),
                                                "offset_ms", (json_int_t)offset_ms, "error_ms",
                                                (json_int_t)error_ms, "measured_ms",
                                                (json_int_t)load(&h->clocks[g + EXCLOCK_WHEN])));
        }
        return list;
}

static json_t *pools(const struct region_header *h)
{
        json_t *list = json_array();

        for (size_t i = 0; i < policy_pool_count(); ++i) {
                json_t *windows = json_array();

                for (size_t k = 0; k < REGION_POOL_WINDOWS; ++k) {
                        uint64_t word = load(&h->pools[i][k]);

                        if (word != 0)
                                json_array_append_new(
                                        windows,
                                        json_pack("{s:I, s:I}", "span_ms",
                                                  (json_int_t)region_window_span(word), "limit",
                                                  (json_int_t)region_window_limit(word)));
                }
                json_array_append_new(list, json_pack("{s:i, s:s, s:o}", "pool", (int)i, "name",
                                                      policy_pool(i)->name, "windows", windows));
        }
        return list;
}

static json_t *counters(const struct region_header *h)
{
        json_t *json = json_object();

        for (unsigned i = 0; i < COUNTERS; ++i)
                json_object_set_new(json, counter_name((enum counter)i),
                                    integer(counter_read(h, (enum counter)i)));
        return json;
}

static json_t *exchanges(const struct region_header *h)
{
        json_t *json = json_object();

        for (unsigned g = 0; g < POLICY_GROUP_COUNT; ++g) {
                uint64_t word = load(&h->exchanges[g]);
                char hex[REGION_HEX_SIZE];

                if (word == exchange_of_host(STR_LITERAL("api.binance.com"), 443))
                        json_object_set_new(json, policy_group_name((enum policy_group)g),
                                            json_string("binance.com"));
                else if (word != 0)
                        json_object_set_new(json, policy_group_name((enum policy_group)g),
                                            json_string(region_hex(word, hex)));
        }
        return json;
}

static json_t *rules(const struct region_header *h)
{
        struct breaker_config breaker = breaker_config_unpack(load(&h->rules[RULE_BREAKER]));

        return json_pack("{s:I, s:I, s:I, s:I}", "breaker_threshold", (json_int_t)breaker.threshold,
                         "breaker_pause_ms", (json_int_t)breaker.pause_ms, "requests_per_second",
                         (json_int_t)front_rate_of(load(&h->rules[RULE_RATE])), "ramp_ms",
                         (json_int_t)front_ramp_of(load(&h->rules[RULE_RAMP])));
}

static void add_breakers(const struct region_header *h, const struct egress *egress, json_t *list)
{
        static const char *const states[] = { "closed", "open", "probing", "unknown" };
        char name[EGRESS_TEXT];

        for (unsigned g = 0; g < POLICY_GROUP_COUNT; ++g) {
                struct breaker_view v;

                if (load(&egress->breakers[g]) == 0)
                        continue;
                breaker_look(&egress->breakers[g], load(&h->rules[RULE_BREAKER]), &v);
                json_array_append_new(list, json_pack("{s:s, s:s, s:s, s:I, s:I}", "egress",
                                                      egress_text(egress, name), "product",
                                                      policy_group_name((enum policy_group)g),
                                                      "state", states[v.state < 3 ? v.state : 3],
                                                      "failures", (json_int_t)v.failures,
                                                      "probe_ms", (json_int_t)v.probe_ms));
        }
}

static void add_fronts(const struct egress *egress, json_t *list)
{
        char name[EGRESS_TEXT];

        for (unsigned i = 0; i < ARRAY_SIZE(egress->fronts); ++i) {
                json_t *turns = json_object();

                for (unsigned c = 0; c < CLASS_COUNT; ++c) {
                        size_t at = (size_t)i * CLASS_COUNT + c;
                        uint64_t turn =
                                at < ARRAY_SIZE(egress->turns) ? load(&egress->turns[at]) : 0;

                        if (turn != 0)
                                json_object_set_new(turns, class_name((enum weir_class)c),
                                                    integer(turn));
                }
                if (load(&egress->fronts[i]) != 0 || json_object_size(turns) > 0)
                        json_array_append_new(list, json_pack("{s:s, s:i, s:I, s:O}", "egress",
                                                              egress_text(egress, name), "front", i,
                                                              "full_us",
                                                              (json_int_t)load(&egress->fronts[i]),
                                                              "turns_us", turns));
                json_decref(turns);
        }
}

/* The addresses, and how many clients belong to each; what is of them goes to @root. */
static json_t *egresses(const struct region *region, uint64_t wall_ms, json_t *root)
{
        json_t *gates = json_array(), *breakers = json_array(), *fronts = json_array();
        const struct region_header *h = region->header;
        json_t *list = json_array();

        for (unsigned i = 0; i < REGION_EGRESSES; ++i) {
                const struct egress *egress = &h->egresses[i];
                char name[EGRESS_TEXT], hex[REGION_HEX_SIZE];
                int n_homes = 0;

                add_gates(region, egress, wall_ms, gates);
                add_breakers(h, egress, breakers);
                add_fronts(egress, fronts);
                for (size_t k = 0; k < REGION_HOMES; ++k)
                        n_homes += (load(&h->homes[k]) & 0xff) == i + 1;
                if (egress_is_there(h, i))
                        json_array_append_new(list,
                                              json_pack("{s:i, s:s, s:s, s:i}", "egress", (int)i,
                                                        "name", egress_text(egress, name), "owner",
                                                        region_hex(load(&egress->name), hex),
                                                        "homes", n_homes));
        }
        json_object_set_new(root, "gates", gates);
        json_object_set_new(root, "breakers", breakers);
        json_object_set_new(root, "fronts", fronts);
        return list;
}

/* All that is in the file but the header: of each section the parts with something in them, as
 * words().
 */
static json_t *sections(const struct region_file *f)
{
        json_t *all = json_object();

        for (size_t i = 1; i < chart_section_count(); ++i) {
                const struct chart_section *s = chart_section(i);
                json_t *parts = json_object();

                for (size_t part = 0; part < s->count; ++part) {
                        json_t *one = words(f, s->chart, s->offset + part * s->chart->bytes);
                        char name[24];

                        snprintf(name, sizeof(name), "%zu", part);
                        if (json_object_size(one) > 0)
                                json_object_set(parts, name, one);
                        json_decref(one);
                }
                json_object_set_new(all, s->name, parts);
        }
        return all;
}

static json_t *egress_words(const struct region_file *f)
{
        json_t *list = json_array();

        for (size_t i = 0; i < REGION_EGRESSES; ++i)
                json_array_append_new(list, words(f, &chart_egress,
                                                  offsetof(struct region_header, egresses) +
                                                          i * sizeof(struct egress)));
        return list;
}

/* Null where nothing is shared. */
static json_t *hosts(const struct region *region)
{
        const struct lease_header *lease = region->lease;
        uint64_t sharing = load(&region->header->sharing);
        char host[REGION_HEX_SIZE], birth[REGION_HEX_SIZE];
        json_t *roster;

        if (sharing == 0)
                return json_null();
        roster = json_array();
        for (size_t i = 0; i < REGION_ROSTER && load(&lease->roster[i]) != 0; ++i) {
                char other[REGION_HEX_SIZE];

                json_array_append_new(roster,
                                      json_string(region_hex(load(&lease->roster[i]), other)));
        }
        return json_pack("{s:s, s:I, s:I, s:s, s:I, s:I, s:I, s:I, s:I, s:I, s:o}", "host",
                         region_hex(lease->host, host), "epoch", (json_int_t)load(&lease->epoch),
                         "sequence", (json_int_t)load(&lease->sequence), "birth",
                         region_hex(load(&lease->birth), birth), "share_until_ms",
                         (json_int_t)load(&lease->share_until_ms), "seen",
                         (json_int_t)load(&lease->n_hosts), "answered_ms",
                         (json_int_t)load(&lease->answered_ms), "away_ms",
                         (json_int_t)load(&lease->away_ms), "waits_ms",
                         (json_int_t)load(&lease->waits_ms), "refused_ms",
                         (json_int_t)load(&lease->refused_ms), "roster", roster);
}

json_t *region_picture(const struct region_file *f, const char *path, uint64_t wall_ms)
{
        const struct region_header *h = f->region.header;
        json_t *root = file_json(f, path);

        json_object_set_new(root, "certificate", certificate(h));
        if (f->state == REGION_UNFINISHED || f->state == REGION_FOREIGN ||
            f->state == REGION_VERSION_OTHER)
                return root;
        json_object_set_new(root, "ceilings", ceilings(h));
        json_object_set_new(root, "egresses", egresses(&f->region, wall_ms, root));
        json_object_set_new(root, "clocks", clocks(h));
        json_object_set_new(root, "pools", pools(h));
        json_object_set_new(root, "exchanges", exchanges(h));
        json_object_set_new(root, "rules", rules(h));
        json_object_set_new(root, "hosts", hosts(&f->region));
        json_object_set_new(root, "counters", counters(h));
        region_picture_slots(f, wall_ms, root);
        json_object_set_new(root, "words", words(f, &chart_header, 0));
        json_object_set_new(root, "egress_words", egress_words(f));
        json_object_set_new(root, "sections", sections(f));
        return root;
}
