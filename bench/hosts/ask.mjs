// What asking a store about each request costs when there is room: nothing else is done.
//
//      node ask.mjs CONFIG         CONFIG is JSON: a limiter, `at_once` requests in the air, `seconds`
//
// Says "ready", waits for a line, and prints how many were admitted and how long one took.
import { createInterface } from "node:readline";
import { performance } from "node:perf_hooks";
import { open } from "./limiters.mjs";

const config = JSON.parse(process.argv[2]);
const limiter = await open({ ...config, limit: 1e9, window_ms: 60000, skew_ms: 0 });
const nothing = async () => {};
for (let i = 0; i < 200; i++) await limiter.run(1, 5, nothing);
console.log("ready");
await new Promise((done) => createInterface({ input: process.stdin }).once("line", done));

const began = performance.now(), end = began + 1000 * config.seconds;
let admitted = 0;
async function one() {
  while (performance.now() < end) {
    await limiter.run(1, 5, nothing);
    admitted++;
  }
}
await Promise.all(Array.from({ length: config.at_once }, one));
const seconds = (performance.now() - began) / 1000;
process.stdout.write(JSON.stringify({ admitted, seconds, each_us: seconds * config.at_once * 1e6 / admitted }) + "\n", () => process.exit(0));
