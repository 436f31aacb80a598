/*
 * Adapters as weir.h hands them out.
 */
#ifndef API_FUTURES_H
#define API_FUTURES_H

#include "trade/futures.h"

#include <weir.h>

struct weir_futures {
        struct futures *inside;
        struct weir_limiter *own; /* of a testnet, unless the caller gave one; NULL: none */
        weir_log_fn log;
        void *log_ctx;
        char why[WEIR_ERROR_SIZE]; /* of a structure that was not even looked into; else "" */
};

#endif
