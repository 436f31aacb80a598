/*
 * Service
 *
 * What the gateway and the service manager that started it tell each other, in systemd's protocol
 * (libsystemd speaks it): sockets that are handed over, "ready", the state in words, the watchdog.
 * Where no manager asks for it, nothing of this happens.
 */
#ifndef GATEWAY_SERVICE_H
#define GATEWAY_SERVICE_H

#include "base/base.h"

#define SERVICE_WORDS_SIZE 512

struct gateway;

struct service {
        bool has_sockets; /* the manager keeps them; new connections wait there while we are away */
        bool is_ready;
        bool is_stopping;
        uint64_t watchdog_us;           /* how often to say that the loop turns; 0: nobody asks */
        uint64_t alive_us;              /* when it was said last, monotonic */
        uint64_t told_us;               /* when the state was told last, monotonic */
        char words[SERVICE_WORDS_SIZE]; /* as told */
};

/**
 * service_listen() - listen at the sockets that were handed over (LISTEN_FDS), if any
 *
 * They take the place of the setting `listen`. Says where it listens, or what is wrong.
 *
 * Return: how many there were, or a negative errno.
 */
CHECKED int service_listen(struct gateway *g);

/* It listens, and knows the bans of the region. Again when settings have been read anew. */
void service_ready(struct gateway *g);
/* Settings are being read anew. */
void service_reloading(struct gateway *g);
/* It is about to go. */
void service_stopping(struct gateway *g);
/* It did not start; @error: a negative errno. */
void service_failed(int error);

/* From housekeeping: the watchdog, and the state where it has changed. */
void service_keep(struct gateway *g);

/* The state in a sentence, as `systemctl status` shows it. Return: @to. */
const char *service_words(struct gateway *g, char to[SERVICE_WORDS_SIZE]);

#endif
