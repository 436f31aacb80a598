/* What happened, newest first. Said aloud are warnings and errors only, and at most every five seconds. */
import { by_id, el, icon, set_attr, set_icon, set_list, set_shown, set_text } from "./dom.js";
import { day, plural, time_of_day } from "./format.js";
import { on_events } from "./live.js";
import { in_words } from "./logfmt.js";
import { capital } from "./names.js";
import { choice } from "./picks.js";
import { changed, on_change, store } from "./store.js";
import { titles } from "./titles.js";

const FIRST = 20, MORE = 100, SAY_EVERY_MS = 5000;
const levels = { error: 0, warn: 1, info: 2, debug: 3 };
const icons = { error: "bad", warn: "warn", info: "info", debug: "info" };

let shown = FIRST, unsaid = [], said_at = -SAY_EVERY_MS, sayer = 0;

const redraw = () => {
        shown = FIRST;
        changed();
};
const level = choice("level", "Levels", [["info", "All"], ["warn", "Warnings"], ["error", "Errors"]], redraw);
const find = el("input", { type: "search", placeholder: "Find", "aria-label": "Find in events", input: redraw });
const list = el("ol.events"), empty = el("p.empty"), more = el("button.quiet.more", { type: "button", click: () => {
        shown += MORE;
        changed();
} });

/* A later gateway, which this page does not come from, may log others: shown by their own names. */
export function event_title(event) {
        return titles[event.event] || capital(String(event.event || "").replaceAll("_", " "));
}

function make() {
        const p = { icon: icon("info"), at: el("time"), title: el("strong"), text: el("span.event-text"), level: el("span.unseen"),
                    times: el("span.event-times", { hidden: true }) };
        const node = el("li", null, p.at, p.icon, el("div", null, p.level, p.title, p.text, p.times));

        node.p = p;
        return node;
}

function update(node, event) {
        const p = node.p, today = new Date().toISOString().slice(0, 10), at = new Date(event.at_ms || 0).toISOString();

        set_attr(node, "data-level", event.level || "info");
        set_icon(p.icon, icons[event.level] || "info");
        set_text(p.at, `${at.slice(0, 10) === today ? "" : `${day(event.at_ms)} `}${time_of_day(event.at_ms)}`);
        set_attr(p.at, "datetime", at);
        set_text(p.level, event.level === "error" ? "Error: " : event.level === "warn" ? "Warning: " : "");
        set_text(p.title, event_title(event));
        set_text(p.text, `${event.words}${event.request_id && event.times === 1 ? `, request ${event.request_id}` : ""}`);
        set_shown(p.times, event.times > 1);
        set_text(p.times, `${event.times} times since ${time_of_day(event.since_ms)}`);
}

/* Events whose figures differ each time. */
const alike = new Set(["foreign_use", "refused", "retry", "not_sent", "read_failed"]);

function sameness(event) {
        const words = alike.has(event.event) ? event.words.replace(/[\d.,]+/g, "") : event.words;

        return `${event.level} ${event.event} ${words}`;
}

/* The same once more and once more is one line that says how often. Keyed by the first of them, which stays. */
function folded(events) {
        const lines = [];

        for (const event of events) {
                const last = lines[lines.length - 1];

                if (last && sameness(last) === sameness(event)) {
                        last.key = event.key;
                        last.since_ms = event.at_ms;
                        ++last.times;
                } else {
                        lines.push({ ...event, times: 1, since_ms: event.at_ms });
                }
        }
        return lines;
}

function matches(event, most, text) {
        event.words ??= in_words(event.text);
        return (levels[event.level] ?? 2) <= most &&
               (text === "" || `${event_title(event)} ${event.event} ${event.text} ${event.words}`.toLowerCase().includes(text));
}

function draw(state) {
        const most = levels[level.value], text = find.value.trim().toLowerCase();
        const found = folded(state.events.filter((event) => matches(event, most, text)));

        set_list(list, found.slice(0, shown), (event) => event.key, make, update);
        set_shown(more, found.length > shown);
        set_text(more, `Show more: ${plural(found.length - shown, "earlier one", "earlier ones")}`);
        set_shown(empty, found.length === 0);
        set_text(empty, state.events.length > 0 ? "None of these." :
                        "Nothing has happened since the gateway started, or nothing worth a word.");
}

function say() {
        sayer = 0;
        if (unsaid.length === 0)
                return;
        const last = unsaid[unsaid.length - 1], n = unsaid.length - 1;

        said_at = performance.now();
        set_text(by_id("announce"), `${event_title(last)}${last.text ? `: ${in_words(last.text)}` : ""}` +
                                    `${n > 0 ? `, and ${plural(n, "more event", "more events")}` : ""}`);
        unsaid = [];
}

export function start_events() {
        by_id("events-picks").append(level, find);
        by_id("events-picks").addEventListener("submit", (event) => event.preventDefault());
        by_id("events-list").append(el("div.panel", null, list, empty, more));
        on_change(draw);
        on_events((fresh) => {
                unsaid.push(...fresh.filter((event) => (levels[event.level] ?? 2) <= levels.warn));
                if (unsaid.length > 0 && !sayer)
                        sayer = setTimeout(say, Math.max(0, SAY_EVERY_MS - (performance.now() - said_at)));
        });
        draw(store);
}
