/* What the parts of a channel mean, and the letters of its marks. */
import { by_id, el } from "./dom.js";
import { CLASSES } from "./names.js";

const parts = [["ours", "ours"], ["flying", "in flight"], ["foreign", "others"], ["held", "places held"], ["expected", "kept for others"]];

export function start_legend() {
        by_id("legend").append(
                ...parts.map(([name, text]) => el("span.key-part", null, el(`i.sign.seg-${name}`, { "aria-hidden": "true" }), text)),
                el("span.key-part.key-marks", null, el("i.sign.sign-mark", { "aria-hidden": "true" }), "each class may go up to: ",
                   [...CLASSES].reverse().map((name) => `${name[0].toUpperCase()}\u00a0${name}`).join(", ")));
}
