"""What weir says of budgets that hosts share, when this host has none: a real Redis, one host."""
import json
import signal
import socket
import subprocess

import pytest
from desk import Desk as Trader
from support import WEIR, Gateway, Sim, eventually, fetch
from test_hosts import SERVER, Desk, Store, shares

pytestmark = pytest.mark.skipif(SERVER is None, reason="no redis-server is installed")

UNSPOKEN = "no gateway with a store speaks for this host: start weir gateway --store"
UNREACHED = "the store has granted this host nothing yet: nothing is sent until it has been reached once"


def status(region):
    text = subprocess.run([WEIR, "status", "--region", region], capture_output=True, text=True).stdout
    return next((line for line in text.splitlines() if line.startswith("hosts ")), "")


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


def is_refused(gateway, words):
    """Whether a request is refused with @words, since this host has nothing."""
    code, headers, body = fetch(gateway.port, "/api/v3/ping", headers={"X-Weir-Max-Wait": "700"})
    if code != 429 or words not in body.decode():
        return False  # the exchange's clock is asked for first
    # Not in a moment: nobody is at it.
    assert [headers.get(name) for name in ("x-weir-verdict", "retry-after", "x-weir-would-wait-ms")] == ["crowded", "1", "1000"]
    return True


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
            eventually(lambda: is_refused(second, UNSPOKEN))
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
    nobody = socket.socket()  # bound, and not listening: refuses, and keeps the port
    nobody.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    nobody.bind(("127.0.0.1", store.port))
    with Sim() as sim, Gateway(sim.url, tmp_path / "one", "--store", f"redis://127.0.0.1:{store.port}") as gateway:
        assert "nothing is sent until the store has been reached once" in gateway.logged("store_away")[0]
        eventually(lambda: is_refused(gateway, UNREACHED))
        code, reasons = ready(gateway)
        assert code == 503 and any(UNREACHED in reason for reason in reasons)
        assert state(gateway) == "starting" and metric(gateway, "weir_store_up") == 0
        assert UNREACHED in status(tmp_path / "one")
        nobody.close()
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
                eventually(lambda: "this host's share is over since " in status(region))
                assert "the store is away since " in status(region)
                assert state(second) == "away" and metric(second, "weir_store_up") == 0
                assert metric(second, "weir_store_away_seconds") >= 1
                assert ready(second)[0] == 503
                eventually(lambda: is_refused(second, "this host's share is over since "))
                assert not second.logged("keeper")
            finally:
                keeper.send_signal(signal.SIGCONT)
            eventually(lambda: state(second) == "ok" and ready(second)[0] == 200)


def region(command, path, *args, answer=None):
    return subprocess.run([WEIR, "region", command, "--region", path, *args], input=answer, capture_output=True, text=True)


def test_a_region_shares_no_more_when_somebody_says_so(tmp_path):
    with Desk(tmp_path, ["one"]) as desk:
        path, one = tmp_path / "one", desk.hosts["one"]
        done = region("unshare", path, "--yes")
        assert done.returncode == 1 and "a gateway with a store speaks for this region: stop it first" in done.stderr
        assert one.stop() == 0
        with Gateway(desk.sim.url, path) as gateway:
            eventually(lambda: is_refused(gateway, UNSPOKEN))
            # Whoever does not mean it changes nothing.
            done = region("unshare", path, answer="yes\n")
            assert done.returncode == 1 and "nothing was changed" in done.stderr
            assert "where no other host uses the address or the accounts" in done.stderr
            eventually(lambda: is_refused(gateway, UNSPOKEN))
            done = region("unshare", path, answer="unshare\n")
            assert done.returncode == 0, done
            # At once, and for who runs already.
            eventually(lambda: ready(gateway)[0] == 200)
            assert fetch(gateway.port, "/api/v3/ping")[0] == 200
            assert region("check", path).returncode == 0, region("check", path).stdout
            assert json.loads(region("show", path, "--json").stdout)["hosts"] is None
            assert "nothing was changed" in region("unshare", path, "--yes").stdout
        # A gateway with a store has it share again, as before.
        desk.add("one")
        eventually(lambda: "1 share these budgets, the store is there" in status(path))
        assert region("check", path).returncode == 0, region("check", path).stdout


def test_a_store_that_refuses_this_host(tmp_path):
    with Desk(tmp_path, ["one"], "--set", "store.share=60%") as desk:
        eventually(lambda: state(desk.hosts["one"]) == "ok" and any(shares(tmp_path / "one")))
        two = desk.add("two", warm=False)
        # Both together would have more than the whole; a host has budgets when it has sent for them.
        eventually(lambda: is_refused(two, "the store refuses this host since "))
        eventually(lambda: two.logged("store_refuses"))
        eventually(lambda: state(two) == "refused" and metric(two, "weir_store_refused_seconds") > 0)
        assert metric(two, "weir_store_up") == 0 and metric(two, "weir_store_away_seconds") == 0
        assert "the store refuses this host since " in status(tmp_path / "two")
        assert ready(two)[0] == 503
        assert state(desk.hosts["one"]) == "ok" and metric(desk.hosts["one"], "weir_store_refused_seconds") == 0
        assert desk.hosts["one"].stop() == 0
        eventually(lambda: state(two) == "ok" and ready(two)[0] == 200)
        assert metric(two, "weir_store_refused_seconds") == 0
