"""Refusals that come in pieces, late, or in an unusual form stop everybody all the same."""
import json
import subprocess
import threading
import time

import pytest
from desk import Desk
from support import ALICE, WEIR, Gateway, RawUpstream, Sim, eventually, fetch, signed

AT_ONCE = {"X-Weir-Max-Wait": "0"}
DEPTH = "/api/v3/depth?symbol=BTCUSDT"


def gates(folder):
    shown = subprocess.run([WEIR, "status", "--json", "--region", str(folder / "region")], capture_output=True,
                           check=True).stdout
    return {g["product"]: (g["kind"], g["for_ms"]) for g in json.loads(shown)["gates"]}


class Broken(RawUpstream):
    """Begins to refuse what has @on in its target, and hangs up within the text when it is told to."""

    def __init__(self, head, on=b"/depth"):
        super().__init__()
        self.on = on
        self.head, self.began, self.may_end = head, threading.Event(), threading.Event()

    def _reply(self, connection, method, target, body):
        if self.on not in target:
            return super()._reply(connection, method, target, body)
        connection.sendall(self.head + b"Content-Length: 200\r\n\r\n{\"code\":-10")
        self.began.set()
        assert self.may_end.wait(30)
        return False


@pytest.mark.parametrize("head, product, kind, for_ms", (
    (b"HTTP/1.1 418 Teapot\r\n", "api", "ban", (100000, 120100)),
    (b"HTTP/1.1 418 Teapot\r\nRetry-After: 600\r\n", "api", "ban", (560000, 600100)),
    (b"HTTP/1.1 403 Forbidden\r\nContent-Type: text/html\r\n", "all", "firewall", (280000, 300100)),
    (b"HTTP/1.1 429 Too Many\r\nRetry-After: 300\r\n", "api", "stop", (280000, 300100)),
))
@pytest.mark.parametrize("method, path", (("GET", DEPTH), ("POST", "/api/v3/order?symbol=BTCUSDT&from=/depth")))
def test_one_that_breaks_off_is_one(tmp_path, head, product, kind, for_ms, method, path):
    with Broken(head) as upstream, Gateway(upstream.url, tmp_path / "region", "--no-discovery") as gateway:
        assert fetch(gateway.port, "/api/v3/ping")[0] == 200
        upstream.may_end.set()
        assert fetch(gateway.port, path, method)[0] in (502, 504)
        shut = gates(tmp_path)
        assert list(shut) == [product] and shut[product][0] == kind and for_ms[0] <= shut[product][1] <= for_ms[1], shut
        # Once, whether its text said more than its head or not.
        eventually(lambda: len(gateway.logged({"stop": "over_weight"}.get(kind, kind))) == 1)
        before = len(upstream.seen())
        code, headers, _ = fetch(gateway.port, "/api/v3/ping", headers=AT_ONCE)
        assert (code, headers["x-weir-verdict"]) == (429, kind)
        assert len(upstream.seen()) == before


def test_a_ban_is_obeyed_while_its_text_is_still_to_come(tmp_path):
    with Broken(b"HTTP/1.1 418 Teapot\r\nRetry-After: 600\r\n") as upstream, \
            Gateway(upstream.url, tmp_path / "region", "--no-discovery") as gateway:
        assert fetch(gateway.port, "/api/v3/ping")[0] == 200
        asked = threading.Thread(target=fetch, args=(gateway.port, DEPTH))
        asked.start()
        assert upstream.began.wait(30)
        eventually(lambda: gates(tmp_path))
        code, headers, _ = fetch(gateway.port, "/api/v3/ping", headers=AT_ONCE)
        assert (code, headers["x-weir-verdict"]) == (429, "ban")
        upstream.may_end.set()
        asked.join()


def test_who_waits_out_a_ban_waits_for_the_probes_answer_too(tmp_path):
    probes, may_answer, late, price = [], threading.Event(), [], "/api/v3/avgPrice?symbol=BTCUSDT"

    def answer(_method, target, _body):
        if b"/depth" in target:
            return b"HTTP/1.1 418 Teapot\r\nRetry-After: 1\r\nContent-Length: 2\r\n\r\n{}"
        if b"/ping" in target:
            probes.append(target)
            assert may_answer.wait(60)
        return RawUpstream.OK

    with RawUpstream(answer) as upstream, \
            Gateway(upstream.url, tmp_path / "region", "--no-discovery", "--set", "ramp=0") as gateway:
        assert [fetch(gateway.port, path)[0] for path in (price, DEPTH)] == [200, 418]
        # Shorter than a prober's lease.
        waiting = threading.Thread(target=lambda: late.append(
            fetch(gateway.port, price, headers={"X-Weir-Max-Wait": "9000"})))
        waiting.start()
        eventually(lambda: probes)
        before = len(upstream.seen())
        for _ in range(3):
            code, headers, text = fetch(gateway.port, price, headers=AT_ONCE)
            assert (code, headers["x-weir-verdict"], headers["retry-after"]) == (429, "ban", "1")
            assert b"one probe asks" in text and b"nothing was sent" in text, text
        assert late == [] and len(upstream.seen()) == before
        may_answer.set()
        waiting.join()
        assert late[0][0] == 200 and len(probes) == 1, (late, probes)
        assert len(gateway.logged("probe")) == len(gateway.logged("probe_answered")) == 1


def test_a_probe_is_told_of_when_it_leaves_and_waits_for_room_with_one_line(tmp_path):
    with Sim("--limit", "spot-weight=400/8s", "--ban", "2", "--ban-after", "0") as sim, \
            Gateway(sim.url, tmp_path / "region", "--set", "ramp=0") as gateway:
        assert fetch(gateway.port, "/api/v3/ping")[0] == 200
        eventually(lambda: gateway.logged("limit"))
        time.sleep(8.1 - time.time() % 8)
        # Strangers fill the window, and it is ours to find out.
        eventually(lambda: fetch(sim.port, DEPTH + "&limit=5000")[0] == 418)
        eventually(lambda: fetch(gateway.port, DEPTH)[0] == 418)
        before = sum(r["target"] == "/api/v3/ping" for r in sim.requests())
        assert fetch(gateway.port, DEPTH, headers={"X-Weir-Max-Wait": "30000"})[0] == 200
        sent = sum(r["target"] == "/api/v3/ping" for r in sim.requests()) - before
        assert sent == len(gateway.logged("probe")) == len(gateway.logged("probe_answered")) == 1
        (line,) = gateway.logged("probe_waits")
        assert "pool=spot-weight" in line, line
        assert json.loads(fetch(gateway.port, "/weir/api/now")[2])["counters"]["probes"] == 1


def test_one_of_a_question_of_our_own_is_one_too(tmp_path):
    with Broken(b"HTTP/1.1 418 Teapot\r\nRetry-After: 600\r\n", on=b"/time") as upstream:
        upstream.may_end.set()
        with Gateway(upstream.url, tmp_path / "region") as gateway:
            # The first of all asks for the time.
            assert fetch(gateway.port, "/api/v3/ping", headers=AT_ONCE)[0] == 429
            eventually(lambda: gates(tmp_path))
            code, headers, _ = fetch(gateway.port, "/api/v3/ping", headers=AT_ONCE)
            assert (code, headers["x-weir-verdict"]) == (429, "ban")
            assert gates(tmp_path)["api"][1] > 500000 and upstream.seen() == []


def test_who_trades_straight_stops_at_one_too(tmp_path):
    with Broken(b"HTTP/1.1 418 Teapot\r\nRetry-After: 600\r\n", on=b"/ticker") as upstream:
        upstream.may_end.set()
        desk = Desk(["--base", upstream.url], tmp_path / "region")
        desk.run("ticker", "BTCUSDT")
        (kind, for_ms), = gates(tmp_path).values()
        assert kind == "ban" and for_ms > 500000
        upstream.began.clear()
        assert "banned" in desk.run("ticker", "BTCUSDT", "--deadline", "100").stderr
        assert not upstream.began.is_set()


@pytest.mark.parametrize("text", (b"", b"<html>Checking your browser</html>"))
def test_the_edges_challenge_is_the_firewall_to_a_read_too(tmp_path, text):
    page = b"HTTP/1.1 202 Accepted\r\nContent-Type: text/html\r\nContent-Length: %d\r\n\r\n%s" % (len(text), text)
    with RawUpstream(lambda _method, target, _body: page if b"/depth" in target else RawUpstream.OK) as upstream, \
            Gateway(upstream.url, tmp_path / "region", "--no-discovery") as gateway:
        assert fetch(gateway.port, "/api/v3/ping")[0] == 200
        code, _, body = fetch(gateway.port, DEPTH)
        assert (code, body) == (202, text)
        assert gates(tmp_path)["all"][0] == "firewall"
        assert fetch(gateway.port, "/fapi/v1/ping", headers=AT_ONCE)[0] == 429


@pytest.mark.parametrize("answer, verdict", (
    (b"HTTP/1.1 418 Teapot\r\nRetry-After: 600\r\nContent-Length: 0\r\n\r\n", "ban"),
    (b"HTTP/1.1 500 Internal\r\nContent-Length: 0\r\n\r\n", "breaker")))
def test_who_waits_for_a_connection_looks_again_before_it_leaves(tmp_path, answer, verdict):
    """Admitted long ago, and the only connection is free at last: by what told that nothing may be sent any more."""
    began, may_answer, answers = threading.Event(), threading.Event(), []

    def hold(_method, target, _body):
        if b"/depth" not in target:
            return RawUpstream.OK
        began.set()
        assert may_answer.wait(30)
        return answer

    with RawUpstream(hold) as upstream, \
            Gateway(upstream.url, tmp_path / "region", "--no-discovery", "--set", "pool.max=1", "--set", "pool.warm=0",
                    "--set", "breaker.threshold=1", "--set", "breaker.pause=30s") as gateway:
        assert fetch(gateway.port, "/api/v3/ping")[0] == 200
        threads = [threading.Thread(target=fetch, args=(gateway.port, DEPTH))]
        threads[0].start()
        assert began.wait(30)
        for _ in range(3):
            threads.append(threading.Thread(target=lambda: answers.append(
                fetch(gateway.port, "/api/v3/order?symbol=BTCUSDT&orderId=1", "DELETE", headers=AT_ONCE))))
            threads[-1].start()
        time.sleep(0.3)
        may_answer.set()
        for t in threads:
            t.join()
        assert [headers.get("x-weir-verdict") for _, headers, _ in answers] == [verdict] * 3
        assert all(b"/order" not in target for _, target, _, _ in upstream.seen())


def test_who_waits_for_a_connection_grows_no_older_than_its_signature(tmp_path):
    began, may_answer, answers = threading.Event(), threading.Event(), []

    def hold(_method, target, _body):
        if b"/depth" in target:
            began.set()
            assert may_answer.wait(30)
        return RawUpstream.OK

    with RawUpstream(hold) as upstream, \
            Gateway(upstream.url, tmp_path / "region", "--no-discovery", "--set", "pool.max=1",
                    "--set", "pool.warm=0") as gateway:
        assert fetch(gateway.port, "/api/v3/ping")[0] == 200
        threads = [threading.Thread(target=fetch, args=(gateway.port, DEPTH))]
        threads[0].start()
        assert began.wait(30)
        query = signed({"symbol": "BTCUSDT", "orderId": "1"}, ALICE[1], 400)
        threads.append(threading.Thread(target=lambda: answers.append(
            fetch(gateway.port, f"/api/v3/order?{query}", "DELETE", headers={"X-MBX-APIKEY": ALICE[0]}))))
        threads[1].start()
        time.sleep(0.6)
        may_answer.set()
        for t in threads:
            t.join()
        (code, headers, _), = answers
        assert (code, headers.get("x-weir-verdict")) == (429, "late")
        assert all(b"/order" not in target for _, target, _, _ in upstream.seen())
