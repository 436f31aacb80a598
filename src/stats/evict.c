/*
 * Names that nobody has come by for an hour, and that no window in memory names, make room for
 * newcomers: else whoever came after the first ten thousand would be with the others for ever.
 *
 * A look at all names and windows finds them, at most once a minute and only where a newcomer finds
 * no room; they keep their place until one takes it, and are in nobody's way if they come back.
 */
#include "stats/inside.h"

#define IDLE_MS (UINT64_C(3600) * MS_PER_SECOND)
#define LOOK_MS (60 * MS_PER_SECOND)

static void mark_kept(struct stats *s, const struct stats_window *w)
{
        for (size_t i = 0; i < w->n_rows; ++i) {
                /* A row's name is the text of ours. */
                struct name *name =
                        (struct name *)(uintptr_t)container_of(w->rows[i].name, struct name, text);

                name->mark = s->names.mark;
        }
}

static void mark_open(struct stats *s, const struct open_window *o)
{
        for (unsigned i = 0; o && i < o->n; ++i)
                names_at(s, o->pieces[i / TALLIES_IN_PIECE]->all[i % TALLIES_IN_PIECE].number)
                        ->mark = s->names.mark;
}

static void mark_all(struct stats *s)
{
        const struct stats_window *w;

        ++s->names.mark;
        for (uint32_t pool = 0; pool < s->n_books; ++pool) {
                for (size_t i = 0; (w = stats_closed(s, pool, i)) != NULL; ++i)
                        mark_kept(s, w);
                for (size_t i = 0; i < OPEN_WINDOWS; ++i)
                        mark_open(s, s->books[pool].open[i]);
        }
}

/* Whose sums are shown by rank, in a bounded number of series (watch/top.h): these bear it. */
static bool may_make_room(enum stats_by by)
{
        return by == STATS_BY_ENDPOINT || by == STATS_BY_CLIENT;
}

static void look(struct stats *s, uint64_t now_ms)
{
        mark_all(s);
        for (unsigned by = 0; by < STATS_BY_COUNT; ++by) {
                uint16_t first = names_first(by);

                s->names.cursor[by] = FIXED_NAMES;
                for (uint16_t i = FIXED_NAMES; may_make_room(by) && i < s->names.n[by]; ++i) {
                        struct name *name = names_at(s, (uint16_t)(first + i));

                        name->is_idle =
                                name->mark != s->names.mark && name->seen_ms + IDLE_MS <= now_ms;
                }
        }
        s->names.looked_ms = now_ms;
}

/* Return: 0: none. */
static uint16_t next_idle(struct stats *s, enum stats_by by)
{
        uint16_t *at = &s->names.cursor[by];

        for (; *at < s->names.n[by]; ++*at)
                if (names_at(s, (uint16_t)(names_first(by) + *at))->is_idle)
                        return (uint16_t)(names_first(by) + *at);
        return 0;
}

/* The slots are as if it had never been in them: those behind it close up. */
static void forget(struct stats *s, enum stats_by by, uint16_t number)
{
        uint16_t *slots = s->names.slots;
        size_t gap = names_home(s, by, names_at(s, number)->key);

        while (slots[gap] != number + 1)
                gap = (gap + 1) % NAME_SLOTS;
        for (size_t at = (gap + 1) % NAME_SLOTS; slots[at] != 0; at = (at + 1) % NAME_SLOTS) {
                const struct name *there = names_at(s, (uint16_t)(slots[at] - 1));
                size_t home = names_home(s, there->by, there->key);

                /* It would not be found in the gap if it belongs behind it. */
                if ((at - home) % NAME_SLOTS < (at - gap) % NAME_SLOTS)
                        continue;
                slots[gap] = slots[at];
                gap = at;
        }
        slots[gap] = 0;
}

uint16_t evict_one(struct stats *s, enum stats_by by, uint64_t now_ms)
{
        uint16_t number = next_idle(s, by);
        struct name *name;

        /* A clock that was set back is no reason to wait. */
        if (number == 0 && may_make_room(by) &&
            (s->names.looked_ms + LOOK_MS <= now_ms || s->names.looked_ms > now_ms)) {
                look(s, now_ms);
                number = next_idle(s, by);
        }
        if (number == 0)
                return 0;
        name = names_at(s, number);
        forget(s, by, number);
        stats_figures_add(&names_at(s, names_first(by))->figures, &name->figures);
        *name = (struct name){ .by = by };
        return number;
}
