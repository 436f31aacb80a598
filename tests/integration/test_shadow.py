"""A gateway in shadow mode lets everything pass at once and unchanged, keeps true books, and reports what
it would have done."""
import json
import re
import signal
import subprocess
import threading
import time

from support import ALICE, WEIR, Gateway, RawUpstream, Sim, eventually, fetch, signed


def run(folder, *args):
    return subprocess.run([WEIR, "status", "--region", str(folder / "region"), *args], capture_output=True,
                          text=True)


def report(folder):
    return json.loads(run(folder, "--shadow", "--json").stdout)


def classes(shown):
    return {c["class"]: c for c in shown["classes"]}


def refusals(shown):
    return {(r["status"], r["code"]): r for r in shown["refused_by_exchange"]}


def start(upstream, folder, *args):
    return Gateway(upstream, folder / "region", "--shadow", *args)


def ask(gateway):
    """A fresh report, on request."""
    before = len(gateway.logged("shadow_report"))
    gateway.process.send_signal(signal.SIGUSR1)
    eventually(lambda: len(gateway.logged("shadow_report")) > before)


def weight(folder):
    shown = json.loads(run(folder, "--json").stdout)
    return [b for b in shown["budgets"] if b["name"] == "spot-weight"][0]


def test_what_would_wait_passes_at_once_and_is_charged_over_the_limit(tmp_path):
    with Sim("--limit", "spot-weight=240/3s", "--ban", "0") as sim, start(sim.url, tmp_path) as gateway:
        assert fetch(gateway.port, "/api/v3/ping")[0] == 200
        eventually(lambda: gateway.logged("limit"))
        time.sleep(3.1 - time.time() % 3)
        started = time.monotonic()
        answers = [fetch(gateway.port, f"/api/v3/depth?symbol=BTCUSDT&limit=500&n={i}") for i in range(12)]
        assert time.monotonic() - started < 2.5, "nobody waited"
        # The exchange's own refusals come as they are, and nothing of weir's is in any reply.
        told = [a[0] for a in answers]
        assert told.count(200) >= 8 and told.count(429) >= 2 and len(set(told)) == 2
        assert not any(name.startswith("x-weir") for a in answers for name in a[1])
        assert not any("weir" in json.loads(a[2]).get("msg", "") for a in answers if a[0] == 429)
        # Nothing was sent twice, and nothing more than what clients sent.
        seen = [r["target"] for r in sim.requests() if "depth" in r["target"]]
        assert len(seen) == len(set(seen)) == 12
        assert weight(tmp_path)["used"] >= 300
        assert weight(tmp_path)["in_flight"] == 0
        ask(gateway)
        shown = report(tmp_path)
    market = classes(shown)["market"]
    assert shown["requests"] == 13 and market["requests"] + classes(shown)["reconcile"]["requests"] == 13
    # The class may use four fifths of it at first, at 25 each.
    assert 3 <= market["delayed"] <= 5 and market["refused"] == 0
    assert 500 < market["longest_wait_ms"] <= 6100 and sum(market["waits"].values()) == market["delayed"]
    over = refusals(shown)[(429, -1003)]
    assert over["seen"] == told.count(429) and over["prevented"] == over["seen"]
    assert shown["estimated_yield"]["with_weir_pct"] == 100 > shown["estimated_yield"]["without_weir_pct"]


def test_what_would_be_refused_is_told_with_examples(tmp_path):
    with Sim("--limit", "spot-weight=240/3s", "--ban", "0") as sim, start(sim.url, tmp_path) as gateway:
        fetch(gateway.port, "/api/v3/ping")
        eventually(lambda: gateway.logged("limit"))
        time.sleep(3.1 - time.time() % 3)
        impatient = {"X-Weir-Max-Wait": "100"}
        for _ in range(12):
            fetch(gateway.port, "/api/v3/depth?symbol=BTCUSDT&limit=500", headers=impatient)
        assert fetch(gateway.port, "/api/v3/depth?symbol=BTCUSDT&limit=5000")[0] in (200, 429)
        assert fetch(gateway.port, "/api/v3/ping", headers={"X-Weir-Class": "urgent"})[0] in (200, 429)
        gateway.stop()
        shown = report(tmp_path)
    reasons = {r["reason"]: r for r in shown["would_have_refused"]}
    assert 3 <= reasons["late"]["requests"] <= 5 and reasons["never"]["requests"] == 1
    assert reasons["bad_field"]["requests"] == 1
    example = reasons["late"]["examples"][0]
    assert example["request"] == "GET /api/v3/depth" and example["class"] == "market" and example["room_in_ms"] > 0
    assert abs(example["at_ms"] / 1000 - time.time()) < 60
    text = run(tmp_path, "--shadow").stdout
    assert "would have been refused (late)" in text and "GET /api/v3/depth market" in text
    assert re.search(r"exchange answered 429 \(-1003\): \d+ times, of which weir would have prevented \d+", text)
    assert re.search(r"served [0-9.]+ %; through weir it would be [0-9.]+ %", text)


def test_bans_and_stops_are_recorded_and_not_enforced(tmp_path):
    with Sim() as sim, start(sim.url, tmp_path, "--no-discovery") as gateway:
        assert fetch(gateway.port, "/api/v3/ping")[0] == 200
        until = int(time.time() * 1000) + 3000
        sim.faults(f"GET /api/v3/depth next 1 error 418 -1003 Way too many requests; IP banned until {until}.")
        assert fetch(gateway.port, "/api/v3/depth?symbol=BTCUSDT")[0] == 418
        gates = json.loads(run(tmp_path, "--json").stdout)["gates"]
        assert [g["kind"] for g in gates] == ["ban"]
        assert fetch(gateway.port, "/api/v3/depth?symbol=BTCUSDT&limit=5")[0] == 200, "it passes all the same"
        sim.faults("GET /api/v3/klines next 1 error 429 -1003 Too much request weight used.")
        assert fetch(gateway.port, "/api/v3/klines?symbol=BTCUSDT&interval=1m")[0] == 429
        ask(gateway)
        shown = report(tmp_path)
        # The first was nobody's fault that weir knows of; into the ban it would have sent nothing.
        assert refusals(shown)[(418, -1003)] == {"status": 418, "code": -1003, "seen": 1, "prevented": 0}
        assert refusals(shown)[(429, -1003)]["prevented"] == 1
        assert sum(c["delayed"] for c in shown["classes"]) == 2, "they would have waited for its end"
        assert len([r for r in sim.requests() if "klines" in r["target"]]) == 1


def test_bytes_pass_unchanged_both_ways(tmp_path):
    reply = b"HTTP/1.1 200 Fine\r\nX-Odd:  a b\r\nContent-Length: 4\r\n\r\n\x00\xff{}"
    with RawUpstream(lambda *_: reply) as upstream, start(upstream.url, tmp_path, "--no-discovery") as gateway:
        # A path that weir would not take, and fields that it does not know.
        status, headers, body = fetch(gateway.port, "/api/v3/order?a=%2f%20&&signature=0", "POST",
                                      b"symbol=\xc3\xa4&x", {"X-Odd": "1"})
        assert (status, body) == (200, b"\x00\xff{}") and headers["x-odd"] == "a b"
        assert not any(name.startswith("x-weir") for name in headers)
        assert fetch(gateway.port, "/api/v3/%64epth")[0] == 200
        (method, target, fields, sent), (_, odd, _, _) = upstream.seen()
        assert (method, target, sent) == (b"POST", b"/api/v3/order?a=%2f%20&&signature=0", b"symbol=\xc3\xa4&x")
        assert b"X-Odd: 1" in fields and odd == b"/api/v3/%64epth"
        ask(gateway)
        shown = report(tmp_path)
    assert "signature" not in json.dumps(shown)
    assert {r["reason"]: r["requests"] for r in shown["would_have_refused"]} == {"bad_path": 1}


def test_an_order_is_sent_once_whatever_happens_to_it(tmp_path):
    with Sim() as sim, start(sim.url, tmp_path) as gateway:
        fetch(gateway.port, "/fapi/v1/ping")
        sim.faults("POST /fapi/v1/order next 1 error 429 -1015 Too many new orders.\n")

        def order(name):
            query = signed({"symbol": "BTCUSDT", "side": "BUY", "type": "MARKET", "quantity": "0.002",
                            "newClientOrderId": name}, ALICE[1])
            return fetch(gateway.port, "/fapi/v1/order?" + query, "POST", headers={"X-MBX-APIKEY": ALICE[0]})

        status, _, body = order("limited")
        assert status == 429 and json.loads(body)["code"] == -1015
        sim.faults("POST /fapi/v1/order next 1 reset executed\n")
        assert order("broken")[0] == 502
        for name in ("limited", "broken"):
            assert sim.admin(f"/sim/orders?clientOrderId={name}")["attempts"] == 1
        ask(gateway)
        shown = report(tmp_path)
    assert refusals(shown)[(429, -1015)]["seen"] == 1 and shown["would_have_retried"] == 1


def test_a_thousand_at_once_are_not_held_back(tmp_path):
    with Sim("--limit", "spot-weight=2000/4s") as sim, start(sim.url, tmp_path, "--set", "rate_ceiling=20") as gateway:
        fetch(gateway.port, "/api/v3/ping")
        eventually(lambda: gateway.logged("limit"))
        statuses = []
        threads = [threading.Thread(target=lambda: statuses.extend(
            fetch(gateway.port, "/api/v3/ping")[0] for _ in range(25))) for _ in range(16)]
        started = time.monotonic()
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        took = time.monotonic() - started
        ask(gateway)
        shown = report(tmp_path)
    assert statuses == [200] * 400 and took < 15, took
    assert classes(shown)["reconcile"]["delayed"] + classes(shown)["market"]["delayed"] > 50


def test_there_is_no_report_without_a_shadow(tmp_path):
    with Sim() as sim, Gateway(sim.url, tmp_path / "region") as gateway:
        gateway.process.send_signal(signal.SIGUSR1)
        eventually(lambda: gateway.logged("shadow_report"))
        result = run(tmp_path, "--shadow")
        assert result.returncode == 1 and result.stderr.startswith("weir: status: no shadow report")
