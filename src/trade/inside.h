/*
 * The adapter's own: shared by futures.c, place.c, change.c, lookup.c and lists.c, for these only.
 */
#ifndef TRADE_INSIDE_H
#define TRADE_INSIDE_H

#include "base/buf.h"
#include "trade/courier.h"
#include "sign/signer.h"
#include "trade/filters.h"
#include "trade/futures.h"
#include "trade/query.h"

#include <jansson.h>

struct futures {
        struct futures_config config;
        char prefix[16];
        struct limiter *limiter; /* NULL: a gateway keeps the limits */
        struct signer *signer;   /* NULL: public requests only */
        struct courier *courier;
        struct filters_table filters;
        uint64_t filters_at_ms; /* exchange clock; 0: not read yet */
        struct buf params;      /* of the request that is built */
        int64_t correction_ms;  /* of the clock, when the deadline of this call was named */
        struct courier_reply reply;
        uint64_t spent;               /* weight of all that was sent, asking the time apart */
        const enum weir_class *class; /* of all that is sent; NULL: as the endpoints say */
        char request[QUERY_MAX];      /* the last one, for people */
        char why[FUTURES_WHY_MAX];
};

/* Which of the exchange's paths. */
struct futures_route {
        const char *method;
        const char *path[2]; /* by enum weir_market; NULL: that market has none */
};

/* Starts a request: no parameters, no complaint. */
void futures_begin(struct futures *f);

/* The caller's deadline by the clock as it is known now. */
uint64_t futures_deadline_ms(const struct futures *f, uint64_t deadline_ms);

/* A complaint of ours. Return: @error. */
PRINTF(3, 4) int futures_refuse(struct futures *f, int error, const char *format, ...);

/**
 * futures_send() - one request with f->params; the reply is in f->reply
 *
 * Return: as courier_send(); f->why is written for everything that was not a plain success.
 */
CHECKED int futures_send(struct futures *f, const struct futures_route *route, bool is_signed,
                         uint64_t deadline_ms);

/* What a courier's answer is for the caller of a read; 0 only for a success. */
CHECKED int futures_read_result(struct futures *f, int answer);
/* And for the caller of what changes something: 0 whenever a report is due. */
CHECKED int futures_change_result(int answer);

/* The reply's body, or NULL with a complaint. The caller's to json_decref(). */
json_t *futures_json(struct futures *f);

/* Attempts, verdict and times of f->reply into the report. */
void futures_note(const struct futures *f, struct weir_order_report *report);

/* Symbols are upper case letters, digits and '_'. Return: 0 or -EINVAL with a complaint. */
CHECKED int futures_check_symbol(struct futures *f, const char *symbol);
CHECKED int futures_check_client_id(struct futures *f, const char *client_id);
CHECKED int futures_check_name(struct futures *f, const struct weir_order_name *name);
/* A name that was checked, as parameters. */
CHECKED int futures_add_name(struct futures *f, const struct weir_order_name *name);

/* Makes sure of f->filters, and finds a symbol's. Return: 0, -ENOENT, or as a read. */
CHECKED int futures_find_filters(struct futures *f, const char *symbol, uint64_t deadline_ms,
                                 const struct filters **ret_filters);

/* What a look-up is after. */
struct lookup {
        struct weir_order_name name;
        uint64_t placed_ms;   /* one that is clearly older is another; 0: any age */
        uint64_t expires_ms;  /* until then the request itself may still arrive; 0: it has */
        uint64_t wait_ms;     /* from then or now until "does not exist" is believed */
        uint64_t deadline_ms; /* the caller's */
        bool until_closed;    /* go on while the order is open (of a cancel) */
};

/**
 * lookup_order() - ask for the order until its fate is known
 * @report: lookups, was_looked_up and order are written
 *
 * Return: WEIR_EXECUTED_YES: the order was found, see its state; WEIR_EXECUTED_NO: it does not
 *         exist, and it is too late for it to appear; WEIR_EXECUTED_UNKNOWN.
 */
CHECKED enum weir_executed lookup_order(struct futures *f, const struct lookup *lookup,
                                        struct weir_order_report *report);

#endif
