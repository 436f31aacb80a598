/*
 * Ops
 *
 * What a host says to the store, what it is answered and what others have to tell, as structs and
 * as the JSON of docs/hosts.md. What is read is checked whole: a text that is not as the page says
 * is refused in words and changes nothing.
 *
 * Amounts and times are those of the page: units of a budget, milliseconds of the exchange's clock.
 */
#ifndef LEASE_OP_H
#define LEASE_OP_H

#include "base/base.h"
#include "base/buf.h"
#include "base/str.h"

/* "ADDRESS/pool/span" or "ADDRESS/gate" with its NUL; an address's name has 63 characters at most.
 */
#define OP_ID_SIZE 96
/* The name of a host for people, with its NUL. */
#define OP_NAME_SIZE 64
/* Births and hashes of tables, with the NUL. */
#define OP_HEX_SIZE 17
/* run_id of a server, with the NUL. */
#define OP_SERVER_SIZE 41
/* Hosts of one name; REGION's roster has as many places. */
#define OP_ROSTER_MAX 64
/* The most bytes of a text that is read or written. */
#define OP_TEXT_MAX ((size_t)1 << 20)
/* Windows behind N + 1 that a host may speak about: as many as may have something counted that left
 * in another. */
#define OP_LATER_MAX 10
/* A sentence on what is wrong. */
#define OP_WHY_SIZE 256

/* One window of one budget. Of N - 1 only used and seen are said, of N + 1 hold and want matter. */
struct op_window {
        uint64_t hold;   /* the cap in the region, lowered to what shall be kept */
        uint64_t want;   /* what it would like to have in all */
        uint64_t urgent; /* of the difference, what is for orders and what closes */
        uint64_t used;   /* all of ours that may be counted in it */
        uint64_t seen;   /* the highest header; 0: none */
};

struct op_budget {
        char id[OP_ID_SIZE];
        uint64_t limit;
        uint64_t span_ms;
        uint64_t past;   /* windows before one whose requests may be counted in it */
        uint64_t share;  /* in the region */
        uint64_t aim;    /* the configured share; used where op.is_fixed */
        uint64_t now;    /* N, the number of the window of now */
        uint64_t before; /* flying from before N, and carried into it */
        uint64_t after;  /* flying, carried into N + 1, and the cap of N less what was sent in N */
        struct op_window previous, current, next;
        /* The caps of N + 2, N + 3, ..., of all up to the first that was not spoken about. */
        uint64_t later[OP_LATER_MAX];
        size_t n_later;
};

/* A gate that was shut (until_ms, kind as enum gate_kind) or opened (at_ms; until_ms is 0). */
struct op_gate {
        char id[OP_ID_SIZE]; /* "ADDRESS/gate" */
        uint64_t until_ms, at_ms;
        unsigned kind;
};

/* One window length of one pool, as the exchange said last. */
struct op_limit {
        uint64_t pool, span_ms, limit;
};

/* All a host has to say. The arrays are the caller's. */
struct op {
        char table[OP_HEX_SIZE]; /* hash of the pools */
        uint64_t host;           /* the region's random number; never 0 */
        char run[OP_HEX_SIZE];   /* of the keeper that speaks: random */
        char name[OP_NAME_SIZE];
        uint64_t seq;
        uint64_t now_ms, error_ms;
        char birth[OP_HEX_SIZE]; /* of the books as told last; "": never */
        uint64_t epoch;          /* likewise; 0: never */
        uint64_t grace_ms;
        bool is_fixed; /* shares are configured */
        bool is_bye;
        const uint64_t *roster;
        size_t n_roster;
        const struct op_budget *budgets;
        size_t n_budgets;
        const struct op_gate *gates; /* shut and opened ones */
        size_t n_gates;
        uint64_t limits_at_ms; /* 0: none learnt */
        const struct op_limit *limits;
        size_t n_limits;
        const char *probe; /* "ADDRESS/gate" to ask for, or NULL */
};

/**
 * op_print() - @op as JSON, appended to @to
 * @server: run_id of the server that it goes to
 *
 * Return: 0, -ENOMEM, -ENOBUFS beyond @to's ceiling.
 */
CHECKED int op_print(const struct op *op, const char *server, struct buf *to);

/* What the store grants of one budget. */
struct op_granted {
        char id[OP_ID_SIZE];
        uint64_t share, limit;
        uint64_t now;                       /* N of the op */
        uint64_t claim_current, claim_next; /* of N and N + 1: the caps from now on */
        uint64_t others;                    /* the commitments of others in N */
        uint64_t foreign;                   /* known of N */
        uint64_t seen;                      /* of N: the highest header of any host; 0: none */
        uint64_t expected;                  /* foreign use of a window to come */
        bool is_hungry;                     /* others are */
};

struct op_answer {
        uint64_t seq;
        char birth[OP_HEX_SIZE];
        uint64_t epoch;
        uint64_t roster[OP_ROSTER_MAX]; /* this host included */
        size_t n_roster;
        uint64_t n_hosts; /* of these, those that are not gone */
        struct op_granted *budgets;
        size_t n_budgets;
        struct op_gate *gates; /* shut and opened ones */
        size_t n_gates;
        uint64_t limits_at_ms; /* 0: none */
        struct op_limit *limits;
        size_t n_limits;
        bool is_again; /* the op named other books: no budgets; speak again at once, naming these */
        bool may_probe;
        char wait[OP_WHY_SIZE]; /* why nothing can be granted now; "": it can */
        uint64_t namesake;      /* another host of this one's name; 0: there is none */
};

/**
 * op_answer_parse() - read an answer
 * @ret: op_answer_deinit() frees it, also after a failure
 * @why: what is wrong with it, or the store's own words of refusal
 *
 * Return: 0; -ECONNREFUSED: the store has refused the op, nothing has changed there; -EPROTO: it is
 *         not an answer; -ENOMEM.
 */
CHECKED int op_answer_parse(struct str text, struct op_answer *ret, char why[OP_WHY_SIZE]);
void op_answer_deinit(struct op_answer *answer);

/* A budget that news are about. */
struct op_told {
        char id[OP_ID_SIZE];
        uint64_t window;
        uint64_t amount; /* of foreign use, or the highest header; 0 for others */
};

/* A host that joined or left. */
struct op_guest {
        uint64_t host;
        char name[OP_NAME_SIZE];
};

struct op_news {
        uint64_t from;                        /* whose op made it; 0: a person's */
        struct op_told *hungry, *free, *poor; /* poor: somebody's share is less than its part */
        size_t n_hungry, n_free, n_poor;
        struct op_told *foreign, *seen; /* seen: the header that shows the foreign use */
        size_t n_foreign, n_seen;
        struct op_gate *gates;
        size_t n_gates;
        bool has_limits; /* others were learnt: an op brings them */
        struct op_guest *joined, *left;
        size_t n_joined, n_left;
        struct op_guest *speaks; /* hosts with another keeper than before: its run in place of the
                                  * name */
        size_t n_speaks;
        bool is_birth; /* new books, or a new epoch: speak at once */
};

/* As op_answer_parse(), without refusals. */
CHECKED int op_news_parse(struct str text, struct op_news *ret, char why[OP_WHY_SIZE]);
void op_news_deinit(struct op_news *news);

/* 16 digits. */
void op_hex(uint64_t number, char to[OP_HEX_SIZE]);
/* Return: 0, -EINVAL for anything but 1 to 16 hexadecimal digits in lower case. */
CHECKED int op_hex_parse(struct str text, uint64_t *ret);

#endif
