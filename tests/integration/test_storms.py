"""Bans: one place decides, everybody obeys at once, one process asks, and then a ramp. Storms: a
thousand waiting clients leave in order of class, and never faster than the ceiling."""
import json
import os
import re
import resource
import selectors
import signal
import socket
import subprocess
import threading
import time

import pytest
from support import ALICE, ROOT, WEIR, Gateway, RawUpstream, Sim, eventually, fetch, signed

USER = os.environ.get("WEIR_LIBRARY_USER", str(ROOT / "build" / "library" / "library_user"))
CLASSES = ["backfill", "market", "account", "reconcile", "order", "cancel"]
CLIENTS = 600
CEILING = 150
# What leaves within a second may come within nine tenths of one, where a machine is slow.
SLACK = CEILING // 10
# The firewall of the exchange is above the ceiling: what its machine had no turn to read comes in one moment, and is no
# fault of the gateway's. check_storm() tells such a moment from one that came too fast.
FIREWALL = 2 * CEILING


@pytest.fixture(autouse=True, scope="module")
def many_files():
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, max(soft, 8192)), hard))


def status(folder):
    return json.loads(subprocess.run([WEIR, "status", "--json", "--region", str(folder / "region")],
                                     capture_output=True, check=True).stdout)


def gates(folder):
    return {g["product"]: g for g in status(folder)["gates"]}


def reserve(folder):
    """What a library user on the region is answered."""
    return subprocess.run([USER, str(folder / "region"), "reserve", "GET", "/api/v3/time", ""],
                          capture_output=True, text=True, check=True).stdout.strip()


class Crowd:
    """Clients that each ask once, all at the same time; the lower classes first."""

    def __init__(self, ports, n=CLIENTS):
        self.selector = selectors.DefaultSelector()
        self.statuses = []
        self.sockets = []
        for i in range(n):
            s = socket.create_connection(("127.0.0.1", ports[i % len(ports)]))
            self.selector.register(s, selectors.EVENT_READ)
            self.sockets.append(s)
        self.n, self.n_ports = n, len(ports)

    def ask(self):
        for i, s in enumerate(self.sockets):
            name = CLASSES[i * len(CLASSES) // self.n]
            s.sendall(b"GET /api/v3/ping?by=%d&class=%s HTTP/1.1\r\nHost: x\r\nX-Weir-Class: %s\r\n\r\n" %
                      (i % self.n_ports, name.encode(), name.encode()))

    def answers(self, seconds=30):
        until = time.monotonic() + seconds
        while len(self.statuses) < self.n:
            assert time.monotonic() < until, f"{len(self.statuses)} of {self.n} were answered"
            for key, _ in self.selector.select(1):
                data = key.fileobj.recv(65536)
                self.statuses.append(int(data.split(b" ")[1]) if data else 0)
                self.selector.unregister(key.fileobj)
                key.fileobj.close()
        return self.statuses


def arrivals(sim):
    """When a request arrived, in microseconds, by which gateway, and of which class."""
    found = ((r["arrivalUs"], re.match(r"/api/v3/ping\?by=(\d)&class=(\w+)", r["target"])) for r in sim.requests(5000))
    return sorted((at, match[1], match[2]) for at, match in found if match)


def too_many(times_us):
    """Those in the fullest second, as far as they are above the ceiling. What left while the exchange had no turn comes
    when it has one: so much more may come behind a pause in what arrives."""
    most, end = 0, 0
    for i, t in enumerate(times_us):
        while end < len(times_us) and times_us[end] - t < 1000000:
            end += 1
        pause_us = t - times_us[i - 1] if i else 0
        most = max(most, end - i - CEILING * pause_us // 1000000)
    return most - CEILING


def check_storm(sim, crowd, ahead=24):
    statuses = crowd.answers()
    books = sim.books()
    came = arrivals(sim)
    assert set(statuses) == {200}, {s: statuses.count(s) for s in set(statuses)}
    assert (books["status429"], books["status418"], books["status403"]) == (0, 0, 0)
    over = too_many([t for t, _, _ in came])
    assert CEILING * -0.3 < over <= SLACK, over
    # In order of class, for each gateway: the middle one of each came before that of the next, but for what was due at
    # one moment, since the machine was late.
    for gateway in range(crowd.n_ports):
        times = {name: [t for t, by, c in came if (int(by), c) == (gateway, name)] for name in reversed(CLASSES)}
        middles = [t[len(t) // 2] for t in times.values()]
        assert all(a < b + 300000 for a, b in zip(middles, middles[1:])) and middles[1] < middles[4], middles
        assert times["cancel"][-1] < times["backfill"][ahead // crowd.n_ports], "cancels do not wait for data"
    return came


def all_are_there(port, n=CLIENTS):
    """Whoever asked was heard, by all gateways of the region."""
    eventually(lambda: json.loads(fetch(port, "/weir/api/now")[2])["counters"]["requests"] >= n)


def test_a_thousand_at_a_windows_turn(tmp_path):
    with Sim("--limit", "spot-weight=1200/3s", "--waf", str(FIREWALL), "--record", "5000") as sim, \
            Gateway(sim.url, tmp_path / "region", "--set", f"rate_ceiling={CEILING}") as gateway:
        assert fetch(gateway.port, "/api/v3/ping")[0] == 200
        eventually(lambda: gateway.logged("limit"))
        crowd = Crowd([gateway.port])
        # The window is used up first, so that all have to wait for the next.
        time.sleep(3.2 - time.time() % 3)
        for _ in range(4):
            assert fetch(gateway.port, "/api/v3/depth?symbol=BTCUSDT&limit=5000",
                         headers={"X-Weir-Class": "cancel"})[0] == 200
        fetch(gateway.port, "/api/v3/depth?symbol=BTCUSDT&limit=1000", headers={"X-Weir-Class": "cancel"})
        crowd.ask()
        came = check_storm(sim, crowd)
        assert came[-1][0] - came[0][0] > 1.5e6


def test_a_thousand_at_the_start_of_two_gateways(tmp_path):
    """Neither knows the exchange's time yet; the ceiling is that of both together."""
    with Sim("--waf", str(FIREWALL), "--record", "5000", "--latency", "50") as sim:
        args = (sim.url, tmp_path / "region", "--set", f"rate_ceiling={CEILING}", "--set", "pool.max=200")
        # It answers nobody before all have asked.
        sim.process.send_signal(signal.SIGSTOP)
        with Gateway(*args) as one, Gateway(*args) as two:
            crowd = Crowd([one.port, two.port])
            crowd.ask()
            all_are_there(one.port)
            sim.process.send_signal(signal.SIGCONT)
            check_storm(sim, crowd)


def test_a_thousand_when_an_exchange_that_hung_goes_on(tmp_path):
    """What passed the ceiling while nothing got through does not fall upon it at once when it does."""
    with Sim("--waf", str(FIREWALL), "--record", "5000", "--latency", "5") as sim, \
            Gateway(sim.url, tmp_path / "region", "--set", f"rate_ceiling={CEILING}",
                    "--set", "breaker.threshold=0") as gateway:
        assert fetch(gateway.port, "/api/v3/ping")[0] == 200
        eventually(lambda: gateway.logged("limit"))
        crowd = Crowd([gateway.port])
        sim.process.send_signal(signal.SIGSTOP)
        crowd.ask()
        time.sleep(2.5)
        all_are_there(gateway.port)
        sim.process.send_signal(signal.SIGCONT)
        # The first were on their way when it hung, on all connections that there are.
        check_storm(sim, crowd, 64 + 24)


def test_an_order_finds_a_connection_while_data_waits_for_one(tmp_path):
    with Sim("--latency", "150") as sim, Gateway(sim.url, tmp_path / "region") as gateway:
        assert fetch(gateway.port, "/api/v3/ping")[0] == 200
        crowd = Crowd([gateway.port], 400)
        for s in crowd.sockets:
            s.sendall(b"GET /api/v3/ping HTTP/1.1\r\nHost: x\r\n\r\n")
        time.sleep(0.1)
        waits = [int(fetch(gateway.port, "/api/v3/order?symbol=BTCUSDT&orderId=1", "DELETE")[1]["x-weir-wait-us"])
                 for _ in range(3)]
        assert set(crowd.answers()) == {200}
    # Data waits for most of a second.
    assert sorted(waits)[1] < 75000, waits


def ban(sim, port, folder):
    """Somebody else on this address goes too far; the next request of ours meets the ban."""
    while fetch(sim.port, "/api/v3/depth?symbol=BTCUSDT&limit=1000&by=stranger")[0] != 418:
        pass
    # As a cancel, which may use what the stranger left of the window.
    urgent = {"X-Weir-Class": "cancel", "X-Weir-Max-Wait": "0"}
    eventually(lambda: fetch(port, "/api/v3/ping", headers=urgent) and "api" in gates(folder))


class Poller(threading.Thread):
    def __init__(self, port, until):
        super().__init__(daemon=True)
        self.port, self.until = port, until
        self.start()

    def run(self):
        while time.monotonic() < self.until:
            fetch(self.port, "/api/v3/ping?from=poller", headers={"X-Weir-Max-Wait": "30"})


def test_all_obey_a_ban_at_once_one_asks_and_then_it_is_a_ramp(tmp_path):
    with Sim("--record", "20000") as sim, \
            Gateway(sim.url, tmp_path / "region", "--set", "ramp=3s") as one, \
            Gateway(sim.url, tmp_path / "region", "--set", "ramp=3s") as two:
        for gateway in (one, two):
            assert fetch(gateway.port, "/api/v3/ping")[0] == 200
        eventually(lambda: one.logged("limit"))
        pollers = [Poller(p, time.monotonic() + 4.5) for p in (one.port, two.port) for _ in range(3)]
        time.sleep(0.5)
        # By word alone: what a stranger had used would hold those back who are to be seen leaving.
        until_us = int(time.time() * 1000 + 2000) * 1000
        sim.faults("GET /api/v3/ping next 1 error 418 -1003 " + WAY.format(until_us // 1000))
        eventually(lambda: "api" in gates(tmp_path))
        banned_us = min(r["arrivalUs"] for r in sim.requests(20000) if r["status"] == 418)
        assert reserve(tmp_path) == "shut"
        assert "api" in gates(tmp_path)
        # Those who wait for the end.
        crowd = Crowd([two.port], 200)
        crowd.ask()
        assert set(crowd.answers()) == {200}
        for poller in pollers:
            poller.join()
        after = [r for r in sim.requests(20000) if r["arrivalUs"] > banned_us and r["target"].startswith("/api")]
        # What was on its way when the answer came may still arrive; the allowance is for slow machines.
        late = [r for r in after if banned_us + 100000 < r["arrivalUs"] < until_us]
        assert not late, late[:5]
        opened = [r for r in after if r["arrivalUs"] >= until_us]
        assert len(one.logged("probe") + two.logged("probe")) == 1
        probed_us = opened[0]["arrivalUs"]
        # A ramp of 3 s: few at first, and more in the best tenths of a second that follow. Between them what is
        # kept for the stranger may leave pauses.
        tenths = [sum(1 for r in opened[1:] if 0 <= r["arrivalUs"] - probed_us - i * 100000 < 100000) for i in range(30)]
        assert 1 <= max(tenths[:3]) <= 30 and max(tenths[:3]) < max(tenths[5:]), tenths
        assert sim.books()["status403"] == 0


PAGE = b"<html><head><title>403 Forbidden</title></head></html>"
BLOCKED = (b"HTTP/1.1 403 Forbidden\r\nContent-Type: text/html\r\nRetry-After: 1\r\nContent-Length: %d\r\n\r\n%s" %
           (len(PAGE), PAGE))


def test_behind_the_firewall_one_asks_and_then_it_is_a_ramp_for_all_products(tmp_path):
    came, blocks, is_slow, answered = [], threading.Event(), threading.Event(), []

    def answer(_method, target, _body):
        came.append((time.monotonic(), target.decode()))
        if is_slow.is_set():
            # Long enough that all who wait look at the gate meanwhile: they see the probe's lease, which is ten seconds.
            is_slow.clear()
            time.sleep(0.5)
            answered.append(time.monotonic())
        return BLOCKED if blocks.is_set() else RawUpstream.OK

    with RawUpstream(answer) as upstream, \
            Gateway(upstream.url, tmp_path / "region", "--no-discovery", "--set", "ramp=3s") as one, \
            Gateway(upstream.url, tmp_path / "region", "--no-discovery", "--set", "ramp=3s") as two:
        for gateway in (one, two):
            assert [fetch(gateway.port, path)[0] for path in ("/api/v3/ping", "/fapi/v1/ping")] == [200, 200]
        blocks.set()
        assert fetch(one.port, "/api/v3/ping")[2] == PAGE
        blocks.clear()
        is_slow.set()
        blocked, before = time.monotonic(), len(came)
        # Whoever it was that met it: nothing at all is sent, by nobody.
        for gateway, path in ((one, "/api/v3/ping"), (two, "/api/v3/ping"), (two, "/fapi/v1/ping")):
            code, headers, _ = fetch(gateway.port, path, headers={"X-Weir-Max-Wait": "0"})
            assert (code, headers["x-weir-verdict"]) == (429, "firewall")
        assert reserve(tmp_path) == "shut" and gates(tmp_path)["all"]["kind"] == "firewall"
        crowd = Crowd([one.port, two.port], 400)
        crowd.ask()
        assert set(crowd.answers()) == {200}
        after = came[before:]
        probed = after[0][0]
        assert probed - blocked >= 0.9, probed - blocked
        assert len(one.logged("probe_answered") + two.logged("probe_answered")) == 1
        # A ramp of 3 s, in its first one and a half: more in each half second.
        halves = [sum(1 for t, _ in after[1:] if i / 2 <= t - answered[0] < (i + 1) / 2) for i in range(3)]
        assert 10 <= halves[0] <= 80 and halves[0] < halves[2], halves
        # It is as long for the others.
        assert fetch(two.port, "/fapi/v1/ping")[0] == 200


WAY = "Way too much request weight used; IP banned until {}. Please use WebSocket Streams for live updates to avoid bans."
STAGES = {
    # fault: who is stopped, by what, for how many ms
    "429 -1003": ("error 429 -1003 Too much request weight used; current limit is 6000.", "api", "stop", (0, 60100)),
    "418 with a time in its text": ("error 418 -1003 " + WAY, "api", "ban", (8000, 9100)),
    "418 that says nothing": ("body 418 <html>teapot</html>", "api", "ban", (118000, 120100)),
    "403": ("waf", "all", "firewall", (298000, 300100)),
    "503 unknown": ("unknown", None, None, None),
    "503 unavailable": ("unavailable", None, None, None),
    "503 internal": ("internal", None, None, None),
    "503 -1008": ("error 503 -1008 Server is currently overloaded with other requests.", None, None, None),
}


@pytest.mark.parametrize("name", STAGES)
def test_what_each_refusal_stops_is_on_the_disk_and_obeyed_after_a_kill(tmp_path, name):
    fault, product, kind, for_ms = STAGES[name]
    with Sim() as sim:
        with Gateway(sim.url, tmp_path / "region", "--no-discovery", "--set", "retry.max_retries=0") as gateway:
            assert fetch(gateway.port, "/api/v3/ping")[0] == 200
            sim.faults("GET /api/v3/depth always " + fault.format(int(time.time() * 1000) + 9000))
            said = fetch(gateway.port, "/api/v3/depth?symbol=BTCUSDT")
            gateway.kill()
        assert said[0] == int(name.split()[0]) and "x-weir-verdict" not in said[1]
        shut = gates(tmp_path)
        if product is None:
            assert shut == {}
        else:
            assert list(shut) == [product] and shut[product]["kind"] == kind
            assert for_ms[0] <= shut[product]["for_ms"] <= for_ms[1], shut
        sim.faults("")
        before = len(sim.requests())
        with Gateway(sim.url, tmp_path / "region", "--no-discovery") as gateway:
            at_once = {"X-Weir-Max-Wait": "0"}
            code, headers, _ = fetch(gateway.port, "/api/v3/ping", headers=at_once)
            if product is None:
                assert code == 200
                return
            assert code == 429 and headers["x-weir-verdict"] == kind
            assert int(headers["retry-after"]) <= for_ms[1] / 1000 + 1
            other = fetch(gateway.port, "/fapi/v1/ping", headers=at_once if product == "all" else {})[0]
            assert (other == 200) == (product != "all")
            assert [r for r in sim.requests()[before:] if r["target"].startswith("/api")] == []


def test_a_1015_stops_the_orders_of_its_account_and_nothing_else(tmp_path):
    with Sim("--limit", "spot-orders=100/2s") as sim, \
            Gateway(sim.url, tmp_path / "region", "--set", "retry.max_retries=0") as gateway:
        fetch(gateway.port, "/api/v3/ping")
        eventually(lambda: gateway.logged("limit"))
        time.sleep(2.1 - time.time() % 2)
        sim.faults("POST /api/v3/order next 1 error 429 -1015 Too many new orders.")

        def order():
            query = signed({"symbol": "BTCUSDT", "side": "BUY", "type": "MARKET", "quantity": "0.001"}, ALICE[1])
            return fetch(gateway.port, "/api/v3/order?" + query, "POST",
                         headers={"X-MBX-APIKEY": ALICE[0], "X-Weir-Max-Wait": "0"})

        assert json.loads(order()[2])["code"] == -1015
        code, headers, body = order()
        assert code == 429 and "x-weir-verdict" in headers, body
        assert sim.admin("/sim/orders")["attempts"] == 1
        assert fetch(gateway.port, "/api/v3/depth?symbol=BTCUSDT")[0] == 200
        assert gates(tmp_path) == {}


def test_a_ban_by_its_header_alone(tmp_path):
    with Sim("--limit", "spot-weight=800/2s", "--ban", "3", "--ban-after", "1") as sim, \
            Gateway(sim.url, tmp_path / "region") as gateway:
        fetch(gateway.port, "/api/v3/ping")
        ban(sim, gateway.port, tmp_path)
        assert 1000 <= gates(tmp_path)["api"]["for_ms"] <= 3100
