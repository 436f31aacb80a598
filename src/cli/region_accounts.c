#include "cli/region_accounts.h"

#include "budget/holder.h"
#include "look/look.h"

#include <string.h>

/* Only read through it. */
static struct limiter limiter_of(const struct region *region)
{
        return (struct limiter){ .region = (struct region *)(uintptr_t)region };
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
        char owner[LOOK_OWNER_SIZE], name[sizeof(view->name)];
        json_t *account;

        write_readable(view->name, name, sizeof(name));
        account = json_object_get(list->accounts, name);
        if (!account) {
                look_owner_text(holder_owner(list->limiter, view->number, 0), owner);
                account = json_pack("{s:s, s:[]}", "owner", owner, "keys");
                if (json_object_set_new(list->accounts, name, account) < 0)
                        return;
        }
        json_array_append_new(json_object_get(account, "keys"), json_string(view->key));
}

json_t *region_accounts(const struct region *region)
{
        const struct limiter limiter = limiter_of(region);
        struct list_of_holders list = { &limiter, json_object() };

        holders_each(region, add_holder, &list);
        return list.accounts;
}

json_t *region_account_of(json_t *accounts, const char *owner)
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
