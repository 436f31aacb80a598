/*
 * The file itself: made, and swept when its slots get few. See stage.h.
 */
#include "core/sound.h"
#include "core/sweep.h"

#include "stage.h"

#include <fcntl.h>
#include <sys/stat.h>

#define DAY_MS 86400000ULL

/* Making it: into a file of which the parent sees each change. */

static char path[64], copy_path[80];
static struct region_plan plan;

static void name_the_file(void)
{
        (void)snprintf(path, sizeof(path), "/dev/shm/weir-made-%d", (int)getpid());
        (void)snprintf(copy_path, sizeof(copy_path), "%s-copy", path);
        (void)unlink(path);
        plan = (struct region_plan){ .table_hash = 42, .now_ms = AT(0) };
        plan.windows[0][0] = region_window(60000, LIMIT);
}

static void a_region_is_made(void)
{
        struct region made = REGION_NULL;
        struct region_error error;

        CHILD(region_open(path, &plan, &made, &error) == 0);
        says->told = 1;
        atomic_fetch_add(&made.header->counters[0], 1);
}

static size_t read_file(const char *name, void *to, size_t size)
{
        int fd = open(name, O_RDONLY);
        ssize_t n = fd < 0 ? 0 : read(fd, to, size);

        if (fd >= 0)
                close(fd);
        return n > 0 ? (size_t)n : 0;
}

/* Its size and its header. */
static uint64_t digest_of_the_file(void)
{
        static uint64_t words[REGION_HEADER_BYTES / sizeof(uint64_t)];
        struct stat st;
        uint64_t sum = stat(path, &st) < 0 ? 1 : 2 + (uint64_t)st.st_size;
        size_t n = read_file(path, words, sizeof(words)) / sizeof(words[0]);

        for (size_t i = 0; i < n; ++i)
                sum = (sum ^ words[i]) * 0x9e3779b97f4a7c15ULL;
        return sum;
}

/* What follows is a look at each of its slots. */
static bool is_made(void)
{
        uint64_t magic = 0;

        return read_file(path, &magic, sizeof(magic)) == sizeof(magic) && magic == REGION_MAGIC;
}

/* The file as it is now, without its creator's lock: what the next one finds after a kill. */
static void look_at_the_file(unsigned long step, const char *story)
{
        static char bytes[REGION_BYTES];
        struct region next = REGION_NULL;
        struct region_error error;
        size_t n = read_file(path, bytes, sizeof(bytes));
        int fd = open(copy_path, O_RDWR | O_CREAT | O_TRUNC, 0600);
        uint64_t counted_up;

        assert_true(fd >= 0);
        assert_int_equal(write(fd, bytes, n), (ssize_t)n);
        close(fd);
        if (region_open(copy_path, &plan, &next, &error) < 0)
                fail_msg("%s, step %lu: %s", story, step, error.why);
        counted_up = atomic_load(&next.header->counters[0]);
        if (next.header->pools[0][0] != region_window(60000, LIMIT) || counted_up > 1 ||
            (counted_up == 1 && !says->told))
                fail_msg("%s, step %lu: not as it was made", story, step);
        region_close(&next);
        (void)unlink(copy_path);
}

/* Sweeping it. */

#define OLD    14u
#define YOUNG  6u
#define OLD_MS (AT(0) - 9 * DAY_MS)

static struct slot *swept[2 * (OLD + YOUNG)];

/* Of those slots, the words that tell how far it has come with them: all of each would take
 * minutes.
 */
static uint64_t digest_of_the_slots(void)
{
        uint64_t sum = 0;

        for (size_t i = 0; i < ARRAY_SIZE(swept); ++i)
                sum = (sum ^ atomic_load(&swept[i]->key)) * 0x9e3779b97f4a7c15ULL +
                      atomic_load(&swept[i]->pool_span) + 3 * atomic_load(&swept[i]->owner) +
                      5 * atomic_load(&swept[i]->cells[RING_CELLS - 1].sent);
        return sum;
}

static void owners_have_come_and_gone(void)
{
        for (unsigned i = 0; i < OLD + YOUNG; ++i) {
                struct limiter_request r = {
                        .class = CLASS_CANCEL,
                        .deadline_ms = UINT64_MAX,
                        .n_charges = 1,
                        /* So many that some are found behind others. */
                        .charges = { { .pool = 1, .owner = 1000 + i, .amount = 1 + i } }
                };
                struct limiter_time time = { i < OLD ? OLD_MS : AT(1000), 100 };
                struct limiter_ticket t;

                assert_int_equal(limiter_reserve(&l, &r, time, &t), LIMITER_GO);
                swept[2 * i] = slot_find(&region, 1, 1000 + i, 10000, false);
                swept[2 * i + 1] = slot_find(&region, 1, 1000 + i, 60000, false);
        }
}

static void old_owners_make_room(void)
{
        size_t n = sweep(&region, (const uint64_t[]){ AT(1000), AT(1000) });

        /* But for a few that a young one is found behind. */
        CHILD(n > 2 * (OLD - 3) && n <= 2 * OLD);
        says->told = 1;
}

static void look_at_the_young(unsigned long step, const char *story)
{
        size_t n = sweep_count(&region);
        struct limiter *other;

        for (unsigned i = OLD; i < OLD + YOUNG; ++i) {
                struct window w = { slot_find(&region, 1, 1000 + i, 60000, false), 60000, LIMIT,
                                    NULL };

                if (!w.slot || window_used(&w, N, true) != 1 + i)
                        fail_msg("%s, step %lu: owner %u is lost", story, step, i);
        }
        if (n < 2 * (size_t)YOUNG || n > 2 * (size_t)(OLD + YOUNG) ||
            (says->told && n > 2 * (size_t)(YOUNG + 3)))
                fail_msg("%s, step %lu: %zu slots", story, step, n);
        if (sound_slots(&region) != REGION_SLOTS)
                fail_msg("%s, step %lu: nobody would open it", story, step);
        /* The next one finishes it, and a new owner finds nothing of an old one. */
        other = stage_copy();
        (void)sweep(other->region, (const uint64_t[]){ AT(1000), AT(1000) });
        if (sweep_count(other->region) > 2 * (size_t)(YOUNG + 3))
                fail_msg("%s, step %lu: it cannot be finished", story, step);
        for (size_t i = 0; i < REGION_SLOTS; ++i)
                if (atomic_load(&region.slots[i].key) == 0 &&
                    atomic_load(&region.slots[i].owner) != 0)
                        fail_msg("%s, step %lu: slot %zu is free and not empty", story, step, i);
}

static void a_kill_leaves_a_file_that_the_next_one_can_use(void **state)
{
        static const struct story stories[] = {
                { "a region is made", a_region_is_made, .states = 8, .prepare = name_the_file,
                  .look = look_at_the_file, .digest = digest_of_the_file, .is_over = is_made,
                  .is_plain = true },
                { "old owners make room", old_owners_make_room, .states = 40,
                  .prepare = owners_have_come_and_gone, .look = look_at_the_young,
                  .digest = digest_of_the_slots, .is_plain = true },
        };

        (void)state;
        stage_play(stories, ARRAY_SIZE(stories));
        (void)unlink(path);
}

int main(void)
{
        static const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_kill_leaves_a_file_that_the_next_one_can_use),
        };

        return cmocka_run_group_tests_name("crash/region", tests, NULL, NULL);
}
