/*
 * Sessions
 *
 * Who has logged in: a random number in a cookie, of which only the hash is kept, and what the
 * token that it was given for may. Ends after 12 hours without use; where there are as many as may
 * be, the one that was not used for longest makes room. Time is an argument.
 */
#ifndef WATCH_SESSIONS_H
#define WATCH_SESSIONS_H

#include "base/base.h"
#include "base/str.h"

/* More browsers than people at one desk have. */
#define SESSIONS_MAX     64
#define SESSIONS_IDLE_US (12 * 3600 * US_PER_SECOND)
/* 256 bits in hexadecimal, and a NUL. */
#define SESSION_SIZE 65

struct session {
        unsigned char hash[32];
        bool may_act;
        size_t token; /* which of its file, from 1; 0: no session */
        uint64_t used_us;
};

struct sessions {
        struct session all[SESSIONS_MAX];
};

/* A new one for token number @token. Return: 0, or -EIO without randomness. */
CHECKED int sessions_begin(struct sessions *sessions, bool may_act, size_t token, uint64_t now_us,
                           char ret_cookie[SESSION_SIZE]);

/* Whose cookie @value is, used now; NULL: nobody's, or no more. The time tells nothing of which. */
struct session *sessions_find(struct sessions *sessions, struct str value, uint64_t now_us);

/* It is over. */
void session_end(struct session *session);

#endif
