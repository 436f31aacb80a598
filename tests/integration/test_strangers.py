"""Somebody else on the same address: he is left what he uses, and nobody is refused for it."""
import collections
import http.client
import json
import subprocess
import sys
import threading
import time
from pathlib import Path

from support import WEIR, Gateway, Sim, eventually, fetch

GREEDY = str(Path(__file__).with_name("greedy.py"))
SPAN_S, LIMIT = 2, 400
LIMITS = f"spot-weight={LIMIT}/{SPAN_S}s,spot-orders=1000/{SPAN_S}s"


class Stranger:
    """Asks the exchange straight, from this address: each call costs 1."""

    def __init__(self, sim):
        self.sim, self.statuses = sim, []
        self.windows = collections.Counter()  # how many steady calls were in which

    def call(self, times=1):
        connection = http.client.HTTPConnection("127.0.0.1", self.sim.port, timeout=10)
        for _ in range(times):
            connection.request("GET", "/api/v3/ping")
            reply = connection.getresponse()
            reply.read()
            self.statuses.append(reply.status)
            if reply.status != 200:
                break
        connection.close()

    def steadily(self, calls, seconds):
        """So many calls in each such time, until stopped."""
        self.stopped = threading.Event()

        def work():
            connection = http.client.HTTPConnection("127.0.0.1", self.sim.port, timeout=10)
            due = time.monotonic()
            while not self.stopped.is_set():
                connection.request("GET", "/api/v3/ping")
                reply = connection.getresponse()
                reply.read()
                self.statuses.append(reply.status)
                self.windows[int(time.time()) // SPAN_S] += 1
                # Who was held up does not catch up: that would be a burst.
                due = max(due + seconds / calls, time.monotonic())
                time.sleep(max(0, due - time.monotonic()))
            connection.close()

        self.thread = threading.Thread(target=work)
        self.thread.start()

    def stop(self):
        self.stopped.set()
        self.thread.join()

    def surprise(self, window):
        """How many more he called in it than in one of the three before, where the machine did not let him be steady."""
        more = self.windows[window] - min(self.windows[window - i] for i in (1, 2, 3))
        return more if more > LIMIT // 100 else 0


def greedy(gateway, seconds):
    return subprocess.Popen([sys.executable, GREEDY, gateway.url, str(seconds), "1"],
                            stdout=subprocess.DEVNULL)


def weight(region):
    """What weir says of the address' weight."""
    text = subprocess.run([WEIR, "status", "--json", "--region", region], capture_output=True, check=True).stdout
    return next(b for b in json.loads(text)["budgets"]
                if b["name"] == "spot-weight" and b["span_ms"] == SPAN_S * 1000)


def refused(sim):
    books = sim.books()
    assert books["status418"] == books["status403"] == books["duringBan"] == 0
    return books["status429"]


def wait_for_turn():
    time.sleep(SPAN_S - time.time() % SPAN_S + 0.1)


def know_him(gateway):
    """Three windows in which there is room for all: until weir knows how much he uses, nothing is left to him, and he
    does not stop when he is refused."""
    until = (time.time() // SPAN_S + 4) * SPAN_S
    while time.time() < until:
        assert fetch(gateway.port, "/api/v3/ping")[0] == 200
        time.sleep(SPAN_S / 40)


def test_a_steady_stranger_is_left_what_he_uses(tmp_path):
    with Sim("--limit", LIMITS, "--latency", "2") as sim, \
            Gateway(sim.url, tmp_path / "region") as gateway:
        fetch(gateway.port, "/api/v3/ping")
        eventually(lambda: gateway.logged("limit"))
        stranger = Stranger(sim)
        stranger.steadily(LIMIT // 5, SPAN_S)
        know_him(gateway)
        program = greedy(gateway, 4 * SPAN_S)
        wait_for_turn()
        before, first = refused(sim), int(time.time()) // SPAN_S
        views = []
        while int(time.time()) // SPAN_S < first + 3:
            views.append(weight(str(tmp_path / "region")))
            time.sleep(0.1)
        after = refused(sim)
        windows = [w for w in sim.pool()["windows"] if first <= w["window"] < first + 3]
        stranger.stop()
        program.kill()
        program.wait()
    print(json.dumps({"windows": windows, "before": before, "stranger": stranger.windows}))
    # Of his calls one in some thousands meets a full window (docs/model.md), where the machine held weir up just before
    # its end. Without a forecast it is dozens in each.
    surprises = sum(stranger.surprise(w["window"]) for w in windows)
    assert sum(w["refused"] for w in windows) <= max(1, surprises)
    assert after - before <= sum(w["refused"] for w in windows)
    assert sum(w["used"] for w in windows) >= 0.85 * LIMIT * len(windows)
    assert max(v["foreign"] for v in views) >= LIMIT // 10
    assert max(v["expected"] for v in views) >= LIMIT // 10


def test_after_a_burst_that_nobody_foresaw_all_stop_and_nobody_is_banned(tmp_path):
    with Sim("--limit", LIMITS, "--latency", "2") as sim, \
            Gateway(sim.url, tmp_path / "region") as gateway:
        fetch(gateway.port, "/api/v3/ping")
        eventually(lambda: gateway.logged("limit"))
        program = greedy(gateway, 4 * SPAN_S)
        wait_for_turn()
        time.sleep(SPAN_S / 2)
        before = refused(sim)
        stranger = Stranger(sim)
        stranger.call(LIMIT)
        wait_for_turn()
        his = sum(status == 429 for status in stranger.statuses)
        ours = refused(sim) - before - his
        views = [weight(str(tmp_path / "region"))["expected"]]
        wait_for_turn()
        assert refused(sim) - before - his == ours
        program.kill()
        program.wait()
    # The four connections of the one program may have been on their way.
    assert ours <= 4
    assert len(stranger.statuses) > 1 and his <= 1
    assert gateway.logged("foreign_use") or views[0] > 0
