/* Every width from a telephone to a wall, light and dark: nothing is cut off, and everybody can use it. */
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { close_browser, is_clean, is_for_all, look_at, shows } from "./look.mjs";
import { Stage, eventually } from "./stage.mjs";

let stage;

/* The signs of the first chart's legend, by name, once it has all that @names say. */
async function signs_of(page, names) {
        let signs = {};

        await eventually(async () => {
                await page.locator("#history").scrollIntoViewIfNeeded();
                signs = Object.fromEntries(await page.locator(".chart").first().locator(".legend li").evaluateAll((items) =>
                        items.map((item) => [item.innerText.trim(), item.querySelector("canvas").toDataURL()])));
                return names.every((name) => signs[name]);
        }, () => `a legend of ${names} (${Object.keys(signs)})`);
        return Object.fromEntries(Object.entries(signs).filter(([name]) => /^[a-z]+-?\d+$/.test(name)));
}

describe("the page fits", () => {
        before(async () => {
                stage = await new Stage().open();
                stage.trade();
        });

        after(async () => {
                await stage.close();
                await close_browser();
        });

        for (const [width, height] of [[360, 740], [768, 1024], [1280, 800], [2560, 1440]])
                for (const theme of ["light", "dark"])
                        it(`${width} pixels, ${theme}`, async () => {
                                const page = await look_at(stage, { width, height, theme, phone: width < 500 });

                                await shows(page, "#gauges", /Spot weight[^]*Futures weight/);
                                for (const id of ["history", "spenders"])
                                        await page.locator(`#${id}`).scrollIntoViewIfNeeded();
                                await shows(page, ".spenders", /maker-btc/);
                                await shows(page, ".legend", /maker-btc/);
                                await is_for_all(page, `${width} ${theme}`);
                                /* What a figure is written in is never narrower than the figure. */
                                const cut = await page.evaluate(() => [...document.querySelectorAll(
                                        ".gauge *, .pulse *, .notice *, .queue *, .top *, .stops *, .choice *")].filter((node) =>
                                        node.childElementCount === 0 && node.offsetParent !== null && node.scrollWidth > node.clientWidth + 1 &&
                                        node.clientWidth > 1 && getComputedStyle(node).display !== "inline").map((node) => node.className || node.textContent));

                                assert.deepEqual(cut, []);
                                await is_clean(page);
                                await page.context().close();
                        });

        it("a client looks the same after a reload, in another browser, whoever is beside it, and in the chart of orders", async () => {
                const desk = await new Stage().open(), clients = (n) => Array.from({ length: n }, (_, i) => `md${i + 1}`);
                const look = (client, n) => Promise.all(Array.from({ length: n }, () =>
                        desk.send(client, "GET", "/api/v3/depth?symbol=BTCUSDT&limit=100")));
                const order = (client) => desk.signed(client, "POST", "/api/v3/order",
                                                      "symbol=BTCUSDT&side=BUY&type=LIMIT&timeInForce=GTC&quantity=0.01&price=50000");

                try {
                        await Promise.all(clients(8).map((client) => look(client, 8)));
                        const page = await look_at(desk), first = await signs_of(page, clients(8));

                        assert.equal(new Set(Object.values(first)).size, 8, "each of eight looks like no other");
                        await page.reload();
                        assert.deepEqual(await signs_of(page, clients(8)), first);
                        /* Five others become the busiest, and three of the first stay. */
                        await Promise.all(["poll-1", "poll-2", "poll-3", "poll-4", "poll-5"].map((client) => look(client, 12)));
                        await Promise.all(clients(3).map((client) => look(client, 8)));
                        await Promise.all(["md3", "md4", "poll-1"].map(order));
                        const shown = ["md1", "md2", "md3", "poll-1", "poll-5"], other = await look_at(desk);
                        const here = await signs_of(page, shown), there = await signs_of(other, shown);

                        assert.equal(new Set(Object.values(here)).size, Object.keys(here).length);
                        for (const name of clients(3)) {
                                assert.equal(here[name], first[name], name);
                                assert.equal(there[name], first[name], `${name} in another browser`);
                        }
                        await page.locator("#history-picks label", { hasText: /^Orders$/ }).click();
                        await shows(page, ".chart h3", /Orders per window/);
                        const orders = await signs_of(page, ["md3", "md4", "poll-1"]);

                        assert.deepEqual(orders, { md3: first.md3, md4: first.md4, "poll-1": here["poll-1"] });
                        await is_clean(page);
                        await page.context().close();
                        await other.context().close();
                } finally {
                        await desk.close();
                }
        });

        it("stands still for who wants no motion", async () => {
                const page = await look_at(stage, { motion: "reduce" });

                await shows(page, "#gauges", /Spot weight/);
                assert.equal(await page.evaluate(() => document.getAnimations().filter((one) => one.playState === "running").length), 0);
                await is_clean(page);
                await page.context().close();
        });
});
