"""The gateway holds the keys: who may use them, what leaves, and that nothing grows old or leaks."""
import hashlib
import hmac
import http.client
import json
import os
import pwd
import re
import resource
import shutil
import signal
import socket
import subprocess
import threading
import time
from urllib.parse import unquote

import pytest
from key_desk import FORM, TOKEN, Desk, openssl, use, write
from support import ALICE, IS_SANITIZED, WEIR, Gateway, RawUpstream, Sim, eventually, fetch, raw, signed

ORDER = "symbol=BTCUSDT&side=BUY&type=LIMIT&timeInForce=GTC&quantity=1&price=20000"


def split(target):
    path, _, query = target.partition(b"?")
    return path.decode(), query.decode()


def check_hmac(request, secret, body_is_form):
    """Takes what was received apart. Returns what was signed and the timestamp."""
    _, target, _, body = request
    _, query = split(target)
    part = body.decode() if body_is_form else query
    match = re.fullmatch(r"(.*?)(&?)timestamp=(\d+)&signature=([0-9a-f]{64})", part)
    assert match, part
    unsigned = part[:part.rindex("&signature=")]
    payload = query + unsigned if body_is_form else unsigned
    assert hmac.new(secret.encode(), payload.encode(), hashlib.sha256).hexdigest() == match.group(4)
    return match.group(1), int(match.group(3))


# --- what leaves -----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def exchange(tmp_path_factory):
    """A simulated exchange that knows one account of each kind, and a gateway that holds them."""
    folder = tmp_path_factory.mktemp("keys")
    desk = Desk(folder).add_hmac("hmac", *ALICE, users=[pwd.getpwuid(os.getuid()).pw_name])
    arguments = []
    for name, how in (("rsa", ["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"]),
                      ("ed", ["-algorithm", "ED25519"])):
        private = folder / f"{name}.pem"
        openssl("genpkey", *how, "-out", str(private))
        private.chmod(0o400)
        openssl("pkey", "-in", str(private), "-pubout", "-out", str(folder / f"{name}.pub"))
        key = f"SimKeyOf{name}" + "x" * 40
        arguments += ["--account", f"{name}:{key}:@{folder}/{name}.pub"]
        desk.add(name, key, private, tokens=True)
    with Sim(*arguments) as sim, \
            Gateway(sim.url, folder / "region", "--config", desk.config(),
                    "--listen", f"unix:{folder}/sock") as gateway:
        yield sim, gateway, folder


CALLS = [  # method, target, body
    ("GET", "/api/v3/account", None),
    ("GET", "/api/v3/account?", None),
    ("GET", "/api/v3/openOrders?symbol=BTCUSDT&recvWindow=3000", None),
    ("POST", f"/api/v3/order?{ORDER}", None),
    ("POST", "/api/v3/order", ORDER),
    ("POST", "/api/v3/order?symbol=BTCUSDT&side=BUY&type=LIMIT", "timeInForce=GTC&quantity=1&price=20000"),
    ("POST", f"/fapi/v1/order?{ORDER}&newClientOrderId=a%3Ab%2Fc", None),
    ("POST", "/fapi/v1/order", ORDER + "&newClientOrderId=a:b/d.e-f_g"),
    ("PUT", "/fapi/v1/order?symbol=BTCUSDT&origClientOrderId=a%3Ab%2Fc&side=BUY&quantity=2&price=20001", None),
    ("PUT", "/fapi/v1/order", "symbol=BTCUSDT&origClientOrderId=a%3Ab%2Fd.e-f_g&side=BUY&quantity=2&price=20001"),
    ("DELETE", "/fapi/v1/order?symbol=BTCUSDT&origClientOrderId=a%3Ab%2Fc", None),
    ("DELETE", "/fapi/v1/order", "symbol=BTCUSDT&origClientOrderId=a%3Ab%2Fd.e-f_g"),
    ("DELETE", "/api/v3/openOrders?symbol=BTCUSDT", None),
    ("POST", "/fapi/v1/listenKey", None),
    ("PUT", "/fapi/v1/listenKey", None),
]


@pytest.mark.parametrize("account", ["hmac", "rsa", "ed"])
def test_every_method_and_form_is_taken_by_the_exchange(exchange, account):
    sim, gateway, _ = exchange
    for method, target, body in CALLS:
        status, headers, text = fetch(gateway.port, target, method, body, use(account, **(FORM if body else {})))
        assert status == 200, (method, target, body, text)
        assert "x-weir-verdict" not in headers
    # What needs neither key nor signature is left as it came.
    assert fetch(gateway.port, "/api/v3/time", headers=use(account))[0] == 200


def test_a_user_at_a_unix_socket_needs_no_token(exchange):
    _, _, folder = exchange
    for account, status in (("hmac", 200), ("ed", 401)):
        with socket.socket(socket.AF_UNIX) as s:
            s.connect(f"{folder}/sock")
            s.sendall(b"GET /api/v3/account HTTP/1.1\r\nHost: %%2Frun%%2Fsock\r\nX-Weir-Account: %s\r\n"
                      b"Connection: close\r\n\r\n" % account.encode())
            reply = b""
            while piece := s.recv(65536):
                reply += piece
        assert reply.startswith(b"HTTP/1.1 %d " % status), reply


@pytest.fixture(scope="module")
def pair(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pair")
    desk = Desk(folder).add_hmac("desk", "Key-1", "Secret-1", hosts=["weir.lan"]) \
        .add_hmac("stranger", "Key-2", "Secret-2", users=[os.getuid() + 1], tokens=False)
    with RawUpstream() as upstream, \
            Gateway(upstream.url, folder / "region", "--no-discovery", "--config", desk.config(recv_window="7s"),
                    "--listen", f"unix:{folder}/sock", "--listen", "127.0.0.2:0") as gateway:
        yield upstream, gateway, folder
        assert not any(TOKEN in line for line in gateway.lines)


@pytest.mark.parametrize("method,target,body", [
    ("GET", "/api/v3/account", b""),
    ("GET", "/api/v3/myTrades?symbol=%EF%BC%91&empty=&&b=-._~!$'()*,;:@/?&c", b""),
    ("DELETE", "/api/v3/order?symbol=A&", b""),
    ("POST", "/api/v3/order?a=1&a=2&a=1", b""),
    ("POST", "/api/v3/order", b"symbol=%E4%BA%AC&x=a+b&&=&a=1&a=2"),
    ("POST", "/api/v3/order?symbol=A", b"quantity=1"),
    ("PUT", "/fapi/v1/order?symbol=A", b"quantity=1&"),
    ("POST", "/api/v9/not-in-any-table", b"a=1"),
])
def test_what_the_client_wrote_stays_byte_for_byte(pair, method, target, body):
    upstream, gateway, _ = pair
    before = len(upstream.seen())
    now_ms = time.time() * 1000
    status, _, _ = fetch(gateway.port, target, method, body or None,
                         use("desk", **{"X-MBX-APIKEY": "Key-1", "X-Odd": "a  b"}, **(FORM if body else {})))
    assert status == 200
    (request,) = upstream.seen()[before:]
    kept, timestamp = check_hmac(request, "Secret-1", bool(body))
    assert kept.endswith("recvWindow=7000&") or kept.endswith("recvWindow=7000")
    wrote = body.decode() if body else target.partition("?")[2]
    assert kept.startswith(wrote) and abs(timestamp - now_ms) < 5000
    assert request[0].decode() == method
    if body:
        assert request[1].decode() == target
    names = [line.split(b":")[0].lower() for line in request[2]]
    assert names.count(b"x-mbx-apikey") == 1 and b"X-MBX-APIKEY: Key-1" in request[2]
    assert b"X-Odd: a  b" in request[2]
    assert not any(name.startswith(b"x-weir-") or name == b"authorization" for name in names)
    if method != "GET":
        # A DELETE without a body has none to announce.
        assert (b"Content-Length: %d" % len(request[3]) in request[2]) == (bool(body) or method != "DELETE")


def test_a_chunked_body_is_signed_as_one(pair):
    upstream, gateway, _ = pair
    reply = raw(gateway.port, b"POST /fapi/v1/order?a=1 HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n"
                b"Content-Type: application/x-www-form-urlencoded; charset=UTF-8\r\nX-Weir-Account: desk\r\n"
                b"X-Weir-Token: %s\r\nConnection: close\r\n\r\n5\r\nsymbo\r\n9\r\nl=A%%20&b=\r\n0\r\n\r\n" % TOKEN.encode())
    assert reply.startswith(b"HTTP/1.1 200 "), reply
    request = upstream.seen()[-1]
    kept, _ = check_hmac(request, "Secret-1", True)
    assert kept.startswith("symbol=A%20&b=&recvWindow=")
    assert not any(line.lower().startswith(b"transfer-encoding") for line in request[2])


def test_recv_window_of_the_client_is_kept(pair):
    upstream, gateway, _ = pair
    fetch(gateway.port, "/api/v3/account?recvWindow=1234", headers=use("desk"))
    kept, _ = check_hmac(upstream.seen()[-1], "Secret-1", False)
    assert kept == "recvWindow=1234"


def test_what_is_signed_passes_as_ever_and_needs_no_proof(pair):
    upstream, gateway, _ = pair
    query = signed({"symbol": "BTCUSDT"}, "another secret")
    for headers in ({}, {"X-Weir-Account": "desk"}, {"X-Weir-Account": "nobody"}, use("desk", "x" * 32),
                    {"X-Weir-Account": "desk", "Origin": "https://a.example"}):
        before = len(upstream.seen())
        status, _, _ = fetch(gateway.port, f"/api/v3/order?{query}", "POST", None,
                             {"X-MBX-APIKEY": "Mine", **headers})
        assert status == 200
        ((method, target, lines, body),) = upstream.seen()[before:]
        assert (method, target, body) == (b"POST", f"/api/v3/order?{query}".encode(), b"")
        assert b"X-MBX-APIKEY: Mine" in lines
        assert not any(b"authorization" in line.lower() for line in lines)


def test_without_an_account_nothing_is_put_to_a_request(pair):
    upstream, gateway, _ = pair
    before = len(upstream.seen())
    fetch(gateway.port, "/api/v3/account", headers={"Authorization": f"Bearer {TOKEN}"})
    fetch(gateway.port, "/api/v3/account", headers={"X-MBX-APIKEY": "Mine"})
    bare, keyed = upstream.seen()[before:]
    assert bare[1] == keyed[1] == b"/api/v3/account"
    assert not any(b"apikey" in line.lower() or b"authorization" in line.lower() for line in bare[2])
    assert b"X-MBX-APIKEY: Mine" in keyed[2]


def test_an_endpoint_that_wants_the_key_only_gets_the_key_only(pair):
    upstream, gateway, _ = pair
    fetch(gateway.port, "/fapi/v1/historicalTrades?symbol=A", headers=use("desk"))
    _, target, lines, _ = upstream.seen()[-1]
    assert target == b"/fapi/v1/historicalTrades?symbol=A" and b"X-MBX-APIKEY: Key-1" in lines


def test_the_client_may_know_better_than_the_tables(pair):
    upstream, gateway, _ = pair
    fetch(gateway.port, "/fapi/v1/historicalTrades?symbol=A", headers=use("desk", **{"X-Weir-Sign": "yes"}))
    check_hmac(upstream.seen()[-1], "Secret-1", False)
    fetch(gateway.port, "/api/v3/account", headers=use("desk", **{"X-Weir-Sign": "no"}))
    assert upstream.seen()[-1][1] == b"/api/v3/account"
    assert not any(b"apikey" in line.lower() for line in upstream.seen()[-1][2])
    status, headers, _ = fetch(gateway.port, "/api/v3/account", headers=use("desk", **{"X-Weir-Sign": "maybe"}))
    assert (status, headers["x-weir-verdict"]) == (400, "unsealable")


def test_a_retry_is_signed_anew(tmp_path):
    refusal = (b"HTTP/1.1 429 Too Many Requests\r\nContent-Type: application/json\r\nRetry-After: 1\r\n"
               b"Content-Length: 47\r\n\r\n" + b'{"code":-1015,"msg":"Too many new orders....."}')
    answers = [refusal, RawUpstream.OK]
    desk = Desk(tmp_path).add_hmac("desk", "Key-1", "Secret-1")
    with RawUpstream(lambda *_: answers.pop(0)) as upstream, \
            Gateway(upstream.url, tmp_path / "region", "--no-discovery", "--config", desk.config()) as gateway:
        status, headers, _ = fetch(gateway.port, "/fapi/v1/order", "POST", ORDER, use("desk", **FORM))
        assert (status, headers["x-weir-retries"]) == (200, "1")
        first, second = (check_hmac(request, "Secret-1", True) for request in upstream.seen())
    assert first[0] == second[0] and second[1] >= first[1] + 900


def test_a_clock_found_wrong_is_measured_anew_and_nothing_is_sent_again(tmp_path):
    desk = Desk(tmp_path).add_hmac("desk", "Key-1", "Secret-1")
    text = b'{"code":-5028,"msg":"Timestamp for this request is outside of the ME recvWindow."}'
    refusal = b"HTTP/1.1 400 Bad Request\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s" % (
        len(text), text)
    answers, asked = [RawUpstream.OK, refusal, refusal], []

    class Upstream(RawUpstream):
        """Notes when it is asked for the time."""

        def _reply(self, connection, method, target, body):
            asked.extend([target] if target.endswith(b"/time") else [])
            return super()._reply(connection, method, target, body)

    with Upstream(lambda *_: answers.pop(0)) as upstream, \
            Gateway(upstream.url, tmp_path / "region", "--no-discovery", "--set", "clock_interval=1h",
                    "--config", desk.config()) as gateway:
        assert fetch(gateway.port, "/fapi/v1/ping")[0] == 200
        # At the start, then for an hour not again.
        eventually(lambda: asked.count(b"/fapi/v1/time") == 4)
        status, headers, body = fetch(gateway.port, "/fapi/v1/order", "POST", ORDER, use("desk", **FORM))
        assert (status, headers["x-weir-retries"], json.loads(body)["code"]) == (400, "0", -5028)
        eventually(lambda: len(gateway.logged("clock_off")) == 1)
        eventually(lambda: asked.count(b"/fapi/v1/time") == 5)
        # What its client signed says nothing of our clock.
        query = signed({"symbol": "A"}, "theirs")
        status, headers, _ = fetch(gateway.port, f"/api/v3/order?{query}", headers={"X-MBX-APIKEY": "k"})
        assert (status, headers["x-weir-retries"]) == (400, "0")
        assert len(upstream.seen()) == 3
    assert len(gateway.logged("clock_off")) == 1


def test_nothing_grows_old_however_long_it_waits(tmp_path):
    """Waits several times recvWindow, the exchange's clock a second off and a second check at the engine."""
    desk = Desk(tmp_path).add_hmac("desk", *ALICE)
    with Sim("--limit", "spot-weight=60/3s,futures-orders=8/3s", "--latency", "20~10", "--skew", "1500") as sim, \
            Gateway(sim.url, tmp_path / "region", "--config", desk.config(recv_window="500ms")) as gateway:
        for path in ("/api/v3/ping", "/fapi/v1/ping"):
            fetch(gateway.port, path)
        eventually(lambda: len({line.split("group=")[1].split()[0] for line in gateway.logged("limit")}) >= 2)
        results = []

        def ask(method, target, body=None):
            results.append(fetch(gateway.port, target, method, body, use("desk", **(FORM if body else {}))))

        threads = [threading.Thread(target=ask, args=("GET", "/api/v3/order?symbol=BTCUSDT&orderId=1"))
                   for _ in range(40)]
        threads += [threading.Thread(target=ask, args=("POST", "/fapi/v1/order", ORDER)) for _ in range(20)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        waits = sorted(int(headers["x-weir-wait-us"]) for _, headers, _ in results)
        books = sim.books()
        assert not gateway.logged("clock_off")
        codes = {json.loads(text).get("code") for _, _, text in results}
    # -2013: the order that the reads ask for does not exist.
    assert codes <= {None, -2013}, codes
    assert sum(status == 200 for status, _, _ in results) == 20
    assert waits[-1] > 2_000_000, waits
    assert (books["status429"], books["status418"]) == (0, 0)


@pytest.mark.parametrize("hangs_up", [True, False])
def test_after_a_pause_nothing_leaves_that_nobody_counts_on(tmp_path, hangs_up):
    """A fresh signature would make the exchange take an order that its client has given up."""
    desk = Desk(tmp_path).add_hmac("desk", "Key-1", "Secret-1")
    config = desk.config(pacing={"requests_per_minute": 20, "burst": 1}, timeouts={"connect": "100ms"})
    with RawUpstream() as upstream, \
            Gateway(upstream.url, tmp_path / "region", "--no-discovery", "--config", config) as gateway:
        # Orders do not wait for the bucket, but of this class they do.
        head = ("POST /fapi/v1/order HTTP/1.1\r\nHost: localhost\r\nX-Weir-Account: desk\r\n"
                f"X-Weir-Token: {TOKEN}\r\nX-Weir-Class: market\r\nX-Weir-Max-Wait: 3500\r\n"
                f"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {len(ORDER)}\r\n\r\n{ORDER}")
        clients = [socket.create_connection(("127.0.0.1", gateway.port)) for _ in range(2)]
        for client in clients:
            client.sendall(head.encode())
        assert clients[0].recv(1000).startswith(b"HTTP/1.1 200 ")
        counters = (WEIR, "status", "--json", "--region", str(tmp_path / "region"))
        eventually(lambda: json.loads(subprocess.run(counters, capture_output=True, check=True).stdout)
                   ["counters"]["waited"] > 0)
        gateway.process.send_signal(signal.SIGSTOP)
        if hangs_up:
            clients[1].close()
            time.sleep(3)
        else:
            time.sleep(4)
        gateway.process.send_signal(signal.SIGCONT)
        if not hangs_up:
            reply = clients[1].recv(1000)
            assert reply.startswith(b"HTTP/1.1 429 ") and b"nothing was sent" in reply, reply
        else:
            assert fetch(gateway.port, "/api/v3/time")[0] == 200
        assert len(upstream.seen()) == 1
        clients[0].close()


def test_it_signs_with_limits_off_too(tmp_path):
    desk = Desk(tmp_path).add_hmac("desk", *ALICE)
    with Sim() as sim, Gateway(sim.url, tmp_path / "region", "--config", desk.config(limits="off")) as gateway:
        assert fetch(gateway.port, "/api/v3/account", headers=use("desk"))[0] == 200


def test_orders_count_for_the_account_whose_key_it_is(tmp_path):
    # Another key of the same account, with which its client signs itself.
    other = ("SimKeyOther" + "x" * 53, ALICE[1])
    desk = Desk(tmp_path).add_hmac("desk", *ALICE)
    desk.accounts["desk"]["keys"] = [other[0]]
    arguments = ("--config", desk.config())
    with Sim("--limit", "futures-orders=4/30s", "--key", f"alice:{other[0]}:{other[1]}") as sim:
        if time.time() % 30 > 24:
            time.sleep(30.5 - time.time() % 30)
        with Gateway(sim.url, tmp_path / "region", *arguments) as gateway:
            fetch(gateway.port, "/fapi/v1/ping")
            eventually(lambda: gateway.logged("limit"))
            for _ in range(2):
                assert fetch(gateway.port, "/fapi/v1/order", "POST", ORDER, use("desk", **FORM))[0] == 200
            query = signed(dict(pair.split("=") for pair in ORDER.split("&")), other[1])
            assert fetch(gateway.port, f"/fapi/v1/order?{query}", "POST", None, {"X-MBX-APIKEY": other[0]})[0] == 200
            gateway.kill()
        with Gateway(sim.url, tmp_path / "region", *arguments) as gateway:
            # One more place, for what closes only.
            statuses = [fetch(gateway.port, "/fapi/v1/order", "POST", ORDER,
                              use("desk", **FORM, **{"X-Weir-Max-Wait": "0", "X-Weir-Class": "cancel"}))
                        for _ in range(2)]
        assert [s for s, _, _ in statuses] == [200, 429], statuses
        assert statuses[1][1]["x-weir-verdict"] == "late"
        assert sim.books()["status429"] == 0


# --- who may ---------------------------------------------------------------------------------------

# What Chromium 130 sends for fetch() with fields of a page's own (after a preflight that was answered
# well), and for a form that a page posts to another origin.
CHROMIUM = {"User-Agent": "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) "
                          "Chrome/130.0.0.0 Safari/537.36",
            "sec-ch-ua": '"Chromium";v="130", "Not?A_Brand";v="99"', "sec-ch-ua-mobile": "?0",
            "sec-ch-ua-platform": '"Linux"', "Accept-Encoding": "gzip, deflate, br, zstd",
            "Accept-Language": "en-US,en;q=0.9"}
FETCH = {**CHROMIUM, "Accept": "*/*", "Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site",
         "Sec-Fetch-Mode": "cors", "Sec-Fetch-Dest": "empty", "Referer": "https://evil.example/"}
POSTED = {**CHROMIUM, "Cache-Control": "max-age=0", "Origin": "null", "Upgrade-Insecure-Requests": "1",
          "Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
          "Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-User": "?1",
          "Sec-Fetch-Dest": "document"}
# A page whose name was turned to our address is of one origin with us: no Origin for a GET, and no Sec-Fetch
# at all since http there is not trustworthy.
REBOUND = {**CHROMIUM, "Accept": "*/*", "Host": "evil.example:8900"}
OWN = {k: v for k, v in FETCH.items() if k not in ("Origin", "Referer")} | {"Sec-Fetch-Site": "same-origin"}

REFUSED = [  # headers, status, verdict
    (use("desk", **FETCH), 403, "browser"),
    (use("desk", **POSTED), 403, "browser"),
    (use("desk", **OWN), 403, "browser"),
    (use("nobody", **FETCH), 403, "browser"),
    (use("desk", **REBOUND), 403, "foreign_host"),
    (use("desk", Host="127.0.0.1.evil.example"), 403, "foreign_host"),
    (use("desk", Origin="http://127.0.0.1:8900"), 403, "browser"),
    ({"X-Weir-Account": "desk"}, 401, "unproved"),
    (use("desk", "tok-0123456789abcdef0123456789abcdeg"), 401, "unproved"),
    (use("desk", TOKEN[:-1]), 401, "unproved"),
    (use("desk", TOKEN + "0"), 401, "unproved"),
    (use("desk", **{"X-Weir-Token": TOKEN}), 401, "unproved"),
    ({"X-Weir-Account": "desk", "Authorization": f"Basic {TOKEN}"}, 401, "unproved"),
    (use("stranger"), 401, "unproved"),
    (use("nobody"), 401, "no_account"),
    (use(TOKEN), 401, "no_account"),
    (use("Desk"), 401, "no_account"),
    (use(""), 401, "no_account"),
    (use("desk", **{"X-MBX-APIKEY": "Key-2"}), 400, "unsealable"),
]


@pytest.mark.parametrize("headers,status,verdict", REFUSED)
def test_nothing_is_sent_for_who_may_not(pair, headers, status, verdict):
    upstream, gateway, _ = pair
    before = len(upstream.seen())
    for method, path, body in (("POST", "/api/v3/order", ORDER), ("GET", "/api/v3/account", None),
                               ("POST", "/fapi/v1/listenKey", None)):
        got, fields, text = fetch(gateway.port, path, method, body, {**headers, **(FORM if body else {})})
        assert (got, fields.get("x-weir-verdict")) == (status, verdict), text
        answer = json.loads(text)
        assert answer["code"] < 0 and "nothing was sent" in answer["msg"]
        assert "access-control-allow-origin" not in fields
        assert TOKEN not in text.decode()
    assert len(upstream.seen()) == before


def test_a_page_is_not_told_that_it_may(pair):
    upstream, gateway, _ = pair
    before = len(upstream.seen())
    preflight = {**CHROMIUM, "Accept": "*/*", "Access-Control-Request-Method": "POST", "Origin": "https://evil.example",
                 "Access-Control-Request-Headers": "authorization,x-weir-account", "Sec-Fetch-Mode": "cors",
                 "Access-Control-Request-Private-Network": "true", "Sec-Fetch-Site": "cross-site"}
    status, fields, _ = fetch(gateway.port, "/api/v3/order", "OPTIONS", None, preflight)
    assert (status, fields["x-weir-verdict"]) == (403, "browser")
    assert not any(name.startswith("access-control-") for name in fields)
    assert len(upstream.seen()) == before


def test_the_address_that_a_client_came_to_is_taken(pair):
    _, gateway, _ = pair
    port = next(int(line.rsplit(":", 1)[1]) for line in gateway.lines if "listening on 127.0.0.2:" in line)
    for host, status in ((f"127.0.0.2:{port}", 200), ("127.0.0.3", 403)):
        connection = http.client.HTTPConnection("127.0.0.2", port, timeout=10)
        connection.request("GET", "/api/v3/account", headers=use("desk", Host=host))
        assert connection.getresponse().status == status, host
        connection.close()


@pytest.mark.skipif(shutil.which("node") is None, reason="no node")
def test_fetch_in_node_is_no_browser(pair):
    upstream, gateway, _ = pair
    script = f"""fetch('http://127.0.0.1:{gateway.port}/api/v3/order', {{method: 'POST', body: '{ORDER}',
      headers: {{'X-Weir-Account': 'desk', 'X-Weir-Token': '{TOKEN}',
                 'Content-Type': 'application/x-www-form-urlencoded'}}}})
      .then(r => console.log(r.status))"""
    done = subprocess.run(["node", "-e", script], capture_output=True, text=True, timeout=30, check=True)
    assert done.stdout.strip() == "200"
    assert any(line.lower().startswith(b"sec-fetch-mode") for line in upstream.seen()[-1][2])


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost:8900", "[::1]:8900", "weir.lan:8900"])
def test_our_own_names_are_taken(pair, host):
    _, gateway, _ = pair
    assert fetch(gateway.port, "/api/v3/account", headers=use("desk", Host=host))[0] == 200


UNSEALABLE = [  # method, target, body, headers, what the refusal says
    ("GET", "/api/v3/account?timestamp=1", None, {}, "leave it out"),
    ("POST", "/api/v3/order", ORDER + "&timestamp=1", FORM, "leave it out"),
    ("POST", "/api/v3/order", '{"symbol":"A"}', {"Content-Type": "application/json"}, "is no form"),
    ("POST", "/api/v3/order", ORDER, {}, "is no form"),
    ("POST", "/api/v3/order", "a=b c", FORM, "byte 4 of the body must be percent-encoded"),
    ("POST", "/api/v3/order", "a=\u00fc".encode(), FORM, "write %C3"),
    ("GET", '/api/v3/myTrades?s=["A"]', None, {}, "byte 3 of the query must be percent-encoded"),
    ("GET", "/api/v3/account?a=%2", None, {}, "write %25"),
    ("GET", "/api/v3/account", "a=1", FORM, "no body of a GET"),
    ("POST", "/api/v3/order", ORDER, {**FORM, "Content-Encoding": "gzip"}, "compressed"),
    ("PATCH", "/api/v3/order", None, {}, "with this method"),
]


@pytest.mark.parametrize("method,target,body,headers,says", UNSEALABLE)
def test_what_cannot_be_signed_surely_is_refused(pair, method, target, body, headers, says):
    upstream, gateway, _ = pair
    before = len(upstream.seen())
    lines = [f"{method} {target} HTTP/1.1", "Host: 127.0.0.1", "Connection: close"]
    lines += [f"{name}: {value}" for name, value in use("desk", **headers).items()]
    data = (body.encode() if isinstance(body, str) else body) or b""
    if data:
        lines.append(f"Content-Length: {len(data)}")
    reply = raw(gateway.port, "\r\n".join(lines + ["", ""]).encode() + data)
    assert reply.startswith(b"HTTP/1.1 400 ") and b"X-Weir-Verdict: unsealable" in reply
    assert says in json.loads(reply.split(b"\r\n\r\n")[1])["msg"], reply
    assert len(upstream.seen()) == before


# --- the files -------------------------------------------------------------------------------------


def start_fails(config, tmp_path):
    result = subprocess.run([WEIR, "gateway", "--listen", "127.0.0.1:0", "--config", config, "--region",
                             str(tmp_path / "region")], capture_output=True, text=True, timeout=20, check=False)
    assert result.returncode != 0 and "listening" not in result.stderr
    return result.stderr


def test_files_that_others_reach_are_refused_by_name_and_remedy(tmp_path):
    desk = Desk(tmp_path).add_hmac("desk", "Key-1", "Secret-1")
    config = desk.config()
    for name in ("desk.key", "desk.secret", "tokens"):
        path, kind = tmp_path / name, {"desk.key": "key", "desk.secret": "secret", "tokens": "token"}[name]
        for mode in (0o640, 0o604, 0o660, 0o700):
            path.chmod(mode)
            error = start_fails(config, tmp_path)
            assert f"weir: accounts.desk: the {kind} file {path} " in error and f"chmod 600 {path}" in error
        path.chmod(0o600)
        path.rename(tmp_path / "elsewhere")
        assert f"the {kind} file {path} cannot be opened" in start_fails(config, tmp_path)
        path.symlink_to(tmp_path / "elsewhere")
        assert f"the {kind} file {path} is a symbolic link" in start_fails(config, tmp_path)
        path.unlink()
        path.mkdir()
        assert f"the {kind} file {path} is not a file" in start_fails(config, tmp_path)
        path.rmdir()
        (tmp_path / "elsewhere").rename(path)
    write(tmp_path / "tokens", TOKEN + "\nshort-token\n")
    assert f"line 2 of the token file {tmp_path}/tokens has less than 32" in start_fails(config, tmp_path)
    write(tmp_path / "tokens", TOKEN + "\n")
    desk.accounts["desk"]["clients"]["users"] = ["0", "no-such-user"]
    assert "weir: accounts.desk: clients.users: this machine has no user no-such-user" in start_fails(desk.config(),
                                                                                                      tmp_path)
    del desk.accounts["desk"]["clients"]["users"]
    desk.accounts["another"] = {"keys": ["Key-1"]}
    assert "weir: accounts.desk: the key K... of its key_file is in another too" in start_fails(desk.config(), tmp_path)
    del desk.accounts["another"]
    config = desk.config()
    if os.getuid() == 0:
        os.chown(tmp_path / "desk.secret", 12345, 0)
        assert "belongs to another user" in start_fails(config, tmp_path)


def test_a_reload_takes_new_files_and_keeps_the_old_keys_when_one_is_wrong(tmp_path):
    desk = Desk(tmp_path).add_hmac("desk", "Key-1", "Secret-1")
    with RawUpstream() as upstream, \
            Gateway(upstream.url, tmp_path / "region", "--no-discovery", "--config", desk.config()) as gateway:

        def reload(event):
            n = len(gateway.logged(event))
            gateway.process.send_signal(signal.SIGHUP)
            eventually(lambda: len(gateway.logged(event)) > n)

        def ask(token=TOKEN):
            return fetch(gateway.port, "/api/v3/account", headers=use("desk", token))[0]

        assert ask() == 200
        check_hmac(upstream.seen()[-1], "Secret-1", False)
        write(tmp_path / "desk.secret", "Secret-2\n", 0o640)
        reload("reload_refused")
        assert any(f"chmod 600 {tmp_path}/desk.secret" in line for line in gateway.lines)
        assert ask() == 200
        check_hmac(upstream.seen()[-1], "Secret-1", False)
        (tmp_path / "desk.secret").chmod(0o600)
        write(desk.tokens, "another-" + TOKEN + "\n")
        reload("reloaded")
        assert (ask(), ask("another-" + TOKEN)) == (401, 200)
        check_hmac(upstream.seen()[-1], "Secret-2", False)
        # The files are not looked at in between.
        for path in (desk.tokens, tmp_path / "desk.key", tmp_path / "desk.secret"):
            path.unlink()
        assert ask("another-" + TOKEN) == 200


def test_what_waits_while_its_client_is_shut_out_is_refused(tmp_path):
    desk = Desk(tmp_path).add_hmac("desk", "Key-1", "Secret-1")
    config = desk.config(pacing={"requests_per_minute": 600, "burst": 20})
    with RawUpstream() as upstream, \
            Gateway(upstream.url, tmp_path / "region", "--no-discovery", "--config", config) as gateway:
        got = []
        assert fetch(gateway.port, "/api/v3/account", headers=use("desk"))[0] == 200
        # The bucket is empty now: the next of weight 20 waits for two seconds.
        waiting = threading.Thread(target=lambda: got.append(fetch(gateway.port, "/api/v3/account",
                                                                   headers=use("desk"))))
        waiting.start()
        counters = (WEIR, "status", "--json", "--region", str(tmp_path / "region"))
        eventually(lambda: json.loads(subprocess.run(counters, capture_output=True, check=True).stdout)
                   ["counters"]["waited"] > 0)
        write(desk.tokens, "another-" + TOKEN + "\n")
        gateway.process.send_signal(signal.SIGHUP)
        waiting.join()
        assert got[0][0] == 503 and got[0][1]["x-weir-verdict"] == "unsent", got
        assert b"were changed while the request waited; nothing was sent" in got[0][2]
        assert len(upstream.seen()) == 1


def core_is_left(tmp_path, *arguments):
    """Whether a gateway that crashes leaves a core dump."""
    resource.setrlimit(resource.RLIMIT_CORE, (resource.getrlimit(resource.RLIMIT_CORE)[1],) * 2)
    with open(tmp_path / "log", "w", encoding="utf-8") as log:
        process = subprocess.Popen([WEIR, "gateway", "--listen", "127.0.0.1:0", "--region", str(tmp_path / "region"),
                                    *arguments], stderr=log, cwd=tmp_path)
    eventually(lambda: "listening" in (tmp_path / "log").read_text())
    process.send_signal(signal.SIGABRT)
    status = os.waitpid(process.pid, 0)[1]
    process.returncode = status
    for core in tmp_path.glob("core*"):
        core.unlink()
    assert os.WIFSIGNALED(status)
    return os.WCOREDUMP(status)


@pytest.mark.skipif(IS_SANITIZED, reason="a sanitizer's address space is dumped by nobody")
def test_a_crash_leaves_no_core_with_keys_in_it(tmp_path):
    if not core_is_left(tmp_path):
        pytest.skip("this machine leaves no core dumps anyway")
    assert not core_is_left(tmp_path, "--config", Desk(tmp_path).add_hmac("desk", *ALICE).config())


def test_no_secret_token_or_signature_is_seen_anywhere(exchange, tmp_path):
    sim, gateway, folder = exchange
    for account in ("hmac", "rsa", "ed"):
        fetch(gateway.port, "/api/v3/order", "POST", ORDER, use(account, **FORM))
        fetch(gateway.port, "/api/v3/order", "POST", "a=\"", use(account, **FORM))
        fetch(gateway.port, "/api/v3/nonsense", headers=use(account))
        fetch(gateway.port, "/api/v3/account", headers=use(account, "z" * 40))
    outputs = [subprocess.run([WEIR, *args], capture_output=True, check=True).stdout
               for args in (("status", "--json", "--region", str(folder / "region")),
                            ("status", "--region", str(folder / "region")),
                            ("check", "--json", str(folder / "weir.yaml")), ("check", str(folder / "weir.yaml")))]
    seen = ["\n".join(gateway.lines).encode(), (folder / "region").read_bytes(), *outputs]
    secrets = [ALICE[1], TOKEN, "z" * 40, ALICE[0]]
    secrets += [line for name in ("rsa", "ed") for line in (folder / f"{name}.pem").read_text().splitlines()]
    secrets += [unquote(part) for request in sim.requests() for value in map(str, request.values())
                for part in re.findall(r"signature=([^&\s\"]+)", value)]
    for text in seen:
        assert not any(secret.encode() in text for secret in secrets if len(secret) >= 16)
        assert b"signature=" not in text
    assert any(b"keys_held" in line.encode() for line in gateway.lines)
