"""Greedy programs that are banned at the exchange run clean through one gateway."""
import json
import subprocess
import sys
import time
from pathlib import Path

from support import Gateway, Sim, eventually, fetch

GREEDY = str(Path(__file__).with_name("greedy.py"))
SPAN_S, WINDOWS, LIMIT = 2, 10, 1000
# 25 orders in 2 s: the mix has a few more, so both kinds of budgets are the bottleneck at times.
LIMITS = f"spot-weight={LIMIT}/{SPAN_S}s,spot-orders=25/{SPAN_S}s"


def run_greedy(url, seconds, processes=4):
    programs = [subprocess.Popen([sys.executable, GREEDY, url, str(seconds), str(seed)],
                                 stdout=subprocess.PIPE) for seed in range(1, processes + 1)]
    return [json.loads(p.communicate(timeout=seconds + 100)[0]) for p in programs]


def total(results, status):
    return sum(r["statuses"].get(str(status), 0) for r in results)


def test_straight_at_the_exchange_they_are_banned():
    with Sim("--limit", LIMITS, "--ban", "3,6", "--latency", "5") as sim:
        results = run_greedy(sim.url, 6)
        books = sim.books()
    assert total(results, 429) > 0 and total(results, 418) > 0
    assert books["status429"] > 0 and books["status418"] > 0
    assert sim_bans(books)


def sim_bans(books):
    return [ban for book in books["books"] for ban in book.get("bans", [])]


def test_through_a_gateway_there_is_no_429_and_nothing_is_wasted(tmp_path):
    with Sim("--limit", LIMITS, "--ban", "3,6", "--latency", "5~3") as sim, \
            Gateway(sim.url, tmp_path / "region") as gateway:
        fetch(gateway.port, "/api/v3/ping")
        eventually(lambda: gateway.logged("limit"))
        results = run_greedy(gateway.url, SPAN_S * (WINDOWS + 2))
        books = sim.books()
        windows = sim.pool()["windows"]
    print(json.dumps({"clients": results, "windows": windows}))
    assert (books["status429"], books["status418"], books["status403"], books["duringBan"]) == (0, 0, 0, 0)
    assert total(results, 418) == 0 and total(results, 200) > 100
    # Of the windows that were under load from end to end, all but a little is used.
    full = [w for w in windows][1:-1][:WINDOWS]
    assert len(full) >= WINDOWS - 1
    assert all(w["used"] <= LIMIT for w in full)
    assert sum(w["used"] for w in full) >= 0.95 * LIMIT * len(full), [w["used"] for w in full]


def test_clients_of_one_gateway_are_served_in_order_of_class(tmp_path):
    """While market data fills the budget, orders and cancels find room at once."""
    with Sim("--limit", "spot-weight=200/5s", "--latency", "2") as sim, \
            Gateway(sim.url, tmp_path / "region") as gateway:
        fetch(gateway.port, "/api/v3/ping")
        eventually(lambda: gateway.logged("limit"))
        flood = [subprocess.Popen([sys.executable, GREEDY, gateway.url, "6", "7", "8"],
                                  stdout=subprocess.DEVNULL)]
        eventually(lambda: (sim.pool() or {"now": {"used": 0}})["now"]["used"] > 100)
        waits = []
        until = time.monotonic() + 4
        while time.monotonic() < until:
            status, headers, _ = fetch(gateway.port, "/api/v3/order?symbol=BTCUSDT&orderId=1", "DELETE")
            assert status in (400, 401), status
            waits.append(int(headers["x-weir-wait-us"]))
            assert headers["x-weir-class"] == "cancel"
            time.sleep(0.25)
        for program in flood:
            program.wait()
        assert sim.books()["status429"] == 0
    assert sorted(waits)[len(waits) // 2] < 50000, waits
