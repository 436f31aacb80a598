"""The exchange's code in the exceptions of client libraries."""
import pickle

import pytest

from weir import RATE_LIMIT_ERROR_CODES, BinanceAPIError, BinanceClientWrapper, _get_error_code
from weir._errors import read_refusal


class Said(Exception):
    def __init__(self, text="", **attributes):
        super().__init__(text)
        self.__dict__.update(attributes)


class Response:
    def __init__(self, body=None, **attributes):
        self.body = body
        self.__dict__.update(attributes)

    def json(self):
        if isinstance(self.body, Exception):
            raise self.body
        return self.body


class AsyncResponse(Response):
    async def json(self):
        return self.body


class TooManyRequestsError(Exception):
    """As the official client library names it: the status is in the type only."""


class RateLimitBanError(Exception):
    pass


CODES = [
    (Said(code=-1003), -1003),
    (Said(code=-1015), -1015),
    (Said(code=-2010), -2010),
    (Said("-1003", code=-2010), -2010),
    (Said(code=404), 404),
    # aiohttp: the HTTP status hides nothing.
    (Said("429, message='{\"code\":-1003}'", code=429), -1003),
    (Said("Too Many Requests", code=429), -1003),
    (Said("x", code=418, response={"code": -1003, "msg": "banned"}), -1003),
    (Said("x", code=429, response=Response({"code": -1015})), -1015),
    (Said("I'm a teapot", code=418), 418),
    (Said(code="-1003"), 0),
    (Said(code=None), 0),
    (Said(code=True), 0),
    (Said(response={"code": -1003}), -1003),
    (Said(response={"code": "-1015"}), -1015),
    (Said(response={}), 0),
    (Said("-1015", response={}), -1015),
    (Said(response=Response({"code": -1003, "msg": "Too many"})), -1003),
    (Said(response=Response([1])), 0),
    (Said("-1003", response=Response(ValueError("no JSON"))), -1003),
    (Said("-1003", response=AsyncResponse({"code": -1})), -1003),
    (Said(response="text"), 0),
    (Said("APIError(code=-1003): Too much request weight used"), -1003),
    (Said("(429, -1015, 'Too many new orders', {})"), -1015),
    (Said('binance {"code":-1003,"msg":"x"}'), -1003),
    (Said('binance POST https://fapi.binance.com/fapi/v1/order?a=-1003 429 Too Many Requests '
          '{"code":-1015,"msg":"x"}'), -1015),
    (Said("Error: TOO MANY REQUESTS"), -1003),
    (Said("too many orders"), -1015),
    (Said("Too many new orders; current limit is 10 orders per TEN_SECONDS."), -1015),
    (RateLimitBanError("Way too much request weight used; IP banned until 1659146400000."), -1003),
    (Said("https://x/order?newClientOrderId=a-1003"), 0),
    (Said("newClientOrderId=a-1003"), 0),
    (Said("550e8400-1003-41d4"), 0),
    (Said("-10030"), 0),
    (Said(""), 0),
    (ValueError("no"), 0),
]


@pytest.mark.parametrize("error, code", CODES, ids=[repr((e, vars(e)))[:90] for e, _ in CODES])
def test_code(error, code):
    assert _get_error_code(error) == code
    assert BinanceClientWrapper._get_error_code(error) == code


STATUSES = [
    (Said(status_code=418), 418),
    (Said(status=429), 429),
    (Said(code=429), 429),
    (Said(code=-1003), 429),
    (Said("-1003 banned until 1516180405741."), 418),
    (Said(response=Response({}, status_code=503)), 503),
    (Said(response=Response({}, status=418)), 418),
    (Said("binance GET https://a/api/v3/time?t=429 418 I'm a teapot {}"), 418),
    (TooManyRequestsError("slow"), 429),
    (RateLimitBanError("stop"), 418),
    (Said("no"), 0),
]


@pytest.mark.parametrize("error, status", STATUSES, ids=[repr((e, vars(e)))[:90] for e, _ in STATUSES])
def test_status(error, status):
    assert read_refusal(error).status == status


NEWS = [
    # Everybody must hear of it.
    (Said(status_code=418), True),
    (Said("APIError(code=-1003): Too many requests", code=-1003, status_code=429), True),
    (Said(status_code=403, response=Response(text="<html>blocked</html>")), True),
    # A 403 may be one wrong key.
    (Said(status_code=403), False),
    (Said(status_code=400, code=-2010), False),
    (ValueError("x"), False),
    # weir gateway's own refusals are not the exchange's: they would stop everybody for nothing.
    (Said('429 {"code":-1003,"msg":"weir: there is room only after the deadline"}', status_code=429),
     False),
    (Said("APIError(code=-1003): weir: the exchange has banned this address", code=-1003), False),
    (Said(status_code=429, response=Response({"code": -1003}, headers={"X-Weir-Verdict": "late"})), False),
    (ConnectionResetError("-1003"), False),
]


@pytest.mark.parametrize("error, is_news", NEWS, ids=[repr((e, vars(e)))[:90] for e, _ in NEWS])
def test_who_must_hear_of_it(error, is_news):
    assert read_refusal(error).is_news is is_news


def test_the_request_is_found_in_what_the_exception_keeps():
    for error, method, path in (
            (Said("binance GET https://api.binance.com/api/v3/depth?symbol=A {}"), "GET", "/api/v3/depth"),
            (Said(response=Response(url="http://127.0.0.1:1/sapi/v1/asset/x?y=/fapi/v1/z",
                                    request=Response(method="DELETE"))), "DELETE", "/sapi/v1/asset/x"),
            (Said("no"), "POST", None)):
        refusal = read_refusal(error)
        assert (refusal.method, refusal.path) == (method, path)


def test_codes_of_limits():
    assert set(RATE_LIMIT_ERROR_CODES) == {-1003, -1015}


ERRORS = [
    (({"code": -1003, "msg": "Too many"}, 429, "x"), -1003, "Too many"),
    ((Response({"code": -1015, "msg": "Orders"}), 429, "x"), -1015, "Orders"),
    ((None, 429, '{"code":-1003,"msg":"Too many"}'), -1003, "Too many"),
    ((None, 429, "Too many requests"), -1003, "Too many requests"),
    ((None, 500, "<html>"), 0, "<html>"),
    ((None, 500, "[1]"), 0, "[1]"),
    ((Response(ValueError()), 500, ""), 0, ""),
]


@pytest.mark.parametrize("args, code, message", ERRORS)
def test_api_error(args, code, message):
    error = BinanceAPIError(*args)
    assert (error.code, error.message, error.status_code, error.text) == (code, message, *args[1:])
    assert error.response is args[0]
    assert str(error) == f"APIError(code={code}): {message}"


def test_api_error_goes_through_a_pipe():
    error = pickle.loads(pickle.dumps(BinanceAPIError({"code": -1003, "msg": "m"}, 429, "t")))
    assert (error.code, error.message, error.status_code, error.text) == (-1003, "m", 429, "t")
