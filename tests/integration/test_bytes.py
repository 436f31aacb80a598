"""What was signed arrives byte for byte: path, query and body."""
import pytest
from support import Gateway, RawUpstream, fetch, raw

TARGETS = [
    b"/api/v3/order?symbol=BTCUSDT&side=BUY&newClientOrderId=a%20b+c&signature=00ff",
    b"/api/v3/order?symbol=%EF%BC%91%EF%BC%92%EF%BC%93&x=%e4%ba%ac",
    b"/api/v3/order?symbol=&empty=&&=&a=1&a=2&a=1",
    b"/api/v3/order?a=%00%0d%0a%7f&b=%25%2525",
    b"/api/v3/order?",
    b"/api/v3/order?symbols=[\"BTCUSDT\",\"ETHUSDT\"]",
    b"/api/v3/order?q=a?b=c/../d;e,f:g@h!$'()*~|{}^`<>\\\"",
    b"/fapi/v1/order?x=%ZZ%&y=%2",
    b"/dapi/v1/order?a=/../b//c;d%2F%2e",
    b"/papi/v1/um/order?z=%C3%BC",
    b"/sapi/v1/margin/order?timestamp=1&recvWindow=5000.123",
]
BODIES = [
    b"",
    b"symbol=BTCUSDT&side=SELL&quantity=1.000&signature=abc",
    b"a=%20&b=+&c=&c=&d",
    "symbol=中文&quantity=1".encode(),
    bytes(range(256)),
    b"batchOrders=%5B%7B%22symbol%22%3A%22BTCUSDT%22%7D%5D&timestamp=1499827319559",
]


@pytest.fixture(scope="module")
def pair(tmp_path_factory):
    region = tmp_path_factory.mktemp("region") / "region"
    with RawUpstream() as upstream, Gateway(upstream.url, region, "--no-discovery") as gateway:
        yield upstream, gateway


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("method", [b"GET", b"POST", b"DELETE"])
def test_the_target_is_not_touched(pair, target, method):
    upstream, gateway = pair
    before = len(upstream.seen())
    reply = raw(gateway.port, method + b" " + target + b" HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    assert reply.startswith(b"HTTP/1.1 200 "), reply
    assert [(m, t) for m, t, _, _ in upstream.seen()[before:]] == [(method, target)]


@pytest.mark.parametrize("body", BODIES)
@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
def test_the_body_is_not_touched(pair, body, method):
    upstream, gateway = pair
    before = len(upstream.seen())
    status, _, _ = fetch(gateway.port, "/api/v3/order?a=1", method, body,
                         {"Content-Type": "application/x-www-form-urlencoded"})
    assert status == 200
    assert [(t, b) for _, t, _, b in upstream.seen()[before:]] == [(b"/api/v3/order?a=1", body)]


def test_a_chunked_body_keeps_its_bytes(pair):
    upstream, gateway = pair
    before = len(upstream.seen())
    reply = raw(gateway.port,
                b"POST /fapi/v1/order HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n"
                b"Connection: close\r\n\r\n5\r\nsymbo\r\n9;ext=1\r\nl=A%20&b=\r\n0\r\n\r\n")
    assert reply.startswith(b"HTTP/1.1 200 ")
    assert [b for _, _, _, b in upstream.seen()[before:]] == [b"symbol=A%20&b="]


def test_fields_arrive_but_for_those_that_are_between_two_machines(pair):
    upstream, gateway = pair
    before = len(upstream.seen())
    raw(gateway.port,
        b"GET /api/v3/account HTTP/1.1\r\nHost: 127.0.0.1:8900\r\nX-MBX-APIKEY: Key-1\r\n"
        b"User-Agent: me/1\r\nX-Weir-Class: market\r\nConnection: close, X-Private\r\n"
        b"X-Private: 1\r\nKeep-Alive: 5\r\nAccept-Encoding: gzip\r\nX-Odd: a  b\r\n\r\n")
    lines = upstream.seen()[before][2]
    assert b"X-MBX-APIKEY: Key-1" in lines
    assert b"User-Agent: me/1" in lines
    assert b"Accept-Encoding: gzip" in lines
    assert b"X-Odd: a  b" in lines
    assert b"Host: 127.0.0.1:%d" % upstream.port in lines
    names = {line.split(b":")[0].lower() for line in lines}
    assert not names & {b"connection", b"x-private", b"keep-alive", b"x-weir-class"}
