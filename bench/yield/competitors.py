"""The rows of the first table: what each program does to stay inside the limit, at its best honest
setting. README.md says why each is set as it is."""

# Spot's limit of today, in a minute that lasts ten seconds.
LIMIT, QUICK_LIMIT = 6000, 1200
SPARSE, GREEDY = 4, 12
ORDERS_PER_S = 5


def bots():
    """Eight programs of one desk. All would take more than there is; the last asks three times as
    often. Together five orders a second."""
    return [{"name": f"bot{i}", "seed": i + 1, "pollers": GREEDY if i == 7 else SPARSE,
             "orders_per_s": ORDERS_PER_S / 8} for i in range(8)]


class Row:
    def __init__(self, key, name, processes, **config):
        self.key, self.name, self.processes, self.config = key, name, processes, config

    def start(self, stand):
        config = dict(self.config)
        if self.key.startswith("weir"):
            program = stand.gateway()
            if config["kind"] == "gateway":
                config["port"] = program.port
        if config.pop("redis", False):
            config["redis"] = stand.redis()
        all_bots = bots()
        for i in range(self.processes):
            stand.worker({**config, "bots": all_bots[i::self.processes]})


ROWS = [
    Row("weir-gateway", "weir, gateway", 4, kind="gateway"),
    Row("weir-library", "weir, library", 4, kind="library"),
    Row("bucket", "token bucket 1200/50", 1, kind="bucket", per_minute=1200, burst=50),
    Row("bucket-4", "token bucket 1200/50", 4, kind="bucket", per_minute=1200, burst=50),
    Row("bucket-full", "token bucket 6000/50", 1, kind="bucket", per_minute=6000, burst=50),
    Row("bucket-full-4", "token bucket 6000/50", 4, kind="bucket", per_minute=6000, burst=50),
    Row("ccxt", "ccxt, default", 1, kind="ccxt", algorithm="leakyBucket"),
    Row("ccxt-4", "ccxt, default", 4, kind="ccxt", algorithm="leakyBucket"),
    Row("ccxt-quarter", "ccxt, default, a quarter each", 4, kind="ccxt", algorithm="leakyBucket", share=0.25),
    Row("ccxt-rolling", "ccxt, rolling window", 1, kind="ccxt", algorithm="rollingWindow"),
    Row("ccxt-rolling-4", "ccxt, rolling window", 4, kind="ccxt", algorithm="rollingWindow"),
    Row("ccxt-rolling-quarter", "ccxt, rolling window, a quarter each", 4, kind="ccxt",
        algorithm="rollingWindow", share=0.25),
    Row("bottleneck", "bottleneck", 1, kind="bottleneck"),
    Row("bottleneck-4", "bottleneck", 4, kind="bottleneck"),
    Row("bottleneck-quarter", "bottleneck, a quarter each", 4, kind="bottleneck", share=0.25),
    Row("bottleneck-redis", "bottleneck, clustered on Redis", 4, kind="bottleneck", redis=True),
]
QUICK = ("weir-gateway", "weir-library", "bucket", "ccxt", "bottleneck-redis")
