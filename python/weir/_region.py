"""What a refused call tells the region, and what the region's tables make of it."""
import ctypes
import json
from typing import Optional, Tuple

from . import _native
from ._errors import Refusal
from ._limiter import GlobalRateLimiter

# A place in each product whose refusal speaks for the whole of it, for exceptions that do not say
# which request they belong to.
_ORDERS = {
    "api": "/api/v3/order",
    "sapi": "/sapi/v1/margin/order",
    "fapi": "/fapi/v1/order",
    "dapi": "/dapi/v1/order",
    "papi": "/papi/v1/um/order",
    "eapi": "/eapi/v1/order",
}


def _find(path: str) -> _native.Request:
    request = _native.find_request("POST", path)
    if request is None:
        raise ImportError(f"weir: libweir does not know {path}: it is of another version")
    return request


_requests = {group: _find(path) for group, path in _ORDERS.items()}
_answered = {group: ctypes.byref(request) for group, request in _requests.items()}
_ok = ctypes.byref(_native.Reply(200, None, 0, None, 0))


def _request(limiter: GlobalRateLimiter, refusal: Refusal) -> Tuple[_native.Request, bool]:
    """The request that was refused, and whether it is known to be that."""
    if refusal.path is not None:
        request = _native.find_request(refusal.method, refusal.path)
        if request is not None:
            return request, True
    return _requests[limiter.group], False


def _reply(refusal: Refusal, is_known: bool) -> _native.Reply:
    """The answer as far as the exception kept it."""
    body = refusal.body
    if body is None:
        code = {"code": refusal.code} if refusal.code else {}
        body = json.dumps({**code, "msg": refusal.text})
    data = body.encode(errors="replace")
    # Another request's usage would be booked on the wrong counter.
    told = [_native.Header(name, value) for name, value in refusal.headers
            if is_known or name.lower() == b"retry-after"]
    headers = (_native.Header * len(told))(*told)
    return _native.Reply(refusal.status, data, len(data), headers, len(told))


def tell_answered(limiter: GlobalRateLimiter, sent_ms: int) -> None:
    """The exchange answered, whatever it said: a ban that was there is over for everybody."""
    _native.observe_quick(limiter._handle, _answered[limiter.group], sent_ms, _ok)


class Judgement:
    """What a refusal means. Asked at once when the exception came: times are counted from then."""

    def __init__(self, limiter: GlobalRateLimiter, refusal: Refusal) -> None:
        self._limiter = limiter
        self._request, is_known = _request(limiter, refusal)
        self._reply = _reply(refusal, is_known)
        self.now_ms: int = _native.now_ms(limiter._handle, self._request.group)
        verdict = _native.Verdict()
        _native.classify(ctypes.byref(self._request), ctypes.byref(self._reply), self.now_ms,
                         ctypes.byref(verdict))
        # Half of a cancel-and-replace may have been done: a limit refused only the other.
        self.is_done = verdict.executed == _native.EXECUTED_PARTLY or (
            verdict.executed == _native.EXECUTED_UNKNOWN and refusal.body is not None)
        self._retry_at_ms: int = verdict.retry_at_ms

    @property
    def stated_delay_sec(self) -> Optional[float]:
        """How long the exchange wants to see nothing; None when it did not say."""
        if self._retry_at_ms <= self.now_ms:
            return None
        return (self._retry_at_ms - self.now_ms) / 1000

    def tell(self, sent_ms: int) -> None:
        """Stops everybody who shares the region for as long as the exchange wants."""
        _native.observe(self._limiter._handle, ctypes.byref(self._request), sent_ms,
                        ctypes.byref(self._reply))
