"""Starts and stops what the integration tests talk to: the simulated exchange and the gateway.

Everything listens on a port that the kernel chose, on loopback, and lives in a folder of its own.
The program under test is $WEIR, else build/weir.
"""
import hashlib
import hmac
import http.client
import json
import os
import re
import signal
import socket
import subprocess
import threading
import time
from pathlib import Path
from urllib.parse import urlencode

ROOT = Path(__file__).resolve().parents[2]
WEIR = os.environ.get("WEIR", str(ROOT / "build" / "weir"))
LISTENING = re.compile(r"listening on ([0-9.]+):(\d+)")


class Program:
    """A weir subcommand that says on stderr where it listens."""

    def __init__(self, *args, env=None):
        self.args = [WEIR, *args]
        self.lines = []
        self.port = None
        self.process = subprocess.Popen(self.args, stderr=subprocess.PIPE, text=True,
                                        stdout=subprocess.DEVNULL, env={**os.environ, **(env or {})})
        self._listening = threading.Event()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        if not self._listening.wait(10) or self.port is None:
            self.kill()
            raise RuntimeError(f"{self.args} does not listen: {self.lines}")

    def _read(self):
        for line in self.process.stderr:
            self.lines.append(line.rstrip())
            match = LISTENING.search(line)
            if match and self.port is None:
                self.port = int(match.group(2))
                self._listening.set()
        self._listening.set()

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

    def __exit__(self, *_):
        self.kill()


class Sim(Program):
    def __init__(self, *args):
        super().__init__("sim", "--listen", "127.0.0.1:0", *args)

    def admin(self, path, method="GET", body=None):
        status, _, text = fetch(self.port, path, method, body)
        assert status == 200, (path, status, text)
        return json.loads(text) if text else None

    def books(self):
        return self.admin("/sim/books")

    def requests(self, last=1000):
        return self.admin(f"/sim/requests?last={last}")

    def faults(self, script):
        self.admin("/sim/faults", "POST", script)


class Gateway(Program):
    def __init__(self, upstream, region, *args, env=None):
        super().__init__("gateway", "--listen", "127.0.0.1:0", "--upstream", upstream,
                         "--region", str(region), *args, env=env)


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


def signed(params, secret, recv_window=5000):
    """A query string with timestamp and signature, as a client makes it."""
    query = urlencode({**params, "recvWindow": recv_window, "timestamp": int(time.time() * 1000)})
    return query + "&signature=" + sign(secret, query)
