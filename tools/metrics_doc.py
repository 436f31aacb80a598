#!/usr/bin/env python3
"""The families of docs/metrics.md are those of src/watch/metrics.def and of src/budget/counters.def.

    tools/metrics_doc.py [--write]

--write writes the tables of the page anew, between its marks.
"""
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs/metrics.md"
MARKS = ("<!-- families: tools/metrics_doc.py --write -->", "<!-- end of families -->")
STRING = r'"((?:[^"\\]|\\.)*)"'
ENDINGS = {"COUNTER": "_total", "INFO": "_info"}


def declared():
    """[(name of its samples, type, labels, help)], in the order of the declarations."""
    text = (ROOT / "src/watch/metrics.def").read_text(encoding="utf-8")
    found = []
    for match in re.finditer(rf"^METRIC\((\w+), (\w+), {STRING}, {STRING}, {STRING}, {STRING}\)$", text, re.M):
        _, kind, name, _, labels, words = match.groups()
        found.append((name + ENDINGS.get(kind, ""), kind.lower(), labels, words))
    if len(found) != text.count("\nMETRIC("):
        sys.exit("weir: src/watch/metrics.def: a line is no METRIC(id, TYPE, \"name\", \"unit\", \"labels\", \"help\")")
    return found


def plain_counters():
    """The counters of the region that have families of their own, as src/watch/metrics_counters.c names them."""
    source = ROOT / "src/watch/metrics_counters.c"
    if not source.exists():
        return []
    labelled = set(re.findall(r"\{ COUNTER_(\w+),", source.read_text(encoding="utf-8")))
    text = (ROOT / "src/budget/counters.def").read_text(encoding="utf-8")
    return [(f"weir_{name}_total", "counter", "", f"Of all programs of the region: {words}.")
            for name, words in re.findall(rf"^COUNTER\((\w+), {STRING}\)$", text, re.M) if name not in labelled]


def rows():
    lines = ["| series | type | labels | what it is |", "| --- | --- | --- | --- |"]
    for name, kind, labels, words in declared() + plain_counters():
        shown = " ".join(f"`{label}`" for label in labels.split(",") if label)
        lines.append(f"| `{name}` | {kind} | {shown} | {words} |")
    return "\n".join(lines)


def main():
    text = PAGE.read_text(encoding="utf-8")
    before, found, rest = text.partition(MARKS[0])
    _, end, after = rest.partition(MARKS[1])
    if not found or not end:
        sys.exit(f"weir: docs/metrics.md: its marks are missing: {MARKS[0]} and {MARKS[1]}")
    wanted = f"{before}{MARKS[0]}\n\n{rows()}\n\n{MARKS[1]}{after}"
    if "--write" in sys.argv:
        PAGE.write_text(wanted, encoding="utf-8")
    elif text != wanted:
        sys.exit("weir: docs/metrics.md is not what src/watch/metrics.def and src/budget/counters.def say; "
                 "tools/metrics_doc.py --write mends it")
    names = [name for name, *_ in declared() + plain_counters()]
    if len(names) != len(set(names)):
        sys.exit("weir: src/watch/metrics.def: a family is named as a counter of src/budget/counters.def is")
    return 0


if __name__ == "__main__":
    sys.exit(main())
