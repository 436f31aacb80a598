"""`weir positions` against a simulated exchange, through the gateway and straight with the limiter.

What it says is open, protected, earned and spent must be so by the exchange's own books.
"""
import collections
import json
import os
import re
import signal
import subprocess
import time
from decimal import Decimal

import pytest
from support import ALICE, BOB, WEIR, RawUpstream, fetch, signed
from watching import WAYS, Desk

# One check on USD-M, and each symbol in it; by the documents of the exchange.
CHECK, SYMBOL, ALL_ORDERS, TRADES = 10, 2, 80, 5


@pytest.fixture(params=WAYS)
def desk(request, tmp_path):
    with Desk(request.param, tmp_path) as d:
        yield d


def same(a, b):
    return Decimal(a) == Decimal(b)


def test_one_check_tells_what_is_open_and_what_protects_it(desk):
    assert desk.look()["positions"] == []
    assert "no position is open" in desk.once().stdout
    desk.market("BTCUSDT", "buy", "0.05")
    desk.market("ETHUSDT", "sell", "2")
    desk.order("place", "BTCUSDT", "sell", "0.02", "--type", "stop_market", "--trigger", "80000", "--reduce-only")
    desk.order("place", "BTCUSDT", "sell", "0.03", "--type", "stop", "--trigger", "79000", "--price", "78000",
               "--reduce-only")
    desk.order("place", "BTCUSDT", "sell", "0.01", "--price", "99000", "--reduce-only")
    desk.order("place", "BTCUSDT", "buy", "0.01", "--price", "70000")
    desk.order("place", "ETHUSDT", "buy", "--type", "take_profit_market", "--trigger", "2000", "--close-position")
    desk.order("place", "BNBUSDT", "buy", "1", "--price", "500")
    desk.price("BTCUSDT", 91000)

    look = desk.look()
    btc, eth = sorted(look["positions"], key=lambda p: p["symbol"])
    assert look["ok"] and look["type"] == "check" and look["why"] is None
    assert (btc["symbol"], btc["stopLoss"], btc["takeProfit"]) == ("BTCUSDT", "whole", "partly")
    assert same(btc["stopQuantity"], "0.05") and same(btc["takeQuantity"], "0.01")
    assert same(btc["markPrice"], 91000) and same(btc["quantity"], "0.05")
    assert Decimal(btc["unrealized"]) == (91000 - Decimal(btc["entryPrice"])) * Decimal("0.05")
    assert sorted(o["role"] for o in btc["orders"]) == ["adds", "stop_loss", "stop_loss", "take_profit"]
    assert sum(o["conditional"] for o in btc["orders"]) == 2
    assert (eth["symbol"], eth["stopLoss"], eth["takeProfit"]) == ("ETHUSDT", "none", "whole")
    assert eth["quantity"].startswith("-2") and same(eth["takeQuantity"], 2)
    # Without a position its orders are looked for only when asked to.
    assert look["orders"] == [] and look["weight"] == CHECK + 2 * SYMBOL
    everything = desk.look("--all-orders", "1")
    assert [o["symbol"] for o in everything["orders"]] == ["BNBUSDT"] and everything["weight"] == CHECK + ALL_ORDERS
    assert everything["positions"][0]["stopLoss"] == look["positions"][0]["stopLoss"]
    balance, = look["balances"]
    assert same(balance["equity"], Decimal(balance["wallet"]) + Decimal(balance["unrealized"]))

    text = desk.once().stdout
    assert re.search(r"^BTCUSDT +long +0\.05 .* whole +partly 0\.01$", text, re.M), text
    assert re.search(r"^ETHUSDT +short +-2 .* NONE +whole$", text, re.M), text
    assert "    SELL STOP_MARKET 0.02 trigger 80000: stop-loss" in text and "\033" not in text


def test_hedge_mode_has_two_positions_of_a_symbol(desk):
    desk.order("position-mode", "hedge")
    desk.market("BTCUSDT", "buy", "0.05", "--position-side", "long")
    desk.market("BTCUSDT", "sell", "0.02", "--position-side", "short")
    desk.order("place", "BTCUSDT", "sell", "0.05", "--type", "stop_market", "--trigger", "80000",
               "--position-side", "long")
    desk.order("place", "BTCUSDT", "buy", "0.01", "--price", "70000", "--position-side", "short")
    look = desk.look()
    sides = {p["side"]: p for p in look["positions"]}
    assert set(sides) == {"LONG", "SHORT"} and look["weight"] == CHECK + SYMBOL
    assert (sides["LONG"]["stopLoss"], sides["LONG"]["takeProfit"]) == ("whole", "none")
    assert (sides["SHORT"]["stopLoss"], sides["SHORT"]["takeProfit"]) == ("none", "partly")
    with desk.watch() as w:
        w.check()
        desk.market("BTCUSDT", "buy", "0.02", "--position-side", "short")
        closed = w.event("closed")
        assert closed["before"]["side"] == "SHORT" and closed["tradesWhole"] and len(closed["trades"]) == 2
        assert {t["positionSide"] for t in closed["trades"]} == {"SHORT"}


def test_what_happens_is_told_and_what_it_earned(desk):
    with desk.watch() as w:
        assert w.check()["positions"] == [] and w.events() == []
        desk.market("BTCUSDT", "buy", "0.05")
        opened = w.event("opened", "BTCUSDT")
        assert opened["before"] is None and same(opened["now"]["quantity"], "0.05")
        assert opened["now"]["stopLoss"] == "none"

        stop = desk.order("place", "BTCUSDT", "sell", "0.05", "--type", "stop_market", "--trigger", "80000",
                          "--reduce-only")["order"]
        protected = w.event("protection", "BTCUSDT")
        assert (protected["before"]["stopLoss"], protected["now"]["stopLoss"]) == ("none", "whole")

        desk.market("BTCUSDT", "buy", "0.05")
        changed = w.event("changed", "BTCUSDT")
        assert same(changed["before"]["quantity"], "0.05") and same(changed["now"]["quantity"], "0.1")
        assert w.event("protection", "BTCUSDT")["now"]["stopLoss"] == "partly"
        desk.order("cancel", "BTCUSDT", str(stop["orderId"]), "--conditional")
        assert w.event("protection", "BTCUSDT")["now"]["stopLoss"] == "none"

        desk.price("BTCUSDT", 92000)
        desk.market("BTCUSDT", "sell", "0.12")
        flipped = w.event("flipped", "BTCUSDT")
        assert flipped["now"]["quantity"].startswith("-0.02") and flipped["tradesWhole"]
        entry = Decimal(flipped["before"]["entryPrice"])
        price = Decimal(flipped["trades"][-1]["price"])
        assert Decimal(flipped["realized"]) == (price - entry) * Decimal("0.1"), flipped
        assert len(flipped["trades"]) == 3

        desk.price("BTCUSDT", 91000)
        desk.market("BTCUSDT", "buy", "0.02")
        closed = w.event("closed", "BTCUSDT")
        short, end = Decimal(closed["before"]["entryPrice"]), Decimal(closed["trades"][-1]["price"])
        assert closed["now"] is None and closed["tradesWhole"] and len(closed["trades"]) == 2
        assert Decimal(closed["realized"]) == (short - end) * Decimal("0.02"), closed
        assert w.events() == ["opened", "protection", "changed", "protection", "protection", "flipped", "closed"]


def test_equity_that_falls_is_told(desk):
    desk.market("BTCUSDT", "buy", "100")
    with desk.watch() as all_at_once, desk.watch("--fall", "1.5") as w:
        assert w.check()["balances"][0]["change"] is not None
        # 100 BTC: 2000 down is some 1.8 % of eleven millions.
        desk.price("BTCUSDT", 88000)
        fall = w.event("equity")
        assert Decimal("-2.5") < Decimal(fall["balance"]["changePercent"]) < Decimal("-1.5")
        assert Decimal(fall["balance"]["change"]) == -200000
        before = Decimal(fall["balance"]["equity"]) + 200000
        assert abs(Decimal(fall["balance"]["changePercent"]) + 200000 * 100 / before) < Decimal("0.00000001")
        assert same(all_at_once.check()["positions"][0]["markPrice"], 88000)
        desk.price("BTCUSDT", 84000)
        assert Decimal(all_at_once.event("equity")["balance"]["change"]) == -400000
        w.event("equity")
        # Told once: from there to the next check it did not fall.
        w.check()
        assert w.events() == ["equity", "equity"] and all_at_once.events() == ["equity"]
        desk.price("BTCUSDT", 95000)
        w.check()
        assert w.events() == ["equity", "equity"]


def test_a_check_costs_what_it_says(desk):
    desk.market("BTCUSDT", "buy", "0.05")
    desk.market("ETHUSDT", "buy", "1")
    # Two seconds, to stop it between two checks.
    with desk.watch("--all-orders", "0", "--watch=2") as w:
        w.check()
        w.process.send_signal(signal.SIGSTOP)
        time.sleep(0.2)
        spent, told = desk.spent(), len(w.documents)
        w.process.send_signal(signal.SIGCONT)
        for _ in range(3):
            assert w.check()["weight"] == CHECK + 2 * SYMBOL
        desk.market("ETHUSDT", "sell", "1")
        w.event("closed", "ETHUSDT")
        assert w.check()["weight"] == CHECK + SYMBOL
        w.process.send_signal(signal.SIGSTOP)
        time.sleep(0.2)
        checks = [d for d in w.documents[told:] if d["type"] == "check"]
        assert CHECK + 2 * SYMBOL + TRADES in [c["weight"] for c in checks]
        assert desk.spent() - spent == sum(c["weight"] for c in checks), checks
        w.process.send_signal(signal.SIGCONT)
        # Nothing was asked for twice.
    targets = collections.Counter(r["target"].split("?")[0] for r in desk.sim.requests())
    n = sum(d["type"] == "check" for d in w.documents)
    assert n <= targets["/fapi/v3/positionRisk"] <= n + 1 and n <= targets["/fapi/v3/account"] <= n + 1
    assert targets["/fapi/v1/userTrades"] == 1


def test_all_orders_are_looked_at_now_and_then(desk):
    desk.order("place", "BNBUSDT", "buy", "1", "--price", "500")
    with desk.watch("--all-orders", "4") as w:
        checks = []
        for _ in range(7):
            checks.append(w.until(lambda d: d["type"] == "check"))
        assert [o["symbol"] for o in checks[0]["orders"]] == ["BNBUSDT"]
        # The first one, and the first of those that are 4 s later.
        due = [i for i, c in enumerate(checks) if c["checkedMs"] >= checks[0]["checkedMs"] + 4000]
        full = [i for i, c in enumerate(checks) if c["weight"] == CHECK + ALL_ORDERS]
        assert full == [0, due[0]], (full, due)
        assert all(c["weight"] == CHECK for i, c in enumerate(checks) if i not in full)
        # Between two looks they are shown as they were, with the time.
        assert checks[1]["orders"][0]["seenMs"] == checks[0]["checkedMs"] < checks[1]["checkedMs"]
        # An order that becomes a position is looked at from the next check on.
        desk.price("BNBUSDT", 499)
        opened = w.event("opened", "BNBUSDT")
        assert opened["now"]["takeProfit"] == "none"
        assert w.check()["orders"] == []


def test_a_position_whose_trades_cannot_be_had_is_closed_all_the_same(desk):
    desk.market("BTCUSDT", "buy", "0.05")
    with desk.watch("--all-orders", "0") as w:
        w.check()
        desk.sim.faults("GET /fapi/v1/userTrades always error 400 -1102 Something is missing.\n")
        desk.market("BTCUSDT", "sell", "0.05")
        closed = w.event("closed")
        assert closed["trades"] == [] and closed["realized"] is None and "-1102" in closed["why"]
        assert w.check()["ok"] and w.events() == ["closed"]


def test_a_wrong_key_is_explained(desk):
    desk.env = {**desk.env, "BINANCE_API_SECRET": BOB[1]}
    failed = desk.once(code=1)
    assert failed.stdout == "" and failed.stderr.startswith("weir: positions: -1022 ")
    failed = desk.once("--json", code=1)
    assert json.loads(failed.stdout)["ok"] is False and "-1022" in json.loads(failed.stdout)["why"]


def test_all_of_it_is_in_the_account_class(tmp_path):
    env = {**os.environ, "BINANCE_API_KEY": ALICE[0], "BINANCE_API_SECRET": ALICE[1]}
    position = {"symbol": "AUSDT", "positionAmt": "1", "entryPrice": "1", "markPrice": "1",
                "liquidationPrice": "0.8", "positionSide": "BOTH", "unRealizedProfit": "0"}

    def answer(method, target, body):
        text = json.dumps([position] if b"positionRisk" in target else [] if b"Orders" in target else
                          {"totalWalletBalance": "5", "totalMarginBalance": "5", "assets": []}).encode()
        return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(text), text)

    with RawUpstream(answer) as gateway:
        done = subprocess.run([WEIR, "positions", "--json", f"--gateway={gateway.url}"], env=env,
                              capture_output=True, text=True, timeout=30)
        assert done.returncode == 0, done
        assert len(gateway.seen()) == 4
        for _, target, lines, _ in gateway.seen():
            assert b"X-Weir-Class: account" in lines, target
        assert json.loads(done.stdout)["positions"][0]["liquidationPercent"] == "20"


def test_coin_m(desk):
    desk.market("BTCUSD_PERP", "buy", "5", "--coin-m")
    desk.order("place", "BTCUSD_PERP", "sell", "2", "--type", "stop_market", "--trigger", "50000", "--reduce-only",
               "--coin-m")
    look = desk.look("--coin-m")
    position, = look["positions"]
    assert (position["symbol"], position["stopLoss"]) == ("BTCUSD_PERP", "partly") and look["weight"] == 8
    assert {b["asset"] for b in look["balances"]} == {"BTC", "ETH", "BNB"}
    # Conditional orders that other programs placed at the algo endpoints; where there are none, there are none.
    query = signed({"symbol": "BTCUSD_PERP", "algoType": "CONDITIONAL", "side": "SELL", "type": "STOP_MARKET",
                    "triggerPrice": "50000", "closePosition": "true"}, ALICE[1])
    assert fetch(desk.sim.port, "/dapi/v1/algoOrder?" + query, "POST", headers={"X-MBX-APIKEY": ALICE[0]})[0] == 200
    assert desk.look("--coin-m")["positions"][0]["stopLoss"] == "whole"
    desk.sim.faults("GET /dapi/v1/openAlgoOrders always error 404 -5000 Path /dapi/v1/openAlgoOrders is invalid.\n")
    look = desk.look("--coin-m")
    assert look["positions"][0]["stopLoss"] == "partly" and look["why"] is None
