/* The end of sharing: nothing is left of what was granted, and all of what was used. */
#include "core/test_budgets.h"

#include "core/lease.h"
#include "core/sharing.h"
#include "core/unshare.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

static struct limiter_time now[REGION_POOLS];

static void who_shares_no_more_has_the_whole_limit(void **state)
{
        struct window weight;
        struct limiter_ticket t;
        uint64_t host = region.lease->host;
        static const struct lease none;

        (void)state;
        atomic_store(&region.header->sharing, LEASE_SHARING);
        atomic_store(&region.lease->share_until_ms, AT(600000));
        atomic_store(&region.lease->answered_ms, AT(0));
        atomic_store(&region.lease->sequence, 17);
        weight =
                (struct window){ slot_find(&region, WEIGHT, 0, 60000, true), 60000, 1000, &region };
        lease_set_share(&weight, 300, N - 1, N + 1);
        assert_int_equal(lease_speak(&weight, N, AT(0)), 300);
        assert_int_equal(reserve(CLASS_CANCEL, 200, 0, 1000, &t), LIMITER_GO);
        for (size_t i = 0; i < REGION_POOLS; ++i)
                now[i] = NOW(1000);
        unshare(&region, now);
        assert_int_equal(atomic_load(&region.header->sharing), 0);
        assert_memory_equal(lease_of(&weight), &none, sizeof(none));
        assert_int_equal(atomic_load(&region.lease->share_until_ms), 0);
        assert_int_equal(atomic_load(&region.lease->answered_ms), 0);
        /* What the store knows it by stays. */
        assert_int_equal(region.lease->host, host);
        assert_int_equal(atomic_load(&region.lease->sequence), 17);
        land(&t, 1100);
        /* What was used is, of all that there is. */
        assert_int_equal(reserve(CLASS_CANCEL, 801, 0, 1200, &t), LIMITER_WAIT);
        limiter_refund(&l, &t);
        t = go(CLASS_CANCEL, 790, 0, 1300);
        land(&t, 1400);
}

static void a_gateway_with_a_store_is_in_the_way(void **state)
{
        struct flock keeper = { .l_type = F_WRLCK, .l_start = SHARING_KEEPER_BYTE, .l_len = 1 };
        struct flock member = { .l_type = F_RDLCK, .l_start = SHARING_MEMBER_BYTE, .l_len = 1 };
        static struct region_plan plan;
        char path[] = "/tmp/weir-test-unshare-XXXXXX";
        struct region gateway = REGION_NULL, us = REGION_NULL;
        struct region_error error;
        int fd = mkstemp(path);

        (void)state;
        assert_true(fd >= 0);
        close(fd);
        assert_int_equal(region_open(path, &plan, &gateway, &error), 0);
        assert_int_equal(region_open(path, &plan, &us, &error), 0);
        /* One that is about to take over is there as well. */
        assert_int_equal(fcntl(gateway.fd, F_OFD_SETLK, &member), 0);
        assert_int_equal(unshare_lock(&us), -EBUSY);
        assert_int_equal(fcntl(gateway.fd, F_OFD_SETLK, &keeper), 0);
        assert_int_equal(unshare_lock(&us), -EBUSY);
        region_close(&gateway);
        assert_int_equal(unshare_lock(&us), 0);
        assert_int_equal(region_open(path, &plan, &gateway, &error), 0);
        assert_int_equal(fcntl(gateway.fd, F_OFD_SETLK, &keeper), -1);
        unshare_unlock(&us);
        assert_int_equal(fcntl(gateway.fd, F_OFD_SETLK, &keeper), 0);
        region_close(&gateway);
        region_close(&us);
        unlink(path);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(who_shares_no_more_has_the_whole_limit, setup,
                                                teardown),
                cmocka_unit_test(a_gateway_with_a_store_is_in_the_way),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
