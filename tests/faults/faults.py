"""How each fault is made, and unmade. Each function returns when it is over; the moment counts from
which all must be well again."""
import signal
import threading
import time

from stage import LISTENING, until_true

PAUSE_S = 0.01


def kill(stage, fault):
    """The store loses power. It comes back with what its disk has, or with nothing."""
    stage.store.process.kill()
    time.sleep(fault.lasts_s)
    if fault.how == "empty":
        stage.store.forget_all()
    stage.store.start()
    stage.store.process.await_line("Ready to accept connections")


def stop(stage, fault):
    """It stands still, and goes on with what came meanwhile."""
    stage.store.process.signal(signal.SIGSTOP)
    time.sleep(fault.lasts_s)
    stage.store.process.signal(signal.SIGCONT)
    # With a Sentinel that is a failover, if it is long enough.
    stage.await_settled()


def cut(stage, fault):
    """One host, or all of them, cannot reach the store."""
    hosts = stage.hosts if fault.host < 0 else [stage.hosts[fault.host]]
    for host in hosts:
        stage.net.cut(host.wire, fault.how)
    time.sleep(fault.lasts_s)
    for host in hosts:
        stage.net.heal(host.wire, fault.how)


def slow(stage, fault):
    """Each answer takes so long."""
    pause_ms = fault.how.split()[0]
    end = time.monotonic() + fault.lasts_s
    while time.monotonic() < end:
        with stage.pause:
            stage.master().ask("CLIENT", "PAUSE", pause_ms, "ALL")
            time.sleep(int(pause_ms) / 1000)
        time.sleep(PAUSE_S)
    stage.await_settled()


def flush(stage, _fault):
    stage.master().ask("FLUSHALL")


def failover(stage, fault):
    """Another server becomes the master: as an operator asks, or because the old one is gone or
    stands still, and comes back later as if nothing had been."""
    old = stage.master_port()
    if fault.how == "asked":
        stage.ask_sentinel(stage.sentinels[0], "SENTINEL", "FAILOVER", "books")
    elif fault.how == "killed":
        stage.store.process.kill()
    else:
        stage.store.process.signal(signal.SIGSTOP)
    until_true(lambda: stage.master_port() not in (None, old), "another master", 20)
    if fault.how == "killed":
        stage.store.start()
    elif fault.how == "stopped":
        time.sleep(fault.lasts_s)
        stage.store.process.signal(signal.SIGCONT)
    stage.await_settled()


def store_clock(stage, fault):
    # Redis pauses until a time of its wall clock, at which it looks ten times a second: one that is set back
    # meanwhile would make that hours.
    with stage.pause:
        time.sleep(0.15)
        stage.store.clock.step(fault.step_s)
        if stage.replica:
            stage.replica.clock.step(fault.step_s)


def host_clock(stage, fault):
    stage.hosts[fault.host].clock.step(fault.step_s)


def host_killed(stage, fault):
    host = stage.hosts[fault.host]
    host.kill(is_wanted=False)
    if fault.how == "gone":
        return
    time.sleep(fault.lasts_s)
    if fault.how == "replaced":
        host.region.unlink(missing_ok=True)
    host.start()
    host.processes[-1].await_line(LISTENING)


def host_added(stage, _fault):
    host = next(h for h in stage.hosts if not h.processes)
    host.start()
    host.processes[-1].await_line(LISTENING)


MAKE = {"kill": kill, "stop": stop, "cut": cut, "slow": slow, "flush": flush, "failover": failover,
        "store clock": store_clock, "host clock": host_clock, "host killed": host_killed, "host added": host_added}


class Happening(threading.Thread):
    """One fault, at its time. over: when it was (monotonic); failed: why it could not be made."""

    def __init__(self, stage, fault, began):
        super().__init__(daemon=True)
        self.stage, self.fault, self.began = stage, fault, began
        self.over, self.failed = None, None
        self.start()

    def run(self):
        time.sleep(max(0, self.began + self.fault.at_s - time.monotonic()))
        try:
            MAKE[self.fault.kind](self.stage, self.fault)
        except Exception as error:  # pylint: disable=broad-except
            self.failed = f"{self.fault}: {error}"
        self.over = time.monotonic()
