"""What changes is told to those who look on: how often, to whom, and what happens when the gateway goes."""
import http.client
import json
import os
import signal
import socket
import threading
import time

from support import Gateway, Sim, eventually, fetch
from watchers import Viewer

TICK = 0.25


def load(port, seconds, stop=None):
    """Asks one thing after the other. Returns how many."""
    asked = 0
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    until = time.monotonic() + seconds
    while time.monotonic() < until and not (stop and stop.is_set()):
        connection.request("GET", "/api/v3/ping")
        connection.getresponse().read()
        asked += 1
    connection.close()
    return asked


def by_both_books(viewer, sim):
    """What was shown last is used by the exchange's books too; it may count a question of weir's own meanwhile."""
    spot = next(b for b in viewer.named("now")[-1][3]["budgets"] if b["name"] == "spot-weight")
    books = sim.pool()
    return spot["used"] == next(w["used"] for w in [books["now"], *books["windows"]] if w["window"] == spot["number"])


def test_at_most_one_snapshot_in_a_quarter_of_a_second_and_none_when_nothing_changes(tmp_path):
    with Sim() as sim, Gateway(sim.url, tmp_path / "region") as gateway:
        # A time that begins to run is news, too.
        eventually(lambda: json.loads(fetch(gateway.port, "/weir/api/now")[2])["gateway"]["uptime_ms"] > 0)
        viewer = Viewer(gateway.port)
        eventually(lambda: viewer.named("now"))
        assert viewer.status == 200 and b"text/event-stream" in viewer.head
        time.sleep(5 * TICK)
        assert len(viewer.named("now")) == 1
        asked = load(gateway.port, 2)
        while len(viewer.named("now")) < 8:
            asked += load(gateway.port, 0.25)
        # Never more often than there are ticks, and as often as that where the machine lets it.
        told = [e[3]["gateway"]["uptime_ms"] for e in viewer.named("now")[1:]]
        gaps = [b - a for a, b in zip(told, told[1:])]
        assert 200 <= min(gaps) < 2000 * TICK, gaps
        # What it shows is what happened: the region's books, and the exchange's.
        eventually(lambda: viewer.named("now")[-1][3]["counters"]["requests"]
                   == json.loads(fetch(gateway.port, "/weir/api/now")[2])["counters"]["requests"])
        eventually(lambda: by_both_books(viewer, sim))
        assert viewer.named("now")[-1][3]["counters"]["sent"] >= asked
        assert viewer.named("happened") and [e[2] for e in viewer.named("happened")] == sorted(
            {e[2] for e in viewer.named("happened")})
        viewer.close()


def test_who_comes_back_after_a_crash_goes_on_where_it_was(tmp_path):
    with Sim() as sim:
        with Gateway(sim.url, tmp_path / "region") as gateway:
            viewer = Viewer(gateway.port)
            fetch(gateway.port, "/api/v3/nothing")
            eventually(lambda: viewer.named("happened"))
            port, last = gateway.port, viewer.named("happened")[-1][2]
            gateway.kill()
            eventually(lambda: viewer.is_over)
        with Gateway(sim.url, tmp_path / "region", "--listen", f"127.0.0.1:{port}") as gateway:
            again = Viewer(port, {"Last-Event-ID": last})
            fetch(port, "/api/v3/nothing")
            eventually(lambda: again.named("now") and again.named("happened"))
            assert all(e[2] > last for e in again.named("happened"))
            # And once more, in the same life: only what is new.
            eventually(lambda: again.named("happened")[-1][3]["event"] == "limit")
            seen = again.named("happened")[-1][2]
            third = Viewer(port, {"Last-Event-ID": seen})
            fetch(port, "/api/v3/nowhere")
            eventually(lambda: third.named("happened"))
            assert third.named("happened")[0][2] == seen + 1
            after = json.loads(fetch(port, f"/weir/api/events?after={seen}")[2])["events"]
            assert after[0]["id"] == seen + 1 and after[0]["event"] == "unknown_endpoint"
            assert fetch(port, "/weir/api/events?after=x")[0] == 400
            again.close()
            third.close()


def test_sixty_four_may_look_on_and_none_of_them_holds_up_the_end(tmp_path):
    with Sim("--latency", "10") as sim, Gateway(sim.url, tmp_path / "region") as gateway:
        # One of them takes nothing at all.
        idle = socket.create_connection(("127.0.0.1", gateway.port))
        idle.sendall(b"GET /weir/api/live HTTP/1.1\r\nHost: localhost\r\n\r\n")
        viewers = [Viewer(gateway.port) for _ in range(63)]
        eventually(lambda: all(v.named("now") for v in viewers))
        status, fields, text = fetch(gateway.port, "/weir/api/live")
        assert status == 503 and "64 look on already" in json.loads(text)["msg"] and fields["retry-after"] == "5"
        # One goes, and another may come.
        viewers.pop().close()
        eventually(lambda: json.loads(fetch(gateway.port, "/weir/api/now")[2])["gateway"]["connections"] == 64)
        viewers.append(Viewer(gateway.port))
        eventually(lambda: viewers[-1].status == 200)
        # A reload keeps them.
        gateway.process.send_signal(signal.SIGHUP)
        eventually(lambda: all(any(e[3]["event"] == "reloaded" for e in v.named("happened")) for v in viewers))
        stop = threading.Event()
        loader = threading.Thread(target=load_until_refused, args=(gateway.port, stop))
        loader.start()
        time.sleep(0.3)
        began = time.monotonic()
        assert gateway.stop() == 0
        assert time.monotonic() - began < 8
        stop.set()
        loader.join()
        for v in viewers:
            v.join(5)
            assert v.is_over and v.named("now")[-1][3]["gateway"]["state"] == "draining"
        idle.close()


def test_who_looks_on_does_not_keep_a_gateway_from_handing_over(tmp_path):
    config = tmp_path / "weir.yaml"
    config.write_text("timeouts: {handover: 20s, drain: 20s}\n")
    with Sim() as sim, socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        with Gateway(sim.url, tmp_path / "region", "--config", str(config), sockets={"main": listener}) as gateway:
            viewer = Viewer(port)
            eventually(lambda: viewer.named("now"))
            idle = socket.create_connection(("127.0.0.1", port))
            idle.sendall(b"GET /weir/api/live HTTP/1.1\r\nHost: localhost\r\n\r\n")
            eventually(lambda: json.loads(fetch(port, "/weir/api/now")[2])["gateway"]["connections"] == 3)
            began = time.monotonic()
            assert gateway.stop() == 0
            # Not even for one that neither reads nor closes.
            assert time.monotonic() - began < 8
            viewer.join(5)
            assert viewer.named("now")[-1][3]["gateway"]["state"] == "draining"
            idle.close()
        with Gateway(sim.url, tmp_path / "region", sockets={"main": listener}):
            again = Viewer(port, {"Last-Event-ID": 1})
            eventually(lambda: again.named("now"))
            again.close()


def load_until_refused(port, stop):
    try:
        load(port, 10, stop)
    except (OSError, http.client.HTTPException):
        pass


def test_who_is_slow_is_left_out_and_costs_nothing(tmp_path):
    with Sim() as sim, Gateway(sim.url, tmp_path / "region") as gateway:
        slow = socket.socket()
        slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        slow.connect(("127.0.0.1", gateway.port))
        slow.sendall(b"GET /weir/api/live HTTP/1.1\r\nHost: localhost\r\n\r\n")
        quick = Viewer(gateway.port)
        eventually(lambda: quick.named("now"))
        before = resident(gateway)
        load(gateway.port, 1.5)
        while len(quick.named("now")) < 3:
            load(gateway.port, 0.25)
        assert resident(gateway) - before < 8 << 20
        # It gets the newest when it has taken what it was given.
        slow.settimeout(5)
        newest = lambda: b'"requests":%d' % json.loads(fetch(gateway.port, "/weir/api/now")[2])["counters"]["requests"]
        text, wanted = b"", newest()
        until = time.monotonic() + 10
        while wanted not in text:
            text += slow.recv(65536)
            assert time.monotonic() < until
        slow.close()
        quick.close()


def resident(gateway):
    with open(f"/proc/{gateway.process.pid}/statm", encoding="ascii") as f:
        return int(f.read().split()[1]) * os.sysconf("SC_PAGESIZE")
