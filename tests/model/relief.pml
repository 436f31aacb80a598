/*
 * What is carried over a turn, relieved by a header, and refunded: window_land(), window_observe()
 * and window_relieve() of src/core/window.c in their order of writes, beside the reserving that
 * region.pml has. Claim: the exchange never counts more of ours than the limit.
 *
 * A request that succeeded may not be counted after all: then its header is without it, and landing
 * refunds it. Once in a run somebody else is counted, at any moment (STRANGER).
 *
 * One turn, two windows. It begins within the guard, on either side of the turn, when up to CARRIED
 * requests have been answered already and were carried into window 1: each was counted there or in
 * window 0, and the books do not know where.
 *
 * Sent and flying are one word, top and relief another. Extra has held places beside it, which are
 * left out as in region.pml.
 *
 * The mutants: FORGET_FLYING takes for proven what flew beside; CARRIED_SINCE also what was carried
 * after it left; LOWER_EXTRA takes the relief off extra, so that two proofs of the same count twice;
 * FORGET_REFUND has what is refunded among what must be in the header; EXTRA_FIRST reads what was
 * carried before what flies; REFUND_EARLY takes the refund off before the answer has come;
 * REFUND_NOW takes it off the window of now. That relief is read before extra no mutant shows to
 * be needed: what is counted in this window already came before whatever lands in between, and that
 * is counted here too.
 */
#ifndef PROGRAMS
#define PROGRAMS 2
#endif
#ifndef REQUESTS
#define REQUESTS 2
#endif
#ifndef LIMIT
#define LIMIT 3
#endif
#ifndef CARRIED
#define CARRIED 3
#endif
#define WINDOWS 2
#define START   1
#include "world.pml"

byte sent[WINDOWS], flying[WINDOWS], extra[WINDOWS], relief[WINDOWS], top[WINDOWS];
byte foreign[WINDOWS];
byte strange[WINDOWS]; /* of counted, what is not ours */

#define OURS(w) (counted[w] - strange[w])

#define COUNTS(p)                                                                                  \
	atomic { way[p] == LEFT -> way[p] = ANSWERED; counted[now]++; assert(OURS(now) <= LIMIT);  \
		 shown[p] = counted[now] }
#define SETTLES(p)                                                                                 \
	atomic { way[p] == LEFT -> way[p] = ANSWERED; assert(OURS(now) < LIMIT);                   \
		 settled[p] = true; shown[p] = counted[now] }

/* Answers what arrives, whenever it does, and whether or not its sender lives. */
active proctype exchange()
{
end:	do
	:: COUNTS(0)
	:: COUNTS(1)
#if PROGRAMS > 2
	:: COUNTS(2)
#endif
	:: SETTLES(0)
	:: SETTLES(1)
#if PROGRAMS > 2
	:: SETTLES(2)
#endif
#ifdef STRANGER
	:: atomic { strange[0] + strange[1] == 0 -> strange[now]++; counted[now]++ }
#endif
	od
}

#define FLYING_BEFORE(w) (w == 1 -> flying[0] : 0)

/* window_others(): @sum becomes what others may have used of window @w. */
inline others(w)
{
#ifdef EXTRA_FIRST
	i = extra[w];
	sum = FLYING_BEFORE(w);
	atomic { sum = sum + MINUS(i, relief[w]); i = 0 }
#else
	sum = FLYING_BEFORE(w);
	i = relief[w];
	atomic { sum = sum + MINUS(extra[w], i); i = 0 }
#endif
}

/* last_now(): by our clock, or because somebody has sent in it. */
inline find_last(p)
{
	last = LAST(p);
	if
	:: last == 0 && sent[1] > 0 -> last = 1
	:: else
	fi
}

/* ours(): @sum becomes what of window @w can have been counted, with @i of extra, less @less. */
inline ours(w, less)
{
	sum = sent[w] + MINUS(i, less);
	sum = sum + FLYING_BEFORE(w)
}

inline observe(w)
{
	atomic { top[w] = (used > top[w] -> used : top[w]); less = relief[w] };
	do
	:: i = extra[w];
	   ours(w, less);
	   if
	   :: atomic { used <= sum -> break }
	   :: atomic { used > sum && extra[w] == i ->
		extra[w] = (i > less -> i : less) + used - sum; i = used - sum };
	      foreign[w] = foreign[w] + i;
	      break
	   :: else
	   fi
	od;
	atomic { i = 0; sum = 0; less = 0 }
}

inline relieve(w)
{
	i = foreign[w];
#ifdef CARRIED_SINCE
	place_extra = extra[w];
#endif
	atomic {
#ifdef FORGET_FLYING
		place_flying = 0;
#endif
#ifdef FORGET_REFUND
#define KEPT_OF(p) (place_sent)
#else
#define KEPT_OF(p) (place_sent - back)
#endif
		less = MINUS(KEPT_OF(w) + place_extra, used + place_flying);
		less = (used < MINUS(KEPT_OF(w), place_flying) -> 0 : less);
		less = (less > MINUS(place_extra, i) -> MINUS(place_extra, i) : less);
		i = 0
	};
	if
	:: less == 0
	:: else ->
#ifdef LOWER_EXTRA
		extra[w] = MINUS(extra[w], less)
#else
		do
		:: atomic { seen_relief = relief[w]; seen_top = top[w] };
		   i = extra[w];
		   ours(w, 0);
		   atomic { less = (less > MINUS(sum, seen_top) -> MINUS(sum, seen_top) : less);
			    sum = 0; i = 0 };
		   if
		   :: atomic { less <= seen_relief -> break }
		   :: atomic { less > seen_relief && relief[w] == seen_relief && top[w] == seen_top ->
			relief[w] = less; break }
		   :: else
		   fi
		od
#endif
	fi;
	atomic { less = 0; seen_relief = 0; seen_top = 0 }
}

inline land(w, p)
{
	find_last(p);
	if
	:: w < last && !back -> extra[last]++
	:: else
	fi;
#ifdef REFUND_NOW
	atomic { sent[NUMBER(p)] = sent[NUMBER(p)] - back; flying[w]-- };
#elif defined(REFUND_EARLY)
	atomic { sent[w] = sent[w] + 1 - back; flying[w]-- };
#else
	atomic { sent[w] = sent[w] - back; flying[w]-- };
#endif
	atomic { last = 0; back = 0 }
}

proctype program(byte me)
{
	byte n, seen, number, last, sum, i, less, seen_relief, seen_top;
	byte place_sent, place_flying, place_extra, used, back;

	do
	:: n < REQUESTS ->
		n++;
		atomic { seen = phase[me]; number = NUMBER(seen) };
		/* window_take() */
		others(number);
		if
		:: atomic { sent[number] + sum < LIMIT ->
			place_flying = flying[number];
			sent[number]++; flying[number]++;
			place_sent = sent[number]; sum = 0 }
		:: atomic { else -> sum = 0; goto next }
		fi;
		place_extra = extra[number];
		/* window_holds() */
		find_last(seen);
		do
		:: others(last);
		   if
		   :: atomic { sent[last] + sum <= LIMIT && last > number -> last--; sum = 0 }
		   :: atomic { sent[last] + sum <= LIMIT && last == number -> last = 0; sum = 0; break }
		   :: atomic { else -> sum = 0; last = 0; goto back_ }
		   fi
		od;
		/* ticket_may_leave() */
		if
		:: atomic { phase[me] == seen -> way[me] = LEFT
#ifdef REFUND_EARLY
			; sent[number]--
#endif
		   }
		:: else -> goto back_
		fi;
		/* limiter_land() */
		atomic { way[me] == ANSWERED -> way[me] = HERE; used = shown[me]; back = settled[me];
			 shown[me] = 0; settled[me] = false };
		seen = phase[me];
		if
		:: LAST(seen) == number -> observe(number); relieve(number)
		:: else
		fi;
		atomic { used = 0; place_sent = 0; place_flying = 0; place_extra = 0 };
		land(number, seen);
		goto next;
back_:		atomic { sent[number]--; flying[number]--; place_sent = 0; place_flying = 0;
			 place_extra = 0 };
next:		atomic { seen = 0; number = 0 }
	:: else -> break
	od
}

init
{
	byte p;

	atomic {
		do
		:: sent[0] < CARRIED && sent[0] < LIMIT ->
			sent[0]++;
			extra[1]++;
			if
			:: counted[0]++
			:: now == 1 -> counted[1]++
			fi
		:: break
		od;
		do
		:: p < PROGRAMS -> run program(p); p++
		:: else -> break
		od
	}
}
