#include "api/acquire.h"
#include "api/cutoff.h"
#include "budget/budget.h"
#include "budget/stops.h"

#include <errno.h>

/* A ban that may be over within a moment is looked at again then. */
#define AGAIN_MS 50

_Static_assert(sizeof(struct acquire) <= sizeof(struct weir_ticket), "fits the public ticket");
_Static_assert(_Alignof(struct acquire) <= _Alignof(struct weir_ticket), "and its place");

static struct acquire *acquire_of(struct weir_ticket *ticket)
{
        return (struct acquire *)(void *)ticket->inside;
}

/* How long until @at_ms; never 0, which would say that it is spent. */
static int64_t wait_us(uint64_t at_ms, struct api_time time)
{
        uint64_t at_us = at_ms < UINT64_MAX / US_PER_MS ? at_ms * US_PER_MS : UINT64_MAX;

        if (at_us <= time.now_us)
                return 1;
        return at_us - time.now_us < INT64_MAX ? (int64_t)(at_us - time.now_us) : INT64_MAX;
}

static struct limiter_time wide(struct api_time time)
{
        struct limiter_time ms = api_ms(time);

        ms.guard_ms += ACQUIRE_SEND_MS;
        return ms;
}

/* Nothing is held: when to ask again, if the deadline allows. A ban that is over is behind us, and
 * yet shut, until a probe may be sent. */
static int64_t come_back(struct acquire *a, struct api_time time)
{
        uint64_t now_ms = time.now_us / US_PER_MS, at_ms = a->ticket.at_ms;

        if (at_ms <= now_ms)
                at_ms = now_ms + AGAIN_MS;
        if (at_ms >= a->deadline_ms)
                return -ETIMEDOUT;
        a->again_ms = at_ms;
        return wait_us(at_ms, time);
}

static int64_t answer(struct weir_limiter *l, struct acquire *a, int r, struct api_time time)
{
        uint64_t cut_ms = 0;

        if (UNLIKELY(r == LIMITER_GO && !cutoff_is_calm(l, l->acquire_group)))
                cut_ms = cutoff_until_ms(l, l->acquire_group, api_ms(time));
        if (cut_ms > 0) {
                limiter_refund(&l->limiter, &a->ticket);
                a->ticket.at_ms = cut_ms;
                r = LIMITER_SHUT;
        }
        switch (r) {
        case LIMITER_GO:
                limiter_land(&l->limiter, &a->ticket, wide(time), 0, 0, NULL, 0, NULL);
                return 0;
        case LIMITER_WAIT:
                return wait_us(ticket_next_ms(&a->ticket), time);
        case LIMITER_NEVER:
                return -EINVAL;
        case LIMITER_LATE:
                return -ETIMEDOUT;
        case LIMITER_SHUT:
        case LIMITER_CROWDED:
                return come_back(a, time);
        default:
                return r;
        }
}

/* Our own lease ran out and nobody has refuted it: the gate is open. */
static bool is_unrefuted(struct weir_limiter *l, struct limiter_time time)
{
        uint64_t lease_ms = atomic_load_explicit(&l->acquire_probe_ms, memory_order_relaxed);
        int gate;

        if (lease_ms == 0 || lease_ms > time.now_ms ||
            time.now_ms - lease_ms >= GATE_PROBE_LEASE_MS)
                return false;
        /* Claimed anew only to say so. */
        gate = stops_claim_probe(&l->limiter, l->acquire_group, time);
        if (gate == STOPS_NO_PROBE)
                return false;
        stops_probe_done(&l->limiter, gate, true, time);
        atomic_store_explicit(&l->acquire_probe_ms, 0, memory_order_relaxed);
        return true;
}

static bool is_probe_due(struct weir_limiter *l, struct limiter_time time)
{
        uint64_t lease_ms = atomic_load_explicit(&l->acquire_probe_ms, memory_order_relaxed);

        /* Claimed and then refused by a breaker it would count as answered. */
        return lease_ms <= time.now_ms &&
               stops_due_probe(&l->limiter, l->acquire_group, time) != STOPS_NO_PROBE &&
               cutoff_until_ms(l, l->acquire_group, time) == 0;
}

/*
 * Its place is taken, past the gates. Only who leaves at once is the probe: a lease that runs while
 * its request waits would open the gate, and nothing was asked. Return: GO, or SHUT with nothing
 * held, until ticket.at_ms.
 */
static int be_the_probe(struct weir_limiter *l, struct acquire *a, int answer,
                        struct limiter_time time)
{
        int gate = STOPS_NO_PROBE;

        if (answer != LIMITER_GO && answer != LIMITER_WAIT)
                return answer;
        if (answer == LIMITER_GO) {
                gate = stops_claim_probe(&l->limiter, l->acquire_group, time);
                if (gate == STOPS_NO_PROBE)
                        a->ticket.at_ms = time.now_ms + AGAIN_MS;
        }
        if (gate == STOPS_NO_PROBE) {
                limiter_refund(&l->limiter, &a->ticket);
                return LIMITER_SHUT;
        }
        stops_probe_left(&l->limiter);
        /* Before the time, which says that it counts. */
        atomic_store_explicit(&l->acquire_probe_gate, gate, memory_order_relaxed);
        atomic_store_explicit(&l->acquire_probe_ms, time.now_ms + GATE_PROBE_LEASE_MS,
                              memory_order_release);
        return LIMITER_GO;
}

void acquire_answered(struct weir_limiter *l, uint64_t sent_ms, struct limiter_time time)
{
        /* Acquire order, beside the release above: the gate is that of this lease. */
        uint64_t lease_ms = atomic_load_explicit(&l->acquire_probe_ms, memory_order_acquire);
        int gate = atomic_load_explicit(&l->acquire_probe_gate, memory_order_relaxed);

        if (lease_ms == 0 || sent_ms < lease_ms - GATE_PROBE_LEASE_MS || time.now_ms > lease_ms)
                return;
        if (atomic_compare_exchange_strong_explicit(&l->acquire_probe_ms, &lease_ms, 0,
                                                    memory_order_relaxed, memory_order_relaxed))
                stops_probe_done(&l->limiter, gate, true, time);
}

static int64_t reserve(struct weir_limiter *l, struct acquire *a, struct api_time time)
{
        struct limiter_request request = {
                .class = l->acquire_class,
                .gate = l->acquire_gate,
                .front = budget_front(l->acquire_group),
                .deadline_ms = a->deadline_ms,
                .pacing = a->weight,
                /* What a private region was told of stops is for those who reserve there. */
                .is_probe = !l->is_shared,
                .n_charges = l->acquire_charge.amount > 0,
                .charges = { l->acquire_charge },
        };
        int r;

        a->again_ms = 0;
        request.charges[0].amount = a->weight;
        r = limiter_reserve(&l->limiter, &request, wide(time), &a->ticket);
        if (r != LIMITER_SHUT)
                return answer(l, a, r, time);
        /*
         * After a ban somebody must ask first whether it is over. Where nobody else does, one
         * acquired request is let through. Perhaps weir_observe() tells how it went; else, who is
         * told of another ban will shut the gate again. If neither has happened when the probe's
         * lease ends, it is over.
         */
        if (is_unrefuted(l, api_ms(time))) {
                r = limiter_reserve(&l->limiter, &request, wide(time), &a->ticket);
        } else if (is_probe_due(l, api_ms(time))) {
                request.is_probe = true;
                r = limiter_reserve(&l->limiter, &request, wide(time), &a->ticket);
                r = be_the_probe(l, a, r, api_ms(time));
        }
        return answer(l, a, r, time);
}

int64_t acquire_begin(struct weir_limiter *l, struct acquire *a, uint32_t weight,
                      uint64_t deadline_ms, struct api_time time)
{
        a->ticket.state = TICKET_EMPTY;
        a->deadline_ms = deadline_ms;
        a->weight = weight;
        if (weight == 0 || weight > l->acquire_most)
                return -EINVAL;
        return reserve(l, a, time);
}

int64_t acquire_poll(struct weir_limiter *l, struct acquire *a, struct api_time time)
{
        int r;

        if (a->ticket.state != TICKET_HELD) {
                if (a->again_ms > time.now_us / US_PER_MS)
                        return wait_us(a->again_ms, time);
                return reserve(l, a, time);
        }
        r = limiter_confirm(&l->limiter, &a->ticket, wide(time));
        if (r == LIMITER_LOST)
                return reserve(l, a, time);
        return answer(l, a, r, time);
}

void acquire_cancel(struct weir_limiter *l, struct acquire *a)
{
        limiter_refund(&l->limiter, &a->ticket);
}

int64_t weir_acquire_begin(struct weir_limiter *limiter, uint32_t weight, uint64_t deadline_ms,
                           struct weir_ticket *ret_ticket)
{
        struct weir_ticket own;
        struct acquire *a = acquire_of(ret_ticket ? ret_ticket : &own);
        int64_t r = acquire_begin(limiter, a, weight, deadline_ms,
                                  api_now(limiter, limiter->acquire_group));

        if (!ret_ticket)
                acquire_cancel(limiter, a);
        return r;
}

int64_t weir_acquire_poll(struct weir_limiter *limiter, struct weir_ticket *ticket)
{
        return acquire_poll(limiter, acquire_of(ticket), api_now(limiter, limiter->acquire_group));
}

void weir_acquire_cancel(struct weir_limiter *limiter, struct weir_ticket *ticket)
{
        acquire_cancel(limiter, acquire_of(ticket));
}

int weir_acquire(struct weir_limiter *limiter, uint32_t weight, uint64_t deadline_ms)
{
        struct weir_ticket ticket;
        int64_t r = weir_acquire_begin(limiter, weight, deadline_ms, &ticket);

        while (r > 0) {
                struct api_time time = api_now(limiter, limiter->acquire_group);

                api_sleep(limiter, limiter->acquire_group,
                          (time.now_us + (uint64_t)r + US_PER_MS - 1) / US_PER_MS);
                r = weir_acquire_poll(limiter, &ticket);
        }
        return (int)r;
}
