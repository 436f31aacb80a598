// One process of a competitor in JavaScript: bots that poll market data without a pause, and trade.
//
//      node worker.mjs CONFIG      CONFIG is JSON; see stand.py
//
// Says "ready", reads when to end, and prints what its bots got as JSON.
import http from "node:http";
import { createInterface } from "node:readline";
import { performance } from "node:perf_hooks";
import { Chance, mixOf, orderFields, seedOf, signed } from "./workload.mjs";

const config = JSON.parse(process.argv[2]);
const url = `http://127.0.0.1:${config.port}`;
const sleep = (ms) => new Promise((done) => setTimeout(done, ms));
const wallUs = () => Math.round((performance.timeOrigin + performance.now()) * 1000);
const exchangeMs = () => Date.now() + config.skew_ms;

// A careful program: what it was told by a refusal holds for all that its process sends. It cannot
// tell the other processes.
let stoppedUntil = 0;
const stop = (retryAfter) => {
  stoppedUntil = Math.max(stoppedUntil, Date.now() + 1000 * Number(retryAfter || 1));
};
const stopped = async () => {
  while (Date.now() < stoppedUntil) await sleep(stoppedUntil - Date.now());
};

// ccxt as it is used: its implicit methods, its own throttler, its own HTTP, the URL exchanged.
async function ccxtFace() {
  const { default: ccxt } = await import("ccxt");
  const exchange = new ccxt.binance({
    apiKey: config.key, secret: config.secret, enableRateLimit: true, timeout: 600000,
    // A unit of weight costs 0.2 of it.
    rateLimit: config.window_ms / (0.2 * config.limit * config.share),
    rateLimiterAlgorithm: config.algorithm,
    ...(config.algorithm === "rollingWindow" ? { rollingWindowSize: config.window_ms } : {}),
    options: { timeDifference: -config.skew_ms, recvWindow: 60000 },
  });
  for (const k in exchange.urls.api)
    if (typeof exchange.urls.api[k] === "string")
      exchange.urls.api[k] = exchange.urls.api[k].replace(/https:\/\/[a-z0-9-]+\.binance\.com/, url);
  const send = async (method, params) => {
    for (;;) {
      await stopped();
      try {
        await exchange[method](params);
        return 200;
      } catch (error) {
        if (!/ (429|418|403) /.test(error.message)) {
          process.stderr.write(`weir: bench/yield: ccxt: ${error.message.slice(0, 300)}\n`);
          return 0;
        }
        stop(exchange.last_response_headers?.["Retry-After"] ?? exchange.last_response_headers?.["retry-after"]);
      }
    }
  };
  const name = (path) => "publicGet" + path.split("/").map((w) => w[0].toUpperCase() + w.slice(1)).join("");
  return {
    data: (data) => send(name(data.path), Object.fromEntries(new URLSearchParams(data.query))),
    order: (fields) => send("privatePostOrder", fields),
  };
}

const agent = new http.Agent({ keepAlive: true, maxSockets: Infinity });
const ask = (method, target, headers = {}) => new Promise((done, failed) => {
  const request = http.request(url + target, { method, headers, agent }, (reply) => {
    const parts = [];
    reply.on("data", (part) => parts.push(part));
    reply.on("end", () => done({ status: reply.statusCode, headers: reply.headers, body: Buffer.concat(parts) }));
    reply.on("error", failed);
  });
  request.on("error", failed);
  request.end();
});

// Bottleneck with a reservoir that is filled each window, orders before data. Begun at a turn of
// the exchange's window, as its clock says, for otherwise it is out of step from the start.
async function bottleneckFace() {
  const { default: Bottleneck } = await import("bottleneck");
  let limiter;
  const begin = async () => {
    const { serverTime } = JSON.parse((await ask("GET", "/api/v3/time")).body);
    await sleep(config.window_ms - (serverTime % config.window_ms) + 20);
    const amount = Math.floor(config.limit * config.share);
    const redis = config.redis
      ? { datastore: "ioredis", clearDatastore: false, id: "bench", clientOptions: { host: "127.0.0.1", port: config.redis } }
      : {};
    limiter = new Bottleneck({
      reservoir: amount, reservoirRefreshAmount: amount, reservoirRefreshInterval: config.window_ms,
      heartbeatInterval: 100, ...redis,
    });
    limiter.on("error", (error) => process.stderr.write(`weir: bench/yield: bottleneck: ${error}\n`));
    await limiter.ready();
  };
  const send = async (weight, priority, method, target, headers) => {
    for (;;) {
      await stopped();
      const reply = await limiter.schedule({ weight, priority }, () => ask(method, target(), headers));
      if (![429, 418, 403].includes(reply.status)) return reply.status;
      stop(reply.headers["retry-after"]);
    }
  };
  return {
    begin,
    data: (data) => send(data.weight, 5, "GET", () => "/api/v3/" + data.path + (data.query ? "?" + data.query : "")),
    order: (fields) => send(1, 0, "POST", () => "/api/v3/order?" + signed(fields, config.secret, config.skew_ms),
      { "X-MBX-APIKEY": config.key }),
  };
}

const faces = { ccxt: ccxtFace, bottleneck: bottleneckFace };
const admitted = Object.fromEntries(config.bots.map((bot) => [bot.name, {}]));
const wishes = {}, statuses = {};
const count = (of, key, n = 1) => { of[key] = (of[key] ?? 0) + n; };

async function poll(face, bot, number) {
  const chance = new Chance(seedOf(bot, number)), mix = mixOf(config.mix, number);
  for (;;) {
    const data = chance.pick(mix);
    const status = await face.data(data).catch(async () => { await sleep(50); return 0; });
    count(statuses, status);
    if (status === 200) count(admitted[bot.name], Math.floor(exchangeMs() / config.window_ms), data.weight);
  }
}

// Orders come when they come, answered the one before or not.
async function trade(face, bot) {
  const chance = new Chance(seedOf(bot, 999));
  let due = performance.now();
  for (let number = 0; ; number++) {
    due += 1000 * chance.gap(bot.orders_per_s);
    await sleep(Math.max(0, due - performance.now()));
    const id = `${bot.name}-${number}`;
    wishes[id] = wallUs();
    face.order(orderFields(number, id)).catch(() => 0).then((status) => count(statuses, `order ${status}`));
  }
}

const face = await faces[config.kind]();
console.log("ready");
const until = Number((await new Promise((done) => createInterface({ input: process.stdin }).once("line", done))));
setTimeout(() => {
  process.stdout.write(JSON.stringify({ admitted, wishes, statuses }) + "\n", () => process.exit(0));
}, until - Date.now());
await face.begin?.();
for (const bot of config.bots) {
  for (let number = 0; number < bot.pollers; number++) poll(face, bot, number);
  if (bot.orders_per_s) trade(face, bot);
}
