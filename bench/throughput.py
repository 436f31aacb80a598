"""The rounds of bench/run, and their medians."""
import os
import statistics
import time

from load import busy_us, children_us, cpu_us, wrk

TRANSPORTS = ("plain", "tls")
# Number of connections, and whether the proxy shares the CPU of client and upstream.
LOADS = tuple((connections, on_one_core) for connections in (1, 8, 64) for on_one_core in (False, True))
# A batch in which others used more of a CPU than this is repeated.
QUIET = 0.08
PROXIES = ("nginx", "haproxy", "weir")


def cpus():
    """The CPU of client and upstream, and the one of the proxy; none are pinned where there is one."""
    mine = sorted(os.sched_getaffinity(0))
    return (mine[0], mine[1]) if len(mine) > 1 else (None, None)


def burst(stand, target, connections, seconds):
    """One load. "foreign" is what others used of the machine meanwhile, in CPUs."""
    def used():
        proxy = cpu_us(target.process.pid) if target.process else 0
        return time.monotonic(), busy_us(), proxy, proxy + cpu_us(stand.upstream.pid) + children_us()
    before = used()
    result = wrk(target.url, connections, seconds, stand.upstream_cpu)
    elapsed, busy, proxy, ours = (after - b for after, b in zip(used(), before))
    result["rps"] = result["requests"] / result["seconds"]
    result["foreign"] = max(busy - ours, 0) / (elapsed * 1e6)
    if target.process:
        result["cpu_us"] = proxy / result["requests"]
    return result


def batch_once(stand, targets, turn, connections, seconds):
    """One burst on each target, beginning with another one each time."""
    first = turn % len(targets)
    return {target.name: burst(stand, target, connections, seconds)
            for target in targets[first:] + targets[:first]}


def foreign(results):
    return max(r["foreign"] for r in results.values())


def batch(stand, targets, turn, connections, seconds):
    """Repeated while others disturb it; the quietest counts."""
    tries = []
    while len(tries) < stand.tries:
        tries.append(batch_once(stand, targets, turn, connections, seconds))
        if foreign(tries[-1]) < QUIET:
            break
    return min(tries, key=foreign)


def batch_on_one_core(stand, targets, turn, connections, seconds):
    """Everything on one core: no wake-ups of another CPU hide the proxy's own time."""
    for target in targets:
        target.pin(stand.upstream_cpu)
    results = batch(stand, targets, turn, connections, seconds)
    for target in targets:
        target.pin(stand.proxy_cpu)
    return results


def measure(stand, loads, rounds, seconds, say):
    """Returns {transport: {load: [batch, ...]}}."""
    targets = {t: [stand.direct(t), *stand.proxies(t)] for t in TRANSPORTS}
    measured = {t: {load: [] for load in loads} for t in TRANSPORTS}
    for turn in range(rounds):
        say(f"round {turn + 1} of {rounds}")
        for t in TRANSPORTS:
            for connections, on_one_core in loads:
                how = batch_on_one_core if on_one_core else batch
                measured[t][connections, on_one_core].append(
                    how(stand, targets[t], turn, connections, seconds))
    return measured


def median(batches, value):
    return statistics.median(value(b) for b in batches)


def row(batches, name):
    """Medians over the batches; ratios are taken inside each batch, where the noise is the same."""
    figures = {
        "rps": median(batches, lambda b: b[name]["rps"]),
        "rps_ratio": median(batches, lambda b: b[name]["rps"] / b["nginx"]["rps"]),
        "p50_us": median(batches, lambda b: b[name]["p50_us"]),
        "p99_us": median(batches, lambda b: b[name]["p99_us"]),
    }
    if name != "direct":
        figures["cpu_us"] = median(batches, lambda b: b[name]["cpu_us"])
        figures["cpu_ratio"] = median(batches, lambda b: b[name]["cpu_us"] / b["nginx"]["cpu_us"])
    return figures


def added(batches, name):
    """On one core: throughput, and mean time of a request beyond the direct one, in microseconds."""
    def own(b, of):
        return 1e6 / b[of]["rps"] - 1e6 / b["direct"]["rps"]
    return {"one_core_ratio": median(batches, lambda b: b[name]["rps"] / b["nginx"]["rps"]),
            "added_us": median(batches, lambda b: own(b, name)),
            "added_ratio": median(batches, lambda b: own(b, name) / own(b, "nginx"))}


def summarize(measured):
    """One row for each transport, number of connections and target."""
    rows = []
    for t, by_load in measured.items():
        for connections in [c for c, on_one_core in by_load if not on_one_core]:
            alone = by_load.get((connections, True))
            for name in ("direct", *PROXIES):
                result = {"transport": t, "connections": connections, "target": name,
                          **row(by_load[connections, False], name)}
                if alone and name != "direct":
                    result.update(added(alone, name))
                rows.append(result)
    return rows


def show(rows):
    print(f"{'upstream':<9}{'conns':>5}  {'target':<8}{'req/s':>8}{'x nginx':>9}{'p50 us':>9}{'p99 us':>9}"
          f"{'CPU us/req':>12}{'x nginx':>9} | {'one core:':<9}{'req/s x':>8}{'added us':>10}{'x nginx':>9}")
    last = None
    for r in rows:
        if last and last != (r["transport"], r["connections"]):
            print()
        last = (r["transport"], r["connections"])
        line = (f"{r['transport']:<9}{r['connections']:>5}  {r['target']:<8}{r['rps']:>8.0f}"
                f"{r['rps_ratio']:>9.2f}{r['p50_us']:>9.0f}{r['p99_us']:>9.0f}")
        if "cpu_us" in r:
            line += f"{r['cpu_us']:>12.1f}{r['cpu_ratio']:>9.2f}"
        if "added_us" in r:
            line += f" | {r['one_core_ratio']:>17.2f}{r['added_us']:>10.1f}{r['added_ratio']:>9.2f}"
        print(line)


def noise(measured):
    """Median of what others used of the machine, in CPUs."""
    return statistics.median(foreign(b) for by in measured.values() for all_ in by.values() for b in all_)


def goals(rows):
    """What weir promises beside nginx, and whether it holds here."""
    found = []
    for r in rows:
        if r["target"] != "weir":
            continue
        where = f"{r['transport']}, {r['connections']}"
        if r["connections"] > 1:
            found.append((f"{where}: req/s at least nginx's", r["rps_ratio"], r["rps_ratio"] >= 1))
        if r["connections"] > 1 and "one_core_ratio" in r:
            found.append((f"{where}: the same, all on one core", r["one_core_ratio"],
                          r["one_core_ratio"] >= 1))
        if r["connections"] == 1:
            found.append((f"{where}: adds no more latency", r["added_ratio"], r["added_ratio"] <= 1))
        found.append((f"{where}: no more CPU per request", r["cpu_ratio"], r["cpu_ratio"] <= 1))
    return found
