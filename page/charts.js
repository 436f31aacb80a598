/*
 * Charts by Chart.js, in the page's colours. Hue is never alone: each series has a pattern of its
 * own, and below each chart the same figures stand in a table.
 */
import { el, set_attr, set_list, set_shown, set_text } from "./dom.js";
import { NONE, brief, is_number } from "./format.js";
import { UPRIGHT, looks_of } from "./looks.js";

const still = matchMedia("(prefers-reduced-motion: reduce)");
const all = new Set();

function colour(name) {
        return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

/* By its name, but for what is no name ("all others", "not through weir", "limit"). */
function series_colour(series) {
        return colour(series.colour ? `--${series.colour}` : `--series-${series.look.hue}`);
}

/* Solid, or lines and dots of the paper in it: told apart without hue too. */
function pattern(hue, kind, paper) {
        const tile = document.createElement("canvas"), n = 8;
        const draw = tile.getContext("2d");

        if (kind === 0)
                return hue;
        tile.width = tile.height = n;
        draw.fillStyle = hue;
        draw.fillRect(0, 0, n, n);
        draw.globalAlpha = 0.42;
        draw.strokeStyle = draw.fillStyle = paper;
        draw.lineWidth = 1.4;
        draw.beginPath();
        if (kind === UPRIGHT) {
                draw.globalAlpha = 0.75;
                draw.fillRect(0, 0, n / 2, n);
        }
        if (kind === 1)
                for (const at of [-n, 0, n]) {
                        draw.moveTo(at, n);
                        draw.lineTo(at + n, 0);
                }
        if (kind === 2)
                for (const at of [-n, 0, n]) {
                        draw.moveTo(at, 0);
                        draw.lineTo(at + n, n);
                }
        if (kind === 3) {
                draw.moveTo(0, n / 2);
                draw.lineTo(n, n / 2);
        }
        draw.stroke();
        if (kind === 4)
                draw.fillRect(n / 2 - 1.2, n / 2 - 1.2, 2.4, 2.4);
        return draw.createPattern(tile, "repeat");
}

function series_pattern(series) {
        return pattern(series_colour(series), series.pattern ?? (series.look ? series.look.pattern : 0), colour("--panel"));
}

/* A point that has no neighbour makes no line: it is drawn as a dot. */
function point_radius({ dataset: { data }, dataIndex: i }) {
        return is_number(data[i]) && !is_number(data[i - 1]) && !is_number(data[i + 1]) ? 3.5 : 0;
}

function dataset(series) {
        const hue = series_colour(series), base = { label: series.name, data: series.values, order: series.line ? 0 : 1 };

        if (series.line)
                return { ...base, type: "line", borderColor: hue, backgroundColor: hue, borderWidth: series.thin ? 1.5 : 2,
                         borderDash: series.dash || [], pointRadius: point_radius, pointHitRadius: 8, tension: 0, spanGaps: false,
                         stepped: series.stepped || false, yAxisID: series.axis || "y", stack: `line ${series.name}` };
        return { ...base, type: "bar", backgroundColor: series_pattern(series), stack: "all",
                 barPercentage: 1, categoryPercentage: 0.86, borderWidth: 0 };
}

function options(chart) {
        const ink = colour("--muted"), line = colour("--line");
        const font = { family: getComputedStyle(document.body).fontFamily, size: 12 };

        return {
                animation: false, responsive: true, maintainAspectRatio: false, normalized: true,
                interaction: { mode: "index", intersect: false },
                scales: {
                        x: { stacked: true, grid: { display: false, borderColor: line },
                             ticks: { color: ink, font, maxRotation: 0, autoSkip: true, autoSkipPadding: 18 } },
                        y: { stacked: true, beginAtZero: true, grid: { color: line, borderColor: "transparent", drawTicks: false },
                             ticks: { color: ink, font, maxTicksLimit: 5, padding: 8, callback: (value) => chart.unit(value) } },
                },
                plugins: {
                        legend: { display: false },
                        tooltip: { backgroundColor: colour("--ink"), titleColor: colour("--panel"), bodyColor: colour("--panel"),
                                   titleFont: font, bodyFont: font, padding: 10, boxPadding: 4, itemSort: (a, b) => b.raw - a.raw,
                                   filter: (item) => item.raw > 0,
                                   callbacks: { label: (item) => ` ${item.dataset.label}: ${chart.unit(item.raw)}` } },
                },
        };
}

/* A sign of a series for the legend: the same hue and pattern, on a canvas of its own. */
function paint_sign(canvas, series) {
        const draw = canvas.getContext("2d"), hue = series_colour(series);

        canvas.width = 28;
        canvas.height = 20;
        if (series.line) {
                draw.strokeStyle = hue;
                draw.lineWidth = 4;
                draw.setLineDash(series.dash ? [7, 5] : []);
                draw.beginPath();
                draw.moveTo(0, 10);
                draw.lineTo(28, 10);
                draw.stroke();
        } else {
                draw.fillStyle = series_pattern(series);
                draw.fillRect(0, 0, 28, 20);
        }
}

/**
 * make_chart() - a panel with a title, the drawing, a legend and the same as a table
 * @title: what it shows
 * @unit:  a figure as people read it
 *
 * show(chart, {labels, starts, kind, series: [{name, values, line?, dash?, colour?, pattern?, look?}], summary, title?})
 * fills it. @kind: what the series are. Who has a colour or a look of his own has none by his name.
 */
export function make_chart(title, unit = brief) {
        const chart = { unit, drawn: null, data: null, is_seen: false };

        chart.canvas = el("canvas", { role: "img", "aria-label": title, hidden: true });
        chart.legend = el("ul.legend");
        chart.empty = el("p.empty", null, "Loading\u2026");
        chart.box = el("div.chart-box", null, chart.canvas, chart.empty);
        chart.head = el("thead");
        chart.caption = el("caption.unseen", null, title);
        chart.body = el("tbody");
        chart.scroll = el("div.scroll", { tabindex: "0", role: "region", "aria-label": `${title}: figures` },
                          el("table.figures", null, chart.caption, chart.head, chart.body));
        chart.details = el("details", { hidden: true, toggle: () => draw_table(chart) }, el("summary", null, "Figures"), chart.scroll);
        chart.title = el("h3", null, title);
        chart.node = el("figure.panel.chart", null, el("figcaption", null, chart.title), chart.box, chart.legend, chart.details);
        new IntersectionObserver((entries) => {
                chart.is_seen = entries.some((entry) => entry.isIntersecting);
                if (chart.is_seen)
                        draw(chart);
        }, { rootMargin: "200px" }).observe(chart.node);
        all.add(chart);
        return chart;
}

function draw_table(chart) {
        const data = chart.data;

        if (!chart.details.open || !data)
                return;
        const series = data.series, newest = data.labels.map((label, i) => i).reverse();

        set_list(chart.head, [series.map((s) => s.name).join("\n")], (key) => key,
                 () => el("tr", null, el("th", { scope: "col" }, "From"),
                          ...series.map((s) => el("th.number", { scope: "col" }, s.name))), () => {});
        set_list(chart.body, newest, (i) => `${data.starts[i]} ${series.length}`,
                 () => el("tr", null, el("th", { scope: "row" }), ...series.map(() => el("td.number"))),
                 (node, i) => {
                         set_text(node.firstChild, data.labels[i]);
                         series.forEach((s, n) => set_text(node.children[n + 1],
                                                           is_number(s.values[i]) ? chart.unit(s.values[i]) : NONE));
                 });
}

function draw(chart) {
        const data = chart.data;

        if (!data || !chart.is_seen || chart.drawn_of === data)
                return;
        chart.drawn_of = data;
        if (!chart.drawn) {
                chart.drawn = new globalThis.Chart(chart.canvas, { type: "bar", data: { labels: [], datasets: [] },
                                                                   options: options(chart) });
        }
        chart.drawn.data.labels = data.labels;
        chart.drawn.data.datasets = data.series.map(dataset);
        chart.drawn.update(still.matches ? "none" : undefined);
}

function draw_legend(chart) {
        const data = chart.data;

        set_list(chart.legend, data.series, (s) => s.name,
                 () => el("li", null, el("canvas", { "aria-hidden": "true" }), el("span")),
                 (node, s) => {
                         const look = `${s.line} ${series_colour(s)} ${s.pattern ?? (s.look && s.look.pattern)}`;

                         if (node.look !== look)
                                 paint_sign(node.firstChild, s);
                         node.look = look;
                         set_text(node.lastChild, s.name);
                 });
}

export function show(chart, data) {
        const has = data.series.some((s) => !s.line && s.values.some((v) => v > 0)) ||
                    data.series.some((s) => s.line && !s.dash && s.values.some((v) => v > 0));

        const looks = looks_of(data.kind, data.series.filter((s) => !s.colour && !s.look).map((s) => s.name));

        for (const s of data.series)
                s.look ||= looks.get(s.name);
        if (data.title) {
                set_text(chart.title, data.title);
                set_text(chart.caption, data.title);
                set_attr(chart.scroll, "aria-label", `${data.title}: figures`);
        }
        chart.data = data;
        set_attr(chart.canvas, "aria-label", data.summary);
        set_shown(chart.canvas, has);
        set_shown(chart.empty, !has);
        set_text(chart.empty, data.empty || "Nothing in this time.");
        set_shown(chart.details, has);
        set_shown(chart.legend, has);
        if (has) {
                draw_legend(chart);
                draw(chart);
        }
        draw_table(chart);
}

/* In other colours, when the theme has changed. */
function recolour() {
        for (const chart of all) {
                if (chart.drawn) {
                        chart.drawn.destroy();
                        chart.drawn = null;
                }
                chart.drawn_of = null;
                for (const node of chart.legend.children)
                        node.look = null;
                if (chart.data && !chart.legend.hidden)
                        draw_legend(chart);
                draw(chart);
        }
}

document.documentElement.addEventListener("themed", recolour);
