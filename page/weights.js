/* Costs that replies have shown to be other than the tables say. */
import { acknowledge } from "./actions.js";
import { by_id, el, set_class, set_list, set_shown, set_text } from "./dom.js";
import { count } from "./format.js";
import { on_change } from "./store.js";

const body = el("tbody"), empty = el("p.empty");
const table = el("table.weights", null, el("caption.unseen", null, "Weights that replies have shown to be other than charged"),
        el("thead", null, el("tr", null, el("th", { scope: "col" }, "Request"), el("th.number", { scope: "col" }, "Charged"),
                             el("th.number", { scope: "col" }, "Shown"), el("th.number", { scope: "col" }, "Samples"),
                             el("th", { scope: "col" }, el("span.unseen", null, "Do")))), body);
const scroll = el("div.scroll.panel", { tabindex: "0", role: "region", "aria-label": "Table: weights" }, table);

function make() {
        const p = { name: el("th", { scope: "row" }), charged: el("td.number"), shown: el("td.number"), samples: el("td.number"),
                    seen: el("span.tag.tag-calm", { hidden: true }, "acknowledged"),
                    act: el("button.quiet.small", { type: "button", click: () => acknowledge(node.row.variant) }, "Acknowledge") };
        const node = el("tr", null, p.name, p.charged, p.shown, p.samples, el("td.do", null, p.seen, p.act));

        node.p = p;
        return node;
}

function update(node, row) {
        const p = node.p;

        node.row = row;
        set_text(p.name, String(row.variant));
        set_text(p.charged, count(row.charged));
        set_text(p.shown, count(row.shown));
        set_text(p.samples, count(row.samples));
        set_class(p.shown, "is-bad", row.shown > row.charged && !row.acknowledged);
        set_shown(p.seen, row.acknowledged);
        set_shown(p.act, !row.acknowledged);
}

function draw(state) {
        if (!state.now)
                return;
        const rows = (state.now.weights || []).filter((row) => row && row.variant);
        const open = rows.filter((row) => !row.acknowledged).length, told = state.now.weight_disagreements || 0;

        set_list(body, rows, (row) => row.variant, make, update);
        set_shown(scroll, rows.length > 0);
        set_shown(empty, rows.length === 0);
        set_text(empty, told > 0 ? `${count(told)} cost other than charged: weir check --weights lists them.` :
                        "Everything has cost what the tables say, as far as replies have shown.");
        set_shown(by_id("weights-count"), open > 0);
        set_text(by_id("weights-count"), String(open));
}

export function start_weights() {
        by_id("weights-table").append(scroll, empty);
        on_change(draw);
}
