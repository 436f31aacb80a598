/* Each view shows what is true: held against the exchange's own books, /weir/metrics and the API. */
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { isDeepStrictEqual } from "node:util";
import { close_browser, is_clean, is_for_all, look_at, number_of, shows, text_of } from "./look.mjs";
import { Stage, ask, eventually, sleep } from "./stage.mjs";

let stage, page;

/* A sample of /weir/metrics. @labels: all that it must have. Return: its sum, NaN where there is none. */
async function metric(name, labels = {}) {
        const text = (await ask(stage.port, "/weir/metrics")).text;
        let sum = NaN;

        for (const line of text.split("\n")) {
                const found = line.match(/^(\w+)(?:\{(.*)\})? (\S+)/);

                if (!found || found[1] !== name || !Object.entries(labels).every(([k, v]) => (found[2] || "").includes(`${k}="${v}"`)))
                        continue;
                sum = (Number.isNaN(sum) ? 0 : sum) + Number(found[3]);
        }
        return sum;
}

const gauge = (name) => page.locator(".gauge", { has: page.locator(".gauge-name", { hasText: new RegExp(`^${name}$`) }) }).first();

async function used_of(name) {
        return number_of(await gauge(name).locator(".gauge-used").innerText());
}

describe("the page beside the exchange's books", () => {
        before(async () => {
                stage = new Stage();
                await stage.open({ config: `history:\n  path: ${stage.folder}/history.db\n` });
                page = await look_at(stage);
                stage.trade();
                await shows(page, "#gauges", /Spot weight[^]*Futures weight/);
        });

        after(async () => {
                await stage.close();
                await close_browser();
        });

        it("moves with the traffic", async () => {
                const first = await used_of("Spot weight");

                await eventually(async () => (await used_of("Spot weight")) !== first, "another figure");
                await shows(page, "#pulse", /Requests a second\s+[1-9]/);
                await shows(page, "#state-text", /Serving|Busy/);
                await shows(page, "#notices", /All clear|Flowing|Busy|Nobody waits/);
        });

        it("counts the turn down smoothly, in figures and as a line", async () => {
                const before_s = number_of((await gauge("Spot weight").locator(".gauge-turns").innerText()));
                const width = () => gauge("Spot weight").locator(".time i").evaluate((i) => i.getBoundingClientRect().width);
                const first = await width();

                await eventually(async () => (await width()) !== first, "the line moving");
                await eventually(async () => number_of(await gauge("Spot weight").locator(".gauge-turns").innerText()) !== before_s,
                                 "the next second");
        });

        it("shows what the exchange has counted, and /weir/metrics has", async () => {
                stage.still();
                const told = await eventually(async () => {
                        const book = await stage.sim.pool("spot"), page_used = await used_of("Spot weight");
                        const now = (await stage.gateway.json("/weir/api/now")).budgets.find((b) => b.name === "spot-weight");
                        const used = await metric("weir_budget_used", { pool: "spot-weight" });
                        const sim_used = book.limits.find((l) => l.name === "spot-weight").used;

                        /* The minute has turned. */
                        if (sim_used === 0)
                                await stage.send("maker-btc", "GET", "/api/v3/depth?symbol=BTCUSDT&limit=100");
                        return page_used > 0 && page_used === sim_used && page_used === now.used && page_used === used && now.in_flight === 0 &&
                               { page_used, sim_used, used };
                }, "equal figures at the page, the exchange, the API and the metrics", 150);

                assert.equal((await text_of(page, ".gauge .gauge-limit")).trim(), "of 6,000 weight");
                assert.ok(told.page_used > 0);
        });

        it("shows who spends as the exchange has seen it", async () => {
                await page.locator("#spenders").scrollIntoViewIfNeeded();
                const seen = await stage.sim.admin("/sim/requests?last=100000");
                const arrived = (pattern) => seen.filter((one) => pattern.test(`${one.method} ${one.target}`)).length;
                const there = { "maker-btc": arrived(/^GET \/api\/v3\/depth/), backfill: arrived(/^GET \/api\/v3\/klines/),
                                "maker-eth": arrived(/^POST \/fapi\/v1\/order/) };
                let rows = [], here = {};

                /* The table is asked for every few seconds. */
                await eventually(async () => {
                        rows = await page.locator(".spenders tbody tr").evaluateAll((trs) => trs.map((tr) =>
                                [...tr.children].map((cell) => cell.innerText.trim())));
                        here = Object.fromEntries(Object.keys(there).map((name) =>
                                [name, number_of(rows.find((row) => row[0] === name)?.[3] ?? "")]));
                        return isDeepStrictEqual(here, there);
                }, () => `${JSON.stringify(here)} becoming ${JSON.stringify(there)}`);
                const shares = rows.map((row) => number_of(row[1])).filter((n) => !Number.isNaN(n));

                assert.ok(Math.abs(shares.reduce((a, b) => a + b, 0) - 100) < 2, `${shares}`);
        });

        it("sorts by any column, both ways, and finds a name", async () => {
                const names = () => page.locator(".spenders tbody .name").allInnerTexts();
                const head = page.locator(".spenders th", { hasText: "Name" });

                await head.locator("button").click();
                await eventually(async () => await head.getAttribute("aria-sort") === "ascending", "sorting up");
                const up = await names();

                assert.deepEqual(up, [...up].sort((a, b) => a.localeCompare(b)));
                await head.locator("button").click();
                await eventually(async () => await head.getAttribute("aria-sort") === "descending", "sorting down");
                assert.deepEqual(await names(), up.reverse());
                await page.locator("#spenders input[type=search]").fill("maker");
                await eventually(async () => isDeepStrictEqual((await names()).sort(), ["maker-btc", "maker-eth"]), "finding the makers");
                await page.locator("#spenders input[type=search]").fill("nobody");
                await shows(page, "#spenders-table", /No such name/);
                await page.locator("#spenders input[type=search]").fill("");
        });

        it("shows accounts and endpoints", async () => {
                await page.locator("#spenders-picks label", { hasText: "Endpoints" }).click();
                await shows(page, ".spenders", /GET \/api\/v3\/depth/);
                assert.equal(await page.locator(".spenders .do button:visible").count(), 0);
                await page.locator("#spenders-picks label", { hasText: "Accounts" }).click();
                await shows(page, ".spenders", /SimKeyAl/);
                await is_for_all(page, "accounts");
                await page.locator("#spenders-picks label", { hasText: "Clients" }).click();
                await shows(page, ".spenders", /hedger/);
        });

        it("draws the history, and tells the same in a table", async () => {
                await page.locator("#history").scrollIntoViewIfNeeded();
                const chart = page.locator(".chart").first();

                await chart.locator("summary").click();
                await shows(page, ".chart .figures", /maker-btc/);
                const seen = (await stage.sim.admin("/sim/requests?last=100000")).filter((one) => /^\/api\/v3\/depth/.test(one.target)).length;
                let sums = [], column = 0, at_page = NaN;

                /* A depth of 100 weighs 5; the history is asked for every few seconds. */
                await eventually(async () => {
                        const [heads, ...rows] = await chart.locator("thead tr, tbody tr").evaluateAll((trs) => trs.map((tr) =>
                                [...tr.children].map((cell) => cell.innerText.replaceAll(",", ""))));

                        sums = rows;
                        column = heads.indexOf("maker-btc");
                        at_page = sums.reduce((all, row) => all + (Number(row[column]) || 0), 0);
                        return at_page === seen * 5;
                }, () => `${at_page} becoming ${seen * 5}`);
                assert.ok(sums.length >= 60, `the whole hour is there: ${sums.length}`);
                assert.match(sums.at(-1)[column], /^\u2013$/, "a window that nobody wrote is no zero");
                assert.match(await chart.locator("canvas").first().getAttribute("aria-label"), /in all, at most/);
                await page.locator("#history-picks label", { hasText: "Class" }).click();
                await shows(page, ".chart .figures", /backfill/);
                await page.locator("#history-picks select").selectOption({ label: "Futures weight" });
                await shows(page, ".chart h3", /Futures weight per window, by class/);
                assert.match(await chart.locator("caption").textContent(), /Futures weight per window, by class/);
                await is_for_all(page, "history");
                /* Orders of futures weigh nothing, and are there all the same. */
                await page.locator("#history-picks label", { hasText: /^Orders$/ }).click();
                await shows(page, ".chart h3", /Orders per window of Futures weight, by class/);
                await shows(page, ".chart .figures", /order/);
                assert.doesNotMatch(await text_of(page, ".chart .figures"), /limit|backfill|market/);
                await page.locator("#history-picks label", { hasText: /^Weight$/ }).click();
                /* And in the windows of their own counter. */
                await page.locator("#history-picks select").selectOption({ label: "Futures orders" });
                await shows(page, ".chart h3", /^Futures orders per window, by class/);
                await shows(page, ".chart .figures", /order/);
                await page.locator("#history-picks select").selectOption({ label: "Futures weight" });
                await page.locator("#history-picks label", { hasText: /^Day$/ }).click();
                await shows(page, ".chart h3", /Futures weight per hour, by class/);
                await page.locator("#history-picks label", { hasText: /^Hour$/ }).click();
                await shows(page, ".chart h3", /Futures weight per window, by class/);
        });

        it("gives a client the same look at any rank, and strangers one that nobody else has", async () => {
                const seen = await page.evaluate(async () => {
                        const { UPRIGHT, looks_of } = await import("/weir/assets/looks.js");
                        const names = Array.from({ length: 40 }, (_, i) => `client-${i}`), text = (map) => [...map].sort().map((one) => JSON.stringify(one));
                        const few = looks_of("few", names.slice(0, 8)), all = looks_of("all", names);

                        return { up: text(looks_of("up", names.slice(0, 8))), down: text(looks_of("down", names.slice(0, 8).reverse())),
                                 hues: new Set([...few.values()].map((look) => look.hue)).size,
                                 looks: new Set([...all.values()].map((look) => JSON.stringify(look))).size,
                                 upright: [...all.values()].some((look) => look.pattern === UPRIGHT),
                                 before: text(few), after: text(looks_of("few", names.slice(0, 9).reverse())) };
                });

                assert.deepEqual(seen.up, seen.down);
                assert.equal(seen.hues, 8);
                assert.equal(seen.looks, 40);
                assert.equal(seen.upright, false);
                assert.deepEqual(seen.before.filter((one) => !seen.after.includes(one)), []);
        });

        it("tells of events as they happen, by level, and says warnings aloud", async () => {
                /* What is said aloud is there until the next is. */
                await page.evaluate(() => {
                        globalThis.said = [];
                        new MutationObserver(() => globalThis.said.push(document.getElementById("announce").textContent))
                                .observe(document.getElementById("announce"), { childList: true });
                });
                await stage.send("bot", "GET", "/api/v3/nonsense");
                await shows(page, "#events", /Unknown endpoint\s*Spot, GET, \/api\/v3\/nonsense/);
                await stage.sim.admin("/sim/faults", "GET /api/v3/depth next 1 error 429 -1003 Too much request weight used");
                /* It is asked again at the turn; nobody waits for that here. */
                stage.send("bot", "GET", "/api/v3/depth?symbol=BTCUSDT");
                await shows(page, "#events", /429: too much weight/);
                await eventually(() => page.evaluate(() => globalThis.said.find((text) => /429: too much weight|Sent again/.test(text))), "saying it");
                await page.locator("#events-picks label", { hasText: "Warnings" }).click();
                await eventually(async () => !/Unknown endpoint/.test(await text_of(page, ".events")), "the filter");
                await page.locator("#events-picks label", { hasText: "All" }).click();
                await page.locator("#events input[type=search]").fill("nonsense");
                await eventually(async () => await page.locator(".events li").count() === 1, "finding it alone");
                await shows(page, ".events", /nonsense/);
                await page.locator("#events input[type=search]").fill("");
        });

        it("opens a budget's figures", async () => {
                await gauge("Spot weight").locator("summary").click();
                await shows(page, ".gauge-more[open]", /Limit\s+6,000[^]*Up to, for market\s+[\d,]+/);
                await is_for_all(page, "figures");
        });

        it("can be used by keyboard alone", async () => {
                await page.goto("about:blank");
                page = await look_at(stage);
                await shows(page, "#gauges", /Spot weight/);
                await page.keyboard.press("Tab");
                assert.equal(await page.evaluate(() => document.activeElement.className), "skip");
                /* On through the page: whatever has the focus can be seen, and shows that it has it. */
                const seen = new Set();

                for (let i = 0; i < 90; ++i) {
                        await page.keyboard.press("Tab");
                        const at = await page.evaluate(() => {
                                const node = document.activeElement, box = node.getBoundingClientRect(), style = getComputedStyle(node);
                                const sibling = node.nextElementSibling ? getComputedStyle(node.nextElementSibling) : style;

                                return { tag: node.tagName, name: node.id || node.className || node.textContent.trim().slice(0, 20),
                                         section: node.closest("main > section")?.id || "top", is_there: box.width > 0 && box.height > 0,
                                         outline: style.outlineStyle !== "none" || sibling.outlineStyle !== "none" };
                        });

                        if (at.tag === "BODY")
                                break;
                        assert.ok(at.is_there && at.outline, JSON.stringify(at));
                        seen.add(at.section);
                }
                assert.deepEqual([...seen].filter((one) => one !== "weights").sort(), ["events", "history", "now", "spenders", "top"]);
                await page.evaluate(() => document.activeElement.blur());
                await page.keyboard.press("4");
                await eventually(() => page.evaluate(() => location.hash === "#events" && document.activeElement.id === "events"), "the key 4");
                await page.keyboard.press("1");
                await eventually(() => page.evaluate(() => location.hash === "#now"), "the key 1");
                await page.keyboard.press("Tab");
                assert.equal(await page.evaluate(() => Boolean(document.activeElement.closest("#now"))), true);
        });

        it("remembers the colours that were chosen", async () => {
                assert.equal(await page.evaluate(() => document.documentElement.dataset.theme), "light");
                await page.locator("#theme").click();
                await page.locator("#theme").click();
                assert.equal(await page.evaluate(() => document.documentElement.dataset.theme), "dark");
                await page.reload();
                await shows(page, "#gauges", /Spot weight/);
                assert.equal(await page.evaluate(() => document.documentElement.dataset.theme), "dark");
                await is_clean(page);
        });
});
