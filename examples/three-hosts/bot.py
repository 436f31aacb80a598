#!/usr/bin/env python3
"""A greedy bot: asks for market data as fast as it is answered, and trades beside it.

    bot.py URL COUNTS WANTS

WANTS is a file with how many connections it wants to ask with, read anew all the time; into COUNTS goes what came of it.
"""
import http.client
import json
import os
import sys
import threading
import time
from urllib.parse import urlsplit

PLACE = urlsplit(sys.argv[1])
COUNTS, WANTS = sys.argv[2:4]
CONNECTIONS = 16
counts = {"answered": 0, "refused": 0, "later": 0, "broken": 0, "orders": 0}
lock = threading.Lock()


def count(what, n=1):
    with lock:
        counts[what] += n


def wanted():
    try:
        with open(WANTS, encoding="ascii") as f:
            return int(f.read())
    except (OSError, ValueError):
        return 0


def ask(connection, method, path):
    """Returns the answer's status."""
    connection.request(method, path)
    response = connection.getresponse()
    text = response.read()
    if response.status == 200:
        count("answered")
    elif b"weir:" in text:
        count("later")  # weir's word, nothing was sent
    elif response.status in (418, 429):
        count("refused")  # the exchange's: what must never be
    return response.status


def repeat(i, pause, method, path):
    connection = None
    while True:
        if i >= wanted():
            time.sleep(0.1)
            continue
        try:
            connection = connection or http.client.HTTPConnection(PLACE.hostname, PLACE.port, timeout=70)
            status = ask(connection, method, path)
            if method == "POST":
                count("orders")
            if status != 200:
                time.sleep(0.05)
        except OSError:
            count("broken")
            connection = None
            time.sleep(0.2)
        time.sleep(pause)


def say_hello():
    """A first request: with it the gateway asks what the exchange's limits are."""
    while True:
        try:
            ask(http.client.HTTPConnection(PLACE.hostname, PLACE.port, timeout=70), "GET", "/api/v3/ping")
            return
        except OSError:
            time.sleep(0.1)


def main():
    say_hello()
    for i in range(CONNECTIONS):
        threading.Thread(target=repeat, args=(i, 0, "GET", "/api/v3/depth?symbol=BTCUSDT&limit=100"),
                         daemon=True).start()
    threading.Thread(target=repeat, args=(0, 0.2, "POST", "/api/v3/order/test?symbol=BTCUSDT"), daemon=True).start()
    while True:
        time.sleep(0.2)
        with lock:
            text = json.dumps(counts)
        with open(f"{COUNTS}.new", "w", encoding="ascii") as f:
            f.write(text)
        os.replace(f"{COUNTS}.new", COUNTS)


if __name__ == "__main__":
    main()
