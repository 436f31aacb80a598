"""The figures as text for people: on a terminal, and in docs/hosts-bench.md."""
import tables
from tables import aligned, markdown, ms, percent

MARK = "<!-- figures: bench/hosts/run --write-docs -->"
GOAL_YIELD, GOAL_OPERATIONS = 0.98, 1 / 50
HEAD = ["limiter", "hosts", "demand", "yield %", "worst %", "over", "429s", "asks/1000", "order p50", "p99", "early p99 ms",
        "admitted/s", "added us"]


def is_ours(row):
    return row["name"] == "weir"


def row_cells(row):
    return [row["name"], str(row["hosts"]), row["demand"], percent(row["yield_mean"]), percent(row["yield_worst"]),
            f"{row['over']:,}", f"{row['refused_429']:,}", f"{1000 * row['operations_per_request']:,.1f}",
            ms(row["order_p50_ms"]), ms(row["order_p99_ms"]), ms(row["warm_p99_ms"]),
            f"{row['admitted_per_s']:,.0f}" if "admitted_per_s" in row else "",
            f"{row['asks_us']:,.1f}" if "asks_us" in row else ""]


def busy(figures):
    """A load far above the number of processors, when it began and ended: others were at work as well."""
    begin, end = figures.get("load", (0, 0))
    return f", load {begin:.0f} to {end:.0f}: other programs kept the machine busy" if max(begin, end) > 4 * figures["processors"] else ""


def about(figures):
    return (f"{figures['windows']} full windows of {figures['window_ms'] / 1000:g} s with {figures['limit']:,} weight for each row, "
            f"{figures['when']}, {figures['processors']} CPUs{busy(figures)}")


def kept(row):
    return (row["over"] == 0 and row["refused_429"] == 0 and row["yield_mean"] >= GOAL_YIELD
            and row["operations_per_request"] <= GOAL_OPERATIONS)


def holds(figures):
    """Of a quick run: nothing over. Its windows are too short for the rest."""
    return all(row["over"] == 0 and row["refused_429"] == 0 for row in figures["rows"].values() if is_ours(row))


def verdict(figures):
    ours = [row for row in figures["rows"].values() if is_ours(row)]
    return (f"{sum(map(kept, ours))} of {len(ours)} rows of weir: nothing over, no 429, a yield of 98 % or more, at most "
            "one operation of the store for 50 requests")


def text(figures):
    lines = aligned(HEAD, [row_cells(row) for row in figures["rows"].values()])
    return "\n".join([*lines, "", f"  {about(figures)}", f"  {verdict(figures)}"])


def write_docs(figures, root):
    lines = ["", *markdown(HEAD, [row_cells(row) for row in figures["rows"].values()]), "",
             f"{about(figures)}. The whole run took {figures['seconds']} s.", "", f"Kept by {verdict(figures)}.", ""]
    tables.put(root / "docs" / "hosts-bench.md", lines, MARK)
