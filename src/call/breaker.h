/*
 * Breaker
 *
 * Stops asking a server that does not answer. A pure machine on one 64-bit word, so that it can
 * live in a process or be shared by compare-and-swap; the zero word is a closed breaker.
 *
 *                failure no. @threshold              @pause_ms over: one probe
 *      CLOSED -------------------------> OPEN ------------------------------> PROBING
 *         ^                               ^                                    |   |
 *         |                               +------------- failure --------------+   |
 *         +---------------------------------- success -----------------------------+
 *
 *       63     62 61          48 47                                    0
 *      +---------+--------------+---------------------------------------+
 *      |  state  |   failures   |  ms at which it opened or probed      |
 *      +---------+--------------+---------------------------------------+
 *
 * A probe whose outcome is never told (its process died) is given up after another pause, and
 * the next one who asks becomes the probe.
 */
#ifndef CALL_BREAKER_H
#define CALL_BREAKER_H

#include "base/base.h"
#include "classify/verdict.h"

struct breaker_config {
        uint32_t threshold; /* consecutive failures that open it, 1 to BREAKER_FAILURES_MAX */
        uint32_t pause_ms;  /* from opening to the probe, and from probe to probe */
};

#define BREAKER_FAILURES_MAX ((1U << 14) - 1)

enum breaker_state {
        BREAKER_CLOSED = 0,
        BREAKER_OPEN,
        BREAKER_PROBING,
};

enum breaker_answer {
        BREAKER_SEND = 0,
        BREAKER_PROBE,  /* send, and be sure to tell the outcome: others wait for it */
        BREAKER_REFUSE, /* do not send; ask again at @ret_retry_at_ms */
};

enum breaker_state breaker_state(uint64_t word);

/**
 * breaker_ask() - may a request be sent
 * @ret_word:        the word after it, to be stored; always written
 * @ret_retry_at_ms: written for BREAKER_REFUSE
 *
 * Return: an enum breaker_answer.
 */
CHECKED enum breaker_answer breaker_ask(uint64_t word, const struct breaker_config *config,
                                        uint64_t now_ms, uint64_t *ret_word,
                                        uint64_t *ret_retry_at_ms);

/* A request ended; @is_failure as breaker_is_failure() says. Return: the word to be stored. */
CHECKED uint64_t breaker_told(uint64_t word, const struct breaker_config *config, bool is_failure,
                              uint64_t now_ms);

/* The server or the way to it is at fault. Limits and refusals are answers of a sound server. */
bool breaker_is_failure(const struct verdict *verdict);

#endif
