#!/usr/bin/python3
"""What being admitted costs on a host of weir's, from Python through libweir: a place in the host's region,
taken and settled, while a gateway there holds a claim.

    claim.py REGION N WINDOW_MS      prints JSON: how many a second, and what one takes
"""
import ctypes
import json
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "yield"))
import library  # noqa: E402
from weir import _native  # noqa: E402


def main():
    region, n, window_ms = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    limiter = library.Library(region)
    request = limiter.request("GET", "/api/v3/ping", "", None, "market")
    reply = _native.Reply(200, b"{}", 2, None, 0)
    ticket, admitted, spent, tries = _native.Ticket(), 0, 0.0, 3
    # Early in windows, where there is something left; whoever finds nothing has asked for it.
    while admitted < n:
        time.sleep((window_ms - _native.now_ms(limiter.limiter, library.GROUP_API) % window_ms) / 1000 + 0.2)
        began, before = time.perf_counter(), admitted
        while admitted < n and library.reserve(limiter.limiter, request, library.NO_DEADLINE, ticket) == library.GO:
            library.settle(limiter.limiter, request, ticket, ctypes.byref(reply), None)
            admitted += 1
        if admitted == n:
            spent += time.perf_counter() - began
        elif admitted == before and tries > 0:
            tries -= 1
        elif admitted == before:
            sys.exit("weir: bench/hosts: the region has nothing left for the library")
        else:
            library.refund(limiter.limiter, ticket)
            spent += time.perf_counter() - began
    print(json.dumps({"admitted_per_s": admitted / spent, "asks_us": 1e6 * spent / admitted}))


if __name__ == "__main__":
    main()
