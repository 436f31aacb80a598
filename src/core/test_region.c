#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "core/limiter.h"
#include "core/slot.h"
#include "core/sweep.h"

#define START_MS 1800000000000ULL
#define NOBODY   65534u

static char folder[] = "/tmp/weir-region-XXXXXX";
static char path[64];
static struct region_plan plan;
static struct region_error error;

static int setup_folder(void **state)
{
        (void)state;
        if (!mkdtemp(folder))
                return -1;
        (void)snprintf(path, sizeof(path), "%s/region", folder);
        plan = (struct region_plan){ .table_hash = 42, .now_ms = START_MS };
        plan.windows[0][0] = region_window(60000, 100);
        return 0;
}

static int teardown_folder(void **state)
{
        (void)state;
        return rmdir(folder);
}

static int teardown(void **state)
{
        (void)state;
        (void)unlink(path);
        return 0;
}

static int try_open(void)
{
        struct region r = REGION_NULL;
        int answer = region_open(path, &plan, &r, &error);

        region_close(&r);
        region_close(&r);
        return answer;
}

/* Every refusal is a sentence that names the file, and no option: libraries have none. */
static void expect_refusal(int answer, int expected, const char *why)
{
        static const char other[] = "name another region";
        size_t n = strlen(error.why);
        bool is_end = n > sizeof(other) && strcmp(error.why + n - sizeof(other) + 1, other) == 0;

        if (strstr(error.why, "--") || error.is_place != is_end)
                fail_msg("does not fit all who may read it: %s", error.why);
        if (answer != expected || !strstr(error.why, why) || !strstr(error.why, path))
                fail_msg("%d instead of %d: %s", answer, expected, error.why);
}

/* Who only looks maps it, and hears the same. */
static void expect_doubt(const char *why)
{
        struct region r = REGION_NULL;
        int answer = region_open_readonly(path, &plan, &r, &error);

        expect_refusal(answer, REGION_DOUBTED, why);
        assert_non_null(r.header);
        region_close(&r);
}

/* Nothing is there to be looked at, in the words of who would work with it. */
static void expect_no_look(int expected, const char *why)
{
        struct region r = REGION_NULL;

        expect_refusal(region_open_readonly(path, &plan, &r, &error), expected, why);
        assert_null(r.header);
}

static void write_file(const void *bytes, size_t n, mode_t mode)
{
        int fd = open(path, O_RDWR | O_CREAT | O_TRUNC, mode);

        assert_true(fd >= 0);
        assert_int_equal(write(fd, bytes, n), (ssize_t)n);
        assert_int_equal(fchmod(fd, mode), 0);
        close(fd);
}

static void patch(size_t offset, const void *bytes, size_t n)
{
        int fd = open(path, O_RDWR);

        assert_true(fd >= 0);
        assert_int_equal(pwrite(fd, bytes, n, (off_t)offset), (ssize_t)n);
        close(fd);
}

static void the_first_creates_it_and_the_next_finds_it(void **state)
{
        struct region a = REGION_NULL, b = REGION_NULL;
        struct stat st;

        (void)state;
        assert_int_equal(region_open(path, &plan, &a, &error), 0);
        assert_int_equal(stat(path, &st), 0);
        assert_int_equal(st.st_size, REGION_BYTES);
        assert_int_equal(st.st_mode & 0777, 0600);
        /* Its space is really there: a full disk later kills nobody. */
        assert_true((size_t)st.st_blocks * 512 >= REGION_BYTES);
        assert_int_equal(a.header->version, REGION_VERSION);
        assert_int_equal(a.header->born_ms, START_MS);
        assert_int_equal(a.header->pools[0][0], region_window(60000, 100));
        plan.windows[0][0] = region_window(60000, 200);
        assert_int_equal(region_open(path, &plan, &b, &error), 0);
        plan.windows[0][0] = region_window(60000, 100);
        assert_int_equal(b.header->pools[0][0], region_window(60000, 100));
        atomic_store(&a.header->counters[3], 77);
        assert_int_equal(atomic_load(&b.header->counters[3]), 77);
        region_close(&b);
        region_close(&a);
}

static void a_restart_finds_counts_and_bans(void **state)
{
        struct region r = REGION_NULL;
        struct limiter l = { .region = &r };
        struct limiter_request request = { .deadline_ms = UINT64_MAX,
                                           .gate = 1,
                                           .n_charges = 1,
                                           .charges = { { .amount = 60 } } };
        struct limiter_time time = { START_MS + 1000, 100 };
        struct limiter_ticket t;

        (void)state;
        assert_int_equal(region_open(path, &plan, &r, &error), 0);
        assert_int_equal(limiter_reserve(&l, &request, time, &t), LIMITER_GO);
        assert_true(gate_shut(limiter_gate(&l, 2), GATE_BAN, START_MS + 500000));
        region_sync(&r);
        region_close(&r);
        assert_int_equal(region_open(path, &plan, &r, &error), 0);
        assert_int_equal(limiter_reserve(&l, &request, time, &t), LIMITER_WAIT);
        request.gate = 2;
        assert_int_equal(limiter_reserve(&l, &request, time, &t), LIMITER_SHUT);
        assert_int_equal(t.at_ms, START_MS + 500000);
        region_close(&r);
}

static void of_many_starters_one_builds(void **state)
{
        pid_t pids[64];
        int status, pipes[2];
        char go = 0;

        (void)state;
        for (int round = 0; round < 10; ++round) {
                struct region r = REGION_NULL;

                (void)unlink(path);
                assert_int_equal(pipe(pipes), 0);
                for (size_t i = 0; i < ARRAY_SIZE(pids); ++i) {
                        pids[i] = fork();
                        assert_true(pids[i] >= 0);
                        if (pids[i] == 0) {
                                close(pipes[1]);
                                /* All at once, when the writing end closes. */
                                (void)!read(pipes[0], &go, 1);
                                if (region_open(path, &plan, &r, &error) < 0)
                                        _exit(1);
                                atomic_fetch_add(&r.header->counters[0], 1);
                                _exit(0);
                        }
                }
                close(pipes[0]);
                close(pipes[1]);
                for (size_t i = 0; i < ARRAY_SIZE(pids); ++i) {
                        assert_int_equal(waitpid(pids[i], &status, 0), pids[i]);
                        assert_int_equal(status, 0);
                }
                assert_int_equal(region_open(path, &plan, &r, &error), 0);
                /* Nobody built it anew over another's count. */
                assert_int_equal(atomic_load(&r.header->counters[0]), ARRAY_SIZE(pids));
                region_close(&r);
        }
}

/* Somebody who holds a lock of the file and stands still. Return: his end of a pipe: close it, and
 * he goes. */
static int stand_still(int how, pid_t *ret_pid)
{
        int ready[2], go[2];
        char c = 0;

        assert_int_equal(pipe(ready), 0);
        assert_int_equal(pipe(go), 0);
        *ret_pid = fork();
        assert_true(*ret_pid >= 0);
        if (*ret_pid == 0) {
                int fd = open(path, O_RDWR | O_CREAT, 0600);

                close(go[1]);
                if (fd < 0 || flock(fd, how) < 0 || write(ready[1], &c, 1) != 1)
                        _exit(1);
                (void)!read(go[0], &c, 1);
                _exit(0);
        }
        close(go[0]);
        close(ready[1]);
        assert_int_equal(read(ready[0], &c, 1), 1);
        close(ready[0]);
        return go[1];
}

static void nobody_waits_for_ever_for_a_creator_who_was_stopped(void **state)
{
        static const int locks[] = { LOCK_EX, LOCK_SH };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(locks); ++i) {
                int status, until;
                pid_t pid;

                (void)unlink(path);
                until = stand_still(locks[i], &pid);
                plan.patience_ms = 20;
                expect_refusal(try_open(), -EBUSY, "is being made by another program");
                plan.patience_ms = 0;
                /* He is gone, and what he left is no hindrance. */
                close(until);
                assert_int_equal(waitpid(pid, &status, 0), pid);
                assert_int_equal(try_open(), 0);
        }
}

static bool is_open_in(pid_t pid)
{
        char folder_of[64], name[sizeof(folder_of) + 256], to[PATH_MAX];
        bool is_there = false;
        struct dirent *entry;
        DIR *dir;

        (void)snprintf(folder_of, sizeof(folder_of), "/proc/%d/fd", (int)pid);
        dir = opendir(folder_of);
        while (dir && !is_there && (entry = readdir(dir))) {
                ssize_t n;

                (void)snprintf(name, sizeof(name), "%s/%s", folder_of, entry->d_name);
                n = readlink(name, to, sizeof(to) - 1);
                to[n > 0 ? n : 0] = '\0';
                is_there = strcmp(to, path) == 0;
        }
        if (dir)
                closedir(dir);
        return is_there;
}

/* Two regions would be two budgets. */
static void who_waited_for_a_file_that_was_deleted_takes_the_one_that_is_there(void **state)
{
        struct region r = REGION_NULL;
        int status, until;
        pid_t pid, waiting;

        (void)state;
        until = stand_still(LOCK_EX, &pid);
        waiting = fork();
        assert_true(waiting >= 0);
        if (waiting == 0) {
                close(until);
                if (region_open(path, &plan, &r, &error) < 0)
                        _exit(1);
                atomic_fetch_add(&r.header->counters[0], 1);
                _exit(0);
        }
        /* He has it open, and waits for the lock. */
        while (!is_open_in(waiting))
                (void)sched_yield();
        assert_int_equal(unlink(path), 0);
        close(until);
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_int_equal(waitpid(waiting, &status, 0), waiting);
        assert_int_equal(status, 0);
        assert_int_equal(region_open(path, &plan, &r, &error), 0);
        assert_int_equal(atomic_load(&r.header->counters[0]), 1);
        region_close(&r);
}

static uint64_t told_ms(const struct region_header *header)
{
        return atomic_load(&header->clocks[0]);
}

static void who_opens_it_alone_frees_what_is_long_over(void **state)
{
        struct region r = REGION_NULL, other = REGION_NULL;
        struct limiter l = { .region = &r };

        (void)state;
        plan.told_ms = told_ms;
        assert_int_equal(region_open(path, &plan, &r, &error), 0);
        atomic_store(&r.header->clocks[0], START_MS);
        for (unsigned i = 0; i < 1200; ++i)
                limiter_shut_pool(&l, 0, 1000 + i, START_MS - 5 * 86400000ULL);
        atomic_store(&r.header->counters[0], 0);
        /* Not while somebody has it. */
        assert_int_equal(region_open(path, &plan, &other, &error), 0);
        assert_int_equal(sweep_count(&other), 1200);
        region_close(&other);
        region_close(&r);
        assert_int_equal(region_open(path, &plan, &r, &error), 0);
        assert_int_equal(sweep_count(&r), 0);
        /* Shared again: the next one comes in. */
        assert_int_equal(region_open(path, &plan, &other, &error), 0);
        region_close(&other);
        region_close(&r);
        plan.told_ms = NULL;
}

/* As a queue that was killed: places in this window and in the next, and one request on its way. */
static void who_opens_it_alone_frees_the_places_of_the_dead(void **state)
{
        struct region r = REGION_NULL, other = REGION_NULL;
        struct limiter l = { .region = &r };
        struct limiter_request request = { .deadline_ms = UINT64_MAX,
                                           .n_charges = 1,
                                           .charges = { { .pool = 0, .amount = 25 } } };
        struct limiter_time time = { START_MS + 1000, 100 };
        struct limiter_ticket t[8];
        struct window w = { .span_ms = 60000, .limit = 100 };
        uint64_t number = time.now_ms / 60000;
        struct window_view view;

        (void)state;
        assert_int_equal(region_open(path, &plan, &r, &error), 0);
        for (size_t i = 0; i < ARRAY_SIZE(t); ++i)
                assert_int_equal(limiter_reserve(&l, &request, time, &t[i]),
                                 i < 4 ? LIMITER_GO : LIMITER_WAIT);
        limiter_land(&l, &t[0], time, 0, 0, NULL, 0, NULL);

        /* Not while somebody has it. */
        assert_int_equal(region_open(path, &plan, &other, &error), 0);
        w.slot = t[0].takes[0].window.slot;
        window_look(&w, number + 1, &view);
        assert_int_equal(view.held, 100);
        region_close(&r);
        region_close(&other);

        assert_int_equal(region_open(path, &plan, &r, &error), 0);
        w.slot = slot_find(&r, 0, 0, 60000, false);
        assert_non_null(w.slot);
        window_look(&w, number + 1, &view);
        assert_int_equal(view.held, 0);
        /* What was sent is known as before, and what may still be on its way. */
        window_look(&w, number, &view);
        assert_int_equal(view.spent, 100);
        assert_int_equal(view.flying, 75);
        region_close(&r);
}

/* A creator that is killed after its @n-th system call. Return: false when it came to its end. */
static bool killed_after(unsigned n)
{
        int status;
        pid_t pid = fork();

        assert_true(pid >= 0);
        if (pid == 0) {
                if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) < 0)
                        _exit(99);
                (void)raise(SIGSTOP);
                _exit(try_open() == 0 ? 0 : 1);
        }
        assert_int_equal(waitpid(pid, &status, 0), pid);
        if (!WIFSTOPPED(status)) {
                print_message("skipped: this system does not permit ptrace\n");
                skip();
        }
        /* Each call stops twice: before it and after it. */
        for (unsigned i = 0; i < n; ++i) {
                assert_int_equal(ptrace(PTRACE_SYSCALL, pid, NULL, NULL), 0);
                assert_int_equal(waitpid(pid, &status, 0), pid);
                if (WIFEXITED(status)) {
                        assert_int_equal(WEXITSTATUS(status), 0);
                        return false;
                }
        }
        (void)kill(pid, SIGKILL);
        assert_int_equal(waitpid(pid, &status, 0), pid);
        return true;
}

static void a_creator_killed_anywhere_leaves_a_place_for_the_next(void **state)
{
        unsigned n = 0;

        (void)state;
        do {
                (void)unlink(path);
                ++n;
                if (!killed_after(n))
                        break;
                if (try_open() != 0)
                        fail_msg("killed at stop %u: %s", n, error.why);
        } while (n < 1000);
        assert_true(n > 20 && n < 1000);
}

static void what_a_dead_creator_filled_in_is_not_trusted(void **state)
{
        struct region r = REGION_NULL;
        uint64_t magic = 0, old = 999;

        (void)state;
        assert_int_equal(try_open(), 0);
        patch(offsetof(struct region_header, counters), &old, sizeof(old));
        patch(offsetof(struct region_header, magic), &magic, sizeof(magic));
        assert_int_equal(region_open(path, &plan, &r, &error), 0);
        assert_int_equal(atomic_load(&r.header->counters[0]), 0);
        region_close(&r);
}

static void what_is_not_our_region_is_refused_and_left_alone(void **state)
{
        static const char poem[] = "Not a region at all, but somebody's only copy.";
        static const struct {
                const char *label;
                size_t offset, n;
                uint64_t value;
                int error;
                const char *why;
        } rows[] = {
                { "another version", offsetof(struct region_header, version), 4, REGION_VERSION + 1,
                  -ESTALE, "another version" },
                { "an older version", offsetof(struct region_header, version), 4, 1, -ESTALE,
                  "another version" },
                { "another header", offsetof(struct region_header, header_bytes), 4, 8192, -ESTALE,
                  "another version" },
                { "other slots", offsetof(struct region_header, slot_bytes), 4, 64, -ESTALE,
                  "another version" },
                { "fewer slots", offsetof(struct region_header, n_slots), 4, 1, -ESTALE,
                  "another version" },
                { "another size", offsetof(struct region_header, total_bytes), 8, 4096, -ESTALE,
                  "another version" },
                { "another table", offsetof(struct region_header, table_hash), 8, 43, -ESTALE,
                  "other endpoint tables" },
                { "a damaged magic", offsetof(struct region_header, magic), 8, 1, -EUCLEAN,
                  "not a region" },
        };
        struct stat st;

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(rows); ++i) {
                (void)unlink(path);
                assert_int_equal(try_open(), 0);
                patch(rows[i].offset, &rows[i].value, rows[i].n);
                expect_refusal(try_open(), rows[i].error, rows[i].why);
                if (rows[i].offset == offsetof(struct region_header, table_hash))
                        expect_doubt(rows[i].why);
                else
                        expect_no_look(rows[i].error, rows[i].why);
        }
        write_file(poem, sizeof(poem), 0600);
        expect_refusal(try_open(), -EUCLEAN, "not a region");
        expect_no_look(-EUCLEAN, "not a region");
        assert_int_equal(stat(path, &st), 0);
        assert_int_equal(st.st_size, sizeof(poem));
        write_file("ab", 2, 0600);
        expect_refusal(try_open(), -EUCLEAN, "not a region");
        expect_no_look(-EUCLEAN, "not a region");
        (void)unlink(path);
        assert_int_equal(try_open(), 0);
        assert_int_equal(truncate(path, REGION_BYTES - 1), 0);
        expect_refusal(try_open(), -EUCLEAN, "cut short");
        expect_no_look(-EUCLEAN, "cut short");
        assert_int_equal(truncate(path, REGION_BYTES + 1), 0);
        expect_refusal(try_open(), -EUCLEAN, "cut short");
        expect_no_look(-EUCLEAN, "cut short");
}

/* The first slot in use, and what is written there: at an offset, a word. */
static void a_slot_that_cannot_be_is_refused(void **state)
{
        static const struct {
                const char *label;
                size_t offset;
                uint64_t xor ;
        } rows[] = {
                { "the key", offsetof(struct slot, key), 1 },
                { "no key", offsetof(struct slot, key), 0 },
                { "the owner", offsetof(struct slot, owner), 1ULL << 40 },
                { "the span", offsetof(struct slot, pool_span), 2 },
                { "no pool", offsetof(struct slot, pool_span), 1ULL << 60 },
        };
        struct region r = REGION_NULL;
        struct limiter l = { .region = &r };
        size_t in_use = 0;
        uint64_t word;

        (void)state;
        assert_int_equal(region_open(path, &plan, &r, &error), 0);
        limiter_shut_pool(&l, 0, 7, START_MS);
        while (atomic_load(&r.slots[in_use].key) == 0)
                ++in_use;
        for (size_t i = 0; i < ARRAY_SIZE(rows); ++i) {
                word_t *at = (word_t *)(void *)((char *)&r.slots[in_use] + rows[i].offset);

                word = atomic_load(at);
                atomic_store(at, rows[i].xor ? word ^ rows[i].xor : 0);
                expect_refusal(try_open(), -EUCLEAN, "is damaged: slot ");
                expect_doubt("is damaged: slot ");
                atomic_store(at, word);
                assert_int_equal(try_open(), 0);
        }
        /* More flies than was sent; there twice; not found where it is. */
        atomic_store(&r.slots[in_use].cells[3].sent, 1ULL << 44 | 2ULL << 22 | 3);
        expect_refusal(try_open(), -EUCLEAN, "counts what cannot be");
        atomic_store(&r.slots[in_use].cells[3].sent, 0);
        memcpy(&r.slots[(in_use + 1) % REGION_SLOTS], &r.slots[in_use], sizeof(struct slot));
        expect_refusal(try_open(), -EUCLEAN, "is damaged: slot ");
        memset(&r.slots[(in_use + 1) % REGION_SLOTS], 0, sizeof(struct slot));
        atomic_store(&r.slots[(in_use + 9) % REGION_SLOTS].look, 5);
        expect_refusal(try_open(), -EUCLEAN, "is damaged: slot ");
        atomic_store(&r.slots[(in_use + 9) % REGION_SLOTS].look, 0);
        /* Claimed by one who was killed before he named it: the next one does. */
        atomic_store(&r.slots[in_use].pool_span, 0);
        assert_int_equal(try_open(), 0);
        region_close(&r);
}

static void only_a_file_of_our_own_is_opened(void **state)
{
        struct region r = REGION_NULL;
        char other[80];

        (void)state;
        assert_int_equal(try_open(), 0);
        assert_int_equal(chmod(path, 0666), 0);
        expect_refusal(try_open(), -EPERM, "written by everybody; chmod 600 it");
        assert_int_equal(chmod(path, 0660), 0);
        expect_refusal(try_open(), -EPERM, "written by its group; chmod 600 it");
        expect_doubt("written by its group; chmod 600 it");
        assert_int_equal(chmod(path, 0640), 0);
        assert_int_equal(try_open(), 0);
        (void)snprintf(other, sizeof(other), "%s-other", path);
        assert_int_equal(rename(path, other), 0);
        assert_int_equal(symlink(other, path), 0);
        expect_refusal(try_open(), -ELOOP, "open it: it is a symbolic link");
        expect_no_look(-ELOOP, "open it: it is a symbolic link");
        (void)unlink(path);
        (void)unlink(other);
        assert_int_equal(mkdir(path, 0700), 0);
        expect_refusal(try_open(), -EISDIR, "Is a directory");
        expect_no_look(-EISDIR, "Is a directory");
        assert_int_equal(rmdir(path), 0);
        assert_int_equal(mkfifo(path, 0600), 0);
        expect_refusal(try_open(), -EPERM, "is not a file");
        expect_no_look(-EPERM, "is not a file");
        (void)unlink(path);
        (void)snprintf(other, sizeof(other), "%s/none/region", folder);
        assert_int_equal(region_open(other, &plan, &r, &error), -ENOENT);
        assert_non_null(strstr(error.why, other));
}

/* As another user, who exists only if we are root. */
static int as_nobody(void)
{
        int status;
        pid_t pid = fork();

        assert_true(pid >= 0);
        if (pid == 0) {
                if (setgroups(0, NULL) < 0 || setgid(NOBODY) < 0 || setuid(NOBODY) < 0)
                        _exit(200);
                _exit(-try_open());
        }
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_true(WIFEXITED(status));
        return -WEXITSTATUS(status);
}

static void another_users_file_or_folder_is_refused(void **state)
{
        (void)state;
        if (geteuid() != 0) {
                print_message("skipped: only root can be somebody else\n");
                skip();
        }
        assert_int_equal(chmod(folder, 0755), 0);
        assert_int_equal(as_nobody(), -EACCES); /* a folder that may not be written */
        assert_int_equal(try_open(), 0);
        assert_int_equal(as_nobody(), -EACCES);
        assert_int_equal(chmod(path, 0660), 0);
        assert_int_equal(chown(path, 0, NOBODY), 0);
        assert_int_equal(as_nobody(), -EPERM);
        assert_int_equal(chown(path, NOBODY, NOBODY), 0);
        assert_int_equal(as_nobody(), -EPERM);
        assert_int_equal(chmod(path, 0600), 0);
        assert_int_equal(as_nobody(), 0);
        /* Root may look after everybody's. */
        assert_int_equal(try_open(), 0);
        assert_int_equal(chmod(folder, 0700), 0);
}

/* Tries to make it where there is room for a half. */
static void fill_the_disk(void)
{
        int status;
        pid_t pid = fork();

        assert_true(pid >= 0);
        if (pid == 0) {
                struct rlimit most = { REGION_BYTES / 2, REGION_BYTES / 2 };

                (void)signal(SIGXFSZ, SIG_IGN);
                if (setrlimit(RLIMIT_FSIZE, &most) < 0)
                        _exit(200);
                _exit(-try_open());
        }
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_true(WIFEXITED(status));
        assert_int_equal(WEXITSTATUS(status), EFBIG);
}

static void a_full_disk_leaves_nothing(void **state)
{
        struct stat st;

        (void)state;
        fill_the_disk();
        assert_int_equal(stat(path, &st), -1);
        /* An empty file that was there before is not ours to take away. */
        write_file("", 0, 0600);
        fill_the_disk();
        assert_int_equal(stat(path, &st), 0);
        assert_int_equal(st.st_size, 0);
        assert_int_equal(try_open(), 0);
}

static void who_only_looks_changes_and_creates_nothing(void **state)
{
        struct region r = REGION_NULL;
        struct stat st;

        (void)state;
        assert_int_equal(region_open_readonly(path, NULL, &r, &error), -ENOENT);
        assert_int_equal(stat(path, &st), -1);
        write_file("", 0, 0600);
        expect_no_look(-EUCLEAN, "is not finished: its creator is at it, or died");
        assert_int_equal(stat(path, &st), 0);
        assert_int_equal(st.st_size, 0);
        assert_int_equal(try_open(), 0);
        plan.table_hash = 43; /* looks at any table's */
        assert_int_equal(region_open_readonly(path, NULL, &r, &error), 0);
        plan.table_hash = 42;
        assert_int_equal(r.header->pools[0][0], region_window(60000, 100));
        region_close(&r);
        assert_null(r.header);
}

static void a_private_region_is_of_this_process_alone(void **state)
{
        struct region a = REGION_NULL, b = REGION_NULL;

        (void)state;
        assert_int_equal(region_open(NULL, &plan, &a, &error), 0);
        assert_int_equal(region_open(NULL, &plan, &b, &error), 0);
        atomic_store(&a.header->counters[0], 1);
        assert_int_equal(atomic_load(&b.header->counters[0]), 0);
        region_sync(&a);
        region_close(&a);
        region_close(&b);
        assert_int_equal(region_hash("a", 1), region_hash("a", 1));
        assert_int_not_equal(region_hash("a", 1), region_hash("b", 1));
}

static void a_service_has_its_region_in_its_state_folder(void **state)
{
        char runtime[64], given[64], several[160], at[256], expected[256];

        (void)state;
        (void)snprintf(runtime, sizeof(runtime), "%s/run", folder);
        (void)snprintf(given, sizeof(given), "%s/state", folder);
        (void)snprintf(several, sizeof(several), "%s:/elsewhere", given);
        assert_int_equal(mkdir(runtime, 0700), 0);
        assert_int_equal(setenv("XDG_RUNTIME_DIR", runtime, 1), 0);
        assert_int_equal(unsetenv("SYSTEMD_EXEC_PID"), 0);
        assert_int_equal(setenv("STATE_DIRECTORY", several, 1), 0);
        /* The folder is the service manager's to make. */
        assert_int_equal(region_default_path(at, sizeof(at), &error), -ENOENT);
        assert_int_equal(mkdir(given, 0750), 0);
        (void)snprintf(expected, sizeof(expected), "%s/region", given);
        assert_int_equal(region_default_path(at, sizeof(at), &error), 0);
        assert_string_equal(at, expected);
        assert_int_equal(region_default_path_readonly(at, sizeof(at), &error), 0);
        assert_string_equal(at, expected);
        assert_int_equal(chmod(given, 0770), 0);
        assert_int_equal(region_default_path(at, sizeof(at), &error), -EPERM);
        assert_int_equal(chmod(given, 0750), 0);
        /* Libraries, and what was given to a shell that started us, perhaps. */
        (void)snprintf(expected, sizeof(expected), "%s/weir/region", runtime);
        assert_int_equal(region_user_path(at, sizeof(at), &error), 0);
        assert_string_equal(at, expected);
        assert_int_equal(setenv("SYSTEMD_EXEC_PID", "1", 1), 0);
        assert_int_equal(region_default_path(at, sizeof(at), &error), 0);
        assert_string_equal(at, expected);
        assert_int_equal(unsetenv("SYSTEMD_EXEC_PID"), 0);
        /* No absolute path. */
        assert_int_equal(setenv("STATE_DIRECTORY", "state", 1), 0);
        assert_int_equal(region_default_path(at, sizeof(at), &error), 0);
        assert_string_equal(at, expected);
        assert_int_equal(unsetenv("STATE_DIRECTORY"), 0);
        assert_int_equal(rmdir(given), 0);
        (void)snprintf(expected, sizeof(expected), "%s/weir", runtime);
        assert_int_equal(rmdir(expected), 0);
        assert_int_equal(rmdir(runtime), 0);
}

static void the_default_place_is_the_users_own(void **state)
{
        char runtime[64], at[256], expected[256], small[8];
        struct stat st;

        (void)state;
        assert_int_equal(unsetenv("STATE_DIRECTORY"), 0);
        (void)snprintf(runtime, sizeof(runtime), "%s/run", folder);
        assert_int_equal(mkdir(runtime, 0700), 0);
        assert_int_equal(setenv("XDG_RUNTIME_DIR", runtime, 1), 0);
        /* Who only looks is told the place, and makes nothing there. */
        assert_int_equal(region_default_path_readonly(at, sizeof(at), &error), 0);
        (void)snprintf(expected, sizeof(expected), "%s/weir", runtime);
        assert_int_equal(access(expected, F_OK), -1);
        (void)snprintf(expected, sizeof(expected), "%s/weir/region", runtime);
        assert_string_equal(at, expected);
        assert_int_equal(region_default_path(at, sizeof(at), &error), 0);
        assert_string_equal(at, expected);
        assert_int_equal(region_default_path(at, sizeof(at), &error), 0);
        assert_int_equal(region_default_path(small, sizeof(small), &error), -ENAMETOOLONG);

        (void)snprintf(expected, sizeof(expected), "%s/weir", runtime);
        assert_int_equal(stat(expected, &st), 0);
        assert_int_equal(st.st_mode & 0777, 0700);
        assert_int_equal(chmod(expected, 0777), 0);
        assert_int_equal(region_default_path(at, sizeof(at), &error), -EPERM);
        assert_non_null(strstr(error.why, "; name another region"));
        assert_true(error.is_place);
        assert_int_equal(region_default_path_readonly(at, sizeof(at), &error), -EPERM);
        assert_int_equal(rmdir(expected), 0);
        /* Somebody else's link in its place. */
        assert_int_equal(symlink("/tmp", expected), 0);
        assert_int_equal(region_default_path(at, sizeof(at), &error), -EPERM);
        (void)unlink(expected);
        assert_int_equal(rmdir(runtime), 0);
        assert_int_equal(region_default_path(at, sizeof(at), &error), -ENOENT);

        /* Not absolute, or not there: the shared memory folder, with the user's number. */
        assert_int_equal(setenv("XDG_RUNTIME_DIR", "run", 1), 0);
        (void)snprintf(expected, sizeof(expected), "/dev/shm/weir-%u/region", (unsigned)geteuid());
        assert_int_equal(region_default_path(at, sizeof(at), &error), 0);
        assert_string_equal(at, expected);
        assert_int_equal(unsetenv("XDG_RUNTIME_DIR"), 0);
        assert_int_equal(region_default_path(at, sizeof(at), &error), 0);
        assert_string_equal(at, expected);
}

#define TEST(name) cmocka_unit_test_teardown(name, teardown)

int main(void)
{
        static const struct CMUnitTest tests[] = {
                TEST(the_first_creates_it_and_the_next_finds_it),
                TEST(a_restart_finds_counts_and_bans),
                TEST(of_many_starters_one_builds),
                TEST(nobody_waits_for_ever_for_a_creator_who_was_stopped),
                TEST(who_waited_for_a_file_that_was_deleted_takes_the_one_that_is_there),
                TEST(who_opens_it_alone_frees_what_is_long_over),
                TEST(who_opens_it_alone_frees_the_places_of_the_dead),
                TEST(a_creator_killed_anywhere_leaves_a_place_for_the_next),
                TEST(what_a_dead_creator_filled_in_is_not_trusted),
                TEST(what_is_not_our_region_is_refused_and_left_alone),
                TEST(a_slot_that_cannot_be_is_refused),
                TEST(only_a_file_of_our_own_is_opened),
                TEST(another_users_file_or_folder_is_refused),
                TEST(a_full_disk_leaves_nothing),
                TEST(who_only_looks_changes_and_creates_nothing),
                TEST(a_private_region_is_of_this_process_alone),
                TEST(the_default_place_is_the_users_own),
                TEST(a_service_has_its_region_in_its_state_folder),
        };

        return cmocka_run_group_tests_name("core/region", tests, setup_folder, teardown_folder);
}
