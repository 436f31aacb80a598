#!/usr/bin/env python3
"""What an uncontended `await acquire()` costs beside a call of an empty coroutine, in nanoseconds.

    bench/python_acquire.py [CALLS]        the library is $WEIR_LIBRARY, else build/libweir.so.0.1

Each figure is the best of several rounds: what disturbs a round makes it slower, never quicker.
"""
import asyncio
import os
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
os.environ.setdefault("WEIR_LIBRARY", str(ROOT / "build" / "libweir.so.0.1"))
sys.path.insert(0, str(ROOT / "python"))

from weir import BinanceClientWrapper, GlobalRateLimiter  # noqa: E402

ROUNDS = 9
AIM_NS = 3000


async def empty(weight=1):
    pass


async def time_of(calls, function, *args):
    best = float("inf")
    for _ in range(ROUNDS):
        start = time.perf_counter_ns()
        for _ in range(calls):
            await function(*args)
        best = min(best, (time.perf_counter_ns() - start) / calls)
    return best


async def main(calls):
    floor = await time_of(calls, empty)
    print(f"Python {sys.version.split()[0]}, {calls} calls, best of {ROUNDS} rounds")
    print(f"{'await empty()':44} {floor:7.0f} ns")
    is_reached = True
    with tempfile.TemporaryDirectory() as folder:
        # The largest bucket that there is, so that nobody waits for it.
        private = GlobalRateLimiter(1000000, 1000000)
        shared = GlobalRateLimiter(1000000, 1000000, region=os.path.join(folder, "region"))
        # On a region the window's weight is spent as well, and there are 2400 of it.
        for name, function, n in (("await acquire(), private", private.acquire, calls),
                                  ("await acquire(), region and its window", shared.acquire, 200)):
            cost = await time_of(n, function)
            is_reached &= cost - floor <= AIM_NS
            print(f"{name:44} {cost:7.0f} ns   +{cost - floor:.0f}")
        wrapper = BinanceClientWrapper(private)
        cost = await time_of(calls // 10, wrapper.call_async, empty)
        print(f"{'await call_async(empty), private':44} {cost:7.0f} ns   +{cost - floor:.0f}")
    print(f"acquire(): at most +{AIM_NS} ns: {'reached' if is_reached else 'missed'}")
    return 0 if is_reached else 1


if __name__ == "__main__":
    sys.exit(asyncio.run(main(int(sys.argv[1]) if len(sys.argv) > 1 else 50000)))
