#include "cli/status_accounts.h"
#include "budget/holder.h"

#include <stdio.h>
#include <string.h>

/* Only read through it. */
static struct limiter limiter_of(const struct region *region)
{
        return (struct limiter){ .region = (struct region *)(uintptr_t)region };
}

const char *status_owner_text(uint64_t owner, char to[STATUS_OWNER_SIZE])
{
        snprintf(to, STATUS_OWNER_SIZE, "%016llx", (unsigned long long)owner);
        return to;
}

struct list_of_holders {
        const struct limiter *limiter;
        json_t *accounts;
};

/* Of a damaged region a name may be no text; what is no printable ASCII is shown as '?'. */
static void write_readable(const char *name, char *to, size_t size)
{
        size_t n = 0;

        for (; name[n] != '\0' && n + 1 < size; ++n)
                to[n] = name[n] >= ' ' && name[n] <= '~' ? name[n] : '?';
        to[n] = '\0';
}

static void add_holder(void *ctx, const struct holder_view *view)
{
        const struct list_of_holders *list = ctx;
        char owner[STATUS_OWNER_SIZE], name[sizeof(view->name)];
        json_t *account;

        write_readable(view->name, name, sizeof(name));
        account = json_object_get(list->accounts, name);
        if (!account) {
                status_owner_text(holder_owner(list->limiter, view->number, 0), owner);
                account = json_pack("{s:s, s:[]}", "owner", owner, "keys");
                if (json_object_set_new(list->accounts, name, account) < 0)
                        return;
        }
        json_array_append_new(json_object_get(account, "keys"), json_string(view->key));
}

json_t *status_accounts(const struct region *region)
{
        const struct limiter limiter = limiter_of(region);
        struct list_of_holders list = { &limiter, json_object() };

        holders_each(region, add_holder, &list);
        return list.accounts;
}

json_t *status_account_of(json_t *accounts, const char *owner)
{
        const char *name;
        json_t *account;

        json_object_foreach(accounts, name, account)
        {
                if (strcmp(json_string_value(json_object_get(account, "owner")), owner) == 0)
                        return json_string(name);
        }
        return json_null();
}

static void add_suspects(void *ctx, const struct holder_twins *twins)
{
        json_array_append_new(ctx, json_pack("[s, s]", twins->one_key, twins->other_key));
}

json_t *status_suspects(const struct region *region)
{
        const struct limiter limiter = limiter_of(region);
        json_t *list = json_array();

        holders_each_suspect(&limiter, add_suspects, list);
        return list;
}

static void print_suspects(void *ctx, const struct holder_twins *twins)
{
        (void)ctx;
        printf("the keys %s and %s seem to be one account's, and count apart: name them below one "
               "name under accounts: in the settings\n",
               twins->one_key, twins->other_key);
}

void status_print_accounts(const struct region *region, json_t *accounts)
{
        const struct limiter limiter = limiter_of(region);
        json_t *account, *key;
        const char *name;
        size_t i;

        json_object_foreach(accounts, name, account)
        {
                printf("account %s has the keys", name);
                json_array_foreach(json_object_get(account, "keys"), i, key)
                        printf(" %s", json_string_value(key));
                putchar('\n');
        }
        holders_each_suspect(&limiter, print_suspects, NULL);
}
