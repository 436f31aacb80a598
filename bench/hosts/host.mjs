// One host of a row in which a store is asked about each request: its programs poll and trade, straight
// to the exchange, past the limiter.
//
//      node host.mjs CONFIG        CONFIG is JSON; see fleet.py
//
// Says "ready", reads when to end, and prints what it was answered.
import http from "node:http";
import { createInterface } from "node:readline";
import { performance } from "node:perf_hooks";
import { Chance, orderFields, seedOf, signed } from "../yield/workload.mjs";
import { open, sleep } from "./limiters.mjs";

const config = JSON.parse(process.argv[2]);
const exchangeMs = () => Date.now() + config.skew_ms;
const agent = new http.Agent({ keepAlive: true, maxSockets: Infinity });
const ask = (method, target, headers = {}) => new Promise((done, failed) => {
  const request = http.request(`http://127.0.0.1:${config.port}${target}`, { method, headers, agent }, (reply) => {
    reply.resume();
    reply.on("end", () => done({ status: reply.statusCode, headers: reply.headers }));
    reply.on("error", failed);
  });
  request.on("error", failed);
  request.end();
});

// A careful program: what it was told by a refusal holds for all that its process sends. It cannot tell
// the other hosts.
let stoppedUntil = 0;
const stopped = async () => {
  while (Date.now() < stoppedUntil) await sleep(stoppedUntil - Date.now());
};

const statuses = {}, orders = [];
const count = (key) => { statuses[key] = (statuses[key] ?? 0) + 1; };
let limiter = null;

// Returns how long the limiter let it wait, in ms, when it was let through at last.
async function send(weight, priority, method, target, headers) {
  for (;;) {
    await stopped();
    const began = performance.now();
    let waited = 0;
    const reply = await limiter.run(weight, priority, () => {
      waited = performance.now() - began;
      return ask(method, target(), headers);
    });
    if (![429, 418, 403].includes(reply.status)) {
      count(reply.status);
      return waited;
    }
    count(`exchange ${reply.status}`);
    stoppedUntil = Math.max(stoppedUntil, Date.now() + 1000 * Number(reply.headers["retry-after"] || 1));
  }
}

async function poll(host, number, periodMs, turns) {
  const chance = new Chance(seedOf(host, number));
  await sleep(chance.next() * Math.min(periodMs, 50));
  for (;;) {
    const now = exchangeMs();
    if (Math.floor(now / config.window_ms) % turns !== host.turn % turns) { // demand.is_turn()
      await sleep(config.window_ms - (now % config.window_ms) + 1);
      continue;
    }
    const data = chance.pick(config.mix), began = performance.now();
    await send(data.weight, 5, "GET", () => data.target).catch(async () => { count("no answer"); await sleep(50); });
    if (periodMs) await sleep(Math.max(0, began + periodMs - performance.now()));
  }
}

// Orders come when they come, answered the one before or not.
async function trade(host) {
  const chance = new Chance(seedOf(host, 999));
  let due = performance.now();
  for (let number = 0; ; number++) {
    due += 1000 * chance.gap(host.orders_per_s);
    await sleep(Math.max(0, due - performance.now()));
    const began = exchangeMs(), fields = orderFields(number, `${host.name}-${number}`);
    send(1, 0, "POST", () => "/api/v3/order?" + signed(fields, config.secret, config.skew_ms),
      { "X-MBX-APIKEY": config.key }).then((waited) => orders.push([began, Math.round(waited * 1000)]), () => count("no answer"));
  }
}

console.log("ready");
const until = Number((await new Promise((done) => createInterface({ input: process.stdin }).once("line", done))));
setTimeout(() => {
  process.stdout.write(JSON.stringify({ orders, statuses }) + "\n", () => process.exit(0));
}, until - Date.now());
limiter = await open(config);
for (const host of config.hosts) {
  for (let number = 0; number < host.busy; number++) poll(host, number, 0, host.turns);
  for (let number = 0; number < host.calm; number++) poll(host, 500 + number, host.period_s * 1000, 1);
  if (host.orders_per_s) trade(host);
}
