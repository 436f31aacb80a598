/*
 * Pauses
 *
 * What an operator has told this gateway to hold: classes, and clients by name. Kept
 * over its end by by_hand.h. Cancels are held where they are named: as a class, or
 * with a client's.
 */
#ifndef GATEWAY_PAUSES_H
#define GATEWAY_PAUSES_H

#include "base/base.h"
#include "base/class.h"
#include "base/str.h"

#define PAUSES_CLIENTS_MAX 64
/* The longest name of a client, with its NUL. */
#define PAUSES_NAME_SIZE 65

struct pauses {
        unsigned classes; /* bits */
        size_t n_clients;
        struct pause_client {
                char name[PAUSES_NAME_SIZE];
                bool with_cancels;
        } clients[PAUSES_CLIENTS_MAX];
};

static inline bool pauses_are_none(const struct pauses *p)
{
        return p->classes == 0 && p->n_clients == 0;
}

/* What holds a request of @class by @client: "class" or "client"; NULL: nothing. Static. */
const char *pauses_hold(const struct pauses *p, enum weir_class class, const char *client);

static inline bool pauses_class_is(const struct pauses *p, enum weir_class class)
{
        return p->classes >> class & 1;
}

void pauses_class(struct pauses *p, enum weir_class class, bool is_paused);

/* NULL: it is not paused by its name. Until the next change. */
const struct pause_client *pauses_client_find(const struct pauses *p, const char *name);
/* Return: 0, -ENOSPC when there are as many as may be, -ENAMETOOLONG for what is no client's name.
 */
CHECKED int pauses_client(struct pauses *p, const char *name, bool with_cancels);
/* Return: 0 or -ENOENT: it is not paused. */
CHECKED int pauses_client_over(struct pauses *p, const char *name);

#endif
