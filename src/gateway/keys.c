#include "gateway/keys.h"

#include "base/log.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>

/*
 * No core dump, and no debugger of the same user, for as long as there is something to hide. What
 * it was before is the process's, so there is one of it.
 */
static void hide(bool is_hidden)
{
        static int before = -1;

        if (is_hidden && before < 0) {
                before = prctl(PR_GET_DUMPABLE, 0, 0, 0, 0);
                (void)!prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
        } else if (!is_hidden && before >= 0) {
                /* The kernel takes no 2 from us: then it stays hidden. */
                (void)!prctl(PR_SET_DUMPABLE, before, 0, 0, 0);
                before = -1;
        }
}

static int complain(const char *account, const char *why)
{
        log_say(LOG_ERROR, "accounts.%s: %s", account, why);
        return -EINVAL;
}

static int find_user(const char *account, const char *text, uid_t *ret_user)
{
        char why[160];

        if (settings_find_user(text, ret_user) == 0)
                return 0;
        snprintf(why, sizeof(why), SETTINGS_NO_USER, text);
        return complain(account, why);
}

static int open_clients(const struct settings_credential *from, const char *account,
                        struct proof_clients *to)
{
        char why[VAULT_WHY_MAX];
        int r = 0;

        _Static_assert(sizeof(from->hosts) == sizeof(to->hosts), "one is copied into the other");
        _Static_assert(ARRAY_SIZE(from->users) == ARRAY_SIZE(to->users), "users for users");
        memcpy(to->hosts, from->hosts, sizeof(to->hosts));
        to->n_hosts = from->n_hosts;
        for (; r == 0 && to->n_users < from->n_users; ++to->n_users)
                r = find_user(account, from->users[to->n_users], &to->users[to->n_users]);
        if (r < 0 || !from->token_file[0])
                return r;
        r = tokens_open(from->token_file, &to->tokens, why);
        return r < 0 ? complain(account, why) : 0;
}

static int open_credential(const struct settings_credential *from, const char *account,
                           struct credential *to)
{
        char why[SIGNER_WHY_MAX];
        int r;

        str_copy(str_of(account), to->name, sizeof(to->name));
        r = signer_open_files(from->key_file, from->secret_file, &to->signer, why);
        if (r < 0)
                r = complain(account, why);
        /* Both, so that one start shows all that is wrong. */
        if (open_clients(from, account, &to->clients) < 0)
                r = -EINVAL;
        return r;
}

/* A key belongs to one account: two that share it would share its orders too. */
static int check_owner(const struct settings_accounts *accounts, const struct keys *keys,
                       const struct credential *c)
{
        char shown[POLICY_KEY_TEXT_SIZE], why[256];
        struct str key = signer_api_key(c->signer);
        const char *other = NULL;

        for (size_t i = 0; i < accounts->n_keys; ++i)
                if (str_eq(str_of(accounts->keys[i].text), key))
                        other = accounts->all[accounts->keys[i].account].name;
        if (other && strcmp(other, c->name) == 0)
                other = NULL;
        for (const struct credential *before = keys->all; before < c; ++before)
                if (str_eq(signer_api_key(before->signer), key))
                        other = before->name;
        if (!other)
                return 0;
        snprintf(why, sizeof(why),
                 "the key %s of its key_file is in %.63s too; a key belongs to one account, remove "
                 "it "
                 "from one",
                 policy_key_text(key, shown), other);
        return complain(c->name, why);
}

int keys_open(const struct settings *settings, struct keys **ret_keys)
{
        const struct settings_accounts *accounts = &settings->accounts;
        struct keys *keys;
        int r = 0;

        *ret_keys = NULL;
        if (accounts->n_credentials == 0)
                return 0;
        keys = calloc(1, sizeof(*keys));
        if (!keys)
                return -ENOMEM;
        hide(true);
        for (size_t i = 0; i < accounts->n_credentials; ++i) {
                const struct settings_credential *from = &accounts->credentials[i];
                struct credential *to = &keys->all[keys->n++];

                if (open_credential(from, accounts->all[from->account].name, to) < 0 ||
                    check_owner(accounts, keys, to) < 0)
                        r = -EINVAL;
        }
        if (r < 0)
                keys = keys_close(keys);
        *ret_keys = keys;
        return r;
}

struct keys *keys_close(struct keys *keys)
{
        if (!keys)
                return NULL;
        for (size_t i = 0; i < keys->n; ++i) {
                signer_close(keys->all[i].signer);
                tokens_close(keys->all[i].clients.tokens);
        }
        free(keys);
        return NULL;
}

void keys_hide(const struct keys *keys)
{
        hide(keys != NULL);
}

const struct credential *keys_find(const struct keys *keys, struct str name)
{
        for (size_t i = 0; keys && i < keys->n; ++i)
                if (str_eq(str_of(keys->all[i].name), name))
                        return &keys->all[i];
        return NULL;
}

void keys_tell(const struct keys *keys)
{
        for (size_t i = 0; keys && i < keys->n; ++i) {
                const struct credential *c = &keys->all[i];

                log_event(LOG_INFO, "keys_held", "account=%s kind=%s tokens=%zu users=%zu", c->name,
                          signer_kind(c->signer), tokens_count(c->clients.tokens),
                          c->clients.n_users);
        }
}
