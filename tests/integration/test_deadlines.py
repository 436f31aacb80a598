"""Who cannot reach the exchange in time is told so at once, and when it becomes certain; nobody ages in the queue."""
import collections
import http.client
import json
import threading
import time

from support import ALICE, Gateway, Sim, eventually, fetch, sign

SKEW_S = 1.5
# The exchange's own margin, the clock's error and one way, all generously.
MARGIN_MS = 400


def account_path(recv_window):
    """By the exchange's clock, as an honest client signs."""
    query = f"recvWindow={recv_window}&timestamp={int((time.time() + SKEW_S) * 1000)}"
    return f"/api/v3/account?{query}&signature={sign(ALICE[1], query)}"


def ask(port, path, headers=None):
    """Status, fields, body, and how long the answer took."""
    started = time.monotonic()
    status, fields, body = fetch(port, path, headers={"X-MBX-APIKEY": ALICE[0], **(headers or {})})
    return status, fields, json.loads(body), time.monotonic() - started



def is_ours(reply, recv_window, needed_ms):
    """A request was too old at the exchange, and weir let it go when it could know that: @needed_ms is what one way
    and the engine take at most. One that left in good time got old on a machine that is slow, which nobody could know.
    """
    return recv_window - int(reply.getheader("X-Weir-Wait-Us")) / 1000 < needed_ms


def poll(port, recv_window, until, seen, wrong, late_ms):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=70)
    while time.monotonic() < until:
        started = time.monotonic()
        connection.request("GET", account_path(recv_window), headers={"X-MBX-APIKEY": ALICE[0]})
        reply = connection.getresponse()
        body = json.loads(reply.read())
        took_ms = (time.monotonic() - started) * 1000
        if reply.status == 200:
            seen["200"] += 1
            continue
        seen[f"{reply.status} {body['code']}"] += 1
        if body["code"] == -1021:
            if is_ours(reply, recv_window, 25):
                wrong.append((recv_window, took_ms, body))
            continue
        would_wait = int(reply.getheader("X-Weir-Would-Wait-Ms", "0"))
        # It could not have been sent in time, or what it waited for was taken from it.
        if reply.getheader("X-Weir-Verdict") != "late" or would_wait + took_ms < recv_window - MARGIN_MS or \
                would_wait >= 10000 or int(reply.getheader("Retry-After")) != would_wait // 1000 + 1:
            wrong.append((recv_window, took_ms, body, reply.getheaders()))
        late_ms.append(took_ms)
        time.sleep(min(would_wait, 300) / 1000)


def test_nothing_ages_in_the_queue(tmp_path):
    """Signed requests of many clients, five times of what there is, at a distance and with a wrong clock."""
    with Sim("--limit", "spot-weight=400/2s", "--latency", "30~20", "--skew", str(int(SKEW_S * 1000))) as sim, \
            Gateway(sim.url, tmp_path / "region") as gateway:
        fetch(gateway.port, "/api/v3/ping")
        eventually(lambda: gateway.logged("limit"))
        # Windows of the length that exchangeInfo has told, from the first turn on.
        time.sleep(2.05 - (time.time() + SKEW_S) % 2)
        seen = {window: collections.Counter() for window in (200, 500, 1000, 2000, 5000, 60000)}
        until, wrong, late_ms = time.monotonic() + 4, [], collections.defaultdict(list)
        polls = [threading.Thread(target=poll, args=(gateway.port, window, until, counts, wrong, late_ms[window]))
                 for window, counts in seen.items() for _ in range(6)]
        for p in polls:
            p.start()
        for p in polls:
            p.join()
        answered = sim.requests(5000)
        assert sim.books()["status429"] == 0
    print(json.dumps(seen))
    assert not wrong, wrong
    # By what the clients saw, and by what the exchange answered.
    assert {code for counts in seen.values() for code in counts} <= {"200", "429 -1003", "400 -1021"}, seen
    refused = [(r["status"], r["target"].split("&")[0]) for r in answered if r["status"] >= 400]
    assert len(refused) == sum(counts["400 -1021"] for counts in seen.values()), refused
    assert seen[200]["429 -1003"] > 0 and seen[60000]["200"] > 0
    # At once, and not when its time is over; but for those whose place was taken from them.
    late_ms = {window: sorted(map(int, all_ms)) for window, all_ms in late_ms.items()}
    print(late_ms)
    assert not late_ms[1000] or late_ms[1000][len(late_ms[1000]) // 2] < 500


ENGINE_MS = 20


class Trader(threading.Thread):
    """Places futures orders with one recvWindow until a time, signed by the exchange's clock."""

    def __init__(self, port, recv_window, until):
        super().__init__()
        self.port, self.recv_window, self.until = port, recv_window, until
        self.seen = collections.Counter()
        self.wrong = []

    def run(self):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=70)
        while time.monotonic() < self.until:
            query = ("symbol=BTCUSDT&side=BUY&type=MARKET&quantity=0.01"
                     f"&recvWindow={self.recv_window}&timestamp={int((time.time() + SKEW_S) * 1000)}")
            connection.request("POST", f"/fapi/v1/order?{query}&signature={sign(ALICE[1], query)}",
                               headers={"X-MBX-APIKEY": ALICE[0]})
            reply = connection.getresponse()
            code = json.loads(reply.read()).get("code")
            self.seen[code] += 1
            if code in (-1021, -5028) and is_ours(reply, self.recv_window, ENGINE_MS + 15):
                self.wrong.append((code, self.recv_window, reply.getheader("X-Weir-Wait-Us")))
            # No budget was in its way: its time was over when weir got to it.
            if code == -1003 and reply.getheader("X-Weir-Verdict") != "late":
                self.wrong.append((code, self.recv_window, reply.getheaders()))
            if reply.status == 429:
                time.sleep(min(int(reply.getheader("X-Weir-Would-Wait-Ms", "0")), 300) / 1000)


def test_no_order_is_too_old_at_the_engine(tmp_path):
    """The exchange looks at an order's age twice, and its second look is some time after the first: -5028."""
    with Sim("--limit", "futures-orders=40/2s", "--latency", "20~10", "--skew", str(int(SKEW_S * 1000))) as sim, \
            Gateway(sim.url, tmp_path / "region") as gateway:
        fetch(gateway.port, "/fapi/v1/ping")
        eventually(lambda: gateway.logged("limit"))
        sim.faults(f"POST /fapi/v1/order always engine {ENGINE_MS}")
        time.sleep(2.05 - (time.time() + SKEW_S) % 2)
        traders = [Trader(gateway.port, window, time.monotonic() + 4)
                   for window in (200, 500, 1000, 2000, 5000, 60000) for _ in range(4)]
        for t in traders:
            t.start()
        for t in traders:
            t.join()
        books = sim.books()
    seen = {t.recv_window: t.seen for t in traders}
    print(seen)
    assert [t.wrong for t in traders if t.wrong] == []
    assert {code for t in traders for code in t.seen} <= {None, -1003, -1015, -1021, -5028}, seen
    # They waited, and for some there was no room in time.
    assert sum(t.seen[-1015] for t in traders if t.recv_window <= 1000) > 0
    assert sum(t.seen[None] for t in traders) >= 80
    assert (books["status429"], books["status418"]) == (0, 0)


def waiting(port, paths, headers, answers):
    """Requests that wait, each on a connection of its own."""
    threads = [threading.Thread(target=lambda p=p: answers.append(ask(port, p, headers))) for p in paths]
    for t in threads:
        t.start()
    return threads


def verdicts(answers):
    return sorted(headers.get("x-weir-verdict", str(status)) for status, headers, _, _ in answers)


def test_a_ban_and_lower_limits_refuse_those_who_wait(tmp_path):
    depth = "/api/v3/depth?symbol=BTCUSDT&limit=1000"
    with Sim("--limit", "spot-weight=400/5s,spot-raw=0") as sim, \
            Gateway(sim.url, tmp_path / "region", "--set", "discovery_interval=1s", "--set", "classes.market=60%",
                    "--set", "classes.backfill=60%") as gateway:
        fetch(gateway.port, "/api/v3/ping")
        eventually(lambda: gateway.logged("limit"))
        # At the beginning of a window, which is then full for market data: 240 of 400.
        time.sleep(5 - time.time() % 5 + 0.1)
        while fetch(gateway.port, depth, headers={"X-Weir-Max-Wait": "20"})[0] == 200:
            pass
        answers = []
        threads = waiting(gateway.port, [depth] * 6, {"X-Weir-Max-Wait": "6000"}, answers)
        # Four of 50 fit into the next window, and the one behind it is too late.
        eventually(lambda: len(answers) == 2, 3)
        # Then three do: 60 % of 330. The last that came is told so now.
        sim.admin("/sim/limits", "POST", "spot-weight=330/5s")
        eventually(lambda: len(answers) == 3, 3)
        assert verdicts(answers) == ["late"] * 3
        assert all(4000 < int(h["x-weir-would-wait-ms"]) < 15000 for _, h, _, _ in answers)
        # A ban that outlasts their patience.
        sim.faults("GET /api/v3/ping next 1 error 418 -1003 Way too many requests; IP banned until "
                   f"{int(time.time() * 1000) + 60000}.")
        assert fetch(gateway.port, "/api/v3/ping", headers={"X-Weir-Class": "cancel"})[0] in (418, 429)
        banned = time.monotonic()
        for t in threads:
            t.join()
        assert time.monotonic() - banned < 1
    assert verdicts(answers[3:]) == ["ban"] * 3
    assert all(50000 < int(h["x-weir-would-wait-ms"]) <= 60000 for _, h, _, _ in answers[3:])


def test_who_is_too_old_already_hears_that_from_the_exchange(tmp_path):
    """A bot whose clock is an hour behind: no wait makes it older, and a full budget is not what is wrong with it."""
    depth = "/api/v3/depth?symbol=BTCUSDT&limit=1000"
    with Sim("--limit", "spot-weight=200/2s,spot-raw=0") as sim, Gateway(sim.url, tmp_path / "region") as gateway:
        fetch(gateway.port, "/api/v3/ping")
        eventually(lambda: gateway.logged("limit"))
        time.sleep(2.1 - time.time() % 2)
        while fetch(gateway.port, depth, headers={"X-Weir-Max-Wait": "1", "X-Weir-Class": "cancel"})[0] == 200:
            pass
        query = f"recvWindow=60000&timestamp={int((time.time() - 3600) * 1000)}"
        path = f"/api/v3/account?{query}&signature={sign(ALICE[1], query)}"
        status, headers, body, took = ask(gateway.port, path)
        assert (status, body["code"]) == (400, -1021) and took > 0.2, (body, took)
        assert "x-weir-verdict" not in headers
        # It waits as long as anybody, and is then told what was in its way.
        while fetch(gateway.port, depth, headers={"X-Weir-Max-Wait": "1", "X-Weir-Class": "cancel"})[0] == 200:
            pass
        status, headers, body, _ = ask(gateway.port, path, {"X-Weir-Max-Wait": "1"})
        assert (status, headers["x-weir-verdict"]) == (429, "late"), body
        assert sim.books()["status429"] == 0
