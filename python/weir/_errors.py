"""What the exceptions of client libraries say: the exchange's code, and all else that is known.

The libraries differ: python-binance has code, status_code and response; ccxt puts the URL, the
status and the body into its text; the official ones have a status and a message or only a type;
aiohttp has the HTTP status in `code`, and the message in its text.
"""
import asyncio
import inspect
import json
import re
from typing import Any, List, NamedTuple, Optional, Tuple

RATE_LIMIT_ERROR_CODES = (-1003, -1015)

# Where a text has a code, and not where an order's id or a price happens to look like one.
_CODE_IN_TEXT = re.compile(r"(?<![\w.%-])(-1003|-1015)(?!\d)")
# A URL repeats what the caller sent, which says nothing of what was answered.
_URL = re.compile(r"https?://\S+")
_PHRASES = (
    ("too many requests", -1003),
    ("too much request weight", -1003),
    ("too many orders", -1015),
    ("too many new orders", -1015),
)
_PATH = re.compile(r"/(?:s|f|d|p|e)?api/v\d+(?:/[A-Za-z0-9_-]+)+")
_METHOD = re.compile(r"\b(GET|POST|PUT|DELETE)\s+(?:https?:|/)")
_STATUS_IN_TEXT = re.compile(r"\b(403|418|429|5\d\d)\b (?=[A-Z])")
_SIGNATURE = re.compile(r"(signature=)[^&\s\"']+", re.IGNORECASE)
# Official client libraries that tell the status by the type alone.
_STATUS_OF_TYPE = {"TooManyRequestsError": 429, "RateLimitBanError": 418}
# More of a body is not looked at: error bodies are tiny.
_BODY_CEILING = 65536


def _is_status(code: int) -> bool:
    return 100 <= code <= 599


def _code_attribute(error: BaseException) -> Any:
    """error.code; aiohttp's warns who reads it, and is its status."""
    if type(error).__module__.partition(".")[0] == "aiohttp":
        return getattr(error, "status", None)
    return getattr(error, "code", None)


def _int_of(value: Any) -> int:
    """An int, or the text of one, as an int; else 0."""
    if isinstance(value, int) and not isinstance(value, bool):
        return int(value)
    if isinstance(value, str) and re.fullmatch(r"-?\d{1,9}", value):
        return int(value)
    return 0


def _body_of(response: Any) -> Any:
    """The answer as the client library holds it: a dict, or what json() returns; else None."""
    if isinstance(response, dict):
        return response
    read = getattr(response, "json", None)
    if not callable(read) or inspect.iscoroutinefunction(read):
        return None
    try:
        body = read()
    except Exception:
        return None
    if inspect.iscoroutine(body):
        body.close()
        return None
    return body


def _code_in_text(text: str) -> int:
    text = _URL.sub(" ", text)
    match = _CODE_IN_TEXT.search(text)
    if match:
        return int(match.group(1))
    text = text.lower()
    return next((code for phrase, code in _PHRASES if phrase in text), 0)


def _get_error_code(error: BaseException) -> int:
    """The exchange's code in an exception, -1003 or any other; 0 when it has none.

    An HTTP status in `code` (aiohttp) hides nothing: response and text are asked first.
    """
    own = _code_attribute(error)
    code = own if isinstance(own, int) and not isinstance(own, bool) else 0
    if code and not _is_status(code):
        return code
    body = _body_of(getattr(error, "response", None))
    if isinstance(body, dict):
        told = _int_of(body.get("code"))
        if told and not _is_status(told):
            return told
    return _code_in_text(str(error)) or code


class BinanceAPIError(Exception):
    """A limit refused the call, and all retries are used up.

    response: the exchange's answer as a dict, or an object with json(), or None
    text:     the body, or the text of the last error
    """

    def __init__(self, response: Any, status_code: int, text: str) -> None:
        super().__init__(response, status_code, text)
        self.response = response
        self.status_code = status_code
        self.text = text
        body = _body_of(response)
        if not isinstance(body, dict):
            body = _dict_of(text)
        self.code = _int_of(body.get("code")) or _code_in_text(text)
        self.message = str(body.get("msg") or body.get("message") or text)

    def __str__(self) -> str:
        return f"APIError(code={self.code}): {self.message}"


def _dict_of(text: str) -> "dict[str, Any]":
    try:
        body = json.loads(text)
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}


class Refusal(NamedTuple):
    """What an exception says of the exchange's answer."""

    code: int
    status: int  # 0: not told, and nothing implies it
    body: Optional[str]  # the exchange's own; None when only the library's words are left
    text: str
    headers: List[Tuple[bytes, bytes]]
    method: str
    path: Optional[str]
    is_ours: bool  # said by weir gateway, not by the exchange
    is_unanswered: bool  # no answer came: only the caller can find out what happened

    @property
    def is_limit(self) -> bool:
        """Refused for its rate, certainly not executed, and another time it may pass.

        weir gateway says 400 to what costs more than a whole window.
        """
        return (self.code in RATE_LIMIT_ERROR_CODES and not self.is_unanswered
                and self.status < 500 and self.status != 408
                and not (self.is_ours and self.status == 400))

    @property
    def is_news(self) -> bool:
        """The exchange stops or bans somebody. A 403 may be one wrong key: its body tells."""
        if self.is_ours or self.is_unanswered:
            return False
        return (self.code in RATE_LIMIT_ERROR_CODES or self.status in (418, 429)
                or (self.status == 403 and self.body is not None))

    @property
    def is_answer(self) -> bool:
        """It is the exchange that spoke."""
        return (self.status > 0 or self.code < 0) and not self.is_ours and not self.is_unanswered


def _first_int(*values: Any) -> int:
    for value in values:
        if isinstance(value, int) and not isinstance(value, bool) and _is_status(value):
            return int(value)
    return 0


def _status(error: BaseException, response: Any, text: str, code: int) -> int:
    status = _first_int(getattr(error, "status_code", None), getattr(error, "status", None),
                        _code_attribute(error), getattr(response, "status_code", None),
                        getattr(response, "status", None))
    if status:
        return status
    status = _STATUS_OF_TYPE.get(type(error).__name__, 0)
    match = _STATUS_IN_TEXT.search(_URL.sub("", text))
    if not status and match:
        status = int(match.group(1))
    if not status and code in RATE_LIMIT_ERROR_CODES:
        status = 418 if "banned until" in text else 429
    return status


def _body_text(error: BaseException, response: Any) -> Optional[str]:
    if isinstance(response, dict):
        try:
            return json.dumps(response)
        except (TypeError, ValueError):
            return None
    for holder in (response, error):
        text = getattr(holder, "text", None)
        if isinstance(text, str) and text:
            return text[:_BODY_CEILING]
    return None


def _headers(error: BaseException, response: Any) -> List[Tuple[bytes, bytes]]:
    """Those that speak of limits."""
    holders: List[Any] = [getattr(response, "headers", None), getattr(error, "headers", None),
                          getattr(error, "header", None)]
    for holder in holders:
        try:
            pairs = [(str(name), str(value)) for name, value in holder.items()]
        except (AttributeError, TypeError, ValueError):
            continue
        return [(name.encode("latin-1", "replace"), value.encode("latin-1", "replace"))
                for name, value in pairs
                if name.lower() == "retry-after" or name.lower().startswith(("x-mbx-", "x-weir-"))]
    return []


def _target(error: BaseException, response: Any, text: str) -> Tuple[str, Optional[str]]:
    """Method and path of the request; POST when it is not told, as the more careful guess."""
    info = getattr(error, "request_info", None) or getattr(response, "request_info", None)
    asked = getattr(response, "request", None) or getattr(error, "request", None)
    url = getattr(response, "url", None) or getattr(info, "real_url", None) or getattr(asked, "url", None)
    path = _PATH.search(str(url)) if url else None
    path = path or _PATH.search(text)
    method = getattr(info, "method", None) or getattr(asked, "method", None)
    match = _METHOD.search(text)
    if not isinstance(method, str):
        method = match.group(1) if match else "POST"
    return method, path.group(0) if path else None


def read_refusal(error: BaseException) -> Refusal:
    """All that an exception says. Raises what its own methods raise."""
    response = getattr(error, "response", None)
    text = _SIGNATURE.sub(r"\1...", str(error))
    code = _get_error_code(error)
    body = _body_text(error, response)
    headers = _headers(error, response)
    method, path = _target(error, response, text)
    # Codes of the exchange are negative: an HTTP status is none.
    if _is_status(code):
        code = 0
    said = f"{body or ''} {text}"
    return Refusal(
        code=code,
        status=_status(error, response, said, code),
        body=body,
        text=text,
        headers=headers,
        method=method,
        path=path,
        is_ours='"weir: ' in said or " weir: " in said
        or any(name.lower() == b"x-weir-verdict" for name, _ in headers),
        is_unanswered=isinstance(error, (TimeoutError, asyncio.TimeoutError, ConnectionError)),
    )
