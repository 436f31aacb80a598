/* The pairs of a log line, in words: group=api for_ms=120000 becomes "Spot, for 2 min 00 s". */
import { capital, pool_name, product_name } from "./names.js";
import { span, wait } from "./format.js";

/* [[key, value], ...]; a value in quotes is a string of JSON. What is no pair is [null, text]. */
export function pairs_of(text) {
        const found = [], pattern = /([A-Za-z_][\w.]*)=("(?:[^"\\]|\\.)*"|\S*)|(\S+)/g;

        for (const [, key, value, word] of String(text || "").matchAll(pattern)) {
                if (word !== undefined) {
                        found.push([null, word]);
                } else if (value.startsWith("\"")) {
                        try {
                                found.push([key, JSON.parse(value)]);
                        } catch {
                                found.push([key, value]);
                        }
                } else {
                        found.push([key, value]);
                }
        }
        return found;
}

const words = {
        group: (value) => product_name(value),
        pool: (value) => value === "none" ? "" : pool_name(value),
        class: (value) => `class ${value}`,
        egress: (value) => value === "default" ? "" : `by ${value}`,
        msg: (value) => `\u201c${value}\u201d`,
        why: (value) => value,
        verdict: (value) => value.replaceAll("_", " "),
        peer: (value) => value === "" ? "" : `from ${value}`,
        method: (value) => value,
        path: (value) => value,
        gate: () => "",
        request: () => "", /* stands apart: a member of the event */
        request_id: () => "",
        in_window: (value) => `${value} in this window`,
};

export function in_words(text) {
        const parts = [];

        for (const [key, value] of pairs_of(text)) {
                if (key === null) {
                        parts.push(value);
                } else if (words[key]) {
                        parts.push(words[key](value));
                } else if (/_ms$/.test(key) && /^\d+$/.test(value)) {
                        const name = key.slice(0, -3).replaceAll("_", " "), ms = Number(value);

                        parts.push(`${name} ${ms < 60000 ? wait(ms) : span(ms)}`);
                } else {
                        parts.push(`${key.replaceAll("_", " ")} ${value}`);
                }
        }
        return capital(parts.filter((part) => part !== "").join(", "));
}
