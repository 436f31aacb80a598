"""`weir positions` against a simulated exchange, through the gateway and straight with the limiter.

What it says is open, protected, earned and spent must be so by the exchange's own books.
"""
import collections
import fcntl
import json
import os
import pty
import re
import select
import signal
import struct
import subprocess
import termios
import threading
import time
from decimal import Decimal

import pytest
from support import ALICE, BOB, REPORT, WEIR, Gateway, Program, RawUpstream, Sim, eventually, fetch, signed

# One check on USD-M, and each symbol in it; by the documents of the exchange.
CHECK, SYMBOL, ALL_ORDERS, TRADES = 10, 2, 80, 5
OWN = re.compile(r"/[fd]api/v\d/(time|ping|exchangeInfo)\b")


class Desk:
    """One account at one exchange, in one of the two ways."""

    def __init__(self, way, folder, *sim):
        self.folder, self.way = folder, way
        self.sim = Sim("--limit", "futures-orders=100000/10s,futures-orders-long=100000/1m", *sim)
        self.gateway = None
        for symbol, price in (("BTCUSDT", 90000), ("ETHUSDT", 3000), ("BNBUSDT", 900)):
            self.price(symbol, price)
        if way == "gateway":
            self.gateway = Gateway(self.sim.url, folder / "region")
            fetch(self.gateway.port, "/fapi/v1/ping")
            eventually(lambda: self.gateway.logged("limit"))
            self.where = [f"--gateway={self.gateway.url}"]
        else:
            self.where = ["--base", self.sim.url, "--region", str(folder / "region")]
        self.env = {**os.environ, "BINANCE_API_KEY": ALICE[0], "BINANCE_API_SECRET": ALICE[1]}

    def __enter__(self):
        return self

    def __exit__(self, *failure):
        for program in (self.gateway, self.sim):
            if program:
                program.process.send_signal(signal.SIGCONT)
                program.__exit__(*failure)

    def price(self, symbol, price, market="usdm"):
        self.sim.admin(f"/sim/price?symbol={symbol}&market={market}&price={price}", "POST")

    def order(self, *words):
        done = subprocess.run([WEIR, "order", *words, *self.where, "--json"], env=self.env, capture_output=True,
                              text=True, timeout=60)
        assert done.returncode == 0, done
        return json.loads(done.stdout)

    def market(self, symbol, side, quantity, *words):
        return self.order("place", symbol, side, quantity, "--type", "market", *words)["order"]

    def once(self, *words, code=0):
        done = subprocess.run([WEIR, "positions", *self.where, *words], env=self.env, capture_output=True,
                              text=True, timeout=60)
        assert done.returncode == code and not REPORT.search(done.stderr), done
        return done

    def look(self, *words):
        return json.loads(self.once("--json", *words).stdout)

    def watch(self, *words):
        return Watcher([WEIR, "positions", "--watch=1", "--json", *self.where, *words], self.env)

    def spent(self):
        """Weight by the exchange's books, but for what weir asks for itself: time and limits."""
        book = self.sim.pool("futures")
        own = collections.Counter()
        for request in self.sim.requests():
            if OWN.search(request["target"]):
                own[request["target"]] += 1
        total = sum(w["used"] for w in [*book["windows"], book["now"]])
        return total - sum(own.values())


class Watcher:
    """weir positions --watch --json, as it goes."""

    def __init__(self, args, env):
        self.process = subprocess.Popen(args, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.documents, self.errors = [], []
        self.seen = 0
        self.readers = [threading.Thread(target=self.read, daemon=True),
                        threading.Thread(target=self.read_errors, daemon=True)]
        for reader in self.readers:
            reader.start()

    def read(self):
        for line in self.process.stdout:
            self.documents.append(json.loads(line))

    def read_errors(self):
        for line in self.process.stderr:
            self.errors.append(line)

    def until(self, condition, seconds=20):
        """The first document from here on that is so."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            while self.seen < len(self.documents):
                self.seen += 1
                if condition(self.documents[self.seen - 1]):
                    return self.documents[self.seen - 1]
            time.sleep(0.01)
        raise AssertionError(("it was not told", self.documents[-3:], self.errors))

    def event(self, name, symbol=None, seconds=20):
        return self.until(lambda d: d.get("event") == name and (not symbol or d["symbol"] == symbol), seconds)

    def check(self, ok=True):
        """One that begins from now on: the second to end."""
        self.seen = len(self.documents)
        for _ in range(2):
            found = self.until(lambda d: d["type"] == "check" and d["ok"] is ok)
        return found

    def events(self):
        return [d["event"] for d in self.documents if d["type"] == "event"]

    def __enter__(self):
        return self

    def __exit__(self, *failure):
        if self.process.poll() is None:
            self.process.terminate()
        self.process.wait(10)
        for reader in self.readers:
            reader.join(2)
        if not any(failure):
            assert not any(REPORT.search(line) for line in self.errors), "".join(self.errors)


@pytest.fixture(params=["gateway", "alone"])
def way(request):
    return request.param


@pytest.fixture
def desk(way, tmp_path):
    with Desk(way, tmp_path) as d:
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
    with desk.watch("--all-orders", "0") as w:
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
        full = [i for i, c in enumerate(checks) if c["weight"] == CHECK + ALL_ORDERS]
        assert full[0] == 0 and len(full) == 2 and full[1] in (4, 5), full
        assert all(c["weight"] == CHECK for i, c in enumerate(checks) if i not in full)
        # Between two looks they are shown as they were, with the time.
        assert checks[1]["orders"][0]["seenMs"] == checks[0]["checkedMs"] < checks[1]["checkedMs"]
        # An order that becomes a position is looked at from the next check on.
        desk.price("BNBUSDT", 499)
        opened = w.event("opened", "BNBUSDT")
        assert opened["now"]["takeProfit"] == "none"
        assert w.check()["orders"] == []


def test_it_goes_on_through_a_ban_and_says_so(desk):
    desk.market("BTCUSDT", "buy", "0.05")
    with desk.watch("--all-orders", "0") as w:
        before = w.check()
        until = int(time.time() * 1000) + 5000
        desk.sim.faults("GET /fapi/v3/positionRisk next 1 error 418 -1003 Way too many requests; IP banned until "
                        f"{until}. Please use the websocket for live updates to avoid bans.\n")
        stale = w.event("stale")
        assert "banned" in stale["why"]
        arrived = len(desk.sim.requests())
        check = w.until(lambda d: d["type"] == "check")
        assert check["weight"] == 5
        assert not check["ok"] and check["staleSinceMs"] == stale["atMs"]
        assert abs(check["retryAtMs"] - until) < 1000 and check["nextMs"] >= check["retryAtMs"]
        # What was known is still there, and it is said as of when.
        assert [p["symbol"] for p in check["positions"]] == ["BTCUSDT"]
        assert before["checkedMs"] <= check["checkedMs"] < stale["atMs"]
        time.sleep(1.5)
        assert len(desk.sim.requests()) == arrived
        fresh = w.event("fresh")
        assert fresh["atMs"] >= until
        assert w.check()["ok"] and w.events() == ["stale", "fresh"]
    book = desk.sim.pool("futures")
    assert book["duringBan"] == 0 and book["status418"] == 0


def test_it_goes_on_through_an_outage_and_says_so(desk):
    desk.market("BTCUSDT", "buy", "0.05")
    with desk.watch("--all-orders", "0", "--timeout", "400", "--deadline", "1500") as w:
        w.check()
        # Nobody answers: neither refused nor reset.
        desk.sim.process.send_signal(signal.SIGSTOP)
        stale = w.event("stale", seconds=60)
        assert stale["why"]
        failed = w.until(lambda d: d["type"] == "check" and not d["ok"], 60)
        again = w.until(lambda d: d["type"] == "check" and not d["ok"], 60)
        assert again["failures"] == failed["failures"] + 1 and again["staleSinceMs"] == failed["staleSinceMs"]
        assert again["weight"] in (0, 5)
        assert again["nextMs"] > again["staleSinceMs"] and again["retryAtMs"] is None
        desk.sim.process.send_signal(signal.SIGCONT)
        w.event("fresh", seconds=60)
        desk.market("BTCUSDT", "sell", "0.05")
        closed = w.event("closed", "BTCUSDT")
        assert closed["tradesWhole"]
        assert w.events() == ["stale", "fresh", "closed"]


def test_a_gateway_may_be_started_anew(tmp_path):
    with Desk("gateway", tmp_path) as desk, desk.watch("--all-orders", "0") as w:
        w.check()
        desk.gateway.kill()
        stale = w.event("stale")
        assert "Connection refused" in stale["why"] or "closed" in stale["why"]
        port = desk.gateway.port
        desk.gateway = Program("gateway", "--listen", f"127.0.0.1:{port}", "--upstream", desk.sim.url,
                               "--region", str(tmp_path / "region"))
        w.event("fresh")
        assert w.check()["ok"]


def test_what_changed_while_nobody_answered_is_told_afterwards(desk):
    desk.market("BTCUSDT", "buy", "0.05")
    with desk.watch("--all-orders", "0") as w:
        w.check()
        desk.sim.faults("GET /fapi/v3/account always reset unexecuted\n")
        w.event("stale")
        # Half a check is none: the positions that it did see were not taken over.
        desk.market("BTCUSDT", "sell", "0.05")
        w.check(ok=False)
        assert w.events() == ["stale"]
        desk.sim.faults("")
        w.event("closed", "BTCUSDT")
        assert w.events() == ["stale", "fresh", "closed"]


def test_a_position_whose_trades_cannot_be_had_is_closed_all_the_same(desk):
    desk.market("BTCUSDT", "buy", "0.05")
    with desk.watch("--all-orders", "0") as w:
        w.check()
        desk.sim.faults("GET /fapi/v1/userTrades always error 400 -1102 Something is missing.\n")
        desk.market("BTCUSDT", "sell", "0.05")
        closed = w.event("closed")
        assert closed["trades"] == [] and closed["realized"] is None and "-1102" in closed["why"]
        assert w.check()["ok"] and w.events() == ["closed"]


def test_without_a_terminal_pages_follow_one_another(desk):
    desk.market("BTCUSDT", "buy", "0.05")
    watch = subprocess.Popen([WEIR, "positions", "--watch=1", *desk.where], env={**desk.env, "TERM": "xterm"},
                             stdout=subprocess.PIPE, text=True)
    first = watch.stdout.readline()
    assert re.fullmatch(r"checked [0-9:]{8} UTC \(weight 90\), next check [0-9:]{8}\n", first), first
    desk.market("BTCUSDT", "sell", "0.05")
    lines = []
    while not lines or "no position is open" not in lines[-1]:
        lines.append(watch.stdout.readline())
    text = "".join(lines)
    assert re.search(r"^[0-9:]{8} closed BTCUSDT long 0\.05 at \d+(\.\d+)?; realised -?[0-9.]+ in 2 trades$", text,
                     re.M), text
    assert "\033" not in text
    # Who reads has gone: so does it.
    watch.stdout.close()
    assert watch.wait(10) == 1


def test_a_wrong_key_is_explained(desk):
    desk.env = {**desk.env, "BINANCE_API_SECRET": BOB[1]}
    failed = desk.once(code=1)
    assert failed.stdout == "" and failed.stderr.startswith("weir: positions: -1022 ")
    failed = desk.once("--json", code=1)
    assert json.loads(failed.stdout)["ok"] is False and "-1022" in json.loads(failed.stdout)["why"]


def test_a_command_gets_each_event(desk, tmp_path):
    out = tmp_path / "out"
    command = f'{{ printf "%s " "$WEIR_EVENT"; cat; }} >> {out}; echo noise; exit 3'
    with desk.watch("--exec", command) as w:
        w.check()
        desk.market("BTCUSDT", "buy", "0.05")
        w.event("opened")
        desk.market("BTCUSDT", "sell", "0.05")
        w.event("closed")
        eventually(lambda: out.exists() and out.read_text().count("\n") == 2)
        lines = [line.split(" ", 1) for line in out.read_text().splitlines()]
        told = [d for d in w.documents if d["type"] == "event"]
        assert [(name, json.loads(text)) for name, text in lines] == [(d["event"], d) for d in told]
        # What it prints is kept out of our documents; that it failed is said.
        eventually(lambda: 'weir: positions: the command for "closed" ended with status 3\n' in w.errors)
        assert "noise\n" in w.errors


def test_commands_that_hang_do_not_hold_up_checks(desk, tmp_path):
    desk.order("position-mode", "hedge")
    go, ran = tmp_path / "go", tmp_path / "ran"
    command = f'echo "$$" >> {ran}; while [ ! -e {go} ]; do sleep 0.1; done'
    symbols = ["BTCUSDT", "ETHUSDT", "BNBUSDT", "SOLUSDT", "LTCUSDT"]
    with desk.watch("--exec", command) as w:
        w.check()
        for symbol in symbols:
            desk.market(symbol, "buy", "10", "--position-side", "long")
            desk.market(symbol, "sell", "10", "--position-side", "short")
        eventually(lambda: w.events().count("opened") == 10, 30)
        # As many as may run at once run; the others wait.
        eventually(lambda: len(ran.read_text().split()) == 8)
        w.check()
        w.check()
        assert len(ran.read_text().split()) == 8
        children = subprocess.run(["ps", "--ppid", str(w.process.pid), "-o", "stat="], capture_output=True,
                                  text=True).stdout.split()
        assert len(children) == 8 and not any(c.startswith("Z") for c in children)
        go.touch()
        eventually(lambda: len(ran.read_text().split()) == 10)
        eventually(lambda: subprocess.run(["ps", "--ppid", str(w.process.pid), "-o", "stat="], capture_output=True,
                                          text=True).stdout == "")


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


class Terminal:
    """A terminal of 100 columns that a command runs on."""

    def __init__(self, args, env, columns=100, rows=30):
        self.output = b""
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.execve(args[0], args, env)
        self.resize(columns, rows)

    def resize(self, columns, rows=30):
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def read(self, seconds=0.1):
        while select.select([self.fd], [], [], seconds)[0]:
            try:
                piece = os.read(self.fd, 65536)
            except OSError:
                return False
            if not piece:
                return False
            self.output += piece
        return True

    def until(self, what, seconds=15):
        end = time.monotonic() + seconds
        while what not in self.output:
            assert time.monotonic() < end, self.output
            self.read()

    def end(self):
        """Ctrl-C. Returns how it ended."""
        os.write(self.fd, b"\x03")
        while self.read(1):
            pass
        _, status = os.waitpid(self.pid, 0)
        os.close(self.fd)
        return os.waitstatus_to_exitcode(status)


def test_a_table_refreshes_in_place_and_gives_the_terminal_back(desk):
    desk.market("BTCUSDT", "buy", "0.05")
    env = {**desk.env, "TERM": "xterm", "LANG": "C.UTF-8"}
    env.pop("NO_COLOR", None)
    t = Terminal([WEIR, "positions", "--watch=1", *desk.where], env)
    t.until(b"BTCUSDT")
    before = termios.tcgetattr(t.fd)
    desk.market("BTCUSDT", "sell", "0.05")
    t.until(b"closed BTCUSDT")
    t.until(b"no position is open")
    assert t.output.count(b"\033[?1049h") == 1 and b"\033[?1049l" not in t.output
    assert t.output.count(b"\033[H") >= 2 and b"\033[31mNONE" in t.output
    assert not before[3] & termios.ECHO
    assert t.end() == -signal.SIGINT
    assert t.output.rstrip().endswith(b"\033[?1049l") and b"\033[?25h" in t.output.rsplit(b"\033[J", 1)[-1]


def test_no_colour_and_a_narrow_terminal(desk):
    desk.market("BTCUSDT", "buy", "0.05")
    env = {**desk.env, "TERM": "xterm", "NO_COLOR": "1"}
    t = Terminal([WEIR, "positions", "--watch=1", *desk.where], env, columns=80)
    t.until(b"BTCUSDT  long")
    t.read(0.2)
    assert not re.search(rb"\033\[3[0-9]m", t.output)
    frame = re.sub(rb"\033\[[?0-9;]*[A-Za-z]", b"", t.output).decode()
    assert "MARGIN" not in frame and "STOP-LOSS" in frame and re.search(r"available [0-9]+\.[0-9]{2}\s", frame)
    assert max(len(line.rstrip()) for line in frame.splitlines()) <= 80, frame
    assert t.end() == -signal.SIGINT
