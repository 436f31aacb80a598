/* Who spends: a table of clients, accounts or endpoints, sorted by any column, in pages. */
import { pause, resume, set_share } from "./actions.js";
import { get } from "./ask.js";
import { by_id, el, set_attr, set_class, set_list, set_shown, set_style, set_text } from "./dom.js";
import { count, is_number, percent, plural, wait } from "./format.js";
import { choice } from "./picks.js";
import { share_mark, shares_by_hand } from "./shares.js";
import { changed, on_change, on_tick, store } from "./store.js";

const PAGE = 25, ASK_EVERY_MS = 5000;

/* Of each column: its member, name, a figure's text, and whether more is worse. */
const columns = [
        { key: "name", title: "Name" },
        { key: "share", title: "Share", text: percent, is_bar: true },
        { key: "weight", title: "Weight", text: count },
        { key: "requests", title: "Requests", text: count },
        { key: "orders", title: "Orders", text: count },
        { key: "errors", title: "Errors", text: count, is_bad: true },
        { key: "over_limit", title: "429", text: count, is_bad: true },
        { key: "retry_rate", title: "Retried", text: percent },
        { key: "refused", title: "Refused", text: count, is_bad: true },
        { key: "wait_p50_ms", title: "Wait p50", text: wait },
        { key: "wait_p99_ms", title: "Wait p99", text: wait },
];

let rows = [], others = 0, sort = { key: "weight", down: true }, page = 0, is_asking = false, asked_at = -Infinity, is_near = false,
    failed = null, is_first = true;

const again = () => {
        asked_at = -Infinity;
        page = 0;
        ask();
};
const by = choice("spenders-by", "Rows are", [["client", "Clients"], ["account", "Accounts"], ["endpoint", "Endpoints"]], again);
const minutes = choice("spenders-minutes", "Of the last", [["60", "60 min"], ["15", "15 min"], ["5", "5 min"]], again);
const find = el("input", { type: "search", placeholder: "Find", "aria-label": "Find a name", input: () => {
        page = 0;
        draw();
} });

function sorted() {
        const text = find.value.trim().toLowerCase(), key = sort.key, way = sort.down ? -1 : 1;
        const found = text === "" ? [...rows] : rows.filter((row) => String(row.name).toLowerCase().includes(text));

        return found.sort((a, b) => {
                const x = a[key], y = b[key];

                if (key === "name")
                        return way * String(x).localeCompare(String(y));
                return way * ((is_number(x) ? x : -1) - (is_number(y) ? y : -1)) || String(a.name).localeCompare(String(b.name));
        });
}

const heads = columns.map((column) => {
        const button = el("button.sort", { type: "button", click: () => {
                sort = { key: column.key, down: sort.key === column.key ? !sort.down : column.key !== "name" };
                page = 0;
                draw();
        } }, column.title, el("span.sort-way", { "aria-hidden": "true" }));

        return el(column.key === "name" ? "th" : "th.number", { scope: "col" }, button);
});
const do_head = el("th", { scope: "col" }, el("span.unseen", null, "Do"));
const body = el("tbody"), caption = el("caption.unseen");
const empty = el("p.empty"), set_by_hand = el("div.by-hand", { hidden: true }, el("span", null, "Shares set by hand:"), el("ul"));
const back = el("button.quiet.small", { type: "button", click: () => turn(-1) }, "Earlier"),
        on = el("button.quiet.small", { type: "button", click: () => turn(1) }, "Later"), where = el("span");
const pages = el("div.pages", null, where, back, on);
const table = el("table.spenders", null, caption, el("thead", null, el("tr", null, ...heads, do_head)), body);
const scroll = el("div.scroll.panel", { tabindex: "0", role: "region", "aria-label": "Table: who spends" }, table);

function turn(by_pages) {
        page = Math.max(0, page + by_pages);
        draw();
}

function is_paused(name) {
        return Boolean(store.now && store.now.paused && (store.now.paused.clients || []).includes(name));
}

function make_row() {
        const node = el("tr"), cells = columns.slice(1).map((column) => {
                const cell = el("td.number");

                if (column.is_bar)
                        cell.append(el("span.bar", { "aria-hidden": "true" }, el("i")), el("span.bar-text"));
                return cell;
        });
        const pause_button = el("button.quiet.small", { type: "button", click: () => {
                const target = { client: node.row.name };

                is_paused(node.row.name) ? resume(target) : pause(target);
        } });
        const share_button = el("button.quiet.small", { type: "button", click: () => set_share(node.row.name) },
                                "Share");

        node.append(el("th", { scope: "row" }, el("span.name"), el("span.tag", { hidden: true }, "paused"),
                       el("span.tag.tag-calm", { hidden: true })), ...cells,
                    el("td.do", null, pause_button, share_button));
        const [name, tag, share] = node.firstChild.children;

        node.p = { name, tag, share, cells, pause_button, share_button };
        return node;
}

function update_row(node, row) {
        const p = node.p, of_client = by.value === "client" && row.name !== "" && !row.name.startsWith("(");
        const paused = of_client && is_paused(row.name);

        node.row = row;
        set_text(p.name, row.name === "" || row.name === null ? "(unnamed)" : String(row.name));
        set_attr(p.name, "title", String(row.name));
        set_shown(p.tag, paused);
        set_text(p.share, of_client ? share_mark(store.now, row.name) : "");
        set_shown(p.share, p.share.textContent !== "");
        columns.slice(1).forEach((column, i) => {
                const cell = p.cells[i], value = row[column.key];

                if (column.is_bar) {
                        set_style(cell.firstChild.firstChild, "width", `${Math.min(1, Math.max(0, value || 0)) * 100}%`);
                        set_text(cell.lastChild, column.text(value));
                } else {
                        set_text(cell, column.text(value));
                }
                set_class(cell, "is-none", !value);
                set_class(cell, "is-bad", column.is_bad && value > 0);
        });
        set_shown(p.pause_button, of_client);
        set_shown(p.share_button, of_client);
        set_text(p.pause_button, paused ? "Resume" : "Pause");
        set_attr(p.pause_button, "aria-label", `${paused ? "Resume" : "Pause"} client ${row.name}`);
        set_attr(p.share_button, "aria-label", `Set the share of client ${row.name}`);
}

/* Who may have sent nothing for long has no row above, and its share is set back here. */
function make_by_hand() {
        const node = el("li", null, el("button.quiet.small", { type: "button", click: () => set_share(node.client) }));

        return node;
}

function draw_by_hand() {
        const all = shares_by_hand(store.now);

        set_shown(set_by_hand, all.length > 0);
        set_list(set_by_hand.lastChild, all, (one) => one.client, make_by_hand, (node, one) => {
                node.client = one.client;
                set_text(node.firstChild, one.text);
                set_attr(node.firstChild, "aria-label", `Set the share of client ${one.text}`);
        });
}

function draw() {
        const found = sorted(), last = Math.max(0, Math.ceil(found.length / PAGE) - 1);

        page = Math.min(page, last);
        const here = found.slice(page * PAGE, page * PAGE + PAGE);

        columns.forEach((column, i) => {
                const is_by = sort.key === column.key;

                set_attr(heads[i], "aria-sort", is_by ? sort.down ? "descending" : "ascending" : null);
                set_text(heads[i].firstChild.lastChild, is_by ? sort.down ? "\u2193" : "\u2191" : "");
        });
        set_list(body, here, (row) => row.name, make_row, update_row);
        set_text(caption, `Who spends, by ${by.value}, of the last ${minutes.value} minutes`);
        set_text(where, `${count(here.length > 0 ? page * PAGE + 1 : 0)}\u2013${count(page * PAGE + here.length)} of ${count(found.length)}` +
                        `${others > 0 ? `, and ${plural(others, "other", "others")} too small to tell apart` : ""}`);
        back.disabled = page === 0;
        on.disabled = page === last;
        set_shown(pages, found.length > 0);
        set_shown(back, last > 0);
        set_shown(on, last > 0);
        set_shown(scroll, here.length > 0);
        set_shown(empty, here.length === 0);
        draw_by_hand();
        set_text(empty, failed || (is_first ? "Loading\u2026" : find.value !== "" && rows.length > 0 ? "No such name in this time." :
                                   by.value === "account" ? "Nobody has sent a signed request in this time." :
                                   "Nobody has sent anything in this time."));
}

async function ask() {
        if (is_asking)
                return;
        is_asking = true;
        asked_at = performance.now();
        const asked_for = by.value, reply = await get(`api/spenders?by=${asked_for}&minutes=${minutes.value}&top=1000`);

        is_asking = false;
        if (asked_for !== by.value) {
                again();
                return;
        }
        is_first = false;
        failed = reply.status === 200 && reply.body ? null : reply.status === 0 ? failed : "This gateway keeps no such table.";
        if (reply.status === 200 && reply.body) {
                rows = (reply.body.rows || []).filter((row) => row && row.name !== undefined);
                others = reply.body.others || 0;
        }
        draw();
}

export function start_spenders() {
        by_id("spenders-picks").append(by, minutes, find);
        by_id("spenders-picks").addEventListener("submit", (event) => event.preventDefault());
        by_id("spenders-table").append(scroll, empty, pages, set_by_hand);
        new IntersectionObserver((entries) => {
                is_near = entries.some((entry) => entry.isIntersecting);
        }, { rootMargin: "300px" }).observe(by_id("spenders"));
        let drawn = "";

        on_change((state) => {
                const { paused, shares, client_shares } = state.now || {}, key = JSON.stringify([paused, shares, client_shares]);

                if (key !== drawn)
                        draw();
                drawn = key;
        });
        on_tick(() => {
                if (is_near && store.connection === "live" && performance.now() - asked_at > ASK_EVERY_MS)
                        ask();
        });
        draw();
        changed();
}
