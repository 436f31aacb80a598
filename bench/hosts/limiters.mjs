// Limiters of others that ask a Redis about each request, at their best honest setting; README.md says
// why each is set as it is. A limiter has
//
//      take(weight, priority)      a promise: the request may leave now
//      run(weight, priority, f)    the same, for one that wants to run it itself
//      close()
import Bottleneck from "bottleneck";
import Redis from "ioredis";
import { RateLimiterRedis } from "rate-limiter-flexible";

export const sleep = (ms) => new Promise((done) => setTimeout(done, ms));

// Tokens trickle in, some may be saved up; who finds none takes them from those to come and is told how
// long that is. So one operation a request, and first come, first served.
const BUCKET = `
local now = redis.call("TIME")
local us = now[1] * 1000000 + now[2]
local rate, burst, n = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local kept = redis.call("HMGET", KEYS[1], "tokens", "us")
local tokens, before = tonumber(kept[1]) or burst, tonumber(kept[2]) or us
tokens = math.min(burst, tokens + (us - before) * rate / 1000000) - n
redis.call("HSET", KEYS[1], "tokens", tostring(tokens), "us", us)
return tokens < 0 and math.ceil(-tokens * 1000 / rate) or 0
`;

function bucket(config) {
  const redis = new Redis({ port: config.redis, lazyConnect: false });
  redis.defineCommand("bucket", { numberOfKeys: 1, lua: BUCKET });
  // What may leave in any stretch as long as a window is the burst and what trickles in meanwhile.
  const burst = config.limit * 0.015;
  const rate = (config.limit * 0.98) / (config.window_ms / 1000);
  const take = async (weight) => {
    const wait_ms = await redis.bucket("bucket", rate, burst, weight);
    if (wait_ms > 0) await sleep(wait_ms);
  };
  return { take, close: () => redis.disconnect() };
}

function flexible(config) {
  const redis = new Redis({ port: config.redis });
  const seconds = config.window_ms / 1000;
  const limiter = new RateLimiterRedis({ storeClient: redis, points: config.limit, duration: seconds, keyPrefix: "flexible" });
  const exchangeMs = () => Date.now() + config.skew_ms;
  const take = async (weight) => {
    for (;;) {
      const key = config.aligned ? String(Math.floor(exchangeMs() / config.window_ms)) : "address";
      try {
        await limiter.consume(key, weight);
        return;
      } catch (refused) {
        if (refused instanceof Error) throw refused;
        await sleep(config.aligned ? config.window_ms - (exchangeMs() % config.window_ms) + 1 : refused.msBeforeNext);
      }
    }
  };
  return { take, close: () => redis.disconnect() };
}

// Begun at a turn of the exchange's window: nothing in it aligns it otherwise.
async function bottleneck(config) {
  if (!config.at_once) await sleep(config.window_ms - ((Date.now() + config.skew_ms) % config.window_ms) + 20);
  const limiter = new Bottleneck({
    reservoir: config.limit, reservoirRefreshAmount: config.limit, reservoirRefreshInterval: config.window_ms,
    heartbeatInterval: 100, datastore: "ioredis", clearDatastore: false, id: "hosts",
    clientOptions: { host: "127.0.0.1", port: config.redis },
  });
  limiter.on("error", (error) => process.stderr.write(`weir: bench/hosts: bottleneck: ${error}\n`));
  await limiter.ready();
  return {
    run: (weight, priority, f) => limiter.schedule({ weight, priority }, f),
    close: () => limiter.disconnect(false),
  };
}

const makers = { bucket, flexible, bottleneck };

export async function open(config) {
  const limiter = await makers[config.kind](config);
  const take = limiter.take;
  return take ? { ...limiter, run: async (weight, priority, f) => (await take(weight, priority), f()) } : limiter;
}
