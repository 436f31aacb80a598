"""What a bench shows while it runs, and how it takes its options."""
import argparse
import sys
import threading
import time


class Progress:
    """A line on a terminal, nothing elsewhere."""

    def __init__(self, total):
        self.total, self.done, self.begin = total, 0, time.monotonic()
        self.lock = threading.Lock()
        self.shown = sys.stderr.isatty()

    def step(self, name):
        with self.lock:
            self.done += 1
            if self.shown:
                seconds = time.monotonic() - self.begin
                print(f"\r\033[K{self.done} of {self.total}, {seconds:.0f} s: {name}", end="", file=sys.stderr,
                      flush=True)

    def end(self):
        if self.shown:
            print("\r\033[K", end="", file=sys.stderr, flush=True)


class Arguments(argparse.ArgumentParser):
    def error(self, message):
        sys.exit(f"weir: bench: {message}; --help lists the options")
