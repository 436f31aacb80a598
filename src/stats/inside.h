/*
 * The room's own: what its files share.
 *
 *      stats.c     opening, noting, the sums
 *      names.c     a number for each name
 *      evict.c     numbers of names that nobody has come by for long go to newcomers
 *      windows.c   those that are open: rows by name's number; turning
 *      pack.c      a window becomes what is kept and shown
 *
 *      numbers     class   (others) (none) cancel order ...
 *                  account (others) (none) ...                 one range for each dimension
 */
#ifndef STATS_INSIDE_H
#define STATS_INSIDE_H

#include "stats/stats.h"

#define FIXED_NAMES 2 /* of each dimension: others, none */
#define NAMES                                                                                      \
        (CLASS_COUNT + STATS_ACCOUNTS_MAX + STATS_ENDPOINTS_MAX + STATS_CLIENTS_MAX +              \
         STATS_BY_COUNT * FIXED_NAMES)
#define NAMES_IN_PIECE 128
#define NAME_PIECES    ((NAMES + NAMES_IN_PIECE - 1) / NAMES_IN_PIECE)
/* A power of two, three times as many as there are names. */
#define NAME_SLOTS 32768

_Static_assert(NAMES < UINT16_MAX, "a number has 16 bits");
_Static_assert(NAME_SLOTS > 2 * NAMES, "half full at most");

struct name {
        uint64_t key;
        struct stats_figures figures; /* since the start */
        enum stats_by by;
        bool is_idle;     /* it may make room: nothing in memory names it, and it was long ago */
        uint32_t mark;    /* of the last look that found it named */
        uint64_t seen_ms; /* the last time */
        char text[STATS_NAME_SIZE];
};

struct names {
        struct name *pieces[NAME_PIECES];
        uint16_t n[STATS_BY_COUNT]; /* with the fixed ones */
        uint16_t slots[NAME_SLOTS]; /* number + 1; 0: empty */
        uint64_t seed;
        uint32_t mark;                   /* of the last look */
        uint64_t looked_ms;              /* when that was */
        uint16_t cursor[STATS_BY_COUNT]; /* behind it may be idle ones */
};

/* What one name did in one window. */
struct tally {
        uint16_t number; /* of the name */
        uint32_t requests, weight, orders, errors, over_limit, retries, refused;
        uint32_t max_us, none; /* @none: the first of the fine buckets, which is the fullest */
        uint16_t fine[WAITS_FINE - 1];
};

#define TALLIES_IN_PIECE 64
/* All that are open together: 7 MiB. Who finds none is in his dimension's "(others)". */
#define TALLY_PIECES_MAX 320

struct tally_piece {
        struct tally_piece *next; /* while free */
        struct tally all[TALLIES_IN_PIECE];
};

#define OPEN_PIECES_MAX ((NAMES + TALLIES_IN_PIECE - 1) / TALLIES_IN_PIECE)

struct open_window {
        bool is_open;
        uint64_t number; /* start_ms / span_ms */
        struct stats_figures all;
        struct waits waits;
        uint64_t foreign;
        uint32_t refused[STATS_REASONS_MAX];
        uint16_t of[NAMES]; /* tally + 1 of a name; 0: none */
        unsigned n;         /* tallies */
        struct tally_piece *pieces[OPEN_PIECES_MAX];
};

/* A window and the one before it, whose last answers are still on their way. */
#define OPEN_WINDOWS 2

struct book {
        struct stats_pool pool;
        struct open_window *open[OPEN_WINDOWS]; /* NULL: never needed */
        uint64_t done; /* windows up to this number are closed; 0: none is */
        struct stats_window *kept[STATS_WINDOWS_KEPT];
        unsigned n_kept, next;
};

/* All kept windows together; the oldest go first. */
#define KEPT_BYTES_MAX (8u << 20)

struct stats {
        struct names names;
        struct stats_sums sums;
        const char *reasons[STATS_REASONS_MAX];
        size_t n_reasons;
        struct book books[STATS_POOLS_MAX];
        uint32_t n_books;
        struct tally_piece *free_pieces;
        unsigned n_pieces;
        size_t bytes, kept_bytes;
        stats_window_fn on_window;
        void *ctx;
};

_Static_assert(sizeof(struct tally_piece) * TALLY_PIECES_MAX + KEPT_BYTES_MAX +
                               sizeof(struct name) * NAMES_IN_PIECE * NAME_PIECES +
                               sizeof(struct open_window) * OPEN_WINDOWS * STATS_POOLS_MAX +
                               sizeof(struct stats) <
                       STATS_BYTES_MAX,
               "everything full");

/* Zeroed, and counted. Return: NULL without memory. */
void *stats_take(struct stats *s, size_t bytes);
void stats_give(struct stats *s, void *memory, size_t bytes);

/* Sums of @f with @r. */
void stats_add(struct stats_figures *f, const struct stats_request *r);
bool stats_is_error(enum stats_outcome outcome);
/* It has left, and somebody waited for that. */
static inline bool stats_has_wait(const struct stats_request *r)
{
        return !r->is_attempt && r->sent_ms > 0 && r->wait_us != STATS_NO_WAIT;
}

/* names.c */

/* Return: 0 or -ENOMEM. */
CHECKED int names_open(struct stats *s, uint64_t seed);
void names_close(struct stats *s);
/* The number of a name, which is new if it was never seen. Never fails: there are the others. */
uint16_t names_number(struct stats *s, enum stats_by by, const struct stats_name *name,
                      const struct stats_request *request, uint64_t now_ms);
uint16_t names_class(enum weir_class class);
/* The first number of a dimension: that of its others. */
uint16_t names_first(enum stats_by by);

static inline struct name *names_at(const struct stats *s, uint16_t number)
{
        return &s->names.pieces[number / NAMES_IN_PIECE][number % NAMES_IN_PIECE];
}

/* Where in the slots a key is looked for first. */
size_t names_home(const struct stats *s, enum stats_by by, uint64_t key);

/* evict.c */

/* The number of a name of @by that makes room now: of nobody, its sums are with the others. Return:
 * 0: there is none. */
uint16_t evict_one(struct stats *s, enum stats_by by, uint64_t now_ms);

/* windows.c */

/* The numbers of the names of one request, by dimension. */
struct who {
        uint16_t number[STATS_BY_COUNT];
};

void windows_note(struct stats *s, const struct stats_request *r, const struct who *who,
                  uint64_t now_ms, int reason);
void windows_close(struct stats *s);

/* pack.c */

/* Its bytes with all that hangs on it. */
size_t pack_bytes(const struct stats_window *w);
/* Return: NULL without memory. */
struct stats_window *pack(const struct stats *s, const struct book *b, const struct open_window *o);

#endif
