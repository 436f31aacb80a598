/*
 * What the models of the region share: the exchange, its windows, and the clocks of the programs.
 *
 * A program that is killed is one that takes no further step, while what it sent still arrives: so
 * all interleavings include a kill between any two steps, of any of them, and need no killer. The
 * same goes for one that is refused, by a ceiling, a forecast or a gate: it is one that did not ask.
 *
 * Each program has a clock of its own, a phase: 0 surely window 0; 1 within the guard of the turn,
 * when the exchange may be in window 0 or 1; 2 surely window 1; 3 the next turn; 4 window 2. So one
 * may still be unsure when another is in the next window already. A program reads its clock, and
 * acts on it at any time later.
 *
 * Who includes this defines PROGRAMS, WINDOWS and, where it is not 0, the phase at the START.
 */
#define NUMBER(p) ((p) / 2)       /* ours: a window opens a guard after the turn */
#define LAST(p)   (((p) + 1) / 2) /* the last that may be now */
#define PHASES    (2 * WINDOWS - 1)

#ifndef START
#define START 0
#endif
byte phase[PROGRAMS] = START; /* their clocks */
byte now;             /* the exchange's window */

byte counted[WINDOWS]; /* the exchange's books */

#ifndef OWN_TIME
mtype = { HERE, LEFT, ANSWERED };
mtype way[PROGRAMS] = HERE; /* where the request of a program is */
bool settled[PROGRAMS];     /* its answer says that it is not counted after all */
byte shown[PROGRAMS];       /* its header: what is counted in the window that it was counted in */
#endif

#define MINUS(a, b) ((a) > (b) -> (a) - (b) : 0)

#define UNSURE(p) (phase[p] == 2 * now + 1)
#if PROGRAMS > 2
#define NOBODY_SURE (UNSURE(0) && UNSURE(1) && UNSURE(2))
#else
#define NOBODY_SURE (UNSURE(0) && UNSURE(1))
#endif
#define TICKS(p)                                                                                   \
	atomic { (phase[p] == 2 * now || phase[p] == 2 * now - 1) && phase[p] < PHASES - 1 ->        \
		 phase[p]++ }

#ifndef OWN_TIME /* who has more to do at a turn has a process of its own */
active proctype time()
{
end:	do
	:: TICKS(0)
	:: TICKS(1)
#if PROGRAMS > 2
	:: TICKS(2)
#endif
	/* The window turns when nobody is sure any more that it has not. */
	:: atomic { now < WINDOWS - 1 && NOBODY_SURE -> now++ }
	od
}
#endif
