"""Malformed HTTP is refused or handled, and never forwarded as something else."""
import socket
import time

import pytest
from support import Gateway, RawUpstream, fetch, raw

GET = b"GET /api/v3/ping HTTP/1.1\r\nHost: x\r\n"
POST = b"POST /api/v3/order HTTP/1.1\r\nHost: x\r\n"
CHUNKED = POST + b"Transfer-Encoding: chunked\r\n\r\n"

REFUSED = {
    "length and chunked": POST + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "chunked and length": POST + b"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n",
    "two lengths": POST + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\nabc",
    "the same length twice": POST + b"Content-Length: 2\r\nContent-Length: 2\r\n\r\nab",
    "a list of lengths": POST + b"Content-Length: 2, 2\r\n\r\nab",
    "a signed length": POST + b"Content-Length: +2\r\n\r\nab",
    "a negative length": POST + b"Content-Length: -1\r\n\r\n",
    "a length in hex": POST + b"Content-Length: 0x2\r\n\r\nab",
    "a length beyond 64 bits": POST + b"Content-Length: 99999999999999999999\r\n\r\n",
    "a coding that is not chunked": POST + b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
    "gzip, chunked": POST + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
    "two codings": POST + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n",
    "a space before the colon": POST + b"Content-Length : 2\r\n\r\nab",
    "a folded field": GET + b"X-A: b\r\n c\r\n\r\n",
    "a folded coding": POST + b"Transfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n",
    "bare LF": b"GET /api/v3/ping HTTP/1.1\nHost: x\n\n",
    "bare LF in the fields": b"GET /api/v3/ping HTTP/1.1\r\nHost: x\nX-A: b\r\n\r\n",
    "bare CR in a value": GET + b"X-A: b\rX-B: c\r\n\r\n",
    "NUL in a value": GET + b"X-A: b\0c\r\n\r\n",
    "NUL in the target": b"GET /api/v3/\0ping HTTP/1.1\r\nHost: x\r\n\r\n",
    "a space in a name": GET + b"X A: b\r\n\r\n",
    "an empty name": GET + b": b\r\n\r\n",
    "no host": b"GET /api/v3/ping HTTP/1.1\r\n\r\n",
    "two hosts": b"GET /api/v3/ping HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
    "absolute form": b"GET http://evil/api/v3/ping HTTP/1.1\r\nHost: x\r\n\r\n",
    "authority form": b"CONNECT evil:443 HTTP/1.1\r\nHost: evil:443\r\n\r\n",
    "asterisk form": b"OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n",
    "a fragment": b"GET /api/v3/ping#x HTTP/1.1\r\nHost: x\r\n\r\n",
    "a raw byte in the target": b"GET /api/v3/\xc3\xbc HTTP/1.1\r\nHost: x\r\n\r\n",
    "a junk method": b"G@T( /api/v3/ping HTTP/1.1\r\nHost: x\r\n\r\n",
    "version 2": b"GET /api/v3/ping HTTP/2.0\r\nHost: x\r\n\r\n",
    "version 0.9": b"GET /api/v3/ping\r\n\r\n",
    "chunked in 1.0": b"POST /api/v3/order HTTP/1.0\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "a chunk size with 0x": POST + b"Transfer-Encoding: chunked\r\n\r\n0x2\r\nab\r\n0\r\n\r\n",
    "a chunk size with a sign": POST + b"Transfer-Encoding: chunked\r\n\r\n+2\r\nab\r\n0\r\n\r\n",
    "a chunk without its CRLF": POST + b"Transfer-Encoding: chunked\r\n\r\n2\r\nabX0\r\n\r\n",
    "a chunk size beyond 64 bits": POST + b"Transfer-Encoding: chunked\r\n\r\n11111111111111111\r\n",
    "a head of 64 KiB": GET + b"X-A: " + b"a" * 65536 + b"\r\n\r\n",
    "2000 fields": GET + b"X-A: b\r\n" * 2000 + b"\r\n",
    "a target of 64 KiB": b"GET /api/v3/" + b"a" * 65536 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
    "another protocol": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\0" * 64,
    "a body beyond the limit": POST + b"Content-Length: 2000000\r\n\r\n",
    "a space before the colon of a coding": POST + b"Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n",
    "a space before the colon of the host": b"GET /api/v3/ping HTTP/1.1\r\nHost : x\r\n\r\n",
    "an empty length": POST + b"Content-Length: \r\n\r\n",
    "a length with a fraction": POST + b"Content-Length: 2.0\r\n\r\nab",
    "a length of two numbers": POST + b"Content-Length: 2 3\r\n\r\nab",
    "a length behind a control byte": POST + b"Content-Length: \x0b2\r\n\r\nab",
    "a length in other digits": POST + b"Content-Length: \xd9\xa2\r\n\r\nab",
    "chunked twice": POST + b"Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n",
    "chunked, identity": POST + b"Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
    "identity": POST + b"Transfer-Encoding: identity\r\n\r\n",
    "chunked with a parameter": POST + b"Transfer-Encoding: chunked;q=1\r\n\r\n0\r\n\r\n",
    "chunked behind a control byte": POST + b"Transfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\n",
    "chunked in quotes": POST + b'Transfer-Encoding: "chunked"\r\n\r\n0\r\n\r\n',
    "an empty coding and a length": POST + b"Transfer-Encoding: \r\nContent-Length: 2\r\n\r\nab",
    "chunked and kept alive in 1.0": b"POST /api/v3/order HTTP/1.0\r\nHost: x\r\nConnection: keep-alive\r\n"
                                     b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "a chunk size with a space before": CHUNKED + b" 2\r\nab\r\n0\r\n\r\n",
    "a chunk size with a space behind": CHUNKED + b"2 \r\nab\r\n0\r\n\r\n",
    "a negative chunk size": CHUNKED + b"-2\r\nab\r\n0\r\n\r\n",
    "no chunk size": CHUNKED + b"\r\nab\r\n0\r\n\r\n",
    "chunk lines ended by LF": CHUNKED + b"2\nab\n0\n\n",
    "the end of the chunks ended by LF": CHUNKED + b"2\r\nab\r\n0\r\n\n",
    "LF in a chunk's extension": CHUNKED + b"2;a\nb\r\nab\r\n0\r\n\r\n",
    "CR in a chunk's extension": CHUNKED + b"2;a\rb\r\nab\r\n0\r\n\r\n",
    "an endless extension": CHUNKED + b"2;" + b"a" * 100000 + b"\r\nab\r\n0\r\n\r\n",
    "a chunk size of 100000 digits": CHUNKED + b"0" * 100000 + b"2\r\nab\r\n0\r\n\r\n",
    "a trailer with a space in its name": CHUNKED + b"0\r\nX A: b\r\n\r\n",
    "a folded trailer": CHUNKED + b"0\r\nX-A: b\r\n c\r\n\r\n",
    "an endless trailer": CHUNKED + b"0\r\nX-A: " + b"a" * 200000 + b"\r\n\r\n",
    "chunks beyond the limit": CHUNKED + b"200000\r\n" + b"a" * 0x200000 + b"\r\n0\r\n\r\n",
    "a control byte in the target": b"GET /api/v3/\x01ping HTTP/1.1\r\nHost: x\r\n\r\n",
    "DEL in the target": b"GET /api/v3/\x7fping HTTP/1.1\r\nHost: x\r\n\r\n",
    "a tab in the target": b"GET /api/v3/ping?a=\tb HTTP/1.1\r\nHost: x\r\n\r\n",
    "backslashes": b"GET \\api\\v3\\ping HTTP/1.1\r\nHost: x\r\n\r\n",
    "an empty line before": b"\r\n" + GET + b"\r\n",
    "a method in small letters": b"get /api/v3/ping HTTP/1.1\r\nHost: x\r\n\r\n",
    "two spaces in the first line": b"GET  /api/v3/ping HTTP/1.1\r\nHost: x\r\n\r\n",
    "tabs in the first line": b"GET\t/api/v3/ping\tHTTP/1.1\r\nHost: x\r\n\r\n",
    "a space after the version": b"GET /api/v3/ping HTTP/1.1 \r\nHost: x\r\n\r\n",
    "http in small letters": b"GET /api/v3/ping http/1.1\r\nHost: x\r\n\r\n",
    "version 1.2": b"GET /api/v3/ping HTTP/1.2\r\nHost: x\r\n\r\n",
    "version 1.10": b"GET /api/v3/ping HTTP/1.10\r\nHost: x\r\n\r\n",
    "the preface of HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "a space before the first field": b"GET /api/v3/ping HTTP/1.1\r\n Host: x\r\n\r\n",
    "a field without a colon": GET + b"X-A\r\n\r\n",
    "NUL in a name": GET + b"X\0A: b\r\n\r\n",
    "a raw byte in a name": GET + b"X\xffA: b\r\n\r\n",
    "a host with a path": b"GET /api/v3/ping HTTP/1.1\r\nHost: x/y\r\n\r\n",
    "a host with a user": b"GET /api/v3/ping HTTP/1.1\r\nHost: a@b\r\n\r\n",
    "a list of hosts": b"GET /api/v3/ping HTTP/1.1\r\nHost: a, b\r\n\r\n",
    "an unknown expectation": POST + b"Expect: 200-maybe\r\nContent-Length: 2\r\n\r\nab",
}


@pytest.fixture(scope="module")
def pair(tmp_path_factory):
    region = tmp_path_factory.mktemp("region") / "region"
    with RawUpstream() as upstream, \
            Gateway(upstream.url, region, "--no-discovery", "--set", "timeouts.head=2s",
                    "--set", "timeouts.body=2s") as gateway:
        yield upstream, gateway


@pytest.mark.parametrize("name", REFUSED)
def test_is_refused_and_never_forwarded(pair, name):
    upstream, gateway = pair
    before = len(upstream.seen())
    # A second request behind it must not be served either: the connection's state is unknown.
    reply = raw(gateway.port, REFUSED[name] + GET + b"\r\n", timeout=4)
    assert upstream.seen()[before:] == []
    assert b" 200 " not in reply
    if reply:
        status = int(reply.split(b" ")[1])
        assert 400 <= status <= 505
        assert b"weir: " in reply


def test_one_byte_at_a_time_is_understood(pair):
    upstream, gateway = pair
    with socket.create_connection(("127.0.0.1", gateway.port), timeout=5) as s:
        s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for byte in POST + b"Content-Length: 3\r\nConnection: close\r\n\r\na=1":
            s.sendall(bytes([byte]))
        assert s.recv(65536).startswith(b"HTTP/1.1 200 ")
    assert upstream.seen()[-1][3] == b"a=1"


def test_a_head_that_does_not_end_is_closed(pair):
    upstream, gateway = pair
    before = len(upstream.seen())
    started = time.monotonic()
    with socket.create_connection(("127.0.0.1", gateway.port), timeout=10) as s:
        s.sendall(b"GET /api/v3/ping HTTP/1.1\r\nHost: x\r\nX-Slow: ")
        while s.recv(4096):
            pass
    assert 1 < time.monotonic() - started < 8
    assert upstream.seen()[before:] == []


def test_a_body_that_does_not_come_is_closed_and_not_sent(pair):
    upstream, gateway = pair
    before = len(upstream.seen())
    reply = raw(gateway.port, POST + b"Content-Length: 10\r\n\r\nabc", timeout=10)
    assert b" 200 " not in reply
    assert upstream.seen()[before:] == []


def test_half_a_request_and_gone_is_not_sent(pair):
    upstream, gateway = pair
    before = len(upstream.seen())
    raw(gateway.port, POST + b"Content-Length: 10\r\n\r\nabc", timeout=1, close_after=True)
    assert upstream.seen()[before:] == []


def test_what_is_sent_ahead_is_answered_in_order(pair):
    upstream, gateway = pair
    before = len(upstream.seen())
    many = b"".join(b"GET /api/v3/ping?n=%d HTTP/1.1\r\nHost: x\r\n%s\r\n" %
                    (n, b"Connection: close\r\n" if n == 49 else b"") for n in range(50))
    reply = raw(gateway.port, many)
    assert reply.count(b"HTTP/1.1 200 ") == 50
    assert [t for _, t, _, _ in upstream.seen()[before:]] == \
        [b"/api/v3/ping?n=%d" % n for n in range(50)]


def test_expect_100_continue_is_answered(pair):
    _, gateway = pair
    with socket.create_connection(("127.0.0.1", gateway.port), timeout=5) as s:
        s.sendall(POST + b"Expect: 100-continue\r\nContent-Length: 3\r\nConnection: close\r\n\r\n")
        assert s.recv(4096).startswith(b"HTTP/1.1 100 ")
        s.sendall(b"a=1")
        assert b"HTTP/1.1 200 " in s.recv(65536)


def test_http_1_0_gets_an_answer_it_can_read(pair):
    _, gateway = pair
    reply = raw(gateway.port, b"GET /api/v3/ping HTTP/1.0\r\nHost: x\r\n\r\n")
    assert reply.startswith(b"HTTP/1.1 200 ") and b"chunked" not in reply.lower()


@pytest.mark.parametrize("path", ["/api/v3/%6Frder", "/api/../sapi/v1/system/status", "/api/./v3/time",
                                  "/fapi//v1/batchOrders", "/api/v3/order;a=b"])
def test_a_path_that_can_be_read_in_two_ways_is_refused(pair, path):
    """An exchange that normalises it would count another endpoint than we did."""
    upstream, gateway = pair
    before = len(upstream.seen())
    status, _, body = fetch(gateway.port, path, "POST")
    assert status == 400 and b"nothing was sent" in body, (status, body)
    assert upstream.seen()[before:] == []


def test_paths_of_no_product_are_answered_here(pair):
    upstream, gateway = pair
    before = len(upstream.seen())
    for path in ("/", "/apiv3/x", "/weird", "/api"):
        status, _, body = fetch(gateway.port, path)
        assert status == 404 and b"nothing was sent" in body, (path, status, body)
        assert b"page is /weir/" in body and b"/weir/metrics" in body
    assert upstream.seen()[before:] == []


# A request that is understood, although it is odd, and what of it is forwarded.
ODD = {
    "a length in a trailer": (CHUNKED + b"2\r\nab\r\n0\r\nContent-Length: 50\r\n\r\n", (b"POST", b"/api/v3/order", b"ab")),
    "a field that only begins like the coding": (
        POST + b"Transfer-Encoding: chunked\r\nTransfer-EncodingX: y\r\n\r\n2\r\nab\r\n0\r\n\r\n",
        (b"POST", b"/api/v3/order", b"ab")),
    "a length with a zero in front": (POST + b"Content-Length: 02\r\n\r\nab", (b"POST", b"/api/v3/order", b"ab")),
    "GET with a body": (GET + b"Content-Length: 2\r\n\r\nab", (b"GET", b"/api/v3/ping", b"ab")),
    "a method nobody knows": (b"BREW /api/v3/ping HTTP/1.1\r\nHost: x\r\n\r\n", (b"BREW", b"/api/v3/ping", b"")),
    "an upgrade to HTTP/2": (GET + b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n"
                             b"HTTP2-Settings: AAMAAABkAAQCAAAAAAIAAAAA\r\n\r\n", None),
    "a WebSocket": (GET + b"Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n", None),
    "two slashes in front": (b"GET //evil/api/v3/ping HTTP/1.1\r\nHost: x\r\n\r\n", None),
}


@pytest.mark.parametrize("name", ODD)
def test_what_is_odd_ends_where_it_ends(pair, name):
    """The request behind it is served as what it is: the connection is in step."""
    upstream, gateway = pair
    request, forwarded = ODD[name]
    before = len(upstream.seen())
    reply = raw(gateway.port, request + b"GET /api/v3/ping?2 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    assert reply.endswith(b"{}") and reply.count(b"\r\n\r\n") == 2
    assert [(m, t, b) for m, t, _, b in upstream.seen()[before:]] == \
        ([forwarded] if forwarded else []) + [(b"GET", b"/api/v3/ping?2", b"")]


@pytest.mark.parametrize("reply", [
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0x2\r\n{}\r\n0\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
    b"HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nContent-Length: +2\r\n\r\n{}",
    b"HTTP/1.1 200 OK\r\nContent-Length : 2\r\n\r\n{}",
    b"HTTP/1.1 200 OK\r\nX-A: b\r\n c\r\nContent-Length: 2\r\n\r\n{}",
    b"HTTP/1.1 200 OK\r\nX-A: b\0c\r\nContent-Length: 2\r\n\r\n{}",
    b"HTTP/1.1 200 OK\r\nX-A: " + b"a" * 100000 + b"\r\nContent-Length: 2\r\n\r\n{}",
    b"HTTP/2 200\r\nContent-Length: 2\r\n\r\n{}",
    b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n{}",
    b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}",
    b"HTTP/1.1 200 OK\nContent-Length: 2\n\n{}",
    b"HTTP/1.1 2x0 OK\r\nContent-Length: 2\r\n\r\n{}",
    b"\x15\x03\x01\x00\x02\x02\x28",
])
def test_a_garbled_reply_is_an_unknown_fate_and_not_a_reply(tmp_path, reply):
    with RawUpstream(lambda *_: reply) as upstream, \
            Gateway(upstream.url, tmp_path / "region", "--no-discovery") as gateway:
        status, headers, body = fetch(gateway.port, "/api/v3/order", "POST", b"symbol=A")
        assert status in (502, 504) and headers["x-weir-verdict"] == "unknown"
        assert b"execution status unknown" in body
        assert len(upstream.seen()) == 1
