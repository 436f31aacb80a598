/*
 * Budgets as channels with a level: what we used, what is on its way or held, what others used, and
 * what is kept free for others, against the exchange's limit. Marks below say how far each class may
 * go now. The thin line is the time: when it has run out, the window turns and all begins anew.
 */
import { by_id, el, set_attr, set_class, set_list, set_shown, set_style, set_text } from "./dom.js";
import { count, is_number, percent, span, window_length } from "./format.js";
import { CLASSES, pool_name, pool_unit } from "./names.js";
import { parts_of } from "./parts.js";
import { changed, elapsed_ms, left_ms, on_change, on_tick, store } from "./store.js";


/* LETTER: as a part of the narrowest channel. */
const FIRST = 24, MORE = 48, LETTER = 0.026;
const still = matchMedia("(prefers-reduced-motion: reduce)");
let shown = FIRST;

/* Pools by weight first: they are what everything shares. */
const groups = [
        { id: "weight", title: "Shared by everything on the address", has: (b) => /^(spot|futures|papi|eapi)-weight$/.test(b.name) },
        { id: "orders", title: "Of an account", has: (b) => /orders|-uid$/.test(b.name) || Boolean(b.account) },
        { id: "other", title: "Of single endpoints, and raw requests", has: () => true },
];

const order = ["spot-weight", "futures-weight", "papi-weight", "eapi-weight", "spot-orders", "futures-orders", "papi-orders"];

function rank(budget) {
        const at = order.indexOf(budget.name);

        return at < 0 ? order.length : at;
}

function key_of(budget) {
        return [budget.name, budget.owner, budget.egress, budget.span_ms].join(" ");
}

/* How far each class may go, as a part of the scale, lowest first. */
function marks_of(budget, scale) {
        const ceilings = budget.ceilings || {};

        return CLASSES.filter((name) => is_number(ceilings[name]))
                      .map((name) => ({ at: Math.min(1, ceilings[name] / scale), name, letters: name[0].toUpperCase() }))
                      .sort((a, b) => a.at - b.at);
}

/* Their letters; of marks that stand too near to each other together, in the middle of them. */
function letters_of(marks) {
        const joined = marks.map((mark) => ({ at: mark.at, letters: mark.letters }));
        /* Those at an end of the channel stay in it. */
        const drawn_at = ({ at, letters }) => Math.min(Math.max(at, letters.length / 2 * LETTER), 1 - letters.length / 2 * LETTER);

        for (let i = 1; i < joined.length;) {
                const a = joined[i - 1], b = joined[i], n = a.letters.length + b.letters.length;

                if (drawn_at(b) - drawn_at(a) >= n / 2 * LETTER + LETTER / 2) {
                        ++i;
                        continue;
                }
                a.at = (a.at * a.letters.length + b.at * b.letters.length) / n;
                a.letters += b.letters;
                joined.splice(i, 1);
                i = Math.max(1, i - 1);
        }
        return joined;
}

function whose(budget) {
        const words = [];

        if (budget.account)
                words.push(`account ${budget.account}`);
        else if (/orders|-uid$/.test(budget.name) && budget.owner)
                words.push(`account no. ${String(budget.owner).slice(0, 6)}`);
        if (budget.endpoint)
                words.push(budget.endpoint);
        if (budget.egress && budget.egress !== "default")
                words.push(`by ${budget.egress}`);
        return words.join(", ");
}

function make() {
        const node = el("article.gauge"), p = {};

        p.title = el("h5.gauge-name");
        p.whose = el("span.gauge-whose");
        p.span = el("span.gauge-span");
        p.turns = el("span.gauge-turns");
        p.used = el("span.gauge-used");
        p.limit = el("span.gauge-limit");
        p.share = el("span.gauge-share");
        p.stop = el("p.gauge-stop", { hidden: true });
        p.ours = el("i.seg.seg-ours");
        p.flying = el("i.seg.seg-flying");
        p.foreign = el("i.seg.seg-foreign");
        p.held = el("i.seg.seg-held");
        p.expected = el("i.seg.seg-expected");
        p.cap = el("i.gauge-cap", { hidden: true });
        p.channel = el("div.channel", { role: "img" }, p.ours, p.flying, p.foreign, p.held, p.expected, p.cap);
        p.ticks = el("div.ticks");
        p.letters = el("div.letters");
        p.marks = el("div.marks", { "aria-hidden": "true" }, p.ticks, p.letters);
        p.time = el("i");
        p.parts = el("p.gauge-parts");
        p.table = el("tbody");
        p.more = el("details.gauge-more", null, el("summary", null, "Figures"),
                    el("table", null, el("caption.unseen", null, "Parts of the window and what each class may use"), p.table));
        node.append(el("div.gauge-head", null, el("div", null, p.title, p.whose), el("p.gauge-when", null, p.span, p.turns)),
                    el("p.gauge-figures", null, p.share, el("span.gauge-of", null, p.used, p.limit)),
                    p.channel, p.marks, el("div.time", { "aria-hidden": "true" }, p.time), p.stop, p.parts, p.more);
        p.more.addEventListener("toggle", changed);
        node.parts = p;
        return node;
}

/* Until the window turns. While nothing differs no snapshot comes, and windows turn all the same. */
function turns_in_ms(budget) {
        const left = budget.turns_in_ms - elapsed_ms();

        return left > 0 || !(budget.span_ms > 0) ? left : budget.span_ms - (-left % budget.span_ms);
}

/* The line of time runs on the compositor: no work for each frame. */
function run_time(node, budget) {
        const p = node.parts, span_ms = budget.span_ms, left = turns_in_ms(budget);

        if (!is_number(left) || !is_number(span_ms) || span_ms <= 0)
                return;
        const from = Math.min(1, left / span_ms);

        if (still.matches) {
                set_style(p.time, "transform", `scaleX(${from.toFixed(2)})`);
                return;
        }
        const ends = performance.now() + left;

        if (p.run && p.run.playState !== "idle" && Math.abs(p.run_ends - ends) < 400)
                return;
        if (p.run)
                p.run.cancel();
        p.run_ends = ends;
        p.run = p.time.animate([{ transform: `scaleX(${from})` }, { transform: "scaleX(0)" }],
                               { duration: Math.max(1, left), fill: "forwards" });
}

function row(name, value) {
        return [name, value];
}

function draw_table(p, budget, parts) {
        const ceilings = budget.ceilings || {};
        const rows = [row("Ours, answered", count(parts.ours - parts.flying)), row("Ours, in flight", count(parts.flying)),
                      row("Places held", count(parts.held)), row("Used by others", count(parts.foreign)),
                      row("Kept for others", count(parts.expected)), row("Limit", count(budget.limit))];

        if (is_number(budget.cap))
                rows.push(row("This host may use", count(budget.cap)));
        for (const name of CLASSES)
                if (is_number(ceilings[name]))
                        rows.push(row(`Up to, for ${name}`, count(ceilings[name])));
        set_list(p.table, rows, ([name]) => name,
                 ([name]) => el("tr", null, el("th", { scope: "row" }, name), el("td")),
                 (node, [, value]) => set_text(node.lastChild, value));
}

function said(parts, budget) {
        const words = [];

        if (parts.limit > 0 && parts.used > parts.limit)
                words.push(`${count(parts.used - parts.limit)} over the limit`);
        if (parts.flying > 0)
                words.push(`${count(parts.flying)} in flight`);
        if (parts.held > 0)
                words.push(`${count(parts.held)} held`);
        if (parts.foreign > 0)
                words.push(`${count(parts.foreign)} by others`);
        if (parts.expected > 0)
                words.push(`${count(parts.expected)} kept for others`);
        if (is_number(budget.cap))
                words.push(`this host may use ${count(budget.cap)}`);
        return words.join(" \u00b7 ");
}

function update(node, budget) {
        const p = node.parts, parts = parts_of(budget), unit = pool_unit(budget.name);
        const part = (n) => `${(n / parts.scale * 100).toFixed(2)}%`;

        node.budget = budget;
        set_text(p.title, pool_name(budget.name));
        set_text(p.whose, whose(budget));
        set_text(p.span, window_length(budget.span_ms));
        set_text(p.share, parts.limit > 0 ? percent(parts.used / parts.limit) : "\u2013");
        set_text(p.used, is_number(budget.used) ? count(budget.used) : "\u2013");
        set_text(p.limit, ` of ${count(budget.limit)} ${unit}`);
        set_style(p.ours, "width", part(parts.ours - parts.flying));
        set_style(p.flying, "width", part(parts.flying));
        set_style(p.foreign, "width", part(parts.foreign));
        set_style(p.held, "width", part(parts.held));
        set_style(p.expected, "width", part(parts.expected));
        set_shown(p.cap, is_number(budget.cap) && budget.cap < parts.limit);
        set_style(p.cap, "left", part(Math.min(budget.cap || 0, parts.scale)));
        set_attr(p.channel, "aria-label",
                 `${pool_name(budget.name)}, window of ${window_length(budget.span_ms)}: ${count(parts.used)} of ` +
                 `${count(budget.limit)} ${unit} used${said(parts, budget) ? `, ${said(parts, budget)}` : ""}`);
        const marks = marks_of(budget, parts.scale);

        set_list(p.ticks, marks, (mark) => mark.name, () => el("i"),
                 (tick, mark) => set_style(tick, "left", `${(mark.at * 100).toFixed(1)}%`));
        set_list(p.letters, letters_of(marks), (mark) => mark.letters, () => el("b"), (label, mark) => {
                set_text(label, mark.letters);
                const half = `${(mark.letters.length * 0.31).toFixed(2)}rem`;

                set_style(label, "left", `clamp(${half}, ${(mark.at * 100).toFixed(1)}%, 100% - ${half})`);
        });
        set_text(p.parts, said(parts, budget) || "all ours, nothing on its way");
        set_class(node, "is-idle", parts.total === 0);
        set_class(node, "is-full", parts.limit > 0 && parts.total >= parts.limit * 0.985);
        set_class(node, "is-stopped", budget.shut_for_ms > 0);
        if (p.more.open)
                draw_table(p, budget, parts);
        run_time(node, budget);
}

function draw_clock(node) {
        const p = node.parts, budget = node.budget;
        const left = turns_in_ms(budget);
        const shut = left_ms(budget.shut_for_ms || 0);

        set_text(p.turns, is_number(left) ? `turns in ${span(left)}` : "");
        if (p.run_ends < performance.now() && store.connection === "live")
                run_time(node, budget);
        set_shown(p.stop, budget.shut_for_ms > 0);
        if (budget.shut_for_ms > 0)
                set_text(p.stop, shut > 0 ? `Stopped: opens in ${span(shut)}` : "Stopped: about to open");
}

let live_nodes = [];

function sections_of(budgets) {
        const left = budgets.filter((b) => b && b.name)
                            .map((b, i) => ({ b, i }))
                            .sort((x, y) => rank(x.b) - rank(y.b) || x.i - y.i)
                            .map(({ b }) => b);
        const found = groups.map((group) => ({ ...group, budgets: [] }));
        let room = shown;

        for (const budget of left)
                found.find((group) => group.has(budget)).budgets.push(budget);
        for (const group of found) {
                group.all = group.budgets.length;
                group.budgets = group.budgets.slice(0, room);
                room -= group.budgets.length;
        }
        return { groups: found.filter((group) => group.budgets.length > 0), all: left.length };
}

function make_group(group) {
        const grid = el(`div.gauge-grid.grid-${group.id}`), node = el("section.gauge-group", { "aria-label": group.title },
                                                     el("h4", null, group.title), grid);

        node.grid = grid;
        return node;
}

const place = by_id("gauges"), body = el("div"), empty = el("p.empty", { hidden: true });
const more = el("button.quiet.more", { type: "button", hidden: true, click: () => {
        shown += MORE;
        changed();
} });

const waiting = el("div.gauge-grid.skeleton", { "aria-hidden": "true" }, ...Array.from({ length: 4 }, () => el("div.gauge")));

place.append(waiting, body, empty, more);

export function start_gauges() {
        on_change((store) => {
                if (!store.now)
                        return;
                const budgets = store.now.budgets || [], found = sections_of(budgets);

                set_attr(place, "aria-busy", null);
                set_shown(waiting, false);
                live_nodes = [];
                set_list(body, found.groups, (group) => group.id, make_group, (node, group) => {
                        set_list(node.grid, group.budgets, key_of, make, (gauge, budget) => {
                                update(gauge, budget);
                                live_nodes.push(gauge);
                        });
                });
                set_class(place, "is-many", live_nodes.length > FIRST);
                set_shown(empty, budgets.length === 0);
                set_text(empty, "No budget has been used yet. Point a program's base URL at this gateway, and its first " +
                                "request shows up here.");
                set_shown(more, found.all > live_nodes.length);
                set_text(more, `Show more: ${found.all - live_nodes.length} further budgets`);
        });
        on_tick(() => {
                for (const node of live_nodes)
                        draw_clock(node);
        });
}

/* For what is gone: the lines of time stand still. */
export function hold_time(is_held) {
        for (const node of live_nodes)
                if (node.parts.run)
                        is_held ? node.parts.run.pause() : node.parts.run.play();
}

