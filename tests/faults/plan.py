"""What goes wrong in a run, and when: all of it drawn from the run's seed, so that a seed is a run."""
import dataclasses
import random

# From here on all hosts have claims; after this moment nothing new goes wrong.
EARLIEST_S, LATEST_S = 4.0, 7.0
PATTERNS = ("even", "skewed", "changing", "bursts")
LATENCIES = ("20~10", "20~10", "100~60")
GRACES = ("10m", "10m", "3s")


@dataclasses.dataclass
class Fault:
    kind: str
    at_s: float  # since the load began
    lasts_s: float = 0.0
    how: str = ""
    host: int = -1  # -1: no host or all of them
    step_s: float = 0.0

    def __str__(self):
        words = [self.kind, *([self.how] if self.how else []), *([f"host {self.host}"] if self.host >= 0 else []),
                 *([f"{self.step_s:+g} s"] if self.step_s else []), f"at {self.at_s:.2f} s",
                 *([f"for {self.lasts_s:.2f} s"] if self.lasts_s else [])]
        return " ".join(words)


@dataclasses.dataclass
class Plan:
    seed: int
    hosts: int
    pattern: str
    latency: str  # of the exchange: a round trip, its jitter, ms
    grace: str  # store.grace
    faults: list
    has_sentinel: bool

    @property
    def over_s(self):
        """When the last of the faults is over, as planned."""
        return max([f.at_s + f.lasts_s for f in self.faults], default=0)


def _kill(chance, _hosts):
    return Fault("kill", 0, chance.uniform(0.3, 5), chance.choice(["empty", "kept"]))


def _stop(chance, _hosts):
    return Fault("stop", 0, chance.choice([5, chance.uniform(0.3, 5)]))


def _cut(chance, hosts):
    return Fault("cut", 0, chance.uniform(0.3, 5), chance.choice(["both ways", "answers"]),
                 chance.choice([-1, *range(hosts)]))


def _slow(chance, _hosts):
    return Fault("slow", 0, chance.uniform(1, 4), f"{chance.choice([60, 200, 450, 700])} ms")


def _flush(chance, _hosts):
    return Fault("flush", 0)


def _failover(chance, _hosts):
    return Fault("failover", 0, chance.choice([0, chance.uniform(2, 4)]), chance.choice(["asked", "killed", "stopped"]))


def _store_clock(chance, _hosts):
    return Fault("store clock", 0, step_s=chance.choice([-1, 1]) * chance.choice([0.5, 3, 90, 7200]))


def _host_clock(chance, hosts):
    return Fault("host clock", 0, host=chance.randrange(hosts), step_s=chance.choice([-1, 1]) * chance.choice([0.5, 3, 90, 7200]))


def _host_killed(chance, hosts):
    """Started again after a while, on its own region or, as when a machine is replaced, on none; or never."""
    how = chance.choice(["returns", "returns", "replaced", "gone"])
    return Fault("host killed", 0, chance.uniform(0.1, 2.5) if how != "gone" else 0, how, chance.randrange(hosts))


def _host_added(chance, _hosts):
    return Fault("host added", 0)


KINDS = {"kill": _kill, "stop": _stop, "cut": _cut, "slow": _slow, "flush": _flush, "failover": _failover,
         "store clock": _store_clock, "host clock": _host_clock, "host killed": _host_killed, "host added": _host_added}
# Without a Sentinel these do not occur with one: the master would be another.
ONLY_WITHOUT_SENTINEL = ("cut", "kill")


def plan(seed, kinds=tuple(KINDS)):
    """The first fault is each kind in turn; two runs in five have more, at the same time or not."""
    chance = random.Random(seed)
    first = kinds[seed % len(kinds)]
    has_sentinel = first == "failover"
    hosts = chance.randint(2, 4)
    others = [k for k in kinds if k != first and k != "failover" and not (has_sentinel and k in ONLY_WITHOUT_SENTINEL)]
    chosen = [first] + (chance.sample(others, min(len(others), chance.randint(1, 2))) if chance.random() < 0.4 else [])
    faults = []
    for kind in chosen:
        fault = KINDS[kind](chance, hosts)
        fault.at_s = chance.uniform(EARLIEST_S, LATEST_S)
        faults.append(fault)
    return Plan(seed, hosts, chance.choice(PATTERNS), chance.choice(LATENCIES), chance.choice(GRACES), sorted(faults, key=lambda f: f.at_s), has_sentinel)
