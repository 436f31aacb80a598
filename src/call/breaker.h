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

#include <stdatomic.h>

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

/*
 * The server or the way to it is at fault. Limits and refusals are answers of a sound server, and
 * so is one that sheds load (503 -1008): it lets cancels and closing orders pass, and so must we.
 */
bool breaker_is_failure(const struct verdict *verdict);

/*
 * Shared by the processes of a region: its word for a product group, and the word in which the
 * last gateway has left what it is set to. Relaxed order: each word is the whole message.
 */

/* Ten failures in a row are no accident; two seconds are short enough for a cancel to wait. */
#define BREAKER_CONFIG_DEFAULT ((struct breaker_config){ .threshold = 10, .pause_ms = 2000 })

/*
 * How long after its pause an open breaker waits for somebody who may probe. A program that only
 * places orders, which never probe, must not be shut out for good: then it counts as closed, and
 * the next failure opens it again.
 */
#define BREAKER_LAPSE_MS 10000u

/* @threshold 0: off. */
uint64_t breaker_config_pack(const struct breaker_config *config);
/* A word that was never written is the default. */
struct breaker_config breaker_config_unpack(uint64_t word);

/**
 * breaker_pass() - may a request leave for a server that others talk to as well
 * @may_probe: it may be the probe: a read of no consequence, never an order
 * @ret_retry_at_ms: written for BREAKER_REFUSE, later than @now_ms
 *
 * Return: an enum breaker_answer; after BREAKER_PROBE the outcome must be told.
 */
CHECKED enum breaker_answer breaker_pass(_Atomic(uint64_t) *word, uint64_t rule, bool may_probe,
                                         uint64_t now_ms, uint64_t *ret_retry_at_ms);

/* As breaker_pass() would answer one that may not probe, but changes nothing. */
CHECKED bool breaker_is_shut(const _Atomic(uint64_t) *word, uint64_t rule, uint64_t now_ms,
                             uint64_t *ret_retry_at_ms);

/* Whether a probe is due. */
bool breaker_is_due(const _Atomic(uint64_t) *word, uint64_t rule, uint64_t now_ms);

enum breaker_turn {
        BREAKER_STAYED = 0,
        BREAKER_TURNED_OPEN,   /* this failure opened it, or shut it again behind a probe */
        BREAKER_TURNED_CLOSED, /* the probe succeeded */
};

/* A request to the server ended. Return: what this changed for everybody. */
enum breaker_turn breaker_tell(_Atomic(uint64_t) *word, uint64_t rule, bool is_failure,
                               uint64_t now_ms);

struct breaker_view {
        enum breaker_state state;
        uint32_t failures;
        uint64_t probe_ms; /* when somebody may probe */
};

void breaker_look(const _Atomic(uint64_t) *word, uint64_t rule, struct breaker_view *ret_view);

#endif
