"""Books that balance: after each of these weir knows exactly what the exchange has counted."""
import json
import os
import re
import signal
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlencode

import pytest
from books import LONG, RESTING, Desk, early, sim_books, status
from support import ALICE, BOB, ROOT, WEIR, Gateway, RawUpstream, Sim, eventually, fetch

USER = os.environ.get("WEIR_LIBRARY_USER", str(ROOT / "build" / "library" / "library_user"))
SECOND = ("SecondKeyOfAlice", "SecondSecret")
NAMED = f"accounts:\n  desk:\n    keys: [{ALICE[0]}, {SECOND[0]}]\n"


def test_spot_orders_that_succeed_weigh_nothing_and_those_that_fail_do(tmp_path):
    with Desk(tmp_path) as desk:
        assert [desk.spot()[0] for _ in range(5)] == [200] * 5
        before = desk.agree()[("spot-weight", 300)][0]
        assert desk.spot(quantity="0")[0] == 400
        assert desk.spot(symbol="NOSUCHCOIN")[0] == 400
        assert desk.send("DELETE", "/api/v3/order", symbol="BTCUSDT", orderId=999999)[0] == 400
        assert desk.send("DELETE", "/api/v3/openOrders", symbol="BTCUSDT")[0] == 200
        after = desk.agree("spot-orders")
        assert after[("spot-weight", 300)][0] == before + 3
        assert desk.foreign() == 0


@pytest.mark.parametrize("maker", (1, 5))
def test_the_count_of_unfilled_orders_falls_with_fills(tmp_path, maker):
    with Desk(tmp_path, sim=("--maker-decrement", str(maker))) as desk:
        # As taker, by one each.
        assert [desk.market()[0] for _ in range(4)] == [200] * 4
        assert desk.spot()[0] == 200
        assert desk.agree()[("spot-orders", 300)] == [1]
        # As maker: one of eight rests just below the price, which then comes to it.
        assert [desk.spot()[0] for _ in range(7)] == [200] * 7
        desk.sim.admin("/sim/price?symbol=BTCUSDT&market=spot&price=49000", "POST")
        desk.sim.admin("/sim/price?symbol=BTCUSDT&market=spot&price=91000", "POST")
        assert desk.spot()[0] == 200
        assert desk.spot()[0] == 200
        books = desk.agree()
        assert books[("spot-orders", 300)] == books[("spot-orders", 86400)]
        assert desk.foreign() == 0


def test_answers_out_of_order_leave_the_books_right(tmp_path):
    with Desk(tmp_path) as desk:
        desk.sim.faults("POST /api/v3/order every 2 slow 20..150\nGET /fapi/v1/depth every 3 slow 20..150\n")

        def one(i):
            return (desk.spot if i % 4 else desk.market)()[0], desk.get("/fapi/v1/depth?symbol=BTCUSDT&limit=100")[0]

        with ThreadPoolExecutor(12) as pool:
            assert set(pool.map(one, range(48))) == {(200, 200)}
        desk.sim.faults("")
        # Counts that fell are believed of one that was alone.
        assert desk.spot()[0] == 200
        books = desk.agree()
        assert books[("spot-orders", 300)] == [37]
        assert desk.foreign() == 0


def test_headers_that_are_missing_change_nothing(tmp_path):
    with Desk(tmp_path) as desk:
        desk.sim.faults("* * always headers missing\n")
        assert [desk.spot()[0] for _ in range(3)] == [200] * 3
        assert [desk.futures()[0] for _ in range(3)] == [200] * 3
        assert desk.get("/fapi/v1/depth?symbol=BTCUSDT&limit=1000")[0] == 200
        desk.agree()
        assert desk.foreign() == 0


def test_headers_of_the_listed_routes_are_not_believed(tmp_path):
    def reply(value):
        return (b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nX-MBX-USED-WEIGHT-1M: %d\r\n"
                b"Content-Length: 2\r\n\r\n{}" % value)

    def answer(method, target, body):
        return reply(50) if target.startswith(b"/fapi/v1/ping") else reply(2222)

    def weight():
        return sum(b["used"] for b in status(tmp_path / "region")["budgets"] if b["name"] == "futures-weight")

    early(60, 4)
    with RawUpstream(answer) as upstream, \
            Gateway(upstream.url, tmp_path / "region", "--no-discovery") as gateway:
        # The time was asked for: three requests of our own.
        assert fetch(gateway.port, "/fapi/v1/ping")[0] == 200
        eventually(lambda: weight() >= 50)
        known = weight()
        for path, cost in (("/fapi/v1/ticker/bookTicker?symbol=BTCUSDT", 2), ("/fapi/v1/ticker/bookTicker", 5),
                           ("/fapi/v2/ticker/price?symbol=BTCUSDT", 1), ("/fapi/v2/ticker/price", 2),
                           ("/fapi/v1/fundingRate", 0), ("/fapi/v1/fundingInfo", 0)):
            assert fetch(gateway.port, path)[0] == 200
            known += cost
            assert weight() == known, path
        assert fetch(gateway.port, "/fapi/v1/depth?symbol=BTCUSDT")[0] == 200
        assert weight() == 2222


def test_funding_and_futures_data_have_pools_of_their_own(tmp_path):
    with Desk(tmp_path) as desk:
        before = desk.agree()[("futures-weight", 300)]
        assert [desk.get(f"/fapi/v1/{name}")[0] for name in ("fundingRate", "fundingInfo", "fundingRate")] == [200] * 3
        data = "/futures/data/openInterestHist?symbol=BTCUSDT&period=5m"
        assert [desk.get(data)[0] for _ in range(4)] == [200] * 4
        books = desk.agree()
        assert books[("fapi-funding", 300)] == [3] and books[("fapi-futures-data", 300)] == [4]
        assert books[("futures-weight", 300)] == before
        assert desk.foreign() == 0


def test_usdm_and_coinm_share_their_pools(tmp_path):
    with Desk(tmp_path) as desk:
        assert desk.get("/dapi/v1/ping")[0] == 200
        before = desk.agree()[("futures-weight", 300)][0]
        assert desk.get("/fapi/v1/depth?symbol=BTCUSDT&limit=500")[0] == 200
        assert desk.get("/dapi/v1/depth?symbol=BTCUSD_PERP&limit=500")[0] == 200
        assert desk.futures()[0] == 200
        assert desk.send("POST", "/dapi/v1/order", symbol="BTCUSD_PERP", side="BUY", type="LIMIT",
                         timeInForce="GTC", quantity="1", price="50000")[0] == 200
        books = desk.agree()
        assert books[("futures-weight", 300)][0] > before
        assert books[("futures-orders", 300)] == books[("futures-orders", 3600)] == [2]
        assert desk.foreign() == 0


def test_a_batch_counts_five_one_and_five(tmp_path):
    orders = ('[{"symbol":"BTCUSDT","side":"BUY","type":"LIMIT","timeInForce":"GTC","quantity":"0.01",'
              '"price":"50000"},{"symbol":"BTCUSDT","side":"BUY","type":"LIMIT","timeInForce":"GTC",'
              '"quantity":"0.01","price":"50001"}]')
    # The short window of orders is what the first figure is about.
    limits = LONG.replace("futures-orders=300/5m,futures-orders-long=1200/1h",
                          "futures-orders=300/10s,futures-orders-long=1200/1m")
    with Desk(tmp_path, limits=limits) as desk:
        early(10, 3)
        before = desk.agree()[("futures-weight", 300)][0]
        assert desk.send("POST", "/fapi/v1/batchOrders", batchOrders=orders)[0] == 200
        books = desk.agree()
        assert books[("futures-orders", 10)] == [5] and books[("futures-orders", 60)] == [1]
        assert books[("futures-weight", 300)][0] == before + 5
        assert desk.foreign() == 0


def test_each_endpoint_of_sapi_has_its_own_counter(tmp_path):
    with Desk(tmp_path) as desk:
        early(60, 5)
        for path, times in (("/sapi/v1/system/status", 2), ("/sapi/v1/margin/allPairs", 3)):
            assert [desk.get(path, ALICE)[0] for _ in range(times)] == [200] * times
        for key in (ALICE, BOB):
            assert desk.get("/sapi/v1/capital/config/getall", key)[0] == 200
            assert desk.get("/sapi/v1/capital/withdraw/history", key)[0] == 200
        assert desk.send("POST", "/sapi/v1/asset/transfer", type="MAIN_UMFUTURE", asset="USDT", amount="1")[0] == 200
        books = desk.agree("sapi-withdraw-history")
        assert books[("sapi-ip", 60)] == [2, 3, 20]
        assert books[("sapi-uid", 60)] == [300, 18000, 18000]
        assert desk.foreign() == 0


def test_limits_that_change_in_the_middle_of_a_window_hold_at_once(tmp_path):
    def allow(n):
        desk.sim.admin("/sim/limits", "POST", f"spot-orders={n}/5m\n")
        eventually(lambda: any(f"kind=orders limit={n} " in line for line in desk.gateway.lines))

    def place_all():
        n = 0
        while True:
            code, headers, _ = fetch(desk.gateway.port, "/api/v3/order?" + desk.signed_spot(), "POST",
                                     headers={"X-MBX-APIKEY": ALICE[0], "X-Weir-Max-Wait": "0"})
            if code == 429:
                assert "x-weir-verdict" in headers
                return n
            assert code == 200
            n += 1

    with Desk(tmp_path, "--set", "discovery_interval=1s", "--set", "classes.order=100%") as desk:
        assert [desk.spot()[0] for _ in range(10)] == [200] * 10
        allow(20)
        assert place_all() == 10
        allow(15)
        assert place_all() == 0
        allow(27)
        assert place_all() == 7
        assert desk.agree()[("spot-orders", 300)] == [27]
        assert desk.sim.books()["status429"] == 0


def test_a_day_s_window_turns_at_midnight_utc(tmp_path):
    # The exchange's midnight comes in five seconds.
    day_ms = 86400000
    skew_ms = day_ms - 5000 - int(time.time() * 1000) % day_ms
    with Desk(tmp_path, sim=("--skew", str(skew_ms)), skew_ms=skew_ms) as desk:
        assert [desk.spot()[0] for _ in range(6)] == [200] * 6
        assert desk.agree()[("spot-orders", 86400)] == [6]
        eventually(lambda: desk.sim.books()["serverTime"] % day_ms < day_ms // 2)
        assert [desk.spot()[0] for _ in range(2)] == [200] * 2
        assert desk.agree()[("spot-orders", 86400)] == [2]
        assert desk.foreign() == 0


def test_keys_of_one_account_are_one_budget(tmp_path):
    with Desk(tmp_path, config=NAMED) as desk:
        for key in (ALICE, SECOND, ALICE, SECOND, SECOND):
            assert desk.spot(key)[0] == 200
            assert desk.futures(key)[0] == 200
        assert desk.spot(BOB)[0] == 200
        books = desk.agree()
        assert books[("spot-orders", 300)] == [1, 5] and books[("futures-orders", 300)] == [5]
        assert desk.foreign() == 0
        shown = status(desk.region)
        assert sorted(shown["accounts"]["desk"]["keys"]) == ["Seco...", "SimKeyAl..."]
        assert {b["account"] for b in shown["budgets"] if b["name"] == "futures-orders"} == {"desk"}
        assert ALICE[0] not in "".join(desk.gateway.lines)


def test_an_account_that_is_named_later_knows_what_its_keys_have_used(tmp_path):
    with Desk(tmp_path, config="max_wait: 1s\n") as desk:
        for key in (ALICE, SECOND, ALICE, SECOND, SECOND):
            assert desk.spot(key)[0] == 200
            assert desk.futures(key)[0] == 200
        desk.config.write_text("max_wait: 1s\n" + NAMED)
        desk.gateway.process.send_signal(signal.SIGHUP)
        eventually(lambda: len(desk.gateway.logged("account_named")) == 2)
        used = {(b["name"], b["span_ms"]): b["used"] for b in status(desk.region)["budgets"] if b["account"]}
        assert used[("spot-orders", 300000)] == used[("futures-orders", 300000)] == 5
        assert used[("spot-orders", 86400000)] == used[("futures-orders", 3600000)] == 5
        assert desk.spot(ALICE)[0] == 200
        used = {(b["name"], b["span_ms"]): b["used"] for b in status(desk.region)["budgets"] if b["account"]}
        assert used[("spot-orders", 300000)] == max(sim_books(desk.sim)[("spot-orders", 300)]) == 6
        desk.config.write_text("max_wait: 1s\n")
        desk.gateway.process.send_signal(signal.SIGHUP)
        eventually(lambda: len(desk.gateway.logged("account_kept")) == 2)


def test_the_adapter_keeps_the_same_books(tmp_path):
    with Desk(tmp_path, config=NAMED) as desk:
        env = {"WEIR_REGION": str(desk.region), "PATH": "/usr/bin:/bin", "BINANCE_API_KEY": SECOND[0],
               "BINANCE_API_SECRET": SECOND[1]}
        for price in ("50000", "50001"):
            done = subprocess.run([WEIR, "order", "place", "BTCUSDT", "buy", "0.01", "--price", price, "--base",
                                   desk.sim.url], env=env, capture_output=True, text=True, timeout=60)
            assert done.returncode == 0, done.stderr
        assert desk.futures()[0] == 200
        assert desk.agree()[("futures-orders", 300)] == [3]


def test_a_key_that_the_library_names_is_the_gateway_s_account_too(tmp_path):
    def user(*args):
        return subprocess.run([USER, str(desk.region), *args], capture_output=True, text=True, check=True,
                              timeout=60).stdout.strip()

    def orders():
        return {b["used"] for b in status(desk.region)["budgets"]
                if b["name"] == "futures-orders" and b["account"] == "desk"}

    with Desk(tmp_path, config=NAMED) as desk:
        assert desk.futures()[0] == 200
        # The program's requests have the key "somebody".
        assert user("reserve", "POST", "/fapi/v1/order", "symbol=BTCUSDT") == "go"
        assert orders() == {1}
        assert user("account", "desk", "somebody") == user("account", "desk", "somebody") == "0"
        assert orders() == {2}
        assert user("reserve", "POST", "/fapi/v1/order", "symbol=BTCUSDT") == "go"
        assert orders() == {3}
        assert user("account", "two words", "somebody") == "-22"


def test_keys_of_one_account_that_nobody_named_give_themselves_away(tmp_path):
    with Desk(tmp_path, config="max_wait: 1s\n") as desk:
        for i in range(24):
            for key in (ALICE, BOB, SECOND):
                assert desk.spot(key)[0] == 200
                if i < 20:
                    assert desk.futures(key)[0] == 200
        said = desk.gateway.logged("same_account")
        assert len(said) == 1 and "keys=Seco...,SimKeyAl..." in said[0] and "accounts:" in said[0], said
        assert ALICE[0] not in "".join(desk.gateway.lines) and SECOND[0] not in "".join(desk.gateway.lines)
        assert desk.counter("same_account") == 1
        assert status(desk.region)["same_account"] == [["Seco...", "SimKeyAl..."]]
        text = subprocess.run([WEIR, "status", "--region", str(desk.region)], capture_output=True, text=True,
                              check=True).stdout
        assert "the keys Seco... and SimKeyAl... seem to be one account's" in text
        # Named, as told: nothing is to be said any more.
        desk.config.write_text("max_wait: 1s\n" + NAMED)
        desk.gateway.process.send_signal(signal.SIGHUP)
        eventually(lambda: len(desk.gateway.logged("account_named")) == 2)
        assert status(desk.region)["same_account"] == []


def test_what_fills_take_off_the_count_can_be_used_again_at_once(tmp_path):
    with Desk(tmp_path, "--set", "classes.order=100%", "--set", "max_wait=1s", sim=("--latency", "20"),
              limits=LONG.replace("spot-orders=100/5m", "spot-orders=30/5m")) as desk:
        with ThreadPoolExecutor(4) as pool:
            codes = list(pool.map(lambda _: desk.market()[0], range(160)))
        # Each is filled at once: they never have more than a few open, and five times the limit passes.
        assert codes == [200] * 160
        assert desk.sim.books()["status429"] == 0
        assert desk.spot()[0] == 200
        assert desk.agree()[("spot-orders", 300)] == [1]


def test_every_endpoint_costs_what_the_exchange_counts(tmp_path):
    """All that the simulator serves, each with and without a signature: done or refused, what it weighs is known."""
    rows = re.findall(r'^ENDPOINT\((\w+), "([^"]+)",', (ROOT / "src/sim/endpoints.def").read_text(), re.M)
    assert len(rows) > 150

    def ask(row):
        method, path = row
        params = {"symbol": "BTCUSD_PERP" if path.startswith("/dapi") or "/cm/" in path else "BTCUSDT",
                  "interval": "1m", "period": "5m"}
        for query in (urlencode(params), desk.signed(params)):
            code, headers, _ = fetch(desk.gateway.port, f"{path}?{query}", method, headers={"X-MBX-APIKEY": BOB[0]})
            assert code < 500 and code != 429 and "x-weir-verdict" not in headers, (row, code)

    limits = LONG.replace("weight=6000", "weight=100000").replace("weight=2400", "weight=100000")
    with Desk(tmp_path, limits=limits) as desk:
        early(60, 8)
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(ask, rows))
        # Refused orders stay charged, as the exchange may count them; the last one only is not in the simulator.
        desk.agree("spot-orders", "futures-orders", "papi-orders", "eapi-orders", "sapi-withdraw-history")
        assert desk.sim.books()["status429"] == 0


def test_every_kind_of_order_counts_what_the_exchange_counts(tmp_path):
    coinm = {"symbol": "BTCUSD_PERP", "side": "BUY", "type": "LIMIT", "timeInForce": "GTC", "quantity": "1",
             "price": "50000"}
    above = {"aboveType": "LIMIT_MAKER", "abovePrice": "150000"}
    below = {"belowType": "STOP_LOSS_LIMIT", "belowPrice": "50000", "belowStopPrice": "50010",
             "belowTimeInForce": "GTC"}

    def done(method, path, code=200, **params):
        status_, _, body = desk.send(method, path, **params)
        assert status_ == code, (path, status_, body)
        return json.loads(body)

    limits = LONG.replace("futures-orders=300/5m,futures-orders-long=1200/1h",
                          "futures-orders=300/10s,futures-orders-long=1200/1m")
    with Desk(tmp_path, limits=limits) as desk:
        early(60, 6)
        order = done("POST", "/api/v3/order", **RESTING)["orderId"]
        replace = {"cancelReplaceMode": "STOP_ON_FAILURE", **RESTING}
        done("POST", "/api/v3/order/cancelReplace", cancelOrderId=order, **replace)
        done("POST", "/api/v3/order/cancelReplace", 400, cancelOrderId=999999, **replace)
        done("POST", "/api/v3/order/cancelReplace", 409, cancelOrderId=999999,
             **{**replace, "cancelReplaceMode": "ALLOW_FAILURE"})
        done("POST", "/api/v3/sor/order", **RESTING)
        done("POST", "/api/v3/orderList/oco", symbol="BTCUSDT", side="SELL", quantity="0.001", **above, **below)
        done("POST", "/api/v3/order/oco", symbol="BTCUSDT", side="SELL", quantity="0.001", price="150000",
             stopPrice="50010", stopLimitPrice="50000", stopLimitTimeInForce="GTC")
        order = done("POST", "/api/v3/order", **RESTING)["orderId"]
        done("PUT", "/api/v3/order/amend/keepPriority", symbol="BTCUSDT", orderId=order, newQty="0.0005")
        done("DELETE", "/api/v3/order", symbol="BTCUSDT", orderId=order)

        order = json.loads(desk.futures()[2])["orderId"]
        done("PUT", "/fapi/v1/order", symbol="BTCUSDT", side="BUY", quantity="0.01", price="50001", orderId=order)
        done("POST", "/fapi/v1/algoOrder", algoType="CONDITIONAL", symbol="BTCUSDT", side="SELL",
             type="STOP_MARKET", quantity="0.01", triggerPrice="40000")
        order = done("POST", "/dapi/v1/order", **coinm)["orderId"]
        done("PUT", "/dapi/v1/order", symbol="BTCUSD_PERP", side="BUY", quantity="1", price="50010", orderId=order)
        done("POST", "/dapi/v1/batchOrders", batchOrders=json.dumps([coinm], separators=(",", ":")))
        done("POST", "/papi/v1/um/order", **{**RESTING, "quantity": "0.01"})
        done("POST", "/fapi/v1/countdownCancelAll", symbol="BTCUSDT", countdownTime="60000")
        done("DELETE", "/fapi/v1/allOpenOrders", symbol="BTCUSDT")
        books = desk.agree()
        assert books[("spot-orders", 300)] == books[("spot-orders", 86400)] == [10]
        assert books[("futures-orders", 60)] == [6] and books[("papi-orders", 60)] == [1]
        assert desk.foreign() == 0


def test_a_span_that_is_new_begins_with_what_was_used(tmp_path):
    with Desk(tmp_path, "--set", "discovery_interval=1s") as desk:
        assert [desk.spot()[0] for _ in range(7)] == [200] * 7
        assert [desk.get("/api/v3/depth?symbol=BTCUSDT&limit=5000")[0] for _ in range(2)] == [200] * 2
        known = desk.agree()
        desk.sim.admin("/sim/limits", "POST", "spot-weight=6000/10m\nspot-orders=100/10m\n")
        eventually(lambda: sum("per_ms=600000" in line for line in desk.gateway.lines) == 2)
        used = {(b["name"], b["span_ms"] // 1000): b["used"] for b in status(desk.region)["budgets"]}
        assert used[("spot-orders", 600)] == 7 and used[("spot-weight", 600)] >= known[("spot-weight", 300)][0]


def test_what_is_in_flight_when_other_windows_are_named_is_ours_and_ends_there(tmp_path):
    """All that a start sends before exchangeInfo is read: counted, not foreign, and not kept once it is answered."""
    depth = "/api/v3/depth?symbol=BTCUSDT&limit=5"
    with Sim("--limit", "spot-weight=200/2s,spot-raw=0", "--latency", "400") as sim, \
            Gateway(sim.url, tmp_path / "region") as gateway, ThreadPoolExecutor(38) as pool:
        first = list(pool.map(lambda _: fetch(gateway.port, depth)[0], range(20)))
        assert first == [200] * 20
        eventually(lambda: gateway.logged("limit"))
        # The next window is free but for a question for the time, unless it began as they were answered: then they
        # may count there, by a clock that is known to some 200 ms.
        phase = time.time() % 2
        time.sleep((2.5 if phase < 1 else 4.5) - phase)
        urgent = {"X-Weir-Class": "cancel", "X-Weir-Max-Wait": "200"}
        then = list(pool.map(lambda _: fetch(gateway.port, depth, headers=urgent)[0], range(38)))
        assert then == [200] * 38
        assert not gateway.logged("foreign_use") and sim.books()["status429"] == 0
