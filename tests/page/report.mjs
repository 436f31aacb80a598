/*
 * What node's runner says of the tests, as "spec" does, and then once more each that failed, in one line:
 * who reads the end of a long log only has it all.
 */
import path from "node:path";
import { Readable } from "node:stream";
import { spec } from "node:test/reporters";

const LINE_MAX = 2000;

function in_one_line(text) {
        return String(text).replace(/\s+/g, " ").trim().slice(0, LINE_MAX);
}

/* Where in our files, nearest first. */
function place_of(error, file) {
        const at = String(error?.stack ?? "").match(/[\w.-]+\.mjs:\d+/g) ?? [path.basename(file ?? "")];

        return [...new Set(at)].slice(0, 3).join(" < ");
}

export default async function* report(events) {
        const failed = [], told = new spec();

        async function* watched() {
                for await (const event of events) {
                        const error = event.data?.details?.error;

                        /* Of a suite whose tests failed they say it themselves. */
                        if (event.type === "test:fail" && error?.failureType !== "subtestsFailed" && !event.data.todo)
                                failed.push(`FAILED ${event.data.name}: ${in_one_line(error?.cause?.message ?? error?.cause ?? error?.message)} ` +
                                            `(${place_of(error?.cause ?? error, event.data.file)})`);
                        yield event;
                }
        }

        Readable.from(watched()).pipe(told);
        for await (const text of told)
                yield text;
        for (const line of failed)
                yield `${line}\n`;
}
