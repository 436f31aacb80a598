"""The figures as text for people: on a terminal, and as docs/yield.md and in the README."""
import textwrap

BEGIN, END = "<!-- figures: bench/yield/run --write-docs -->", "<!-- end of figures -->"
GATEWAY, LONGEST_LINE = "weir-gateway", 110

ROW_HEAD = ["competitor", "processes", "yield %", "worst %", "429s", "418s", "bans", "order p50", "p99", "max ms", "fairness"]
CASE_HEAD = ["weir", "yield %", "worst %", "all 99.5", "refused", "bans", "order p99 ms", ""]


def percent(share):
    """Rounded down: 99.5 is said of nothing that is less."""
    return "-" if share is None else f"{int(share * 1000 + 1e-9) / 10:.1f}"


def ms(value):
    if value is None:
        return "-"
    return f"{value:.1f}" if value < 100 else f"{value:,.0f}"


def spoken(wait_ms):
    return f"{wait_ms:.1f} ms" if wait_ms < 1000 else f"{wait_ms / 1000:.1f} s"


def row_cells(row):
    return [row["name"], str(row["processes"]), percent(row["yield_mean"]), percent(row["yield_worst"]),
            f"{row['refused_429']:,}", f"{row['refused_418']:,}", str(row["bans"]), ms(row["order_wait_p50_ms"]), ms(row["order_wait_p99_ms"]),
            ms(row["order_wait_max_ms"]), f"{row['fairness']:.2f}"]


def case_cells(name, case):
    refused = case["refused_429"] + case["refused_418"] + case["refused_403"]
    allowed = f" (of {case['allowed']} allowed)" if case["allowed"] else ""
    full = "yes" if case["is_full"] else "no" if case["is_alone"] else "no, others"
    return [name, percent(case["yield_mean"]), percent(case["yield_worst"]), full, f"{refused}{allowed}", str(case["bans"]),
            ms(case["order_wait_p99_ms"]), "" if case["holds"] else "missed"]


def aligned(head, rows):
    widths = [max(len(line[i]) for line in [head, *rows]) for i in range(len(head))]
    return ["  ".join([line[0].ljust(widths[0]), *(cell.rjust(w) for cell, w in zip(line[1:], widths[1:]))]).rstrip()
            for line in [head, *rows]]


def markdown(head, rows):
    return ["| " + " | ".join(line) + " |" for line in
            [head, ["---", *["---:"] * (len(head) - 1)], *rows]]


def about(figures):
    return (f"{figures['windows']} full windows of {figures['window_ms'] / 1000:g} s with {figures['limit']:,} weight, "
            f"{figures['when']}, {figures['processors']} CPUs")


def inside(figures):
    """What the gateway itself says of its orders."""
    found = [row["order_inside_p99_ms"] for row in figures["rows"].values() if row.get("order_inside_p99_ms")]
    return [f"inside the gateway (X-Weir-Wait-Us) an order's wait has a p99 of {found[0]:.2f} ms"] if found else []


def held(figures):
    """How many of the scenarios kept what weir promises, and what that is."""
    cases = figures["scenarios"].values()
    return (f"{sum(case['holds'] for case in cases)} of {len(cases)}: no ban, no refusal beyond those allowed, and every "
            "full window at 99.5 % or more; beside strangers and after a ban, where the last is not promised, "
            f"{sum(case['is_full'] for case in cases if not case['is_alone'])} of "
            f"{sum(not case['is_alone'] for case in cases)} have it too")


def is_old(figures):
    """Kept by a bench that did not tell a full window from a promise that was kept."""
    return any("is_full" not in case for case in figures["scenarios"].values())


def text(figures):
    lines = []
    if figures["rows"]:
        lines += aligned(ROW_HEAD, [row_cells(row) for row in figures["rows"].values()])
        lines += ["", *(f"  {line}" for line in [about(figures), *inside(figures)]), ""]
    if figures["scenarios"]:
        lines += aligned(CASE_HEAD, [case_cells(*case) for case in figures["scenarios"].items()])
        lines += ["", *textwrap.wrap(f"kept in {held(figures)}", LONGEST_LINE, initial_indent="  ", subsequent_indent="  ")]
    return "\n".join(lines).rstrip()


def put(path, lines, mark=BEGIN):
    """Between the marks; what is around them stays."""
    before, begin, rest = path.read_text().partition(mark)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise OSError(f"{path} has no lines \"{mark}\" and \"{END}\"; put them where the figures belong")
    path.write_text("\n".join([before + mark, *lines, END + after]))


def in_words(figures):
    """Two sentences for the README; none when the rows that they compare are not there."""
    ours = figures["rows"].get(GATEWAY)
    others = [r for r in figures["rows"].values() if r["processes"] > 1 and not r["name"].startswith("weir")]
    fair = [r for r in others if not r["refused_429"] and not r["bans"]]
    if not ours or not fair:
        return []
    best = max(fair, key=lambda r: r["yield_mean"])
    banned = sum(1 for r in others if r["bans"])
    refused = ours["refused_429"] + ours["refused_418"]
    said = (f"Eight bots in four processes want more than the limit allows and trade beside it, on a simulated exchange. "
            f"Through weir they use {percent(ours['yield_mean'])} % of it, {refused or 'nothing'} is refused, and 99 of "
            f"100 orders wait less than {spoken(ours['order_wait_p99_ms'])}; of {len(others)} settings of other limiters "
            f"{banned} end in a ban, and the best of those that are never refused, {best['name']}, uses "
            f"{percent(best['yield_mean'])} % and lets orders wait up to {spoken(best['order_wait_p99_ms'])}. "
            f"[All figures](docs/yield.md).")
    return ["", *textwrap.wrap(said, LONGEST_LINE, break_on_hyphens=False), ""]


def write_docs(figures, root):
    """Into docs/yield.md and the README."""
    lines = ["", *markdown(ROW_HEAD, [row_cells(row) for row in figures["rows"].values()]), "",
             "; ".join([about(figures), *inside(figures)]) + f". The whole run took {figures['seconds']} s.", "",
             *markdown(CASE_HEAD[:-1] + ["kept"],
                       [case_cells(*case)[:-1] + ["yes" if case[1]["holds"] else "**no**"]
                        for case in figures["scenarios"].items()]), "",
             *textwrap.wrap(f"Kept in {held(figures)}.", LONGEST_LINE, break_on_hyphens=False), ""]
    put(root / "docs" / "yield.md", lines)
    words = in_words(figures)
    if words:
        put(root / "README.md", words)
