#!/usr/bin/python3
"""The programs on all hosts: they poll through their host's gateway, and trade beside it.

    load.py CONFIG        CONFIG is JSON; see fleet.py

Says "ready", reads when to end, and prints what it was answered as JSON. One process for all hosts: so
the machine's time goes to the gateways and not to it.
"""
import asyncio
import collections
import json
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "yield"))
import demand  # noqa: E402
import workload  # noqa: E402
from wire import Connection  # noqa: E402

REFUSED = (429, 418, 403)


class Load:
    def __init__(self, config):
        self.config = config
        self.statuses = collections.Counter()
        self.orders = []  # when it was sent (ms of the exchange), what it waited in weir (us)
        self.orders_refused = 0

    def exchange_ms(self):
        return time.time() * 1000 + self.config["skew_ms"]

    async def ask(self, connection, method, target, headers):
        """Until it was let through, as a careful program: it waits as long as it is told."""
        while True:
            try:
                status, fields, _ = await connection.ask(method, target(), headers)
            except OSError:
                self.statuses["no answer"] += 1
                await asyncio.sleep(0.05)
                continue
            if status not in REFUSED:
                return status, fields
            self.statuses[f"{status} {fields.get('x-weir-verdict', '')}".strip()] += 1
            await asyncio.sleep(min(1.0, float(fields.get("retry-after", 1))))

    async def poll(self, host, number, period_s, is_busy):
        chance = workload.Chance(workload.seed_of(host, number))
        connection = Connection("127.0.0.1", host["port"])
        slot_ms = host.get("slot_ms", self.config["window_ms"])
        headers = {"X-Weir-Class": "market"}
        await asyncio.sleep(chance.next() * min(period_s, 0.05))
        while True:
            now = self.exchange_ms()
            if is_busy and not demand.is_turn(host, int(now // slot_ms)):
                await asyncio.sleep((slot_ms - now % slot_ms) / 1000 + 0.001)
                continue
            data, begin = chance.pick(self.config["mix"]), time.monotonic()
            status, _ = await self.ask(connection, "GET", lambda data=data: data["target"], headers)
            self.statuses[status] += 1
            if period_s:
                await asyncio.sleep(max(0, begin + period_s - time.monotonic()))

    async def one_order(self, idle, host, number):
        connection = idle.pop() if idle else Connection("127.0.0.1", host["port"])
        fields = workload.order_fields(number, f"{host['name']}-{number}")
        began = self.exchange_ms()
        status, headers = await self.ask(connection, "POST", lambda: "/api/v3/order?" + workload.signed(
            fields, self.config["secret"], self.config["skew_ms"]), {"X-MBX-APIKEY": self.config["key"]})
        idle.append(connection)
        self.statuses[f"order {status}"] += 1
        self.orders.append((began, int(headers.get("x-weir-wait-us", 0))))

    def tasks(self):
        for host in self.config["hosts"]:
            for number in range(host["busy"]):
                yield self.poll(host, number, 0, True)
            for number in range(host["calm"]):
                yield self.poll(host, 500 + number, host["period_s"], False)
            if host["orders_per_s"]:
                yield workload.trade(host, self.one_order)

    async def run(self):
        print("ready", flush=True)
        until = int(await asyncio.get_running_loop().run_in_executor(None, sys.stdin.readline)) / 1000
        tasks = [asyncio.ensure_future(task) for task in self.tasks()]
        done, _ = await asyncio.wait(tasks, timeout=max(0, until - time.time()),
                                     return_when=asyncio.FIRST_EXCEPTION)
        for task in done:
            task.result()
        print(json.dumps({"orders": self.orders, "statuses": self.statuses}), flush=True)


async def main():
    await Load(json.loads(sys.argv[1])).run()


if __name__ == "__main__":
    try:
        asyncio.run(main())
    except (KeyboardInterrupt, BrokenPipeError):
        sys.exit(1)
