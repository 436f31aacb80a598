"""The wrapper: wait for room, call, and repeat what a limit refused."""
import asyncio
import concurrent.futures
import contextvars
import functools
import inspect
import logging
import math
import os
import threading
from typing import Any, Awaitable, Callable, Dict, Optional, TypeVar, overload

from ._errors import BinanceAPIError, Refusal, _get_error_code, read_refusal
from ._limiter import GlobalRateLimiter, get_rate_limiter
from ._region import Judgement, tell_answered

T = TypeVar("T")

_log = logging.getLogger("weir")

# No delay of ours is longer; the exchange may state a longer one. The longest ordinary window.
_BACKOFF_CEILING_SEC = 300.0
# Plain functions that run at once. More than a limiter lets go in the time that a call takes, so
# that a call leaves when its place is due.
_THREADS = 256

_lock = threading.Lock()
_threads: Optional[concurrent.futures.ThreadPoolExecutor] = None
_wrapper: "Optional[BinanceClientWrapper]" = None


def _pool() -> concurrent.futures.ThreadPoolExecutor:
    global _threads
    with _lock:
        if _threads is None:
            _threads = concurrent.futures.ThreadPoolExecutor(_THREADS, thread_name_prefix="weir")
        return _threads


def _is_async(func: Callable[..., Any]) -> bool:
    while isinstance(func, functools.partial):
        func = func.func
    return (inspect.iscoroutinefunction(func)
            or inspect.iscoroutinefunction(getattr(type(func), "__call__", None)))


def _call(func: Callable[..., Any], args: Any, kwargs: Any) -> Any:
    try:
        return func(*args, **kwargs)
    except StopIteration as error:
        # A future cannot hold it: whoever awaits would wait for ever.
        raise RuntimeError("weir: the wrapped function raised StopIteration") from error


async def _run(func: Callable[..., Any], args: Any, kwargs: Any) -> Any:
    if _is_async(func):
        return await func(*args, **kwargs)
    context = contextvars.copy_context()
    result: Any = await asyncio.get_running_loop().run_in_executor(
        _pool(), lambda: context.run(_call, func, args, kwargs))
    # A plain function may hand on what an async one gave it.
    return await result if inspect.isawaitable(result) else result


def _name(func: Callable[..., Any]) -> str:
    while isinstance(func, functools.partial):
        func = func.func
    return str(getattr(func, "__qualname__", None) or type(func).__qualname__)


class BinanceClientWrapper:
    """Calls functions of any client library through a limiter.

    Only what a limit refused (-1003, -1015) is repeated, after base_backoff_sec, twice and four
    times that and so on, or at the moment that the exchange stated, each time through the limiter
    and with the same weight. Every other exception comes out unchanged and at once.

    rate_limiter: None for get_rate_limiter()
    """

    def __init__(self, rate_limiter: Optional[GlobalRateLimiter] = None, max_retries: int = 5,
                 base_backoff_sec: float = 1.0) -> None:
        if isinstance(max_retries, bool) or not isinstance(max_retries, int) or max_retries < 0:
            raise ValueError(f"weir: max_retries is {max_retries!r}; it must be 0 or a whole number above")
        if not 0 <= base_backoff_sec < math.inf:
            raise ValueError(f"weir: base_backoff_sec is {base_backoff_sec!r}; it must be 0 or more seconds")
        self.rate_limiter = get_rate_limiter() if rate_limiter is None else rate_limiter
        self.max_retries = max_retries
        self.base_backoff_sec = base_backoff_sec
        self.total_calls = 0
        self.rate_limit_hits = 0
        self.retries = 0
        self._failures = 0

    _get_error_code = staticmethod(_get_error_code)

    def _count(self, **counters: int) -> None:
        """Threads may share a wrapper, and += is not one step."""
        with _lock:
            for name, amount in counters.items():
                setattr(self, name, getattr(self, name) + amount)

    @overload
    async def call_async(self, func: Callable[..., Awaitable[T]], /, *args: Any, _weight: int = 1,
                         **kwargs: Any) -> T: ...

    @overload
    async def call_async(self, func: Callable[..., T], /, *args: Any, _weight: int = 1,
                         **kwargs: Any) -> T: ...

    async def call_async(self, func: Callable[..., Any], /, *args: Any, _weight: int = 1,
                         **kwargs: Any) -> Any:
        """func(*args, **kwargs) when _weight may be spent; a plain function runs in a thread.

        Raises BinanceAPIError when a limit refused it max_retries + 1 times.
        """
        limiter = self.rate_limiter
        for attempt in range(self.max_retries + 1):
            await limiter.acquire(_weight)
            self._count(total_calls=1)
            sent_ms = 0 if limiter.region is None else limiter._now_ms()
            try:
                result = await _run(func, args, kwargs)
            except Exception as error:
                delay_sec = self._judge(error, sent_ms, attempt, _name(func))
            else:
                if limiter.region is not None:
                    tell_answered(limiter, sent_ms)
                return result
            await asyncio.sleep(delay_sec)
        raise AssertionError("the last attempt returns or raises")

    def _judge(self, error: Exception, sent_ms: int, attempt: int, name: str) -> float:
        """An attempt failed: how long to wait before the next. Raises when there is none."""
        judgement = None
        try:
            refusal = read_refusal(error)
        except Exception:
            # An exception that cannot even be read is nothing that a limit said.
            self._count(_failures=1)
            raise error from None
        if refusal.is_limit or refusal.is_news:
            judgement = Judgement(self.rate_limiter, refusal)
            if refusal.is_news and self.rate_limiter.region is not None:
                judgement.tell(sent_ms)
        if judgement is None or not refusal.is_limit or judgement.is_done:
            self._count(_failures=1)
            if refusal.is_answer and not refusal.is_news and self.rate_limiter.region is not None:
                tell_answered(self.rate_limiter, sent_ms)
            raise error
        self._count(rate_limit_hits=1)
        if attempt >= self.max_retries:
            _log.error("weir: %s: given up after %d attempts, the exchange still says %d", name,
                       attempt + 1, refusal.code)
            raise _given_up(error, refusal) from error
        delay_sec = judgement.stated_delay_sec
        how = "as the exchange stated"
        if delay_sec is None:
            how = "as it stated no time"
            delay_sec = min(self.base_backoff_sec * 2.0**attempt, _BACKOFF_CEILING_SEC)
        self._count(retries=1)
        _log.warning("weir: %s: the exchange says %d; retry %d of %d in %.3f s, %s", name,
                     refusal.code, attempt + 1, self.max_retries, delay_sec, how)
        return delay_sec

    async def get_stats(self) -> Dict[str, Any]:
        with _lock:
            total, hits, failures = self.total_calls, self.rate_limit_hits, self._failures
            retries = self.retries
        return {
            "total_calls": total,
            "rate_limit_hits": hits,
            "retries": retries,
            "success_rate": 1.0 - (hits + failures) / total if total else 1.0,
            "rate_limiter": await self.rate_limiter.get_stats(),
        }

    def __repr__(self) -> str:
        return f"<BinanceClientWrapper {self.rate_limiter!r}, {self.max_retries} retries>"


def _given_up(error: Exception, refusal: Refusal) -> BinanceAPIError:
    message = getattr(error, "message", None)
    answer = {"code": refusal.code, "msg": message if isinstance(message, str) else refusal.text}
    return BinanceAPIError(answer, refusal.status, refusal.text)


def create_binance_wrapper(rate_limiter: Optional[GlobalRateLimiter] = None,
                           max_retries: int = 5) -> BinanceClientWrapper:
    """The wrapper of this process: what is given counts at the first call only."""
    global _wrapper
    if _wrapper is None:
        # Opening a limiter takes locks of its own.
        wrapper = BinanceClientWrapper(rate_limiter, max_retries)
        with _lock:
            if _wrapper is None:
                _wrapper = wrapper
    return _wrapper


def reset_binance_wrapper() -> None:
    """The next create_binance_wrapper() makes a new one."""
    global _wrapper
    with _lock:
        _wrapper = None


def _forked() -> None:
    """Neither locks nor threads of the parent are ours."""
    global _lock, _threads
    _lock = threading.Lock()
    _threads = None


os.register_at_fork(after_in_child=_forked)
