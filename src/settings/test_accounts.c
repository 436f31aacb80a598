#include "settings/test_settings.h"

#define LONG_KEY "ThisIsAKeyOfTheLengthThatBinanceGivesOutToEverybodyWhoAsksForOne"

static void every_mistake_is_told_with_its_place_and_remedy(void **state)
{
        static const struct said_row rows[] = {
                { "accounts: {}\n", "" },
                { "accounts: {a: {keys: [k1]}, b: {keys: k2}}\n", "" },
                { "account: {}\n",
                  "weir: f:1:1: unknown key \"account\"; did you mean \"accounts\"?\n" },
                { "accounts: 5\n",
                  "weir: f:1:11: accounts: is a section; write below it, indented, a "
                  "name, and below that keys: [KEY1, KEY2]\n" },
                { "accounts:\n",
                  "weir: f:1:10: accounts: is a section; write below it, indented, a "
                  "name, and below that keys: [KEY1, KEY2]\n" },
                { "accounts:\n  a: [k1]\n",
                  "weir: f:2:6: accounts.a: write below it, indented, keys: [KEY1, KEY2]\n" },
                { "accounts:\n  a: {}\n",
                  "weir: f:2:6: accounts.a: write below it, indented, keys: [KEY1, KEY2]\n" },
                { "accounts:\n  a b:\n    keys: [k1]\n",
                  "weir: f:2:3: accounts: \"a b\" is no name; write letters, digits, \"-\", \"_\" "
                  "and \".\", at most 63\n" },
                { "accounts:\n  a:\n    key: [k1]\n",
                  "weir: f:3:5: unknown key \"key\" in accounts.a; did you mean \"keys\"?\n" },
                { "accounts:\n  a:\n    wurst: [k1]\n",
                  "weir: f:3:5: unknown key \"wurst\" in accounts.a; write \"keys\"\n" },
                { "accounts:\n  a:\n    keys: [k1]\n    keys: [k2]\n",
                  "weir: f:4:5: accounts.a.keys: is here a second time; remove one\n" },
                { "accounts:\n  a:\n    keys: [k1]\n  a:\n    keys: [k2]\n",
                  "weir: f:4:3: accounts.a: is here a second time, after line 2; put both "
                  "together\n" },
                { "accounts:\n  a:\n    keys: []\n",
                  "weir: f:3:11: accounts.a.keys: takes a list; write [KEY1, KEY2]\n" },
                { "accounts:\n  a:\n    keys: {k1: k2}\n",
                  "weir: f:3:11: accounts.a.keys: takes a list; write [KEY1, KEY2]\n" },
                { "accounts:\n  a:\n    keys: [k1, [k2]]\n",
                  "weir: f:3:16: accounts.a.keys: a key is one word; write [KEY1, KEY2]\n" },
                { "accounts:\n  a:\n    keys: [" LONG_KEY "]\n  b:\n    keys: [" LONG_KEY "]\n",
                  "weir: f:5:12: accounts.b.keys: the key ThisIsAK... is in a already, line 3; a "
                  "key belongs to one account, remove it from one\n" },
                { "accounts:\n  a:\n    keys: [ThisIsAK...]\n",
                  "weir: f:3:12: accounts.a.keys: the key Th... is shortened; write all of it\n" },
                { "accounts:\n  a:\n    keys: [one two]\n",
                  "weir: f:3:12: accounts.a.keys: the key o... has a space or another character "
                  "that no key has, or more than 128; copy it anew, or put it between quotes\n" },
                { "accounts: {}\naccounts: {}\n",
                  "weir: f:2:1: accounts: is here a second time, after line 1; remove one\n" },
        };
        static struct settings s;

        (void)state;
        says_just(&s, rows, ARRAY_SIZE(rows));
}

static void keys_are_never_printed_whole(void **state)
{
        static void (*const prints[])(const struct settings *, FILE *) = { settings_print,
                                                                           settings_print_json };
        static struct settings s;

        (void)state;
        load_well(&s, "accounts:\n  desk-a:\n    keys: [" LONG_KEY ", k2]\n");
        for (size_t i = 0; i < ARRAY_SIZE(prints); ++i) {
                char *text = printed_by(prints[i], &s);

                assert_non_null(strstr(text, "ThisIsAK..."));
                assert_non_null(strstr(text, "desk-a"));
                assert_null(strstr(text, "ThisIsAKe"));
                assert_null(strstr(text, "k2"));
                free(text);
        }
}

static void a_reload_takes_the_accounts_up(void **state)
{
        static struct settings s, next;

        (void)state;
        load_well(&s, "accounts: {a: {keys: [k1]}}\n");
        load_well(&next, "accounts: {a: {keys: [k1, k2]}}\n");
        assert_int_equal(settings_reload(&s, &next, NULL), 1);
        assert_int_equal(s.accounts.n_keys, 2);
        assert_int_equal(settings_reload(&s, &next, NULL), 0);
        load_well(&next, "max_wait: 65s\naccounts:\n  a: {keys: [k1, k2]}\n");
        assert_int_equal(settings_reload(&s, &next, NULL), 0);
        assert_int_equal(s.accounts.all[0].line, 3);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(every_mistake_is_told_with_its_place_and_remedy),
                cmocka_unit_test(keys_are_never_printed_whole),
                cmocka_unit_test(a_reload_takes_the_accounts_up),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
