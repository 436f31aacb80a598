/* The last hour, day and month: who used the windows, how long requests waited, what went wrong. */
import { get } from "./ask.js";
import { make_chart, show } from "./charts.js";
import { by_id, set_shown, set_text } from "./dom.js";
import { brief, count, day, is_number, minute_of_day, percent, plural, time_of_day, wait } from "./format.js";
import { merged } from "./merge.js";
import { CLASSES, pool_name } from "./names.js";
import { choice, fill, list } from "./picks.js";
import { HUES, PATTERNS, UPRIGHT } from "./looks.js";
import { on_change, on_tick, store } from "./store.js";

const HOUR = 3600000;
const ranges = {
        hour: { step: "window", ms: HOUR, every_ms: 5000, text: "Hour" },
        day: { step: "hour", ms: 24 * HOUR, every_ms: 60000, text: "Day" },
        month: { step: "day", ms: 30 * 24 * HOUR, every_ms: 300000, text: "30 days" },
};

const weight = make_chart("Weight per window", brief);
const waits = make_chart("Waits", wait);
const trouble = make_chart("Refused, retried, 429", count);

let pools = [], asked_at = -Infinity, is_asking = false, is_near = false, is_again = false;
const again = () => {
        asked_at = -Infinity;
        ask();
};

const of = choice("of", "Figures are", [["weight", "Weight"], ["orders", "Orders"]], again);
const range = choice("range", "How far back", Object.entries(ranges).map(([value, r]) => [value, r.text]), again);
const by = choice("by", "Stacked by", [["client", "Client"], ["endpoint", "Endpoint"], ["class", "Class"], ["account", "Account"]], again);
const pool = list("Budget", again);

function exchange_now() {
        return (store.now && store.now.exchange_ms) || Date.now();
}

function label_of(start, step) {
        if (step === "day")
                return day(start);
        return step === "hour" ? minute_of_day(start) : time_of_day(start).replace(/:00$/, "");
}

function sum(list_of) {
        return (list_of || []).reduce((all, n) => all + (is_number(n) ? n : 0), 0);
}

function numbers(list_of, n) {
        return Array.from({ length: n }, (_, i) => list_of && list_of[i] >= 0 && is_number(list_of[i]) ? list_of[i] : null);
}

function zeros_off(list_of) {
        return (list_of || []).some((n) => n > 0);
}

/* Of @name among @all, which are known beforehand: by its place, so that each has a hue of its own. */
function look_among(all, name) {
        const at = all.indexOf(name);

        return at < 0 ? undefined : { hue: at % HUES, pattern: Math.floor(at / HUES) % PATTERNS };
}

function draw_weight(h, labels) {
        const n = labels.length, kind = h.by || by.value, what = h.of === "orders" ? "orders" : "weight", is_weight = what === "weight";
        const is_own = is_weight || /-orders$/.test(h.pool || "");
        const series = (h.series || []).filter((s) => is_weight || zeros_off(s.orders)).map((s) => {
                const is_rest = s.name === "(others)" || s.name === null;

                return { name: is_rest ? "all others" : s.name === "" ? "(unnamed)" : s.name, values: numbers(s[what], n),
                         colour: is_rest ? "series-rest" : undefined,
                         look: kind === "class" ? look_among(CLASSES, s.name) : undefined };
        });

        /* What others use is in the pool's own unit; limits of orders are each account's. */
        if (is_own && zeros_off(h.foreign))
                series.push({ name: "not through weir", values: numbers(h.foreign, n), colour: "silt", pattern: UPRIGHT });
        const ours = series.reduce((all, s) => all + sum(s.values), 0);
        const last_limit = numbers(h.limits, n).filter(is_number).pop();

        if (is_weight && is_number(last_limit))
                series.push({ name: "limit", values: numbers(h.limits, n), line: true, dash: [6, 4], thin: true, colour: "bad",
                              stepped: "middle" });
        const most = Math.max(0, ...labels.map((_, i) => series.filter((s) => !s.line)
                                                                .reduce((all, s) => all + (s.values[i] || 0), 0)));

        show(weight, { labels, starts: h.starts, kind, series,
                       title: `${is_own ? "" : `Orders per ${h.step || "window"} of `}${pool_name(h.pool || pool.select.value) || "Weight"}` +
                              `${is_own ? ` per ${h.step || "window"}` : ""}, by ${kind}`,
                       summary: `${plural(n, "column", "columns")}, by ${kind}: ${count(ours)} in all, at most ${count(most)} in one` +
                                `${is_weight && is_number(last_limit) ? `, the limit is ${count(last_limit)} (${percent(most / last_limit)})` : ""}.`,
                       empty: is_weight ? "Nothing was used in this time." : "No orders were sent in this time." });
}

function draw_waits(h, labels) {
        const n = labels.length, p50 = numbers(h.wait_p50_ms, n), p99 = numbers(h.wait_p99_ms, n);

        show(waits, { labels, starts: h.starts, kind: "wait",
                      series: [{ name: "99 of 100 waited less than", values: p99, line: true, colour: "series-1" },
                               { name: "half waited less than", values: p50, line: true, dash: [2, 3], colour: "series-0" }],
                      summary: `Waits: of the longest, ${wait(Math.max(0, ...p99.filter(is_number)))} at most.`,
                      empty: "Nobody waited in this time." });
}

const REASONS = { late: "refused: late", crowded: "refused: crowded", shut: "refused: stopped or banned", never: "refused: too heavy",
                  queue: "refused: queue full", breaker: "refused: no answer", paused: "refused: paused", dropped: "dropped" };

function draw_trouble(h, labels) {
        const n = labels.length, refused = h.refused || {};
        const series = [{ name: "429 by the exchange", values: numbers(h.over_limit, n), colour: "bad" },
                        { name: "retried", values: numbers(h.retries, n), colour: "series-rest" }];

        for (const [reason, values] of Object.entries(refused))
                if (Array.isArray(values) && zeros_off(values))
                        series.push({ name: REASONS[reason] || `refused: ${reason}`, values: numbers(values, n),
                                      look: look_among(Object.keys(REASONS), reason) });
        show(trouble, { labels, starts: h.starts, kind: "reason", series,
                        summary: series.map((s) => `${s.name}: ${count(sum(s.values))}`).join(", "),
                        empty: "Nothing was refused, nothing retried, and the exchange never said 429." });
}

/* What nobody wrote is not nothing: no figure, where there is neither a limit nor anything else. */
function blank(h) {
        const series = h.series || [], refused = h.refused || {};
        const lists = [...series.map((s) => s.weight), ...series.map((s) => s.orders), h.foreign, h.limits, h.over_limit, h.retries, ...Object.values(refused)];
        const known = h.starts.map((_, i) => lists.some((values) => values && values[i] > 0));
        const kept = (values) => Array.isArray(values) ? values.map((value, i) => known[i] ? value : null) : values;

        for (const name of ["limits", "foreign", "wait_p50_ms", "wait_p99_ms", "retries", "over_limit"])
                h[name] = kept(h[name]);
        for (const s of series) {
                s.weight = kept(s.weight);
                s.orders = kept(s.orders);
        }
        for (const reason of Object.keys(refused))
                refused[reason] = kept(refused[reason]);
}

function draw(reply) {
        const h = reply.body;

        if (reply.status === 404 || reply.status === 501) {
                set_shown(by_id("history-note"), true);
                set_text(by_id("history-note"), (h && h.msg) || "This gateway keeps no history.");
                return;
        }
        if (reply.status !== 200 || !h || !Array.isArray(h.starts))
                return;
        blank(h);
        const labels = h.starts.map((start) => label_of(start, h.step));

        if (Array.isArray(h.pools))
                pools = h.pools;
        draw_picks(store);

        draw_weight(h, labels);
        draw_waits(h, labels);
        draw_trouble(h, labels);
}

async function ask() {
        if (is_asking) {
                is_again = true;
                return;
        }
        is_asking = true;
        asked_at = performance.now();
        const r = ranges[range.value], to = exchange_now();
        const query = new URLSearchParams({ of: of.value, by: by.value, step: r.step, from_ms: Math.floor(to - r.ms), to_ms: Math.ceil(to), top: 8 });

        if (pool.select.value)
                query.set("pool", pool.select.value);
        const is_kept = ((store.now && store.now.gateway) || {}).history === "on";
        const answers = await Promise.all([
                r.step !== "window" || is_kept ? get(`api/history?${query}`) : null,
                r.step === "window" ? get(`api/history?${query}&source=memory`) : null,
        ]);
        const [file, memory] = answers.map((reply) => reply || { status: 0, body: null });

        draw({ status: Math.min(...answers.filter(Boolean).map((reply) => reply.status || 503)),
               body: merged(file.body, memory.body) });
        is_asking = false;
        if (is_again) {
                is_again = false;
                ask();
        }
}

function rank(name) {
        return name === "spot-weight" ? 0 : name.includes("weight") ? 1 : name.endsWith("orders") ? 3 : 2;
}

function draw_picks(state) {
        if (!state.now)
                return;
        const budgets = (state.now.budgets || []).map((b) => b.name).filter((name) => /weight|sapi-(ip|uid)|-orders$/.test(name));
        /* Weights first, spot's before all: not whichever was used first since the start. */
        const names = [...new Set([...pools, ...budgets])].sort((x, y) => rank(x) - rank(y));
        const kept = (state.now.gateway || {}).history;

        fill(pool.select, names.length > 0 ? names.map((name) => [name, pool_name(name)]) : [["", "Spot weight"]]);
        set_shown(by_id("history-note"), kept === "off" || kept === "failed");
        set_text(by_id("history-note"), kept === "off" ?
                         "History is off: the last hour is kept in memory, and a restart forgets it. Set history.path to keep days." :
                         kept === "failed" ? "History cannot be written now: what is missing below was not kept." : "");
        range.children[2].querySelector("input").disabled = kept === "off";
        range.children[3].querySelector("input").disabled = kept === "off";
}

export function start_history() {
        by_id("history-picks").addEventListener("submit", (event) => event.preventDefault());
        by_id("history-picks").append(range, of, by, pool.label);
        by_id("charts").append(weight.node, waits.node, trouble.node);
        new IntersectionObserver((entries) => {
                is_near = entries.some((entry) => entry.isIntersecting);
        }, { rootMargin: "300px" }).observe(by_id("history"));
        on_change(draw_picks);
        on_tick(() => {
                if (is_near && store.connection === "live" && performance.now() - asked_at > ranges[range.value].every_ms)
                        ask();
        });
}
