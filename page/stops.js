/* Stops, bans and breakers, and what is paused: each in a line, with its countdown and the way out. */
import { resume } from "./actions.js";
import { by_id, el, icon, set_attr, set_icon, set_list, set_shown, set_text } from "./dom.js";
import { plural, span } from "./format.js";
import { product_name } from "./names.js";
import { left_ms, on_change, on_tick } from "./store.js";

const place = by_id("stops"), paused = by_id("paused");

function rows_of(now) {
        const by = (one) => one.egress && one.egress !== "default" ? ` by ${one.egress}` : "";
        const gates = (now.gates || []).map((gate) => ({
                key: `gate ${gate.egress} ${gate.product}`, icon: /ban|firewall/.test(gate.kind) ? "bad" : "warn",
                what: `${product_name(gate.product)}${by(gate)}`, kind: gate.kind, left_ms: gate.for_ms,
                over: gate.probing ? "one request asks whether it is over" : "about to be asked" }));
        const breakers = (now.breakers || []).map((one) => ({
                key: `breaker ${one.egress} ${one.product}`, icon: "bad", what: `${product_name(one.product)}${by(one)}`,
                kind: `no answer, ${plural(one.failures, "failure", "failures")}`, left_ms: one.for_ms, over: "being asked now" }));
        const stopped = (now.budgets || []).filter((b) => b.shut_for_ms > 0).length;

        if (gates.length + breakers.length > 0)
                return [...gates, ...breakers];
        return [{ key: "none", icon: stopped > 0 ? "warn" : "ok", left_ms: null,
                  what: stopped > 0 ? `${plural(stopped, "budget is", "budgets are")} stopped` : "None",
                  kind: stopped > 0 ? "see the budgets" : "the exchange lets us in, and answers" }];
}

function make() {
        const p = { icon: icon("ok"), what: el("strong"), kind: el("span.stop-kind"), left: el("span.stop-left") };
        const node = el("li", null, p.icon, el("div", null, p.what, p.kind), p.left);

        node.p = p;
        return node;
}

function draw(state) {
        if (!state.now)
                return;
        set_list(place, rows_of(state.now), (row) => row.key, make, (node, row) => {
                node.row = row;
                set_attr(node, "data-level", row.icon);
                set_icon(node.p.icon, row.icon);
                set_text(node.p.what, row.what);
                set_text(node.p.kind, row.kind);
        });
        const list = state.now.paused || {}, clients = list.clients || [];

        set_shown(by_id("paused-panel"), clients.length > 0);
        set_list(paused, clients.slice(0, 100), (name) => name, (name) =>
                el("li", null, el("span", null, `client ${name}`),
                   el("button.quiet.small", { type: "button", "aria-label": `Resume client ${name}`, click: () => resume({ client: name }) },
                      "Resume")), () => {});
}

function draw_clock() {
        for (const node of place.children) {
                const row = node.row;

                set_text(node.p.left, row.left_ms === null ? "" : row.left_ms > 0 && left_ms(row.left_ms) > 0 ?
                                              span(left_ms(row.left_ms)) : row.over);
        }
}

export function start_stops() {
        on_change(draw);
        on_tick(draw_clock);
}
