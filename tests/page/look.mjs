/*
 * A browser that looks at the page, and takes down whatever a good page never does: complain on its
 * console, break its policy, ask elsewhere.
 */
import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { chromium } from "playwright-core";
import { eventually, sleep } from "./stage.mjs";

const axe_source = createRequire(import.meta.url)("axe-core").source;
/* While a machine's networks change (containers come and go) Chromium breaks off what it loads. */
const NETWORK = /ERR_NETWORK_CHANGED/;

const PATIENCE_MS = 60000;

let shared = null;

export async function browser() {
        shared ||= await chromium.launch({
                executablePath: process.env.CHROMIUM || "/usr/bin/chromium",
                args: ["--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu", "--font-render-hinting=none",
                       "--force-color-profile=srgb"],
        });
        return shared;
}

export async function close_browser() {
        if (shared)
                await shared.close();
        shared = null;
}

/**
 * look_at() - a page of its own at the gateway of @stage
 * @may_fail: requests that may fail: a pattern of what the console says of them
 * @hold:     requests that get no answer before page.let_go()
 */
export async function look_at(stage, { width = 1280, height = 800, theme = "light", motion = "no-preference", phone = false,
                                       may_fail = null, hold = null, wait = true } = {}) {
        const context = await (await browser()).newContext({ viewport: { width, height }, colorScheme: theme, reducedMotion: motion,
                                                             isMobile: phone, hasTouch: phone });
        const page = await context.newPage();
        let was_broken_off;

        page.setDefaultTimeout(PATIENCE_MS);
        page.faults = [];
        page.may_fail = may_fail;
        page.on("requestfailed", (request) => {
                if (was_broken_off && NETWORK.test(request.failure()?.errorText ?? ""))
                        was_broken_off(false);
        });
        page.on("console", (message) => {
                const where = message.location().url;

                if (message.type() === "error" || message.type() === "warning")
                        if (!NETWORK.test(message.text()) && !(page.may_fail && page.may_fail.test(`${message.text()} ${where}`)))
                                page.faults.push(`${message.type()}: ${message.text()} (${where})`);
        });
        page.on("pageerror", (error) => page.faults.push(`exception: ${error.stack}`));
        page.on("request", (request) => {
                const url = new URL(request.url());

                if (url.protocol !== "data:" && url.protocol !== "blob:" &&
                    (url.origin !== stage.url || !url.pathname.startsWith("/weir/")))
                        page.faults.push(`asks elsewhere: ${request.url()}`);
        });
        await page.addInitScript(() => {
                globalThis.broken_policy = [];
                document.addEventListener("securitypolicyviolation", (event) => {
                        if (event.sourceFile !== "axe")
                                globalThis.broken_policy.push(`${event.violatedDirective} ${event.blockedURI} ${event.sourceFile}`);
                });
        });
        if (hold) {
                let release;
                const held = new Promise((resolve) => {
                        release = resolve;
                });

                page.let_go = release;
                await page.route(hold, async (route) => {
                        await held;
                        /* The page may have given it up meanwhile. */
                        await route.continue().catch(() => {});
                });
        }
        page.stage = stage;
        for (;;) {
                const broken_off = new Promise((resolve) => {
                        was_broken_off = resolve;
                });
                const is_here = page.goto(`${stage.url}/weir/`).then(() => !wait || page.waitForFunction(() =>
                        document.documentElement.dataset.state !== "first" && document.querySelector("#pulse dd")));

                try {
                        if (await Promise.race([is_here, broken_off]))
                                return page;
                        /* What becomes of the first go is of no interest any more. */
                        is_here.catch(() => {});
                } catch (error) {
                        /* Or the go that was broken off is in the way of the next. */
                        if (!NETWORK.test(error.message) && !/interrupted by another navigation/.test(error.message))
                                throw error;
                }
        }
}

/* No fault so far. */
export async function is_clean(page) {
        assert.deepEqual(page.faults, []);
        assert.deepEqual(await page.evaluate(() => globalThis.broken_policy), []);
}

/* Whether everybody can use what is shown now, as far as a program can tell. */
export async function is_for_all(page, what) {
        /* By the inspector, which a page's policy does not bind. */
        if (!await page.evaluate(() => Boolean(globalThis.axe)))
                await page.evaluate(axe_source);
        const found = await page.evaluate(() => globalThis.axe.run(document, { resultTypes: ["violations"] }));
        const told = found.violations.map((one) => `${one.id}: ${one.help}\n` + one.nodes.slice(0, 4).map((node) =>
                `    ${node.target.join(" ")}: ${node.failureSummary.replace(/\s+/g, " ")}`).join("\n"));

        assert.deepEqual(told, [], `${what}: axe`);
        const wide = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);

        assert.ok(wide <= 0, `${what}: wider than the screen by ${wide} px`);
}

export function text_of(page, selector) {
        return page.locator(selector).first().innerText();
}

/* The text of @selector, once it matches. */
export async function shows(page, selector, pattern, seconds = PATIENCE_MS / 1000) {
        let last = "";

        try {
                return await eventually(async () => {
                        last = (await page.locator(selector).allInnerTexts()).join("\n");
                        return pattern.test(last) && last;
                }, `${selector} showing ${pattern}`, seconds);
        } catch (error) {
                throw new Error(`${error.message}; it shows: ${last}`);
        }
}

/* A number as the page writes it. */
export function number_of(text) {
        const found = text.replaceAll(",", "").match(/-?\d+(\.\d+)?/);

        return found ? Number(found[0]) : NaN;
}

export { sleep };
