/*
 * The section "accounts"
 *
 *      accounts:
 *        desk-a:                 a name of the user's choosing
 *          keys: [KEY1, KEY2]    the API keys that belong to this one account
 *          key_file: ...         and more of credentials.c
 *
 * The only section whose names are the user's. What stands below a name is a row of @entries. Keys
 * are no secrets, yet no mistake quotes one whole: the log goes further than the file.
 */
#include "settings/yaml.h"

#include "settings/guess.h"
#include "settings/value.h"

typedef void (*entry_fn)(struct reader *r, struct settings_account *account, const yaml_node_t *key,
                         const yaml_node_t *value);

static void take_keys(struct reader *r, struct settings_account *account, const yaml_node_t *key,
                      const yaml_node_t *value);

/* What may stand below the name of an account. */
static const struct entry {
        const char *name;
        entry_fn take;
} entries[] = {
        { "keys", take_keys },
        { "key_file", credential_take_key_file },
        { "secret_file", credential_take_secret_file },
        { "clients", credential_take_clients },
};

bool accounts_are_equal(const struct settings_accounts *a, const struct settings_accounts *b)
{
        if (a->n != b->n || a->n_keys != b->n_keys || !credentials_are_equal(a, b))
                return false;
        for (size_t i = 0; i < a->n; ++i)
                if (strcmp(a->all[i].name, b->all[i].name) != 0)
                        return false;
        for (size_t i = 0; i < a->n_keys; ++i)
                if (a->keys[i].account != b->keys[i].account ||
                    strcmp(a->keys[i].text, b->keys[i].text) != 0)
                        return false;
        return true;
}

static bool is_name(struct str name)
{
        if (name.n == 0 || name.n >= SETTINGS_NAME_SIZE)
                return false;
        for (size_t i = 0; i < name.n; ++i)
                if (!strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.",
                            name.p[i]))
                        return false;
        return true;
}

/* What a header's value may hold, without spaces. */
static bool is_key(struct str text)
{
        for (size_t i = 0; i < text.n; ++i)
                if (text.p[i] <= 0x20 || text.p[i] >= 0x7f)
                        return false;
        return text.n > 0 && text.n < SETTINGS_KEY_SIZE;
}

static bool is_shortened(struct str text)
{
        return text.n >= 3 && memcmp(text.p + text.n - 3, "...", 3) == 0;
}

/* Return: the entry of this key, or NULL. */
static const struct settings_key *find_key(const struct settings_accounts *all, struct str text)
{
        for (size_t i = 0; i < all->n_keys; ++i)
                if (str_eq(str_of(all->keys[i].text), text))
                        return &all->keys[i];
        return NULL;
}

static void add_key(struct reader *r, const struct settings_account *account,
                    const yaml_node_t *node)
{
        struct settings_accounts *all = &r->s->accounts;
        char shown[POLICY_KEY_TEXT_SIZE];
        const struct settings_key *same;
        struct settings_key *to;
        struct str text;

        if (node->type != YAML_SCALAR_NODE || has_tag(node) || is_empty(node)) {
                add_at_node(r, node, "accounts.%s.keys: a key is one word; write [KEY1, KEY2]",
                            account->name);
                return;
        }
        text = scalar(node);
        policy_key_text(text, shown);
        if (is_shortened(text)) {
                add_at_node(r, node, "accounts.%s.keys: the key %s is shortened; write all of it",
                            account->name, shown);
                return;
        }
        if (!is_key(text)) {
                add_at_node(r, node,
                            "accounts.%s.keys: the key %s has a space or another character that no "
                            "key has, or more than %d; copy it anew, or put it between quotes",
                            account->name, shown, SETTINGS_KEY_SIZE - 1);
                return;
        }
        same = find_key(all, text);
        if (same) {
                add_at_node(r, node,
                            "accounts.%s.keys: the key %s is in %s already, line %u; a key belongs "
                            "to one account, remove it from one",
                            account->name, shown, all->all[same->account].name, same->line);
                return;
        }
        if (all->n_keys == SETTINGS_KEYS_MAX) {
                add_at_node(r, node, "accounts: more than %d keys; remove those not in use",
                            SETTINGS_KEYS_MAX);
                return;
        }
        to = &all->keys[all->n_keys++];
        memcpy(to->text, text.p, text.n);
        to->text[text.n] = '\0';
        to->account = (uint16_t)(account - all->all);
        to->line = from_one(node->start_mark.line);
        to->column = from_one(node->start_mark.column);
}

static void take_keys(struct reader *r, struct settings_account *account, const yaml_node_t *key,
                      const yaml_node_t *value)
{
        (void)key;
        if (value->type == YAML_SCALAR_NODE && !is_empty(value)) {
                add_key(r, account, value);
                return;
        }
        if (value->type != YAML_SEQUENCE_NODE || has_tag(value) ||
            value->data.sequence.items.start == value->data.sequence.items.top) {
                add_at_node(r, value, "accounts.%s.keys: takes a list; write [KEY1, KEY2]",
                            account->name);
                return;
        }
        for (yaml_node_item_t *item = value->data.sequence.items.start;
             item < value->data.sequence.items.top; ++item)
                add_key(r, account, yaml_document_get_node(r->document, *item));
}

/* One line below a name. @seen: bits of the entries that were there. */
static void take_entry(struct reader *r, struct settings_account *account, unsigned *seen,
                       const yaml_node_t *key, const yaml_node_t *value)
{
        char quoted[QUOTE_SIZE];
        struct guess guess;

        if (key->type != YAML_SCALAR_NODE) {
                add_at_node(r, key, "accounts.%s: a key must be a word such as keys",
                            account->name);
                return;
        }
        guess_init(&guess, scalar(key));
        for (size_t i = 0; i < ARRAY_SIZE(entries); ++i) {
                guess_offer(&guess, str_of(entries[i].name));
                if (!str_eq(scalar(key), str_of(entries[i].name)))
                        continue;
                if (*seen & 1u << i)
                        add_at_node(r, key, "accounts.%s.%s: is here a second time; remove one",
                                    account->name, entries[i].name);
                else
                        entries[i].take(r, account, key, value);
                *seen |= 1u << i;
                return;
        }
        value_quote(scalar(key), quoted, sizeof(quoted));
        add_at_node(r, key, "unknown key %s in accounts.%s; %s \"%.*s\"%s", quoted, account->name,
                    guess.best.n > 0 ? "did you mean" : "write",
                    STR_ARGS(guess.best.n > 0 ? guess.best : STR_LITERAL("keys")),
                    guess.best.n > 0 ? "?" : "");
}

static void take_account(struct reader *r, const yaml_node_t *key, const yaml_node_t *value)
{
        struct settings_accounts *all = &r->s->accounts;
        struct settings_account *account;
        size_t n_mistakes = r->report->n_mistakes;
        char quoted[QUOTE_SIZE];
        unsigned seen = 0;

        if (key->type != YAML_SCALAR_NODE || !is_name(scalar(key))) {
                value_quote(key->type == YAML_SCALAR_NODE ? scalar(key) : STR_LITERAL("?"), quoted,
                            sizeof(quoted));
                add_at_node(r, key,
                            "accounts: %s is no name; write letters, digits, \"-\", \"_\" and "
                            "\".\", at most %d",
                            quoted, SETTINGS_NAME_SIZE - 1);
                return;
        }
        for (size_t i = 0; i < all->n; ++i) {
                if (!str_eq(str_of(all->all[i].name), scalar(key)))
                        continue;
                add_at_node(r, key,
                            "accounts.%s: is here a second time, after line %u; put both "
                            "together",
                            all->all[i].name, all->all[i].line);
                return;
        }
        if (all->n == SETTINGS_ACCOUNTS_MAX) {
                add_at_node(r, key, "accounts: more than %d; remove those not in use",
                            SETTINGS_ACCOUNTS_MAX);
                return;
        }
        if (value->type != YAML_MAPPING_NODE || has_tag(value) ||
            value->data.mapping.pairs.start == value->data.mapping.pairs.top) {
                add_at_node(r, value, "accounts.%.*s: write below it, indented, keys: [KEY1, KEY2]",
                            STR_ARGS(scalar(key)));
                return;
        }
        account = &all->all[all->n++];
        memcpy(account->name, scalar(key).p, scalar(key).n);
        account->name[scalar(key).n] = '\0';
        account->line = from_one(key->start_mark.line);
        account->column = from_one(key->start_mark.column);
        for (yaml_node_pair_t *pair = value->data.mapping.pairs.start;
             pair < value->data.mapping.pairs.top; ++pair)
                take_entry(r, account, &seen, yaml_document_get_node(r->document, pair->key),
                           yaml_document_get_node(r->document, pair->value));
        credential_end(r, account, key, n_mistakes);
}

void accounts_read(struct reader *r, const yaml_node_t *key, const yaml_node_t *value)
{
        struct settings_accounts *all = &r->s->accounts;
        uint32_t line = from_one(key->start_mark.line);

        if (all->line > 0) {
                add_at_node(r, key, "accounts: is here a second time, after line %u; remove one",
                            all->line);
                return;
        }
        all->line = line;
        if (value->type != YAML_MAPPING_NODE || has_tag(value)) {
                add_at_node(r, value,
                            "accounts: is a section; write below it, indented, a name, and below "
                            "that keys: [KEY1, KEY2]");
                return;
        }
        for (yaml_node_pair_t *pair = value->data.mapping.pairs.start;
             pair < value->data.mapping.pairs.top && r->answer >= 0; ++pair)
                take_account(r, yaml_document_get_node(r->document, pair->key),
                             yaml_document_get_node(r->document, pair->value));
}
