"""Malformed HTTP is refused or handled, and never forwarded as something else."""
import socket
import time

import pytest
from support import Gateway, RawUpstream, fetch, raw

GET = b"GET /api/v3/ping HTTP/1.1\r\nHost: x\r\n"
POST = b"POST /api/v3/order HTTP/1.1\r\nHost: x\r\n"

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


def test_paths_of_no_product_are_answered_here(pair):
    upstream, gateway = pair
    before = len(upstream.seen())
    for path in ("/", "/apiv3/x", "/weird", "/api"):
        status, _, body = fetch(gateway.port, path)
        assert status == 404 and b"nothing was sent" in body, (path, status, body)
    assert upstream.seen()[before:] == []


@pytest.mark.parametrize("reply", [
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
