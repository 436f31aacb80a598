/* The scenes, and how each is brought about: for real, like in the tests. */
import { spawnSync } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { close_browser, look_at, shows, sleep } from "./look.mjs";
import { Stage, Store, ask } from "./stage.mjs";

const ACT = "a-token-that-may-act-0123456789abcdef";
const here = path.dirname(fileURLToPath(import.meta.url));
let folder = path.join(here, "../../docs/page"), wanted = [];

function is_wanted(...names) {
        return wanted.length === 0 || names.some((name) => wanted.includes(name));
}

async function shot(page, name, options = {}) {
        const file = path.join(folder, `${name}.png`);

        if (!is_wanted(name))
                return;
        await page.mouse.move(0, 0);
        await page.screenshot({ path: file, ...options });
        spawnSync("pngquant", ["--force", "--strip", "--speed", "1", "--nofs", "--output", file, "64", file]);
        console.log(`${path.relative(process.cwd(), file)} ${Math.ceil(fs.statSync(file).size / 1024)} KiB`);
}

async function at(page, id) {
        await page.evaluate((to) => document.getElementById(to).scrollIntoView({ behavior: "instant" }), id);
        await sleep(900);
}

/* A desk of several programs, more of them than fit now and then. */
function desk(stage) {
        const wave = (ms, fn) => stage.every(ms, () => Math.random() < 0.5 + 0.5 * Math.sin(Date.now() / 40000 + ms) && fn());
        const order = (client, path) => stage.signed(client, "POST", path,
                                                     "symbol=BTCUSDT&side=BUY&type=LIMIT&timeInForce=GTC&quantity=0.01&price=50000");

        stage.every(240, () => stage.send("maker-btc", "GET", "/api/v3/depth?symbol=BTCUSDT&limit=100"));
        wave(170, () => stage.send("backfill", "GET", "/api/v3/klines?symbol=BTCUSDT&interval=1m&limit=1000", { "X-Weir-Class": "backfill" }));
        wave(900, () => stage.send("scanner", "GET", "/api/v3/depth?symbol=ETHUSDT&limit=500"));
        stage.every(320, () => stage.send("hedger", "GET", "/fapi/v1/depth?symbol=ETHUSDT&limit=100"));
        wave(2500, () => stage.signed("risk", "GET", "/api/v3/account"));
        wave(900, () => stage.signed("risk", "GET", "/fapi/v2/positionRisk"));
        stage.every(260, () => order("maker-eth", "/fapi/v1/order"));
        stage.every(2100, () => stage.signed("maker-eth", "DELETE", "/fapi/v1/allOpenOrders", "symbol=BTCUSDT"));
        wave(500, () => order("maker-btc", "/api/v3/order"));
        stage.every(1900, () => stage.signed("maker-btc", "DELETE", "/api/v3/openOrders", "symbol=BTCUSDT"));
}

async function busy(minutes) {
        const stage = new Stage();

        await stage.open({ sim: ["--limit", "spot-weight=3000/1m", "--latency", "20~10"], config:
                           `watch:\n  action_token_file: ${stage.secret("act", ACT)}\nhistory:\n  path: ${stage.folder}/history.db\n` });
        await stage.sim.admin("/sim/faults", "foreign spot 3\n");
        desk(stage);
        await sleep(minutes * 60000);
        for (const [name, width, height, theme] of [["now", 1280, 860, "light"], ["now-dark", 1280, 860, "dark"],
                                                    ["wall", 2560, 1440, "dark"], ["phone", 360, 740, "light"]]) {
                const page = await look_at(stage, { width, height, theme, phone: width < 500 });

                await shows(page, "#gauges", /Spot weight[^]*Futures weight/);
                if (name === "wall")
                        for (const id of ["history", "spenders", "now"])
                                await at(page, id);
                await sleep(600);
                await shot(page, name);
                if (name === "now")
                        await views(page);
                await page.context().close();
        }
        await actions(stage);
        await stage.close();
}

async function views(page) {
        await at(page, "history");
        await shot(page, "history");
        await at(page, "spenders");
        await shot(page, "spenders");
}

async function actions(stage) {
        const page = await look_at(stage, { may_fail: /40/ });
        const row = page.locator("#queue tbody tr", { hasText: "market" });

        await row.locator(".do button").click();
        await shot(page, "login");
        await page.locator("#login-token").fill(ACT);
        await page.locator("#login-go").click();
        await shows(page, "#ask-title", /Pause/);
        await shot(page, "confirm");
        await page.locator("#ask-go").click();
        await shows(page, "#state-text", /Paused/);
        await shot(page, "paused");
        await page.locator(".toast button", { hasText: "Undo" }).click();
        await shows(page, "#state-text", /Serving|Busy/);
        await page.context().close();
        const last = await look_at(stage, { may_fail: /./ });

        await shows(last, "#gauges", /Spot weight/);
        await stage.gateway.kill();
        await shows(last, "#heard", /as of [4-9]/);
        await shot(last, "gone");
        await last.context().close();
}

/* Single states: @then brings them about. */
async function scene(name, options, then, view = {}) {
        if (!is_wanted(name))
                return;
        const stage = new Stage();

        await stage.open(typeof options === "function" ? options(stage) : options);
        const page = await look_at(stage, { height: 620, may_fail: /./, ...view });

        await then(stage, page);
        await shot(page, name);
        await page.context().close();
        await stage.close();
}

async function states() {
        await scene("empty", {}, (_, page) => shows(page, "#notices", /Ready|All clear/));
        await scene("first", {}, (_, page) => shows(page, "#state-text", /Connecting/), { wait: false, hold: /api\/(me|live)/ });
        await scene("banned", { sim: ["--limit", "spot-weight=100/1m", "--ban", "120"] }, async (stage, page) => {
                await Promise.all(Array.from({ length: 140 }, () => ask(stage.sim.port, "/api/v3/ping", { agent: stage.agent })));
                await stage.send("maker-btc", "GET", "/api/v3/time", { "X-Weir-Max-Wait": "1" });
                await shows(page, "#state-text", /Banned/);
        }, { theme: "dark" });
        await scene("firewall", {}, async (stage, page) => {
                await stage.sim.admin("/sim/faults", "GET /api/v3/depth next 1 waf");
                await stage.send("maker-btc", "GET", "/api/v3/depth?symbol=BTCUSDT", { "X-Weir-Max-Wait": "10" });
                await shows(page, "#state-text", /Shut out/);
        });
        await scene("breaker", { config: "breaker:\n  threshold: 3\n  pause: 8s\n" }, async (stage, page) => {
                await stage.send("maker-btc", "GET", "/api/v3/depth?symbol=BTCUSDT");
                await stage.sim.kill();
                for (let i = 0; i < 4; ++i)
                        await stage.send("maker-btc", "GET", "/api/v3/depth?symbol=BTCUSDT");
                await shows(page, "#state-text", /No answer/);
        });
        await scene("events", { config: "breaker:\n  threshold: 3\n  pause: 2s\n" }, async (stage, page) => {
                const port = stage.sim.port, depth = () => stage.send("maker-btc", "GET", "/api/v3/depth?symbol=BTCUSDT", { "X-Weir-Max-Wait": "10" });

                for (let i = 0; i < 3; ++i)
                        await stage.send("scraper", "GET", "/api/v3/nonsense");
                await stage.sim.admin("/sim/faults", "foreign spot 20\nGET /fapi/v1/depth next 1 error 429 -1003 Too much request weight used");
                for (let i = 0; i < 6; ++i, await sleep(200))
                        await depth();
                await stage.send("hedger", "GET", "/fapi/v1/depth?symbol=BTCUSDT", { "X-Weir-Max-Wait": "10" });
                await stage.sim.kill();
                for (let i = 0; i < 4; ++i)
                        await depth();
                await stage.start_sim(port);
                await shows(page, "#events", /answers again/, 30);
                await at(page, "events");
        });
        await scene("shadow", { gateway: ["--shadow"] }, (_, page) => shows(page, "#state-text", /Shadow/));
        await scene("limits-off", { config: "limits: off\n" }, (_, page) => shows(page, "#state-text", /Limits off/));
        await scene("locked", (stage) => ({ config: `watch:\n  token_file: ${stage.secret("look", ACT)}\n` }),
                    (_, page) => shows(page, "#state-text", /Locked/));
        if (!is_wanted("store"))
                return;
        const store = new Store();

        await store.start();
        await scene("store", { gateway: ["--store", store.url] }, async (stage, page) => {
                await shows(page, "#hosts-facts", /Hosts that share/);
                await stage.send("maker-btc", "GET", "/api/v3/depth?symbol=BTCUSDT");
                await store.kill();
                await shows(page, "#state-text", /Degraded|Store away/);
        });
        await store.kill();
}

export async function main(args) {
        let minutes = 4;

        if (args[0] === "--minutes") {
                minutes = Number(args[1]);
                args = args.slice(2);
        }
        if (args[0])
                folder = path.resolve(args[0]);
        wanted = args.slice(1);
        fs.mkdirSync(folder, { recursive: true });
        await states();
        if (is_wanted("now", "now-dark", "wall", "phone", "history", "spenders", "login", "confirm", "paused", "gone"))
                await busy(minutes);
        await close_browser();
}
