"""The exchange's windows are cut from its own clock: what happens before that is known."""
import struct
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from support import Gateway, RawUpstream, Sim, eventually, fetch
from test_limits import run_greedy, total

HOUR_S = 3600
# So little that the greedy use it up on a slow machine too.
SPAN_S, LIMIT = 2, 400
# As docs/region.md draws them; the header says how long itself and a slot are, and how many slots there are.
CELLS_AT, CELLS, CELL_BYTES = 64, 16, 32
PACING = 0xffff
TAG_AT, TAG_BITS = 44, 20


def strays(region, now):
    """Cells written for windows far from @now, in seconds: (pool, span, rounds of the ring between)."""
    data = region.read_bytes()
    header_bytes, slot_bytes, slots = struct.unpack_from("=III", data, 12)
    found = []
    for slot in range(slots):
        at = header_bytes + slot * slot_bytes
        pool_span = struct.unpack_from("=Q", data, at + 16)[0]
        pool, span = pool_span >> 32, pool_span & 0xffffffff
        if span == 0 or pool == PACING:
            continue
        turn = int(now * 1000) // span
        for cell in range(CELLS):
            tag = struct.unpack_from("=Q", data, at + CELLS_AT + cell * CELL_BYTES)[0] >> TAG_AT
            rounds = (tag - turn // CELLS) % (1 << TAG_BITS)
            if tag and rounds not in (0, 1, (1 << TAG_BITS) - 1, (1 << TAG_BITS) - 2):
                found.append((pool, span, rounds))
    return found


@pytest.mark.parametrize("skew_s", (HOUR_S, -HOUR_S))
def test_a_machine_whose_clock_is_an_hour_off_is_neither_refused_nor_stuck(tmp_path, skew_s):
    region = tmp_path / "region"
    limits = f"spot-weight={LIMIT}/{SPAN_S}s,spot-orders=25/{SPAN_S}s,futures-weight={LIMIT}/{SPAN_S}s"
    with Sim("--skew", str(skew_s * 1000), "--limit", limits, "--latency", "20") as sim, \
            Gateway(sim.url, region) as gateway:
        # Many at once, before anything is known of the clock.
        with ThreadPoolExecutor(16) as pool:
            first = list(pool.map(lambda i: fetch(gateway.port, ("/api/v3/ping", "/fapi/v1/ping")[i % 2])[0],
                                  range(32)))
        assert first == [200] * 32
        assert strays(region, time.time() + skew_s) == []
        eventually(lambda: len(gateway.logged("limit")) >= 2)
        results = run_greedy(gateway.url, 8 * SPAN_S)
        # A product that comes into use later is asked as well.
        assert fetch(gateway.port, "/dapi/v1/ping")[0] == 200
        books, windows = sim.books(), sim.pool()["windows"]
        assert not gateway.logged("clock_unmeasured")
        assert strays(region, time.time() + skew_s) == []
    assert (books["status429"], books["status418"]) == (0, 0)
    assert total(results, 429) == 0 and total(results, 200) > 100
    full = windows[2:-1][:7]
    assert len(full) >= 5 and sum(w["used"] for w in full) >= 0.9 * LIMIT * len(full), [w["used"] for w in full]


def test_no_discovery_does_not_turn_the_clock_off(tmp_path):
    with Sim("--skew", str(-HOUR_S * 1000)) as sim, Gateway(sim.url, tmp_path / "region", "--no-discovery") as gateway:
        assert fetch(gateway.port, "/api/v3/ping")[0] == 200
        assert sim.requests()[0]["target"].startswith("/api/v3/time")
        assert strays(tmp_path / "region", time.time() - HOUR_S) == []


class Timeless(RawUpstream):
    """An exchange that answers everything but the question for its time."""

    def __init__(self, reply):
        super().__init__()
        self.time_reply, self.asked = reply, 0

    def _reply(self, connection, method, target, body):
        if not target.endswith(b"/time") or self.time_reply is None:
            return super()._reply(connection, method, target, body)
        self.asked += 1
        if self.time_reply == "silent":
            threading.Event().wait(10)
            return False
        connection.sendall(self.time_reply)
        return True


NOT_FOUND = b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"
BROKEN = b"HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\n\r\n"


@pytest.mark.parametrize("reply, at_least, at_most", (("silent", 2.5, 5), (BROKEN, 2.5, 5), (NOT_FOUND, 0, 2)))
def test_an_exchange_that_tells_no_time_is_waited_for_once(tmp_path, reply, at_least, at_most):
    with Timeless(reply) as upstream, Gateway(upstream.url, tmp_path / "region", "--no-discovery") as gateway:
        if reply != NOT_FOUND:
            status, headers, _ = fetch(gateway.port, "/api/v3/ping", headers={"X-Weir-Max-Wait": "100"})
            assert (status, headers["x-weir-verdict"], upstream.seen()) == (429, "late", [])
        start = time.monotonic()
        assert fetch(gateway.port, "/api/v3/ping")[0] == 200
        assert at_least <= time.monotonic() - start <= at_most
        start = time.monotonic()
        assert fetch(gateway.port, "/api/v3/ping")[0] == 200
        assert time.monotonic() - start < 1
        # What is logged comes by a pipe of its own.
        eventually(lambda: gateway.logged("clock_unmeasured"))
        assert len(gateway.logged("clock_unmeasured")) == 1
        assert upstream.asked >= 1


def test_a_clock_that_the_region_knows_is_not_waited_for(tmp_path):
    with Timeless(None) as upstream:
        with Gateway(upstream.url, tmp_path / "region", "--no-discovery") as gateway:
            assert fetch(gateway.port, "/api/v3/ping")[0] == 200
        upstream.time_reply = "silent"
        with Gateway(upstream.url, tmp_path / "region", "--no-discovery") as gateway:
            start = time.monotonic()
            assert fetch(gateway.port, "/api/v3/ping")[0] == 200
            assert time.monotonic() - start < 2 and not gateway.logged("clock_unmeasured")


def test_without_a_connection_nobody_waits_for_the_clock(tmp_path):
    with Gateway("http://127.0.0.1:1", tmp_path / "region") as gateway:
        for _ in range(3):
            start = time.monotonic()
            status, headers, _ = fetch(gateway.port, "/fapi/v1/ping")
            assert (status, headers["x-weir-verdict"]) == (503, "unsent") and time.monotonic() - start < 2
        assert not gateway.logged("clock_unmeasured")
        assert strays(tmp_path / "region", 0) == []
