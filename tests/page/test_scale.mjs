/*
 * 10,000 clients and 500 endpoints: the page stays fluid. A frame is drawn at most once per snapshot. A task of the page
 * is judged by what it takes of a processor: how long it lasts is as much a matter of who else runs on this machine.
 */
import assert from "node:assert/strict";
import fs from "node:fs";
import { after, before, describe, it } from "node:test";
import { browser, close_browser, is_clean, look_at, shows, sleep } from "./look.mjs";
import { Stage } from "./stage.mjs";

const CLIENTS = 10000, ENDPOINTS = 500, LIMIT_MS = 100, WATCHED_MS = 1500;

/* Of the tables, as [method, path]. What has to be signed is answered with an error, and is an endpoint all the same. */
function endpoints() {
        const found = [];

        for (const file of ["sapi", "usdm", "spot", "coinm", "papi"]) {
                const [head, ...lines] = fs.readFileSync(new URL(`../../data/${file}.csv`, import.meta.url), "utf8").split("\n");
                const at = head.split(",").indexOf("method");

                for (const line of lines) {
                        const cells = line.split(","), path = cells.find((cell) => /^\/(sapi|api|fapi|dapi|papi)\//.test(cell));

                        if (path && !/[{}*]/.test(path))
                                found.push(`${cells[at]} ${path}`);
                }
        }
        return [...new Set(found)].slice(0, ENDPOINTS).map((text) => text.split(" "));
}

/* What each task of the page's main thread takes of a processor, in ms, while a little passes, and what is @asked for is drawn. */
async function tasks_of(page, asked) {
        await (await browser()).startTracing(page, { categories: ["disabled-by-default-devtools.timeline", "devtools.timeline", "toplevel"] });
        await Promise.all([sleep(WATCHED_MS), asked && page.waitForResponse(asked).then(() => sleep(WATCHED_MS / 2))]);
        const { traceEvents: events } = JSON.parse(await (await browser()).stopTracing());
        const threads = new Set(events.filter((one) => one.name === "thread_name" && one.args.name === "CrRendererMain")
                                      .map((one) => `${one.pid} ${one.tid}`));

        return events.filter((one) => one.name === "RunTask" && one.tdur !== undefined && threads.has(`${one.pid} ${one.tid}`))
                     .map((one) => one.tdur / 1000);
}

let stage;

async function in_parallel(n, width, fn) {
        let next = 0;

        await Promise.all(Array.from({ length: width }, async () => {
                while (next < n)
                        await fn(next++);
        }));
}

describe("with very many of them", () => {
        before(async () => {
                stage = await new Stage().open({ sim: ["--limit", "spot-weight=1000000/1m,futures-weight=1000000/1m,papi-weight=1000000/1m"],
                                                 config: "rate_ceiling: 0\n" });
                const paths = endpoints();

                assert.ok(paths.length >= ENDPOINTS, `${paths.length}`);
                await in_parallel(paths.length, 64, (i) => stage.send("walker", paths[i][0], paths[i][1], { "X-Weir-Max-Wait": "100" }));
                await in_parallel(CLIENTS, 64, (i) => stage.send(`client-${i}`, "GET", "/api/v3/ping", { "X-Weir-Max-Wait": "100" }));
        });

        after(async () => {
                await stage.close();
                await close_browser();
        });

        it("no task of the page is long while it goes on", async () => {
                const page = await look_at(stage);

                for (const id of ["history", "spenders"])
                        await page.locator(`#${id}`).scrollIntoViewIfNeeded();
                await shows(page, ".spenders", /client-\d+/);
                stage.trade();
                for (const [id, asked] of [["now"], ["spenders", /api\/spenders/], ["history", /api\/history/], ["events"]]) {
                        await page.evaluate((to) => document.getElementById(to).scrollIntoView({ behavior: "instant" }), id);
                        const tasks = await tasks_of(page, asked), longest = Math.max(...tasks);

                        console.log(`${id}: ${tasks.length} tasks, the longest takes ${longest.toFixed(1)} ms`);
                        assert.ok(tasks.length > 10, `${id}: nothing was watched`);
                        assert.ok(longest <= LIMIT_MS, `${id}: a task of ${longest} ms`);
                }
                assert.match(await page.locator(".pages").innerText(), /of [\d,]+/);
                await is_clean(page);
        });

        it("is in pages, not in ten thousand rows", async () => {
                const page = await look_at(stage);

                await page.locator("#spenders").scrollIntoViewIfNeeded();
                await shows(page, ".spenders", /client-\d+/);
                assert.ok(await page.locator(".spenders tbody tr").count() <= 25);
                assert.ok(await page.evaluate(() => document.querySelectorAll("*").length) < 6000);
                await page.locator(".pages button", { hasText: "Later" }).click();
                await shows(page, ".pages", /26.\d+ of \d+/);
                await is_clean(page);
        });
});
