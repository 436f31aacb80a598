"""libweir, found and declared: what of include/weir.h the package uses.

Functions that never block are called with the interpreter lock held (PyDLL): they take less time
than giving the lock away and fighting for it again. What touches files is called without it.
"""
import ctypes
import ctypes.util
import os
from pathlib import Path
from typing import Any, List, Optional

# Below 1.0 the middle number changes with the interface.
INTERFACE = "0.1."

GROUPS = ("api", "sapi", "fapi", "dapi", "papi", "eapi")
CLASSES = ("cancel", "order", "reconcile", "account", "market", "backfill")

EXECUTED_PARTLY = 3
EXECUTED_UNKNOWN = 4

MAX_UINT32 = 2**32 - 1


class Error(ctypes.Structure):
    _fields_ = [("text", ctypes.c_char * 512)]


class Options(ctypes.Structure):
    _fields_ = [
        ("size", ctypes.c_size_t),
        ("region", ctypes.c_char_p),
        ("max_requests_per_minute", ctypes.c_uint32),
        ("max_burst", ctypes.c_uint32),
        ("acquire_group", ctypes.c_int),
        ("acquire_class", ctypes.c_int),
    ]


class Stats(ctypes.Structure):
    _fields_ = [
        ("size", ctypes.c_size_t),
        ("tokens", ctypes.c_double),
        ("max_tokens", ctypes.c_double),
        ("refill_rate_per_sec", ctypes.c_double),
        ("max_requests_per_minute", ctypes.c_uint32),
        ("utilization_pct", ctypes.c_double),
    ]


class Request(ctypes.Structure):
    _fields_ = [
        ("group", ctypes.c_int),
        ("request_class", ctypes.c_int),
        ("is_known", ctypes.c_bool),
        ("is_mutating", ctypes.c_bool),
        ("places_order", ctypes.c_bool),
        ("weight", ctypes.c_uint32),
        ("orders", ctypes.c_uint32),
        ("expires_ms", ctypes.c_uint64),
        ("spare", ctypes.c_uint64 * 4),
        ("inside", ctypes.c_uint64 * 64),
    ]


class Header(ctypes.Structure):
    _fields_ = [("name", ctypes.c_char_p), ("value", ctypes.c_char_p)]


class Reply(ctypes.Structure):
    _fields_ = [
        ("status", ctypes.c_int),
        ("body", ctypes.c_char_p),
        ("body_bytes", ctypes.c_size_t),
        ("headers", ctypes.POINTER(Header)),
        ("n_headers", ctypes.c_size_t),
        ("spare", ctypes.c_uint64 * 2),
    ]


class Verdict(ctypes.Structure):
    _fields_ = [
        ("kind", ctypes.c_char_p),
        ("executed", ctypes.c_int),
        ("is_ok", ctypes.c_bool),
        ("may_retry", ctypes.c_bool),
        ("reconcile", ctypes.c_bool),
        ("status", ctypes.c_int),
        ("code", ctypes.c_int32),
        ("retry_at_ms", ctypes.c_uint64),
        ("ban_until_ms", ctypes.c_uint64),
        ("msg", ctypes.c_char * 256),
        ("spare", ctypes.c_uint64 * 6),
    ]


# What a waiting coroutine holds: struct weir_ticket.
Ticket = ctypes.c_uint64 * 192

NO_DEADLINE = ctypes.c_uint64(2**64 - 1)


def _candidates() -> List[str]:
    """Where libweir may be, first choice first. A stated place is the only one."""
    stated = os.environ.get("WEIR_LIBRARY")
    if stated:
        return [stated]
    beside = [str(path) for name in ("libweir.so.0.1", "libweir.so")
              if (path := Path(__file__).with_name(name)).exists()]
    return beside + ["libweir.so.0.1"]


def _find() -> str:
    """The first candidate that loads. The system's own search, which starts programs, is last."""
    reasons: List[str] = []
    for name in _candidates():
        try:
            ctypes.PyDLL(name)
            return name
        except OSError as error:
            reasons.append(str(error))
    if not os.environ.get("WEIR_LIBRARY"):
        found = ctypes.util.find_library("weir")
        if found:
            return found
    raise ImportError(
        f"weir: libweir cannot be loaded ({'; '.join(reasons)}); install it (make install, then "
        "ldconfig), or set WEIR_LIBRARY to the path of libweir.so.0.1")


def _declare(library: ctypes.CDLL, name: str, result: Any, *arguments: Any) -> Any:
    try:
        function = getattr(library, name)
    except AttributeError:
        raise ImportError(f"weir: {library._name} has no {name}(): it is of another version, or not "
                          "libweir; install the one that came with this package") from None
    function.restype = result
    function.argtypes = arguments
    return function


_path = _find()
_quick = ctypes.PyDLL(_path)
_slow = ctypes.CDLL(_path)

version: str = _declare(_quick, "weir_version", ctypes.c_char_p)().decode()
if not version.startswith(INTERFACE):
    raise ImportError(f"weir: {_path} is version {version}, this package needs {INTERFACE}x; install "
                      "the two from the same release of weir, or set WEIR_LIBRARY")

_limiter = ctypes.c_void_p

limiter_open = _declare(_slow, "weir_limiter_open", ctypes.c_int, ctypes.POINTER(Options),
                        ctypes.POINTER(_limiter), ctypes.POINTER(Error))
limiter_close = _declare(_slow, "weir_limiter_close", ctypes.c_void_p, _limiter)
limiter_stats = _declare(_quick, "weir_limiter_stats", None, _limiter, ctypes.POINTER(Stats))
limiter_name_key = _declare(_quick, "weir_limiter_name_key", ctypes.c_int, _limiter, ctypes.c_char_p,
                            ctypes.c_char_p)
now_ms = _declare(_quick, "weir_now_ms", ctypes.c_uint64, _limiter, ctypes.c_int)

acquire_begin = _declare(_quick, "weir_acquire_begin", ctypes.c_int64, _limiter, ctypes.c_uint32,
                         ctypes.c_uint64, ctypes.c_void_p)
acquire_poll = _declare(_quick, "weir_acquire_poll", ctypes.c_int64, _limiter, ctypes.c_void_p)
acquire_cancel = _declare(_quick, "weir_acquire_cancel", None, _limiter, ctypes.c_void_p)

request_find = _declare(_quick, "weir_request_find", ctypes.c_int, ctypes.c_char_p, ctypes.c_char_p,
                        ctypes.c_char_p, ctypes.c_char_p, ctypes.c_char_p, ctypes.POINTER(Request))
classify = _declare(_quick, "weir_classify", None, ctypes.POINTER(Request), ctypes.POINTER(Reply),
                    ctypes.c_uint64, ctypes.POINTER(Verdict))
# A ban is on the disk before it returns; an ordinary answer touches no disk.
_observe = ("weir_observe", None, _limiter, ctypes.POINTER(Request), ctypes.c_uint64,
            ctypes.POINTER(Reply))
observe = _declare(_slow, *_observe)
observe_quick = _declare(_quick, *_observe)


def open_limiter(options: Options) -> ctypes.c_void_p:
    """weir_limiter_open(), with its error as an exception: ValueError for a wrong argument."""
    handle, error = _limiter(), Error()
    result = limiter_open(ctypes.byref(options), ctypes.byref(handle), ctypes.byref(error))
    if result == 0:
        return handle
    text = error.text.decode(errors="replace") or os.strerror(-result)
    if not text.startswith("weir:"):
        text = f"weir: {text}"
    if -result == 22:
        raise ValueError(text)
    raise OSError(-result, text)


def find_request(method: str, path: str) -> Optional[Request]:
    """weir_request_find(); None when the path belongs to no product."""
    request = Request()
    if request_find(method.encode(), path.encode(), None, None, None, ctypes.byref(request)) != 0:
        return None
    return request
