"""An upstream that fails again and again is left alone, asked by one probe, and used again; what was
sent before gets its true answer."""
import json
import socket
import subprocess
import threading
import time

from desk import Desk
from support import WEIR, ALICE, Gateway, RawUpstream, Sim, eventually, fetch, signed

BREAKER = ("--set", "breaker.threshold=5", "--set", "breaker.pause=600ms")


def status(folder):
    return json.loads(subprocess.run([WEIR, "status", "--json", "--region", str(folder / "region")],
                                     capture_output=True, check=True).stdout)


def warm(gateway, path="/api/v3/ping"):
    assert fetch(gateway.port, path)[0] == 200
    eventually(lambda: gateway.logged("limit"))


def fail_until_open(gateway, path="/api/v3/depth?symbol=BTCUSDT&limit=5", most=12):
    for _ in range(most):
        fetch(gateway.port, path)
        if gateway.logged("breaker_open"):
            return
    raise AssertionError("it never opened")


def test_an_exchange_that_resets_is_left_alone_probed_once_and_used_again(tmp_path):
    with Sim() as sim, Gateway(sim.url, tmp_path / "region", *BREAKER) as gateway, \
            Gateway(sim.url, tmp_path / "region", *BREAKER) as other:
        warm(gateway)
        warm(other)
        sim.faults("* /api/* always reset unread")
        fail_until_open(gateway)
        sent, opened = len(sim.requests()), time.monotonic()
        # Both gateways refuse at once; an order too, certainly not sent.
        for port in (gateway.port, other.port):
            code, headers, body = fetch(port, "/api/v3/order?symbol=BTCUSDT", "DELETE")
            assert code == 503 and headers["x-weir-verdict"] == "breaker", (code, headers, body)
            assert json.loads(body)["code"] == -1001 and b"nothing was sent" in body
            assert 1 <= int(headers["retry-after"]) <= 2
        # Another product is another upstream.
        assert fetch(gateway.port, "/fapi/v1/ping")[0] == 200
        shown = status(tmp_path)
        assert [b["product"] for b in shown["breakers"]] == ["api"] and shown["breakers"][0]["failures"] >= 5
        assert shown["counters"]["refused_breaker"] >= 2 and shown["counters"]["breaker_opened"] >= 1
        text = subprocess.run([WEIR, "status", "--region", str(tmp_path / "region")],
                              capture_output=True, check=True, text=True).stdout
        assert "does not answer" in text
        # A probe in each pause, of whichever gateway, and nothing else.
        time.sleep(1.5)
        eventually(lambda: any(r["target"].startswith("/api") for r in sim.requests()[sent:]))
        spot = [r for r in sim.requests()[sent:] if r["target"].startswith("/api")]
        assert 1 <= len(spot) <= 1 + (time.monotonic() - opened) / 0.6 and {r["target"] for r in spot} == {"/api/v3/time"}, spot
        sim.faults("")
        eventually(lambda: not status(tmp_path)["breakers"])
        assert fetch(gateway.port, "/api/v3/ping")[0] == 200
        assert fetch(other.port, "/api/v3/ping")[0] == 200
        assert len(gateway.logged("breaker_closed") + other.logged("breaker_closed")) == 1


def test_an_exchange_that_stops_and_comes_back(tmp_path):
    with Sim() as sim:
        port = sim.port
        with Gateway(sim.url, tmp_path / "region", *BREAKER) as gateway:
            warm(gateway)
            sim.kill()
            fail_until_open(gateway)
            started = time.monotonic()
            assert fetch(gateway.port, "/api/v3/ping")[1]["x-weir-verdict"] == "breaker"
            assert time.monotonic() - started < 5
            with Sim("--listen", f"127.0.0.1:{port}"):
                eventually(lambda: fetch(gateway.port, "/api/v3/ping")[0] == 200)
                assert gateway.logged("breaker_closed")


def test_a_server_that_is_at_fault_opens_it_and_one_that_refuses_does_not(tmp_path):
    refusals = ["error 400 -1121 Invalid symbol.", "error 503 -1008 Server is currently overloaded with other requests."]
    with Sim() as sim, Gateway(sim.url, tmp_path / "region", *BREAKER) as gateway:
        warm(gateway)
        for fault in refusals:
            sim.faults(f"GET /api/v3/depth always {fault}")
            for _ in range(7):
                fetch(gateway.port, "/api/v3/depth?symbol=BTCUSDT&limit=5")
        assert not gateway.logged("breaker_open")
        sim.faults("GET /api/v3/depth always internal")
        fail_until_open(gateway)
        # The probe asks for the time, which works: closed again.
        eventually(lambda: gateway.logged("breaker_closed"))


def test_an_order_that_was_sent_gets_its_true_answer_while_it_is_open(tmp_path):
    with Sim() as sim, Gateway(sim.url, tmp_path / "region", *BREAKER) as gateway:
        warm(gateway)
        sim.faults("POST /api/v3/order always slow 900")
        answers = {}

        def place(name):
            query = signed({"symbol": "BTCUSDT", "side": "BUY", "type": "MARKET", "quantity": "0.001",
                            "newClientOrderId": name}, ALICE[1])
            answers[name] = fetch(gateway.port, "/api/v3/order?" + query, "POST",
                                  headers={"X-MBX-APIKEY": ALICE[0]})

        slow = threading.Thread(target=place, args=("slow",))
        slow.start()
        eventually(lambda: sim.admin("/sim/orders?clientOrderId=slow")["attempts"] == 1)
        sim.faults("POST /api/v3/order always reset executed\nGET /api/v3/depth always reset unread")
        place("broken")
        assert answers["broken"][1]["x-weir-verdict"] == "unknown", "sent, so its fate is unknown"
        fail_until_open(gateway)
        place("late")
        assert answers["late"][1]["x-weir-verdict"] == "breaker"
        slow.join()
        code, headers, body = answers["slow"]
        assert code == 200 and json.loads(body)["clientOrderId"] == "slow" and "x-weir-verdict" not in headers
        assert sim.admin("/sim/orders?clientOrderId=late")["attempts"] == 0
        assert sim.admin("/sim/orders?clientOrderId=broken")["attempts"] == 1


def test_an_order_is_never_the_probe(tmp_path):
    answers = {"time": "close"}

    class Upstream(RawUpstream):
        def _reply(self, connection, method, target, body):
            if answers["time"] == "close":
                with self.lock:
                    self.requests.append((method, target, [], body))
                return False
            return super()._reply(connection, method, target, body)

    with Upstream() as upstream, Gateway(upstream.url, tmp_path / "region", "--no-discovery", *BREAKER) as gateway:
        answers["time"] = "open"
        assert fetch(gateway.port, "/api/v3/ping")[0] == 200
        answers["time"] = "close"
        fail_until_open(gateway)
        before = len(upstream.seen())
        until = time.monotonic() + 1.2
        while time.monotonic() < until:
            code, headers, _ = fetch(gateway.port, "/api/v3/order", "DELETE", b"symbol=BTCUSDT")
            assert code == 503 and headers["x-weir-verdict"] == "breaker"
            time.sleep(0.01)
        assert {t for _, t, _, _ in upstream.seen()[before:]} == {b"/api/v3/time"}
        answers["time"] = "open"
        eventually(lambda: fetch(gateway.port, "/api/v3/order", "DELETE", b"symbol=BTCUSDT")[0] == 200)


def test_who_trades_straight_feeds_it_obeys_it_and_asks_before_an_order(tmp_path):
    with Sim() as sim, Gateway(sim.url, tmp_path / "region", "--set", "breaker.threshold=5",
                               "--set", "breaker.pause=900ms") as gateway:
        warm(gateway, "/fapi/v1/ping")
        desk = Desk(["--base", sim.url], tmp_path / "region")
        sim.faults("* /fapi/* always reset unread")
        fail_until_open(gateway, "/fapi/v1/depth?symbol=BTCUSDT&limit=5")
        sent = len(sim.requests())
        desk.run("place", "BTCUSDT", "buy", "0.01", "--type", "market", "--timeout", "200", "--lookup", "100")
        orders = [r for r in sim.requests()[sent:] if r["method"] == "POST"]
        assert not orders, "nothing was sent into it but questions"
        sim.faults("")
        # The exchange is back: whoever asks first finds out.
        assert desk.json("place", "BTCUSDT", "buy", "0.01", "--type", "market")["executed"] == "yes"
        eventually(lambda: not status(tmp_path)["breakers"])
