/* The state of things: one word on top, sentences below it, and the window's title. */
import { by_id, el, icon, set_attr, set_class, set_icon, set_list, set_shown, set_text } from "./dom.js";
import { count, rate, span } from "./format.js";
import { hold_time } from "./gauges.js";
import { BAD, INFO, OK, WARN, calm_notice, notices_of, state_of } from "./states.js";
import { age_ms, left_ms, on_change, on_tick, store } from "./store.js";

const icons = { [OK]: "ok", [INFO]: "info", [WARN]: "warn", [BAD]: "bad" };
const names = { [OK]: "ok", [INFO]: "info", [WARN]: "warn", [BAD]: "bad" };
const list = by_id("notices");

function make() {
        const p = { icon: icon("info"), title: el("p.notice-title"), text: el("p.notice-text"),
                    go: el("button.main", { type: "button", hidden: true, click: () => by_id("access").click() }, "Log in") };
        const node = el("li.notice", null, p.icon, el("div", null, p.title, p.text), p.go);

        node.p = p;
        return node;
}

function draw(state) {
        const one = state_of(state), root = document.documentElement;
        let notices = notices_of(state);

        if (state.now && state.connection === "live" && !notices.some((n) => n.level > INFO))
                notices = [calm_notice(state.now), ...notices];
        set_attr(root, "data-state", state.connection);
        set_text(by_id("state-text"), one.text);
        set_attr(by_id("state"), "data-level", names[one.level]);
        document.title = state.connection === "live" && one.level === OK ? "weir" : `${one.text} \u00b7 weir`;
        set_list(list, notices, (n) => n.key, make, (node, n) => {
                node.notice = n;
                set_attr(node, "data-level", names[n.level]);
                set_icon(node.p.icon, icons[n.level]);
                set_text(node.p.text, n.text);
                set_shown(node.p.go, n.key === "locked");
        });
        set_class(root, "is-stale", state.connection === "gone");
        hold_time(state.connection === "gone");
}

function draw_clock() {
        for (const node of list.children) {
                const n = node.notice;

                set_text(node.p.title, n.left_ms === null ? n.title : n.title.replace("%", span(left_ms(n.left_ms))));
        }
        const gone = store.connection === "gone" && store.now;

        set_text(by_id("heard"), gone ? `as of ${span(age_ms())} ago` : "");
        set_class(by_id("heard"), "is-old", gone);
}

/* Six figures that say how busy it is. */
const figures = [
        { key: "requests", name: "Requests a second", of: (now) => rate((now.rates || {}).requests_per_s) },
        { key: "weight", name: "Weight a second", of: (now) => rate((now.rates || {}).weight_per_s) },
        { key: "waiting", name: "Waiting now", of: (now) => count((now.rates || {}).waiting) },
        { key: "refused", name: "Refused here, so far",
          of: (now) => count(sum(now.counters, (key) => key.startsWith("refused_") || key === "dropped")) },
        /* As the column 429 of who spends: 418 and the firewall's 403 refuse for a limit too. */
        { key: "over", name: "429 there, so far",
          of: (now) => count(sum(now.counters, (key) => key === "over_weight" || key === "too_many_orders" || key === "bans" ||
                  key === "firewalls")) },
        { key: "connections", name: "Connections", of: (now) => count((now.gateway || {}).connections) },
];

/* Of those whose name @is_counted: a reason that is new is counted without a word here. */
function sum(counters, is_counted) {
        return counters ? Object.keys(counters).filter(is_counted).reduce((all, key) => all + (counters[key] || 0), 0) : NaN;
}

function draw_pulse(state) {
        set_list(by_id("pulse"), figures, (figure) => figure.key,
                 (figure) => el("div", null, el("dt", null, figure.name), el("dd", null, "\u2013")),
                 (node, figure) => set_text(node.lastChild, state.now ? figure.of(state.now) : "\u2013"));
}

function draw_about(state) {
        const now = state.now, gateway = (now && now.gateway) || {};
        const version = (now && now.version) || (state.me && state.me.version);
        const words = [`weir${version ? ` ${version}` : ""}`];

        if (gateway.pid)
                words.push(`process ${gateway.pid}`);
        if (gateway.uptime_ms >= 0)
                words.push(`up ${span(gateway.uptime_ms)}`);
        if (now && now.region)
                words.push(`region ${now.region}`);
        set_text(by_id("about"), words.join(" \u00b7 "));
}

/* Pauses of clients, which the queue has no row for. */
export function start_notices() {
        on_change(draw);
        on_change(draw_pulse);
        on_change(draw_about);
        on_tick(draw_clock);
}
