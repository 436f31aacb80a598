"""Real servers for the tests of the store: each in a directory of its own, ended with it."""
import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

# A Valkey does as well: its programs are called otherwise and do the same.
PROGRAMS = {name: shutil.which(name) or shutil.which(name.replace("redis", "valkey"))
            for name in ("redis-server", "redis-sentinel")}
HAS_REDIS = PROGRAMS["redis-server"] is not None
ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools"))
from gen_function import source  # noqa: E402 pylint: disable=wrong-import-position

FUNCTION = source(ROOT / "src/lease")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def eventually(check, within=60.0, every=0.01):
    """The first true answer of check()."""
    end = time.monotonic() + within
    while True:
        answer = check()
        if answer:
            return answer
        assert time.monotonic() < end, f"not within {within} s: {check}"
        time.sleep(every)


class Answer(Exception):
    """An error that a server answered."""


class Resp:
    """A connection that speaks RESP2: all that these tests need of a client."""

    def __init__(self, where, password=None):
        family = socket.AF_UNIX if isinstance(where, str) else socket.AF_INET
        self.socket = socket.socket(family, socket.SOCK_STREAM)
        self.socket.settimeout(10)
        self.socket.connect(where if isinstance(where, str) else ("127.0.0.1", where))
        self.file = self.socket.makefile("rb", buffering=1 << 16)
        if password:
            self("AUTH", password)

    def send(self, *words):
        data = [w if isinstance(w, bytes) else str(w).encode() for w in words]
        self.socket.sendall(b"*%d\r\n" % len(data) + b"".join(b"$%d\r\n%s\r\n" % (len(w), w) for w in data))

    def receive(self):
        line = self.file.readline()
        if not line:
            raise ConnectionError("the server closed the connection")
        kind, rest = line[:1], line[1:-2]
        if kind == b"-":
            raise Answer(rest.decode())
        if kind == b":":
            return int(rest)
        if kind == b"$":
            return None if rest == b"-1" else self.file.read(int(rest) + 2)[:-2]
        if kind == b"*":
            return None if rest == b"-1" else [self.receive() for _ in range(int(rest))]
        return rest

    def __call__(self, *words):
        self.send(*words)
        return self.receive()

    def close(self):
        self.file.close()
        self.socket.close()


class Server:
    """A redis-server; options as in its file: {"requirepass": "x"}."""

    def __init__(self, directory, options=None, program="redis-server"):
        self.directory = Path(directory)
        self.directory.mkdir(parents=True, exist_ok=True)
        self.port = free_port()
        self.socket = str(self.directory / "redis.sock")
        self.program = program
        self.options = {"port": self.port, "bind": "127.0.0.1", "save": '""', "dir": str(self.directory)}
        if program == "redis-server":
            self.options.update({"unixsocket": self.socket, "repl-diskless-sync-delay": 0})
        self.options.update(options or {})
        self.process = None

    def start(self, wait=True):
        config = self.directory / "redis.conf"
        if self.program == "redis-server" or not config.exists():
            lines = [f"{key} {item}" for key, value in self.options.items()
                     for item in (value if isinstance(value, list) else [value])]
            config.write_text("\n".join(lines) + "\n")
        with open(self.directory / "log", "ab") as log:
            self.process = subprocess.Popen([PROGRAMS[self.program], str(config)], stdout=log, stderr=log)
        if wait:
            eventually(self.listens)
        return self

    def listens(self):
        port = self.options["port"] or self.options["tls-port"]
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            if "unixsocket" in self.options:
                Resp(self.socket).close()
            return True
        assert self.process.poll() is None, (self.directory / "log").read_text()
        return False

    def connect(self, password=None):
        return Resp(self.port, password)

    def kill(self, how=signal.SIGKILL):
        self.process.send_signal(how)
        if how not in (signal.SIGSTOP, signal.SIGCONT):
            self.process.wait()
            self.process = None

    def end(self):
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGCONT)
            self.process.kill()
            self.process.wait()


class Stage:
    """Directory and servers of one test."""

    def __init__(self):
        self.directory = Path(tempfile.mkdtemp(prefix="weir-store-"))
        self.started = []

    def server(self, options=None, program="redis-server", name=None, start=True):
        server = Server(self.directory / (name or f"s{len(self.started)}"), options, program)
        self.started.append(server)
        return server.start() if start else server

    def end(self):
        for thing in reversed(self.started):
            thing.end()
        shutil.rmtree(self.directory, ignore_errors=True)


class Lines:
    """store_lines: a host at the end of two pipes."""

    def __init__(self, stage, url, name="weir", password_file="-", ca_file="-"):
        self.log = open(stage.directory / f"lines{len(stage.started)}", "w+", encoding="utf-8")
        self.process = subprocess.Popen([os.environ["STORE_LINES"], url, name, str(password_file), str(ca_file)],
                                        stdin=subprocess.PIPE, stdout=self.log, text=True, bufsize=1)
        self.seen = 0
        self.asked = 0
        stage.started.append(self)

    def events(self):
        with open(self.log.name, encoding="utf-8") as log:
            return [line.rstrip("\n") for line in log.read().splitlines(keepends=True) if line.endswith("\n")]

    def tell(self, line):
        self.asked += line.startswith("op ")
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()

    def wait(self, *words, within=60.0):
        """The next event that begins with one of the words, whatever comes before it."""

        def look():
            events = self.events()
            for i in range(self.seen, len(events)):
                if events[i].startswith(words):
                    self.seen = i + 1
                    return events[i]
            return None

        try:
            return eventually(look, within)
        except AssertionError:
            raise AssertionError(f"no {words} after {self.seen} of {self.events()}") from None

    def ask(self, host, want):
        """One op's fate."""
        self.tell(f"op {host} {want}")
        return self.wait(*(f"{word} {self.asked}" for word in ("answer", "refused", "cannot", "lost")))

    def op(self, host="a", want=100):
        """The answer to an op; asked again each time that the connection went down before it came."""
        end = time.monotonic() + 120
        while not (fate := self.ask(host, want)).startswith("answer"):
            assert not fate.startswith("refused") and time.monotonic() < end, self.events()
            self.wait("up")
        return fate

    def lost(self, host="a", want=100):
        """Why the connection goes down under an op, when it is not for a machine that is too slow to answer."""
        while True:
            fate = self.ask(host, want)
            assert fate.startswith("lost"), fate
            why = self.events()[self.seen - 2]
            if "no answer within" not in why:
                return why
            self.wait("up")

    def end(self):
        if self.process.poll() is None:
            self.process.stdin.close()
        # 2: it could not begin, and said why. A sanitizer has other numbers.
        assert self.process.wait(10) in (0, 2), self.events()
        self.log.close()
