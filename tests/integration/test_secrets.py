"""No key, secret, signature, listen key or token is in anything that weir writes or shows, whatever happens.

Real signed traffic, HMAC, RSA and Ed25519, of clients with keys of their own and of those whose keys the gateway holds,
against an exchange that errs, hangs, refuses and bans, and one that says everything back; with secrets where they do
not belong. Then all logs, at debug level and in both forms, the access log, the region, the shadow's report, the
history and all of /weir/ are searched for every piece of each secret.
"""
import base64
import json
import re
import signal
import subprocess
import time
from urllib.parse import parse_qs, quote, urlencode

import pytest
from key_desk import FORM, TOKEN, Desk, openssl, use, write
from support import ALICE, Gateway, RawUpstream, Sim, eventually, fetch, raw, sign

WATCHER = "watch-0123456789abcdef0123456789abcdef"
ORDER = {"symbol": "BTCUSDT", "side": "BUY", "type": "LIMIT", "timeInForce": "GTC", "quantity": "1", "price": "20000"}
# Of a key its first characters are shown; a piece of this length behind them is nowhere by chance.
SHOWN, PIECE = 8, 14

FAULTS = """
GET  /eapi/v1/account   next 1  error 429 -1003 Too many requests.
POST /fapi/v1/order     every 4 reset executed
POST /fapi/v1/order     every 5 unknown execute 50%
GET  /api/v3/openOrders next 2  timeout
GET  /api/v3/myTrades   always  reset unexecuted
GET  /api/v3/allOrders  always  waf
"""


class Secrets:
    def __init__(self):
        self.found_in = []
        self.all = set()

    def add(self, *secrets):
        for secret in secrets:
            self.all.update({secret, quote(secret, safe="")})

    def pieces(self):
        for secret in self.all:
            begin = SHOWN if len(secret) > 40 else 0
            for i in range(begin, len(secret) - PIECE + 1, 7):
                yield secret[i:i + PIECE].encode()

    def search(self, name, data):
        # A region is mostly nothing.
        data = re.sub(rb"\0+", b"\0", data)
        for piece in self.pieces():
            at = data.find(piece)
            assert at < 0, f"{name}: {data[max(0, at - 100):at + 60]!r}"
        self.found_in.append(name)


class Signer:
    """A client with a key of its own."""

    def __init__(self, secrets, key, secret=None, pem=None, kind=None):
        self.secrets, self.key, self.secret, self.pem, self.kind = secrets, key, secret, pem, kind
        secrets.add(key)

    def signature(self, text):
        if self.secret:
            return sign(self.secret, text)
        place = self.pem.with_suffix(".payload")
        place.write_text(text)
        how = ["dgst", "-sha256", "-sign", str(self.pem), str(place)] if self.kind == "rsa" else \
            ["pkeyutl", "-sign", "-rawin", "-inkey", str(self.pem), "-in", str(place)]
        return base64.b64encode(openssl(*how)).decode()

    def query(self, **params):
        text = urlencode({**params, "recvWindow": 5000, "timestamp": int(time.time() * 1000)})
        signature = self.signature(text)
        self.secrets.add(signature)
        return f"{text}&signature={quote(signature, safe='')}"

    def headers(self, **more):
        return {"X-MBX-APIKEY": self.key, **more}


def make_keys(folder, secrets):
    """Files of three keys, arguments for the simulator, and signers."""
    desk = Desk(folder).add_hmac("hmac", *ALICE)
    signers, arguments = [Signer(secrets, *ALICE)], []
    secrets.add(ALICE[1], TOKEN)
    write(folder / "tokens.watch", WATCHER + "\n")
    for name, how in (("rsa", ["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"]), ("ed", ["-algorithm", "ED25519"])):
        private = folder / f"{name}.pem"
        openssl("genpkey", *how, "-out", str(private))
        private.chmod(0o400)
        openssl("pkey", "-in", str(private), "-pubout", "-out", str(folder / f"{name}.pub"))
        key = f"SimKeyOf{name}" + base64.b64encode(name.encode() * 20).decode().strip("=")
        arguments += ["--account", f"{name}:{key}:@{folder}/{name}.pub"]
        desk.add(name, key, private)
        signers.append(Signer(secrets, key, pem=private, kind=name))
        for line in private.read_text().splitlines()[1:-1]:
            secrets.add(line)
    return desk, arguments, signers


def trade(port, signer, secrets):
    """What a client does that signs itself; well, and wrong."""
    def ask(path, query, method="GET", body=None, **headers):
        return fetch(port, f"{path}?{query}" if query else path, method, body, signer.headers(**headers), timeout=20)

    ask("/api/v3/account", signer.query())
    ask("/eapi/v1/account", signer.query())
    for _ in range(3):
        ask("/fapi/v1/order", signer.query(**ORDER), "POST")
    ask("/api/v3/order", "", "POST", signer.query(**ORDER), **FORM)
    ask("/api/v3/openOrders", signer.query(symbol="BTCUSDT"))
    ask("/api/v3/myTrades", signer.query(symbol="BTCUSDT"))
    ask("/api/v3/account", signer.query().replace("recvWindow=5000", "recvWindow=5001"))
    for path in ("/api/v3/userDataStream", "/fapi/v1/listenKey"):
        _, _, text = ask(path, "", "POST")
        key = json.loads(text).get("listenKey", "")
        if key:
            secrets.add(key)
            ask(path, f"listenKey={key}", "PUT")
            ask(f"{path}/{key}", "", "DELETE")
            ask(path, f"listenKey={key}", "DELETE")


def misplace(port, signer):
    """Secrets where none belongs."""
    query = signer.query(**ORDER)
    signature = query.split("signature=")[1]
    for path in (f"/api/v3/order&{query}", f"/api/v3/order/signature={signature}", f"/api/v3/{signature}/order",
                 f"/{signature}", f"/weir/{signature}", f"/weir/api/now?token={signature}", f"/api/v3/order?{signature}",
                 f"/api/v3/{signer.key}", f"/api/v3/ping?{signer.key}=1"):
        fetch(port, path)
    for field in ("X-Weir-Class", "X-Weir-Client", "X-Weir-Max-Wait", "X-Weir-Request-Id", "X-Weir-Sign", "X-Weir-Token",
                  "X-Weir-Account", "Authorization", "Cookie", "Origin", "Host", "Content-Type", "User-Agent"):
        for value in (signer.key, signature):
            fetch(port, "/api/v3/ping", headers={field: value})
            fetch(port, "/api/v3/account", headers={**use("hmac"), field: value})
    for line in (f"GET /api/v3/account?{query} HTTP/9.9", f"GET /api/v3/account?{query}", f"{signer.key} / HTTP/1.1",
                 f"GET / HTTP/1.1\r\nX-MBX-APIKEY : {signer.key}", f"GET /{signature} HTTP/1.1\r\nHost: a\r\nHost: b"):
        raw(port, f"{line}\r\n\r\n".encode(), timeout=3, close_after=True)


def hold(port, account):
    """What a client does whose keys the gateway holds."""
    form = urlencode(ORDER)
    for method, target, body, headers in (
            ("GET", "/api/v3/account", None, {}), ("POST", "/fapi/v1/order", form, FORM),
            ("POST", f"/fapi/v1/order?{form}", None, {}),
            ("GET", "/api/v3/myTrades?symbol=BTCUSDT", None, {}), ("POST", "/fapi/v1/listenKey", None, {}),
            ("GET", "/api/v3/account?timestamp=1", None, {}), ("GET", "/api/v3/unheard-of", None, {})):
        fetch(port, target, method, body, use(account, **headers), timeout=20)
    fetch(port, "/api/v3/account", headers=use(account, TOKEN[:-1] + "x"))
    fetch(port, "/api/v3/account", headers=use(TOKEN))


def watch(port, secrets):
    """Who looks and acts, with the right token, a wrong one, and one in the wrong place."""
    wrong = WATCHER[:-1] + "x"
    secrets.add(WATCHER, wrong)

    def post(path, body, **headers):
        return fetch(port, f"/weir/api/{path}", "POST", json.dumps(body), {"Content-Type": "application/json", **headers})

    status, headers, _ = post("login", {"token": WATCHER})
    cookie = headers["set-cookie"].split(";")[0]
    secrets.add(cookie.partition("=")[2])
    assert status == 204
    act = {"X-Weir-Action": "yes"}
    # A shadow holds nothing.
    got = post("pause", {"class": "backfill"}, **act, Authorization=f"Bearer {WATCHER}")
    assert got[0] in (200, 409), got
    assert post("resume", {"class": "backfill"}, **act, Cookie=cookie)[0] == got[0]
    for body in ({"class": WATCHER}, {"client": WATCHER}, {WATCHER: 1}, WATCHER):
        post("pause", body, **act, Cookie=cookie)
        post("resume", body, **act, Cookie=cookie)
    for body in ({"request": WATCHER}, {"request": ALICE[0]}):
        post("drop", body, **act, Cookie=cookie)
    post("login", {"token": wrong})
    post("login", {"tokn": WATCHER})
    post("pause", {"class": "backfill"}, **act, Authorization=f"Bearer {wrong}")
    fetch(port, f"/weir/api/now?token={WATCHER}")
    fetch(port, f"/weir/{WATCHER}", headers={"Cookie": cookie})
    post("logout", {}, Cookie=cookie)


def collect(gateway, secrets, folder, region):
    """Everything that was written or is shown."""
    for path in ("/weir/", "/weir/metrics", "/weir/healthz", "/weir/readyz", "/weir/api/me", "/weir/api/now",
                 "/weir/api/events", "/weir/api/queue", *(f"/weir/api/{what}?by={by}" for what in ("spenders", "history")
                                      for by in ("client", "account", "endpoint", "class"))):
        secrets.search(path, fetch(gateway.port, path)[2])
    gateway.process.send_signal(signal.SIGUSR1)
    gateway.process.send_signal(signal.SIGHUP)
    eventually(lambda: gateway.logged("reloaded") or any('"event":"reloaded"' in line for line in gateway.lines))
    gateway.stop()
    said = "\n".join(gateway.lines).encode()
    assert said.count(b"unknown_endpoint") > 0 and said.count(b"malformed") > 3
    secrets.search("the log", said)
    given = (".pem", ".pub", ".key", ".secret", ".payload", ".yaml", ".watch")
    for path in sorted(folder.iterdir()):
        if path.is_file() and path.suffix not in given and path.name != "tokens":
            secrets.search(path.name, path.read_bytes())
    secrets.search("weir status", subprocess.run([*gateway.args[:1], "status", "--region", str(region)], check=True,
                                                 capture_output=True).stdout)


@pytest.mark.parametrize("form,access,more", [("json", "access.log", ()), ("logfmt", "on", ("--shadow",))])
def test_with_an_exchange_that_errs_and_bans(tmp_path, form, access, more):
    secrets = Secrets()
    desk, arguments, signers = make_keys(tmp_path, secrets)
    access = access if access == "on" else str(tmp_path / access)
    with Sim(*arguments, "--record", "5000") as sim, \
            Gateway(sim.url, tmp_path / "region", "--config", desk.config(history={"path": str(tmp_path / "history.db")},
                                                                             watch={"action_token_file":
                                                                                    str(tmp_path / "tokens.watch")}),
                    "--set", f"log.format={form}", "--set", "log.level=debug", "--set", f"log.access={access}",
                    "--set", "timeouts.answer=5s", "--set", "retry.base_backoff=10ms", "--set", "breaker.threshold=0",
                    "--set", "max_wait=3s",
                    *more) as gateway:
        fetch(gateway.port, "/fapi/v1/ping")
        sim.faults(FAULTS)
        for signer in signers:
            trade(gateway.port, signer, secrets)
        for account in ("hmac", "rsa", "ed"):
            hold(gateway.port, account)
        misplace(gateway.port, signers[0])
        misplace(gateway.port, signers[2])
        watch(gateway.port, secrets)
        # Last: from now on nothing of the product is sent.
        fetch(gateway.port, f"/api/v3/allOrders?{signers[0].query(symbol='BTCUSDT')}", headers=signers[0].headers())
        fetch(gateway.port, f"/api/v3/account?{signers[0].query()}", headers=signers[0].headers(**{"X-Weir-Max-Wait": "1"}))
        n_signed = 0
        for request in sim.requests(5000):
            for text in (request["target"].partition("?")[2], request.get("body", "")):
                for signature in parse_qs(text).get("signature", []):
                    n_signed += 1
                    secrets.add(signature)
        assert n_signed > 40, n_signed
        for event in ("over_weight", "unknown_fate", "read_failed", "not_sealed", "firewall", *(() if more else ("refused",))):
            eventually(lambda e=event: any(f"event={e} " in line or f'"event":"{e}"' in line for line in gateway.lines))
        collect(gateway, secrets, tmp_path, tmp_path / "region")
    assert "history.db" in secrets.found_in and ("access.log" in secrets.found_in or access == "on")
    assert "region" in secrets.found_in and ("region.shadow" in secrets.found_in) == bool(more)


def test_with_an_exchange_that_says_everything_back(tmp_path):
    secrets = Secrets()
    desk, _, signers = make_keys(tmp_path, secrets)

    def answer(method, target, body):
        text = (target + b" " + body).decode()
        for signature in parse_qs(target.decode().partition("?")[2]).get("signature", []) + \
                parse_qs(body.decode()).get("signature", []):
            secrets.add(signature)
        if b"depth" in target:
            return "close"
        status, code = (b"418 I'm a teapot", -1003) if b"klines" in target else (b"400 Bad Request", -1022)
        said = json.dumps({"code": code, "msg": f"Wrong signature in {text}, your key is {signers[0].key}"}).encode()
        return b"HTTP/1.1 %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s" % (status, len(said), said)

    with RawUpstream(answer) as upstream, \
            Gateway(upstream.url, tmp_path / "region", "--no-discovery", "--config", desk.config(),
                    "--set", f"log.access={tmp_path}/access.log", "--set", f"history.path={tmp_path}/history.db",
                    "--set", "breaker.threshold=3") as gateway:
        for signer in signers:
            query = signer.query(**ORDER)
            fetch(gateway.port, f"/api/v3/order?{query}", "POST", headers=signer.headers())
            fetch(gateway.port, "/fapi/v1/order", "POST", query, signer.headers(**FORM))
        for account in ("hmac", "rsa", "ed"):
            hold(gateway.port, account)
        misplace(gateway.port, signers[0])
        for _ in range(20):
            if not gateway.logged("breaker_open"):
                fetch(gateway.port, f"/papi/v1/depth?{signers[0].query()}", headers=signers[0].headers())
        fetch(gateway.port, f"/eapi/v1/klines?{signers[0].query()}", headers=signers[0].headers())
        eventually(lambda: gateway.logged("ban") and gateway.logged("breaker_open"))
        assert "(hidden)" in gateway.logged("ban")[0]
        collect(gateway, secrets, tmp_path, tmp_path / "region")
