#include "gateway/accounts.h"
#include "base/clock.h"
#include "base/log.h"
#include "budget/holder.h"

#include <errno.h>
#include <string.h>

static void name_key(struct gateway *g, const char *name, struct str key)
{
        char shown[POLICY_KEY_TEXT_SIZE];
        int r = holder_name(&g->limiter, str_of(name), key, clock_wall_us());

        policy_key_text(key, shown);
        if (r < 0)
                log_event(LOG_ERROR, "account_not_named",
                          "account=%s key=%s why=\"%s; until then the key counts for itself\"",
                          name, shown,
                          r == -ENOSPC ? "the region is full: stop the programs that use it and "
                                         "delete it"
                                       : strerror(-r));
        else if (r > 0)
                log_event(LOG_INFO, r == HOLDER_MOVED ? "account_moved" : "account_named",
                          "account=%s key=%s", name, shown);
}

void accounts_apply(struct gateway *g)
{
        const struct settings_accounts *all = &g->settings.accounts;

        for (size_t i = 0; i < all->n_keys; ++i)
                name_key(g, all->all[all->keys[i].account].name, str_of(all->keys[i].text));
        for (size_t i = 0; g->keys && i < g->keys->n; ++i)
                name_key(g, g->keys->all[i].name, signer_api_key(g->keys->all[i].signer));
}

static bool has_key(const struct settings_accounts *accounts, const char *text)
{
        for (size_t i = 0; i < accounts->n_keys; ++i)
                if (strcmp(accounts->keys[i].text, text) == 0)
                        return true;
        return false;
}

void accounts_warn_dropped(const struct gateway *g, const struct settings *next)
{
        const struct settings_accounts *now = &g->settings.accounts;
        char shown[POLICY_KEY_TEXT_SIZE];

        for (size_t i = 0; i < now->n_keys; ++i)
                if (!has_key(&next->accounts, now->keys[i].text))
                        log_event(LOG_WARN, "account_kept",
                                  "account=%s key=%s why=\"the key stays with it in the region; if "
                                  "that is wrong, name it in an account of its own\"",
                                  now->all[now->keys[i].account].name,
                                  policy_key_text(str_of(now->keys[i].text), shown));
}
