#include "settings/test_settings.h"

#define FILES "    key_file: /k\n    secret_file: /s\n"
#define GOOD  "accounts:\n  a:\n" FILES "    clients: {users: [me]}\n"

static void every_mistake_is_told_with_its_place_and_remedy(void **state)
{
        static const struct said_row rows[] = {
                { GOOD, "" },
                { "accounts:\n  a:\n" FILES "    clients: {token_file: /t}\n", "" },
                { "accounts:\n  a:\n" FILES "    clients: {users: me, hosts: weir.lan}\n", "" },
                { "accounts:\n  a:\n    keys: [k]\n" FILES "    clients: {users: [1001]}\n", "" },
                { "accounts:\n  a:\n    key_file: /k\n",
                  "weir: f:2:3: accounts.a: lacks secret_file, the file of the secret or of a "
                  "private key\n" },
                { "accounts:\n  a:\n    secret_file: /s\n",
                  "weir: f:2:3: accounts.a: lacks key_file, the file of the API key\n" },
                { "accounts:\n  a:\n" FILES,
                  "weir: f:2:3: accounts.a: lacks clients, and below that token_file or users: "
                  "nobody may use it yet\n" },
                { "accounts:\n  a:\n" FILES "    clients: {hosts: [x]}\n",
                  "weir: f:2:3: accounts.a: lacks clients, and below that token_file or users: "
                  "nobody may use it yet\n" },
                { "accounts:\n  a:\n    keys: [k]\n    clients: {users: [me]}\n",
                  "weir: f:2:3: accounts.a: lacks key_file, the file of the API key\n" },
                { "accounts:\n  a:\n    key_file: [/k]\n",
                  "weir: f:3:15: accounts.a.key_file: takes the path of a file\n" },
                { "accounts:\n  a:\n    key_file: ~/k\n",
                  "weir: f:3:15: accounts.a.key_file: \"~/k\" would need a shell to expand it; "
                  "write the whole path\n" },
                { "accounts:\n  a:\n" FILES "    clients: [me]\n",
                  "weir: f:5:14: accounts.a.clients: write below it, indented, token_file: FILE, "
                  "or users: [NAME]\n" },
                { "accounts:\n  a:\n" FILES "    clients: {user: [me]}\n",
                  "weir: f:5:15: accounts.a.clients: \"user\" is unknown here, or here a second "
                  "time; there are token_file, users and hosts\n" },
                { "accounts:\n  a:\n" FILES "    clients: {users: [me], users: [you]}\n",
                  "weir: f:5:28: accounts.a.clients: \"users\" is unknown here, or here a second "
                  "time; there are token_file, users and hosts\n" },
                { "accounts:\n  a:\n" FILES "    clients: {users: [a b]}\n",
                  "weir: f:5:23: accounts.a.clients.users: takes a list of names; write [NAME, "
                  "NAME]\n" },
                { "accounts:\n  a:\n" FILES "    clients: {users: [1,2,3,4,5,6,7,8,9,10,11,12,13,"
                  "14,15,16,17]}\n",
                  "weir: f:5:62: accounts.a.clients.users: more than 16; remove those not in "
                  "use\n" },
        };
        static struct settings s;

        (void)state;
        says_just(&s, rows, ARRAY_SIZE(rows));
}

static void what_is_printed_can_be_loaded_again(void **state)
{
        static struct settings s, again;
        char *yaml, *text;

        (void)state;
        text = said_of(
                &s, "accounts:\n  a:\n    key_file: \"/k #1\"\n    secret_file: /s\n    clients:\n"
                    "      token_file: /t\n      users: [me, 7]\n      hosts: [h]\n");
        assert_string_equal(text, "");
        free(text);
        yaml = printed_by(settings_print, &s);
        text = said_of(&again, yaml);
        assert_string_equal(text, "");
        free(text);
        free(yaml);
        assert_int_equal(again.accounts.n_credentials, 1);
        assert_string_equal(again.accounts.credentials[0].key_file, "/k #1");
        assert_string_equal(again.accounts.credentials[0].users[1], "7");
        assert_string_equal(again.accounts.credentials[0].hosts[0], "h");
        assert_int_equal(settings_reload(&s, &again, NULL), 0);
        free(said_of(&again, GOOD));
        assert_int_equal(settings_reload(&s, &again, NULL), 1);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(every_mistake_is_told_with_its_place_and_remedy),
                cmocka_unit_test(what_is_printed_can_be_loaded_again),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
