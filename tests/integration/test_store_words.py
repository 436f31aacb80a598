"""What a gateway says of its store: why it is away and when that changes, for whom it waits, who has its name."""
import json

import pytest
from support import Gateway, Sim, eventually, fetch
from test_hosts import LIMITS, SERVER, Store

pytestmark = pytest.mark.skipif(SERVER is None, reason="no redis-server is installed")


@pytest.fixture(name="sim", scope="module")
def sim_fixture():
    with Sim("--limit", LIMITS) as sim:
        yield sim


@pytest.fixture(name="store")
def store_fixture():
    with Store() as store:
        yield store


def host(sim, region, store, *args, url="", name="box"):
    """It knows the exchange's time, without which nothing is asked of the store."""
    gateway = Gateway(sim.url, region, "--store", f"redis://127.0.0.1:{store.port}{url}", "--set", f"store.host={name}",
                      *args)
    fetch(gateway.port, "/api/v3/ping", headers={"X-Weir-Max-Wait": "0"})
    return gateway


def now(gateway):
    return json.loads(fetch(gateway.port, "/weir/api/now")[2])


def why_now(gateway):
    return now(gateway)["store"].get("why") or ""


def test_another_reason_is_said_and_the_last_one_is_on_the_page(sim, store, tmp_path):
    store.kill()
    with host(sim, tmp_path / "one", store, url="?replicas=1") as one:
        eventually(lambda: one.logged("store_away"))
        assert "refused" in one.logged("store_away")[0] and "refused" in why_now(one)
        store.start()
        # It is connected, and no op counts: there is nobody who has it besides.
        eventually(lambda: "the write has 0 of 1 replicas" in why_now(one))
        eventually(lambda: any("say replicas=0 in the URL" in line for line in one.logged("store_still_away")))
        assert " level=warn " in one.logged("store_still_away")[0]
        assert len(one.logged("store_away")) == 1


def test_a_hash_of_somebody_else_is_refused_in_words_and_stays(sim, store, tmp_path):
    store.ask("HSET", "weir:{mine}", "books", "hello")
    with host(sim, tmp_path / "one", store, url="?name=mine") as one:
        eventually(lambda: one.logged("store_refuses"))
        assert "the key is there and is not ours: choose another store.name" in one.logged("store_refuses")[0]
        assert store.ask("HGETALL", "weir:{mine}") == b"*2\r\n$5\r\nbooks\r\n$5\r\nhello\r\n"


def test_two_hosts_of_one_name_are_told_so_once(sim, store, tmp_path):
    with host(sim, tmp_path / "one", store) as one, host(sim, tmp_path / "two", store) as two:
        numbers = {g: now(g)["hosts"]["host"] for g in (one, two)}
        for gateway, other in ((one, two), (two, one)):
            eventually(lambda g=gateway: g.logged("same_name"))
            assert f" number={numbers[other]} " in gateway.logged("same_name")[0]
        # News have a connection of their own.
        eventually(lambda: any(f" name=box number={numbers[two]}" in line for line in one.logged("host_joined")))
        # A few more ops of each.
        for gateway in (one, two):
            n = now(gateway)["store"]["ops"]
            eventually(lambda g=gateway, n=n: fetch(g.port, "/api/v3/time")[0] == 200 and now(g)["store"]["ops"] > n)
            assert len(gateway.logged("same_name")) == 1
