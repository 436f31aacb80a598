"""Everything that a run consists of: an exchange, a store, hosts, and what they ask for."""
import contextlib
import json
import mmap
import os
import random
import re
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from pathlib import Path

import net

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path[:0] = [str(ROOT / "bench" / "hosts"), str(ROOT / "bench" / "yield")]
import demand  # noqa: E402

WEIR = os.environ.get("WEIR", str(ROOT / "build" / "weir"))
LISTENING = re.compile(r"listening on (?:http://)?127\.0\.0\.1:(\d+)")
ACCOUNT = re.compile(r"account alice key (\S+) secret (\S+)")
WINDOW_MS, LIMIT = 2000, 600
MIX = [{"target": "/api/v3/ping", "weight": 1}]
POLLERS, ORDERS_PER_S = 48, 4
# A replica that is silent for so long is not asked; a master is down after that.
SENTINEL_DOWN_MS = 600


class Broken(Exception):
    """The run cannot go on: a sentence for the user."""


def free_port():
    """Below those that the kernel gives to who connects (ip_local_port_range): one of thousands of
    connections would have it before who is to listen there."""
    while True:
        port = random.SystemRandom().randrange(12000, 32000)
        with contextlib.suppress(OSError), socket.socket() as s:
            s.bind(("127.0.0.1", port))
            return port


def until_true(condition, what, seconds=10):
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise Broken(f"not within {seconds} s: {what}")
        time.sleep(0.01)


def get(url, body=None):
    with urllib.request.urlopen(urllib.request.Request(url, data=body), timeout=10) as reply:
        return reply.read()


class Process:
    """A program whose lines are kept, each with the moment when it came."""

    def __init__(self, command, env=None):
        self.lines, self.command = [], command
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                                        errors="replace", env={**os.environ, **(env or {})})
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()

    def _read(self):
        for line in self.process.stdout:
            self.lines.append((time.monotonic(), line.rstrip()))

    def await_line(self, pattern, seconds=15):
        end = time.monotonic() + seconds
        while True:
            for _, line in list(self.lines):
                if found := re.search(pattern, line):
                    return found
            if self.process.poll() is not None or time.monotonic() > end:
                raise Broken(f"{' '.join(self.command[:2])} does not say {pattern!r}: {self.lines[-8:]}")
            time.sleep(0.01)

    def signal(self, number):
        with contextlib.suppress(ProcessLookupError):
            self.process.send_signal(number)

    def kill(self):
        """As a power cut."""
        self.process.kill()
        self.process.wait()
        self.reader.join(2)

    @property
    def runs(self):
        return self.process.poll() is None


class Clock:
    """The wall clock of one machine; see clock_step.c."""

    def __init__(self, path, library):
        path.write_bytes(struct.pack("=q", 0))
        with open(path, "r+b") as file:
            self.map = mmap.mmap(file.fileno(), 8)
        self.env = {"LD_PRELOAD": str(library), "CLOCK_STEP": str(path)}

    def step(self, seconds):
        now, = struct.unpack("=q", self.map[:])
        self.map[:] = struct.pack("=q", now + int(seconds * 1e6))


class Redis:
    """One server; what it knows is on its disk if it `keeps` it."""

    def __init__(self, stage, name, *options, port=None):
        self.stage, self.name, self.options = stage, name, options
        self.port = port or free_port()
        self.folder = stage.folder / name
        self.folder.mkdir()
        self.clock = Clock(stage.folder / f"{name}.clock", stage.clock_library)
        self.process = None
        self.start(is_new=True)

    def start(self, is_new=False):
        command = [shutil.which("redis-server") or "valkey-server", "--port", str(self.port), "--bind", "0.0.0.0",
                   "--protected-mode", "no", "--save", "", "--appendonly", "yes", "--appendfsync", "everysec",
                   "--repl-diskless-sync-delay", "0", "--dir", str(self.folder), *self.options]
        self.process = Process(self.stage.net.inside(command) if not self.stage.plan.has_sentinel else command, self.clock.env)
        if is_new:
            self.process.await_line("Ready to accept connections")

    def ask(self, *words, timeout=5):
        """One command, over no wire of any host's. Empty: no answer."""
        script = ["redis-cli", "-p", str(self.port), *words]
        if not self.stage.plan.has_sentinel:
            script = self.stage.net.inside(script)
        try:
            return subprocess.run(script, capture_output=True, text=True, timeout=timeout, check=False).stdout.strip()
        except subprocess.TimeoutExpired:
            return ""

    def forget_all(self):
        for kept in self.folder.iterdir():
            shutil.rmtree(kept) if kept.is_dir() else kept.unlink()


class Host:
    def __init__(self, stage, i):
        self.stage, self.i, self.name = stage, i, f"host{i}"
        self.port = free_port()
        self.wire = i
        self.clock = Clock(stage.folder / f"{self.name}.clock", stage.clock_library)
        self.region = stage.folder / f"region{i}"
        self.processes = []
        self.is_wanted = False

    def start(self):
        self.is_wanted = True
        command = [WEIR, "gateway", "--listen", f"127.0.0.1:{self.port}", "--upstream", self.stage.exchange,
                   "--region", str(self.region), "--set", "rate_ceiling=0"]
        if self.stage.has_store:
            command += ["--store", self.stage.store_url(self.i), "--set", f"store.host={self.name}",
                        "--set", f"store.grace={self.stage.plan.grace}"]
        self.processes.append(Process(command, self.clock.env))

    def kill(self, is_wanted):
        self.is_wanted = is_wanted
        self.processes[-1].kill()

    def events(self, name):
        """When the log said so, of all its lives."""
        return [at for process in self.processes for at, line in list(process.lines) if f"event={name} " in line + " "]

    @property
    def runs(self):
        return bool(self.processes) and self.processes[-1].runs


class Stage(contextlib.ExitStack):
    def __init__(self, plan, has_store=True, has_relays=False):
        super().__init__()
        self.plan, self.has_store = plan, has_store
        fast = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
        self.folder = Path(tempfile.mkdtemp(prefix=f"weir-faults-{plan.seed}-", dir=fast))
        self.callback(shutil.rmtree, self.folder, ignore_errors=True)
        self.clock_library = clock_library(self.folder)
        self.net = self.enter_context(net.Relays() if has_relays or plan.has_sentinel else net.Namespace())
        self.hosts, self.sentinels, self.replica = [], [], None
        self.pause = threading.Lock()  # while the store is paused
        self.callback(self._end_processes)
        self.sim = Process([WEIR, "sim", "--listen", "127.0.0.1:0", "--limit",
                            f"spot-weight={LIMIT}/{WINDOW_MS // 1000}s,spot-raw=0,spot-orders=100000/10s,spot-orders-long=0",
                            "--latency", plan.latency, "--record", "20000", "--seed", str(plan.seed)])
        self.exchange = f"http://127.0.0.1:{self.sim.await_line(LISTENING).group(1)}"
        self.key, self.secret = self.sim.await_line(ACCOUNT).groups()
        self.store = Redis(self, "store")
        if plan.has_sentinel:
            self._sentinels()
        for i in range(plan.hosts + sum(f.kind == "host added" for f in plan.faults)):
            self.hosts.append(Host(self, i))
        self.addresses = [self.net.wire(self.store.port) for _ in self.hosts]
        self.load = None

    def _sentinels(self):
        self.replica = Redis(self, "replica", "--replicaof", "127.0.0.1", str(self.store.port))
        until_true(lambda: "master_link_status:up" in self.replica.ask("INFO", "replication"), "the replica follows")
        for i in range(3):
            port = free_port()
            config = self.folder / f"sentinel{i}.conf"
            config.write_text(f"port {port}\nbind 127.0.0.1\nsentinel monitor books 127.0.0.1 {self.store.port} 2\n"
                              f"sentinel down-after-milliseconds books {SENTINEL_DOWN_MS}\n"
                              "sentinel failover-timeout books 3000\n")
            process = Process([shutil.which("redis-server") or "valkey-server", str(config), "--sentinel"])
            process.port = port
            self.sentinels.append(process)
        for s in self.sentinels:
            until_true(lambda s=s: re.search(r"slaves=1,sentinels=3", self.ask_sentinel(s, "INFO", "sentinel")),
                       "the sentinels know each other and the replica")

    def ask_sentinel(self, sentinel, *words):
        return subprocess.run(["redis-cli", "-p", str(sentinel.port), *words], capture_output=True, text=True,
                              timeout=20, check=False).stdout

    def master_port(self):
        """As the first sentinel that answers has it."""
        for sentinel in self.sentinels:
            lines = self.ask_sentinel(sentinel, "SENTINEL", "get-master-addr-by-name", "books").split()
            if len(lines) == 2:
                return int(lines[1])
        return None

    def master(self):
        """The server that hosts talk to."""
        return self.replica if self.replica and self.master_port() == self.replica.port else self.store

    def await_settled(self):
        """With a Sentinel: there is a master, and the other one follows it. A grant wants a replica that
        has it, so before that nothing can be well again."""
        if self.replica:
            until_true(lambda: all(word in self.master().ask("INFO", "replication")
                                   for word in ("role:master", "connected_slaves:1")), "one is master, the other follows", 40)

    def store_url(self, i):
        if self.plan.has_sentinel:
            places = ",".join(f"127.0.0.1:{s.port}" for s in self.sentinels)
            return f"redis+sentinel://{places}/books"
        wire = self.addresses[i]
        return f"redis://127.0.0.1:{wire.port}" if isinstance(wire, net.Relay) else f"redis://{wire}:{self.store.port}"

    def start_hosts(self):
        """Those of the beginning."""
        first = self.hosts[:self.plan.hosts]
        for host in first:
            host.start()
        for host in first:
            host.processes[0].await_line(LISTENING)
        # The first request brings the product into use. Until then the limits are those of the tables, which
        # are the real exchange's and not this one's.
        for host in first:
            threading.Thread(target=get, args=(f"http://127.0.0.1:{host.port}/api/v3/time",), daemon=True).start()
        for host in first:
            host.processes[0].await_line(rf"kind=weight limit={LIMIT} per_ms={WINDOW_MS}")

    def start_load(self):
        """What all hosts ask for, those that come later too. Returns when it begins (monotonic)."""
        wanted = demand.hosts(len(self.hosts), self.plan.pattern, LIMIT, WINDOW_MS, POLLERS, ORDERS_PER_S)
        for host, ours in zip(wanted, self.hosts):
            host["port"] = ours.port
        config = {"hosts": wanted, "mix": MIX, "window_ms": WINDOW_MS, "skew_ms": 0, "key": self.key, "secret": self.secret}
        self.load = subprocess.Popen([sys.executable, "-B", str(ROOT / "bench" / "hosts" / "load.py"), json.dumps(config)],
                                     stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.load.stdout.readline()
        self.load.stdin.write(f"{int(time.time() * 1000) + 600000}\n")
        self.load.stdin.flush()
        return time.monotonic()

    def books(self):
        return json.loads(get(self.exchange + "/sim/books"))

    def _end_processes(self):
        if self.plan and getattr(self, "load", None):
            self.load.kill()
            self.load.wait()
        kept = [self.sim, *self.sentinels, *(p for h in self.hosts for p in h.processes),
                *(r.process for r in (getattr(self, "store", None), self.replica) if r)] if hasattr(self, "sim") else []
        for process in kept:
            process.signal(signal.SIGCONT)
            process.kill()

    def keep_logs(self, folder):
        """For whoever looks into what went wrong."""
        folder.mkdir(parents=True, exist_ok=True)
        began = self.began
        for name, processes in [("sim", [self.sim]), ("store", [self.store.process]), *(
                (h.name, h.processes) for h in self.hosts), *((f"sentinel{i}", [s]) for i, s in enumerate(self.sentinels))]:
            text = [f"{at - began:9.3f} {line}" for process in processes for at, line in process.lines]
            (folder / f"{name}.log").write_text("\n".join(text) + "\n")
        (folder / "books.json").write_text(json.dumps(self.books(), indent=1))
        (folder / "requests.json").write_bytes(get(self.exchange + "/sim/requests?last=20000"))


def clock_library(folder):
    """Built once for all runs, where ctest or `run` says."""
    given = os.environ.get("WEIR_CLOCK_STEP")
    if given and Path(given).exists():
        return Path(given)
    made = folder / "clock_step.so"
    subprocess.run(["cc", "-O2", "-shared", "-fPIC", "-o", str(made), str(HERE / "clock_step.c")], check=True)
    return made
