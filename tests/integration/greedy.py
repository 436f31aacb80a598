"""A program as desks have them: as fast as it can, several connections, a short nap after a refusal.

    greedy.py URL SECONDS SEED [THREADS]

Prints the number of replies by status, and the slowest order, as JSON.
"""
import collections
import http.client
import json
import random
import sys
import threading
import time
from urllib.parse import urlsplit

from support import ALICE, BOB, signed

READS = ["/api/v3/depth?symbol=BTCUSDT&limit=5", "/api/v3/depth?symbol=ETHUSDT&limit=500",
         "/api/v3/klines?symbol=BTCUSDT&interval=1m", "/api/v3/ticker/price?symbol=BTCUSDT",
         "/api/v3/trades?symbol=BTCUSDT&limit=5", "/api/v3/ticker/24hr?symbol=BTCUSDT"]


def ask(connection, rng, account):
    """One request. Returns method, status, seconds."""
    key, secret = account
    started = time.monotonic()
    if rng.random() < 0.05:
        method = "POST"
        path = "/api/v3/order?" + signed({"symbol": "BTCUSDT", "side": "BUY", "type": "LIMIT",
                                          "timeInForce": "GTC", "quantity": "0.001",
                                          "price": "1000.00"}, secret, 60000)
    else:
        method, path = "GET", rng.choice(READS)
    connection.request(method, path, headers={"X-MBX-APIKEY": key})
    reply = connection.getresponse()
    reply.read()
    return method, reply.status, time.monotonic() - started


def work(url, until, seed, counts, slowest):
    rng = random.Random(seed)
    account = rng.choice([ALICE, BOB])
    connection = http.client.HTTPConnection(url.hostname, url.port, timeout=90)
    while time.monotonic() < until:
        try:
            method, status, seconds = ask(connection, rng, account)
        except (OSError, http.client.HTTPException):
            connection.close()
            method, status, seconds = "GET", 0, 0
        counts[status] += 1
        if method == "POST" and status == 200:
            slowest[0] = max(slowest[0], seconds)
        if status in (0, 403, 418, 429):
            time.sleep(0.02)


def main():
    url, seconds, seed = urlsplit(sys.argv[1]), float(sys.argv[2]), int(sys.argv[3])
    threads = int(sys.argv[4]) if len(sys.argv) > 4 else 4
    counts, slowest = collections.Counter(), [0.0]
    until = time.monotonic() + seconds
    workers = [threading.Thread(target=work, args=(url, until, seed * 100 + i, counts, slowest))
               for i in range(threads)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    print(json.dumps({"statuses": counts, "slowest_order": slowest[0]}))


if __name__ == "__main__":
    main()
