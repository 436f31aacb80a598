/*
 * Classes
 *
 * The priority classes of requests, highest first. A class may use a budget up to its ceiling
 * (core), a request's class follows from endpoint and parameters (policy), and who waits leaves
 * in this order (gateway).
 */
#ifndef BASE_CLASS_H
#define BASE_CLASS_H

#include "base/base.h"
#include "base/str.h"

enum weir_class {
        CLASS_CANCEL,    /* cancels, countdown, orders that only close */
        CLASS_ORDER,     /* new orders and amendments */
        CLASS_RECONCILE, /* one order looked up, open orders; listen keys; time */
        CLASS_ACCOUNT,   /* balances, positions, settings, trades of the account */
        CLASS_MARKET,    /* market data of now */
        CLASS_BACKFILL,  /* history */
        CLASS_COUNT,
};

/* "cancel", "order", ... as in X-Weir-Class and the configuration. */
const char *class_name(enum weir_class class);
/* Return: 0 or -EINVAL for a name that is none. */
CHECKED int class_from(struct str name, enum weir_class *ret_class);

#endif
