"""The figures as text for people: on a terminal, and as docs/yield.md."""
BEGIN, END = "<!-- figures: bench/yield/run --write-docs -->", "<!-- end of figures -->"

ROW_HEAD = ["competitor", "processes", "yield %", "worst %", "429s", "bans", "order p50", "p99", "max ms", "fairness"]
CASE_HEAD = ["weir", "yield %", "worst %", "refused", "bans", "order p99 ms", ""]


def percent(share):
    """Rounded down: 99.5 is said of nothing that is less."""
    return "-" if share is None else f"{int(share * 1000 + 1e-9) / 10:.1f}"


def ms(value):
    if value is None:
        return "-"
    return f"{value:.1f}" if value < 100 else f"{value:,.0f}"


def row_cells(row):
    return [row["name"], str(row["processes"]), percent(row["yield_mean"]), percent(row["yield_worst"]),
            str(row["refused_429"]), str(row["bans"]), ms(row["order_wait_p50_ms"]), ms(row["order_wait_p99_ms"]),
            ms(row["order_wait_max_ms"]), f"{row['fairness']:.2f}"]


def case_cells(name, case):
    refused = case["refused_429"] + case["refused_418"]
    allowed = f" (of {case['allowed']} allowed)" if case["allowed"] else ""
    return [name, percent(case["yield_mean"]), percent(case["yield_worst"]), f"{refused}{allowed}", str(case["bans"]),
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


def held(figures):
    """How many of the scenarios kept what weir promises."""
    cases = figures["scenarios"].values()
    return f"{sum(case['holds'] for case in cases)} of {len(cases)}"


def text(figures):
    lines = []
    if figures["rows"]:
        lines += aligned(ROW_HEAD, [row_cells(row) for row in figures["rows"].values()])
        lines += ["", f"  {about(figures)}", ""]
    if figures["scenarios"]:
        lines += aligned(CASE_HEAD, [case_cells(*case) for case in figures["scenarios"].items()])
        lines += ["", f"  {held(figures)}: every window 99.5 % or more, no refusal beyond those allowed, no ban"]
    return "\n".join(lines).rstrip()


def write_docs(figures, folder):
    """Puts the tables between the marks of docs/yield.md; what is around them stays."""
    path = folder / "yield.md"
    before, _, rest = path.read_text().partition(BEGIN)
    after = rest.partition(END)[2]
    lines = [BEGIN, "", *markdown(ROW_HEAD, [row_cells(row) for row in figures["rows"].values()]), "",
             f"{about(figures)}; the whole run took {figures['seconds']} s.", "",
             *markdown(CASE_HEAD[:-1] + ["kept"],
                       [case_cells(*case)[:-1] + ["yes" if case[1]["holds"] else "**no**"]
                        for case in figures["scenarios"].items()]), "",
             f"Kept in {held(figures)}: every full window at 99.5 % or more, no refusal beyond those allowed, no ban.",
             "", END]
    path.write_text(before + "\n".join(lines) + after)
