/*
 * How a request passes the region: written down, looked again, sent, counted by the exchange at a
 * moment of its own, landed; while windows turn and clocks are wrong by the guard. Claim: the
 * exchange never counts more than the limit in any of its windows. tests/model/check tries all
 * interleavings; docs/region.md has the same order of writes in words.
 *
 * Kept: sent and flying of a window are one word and change together; every other two steps can be
 * interleaved. Left out: held places and several budgets, which only ever leave more in the books;
 * what takes from them is in relief.pml. Numbers are small: three windows, a limit of two, requests
 * of weight one.
 *
 * The mutants must be caught, each by itself: NO_LOOK sends without looking again, NO_GUARD looks
 * at the window of its own clock only, LAND_BACKWARDS takes its flying away before it is carried
 * over, READ_BACKWARDS reads what was carried over before what flies, NO_CARRY forgets at landing.
 */
#ifndef PROGRAMS
#define PROGRAMS 2
#endif
#ifndef REQUESTS
#define REQUESTS 2 /* of each program, one after the other */
#endif
#define WINDOWS 3
#define LIMIT   2

#include "world.pml"

byte sent[WINDOWS], flying[WINDOWS], extra[WINDOWS]; /* the region */

/* Counts what arrives, whenever it does, and whether or not its sender lives. */
#define ARRIVES(p)                                                                                 \
	atomic { way[p] == LEFT -> way[p] = ANSWERED; counted[now]++; assert(counted[now] <= LIMIT) }

active proctype exchange()
{
end:	do
	:: ARRIVES(0)
	:: ARRIVES(1)
#if PROGRAMS > 2
	:: ARRIVES(2)
#endif
	od
}

/* window_others(): @sum becomes what others may have used of window @w. */
inline others(w, sum)
{
#ifdef READ_BACKWARDS
	sum = extra[w];
#else
	sum = 0;
#endif
	i = 0;
	do
	:: i < w -> sum = sum + flying[i]; i++
	:: else -> break
	od;
	i = 0;
#ifndef READ_BACKWARDS
	sum = sum + extra[w]
#endif
}

/* last_now(): by our clock, or because somebody has sent in it. */
inline find_last(p)
{
	last = LAST(p);
	do
	:: last + 1 < WINDOWS && sent[last + 1] > 0 -> last++
	:: else -> break
	od
}

proctype program(byte me)
{
	byte n, seen, number, last, sum, i;

	do
	:: n < REQUESTS ->
		n++;
		atomic { seen = phase[me]; number = NUMBER(seen) };
		/* window_take() */
		others(number, sum);
		if
		:: atomic { sent[number] + sum < LIMIT -> sent[number]++; flying[number]++; sum = 0 }
		:: atomic { else -> sum = 0; goto next }
		fi;
#ifndef NO_LOOK
		/* window_holds() */
#ifdef NO_GUARD
		last = number;
#else
		find_last(seen);
#endif
		do
		:: others(last, sum);
		   if
		   :: atomic { sent[last] + sum <= LIMIT && last > number -> last--; sum = 0 }
		   :: atomic { sent[last] + sum <= LIMIT && last == number -> last = 0; sum = 0; break }
		   :: atomic { else -> sum = 0; last = 0; goto back }
		   fi
		od;
#endif
		/* ticket_may_leave() */
		if
		:: atomic { phase[me] == seen -> way[me] = LEFT }
		:: else -> goto back
		fi;
		/* window_land() */
		atomic { way[me] == ANSWERED -> way[me] = HERE };
		seen = phase[me];
#ifdef LAND_BACKWARDS
		flying[number]--;
#endif
#ifndef NO_CARRY
		find_last(seen);
		i = (number + 1 > NUMBER(seen) -> number + 1 : NUMBER(seen));
		do
		:: i <= last -> extra[i]++; i++
		:: else -> break
		od;
		atomic { i = 0; last = 0 };
#endif
#ifndef LAND_BACKWARDS
		flying[number]--;
#endif
		goto next;
back:		atomic { sent[number]--; flying[number]-- };
next:		atomic { seen = 0; number = 0 }
	:: else -> break
	od
}

init
{
	byte p;

	atomic {
		do
		:: p < PROGRAMS -> run program(p); p++
		:: else -> break
		od
	}
}
