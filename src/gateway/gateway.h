/*
 * Gateway
 *
 * The daemon: listens, and carries each request from a client to the exchange and its reply back.
 *
 *      accept, parse (http/server) -> what it costs (policy) -> a place (core) -> wait (queue)
 *          -> send (upstream, http/client) -> what the reply means (classify) -> books (core)
 *          -> again (call), or the reply, unchanged, to the client
 *
 * One thread, one loop. flow.c and flow_*.c have a request's way, errand.c the requests of our own
 * (clock, limits, probe), stops.c what a 429, 418 or 403 changes for everybody.
 */
#ifndef GATEWAY_GATEWAY_H
#define GATEWAY_GATEWAY_H

#include "base/base.h"
#include "settings/settings.h"

struct gateway_options {
        const struct settings *settings; /* copied */
        /* Loads them anew for SIGHUP. Return: 0, or negative after having said what is wrong. */
        int (*reload)(void *ctx, struct settings *ret_settings);
        void *ctx;
        bool is_quiet; /* no line about where it listens */
};

/**
 * gateway_run() - serve until SIGTERM or SIGINT, then finish what is under way
 *
 * Says on stderr what goes wrong.
 *
 * Return: 0, or a negative errno when it could not start.
 */
CHECKED int gateway_run(const struct gateway_options *options);

#endif
