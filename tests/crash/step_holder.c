/*
 * Killed at any instruction of naming a key
 *
 * A child names a key that has been used, on a shared region, while we step it, one instruction at
 * a time. At each stop the region is as a kill would leave it there: whoever asks then must be
 * charged where the use of the key is known, and whoever names the key again must finish it.
 */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "budget/budget.h"
#include "budget/holder.h"
#include "core/slot.h"

#define NOW_MS    1800000005000ULL
#define STEPS_MAX 20000000ul
#define USED      20u
#define KEY       STR_LITERAL("TheKeyThatIsNamed")
#define NAME      STR_LITERAL("desk")

static struct region region;
static struct limiter l = { .region = &region };
static uint16_t pool;

static int setup(void **state)
{
        struct region_plan plan;
        struct region_error error;
        char path[] = "/dev/shm/weir-step-XXXXXX";
        int fd = mkstemp(path), r;

        (void)state;
        if (fd < 0)
                return -1;
        close(fd);
        budget_plan(&plan, NOW_MS);
        r = region_open(path, &plan, &region, &error);
        unlink(path);
        pool = (uint16_t)policy_pool_find(STR_LITERAL("futures-orders"));
        return r;
}

static int teardown(void **state)
{
        (void)state;
        region_close(&region);
        return 0;
}

static uint32_t used(const struct limiter *by, uint64_t number)
{
        struct window w = { slot_find(by->region, pool, holder_owner(by, number, 0), 10000, false),
                            10000, 300, NULL };

        return w.slot ? window_used(&w, NOW_MS / 10000, true) : 0;
}

static void use_the_key(void)
{
        struct policy_input input = { .method = STR_LITERAL("POST"),
                                      .path = STR_LITERAL("/fapi/v1/order"),
                                      .api_key = KEY };
        struct policy_plan plan;
        struct limiter_request request;
        struct limiter_ticket t;

        assert_int_equal(policy_match(NULL, &input, &plan), 0);
        for (unsigned i = 0; i < USED; ++i) {
                struct limiter_time now = { NOW_MS, 0 };

                budget_request(&l, &plan, &request);
                assert_int_equal(limiter_reserve(&l, &request, now, &t), LIMITER_GO);
                limiter_land(&l, &t, now, 0, 0, NULL, 0, NULL);
        }
}

/* Whoever asks now is charged in the account's books, the key's, or both: one of them knows. */
static void check(unsigned long step)
{
        uint64_t key = policy_account(KEY);
        struct holder h = holder_find(&l, key);
        uint32_t known = used(&l, h.number);

        if (h.is_apart && used(&l, key) > known)
                known = used(&l, key);
        if (known < USED)
                fail_msg("step %lu: %u of %u are known", step, known, USED);
}

/* Another process names it again, after the kill. */
static void check_next(unsigned long step)
{
        static struct region_header header;
        static struct slot slots[REGION_SLOTS];
        struct region copy = { .header = &header, .slots = slots, .fd = -1 };
        struct limiter other = { .region = &copy };

        memcpy(&header, region.header, sizeof(header));
        memcpy(slots, region.slots, sizeof(slots));
        if (holder_name(&other, NAME, KEY, NOW_MS * US_PER_MS) < 0 ||
            holder_find(&other, policy_account(KEY)).is_apart ||
            used(&other, holder_number(NAME)) < USED)
                fail_msg("step %lu: it cannot be finished", step);
}

/* What changes when a key is named: its slot, the account's books, the header's word. */
static uint64_t digest(void)
{
        const struct slot *key =
                slot_find(&region, REGION_POOL_KEYS, policy_account(KEY), 0, false);
        uint64_t sum = atomic_load(&region.header->accounts) + used(&l, holder_number(NAME)) * 31;

        for (size_t i = 0; key && i < 4; ++i)
                sum = sum * 31 + atomic_load(&key->cells[i].sent) +
                      7 * atomic_load(&key->cells[i].held);
        return sum;
}

static void a_kill_while_a_key_is_named_loses_nothing(void **state)
{
        unsigned long step = 0;
        uint64_t last = 0, now;
        unsigned n_states = 0;
        int status;
        pid_t pid;

        (void)state;
        use_the_key();
        pid = fork();
        assert_true(pid >= 0);
        if (pid == 0) {
                if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) < 0)
                        _exit(99);
                (void)raise(SIGSTOP);
                _exit(holder_name(&l, NAME, KEY, NOW_MS * US_PER_MS) == HOLDER_NAMED ? 0 : 98);
        }
        assert_int_equal(waitpid(pid, &status, 0), pid);
        while (step < STEPS_MAX && !WIFEXITED(status) && !WIFSIGNALED(status)) {
                if (ptrace(PTRACE_SINGLESTEP, pid, NULL, NULL) < 0) {
                        (void)kill(pid, SIGKILL);
                        (void)waitpid(pid, &status, 0);
                        print_message("skipped: this system does not permit ptrace\n");
                        skip();
                }
                assert_int_equal(waitpid(pid, &status, 0), pid);
                ++step;
                check(step);
                now = digest();
                if (now == last)
                        continue;
                last = now;
                ++n_states;
                check_next(step);
        }
        if (WIFEXITED(status) && WEXITSTATUS(status) == 99) {
                print_message("skipped: this system does not permit ptrace\n");
                skip();
        }
        assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
        assert_false(holder_find(&l, policy_account(KEY)).is_apart);
        print_message("%lu instructions, %u states\n", step, n_states);
        assert_true(n_states >= 6);
}

int main(void)
{
        static const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(a_kill_while_a_key_is_named_loses_nothing, setup,
                                                teardown),
        };

        return cmocka_run_group_tests_name("crash/holder", tests, NULL, NULL);
}
