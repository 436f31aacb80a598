/* How it stands with what is shared, from the words that a keeper writes and the file's locks. */
#include "core/test_budgets.h"

#include "core/lease.h"
#include "core/sharing.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

struct row {
        uint64_t answered_ms, away_ms, waits_ms, refused_ms, share_until_ms;
        uint32_t share;
        enum sharing_state state;
        bool is_stuck;
        uint64_t since_ms;
        const char *words;
};

#define GRACE 600000
/* Minute N is of 2027-01-15. */
#define ASKED AT(100000)

static const struct row rows[] = {
        { .state = SHARING_UNREACHED,
          .is_stuck = true,
          .words = "the store has granted this host nothing yet: nothing is sent until it has been "
                   "reached once (event=store_away in the log says what is in the way)" },
        { .away_ms = AT(90000),
          .state = SHARING_UNREACHED,
          .is_stuck = true,
          .since_ms = AT(90000),
          .words = "the store has granted this host nothing yet: nothing is sent until it has been "
                   "reached once (event=store_away in the log says what is in the way)" },
        { .answered_ms = AT(90000),
          .share_until_ms = AT(90000 + GRACE),
          .share = 5,
          .state = SHARING_GOOD,
          .words = "" },
        /* A budget gets its share when it is needed first. */
        { .answered_ms = AT(90000),
          .share_until_ms = AT(90000 + GRACE),
          .state = SHARING_GOOD,
          .words = "" },
        { .answered_ms = AT(90000),
          .away_ms = AT(91000),
          .share_until_ms = AT(90000 + GRACE),
          .share = 5,
          .state = SHARING_AWAY,
          .since_ms = AT(91000),
          .words = "the store is away since 08:01:31 UTC; this host goes on with its share until "
                   "08:11:30 UTC" },
        /* It has given its share back, and has not been heard since. */
        { .answered_ms = AT(90000),
          .away_ms = AT(91000),
          .share_until_ms = AT(90000 + GRACE),
          .state = SHARING_AWAY,
          .is_stuck = true,
          .since_ms = AT(91000),
          .words = "the store is away since 08:01:31 UTC; this host has no share, and nothing is "
                   "sent that needs one" },
        /* Who should speak once a minute stands still. */
        { .answered_ms = ASKED - SHARING_SILENT_MS,
          .share_until_ms = ASKED + 1,
          .share = 5,
          .state = SHARING_AWAY,
          .since_ms = ASKED - SHARING_SILENT_MS,
          .words = "the store is away since 08:00:35 UTC; this host goes on with its share until "
                   "08:01:40 UTC" },
        { .answered_ms = ASKED - SHARING_SILENT_MS + 1,
          .share_until_ms = ASKED + 1,
          .share = 5,
          .state = SHARING_GOOD,
          .words = "" },
        { .answered_ms = AT(90000),
          .share_until_ms = ASKED,
          .share = 5,
          .state = SHARING_AWAY,
          .is_stuck = true,
          .since_ms = AT(90000),
          .words = "the store is away since 08:01:30 UTC; this host's share is over since "
                   "08:01:40 UTC, and nothing is sent that needs it" },
        { .answered_ms = AT(90000),
          .waits_ms = AT(80000),
          .share_until_ms = AT(90000 + GRACE),
          .share = 5,
          .state = SHARING_WAITS,
          .since_ms = AT(80000),
          .words = "the store grants nothing since 08:01:20 UTC, until other hosts have told it "
                   "what they were granted (event=store_waits in the log says for whom it waits); "
                   "this host goes on with its share until 08:11:30 UTC" },
        { .refused_ms = AT(80000),
          .away_ms = AT(70000),
          .waits_ms = AT(60000),
          .state = SHARING_REFUSED,
          .is_stuck = true,
          .since_ms = AT(80000),
          .words = "the store refuses this host since 08:01:20 UTC (event=store_refuses in the log "
                   "says why); this host has no share, and nothing is sent that needs one" },
        { .refused_ms = AT(80000) - 86400000,
          .answered_ms = AT(0),
          .share_until_ms = AT(200000),
          .share = 5,
          .state = SHARING_REFUSED,
          .since_ms = AT(80000) - 86400000,
          .words = "the store refuses this host since 2027-01-14 08:01:20 UTC (event=store_refuses "
                   "in the log says why); this host goes on with its share until 08:03:20 UTC" },
};

static void share(struct region *r, const struct row *row)
{
        atomic_store(&r->header->sharing, LEASE_SHARING);
        atomic_store(&r->lease->answered_ms, row->answered_ms);
        atomic_store(&r->lease->away_ms, row->away_ms);
        atomic_store(&r->lease->waits_ms, row->waits_ms);
        atomic_store(&r->lease->refused_ms, row->refused_ms);
        atomic_store(&r->lease->share_until_ms, row->share_until_ms);
        atomic_store(&r->leases[7].share, (uint64_t)row->share << 32 | row->share);
}

static void each_state_has_its_words(void **state)
{
        char words[SHARING_WORDS_SIZE];
        struct sharing s;

        (void)state;
        sharing_look(&region, ASKED, &s);
        assert_int_equal(s.state, SHARING_NONE);
        assert_false(sharing_is_stuck(&s));
        assert_string_equal(sharing_words(&s, words), "");
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); ++i) {
                const struct row *row = &rows[i];

                share(&region, row);
                sharing_look(&region, ASKED, &s);
                sharing_words(&s, words);
                if (s.state != row->state || sharing_is_stuck(&s) != row->is_stuck ||
                    s.since_ms != (row->state == SHARING_GOOD ? 0 : row->since_ms) ||
                    strcmp(words, row->words) != 0)
                        fail_msg("row %zu: %s, stuck %d, since %llu: %s", i, sharing_name(s.state),
                                 sharing_is_stuck(&s), (unsigned long long)s.since_ms, words);
        }
}

static void who_can_have_nothing_comes_again_later(void **state)
{
        uint64_t at_ms = ASKED + 100;
        char words[SHARING_WORDS_SIZE];

        (void)state;
        share(&region, &rows[2]);
        assert_string_equal(sharing_refusal(&region, "spot-weight", ASKED, &at_ms, words),
                            "this host has used its part of the budget spot-weight, which it "
                            "shares with other hosts, and was granted no more of it in time");
        share(&region, &rows[4]);
        assert_string_equal(sharing_refusal(&region, "spot-weight", ASKED, &at_ms, words),
                            "this host has used its share of the budget spot-weight, and the store "
                            "is away since 08:01:31 UTC");
        assert_int_equal(at_ms, ASKED + 100);
        share(&region, &rows[0]);
        assert_string_equal(sharing_refusal(&region, "spot-weight", ASKED, &at_ms, words),
                            "the budget spot-weight is shared with other hosts, and the store has "
                            "granted this host nothing yet: nothing is sent until it has been "
                            "reached once (event=store_away in the log says what is in the way)");
        assert_int_equal(at_ms, ASKED + SHARING_AGAIN_MS);
}

static enum sharing_state state_of(const struct region *r)
{
        struct sharing s;

        sharing_look(r, ASKED, &s);
        return s.state;
}

/* The lock is seen by others and by who holds it, with the region's own file and with another. */
static void nobody_speaks_who_does_not_hold_the_lock(void **state)
{
        struct flock lock = { .l_type = F_WRLCK, .l_start = SHARING_KEEPER_BYTE, .l_len = 1 };
        static struct region_plan plan;
        char path[] = "/tmp/weir-test-sharing-XXXXXX", words[SHARING_WORDS_SIZE];
        struct region keeper = REGION_NULL, other = REGION_NULL;
        struct region_error error;
        uint64_t at_ms = ASKED;
        int fd = mkstemp(path);

        (void)state;
        assert_true(fd >= 0);
        close(fd);
        assert_int_equal(region_open(path, &plan, &keeper, &error), 0);
        assert_int_equal(region_open_readonly(path, NULL, &other, &error), 0);
        assert_int_equal(state_of(&other), SHARING_NONE);
        share(&keeper, &rows[2]);
        assert_int_equal(state_of(&other), SHARING_UNSPOKEN);
        assert_int_equal(fcntl(keeper.fd, F_OFD_SETLK, &lock), 0);
        assert_int_equal(state_of(&other), SHARING_GOOD);
        assert_int_equal(state_of(&keeper), SHARING_GOOD);
        region_close(&keeper);
        assert_int_equal(state_of(&other), SHARING_UNSPOKEN);
        sharing_refusal(&other, "spot-weight", ASKED, &at_ms, words);
        assert_non_null(strstr(words, "no gateway with a store speaks for this host: start weir "
                                      "gateway --store"));
        region_close(&other);
        unlink(path);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(each_state_has_its_words, setup, teardown),
                cmocka_unit_test_setup_teardown(who_can_have_nothing_comes_again_later, setup,
                                                teardown),
                cmocka_unit_test(nobody_speaks_who_does_not_hold_the_lock),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
