/* Every width from a telephone to a wall, light and dark: nothing is cut off, and everybody can use it. */
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { close_browser, is_clean, is_for_all, look_at, shows } from "./look.mjs";
import { Stage } from "./stage.mjs";

let stage;

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

        it("stands still for who wants no motion", async () => {
                const page = await look_at(stage, { motion: "reduce" });

                await shows(page, "#gauges", /Spot weight/);
                assert.equal(await page.evaluate(() => document.getAnimations().filter((one) => one.playState === "running").length), 0);
                await is_clean(page);
                await page.context().close();
        });
});
