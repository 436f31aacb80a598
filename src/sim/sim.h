/*
 * Sim
 *
 * The simulated exchange behind sockets: takes requests from the HTTP server, lets time pass and
 * things go wrong as the faults say, and writes the replies. Single-threaded, on one loop.
 */
#ifndef SIM_SIM_H
#define SIM_SIM_H

#include "base/base.h"
#include "net/address.h"
#include "net/loop.h"
#include "sim/exchange.h"

struct sim;

struct sim_config {
        struct exchange_config exchange;
        const char *listen;             /* "127.0.0.1:8901" */
        const char *tls_cert, *tls_key; /* NULL: plain */
        uint64_t latency_us, jitter_us; /* of the round trip, half of it each way */
        uint64_t idle_us;               /* after which idle connections are closed */
        size_t record;                  /* requests to keep for /sim/requests */
        bool lower_case;                /* of header names */
        bool gzip;                      /* for clients that accept it */
        bool trust_ip_header;           /* X-Sim-IP names the client's address */
};

void sim_config_init(struct sim_config *config);
void sim_config_deinit(struct sim_config *config);

/**
 * sim_open() - start to serve
 * @config: borrowed, must outlive it
 * @why:    on failure the reason in words
 *
 * Return: 0 or a negative errno.
 */
CHECKED int sim_open(struct loop *loop, struct sim_config *config, char *why, size_t why_size,
                     struct sim **ret_sim);
/* Accepts NULL. Return: NULL. */
struct sim *sim_close(struct sim *sim);

/* Where it really listens. */
const struct address *sim_address(const struct sim *sim);
struct exchange *sim_exchange(struct sim *sim);

#endif
