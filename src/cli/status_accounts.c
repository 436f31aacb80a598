#include "cli/status_accounts.h"

#include <stdio.h>

static void print_account(const struct look *look, size_t account)
{
        printf("account %s has the keys", look->accounts[account].name);
        for (size_t i = 0; i < look->n_keys; ++i)
                if (look->keys[i].account == account)
                        printf(" %s", look->keys[i].text);
        putchar('\n');
}

void status_print_accounts(const struct look *look)
{
        for (size_t i = 0; i < look->n_accounts; ++i)
                print_account(look, i);
        for (size_t i = 0; i < look->n_suspects; ++i)
                printf("the keys %s and %s seem to be one account's, and count apart: name them "
                       "below one name under accounts: in the settings\n",
                       look->suspects[i].one_key, look->suspects[i].other_key);
}
