"""One region for several processes, threads and event loops, and an exchange that refuses."""
import asyncio
import gc
import os
import signal
import subprocess
import sys
import threading
import time

import aiohttp
import pytest
from support import Gateway, Sim, fetch

import weir
from weir import (BinanceAPIError, BinanceClientWrapper, GlobalRateLimiter, create_binance_wrapper,
                  get_rate_limiter, reset_binance_wrapper, reset_rate_limiter)

ENVIRONMENT = ("BINANCE_RATE_LIMIT_RPM", "BINANCE_RATE_LIMIT_BURST", "WEIR_REGION")


@pytest.fixture
def region(tmp_path):
    return str(tmp_path / "region")


@pytest.fixture(autouse=True)
def fresh(monkeypatch, tmp_path):
    """The machine's limiter of each test is its own."""
    for name in ENVIRONMENT:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("WEIR_REGION", str(tmp_path / "machine"))
    yield
    reset_binance_wrapper()
    reset_rate_limiter()


def in_child(function):
    """The exit code of a forked process that ran function; 0 when it returned."""
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            signal.alarm(20)
            function()
            code = 0
        finally:
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def waits(limiter, weight=1):
    """Seconds that an acquire takes in a loop of its own."""
    start = time.monotonic()
    asyncio.run(limiter.acquire(weight))
    return time.monotonic() - start


def test_the_same_two_numbers_on_one_region_are_one_bucket(region):
    a, b = (GlobalRateLimiter(6, 10, region=region) for _ in range(2))
    other = GlobalRateLimiter(6, 11, region=region)
    private = GlobalRateLimiter(6, 10)
    asyncio.run(a.acquire(5))
    assert b.tokens <= 5.1 and other.tokens == 11.0 and private.tokens == 10.0
    del a
    gc.collect()
    assert b.tokens <= 5.1


def test_another_process_has_the_same_bucket(region):
    code = (f"import asyncio, weir; l = weir.GlobalRateLimiter(6, 10, region={region!r}); "
            "asyncio.run(l.acquire(7)); print(l.tokens)")
    out = subprocess.run([sys.executable, "-c", code], text=True, check=True, capture_output=True,
                         env={**os.environ, "PYTHONPATH": os.path.dirname(os.path.dirname(weir.__file__))})
    assert float(out.stdout) <= 3.1
    assert 3.0 <= GlobalRateLimiter(6, 10, region=region).tokens <= 4


def test_a_key_is_named_for_all_who_use_the_region(region):
    limiter = GlobalRateLimiter(6000, 100, region=region)
    limiter.name_key("desk-a", "AKeyThatIsNamed")
    limiter.name_key("desk-a", "AKeyThatIsNamed")
    for account, key in (("two words", "key"), ("", "key"), ("desk", ""), ("d" * 64, "key")):
        with pytest.raises(ValueError, match="weir: name_key"):
            limiter.name_key(account, key)


def test_the_machines_limiter_is_made_from_the_environment(monkeypatch, tmp_path):
    limiter = get_rate_limiter()
    assert (limiter.max_requests_per_minute, limiter.max_burst) == (1200, 50)
    assert limiter.region == str(tmp_path / "machine") and get_rate_limiter() is limiter
    monkeypatch.setenv("BINANCE_RATE_LIMIT_RPM", "60")
    monkeypatch.setenv("BINANCE_RATE_LIMIT_BURST", "7")
    assert get_rate_limiter() is limiter
    reset_rate_limiter()
    limiter = get_rate_limiter()
    assert (limiter.max_requests_per_minute, limiter.max_burst) == (60, 7)
    asyncio.run(limiter.acquire(5))
    reset_rate_limiter()
    assert get_rate_limiter() is not limiter
    assert get_rate_limiter().tokens <= 3


@pytest.mark.parametrize("name, value", [("BINANCE_RATE_LIMIT_RPM", "fast"), ("BINANCE_RATE_LIMIT_RPM", "0"),
                                         ("BINANCE_RATE_LIMIT_BURST", "-5"),
                                         ("BINANCE_RATE_LIMIT_BURST", "5.5"),
                                         ("BINANCE_RATE_LIMIT_BURST", "4294967296")])
def test_a_wrong_environment_is_named(monkeypatch, name, value):
    monkeypatch.setenv(name, value)
    with pytest.raises(ValueError, match=f"^weir: the environment has {name}='{value}'"):
        get_rate_limiter()


def test_one_wrapper_for_the_process():
    w = create_binance_wrapper(max_retries=3)
    assert create_binance_wrapper() is w and w.max_retries == 3
    assert w.rate_limiter is get_rate_limiter()
    reset_binance_wrapper()
    assert create_binance_wrapper() is not w


def test_threads_and_loops_share_a_limiter_and_a_wrapper(region):
    limiter = GlobalRateLimiter(1200, 100, region=region)
    w = BinanceClientWrapper(limiter)
    calls = []

    async def work():
        async def call():
            calls.append(1)

        await asyncio.gather(*(w.call_async(call) for _ in range(20)))

    threads = [threading.Thread(target=asyncio.run, args=(work(),)) for _ in range(6)]
    start = time.monotonic()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    # 120 of 100: the last of them a second later.
    assert 0.95 <= time.monotonic() - start <= 2
    assert len(calls) == w.total_calls == 120


def test_a_loop_may_end_and_another_begin(region):
    limiter = GlobalRateLimiter(600, 1, region=region)
    asyncio.run(limiter.acquire())
    assert 0.09 <= waits(limiter) <= 0.5


def test_after_a_fork_a_region_is_shared_and_a_private_bucket_is_two(region):
    shared, private = GlobalRateLimiter(6, 10, region=region), GlobalRateLimiter(6, 10)

    def child():
        for limiter in (shared, private):
            asyncio.run(limiter.acquire(6))
            assert limiter.tokens <= 4.1

    assert in_child(child) == 0
    assert shared.tokens <= 4.1 and private.tokens == 10.0


def test_a_fork_does_not_give_back_what_the_parent_waits_for(region):
    limiter = GlobalRateLimiter(60, 1, region=region)

    async def parent():
        await limiter.acquire()
        start = time.monotonic()
        waiting = asyncio.create_task(limiter.acquire())
        await asyncio.sleep(0.1)

        def child():
            # As the end of an interpreter does: the coroutine is closed while it waits.
            waiting.get_coro().close()

        assert in_child(child) == 0
        assert limiter.tokens == 0.0
        later = asyncio.create_task(limiter.acquire())
        await waiting
        assert 0.95 <= time.monotonic() - start <= 1.5
        await later
        assert 1.95 <= time.monotonic() - start <= 2.5

    asyncio.run(parent())


def test_a_fork_while_threads_call_has_locks_and_threads_of_its_own(region):
    w = BinanceClientWrapper(GlobalRateLimiter(60000, 1000, region=region))
    asyncio.run(w.call_async(time.sleep, 0))
    stop = threading.Event()

    def busy():
        while not stop.is_set():
            w._count(retries=1)
            get_rate_limiter()

    threads = [threading.Thread(target=busy) for _ in range(3)]
    for thread in threads:
        thread.start()
    try:
        for _ in range(10):
            assert in_child(lambda: [asyncio.run(w.call_async(time.sleep, 0)), get_rate_limiter()]) == 0
    finally:
        stop.set()
        for thread in threads:
            thread.join()


class Client:
    """A small client library, with exceptions as python-binance raises them."""

    class Error(Exception):
        def __init__(self, response, status_code, text):
            super().__init__(text)
            self.response, self.status_code, self.text = response, status_code, text

    HEADERS = {"X-Weir-Max-Wait": "50"}

    def __init__(self, server, path="/fapi/v1/time"):
        self.server, self.path = server, path

    async def time(self):
        async with aiohttp.ClientSession() as session:
            async with session.get(self.server.url + self.path, headers=self.HEADERS) as response:
                text = await response.text()
                if response.status != 200:
                    raise Client.Error(response, response.status, text)
                return text

    def plain_time(self):
        status, _, text = fetch(self.server.port, self.path, headers=self.HEADERS)
        if status != 200:
            raise Client.Error(None, status, text.decode())
        return text.decode()

    def spend_all(self, until):
        """Others, who know nothing of weir, use the address until the exchange says this status."""
        while fetch(self.server.port, self.path, headers=self.HEADERS)[0] != until:
            pass


def is_stopped(region, group="fapi"):
    async def acquire():
        await asyncio.wait_for(GlobalRateLimiter(region=region, group=group).acquire(), 0.05)

    try:
        asyncio.run(acquire())
    except asyncio.TimeoutError:
        return True
    return False


def refused(sim):
    return sum(request["status"] in (418, 429) for request in sim.requests())


def test_a_refusal_that_one_hears_stops_all(region):
    with Sim("--limit", "futures-weight=20/2s", "--ban", "0") as sim:
        w, client = BinanceClientWrapper(GlobalRateLimiter(region=region), max_retries=0), Client(sim)
        assert "serverTime" in asyncio.run(w.call_async(client.plain_time))
        assert "serverTime" in asyncio.run(w.call_async(client.time))
        assert not is_stopped(region)
        # Early in a window, so that there is something to wait for.
        time.sleep(2 - time.time() % 2)
        client.spend_all(429)
        seen = refused(sim)
        with pytest.raises(BinanceAPIError) as raised:
            asyncio.run(w.call_async(client.time))
        assert (raised.value.code, raised.value.status_code) == (-1003, 429)
        assert is_stopped(region) and not is_stopped(region, "api")

        def child():
            other = BinanceClientWrapper(GlobalRateLimiter(region=region), max_retries=0)
            asyncio.run(other.call_async(client.plain_time))

        assert in_child(child) == 0
        assert refused(sim) == seen + 1


def test_a_retry_is_sent_when_the_exchange_wants_to_hear_of_us_again(region):
    with Sim("--limit", "futures-weight=20/2s", "--ban", "0") as sim:
        w, client = BinanceClientWrapper(GlobalRateLimiter(region=region)), Client(sim)
        time.sleep(2 - time.time() % 2)
        client.spend_all(429)
        assert "serverTime" in asyncio.run(w.call_async(client.time))
        assert (w.total_calls, w.rate_limit_hits, w.retries) == (2, 1, 1)


def test_nothing_is_sent_into_a_ban(region):
    with Sim("--limit", "futures-weight=5/1s", "--ban", "3", "--ban-after", "2") as sim:
        w, client = BinanceClientWrapper(GlobalRateLimiter(region=region), max_retries=1), Client(sim)
        client.spend_all(418)
        seen, start = refused(sim), time.monotonic()
        children = [threading.Thread(target=lambda: codes.append(in_child(child))) for _ in range(3)]
        codes = []

        def child():
            other = BinanceClientWrapper(GlobalRateLimiter(region=region), max_retries=0)
            asyncio.run(other.call_async(client.plain_time))

        async def hear_of_it():
            call = asyncio.create_task(w.call_async(client.time))
            while w.rate_limit_hits == 0:
                await asyncio.sleep(0.01)
            for thread in children:
                thread.start()
            assert "serverTime" in await call

        asyncio.run(hear_of_it())
        for thread in children:
            thread.join()
        assert codes == [0, 0, 0] and time.monotonic() - start >= 2
        assert refused(sim) == seen + 1


def test_the_page_of_the_firewall_stops_all_products(region):
    with Sim() as sim:
        w, client = BinanceClientWrapper(GlobalRateLimiter(region=region)), Client(sim)
        sim.faults("* * next 1 waf")
        with pytest.raises(Client.Error) as raised:
            asyncio.run(w.call_async(client.plain_time))
        assert raised.value.status_code == 403 and w.total_calls == 1
        assert is_stopped(region) and is_stopped(region, "api")


def test_the_product_that_refused_is_the_one_that_stops(region):
    with Sim("--limit", "spot-weight=5/1m", "--ban", "0") as sim:
        limiter = GlobalRateLimiter(region=region, group="fapi")
        w, client = BinanceClientWrapper(limiter, max_retries=0), Client(sim, "/api/v3/time")
        client.spend_all(429)
        with pytest.raises(BinanceAPIError):
            asyncio.run(w.call_async(client.time))
        assert is_stopped(region, "api") and not is_stopped(region, "fapi")


def test_the_gateway_hears_of_it_too(region):
    with Sim("--limit", "futures-weight=20/1m", "--ban", "0") as sim, Gateway(sim.url, region) as gateway:
        client = Client(sim)
        # Straight at the exchange, by programs that the gateway knows nothing of.
        client.spend_all(429)
        with pytest.raises(BinanceAPIError):
            w = BinanceClientWrapper(GlobalRateLimiter(region=region), max_retries=0)
            asyncio.run(w.call_async(client.time))
        seen = len(sim.requests())
        status, headers, _ = fetch(gateway.port, "/fapi/v1/depth?symbol=BTCUSDT",
                                   headers=Client.HEADERS)
        assert (status, headers["x-weir-verdict"]) == (429, "stop")
        assert len(sim.requests()) == seen

        # What the gateway refuses itself is not the exchange's word, and stops nobody else.
        other, through = str(region) + "-of-others", Client(gateway, "/fapi/v1/depth?symbol=BTCUSDT")
        for call in (through.time, through.plain_time):
            w = BinanceClientWrapper(GlobalRateLimiter(region=other), max_retries=0)
            with pytest.raises(BinanceAPIError):
                asyncio.run(w.call_async(call))
        assert not is_stopped(other) and len(sim.requests()) == seen


def test_the_gateways_clients_and_we_share_one_bucket(region):
    pacing = {"BINANCE_RATE_LIMIT_RPM": "60", "BINANCE_RATE_LIMIT_BURST": "5"}
    with Sim() as sim, Gateway(sim.url, region, env=pacing) as gateway:
        limiter = GlobalRateLimiter(60, 5, region=region)
        asyncio.run(limiter.acquire(5))
        status, headers, _ = fetch(gateway.port, "/fapi/v1/premiumIndex?symbol=BTCUSDT")
        assert status == 200 and int(headers["x-weir-wait-us"]) >= 500_000


def test_what_is_private_tells_nobody():
    with Sim("--limit", "futures-weight=5/1m", "--ban", "0") as sim:
        limiter = GlobalRateLimiter()
        w, client = BinanceClientWrapper(limiter, max_retries=0), Client(sim)
        client.spend_all(429)
        for _ in range(2):
            with pytest.raises(BinanceAPIError):
                asyncio.run(w.call_async(client.plain_time))
        assert waits(limiter) < 0.05
