"""What the Python module that weir replaces promised, by the real clock: time is the contract here.

The rows run at the same time in one event loop, so that the whole takes as long as the longest; that
none of them blocks the loop is a row of its own.
"""
import asyncio
import functools
import logging
import threading
import time
from unittest.mock import AsyncMock, MagicMock

import aiohttp
import pytest
from aiohttp.client_reqrep import RequestInfo
from multidict import CIMultiDict
from yarl import URL

from weir import (RATE_LIMIT_ERROR_CODES, BinanceAPIError, BinanceClientWrapper, GlobalRateLimiter)

# A machine that is busy with other things wakes us late, never early.
LATE_SEC = 0.4
# The loop's clock and the limiter's may differ by what they are read apart.
EARLY_SEC = 0.002

ROWS = {}


def row(function):
    ROWS[function.__name__] = function
    return function


class Said(Exception):
    """An exception as client libraries raise it."""

    def __init__(self, text="", **attributes):
        super().__init__(text)
        self.__dict__.update(attributes)


class Exchange:
    """Fails as often as it is told, and keeps when it was called."""

    def __init__(self, error, failures):
        self.error, self.failures, self.times = error, failures, []

    async def __call__(self, *args, **kwargs):
        self.times.append(time.monotonic())
        if len(self.times) <= self.failures:
            raise self.error
        return "done"

    def gaps(self):
        return [b - a for a, b in zip(self.times, self.times[1:])]


def took(start, expected):
    spent = time.monotonic() - start
    assert expected - EARLY_SEC <= spent <= expected + LATE_SEC, (spent, expected)


def follows(gaps, expected):
    assert len(gaps) == len(expected), gaps
    for gap, want in zip(gaps, expected):
        assert want - EARLY_SEC <= gap <= want + LATE_SEC, (gaps, expected)


def wrapper(**settings):
    settings.setdefault("base_backoff_sec", 0.1)
    return BinanceClientWrapper(GlobalRateLimiter(60000, 1000), **settings)


@row
async def immediate_up_to_the_burst():
    limiter, start = GlobalRateLimiter(60, 10), time.monotonic()
    for _ in range(10):
        await limiter.acquire()
    took(start, 0)
    assert limiter.tokens < 1


@row
async def the_third_of_a_burst_of_two_waits_six_seconds():
    limiter, start = GlobalRateLimiter(10, 2), time.monotonic()
    await limiter.acquire()
    await limiter.acquire()
    took(start, 0)
    await limiter.acquire()
    took(start, 6)


@row
async def two_tokens_flow_in_within_two_seconds():
    limiter = GlobalRateLimiter(max_requests_per_minute=60, max_burst=10)
    await limiter.acquire(10)
    assert limiter.tokens <= 0.01
    await asyncio.sleep(2)
    assert 1.99 <= (await limiter.get_stats())["tokens"] <= 2 + LATE_SEC


@row
async def a_full_bucket_stays_full():
    limiter = GlobalRateLimiter(6000, 3)
    await asyncio.sleep(0.5)
    assert (limiter.tokens, limiter.max_tokens) == (3.0, 3.0)


@row
async def a_weight_takes_as_many():
    limiter = GlobalRateLimiter(60, 10)
    await limiter.acquire(weight=5)
    assert 4.9 <= limiter.tokens <= 5.0
    await limiter.acquire(weight=5)
    start = time.monotonic()
    await limiter.acquire(weight=3)
    took(start, 3)


@row
async def what_was_just_taken_is_not_seen_coming_back():
    for rate, burst in ((1200, 10), (1200, 50), (10, 10), (7, 10), (600, 7), (6000, 11)):
        limiter = GlobalRateLimiter(rate, burst)
        await limiter.acquire(weight=5)
        assert burst - 5 - 1 <= limiter.tokens <= burst - 5, (rate, burst, limiter.tokens)


@row
async def a_weight_above_the_burst_waits_for_a_full_bucket():
    limiter, start = GlobalRateLimiter(600, 2), time.monotonic()
    await limiter.acquire(5)
    took(start, 0)
    await limiter.acquire()
    took(start, 0.4)


@row
async def those_who_wait_go_one_after_the_other():
    limiter, start, ends = GlobalRateLimiter(600, 1), time.monotonic(), []

    async def one():
        await limiter.acquire()
        ends.append(time.monotonic() - start)

    await asyncio.gather(*(one() for _ in range(8)))
    for position, end in enumerate(ends):
        assert position * 0.1 - EARLY_SEC <= end <= position * 0.1 + LATE_SEC, ends


@row
async def who_is_cancelled_gives_the_place_back():
    limiter, start = GlobalRateLimiter(30, 1), time.monotonic()
    await limiter.acquire()
    waiting = [asyncio.create_task(limiter.acquire()) for _ in range(5)]
    await asyncio.sleep(0.1)
    for task in waiting:
        task.cancel()
    assert [type(r) for r in await asyncio.gather(*waiting, return_exceptions=True)] == (
        [asyncio.CancelledError] * 5)
    with pytest.raises(asyncio.TimeoutError):
        await asyncio.wait_for(limiter.acquire(), 0.2)
    await limiter.acquire()
    took(start, 2)


@row
async def the_loop_goes_on_while_others_wait():
    limiter = GlobalRateLimiter(60, 1)
    await limiter.acquire()
    waiting = asyncio.create_task(limiter.acquire(2))
    turns = 0
    while not waiting.done():
        await asyncio.sleep(0.01)
        turns += 1
    assert turns >= 20


@row
async def twenty_wrapped_calls_at_once():
    w = wrapper()

    async def call(i):
        await asyncio.sleep(0.1)
        return i

    start = time.monotonic()
    assert await asyncio.gather(*(w.call_async(call, i) for i in range(20))) == list(range(20))
    took(start, 0.1)
    assert (w.total_calls, w.rate_limit_hits, w.retries) == (20, 0, 0)


@row
async def twenty_plain_calls_at_once_do_not_block():
    w, start = wrapper(), time.monotonic()
    await asyncio.gather(*(w.call_async(time.sleep, 0.3) for _ in range(20)))
    took(start, 0.3)


@row
async def plain_functions_run_in_a_thread_and_async_ones_in_the_loop():
    w, here = wrapper(), threading.get_ident()

    assert await w.call_async(dict, func=1, self=2) == {"func": 1, "self": 2}

    async def coroutine(a, *, b):
        return a, b, threading.get_ident() == here

    def plain(a, *, b):
        return a, b, threading.get_ident() == here

    class Both:
        async def __call__(self, a, *, b):
            return await coroutine(a, b=b)

        def method(self, a, *, b):
            return plain(a, b=b)

    for function, is_here in ((coroutine, True), (functools.partial(coroutine), True), (Both(), True),
                              (lambda a, b: coroutine(a, b=b), True), (plain, False),
                              (Both().method, False)):
        assert await w.call_async(function, 1, b=2) == (1, 2, is_here), function
    assert await w.call_async(AsyncMock(return_value=3), 1) == 3
    assert await w.call_async(MagicMock(return_value=4), 1) == 4


@row
async def a_function_that_stops_an_iteration_does_not_hang():
    with pytest.raises(RuntimeError, match="^weir: .*StopIteration"):
        await wrapper().call_async(next, iter(()))


@row
async def retried_after_a_doubling_time():
    for code in RATE_LIMIT_ERROR_CODES:
        w, exchange = wrapper(), Exchange(Said("limit", code=code), 3)
        assert await w.call_async(exchange) == "done"
        follows(exchange.gaps(), [0.1, 0.2, 0.4])
        assert (w.total_calls, w.rate_limit_hits, w.retries) == (4, 3, 3)


@row
async def retried_in_a_thread_too():
    w, calls = wrapper(), []

    def plain():
        calls.append(1)
        if len(calls) < 2:
            raise Said("APIError(code=-1003): Too many requests", code=-1003)
        return "done"

    assert await w.call_async(plain) == "done"
    assert w.retries == 1


@row
async def given_up_after_max_retries():
    error = Said("APIError(code=-1003): Too many requests.", code=-1003, status_code=429,
                 message="Too many requests.")
    w, exchange = wrapper(max_retries=2), Exchange(error, 99)
    with pytest.raises(BinanceAPIError) as raised:
        await w.call_async(exchange)
    assert (raised.value.code, raised.value.status_code) == (-1003, 429)
    assert raised.value.message == "Too many requests."
    assert raised.value.text == "APIError(code=-1003): Too many requests."
    assert raised.value.__cause__ is error
    assert (w.total_calls, w.rate_limit_hits, w.retries) == (3, 3, 2)


@row
async def no_retries_when_none_are_wanted():
    w = wrapper(max_retries=0)
    with pytest.raises(BinanceAPIError):
        await w.call_async(Exchange(Said("-1015"), 1))
    assert (w.total_calls, w.rate_limit_hits, w.retries) == (1, 1, 0)


@row
async def other_errors_come_out_unchanged_and_at_once():
    for error in (ValueError("no"), Said("APIError(code=-2010): no money", code=-2010, status_code=400),
                  KeyError("x"), Said("code=-1021", code=-1021), Said("", code=500), OSError(5, "x")):
        w, start = wrapper(), time.monotonic()
        with pytest.raises(type(error)) as raised:
            await w.call_async(Exchange(error, 9))
        took(start, 0)
        assert raised.value is error
        assert (w.total_calls, w.rate_limit_hits, w.retries) == (1, 0, 0)


class Unreadable(Exception):
    def __str__(self):
        raise ValueError("not even this")


@row
async def an_exception_that_cannot_be_read_comes_out_unchanged():
    w, error = wrapper(), Unreadable()
    with pytest.raises(Unreadable) as raised:
        await w.call_async(Exchange(error, 9))
    assert raised.value is error and w.total_calls == 1


@row
async def a_call_whose_fate_is_unknown_is_never_repeated():
    for error in (
            asyncio.TimeoutError("too many requests"), ConnectionResetError("-1003"),
            Said("-1003 too many requests", status_code=503),
            Said("too many requests", response=MagicMock(status_code=504, json=lambda: {"code": -1003})),
            Said('binance POST https://fapi.binance.com/fapi/v1/order?id=-1003&code=-1003 timed out'),
            Said("order x-1003 timed out"), Said("price 0.5-1003"), Said("-10031"),
            # A cancel-and-replace: the cancel was done.
            Said("APIError(code=-1015)", status_code=429, response={
                "code": -1015, "msg": "x", "data": {"cancelResult": "SUCCESS",
                                                    "newOrderResult": "FAILURE"}})):
        w = wrapper()
        with pytest.raises(type(error)) as raised:
            await w.call_async(Exchange(error, 9))
        assert raised.value is error and w.total_calls == 1, error


def aiohttp_error(status, message):
    url = URL("https://fapi.binance.com/fapi/v1/order")
    return aiohttp.ClientResponseError(RequestInfo(url, "POST", CIMultiDict(), url), (), status=status,
                                       message=message)


@row
async def with_aiohttp_too_where_code_is_the_status():
    w, exchange = wrapper(), Exchange(aiohttp_error(429, '{"code":-1003,"msg":"Too many"}'), 1)
    assert exchange.error.status == 429
    assert await w.call_async(exchange) == "done"
    follows(exchange.gaps(), [0.1])


@row
async def a_retried_call_keeps_its_weight():
    limiter = GlobalRateLimiter(6, 10)
    w = BinanceClientWrapper(limiter, base_backoff_sec=0.01)
    await w.call_async(Exchange(Said("-1003"), 2), _weight=3)
    assert 0.9 <= limiter.tokens <= 1.2


@row
async def a_retry_waits_until_the_end_of_a_ban_that_the_text_names():
    until = time.time() + 1.5
    exchange = Exchange(Said(f"Way too many requests; IP banned until {int(until * 1000)}."), 1)
    start, monotonic = time.time(), time.monotonic()
    await wrapper().call_async(exchange)
    took(monotonic, until - start)


@row
async def a_retry_waits_as_long_as_a_header_says():
    for said in ({"response": MagicMock(spec=["headers"], headers={"Retry-After": "1"})},
                 {"header": {"retry-after": "1"}}):
        exchange = Exchange(Said("-1003", **said), 1)
        await wrapper().call_async(exchange)
        follows(exchange.gaps(), [1])


@row
async def a_time_that_is_over_states_nothing():
    exchange = Exchange(Said("-1003 banned until 1516180405741."), 1)
    await wrapper().call_async(exchange)
    follows(exchange.gaps(), [0.1])


@row
async def statistics():
    w = wrapper()
    assert await w.get_stats() == {
        "total_calls": 0, "rate_limit_hits": 0, "retries": 0, "success_rate": 1.0,
        "rate_limiter": {"tokens": 1000.0, "max_tokens": 1000.0, "refill_rate_per_sec": 1000.0,
                         "max_requests_per_minute": 60000, "utilization_pct": 0.0}}
    await w.call_async(Exchange(Said("-1003"), 1))
    await w.call_async(Exchange(None, 0))
    with pytest.raises(ValueError):
        await w.call_async(Exchange(ValueError(), 1))
    stats = await w.get_stats()
    assert {k: stats[k] for k in ("total_calls", "rate_limit_hits", "retries", "success_rate")} == {
        "total_calls": 4, "rate_limit_hits": 1, "retries": 1, "success_rate": 0.5}


@row
async def utilization_is_what_is_gone_of_the_bucket():
    limiter = GlobalRateLimiter(6, 10)
    await limiter.acquire(4)
    assert 39.9 <= (await limiter.get_stats())["utilization_pct"] <= 40.2


@pytest.fixture(scope="module")
def outcomes():
    async def run_all():
        results = await asyncio.gather(*(r() for r in ROWS.values()), return_exceptions=True)
        return dict(zip(ROWS, results))

    return asyncio.run(run_all())


@pytest.mark.parametrize("name", ROWS)
def test_promised(name, outcomes):
    if isinstance(outcomes[name], BaseException):
        raise outcomes[name]


def test_a_warning_for_each_retry_and_an_error_when_given_up(caplog):
    error = Said("APIError(code=-1003) https://x/fapi/v1/order?signature=abcdef", code=-1003)

    async def create_order():
        raise error

    with caplog.at_level(logging.WARNING, "weir"):
        with pytest.raises(BinanceAPIError) as raised:
            asyncio.run(wrapper(max_retries=2, base_backoff_sec=0.01).call_async(create_order))
    assert [r.levelname for r in caplog.records] == ["WARNING", "WARNING", "ERROR"]
    assert all("create_order" in r.getMessage() and "-1003" in r.getMessage() for r in caplog.records)
    assert all("abcdef" not in r.getMessage() for r in caplog.records)
    assert "abcdef" not in raised.value.text


REFUSED = [
    (lambda: GlobalRateLimiter(0, 5), ValueError, "max_requests_per_minute is 0"),
    (lambda: GlobalRateLimiter(5, 0), ValueError, "max_burst is 0"),
    (lambda: GlobalRateLimiter(-1, 5), ValueError, "max_requests_per_minute is -1"),
    (lambda: GlobalRateLimiter(2**32, 5), ValueError, "max_requests_per_minute"),
    (lambda: GlobalRateLimiter(5, 1000001), ValueError, "max_burst 1000001"),
    (lambda: GlobalRateLimiter(1.5, 5), TypeError, "max_requests_per_minute is 1.5"),
    (lambda: GlobalRateLimiter(5, True), TypeError, "max_burst is True"),
    (lambda: GlobalRateLimiter(region="a\0b"), ValueError, "NUL"),
    (lambda: GlobalRateLimiter(region="/nowhere/at/all/region"), OSError, "/nowhere/at/all"),
    (lambda: GlobalRateLimiter(group="spot"), ValueError, "group is 'spot'"),
    (lambda: GlobalRateLimiter(request_class="x"), ValueError, "request_class is 'x'"),
    (lambda: asyncio.run(GlobalRateLimiter().acquire(0)), ValueError, "weight is 0"),
    (lambda: asyncio.run(GlobalRateLimiter().acquire(-3)), ValueError, "weight is -3"),
    (lambda: asyncio.run(GlobalRateLimiter().acquire(2**32)), ValueError, "weight is"),
    (lambda: asyncio.run(GlobalRateLimiter().acquire(1.0)), TypeError, "weight is 1.0"),
    (lambda: asyncio.run(GlobalRateLimiter().acquire("1")), TypeError, "weight is '1'"),
    (lambda: BinanceClientWrapper(GlobalRateLimiter(), max_retries=-1), ValueError, "max_retries is -1"),
    (lambda: BinanceClientWrapper(GlobalRateLimiter(), base_backoff_sec=float("nan")), ValueError,
     "base_backoff_sec is nan"),
]


@pytest.mark.parametrize("call, kind, text", REFUSED, ids=[text for _, _, text in REFUSED])
def test_wrong_arguments_are_named(call, kind, text):
    with pytest.raises(kind) as raised:
        call()
    assert "weir:" in str(raised.value) and text in str(raised.value)
