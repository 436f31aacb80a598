"""The exchange asked in plain HTTP, by curl and by aiohttp: one table, two clients.

A row: name, method, path, parameters, how. How says who asks and where the parameters go:
  public             nobody in particular
  key                with an API key
  signed             signed, in the query (GET, DELETE) or in the body (POST, PUT)
  query, split       signed, all in the query; half in the query and half in the body
  forged             with the wrong secret
  strange, malformed with a key that is nobody's, with one that is none
  old, early         with a clock that is wrong by a minute
"""
import asyncio
import json
import subprocess
import time
from urllib.parse import urlencode

import aiohttp
from support import sign

PAST = 1750000020000
FAPI = {"symbol": "BTCUSDT", "side": "BUY", "type": "LIMIT", "timeInForce": "GTC", "quantity": "0.01"}
BATCH = json.dumps([{**FAPI, "price": "80000", "newClientOrderId": "h5"},
                    {**FAPI, "price": "80000.05", "newClientOrderId": "h6"},
                    {**FAPI, "quantity": "9000", "price": "80000", "newClientOrderId": "h7"}])


def order(price, name, **more):
    return {**FAPI, "price": price, "newClientOrderId": name, **more}


def table(prefix, version):
    """What both products answer, each in its way."""
    at = f"/{prefix}/v{version}/"
    account = at + "account" if prefix == "api" else "/fapi/v3/account"
    everything = "openOrders" if prefix == "api" else "allOpenOrders"
    return [
        ("ping", "GET", at + "ping", {}, "public"),
        ("time", "GET", at + "time", {}, "public"),
        ("exchange info", "GET", at + "exchangeInfo", {}, "public"),
        ("depth", "GET", at + "depth", {"symbol": "BTCUSDT", "limit": 500}, "public"),
        ("historical trades", "GET", at + "historicalTrades",
         {"symbol": "BTCUSDT", "limit": 5, "fromId": 7000000000}, "key"),
        ("klines", "GET", at + "klines",
         {"symbol": "BTCUSDT", "interval": "1m", "startTime": PAST, "limit": 1000}, "public"),
        ("ticker", "GET", at + "ticker/price", {"symbol": "BTCUSDT"}, "public"),
        ("tickers", "GET", at + "ticker/bookTicker", {}, "public"),
        ("day ticker", "GET", at + "ticker/24hr", {"symbol": "BTCUSDT"}, "public"),
        ("account", "GET", account, {}, "signed"),
        ("test an order", "POST", at + "order/test", order("80000", "h0"), "signed"),
        ("place in the body", "POST", at + "order", order("80000", "h1"), "signed"),
        ("place in the query", "POST", at + "order", order("80001", "h2"), "query"),
        ("place in both", "POST", at + "order", order("80002", "h3"), "split"),
        ("place a market", "POST", at + "order",
         {"symbol": "BTCUSDT", "side": "BUY", "type": "MARKET", "quantity": "0.02",
          "newClientOrderId": "h4"}, "signed"),
        ("query", "GET", at + "order", {"symbol": "BTCUSDT", "origClientOrderId": "h1"}, "signed"),
        ("open orders", "GET", at + "openOrders", {"symbol": "BTCUSDT"}, "signed"),
        ("cancel", "DELETE", at + "order", {"symbol": "BTCUSDT", "origClientOrderId": "h1"}, "signed"),
        ("cancel all", "DELETE", at + everything, {"symbol": "BTCUSDT"}, "signed"),
        ("all orders", "GET", at + "allOrders", {"symbol": "BTCUSDT"}, "signed"),
        ("order limits", "GET", at + "rateLimit/order", {}, "signed"),
        ("error: symbol", "GET", at + "depth", {"symbol": "NOPEUSDT"}, "public"),
        ("error: odd symbol", "GET", at + "depth", {"symbol": "btc usdt+é"}, "public"),
        ("error: missing", "GET", at + "depth", {}, "public"),
        ("error: interval", "GET", at + "klines", {"symbol": "BTCUSDT", "interval": "7m"}, "public"),
        ("error: no such path", "GET", at + "nonsense", {}, "public"),
        ("error: symbol of an order", "POST", at + "order", order("1", "h8", symbol="NOPEUSDT"), "signed"),
        ("error: query unknown", "GET", at + "order", {"symbol": "BTCUSDT", "orderId": 999999999}, "signed"),
        ("error: cancel unknown", "DELETE", at + "order", {"symbol": "BTCUSDT", "orderId": 999999999}, "signed"),
        ("error: which order", "GET", at + "order", {"symbol": "BTCUSDT"}, "signed"),
        ("error: funds", "POST", at + "order", order("90000", "h9", quantity="9000"), "signed"),
        ("error: price", "POST", at + "order", order("80000.001", "h10"), "signed"),
        ("error: notional", "POST", at + "order", order("100", "h11", quantity="0.001"), "signed"),
        ("error: precision", "POST", at + "order", order("80000", "h12", quantity="0.0123456789"), "signed"),
        ("error: side", "POST", at + "order", order("80000", "h13", side="HOLD"), "signed"),
        ("error: type", "POST", at + "order", order("80000", "h14", type="WISH"), "signed"),
        ("error: client id", "POST", at + "order", order("80000", "h 15"), "signed"),
        ("error: not signed", "GET", account, {"timestamp": 1}, "key"),
        ("error: no key", "GET", account, {}, "public"),
        ("error: signature", "GET", account, {}, "forged"),
        ("error: signature of an order", "POST", at + "order", order("80000", "h16"), "forged"),
        ("error: signature of a cancel", "DELETE", at + "order", {"symbol": "BTCUSDT", "orderId": 1}, "forged"),
        ("error: key", "GET", account, {}, "strange"),
        ("error: form of key", "GET", account, {}, "malformed"),
        ("error: too old", "GET", account, {}, "old"),
        ("error: order too old", "POST", at + "order", order("80000", "h17"), "old"),
        ("error: cancel too old", "DELETE", at + "order", {"symbol": "BTCUSDT", "orderId": 1}, "old"),
        ("error: too early", "GET", account, {}, "early"),
        ("error: recvWindow", "GET", account, {"recvWindow": 60001}, "signed"),
        ("error: no recvWindow", "GET", account, {"recvWindow": "soon"}, "signed"),
    ]


FUTURES = [
    ("leverage", "POST", "/fapi/v1/leverage", {"symbol": "BTCUSDT", "leverage": 7}, "signed"),
    ("place", "POST", "/fapi/v1/order", order("80000", "f1"), "signed"),
    ("modify", "PUT", "/fapi/v1/order",
     {"symbol": "BTCUSDT", "side": "BUY", "origClientOrderId": "f1", "quantity": "0.02", "price": "80100"}, "query"),
    ("batch", "POST", "/fapi/v1/batchOrders", {"batchOrders": BATCH}, "signed"),
    ("batch cancel", "DELETE", "/fapi/v1/batchOrders",
     {"symbol": "BTCUSDT", "origClientOrderIdList": '["h5","nobody"]'}, "signed"),
    ("positions", "GET", "/fapi/v3/positionRisk", {}, "signed"),
    ("balance", "GET", "/fapi/v3/balance", {}, "signed"),
    ("statistics", "GET", "/futures/data/openInterestHist", {"symbol": "BTCUSDT", "period": "5m", "limit": 2}, "public"),
    ("coins", "GET", "/sapi/v1/capital/config/getall", {}, "signed"),
    ("COIN-M time", "GET", "/dapi/v1/time", {}, "public"),
    ("COIN-M depth", "GET", "/dapi/v1/depth", {"symbol": "BTCUSD_PERP", "limit": 5}, "public"),
    ("portfolio margin order", "POST", "/papi/v1/um/order", order("80000", "f2"), "signed"),
    ("error: batch", "POST", "/fapi/v1/batchOrders", {"batchOrders": "[]"}, "signed"),
    ("error: batch of nothing", "POST", "/fapi/v1/batchOrders", {"batchOrders": "[{"}, "signed"),
    ("error: modify unknown", "PUT", "/fapi/v1/order",
     {"symbol": "BTCUSDT", "side": "BUY", "orderId": 999999999, "quantity": "0.02", "price": "80100"}, "signed"),
]

OPERATIONS = [(f"spot {row[0]}", *row[1:]) for row in table("api", 3)] + \
             [(f"USD-M {row[0]}", *row[1:]) for row in table("fapi", 1)] + FUTURES


def request(row, account):
    """Method, target, body and headers of a row, as of now."""
    _, method, path, params, how = row
    key, secret = account
    now = int(time.time() * 1000)
    now += {"old": -60000, "early": 60000}.get(how, 0)
    headers = {} if how == "public" else {"X-MBX-APIKEY": {"strange": "x" * 64, "malformed": "no key!"}.get(how, key)}
    if how in ("public", "key"):
        query = urlencode(params)
        return method, path + ("?" + query if query else ""), None, headers
    pairs = list({**params, "timestamp": now}.items())
    middle = 0 if how != "query" and method in ("POST", "PUT") else len(pairs)
    middle = len(pairs) // 2 if how == "split" else middle
    query, body = urlencode(pairs[:middle]), urlencode(pairs[middle:])
    # The exchange signs query and body one behind the other, with nothing between.
    signature = "signature=" + sign("somebody else" if how == "forged" else secret, query + body)
    if body:
        body += "&" + signature
        headers["Content-Type"] = "application/x-www-form-urlencoded"
    else:
        query += "&" + signature
    return method, path + ("?" + query if query else ""), body or None, headers


def outcome(row, status, headers, body):
    """headers: pairs."""
    try:
        body = json.loads(body)
    except ValueError:
        body = body.decode("latin-1")
    return {"op": row[0], "result": {"status": status, "headers": [list(pair) for pair in headers], "body": body}}


def run_curl(base, account):
    results = []
    for row in OPERATIONS:
        method, target, body, headers = request(row, account)
        args = ["curl", "-s", "-S", "-i", "--max-time", "20", "--compressed", "-X", method]
        for name, value in headers.items():
            args += ["-H", f"{name}: {value}"]
        if body is not None:
            args += ["--data-binary", body]
        done = subprocess.run([*args, base + target], capture_output=True, check=True)
        head, _, text = done.stdout.partition(b"\r\n\r\n")
        lines = head.decode("latin-1").split("\r\n")
        fields = [tuple(line.split(": ", 1)) for line in lines[1:]]
        results.append(outcome(row, int(lines[0].split(" ")[1]), fields, text))
    return results


def run_aiohttp(base, account):
    async def run():
        results = []
        async with aiohttp.ClientSession() as session:
            for row in OPERATIONS:
                method, target, body, headers = request(row, account)
                async with session.request(method, aiohttp.client.URL(base + target, encoded=True), data=body,
                                           headers=headers) as reply:
                    fields = [(k.decode("latin-1"), v.decode("latin-1")) for k, v in reply.raw_headers]
                    results.append(outcome(row, reply.status, fields, await reply.read()))
        return results
    return asyncio.run(run())
