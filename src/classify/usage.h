/*
 * Usage
 *
 * The response headers in which the exchange says how much it has counted. Called for every
 * header of every reply, so that a header which is none of these costs a comparison of lengths
 * and of one or two bytes. Case does not matter; the letter of the span is S, M, H or D.
 *
 *      x-mbx-used-weight               weight of the minute (spot, legacy)
 *      x-mbx-used-weight-<n><letter>   weight of that window, per IP
 *      x-mbx-order-count-<n><letter>   orders of that window, per account
 *      x-sapi-used-ip-weight-<n>m      weight of a sapi endpoint, per IP
 *      x-sapi-used-uid-weight-<n>m     weight of a sapi endpoint, per account
 *      retry-after                     seconds from now
 */
#ifndef CLASSIFY_USAGE_H
#define CLASSIFY_USAGE_H

#include "base/base.h"
#include "base/str.h"

enum usage_kind {
        USAGE_NONE = 0,
        USAGE_WEIGHT,
        USAGE_ORDERS,
        USAGE_SAPI_IP,
        USAGE_SAPI_UID,
        USAGE_RETRY_AFTER,
};

struct usage {
        enum usage_kind kind;
        uint64_t span_ms; /* length of the window; 0 for USAGE_RETRY_AFTER */
        uint64_t value;   /* counted so far; seconds for USAGE_RETRY_AFTER; fits 32 bits */
};

/**
 * usage_from() - what a response header tells about usage
 * @ret_usage: written when the result is not USAGE_NONE
 *
 * Return: USAGE_NONE for another header, and for a value that is no plain number of 32 bits
 *         (a Retry-After in the form of a date, for one): then nothing was stated.
 */
enum usage_kind usage_from(struct str name, struct str value, struct usage *ret_usage);

#endif
