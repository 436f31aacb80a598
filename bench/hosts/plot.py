"""The figures as a picture: docs/hosts-bench.svg, in the manner of docs/yield.svg."""
from matplotlib import pyplot as plt
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator
from picture import BAD, BAR, FAINT, INK, OURS, STYLE, THEIRS, bare, save, shown_ms


def is_ours(row):
    return row["name"].startswith("weir")


def label(row):
    n = row["hosts"]
    return f"{row['name']}, {n} host{'s' if n > 1 else ''}" + (f", {row['demand']}" if n > 1 and is_ours(row) else "")


def places(rows):
    """From top to bottom, a gap where the number of hosts or the limiter changes."""
    at, y, last = [], 0.0, None
    for row in rows:
        kind = (row["name"].startswith("weir"), row["hosts"])
        y += 0 if last is None else (1 if kind == last or row["hosts"] == 1 else 1.5)
        last = kind
        at.append(-y)
    return at


def draw_yield(axis, rows, at):
    for y, row in zip(at, rows):
        ours = is_ours(row)
        mean, worst = 100 * row["yield_mean"], 100 * row["yield_worst"]
        axis.barh(y, 100, 0.62, color=BAR, linewidth=0)
        axis.barh(y, mean, 0.62, color=OURS if ours else THEIRS, linewidth=0)
        axis.plot([worst, worst], [y - 0.31, y + 0.31], color=INK, linewidth=1.6, solid_capstyle="butt")
        axis.text(103, y, f"{int(mean * 10 + 1e-6) / 10:.1f} %", va="center", fontsize=9.5, color=OURS if ours else INK,
                  fontweight="bold" if ours else "normal")
        if row["refused_429"]:
            axis.text(126, y, f"{row['refused_429']:,} × 429", va="center", fontsize=9.5, color=BAD)
    axis.set_title("Used of the limit, refused")
    axis.text(0, 1.012, "mean; stroke: the worst window", transform=axis.transAxes, color=FAINT, fontsize=8.5)
    axis.set_xlim(0, 150)
    axis.xaxis.set_major_locator(FixedLocator([0, 50, 100]))
    axis.xaxis.set_major_formatter(FuncFormatter(lambda v, _: f"{v:g} %"))
    axis.set_yticks(at, [label(row) for row in rows])
    for tick, row in zip(axis.get_yticklabels(), rows):
        if is_ours(row):
            tick.set_color(OURS)


def draw_asks(axis, rows, at):
    most = max(1000 * row["operations_per_request"] for row in rows)
    for y, row in zip(at, rows):
        n = 1000 * row["operations_per_request"]
        axis.barh(y, n, 0.62, color=OURS if is_ours(row) else BAD, linewidth=0)
        axis.text(n + most * 0.03, y, f"{n:,.1f}" if n < 100 else f"{n:,.0f}", va="center", fontsize=9.5,
                  color=OURS if is_ours(row) else INK)
    axis.set_title("Asks of the store")
    axis.text(0, 1.012, "for 1,000 requests", transform=axis.transAxes, color=FAINT, fontsize=8.5)
    axis.set_xlim(0, most * 1.35)
    axis.xaxis.set_major_locator(NullLocator())


def draw_waits(axis, rows, at):
    for y, row in zip(at, rows):
        colour = OURS if is_ours(row) else THEIRS
        ends = [max(0.004, row["warm_p99_ms"]), max(0.004, row["order_p99_ms"])]
        axis.plot(ends, [y, y], color=colour, linewidth=3.2, solid_capstyle="round")
        axis.plot(ends[1], y, "o", color=colour, markersize=8, markeredgewidth=0)
        axis.plot(ends[0], y, "|", color=colour, markersize=9, markeredgewidth=2)
    axis.set_title("99 of 100 orders wait less than")
    axis.text(0, 1.012, "stroke: early in a window; dot: in all of it", transform=axis.transAxes, color=FAINT,
              fontsize=8.5)
    axis.set_xscale("log")
    axis.set_xlim(0.004, 10000)
    axis.xaxis.set_major_locator(FixedLocator([0.01, 1, 100, 10000]))
    axis.xaxis.set_minor_locator(NullLocator())
    axis.xaxis.set_major_formatter(FuncFormatter(lambda v, _: f"{1000 * v:g} µs" if v < 1 else shown_ms(v)))


def write(figures, folder):
    rows = list(figures["rows"].values())
    at = places(rows)
    with plt.rc_context(STYLE):
        figure, axes = plt.subplots(1, 3, sharey=True, figsize=(11.8, 1.35 + 0.31 * -at[-1]),
                                    gridspec_kw={"width_ratios": [1.3, 0.7, 0.95], "wspace": 0.1})
        for axis in axes:
            bare(axis)
        draw_yield(axes[0], rows, at)
        draw_asks(axes[1], rows, at)
        draw_waits(axes[2], rows, at)
        axes[0].set_ylim(at[-1] - 0.7, 0.7)
        figure.subplots_adjust(left=0.3, right=0.985, top=1 - 0.72 / figure.get_figheight(),
                               bottom=0.3 / figure.get_figheight())
        save(figure, folder / "hosts-bench.svg", "weir on many hosts, and limiters that ask a store: use of the limit, "
             "questions to the store, waits of orders")
