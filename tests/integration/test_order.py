"""`weir order` against a simulated exchange, through the gateway and straight with the limiter.

What it reports of an order must be true by the exchange's own books: executed exactly once, or not.
"""
import base64
import json
import re
import subprocess
import time
from urllib.parse import unquote

import pytest
from desk import DONE, FAILED, QUICK, UNKNOWN, USAGE, WIDE, Desk, Stage
from support import ALICE, BOB, ROOT, WEIR, fetch


@pytest.fixture(params=["gateway", "alone"])
def way(request):
    return request.param


@pytest.fixture
def stage(way, tmp_path):
    with Stage(way, tmp_path) as s:
        yield s


def test_the_life_of_an_order(stage):
    desk = stage.desk
    placed = desk.json("place", "BTCUSDT", "buy", "0.0129", "--price", "50000.07")
    order = placed["order"]
    assert placed["executed"] == "yes" and placed["attempts"] == 1 and not placed["lookedUp"]
    assert (order["status"], order["quantity"], order["price"]) == ("new", "0.012", "50000.0")
    assert re.fullmatch(r"weir-[0-9a-v]{22}", order["clientId"])
    assert stage.books(order["clientId"]) == {"clientOrderId": order["clientId"], "attempts": 1, "executions": 1}

    assert desk.json("query", "BTCUSDT", order["orderId"])["clientId"] == order["clientId"]
    assert desk.json("query", "BTCUSDT", "--client-id", order["clientId"])["orderId"] == order["orderId"]
    assert [o["orderId"] for o in desk.json("open", "BTCUSDT")] == [order["orderId"]]
    assert [o["orderId"] for o in desk.json("open")] == [order["orderId"]]

    canceled = desk.json("cancel", "BTCUSDT", order["orderId"])
    assert canceled["executed"] == "yes" and canceled["order"]["status"] == "canceled"
    assert desk.json("open", "BTCUSDT") == []
    again = desk.json("cancel", "BTCUSDT", "--client-id", order["clientId"], code=FAILED)
    assert again["executed"] == "no" and again["code"] == -2011 and again["order"]["status"] == "canceled"
    desk.fails("query", "BTCUSDT", "77", says="-2013")


def test_text_for_people(stage):
    result = stage.desk.run("place", "ETHUSDT", "sell", "1", "--type", "market")
    assert result.returncode == DONE and re.match(r"ETHUSDT SELL MARKET 1.000: filled, filled 1.000 at ", result.stdout)
    assert "ETHUSDT" in stage.desk.run("positions").stdout
    assert re.search(r"^USDT +\d", stage.desk.run("account").stdout, re.M)
    assert "no order is open" in stage.desk.run("open").stdout


def test_account_settings_and_market(stage):
    desk = stage.desk
    filled = desk.json("place", "BTCUSDT", "buy", "0.01", "--type", "market")["order"]
    assert filled["status"] == "filled" and filled["filled"] == "0.010"
    position, = desk.json("positions")
    assert (position["symbol"], position["side"], position["quantity"]) == ("BTCUSDT", "BOTH", "0.010")
    assert desk.json("positions", "ETHUSDT") == []
    trade, = desk.json("trades", "BTCUSDT")
    assert trade["orderId"] == filled["orderId"] and float(trade["price"]) == float(position["entryPrice"])
    assert desk.json("trades", "BTCUSDT", "--order-id", "1") == []
    total, *assets = desk.json("account")
    assert total["asset"] is None and {a["asset"] for a in assets} == {"USDT", "USDC"}

    assert desk.json("leverage", "BTCUSDT", "7")["executed"] == "yes"
    assert desk.json("leverage", "BTCUSDT", "126", code=FAILED)["code"] == -4028
    assert desk.json("margin-type", "ETHUSDT", "isolated")["executed"] == "yes"
    again = desk.json("margin-type", "ETHUSDT", "isolated")
    assert again["executed"] == "yes" and again["code"] == -4046
    assert desk.json("margin-type", "BTCUSDT", "isolated", code=FAILED)["code"] == -4048

    klines = desk.json("klines", "BTCUSDT", "1h", "--limit", "5")
    assert len(klines) == 5 and all(float(k["low"]) <= float(k["close"]) <= float(k["high"]) for k in klines)
    ticker = desk.json("ticker", "BTCUSDT")
    assert float(ticker["bid"]) < float(ticker["ask"]) and ticker["last"]
    assert desk.json("filters", "BTCUSDT")["tick"] == "0.1"
    assert float(json.loads(desk.run("ticker", "BTCUSDT", "--raw").stdout)["bidPrice"]) > 0


def test_conditional_orders_go_to_the_algo_endpoints(stage):
    desk = stage.desk
    desk.json("place", "BTCUSDT", "buy", "0.05", "--type", "market")
    placed = [
        desk.json("place", "BTCUSDT", "sell", "0.01", "--type", "stop_market", "--trigger", "40000", "--reduce-only"),
        desk.json("place", "BTCUSDT", "sell", "0.01", "--type", "take_profit", "--trigger", "200000", "--price", "199000"),
        desk.json("place", "BTCUSDT", "sell", "--type", "stop_market", "--trigger", "30000.04", "--close-position", "--mark"),
        desk.json("place", "BTCUSDT", "sell", "0.01", "--type", "trailing_stop_market", "--callback", "0.5",
                  "--trigger", "210000"),
        desk.json("place", "BTCUSDT", "buy", "0.01", "--type", "stop", "--trigger", "150000", "--price", "151000",
                  "--tif", "gtx"),
    ]
    assert all(p["order"]["conditional"] and p["order"]["status"] == "new" for p in placed)
    assert placed[2]["order"]["triggerPrice"] == "30000.0" and placed[2]["order"]["closePosition"]
    paths = {r["target"].split("?")[0] for r in stage.sim.requests() if r["method"] == "POST"}
    assert paths == {"/fapi/v1/order", "/fapi/v1/algoOrder"}
    opened = desk.json("open", "BTCUSDT")
    assert {o["orderId"] for o in opened} == {p["order"]["orderId"] for p in placed}

    first = placed[0]["order"]
    assert desk.json("query", "BTCUSDT", first["orderId"], "--conditional")["type"] == "STOP_MARKET"
    canceled = desk.json("cancel", "BTCUSDT", "--client-id", first["clientId"], "--conditional")
    assert canceled["executed"] == "yes" and canceled["order"]["status"] == "canceled"
    desk.json("place", "BTCUSDT", "buy", "0.01", "--price", "50000")
    assert desk.json("cancel-all", "BTCUSDT")["executed"] == "yes"
    assert desk.json("open", "BTCUSDT") == []


def test_hedge_mode(stage):
    desk = stage.desk
    assert desk.json("position-mode", "hedge")["executed"] == "yes"
    assert desk.json("place", "BTCUSDT", "buy", "0.01", "--type", "market", code=FAILED)["code"] == -4061
    desk.json("place", "BTCUSDT", "buy", "0.01", "--type", "market", "--position-side", "long")
    desk.json("place", "BTCUSDT", "sell", "0.02", "--type", "market", "--position-side", "short")
    assert {(p["side"], p["quantity"]) for p in desk.json("positions")} == {("LONG", "0.010"), ("SHORT", "-0.020")}
    desk.json("place", "BTCUSDT", "sell", "0.01", "--type", "market", "--position-side", "long")
    assert [p["side"] for p in desk.json("positions")] == ["SHORT"]
    desk.fails("place", "BTCUSDT", "sell", "0.01", "--type", "market", "--position-side", "long", "--reduce-only",
               says="one-way")


def test_coin_m(stage):
    desk = stage.desk
    filled = desk.json("place", "BTCUSD_PERP", "buy", "3", "--type", "market", "--coin-m")["order"]
    assert filled["status"] == "filled" and filled["filled"] == "3"
    stop = desk.json("place", "BTCUSD_PERP", "sell", "3", "--type", "stop_market", "--trigger", "40000", "--coin-m")
    assert not stop["order"]["conditional"]
    position, = desk.json("positions", "BTCUSD_PERP", "--coin-m")
    assert position["quantity"] == "3" and position["leverage"] == 20
    assert [b["asset"] for b in desk.json("account", "--coin-m")] == ["BTC", "ETH", "BNB"]
    assert desk.json("filters", "BTCUSD_PERP", "--coin-m")["contractSize"] == "100"
    assert desk.json("ticker", "BTCUSD_PERP", "--coin-m")["last"]
    assert len(desk.json("trades", "BTCUSD_PERP", "--coin-m")) == 1
    assert desk.json("cancel-all", "BTCUSD_PERP", "--coin-m")["executed"] == "yes"
    assert desk.json("open", "--coin-m") == []
    assert {r["target"].split("/")[1] for r in stage.sim.requests()} <= {"dapi", "fapi"}
    # When this market too sends conditional orders elsewhere, they go there, once.
    stage.sim.faults("POST /dapi/v1/order always error 400 -4120 Please use the Algo Order API endpoints instead.")
    stop = desk.json("place", "BTCUSD_PERP", "sell", "3", "--type", "stop_market", "--trigger", "40000", "--coin-m")
    assert stop["executed"] == "yes" and stop["order"]["conditional"]
    assert stage.books(stop["order"]["clientId"])["executions"] == 1
    assert len(desk.json("open", "BTCUSD_PERP", "--coin-m")) == 1
    assert desk.json("cancel-all", "BTCUSD_PERP", "--coin-m")["executed"] == "yes"
    assert desk.json("open", "BTCUSD_PERP", "--coin-m") == []
    # And where it has no such endpoint, there is none of them.
    stage.sim.faults("DELETE /dapi/v1/algoOpenOrders always error 404 -5000 Path /dapi/v1/algoOpenOrders is invalid")
    assert desk.json("cancel-all", "BTCUSD_PERP", "--coin-m")["executed"] == "yes"


def test_partial_fills_are_told_as_they_are(stage):
    desk = stage.desk
    stage.sim.faults("POST /fapi/v1/order always partial 30% 60000")
    rests = desk.json("place", "BTCUSDT", "buy", "0.01", "--price", "1000000")["order"]
    assert (rests["status"], rests["filled"], rests["quantity"]) == ("partially_filled", "0.003", "0.010")
    assert desk.json("query", "BTCUSDT", rests["orderId"])["filled"] == "0.003"
    assert [o["status"] for o in desk.json("open", "BTCUSDT")] == ["partially_filled"]
    gone = desk.json("place", "BTCUSDT", "buy", "0.01", "--price", "1000000", "--tif", "ioc")
    assert gone["executed"] == "yes"
    assert (gone["order"]["status"], gone["order"]["filled"]) == ("expired", "0.003")
    canceled = desk.json("cancel", "BTCUSDT", rests["orderId"])["order"]
    assert (canceled["status"], canceled["filled"]) == ("canceled", "0.003")
    stage.sim.faults("POST /fapi/v1/order always partial 30% 60000\nPOST /fapi/v1/order next 1 reset executed")
    found = desk.json("place", "BTCUSDT", "buy", "0.01", "--price", "1000000", *QUICK)
    assert found["lookedUp"] and found["order"]["filled"] == "0.003"


def test_dry_run_sends_no_order(stage):
    desk = stage.desk
    result = desk.run("place", "BTCUSDT", "buy", "0.0129", "--price", "50000.07", "--dry-run")
    assert result.returncode == DONE and result.stdout.startswith("would send: POST /fapi/v1/order?symbol=BTCUSDT&side=BUY")
    assert "quantity=0.012&price=50000&" in result.stdout
    assert not re.search("signature|timestamp", result.stdout)
    desk.json("place", "BTCUSDT", "buy", "0.0129", "--price", "50000.07", "--dry-run", "--test")
    sent = [r for r in stage.sim.requests() if r["method"] == "POST"]
    assert [r["target"].split("?")[0] for r in sent] == ["/fapi/v1/order/test"]
    assert stage.sim.admin("/sim/orders")["attempts"] == 0
    stage.sim.faults("POST /fapi/v1/order/test always error 400 -2019 Margin is insufficient.")
    desk.fails("place", "BTCUSDT", "buy", "0.0129", "--price", "50000.07", "--dry-run", "--test", says="-2019")


@pytest.mark.parametrize("args, says", [
    (("BTCUSDT", "buy", "0.0001", "--price", "50000"), "rounds to nothing"),
    (("BTCUSDT", "buy", "0.0129", "--price", "50000", "--exact"), "no multiple of 0.001"),
    (("BTCUSDT", "buy", "0.001", "--price", "50000"), "must be worth 100"),
    (("BTCUSDT", "buy", "1e3", "--price", "50000"), "not a decimal number"),
    (("BTCUSDT", "buy", "0.01"), "needs a price"),
    (("BTCUSDT", "buy", "0.01", "--price", "1", "--type", "market"), "has no price"),
    (("BTCUSDT", "buy", "0.01", "--type", "stop_market"), "needs a trigger price"),
    (("BTCUSDT", "buy", "0.01", "--type", "trailing_stop_market"), "needs a callback"),
    (("BTCUSDT", "buy", "--type", "market", "--close-position"), "cannot close the position"),
    (("BTCUSDT", "buy", "0.01", "--type", "market", "--tif", "ioc"), "has no time in force"),
    (("BTCUSDT", "buy", "0.01", "--price", "50000", "--tif", "gtd"), "go together"),
    (("BTCUSDT", "buy", "0.01", "--price", "50000", "--client-id", "no blanks"), "client id"),
    (("btcusdt", "buy", "0.01", "--price", "50000"), "small letter"),
    (("NOSUCH", "buy", "0.01", "--price", "50000"), "no symbol NOSUCH"),
])
def test_what_makes_no_sense_is_refused_before_it_is_sent(tmp_path, args, says):
    with Stage("alone", tmp_path) as stage:
        stage.desk.fails("place", *args, says=says)
        assert stage.sim.admin("/sim/orders")["attempts"] == 0


@pytest.mark.parametrize("args, says", [
    ((), "name an action"),
    (("buy",), "no action"),
    (("place", "BTCUSDT"), "takes SYMBOL"),
    (("place", "BTCUSDT", "long", "1"), "buy or sell"),
    (("place", "BTCUSDT", "buy", "1", "--type", "iceberg"), "no such type"),
    (("cancel", "BTCUSDT"), "order's number"),
    (("cancel", "BTCUSDT", "x"), "no order's number"),
    (("open", "A", "B"), "takes at most"),
    (("leverage", "BTCUSDT", "many"), "no whole number"),
    (("ticker", "BTCUSDT", "--frobnicate"), "no option"),
    (("ticker", "BTCUSDT", "--lookup", "soon"), "whole number"),
    (("ticker", "BTCUSDT", "--testnet", "--gateway"), "goes with neither"),
    (("ticker", "BTCUSDT", "--base", "ftp://x"), "no base URL"),
    (("account", "--secret-file", "/etc/passwd"), "secret file /etc/passwd"),
])
def test_wrong_command_lines_are_explained(tmp_path, args, says):
    desk = Desk(() if "--base" in args or "--testnet" in args else ("--base", "http://127.0.0.1:1"),
                tmp_path / "region")
    desk.fails(*args, code=USAGE, says=says)


def test_help_names_every_option():
    text = subprocess.run([WEIR, "order", "--help"], capture_output=True, text=True, check=True).stdout
    source = (ROOT / "src/cli/cmd_order.c").read_text()
    for option in re.findall(r'\{ "([a-z-]+)", (?:no|required|optional)_argument', source):
        assert f"--{option}" in text, option


def test_nobody_there_is_told_as_not_sent(tmp_path):
    desk = Desk(("--base", "http://127.0.0.1:1"), tmp_path / "region")
    desk.fails("place", "BTCUSDT", "buy", "1", "--type", "market", "--timeout", "500", says="127.0.0.1:1")
    desk = Desk(("--gateway=http://127.0.0.1:1",), tmp_path / "region")
    desk.fails("cancel", "BTCUSDT", "5", "--timeout", "500", says="127.0.0.1:1")


def openssl(*args, **kwargs):
    return subprocess.run(["openssl", *map(str, args)], capture_output=True, check=True, **kwargs)


@pytest.mark.parametrize("kind", ["rsa", "ed25519"])
def test_private_keys_sign_as_openssl_says(tmp_path, kind):
    private, public = tmp_path / "private.pem", tmp_path / "public.pem"
    extra = ("-pkeyopt", "rsa_keygen_bits:2048") if kind == "rsa" else ()
    openssl("genpkey", "-algorithm", kind, "-out", private, *extra)
    openssl("pkey", "-in", private, "-pubout", "-out", public)
    with Stage("alone", tmp_path, *WIDE, "--account", f"carol:KeyOfCarol:@{public}") as stage:
        desk = Desk(stage.place, tmp_path / "region")
        del desk.env["BINANCE_API_SECRET"]
        desk.env["BINANCE_API_KEY"] = "KeyOfCarol"
        private.chmod(0o640)
        desk.fails("account", "--private-key-file", private, code=USAGE, says="chmod 600")
        private.chmod(0o600)
        desk.json("account", "--private-key-file", private)
        desk.env["BINANCE_PRIVATE_KEY_FILE"] = str(private)
        placed = desk.json("place", "BTCUSDT", "buy", "0.01", "--price", "50000", "--client-id", "a:b/c.d")
        assert placed["order"]["clientId"] == "a:b/c.d"
        request = next(r for r in stage.sim.requests() if r["method"] == "POST")
    query, signature = request["target"].split("?")[1].split("&signature=")
    assert "newClientOrderId=a%3Ab%2Fc.d" in query and not set("+/=") & set(signature)
    (tmp_path / "payload").write_bytes(query.encode())
    (tmp_path / "signature").write_bytes(base64.b64decode(unquote(signature)))
    raw = ("-rawin",) if kind == "ed25519" else ("-rawin", "-digest", "sha256")
    openssl("pkeyutl", "-verify", "-pubin", "-inkey", public, *raw, "-in", tmp_path / "payload",
            "-sigfile", tmp_path / "signature")


def test_keys_are_never_shown(stage):
    key_free = [stage.desk.run(*args, "--verbose") for args in (
        ("place", "BTCUSDT", "buy", "0.01", "--price", "50000"), ("account", "--raw"),
        ("place", "BTCUSDT", "buy", "100000", "--price", "50000"),
        ("place", "BTCUSDT", "buy", "0.01", "--price", "50000", "--dry-run"))]
    wrong = Desk(stage.place, stage.desk.env["WEIR_REGION"], (ALICE[0], BOB[1]))
    key_free.append(wrong.run("account", "--verbose"))
    assert key_free[-1].returncode == FAILED and "-1022" in key_free[-1].stderr
    for result in key_free:
        for secret in (*ALICE, BOB[1]):
            assert secret[:12] not in result.stdout + result.stderr
        assert "signature" not in (result.stdout + result.stderr).replace("Signature for", "")


def test_without_keys_only_public_calls_work(stage):
    stage.desk.env.pop("BINANCE_API_SECRET")
    stage.desk.fails("account", says="no secret or private key")
    stage.desk.env.pop("BINANCE_API_KEY")
    stage.desk.fails("account", says="set BINANCE_API_KEY")
    stage.desk.fails("place", "BTCUSDT", "buy", "0.01", "--price", "50000", says="not sent")
    assert stage.desk.json("ticker", "BTCUSDT")["last"]
    assert not [r for r in stage.sim.requests() if r["method"] == "POST"]


def test_tls_is_verified(tmp_path):
    key, cert = tmp_path / "key.pem", tmp_path / "cert.pem"
    openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", key, "-out", cert, "-days", "2",
            "-subj", "/CN=exchange", "-addext", "subjectAltName=IP:127.0.0.1")
    with Stage("alone", tmp_path, *WIDE, "--tls-cert", str(cert), "--tls-key", str(key)) as stage:
        url = stage.sim.url.replace("http:", "https:")
        desk = Desk(("--base", url, "--ca", str(cert)), tmp_path / "region")
        assert desk.json("place", "BTCUSDT", "buy", "0.01", "--price", "50000")["executed"] == "yes"
        desk.place = ("--base", url)
        desk.fails("place", "BTCUSDT", "buy", "0.01", "--price", "50000", says="certificate|verif")
        desk.place = ("--base", url, "--ca", str(tmp_path / "nothing"))
        desk.fails("ticker", "BTCUSDT", says="certificates to trust")


def test_a_gateway_on_a_unix_socket(tmp_path):
    socket = tmp_path / "weir.sock"
    with Stage("gateway", tmp_path, *WIDE, gateway_args=("--listen", f"unix:{socket}")) as stage:
        desk = Desk((f"--gateway=unix:{socket}",), tmp_path / "region")
        assert desk.json("place", "BTCUSDT", "buy", "0.01", "--price", "50000")["executed"] == "yes"
        # The environment names it as well as the option.
        desk.place, desk.env["WEIR_GATEWAY"] = (), f"unix:{socket}"
        assert len(desk.json("open", "BTCUSDT")) == 1


@pytest.mark.parametrize("skew", [-90000, 1500, 90000])
def test_the_exchanges_clock_is_used(way, tmp_path, skew):
    with Stage(way, tmp_path, *WIDE, "--skew", str(skew)) as stage:
        assert stage.desk.json("place", "BTCUSDT", "buy", "0.01", "--price", "50000")["attempts"] == 1


def test_1021_is_answered_by_measuring_the_clock_once(stage):
    stage.sim.faults("POST /fapi/v1/order next 1 error 400 -1021 Timestamp for this request is outside of the recvWindow.")
    placed = stage.desk.json("place", "BTCUSDT", "buy", "0.01", "--price", "50000")
    assert placed["executed"] == "yes" and placed["attempts"] == 2
    assert stage.books(placed["order"]["clientId"])["executions"] == 1
    stage.sim.faults("POST /fapi/v1/order always error 400 -1021 Timestamp for this request is outside of the recvWindow.")
    refused = stage.desk.json("place", "BTCUSDT", "buy", "0.01", "--price", "50000", code=FAILED)
    assert refused["executed"] == "no" and refused["code"] == -1021 and refused["attempts"] == 2


def test_a_clock_that_was_wrong_at_first_does_not_hide_the_order(tmp_path):
    """The first attempt left by a clock 90 s ahead; what the second one did is not taken for older."""
    with Stage("alone", tmp_path, *WIDE, "--skew", "-90000") as stage:
        stage.sim.faults("GET /fapi/v1/time next 3 error 500 -1000 No.\nPOST /fapi/v1/order after 1 reset executed")
        placed = stage.desk.json("place", "BTCUSDT", "buy", "0.01", "--price", "50000", *QUICK, "--deadline", "200000")
        assert placed["attempts"] == 2 and placed["executed"] == "yes" and placed["lookedUp"]


def test_an_id_that_exists_is_reported_not_placed_twice(stage):
    first = stage.desk.json("place", "BTCUSDT", "buy", "0.01", "--price", "50000", "--client-id", "mine")
    second = stage.desk.json("place", "BTCUSDT", "buy", "0.02", "--price", "40000", "--client-id", "mine", code=FAILED)
    assert second["verdict"] == "duplicate" and second["executed"] == "no" and second["lookedUp"]
    assert second["order"]["orderId"] == first["order"]["orderId"] and second["order"]["quantity"] == "0.010"
    assert stage.books("mine")["executions"] == 1


def test_an_older_order_of_the_same_id_is_not_taken_for_this_one(tmp_path):
    with Stage("alone", tmp_path) as stage:
        first = stage.desk.json("place", "BTCUSDT", "buy", "0.01", "--type", "market", "--client-id", "mine")
        time.sleep(2.5)
        stage.sim.faults("POST /fapi/v1/order next 1 reset unexecuted")
        second = stage.desk.json("place", "BTCUSDT", "buy", "0.01", "--type", "market", "--client-id", "mine", *QUICK,
                                 code=FAILED)
        assert first["order"]["status"] == "filled"
        assert second["executed"] == "no" and stage.books("mine")["executions"] == 1


def test_does_not_exist_is_not_believed_at_once(stage):
    stage.sim.faults("POST /fapi/v1/order next 1 reset executed\nPOST /fapi/v1/order always late 600")
    placed = stage.desk.json("place", "BTCUSDT", "buy", "0.01", "--price", "50000", "--timeout", "300", "--recv-window",
                             "600", "--lookup", "1500")
    assert placed["executed"] == "yes" and placed["lookedUp"] and placed["lookups"] > 2


def test_what_cannot_be_known_before_the_deadline_is_said_so(stage):
    stage.sim.faults("POST /fapi/v1/order always reset executed\nGET /fapi/v1/order always error 500 -1000 No.")
    report = stage.desk.json("place", "BTCUSDT", "buy", "0.01", "--price", "50000", *QUICK, "--deadline", "1500",
                             code=UNKNOWN)
    assert report["executed"] == "unknown" and report["attempts"] == 1
    result = stage.desk.run("place", "BTCUSDT", "buy", "0.01", "--price", "50000", *QUICK, "--deadline", "1500")
    command = re.search(r"weir order (query BTCUSDT --client-id \S+)", result.stderr)
    assert result.returncode == UNKNOWN and "it is unknown whether this was executed" in result.stderr
    stage.sim.faults("")
    assert stage.desk.json(*command.group(1).split())["status"] == "new"


def test_cancels_of_unknown_fate_are_looked_up(stage):
    for fault, executed in (("reset executed", "yes"), ("reset unexecuted", "no"), ("bus execute 100%", "yes"),
                            ("timeout execute 0%", "no"), ("overload", "no")):
        stage.sim.faults("")
        order = stage.desk.json("place", "BTCUSDT", "buy", "0.01", "--price", "50000")["order"]
        stage.sim.faults(f"DELETE /fapi/v1/order next 1 {fault}")
        code = DONE if executed == "yes" else FAILED
        if fault == "overload":  # cancels are exempt from it
            executed, code = "yes", DONE
        report = stage.desk.json("cancel", "BTCUSDT", order["orderId"], *QUICK, code=code)
        assert report["executed"] == executed and report["attempts"] == 1, fault
        assert report["order"]["status"] == ("canceled" if executed == "yes" else "new"), fault
    stage.sim.faults("DELETE /fapi/v1/allOpenOrders next 1 reset executed")
    assert stage.desk.json("cancel-all", "BTCUSDT", *QUICK)["executed"] == "yes"
    assert stage.desk.json("open", "BTCUSDT") == []


def test_a_limit_is_waited_for_and_a_deadline_kept(tmp_path):
    """Three orders in two seconds: the fourth waits for the turn, or is refused when it may not."""
    with Stage("alone", tmp_path, "--limit", "futures-orders=3/2s,futures-orders-long=1000/1m", "--ban", "0") as stage:
        desk, region = stage.desk, tmp_path / "region"
        desk.run("filters", "BTCUSDT")
        start = time.monotonic()
        for _ in range(8):
            assert desk.json("place", "BTCUSDT", "buy", "0.01", "--price", "50000")["attempts"] == 1
        assert time.monotonic() - start > 2
        assert region.exists()
        books = stage.sim.books()
        assert books["status429"] == 0
        for _ in range(6):
            result = desk.run("place", "BTCUSDT", "buy", "0.01", "--price", "50000", "--deadline", "150")
            if result.returncode == FAILED:
                break
        assert result.returncode == FAILED and "not sent" in result.stderr and "futures-orders" in result.stderr
        assert stage.sim.books()["status429"] == 0


def test_nothing_is_sent_into_a_ban_and_one_probe_ends_it(tmp_path):
    with Stage("alone", tmp_path, "--limit", "futures-weight=200/1s", "--ban", "2", "--ban-after", "3") as stage:
        desk = stage.desk
        desk.json("filters", "BTCUSDT")
        while fetch(stage.sim.port, "/fapi/v1/exchangeInfo")[0] != 418:
            pass
        assert fetch(stage.sim.port, "/fapi/v1/time")[0] == 418
        before = stage.sim.pool("futures")["duringBan"]
        desk.fails("account", "--deadline", "300", says="-1003|stopped or banned")
        learned = stage.sim.pool("futures")["duringBan"]
        assert learned - before <= 1
        for _ in range(3):
            desk.fails("place", "BTCUSDT", "buy", "0.01", "--price", "50000", "--deadline", "100", says="banned")
        assert stage.sim.pool("futures")["duringBan"] == learned
        placed = desk.json("place", "BTCUSDT", "buy", "0.01", "--price", "50000", "--deadline", "9000")
        assert placed["executed"] == "yes" and placed["attempts"] == 1
        assert stage.sim.pool("futures")["duringBan"] == learned


def test_a_region_of_another_exchange_is_refused(tmp_path):
    """A ban or a limit learned at a simulator says nothing of the real exchange."""
    with Stage("alone", tmp_path) as stage:
        stage.desk.json("ticker", "BTCUSDT")
        elsewhere = Desk(("--base", "http://127.0.0.1:1"), tmp_path / "region")
        elsewhere.fails("ticker", "BTCUSDT", says="another exchange")
        stage.desk.json("ticker", "BTCUSDT")
