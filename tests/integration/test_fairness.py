"""Clients of one class share what there is by weight, however many connections they have."""
import asyncio
import collections
import itertools
import json
import threading
import time

from support import ALICE, Gateway, Sim, eventually, fetch, signed

PATHS = {2: "/api/v3/ticker/price?symbol=BTCUSDT", 5: "/api/v3/depth?symbol=BTCUSDT&limit=5", 25: "/api/v3/depth?symbol=BTCUSDT&limit=500",
         50: "/api/v3/depth?symbol=BTCUSDT&limit=1000"}


class Client:
    """Asks again as soon as it has an answer, on so many connections. Counts the weight of what it got."""

    def __init__(self, name, weight, connections=1, headers=None, path=None):
        self.path = path or PATHS[weight]
        self.name, self.weight, self.connections = name, weight, connections
        self.fields = "".join(f"{k}: {v}\r\n" for k, v in {"X-Weir-Client": name, **(headers or {})}.items() if v)
        self.got = []  # when, what it cost
        self.refused = 0

    async def ask(self, port, until, stop):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        request = f"GET {self.path} HTTP/1.1\r\nHost: x\r\n{self.fields}\r\n".encode()
        try:
            while time.time() < until and not stop.is_set():
                writer.write(request)
                head = await reader.readuntil(b"\r\n\r\n")
                length = int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0])
                await reader.readexactly(length)
                if b" 200 " in head.split(b"\r\n")[0]:
                    self.got.append((time.time(), self.weight))
                else:
                    self.refused += 1
                    await asyncio.sleep(0.01)
        finally:
            writer.close()

    def total(self, since, until):
        return sum(cost for when, cost in self.got if since <= when < until)


def saturate(port, clients, until, stop=threading.Event()):
    async def all_of_them():
        asks = [c.ask(port, until, stop) for c in clients for _ in range(c.connections)]
        await asyncio.wait([asyncio.ensure_future(a) for a in asks], timeout=until - time.time())
    asyncio.run(all_of_them())


def jain(shares):
    return sum(shares) ** 2 / (len(shares) * sum(s * s for s in shares))


def run(tmp_path, clients, *args, learn=2):
    """The weight that each client got in two whole windows; those in which they learn are left out."""
    with Sim("--limit", "spot-weight=2000/1s,spot-raw=0", "--latency", "2") as sim, \
            Gateway(sim.url, tmp_path / "region", *args) as gateway:
        fetch(gateway.port, "/api/v3/ping")
        eventually(lambda: gateway.logged("limit"))
        # Windows of the length that exchangeInfo has told, from the first turn on.
        time.sleep(1.05 - time.time() % 1)
        first = int(time.time()) + learn
        last = first + 2
        saturate(gateway.port, clients, last + 0.1)
        books = sim.books()
    assert (books["status429"], books["status418"]) == (0, 0)
    got = [c.total(first, last) for c in clients]
    print(json.dumps({"got": got, "refused": [c.refused for c in clients]}))
    assert sum(got) > 0.85 * 2 * 2000, got
    return got


def test_each_client_gets_its_share_by_weight_on_however_many_connections(tmp_path):
    config = tmp_path / "weir.yaml"
    config.write_text("clients: {maker: {share: 3}}\n")
    # Those with few connections ask for much at once: what a slow machine cannot ask for in time is none of it.
    clients = [Client("greedy", 25, 32), Client("heavy", 50, 8), Client(None, 50), Client("maker", 50, 2)]
    got = run(tmp_path, clients, "--config", str(config))
    assert jain(got[:3] + [got[3] / 3]) >= 0.95, got
    assert 2.7 < got[3] / (sum(got[:3]) / 3) < 3.3, got


def test_who_says_no_name_is_told_from_others_by_his_connection(tmp_path):
    got = run(tmp_path, [Client("greedy", 25, 32), Client(None, 50), Client(None, 50)])
    assert jain(got) >= 0.95, got


def test_history_gets_something_in_every_window(tmp_path):
    """Though so much market data waits that all windows ahead are spoken for."""
    back = Client("back", 5, headers={"X-Weir-Class": "backfill"})
    run(tmp_path, [*(Client(f"market-{i}", 50, 64) for i in range(4)), back], learn=1)
    seconds = sorted({int(when) for when, _ in back.got})
    assert len(seconds) >= 2 and seconds[-1] - seconds[0] == len(seconds) - 1, seconds


def urgent(kind):
    method, path, params = {
        "order": ("POST", "/fapi/v1/order", {"symbol": "BTCUSDT", "side": "BUY", "type": "MARKET", "quantity": "0.01"}),
        "cancel": ("DELETE", "/fapi/v1/order", {"symbol": "BTCUSDT", "orderId": 1}),
        "countdown": ("POST", "/fapi/v1/countdownCancelAll", {"symbol": "BTCUSDT", "countdownTime": 60000}),
    }[kind]
    return method, path + "?" + signed(params, ALICE[1], 60000)


def test_nothing_urgent_waits_behind_data(tmp_path):
    with Sim("--limit", "futures-weight=2400/2s", "--latency", "2") as sim, \
            Gateway(sim.url, tmp_path / "region") as gateway:
        fetch(gateway.port, "/fapi/v1/ping")
        eventually(lambda: gateway.logged("limit"))
        time.sleep(2.05 - time.time() % 2)
        until = time.time() + 3.5
        pollers = [Client(f"poller-{i}", 2, 16, path="/fapi/v1/depth?symbol=BTCUSDT&limit=50") for i in range(4)]
        load = threading.Thread(target=saturate, args=(gateway.port, pollers, until))
        load.start()
        waits = collections.defaultdict(list)
        for kind in itertools.cycle(("order", "cancel", "countdown")):
            method, target = urgent(kind)
            _, headers, body = fetch(gateway.port, target, method, headers={"X-MBX-APIKEY": ALICE[0]})
            assert "x-weir-wait-us" in headers, (kind, headers, body)
            waits[kind].append(int(headers["x-weir-wait-us"]))
            if time.time() > until - 0.5:
                break
            time.sleep(0.03)
        load.join()
        assert sim.pool("futures")["windows"][-1]["used"] > 2000 and sim.books()["status429"] == 0
    # One that is held waits for the turn of a window, seconds; these wait for the machine at most.
    print(json.dumps(waits))
    assert all(sorted(w)[len(w) // 2] < 20000 and max(w) < 250000 for w in waits.values()), waits


def test_a_name_that_is_none_is_refused(tmp_path):
    with Sim() as sim, Gateway(sim.url, tmp_path / "region") as gateway:
        for name in ("", "x" * 65, "caf\u00e9"):
            status, headers, body = fetch(gateway.port, "/api/v3/ping", headers={"X-Weir-Client": name.encode("latin1")})
            assert (status, headers["x-weir-verdict"]) == (400, "bad_field") and b"X-Weir-Client" in body
        for field in ("X-Weir-Max-Wiat", "x-weir-", "X-Weir-Wait-Us", "X-WEIR-CLASS-"):
            status, headers, body = fetch(gateway.port, "/api/v3/ping", headers={field: "1"})
            assert (status, headers["x-weir-verdict"]) == (400, "bad_field"), field
            assert field.encode() in body and b"X-Weir-Max-Wait, X-Weir-Request-Id" in body, body
        # A gateway in front of it keeps what is for itself.
        with Gateway(f"http://127.0.0.1:{gateway.port}", tmp_path / "front") as front:
            assert fetch(front.port, "/api/v3/ping", headers={"X-Weir-Max-Wait": "9000", "x-weir-client": "bot",
                                                              "X-Weir-Request-Id": "a"})[0] == 200
        for name in ("x" * 64, "a b", "maker-1"):
            assert fetch(gateway.port, "/api/v3/ping", headers={"X-Weir-Client": name})[0] == 200
