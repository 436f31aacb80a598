#!/usr/bin/env python3
"""The store's function against the page: random hosts, on a real server, must never have more counted than the limit.

    tests/store/property.py [--steps N] [--seed N] [--verbose]

Hosts are written from docs/hosts.md: a region each with share, caps and requests on their way, a clock that is off by
less than it admits, one op at a time. The schedule is random: requests of all sizes, answers of the exchange that
come late or never, windows that turn; ops that are lost before or behind the store, or executed long after they were
given up; hosts that are cut off, killed with and without their region, that leave and join; FLUSHALL; a store that
comes back with older books under another run_id; graces that end. After each step every request that the exchange may
count in a window, of all hosts that ever were, is added up: never more than the limit. Foreign use that the
store claims to know must have been there. And when nothing fails any more, a hungry host gets what others leave.
"""
import argparse
import json
import random
import subprocess
import sys
import time

from servers import FUNCTION, HAS_REDIS, Answer, Resp, Stage

KEY = "weir:{weir}"
LIMIT = 6000
GRACE = 120_000
SILENCE = 40_000
SILENT = 25_000


class OverIssue(AssertionError):
    """More than the limit may have been counted."""


class Exchange:
    """What may be counted, of whom, in which window."""

    def __init__(self, rng, span, past):
        self.rng, self.span, self.past = rng, span, past
        self.now = 1_700_000_000_000 + rng.randrange(span)
        # A request is counted at the latest so long after it left; the gateway gives up before.
        self.longest = min(30_000, past * span - 2_000)
        self.could, self.counted, self.foreign, self.who = {}, {}, {}, {}
        self.flying = []

    def window(self):
        return self.now // self.span

    def add(self, window, request):
        self.could[window] = self.could.get(window, 0) + request["n"]
        by = self.who.setdefault(window, {})
        by[request["host"]] = by.get(request["host"], 0) + request["n"]
        if self.could[window] > LIMIT:
            raise OverIssue(f"window {window}: {self.could[window]} of {LIMIT}: {by}")

    def leave(self, host, amount):
        request = {"n": amount, "host": host, "left": self.now, "arrives": self.now + self.rng.randrange(self.longest),
                   "counted": None}
        if self.rng.random() < 0.7:
            request["arrives"] = self.now + self.rng.randrange(200)
        self.flying.append(request)
        self.add(self.window(), request)
        return request

    def pass_time(self, ms):
        """Turn by turn, so that what flies over several of them may be counted in each."""
        end = self.now + ms
        while self.now < end:
            turn = (self.window() + 1) * self.span
            arrivals = min((r["arrives"] for r in self.flying if r["counted"] is None), default=end)
            self.now = max(self.now, min(end, turn, arrivals))
            for request in self.flying:
                if request["counted"] is None and request["arrives"] <= self.now:
                    window = self.window()
                    self.counted[window] = self.counted.get(window, 0) + request["n"]
                    request["counted"] = window
                    request["header"] = self.counted[window] + self.foreign.get(window, 0)
            if self.now == turn:
                self.flying = [r for r in self.flying if not r.get("landed") and self.now <= r["left"] + self.longest]
                for request in self.flying:
                    self.add(self.window(), request)
                for old in [w for w in self.could if w < self.window() - 12]:
                    self.could.pop(old), self.who.pop(old, None)


class Store:
    """The real server; its run_id is ours to change."""

    def __init__(self, connection):
        self.connection = connection
        self.sha = connection("SCRIPT", "LOAD", FUNCTION).decode()
        self.run, self.ops, self.saved = 0, 0, None
        connection("FLUSHALL")

    def execute(self, op):
        self.ops += 1
        return json.loads(self.connection("EVALSHA", self.sha, "1", KEY, json.dumps(op)))

    def save(self):
        self.saved = self.connection("DUMP", KEY)

    def restore(self):
        self.run += 1
        self.connection("DEL", KEY)
        if self.saved:
            self.connection("RESTORE", KEY, "0", self.saved)


class Host:
    """A region and its keeper."""

    def __init__(self, world, number):
        self.world, self.x, self.hex = world, world.exchange, f"{number:016x}"
        rng = world.rng
        self.error = rng.choice([0, 5, 50, 400])
        self.offset = rng.randint(-self.error, self.error)
        self.share, self.share_until, self.caps, self.seq = 0, 0, {}, 0
        self.birth, self.epoch, self.roster = "", 0, [self.hex]
        self.requests, self.sent, self.carried, self.seen = [], {}, {}, {}
        self.is_cut_off, self.is_running, self.is_lazy, self.is_fixed = False, True, rng.random() < 0.4, world.is_fixed
        self.aim = LIMIT // 8 if self.is_fixed else 0
        self.spoke_at, self.told_at, self.must_speak, self.waiting = 0, 0, True, None

    # The clock: windows that may be now.
    def now(self):
        return self.x.now + self.offset

    def first(self):
        return (self.now() - self.error) // self.x.span

    def last(self):
        return (self.now() + self.error) // self.x.span

    # The region.
    def share_now(self):
        return self.share if self.now() + self.error < self.share_until else 0

    def cap(self, w):
        return self.caps.get(w, self.share_now())

    def flying(self, before=None, w=None):
        """Of all, or of windows before one, as far as they may be counted in w."""
        return sum(r["n"] for r in self.requests
                   if (before is None or r["w"] < before) and (w is None or w - r["w"] <= self.x.past))

    def used(self, w):
        return self.sent.get(w, 0) + self.carried.get(w, 0) + self.flying(w, w)

    def send(self, amount):
        for w in range(self.first(), self.last() + 1):
            if self.used(w) + amount > self.cap(w):
                return False
        w = self.first()
        self.sent[w] = self.sent.get(w, 0) + amount
        request = self.x.leave(self.hex, amount)
        request["w"] = w
        self.requests.append(request)
        return True

    def land(self, request):
        """Its answer comes: in any window that may be now it may have been counted."""
        self.requests.remove(request)
        request["landed"] = True
        last = min(self.last(), request["w"] + self.x.past)
        for w in range(request["w"] + 1, last + 1):
            self.carried[w] = self.carried.get(w, 0) + request["n"]
        if last == request["w"]:
            self.seen[last] = max(self.seen.get(last, 0), request["header"])

    def forget_old(self):
        for words in (self.sent, self.carried, self.seen, self.caps):
            for w in [w for w in words if w < self.first() - 12]:
                del words[w]
        # Unanswered beyond all that it may be counted in.
        self.requests = [r for r in self.requests if self.first() - r["w"] <= self.x.past + 1]

    # An op.
    def speak_about(self, w):
        """Of a share that is over some may have been used while it held."""
        if w not in self.caps:
            self.caps[w] = max(self.share_now(), min(self.share, self.used_of_cap(w)))

    def used_of_cap(self, w):
        """Where nothing was sent nothing of the cap is used: what flies from before is not held by it."""
        return self.used(w) if self.sent.get(w, 0) > 0 else 0

    def lower(self, w, to):
        """Raised again to what is used of it, never above what it was: what flies from before is not a cap."""
        self.speak_about(w)
        self.caps[w] = min(self.caps[w], max(to, self.used(w) if to > 0 else self.used_of_cap(w)))

    def speak(self, bye=False):
        rng, n = self.world.rng, self.first()
        others = self.world.is_settled or rng.random() < 0.5
        for w in range(n, n + 2 + self.x.past):
            if bye or (others and self.is_lazy):
                self.lower(w, 0 if bye else rng.choice([0, 30, 300]))
        for w in (n, n + 1):
            self.speak_about(w)
        if bye or self.share_now() == 0:
            self.share = 0
        later = []
        while n + 2 + len(later) in self.caps:
            later.append(self.caps[n + 2 + len(later)])
        current, following = self.caps[n], self.caps[n + 1]
        greed = 0 if self.is_lazy else rng.choice([0, 100, 1000, LIMIT])
        self.seq += 1
        op = {
            "v": 1, "table": "t", "host": self.hex, "name": "box", "seq": self.seq, "now": self.now(),
            "error": self.error, "birth": self.birth, "epoch": self.epoch, "server": f"s{self.world.store.run}",
            "grace": GRACE, "is_fixed": self.is_fixed, "roster": self.roster, "bye": bye,
            "budgets": {"main/spot/1": {
                "limit": LIMIT, "span": self.x.span, "past": self.x.past, "share": self.share, "aim": self.aim,
                "now": n, "before": self.flying(n, n) + self.carried.get(n, 0),
                "after": self.flying(w=n + 1) + self.carried.get(n + 1, 0) + max(0, current - self.sent.get(n, 0)),
                "windows": {
                    str(n - 1): {"used": self.used(n - 1), "seen": self.seen.get(n - 1, 0)},
                    str(n): {"hold": current, "want": min(LIMIT, current + greed), "urgent": rng.choice([0, greed // 2]),
                             "used": self.used(n), "seen": self.seen.get(n, 0)},
                    str(n + 1): {"hold": following, "want": min(LIMIT, following + greed), "urgent": 0,
                                 "used": self.used(n + 1), "seen": self.seen.get(n + 1, 0)}},
                "later": later}}}
        self.must_speak, self.spoke_at = False, self.x.now
        self.waiting = op
        return op

    def hear(self, op, answer):
        """The answer to the op that is waited for."""
        self.waiting = None
        if "error" in answer:
            raise AssertionError(f"refused: {answer['error']}")
        self.told_at = op["now"]
        self.birth, self.epoch, self.roster = answer["birth"], answer["epoch"], answer["roster"] or [self.hex]
        if answer.get("again"):
            self.must_speak = True
            return
        self.world.granted[self.hex] = self.x.now
        if op["bye"]:
            return
        granted = answer["budgets"]["main/spot/1"]
        n = op["budgets"]["main/spot/1"]["now"]
        for w in (n, n + 1):
            claim = granted["windows"][str(w)]
            assert claim >= self.caps.get(w, 0), (claim, self.caps.get(w))
            self.caps[w] = claim
        if granted["foreign"] > self.x.foreign.get(n, 0):
            raise AssertionError(f"foreign use of {granted['foreign']} in {n}, of {self.x.foreign.get(n, 0)} really")
        if granted["share"] < self.share:
            self.must_speak = True
        # Windows of now that were not spoken about keep what they had.
        for w in range(self.first(), self.last() + 1):
            if w not in self.caps and granted["share"] < self.share:
                used = self.used(w) if granted["share"] > 0 else self.used_of_cap(w)
                self.caps[w] = max(granted["share"], min(self.share, used))
        self.share = granted["share"]
        self.share_until = op["now"] + GRACE


def rng_true(rng):
    return rng.random() < 0.5


class World:
    """The schedule."""

    def __init__(self, rng, store):
        self.rng, self.store = rng, store
        self.is_fixed = rng.random() < 0.15
        self.trouble = rng.choice([0.002, 0.01, 0.03])
        self.exchange = Exchange(rng, *rng.choice([(600_000, 1), (60_000, 1), (10_000, 3), (5_000, 6)]))
        self.hosts, self.delayed, self.log, self.is_settled = [], [], [], False
        # Of lost books somebody must come first who knows: docs/hosts.md, the one thing.
        self.lost_books, self.granted = False, {}
        store.run, store.saved = 1, None
        store.connection("FLUSHALL")
        for _ in range(rng.randint(1, 5)):
            self.join()

    def note(self, *words):
        self.log.append((self.exchange.now, *words))

    def join(self):
        if len(self.hosts) < 6:
            self.hosts.append(Host(self, self.rng.getrandbits(64)))

    def may_speak(self, host):
        if not host.is_running or host.is_cut_off:
            return False
        return not self.lost_books or self.knows(host)

    def knows(self, host):
        """Whether the host can tell of all who were served, as far as what they had is not over."""
        if host.birth == "":
            return False
        if self.exchange.now + 1000 - host.told_at <= SILENT:
            return True
        late = self.exchange.now - GRACE - self.exchange.span * (self.exchange.past + 2)
        return all(one in host.roster for one, at in self.granted.items() if at > late)

    def op(self, host, fate=None, bye=False):
        op = host.speak(bye)
        fate = fate or self.rng.choices(["answered", "lost before", "lost behind", "delayed"], [85, 4, 7, 4])[0]
        self.note(host.hex[:4], "op", fate, op)
        if fate == "lost before":
            host.must_speak, host.waiting = True, None
        elif fate == "delayed":
            self.delayed.append(op)
            host.must_speak, host.waiting = True, None
        else:
            answer = self.execute(op)
            if fate == "answered":
                if self.rng.random() < 0.2:
                    self.exchange.pass_time(self.rng.randrange(300))
                host.hear(op, answer)
            else:
                host.must_speak, host.waiting = True, None

    def execute(self, op):
        answer = self.store.execute(op)
        self.note(op["host"][:4], "answer", answer)
        if "error" not in answer:
            self.lost_books = False
        return answer

    def execute_late(self):
        if not self.delayed:
            return
        op = self.delayed.pop(self.rng.randrange(len(self.delayed)))
        # A connection to another server than the one of now is no more.
        if op["server"] == f"s{self.store.run}":
            self.note(op["host"][:4], "late", op)
            self.store.execute(op)

    def wipe(self):
        self.note("FLUSHALL")
        self.store.connection("FLUSHALL")
        self.store.saved = None
        self.lost_books = True

    def wait_out(self):
        """Nobody is left who knows what was used: not before it is over."""
        self.lost_books = False
        self.exchange.pass_time(self.exchange.span * (self.exchange.past + 2) + GRACE)

    def restore(self):
        if self.store.saved is None:
            return
        self.note("older books")
        self.store.restore()
        self.lost_books = True
        for host in self.hosts:
            host.must_speak = True

    def kill(self, host, with_region):
        self.note(host.hex[:4], "killed", "with its region" if with_region else "")
        if with_region:
            self.hosts.remove(host)
        else:
            host.is_running, host.waiting = False, None

    def wipe_without(self, host):
        """The store loses all while one host cannot say so: who is new, or has spoken to nobody lately."""
        if rng_true(self.rng):
            self.join()
            host = self.hosts[-1]
            for _ in range(4):
                if self.may_speak(host):
                    self.op(host, "answered")
        self.wipe()
        if host in self.hosts and host.birth and any(h.birth for h in self.hosts if h is not host):
            host.is_cut_off = True
            self.note(host.hex[:4], "cut off")

    def restore_without(self, host):
        """Books come back that are older than a grace, while one host cannot say what it was told since."""
        self.store.save()
        self.note("saved")
        for _ in range(GRACE // SILENCE + 2):
            for one in self.hosts:
                if self.may_speak(one):
                    self.op(one, "answered")
            self.exchange.pass_time(SILENCE)
        host.is_cut_off = True
        self.note(host.hex[:4], "cut off")
        self.restore()

    def step(self):
        rng, x = self.rng, self.exchange
        kind = rng.random()
        if not self.hosts:
            self.join()
        if self.lost_books and not any(self.knows(h) for h in self.hosts):
            self.wait_out()
        host = rng.choice(self.hosts)
        hasty = [h for h in self.hosts if h.must_speak and self.may_speak(h)]
        if rng.random() < self.trouble:
            self.fault(host)
        elif hasty and rng.random() < 0.5:
            self.op(rng.choice(hasty))
        elif kind < 0.45:
            self.send(host)
        elif kind < 0.68:
            landed = [r for r in host.requests if r["counted"] is not None]
            if landed and host.is_running:
                host.land(rng.choice(landed))
        elif kind < 0.82:
            x.pass_time(rng.choice([10, 100, 500, x.span // 10, x.span // 3]))
        elif kind < 0.98:
            if self.may_speak(host):
                self.op(host)
        elif rng.random() < 0.5:
            host.is_running = True
        else:
            host.is_cut_off = False
        if rng.random() < 0.01:
            for one in self.hosts:
                one.forget_old()

    def send(self, host):
        x, rng = self.exchange, self.rng
        if not host.is_running:
            return
        room = min(host.cap(w) - host.used(w) for w in range(host.first(), host.last() + 1))
        if room > 0:
            amount = room if rng.random() < 0.3 else rng.randint(1, min(room, 500))
            sent = host.send(amount)
            assert sent
            self.note(host.hex[:4], "sends", amount)

    def fault(self, host):
        rng, x = self.rng, self.exchange
        kind = rng.random()
        if kind < 0.2:
            self.execute_late()
        elif kind < 0.35:
            host.is_cut_off = not host.is_cut_off
            self.note(host.hex[:4], "cut off" if host.is_cut_off else "back")
        elif kind < 0.45:
            self.kill(host, rng.random() < 0.4)
        elif kind < 0.60:
            for one in self.hosts:
                one.is_running = True
        elif kind < 0.68:
            self.join()
        elif kind < 0.73:
            if self.may_speak(host) and host.birth:
                self.op(host, bye=True)
                self.hosts.remove(host)
        elif kind < 0.76:
            self.wipe()
        elif kind < 0.80:
            self.wipe_without(host)
        elif kind < 0.82:
            self.restore_without(host)
        elif kind < 0.86:
            self.store.save()
            self.note("saved")
        elif kind < 0.92:
            self.restore()
        elif kind < 0.96:
            x.foreign[x.window()] = x.foreign.get(x.window(), 0) + rng.randrange(2000)
        else:
            self.note("a long time")
            x.pass_time(rng.choice([x.span, 3 * x.span, GRACE + 1000]))

    def settle(self):
        """Nothing fails any more: one host wants it all, the others next to nothing."""
        x = self.exchange
        self.delayed, self.is_settled = [], True
        if not self.hosts:
            self.join()
        for host in self.hosts:
            host.is_running, host.is_cut_off, host.is_lazy = True, False, True
        greedy = self.hosts[0]
        greedy.is_lazy = False
        if self.lost_books:
            self.wait_out()
        # Until those who are dead are forgotten.
        for _ in range(GRACE // SILENCE + 3):
            for host in self.hosts:
                self.op(host, "answered")
                self.op(host, "answered")
            x.pass_time(SILENCE)
        x.pass_time(x.span * (x.past + 2))
        for _ in range(12):
            for host in self.hosts:
                host.forget_old()
                self.op(host, "answered")
            x.pass_time(500)
        want = greedy.speak()
        n = greedy.first()
        window = want["budgets"]["main/spot/1"]["windows"][str(n)]
        window["want"] = LIMIT
        greedy.hear(want, self.execute(want))
        left = LIMIT - sum(h.cap(n) for h in self.hosts[1:])
        assert greedy.caps[n] >= left - LIMIT // 20 - LIMIT // 10, (greedy.caps[n], left, [h.cap(n) for h in self.hosts])


def shown(word):
    """An op or an answer, as far as a person who looks for a mistake wants it."""
    if not isinstance(word, dict):
        return str(word)
    said = word.get("budgets", {}).get("main/spot/1", {})
    windows = {int(w) % 1000: list(v.values()) if isinstance(v, dict) else v for w, v in said.get("windows", {}).items()}
    who = f"seq {word.get('seq')} birth {word.get('birth')[:4]} epoch {word.get('epoch')}"
    rest = {k: said[k] for k in ("share", "before", "after", "later", "others", "foreign") if k in said}
    extra = [k for k in ("again", "bye", "wait") if word.get(k)]
    return f"{who} {[h[:4] for h in word.get('roster', [])]} {rest} {windows} {extra}"


def run(seed, steps, store, per_world=1500, only=None):
    """Return: the worlds that were played."""
    worlds, done = 0, 0
    while done < steps:
        if only is not None and worlds != only:
            worlds, done = worlds + 1, done + per_world
            continue
        rng = random.Random(f"{seed} {worlds}")
        world = World(rng, store)
        try:
            for _ in range(min(per_world, steps - done)):
                world.step()
            world.settle()
        except (AssertionError, Answer) as error:
            print(f"weir: seed {seed}, world {worlds}: {type(error).__name__}: {error}")
            print("the last that happened:")
            for line in world.log[-400:]:
                print("  ", line[0] - 1_700_000_000_000, *map(shown, line[1:]))
            return None
        done += per_world
        worlds += 1
    return worlds


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--steps", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    options = parser.parse_args()
    if not HAS_REDIS:
        print("weir: there is no redis-server and no valkey-server")
        sys.exit(77)
    print(f"seed {options.seed}, {options.steps} steps", flush=True)
    stage = Stage()
    try:
        store = Store(Resp(stage.server().socket))
        began = time.monotonic()
        worlds = run(options.seed, options.steps, store)
    except subprocess.SubprocessError as error:
        sys.exit(f"weir: {error}")
    finally:
        stage.end()
    if worlds is None:
        sys.exit(1)
    took = time.monotonic() - began
    print(f"{worlds} worlds, {store.ops} ops, never more than the limit; {took:.1f} s")


if __name__ == "__main__":
    main()
