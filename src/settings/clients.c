/*
 * The section "clients"
 *
 *      clients:
 *        default: { share: 1 }   every client that is not named here
 *        maker:   { share: 3 }   the one that says X-Weir-Client: maker
 *
 * How clients of one class share a budget that has too little for all.
 */
#include "settings/yaml.h"

#include "settings/guess.h"
#include "settings/value.h"

#include <errno.h>

#define THE_DEFAULT STR_LITERAL("default")
#define THE_SHARE   STR_LITERAL("share")

static uint32_t share_of_default(const struct settings_clients *clients)
{
        return clients->default_share > 0 ? clients->default_share : 1;
}

static const struct settings_client *find(const struct settings_clients *clients, struct str name)
{
        for (size_t i = 0; name.n > 0 && i < clients->n; ++i)
                if (str_eq(str_of(clients->all[i].name), name))
                        return &clients->all[i];
        return NULL;
}

static uint32_t share_in(const struct settings_clients *clients, struct str name)
{
        const struct settings_client *client = find(clients, name);

        return client ? client->share : share_of_default(clients);
}

uint32_t settings_client_share_said(const struct settings *s, struct str name)
{
        return share_in(&s->clients, name);
}

uint32_t settings_client_share(const struct settings *s, struct str name)
{
        const struct settings_client *client = find(&s->by_hand, name);

        return client ? client->share : share_in(&s->clients, name);
}

int settings_set_client_share(struct settings *s, struct str name, uint32_t share)
{
        struct settings_clients *by_hand = &s->by_hand;
        const struct settings_client *client = find(by_hand, name);
        size_t i = client ? (size_t)(client - by_hand->all) : by_hand->n;

        must(settings_is_client_name(name) && share >= 1 && share <= SETTINGS_SHARE_MAX);
        if (share == share_in(&s->clients, name)) {
                if (client)
                        by_hand->all[i] = by_hand->all[--by_hand->n];
                return 0;
        }
        if (i == SETTINGS_CLIENTS_MAX)
                return -ENOSPC;
        by_hand->n += !client;
        by_hand->all[i] = (struct settings_client){
                .share = share,
                .said = share_in(&s->clients, name),
        };
        str_copy(name, by_hand->all[i].name, SETTINGS_CLIENT_SIZE);
        return 0;
}

bool settings_leaves_share(const struct settings *s, const struct settings_client *by_hand)
{
        return share_in(&s->clients, str_of(by_hand->name)) == by_hand->said;
}

void clients_carry(struct settings *s)
{
        struct settings_clients *by_hand = &s->by_hand;
        size_t n = 0;

        for (size_t i = 0; i < by_hand->n; ++i)
                if (settings_leaves_share(s, &by_hand->all[i]))
                        by_hand->all[n++] = by_hand->all[i];
        by_hand->n = n;
}

bool clients_are_equal(const struct settings_clients *a, const struct settings_clients *b)
{
        if (a->n != b->n || share_of_default(a) != share_of_default(b))
                return false;
        for (size_t i = 0; i < a->n; ++i)
                if (strcmp(a->all[i].name, b->all[i].name) != 0 ||
                    a->all[i].share != b->all[i].share)
                        return false;
        return true;
}

bool settings_is_client_name(struct str name)
{
        for (size_t i = 0; i < name.n; ++i)
                if (name.p[i] < ' ' || name.p[i] > '~')
                        return false;
        return name.n > 0 && name.n < SETTINGS_CLIENT_SIZE;
}

/* Return: the share, or 0 after having said what is wrong. */
static uint32_t take_share(struct reader *r, struct str name, const yaml_node_t *node)
{
        char quoted[QUOTE_SIZE];
        uint64_t share = 0;

        if (node->type == YAML_SCALAR_NODE && !has_tag(node) &&
            str_to_u64(scalar(node), &share) == 0 && share >= 1 && share <= SETTINGS_SHARE_MAX)
                return (uint32_t)share;
        add_at_node(r, node, "clients.%.*s.share: %s is no whole number from 1 to %d",
                    STR_ARGS(name),
                    node->type == YAML_SCALAR_NODE
                            ? value_quote(scalar(node), quoted, sizeof(quoted))
                            : "this",
                    SETTINGS_SHARE_MAX);
        return 0;
}

/* What stands below a name. Return: the share, or 0 after having said what is wrong. */
static uint32_t take_below(struct reader *r, struct str name, const yaml_node_t *value)
{
        char quoted[QUOTE_SIZE];
        uint32_t share = 0;
        bool is_seen = false;

        if (value->type != YAML_MAPPING_NODE || has_tag(value) ||
            value->data.mapping.pairs.start == value->data.mapping.pairs.top) {
                add_at_node(r, value, "clients.%.*s: write below it, indented, share: 3",
                            STR_ARGS(name));
                return 0;
        }
        for (yaml_node_pair_t *pair = value->data.mapping.pairs.start;
             pair < value->data.mapping.pairs.top; ++pair) {
                const yaml_node_t *key = yaml_document_get_node(r->document, pair->key);

                if (key->type != YAML_SCALAR_NODE || !str_eq(scalar(key), THE_SHARE)) {
                        value_quote(key->type == YAML_SCALAR_NODE ? scalar(key) : STR_LITERAL("?"),
                                    quoted, sizeof(quoted));
                        add_at_node(r, key, "unknown key %s in clients.%.*s; write \"share\"",
                                    quoted, STR_ARGS(name));
                        share = 0;
                        is_seen = true;
                } else if (is_seen) {
                        add_at_node(r, key, "clients.%.*s.share: is here a second time; remove one",
                                    STR_ARGS(name));
                } else {
                        share = take_share(r, name,
                                           yaml_document_get_node(r->document, pair->value));
                        is_seen = true;
                }
        }
        return share;
}

/* Return: whether @name is new. */
static bool is_first(struct reader *r, const yaml_node_t *key)
{
        const struct settings_clients *clients = &r->s->clients;
        struct str name = scalar(key);
        uint32_t line = str_eq(name, THE_DEFAULT) ? clients->default_line : 0;

        for (size_t i = 0; i < clients->n; ++i)
                if (str_eq(str_of(clients->all[i].name), name))
                        line = clients->all[i].line;
        if (line == 0)
                return true;
        add_at_node(r, key, "clients.%.*s: is here a second time, after line %u; remove one",
                    STR_ARGS(name), line);
        return false;
}

static void take_client(struct reader *r, const yaml_node_t *key, const yaml_node_t *value)
{
        struct settings_clients *clients = &r->s->clients;
        struct settings_client *client;
        char quoted[QUOTE_SIZE];
        uint32_t share;

        if (key->type != YAML_SCALAR_NODE || !settings_is_client_name(scalar(key))) {
                value_quote(key->type == YAML_SCALAR_NODE ? scalar(key) : STR_LITERAL("?"), quoted,
                            sizeof(quoted));
                add_at_node(r, key,
                            "clients: %s is no name; write what the client says in X-Weir-Client, "
                            "1 to %d printable characters of ASCII",
                            quoted, SETTINGS_CLIENT_SIZE - 1);
                return;
        }
        if (!is_first(r, key))
                return;
        share = take_below(r, scalar(key), value);
        if (str_eq(scalar(key), THE_DEFAULT)) {
                clients->default_share = share;
                clients->default_line = from_one(key->start_mark.line);
                return;
        }
        if (clients->n == SETTINGS_CLIENTS_MAX) {
                add_at_node(r, key, "clients: more than %d; leave those of equal share to default",
                            SETTINGS_CLIENTS_MAX);
                return;
        }
        client = &clients->all[clients->n++];
        memcpy(client->name, scalar(key).p, scalar(key).n);
        client->name[scalar(key).n] = '\0';
        client->share = share;
        client->line = from_one(key->start_mark.line);
}

void clients_read(struct reader *r, const yaml_node_t *key, const yaml_node_t *value)
{
        struct settings_clients *clients = &r->s->clients;

        if (clients->line > 0) {
                add_at_node(r, key, "clients: is here a second time, after line %u; remove one",
                            clients->line);
                return;
        }
        clients->line = from_one(key->start_mark.line);
        if (value->type != YAML_MAPPING_NODE || has_tag(value)) {
                add_at_node(r, value,
                            "clients: is a section; write below it, indented, a client's name, and "
                            "below that share: 3");
                return;
        }
        for (yaml_node_pair_t *pair = value->data.mapping.pairs.start;
             pair < value->data.mapping.pairs.top && r->answer >= 0; ++pair)
                take_client(r, yaml_document_get_node(r->document, pair->key),
                            yaml_document_get_node(r->document, pair->value));
}
