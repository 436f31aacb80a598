"""What a limit refused is sent again in time; nothing else is."""
import json
import time

import pytest
from support import ALICE, Gateway, Sim, eventually, fetch, signed

OVER = "Too much request weight used; current limit is 6000 request weight per 1 MINUTE. " \
       "Please use WebSocket Streams for live updates to avoid polling the API."


@pytest.fixture
def pair(tmp_path):
    with Sim("--limit", "spot-weight=6000/2s,spot-orders=100/2s") as sim, \
            Gateway(sim.url, tmp_path / "region", "--set", "retry.base_backoff=100ms") as gateway:
        fetch(gateway.port, "/api/v3/ping")
        eventually(lambda: gateway.logged("limit"))
        yield sim, gateway


def order(**more):
    return signed({"symbol": "BTCUSDT", "side": "BUY", "type": "LIMIT", "timeInForce": "GTC",
                   "quantity": "0.001", "price": "10000.00", **more}, ALICE[1])


def test_a_429_of_weight_is_repeated_at_the_turn_of_the_window(pair):
    sim, gateway = pair
    sim.faults(f"GET /api/v3/depth next 1 error 429 -1003 {OVER}")
    started = time.monotonic()
    status, headers, body = fetch(gateway.port, "/api/v3/depth?symbol=BTCUSDT&limit=5")
    assert status == 200 and headers["x-weir-retries"] == "1" and b"bids" in body
    assert time.monotonic() - started < 3
    assert len(gateway.logged("retry")) == 1 and len(gateway.logged("over_weight")) == 1


def test_a_429_of_orders_is_repeated_and_the_order_executed_once(pair):
    sim, gateway = pair
    sim.faults("POST /api/v3/order next 1 error 429 -1015 Too many new orders; current limit is 100 "
               "orders per 10 SECOND.")
    status, headers, _ = fetch(gateway.port, "/api/v3/order?" + order(newClientOrderId="r1"), "POST",
                               headers={"X-MBX-APIKEY": ALICE[0]})
    assert status == 200 and headers["x-weir-retries"] == "1"
    assert sim.admin("/sim/orders?clientOrderId=r1")["executions"] == 1


def test_while_orders_of_one_account_are_stopped_reads_go_on(pair):
    sim, gateway = pair
    sim.faults("POST /api/v3/order next 1 error 429 -1015 Too many new orders.")
    status, headers, body = fetch(gateway.port, "/api/v3/order?" + order(), "POST",
                                  headers={"X-MBX-APIKEY": ALICE[0], "X-Weir-Max-Wait": "0"})
    # No time to wait: the exchange's own words come up at once, unchanged.
    assert status == 429 and json.loads(body) == {"code": -1015, "msg": "Too many new orders."}
    assert headers["x-weir-retries"] == "0"
    assert fetch(gateway.port, "/api/v3/depth?symbol=BTCUSDT")[0] == 200


@pytest.mark.parametrize("status, code, text", [
    (400, -1121, "Invalid symbol."), (400, -2010, "Account has insufficient balance."),
    (401, -2015, "Invalid API-key, IP, or permissions for action."),
    (418, -1003, "Way too much request weight used; IP banned until {ban}."),
    (500, -1000, "An unknown error occurred while processing the request."),
    (503, -1008, "Server is currently overloaded with other requests."),
    (429, -9999, "Something else."),
])
def test_everything_else_comes_up_at_once_and_unchanged(pair, status, code, text):
    sim, gateway = pair
    text = text.format(ban=int(time.time() * 1000) + 1500)
    sim.faults(f"POST /api/v3/order always error {status} {code} {text}")
    before = sim.admin("/sim/orders")["attempts"]
    got, headers, body = fetch(gateway.port, "/api/v3/order?" + order(), "POST",
                               headers={"X-MBX-APIKEY": ALICE[0]})
    assert got == status and json.loads(body) == {"code": code, "msg": text}
    assert headers["x-weir-retries"] == "0" and "x-weir-verdict" not in headers
    assert sim.admin("/sim/orders")["attempts"] - before <= 1


def test_retries_end(tmp_path):
    """The exchange refuses for ever, for reasons of its own: at most so many, then its reply."""
    with Sim("--limit", "spot-weight=6000/1s", "--ban", "0") as sim, \
            Gateway(sim.url, tmp_path / "region", "--set", "retry.max_retries=2") as gateway:
        fetch(gateway.port, "/api/v3/ping")
        eventually(lambda: gateway.logged("limit"))
        sim.faults(f"GET /api/v3/depth always error 429 -1003 {OVER}")
        status, headers, body = fetch(gateway.port, "/api/v3/depth?symbol=BTCUSDT")
        assert status == 429 and headers["x-weir-retries"] == "2"
        assert json.loads(body)["msg"] == OVER


def test_someone_else_on_the_address_is_seen_and_room_is_made(tmp_path):
    with Sim("--limit", "spot-weight=1000/3s") as sim, \
            Gateway(sim.url, tmp_path / "region") as gateway:
        fetch(gateway.port, "/api/v3/ping")
        eventually(lambda: gateway.logged("limit"))
        # A stranger takes most of this window; ours then must not run over.
        time.sleep(3.05 - time.time() % 3)
        for _ in range(3):
            assert fetch(sim.port, "/api/v3/depth?symbol=BTCUSDT&limit=5000")[0] == 200
        assert fetch(gateway.port, "/api/v3/ping")[0] == 200
        eventually(lambda: gateway.logged("foreign_use"))
        results = [fetch(gateway.port, "/api/v3/depth?symbol=BTCUSDT&limit=500")[0] for _ in range(20)]
        assert results == [200] * 20
        assert sim.books()["status429"] == 0
