"""What one row stands on: an exchange, a Redis, and hosts. A host is a process of its own with a region
of its own, which shares nothing with the others but the store."""
import json
import os
import re
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import demand
from books import percentile
from stand import LIBRARY, ROOT, Broken, Program, Stand, get

HERE = Path(__file__).resolve().parent
LOAD = [sys.executable, str(HERE / "load.py")]
PEER = ["node", str(HERE / "host.mjs")]
# What a store is asked to do at once, whatever it does inside. A script's own commands are counted beside it.
OPERATIONS = ("eval", "evalsha", "fcall")
BETWEEN = re.compile(r"^cmdstat_([a-z|_-]+):calls=(\d+)", re.MULTILINE)


def redis_ask(port, *words):
    """One command of Redis; the answer as it is on the wire."""
    with socket.create_connection(("127.0.0.1", port), timeout=10) as s, s.makefile("rb") as replies:
        s.sendall(b"*%d\r\n" % len(words) + b"".join(b"$%d\r\n%s\r\n" % (len(w), w) for w in
                                                    (word.encode() for word in words)))
        head = replies.readline()
        if head[:1] == b"$" and int(head[1:]) >= 0:
            return replies.read(int(head[1:]) + 2).decode()
        return head.decode()


def operations(port):
    calls = dict(BETWEEN.findall(redis_ask(port, "INFO", "commandstats")))
    return sum(int(calls.get(name, 0)) for name in OPERATIONS)


class Fleet(Stand):
    def __init__(self, *, window_ms=demand.WINDOW_MS, limit=demand.LIMIT):
        super().__init__(window_ms, limit)
        self.store = self.redis()
        self.seen = {}

    def host(self, name, has_store):
        """A gateway with a region of its own. Returns its port."""
        args = ["--listen", "127.0.0.1:0", "--upstream", f"http://127.0.0.1:{self.sim.port}",
                "--region", f"{self.folder}/region-{name}", "--set", "rate_ceiling=0"]
        if has_store:
            args += ["--store", f"redis://127.0.0.1:{self.store}", "--set", f"store.host={name}"]
        program = Program(f"{self.folder}/{name}.log", "gateway", *args)
        self.callback(program.end)
        return program

    def weir(self, wanted, has_store):
        """All hosts, and one program that loads them."""
        programs = [self.host(host["name"], has_store) for host in wanted]
        # The first request brings the product into use.
        warm = [threading.Thread(target=get, args=(f"http://127.0.0.1:{p.port}/api/v3/time",)) for p in programs]
        for thread in warm:
            thread.start()
        for thread in warm:
            thread.join()
        for program in programs:
            program.await_text(rf"kind=weight limit={self.limit} per_ms={self.window_ms}")
        self.load(LOAD, {"hosts": [{**h, "port": p.port} for h, p in zip(wanted, programs)]}, "weir")

    def peers(self, wanted, limiter):
        for host in wanted:
            self.load(PEER, {"hosts": [host], "redis": self.store, **limiter}, limiter["kind"])

    def load(self, command, config, kind):
        config = {"kind": kind, "mix": demand.MIX, **config}
        # The stand puts the rest to it.
        self.worker(config, command)

    def count_operations(self, _stand, first, last):
        """Of the full windows: an errand of Stand.run."""
        for name, window in (("before", first), ("after", last)):
            time.sleep(max(0, window * self.window_ms - self.exchange_ms()) / 1000)
            self.seen[name] = operations(self.store)

    def measure(self, windows):
        first, results = self.run(windows, [self.count_operations])
        return summary(self, first, windows, results)


def summary(fleet, first, windows, results):
    books = fleet.admin("/sim/books")
    spot = next(b for b in books["books"] if b["pool"] == "spot" and "windows" in b)
    counted = {w["window"]: w for w in [*spot["windows"], spot["now"]]}
    full = [counted.get(w, {"used": 0, "requests": 0}) for w in range(first, first + windows)]
    orders = [(at, us) for result in results for at, us in result["orders"]
              if first <= at // fleet.window_ms < first + windows]
    statuses = {}
    for result in results:
        for status, n in result["statuses"].items():
            statuses[status] = statuses.get(status, 0) + n
    requests = sum(w["requests"] for w in full)
    ops = fleet.seen["after"] - fleet.seen["before"]
    yields = [min(1, w["used"] / fleet.limit) for w in full]
    row = {"yield_mean": sum(yields) / windows, "yield_worst": min(yields), "yields": yields,
           "over": sum(max(0, w["used"] - fleet.limit) for w in counted.values()),
           "refused_429": books["status429"], "refused_418": books["status418"],
           "requests": requests, "operations": ops, "operations_per_request": ops / max(1, requests),
           "orders": len(orders), "statuses": statuses}
    # In the first half of a window there is something left everywhere.
    warm = [us for at, us in orders if at % fleet.window_ms < fleet.window_ms / 2]
    for name, waits in (("order", [us for _, us in orders]), ("warm", warm)):
        waits.sort()
        for key, share in (("p50", 0.5), ("p99", 0.99)):
            row[f"{name}_{key}_ms"] = percentile(waits, share) / 1000 if waits else None
    return row


def region_admissions(fleet, n=200):
    """The same on a host of weir's, whose programs ask nobody but the region."""
    env = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1", "WEIR_LIBRARY": LIBRARY, "PYTHONPATH": str(ROOT / "python")}
    done = subprocess.run([sys.executable, str(HERE / "claim.py"), f"{fleet.folder}/region-host0", str(n),
                           str(fleet.window_ms)], capture_output=True, text=True, env=env, timeout=60, check=False)
    try:
        return json.loads(done.stdout)
    except ValueError:
        raise Broken(f"a program with libweir failed: {done.stderr[-500:]}") from None


def admissions(redis_port, limiter, processes, at_once, seconds):
    """What asking the store costs when there is room: several hosts ask as fast as they can."""
    config = json.dumps({**limiter, "redis": redis_port, "at_once": at_once, "seconds": seconds})
    asking = [subprocess.Popen(["node", str(HERE / "ask.mjs"), config], stdin=subprocess.PIPE,
                               stdout=subprocess.PIPE, text=True) for _ in range(processes)]
    try:
        for process in asking:
            process.stdout.readline()
        for process in asking:
            process.stdin.write("\n")
            process.stdin.flush()
        told = [json.loads(process.communicate(timeout=seconds + 30)[0]) for process in asking]
    finally:
        for process in asking:
            process.kill()
            process.wait()
    return {"per_s": sum(t["admitted"] / t["seconds"] for t in told), "each_us": sum(t["each_us"] for t in told) / processes}
