#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/heap.h"

struct item {
        struct heap_link link;
        uint32_t key;
};

static bool item_before(const struct heap_link *a, const struct heap_link *b)
{
        return container_of(a, struct item, link)->key < container_of(b, struct item, link)->key;
}

static void members_leave_smallest_first_whoever_was_removed(void **state)
{
        static struct item items[1000];
        uint32_t seed = 12345, last = 0, left = 0;
        struct heap h;

        (void)state;
        heap_init(&h, item_before);
        for (size_t i = 0; i < ARRAY_SIZE(items); ++i) {
                seed = seed * 1664525 + 1013904223;
                items[i].key = seed >> 8;
                assert_int_equal(heap_push(&h, &items[i].link), 0);
        }
        for (size_t i = 0; i < ARRAY_SIZE(items); i += 3) {
                heap_remove(&h, &items[i].link);
                heap_remove(&h, &items[i].link);
        }
        while (heap_peek(&h)) {
                struct item *it = container_of(heap_peek(&h), struct item, link);

                assert_true(it->key >= last);
                last = it->key;
                ++left;
                heap_remove(&h, &it->link);
        }
        assert_int_equal(left, 666);
        heap_deinit(&h);
}

int main(void)
{
        static const struct CMUnitTest tests[] = {
                cmocka_unit_test(members_leave_smallest_first_whoever_was_removed),
        };

        return cmocka_run_group_tests_name("base/heap", tests, NULL, NULL);
}
