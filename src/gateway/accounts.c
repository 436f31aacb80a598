#include "gateway/accounts.h"
#include "base/clock.h"
#include "base/log.h"
#include "budget/holder.h"
#include "gateway/upstream.h"

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
                          r == -ENOSPC ? "the region is full: stop all programs that use it and "
                                         "start them again, what nobody used for two days makes "
                                         "room then"
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

void accounts_sent(struct flow *f)
{
        struct gateway *g = f->gateway;

        if (f->plan.places_order && f->plan.account != 0)
                twins_sent(&g->twins, &f->plan, holder_find(&g->limiter, f->plan.account).number,
                           f->key_text, &f->order);
}

static void tell(struct gateway *g, const struct flow *f, const struct twins_pair *pair)
{
        struct holder_twins twins = { .one = pair->one->number, .other = pair->other->number };

        memcpy(twins.one_key, pair->one->text, sizeof(twins.one_key));
        memcpy(twins.other_key, pair->other->text, sizeof(twins.other_key));
        if (!holder_suspect(&g->limiter, &twins))
                return;
        counter_add(g->region.header, COUNTER_same_account);
        log_event(LOG_WARN, "same_account",
                  "request=%s group=%s keys=%s,%s why=\"their order counts are one; name them "
                  "below one name "
                  "under accounts: in the settings, or they overspend together\"",
                  f->request_id, policy_group_name(f->plan.group), twins.one_key, twins.other_key);
}

void accounts_answered(struct flow *f, int status)
{
        struct gateway *g = f->gateway;
        struct twins_pair pair;

        if (f->order.is_flying && twins_answered(&g->twins, &f->order, &f->plan, status, f->news,
                                                 f->n_news, upstream_now(g, f->upstream), &pair))
                tell(g, f, &pair);
}

void accounts_ended(struct flow *f, bool was_sent)
{
        twins_ended(&f->gateway->twins, &f->order, was_sent);
}
