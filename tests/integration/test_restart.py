"""A gateway that dies forgets nothing: no 429 after a restart, not one packet into a ban."""
import json
import subprocess
import sys
import threading
import time
from pathlib import Path

from support import WEIR, Gateway, RawUpstream, Sim, eventually, fetch

GREEDY = str(Path(__file__).with_name("greedy.py"))


def fetch_or_not(port, target):
    try:
        fetch(port, target)
    except OSError:
        pass


def flood(url, seconds, seed=1):
    return subprocess.Popen([sys.executable, GREEDY, url, str(seconds), str(seed), "8"],
                            stdout=subprocess.DEVNULL)


def test_killed_in_mid_window_and_restarted_there_is_no_429(tmp_path):
    region = tmp_path / "region"
    with Sim("--limit", "spot-weight=600/4s,spot-orders=20/4s", "--latency", "20~15") as sim:
        # Ten lives of a gateway, each killed at another place of a window.
        for life in range(10):
            with Gateway(sim.url, region) as gateway:
                fetch(gateway.port, "/api/v3/ping")
                client = flood(gateway.url, 1.3, life)
                time.sleep(1.1)
                gateway.kill()
                client.kill()
                client.wait()
        with Gateway(sim.url, region) as gateway:
            flood(gateway.url, 9, 99).wait()
        books = sim.books()
        windows = sim.pool()["windows"]
    assert (books["status429"], books["status418"]) == (0, 0), windows
    assert sum(w["used"] for w in windows) > 1000


def counted(sim, name):
    """What the exchange has counted of that limit, in the windows that it remembers."""
    return {limit["window"]: limit["used"] for book in sim.books()["books"] for limit in book["limits"]
            if limit["name"] == name and limit["used"] > 0}


def in_region(region, name):
    shown = json.loads(subprocess.run([WEIR, "region", "show", "--json", "--region", region], check=True,
                                      capture_output=True, text=True).stdout)
    return {window["number"]: window["sent"] + window["extra"] for budget in shown["budgets"]
            if budget["name"] == name for window in budget["windows"]}


def test_the_first_question_for_the_time_is_charged_also_if_its_asker_is_killed(tmp_path):
    """In which window it counts is what it asks; and no header tells of spot's raw requests."""
    region = tmp_path / "region"
    with Sim("--latency", "400") as sim:
        for life in range(1, 4):
            with Gateway(sim.url, region) as gateway:
                threading.Thread(target=fetch_or_not, args=(gateway.port, "/api/v3/ping"), daemon=True).start()
                eventually(lambda n=life: len(sim.requests()) >= n)
                gateway.kill()
        assert all(r["target"].startswith("/api/v3/time") for r in sim.requests())
        with Gateway(sim.url, region) as gateway:
            assert fetch(gateway.port, "/api/v3/ping")[0] == 200
            time.sleep(1)
            books, ours = counted(sim, "spot-raw"), in_region(region, "spot-raw")
    assert sum(books.values()) >= 5
    assert sum(ours.values()) >= sum(books.values()), (books, ours)


def ban(gateway, sim):
    """Somebody else on this address goes too far; the gateway's next request meets the ban."""
    for _ in range(60):
        fetch(sim.port, "/api/v3/depth?symbol=BTCUSDT&limit=5000")
    eventually(lambda: fetch(gateway.port, "/api/v3/ping")[0] != 200)


def test_nothing_is_sent_into_a_ban_whoever_restarts(tmp_path):
    region = tmp_path / "region"
    with Sim("--limit", "spot-weight=1000/2s", "--ban", "8") as sim:
        with Gateway(sim.url, region) as gateway:
            assert fetch(gateway.port, "/api/v3/ping")[0] == 200
            ban(gateway, sim)
            status, headers, body = fetch(gateway.port, "/api/v3/ping", headers={"X-Weir-Max-Wait": "0"})
            assert status == 429 and headers["x-weir-verdict"] == "ban", (status, headers, body)
            assert 1 <= int(headers["retry-after"]) <= 9
            assert b"nothing was sent" in body
            gateway.kill()
        before = sim.books()["duringBan"]
        ends = sim.pool()["bans"][-1]["until"]
        with Gateway(sim.url, region) as gateway:
            # Eager clients, orders among them, all through the rest of the ban.
            client = flood(gateway.url, 1)
            while time.time() * 1000 < ends - 500:
                assert fetch(gateway.port, "/api/v3/order", "DELETE", b"symbol=BTCUSDT",
                             {"X-Weir-Max-Wait": "0"})[0] == 429
                time.sleep(0.1)
            assert sim.books()["duringBan"] == before
            # It opens by itself, by exactly one probe.
            eventually(lambda: fetch(gateway.port, "/api/v3/ping", headers={"X-Weir-Max-Wait": "0"})[0] == 200, 20)
            assert time.time() * 1000 > ends
            # What is logged comes by a pipe of its own.
            eventually(lambda: gateway.logged("probe"))
            assert len(gateway.logged("probe")) == 1
            client.wait()
        assert sim.books()["duringBan"] == before


def test_during_a_ban_not_even_a_connection_is_opened(tmp_path):
    banned = {}

    class Upstream(RawUpstream):
        """Bans once, for four seconds, and notes when somebody connects."""
        connects = []

        def _serve(self, connection):
            self.connects.append(time.time() * 1000)
            super()._serve(connection)

    def answer(method, target, body):
        if not banned:
            banned["until"] = int(time.time() * 1000) + 4000
            banned["from"] = time.time() * 1000
            text = b'{"code":-1003,"msg":"Way too many requests; IP banned until %d."}' % banned["until"]
            return b"HTTP/1.1 418 I\'m a teapot\r\nContent-Length: %d\r\n\r\n%s" % (len(text), text)
        return RawUpstream.OK

    with Upstream(answer) as upstream:
        with Gateway(upstream.url, tmp_path / "region", "--no-discovery", "--set", "pool.warm=4",
                     "--set", "pool.idle=500ms") as gateway:
            assert fetch(gateway.port, "/api/v3/depth?symbol=BTCUSDT")[0] == 418
            time.sleep(1)
            assert fetch(gateway.port, "/api/v3/ping", headers={"X-Weir-Max-Wait": "0"})[0] == 429
            gateway.kill()
        with Gateway(upstream.url, tmp_path / "region", "--no-discovery", "--set", "pool.warm=4") as gateway:
            assert fetch(gateway.port, "/fapi/v1/ping")[0] == 200  # another product is not banned
            status, headers, _ = fetch(gateway.port, "/api/v3/ping")  # waits until it is over
            assert status == 200 and time.time() * 1000 >= banned["until"]
        spot = [t for _, t, _, _ in upstream.seen() if t.startswith(b"/api")]
    assert spot.count(b"/api/v3/ping") == 2, spot  # the probe, and ours behind it
    quiet = [t for t in upstream.connects if banned["from"] + 300 < t < banned["until"]]
    assert len(quiet) <= 1 + 4 + 1, "only those of the futures, which are not banned"
