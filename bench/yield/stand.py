"""What one measurement stands on: an exchange of its own, what is in front of it, and the processes
whose bots use it. All of it ends with the stand."""
import contextlib
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
WEIR = os.environ.get("WEIR", str(ROOT / "build" / "weir"))
LIBRARY = os.environ.get("WEIR_LIBRARY", str(Path(WEIR).resolve().parent / "libweir.so.0.1"))
LISTENING = re.compile(r"listening on (?:http://)?127\.0\.0\.1:(\d+)")
ACCOUNT = re.compile(r"account alice key (\S+) secret (\S+)")
RECORD = 100000


# All processes of ours: whoever breaks the bench off ends them, and with them what waits for them.
started = []


class Broken(Exception):
    """The bench cannot go on: a sentence for the user."""


def start(command, **how):
    started.append(subprocess.Popen(command, **how))
    return started[-1]


def end_all():
    for process in started:
        process.kill()


class Program:
    """A weir subcommand. What it says goes to a file."""

    def __init__(self, log, *args):
        self.log = Path(log)
        with open(log, "wb") as out:
            self.process = start([WEIR, *args], stdout=out, stderr=out)
        self.port = int(self.await_text(LISTENING).group(1))

    def await_text(self, pattern, seconds=30):
        until = time.monotonic() + seconds
        while not (found := re.search(pattern, self.log.read_text(errors="replace"))):
            if self.process.poll() is not None or time.monotonic() > until:
                raise Broken(f"{' '.join(self.process.args[:2])} does not say {pattern!r}: "
                             f"{self.log.read_text(errors='replace')[-500:]}")
            time.sleep(0.02)
        return found

    def end(self):
        self.process.kill()
        self.process.wait()


class Worker:
    """A process with bots in it; @command: the program, if it is none of those here."""

    def __init__(self, config, command=None):
        is_node = config["kind"] in ("ccxt", "bottleneck")
        command = command or (["node", str(HERE / "worker.mjs")] if is_node else [sys.executable, str(HERE / "worker.py")])
        env = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1", "WEIR_LIBRARY": LIBRARY,
               "PYTHONPATH": str(ROOT / "python")}
        self.kind = config["kind"]
        self.errors = tempfile.TemporaryFile("w+")
        self.process = start([*command, json.dumps(config)], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                             stderr=self.errors, text=True, env=env)

    def failed(self):
        self.errors.seek(0)
        return Broken(f"a program with {self.kind} failed: {self.errors.read()[-800:]}")

    def await_ready(self):
        if self.process.stdout.readline() != "ready\n":
            raise self.failed()

    def go(self, until_ms):
        """until_ms: by this machine's clock."""
        self.process.stdin.write(f"{until_ms}\n")
        self.process.stdin.flush()

    def result(self, seconds):
        try:
            text, _ = self.process.communicate(timeout=seconds)
            return json.loads(text)
        except (ValueError, subprocess.TimeoutExpired):
            raise self.failed() from None

    def end(self):
        self.process.kill()
        self.process.communicate()
        self.errors.close()


class Stand(contextlib.ExitStack):
    """An exchange whose windows have `limit` of `window_ms`; see the options of weir sim."""

    def __init__(self, window_ms, limit, *, latency="20~10", skew_ms=0, bans="10,20,40", faults="", firewall=0):
        super().__init__()
        self.window_ms, self.limit, self.skew_ms = window_ms, limit, skew_ms
        self.folder = tempfile.mkdtemp(prefix="weir-yield-", dir=fast_folder())
        self.callback(shutil.rmtree, self.folder, ignore_errors=True)
        self.callback(self._copy_logs)
        limits = f"spot-weight={limit}/{window_ms // 1000}s,spot-raw=0,spot-orders=100000/10s,spot-orders-long=0"
        args = ["--listen", "127.0.0.1:0", "--limit", limits, "--ban", bans, "--skew", str(skew_ms),
                "--record", str(RECORD), "--seed", "1"]
        if latency != "0":
            args += ["--latency", latency]
        if faults:
            Path(self.folder, "faults").write_text(faults)
            args += ["--faults", f"{self.folder}/faults"]
        if firewall:
            args += ["--waf", f"{firewall}/5"]
        self.sim = Program(f"{self.folder}/sim.log", "sim", *args)
        self.callback(self.sim.end)
        self.key, self.secret = self.sim.await_text(ACCOUNT).groups()
        self.region = f"{self.folder}/region"
        self.workers = []

    def _copy_logs(self):
        """For whoever looks into what went wrong."""
        if os.environ.get("WEIR_BENCH_LOGS"):
            shutil.copytree(self.folder, Path(os.environ["WEIR_BENCH_LOGS"], Path(self.folder).name),
                            ignore=shutil.ignore_patterns("region*"))

    def gateway(self, *settings):
        """Also where only the library is measured: it is the gateway that reads exchangeInfo and the
        exchange's time for a region."""
        args = ["--listen", "127.0.0.1:0", "--upstream", f"http://127.0.0.1:{self.sim.port}",
                "--region", self.region]
        for setting in settings:
            args += ["--set", setting]
        program = Program(f"{self.folder}/gateway.log", "gateway", *args)
        self.callback(program.end)
        # The first request brings the product into use.
        get(f"http://127.0.0.1:{program.port}/api/v3/time")
        program.await_text(rf"kind=weight limit={self.limit} per_ms={self.window_ms}")
        return program

    def redis(self):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        process = start(
            [shutil.which("redis-server") or "valkey-server", "--port", str(port), "--bind", "127.0.0.1",
             "--save", "", "--appendonly", "no", "--dir", self.folder, "--loglevel", "warning"],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.callback(process.wait)
        self.callback(process.kill)
        until = time.monotonic() + 10
        while True:
            try:
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
                return port
            except OSError:
                if time.monotonic() > until or process.poll() is not None:
                    raise Broken("redis-server does not listen") from None
                time.sleep(0.02)

    def worker(self, config, command=None):
        full = {"window_ms": self.window_ms, "limit": self.limit, "skew_ms": self.skew_ms, "share": 1,
                "port": self.sim.port, "region": self.region, "key": self.key, "secret": self.secret,
                "mix": "mixed", **config}
        worker = Worker(full, command)
        self.callback(worker.end)
        self.workers.append(worker)

    def exchange_ms(self):
        return time.time() * 1000 + self.skew_ms

    def run(self, windows, errands=()):
        """Lets all bots go for so many full windows, and a part of one before and after. errands:
        functions that are called with the first and the last full window's number, beside it.
        Returns the first full window's number, and what each process got."""
        for worker in self.workers:
            worker.await_ready()
        # Not so near to the turn that some begin before it and some after.
        while self.exchange_ms() % self.window_ms > 0.8 * self.window_ms:
            time.sleep(0.02)
        first = int(self.exchange_ms() // self.window_ms) + 1
        until_ms = int((first + windows) * self.window_ms + 400 - self.skew_ms)
        for worker in self.workers:
            worker.go(until_ms)
        beside = [threading.Thread(target=errand, args=(self, first, first + windows), daemon=True)
                  for errand in errands]
        for thread in beside:
            thread.start()
        seconds = until_ms / 1000 - time.time() + 30
        return first, [worker.result(seconds) for worker in self.workers]

    def admin(self, call, body=None):
        return json.loads(get(f"http://127.0.0.1:{self.sim.port}{call}", body) or b"null")


def fast_folder():
    return "/dev/shm" if os.access("/dev/shm", os.W_OK) else None


def get(url, body=None):
    with urllib.request.urlopen(urllib.request.Request(url, data=body), timeout=60) as reply:
        return reply.read()


def interrupted(*_):
    """So that what was started ends too."""
    raise KeyboardInterrupt


signal.signal(signal.SIGTERM, interrupted)
