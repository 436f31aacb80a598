"""One run: a plan is carried out, then the exchange's books are read."""
import threading
import time

from faults import Happening
from plan import GRACES
from stage import LIMIT, WINDOW_MS, Broken, Stage

# All must be well so long after the last fault is over. Of the first two full windows that begin then one must be
# used as those before the fault were, or nearly: a machine on which many runs stand side by side stalls now and then.
RECOVERY_S = 2.0
JUDGED_WINDOWS = 2
YIELD_AFTER = 0.95
# The shortest grace is over for whoever was away for nearly so long.
SHORT_S = 2.0


class Pulse(threading.Thread):
    """How late this machine wakes who sleeps: a run on one that is too busy says nothing about what was used."""

    STEP_S = 0.01

    def __init__(self):
        super().__init__(daemon=True)
        self.late = []
        self.is_over = False
        self.start()

    def run(self):
        while not self.is_over:
            before = time.monotonic()
            time.sleep(self.STEP_S)
            self.late.append(time.monotonic() - before - self.STEP_S)

    def late_ms(self):
        """What one of twenty sleeps exceeds."""
        late = sorted(self.late)
        return round(1000 * late[len(late) * 19 // 20], 1) if late else 0


def counted(books):
    spot = next(b for b in books["books"] if b["pool"] == "spot" and "windows" in b)
    return {w["window"]: w["used"] for w in [*spot["windows"], spot["now"]]}


def yields(used, first, last):
    return [min(1, used.get(w, 0) / LIMIT) for w in range(first, last)]


def mean(values):
    return round(sum(values) / len(values), 4) if values else None


def back_after_s(stage, over):
    """How long after the fault the last host had the store again, of those that lost it until two seconds
    behind it. None: one of them has not got it. (What is lost later is no fault of ours, but the machine's.)"""
    latest = 0.0
    for host in stage.hosts:
        if not host.runs:
            continue
        # One that was started meanwhile says that it is up.
        back = sorted(host.events("store_back") + host.events("store_up"))
        for away in host.events("store_away"):
            if away > over + RECOVERY_S:
                continue
            ended = [at for at in back if at > away]
            if not ended:
                return None
            latest = max(latest, ended[0] - over)
    return round(latest, 3)


def keeps_all(stage):
    """
    Whether all hosts are those of before, and none was forgotten. What a host that is lost may have in flight counts
    for half a minute, and its share until its grace is over; so it is with one that was away for longer than its grace.
    """
    lost = any(f.kind == "host killed" and f.how in ("gone", "replaced") for f in stage.plan.faults)
    ends = max(f.at_s + f.lasts_s for f in stage.plan.faults) - min(f.at_s for f in stage.plan.faults)
    return not lost and (stage.plan.grace != GRACES[-1] or ends < SHORT_S)


def verdict(stage, found, is_busy):
    """What does not hold, in words."""
    wrong = []
    if found["over"] or found["refused"]:
        wrong.append(f"{found['over']} over the limit, {found['refused']} refused by the exchange")
    if dead := [h.name for h in stage.hosts if h.is_wanted and not h.runs]:
        wrong.append(f"{' '.join(dead)} ended")
    if stage.has_store and found["back_s"] is None:
        wrong.append("a host has not got the store back")
    if stage.has_store and not is_busy:
        if found["back_s"] and found["back_s"] > RECOVERY_S:
            wrong.append(f"the store was back after {found['back_s']} s")
        goal = YIELD_AFTER * (found["before"] or 1)
        if found["keeps_all"] and max(found["yields_after"]) < goal:
            wrong.append(f"only {found['yields_after']} are used afterwards, less than {goal:.2f}")
    return wrong


def run(plan, has_store=True, has_relays=False, logs=None, is_busy=False):
    """
    Returns what was found, as a dictionary of plain values.
    @is_busy: the machine does other things besides, so how soon and how much is not judged.
    """
    with Stage(plan, has_store, has_relays) as stage:
        stage.start_hosts()
        # From a turn on, so that the same seed meets the same place in a window.
        time.sleep(WINDOW_MS / 1000 - time.time() % (WINDOW_MS / 1000))
        stage.began = began = stage.start_load()
        begun_ms = time.time() * 1000
        pulse = Pulse()
        happening = [Happening(stage, fault, began) for fault in plan.faults]
        for one in happening:
            one.join(90)
        over = max([one.over or time.monotonic() for one in happening], default=time.monotonic())
        over_ms = begun_ms + (over - began) * 1000
        first = int((over_ms + RECOVERY_S * 1000) // WINDOW_MS) + 1
        time.sleep(max(0, (first + JUDGED_WINDOWS) * WINDOW_MS / 1000 + 0.3 - time.time()))
        books = stage.books()
        used = counted(books)
        fault_window = int((begun_ms + min([f.at_s for f in plan.faults], default=99) * 1000) // WINDOW_MS)
        after = yields(used, first, first + JUDGED_WINDOWS)
        found = {"seed": plan.seed, "hosts": plan.hosts, "demand": plan.pattern, "latency": plan.latency, "grace": plan.grace, "faults": [str(f) for f in plan.faults],
                 "kinds": [f.kind for f in plan.faults], "over": sum(max(0, n - LIMIT) for n in used.values()),
                 "refused": books["status429"] + books["status418"] + books["status403"],
                 "before": mean(yields(used, int(begun_ms // WINDOW_MS) + 1, fault_window)),
                 "during": mean(yields(used, fault_window, int(over_ms // WINDOW_MS) + 1)),
                 "after": mean(after), "yields_after": after, "keeps_all": keeps_all(stage),
                 "back_s": back_after_s(stage, over), "late_ms": pulse.late_ms(), "seconds": round(time.monotonic() - began, 1)}
        pulse.is_over = True
        found["wrong"] = verdict(stage, found, is_busy)
        if broken := [one.failed or f"{one.fault}: it did not end" for one in happening if one.failed or one.over is None]:
            raise Broken("; ".join(broken))
        if found["wrong"] and logs:
            stage.keep_logs(logs / str(plan.seed))
        return found
