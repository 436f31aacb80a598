/*
 * What stands in the section "accounts" below the name of an account whose keys this gateway holds
 *
 *      key_file: /etc/weir/desk.key          the API key
 *      secret_file: /etc/weir/desk.secret    the secret's text, or a private key in PEM
 *      clients:                              who may use them
 *        token_file: /etc/weir/desk.tokens
 *        users: [trader, 1001]
 *        hosts: [weir.lan]
 *
 * Only where the files are: they are opened when the gateway starts.
 */
#include "settings/yaml.h"

#include "settings/guess.h"
#include "settings/value.h"

/* The one of @account, made when it is not there yet. Return: NULL after a mistake. */
static struct settings_credential *
credential_of(struct reader *r, const struct settings_account *account, const yaml_node_t *key)
{
        struct settings_accounts *all = &r->s->accounts;
        struct settings_credential *c;

        for (size_t i = 0; i < all->n_credentials; ++i)
                if (all->credentials[i].account == (uint16_t)(account - all->all))
                        return &all->credentials[i];
        if (all->n_credentials == SETTINGS_CREDENTIALS_MAX) {
                add_at_node(r, key, "accounts: more than %d with a key_file; run a second gateway",
                            SETTINGS_CREDENTIALS_MAX);
                return NULL;
        }
        c = &all->credentials[all->n_credentials++];
        memset(c, 0, sizeof(*c));
        c->account = (uint16_t)(account - all->all);
        return c;
}

/* What names of users and hosts consist of, addresses too. */
static bool is_word(struct str text, size_t size)
{
        for (size_t i = 0; i < text.n; ++i)
                if (!strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.:",
                            text.p[i]))
                        return false;
        return text.n > 0 && text.n < size;
}

/* One word into @to. Return: true when it is there. */
static bool take_word(struct reader *r, const char *account, const char *name,
                      const yaml_node_t *value, char *to, size_t size)
{
        if (value->type != YAML_SCALAR_NODE || has_tag(value) || is_empty(value) ||
            !is_word(scalar(value), size)) {
                add_at_node(r, value, "accounts.%s.%s: takes a list of names; write [NAME, NAME]",
                            account, name);
                return false;
        }
        return str_copy(scalar(value), to, size);
}

static void take_file(struct reader *r, const char *account, const char *name,
                      const yaml_node_t *value, char to[SETTINGS_FILE_SIZE])
{
        struct sentence why;

        if (value->type != YAML_SCALAR_NODE || has_tag(value) || is_empty(value))
                add_at_node(r, value, "accounts.%s.%s: takes the path of a file", account, name);
        else if (path_parse(scalar(value), to, SETTINGS_FILE_SIZE, &why))
                add_at_node(r, value, "accounts.%s.%s: %s", account, name, why.text);
}

void credential_take_key_file(struct reader *r, struct settings_account *account,
                              const yaml_node_t *key, const yaml_node_t *value)
{
        struct settings_credential *c = credential_of(r, account, key);

        if (c)
                take_file(r, account->name, "key_file", value, c->key_file);
}

void credential_take_secret_file(struct reader *r, struct settings_account *account,
                                 const yaml_node_t *key, const yaml_node_t *value)
{
        struct settings_credential *c = credential_of(r, account, key);

        if (c)
                take_file(r, account->name, "secret_file", value, c->secret_file);
}

/* A list of words, or one word for a list of one. @words: rows of @size bytes. */
static void take_words(struct reader *r, const char *account, const char *name,
                       const yaml_node_t *value, char *words, size_t size, size_t max, size_t *n)
{
        if (value->type != YAML_SEQUENCE_NODE) {
                *n += take_word(r, account, name, value, words, size);
                return;
        }
        for (yaml_node_item_t *item = value->data.sequence.items.start;
             item < value->data.sequence.items.top; ++item) {
                const yaml_node_t *word = yaml_document_get_node(r->document, *item);

                if (*n == max) {
                        add_at_node(r, word,
                                    "accounts.%s.%s: more than %zu; remove those not in use",
                                    account, name, max);
                        return;
                }
                *n += take_word(r, account, name, word, words + *n * size, size);
        }
}

static void take_client(struct reader *r, const char *account, struct settings_credential *c,
                        const yaml_node_t *key, const yaml_node_t *value)
{
        struct str word = key->type == YAML_SCALAR_NODE ? scalar(key) : STR_NULL;
        char quoted[QUOTE_SIZE];

        if (str_eq(word, STR_LITERAL("token_file")) && !c->token_file[0])
                take_file(r, account, "clients.token_file", value, c->token_file);
        else if (str_eq(word, STR_LITERAL("users")) && c->n_users == 0)
                take_words(r, account, "clients.users", value, c->users[0], sizeof(c->users[0]),
                           ARRAY_SIZE(c->users), &c->n_users);
        else if (str_eq(word, STR_LITERAL("hosts")) && c->n_hosts == 0)
                take_words(r, account, "clients.hosts", value, c->hosts[0], sizeof(c->hosts[0]),
                           ARRAY_SIZE(c->hosts), &c->n_hosts);
        else
                add_at_node(r, key,
                            "accounts.%s.clients: %s is unknown here, or here a second time; there "
                            "are token_file, users and hosts",
                            account, value_quote(word, quoted, sizeof(quoted)));
}

void credential_take_clients(struct reader *r, struct settings_account *account,
                             const yaml_node_t *key, const yaml_node_t *value)
{
        struct settings_credential *c = credential_of(r, account, key);

        if (!c)
                return;
        if (value->type != YAML_MAPPING_NODE || has_tag(value)) {
                add_at_node(r, value,
                            "accounts.%s.clients: write below it, indented, token_file: FILE, or "
                            "users: [NAME]",
                            account->name);
                return;
        }
        for (yaml_node_pair_t *pair = value->data.mapping.pairs.start;
             pair < value->data.mapping.pairs.top; ++pair)
                take_client(r, account->name, c, yaml_document_get_node(r->document, pair->key),
                            yaml_document_get_node(r->document, pair->value));
}

void credential_end(struct reader *r, const struct settings_account *account,
                    const yaml_node_t *key, size_t n_mistakes)
{
        struct settings_accounts *all = &r->s->accounts;
        const struct settings_credential *c =
                all->n_credentials > 0 ? &all->credentials[all->n_credentials - 1] : NULL;
        const char *missing;

        if (!c || c->account != (uint16_t)(account - all->all) ||
            r->report->n_mistakes != n_mistakes || r->answer < 0)
                return;
        missing = !c->key_file[0]      ? "key_file, the file of the API key"
                  : !c->secret_file[0] ? "secret_file, the file of the secret or of a private key"
                  : !c->token_file[0] && c->n_users == 0
                          ? "clients, and below that token_file or users: nobody may use it yet"
                          : NULL;
        if (missing)
                add_at_node(r, key, "accounts.%s: lacks %s", account->name, missing);
}

const struct settings_credential *credential_find(const struct settings_accounts *all, size_t i)
{
        for (size_t k = 0; k < all->n_credentials; ++k)
                if (all->credentials[k].account == i)
                        return &all->credentials[k];
        return NULL;
}

bool credentials_are_equal(const struct settings_accounts *a, const struct settings_accounts *b)
{
        return a->n_credentials == b->n_credentials &&
               memcmp(a->credentials, b->credentials,
                      a->n_credentials * sizeof(a->credentials[0])) == 0;
}
