"""Who wants how much, and when: the same for weir's hosts and for the programs of other limiters."""

# One exchange for all rows: a window of five seconds, and more asked of it than there is. The weights
# are light, for a store that is asked for each request costs by request.
WINDOW_MS, LIMIT = 5000, 12000
MIX = [
    {"target": "/api/v3/ping", "weight": 1},
    {"target": "/api/v3/ping", "weight": 1},
    {"target": "/api/v3/avgPrice?symbol=BTCUSDT", "weight": 2},
    {"target": "/api/v3/ticker/price?symbol=ETHUSDT", "weight": 2},
]
MEAN_WEIGHT = 1.5
# Connections that ask without a pause; each gets an answer in 20 ms where nobody waits: 2,400 weight
# a second is what there is, this asks for half as much again.
POLLERS = 52
ORDERS_PER_S = 24
BUSY_SHARE = 0.9
PATTERNS = ("even", "skewed", "changing")


def rate_per_s(limit, window_ms):
    """Requests in a second that all ask for together: half as many again as there is room for."""
    return 1.5 * limit / (window_ms / 1000) / MEAN_WEIGHT


def is_turn(host, slot):
    """Whether the host's busy connections ask in this slot: a window, or a part of one."""
    if "chance" in host:
        return ((slot * 2654435761 + host["seed"] * 40503) >> 7 & 0xFFFF) < host["chance"] * 65536
    return slot % host["turns"] == host["turn"]


def hosts(n, pattern, limit=LIMIT, window_ms=WINDOW_MS, pollers=POLLERS, orders_per_s=ORDERS_PER_S):
    """
    What each of n hosts does: `busy` connections that ask without a pause in the windows that are the
    host's (`turn` of every `turns`), and `calm` ones that ask once in `period_s` in all of them. In
    "bursts" each host asks for some tenths of a second and is quiet for some, at random.
    """
    wanted = []
    for i in range(n):
        host = {"name": f"host{i}", "seed": i + 1, "orders_per_s": orders_per_s / n, "busy": 0, "turn": 0, "turns": 1,
                "calm": 0, "period_s": 1}
        if pattern in ("even", "bursts") or n == 1:
            host["busy"] = max(1, pollers // n)
            if pattern == "bursts":
                host.update(chance=0.5, slot_ms=300)
        else:
            if i == 0 or pattern == "changing":
                host["busy"] = round(pollers * BUSY_SHARE)
            if pattern == "changing":
                host["turn"], host["turns"] = i, n
            if i > 0 or pattern == "changing":
                others = n if pattern == "changing" else n - 1
                rate = (1 - BUSY_SHARE) * rate_per_s(limit, window_ms) / others
                host["calm"] = max(1, round(pollers * (1 - BUSY_SHARE) / others))
                host["period_s"] = host["calm"] / rate
        wanted.append(host)
    return wanted
