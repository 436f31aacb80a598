#!/usr/bin/env python3
"""Exact decimals of trade/amount.c against Python's decimal, on thousands of seeded cases."""
import os
import random
import subprocess
import sys
from decimal import (MAX_EMAX, MIN_EMIN, ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_UP, Context, Decimal,
                     setcontext)

SEED = int(os.environ.get("WEIR_SEED", "20261126"))
CASES = int(os.environ.get("WEIR_CASES", "40000"))
LIMIT = Decimal(10) ** 20
setcontext(Context(prec=200, Emax=MAX_EMAX, Emin=MIN_EMIN))


def amount(rng):
    """Mostly what exchanges use, now and then the edges of what is possible."""
    kind = rng.random()
    digits = rng.choice([1, 3, 6, 8]) if kind < 0.8 else rng.randint(1, 21)
    places = rng.choice([0, 1, 2, 3, 5, 8]) if kind < 0.8 else rng.randint(0, 20)
    whole = str(rng.randrange(10 ** digits)).zfill(rng.randint(1, digits))
    part = str(rng.randrange(10 ** places)).zfill(places) if places else ""
    if rng.random() < 0.2:
        part = part[:rng.randint(0, len(part))].ljust(len(part), "0")
    return rng.choice(["", "", "", "-"]) + whole + ("." + part if part else "")


def step(rng):
    if rng.random() < 0.7:
        return rng.choice(["0.1", "0.10", "0.01", "0.001", "1", "10", "0.5", "0.25", "0.00001", "0.000000000000000001",
                           "0.00000100", "5", "0.05", "3"])
    return amount(rng).lstrip("-")


def is_ours(value):
    return abs(value) <= LIMIT and value == value.quantize(Decimal(1).scaleb(-18))


def text(value):
    shown = format(value.normalize() if value else Decimal(0), "f")
    return "0" if shown == "-0" else shown


def rounded(a, b, how):
    quotient = a / b
    # a / b need not be finite: settle it by whole multiples.
    below = (a // b) * b
    if below > a:
        below -= b
    above = below if below == a else below + b
    if how == ROUND_FLOOR:
        return below
    if how == ROUND_CEILING:
        return above
    assert quotient is not None
    return above if above - a <= a - below else below


def expected(operation, first, second):
    a, b = Decimal(first), Decimal(second)
    if not is_ours(a) or not is_ours(b):
        return "range"
    if operation == "times":
        result = a * b
    elif operation == "order":
        result = Decimal(int(a > b) - int(a < b))
    elif b <= 0:
        return "invalid"
    else:
        result = rounded(a, b, {"down": ROUND_FLOOR, "up": ROUND_CEILING, "nearest": ROUND_HALF_UP}[operation])
    return text(result) if is_ours(result) else "range"


def main():
    rng = random.Random(SEED)
    cases = []
    for _ in range(CASES):
        operation = rng.choice(["down", "up", "nearest", "times", "order"])
        first = amount(rng)
        second = step(rng) if operation in ("down", "up", "nearest") else amount(rng)
        if operation == "order" and rng.random() < 0.3:
            second = first + ("0" if "." in first else ".0")
        cases.append((operation, first, second))
    output = subprocess.run([sys.argv[1]], input="".join(" ".join(c) + "\n" for c in cases), text=True,
                            capture_output=True, check=True).stdout.split("\n")
    wrong = [(c, got, expected(*c)) for c, got in zip(cases, output) if got != expected(*c)]
    kinds = {kind: sum(1 for o in output if o == kind) for kind in ("range", "invalid")}
    print(f"{len(cases)} cases, seed {SEED}: {len(wrong)} wrong; refused {kinds}")
    for line in wrong[:10]:
        print("  %s: got %s, want %s" % line)
    # A run that refuses all, or nothing, has proved little.
    return 1 if wrong or not 0 < kinds["range"] < len(cases) / 2 else 0


sys.exit(main())
