"""/weir/metrics as its readers want it, and bounded; /weir/healthz and /weir/readyz."""
import csv
import http.client
import json
import re
import signal
import socket
import subprocess
import threading
import time

import pytest
from prometheus import IS_THERE
from support import ALICE, IS_SANITIZED, ROOT, Gateway, RawUpstream, Sim, eventually, fetch, signed
from watchers import ACT, MEANT, tokens

OPENMETRICS = "application/openmetrics-text; version=1.0.0; charset=utf-8"
ODD = "bot \"1\" \\ two"  # as a client may call itself, or not


def scrape(gateway, accept=None):
    status, headers, body = fetch(gateway.port, "/weir/metrics", headers={"Accept": accept} if accept else {})
    assert status == 200, body
    return headers, body.decode()


def series(text):
    """{name with labels: value}"""
    found = {}
    for line in text.splitlines():
        if not line.startswith("#"):
            name, _, value = line.rpartition(" ")
            assert name not in found, line
            found[name] = float(value)
    return found


def use(gateway):
    order = {"symbol": "BTCUSDT", "side": "BUY", "type": "LIMIT", "timeInForce": "GTC", "quantity": "0.001", "price": "10000.00"}
    fetch(gateway.port, "/api/v3/order?" + signed(order, ALICE[1]), "POST", headers={"X-MBX-APIKEY": ALICE[0]})
    for path in ("/api/v3/depth?symbol=BTCUSDT&limit=5", "/api/v3/depth?symbol=NOSUCH", "/fapi/v1/time", "/api/v3/nonsense",
                 "/sapi/v1/system/status", "/sapi/v1/capital/config/getall"):
        fetch(gateway.port, path, headers={"X-Weir-Client": ODD})
    fetch(gateway.port, "/api/v3/ping", headers={"X-Weir-Max-Wait": "0"})


def judged(gateway):
    """What a scrape has, when a strict reader of each form has taken it."""
    parser = pytest.importorskip("prometheus_client.openmetrics.parser")
    headers, classic = scrape(gateway)
    assert headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8" and "# EOF" not in classic
    done = subprocess.run(["promtool", "check", "metrics"], input=classic, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout + done.stderr) == (0, "")
    headers, text = scrape(gateway, OPENMETRICS)
    assert headers["content-type"] == OPENMETRICS and text.endswith("\n# EOF\n")
    assert series(classic).keys() == series(text).keys()
    return text, {f.name: f for f in parser.text_string_to_metric_families(text)}


@pytest.mark.skipif(not IS_THERE, reason="no prometheus is installed")
def test_both_forms_are_what_their_readers_want_and_say_the_same(tmp_path):
    with Sim() as sim, Gateway(sim.url, tmp_path / "region") as gateway:
        use(gateway)
        text, families = judged(gateway)
        assert len(families) > 70
        assert families["weir_wait_seconds"].unit == "seconds" and families["weir_requests"].type == "counter"
        # Of a key and of what it signs there is nothing in them.
        for secret in (ALICE[0][:6], ALICE[1][:6], "signature"):
            assert secret not in text
        # Nor is a ban, or a product that does not answer, one thing too many.
        sim.faults("GET /api/v3/* always error 418 -1003 banned\n* /fapi/* always reset unread")
        fetch(gateway.port, "/api/v3/ping")
        for _ in range(10):
            fetch(gateway.port, "/fapi/v1/ping")
        _, families = judged(gateway)
        assert families["weir_gate_until_timestamp_seconds"].samples and families["weir_breaker_failures"].samples


def of_labels(found, family, **labels):
    """The one value of a family with these labels among its own."""
    values = [value for name, value in found.items() if name.startswith(family + "{") and
              all(f'{label}="{text}"' in name for label, text in labels.items())]
    assert len(values) == 1, (family, labels, values)
    return values[0]


def agree(gateway):
    now = json.loads(fetch(gateway.port, "/weir/api/now")[2])
    found = series(scrape(gateway)[1])
    pairs = [(found["weir_connections"], now["gateway"]["connections"]),
             (found[f'weir_gateway_state{{state="{now["gateway"]["state"]}"}}'], 1),
             (found["weir_region_slots_taken"], now["slots_taken"]),
             (found["weir_requests_total"], now["counters"]["requests"]),
             (found["weir_paused_clients"], len(now["paused"]["clients"])),
             (found["weir_front_requests_per_second"], 1000), (now["front"]["requests_per_second"], 1000)]
    for queue in now["queue"]:
        pairs.append((of_labels(found, "weir_queue_waiting", **{"class": queue["class"]}), queue["waiting"]))
        pairs.append((of_labels(found, "weir_queue_paused", **{"class": queue["class"]}), queue["paused"]))
    for budget in now["budgets"]:
        labels = {"pool": budget["name"], "owner": budget["owner"], "window": f'{budget["span_ms"] // 1000}s'}
        if budget["span_ms"] % 60000 == 0:
            continue  # two moments may lie in two of these, too; the short ones are enough
        for series_of in ("used", "ours", "held", "foreign", "limit"):
            pairs.append((of_labels(found, f"weir_budget_{series_of}", **labels), budget[series_of]))
    assert len(pairs) > 20
    return all(one == other for one, other in pairs)


def test_the_metrics_say_what_the_page_says(tmp_path):
    limits = "spot-weight=60/2s,spot-orders=100/2s,spot-raw=100000/2s"
    config = tokens(tmp_path, action_token_file=ACT)
    with Sim("--limit", limits) as sim, Gateway(sim.url, tmp_path / "region", "--config", str(config)) as gateway:
        use(gateway)
        assert fetch(gateway.port, "/weir/api/pause", "POST", b'{"client":"resting"}', MEANT)[0] == 200
        assert series(scrape(gateway)[1])["weir_paused_clients"] == 1
        waiting = [threading.Thread(target=fetch, args=(gateway.port, "/api/v3/depth?symbol=BTCUSDT&limit=5"))
                   for _ in range(15)]
        for thread in waiting:
            thread.start()
        eventually(lambda: of_labels(series(scrape(gateway)[1]), "weir_queue_waiting", **{"class": "market"}) > 0)
        eventually(lambda: agree(gateway))
        for thread in waiting:
            thread.join()


def test_who_may_look_may_scrape_and_all_may_ask_how_it_is(tmp_path):
    path = tmp_path / "tokens"
    path.write_text("0123456789abcdef0123456789abcdef\n")
    path.chmod(0o600)
    with RawUpstream() as upstream, Gateway(upstream.url, tmp_path / "region", "--no-discovery", "--set",
                                            f"watch.token_file={path}") as gateway:
        assert fetch(gateway.port, "/weir/metrics")[0] == 401
        proof = {"Authorization": "Bearer 0123456789abcdef0123456789abcdef"}
        assert fetch(gateway.port, "/weir/metrics", headers=proof)[0] == 200
        assert fetch(gateway.port, "/weir/metrics", headers={"Origin": "https://elsewhere.example", **proof})[0] == 403
        for health in ("/weir/healthz", "/weir/readyz"):
            assert fetch(gateway.port, health)[0] == 200


def test_no_name_that_a_client_chose_is_shown_where_none_shall_be(tmp_path):
    with RawUpstream() as upstream, Gateway(upstream.url, tmp_path / "region", "--no-discovery", "--set",
                                            "watch.metrics_names=0") as gateway:
        for name in ("bot1", "bot2"):
            fetch(gateway.port, "/api/v3/ping", headers={"X-Weir-Client": name})
        _, text = scrape(gateway)
        assert "bot1" not in text
        assert series(text)['weir_client_requests_total{client="(others)"}'] >= 2


def endpoints():
    """[(method, path)] that the tables know, of what an exchange answers without harm."""
    found = []
    for name in ("spot", "sapi", "usdm", "coinm", "papi", "eapi"):
        with open(ROOT / "data" / f"{name}.csv", newline="") as file:
            found += [(row["method"], row["path"]) for row in csv.DictReader(file)]
    return found


def ask_many(port, requests):
    """On one connection, one after the other; what there is no room for is refused."""
    with socket.create_connection(("127.0.0.1", port), timeout=60) as s:
        file = s.makefile("rb")
        for i, (method, path) in requests:
            length = b"" if method == "GET" else b"Content-Length: 0\r\n"
            s.sendall(b"%s %s HTTP/1.1\r\nHost: localhost\r\nX-Weir-Max-Wait: 100\r\nX-Weir-Client: bot%d\r\n%s\r\n" %
                      (method.encode(), path.encode(), i, length))
            head = {}
            assert file.readline().startswith(b"HTTP/1.1 ")
            while (line := file.readline()) != b"\r\n":
                name, _, value = line.partition(b":")
                head[name.lower()] = value.strip()
            file.read(int(head.get(b"content-length", b"0")))


def resident_kib(gateway):
    with open(f"/proc/{gateway.process.pid}/status") as file:
        return int(re.search(r"VmRSS:\s+(\d+)", file.read()).group(1))


def test_ten_thousand_clients_and_five_hundred_endpoints_are_bounded(tmp_path):
    n = 1000 if IS_SANITIZED else 10000
    known = endpoints()
    assert len(known) >= 500
    requests = [(i, known[i % len(known)]) for i in range(n)]
    limits = ",".join(f"{name}=4000000/1m" for name in ("spot-weight", "futures-weight", "papi-weight", "options-weight"))
    with Sim("--limit", limits, "--record", "1") as sim, \
            Gateway(sim.url, tmp_path / "region", "--set", "rate_ceiling=0") as gateway:
        threads = [threading.Thread(target=ask_many, args=(gateway.port, requests[k::4])) for k in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        _, text = scrape(gateway)
        found = series(text)
        assert found["weir_requests_total"] >= n
        # Whoever is left out is in the sum.
        for by in ("client", "endpoint"):
            names = {name for name in found if name.startswith(f"weir_{by}_requests_total")}
            assert len(names) == 51, len(names)
            assert sum(found[name] for name in names) >= n
        assert found["weir_budgets_hidden"] > 100
        assert len(found) < 5000 and len(text) < 1 << 20, (len(found), len(text))
        before = time.monotonic()
        for _ in range(5):
            scrape(gateway)
        took = (time.monotonic() - before) / 5
        print(f"{len(found)} series, {len(text)} bytes, {took * 1000:.1f} ms, {resident_kib(gateway)} KiB")
        assert IS_SANITIZED or resident_kib(gateway) < 64 << 10


def test_it_is_ready_when_it_takes_requests_and_says_why_not(tmp_path):
    with RawUpstream() as upstream, Gateway(upstream.url, tmp_path / "region", "--no-discovery") as gateway:
        assert fetch(gateway.port, "/weir/healthz")[::2] == (200, b"ok\n")
        assert ready(gateway) == (200, {"ready": True, "reasons": []})
        health = [str(ROOT / "contrib/container/health"), str(gateway.port)]
        assert subprocess.run(health, timeout=10, check=False).returncode == 0
        # A ban is not its fault, and nobody else could do better.
        upstream.answer = lambda *_: (b"HTTP/1.1 418 I'm a teapot\r\nRetry-After: 60\r\nContent-Length: 27\r\n\r\n"
                                      b'{"code":-1003,"msg":"ban."}')
        fetch(gateway.port, "/api/v3/ping")
        eventually(lambda: series(scrape(gateway)[1])['weir_gates_shut{kind="ban"}'] == 1)
        assert ready(gateway)[0] == 200
        gateway.process.send_signal(signal.SIGSTOP)
        assert subprocess.run(health, timeout=10, check=False).returncode != 0
        gateway.process.send_signal(signal.SIGCONT)


def test_it_is_not_ready_before_the_exchange_has_told_its_time(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as silent, \
            Gateway(f"http://127.0.0.1:{silent.getsockname()[1]}", tmp_path / "region", "--no-discovery") as gateway, \
            socket.create_connection(("127.0.0.1", gateway.port)) as asking:
        asking.sendall(b"GET /api/v3/ping HTTP/1.1\r\nHost: localhost\r\n\r\n")
        eventually(lambda: ready(gateway)[0] == 503)
        assert ready(gateway)[1]["reasons"] == ["the exchange has not told its time of /api yet"]
        found = series(scrape(gateway)[1])
        assert found['weir_clock_known{product="api",egress="default"}'] == 0
        assert found['weir_gateway_state{state="starting"}'] == 1
        assert fetch(gateway.port, "/weir/healthz")[0] == 200


def test_it_is_not_ready_while_it_hands_over(tmp_path):
    with RawUpstream() as upstream, socket.create_server(("127.0.0.1", 0)) as place:
        with Gateway(upstream.url, tmp_path / "region", "--no-discovery", "--set", "timeouts.handover=20s",
                     sockets={"http": place}) as gateway:
            connected = http.client.HTTPConnection("127.0.0.1", gateway.port)
            connected.connect()
            gateway.process.send_signal(signal.SIGTERM)
            eventually(lambda: gateway.logged("handing_over"))
            connected.request("GET", "/weir/readyz")
            answer = connected.getresponse()
            assert answer.status == 503
            assert json.loads(answer.read()) == {"ready": False, "reasons": ["it hands over to the next gateway"]}
            connected.close()
            assert gateway.process.wait(10) == 0


def ready(gateway):
    status, _, body = fetch(gateway.port, "/weir/readyz")
    return status, json.loads(body)
