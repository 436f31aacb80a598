/*
 * Parameters
 *
 * The few parameters that prices, classes and deadlines depend on, read in one pass from the
 * query and the form body. Bytes are looked at in place and never changed, because they are
 * signed; names and values are compared as the exchange will see them, percent-decoded.
 *
 * Clients are not uniform, so a parameter may be odd: repeated, empty, not a number. What is kept
 * of it is enough to take the heavier reading:
 *
 *      repeated                most and least of the numbers, sum of the list lengths
 *      empty                   is_empty: may count as sent or as not sent
 *      not a number, too big   more than anything
 */
#ifndef POLICY_PARAMS_H
#define POLICY_PARAMS_H

#include "base/base.h"
#include "base/str.h"
#include "policy/names.h"

struct param {
        struct str value;     /* first one, as sent */
        bool is_empty;        /* one of them is */
        bool is_mixed;        /* repeated, and not the same each time */
        uint64_t most, least; /* UINT64_MAX for what is no number; recvWindow in thousandths */
        uint64_t n_elements;  /* of a list, at least 1; rather more than less */
};

/* Entries are defined for the names in @sent only, so that starting costs one word. */
struct params {
        uint32_t sent; /* bit 1 << PARAM_* */
        struct param of[PARAM_COUNT];
};

_Static_assert(PARAM_COUNT <= 32, "params.sent has a bit for each name");

/**
 * params_read() - read @query, then @body
 *
 * A name that is in both is taken from the query, as the exchange does.
 */
void params_read(struct params *p, struct str query, struct str body);

static inline bool params_has(const struct params *p, unsigned name)
{
        return p->sent & 1u << name;
}

/* Sent with this very value every time; letters compare without case. */
bool params_is(const struct params *p, unsigned name, const char *word);

#endif
