"""The limiter: a pacing bucket, and on a shared region the request weight, stops and bans of all."""
import asyncio
import ctypes
import errno
import math
import os
import threading
import weakref
from typing import Any, Dict, Optional, Union

from . import _native

Stats = Dict[str, Any]

# What flows in within this time is not shown: a reader must not see what it has just taken already
# coming back.
_GRAIN_SEC = 0.01

# A clock may be set while somebody waits, and a machine may sleep.
_LONGEST_SLEEP_SEC = 1.0

# How many forks lie between the first process and this one. A place in the bucket that was held by
# a coroutine of the parent is the parent's to give back.
_generation = 0


def _grain(rate_per_sec: float) -> float:
    """The power of ten of tokens, at most a whole one, that takes _GRAIN_SEC or longer to flow in."""
    return float(min(1.0, 10.0 ** math.ceil(math.log10(rate_per_sec * _GRAIN_SEC))))


def _whole(name: str, value: Any) -> int:
    """What libweir can be told; it may take less, and says so itself."""
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError(f"weir: {name} is {value!r}; it must be a whole number above 0")
    if not 0 < value <= _native.MAX_UINT32:
        raise ValueError(f"weir: {name} is {value}; it must be above 0 and below 2**32")
    return value


def _index(name: str, value: str, names: "tuple[str, ...]") -> int:
    if value not in names:
        raise ValueError(f"weir: {name} is {value!r}; it must be one of {', '.join(names)}")
    return names.index(value)


def _options(rate: int, burst: int, region: Union[None, str, "os.PathLike[str]"], group: str,
             request_class: str) -> _native.Options:
    path = None if region is None else os.fsencode(region)
    if path is not None and b"\0" in path:
        raise ValueError(f"weir: region {region!r} has a NUL in it; it must be a path")
    return _native.Options(ctypes.sizeof(_native.Options), path, rate, burst,
                           _index("group", group, _native.GROUPS),
                           _index("request_class", request_class, _native.CLASSES))


class GlobalRateLimiter:
    """max_requests_per_minute on the average, max_burst at once.

    region: None for a bucket of this object alone; the path of a region for one that is shared with
    all who name the same region and the same two numbers; "" for the region of `weir gateway`. On a
    region every acquire also spends request weight of the product group ("fapi") and waits while
    the exchange has stopped or banned that group.

    For any number of threads and event loops at once. After a fork both processes go on.
    """

    def __init__(self, max_requests_per_minute: int = 1200, max_burst: int = 50, *,
                 region: Union[None, str, "os.PathLike[str]"] = None, group: str = "fapi",
                 request_class: str = "account") -> None:
        self.max_requests_per_minute = _whole("max_requests_per_minute", max_requests_per_minute)
        self.max_burst = _whole("max_burst", max_burst)
        self.region = None if region is None else os.fsdecode(region)
        self.group = group
        self._group = _index("group", group, _native.GROUPS)
        handle = _native.open_limiter(_options(self.max_requests_per_minute, self.max_burst, region,
                                               group, request_class))
        self._handle = handle
        self._begin = _native.acquire_begin
        # Not at exit: a daemon thread may still be acquiring.
        weakref.finalize(self, _native.limiter_close, handle).atexit = False

    async def acquire(self, weight: int = 1) -> None:
        """Returns when weight may be spent: it is then spent. Send within two seconds.

        A coroutine that is cancelled while it waits gives its place back.
        """
        if weight.__class__ is not int or not 0 < weight <= 4294967295:
            weight = _whole("weight", weight)
        wait_us = self._begin(self._handle, weight, _native.NO_DEADLINE, None)
        if wait_us:
            await self._wait(weight)

    async def _wait(self, weight: int) -> None:
        """Takes a place in the line, and sleeps until its time has come."""
        handle, ticket, generation = self._handle, _native.Ticket(), _generation
        wait_us = self._begin(handle, weight, _native.NO_DEADLINE, ticket)
        try:
            while wait_us > 0:
                await asyncio.sleep(min(wait_us / 1e6, _LONGEST_SLEEP_SEC))
                wait_us = _native.acquire_poll(handle, ticket)
        except BaseException:
            if generation == _generation:
                _native.acquire_cancel(handle, ticket)
            raise
        if wait_us < 0:
            self._refuse(weight, -wait_us)

    def _refuse(self, weight: int, error: int) -> None:
        if error == errno.EINVAL:
            raise ValueError(f"weir: acquire(weight={weight}) costs more than a whole window of "
                             f"{self.group}, or than max_requests_per_minute; split the request")
        raise OSError(error, f"weir: acquire(weight={weight}): {os.strerror(error)}")

    def name_key(self, account: str, api_key: str) -> None:
        """The key belongs to this account: keys of one account share its order budgets on the region.

        account: a name of your own, that of the gateway's settings where it has one.
        """
        error = -_native.limiter_name_key(self._handle, account.encode(), api_key.encode())
        if error == errno.EINVAL:
            raise ValueError(f"weir: name_key({account!r}, ...): an account's name has letters, digits, "
                             "'-', '_' and '.', at most 63, and a key is not empty")
        if error:
            raise OSError(error, f"weir: name_key({account!r}, ...): {os.strerror(error)}")

    def _now_ms(self) -> int:
        """By the exchange's clock."""
        return int(_native.now_ms(self._handle, self._group))

    def _read(self) -> _native.Stats:
        stats = _native.Stats(ctypes.sizeof(_native.Stats))
        _native.limiter_stats(self._handle, ctypes.byref(stats))
        return stats

    @property
    def tokens(self) -> float:
        """What may be spent at once; rounded down by what flows in within a hundredth of a second."""
        grain = _grain(self.refill_rate_per_sec)
        # A little is added for numbers that binary cannot hold: 0.29 / 0.01 is below 29.
        tokens: float = self._read().tokens
        return max(0.0, math.floor(tokens / grain + 1e-6) * grain)

    @property
    def max_tokens(self) -> float:
        return float(self.max_burst)

    @property
    def refill_rate_per_sec(self) -> float:
        return self.max_requests_per_minute / 60.0

    async def get_stats(self) -> Stats:
        tokens = self.tokens
        return {
            "tokens": tokens,
            "max_tokens": self.max_tokens,
            "refill_rate_per_sec": self.refill_rate_per_sec,
            "max_requests_per_minute": self.max_requests_per_minute,
            "utilization_pct": (self.max_tokens - tokens) / self.max_tokens * 100.0,
        }

    def __repr__(self) -> str:
        place = "private" if self.region is None else f"region={self.region!r}"
        return f"<GlobalRateLimiter {self.max_requests_per_minute}/min, burst {self.max_burst}, {place}>"


def _setting(name: str, default: int) -> int:
    text = os.environ.get(name, "").strip()
    if not text:
        return default
    if not (text.isascii() and text.isdigit() and 0 < int(text) <= _native.MAX_UINT32):
        raise ValueError(f"weir: the environment has {name}={text!r}; it must be a whole number above 0 "
                         f"and below 2**32, or unset for {default}")
    return int(text)


_lock = threading.Lock()
_limiter: Optional[GlobalRateLimiter] = None


def get_rate_limiter() -> GlobalRateLimiter:
    """The limiter of the machine, one object in this process, opened when first asked for.

    From the environment: BINANCE_RATE_LIMIT_RPM (1200), BINANCE_RATE_LIMIT_BURST (50), WEIR_REGION
    (where `weir gateway` has it).
    """
    global _limiter
    with _lock:
        if _limiter is None:
            _limiter = GlobalRateLimiter(_setting("BINANCE_RATE_LIMIT_RPM", 1200),
                                         _setting("BINANCE_RATE_LIMIT_BURST", 50),
                                         region=os.environ.get("WEIR_REGION", ""))
        return _limiter


def reset_rate_limiter() -> None:
    """The next get_rate_limiter() reads the environment again. The region keeps what is spent."""
    global _limiter
    with _lock:
        _limiter = None


def _forked() -> None:
    global _generation, _lock
    _generation += 1
    # Another thread of the parent may have held it.
    _lock = threading.Lock()


os.register_at_fork(after_in_child=_forked)
