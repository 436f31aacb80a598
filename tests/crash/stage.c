#include "stage.h"

#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/wait.h>

struct says *says;
struct region region;
struct limiter l = { .region = &region };

static int setup(void)
{
        static struct region_plan plan;
        struct region_error error;
        struct ceilings c = CEILINGS_DEFAULT;
        char path[] = "/dev/shm/weir-step-XXXXXX";
        int fd = mkstemp(path), r;

        if (fd < 0)
                return -1;
        close(fd);
        plan.windows[0][0] = region_window(60000, LIMIT);
        plan.windows[1][0] = region_window(10000, LIMIT);
        plan.windows[1][1] = region_window(60000, LIMIT);
        plan.ceilings = ceilings_pack(&c);
        r = region_open(path, &plan, &region, &error);
        unlink(path);
        says = mmap(NULL, sizeof(*says), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        return r < 0 || says == MAP_FAILED ? -1 : 0;
}

static int teardown(void)
{
        region_close(&region);
        return munmap(says, sizeof(*says));
}

struct limiter_request request_of(uint32_t amount)
{
        return (struct limiter_request){
                .class = CLASS_CANCEL,
                .deadline_ms = UINT64_MAX,
                .n_charges = 2,
                .charges = { { .pool = 0, .amount = amount }, { .pool = 1, .amount = amount } },
        };
}

struct limiter *stage_copy(void)
{
        static _Alignas(64) char bytes[REGION_BYTES];
        static struct region copy = { .fd = -1 };
        static struct limiter other;

        memcpy(bytes, region.header, REGION_BYTES);
        region_lay(&copy, bytes);
        other = (struct limiter){ .region = &copy };
        return &other;
}

static struct window window_of(const struct region *of, uint16_t pool)
{
        return (struct window){ slot_find(of, pool, 0, 60000, false), 60000, LIMIT, NULL };
}

/* What a request at @ms finds used of the minute it is in. */
uint32_t counted(const struct region *of, uint16_t pool, uint64_t number)
{
        struct window w = window_of(of, pool);
        struct window_view v;

        if (!w.slot)
                return 0;
        window_look(&w, number, &v);
        return v.spent - v.held + window_others(&w, number);
}

static void check_words(unsigned long step, const char *story)
{
        for (size_t s = 0; s < REGION_SLOTS; ++s) {
                struct slot *slot = &region.slots[s];

                if (atomic_load(&slot->key) == 0 ||
                    atomic_load(&slot->pool_span) >> 32 >= REGION_POOLS)
                        continue;
                for (size_t i = 0; i < RING_CELLS; ++i) {
                        uint64_t sent = atomic_load(&slot->cells[i].sent);
                        uint64_t held = atomic_load(&slot->cells[i].held);

                        /* flying within sent; held within what was asked for, twice in between */
                        if ((sent & WINDOW_AMOUNT_MAX) > (sent >> 22 & WINDOW_AMOUNT_MAX) ||
                            (sent >> 22 & WINDOW_AMOUNT_MAX) > LIMIT ||
                            (held >> 22 & WINDOW_AMOUNT_MAX) > LIMIT)
                                fail_msg("%s, step %lu: cell %zu: sent %llx held %llx", story, step,
                                         i, (unsigned long long)sent, (unsigned long long)held);
                }
        }
}

/* Another process comes after the kill: it gets what is left at most, and it gets on. */
static void check_others(unsigned long step, const char *story, unsigned must_now,
                         unsigned must_next)
{
        struct limiter *other = stage_copy();
        struct limiter_request r = request_of(1);
        struct limiter_ticket t;
        unsigned n = 0, in_next = 0;

        if (says->shut) {
                if (limiter_reserve(other, &r, NOW(70000), &t) != LIMITER_SHUT)
                        fail_msg("%s, step %lu: the ban is not seen", story, step);
                return;
        }
        if (atomic_load(&other->region->header->egresses[0].gates[0]) != 0)
                return;
        r.n_charges = 1;
        r.charges[0].amount = LIMIT - must_now + 1;
        if (must_now > 0 && limiter_reserve(other, &r, NOW(59800), &t) == LIMITER_GO)
                fail_msg("%s, step %lu: %u beside %u", story, step, r.charges[0].amount, must_now);
        r.charges[0].amount = LIMIT - must_next + 1;
        if (must_next > 0 && limiter_reserve(other, &r, NOW(60600), &t) == LIMITER_GO)
                fail_msg("%s, step %lu: %u beside %u in the next minute", story, step,
                         r.charges[0].amount, must_next);
        /* Long after, nothing of it is in the way. */
        r.charges[0].amount = LIMIT;
        for (n = 0; n < 2; ++n)
                in_next += limiter_reserve(other, &r, NOW(300000 + n * 60000), &t) == LIMITER_GO;
        if (in_next == 0)
                fail_msg("%s, step %lu: nobody gets on", story, step);
}

static uint64_t sum_of(uint64_t sum, const void *bytes, size_t n)
{
        const uint64_t *words = bytes;

        for (size_t i = 0; i < n / sizeof(*words); ++i)
                sum = (sum ^ words[i]) * 0x9e3779b97f4a7c15ULL;
        return sum;
}

static void check_promises(unsigned long step, const char *story)
{
        /* Promises first: the child is stopped, nothing moves. */
        unsigned now = says->must_now, next = says->must_next;

        for (uint16_t pool = 0; pool < 2; ++pool) {
                struct window w = window_of(&region, pool);
                struct window_view v = { 0 };

                if (w.slot)
                        window_look(&w, N + 1, &v);
                if (v.spent < says->spent_next)
                        fail_msg("%s, step %lu: a place is lost in pool %u", story, step, pool);
                if (counted(&region, pool, N) < now)
                        fail_msg("%s, step %lu: %u of %u sent in pool %u", story, step,
                                 counted(&region, pool, N), now, pool);
                if (counted(&region, pool, N) < says->least[pool])
                        fail_msg("%s, step %lu: %u of %u counted in pool %u", story, step,
                                 counted(&region, pool, N), says->least[pool], pool);
                if (counted(&region, pool, N + 1) < next)
                        fail_msg("%s, step %lu: %u of %u in the next minute in pool %u", story,
                                 step, counted(&region, pool, N + 1), next, pool);
        }
}

static uint64_t digest(void)
{
        uint64_t sum = sum_of(0, region.header, sizeof(*region.header));

        for (size_t i = 0; i < REGION_SLOTS; ++i) {
                if (atomic_load(&region.slots[i].key) == 0)
                        continue;
                sum = sum_of(sum, &region.slots[i], sizeof(region.slots[i]));
                sum = sum_of(sum, &region.leases[i], sizeof(region.leases[i]));
        }
        return sum_of(sum, region.lease, sizeof(*region.lease));
}

static void check(unsigned long step, const struct story *story, uint64_t *last)
{
        uint64_t sum;

        if (!story->is_plain)
                check_promises(step, story->label);
        sum = story->digest ? story->digest() : digest();
        if (sum == *last)
                return;
        *last = sum;
        if (story->look)
                story->look(step, story->label);
        if (story->is_plain)
                return;
        check_words(step, story->label);
        check_others(step, story->label, says->must_now, says->must_next);
}

/* Return: instructions; 0: stepping is not permitted here. */
static unsigned long step_through(const struct story *story, unsigned *ret_states)
{
        unsigned long step = 0;
        uint64_t last = 1, before;
        int status;
        pid_t pid = fork();

        assert_true(pid >= 0);
        if (pid == 0) {
                if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) < 0)
                        _exit(99);
                (void)raise(SIGSTOP);
                story->act();
                _exit(0);
        }
        assert_int_equal(waitpid(pid, &status, 0), pid);
        if (WIFEXITED(status) && WEXITSTATUS(status) == 99)
                return 0;
        assert_true(WIFSTOPPED(status));
        *ret_states = 0;
        while (step < STEPS_MAX) {
                bool is_over = story->is_over && story->is_over();

                if (ptrace(is_over ? PTRACE_CONT : PTRACE_SINGLESTEP, pid, NULL, NULL) < 0) {
                        (void)kill(pid, SIGKILL);
                        (void)waitpid(pid, &status, 0);
                        return 0;
                }
                assert_int_equal(waitpid(pid, &status, 0), pid);
                if (WIFEXITED(status) || WIFSIGNALED(status))
                        break;
                ++step;
                before = last;
                check(step, story, &last);
                *ret_states += before != last;
        }
        if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
                (void)kill(pid, SIGKILL);
                fail_msg("%s: the child ended with %x after %lu steps", story->label,
                         (unsigned)status, step);
        }
        return step;
}

void stage_play(const struct story *stories, size_t n)
{
        for (size_t i = 0; i < n; ++i) {
                unsigned states = 0;
                unsigned long steps;

                assert_int_equal(setup(), 0);
                if (stories[i].prepare)
                        stories[i].prepare();
                steps = step_through(&stories[i], &states);
                (void)teardown();
                if (steps == 0) {
                        print_message("skipped: this system does not permit ptrace\n");
                        skip();
                }
                print_message("%-28s %6lu instructions, %3u states\n", stories[i].label, steps,
                              states);
                if (states < stories[i].states)
                        fail_msg("%s: only %u states", stories[i].label, states);
        }
}
