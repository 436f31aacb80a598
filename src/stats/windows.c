#include "stats/inside.h"

#include <string.h>

/* An answer that comes later than so long after the end of the window that its request left in, or
 * than three quarters of its span, is counted in the next one: so the third window need never be
 * open with them. */
#define LATE_MS 10000
/* A clock that is set back by more windows than this begins anew. */
#define STEP_BACK 4

/* Tallies. */

static struct tally_piece *take_piece(struct stats *s)
{
        struct tally_piece *piece = s->free_pieces;

        if (piece) {
                s->free_pieces = piece->next;
                return piece;
        }
        if (s->n_pieces >= TALLY_PIECES_MAX)
                return NULL;
        piece = stats_take(s, sizeof(*piece));
        s->n_pieces += piece != NULL;
        return piece;
}

/* Return: NULL when there is no room. */
static struct tally *tally_of(struct stats *s, struct open_window *o, uint16_t number)
{
        struct tally_piece **piece;
        struct tally *t;

        if (LIKELY(o->of[number] > 0)) {
                unsigned i = o->of[number] - 1u;

                return &o->pieces[i / TALLIES_IN_PIECE]->all[i % TALLIES_IN_PIECE];
        }
        piece = &o->pieces[o->n / TALLIES_IN_PIECE];
        if (!*piece)
                *piece = take_piece(s);
        if (!*piece)
                return NULL;
        t = &(*piece)->all[o->n % TALLIES_IN_PIECE];
        memset(t, 0, sizeof(*t));
        t->number = number;
        o->of[number] = (uint16_t)++o->n;
        return t;
}

static void add_wait(struct tally *t, unsigned bucket, uint64_t us)
{
        if (us > t->max_us)
                t->max_us = us < UINT32_MAX ? (uint32_t)us : UINT32_MAX;
        if (bucket == 0)
                ++t->none;
        else if (t->fine[bucket - 1] < UINT16_MAX)
                ++t->fine[bucket - 1];
}

/* @bucket: of its wait, if it has one */
static void add(struct tally *t, const struct stats_request *r, unsigned bucket)
{
        t->weight += r->weight;
        t->orders += r->orders;
        t->over_limit += r->over_limit;
        if (r->is_attempt)
                return;
        ++t->requests;
        t->retries += r->retries;
        t->errors += stats_is_error(r->outcome);
        t->refused += r->outcome == STATS_REFUSED;
        if (stats_has_wait(r))
                add_wait(t, bucket, r->wait_us);
}

/* Opening. */

/* The open one of @number; NULL. */
static struct open_window *find(const struct book *b, uint64_t number)
{
        for (size_t i = 0; i < OPEN_WINDOWS; ++i)
                if (b->open[i] && b->open[i]->is_open && b->open[i]->number == number)
                        return b->open[i];
        return NULL;
}

static struct open_window *oldest(const struct book *b)
{
        struct open_window *found = NULL;

        for (size_t i = 0; i < OPEN_WINDOWS; ++i)
                if (b->open[i] && b->open[i]->is_open &&
                    (!found || b->open[i]->number < found->number))
                        found = b->open[i];
        return found;
}

static struct open_window *newest(const struct book *b)
{
        struct open_window *found = NULL;

        for (size_t i = 0; i < OPEN_WINDOWS; ++i)
                if (b->open[i] && b->open[i]->is_open &&
                    (!found || b->open[i]->number > found->number))
                        found = b->open[i];
        return found;
}

/* Keeping. */

static void drop_oldest_of(struct stats *s, struct book *b)
{
        unsigned oldest_at = (b->next + STATS_WINDOWS_KEPT - b->n_kept) % STATS_WINDOWS_KEPT;
        struct stats_window *w = b->kept[oldest_at];

        s->kept_bytes -= pack_bytes(w);
        s->bytes -= pack_bytes(w);
        stats_window_free(w);
        b->kept[oldest_at] = NULL;
        --b->n_kept;
}

/* Room for @bytes more: the windows that ended longest ago go. */
static void make_room(struct stats *s, size_t bytes)
{
        while (s->kept_bytes > 0 && s->kept_bytes + bytes > KEPT_BYTES_MAX) {
                struct book *first = NULL;
                uint64_t first_ms = UINT64_MAX;

                for (uint32_t i = 0; i < s->n_books; ++i) {
                        const struct stats_window *w =
                                s->books[i].n_kept > 0 ? stats_closed(s, i, s->books[i].n_kept - 1)
                                                       : NULL;

                        if (w && w->start_ms + w->span_ms < first_ms) {
                                first_ms = w->start_ms + w->span_ms;
                                first = &s->books[i];
                        }
                }
                must(first);
                drop_oldest_of(s, first);
        }
}

static void keep(struct stats *s, struct book *b, struct stats_window *w)
{
        if (b->n_kept == STATS_WINDOWS_KEPT)
                drop_oldest_of(s, b);
        make_room(s, pack_bytes(w));
        b->kept[b->next] = w;
        b->next = (b->next + 1) % STATS_WINDOWS_KEPT;
        ++b->n_kept;
        s->kept_bytes += pack_bytes(w);
        s->bytes += pack_bytes(w);
}

static void empty(struct stats *s, struct open_window *o)
{
        for (size_t i = 0; i < ARRAY_SIZE(o->pieces) && o->pieces[i]; ++i) {
                o->pieces[i]->next = s->free_pieces;
                s->free_pieces = o->pieces[i];
        }
        memset(o, 0, sizeof(*o));
}

static void turn(struct stats *s, struct book *b, struct open_window *o)
{
        struct stats_window *w = pack(s, b, o);

        if (o->number > b->done)
                b->done = o->number;
        empty(s, o);
        /* Without memory this one is not shown; the sums have it. */
        if (!w)
                return;
        keep(s, b, w);
        if (s->on_window)
                s->on_window(s->ctx, w);
}

/* Return: NULL without memory. */
static struct open_window *open_new(struct stats *s, struct book *b, uint64_t number)
{
        struct open_window **place = NULL;

        for (size_t i = 0; i < OPEN_WINDOWS; ++i)
                if (!b->open[i] || !b->open[i]->is_open)
                        place = &b->open[i];
        if (!place) {
                struct open_window *o = oldest(b);

                turn(s, b, o);
                place = o == b->open[0] ? &b->open[0] : &b->open[1];
        }
        if (!*place)
                *place = stats_take(s, sizeof(**place));
        if (!*place)
                return NULL;
        (*place)->is_open = true;
        (*place)->number = number;
        return *place;
}

/* All that are open, and what is next may be earlier. */
static void begin_anew(struct stats *s, struct book *b)
{
        struct open_window *o;

        while ((o = oldest(b)) != NULL)
                turn(s, b, o);
        b->done = 0;
}

/* Where what left at @at_ms is counted: its own window, or, if that is closed, the first one that
 * is not. */
static struct open_window *window_at(struct stats *s, struct book *b, uint64_t at_ms)
{
        uint64_t number = at_ms / b->pool.span_ms;
        const struct open_window *last = newest(b);
        struct open_window *o = find(b, number);

        if (LIKELY(o))
                return o;
        if (number + STEP_BACK < (last ? last->number : b->done))
                begin_anew(s, b);
        if (number <= b->done)
                number = b->done + 1;
        o = oldest(b);
        /* Both places are taken by later ones: the earlier of them is next to it. */
        if (o && number < o->number && newest(b) != o)
                return o;
        o = find(b, number);
        return o ? o : open_new(s, b, number);
}

void windows_note(struct stats *s, const struct stats_request *r, const struct who *who,
                  uint64_t now_ms, int reason)
{
        struct book *b = &s->books[r->pool];
        struct open_window *o = window_at(s, b, r->sent_ms > 0 ? r->sent_ms : now_ms);
        unsigned bucket = 0;

        if (!o)
                return;
        stats_add(&o->all, r);
        if (stats_has_wait(r))
                waits_add_fine(&o->waits, bucket = waits_bucket(r->wait_us), r->wait_us);
        if (reason >= 0)
                ++o->refused[reason];
        for (unsigned by = 0; by < STATS_BY_COUNT; ++by) {
                struct tally *t =
                        who->number[by] != names_first(by) ? tally_of(s, o, who->number[by]) : NULL;

                if (t)
                        add(t, r, bucket);
        }
}

/* The room's face. */

void stats_set_pool(struct stats *s, uint32_t pool, const struct stats_pool *as)
{
        struct book *b = &s->books[pool];

        must(pool < STATS_POOLS_MAX && as->span_ms > 0);
        if (b->pool.span_ms != 0 && b->pool.span_ms != as->span_ms)
                begin_anew(s, b);
        b->pool = *as;
        if (pool >= s->n_books)
                s->n_books = pool + 1;
}

void stats_note_foreign(struct stats *s, uint32_t pool, uint64_t at_ms, uint64_t foreign)
{
        struct book *b = &s->books[pool];
        struct open_window *o;

        must(pool < STATS_POOLS_MAX);
        o = b->pool.span_ms > 0 ? find(b, at_ms / b->pool.span_ms) : NULL;
        if (o && foreign > o->foreign)
                o->foreign = foreign;
}

static bool is_over(const struct book *b, const struct open_window *o, uint64_t now_ms)
{
        uint64_t part_ms = b->pool.span_ms / 4 * 3;
        uint64_t late_ms = part_ms < LATE_MS ? part_ms : LATE_MS;

        return now_ms >= (o->number + 1) * b->pool.span_ms + late_ms;
}

bool stats_is_due(const struct stats *s, uint32_t pool, uint64_t now_ms, uint64_t *ret_start_ms)
{
        const struct book *b = &s->books[pool];
        const struct open_window *o = oldest(b);

        must(pool < STATS_POOLS_MAX);
        if (!o || !is_over(b, o, now_ms))
                return false;
        *ret_start_ms = o->number * b->pool.span_ms;
        return true;
}

void stats_turn(struct stats *s, uint32_t pool, uint64_t now_ms, bool is_end)
{
        struct book *b = &s->books[pool];
        struct open_window *o;

        must(pool < STATS_POOLS_MAX);
        while ((o = oldest(b)) != NULL && (is_end || is_over(b, o, now_ms)))
                turn(s, b, o);
}

const struct stats_window *stats_closed(const struct stats *s, uint32_t pool, size_t back)
{
        const struct book *b = &s->books[pool];

        must(pool < STATS_POOLS_MAX);
        if (back >= b->n_kept)
                return NULL;
        return b->kept[(b->next + STATS_WINDOWS_KEPT - 1 - back) % STATS_WINDOWS_KEPT];
}

struct stats_window *stats_look(const struct stats *s, uint32_t pool, size_t back)
{
        const struct book *b = &s->books[pool];
        const struct open_window *last = newest(b), *first = oldest(b);

        must(pool < STATS_POOLS_MAX);
        if (!last || back > 1 || (back == 1 && first == last))
                return NULL;
        return pack(s, b, back == 0 ? last : first);
}

void windows_close(struct stats *s)
{
        for (size_t i = 0; i < STATS_POOLS_MAX; ++i) {
                struct book *b = &s->books[i];

                for (size_t k = 0; k < OPEN_WINDOWS; ++k) {
                        if (b->open[k])
                                empty(s, b->open[k]);
                        stats_give(s, b->open[k], sizeof(*b->open[k]));
                }
                while (b->n_kept > 0)
                        drop_oldest_of(s, b);
        }
        while (s->free_pieces) {
                struct tally_piece *piece = s->free_pieces;

                s->free_pieces = piece->next;
                stats_give(s, piece, sizeof(*piece));
        }
}
