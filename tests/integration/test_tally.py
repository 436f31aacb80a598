"""Each request is counted once, and what was spent is what the exchange has counted."""
import http.client
import json
import os
import random
import re
import socket
import threading
import time
from collections import Counter

import pytest
from books import Desk, early, status
from support import ALICE, BOB, Gateway, Sim, eventually, fetch, signed

SAMPLE = re.compile(r'^(\w+)\{(.*)\} ([0-9.e+]+)$', re.M)


def ask(gateway, path):
    status, _, body = fetch(gateway.port, path)
    assert status == 200, (path, body)
    return json.loads(body)


def spenders(gateway, by):
    rows = ask(gateway, f"/weir/api/spenders?by={by}")["rows"]
    return {row["name"]: row for row in rows}


def metrics(gateway, family):
    """Label to value, of a family with one label."""
    text = fetch(gateway.port, "/weir/metrics")[2].decode()
    return {labels.split('"')[1]: int(float(value)) for name, labels, value in SAMPLE.findall(text)
            if name == family and float(value) > 0}


def spend(desk, name, depths, orders, key):
    """Each client asks for order books of a size of its own, so that the exchange's list shows who it was."""
    own = {"X-Weir-Client": name, "X-MBX-APIKEY": key[0]}
    for i in range(depths):
        path = f"/api/v3/depth?symbol=BTCUSDT&limit={len(name) * 10}"
        assert fetch(desk.gateway.port, path, headers=own)[0] == 200
    for i in range(orders):
        order = signed({"symbol": "BTCUSDT", "side": "BUY", "type": "LIMIT", "timeInForce": "GTC",
                        "quantity": "0.001", "price": "50000", "newClientOrderId": f"{name}-{i}"}, key[1])
        assert fetch(desk.gateway.port, "/api/v3/order?" + order, "POST", headers=own)[0] == 200
    desk.get("/fapi/v1/depth?symbol=BTCUSDT")


def test_what_three_clients_spend_is_what_the_exchange_counted(tmp_path):
    with Desk(tmp_path) as desk:
        clients = [("a", 40, 5, ALICE), ("bb", 25, 10, ALICE), ("ccc", 10, 0, BOB)]
        threads = [threading.Thread(target=spend, args=(desk, *client)) for client in clients]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        desk.agree()
        by_client, by_class = spenders(desk.gateway, "client"), spenders(desk.gateway, "class")
        by_account, by_endpoint = spenders(desk.gateway, "account"), spenders(desk.gateway, "endpoint")
        used = {b["pool"]: b["used"] for b in desk.sim.books()["books"] if b["used"]}
        seen = Counter()
        for request in desk.sim.requests():
            target = request["target"]
            for name, *_ in clients:
                seen[name] += f"&limit={len(name) * 10}" in target or f"newClientOrderId={name}-" in target
            seen["depth"] += target.startswith("/api/v3/depth")
            seen["all"] += 1

        assert {name: by_client[name]["requests"] for name, *_ in clients} == {
            name: seen[name] for name, *_ in clients}
        assert [by_client[name]["orders"] for name, *_ in clients] == [5, 10, 0]
        assert [by_client[name]["weight"] for name, *_ in clients] == [200, 125, 50]
        for rows in (by_client, by_class, by_account, by_endpoint):
            assert sum(row["weight"] for row in rows.values()) == used["spot"] + used["futures"]
            assert sum(row["requests"] for row in rows.values()) == seen["all"]
            assert abs(sum(row["share"] for row in rows.values()) - 1) < 1e-9
        assert by_endpoint["GET /api/v3/depth"]["requests"] == seen["depth"]
        assert by_account["SimKeyAl..."]["orders"] == 15

        windows = ask(desk.gateway, "/weir/api/history?by=client&pool=spot-weight")
        assert windows["step_ms"] == 300000 and windows["limits"][-1] == 6000
        assert {s["name"]: s["weight"][-1] for s in windows["series"] if s["name"] in by_client}.items() >= {
            "a": 200, "bb": 125, "ccc": 50}.items()
        assert metrics(desk.gateway, "weir_outcomes_total") == {"ok": seen["all"]}


def leave(gateway, path, fields=""):
    """Asks, and is gone before there can be an answer."""
    with socket.create_connection(("127.0.0.1", gateway.port)) as s:
        s.sendall(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n{fields}\r\n".encode())
        time.sleep(0.1)


def test_every_way_out_is_counted_once(tmp_path):
    depth = "/api/v3/depth?symbol=BTCUSDT&limit=5000"  # 250; what is left of 760 after two is too little
    early()
    with Sim("--limit", "spot-weight=760/5m") as sim, \
            Gateway(sim.url, tmp_path / "region", "--set", "max_wait=2s", "--set", "breaker.threshold=0",
                    "--set", "retry.base_backoff=50ms") as gateway:
        def get(path, **fields):
            return fetch(gateway.port, path, headers={f"X-Weir-{k}".replace("_", "-"): v for k, v in fields.items()})

        asked = 0
        for path, status in [("/api/v3/ping", 200), ("/nothing", 404), ("/api/v3/%64epth", 400),
                             ("/api/v3/depth?symbol=BTCUSDT", 200), ("/api/v3/depth?symbol=NOSUCH", 400),
                             ("/api/v3/unheard_of", 404)]:
            assert get(path)[0] == status, path
            asked += 1
        eventually(lambda: gateway.logged("limit"))
        assert get("/api/v3/time", Class="nothing")[0] == 400
        # A window is full: refused late; one that would wait for the next leaves.
        for _ in range(2):
            assert get(depth)[0] == 200
        assert get(depth, Max_Wait="0")[0] == 429
        leave(gateway, depth, "X-Weir-Max-Wait: 600000\r\n")
        asked += 5
        # A kept connection dies under a read, which is asked for again; a reply breaks off.
        price = "/api/v3/ticker/price?symbol=BTCUSDT"
        for fault, answer in [("reset unread", 200), ("error 500 -1000 An unknown error", 500), ("half", None)]:
            sim.faults(f"GET /api/v3/ticker/price next 1 {fault}")
            try:
                assert get(price)[0] == answer
            except (http.client.HTTPException, OSError):
                assert answer is None
            asked += 1
        sim.kill()
        assert get("/api/v3/ping")[0] == 503
        asked += 1

        eventually(lambda: sum(metrics(gateway, "weir_outcomes_total").values())
                   - spenders(gateway, "client").get("(weir)", {}).get("requests", 0) >= asked)
        outcomes = metrics(gateway, "weir_outcomes_total")
        own = spenders(gateway, "client")["(weir)"]["requests"]
        assert sum(outcomes.values()) - own == asked, outcomes
        own_ways = {"ok": 5, "error": 3, "refused": 4, "gone": 1, "unknown": 1, "not_sent": 1}
        assert {k: v - own * (k == "ok") for k, v in outcomes.items()} == own_ways
        assert metrics(gateway, "weir_refusals_total") == {
            "no_product": 1, "bad_path": 1, "bad_field": 1, "late": 1, "unsent": 1}
        assert sum(metrics(gateway, "weir_class_retries_total").values()) == 1
        answers = metrics(gateway, "weir_answers_total")
        assert answers.pop("ok") - own == 5 and answers == {"not_found": 1, "rejected": 1, "failed": 2}
        assert sum(metrics(gateway, "weir_class_requests_total").values()) == sum(outcomes.values())


@pytest.mark.parametrize("shadow", [(), ("--set", "shadow=on")], ids=["obeyed", "shadow"])
def test_over_many_windows_nothing_is_counted_twice_or_lost(tmp_path, shadow):
    """Refused by the exchange and repeated, or passed on: each window's spending adds up to what was counted."""
    with Sim("--limit", "spot-weight=400/1s", "--ban", "0", "--record", "10000") as sim, \
            Gateway(sim.url, tmp_path / "region", *shadow) as gateway:
        fetch(gateway.port, "/api/v3/ping")
        eventually(lambda: gateway.logged("limit"))
        sim.faults("GET /api/v3/depth 4% error 429 -1003 Too much request weight used.")
        until, asked = time.monotonic() + 1.5, Counter()

        def poll(name):
            while time.monotonic() < until:
                fetch(gateway.port, "/api/v3/depth?symbol=BTCUSDT&limit=100", headers={"X-Weir-Client": name})
                asked[name] += 1
                time.sleep(0.005)

        threads = [threading.Thread(target=poll, args=(name,)) for name in ("a", "b", "c")]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        counted = sum(w["used"] for w in sim.pool()["windows"]) + sim.pool()["used"]
        over = sum(r["status"] == 429 for r in sim.requests(10000))
        rows = spenders(gateway, "client")
        assert {name: rows[name]["requests"] for name in asked} == asked
        assert sum(row["weight"] for row in rows.values()) == counted
        assert sum(row["over_limit"] for row in rows.values()) == over > 0
        if not shadow:
            assert sum(row["retries"] for row in rows.values()) == over
        history = ask(gateway, "/weir/api/history?by=class&top=12")
        assert history["step_ms"] == 1000
        assert sum(sum(s["weight"]) for s in history["series"]) <= counted
        assert sum(n or 0 for n in history["over_limit"]) == over


def test_in_a_mixed_run_every_request_ends_once(tmp_path):
    """Clients that leave at any moment, refusals at the door and later, and an exchange that dies under it all."""
    random.seed(20261126)
    with Sim("--limit", "spot-weight=600/1s", "--latency", "5~5") as sim, \
            Gateway(sim.url, tmp_path / "region", "--set", "breaker.threshold=0", "--set", "max_wait=300ms") as gateway:
        fetch(gateway.port, "/api/v3/ping")
        asked = ["/api/v3/depth?symbol=BTCUSDT&limit=500", "/api/v3/depth?symbol=BTCUSDT&limit=5000", "/api/v3/time",
                 "/nothing", "/api/v3/%74ime", "/api/v3/depth", "/sapi/v1/system/status"]
        until = time.monotonic() + 2

        def run(name, rng):
            while time.monotonic() < until:
                with socket.create_connection(("127.0.0.1", gateway.port), timeout=5) as s:
                    s.sendall(f"GET {rng.choice(asked)} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n"
                              f"X-Weir-Client: {name}\r\n\r\n".encode())
                    if rng.random() < 0.3:
                        time.sleep(rng.random() * 0.02)
                        continue
                    while s.recv(65536):
                        pass

        threads = [threading.Thread(target=run, args=(f"c{i}", random.Random(i))) for i in range(6)]
        for thread in threads:
            thread.start()
        time.sleep(1.2)
        sim.kill()
        for thread in threads:
            thread.join()

        def agree():
            outcomes = metrics(gateway, "weir_outcomes_total")
            own = metrics(gateway, "weir_client_requests_total")["(weir)"]
            return sum(outcomes.values()) - own == status(tmp_path / "region")["counters"]["requests"]

        eventually(agree)
        outcomes = metrics(gateway, "weir_outcomes_total")
        assert set(outcomes) >= {"ok", "error", "refused", "gone", "not_sent"}, outcomes
        for family in ("client", "class", "account", "endpoint"):
            assert sum(metrics(gateway, f"weir_{family}_requests_total").values()) == sum(outcomes.values()), family
        refused = sum(metrics(gateway, "weir_refusals_total").values())
        assert refused == outcomes["refused"] + outcomes["not_sent"]


def test_who_says_no_name_is_his_address_or_his_user(tmp_path):
    place = tmp_path / "socket"
    with Sim() as sim, Gateway(sim.url, tmp_path / "region", "--listen", f"unix:{place}") as gateway:
        fetch(gateway.port, "/api/v3/ping")
        with socket.socket(socket.AF_UNIX) as s:
            s.connect(str(place))
            s.sendall(b"GET /api/v3/ping HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            while s.recv(65536):
                pass
        rows = spenders(gateway, "client")
        assert rows.keys() == {"(weir)", "127.0.0.1", f"unix:uid {os.getuid()}"}


def test_what_others_use_is_in_the_windows(tmp_path):
    with Sim("--limit", "spot-weight=6000/1s") as sim, Gateway(sim.url, tmp_path / "region") as gateway:
        fetch(gateway.port, "/api/v3/ping")
        eventually(lambda: gateway.logged("limit"))
        sim.faults("foreign spot 1000")

        def foreign():
            fetch(gateway.port, "/api/v3/depth?symbol=BTCUSDT")
            return [n for n in ask(gateway, "/weir/api/history?by=class&pool=spot-weight")["foreign"] if n]

        eventually(foreign)
        assert max(foreign()) <= 1200


@pytest.mark.parametrize("path, status, says", [
    ("spenders?by=nobody", 400, "by must be one of"), ("spenders?minutes=0", 400, "minutes must be a number from 1"),
    ("spenders?top=100000", 400, "top must be"), ("history?by=nobody", 400, "by must be one of"),
    ("history?pool=no-such", 404, "pool"), ("history?step=year", 400, "step must be"), ("history?step=day", 404, "history.path"), ("history?top=0", 400, "top must be"),
    ("history?from_ms=x", 400, "from_ms must be"),
])
def test_what_cannot_be_shown_is_told_so(idle, path, status, says):
    got, _, body = fetch(idle.port, f"/weir/api/{path}")
    assert got == status and says in json.loads(body)["msg"], body


@pytest.fixture(scope="module")
def idle(tmp_path_factory):
    """Its history is off: what there is is in memory."""
    with Gateway("http://127.0.0.1:9", tmp_path_factory.mktemp("idle") / "region",
                 "--set", "history.path=off") as gateway:
        yield gateway


def test_nothing_that_happened_is_an_empty_table(idle):
    assert ask(idle, "/weir/api/spenders?by=account")["rows"] == []
    history = ask(idle, "/weir/api/history?by=client&step=window")
    assert history["series"] == [] and not any(history["foreign"])
