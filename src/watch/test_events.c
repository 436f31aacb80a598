#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "watch/events.h"

#include <stdio.h>

static struct events events;

static void add(const char *event)
{
        events_add(&events, 5, "info", str_of(event), STR_LITERAL("why=this"), STR_NULL);
}

static size_t count_after(uint64_t after)
{
        const struct event *e;
        size_t n = 0;

        while ((e = events_next(&events, after)) != NULL) {
                assert_true(n == 0 || e->id == after + 1);
                after = e->id;
                ++n;
        }
        return n;
}

static void who_comes_back_gets_what_came_since(void **state)
{
        uint64_t first;

        (void)state;
        events_init(&events, 1000);
        assert_null(events_next(&events, 0));
        add("one");
        add("two");
        add("three");
        first = events_next(&events, 0)->id;
        assert_int_equal(count_after(0), 3);
        assert_int_equal(count_after(first), 2);
        assert_int_equal(count_after(first + 2), 0);
        assert_string_equal(events_next(&events, first)->event, "two");
}

static void a_full_list_keeps_the_newest(void **state)
{
        char name[16];
        uint64_t first;

        (void)state;
        events_init(&events, 1000);
        for (int i = 0; i < EVENTS_MAX + 10; ++i) {
                snprintf(name, sizeof(name), "e%d", i);
                add(name);
        }
        assert_int_equal(count_after(0), EVENTS_MAX);
        assert_string_equal(events_next(&events, 0)->event, "e10");
        first = events_next(&events, 0)->id;
        /* Gone meanwhile: from the oldest on. */
        assert_int_equal(count_after(first - 5), EVENTS_MAX);
}

static void a_number_of_another_process_is_the_beginning(void **state)
{
        (void)state;
        events_init(&events, 2000);
        add("one");
        /* Of the one before, whose numbers are lower, and of one whose clock was ahead. */
        assert_int_equal(count_after(1000 * 1000 + 77), 1);
        assert_int_equal(count_after(9000 * 1000), 1);
        assert_int_equal(count_after(UINT64_MAX), 1);
}

static void what_is_too_long_is_cut_between_characters(void **state)
{
        char text[EVENTS_TEXT_SIZE + 10];

        (void)state;
        events_init(&events, 1);
        memset(text, 'x', sizeof(text));
        memcpy(text + EVENTS_TEXT_SIZE - 2, "\xc3\xa4", 2);
        events_add(&events, 5, "warn", STR_LITERAL("retry"), str_from(text, sizeof(text)),
                   STR_LITERAL("r-1"));
        assert_int_equal(strlen(events_next(&events, 0)->text), EVENTS_TEXT_SIZE - 2);
}

static void as_json_it_names_its_request_if_it_has_one(void **state)
{
        json_t *with, *without;

        (void)state;
        events_init(&events, 1);
        events_add(&events, 5, "warn", STR_LITERAL("retry"), STR_LITERAL("a=\"b\""),
                   STR_LITERAL("r-1"));
        add("one");
        with = event_json(events_next(&events, 0));
        without = event_json(events_next(&events, events_next(&events, 0)->id));
        assert_string_equal(json_string_value(json_object_get(with, "request_id")), "r-1");
        assert_string_equal(json_string_value(json_object_get(with, "text")), "a=\"b\"");
        assert_string_equal(json_string_value(json_object_get(with, "level")), "warn");
        assert_int_equal(json_integer_value(json_object_get(with, "at_ms")), 5);
        assert_null(json_object_get(without, "request_id"));
        json_decref(with);
        json_decref(without);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(who_comes_back_gets_what_came_since),
                cmocka_unit_test(a_full_list_keeps_the_newest),
                cmocka_unit_test(a_number_of_another_process_is_the_beginning),
                cmocka_unit_test(what_is_too_long_is_cut_between_characters),
                cmocka_unit_test(as_json_it_names_its_request_if_it_has_one),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
