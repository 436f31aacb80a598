/*
 * A count that falls by itself, orders that are filled: window_believe() of src/core/window.c in its order
 * of writes, beside taking and landing in one window. Claims: the exchange never counts more than the
 * limit, and the books never say less than it has counted and may still count.
 *
 * The count falls at any moment. A program that is killed takes no further step, as in world.pml. Left
 * out: extra, which is not lowered unless nothing was carried, and what window_observe() raises.
 *
 * Sent and flying are one word, lowered is another: raised before sent is lowered, by one who has read
 * sent before; whoever sends reads it before he writes sent.
 *
 * The mutants: FORGET_FLYING takes what flew beside for counted; FORGET_SINCE what has left since;
 * FORGET_LOWERED takes what headers have taken off sent for never sent;
 * READ_LAST reads lowered when sent is written; BLINDLY writes sent whatever has become of it;
 * TWO_AT_ONCE has several lower it: then it may be what one has read again, and not the same;
 * LEFT_MEANWHILE believes the header of one that left while somebody was lowering.
 */
#ifndef PROGRAMS
#define PROGRAMS 2
#endif
#ifndef REQUESTS
#define REQUESTS 2
#endif
#ifndef LIMIT
#define LIMIT 5
#endif
#define FILLED (LIMIT - 2) /* sent and answered before, and perhaps filled since */

short counted = FILLED; /* the exchange's books */
short sent = FILLED, flying, lowered;
bool believing; /* in the word of lowered */
byte coming; /* has left, and is not counted */

mtype = { HERE, LEFT, ANSWERED };
mtype way[PROGRAMS] = HERE;
short shown[PROGRAMS];

#define BOOKS assert(sent >= counted + coming)

#define ARRIVES(p)                                                                                 \
	atomic { way[p] == LEFT -> way[p] = ANSWERED; coming--; counted++;                      \
		 assert(counted <= LIMIT); shown[p] = counted }

active proctype exchange()
{
end:	do
	:: ARRIVES(0)
	:: ARRIVES(1)
#if PROGRAMS > 2
	:: ARRIVES(2)
#endif
	:: atomic { counted > 0 -> counted-- }
	od
}

proctype program(byte me)
{
	byte n;
	bool is_clear; /* nobody was lowering when it left */
	short place_sent, place_flying, place_lowered, used, seen, seen_flying, most;

	do
	:: n < REQUESTS ->
		n++;
		/* window_take() */
		atomic { place_lowered = lowered; is_clear = !believing };
		if
		:: atomic { sent < LIMIT -> place_flying = flying; sent++; flying++; place_sent = sent }
		:: atomic { else -> goto next }
		fi;
#ifdef READ_LAST
		place_lowered = lowered;
#endif
		if
		:: atomic { way[me] = LEFT; coming++ }
		:: atomic { sent--; flying--; goto next } /* it never left: given back */
		fi;
		atomic { way[me] == ANSWERED -> way[me] = HERE; used = shown[me]; shown[me] = 0 };
		/* window_believe() */
#ifndef TWO_AT_ONCE
		if
#ifdef LEFT_MEANWHILE
		:: atomic { !believing -> believing = true }
#else
		:: atomic { !believing && is_clear -> believing = true }
#endif
		:: atomic { else -> goto land }
		fi;
#endif
		atomic { seen = sent; seen_flying = flying };
		atomic {
			most = used;
#ifndef FORGET_FLYING
			most = most + place_flying;
#endif
#ifndef FORGET_SINCE
			most = most + seen - place_sent;
#ifndef FORGET_LOWERED
			most = most + lowered - place_lowered;
#endif
#endif
			most = (most < used -> used : most);
			most = (most < seen_flying - 1 -> seen_flying - 1 : most);
			place_sent = 0; place_flying = 0; place_lowered = 0
		};
		if
		:: atomic { most >= seen -> goto done }
		:: else
		fi;
		lowered = lowered + seen - most;
		if
#ifdef BLINDLY
		:: atomic { true -> sent = most; BOOKS }
#else
		:: atomic { sent == seen && flying == seen_flying -> sent = most; BOOKS }
		:: else -> goto done
#endif
		fi;
done:
#ifndef TWO_AT_ONCE
		believing = false;
#endif
land:		atomic { flying--; used = 0; seen = 0; seen_flying = 0; most = 0 };
next:		atomic { place_lowered = 0; place_flying = 0; place_sent = 0 }
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
