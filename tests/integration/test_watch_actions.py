"""What an operator does to a running gateway: each action under traffic, and what its clients are told."""
import http.client
import itertools
import json
import signal
import threading
import time
from pathlib import Path

import pytest
from support import ALICE, Gateway, RawUpstream, Sim, eventually, fetch, signed
from test_fairness import Client, saturate
from test_weights import DEPTH, LIMITS, Bot, learn
from watchers import ACT, MEANT, tokens

DEPTH_OF_SPOT = "/api/v3/depth?symbol=BTCUSDT&limit=5"


@pytest.fixture(scope="module", name="desk")
def fixture_desk(tmp_path_factory):
    folder = tmp_path_factory.mktemp("actions")
    config = tokens(folder, action_token_file=ACT)
    with Sim("--latency", "2") as sim, Gateway(sim.url, folder / "region", "--config", str(config)) as gateway:
        fetch(gateway.port, "/api/v3/ping")
        fetch(gateway.port, "/fapi/v1/ping")
        yield sim, gateway


def act(gateway, action, status=200, **body):
    got, _, text = fetch(gateway.port, f"/weir/api/{action}", "POST", json.dumps(body), MEANT)
    assert got == status, (action, body, got, text)
    return json.loads(text)


def take_back(gateway, answer):
    undo = answer["undo"]
    got, _, text = fetch(gateway.port, undo["path"], "POST", json.dumps(undo["body"]), MEANT)
    assert got == 200, text
    return json.loads(text)


def queue(gateway, **by):
    query = "&".join(f"{k}={v}" for k, v in by.items())
    return json.loads(fetch(gateway.port, f"/weir/api/queue?{query}")[2])["requests"]


def now(gateway):
    return json.loads(fetch(gateway.port, "/weir/api/now")[2])


class Asking(threading.Thread):
    """One request, whose answer comes when it does."""

    def __init__(self, gateway, path, method="GET", **headers):
        super().__init__(daemon=True)
        self.how = (gateway.port, path, method, None, {k.replace("_", "-"): str(v) for k, v in headers.items()})
        self.status = self.fields = self.text = None
        self.start()

    def run(self):
        self.status, self.fields, self.text = fetch(*self.how)

    @property
    def verdict(self):
        self.join(60)
        return self.fields.get("x-weir-verdict")


def order(kind="POST", **params):
    query = signed({"symbol": "BTCUSDT", **params}, ALICE[1], 60000)
    return f"/fapi/v1/order?{query}", kind, {"X_MBX_APIKEY": ALICE[0]}


def test_a_paused_class_waits_and_all_else_goes_on(desk):
    sim, gateway = desk
    stop, counts = threading.Event(), {"market": 0, "order": 0}

    def keep_asking(name, path, method="GET", headers=None):
        connection = http.client.HTTPConnection("127.0.0.1", gateway.port, timeout=30)
        while not stop.is_set():
            target = path() if callable(path) else path
            connection.request(method, target, headers=headers or {})
            response = connection.getresponse()
            response.read()
            assert response.status == 200, (name, response.status)
            counts[name] += 1
            time.sleep(0.005)

    def buy():
        return order(side="BUY", type="LIMIT", timeInForce="GTC", quantity="0.01", price="20000")[0]

    askers = [threading.Thread(target=keep_asking, args=("market", DEPTH_OF_SPOT)),
              threading.Thread(target=keep_asking, args=("order", buy, "POST", {"X-MBX-APIKEY": ALICE[0]}))]
    for a in askers:
        a.start()
    eventually(lambda: min(counts.values()) > 5)
    done = act(gateway, "pause", **{"class": "market"})
    eventually(lambda: len(queue(gateway, **{"class": "market"})) == 1)
    before, sent = dict(counts), [r for r in sim.requests() if "/depth" in r["target"]]
    # Nothing of it reached the exchange, while orders did.
    eventually(lambda: counts["order"] > before["order"] + 5)
    assert counts["market"] == before["market"]
    assert len([r for r in sim.requests() if "/depth" in r["target"]]) == len(sent)
    row = queue(gateway)[0]
    assert (row["class"], row["state"], row["endpoint"]) == ("market", "paused", "GET /api/v3/depth")
    shown = now(gateway)
    assert shown["paused"]["classes"] == ["market"]
    assert [q["class"] for q in shown["queue"] if q["paused"]] == ["market"]
    assert next(q for q in shown["queue"] if q["class"] == "market")["waiting"] == 1
    assert act(gateway, "pause", 409, **{"class": "market"})["msg"].endswith("nothing was done")
    took_back = take_back(gateway, done)
    assert "1 request " in took_back["done"]
    eventually(lambda: counts["market"] > before["market"] + 5)
    stop.set()
    for a in askers:
        a.join()
    assert gateway.logged("paused")[-1].endswith(" peer=127.0.0.1 by=token token=1")
    assert " class=market requests=" in gateway.logged("paused")[-1]
    assert now(gateway)["counters"]["refused_paused"] == 0


def test_what_is_paused_is_refused_at_its_deadline_in_words(desk):
    sim, gateway = desk
    done = act(gateway, "pause", **{"class": "backfill"})
    began = time.monotonic()
    late = Asking(gateway, DEPTH_OF_SPOT, X_Weir_Class="backfill", X_Weir_Max_Wait=300)
    assert late.verdict == "paused" and 0.25 < time.monotonic() - began
    assert late.status == 503
    message = json.loads(late.text)
    assert message["code"] == -1001 and "paused the class backfill" in message["msg"]
    assert "nothing was sent" in message["msg"]
    # One that may not wait at all is told so at once.
    assert Asking(gateway, DEPTH_OF_SPOT, X_Weir_Class="backfill", X_Weir_Max_Wait=0).verdict == "paused"
    take_back(gateway, done)
    assert Asking(gateway, DEPTH_OF_SPOT, X_Weir_Class="backfill", X_Weir_Max_Wait=300).verdict is None


def test_a_paused_client_keeps_its_cancels_unless_they_are_named(desk):
    sim, gateway = desk
    path, method, fields = order(side="BUY", type="LIMIT", timeInForce="GTC", quantity="0.01", price="20000")
    placed = Asking(gateway, path, method, **fields)
    placed.join()
    number = json.loads(placed.text)["orderId"]
    assert "; no client of that name has been seen" in act(gateway, "pause", client="bot")["done"]
    path, method, fields = order(side="BUY", type="LIMIT", timeInForce="GTC", quantity="0.01", price="20000")
    held = Asking(gateway, path, method, X_Weir_Client="bot", **fields)
    eventually(lambda: [r["client"] for r in queue(gateway, client="bot")] == ["bot"])
    path, method, fields = order("DELETE", orderId=number)
    cancel = Asking(gateway, path, method, X_Weir_Client="bot", **fields)
    cancel.join(60)
    assert cancel.status == 200
    other = Asking(gateway, DEPTH_OF_SPOT, X_Weir_Client="bot2")
    other.join(60)
    assert other.status == 200 and held.is_alive()
    assert "was paused already" in act(gateway, "pause", client="bot", cancels=True)["done"]
    path, method, fields = order("DELETE", orderId=number)
    assert Asking(gateway, path, method, X_Weir_Client="bot", X_Weir_Max_Wait=200, **fields).verdict == "paused"
    assert now(gateway)["paused"] == {"classes": [], "clients": ["bot"], "with_cancels": ["bot"]}
    act(gateway, "resume", client="bot")
    held.join(60)
    assert held.status == 200 and not queue(gateway)
    assert act(gateway, "resume", 409, client="bot")["msg"].startswith("weir: that client is not paused")


def test_a_request_that_waits_is_dropped_and_one_that_was_sent_is_not(tmp_path):
    answered = threading.Event()

    def answer(method, target, body):
        if "/depth" in str(target):
            answered.wait(10)
        return RawUpstream.OK

    config = tokens(tmp_path, action_token_file=ACT)
    upstream = RawUpstream(answer)
    with Gateway(upstream.url, tmp_path / "region", "--config", str(config)) as gateway:
        act(gateway, "pause", **{"class": "account"})
        held = Asking(gateway, "/api/v3/account?" + signed({}, ALICE[1], 60000), X_MBX_APIKEY=ALICE[0])
        kept = Asking(gateway, "/api/v3/account?" + signed({}, ALICE[1], 60000), X_MBX_APIKEY=ALICE[0])
        eventually(lambda: len(queue(gateway)) == 2)
        first, second = (r["id"] for r in queue(gateway))
        act(gateway, "drop", request=first)
        eventually(lambda: not held.is_alive() or not kept.is_alive())
        dropped, waits = (held, kept) if not held.is_alive() else (kept, held)
        assert (dropped.status, dropped.verdict) == (503, "dropped") and waits.is_alive()
        assert "dropped this request" in json.loads(dropped.text)["msg"]
        assert [r["id"] for r in queue(gateway)] == [second]
        for nonsense in (first, "1", "x-1", second.split("-")[0] + "-99", "0-" + second.split("-")[1]):
            assert "nothing was done" in act(gateway, "drop", 404, request=nonsense)["msg"]
        # The id that clients and logs show will do, where it is one request's only.
        twins = [Asking(gateway, "/api/v3/account?" + signed({}, ALICE[1], 60000), X_MBX_APIKEY=ALICE[0],
                        X_Weir_Request_Id="twin") for _ in range(2)]
        eventually(lambda: len(queue(gateway)) == 3)
        rows = [r["id"] for r in queue(gateway) if r["request_id"] == "twin"]
        refusal = act(gateway, "drop", 409, request="twin")["msg"]
        assert refusal.startswith("weir: 2 requests have that request_id") and all(i in refusal for i in rows)
        act(gateway, "drop", request=rows[1])
        act(gateway, "drop", request="twin")
        assert [t.verdict for t in twins] == ["dropped", "dropped"]
        assert "nothing was done" in act(gateway, "drop", 404, request="twin")["msg"]
        # One that is on its way: it has the next number.
        away = Asking(gateway, "/api/v3/depth?symbol=BTCUSDT")
        eventually(lambda: any("/depth" in str(r[1]) for r in upstream.requests))
        born, number = second.split("-")
        assert "cannot be taken back" in act(gateway, "drop", 409, request=f"{born}-{int(number) + 3}")["msg"]
        answered.set()
        away.join(60)
        assert away.status == 200
        act(gateway, "resume", **{"class": "account"})
        waits.join(60)
        assert waits.status == 200
        assert len([r for r in upstream.requests if b"/account" in r[1] or "/account" in str(r[1])]) == 1
        assert now(gateway)["counters"]["dropped"] == 3


def test_a_share_set_by_hand_is_shown_and_its_end_told(desk):
    sim, gateway = desk
    done = act(gateway, "share", client="maker", share=3)
    act(gateway, "share", client="taker", share=2)
    assert now(gateway)["shares"] == {"maker": 3, "taker": 2}
    assert now(gateway)["client_shares"] == {"default": 1, "clients": {}}
    take_back(gateway, done)
    assert now(gateway)["shares"] == {"taker": 2}
    gateway.process.send_signal(signal.SIGHUP)
    # Nobody has decided anything since.
    eventually(lambda: len(gateway.logged("reloaded")) == 1)
    assert not gateway.logged("share_lapsed") and now(gateway)["shares"] == {"taker": 2}
    config = Path(gateway.args[gateway.args.index("--config") + 1])
    written = config.read_text()
    config.write_text(written + "clients:\n  taker: { share: 3 }\n")
    gateway.process.send_signal(signal.SIGHUP)
    eventually(lambda: len(gateway.logged("reloaded")) == 2)
    assert "client=taker share=3 was=2" in gateway.logged("share_lapsed")[0]
    assert now(gateway)["shares"] == {} and now(gateway)["client_shares"] == {"default": 1, "clients": {"taker": 3}}
    config.write_text(written)
    gateway.process.send_signal(signal.SIGHUP)
    eventually(lambda: len(gateway.logged("reloaded")) == 3)


def test_a_share_counts_at_once(tmp_path):
    config = tokens(tmp_path, action_token_file=ACT)
    with Sim("--limit", "spot-weight=2000/1s,spot-raw=0", "--latency", "2") as sim, \
            Gateway(sim.url, tmp_path / "region", "--config", str(config)) as gateway:
        fetch(gateway.port, "/api/v3/ping")
        eventually(lambda: gateway.logged("limit"))
        time.sleep(1.05 - time.time() % 1)
        first = int(time.time())
        clients, stop = [Client("a", 50, 6), Client("b", 50, 6)], threading.Event()
        load = threading.Thread(target=saturate, args=(gateway.port, clients, first + 60, stop))
        load.start()
        time.sleep(first + 3.05 - time.time())
        done = act(gateway, "share", client="a", share=3)
        assert "until the settings name another for it" in done["done"] and done["undo"]["body"] == {"client": "a", "share": 1}
        # From the next whole window on.
        since = int(time.time()) + 1
        time.sleep(since + 2.05 - time.time())
        stop.set()
        load.join()
        books = sim.books()
        equal = [c.total(first + 1, first + 3) for c in clients]
        other = [c.total(since, since + 2) for c in clients]
        assert 0.8 < equal[0] / equal[1] < 1.25, (equal, other)
        assert 2.3 < other[0] / other[1] < 3.7, (equal, other)
        assert (books["status429"], books["status418"]) == (0, 0)


def test_a_weight_that_was_seen_is_no_alarm_any_more(tmp_path):
    config = tokens(tmp_path, action_token_file=ACT)
    with Sim("--measured-weights", *LIMITS) as sim, \
            Gateway(sim.url, tmp_path / "region", "--config", str(config)) as gateway:
        bot = Bot(gateway)
        learn([bot], tmp_path / "region", {DEPTH: 1})
        bot.close()
        row = next(w for w in now(gateway)["weights"] if w["variant"].startswith(DEPTH))
        assert row["shown"] == 1 and row["charged"] == 10 and row["samples"] > 0 and not row["acknowledged"]
        done = act(gateway, "acknowledge", variant=row["variant"])
        assert next(w for w in now(gateway)["weights"] if w["variant"] == row["variant"])["acknowledged"]
        take_back(gateway, done)
        assert not next(w for w in now(gateway)["weights"] if w["variant"] == row["variant"])["acknowledged"]
        act(gateway, "acknowledge", 404, variant="GET /api/v3/nothing")


def test_a_gateway_that_holds_nothing_back_says_so(tmp_path):
    config = tokens(tmp_path, action_token_file=ACT)
    config.write_text(config.read_text() + "shadow: on\n")
    with Sim() as sim, Gateway(sim.url, tmp_path / "region", "--config", str(config)) as gateway:
        assert "holds nothing back (shadow)" in act(gateway, "pause", 409, **{"class": "market"})["msg"]
        assert fetch(gateway.port, DEPTH_OF_SPOT)[0] == 200


def test_what_is_held_leaves_half_of_the_queue_to_the_others(tmp_path):
    config = tokens(tmp_path, action_token_file=ACT)
    config.write_text(config.read_text() + "max_queue: 4\n")
    with Sim() as sim, Gateway(sim.url, tmp_path / "region", "--config", str(config)) as gateway:
        act(gateway, "pause", **{"class": "market"})
        held = [Asking(gateway, DEPTH_OF_SPOT) for _ in range(2)]
        eventually(lambda: len(queue(gateway)) == 2)
        assert "too many wait" in json.loads(fetch(gateway.port, DEPTH_OF_SPOT)[2])["msg"]
        # One that gives up makes room for another; all go on when they are let go.
        act(gateway, "drop", request=queue(gateway)[0]["id"])
        held.append(Asking(gateway, DEPTH_OF_SPOT))
        eventually(lambda: len(queue(gateway)) == 2)
        act(gateway, "resume", **{"class": "market"})
        for h in held:
            h.join(60)
        assert sorted(h.status for h in held) == [200, 200, 503]


def test_pausing_again_and_again_under_load_loses_no_request_and_no_place(tmp_path):
    """Small windows, so that many wait in them; every place that is given back is counted right."""
    config = tokens(tmp_path, action_token_file=ACT)
    with Sim("--limit", "spot-weight=1000/1s,spot-raw=0", "--latency", "3~3") as sim, \
            Gateway(sim.url, tmp_path / "region", "--config", str(config)) as gateway:
        fetch(gateway.port, "/api/v3/ping")
        eventually(lambda: gateway.logged("limit"))
        time.sleep(1.05 - time.time() % 1)
        until, stop = time.time() + 3, threading.Event()
        clients = [Client("a", 5, 16), Client("b", 25, 8), Client("c", 2, 8, headers={"X-Weir-Class": "backfill"}),
                   Client("d", 5, 4, headers={"X-Weir-Class": "account", "X-Weir-Max-Wait": "300"})]
        load = threading.Thread(target=saturate, args=(gateway.port, clients, until + 60, stop))
        load.start()
        for n in itertools.count():
            if time.time() > until - 0.4 and n > 20:
                break
            what = [{"class": "market"}, {"client": "b"}, {"class": "backfill"}, {"client": "d"}][n % 4]
            done = act(gateway, "pause", **what)
            time.sleep(0.03 * (n % 3))
            if n % 5 == 0 and queue(gateway):
                fetch(gateway.port, "/weir/api/drop", "POST", json.dumps({"request": queue(gateway)[-1]["id"]}), MEANT)
            take_back(gateway, done)
        stop.set()
        load.join()
        eventually(lambda: not queue(gateway))
        # Nobody was forgotten: what was asked was answered, and what is in the books was sent.
        assert all(c.got for c in clients)
        books = sim.books()
        assert (books["status429"], books["status418"]) == (0, 0)
        eventually(lambda: all(b["in_flight"] == 0 and b["held"] == 0 for b in now(gateway)["budgets"]))
        counters = now(gateway)["counters"]
        ended = sum(v for k, v in counters.items() if k.startswith("refused_") or k in ("dropped", "abandoned", "not_sent"))
        assert counters["requests"] == counters["sent"] + ended, counters
