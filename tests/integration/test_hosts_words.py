"""What weir says of budgets that hosts share, when this host has none: a real Redis, one host."""
import json
import signal
import subprocess

import pytest
from desk import Desk as Trader
from support import WEIR, Gateway, Sim, eventually, fetch
from test_hosts import SERVER, Desk, Store

pytestmark = pytest.mark.skipif(SERVER is None, reason="no redis-server is installed")

UNSPOKEN = "no gateway with a store speaks for this host: start weir gateway --store"
UNREACHED = "the store has granted this host nothing yet: nothing is sent until it has been reached once"


def status(region):
    text = subprocess.run([WEIR, "status", "--region", region], capture_output=True, text=True, check=True).stdout
    return next(line for line in text.splitlines() if line.startswith("hosts "))


def ready(gateway):
    """The status of /weir/readyz, and why it is not ready."""
    status, _, body = fetch(gateway.port, "/weir/readyz")
    return status, json.loads(body)["reasons"]


def metric(gateway, name):
    lines = fetch(gateway.port, "/weir/metrics")[2].decode().splitlines()
    return float(next(line for line in lines if line.startswith(name + " ")).split()[1])


def state(gateway):
    now = json.loads(fetch(gateway.port, "/weir/api/now")[2])
    assert now["hosts"]["state"] == now["store"]["state"]
    return now["hosts"]["state"]


def refused(gateway):
    """Of a request that is refused since this host has nothing: what it is told."""
    code, headers, body = fetch(gateway.port, "/api/v3/ping", headers={"X-Weir-Max-Wait": "700"})
    assert (code, headers["x-weir-verdict"]) == (429, "crowded"), (code, headers, body)
    # Not in a moment: nobody is at it.
    assert (headers["retry-after"], headers["x-weir-would-wait-ms"]) == ("1", "1000")
    return body.decode()


def test_without_a_store_on_a_region_that_shares(tmp_path):
    with Desk(tmp_path, ["one"]) as desk:
        region = tmp_path / "one"
        assert "1 share these budgets, the store is there" in status(region)
        # A second gateway without a store has the first speak for it.
        second = Gateway(desk.sim.url, region)
        with second:
            assert fetch(second.port, "/api/v3/ping")[0] == 200
            assert not second.logged("shares_without_store")
            eventually(lambda: ready(second)[0] == 200)
            assert desk.hosts["one"].stop() == 0
            # And says once that it is gone, whenever that is.
            eventually(lambda: second.logged("shares_without_store"))
            assert UNSPOKEN in second.logged("shares_without_store")[0]
            assert UNSPOKEN in refused(second)
            code, reasons = ready(second)
            assert code == 503 and any(UNSPOKEN in reason for reason in reasons)
            assert state(second) == "unspoken" and metric(second, "weir_store_up") == 0
            assert UNSPOKEN in status(region)
            assert len(second.logged("shares_without_store")) == 1
            with Gateway(desk.sim.url, region) as third:
                eventually(lambda: third.logged("shares_without_store"))
            # A program without a gateway says the same.
            trader = Trader(["--base", desk.sim.url, "--timeout", "250", "--deadline", "600"], region)
            trader.fails("cancel-all", "BTCUSDT", says=f"the budget futures-weight is shared with other hosts, and {UNSPOKEN}")
            # As soon as somebody speaks all is well.
            desk.add("one")
            eventually(lambda: ready(second)[0] == 200)
            assert state(second) == "ok" and fetch(second.port, "/api/v3/ping")[0] == 200


def test_a_store_that_was_never_reached(tmp_path):
    store = Store()
    store.kill()
    with Sim() as sim, Gateway(sim.url, tmp_path / "one", "--store", f"redis://127.0.0.1:{store.port}") as gateway:
        assert "nothing is sent until the store has been reached once" in gateway.logged("store_away")[0]
        eventually(lambda: UNREACHED in refused(gateway))
        code, reasons = ready(gateway)
        assert code == 503 and any(UNREACHED in reason for reason in reasons)
        assert state(gateway) == "starting" and metric(gateway, "weir_store_up") == 0
        assert UNREACHED in status(tmp_path / "one")
        store.start()
        with store:
            eventually(lambda: ready(gateway)[0] == 200)
            assert fetch(gateway.port, "/api/v3/ping")[0] == 200 and state(gateway) == "ok"


def test_a_keeper_that_hangs_until_its_share_is_over(tmp_path):
    with Desk(tmp_path, ["one"], "--set", "store.grace=3s") as desk:
        region, keeper = tmp_path / "one", desk.hosts["one"].process
        with Gateway(desk.sim.url, region, "--store", f"redis://127.0.0.1:{desk.store.port}") as second:
            assert fetch(second.port, "/api/v3/ping")[0] == 200
            keeper.send_signal(signal.SIGSTOP)
            try:
                eventually(lambda: "this host's share is over since " in status(region), 20)
                assert "the store is away since " in status(region)
                assert state(second) == "away" and metric(second, "weir_store_up") == 0
                assert metric(second, "weir_store_away_seconds") >= 1
                assert "share is over" in refused(second) and ready(second)[0] == 503
                assert not second.logged("keeper")
            finally:
                keeper.send_signal(signal.SIGCONT)
            eventually(lambda: state(second) == "ok" and ready(second)[0] == 200, 20)
