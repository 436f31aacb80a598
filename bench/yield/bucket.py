"""The token bucket that weir replaced, as it was: it knows its own process, no windows, and no
class of request. 1200 tokens a minute flow in, 50 are held at most; who finds too few waits for
them, in line. -1003 and -1015 are tried again after 1, 2, 4, 8 and 16 seconds."""
import asyncio
import time

RETRIES = 5


class TokenBucket:
    def __init__(self, per_minute, burst, minute_s):
        """minute_s: how long a minute lasts in this run."""
        self.rate = per_minute / minute_s
        self.burst = self.tokens = float(burst)
        self.at = time.monotonic()
        self.line = asyncio.Lock()

    def _fill(self):
        now = time.monotonic()
        self.tokens = min(self.burst, self.tokens + (now - self.at) * self.rate)
        self.at = now

    async def acquire(self, weight):
        async with self.line:
            self._fill()
            while self.tokens < min(weight, self.burst):
                await asyncio.sleep((min(weight, self.burst) - self.tokens) / self.rate)
                self._fill()
            self.tokens -= weight
