// workload.py in JavaScript: the same requests and orders, in the same order.
import { createHmac } from "node:crypto";
import { readFileSync } from "node:fs";

const MIXES = JSON.parse(readFileSync(new URL("workload.json", import.meta.url))).mixes;

// Every fourth connection watches prices only; see workload.py.
export const mixOf = (name, poller) => MIXES[name === "mixed" && poller % 4 === 0 ? "prices" : name];

// mulberry32
export class Chance {
  constructor(seed) {
    this.state = seed >>> 0;
  }
  next() {
    this.state = (this.state + 0x6d2b79f5) >>> 0;
    let t = this.state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  }
  pick(of) {
    return of[Math.floor(this.next() * of.length)];
  }
  gap(perSecond) {
    return -Math.log(1 - this.next()) / perSecond;
  }
}

export const orderFields = (number, id) => ({
  symbol: "BTCUSDT", side: number % 2 ? "SELL" : "BUY", type: "MARKET", quantity: "0.001", newClientOrderId: id,
});

export function signed(fields, secret, skewMs) {
  const query = new URLSearchParams({ ...fields, recvWindow: 60000, timestamp: Date.now() + skewMs }).toString();
  return `${query}&signature=${createHmac("sha256", secret).update(query).digest("hex")}`;
}

export const seedOf = (bot, poller) =>
  Number((BigInt(bot.seed * 1000 + poller) * 2654435761n) & 0xffffffffn);
