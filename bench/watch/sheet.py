"""The figures as text for people: on a terminal, and in docs/watch-bench.md."""
import random
import statistics

import tables
from tables import aligned, markdown

MARK = "<!-- figures: bench/watch/run --write-docs -->"
GOAL_RATIO, GOAL_KIB = 0.97, 64 << 10
HEAD = ["connections", "req/s off", "req/s on", "on / off", "95 % of it", "quartiles", "CPU us off", "CPU us on", "on / off", "95 % of it"]


def interval(ratios, draws=2000):
    """Within which the median lies with 95 %, by drawing the pairs again."""
    chance = random.Random(7)
    medians = sorted(statistics.median(chance.choices(ratios, k=len(ratios))) for _ in range(draws))
    return [medians[int(draws * 0.025)], medians[int(draws * 0.975)]]


def compared(pairs, figure):
    ratios = [pair["on"][figure] / pair["off"][figure] for pair in pairs]
    quartiles = statistics.quantiles(ratios, n=4) if len(ratios) > 1 else [ratios[0]] * 3
    return {"off": statistics.median(p["off"][figure] for p in pairs), "on": statistics.median(p["on"][figure] for p in pairs),
            "ratio": statistics.median(ratios), "interval": interval(ratios), "quartiles": [quartiles[0], quartiles[2]]}


def row(connections, pairs):
    """Ratios are taken inside each pair, where the noise is the same."""
    return {"connections": connections, "pairs": len(pairs), "rps": compared(pairs, "rps"), "cpu_us": compared(pairs, "cpu_us"),
            "foreign_cpus": statistics.median(b["foreign"] for pair in pairs for b in pair.values()),
            "events": sum(pair["on"]["seen"]["events"] for pair in pairs),
            "scrapes": sum(pair["on"]["seen"]["scrapes"] for pair in pairs)}


def span(two):
    return f"{two[0]:.3f} to {two[1]:.3f}"


def cells(r):
    rps, cpu = r["rps"], r["cpu_us"]
    return [str(r["connections"]), f"{rps['off']:,.0f}", f"{rps['on']:,.0f}", f"{rps['ratio']:.3f}", span(rps["interval"]),
            span(rps["quartiles"]), f"{cpu['off']:.1f}", f"{cpu['on']:.1f}", f"{cpu['ratio']:.3f}", span(cpu["interval"])]


def about(figures):
    rows = figures["rows"]
    noise = max(r["foreign_cpus"] for r in rows)
    return (f"{rows[0]['pairs']} pairs of bursts of {figures['burst_s']} s for each row, {figures['viewers']} viewers, who were sent "
            f"{sum(r['events'] for r in rows):,} snapshots, {sum(r['scrapes'] for r in rows)} scrapes; {figures['when']}, "
            f"{figures['processors']} CPUs, of which others used {noise:.2f}")


def memory(figures):
    m = figures["memory"]
    return (f"{m['clients']:,} clients, {m['endpoints']} endpoints, {m['requests']:,} requests: {m['resident_kib'] / 1024:.1f} MiB "
            f"resident, {m['peak_kib'] / 1024:.1f} MiB at most ({m['before_kib'] / 1024:.1f} MiB before); a scrape of {m['series']:,} "
            f"series is {m['scrape_bytes'] / 1024:.0f} KiB and takes {m['scrape_ms']:.1f} ms")


def verdicts(figures):
    found = [(f"{r['connections']} connections: throughput within 3 % of all off", r["rps"]["ratio"] >= GOAL_RATIO,
              f"{r['rps']['ratio']:.3f}") for r in figures["rows"]]
    return [*found, ("memory below 64 MiB", figures["memory"]["peak_kib"] < GOAL_KIB, f"{figures['memory']['peak_kib'] / 1024:.1f} MiB")]


def text(figures):
    lines = aligned(HEAD, [cells(r) for r in figures["rows"]])
    return "\n".join([*lines, "", f"  {about(figures)}", f"  {memory(figures)}", "",
                      *(f"  {'yes' if holds else 'NO':<4}{words} ({value})" for words, holds, value in verdicts(figures))])


def write_docs(figures, root):
    kept = [f"- {words}: {'kept' if holds else 'MISSED'} ({value})" for words, holds, value in verdicts(figures)]
    lines = ["", *markdown(HEAD, [cells(r) for r in figures["rows"]]), "", f"{about(figures)}. The whole run took {figures['seconds']} s.",
             "", f"Memory: {memory(figures)}.", "", *kept, ""]
    tables.put(root / "docs" / "watch-bench.md", lines, MARK)
