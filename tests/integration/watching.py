"""What the tests of `weir positions` share: an account at a simulated exchange, a watcher, a terminal."""
import collections
import fcntl
import json
import os
import pty
import re
import select
import signal
import struct
import subprocess
import termios
import threading
import time

from support import ALICE, REPORT, WEIR, Gateway, Sim, eventually, fetch

WAYS = ("gateway", "alone")
OWN = re.compile(r"/[fd]api/v\d/(time|ping|exchangeInfo)\b")


class Desk:
    """One account at one exchange, in one of the two ways."""

    def __init__(self, way, folder, *sim):
        self.folder, self.way = folder, way
        self.sim = Sim("--limit", "futures-orders=100000/10s,futures-orders-long=100000/1m", *sim)
        self.gateway = None
        self.where = ["--base", self.sim.url, "--region", str(folder / "region")]
        self.env = {**os.environ, "BINANCE_API_KEY": ALICE[0], "BINANCE_API_SECRET": ALICE[1]}
        try:
            self.begin()
        except BaseException as failure:
            # Nobody else knows of what was started.
            self.__exit__(type(failure), failure, None)
            raise

    def begin(self):
        for symbol, price in (("BTCUSDT", 90000), ("ETHUSDT", 3000), ("BNBUSDT", 900)):
            self.price(symbol, price)
        if self.way == "gateway":
            self.gateway = Gateway(self.sim.url, self.folder / "region")
            fetch(self.gateway.port, "/fapi/v1/ping")
            eventually(lambda: self.gateway.logged("limit"))
            self.where = [f"--gateway={self.gateway.url}"]

    def __enter__(self):
        return self

    def __exit__(self, *failure):
        for program in (self.gateway, self.sim):
            if program:
                program.process.send_signal(signal.SIGCONT)
                program.__exit__(*failure)

    def price(self, symbol, price, market="usdm"):
        self.sim.admin(f"/sim/price?symbol={symbol}&market={market}&price={price}", "POST")

    def order(self, *words):
        done = subprocess.run([WEIR, "order", *words, *self.where, "--json"], env=self.env, capture_output=True,
                              text=True, timeout=60)
        assert done.returncode == 0, done
        return json.loads(done.stdout)

    def market(self, symbol, side, quantity, *words):
        return self.order("place", symbol, side, quantity, "--type", "market", *words)["order"]

    def once(self, *words, code=0):
        done = subprocess.run([WEIR, "positions", *self.where, *words], env=self.env, capture_output=True,
                              text=True, timeout=60)
        assert done.returncode == code and not REPORT.search(done.stderr), done
        return done

    def look(self, *words):
        return json.loads(self.once("--json", *words).stdout)

    def watch(self, *words):
        return Watcher([WEIR, "positions", "--watch=1", "--json", *self.where, *words], self.env)

    def spent(self):
        """Weight by the exchange's books, but for what weir asks for itself: time and limits."""
        book = self.sim.pool("futures")
        own = collections.Counter()
        for request in self.sim.requests():
            if OWN.search(request["target"]):
                own[request["target"]] += 1
        total = sum(w["used"] for w in [*book["windows"], book["now"]])
        return total - sum(own.values())


class Watcher:
    """weir positions --watch --json, as it goes."""

    def __init__(self, args, env):
        self.process = subprocess.Popen(args, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.documents, self.errors = [], []
        self.seen = 0
        self.readers = [threading.Thread(target=self.read, daemon=True),
                        threading.Thread(target=self.read_errors, daemon=True)]
        for reader in self.readers:
            reader.start()

    def read(self):
        for line in self.process.stdout:
            self.documents.append(json.loads(line))

    def read_errors(self):
        for line in self.process.stderr:
            self.errors.append(line)

    def until(self, condition, seconds=20):
        """The first document from here on that is so."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            while self.seen < len(self.documents):
                self.seen += 1
                if condition(self.documents[self.seen - 1]):
                    return self.documents[self.seen - 1]
            time.sleep(0.01)
        raise AssertionError(("it was not told", self.documents[-3:], self.errors))

    def event(self, name, symbol=None, seconds=20):
        return self.until(lambda d: d.get("event") == name and (not symbol or d["symbol"] == symbol), seconds)

    def check(self, ok=True):
        """One that begins from now on: the second to end."""
        self.seen = len(self.documents)
        for _ in range(2):
            found = self.until(lambda d: d["type"] == "check" and d["ok"] is ok)
        return found

    def events(self):
        return [d["event"] for d in self.documents if d["type"] == "event"]

    def __enter__(self):
        return self

    def __exit__(self, *failure):
        if self.process.poll() is None:
            self.process.terminate()
        self.process.wait(10)
        for reader in self.readers:
            reader.join(2)
        if not any(failure):
            assert not any(REPORT.search(line) for line in self.errors), "".join(self.errors)


class Terminal:
    """A terminal of 100 columns that a command runs on."""

    def __init__(self, args, env, columns=100, rows=30):
        self.output = b""
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.execve(args[0], args, env)
        self.resize(columns, rows)

    def resize(self, columns, rows=30):
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def read(self, seconds=0.1):
        while select.select([self.fd], [], [], seconds)[0]:
            try:
                piece = os.read(self.fd, 65536)
            except OSError:
                return False
            if not piece:
                return False
            self.output += piece
        return True

    def until(self, what, seconds=15):
        end = time.monotonic() + seconds
        while what not in self.output:
            assert time.monotonic() < end, self.output
            self.read()

    def end(self):
        """Ctrl-C. Returns how it ended."""
        os.write(self.fd, b"\x03")
        while self.read(1):
            pass
        _, status = os.waitpid(self.pid, 0)
        os.close(self.fd)
        return os.waitstatus_to_exitcode(status)
