"""The second table: weir under everything that makes a limiter waste or overspend. Each scenario has
an exchange and a region of its own; several run at the same time."""
import dataclasses
import http.client
import time
from typing import Optional

import books
from stand import Stand

SPIKES = "GET * 0.4% delay 3000\nGET * 0.4% slow 3000\n"
GOAL = 0.995
# Room for ten requests of 250, and for the few of weight 1 beside them: without that, one of those
# would cost a tenth of the window, and nobody could help it.
HEAVY = 2510


@dataclasses.dataclass
class Scenario:
    name: str
    face: str = "gateway"
    processes: int = 1
    window_s: int = 5
    limit: int = 2400
    mix: str = "mixed"
    latency: str = "20~10"
    spikes: bool = False
    skew_ms: int = 0
    drift_ms: int = 0  # added to the exchange's clock every ten seconds
    pollers: int = 40
    stranger: Optional[str] = None  # steady, burst
    ban: bool = False  # a stranger brings one about
    firewall: int = 0  # the exchange answers 403 when more requests than this come in a second
    windows: int = 6
    settings: tuple = ()  # more of the gateway's

    @property
    def faults(self):
        return "seed 7\n" + SPIKES if self.spikes else ""


S = Scenario
SCENARIOS = [
    # Windows and weights, a quiet line.
    S("5 s, light", mix="light", limit=800, latency="1", processes=2),
    S("5 s, mixed", processes=2),
    S("5 s, heavy", mix="heavy", limit=HEAVY, processes=2),
    S("10 s, light", mix="light", window_s=10, limit=1200, latency="50~20", processes=4, windows=3),
    S("10 s, mixed", window_s=10, limit=6000, processes=8, windows=3),
    S("10 s, heavy", mix="heavy", window_s=10, limit=HEAVY, processes=4, windows=3),
    # A bad line, a wrong clock.
    S("5 s, mixed, 1 ms", latency="1", processes=4),
    S("5 s, mixed, 300 ms, spikes of 3 s", latency="300~200", spikes=True, processes=2, pollers=120),
    S("5 s, light, 300 ms, spikes of 3 s", mix="light", limit=800, latency="300~200", spikes=True, pollers=160,
      processes=2),
    # The same where half a percent is more than the few units that a delayed request takes away.
    S("5 s, light, 300 ms, spikes, limit 2,400", mix="light", limit=2400, latency="300~200", spikes=True, pollers=400,
      processes=2, settings=("pool.max=512",)),
    S("5 s, heavy, 100 ms, spikes of 3 s", mix="heavy", limit=HEAVY, latency="100~80", spikes=True, processes=2),
    S("10 s, mixed, 150 ms, spikes, clock +2 s", window_s=10, limit=6000, latency="150~100", spikes=True,
      skew_ms=2000, processes=4, pollers=80, windows=3),
    S("10 s, light, 100 ms, clock -2 s", window_s=10, limit=1200, mix="light", latency="100~60", skew_ms=-2000,
      processes=2, pollers=80, windows=3),
    S("5 s, mixed, clock -2 s, drifting", skew_ms=-2000, drift_ms=1, processes=8),
    # The library: no process of weir's on the way of a request.
    S("library, 5 s, light", face="library", mix="light", limit=800, processes=4),
    S("library, 5 s, mixed, 8 processes", face="library", processes=8),
    S("library, 5 s, heavy", face="library", mix="heavy", limit=HEAVY, processes=4),
    S("library, 10 s, mixed, 300 ms, spikes, clock +2 s", face="library", window_s=10, limit=6000,
      latency="300~200", spikes=True, skew_ms=2000, processes=4, pollers=120, windows=3),
    # Strangers on the same address.
    S("stranger, steady", window_s=10, limit=6000, stranger="steady", processes=2, windows=3),
    S("stranger, bursts", window_s=10, limit=6000, stranger="burst", processes=2, windows=4),
    S("stranger, bursts, 100 ms, spikes, clock +2 s", window_s=10, limit=6000, latency="100~60", spikes=True,
      skew_ms=2000, stranger="burst", processes=2, pollers=80, windows=4),
    # Binance's own window: 100 ms are short against it.
    S("60 s, stranger, bursts, 100 ms, spikes, clock +2 s", window_s=60, limit=6000, latency="100~60", spikes=True,
      skew_ms=2000, stranger="burst", processes=2, pollers=80, windows=3),
    S("library, stranger, steady", face="library", window_s=10, limit=6000, stranger="steady", processes=4,
      windows=3),
    # A thousand waiting clients.
    S("1,000 clients at the start, firewall", mix="light", limit=3000, window_s=10, pollers=1000, firewall=1000,
      processes=2, windows=3),
    S("1,000 clients at each turn, firewall, 100 ms", mix="light", limit=3000, window_s=10, latency="100~60",
      pollers=1000, firewall=1000, processes=4, windows=3),
    S("1,000 clients, mixed, 100 ms", limit=6000, window_s=10, latency="100~60", pollers=1000, processes=2,
      windows=3),
    S("1,000 clients after a ban", limit=6000, window_s=10, pollers=1000, ban=True, processes=2, windows=4),
    # Spot as it is.
    S("60 s, mixed", window_s=60, limit=6000, processes=4, windows=2),
    S("60 s, light, 50 ms, clock +2 s", window_s=60, limit=6000, mix="light", latency="50~30", skew_ms=2000,
      processes=2, windows=2, pollers=64),
    S("60 s, heavy, 150 ms, spikes of 3 s", window_s=60, limit=HEAVY, mix="heavy", latency="150~100", spikes=True,
      processes=2, windows=2),
    S("library, 60 s, mixed", face="library", window_s=60, limit=6000, processes=4, windows=2),
]
QUICK = ("5 s, mixed", "stranger, steady")
MARK = "somebody-else"
MEAN_WEIGHT = 9.1


def bots(scenario):
    """One for each process at least, two mostly; five orders a second together."""
    n = max(2, scenario.processes)
    return [{"name": f"bot{i}", "seed": i + 1, "pollers": scenario.pollers // n, "orders_per_s": 5 / n}
            for i in range(n)]


def stranger(scenario):
    """About a fifth of the limit, either way."""
    bot = {"name": MARK, "seed": 77, "orders_per_s": 0, "pollers": 0}
    if scenario.stranger == "steady":
        per_s = scenario.limit / scenario.window_s / 5
        return {**bot, "pollers": 4, "pause_s": MEAN_WEIGHT * 4 / per_s}
    return {**bot, "burst_weight": scenario.limit // 5, "burst_every_s": scenario.window_s}


def drift(scenario):
    def errand(stand, _first, last):
        skew_ms, step = stand.skew_ms, 0
        while (left := last * stand.window_ms - stand.exchange_ms()) > 0:
            time.sleep(min(10, left / 1000 + 0.1))
            step += scenario.drift_ms
            stand.admin("/sim/faults", f"{scenario.faults}skew {skew_ms + step}\n".encode())
    return errand


def provoke_ban(stand, first, _last):
    """Somebody on this address asks until the exchange has enough of it, early in the first full
    window; then the thousand have a ban to wait for."""
    time.sleep(max(0, (first + 0.2) * stand.window_ms - stand.exchange_ms()) / 1000)
    connection = http.client.HTTPConnection("127.0.0.1", stand.sim.port, timeout=10)
    status = 0
    while status != 418:
        connection.request("GET", "/api/v3/depth?symbol=BTCUSDT&limit=1001", headers={"User-Agent": MARK})
        reply = connection.getresponse()
        reply.read()
        status = reply.status


def is_ours(request):
    return not any(name.lower() == "user-agent" and value == MARK for name, value in request["headers"])


def measure(scenario, windows=None):
    windows = windows or scenario.windows
    with Stand(scenario.window_s * 1000, scenario.limit, latency=scenario.latency, skew_ms=scenario.skew_ms,
               faults=scenario.faults, bans="3,6,12", firewall=scenario.firewall) as stand:
        # The ramp behind a ban is shorter by as much as the minute is.
        program = stand.gateway("max_wait=10m", f"ramp={max(1, scenario.window_s // 6)}s", *scenario.settings,
                                *([f"rate_ceiling={scenario.firewall // 2}"] if scenario.firewall else []))
        config = {"kind": scenario.face, "mix": scenario.mix, "class": "market"}
        if scenario.face == "gateway":
            config["port"] = program.port
        all_bots = bots(scenario)
        for i in range(scenario.processes):
            stand.worker({**config, "bots": all_bots[i::scenario.processes]})
        if scenario.stranger:
            stand.worker({"kind": "stranger", "bots": [stranger(scenario)]})
        errands = [drift(scenario)] if scenario.drift_ms else []
        if scenario.ban:
            errands.append(provoke_ban)
        first, results = stand.run(windows, errands)
        seen = books.Books(stand, first, windows, is_ours)
        row = books.summary(seen, results[:scenario.processes], [bot["name"] for bot in all_bots],
                            without_bans=scenario.ban)
    provoked = 1 if scenario.ban else 0
    row["bans"] = max(0, row["bans"] - provoked)
    # One for each time that somebody else did what nobody could foresee.
    row["allowed"] = provoked + sum(result.get("bursts", 0) for result in results)
    refused = row["refused_429"] + row["refused_418"] + row["refused_403"]
    row["is_full"] = row["yield_worst"] is not None and row["yield_worst"] >= GOAL
    # Where somebody else spends, promised is what the exchange answers; what stays unused is shown.
    row["is_alone"] = not scenario.stranger and not scenario.ban
    row["holds"] = row["bans"] == 0 and refused <= row["allowed"] and (row["is_full"] or not row["is_alone"])
    return row
