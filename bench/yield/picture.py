"""The figures as pictures: docs/yield.svg and docs/yield-scenarios.svg, readable on light and on
dark pages."""
import io

import matplotlib

matplotlib.use("svg")
from matplotlib import pyplot as plt  # noqa: E402
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator  # noqa: E402

# What a colour becomes on a dark page.
PAPER, INK, FAINT, RULE = "#fdfdfc", "#1f2329", "#68707a", "#e3e5e8"
OURS, THEIRS, BAD, BAR = "#0b7a75", "#a9b1ba", "#c8372d", "#eef0f2"
DARK = {PAPER: "#15181c", INK: "#e8eaed", FAINT: "#9aa3ad", RULE: "#2b3036", OURS: "#37c2b8", THEIRS: "#6d7681",
        BAD: "#ff6f61", BAR: "#20252a"}

STYLE = {
    "svg.fonttype": "none", "svg.hashsalt": "weir", "font.family": "sans-serif",
    "font.sans-serif": ["Helvetica", "Arial", "Liberation Sans", "DejaVu Sans"], "font.size": 10,
    "text.color": INK, "axes.labelcolor": FAINT, "xtick.color": FAINT, "ytick.color": INK, "axes.edgecolor": RULE,
    "figure.facecolor": PAPER, "axes.facecolor": PAPER, "axes.titlesize": 10.5, "axes.titleweight": "bold",
    "axes.titlelocation": "left", "axes.titlepad": 20,
}
WAITS_MS = [1, 100, 10000]


def save(figure, path, title):
    """As an SVG that knows both kinds of page, and is the same for the same figures."""
    out = io.StringIO()
    figure.savefig(out, format="svg", metadata={"Date": None, "Creator": None, "Title": title})
    plt.close(figure)
    rules = "".join(f'[style*="fill: {light}"]{{fill:{dark}!important}}'
                    f'[style*="stroke: {light}"]{{stroke:{dark}!important}}' for light, dark in DARK.items())
    head, mark, rest = out.getvalue().partition("<defs>")
    style = f"<style>@media (prefers-color-scheme: dark){{{rules}}}</style>\n "
    lines = (head + style + mark + rest).splitlines()
    path.write_text("\n".join(line.rstrip() for line in lines) + "\n")


def bare(axis):
    for side in axis.spines.values():
        side.set_visible(False)
    axis.tick_params(length=0)
    axis.grid(axis="x", color=RULE, linewidth=0.8)
    axis.set_axisbelow(True)


def places(rows):
    """From top to bottom, a gap between one kind of limiter and the next."""
    at, y, last = [], 0.0, None
    for row in rows:
        kind = row["name"].split(",")[0].split(" ")[0]
        y += 0 if last is None else (1 if kind == last else 1.55)
        last = kind
        at.append(-y)
    return at


def label(row):
    return row["name"] if row["processes"] == 1 else f"{row['name']} \u00d7 {row['processes']}"


def is_ours(row):
    return row["name"].startswith("weir")


def shown_ms(value, _=None):
    return f"{value:g} ms" if value < 1000 else f"{value / 1000:g} s"


def draw_yield(axis, rows, at):
    for y, row in zip(at, rows):
        colour = OURS if is_ours(row) else THEIRS
        mean, worst = 100 * row["yield_mean"], 100 * row["yield_worst"]
        axis.barh(y, 100, 0.62, color=BAR, linewidth=0)
        axis.barh(y, mean, 0.62, color=colour, linewidth=0)
        axis.plot([worst, worst], [y - 0.31, y + 0.31], color=INK, linewidth=1.6, solid_capstyle="butt")
        axis.text(103, y, f"{int(mean * 10 + 1e-6) / 10:.1f} %", va="center", fontsize=9.5,
                  color=OURS if is_ours(row) else INK, fontweight="bold" if is_ours(row) else "normal")
    axis.set_title("Used of the limit")
    axis.text(0, 1.012, "mean; stroke: the worst window. \u00d7 4: four processes", transform=axis.transAxes, color=FAINT, fontsize=8.5)
    axis.set_xlim(0, 122)
    axis.xaxis.set_major_locator(FixedLocator([0, 25, 50, 75, 100]))
    axis.xaxis.set_major_formatter(FuncFormatter(lambda v, _: f"{v:g} %"))
    axis.set_yticks(at, [label(row) for row in rows])
    for tick, row in zip(axis.get_yticklabels(), rows):
        if is_ours(row):
            tick.set_fontweight("bold")
            tick.set_color(OURS)


def draw_refusals(axis, rows, at):
    most = max(1, *(row["refused_429"] + row["refused_418"] for row in rows))
    for y, row in zip(at, rows):
        n = row["refused_429"] + row["refused_418"]
        bans = row["bans"]
        text = f"{n:,}" + (f"  ·  {bans} ban{'s' if bans > 1 else ''}" if bans else "")
        if n:
            axis.barh(y, n, 0.62, color=BAD, linewidth=0)
        axis.text(n + most * 0.04, y, text, va="center", fontsize=9.5, color=BAD if n else FAINT)
    axis.set_title("Refused by the exchange")
    axis.text(0, 1.012, "requests answered 429 or 418", transform=axis.transAxes, color=FAINT, fontsize=8.5)
    axis.set_xlim(0, most * 1.62)
    axis.xaxis.set_major_locator(NullLocator())


def draw_waits(axis, rows, at):
    for y, row in zip(at, rows):
        colour = OURS if is_ours(row) else THEIRS
        ends = [max(0.15, row["order_wait_p50_ms"]), max(0.15, row["order_wait_p99_ms"])]
        axis.plot(ends, [y, y], color=colour, linewidth=3.2, solid_capstyle="round")
        axis.plot(ends[1], y, "o", color=colour, markersize=8, markeredgewidth=0)
    axis.set_title("An order waits")
    axis.text(0, 1.012, "from p50 to p99 (dot), a minute cut to 10 s", transform=axis.transAxes, color=FAINT,
              fontsize=8.5)
    axis.set_xscale("log")
    axis.set_xlim(0.1, 100000)
    axis.xaxis.set_major_locator(FixedLocator(WAITS_MS))
    axis.xaxis.set_minor_locator(NullLocator())
    axis.xaxis.set_major_formatter(FuncFormatter(shown_ms))


def competitors(figures, folder):
    rows = list(figures["rows"].values())
    at = places(rows)
    figure, axes = plt.subplots(1, 3, sharey=True, figsize=(11.8, 1.35 + 0.31 * -at[-1]),
                                gridspec_kw={"width_ratios": [1.15, 0.85, 1], "wspace": 0.12})
    for axis in axes:
        bare(axis)
    draw_yield(axes[0], rows, at)
    draw_refusals(axes[1], rows, at)
    draw_waits(axes[2], rows, at)
    axes[0].set_ylim(at[-1] - 0.7, 0.7)
    figure.subplots_adjust(left=0.27, right=0.985, top=1 - 0.72 / figure.get_figheight(),
                           bottom=0.3 / figure.get_figheight())
    save(figure, folder / "yield.svg", "weir and other limiters: use of the limit, refusals, waits of orders")


def scenarios(figures, folder):
    cases = figures["scenarios"]
    at = [-i for i in range(len(cases))]
    low = 98.0
    figure, axis = plt.subplots(figsize=(11.4, 1.3 + 0.27 * len(cases)))
    bare(axis)
    axis.axvspan(99.5, 100, color=BAR, linewidth=0)
    for y, (name, case) in zip(at, cases.items()):
        colour = OURS if case["holds"] else BAD
        if case["yield_mean"] is None:
            continue
        mean, worst = 100 * case["yield_mean"], 100 * case["yield_worst"]
        axis.plot([max(low, worst), max(low, mean)], [y, y], color=colour, linewidth=3.2, solid_capstyle="round")
        axis.plot(max(low, mean), y, "o" if mean >= low else "<", color=colour, markersize=8, markeredgewidth=0)
        refused = case["refused_429"] + case["refused_418"] + case["refused_403"]
        text = f"{int(mean * 10 + 1e-6) / 10:.1f} %" + (f"  ·  {refused} refused" if refused else "")
        axis.text(100.06, y, text, va="center", fontsize=9.5, color=colour)
    axis.set_title("Used of the limit by weir, scenario by scenario")
    axis.text(0, 1.008, "the line reaches from the worst full window to the mean (dot); shaded: the promise, 99.5 % or more",
              transform=axis.transAxes, color=FAINT, fontsize=8.5)
    axis.set_xlim(low - 0.02, 100.5)
    axis.xaxis.set_major_locator(FixedLocator([98, 98.5, 99, 99.5, 100]))
    axis.xaxis.set_major_formatter(FuncFormatter(lambda v, _: f"{v:g} %"))
    axis.set_yticks(at, list(cases))
    axis.set_ylim(at[-1] - 0.8, 0.8)
    figure.subplots_adjust(left=0.36, right=0.985, top=1 - 0.72 / figure.get_figheight(),
                           bottom=0.3 / figure.get_figheight())
    save(figure, folder / "yield-scenarios.svg", "weir: use of the limit, scenario by scenario")


def write(figures, folder):
    with plt.rc_context(STYLE):
        if figures["rows"]:
            competitors(figures, folder)
        if figures["scenarios"]:
            scenarios(figures, folder)
