"""Hosts that share one budget through a store: gateways with regions of their own and a real Redis."""
import http.client
import json
import shutil
import signal
import socket
import subprocess
import threading
import time

import pytest
from support import WEIR, Gateway, Sim, eventually, fetch

SERVER = shutil.which("redis-server") or shutil.which("valkey-server")
SPAN_S, LIMIT = 1, 600
LIMITS = f"spot-weight={LIMIT}/{SPAN_S}s,spot-orders=1000/{SPAN_S}s"

pytestmark = pytest.mark.skipif(SERVER is None, reason="no redis-server is installed")


class Store:
    """A Redis in memory, at a port of its own."""

    def __init__(self):
        with socket.create_server(("127.0.0.1", 0)) as s:
            self.port = s.getsockname()[1]
        self.start()

    def start(self):
        self.process = subprocess.Popen([SERVER, "--port", str(self.port), "--bind", "127.0.0.1", "--save", "",
                                         "--appendonly", "no"], stdout=subprocess.DEVNULL, cwd="/tmp")
        eventually(lambda: self.ask("PING") == b"+PONG\r\n")

    def ask(self, *words):
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=5) as s:
                s.sendall(b"*%d\r\n" % len(words) + b"".join(b"$%d\r\n%s\r\n" % (len(w), w.encode()) for w in words))
                return s.recv(65536)
        except OSError:
            return b""

    def kill(self):
        self.process.kill()
        self.process.wait()

    def __enter__(self):
        return self

    def __exit__(self, *failure):
        self.kill()


class Desk:
    """An exchange, a store, and so many hosts."""

    def __init__(self, folder, names, *args):
        self.folder, self.sim, self.store, self.args = folder, Sim("--limit", LIMITS), Store(), args
        self.hosts = {}
        for name in names:
            self.add(name)

    def add(self, name, warm=True):
        gateway = Gateway(self.sim.url, self.folder / name, "--store", f"redis://127.0.0.1:{self.store.port}",
                          "--set", f"store.host={name}", "--set", "rate_ceiling=0", *self.args)
        self.hosts[name] = gateway
        if warm:
            assert fetch(gateway.port, "/api/v3/ping")[0] == 200
        return gateway

    def status(self, name):
        text = subprocess.run([WEIR, "status", "--json", "--region", self.folder / name], capture_output=True,
                              check=True).stdout
        return json.loads(text)

    def metric(self, name, wanted):
        """A metric without labels."""
        lines = fetch(self.hosts[name].port, "/weir/metrics")[2].decode().splitlines()
        return float(next(line for line in lines if line.startswith(wanted + " ")).split()[1])

    def refused(self):
        books = self.sim.books()
        assert books["status418"] == books["status403"] == books["duringBan"] == 0
        return books["status429"]

    def windows(self):
        spot = self.sim.pool()
        return {w["window"]: w["used"] for w in [*spot["windows"], spot["now"]]}

    def __enter__(self):
        return self

    def __exit__(self, *failure):
        for program in (*self.hosts.values(), self.sim):
            program.__exit__(*failure)
        self.store.kill()


class Load:
    """Connections that ask for weight 2 again and again, as soon as they are answered."""

    def __init__(self, gateway, connections=8):
        self.port, self.stopped, self.statuses = gateway.port, threading.Event(), []
        self.threads = [threading.Thread(target=self.work) for _ in range(connections)]
        for thread in self.threads:
            thread.start()

    def work(self):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        while not self.stopped.is_set():
            try:
                connection.request("GET", "/api/v3/ticker/price?symbol=BTCUSDT",
                                   headers={"X-Weir-Class": "market", "X-Weir-Max-Wait": "4000"})
                reply = connection.getresponse()
                reply.read()
                self.statuses.append(reply.status)
            except (OSError, http.client.HTTPException):
                connection.close()
                time.sleep(0.05)
        connection.close()

    def stop(self):
        self.stopped.set()
        for thread in self.threads:
            thread.join()


def turn():
    """At the beginning of a window. Returns its number."""
    now = time.time()
    number = int(now // SPAN_S) + 1
    time.sleep(number * SPAN_S - now + 0.01)
    return number


def both_know(desk, n):
    eventually(lambda: all(desk.status(name)["hosts"]["seen"] == n for name in desk.hosts))


def used_of(desk, first, n):
    """Of n whole windows, as parts of the limit; nothing was ever counted above it, or refused for it."""
    windows = desk.windows()
    assert desk.refused() == 0 and max(windows.values()) <= LIMIT, windows
    return [windows[w] / LIMIT for w in range(first, first + n)]


@pytest.fixture(scope="module")
def desk(tmp_path_factory):
    with Desk(tmp_path_factory.mktemp("desk"), ["one", "two", "three"], "--set", "store.grace=3s") as desk:
        both_know(desk, 3)
        yield desk


def test_hosts_use_all_of_one_budget_and_no_more(desk):
    loads = [Load(gateway) for gateway in desk.hosts.values()]
    first = turn() + 1
    time.sleep(3 * SPAN_S)
    for load in loads:
        load.stop()
    assert sum(used_of(desk, first, 2)) >= 0.95 * 2


def test_without_the_store_each_goes_on_with_its_share_and_comes_back(desk):
    loads = [Load(gateway) for gateway in desk.hosts.values()]
    # They have been at it for a whole window, and what is expected of them is known.
    turn()
    turn()
    desk.store.kill()
    for gateway in desk.hosts.values():
        eventually(lambda g=gateway: g.logged("store_away"))
    assert desk.status("one")["hosts"]["away_for_s"] is not None
    assert desk.metric("one", "weir_store_up") == 0
    first = turn()
    time.sleep(SPAN_S + 0.1)
    desk.store.start()
    for gateway in desk.hosts.values():
        eventually(lambda g=gateway: g.logged("store_back"), 5)
    turn()
    for load in loads:
        load.stop()
    assert used_of(desk, first, 1)[0] >= 0.3
    assert desk.status("one")["hosts"]["away_for_s"] is None
    assert desk.metric("one", "weir_store_up") == 1


def test_a_wiped_store_that_waits_for_a_host_says_so_everywhere(desk):
    silent = desk.hosts["three"].process
    silent.send_signal(signal.SIGSTOP)
    try:
        desk.store.kill()
        desk.store.start()
        eventually(lambda: desk.status("one")["hosts"]["waits_for_s"] is not None)
        eventually(lambda: desk.metric("one", "weir_store_waits_seconds") > 0)
        assert desk.metric("one", "weir_store_up") == 1
        assert desk.hosts["one"].logged("store_waits")
        # Its name was lost with the books.
        waits_for = f"the store came back, and has not heard from {desk.status('three')['hosts']['host']}"
        eventually(lambda: json.loads(fetch(desk.hosts["one"].port, "/weir/api/now")[2])["store"]["why"] == waits_for)
        text = subprocess.run([WEIR, "status", "--region", desk.folder / "one"], capture_output=True, check=True).stdout
        assert b"until other hosts have told it" in text
    finally:
        silent.send_signal(signal.SIGCONT)
    eventually(lambda: desk.status("one")["hosts"]["waits_for_s"] is None, 20)
    assert desk.metric("one", "weir_store_waits_seconds") == 0
    eventually(lambda: desk.hosts["one"].logged("store_grants"))
    assert int(desk.hosts["one"].logged("store_grants")[-1].split("for_ms=")[1].split()[0]) > 0


def test_who_asks_alone_gets_what_the_others_do_not_need(desk):
    granted = desk.status("two")["counters"]["store_grants"]
    load = Load(desk.hosts["two"], 12)
    first = turn() + 1
    time.sleep(3 * SPAN_S)
    load.stop()
    # A third of it is its share.
    assert sum(used_of(desk, first, 2)) >= 0.9 * 2
    assert desk.status("two")["counters"]["store_grants"] > granted


def test_a_host_that_is_dead_is_forgotten_and_comes_back(desk):
    desk.hosts["one"].kill()
    eventually(lambda: desk.status("two")["hosts"]["seen"] == 2, 15)
    assert desk.hosts["two"].logged("host_gone")
    desk.add("one")
    eventually(lambda: desk.status("two")["hosts"]["seen"] == 3, 5)


def test_a_ban_of_one_host_is_obeyed_by_the_others_at_once(desk):
    def verdict():
        return fetch(desk.hosts["two"].port, "/api/v3/ping", headers={"X-Weir-Max-Wait": "0"})[1].get("x-weir-verdict")

    until_ms = int(time.time() * 1000) + 20000
    desk.sim.faults(f"* /api/v3/ping next 1 error 418 -1003 Way too much request weight used; IP banned until {until_ms}.")
    assert fetch(desk.hosts["one"].port, "/api/v3/ping")[0] in (418, 429)
    began = time.monotonic()
    eventually(lambda: verdict() == "ban")
    # By the news, not when it would have asked for something else: every ten seconds.
    assert time.monotonic() - began < 5
    # Who starts now knows it before its first packet.
    late = desk.add("late", warm=False)
    n = len(desk.sim.requests())
    status, headers, _ = fetch(late.port, "/api/v3/ping", headers={"X-Weir-Max-Wait": "0"})
    assert (status, headers["x-weir-verdict"], len(desk.sim.requests())) == (429, "ban", n)


def test_another_gateway_of_the_region_takes_over(desk):
    eventually(lambda: desk.hosts["one"].logged("store_up"))
    second = Gateway(desk.sim.url, desk.folder / "one", "--store", f"redis://127.0.0.1:{desk.store.port}")
    desk.hosts["second"] = second
    assert not second.logged("store_up")
    desk.hosts["one"].kill()
    eventually(lambda: second.logged("keeper") and second.logged("store_up"))


def shares(region):
    """What the host may use of windows that it has not spoken about, of each budget."""
    text = subprocess.run([WEIR, "region", "show", "--json", "--region", region], capture_output=True, check=True).stdout
    leases = json.loads(text)["sections"]["leases"].values()
    return [int(lease.get("share", {}).get("0", "0"), 16) for lease in leases]


def test_who_ends_in_order_says_goodbye(tmp_path):
    """The grace is ten minutes: what is free sooner is so for the goodbye."""
    with Desk(tmp_path, ["one", "two"]) as desk:
        both_know(desk, 2)
        # Another gateway of the region goes on with what the host has.
        second = Gateway(desk.sim.url, tmp_path / "one", "--store", f"redis://127.0.0.1:{desk.store.port}")
        with second:
            assert desk.hosts["one"].stop() == 0
            assert not desk.hosts["one"].logged("bye")
            eventually(lambda: second.logged("store_up"))
            assert second.stop() == 0
        assert second.logged("bye")
        eventually(lambda: desk.status("two")["hosts"]["seen"] == 1)
        load = Load(desk.hosts["two"], 12)
        first = turn() + 1
        time.sleep(2 * SPAN_S)
        load.stop()
        assert used_of(desk, first, 1)[0] >= 0.5
        # Nobody speaks for it: who is on the region gets nothing.
        assert not any(shares(tmp_path / "one"))
        desk.add("one", warm=False)
        both_know(desk, 2)


def test_a_copied_region_becomes_a_host_of_its_own(tmp_path):
    """Two would have one number and one share, and use it twice."""
    with Desk(tmp_path, ["one"]) as desk:
        eventually(lambda: sum(shares(tmp_path / "one")) > 0)
        # Nothing has been said since: the copy is the first to speak under the number, so the original hears of it.
        shutil.copy(tmp_path / "one", tmp_path / "idle")
        idle = desk.add("idle", warm=False)
        loads = [Load(desk.hosts["one"]), Load(idle)]
        eventually(lambda: desk.hosts["one"].logged("host_renumbered") or idle.logged("host_renumbered"))
        eventually(lambda: desk.status("one")["hosts"]["seen"] == desk.status("idle")["hosts"]["seen"] == 2)
        # Of a host that is at work the copy is late, and hears of it before its first packet.
        shutil.copy(tmp_path / "one", tmp_path / "busy")
        turn()
        turn()
        busy = desk.add("busy", warm=False)
        assert busy.logged("host_renumbered")
        loads.append(Load(busy))
        both_know(desk, 3)
        first = turn() + 1
        time.sleep(2 * SPAN_S)
        for load in loads:
            load.stop()
        assert used_of(desk, first, 1)[0] >= 0.5
        numbers = {desk.status(name)["hosts"]["host"] for name in desk.hosts}
        assert len(numbers) == 3
