#include "settings/test_settings.h"

static void every_mistake_is_told_with_its_place_and_remedy(void **state)
{
        static const struct said_row rows[] = {
                { "clients: {}\n", "" },
                { "clients: {default: {share: 2}, 'a b: \"c\"': {share: 1000}}\n", "" },
                { "client: {}\n",
                  "weir: f:1:1: unknown key \"client\"; did you mean \"clients\"?\n" },
                { "clients: 5\n",
                  "weir: f:1:10: clients: is a section; write below it, indented, a "
                  "client's name, and below that share: 3\n" },
                { "clients:\n  a: 3\n",
                  "weir: f:2:6: clients.a: write below it, indented, share: 3\n" },
                { "clients:\n  a: {}\n",
                  "weir: f:2:6: clients.a: write below it, indented, share: 3\n" },
                { "clients:\n  a:\n    share: 0\n",
                  "weir: f:3:12: clients.a.share: \"0\" is no whole number from 1 to 1000\n" },
                { "clients:\n  a:\n    share: 1001\n",
                  "weir: f:3:12: clients.a.share: \"1001\" is no whole number from 1 to 1000\n" },
                { "clients:\n  a:\n    share: 1.5\n",
                  "weir: f:3:12: clients.a.share: \"1.5\" is no whole number from 1 to 1000\n" },
                { "clients:\n  a:\n    share: [1]\n",
                  "weir: f:3:12: clients.a.share: this is no whole number from 1 to 1000\n" },
                { "clients:\n  a:\n    shares: 1\n",
                  "weir: f:3:5: unknown key \"shares\" in clients.a; write \"share\"\n" },
                { "clients:\n  a:\n    share: 1\n    share: 2\n",
                  "weir: f:4:5: clients.a.share: is here a second time; remove one\n" },
                { "clients:\n  a: {share: 1}\n  a: {share: 2}\n",
                  "weir: f:3:3: clients.a: is here a second time, after line 2; remove one\n" },
                { "clients:\n  default: {share: 1}\n  default: {share: 2}\n",
                  "weir: f:3:3: clients.default: is here a second time, after line 2; remove "
                  "one\n" },
                { "clients:\n  \"\": {share: 1}\n",
                  "weir: f:2:3: clients: \"\" is no name; write what the client says in "
                  "X-Weir-Client, 1 to 64 printable characters of ASCII\n" },
                { "clients:\n  1234567890123456789012345678901234567890123456789012345678901234: "
                  "{share: 1}\n",
                  "" },
                { "clients: {}\nclients: {}\n",
                  "weir: f:2:1: clients: is here a second time, after line 1; remove one\n" },
        };
        static struct settings s;

        (void)state;
        says_just(&s, rows, ARRAY_SIZE(rows));
}

static void at_most_so_many_have_a_share_of_their_own(void **state)
{
        char *yaml = NULL, *text;
        size_t n = 0;
        FILE *to = open_memstream(&yaml, &n);

        (void)state;
        assert_non_null(to);
        fputs("clients:\n", to);
        for (int i = 0; i <= SETTINGS_CLIENTS_MAX; ++i)
                fprintf(to, "  c%d: {share: 2}\n", i);
        fclose(to);
        text = said(yaml);
        assert_string_equal(text, "weir: f:258:3: clients: more than 256; leave those of equal "
                                  "share to default\n");
        free(text);
        free(yaml);
}

static void a_client_has_its_own_share_or_the_default(void **state)
{
        static struct settings s;

        (void)state;
        settings_init(&s);
        assert_int_equal(settings_client_share(&s, STR_NULL), 1);
        load_well(&s, "clients: {maker: {share: 3}, default: {share: 2}}\n");
        assert_int_equal(settings_client_share(&s, STR_LITERAL("maker")), 3);
        assert_int_equal(settings_client_share(&s, STR_LITERAL("make")), 2);
        assert_int_equal(settings_client_share(&s, STR_LITERAL("default")), 2);
        assert_int_equal(settings_client_share(&s, STR_NULL), 2);
}

static void what_is_printed_can_be_loaded_again(void **state)
{
        static struct settings s, again;
        char *text;

        (void)state;
        load_well(&s,
                  "clients: {maker: {share: 3}, 'a: \"b\"': {share: 7}, default: {share: 2}}\n");
        text = printed_by(settings_print, &s);
        load_well(&again, text);
        free(text);
        assert_int_equal(again.clients.n, 2);
        assert_int_equal(settings_client_share(&again, STR_LITERAL("a: \"b\"")), 7);
        assert_int_equal(settings_client_share(&again, STR_NULL), 2);
}

static void a_reload_takes_the_shares_up(void **state)
{
        static struct settings s, next;

        (void)state;
        load_well(&s, "clients: {a: {share: 3}}\n");
        load_well(&next, "clients: {a: {share: 4}}\n");
        assert_int_equal(settings_reload(&s, &next, NULL), 1);
        assert_int_equal(settings_client_share(&s, STR_LITERAL("a")), 4);
        assert_int_equal(settings_reload(&s, &next, NULL), 0);
}

static void a_share_set_by_hand_is_no_setting_and_ends_when_that_is_another(void **state)
{
        static struct settings s, next;

        (void)state;
        load_well(&s, "clients: {a: {share: 3}}\n");
        load_well(&next, "clients: {a: {share: 3}}\n");
        assert_int_equal(settings_set_client_share(&s, STR_LITERAL("a"), 5), 0);
        assert_int_equal(settings_set_client_share(&s, STR_LITERAL("b"), 2), 0);
        assert_int_equal(settings_set_client_share(&s, STR_LITERAL("c"), 1), 0);
        assert_int_equal(settings_client_share(&s, STR_LITERAL("a")), 5);
        assert_int_equal(s.by_hand.n, 2);
        assert_int_equal(settings_set_client_share(&s, STR_LITERAL("a"), 3), 0);
        assert_int_equal(s.by_hand.n, 1);
        assert_int_equal(settings_client_share(&s, STR_LITERAL("b")), 2);
        assert_int_equal(settings_set_client_share(&s, STR_LITERAL("a"), 7), 0);
        /* Read anew they say what they said. */
        assert_int_equal(settings_reload(&s, &next, NULL), 0);
        assert_int_equal(settings_client_share(&s, STR_LITERAL("a")), 7);
        assert_int_equal(settings_client_share(&s, STR_LITERAL("b")), 2);
        /* Somebody has decided later. */
        load_well(&next, "clients: {a: {share: 4}}\n");
        assert_int_equal(settings_reload(&s, &next, NULL), 1);
        assert_int_equal(settings_client_share(&s, STR_LITERAL("a")), 4);
        assert_int_equal(settings_client_share(&s, STR_LITERAL("b")), 2);
        load_well(&next, "clients: {a: {share: 4}, default: {share: 2}}\n");
        assert_int_equal(settings_reload(&s, &next, NULL), 1);
        assert_int_equal(s.by_hand.n, 0);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(every_mistake_is_told_with_its_place_and_remedy),
                cmocka_unit_test(at_most_so_many_have_a_share_of_their_own),
                cmocka_unit_test(a_client_has_its_own_share_or_the_default),
                cmocka_unit_test(what_is_printed_can_be_loaded_again),
                cmocka_unit_test(a_reload_takes_the_shares_up),
                cmocka_unit_test(a_share_set_by_hand_is_no_setting_and_ends_when_that_is_another),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
