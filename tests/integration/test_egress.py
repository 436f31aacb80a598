"""Several addresses: requests are spread by what is left, limits by address add up, those by account do not, and
a ban is of its address: nobody goes on through it by another one."""
import collections
import json
import os
import shutil
import socket
import subprocess
import threading
import time
from pathlib import Path

import pytest
from support import ALICE, ROOT, WEIR, Gateway, Sim, eventually, fetch, signed

USER = os.environ.get("WEIR_LIBRARY_USER", str(ROOT / "build" / "library" / "library_user"))
ONE, TWO, THREE = "127.0.0.1", "127.0.0.2", "127.0.0.3"
FINDER = "/api/v3/ticker/price?symbol=ETHUSDT"
PRICE = "/api/v3/ticker/price?symbol=BTCUSDT"


def by(*egresses, **settings):
    return [*(a for e in egresses for a in ("--egress", e)),
            *(a for key, value in settings.items() for a in ("--set", f"{key}={value}"))]


def status(folder):
    return json.loads(subprocess.run([WEIR, "status", "--json", "--region", str(folder / "region")],
                                     capture_output=True, check=True).stdout)


def ask(gateway, client=None, path=PRICE, method="GET", headers=None, wait_ms=None, key=None):
    headers = dict(headers or {})
    if client:
        headers["X-Weir-Client"] = client
    if wait_ms is not None:
        headers["X-Weir-Max-Wait"] = str(wait_ms)
    if key:
        headers["X-MBX-APIKEY"] = key
    return fetch(gateway.port, path, method, headers=headers)


def books(sim, pool="spot"):
    return {b["owner"]: b for b in sim.books()["books"] if b["pool"] == pool}


def counts(sim):
    """By which addresses requests came, our own questions left out."""
    return collections.Counter(r["peer"] for r in sim.requests()
                               if not any(own in r["target"] for own in ("/time", "/exchangeInfo", "/ping")))


def straight(sim, address, n, path=PRICE):
    """Somebody else at that address spends, past every limit."""
    connection = socket.create_connection(("127.0.0.1", sim.port), source_address=(address, 0))
    with connection:
        for _ in range(n):
            connection.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
            reply = b""
            while b"\r\n\r\n" not in reply:
                reply += connection.recv(65536)
            head, rest = reply.split(b"\r\n\r\n", 1)
            length = next(int(line.split(b":")[1]) for line in head.lower().split(b"\r\n")
                          if line.startswith(b"content-length:"))
            while len(rest) < length:
                rest += connection.recv(65536)
    return int(head.split(b" ")[1])


def at_home(gateway, address, n=1, prefix="bot"):
    """Names of @n clients that are at home at @address: where their first request went."""
    found, i = [], 0
    while len(found) < n:
        i += 1
        assert i < 64, found
        status_, headers, _ = ask(gateway, f"{prefix}-{address}-{i}")
        assert status_ == 200
        if headers["x-weir-egress"] == address:
            found.append(f"{prefix}-{address}-{i}")
    return found


def ban(sim, gateway, address):
    """The exchange bans @address for what others did there, and the gateway has just learned of it."""
    assert straight(sim, address, 230) == 418
    homeless = 0
    while not [line for line in gateway.logged("ban") if f"egress={address} " in line]:
        homeless += 1
        assert homeless < 1000
        # Time to leave where there is room; what has to wait for a window is none of it.
        ask(gateway, f"finder-{homeless}", FINDER, wait_ms=50)


def test_requests_are_spread_and_each_reply_says_by_which_address_it_came(tmp_path):
    with Sim() as sim, Gateway(sim.url, tmp_path / "region", *by(ONE, f"two={TWO}", THREE, discovery="off")) as gateway:
        said = collections.Counter(ask(gateway)[1]["x-weir-egress"] for _ in range(60))
        assert set(said) == {ONE, "two", THREE}
        came = counts(sim)
        assert came == {{"two": TWO}.get(name, name): n for name, n in said.items()}
        used = {owner: b["used"] for owner, b in books(sim).items()}
        # What is left is the same at all.
        assert max(used.values()) - min(used.values()) <= 4, used
        assert status(tmp_path)["egresses"] == ["default", ONE, "two", THREE]
        # Each of our pools and no other: their books are the exchange's.
        ours = {b["egress"]: b["used"] for b in status(tmp_path)["budgets"] if b["name"] == "spot-weight"}
        assert ours == {ONE: used[ONE], "two": used[TWO], THREE: used[THREE]}


def test_what_others_use_is_said_with_the_address_where_they_do(tmp_path):
    def is_said(sim, gateway, address):
        straight(sim, address, 20)
        for _ in range(4):
            assert ask(gateway)[0] == 200
        return gateway.logged("foreign_use")

    with Sim() as sim, Gateway(sim.url, tmp_path / "region", *by(f"one={ONE}", f"two={TWO}", discovery="off")) as gateway:
        eventually(lambda: is_said(sim, gateway, TWO))
        assert all("group=api egress=two in_window=" in line for line in gateway.logged("foreign_use"))
    with Sim() as sim, Gateway(sim.url, tmp_path / "other", "--set", "discovery=off") as gateway:
        eventually(lambda: is_said(sim, gateway, ONE))
        assert "egress=" not in gateway.logged("foreign_use")[0]


def test_a_name_that_is_another_address_is_refused(tmp_path):
    result = subprocess.run([WEIR, "gateway", "--region", tmp_path / "region", *by(f"{TWO}={THREE}")], capture_output=True,
                            text=True, timeout=30, check=False)
    assert result.returncode == 2
    assert f"the name {TWO} is an address, and not the one that this leaves by; choose another name" in result.stderr


def test_under_saturation_the_limits_of_all_addresses_add_up_for_two_gateways_and_none_is_overspent(tmp_path):
    limit, span = 60, 2
    with Sim("--limit", f"spot-weight={limit}/{span}s", "--latency", "10") as sim, \
            Gateway(sim.url, tmp_path / "region", *by(ONE, TWO, THREE)) as gateway, \
            Gateway(sim.url, tmp_path / "region", *by(THREE, ONE)) as other:
        for each in (gateway, other):
            ask(each, path="/api/v3/ping")
            eventually(lambda each=each: each.logged("limit"))
        stop = threading.Event()

        def work(i):
            while not stop.is_set():
                ask((gateway, other)[i % 2], f"c{i % 3}")

        threads = [threading.Thread(target=work, args=(i,)) for i in range(48)]
        for thread in threads:
            thread.start()
        time.sleep(3.1 * span)
        stop.set()
        for thread in threads:
            thread.join()
        assert sim.books()["status429"] == 0 and sim.books()["status418"] == 0
        for owner, book in books(sim).items():
            full = [w["used"] for w in book["windows"]][1:-1]
            assert len(full) >= 1 and sum(full) >= 0.97 * limit * len(full), (owner, book["windows"])


def test_orders_of_an_account_are_counted_once_by_whichever_address_they_leave(tmp_path):
    with Sim("--limit", "futures-orders=12/1s,futures-orders-long=1000/1m") as sim, \
            Gateway(sim.url, tmp_path / "region", *by(ONE, TWO)) as gateway:
        ask(gateway, path="/fapi/v1/ping")
        eventually(lambda: [line for line in gateway.logged("limit") if "kind=orders limit=12 " in line])
        ways, answers, lock = collections.Counter(), collections.Counter(), threading.Lock()

        def place():
            body = signed({"symbol": "BTCUSDT", "side": "BUY", "type": "LIMIT", "timeInForce": "GTC", "quantity": "0.01",
                           "price": "20000"}, ALICE[1], recv_window=30000)
            code, headers, text = fetch(gateway.port, "/fapi/v1/order?" + body, "POST",
                                        headers={"X-MBX-APIKEY": ALICE[0]})
            with lock:
                answers[code] += 1
                ways[headers.get("x-weir-egress")] += 1
                assert code == 200, text

        threads = [threading.Thread(target=place) for _ in range(30)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert answers == {200: 30} and set(ways) == {ONE, TWO}, (answers, ways)
        assert sim.books()["status429"] == 0
        account = next(b for b in sim.books()["books"] if b["owner"] == "alice" and b["pool"] == "futures")
        orders = [row for row in account["limits"] if row["name"] == "futures-orders"]
        assert orders and orders[0]["refused"] == 0, account


def test_a_ban_is_of_its_address_and_nobody_goes_on_through_it_by_another(tmp_path):
    with Sim("--limit", "spot-weight=200/5s", "--ban", "4", "--ban-after", "0") as sim:
        with Gateway(sim.url, tmp_path / "region", *by(ONE, TWO, ramp=0)) as gateway:
            ask(gateway, path="/api/v3/ping")
            eventually(lambda: gateway.logged("limit"))
            theirs, ours = at_home(gateway, TWO, 2), at_home(gateway, ONE, 2)
            # By their homes only while something is stopped, by any while nothing is.
            assert {ask(gateway, ours[0])[1]["x-weir-egress"] for _ in range(8)} == {ONE, TWO}
            ban(sim, gateway, TWO)
            before = counts(sim)
            for client in theirs * 3:
                code, headers, text = ask(gateway, client, wait_ms=0)
                assert code == 429 and headers["x-weir-verdict"] == "ban", (code, headers, text)
                assert TWO.encode() in text and b"nothing was sent" in text
            assert counts(sim) == before
            # A cancel too: nothing is set.
            assert ask(gateway, theirs[0], "/api/v3/order?symbol=BTCUSDT&orderId=1", "DELETE", wait_ms=0)[0] == 429
            assert {ask(gateway, c)[1]["x-weir-egress"] for c in ours * 3} == {ONE}
            # Who is new is at home at either, in turn: no more of them by the open one than were before.
            fresh = [ask(gateway, f"fresh-{i}", wait_ms=0)[0] for i in range(10)]
            assert collections.Counter(fresh) == {200: 5, 429: 5}, fresh
            # Another product of the same address is not banned.
            assert {ask(gateway, theirs[0], "/fapi/v1/ping")[0] for _ in range(4)} == {200}
            shown = status(tmp_path)["gates"]
            assert [(g["egress"], g["product"], g["kind"]) for g in shown] == [(TWO, "api", "ban")], shown
            # A user of the library, who names no address, has nothing to do with it.
            answer = subprocess.run([USER, str(tmp_path / "region"), "reserve", "GET", "/api/v3/time", ""],
                                    capture_output=True, text=True, check=True).stdout
            assert answer.startswith("go"), answer
            waiting = threading.Thread(target=lambda: late.append(ask(gateway, theirs[1])))
            late = []
            gateway.kill()
        # After a restart: the same addresses, the same ban, the same homes.
        with Gateway(sim.url, tmp_path / "region", *by(TWO, ONE, ramp=0)) as gateway:
            assert ask(gateway, theirs[0], wait_ms=0)[1]["x-weir-verdict"] == "ban"
            assert ask(gateway, ours[0])[1]["x-weir-egress"] == ONE
            waiting.start()
            waiting.join()
            # Whoever waits for the end goes by its own address, behind the one probe.
            code, headers, _ = late[0]
            assert code == 200 and headers["x-weir-egress"] == TWO
            assert gateway.logged("probe") and all(f"egress={TWO} " in line for line in gateway.logged("probe"))
            # Our gateways sent one request into it: the one by which they learned of it.
            mine = [r for r in sim.requests() if r["status"] == 418 and r["target"] == FINDER]
            assert len(mine) == 1, mine


def test_a_cancel_leaves_by_another_address_only_where_it_was_decided(tmp_path):
    cancel = "/api/v3/order?symbol=BTCUSDT&orderId=1"
    with Sim("--limit", "spot-weight=200/5s", "--ban", "30", "--ban-after", "0") as sim, \
            Gateway(sim.url, tmp_path / "region", *by(ONE, TWO, egress_ban_cancels="yes")) as gateway:
        ask(gateway, path="/api/v3/ping")
        eventually(lambda: gateway.logged("limit"))
        client = at_home(gateway, TWO)[0]
        ban(sim, gateway, TWO)
        code, headers, _ = ask(gateway, client, cancel, "DELETE", key=ALICE[0])
        # What the exchange says to it, a request without a signature.
        assert code == 400 and headers["x-weir-egress"] == ONE and headers["x-weir-class"] == "cancel"
        assert ask(gateway, client, wait_ms=0)[0] == 429
        assert ask(gateway, client, "/api/v3/order?symbol=BTCUSDT", "POST", wait_ms=0)[0] == 429


def test_a_429_stops_its_address_and_is_waited_for_there(tmp_path):
    with Sim("--limit", "spot-weight=200/2s", "--ban", "0") as sim, \
            Gateway(sim.url, tmp_path / "region", *by(ONE, TWO)) as gateway:
        ask(gateway, path="/api/v3/ping")
        eventually(lambda: gateway.logged("limit"))
        theirs, ours = at_home(gateway, TWO)[0], at_home(gateway, ONE)[0]
        sim.faults("GET /api/v3/depth next 1 error 429 -1003 Too much request weight used.")
        # Refused once, it is sent again when the stop is over, by the same address as before.
        code, headers, _ = ask(gateway, theirs, "/api/v3/depth?symbol=BTCUSDT&limit=5")
        assert code == 200 and headers["x-weir-retries"] == "1"
        depth = [r for r in sim.requests() if "/depth" in r["target"]]
        assert [r["status"] for r in depth] == [429, 200] and len({r["peer"] for r in depth}) == 1, depth
        assert depth[0]["peer"] == headers["x-weir-egress"]
        sim.faults("GET /api/v3/depth next 1 error 429 -1003 Too much request weight used.")
        stopped = []
        thread = threading.Thread(target=lambda: stopped.append(
            ask(gateway, theirs, "/api/v3/depth?symbol=BTCUSDT&limit=5")))
        thread.start()
        eventually(lambda: status(tmp_path)["gates"])
        at = status(tmp_path)["gates"][0]["egress"]
        mine, other = (theirs, ours) if at == TWO else (ours, theirs)
        assert ask(gateway, mine, wait_ms=0)[1]["x-weir-verdict"] == "stop"
        assert ask(gateway, other)[1]["x-weir-egress"] == (ONE if at == TWO else TWO)
        thread.join()


def test_default_is_the_address_of_everybody_who_names_none(tmp_path):
    with Sim("--limit", "spot-weight=100/60s") as sim, \
            Gateway(sim.url, tmp_path / "region", *by("default", TWO, discovery="off")) as gateway:
        said = {ask(gateway)[1]["x-weir-egress"] for _ in range(8)}
        assert said == {"default", TWO}
        assert set(counts(sim)) == {ONE, TWO}
        weights = [b for b in status(tmp_path)["budgets"] if b["name"] == "spot-weight"]
        assert {b["egress"] for b in weights} == {"default", TWO}
        assert next(b for b in weights if b["egress"] == "default")["owner"] == "0" * 16
    with Sim() as sim, Gateway(sim.url, tmp_path / "plain") as gateway:
        assert "x-weir-egress" not in ask(gateway)[1]


@pytest.mark.parametrize("args, code, says", [
    (["--egress", "198.51.100.77"], 1, "this machine has no address 198.51.100.77"),
    (["--egress", "proxy.internal:3128"], 2, "is no address to leave from"),
    (["--egress", ONE, "--egress", f"x={ONE}"], 2, "would be counted twice"),
    (["--egress", "https://proxy.internal:3128"], 2, "only proxies of HTTP"),
    (["--egress", "http://proxy.internal"], 2, "names no port"),
    (["--egress", ONE, "--upstream", "fapi=unix:/run/x"], 2, "upstream.fapi is a socket of this machine"),
    (["--egress", "me:hunter2secret@proxy.internal:3128"], 2, "what stands here is no address"),
])
def test_what_cannot_be_left_from_is_refused_at_the_start(tmp_path, args, code, says):
    result = subprocess.run([WEIR, "gateway", "--listen", "127.0.0.1:0", "--region", str(tmp_path / "region"), *args],
                            capture_output=True, text=True, timeout=20, check=False)
    assert result.returncode == code and says in result.stderr, result.stderr
    assert "hunter2secret" not in result.stderr


def test_a_start_that_is_refused_takes_no_place_in_the_region(tmp_path):
    """There are 15, for as long as the region is."""
    with Sim() as sim:
        command = [WEIR, "gateway", "--listen", "127.0.0.1:0", "--region", str(tmp_path / "region"), "--upstream", sim.url]
        for i in range(16):
            # The first of the two could be left from.
            result = subprocess.run([*command, *by(f"127.0.0.{10 + i}", f"198.51.100.{i}")], capture_output=True, text=True,
                                    timeout=60, check=False)
            assert result.returncode == 1 and f"this machine has no address 198.51.100.{i} " in result.stderr, result.stderr
        with Gateway(sim.url, tmp_path / "region", *by(ONE, TWO)) as gateway:
            assert ask(gateway)[0] == 200


def test_in_shadow_all_passes_at_once_by_each_address_in_its_own_books(tmp_path):
    with Sim("--limit", "spot-weight=40/60s", "--ban", "0") as sim, \
            Gateway(sim.url, tmp_path / "region", "--shadow", *by(ONE, TWO, discovery="off")) as gateway:
        replies = [ask(gateway) for _ in range(16)]
        assert {code for code, _, _ in replies} == {200} and not [h for _, h, _ in replies if "x-weir-egress" in h]
        assert set(counts(sim)) == {ONE, TWO}
        used = {owner: b["used"] for owner, b in books(sim).items()}
        ours = {b["egress"]: b["used"] for b in status(tmp_path)["budgets"] if b["name"] == "spot-weight"}
        assert ours == used and max(used.values()) < 40


class Proxy:
    """tinyproxy, which leaves from an address of its own."""

    def __init__(self, folder, leaves_from, login=None):
        with socket.create_server(("127.0.0.1", 0)) as s:
            self.port = s.getsockname()[1]
        config = folder / f"tinyproxy-{self.port}.conf"
        auth = f"BasicAuth {login.replace(':', ' ')}\n" if login else ""
        config.write_text(f"Port {self.port}\nListen 127.0.0.1\nBind {leaves_from}\nTimeout 60\nLogLevel Error\n"
                          f"Allow 127.0.0.0/8\nMaxClients 50\n{auth}", encoding="utf-8")
        self.process = subprocess.Popen(["tinyproxy", "-d", "-c", str(config)], stdout=subprocess.DEVNULL,
                                        stderr=subprocess.DEVNULL)
        eventually(self.answers)
        self.url = f"http://127.0.0.1:{self.port}"
        self.name = f"127.0.0.1:{self.port}"

    def answers(self):
        try:
            socket.create_connection(("127.0.0.1", self.port)).close()
            return True
        except OSError:
            return False

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()


needs_tinyproxy = pytest.mark.skipif(not shutil.which("tinyproxy"), reason="tinyproxy is not installed")


@needs_tinyproxy
def test_through_a_proxy_the_exchange_sees_its_address_and_a_dead_one_is_left_out(tmp_path):
    with Sim() as sim, Proxy(tmp_path, TWO) as proxy, \
            Gateway(sim.url, tmp_path / "region",
                    *by(ONE, f"far={proxy.url}", **{"breaker.threshold": 3, "breaker.pause": "1s"})) as gateway:
        said = collections.Counter(ask(gateway)[1]["x-weir-egress"] for _ in range(20))
        assert set(said) == {ONE, "far"} and min(said.values()) >= 4, said
        assert counts(sim) == {ONE: said[ONE], TWO: said["far"]}
        proxy.process.kill()
        proxy.process.wait()
        answers = [ask(gateway) for _ in range(40)]
        # What could not be sent was not sent, and says so; soon nothing is tried by it any more.
        assert {code for code, _, _ in answers} <= {200, 503}
        assert all(h["x-weir-verdict"] in ("unsent", "breaker") for code, h, _ in answers if code == 503), answers
        assert {code for code, _, _ in answers[-10:]} == {200}, answers
        assert [line for line in gateway.logged("breaker_open") if "egress=far " in line]


@needs_tinyproxy
def test_tls_goes_through_a_proxy_that_asks_for_a_password_from_a_file(tmp_path):
    key, certificate = tmp_path / "key.pem", tmp_path / "cert.pem"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                    "-keyout", key, "-out", certificate, "-days", "2", "-subj", "/CN=localhost",
                    "-addext", "subjectAltName=DNS:localhost"], check=True, capture_output=True)
    secret = "Hunter2Secret"
    logins = tmp_path / "logins"
    logins.write_text(f"# proxies\nfar desk:{secret}\n", encoding="utf-8")
    logins.chmod(0o600)
    with Sim("--tls-cert", str(certificate), "--tls-key", str(key)) as sim, Proxy(tmp_path, TWO, f"desk:{secret}") as proxy:
        upstream = f"https://localhost:{sim.port}"
        more = {"tls_ca": certificate}
        with Gateway(upstream, tmp_path / "region", *by(f"far={proxy.url}", egress_auth_file=logins, **more)) as gateway:
            code, headers, _ = ask(gateway)
            assert code == 200 and headers["x-weir-egress"] == "far"
            told = gateway.lines
            shown = subprocess.run([WEIR, "region", "show", "--region", str(tmp_path / "region")], capture_output=True,
                                   text=True, check=True).stdout
            assert "far" in shown
        with Gateway(upstream, tmp_path / "region", *by(f"far={proxy.url}", **more)) as gateway:
            code, headers, text = ask(gateway, wait_ms=2000)
            assert code == 503 and headers["x-weir-verdict"] == "unsent" and b"407" in text and b"egress_auth_file" in text
            told += gateway.lines
        with Gateway(upstream, tmp_path / "region",
                     *by(f"far=http://desk:{secret}@127.0.0.1:{proxy.port}", **more)) as gateway:
            assert ask(gateway)[0] == 200
            told += gateway.lines
        assert not [line for line in told if secret in line]
        logins.chmod(0o644)
        result = subprocess.run([WEIR, "gateway", "--listen", "127.0.0.1:0", "--region", str(tmp_path / "other"),
                                 *by(f"far={proxy.url}", egress_auth_file=logins)], capture_output=True, text=True,
                                timeout=20, check=False)
        assert result.returncode == 1 and "chmod" in result.stderr and secret not in result.stderr, result.stderr
    assert Path(certificate).exists()
