/*
 * Two hosts that share a budget through a store, as docs/hosts.md has it: claims, residues and shares
 * over turns of the window. Claim: what the exchange counts of both never exceeds the limit.
 *
 * A host is a region here, and each of its steps is one: what happens inside is the matter of
 * region.pml and relief.pml. It takes under its caps; what it released is counted at any moment in
 * its window or the next one (`past` is 1), carried where its clock is not sure, relieved where it
 * was not counted, or settled: not counted at all. Answers come as soon as it is counted, or, SLOW, at
 * any moment after.
 *
 * An op is made, and run at once, or, one at a time, at any moment later, also when its host has long
 * given it up and speaks with later ones; or never. The answer arrives or is lost. A host that is cut
 * off, slow or dead is one whose ops are never run, so the interleavings have them all, killed with its
 * region or not. Grants are nothing or the most that the function may grant, so wants, urgency and
 * hunger need not be here; a host keeps its caps or gives back all that is not used.
 *
 * SHARES: shares are told lower and higher too. LOSE: once the store loses its last writes, all since
 * the beginning, or everything, and begins a new epoch (LOST: before anything else, when host 0 has all
 * of the share, of which the books know nothing). Who joins, leaves and is forgotten is not here, but
 * in tests/store/property.py, at random.
 *
 * The mutants: ONLY_NOW bounds a grant by its own window; NO_RESIDUE lets residues out of the
 * commitment; FORGET_CARRIED has nothing in `after` of what is carried into the next window already;
 * REST_OF_USED takes what is carried for as good as sent; FORGET_FLYING has what flies not in it;
 * CLAIM_FOR_RESIDUE counts no residue of the window ahead; LOWER_LATER says what it gives back and
 * keeps its cap; RAISE_SHARE raises a share by what is free in the next window; SHARE_AT_ONCE counts a
 * lowered share when it is told; OLD_OPS takes any op in any order; NO_ECHO hears ops that were made
 * for books which were lost; SERVE_UNHEARD does not wait for those who were not heard; OLD_SHARES
 * counts them with the share in the books; BEGAN_BY_ANY dates an epoch by an op that was on its way
 * for long.
 */
#define PROGRAMS 2 /* hosts */
#ifndef LIMIT
#define LIMIT 2
#endif
#ifndef WINDOWS
#define WINDOWS 3
#endif
#define OWN_TIME
#include "world.pml"

#define NONE    15 /* not spoken about */
#define X(h, w) ((h) * WINDOWS + (w))
#define ALL     (PROGRAMS * WINDOWS)

/* Each host's region. What it released has left and is not counted, or is answered as soon as it is
 * counted; with SLOW it is counted in its window (here) or the next one (there) and not answered. */
byte sent[ALL], left[ALL], extra[ALL];
byte spared[ALL]; /* the part of extra that is not counted in that window */
byte cap[ALL] = NONE;
byte share[PROGRAMS] = LIMIT / 2; /* where the books are LOST, host 0 has all of it */
byte epoch_known[PROGRAMS];
#ifdef SLOW
byte here[ALL], there[ALL];
#define ANSWERS(h, w) (here[X(h, w)] + there[X(h, w)])
#else
#define ANSWERS(h, w) 0
#endif

#define FLYING(h, w)    (left[X(h, w)] + ANSWERS(h, w))
#define BEFORE(h, w)    ((w) > 0 -> FLYING(h, (w)-1) : 0)
#define USED(h, w)      (sent[X(h, w)] + extra[X(h, w)] + BEFORE(h, w))
#define CAP(h, w)       (cap[X(h, w)] == NONE -> share[h] : cap[X(h, w)])
#define HAS_ROOM(h, w)  (USED(h, w) < CAP(h, w))

/* An op that is on its way for longer, of one host at a time. Others are run as they are made. */
typedef op {
	bool is;      /* there is one */
	bool is_old;  /* its host does not wait for its answer any more */
	bool is_late; /* one with a higher number was run in these books */
	byte host, epoch, number, last, share, hold, hold_next, before, after
};
op way_of;

#ifndef OPS
#define OPS 4 /* of all hosts */
#endif
byte ops;

/* The store's books. */
byte claim[ALL] = NONE, residue[ALL], told[PROGRAMS] = LIMIT / 2;
byte epoch;
bool is_heard[PROGRAMS] = true;
byte rest, lost; /* of this epoch: the limit less shares brought; the last window nothing is known of */
bool has_begun;

#define MAX(a, b)       ((a) > (b) -> (a) : (b))
#define MIN(a, b)       ((a) < (b) -> (a) : (b))
#define CLAIM(h, w)     (claim[X(h, w)] == NONE -> told[h] : claim[X(h, w)])
#ifdef NO_RESIDUE
#define COMMITMENT(h, w) CLAIM(h, w)
#else
#define COMMITMENT(h, w) ((w) > 0 -> MAX(CLAIM(h, w), residue[X(h, (w)-1)]) : CLAIM(h, w))
#endif
#define OTHER(h)        (1 - (h))

/* Scratch of single steps. */
hidden byte n, v, room, g, c, gives;
hidden op o;

/* What is free in @w for @h beyond its commitment. */
#define TAKEN_BY_OTHER(h, w) (is_heard[OTHER(h)] -> COMMITMENT(OTHER(h), w) : MAX(COMMITMENT(OTHER(h), w), UNHEARD_SHARE))
#ifdef OLD_SHARES
#define UNHEARD_SHARE 0
#else
#define UNHEARD_SHARE rest
#endif
#ifdef SERVE_UNHEARD
#define IS_LOST(h, w) false
#undef UNHEARD_SHARE
#define UNHEARD_SHARE 0
#else
#define IS_LOST(h, w) (!is_heard[OTHER(h)] && (w) <= lost)
#endif
#define FREE(h, w) (IS_LOST(h, w) -> 0 : MINUS(LIMIT, COMMITMENT(h, w) + TAKEN_BY_OTHER(h, w)))

/* @room: how much more @h may be granted in @w: what is free, and what may be counted of it there anyway. */
inline find_room(h, w)
{
	room = (IS_LOST(h, w) -> 0 : MINUS(FREE(h, w) + COMMITMENT(h, w), CLAIM(h, w)));
#ifndef ONLY_NOW
	if
	:: w + 1 < WINDOWS ->
		room = MIN(room, MINUS(FREE(h, w + 1) + COMMITMENT(h, w + 1), residue[X(h, w)]))
	:: else
	fi
#endif
}

inline any_of(most)
{
	if
	:: g = 0
	:: most > 0 -> g = most
	fi
}

inline grant(h, w)
{
	find_room(h, w);
	any_of(room);
	claim[X(h, w)] = claim[X(h, w)] + g;
	residue[X(h, w)] = residue[X(h, w)] + g
}

/* A share that grows is counted in all windows that its host has not spoken about; which are those
 * behind n + 1. In the last one here nobody has spoken: it is like all that follow. */
inline raise_share(h)
{
#ifdef RAISE_SHARE
	if
	:: n + 1 < WINDOWS -> room = FREE(h, n + 1); any_of(room); told[h] = told[h] + g
	:: else -> g = 0
	fi
#else
	if
	:: n + 2 < WINDOWS ->
		room = MINUS(FREE(h, n + 2) + COMMITMENT(h, n + 2), told[h]);
		room = MIN(room, MINUS(LIMIT, told[h] + MAX(told[OTHER(h)], (is_heard[OTHER(h)] -> 0 : rest))));
		any_of(room);
		told[h] = told[h] + g
	:: else -> g = 0
	fi
#endif
}

/* The function on op @o of host @h, and its answer if @waits. */
inline serve(h, waits)
{
	if
#ifndef NO_ECHO
	:: o.epoch != epoch ->
		/* introduce(): the answer tells the epoch */
		if
		:: waits -> epoch_known[h] = epoch
		:: true
		fi
#endif
#if defined(NO_ECHO)
	:: !o.is_late ->
#elif defined(OLD_OPS)
	:: o.epoch == epoch ->
#else
	:: o.epoch == epoch && !o.is_late ->
#endif
		way_of.is_late = way_of.is_late || (way_of.is && way_of.host == h);
		n = o.number;
		if
		:: !has_begun ->
#ifndef BEGAN_BY_ANY
			lost = o.last + 1;
#endif
			has_begun = true
		:: else
		fi;
		if
		:: !is_heard[h] -> is_heard[h] = true; rest = MINUS(rest, o.share)
		:: else
		fi;
		told[h] = o.share;
		claim[X(h, n)] = o.hold;
		if
		:: n > 0 -> residue[X(h, n - 1)] = o.before
		:: else
		fi;
		residue[X(h, n)] = o.after;
		if
		:: n + 1 < WINDOWS ->
			claim[X(h, n + 1)] = o.hold_next;
#ifdef CLAIM_FOR_RESIDUE
			residue[X(h, n + 1)] = 0
#else
			residue[X(h, n + 1)] = o.hold_next
#endif
		:: else
		fi;
		grant(h, n);
		if
		:: n + 1 < WINDOWS -> grant(h, n + 1)
		:: else
		fi;
		c = told[h];
#ifdef SHARES
		if
		:: raise_share(h); c = told[h]
		:: told[h] > 0 -> c = told[h] - 1;
#ifdef SHARE_AT_ONCE
			told[h] = c
#endif
		fi;
#endif
		if
		:: waits ->
			cap[X(h, n)] = claim[X(h, n)];
			share[h] = c;
			epoch_known[h] = epoch;
			if
			:: n + 1 < WINDOWS -> cap[X(h, n + 1)] = claim[X(h, n + 1)]
			:: else
			fi
		:: true
		fi
	:: else
	fi
}

/* @c becomes what the host keeps of window @w: all, or only what it has used. */
inline keep(h, w)
{
	c = CAP(h, w);
	c = (gives && USED(h, w) < c -> USED(h, w) : c)
}

inline speak(h)
{
	atomic {
		ops < OPS ->
		ops++;
		if
		:: gives = 0
		:: gives = 1
		fi;
		way_of.is_old = way_of.is_old || (way_of.is && way_of.host == h);
		n = NUMBER(phase[h]);
		o.host = h;
		o.is_late = false;
		o.epoch = epoch_known[h];
		o.number = n;
		o.last = LAST(phase[h]);
		o.share = share[h];
		keep(h, n);
		o.hold = c;
#ifdef LOWER_LATER
		c = CAP(h, n);
#endif
		cap[X(h, n)] = c;
		o.before = BEFORE(h, n) + extra[X(h, n)];
#ifdef FORGET_FLYING
		v = 0;
#else
		v = FLYING(h, n) + BEFORE(h, n);
#endif
#ifdef REST_OF_USED
		v = v + MINUS(c, USED(h, n));
#else
		v = v + MINUS(c, sent[X(h, n)]);
#endif
		o.hold_next = 0;
		if
		:: n + 1 < WINDOWS ->
			keep(h, n + 1);
			o.hold_next = c;
			cap[X(h, n + 1)] = c;
#ifndef FORGET_CARRIED
			v = v + extra[X(h, n + 1)];
#endif
		:: else
		fi;
		o.after = v;
		if
		:: serve(h, true)
		:: !way_of.is ->
			way_of.is = true; way_of.host = h; way_of.epoch = o.epoch; way_of.number = n;
			way_of.last = o.last; way_of.share = o.share; way_of.hold = o.hold;
			way_of.hold_next = o.hold_next; way_of.before = o.before; way_of.after = o.after
		fi;
		scratch()
	}
}

inline scratch()
{
	n = 0; v = 0; c = 0; g = 0; room = 0
}

/* It is run at last, or never. */
inline arrive()
{
	atomic {
		way_of.is ->
		o.epoch = way_of.epoch; o.number = way_of.number; o.last = way_of.last; o.share = way_of.share;
		o.hold = way_of.hold; o.hold_next = way_of.hold_next; o.before = way_of.before;
		o.after = way_of.after; o.is_late = way_of.is_late; o.host = way_of.host;
		g = way_of.is_old;
		c = way_of.host;
		way_of.is = false; way_of.is_old = false; way_of.is_late = false; way_of.host = 0;
		way_of.epoch = 0; way_of.number = 0; way_of.last = 0; way_of.share = 0; way_of.hold = 0;
		way_of.hold_next = 0; way_of.before = 0; way_of.after = 0;
		if
		:: c == 0 && !g -> serve(0, true)
		:: c == 0 && g -> serve(0, false)
		:: c == 1 && !g -> serve(1, true)
		:: c == 1 && g -> serve(1, false)
		:: true
		fi;
		scratch()
	}
}

inline take(h)
{
	atomic {
		HAS_ROOM(h, NUMBER(phase[h])) &&
			(LAST(phase[h]) == NUMBER(phase[h]) || HAS_ROOM(h, LAST(phase[h]))) ->
		sent[X(h, NUMBER(phase[h]))]++;
		left[X(h, NUMBER(phase[h]))]++
	}
}

/* What the exchange counts, and what it tells. */
#define IN_TIME(w) (now == (w) || now == (w) + 1)
inline count(h, w)
{
	atomic {
		left[X(h, w)] > 0 && IN_TIME(w) ->
		left[X(h, w)]--;
		counted[now]++;
		assert(counted[now] <= LIMIT);
#ifdef SLOW
		if
		:: now == w -> here[X(h, w)]++
		:: else -> there[X(h, w)]++
		fi
#else
		carry(h, w, now == w)
#endif
	}
}

/* window_land() of what was counted in its own window, or in the one after. */
inline carry(h, w, is_here)
{
	v = MAX(w + 1, NUMBER(phase[h]));
	do
	:: v <= LAST(phase[h]) && v < WINDOWS ->
		extra[X(h, v)]++;
		spared[X(h, v)] = spared[X(h, v)] + (is_here || v > w + 1 -> 1 : 0);
		v++
	:: else -> break
	od;
	v = 0
}

inline settle(h, w)
{
	atomic { left[X(h, w)] > 0 -> left[X(h, w)]--; sent[X(h, w)]-- }
}

inline land(h, w)
{
#ifdef SLOW
	atomic {
		ANSWERS(h, w) > 0 ->
		if
		:: here[X(h, w)] > 0 -> here[X(h, w)]--; carry(h, w, true)
		:: there[X(h, w)] > 0 -> there[X(h, w)]--; carry(h, w, false)
		fi
	}
#else
	false
#endif
}

inline relieve(h, w)
{
	atomic { spared[X(h, w)] > 0 && NUMBER(phase[h]) == w -> spared[X(h, w)]--; extra[X(h, w)]-- }
}

/* What nobody looks at any more makes no states. */
inline forget(h, w)
{
	sent[X(h, w)] = 0; extra[X(h, w)] = 0; spared[X(h, w)] = 0; cap[X(h, w)] = NONE;
	claim[X(h, w)] = NONE;
	if
	:: w > 0 -> residue[X(h, w - 1)] = 0
	:: else
	fi
}

inline tick(h)
{
	atomic {
		TICKS(h);
		v = 0;
		do
		:: v < WINDOWS && v < NUMBER(phase[0]) && v < NUMBER(phase[1]) ->
			forget(0, v);
			forget(1, v);
			v++
		:: else -> break
		od
	}
}

inline lose()
{
	atomic {
		epoch == 0 ->
		epoch = 1;
		rest = LIMIT;
		has_begun = false;
#ifdef BEGAN_BY_ANY
		lost = 1;
#endif
		v = 0;
		do
		:: v < ALL -> claim[v] = NONE; residue[v] = 0; v++
		:: else -> break
		od;
		is_heard[0] = false; is_heard[1] = false;
		way_of.is_late = false;
		if
		:: told[0] = LIMIT / 2; told[1] = LIMIT / 2
		:: told[0] = 0; told[1] = 0
		fi
	}
}


active proctype all()
{
#ifdef LOST
	d_step { share[0] = LIMIT; share[1] = 0 };
	lose();
#endif
end:	do
	:: tick(0)
	:: tick(1)
	:: atomic { now < WINDOWS - 1 && NOBODY_SURE -> now++ }
	:: take(0)
	:: take(1)
	:: count(0, 0)
	:: count(0, 1)
	:: count(1, 0)
	:: count(1, 1)
	:: settle(0, 0)
	:: settle(0, 1)
	:: settle(1, 0)
	:: settle(1, 1)
	:: relieve(0, 1)
	:: relieve(1, 1)
#if WINDOWS > 2
	:: count(0, 2)
	:: count(1, 2)
	:: settle(0, 2)
	:: settle(1, 2)
	:: relieve(0, 2)
	:: relieve(1, 2)
#endif
	:: speak(0)
	:: speak(1)
	:: arrive()
#ifdef SLOW
	:: land(0, 0)
	:: land(0, 1)
	:: land(1, 0)
	:: land(1, 1)
#if WINDOWS > 2
	:: land(0, 2)
	:: land(1, 2)
#endif
#endif
#if defined(LOSE) && !defined(LOST)
	:: lose()
#endif
	od
}
