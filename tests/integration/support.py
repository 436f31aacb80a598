"""Starts and stops what the integration tests talk to: the simulated exchange and the gateway.

Everything listens on a port that the kernel chose, on loopback, and lives in a folder of its own.
The program under test is $WEIR, else build/weir.
"""
import fcntl
import hashlib
import hmac
import http.client
import json
import os
import re
import select
import signal
import socket
import subprocess
import threading
import time
from pathlib import Path
from urllib.parse import urlencode

ROOT = Path(__file__).resolve().parents[2]
WEIR = os.environ.get("WEIR", str(ROOT / "build" / "weir"))
# A sanitizer's report, were weir built with one. Thread sanitizer goes on after it.
REPORT = re.compile(r"(AddressSanitizer|LeakSanitizer|ThreadSanitizer|runtime error): ")
IS_SANITIZED = "WEIR_SANITIZED" in os.environ
LISTENING = re.compile(r"listening on (?:http://|https://)?([0-9.]+):(\d+)")

# The accounts that the simulated exchange always has: key and secret.
ALICE = ("SimKeyAlice7mQ2xVtR9pLw4ZcYh8Nf3KsJ6bGd1uEoXa5TqMvWnPrHyBkCiLzUg",
         "SimSecretAlice4Rk8WzT2yQm6NvPb9XcJf1HsLd7GtUa3EoKiVxYn5MqBwZpRhC")
BOB = ("SimKeyBob7mQ2xVtR9pLw4ZcYh8Nf3KsJ6bGd1uEoXa5TqMvWnPrHyBkCiLzUgFj",
       "SimSecretBob4Rk8WzT2yQm6NvPb9XcJf1HsLd7GtUa3EoKiVxYn5MqBwZpRhCjF")


def hand_over(sockets):
    """As systemd does it: {name: socket} from descriptor 3 on. Returns arguments for Popen, and what to close then."""
    high = [fcntl.fcntl(s.fileno(), fcntl.F_DUPFD, 100) for s in sockets.values()]

    def place():
        for i, fd in enumerate(high):
            os.dup2(fd, 3 + i)

    return high, {"preexec_fn": place, "pass_fds": tuple(range(3, 3 + len(high)))}


class Program:
    """A weir subcommand that says where it listens, if need be at @sockets that it is given. @before: a command that
    becomes it."""

    def __init__(self, *args, env=None, sockets=None, preexec_fn=None, before=()):
        self.args = [*before, WEIR, *args]
        self.port = None
        self._lines, self._rest = [], b""
        self._lock = threading.Lock()
        env = {**os.environ, **(env or {})}
        high, options = [], {"preexec_fn": preexec_fn}
        if sockets:
            high, options = hand_over(sockets)
            env.update(LISTEN_FDS=str(len(sockets)), LISTEN_FDNAMES=":".join(sockets))
            # The shell's id becomes the program's: LISTEN_PID has to name it.
            self.args = ["/bin/sh", "-c", 'LISTEN_PID=$$ exec "$@"', "sh", *self.args]
        self.process = subprocess.Popen(self.args, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=env, **options)
        self._said = self.process.stdout.fileno()
        os.set_blocking(self._said, False)
        for fd in high:
            os.close(fd)
        self._listening = threading.Event()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        if not self._listening.wait(60) or self.port is None:
            self.kill()
            raise RuntimeError(f"{self.args} does not listen: {self.lines}")

    def _take(self):
        """All that was said by now. Return: False at the end."""
        with self._lock:
            while True:
                try:
                    data = os.read(self._said, 65536)
                except BlockingIOError:
                    return True
                *lines, self._rest = (self._rest + data).split(b"\n")
                if not data and self._rest:
                    lines, self._rest = [self._rest], b""
                self._lines += [line.decode(errors="replace").rstrip() for line in lines]
                if not data:
                    return False

    def _read(self):
        poll = select.poll()
        poll.register(self._said, select.POLLIN)
        while self._take():
            if self.port is None and (match := next(filter(None, map(LISTENING.search, self._lines)), None)):
                self.port = int(match.group(2))
                self._listening.set()
            poll.poll()
        self._listening.set()

    @property
    def lines(self):
        """All that it has said by now, whether the thread that reads it has had its turn or not: what was said before
        an answer is there when the answer is."""
        self._take()
        return list(self._lines)

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    def logged(self, event):
        return [line for line in self.lines if f"event={event} " in line]

    def kill(self):
        """As a power cut would."""
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self._reader.join(2)

    def stop(self, timeout=15):
        """In order. Returns the exit code."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(timeout)
        self._reader.join(2)
        return code

    def __enter__(self):
        return self

    def check_sanitizers(self):
        if any(REPORT.search(line) for line in self.lines):
            raise AssertionError("\n".join([" ".join(self.args), *self.lines]))

    def __exit__(self, *failure):
        # Leaks are looked for at an orderly end only.
        if IS_SANITIZED and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(15)
            except subprocess.TimeoutExpired:
                pass
        self.kill()
        if not any(failure):
            self.check_sanitizers()


class Sim(Program):
    def __init__(self, *args):
        super().__init__("sim", "--listen", "127.0.0.1:0", *args)

    def admin(self, path, method="GET", body=None):
        status, _, text = fetch(self.port, path, method, body)
        assert status == 200, (path, status, text)
        return json.loads(text) if text else None

    def books(self):
        return self.admin("/sim/books")

    def pool(self, name="spot"):
        """The books of one product, as counted for this machine."""
        return next((b for b in self.books()["books"] if b["pool"] == name and "windows" in b), None)

    def requests(self, last=1000):
        return self.admin(f"/sim/requests?last={last}")

    def faults(self, script):
        self.admin("/sim/faults", "POST", script)


def eventually(condition, seconds=60):
    """Waits for what another process is about to do; how long that takes is for the machine to say."""
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until, "it did not happen"
        time.sleep(0.01)


class Gateway(Program):
    def __init__(self, upstream, region, *args, **how):
        place = [] if how.get("sockets") else ["--listen", "127.0.0.1:0"]
        super().__init__("gateway", *place, "--upstream", upstream,
                         "--region", str(region), *args, **how)


def fetch(port, path, method="GET", body=None, headers=None, timeout=60):
    """One request on a connection of its own. Returns status, headers, body."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout)
    try:
        connection.request(method, path, body=body, headers=headers or {})
        response = connection.getresponse()
        return response.status, {k.lower(): v for k, v in response.getheaders()}, response.read()
    finally:
        connection.close()


def raw(port, data, timeout=5, close_after=False):
    """Sends bytes as they are and returns all that comes back until the other side closes or is silent."""
    with socket.create_connection(("127.0.0.1", port), timeout=timeout) as s:
        s.sendall(data)
        if close_after:
            s.shutdown(socket.SHUT_WR)
        received = b""
        s.settimeout(timeout)
        try:
            while True:
                piece = s.recv(65536)
                if not piece:
                    break
                received += piece
        except (socket.timeout, ConnectionResetError):
            pass
        return received


def sign(secret, query):
    return hmac.new(secret.encode(), query.encode(), hashlib.sha256).hexdigest()


def signed(params, secret, recv_window=5000, skew_ms=0):
    """A query string with timestamp and signature, as a client makes it whose clock is ahead by @skew_ms."""
    query = urlencode({**params, "recvWindow": recv_window, "timestamp": int(time.time() * 1000) + skew_ms})
    return query + "&signature=" + sign(secret, query)


class RawUpstream:
    """A server that keeps every byte it is sent, and answers, or fails, as it is told.

    answer(method, target, body) returns the bytes of a reply, or one of the words
    "reset" (read the request, then reset), "close" (read it, then close), "silent" (never answer).
    """

    OK = (b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nX-MBX-USED-WEIGHT-1M: 1\r\n"
          b"Content-Length: 2\r\n\r\n{}")

    def __init__(self, answer=None, limits=()):
        """limits: (type, interval, number, limit), as exchangeInfo shows them."""
        self.info = json.dumps({"rateLimits": [
            dict(zip(("rateLimitType", "interval", "intervalNum", "limit"), limit)) for limit in limits
        ]}).encode()
        self.answer = answer or (lambda method, target, body: self.OK)
        self.requests = []  # (method, target, header lines, body), as received
        self.lock = threading.Lock()
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=512)
        self.port = self.listener.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection):
        buffer = b""
        try:
            while True:
                while b"\r\n\r\n" not in buffer:
                    piece = connection.recv(65536)
                    if not piece:
                        return
                    buffer += piece
                head, buffer = buffer.split(b"\r\n\r\n", 1)
                lines = head.split(b"\r\n")
                method, target, _ = lines[0].split(b" ")
                length = 0
                for line in lines[1:]:
                    if line.lower().startswith(b"content-length:"):
                        length = int(line.split(b":")[1])
                while len(buffer) < length:
                    buffer += connection.recv(65536)
                body, buffer = buffer[:length], buffer[length:]
                if not target.endswith(b"/time") and b"exchangeInfo" not in target:
                    with self.lock:
                        self.requests.append((method, target, lines[1:], body))
                if not self._reply(connection, method, target, body):
                    return
        except OSError:
            pass
        finally:
            connection.close()

    def _reply(self, connection, method, target, body):
        if target.endswith(b"/time"):
            text = b'{"serverTime":%d}' % int(time.time() * 1000)
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(text), text))
            return True
        if b"/exchangeInfo" in target:
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" %
                               (len(self.info), self.info))
            return True
        reply = self.answer(method, target, body)
        if reply == "reset":
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
            return False
        if reply == "close":
            return False
        if reply == "silent":
            connection.recv(1)
            return False
        connection.sendall(reply)
        return True

    def seen(self):
        with self.lock:
            return list(self.requests)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.listener.close()
