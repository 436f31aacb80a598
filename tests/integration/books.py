"""weir's books beside the exchange's: what `weir status` says is used, and what the simulator counted."""
import json
import subprocess
import time
from collections import defaultdict

from support import ALICE, WEIR, Gateway, Sim, eventually, fetch, signed

# Windows that no test sees the end of, but for those that are about it.
LONG = ("spot-weight=6000/5m,spot-raw=300000/5m,spot-orders=100/5m,spot-orders-long=200000/1d,"
        "futures-weight=2400/5m,futures-orders=300/5m,futures-orders-long=1200/1h")
# The pools that have another name there.
POOLS = {"funding": "fapi-funding", "futures-data": "fapi-futures-data"}


def early(span_s=300, room_s=10):
    """Not so late in a window that it ends during a test."""
    left = span_s - time.time() % span_s
    if left < room_s:
        time.sleep(left + 0.5)


def status(region):
    return json.loads(subprocess.run([WEIR, "status", "--json", "--region", str(region)],
                                     capture_output=True, check=True).stdout)


def weir_books(region):
    """(pool, span) to what is used of each counter, empty ones left out; None while something is in flight."""
    used = defaultdict(list)
    for budget in status(region)["budgets"]:
        if budget["in_flight"] or budget["held"]:
            return None
        if budget["used"]:
            used[budget["name"], budget["span_ms"] // 1000].append(budget["used"])
    return {key: sorted(values) for key, values in used.items()}


def sim_books(sim):
    """The same from the simulator."""
    used = defaultdict(list)
    books = sim.books()
    for book in books["books"]:
        for limit in book["limits"]:
            is_now = limit["window"] == books["serverTime"] // 1000 // limit["spanS"]
            if limit["used"] and is_now:
                name = limit["name"].removesuffix("-long").replace("options", "eapi")
                used[POOLS.get(name, name), limit["spanS"]].append(limit["used"])
    return {key: sorted(values) for key, values in used.items()}


def agree(sim, region, *apart):
    """All books are the same now, but for the pools named."""
    until = time.monotonic() + 3
    while True:
        theirs, ours = sim_books(sim), weir_books(region)
        both = [{k: v for k, v in (b or {}).items() if k[0] not in apart} for b in (theirs, ours)]
        if ours is not None and both[0] == both[1]:
            return both[0]
        if time.monotonic() > until:
            wrong = {k: (both[0].get(k), both[1].get(k)) for k in {**both[0], **both[1]}
                     if both[0].get(k) != both[1].get(k)}
            raise AssertionError(f"pool: (sim, weir): {wrong}")
        time.sleep(0.05)


RESTING = {"symbol": "BTCUSDT", "side": "BUY", "type": "LIMIT", "timeInForce": "GTC", "quantity": "0.001",
           "price": "50000"}


class Desk:
    """A simulator, a gateway before it, and what they are asked."""

    def __init__(self, folder, *gateway_args, sim=(), limits=LONG, config=None, skew_ms=0):
        self.region = folder / "region"
        self.skew_ms = skew_ms  # of the simulator's clock, by which requests are signed
        self.sim = Sim("--limit", limits, "--key", "alice:SecondKeyOfAlice:SecondSecret", *sim)
        if config is not None:
            self.config = folder / "weir.yaml"
            self.config.write_text(config)
            gateway_args = (*gateway_args, "--config", str(self.config))
        self.gateway = Gateway(self.sim.url, self.region, *gateway_args)

    def get(self, path, key=None, at=None):
        if key:
            path += ("&" if "?" in path else "?") + self.signed({}, key)
        return fetch(at or self.gateway.port, path, headers={"X-MBX-APIKEY": key[0]} if key else {})

    def send(self, method, path, key=ALICE, **params):
        return fetch(self.gateway.port, path + "?" + self.signed(params, key), method,
                     headers={"X-MBX-APIKEY": key[0]})

    def signed(self, params, key=ALICE):
        return signed(params, key[1], 60000, self.skew_ms)

    def spot(self, key=ALICE, **params):
        """Rests far below the price, unless told otherwise."""
        return self.send("POST", "/api/v3/order", key, **{**RESTING, **params})

    def signed_spot(self):
        return self.signed(RESTING)

    def market(self, key=ALICE):
        return self.send("POST", "/api/v3/order", key, symbol="BTCUSDT", side="BUY", type="MARKET",
                         quantity="0.001")

    def futures(self, key=ALICE, **params):
        return self.send("POST", "/fapi/v1/order", key, **{
            "symbol": "BTCUSDT", "side": "BUY", "type": "LIMIT", "timeInForce": "GTC", "quantity": "0.01",
            "price": "50000", **params})

    def agree(self, *apart):
        return agree(self.sim, self.region, *apart)

    def foreign(self):
        """Replies since the start that showed use by others."""
        return self.counter("foreign") - self.foreign_before

    def counter(self, name):
        return status(self.region)["counters"][name]

    def __enter__(self):
        early()
        # The limits are known before anything is sent that they are about.
        for path in ("/api/v3/ping", "/fapi/v1/ping"):
            assert self.get(path)[0] == 200
        eventually(lambda: len(self.gateway.logged("limit")) >= 7)
        self.foreign_before = self.counter("foreign")
        return self

    def __exit__(self, *failure):
        self.gateway.__exit__(*failure)
        self.sim.__exit__(*failure)
