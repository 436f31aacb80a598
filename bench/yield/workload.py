"""What the clients of the bench do: the same requests and orders, in the same order, in every
competitor's program. workload.mjs is the same in JavaScript."""
import asyncio
import hashlib
import hmac
import json
import math
import time
from pathlib import Path
from urllib.parse import urlencode

MIXES = json.loads(Path(__file__).with_name("workload.json").read_text())["mixes"]
MASK = 0xFFFFFFFF


class Chance:
    """mulberry32: small enough to be the same in two languages."""

    def __init__(self, seed):
        self.state = seed & MASK

    def next(self):
        """From 0 to below 1."""
        self.state = (self.state + 0x6D2B79F5) & MASK
        t = self.state
        t = ((t ^ t >> 15) * (t | 1)) & MASK
        t ^= (t + ((t ^ t >> 7) * (t | 61))) & MASK
        return ((t ^ t >> 14) & MASK) / 4294967296

    def pick(self, of):
        return of[int(self.next() * len(of))]

    def gap(self, per_second):
        """Seconds to the next of events that come at random."""
        return -math.log(1 - self.next()) / per_second


def mix_of(name, poller):
    """Every fourth connection of a bot that asks for all kinds of things watches prices only. Were
    there none, each connection would sooner or later wait with something heavy, and what is left at
    a window's end could be used by nobody."""
    return MIXES["prices" if name == "mixed" and poller % 4 == 0 else name]


def target(data):
    return "/api/v3/" + data["path"] + ("?" + data["query"] if data["query"] else "")


def order_fields(number, client_id):
    return {"symbol": "BTCUSDT", "side": "SELL" if number % 2 else "BUY", "type": "MARKET",
            "quantity": "0.001", "newClientOrderId": client_id}


def signed(fields, secret, skew_ms):
    """A query, signed now, by the exchange's clock."""
    query = urlencode({**fields, "recvWindow": 60000, "timestamp": int(time.time() * 1000) + skew_ms})
    return query + "&signature=" + hmac.new(secret.encode(), query.encode(), hashlib.sha256).hexdigest()


def seed_of(bot, poller):
    """Of one poller of one bot; its orders are poller 999."""
    return (bot["seed"] * 1000 + poller) * 2654435761 & MASK


async def trade(who, one_order):
    """Orders of a bot or host come when they come, answered the one before or not. one_order(idle, who, number) sends
    one, by a connection that it takes from idle and puts back."""
    chance, idle, running = Chance(seed_of(who, 999)), [], set()
    due, number = time.monotonic(), 0
    while True:
        due += chance.gap(who["orders_per_s"])
        await asyncio.sleep(max(0, due - time.monotonic()))
        task = asyncio.ensure_future(one_order(idle, who, number))
        running.add(task)
        task.add_done_callback(running.discard)
        number += 1
