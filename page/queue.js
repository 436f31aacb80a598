/* Who waits, class by class; behind each, on request, the requests themselves. */
import { pause, resume, drop } from "./actions.js";
import { get } from "./ask.js";
import { by_id, el, set_attr, set_class, set_list, set_shown, set_style, set_text } from "./dom.js";
import { count, is_number, wait } from "./format.js";
import { CLASSES, CLASS_MEANS } from "./names.js";
import { on_change, on_tick, store } from "./store.js";

const ASK_EVERY_MS = 2000;

let open_class = null, list = { requests: [], more: 0 }, asked_at = -ASK_EVERY_MS, is_asking = false, failed = false;

const body = el("tbody"), table = el("table.queue", null, el("caption.unseen", null, "Requests that wait, by class"),
        el("thead", null, el("tr", null, el("th", { scope: "col" }, "Class"), el("th.number", { scope: "col" }, "Waiting"),
                             el("th.number", { scope: "col" }, "Oldest"), el("th", { scope: "col" }, el("span.unseen", null, "Do")))),
        body);
const inside = el("div.queue-inside", { id: "queue-inside", hidden: true }), inside_title = el("h4"), rows = el("ul.plain.requests"),
        inside_note = el("p.note");

inside.append(inside_title, rows, inside_note);

async function ask() {
        if (!open_class || is_asking)
                return;
        is_asking = true;
        const reply = await get(`api/queue?class=${encodeURIComponent(open_class)}`);

        is_asking = false;
        asked_at = performance.now();
        failed = reply.status !== 200 || !reply.body;
        if (!failed)
                list = { requests: reply.body.requests || [], more: reply.body.more || 0 };
        draw_inside();
}

function toggle(name) {
        open_class = open_class === name ? null : name;
        list = { requests: [], more: 0 };
        draw(store);
        draw_inside();
        ask();
}

function make(row) {
        const p = {};
        const node = el("tr");

        p.waiting = el("button.link.number", { type: "button", "aria-controls": "queue-inside", click: () => toggle(row.class) });
        p.bar = el("i.queue-bar");
        p.oldest = el("td.number");
        p.paused = el("span.tag", { hidden: true }, "paused");
        p.act = el("button.quiet.small", { type: "button", click: () => {
                const target = { class: row.class };

                node.row.paused ? resume(target) : pause(target);
        } });
        node.append(el("th", { scope: "row", title: CLASS_MEANS[row.class] }, row.class, p.paused),
                    el("td.number", null, p.bar, p.waiting), p.oldest, el("td.do", null, p.act));
        node.p = p;
        return node;
}

function update(node, row, most) {
        const p = node.p;

        node.row = row;
        set_text(p.waiting, count(row.waiting));
        set_attr(p.waiting, "aria-label", `${count(row.waiting)} of class ${row.class} wait: show them`);
        set_attr(p.waiting, "aria-expanded", String(open_class === row.class));
        set_style(p.bar, "width", most > 0 ? `${(row.waiting || 0) / most * 100}%` : "0%");
        set_text(p.oldest, row.waiting > 0 ? wait(row.oldest_ms) : "");
        set_shown(p.paused, row.paused);
        set_shown(p.act, row.may_pause || row.paused);
        set_text(p.act, row.paused ? "Resume" : "Pause");
        set_attr(p.act, "aria-label", `${row.paused ? "Resume" : "Pause"} class ${row.class}`);
        set_class(node, "is-waiting", row.waiting > 0);
        set_class(node, "is-paused", row.paused);
}

function draw(state) {
        if (!state.now)
                return;
        const queue = state.now.queue || [], by_class = new Map(queue.map((row) => [row.class, row]));
        const paused = new Set((state.now.paused && state.now.paused.classes) || []);
        const gateway = state.now.gateway || {}, may_pause = gateway.limits !== false && !gateway.shadow;
        const lines = CLASSES.map((name) => ({ class: name, may_pause, ...(by_class.get(name) || {}),
                                               paused: Boolean((by_class.get(name) || {}).paused) || paused.has(name) }));
        const most = Math.max(0, ...lines.map((row) => row.waiting || 0));

        set_list(body, lines, (row) => row.class, make, (node, row) => update(node, row, most));
        set_shown(inside, open_class !== null);
}

function make_request(request) {
        const p = { what: el("span.request-what"), who: el("span.request-who"), when: el("span.request-when") };
        const node = el("li", null, el("div", null, p.what, p.who, p.when),
                        el("button.quiet.small", { type: "button", click: () => drop(node.request) }, "Drop"));

        node.p = p;
        return node;
}

/* Who has no place is sent when there is room; the time that is told of him is the end of his patience. */
function due_of(request) {
        const has_place = request.state !== "paused" && request.state !== "parked";

        return is_number(request.due_in_ms) ? `, ${has_place ? "due" : "refused"} in ${wait(request.due_in_ms)}` : "";
}

function draw_inside() {
        set_text(inside_title, `Waiting: ${open_class || ""}`);
        set_list(rows, list.requests, (request) => request.id, make_request, (node, request) => {
                node.request = request;
                set_text(node.p.what, request.endpoint || "a request");
                set_text(node.p.who, request.client || "");
                set_text(node.p.when, `for ${wait(request.waited_ms)}` +
                                      due_of(request) +
                                      `${request.state ? `, ${request.state}` : ""}`);
                set_attr(node.lastChild, "aria-label", `Drop ${request.endpoint || "request"} of ${request.client || "a client"}`);
        });
        set_text(inside_note, failed ? "The list could not be read; it is asked for again." :
                              list.more > 0 ? `and ${count(list.more)} more` :
                              list.requests.length === 0 ? "Nobody waits in this class now." : "");
}

export function start_queue() {
        by_id("queue").append(table, inside);
        on_change(draw);
        on_tick(() => {
                if (open_class && performance.now() - asked_at > ASK_EVERY_MS && store.connection === "live")
                        ask();
        });
}
