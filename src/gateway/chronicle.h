/*
 * Chronicle
 *
 * Where the gateway and the room history meet: each window that stats has closed is handed on to be
 * kept in a file, and how that goes is logged, once when it fails and once when it works again.
 * Nothing that a request needs is in here: without a file all goes on.
 */
#ifndef GATEWAY_CHRONICLE_H
#define GATEWAY_CHRONICLE_H

#include "base/base.h"
#include "history/history.h"

struct gateway;
struct loop_watch;

struct chronicle {
        struct history *history; /* NULL: none is kept */
        struct loop_watch *watch;
        bool has_failed;  /* and that was logged */
        uint64_t dropped; /* windows, when it was logged last */
};

/* What keeps it from being kept is logged; nothing keeps the gateway from going on. */
void chronicle_open(struct gateway *g);
/* Before the loop is freed: nobody is answered any more. */
void chronicle_unwatch(struct gateway *g);
/* After stats has closed its last windows: they are written. */
void chronicle_close(struct gateway *g);

/* "on", "off" or "failed". */
const char *chronicle_word(const struct gateway *g);

#endif
