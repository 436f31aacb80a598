/* Each state that a gateway can be in has a look: staged for real, judged by words and by axe. */
import assert from "node:assert/strict";
import fs from "node:fs";
import http from "node:http";
import path from "node:path";
import { after, describe, it } from "node:test";
import { close_browser, is_clean, is_for_all, look_at, shows } from "./look.mjs";
import { Stage, Store, ask, eventually } from "./stage.mjs";

/* The page's own asking while nobody is there to answer. */
const GONE = /ERR_CONNECTION_REFUSED|ERR_CONNECTION_RESET|ERR_INCOMPLETE_CHUNKED|ERR_EMPTY_RESPONSE|ERR_ABORTED|Failed to load resource/;

/* What is sent and not answered is waited for as long as may be. */
const PATIENT = "timeouts:\n  answer: 25s\n  drain: 300s\n";

async function on_stage(options, then, view = {}) {
        const stage = await new Stage().open(options);

        try {
                const page = await look_at(stage, view);

                await then(stage, page);
                await page.context().close();
        } finally {
                await stage.close();
        }
}

/* As a program that goes past weir, on the same address. */
async function past_weir(stage, n, target = "/api/v3/ping") {
        await Promise.all(Array.from({ length: n }, () => ask(stage.sim.port, target, { agent: stage.agent })));
}

/* Until the exchange's own limit of spot's weight is known. */
async function knows_limit(stage, limit) {
        await stage.send("bot", "GET", "/api/v3/ping");
        await eventually(async () => (await stage.gateway.json("/weir/api/now")).budgets.some((b) =>
                b.name === "spot-weight" && b.limit === limit), `a limit of ${limit}`);
}

/* Looks on live as often as may be. Return: the requests. */
async function fill_the_house(stage) {
        const all = [];

        for (let status = 200; status === 200;)
                status = await new Promise((resolve, reject) => {
                        const request = http.get(`${stage.url}/weir/api/live`, { agent: false }, (response) => {
                                response.on("error", () => {});
                                response.resume();
                                resolve(response.statusCode);
                        });

                        request.on("error", reject);
                        all.push(request);
                        assert.ok(all.length <= 65, "nobody is turned away");
                });
        return all;
}

after(close_browser);

describe("a gateway's state", () => {
        it("is not known before its first word, and a skeleton stands", () => on_stage({}, async (stage) => {
                /* The files have come, the gateway stands still before it says anything. */
                const page = await look_at(stage, { wait: false, hold: /api\/(me|live)/ });

                await shows(page, "#state-text", /Connecting/);
                assert.equal(await page.locator(".skeleton").isVisible(), true);
                await is_for_all(page, "first");
                page.let_go();
                await shows(page, "#state-text", /Serving/);
                assert.equal(await page.locator(".skeleton").isVisible(), false);
                await is_clean(page);
        }));

        it("is ready, and empty, before anybody has asked for anything", () => on_stage({}, async (stage, page) => {
                await shows(page, "#notices", /Ready|All clear/);
                await page.locator("#spenders").scrollIntoViewIfNeeded();
                await shows(page, "#spenders-table", /Nobody has sent anything|\(weir\)/);
                await is_for_all(page, "empty");
                assert.equal(await page.locator("#access").isVisible(), false, "no token would do anything here");
                await is_clean(page);
        }, { may_fail: /404/ }));

        it("is starting while the exchange does not tell its time", () => on_stage({}, async (stage, page) => {
                page.may_fail = GONE;
                await stage.gateway.kill();
                stage.sim.freeze(true);
                /* Of a region that knows no time yet. */
                fs.rmSync(path.join(stage.folder, "region"));
                await stage.start();
                stage.send("bot", "GET", "/api/v3/depth?symbol=BTCUSDT");
                await shows(page, "#state-text", /Starting/);
                await shows(page, "#notices", /The gateway is starting/);
                await is_for_all(page, "starting");
                stage.sim.freeze(false);
                await shows(page, "#state-text", /Serving/);
                await is_clean(page);
        }));

        it("is ended, and not just gone, when it was told to; what was sent is answered", () => on_stage({ config: PATIENT },
                async (stage, page) => {
                        page.may_fail = GONE;
                        stage.sim.freeze(true);
                        const answer = stage.send("bot", "GET", "/api/v3/depth?symbol=BTCUSDT");

                        await eventually(async () => (await stage.gateway.json("/weir/api/now")).budgets.some((b) => b.in_flight > 0),
                                         "sending it");
                        const ended = stage.gateway.stop();

                        await eventually(() => stage.gateway.lines.some((line) => /event=draining/.test(line)), "ending");
                        stage.sim.freeze(false);
                        assert.equal((await answer).status, 200);
                        await ended;
                        await shows(page, "#state-text", /Ended/);
                        await shows(page, "#notices", /The gateway was ended/);
                        await is_for_all(page, "ended");
                        await stage.start();
                        await shows(page, "#state-text", /Serving/);
                        await is_clean(page);
                }));

        it("is a history that cannot be written: service goes on", () => on_stage({ config: "history:\n  path: /proc/no/such/folder.db\n" },
                async (stage, page) => {
                        await shows(page, "#notices", /History cannot be written/);
                        await shows(page, "#history-note", /cannot be written now/);
                        await is_for_all(page, "history failed");
                        await is_clean(page);
                }));

        it("is a ban, with its countdown and what to do", () => on_stage({ sim: ["--limit", "spot-weight=100/1m", "--ban", "600"] },
                async (stage, page) => {
                        /* Whatever minute it is then, it is banned. */
                        await eventually(async () => {
                                await past_weir(stage, 140);
                                return (await ask(stage.sim.port, "/api/v3/ping", { agent: stage.agent })).status === 418;
                        }, "a ban");
                        await stage.send("bot", "GET", "/api/v3/time");
                        await shows(page, "#state-text", /Banned/);
                        const first = await shows(page, "#notices", /Spot is banned: .*\d+.s left/);

                        await shows(page, "#stops", /Spot\s+ban\s+.*\d+.s/);
                        await is_for_all(page, "banned");
                        await eventually(async () => (await page.locator("#notices").innerText()) !== first, "the countdown");
                        await shows(page, "#events", /Banned by the exchange/);
                        await is_clean(page);
                }));

        it("is a window far above its limit: its marks stay in the card, its words say by how much", () => on_stage(
                { sim: ["--limit", "spot-weight=600/1d", "--ban", "600"] }, async (stage, page) => {
                        await knows_limit(stage, 600);
                        await past_weir(stage, 680);
                        await stage.send("bot", "GET", "/api/v3/time");
                        await shows(page, "#state-text", /Banned/);
                        const words = await shows(page, ".gauge .gauge-parts", /\d+ over the limit/);

                        assert.doesNotMatch(words, /kept for others/, "of what is used up nothing is kept");
                        for (const width of [1280, 360]) {
                                await page.setViewportSize({ width, height: 800 });
                                const out = await page.evaluate(() => [...document.querySelectorAll(".gauge")].flatMap((card) => {
                                        const box = card.getBoundingClientRect();

                                        return [...card.querySelectorAll(".ticks i, .letters b")].filter((mark) => {
                                                const at = mark.getBoundingClientRect();

                                                return at.left < box.left || at.right > box.right;
                                        }).map((mark) => mark.textContent || "tick");
                                }));

                                assert.deepEqual(out, [], `${width} pixels`);
                        }
                        assert.ok(await page.locator(".gauge .letters b").count() > 0);
                        await is_clean(page);
                }));

        it("is busy while requests wait for room, and not all clear", () => on_stage({ sim: ["--limit", "spot-weight=600/1m"] },
                async (stage, page) => {
                        await knows_limit(stage, 600);
                        /* For some minutes. */
                        for (let i = 0; i < 250; ++i)
                                stage.send("poll", "GET", "/api/v3/depth?symbol=BTCUSDT&limit=500", { "X-Weir-Max-Wait": "3600000" });
                        await shows(page, "#state-text", /Busy/);
                        const words = await shows(page, "#notices", /Busy: [\d,]+\srequests wait for room, the oldest/);

                        assert.doesNotMatch(words, /All clear/);
                        assert.equal(await page.locator("#state").getAttribute("data-level"), "info");
                        await is_for_all(page, "busy");
                        await is_clean(page);
                }));

        it("is no all clear either while half of a window is kept for others", () => on_stage(
                { sim: ["--limit", "spot-weight=600/1d", "--ban", "0"] }, async (stage, page) => {
                        await knows_limit(stage, 600);
                        await past_weir(stage, 450);
                        await stage.send("bot", "GET", "/api/v3/ping");
                        await shows(page, "#notices", /Nobody waits, but Spot weight (keeps \d+ of 600 for others|is used up)/);
                        await is_clean(page);
                }));

        it("is a stop after 429, and opens again", () => on_stage({ sim: ["--limit", "spot-weight=100/3s", "--ban", "0"] },
                async (stage, page) => {
                        /* What was refused is asked again at each turn, and stops it anew for as long as we want. */
                        await stage.sim.admin("/sim/faults", "GET /api/v3/depth always error 429 -1003 Too much request weight used");
                        const answer = stage.send("bot", "GET", "/api/v3/depth?symbol=BTCUSDT", { "X-Weir-Max-Wait": "600000" });

                        await shows(page, "#events", /429: too much weight/);
                        await shows(page, "#state-text", /Stopped/);
                        await is_for_all(page, "stopped");
                        await stage.sim.admin("/sim/faults", "");
                        assert.equal((await answer).status, 200);
                        await shows(page, "#state-text", /Serving/);
                        await is_clean(page);
                }));

        it("is the firewall of the exchange", () => on_stage({}, async (stage, page) => {
                await stage.sim.admin("/sim/faults", "GET /api/v3/depth next 1 waf");
                assert.equal((await stage.send("bot", "GET", "/api/v3/depth?symbol=BTCUSDT")).status, 403);
                await shows(page, "#state-text", /Shut out/);
                await shows(page, "#notices", /firewall has shut us out/);
                await is_for_all(page, "firewall");
                await is_clean(page);
        }));

        it("is an exchange that does not answer, until it does", () => on_stage({ config: "breaker:\n  threshold: 3\n  pause: 3s\n" },
                async (stage, page) => {
                        const port = stage.sim.port;

                        await stage.sim.kill();
                        for (let i = 0; i < 4; ++i)
                                await stage.send("bot", "GET", "/api/v3/depth?symbol=BTCUSDT");
                        await shows(page, "#state-text", /No answer/);
                        await shows(page, "#notices", /Spot does not answer/);
                        await is_for_all(page, "breaker");
                        await stage.start_sim(port);
                        await shows(page, "#state-text", /Serving/, 25);
                        await is_clean(page);
                }));

        it("is shadow: nothing is held back", () => on_stage({ gateway: ["--shadow"] }, async (stage, page) => {
                await shows(page, "#state-text", /Shadow/);
                await shows(page, "#notices", /nothing is held back/);
                await is_for_all(page, "shadow");
                await is_clean(page);
        }));

        it("is limits off: nobody is protected", () => on_stage({ config: "limits: off\n" }, async (stage, page) => {
                await shows(page, "#state-text", /Limits off/);
                await shows(page, "#notices", /nobody is protected/);
                await is_for_all(page, "limits off");
                await is_clean(page);
        }));

        it("is history off: the last hour is there, days are not", () => on_stage({ config: "history:\n  path: off\n" },
                async (stage, page) => {
                        await shows(page, "#history-note", /History is off/);
                        assert.equal(await page.locator("#history-picks input[value=day]").isDisabled(), true);
                        await is_for_all(page, "history off");
                        await is_clean(page);
                }));

        it("is a store that is away: on its share, in words, and back", async () => {
                const store = new Store();

                await store.start();
                const then = async (stage, page) => {
                        await stage.send("bot", "GET", "/api/v3/depth?symbol=BTCUSDT");
                        await shows(page, "#hosts-facts", /Hosts that share\s+1/);
                        await store.kill();
                        await shows(page, "#state-text", /Degraded|Store away/);
                        await shows(page, "#notices", /The store is away/);
                        await is_for_all(page, "store away");
                        await store.start();
                        await shows(page, "#state-text", /Serving/);
                        await is_clean(page);
                };

                try {
                        await on_stage({ gateway: ["--store", store.url] }, then);
                } finally {
                        await store.kill();
                }
        });

        it("is gone when it was killed, with the age of what is shown, and comes back by itself", () => on_stage({},
                async (stage, page) => {
                        await stage.send("bot", "GET", "/api/v3/depth?symbol=BTCUSDT");
                        await shows(page, "#gauges", /Spot weight/);
                        page.may_fail = GONE;
                        await page.evaluate(() => {
                                globalThis.not_reloaded = true;
                        });
                        await stage.gateway.kill();
                        await shows(page, "#state-text", /Gone/);
                        await shows(page, "#notices", /does not answer/);
                        const age = await shows(page, "#heard", /as of \d+.s ago/);

                        await eventually(async () => (await page.locator("#heard").innerText()) !== age, "the age growing");
                        await is_for_all(page, "gone");
                        await stage.start();
                        await shows(page, "#state-text", /Serving/);
                        assert.equal(await page.locator("#heard").innerText(), "");
                        assert.equal(await page.evaluate(() => globalThis.not_reloaded), true);
                        await is_clean(page);
                }));

        it("is gone when it stands still, though its connections are there", () => on_stage({}, async (stage, page) => {
                page.may_fail = GONE;
                stage.gateway.freeze(true);
                await shows(page, "#state-text", /Gone/, 20);
                stage.gateway.freeze(false);
                await shows(page, "#state-text", /Serving/);
                await is_clean(page);
        }));
});

describe("more who look on than there are places", () => {
        it("are shown the same, by asking", () => on_stage({}, async (stage) => {
                const others = await fill_the_house(stage);
                const page = await look_at(stage, { may_fail: /503/ });

                await stage.send("bot", "GET", "/api/v3/depth?symbol=BTCUSDT");
                await shows(page, "#gauges", /Spot weight/);
                await shows(page, "#state-text", /Serving/);
                await is_clean(page);
                for (const other of others)
                        other.destroy();
        }));
});
