/* What can be done from the page: behind a login, confirmed, said, and undone; each seen at the gateway. */
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { close_browser, is_clean, is_for_all, look_at, number_of, shows, text_of } from "./look.mjs";
import { Stage, ask, eventually } from "./stage.mjs";

const ACT = "a-token-that-may-act-0123456789abcdef", LOOK = "a-token-that-may-look-0123456789abcdef";
/* What is refused is written on the console by the browser itself. */
const REFUSED = /status of (401|403|409|429)/;

let stage, page;

async function log_in(token) {
        await page.locator("#login-token").fill(token);
        await page.locator("#login-go").click();
}

async function is_logged_in() {
        await eventually(async () => (await text_of(page, "#access-text")) === "Log out", "the login");
}

/* Confirms what is asked. */
async function confirm(title) {
        await shows(page, "#ask-title", title);
        await page.locator("#ask-go").click();
}

const queue_button = (name) => page.locator("#queue tbody tr", { hasText: name }).locator(".do button");
/* As a program does it. */
async function act(name, body) {
        const reply = await ask(stage.gateway.port, `/weir/api/${name}`, {
                method: "POST", body: JSON.stringify(body),
                headers: { "Authorization": `Bearer ${ACT}`, "X-Weir-Action": "yes", "Content-Type": "application/json" },
        });

        assert.equal(reply.status, 200, reply.text);
}

const spender = (name) => page.locator(".spenders tbody tr", { has: page.locator(".name", { hasText: new RegExp(`^${name}$`) }) });

/* @n of this client wait, or are on their way; none is refused, whenever the exchange's minute turns. */
function wait_always(n, client, target, name) {
        let waiting = 0;

        stage.every(40, async () => {
                if (waiting === n)
                        return;
                ++waiting;
                await stage.send(client, "GET", target, { "X-Weir-Max-Wait": "600000", "X-Weir-Class": name });
                --waiting;
        });
}

describe("from the page", () => {
        before(async () => {
                stage = new Stage();
                await stage.open({ gateway: [], sim: ["--limit", "spot-weight=200/1m"],
                                   config: `watch:\n  action_token_file: ${stage.secret("act", ACT)}\n` +
                                           "clients:\n  maker: { share: 2 }\n  steady: { share: 3 }\n" });
                page = await look_at(stage, { may_fail: REFUSED });
                wait_always(100, "hungry", "/api/v3/klines?symbol=BTCUSDT&interval=1m", "backfill");
                await stage.send("steady", "GET", "/api/v3/ping");
                wait_always(5, "maker", "/api/v3/depth?symbol=BTCUSDT", "market");
        });

        after(async () => {
                await stage.close();
                await close_browser();
        });

        it("nothing can be done without a token, and a wrong one is told so", async () => {
                await queue_button("market").click();
                await shows(page, "#login-why", /action token/);
                await is_for_all(page, "login");
                await log_in("not-this-one-0123456789abcdef0123456789");
                await shows(page, "#login-error", /not known here/);
                assert.equal(await page.locator("#login-token").getAttribute("aria-invalid"), "true");
                await page.keyboard.press("Escape");
                await eventually(async () => !(await page.locator("#login").isVisible()), "Escape closing it");
        });

        it("a class is paused, as it was said, and undone", async () => {
                await queue_button("backfill").click();
                await log_in(ACT);
                await confirm(/Pause class backfill/);
                await shows(page, ".toast", /paused/);
                await shows(page, "#state-text", /Paused/);
                assert.deepEqual((await stage.gateway.json("/weir/api/now")).paused.classes, ["backfill"]);
                await is_logged_in();
                /* While the pointer is there it stays. */
                await page.locator(".toast").hover();
                await is_for_all(page, "paused");
                await page.locator(".toast button", { hasText: "Undo" }).click();
                await shows(page, "#state-text", /Serving|Busy/);
                assert.deepEqual((await stage.gateway.json("/weir/api/now")).paused.classes, []);
                await eventually(async () => !/is paused/.test(await text_of(page, "#toasts")), "what is no longer true going away");
        });

        it("what was asked by mistake is called off with Escape, and nothing happens", async () => {
                await queue_button("order").click();
                await shows(page, "#ask-title", /Pause class order/);
                await is_for_all(page, "confirmation");
                await page.keyboard.press("Escape");
                await eventually(async () => !(await page.locator("#ask").isVisible()), "Escape closing it");
                assert.deepEqual((await stage.gateway.json("/weir/api/now")).paused.classes, []);
        });

        it("a client is paused and resumed from the table", async () => {
                await page.locator("#spenders").scrollIntoViewIfNeeded();
                await shows(page, ".spenders", /hungry/);
                await spender("hungry").locator("button", { hasText: "Pause" }).click();
                await confirm(/Pause client hungry/);
                await shows(page, "#paused", /client hungry/);
                await shows(page, ".spenders", /hungry\s*paused/);
                const button = await spender("hungry").locator("button", { hasText: "Share" }).boundingBox();
                const table = await page.locator("#spenders-table .scroll").boundingBox();

                assert.ok(button.x + button.width <= table.x + table.width, "the buttons are inside of the table");
                await page.locator("#queue tbody tr", { hasText: "backfill" }).locator(".link").click();
                await shows(page, "#queue-inside", /hungry\s*for [^,]*, refused in [^,]*, paused/);
                await page.locator("#queue tbody tr", { hasText: "backfill" }).locator(".link").click();
                await page.locator("#paused button").click();
                await confirm(/Resume client hungry/);
                await eventually(async () => (await stage.gateway.json("/weir/api/now")).paused.clients.length === 0, "resuming");
                await eventually(async () => !/hungry is paused/.test(await text_of(page, "#toasts")), "what is no longer true going away");
        });

        it("a request that waits is dropped, and its client told so", async () => {
                /* Held until it is dropped, whatever the window has room for. */
                await act("pause", { client: "late" });
                const answer = stage.send("late", "GET", "/api/v3/account?timestamp=1&signature=00", { "X-Weir-Max-Wait": "600000" });
                const row = page.locator("#queue tbody tr", { hasText: "account" });

                await eventually(async () => number_of(await row.locator(".link").innerText()) > 0, "a queue");
                await row.locator(".link").click();
                await shows(page, "#queue-inside", /late/);
                await is_for_all(page, "queue opened");
                await page.locator(".requests li", { hasText: "late" }).locator("button").first().click();
                await confirm(/Drop this request/);
                await shows(page, ".toast", /refused, and its client told so/);
                const told = await answer;

                assert.match(told.text, /weir: /);
                assert.equal(told.headers["x-weir-verdict"], "dropped");
                await act("resume", { client: "late" });
                /* Too late for the window, unless it has just turned. */
                for (let i = 0; i < 3; ++i)
                        await stage.send("hasty", "GET", "/api/v3/klines?symbol=ETHUSDT&interval=1m", { "X-Weir-Max-Wait": "1", "X-Weir-Class": "backfill" });
                await eventually(async () => {
                        const counters = (await stage.gateway.json("/weir/api/now")).counters;
                        const sum = Object.keys(counters).filter((key) => /^refused_|^dropped$/.test(key))
                                                         .reduce((all, key) => all + counters[key], 0);

                        return counters.dropped === 1 && (await text_of(page, "#pulse")).replace(/[\s,]/g, "").includes(`Refusedheresofar${sum}`);
                }, "all that was refused, the dropped too");
        });

        it("a client gets a share", async () => {
                await spender("maker").locator("button", { hasText: "Share" }).click();
                await shows(page, "#ask-title", /Share of maker/);
                await page.locator("#share-value").fill("5");
                await page.locator("#ask-go").click();
                await shows(page, ".toast", /maker has a share of 5/);
                await shows(page, "#events", /Share set/);
                await shows(page, ".spenders", /maker\s*share 5, by hand/);
                await shows(page, "#spenders-table", /Shares set by hand:\s*maker: 5 \(the settings say 2\)/);
                await shows(page, ".spenders", /steady\s*share 3/);
                assert.doesNotMatch(await text_of(page, ".spenders"), /hungry\s*share/);
                await spender("maker").locator("button", { hasText: "Share" }).click();
                assert.equal(await page.locator("#share-value").inputValue(), "5");
                await shows(page, "#ask", /the settings say 2/);
                await page.locator("#ask-cancel").click();
                await is_for_all(page, "shares");
                await page.locator(".by-hand button").click();
                await page.locator("#share-value").fill("2");
                await page.locator("#ask-go").click();
                await eventually(async () => !await page.locator(".by-hand").isVisible(), "the list going away");
                await shows(page, ".spenders", /maker\s*share 2\s/);
        });

        it("the login is left", async () => {
                await page.locator("#access").click();
                await shows(page, "#access-text", /Log in/);
                assert.equal((await stage.gateway.json("/weir/api/me")).may_act, false);
                await is_clean(page);
        });

        it("who guesses tokens is locked out, and told for how long", async () => {
                await page.locator("#access").click();
                for (let i = 0, status = 0; status !== 429; ++i) {
                        assert.ok(i < 40, "nobody is locked out");
                        const answer = page.waitForResponse(/api\/login/);

                        await log_in(`guess-number-${i}-0123456789abcdef0123456789`);
                        status = (await answer).status();
                }
                await shows(page, "#login-error", /Too many wrong tokens. Try again in \d+.s/);
                await is_for_all(page, "locked out");
                await page.keyboard.press("Escape");
                await is_clean(page);
        });
});

describe("a weight that is not the table's", () => {
        it("is shown and acknowledged", async () => {
                const other = new Stage();

                try {
                        /* Short windows: a cost is believed when three of them show it; long enough for a few round trips of a
                         * slow machine that do not cross the turn. */
                        await other.open({ sim: ["--weight", "GET /api/v3/avgPrice=7", "--limit", "spot-weight=6000/3s"],
                                           config: `watch:\n  action_token_file: ${other.secret("act", ACT)}\n` });
                        page = await look_at(other, { may_fail: REFUSED });
                        await eventually(async () => {
                                for (const target of ["/api/v3/ping", "/api/v3/avgPrice?symbol=BTCUSDT"])
                                        await other.send("bot", "GET", target);
                                return (await other.gateway.json("/weir/api/now")).weights?.length > 0;
                        }, "a mismatch", 150);
                        await shows(page, "#weights-table", /avgPrice[^]*\d+\s+7\s/);
                        await shows(page, "#weights-count", /1/);
                        await page.locator("#weights-table button", { hasText: "Acknowledge" }).click();
                        await log_in(ACT);
                        await confirm(/Acknowledge this weight/);
                        await shows(page, "#weights-table", /acknowledged/);
                        await page.locator(".toast").hover();
                        await is_for_all(page, "weights");
                        await page.locator(".toast button", { hasText: "Undo" }).click();
                        await shows(page, "#weights-count", /1/);
                        await is_clean(page);
                } finally {
                        await other.close();
                        await close_browser();
                }
        });
});

describe("who may not even look", () => {
        it("sees a login and nothing else, and all after it", async () => {
                const other = new Stage();

                try {
                        await other.open({ config: `watch:\n  token_file: ${other.secret("look", LOOK)}\n` });
                        page = await look_at(other, { may_fail: /status of (401|403)/ });
                        await shows(page, "#state-text", /Locked/);
                        assert.equal(await page.locator("#gauges").isVisible(), false);
                        await is_for_all(page, "locked");
                        await page.locator("#notices button").click();
                        await log_in(LOOK);
                        await shows(page, "#state-text", /Serving/);
                        await is_clean(page);
                } finally {
                        await other.close();
                        await close_browser();
                }
        });
});
