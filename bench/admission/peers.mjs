// What one admission costs in limiters of others: a promise that is granted at once.
//
//      node peers.mjs NAME N        prints nanoseconds per operation
import Bottleneck from "bottleneck";
import { RateLimiter } from "limiter";
import { RateLimiterMemory } from "rate-limiter-flexible";

const plenty = 1e9;
const peers = {
  bottleneck: () => {
    const limiter = new Bottleneck({ reservoir: plenty, maxConcurrent: null });
    const nothing = async () => {};
    return () => limiter.schedule(nothing);
  },
  limiter: () => {
    const limiter = new RateLimiter({ tokensPerInterval: plenty, interval: "minute" });
    return () => limiter.removeTokens(1);
  },
  "rate-limiter-flexible": () => {
    const limiter = new RateLimiterMemory({ points: plenty, duration: 60 });
    return () => limiter.consume("address", 1);
  },
};

const [name, text] = process.argv.slice(2);
const n = Number(text);
const take = peers[name]();
for (let i = 0; i < n / 10; ++i) await take();
const start = process.hrtime.bigint();
for (let i = 0; i < n; ++i) await take();
console.log((Number(process.hrtime.bigint() - start) / n).toFixed(2));
process.exit(0);
