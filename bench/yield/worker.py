#!/usr/bin/python3
"""One process of a competitor in Python: bots that poll market data without a pause, and trade.

    worker.py CONFIG        CONFIG is JSON; see stand.py

Says "ready", reads when to end, and prints what its bots got as JSON.
"""
import asyncio
import collections
import json
import sys
import time

import workload
from bucket import RETRIES, TokenBucket
from wire import Connection

REFUSED = (429, 418, 403)


class Gateway:
    """Plain clients of weir: all they know is another base URL."""

    def __init__(self, config):
        self.config = config
        self.inside_us = []

    async def data(self, connection, bot, data):
        headers = {"X-Weir-Client": bot["name"]}
        if self.config.get("class"):
            headers["X-Weir-Class"] = self.config["class"]
        return await self._ask(connection, "GET", lambda: workload.target(data), headers)

    async def order(self, connection, bot, fields):
        headers = {"X-MBX-APIKEY": self.config["key"], "X-Weir-Client": bot["name"]}
        return await self._ask(connection, "POST", lambda: "/api/v3/order?" + workload.signed(
            fields, self.config["secret"], self.config["skew_ms"]), headers)

    async def _ask(self, connection, method, target, headers):
        while True:
            status, fields, _ = await connection.ask(method, target(), headers)
            if status not in REFUSED:
                if method == "POST":
                    self.inside_us.append(int(fields.get("x-weir-wait-us", 0)))
                return status
            await asyncio.sleep(float(fields.get("retry-after", 1)))


class Straight:
    """Common to all that send straight to the exchange, past a limiter of their own."""

    def __init__(self, config):
        self.config = config

    async def data(self, connection, bot, data):
        headers = {"User-Agent": bot["name"]}
        return await self.send(data["weight"], "GET", "/api/v3/" + data["path"], data["query"],
                               lambda: connection.ask("GET", workload.target(data), headers))

    async def order(self, connection, bot, fields):
        headers = {"X-MBX-APIKEY": self.config["key"], "User-Agent": bot["name"]}
        # Signed after the wait.
        return await self.send(1, "POST", "/api/v3/order", "", lambda: connection.ask(
            "POST", "/api/v3/order?" + workload.signed(fields, self.config["secret"],
                                                       self.config["skew_ms"]), headers))


class Bucket(Straight):
    def __init__(self, config):
        super().__init__(config)
        self.minute_s = config["window_ms"] / 1000
        self.bucket = TokenBucket(config["per_minute"], config["burst"], self.minute_s)

    async def send(self, weight, _method, _path, _query, ask):
        for attempt in range(RETRIES + 1):
            await self.bucket.acquire(weight)
            status, _, _ = await ask()
            if status not in REFUSED or attempt == RETRIES:
                return status
            # In minutes of this run.
            await asyncio.sleep(2**attempt * self.minute_s / 60)


class Library(Straight):
    def __init__(self, config):
        super().__init__(config)
        from library import Library as Limiter  # needs libweir, which the others do not
        self.limiter = Limiter(config["region"])

    async def send(self, weight, method, path, query, ask):
        key = self.config["key"] if method == "POST" else None
        request_class = self.config.get("class") if method == "GET" else None
        request = self.limiter.request(method, path, query, key, request_class)
        while True:
            status, _, _ = await self.limiter.send(request, ask)
            if status not in REFUSED:
                return status


class Stranger(Straight):
    """Somebody on the same address who knows nothing of weir, but is polite: refused, it waits."""

    async def send(self, _weight, _method, _path, _query, ask):
        status, fields, _ = await ask()
        if status in REFUSED:
            await asyncio.sleep(float(fields.get("retry-after", 1)))
        return status


FACES = {"gateway": Gateway, "library": Library, "bucket": Bucket, "stranger": Stranger}


class Worker:
    def __init__(self, config):
        self.config = config
        self.face = FACES[config["kind"]](config)
        self.admitted = {bot["name"]: collections.Counter() for bot in config["bots"]}
        self.wishes = {}
        self.bursts = 0
        self.statuses = collections.Counter()

    def window(self):
        return (int(time.time() * 1000) + self.config["skew_ms"]) // self.config["window_ms"]

    def connection(self):
        return Connection("127.0.0.1", self.config["port"])

    async def poll(self, bot, number):
        chance, connection = workload.Chance(workload.seed_of(bot, number)), self.connection()
        mix, pause_s = workload.mix_of(self.config["mix"], number), bot.get("pause_s", 0)
        while True:
            data = chance.pick(mix)
            try:
                status = await self.face.data(connection, bot, data)
            except OSError:
                status = 0
                await asyncio.sleep(0.05)
            self.statuses[status] += 1
            if status == 200:
                self.admitted[bot["name"]][self.window()] += data["weight"]
            if pause_s:
                await asyncio.sleep(pause_s)

    async def burst(self, bot, number):
        """A stranger's: so much weight at once, every so many seconds."""
        chance = workload.Chance(workload.seed_of(bot, number))
        mix = workload.mix_of(self.config["mix"], number)
        while True:
            await asyncio.sleep(chance.gap(1 / bot["burst_every_s"]))
            # A new one: nobody keeps a connection for so long that nothing is asked.
            left, connection = bot["burst_weight"], self.connection()
            self.bursts += 1
            while left > 0:
                data = chance.pick(mix)
                left -= data["weight"]
                status = await self.face.data(connection, bot, data)
                self.statuses[status] += 1
                if status != 200:
                    break
            connection.close()

    async def one_order(self, idle, bot, number):
        client_id = f"{bot['name']}-{number}"
        self.wishes[client_id] = time.time_ns() // 1000
        connection = idle.pop() if idle else self.connection()
        try:
            status = await self.face.order(connection, bot, workload.order_fields(number, client_id))
            idle.append(connection)
        except OSError:
            status = 0
        self.statuses[f"order {status}"] += 1

    def tasks(self):
        for bot in self.config["bots"]:
            if bot.get("burst_weight"):
                yield self.burst(bot, 1)
            for number in range(bot["pollers"]):
                yield self.poll(bot, number)
            if bot["orders_per_s"]:
                yield workload.trade(bot, self.one_order)

    async def run(self):
        print("ready", flush=True)
        until = int(await asyncio.get_running_loop().run_in_executor(None, sys.stdin.readline)) / 1000
        tasks = [asyncio.ensure_future(task) for task in self.tasks()]
        done, _ = await asyncio.wait(tasks, timeout=max(0, until - time.time()),
                                     return_when=asyncio.FIRST_EXCEPTION)
        for task in done:
            task.result()
        print(json.dumps({"admitted": self.admitted, "wishes": self.wishes, "statuses": self.statuses,
                          "bursts": self.bursts, "inside_us": getattr(self.face, "inside_us", [])}), flush=True)


async def main():
    await Worker(json.loads(sys.argv[1])).run()


if __name__ == "__main__":
    try:
        asyncio.run(main())
    except (KeyboardInterrupt, BrokenPipeError):
        sys.exit(1)
