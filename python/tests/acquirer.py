"""What acquirer.c does, through the package."""
import asyncio
import sys
import time

import conftest  # noqa: F401 - where the package is

from weir import GlobalRateLimiter, _native


def now_us():
    return time.time_ns() // 1000


class Acquirer:
    """Notes when each place was due, as libweir said it to the limiter, and changes nothing."""

    def __init__(self, region):
        self.limiter = GlobalRateLimiter(1200, 50, region=region)
        self.begin, self.poll = self.limiter._begin, _native.acquire_poll
        self.limiter._begin = self.watched(self.begin, is_poll=False)
        _native.acquire_poll = self.watched(self.poll, is_poll=True)
        self.due = None

    def watched(self, function, is_poll):
        def call(*args):
            before = now_us()
            wait_us = function(*args)
            after = now_us()
            if wait_us > 0:
                self.due = (before + wait_us, after + wait_us)
            elif not is_poll:
                self.due = (before, after)
            return wait_us
        return call

    async def run(self, begin_us, seconds):
        await asyncio.sleep(max(0, begin_us - now_us()) / 1e6)
        used = 0
        while used < begin_us + seconds * 1e6:
            await self.limiter.acquire()
            used = now_us()
            print(*self.due, used, flush=True)


if __name__ == "__main__":
    acquirer = Acquirer(sys.argv[1])
    print("ready", flush=True)
    asyncio.run(acquirer.run(int(sys.stdin.readline()), float(sys.argv[2])))
