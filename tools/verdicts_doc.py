#!/usr/bin/env python3
"""Checks the table of verdicts in README.md against the gateway's sources.

    tools/verdicts_doc.py

What weir itself answers is written in src/gateway/refuse.c and answer.c, as struct answer with a
status, a code and a verdict, or with a verdict set later. Each word must stand in the table, with its
status where it is written in one place; a word in the table that no source knows is a mistake too.
"""
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def read(path):
    return (ROOT / path).read_text(encoding="utf-8")


def verdicts_of_sources():
    """Verdict to the set of its statuses; empty where the source computes them."""
    found = {}
    source = read("src/gateway/refuse.c") + read("src/gateway/answer.c")
    for status, word in re.findall(r'\(struct answer\)\s*\{\s*(\d+),\s*[\w.]+,\s*"(\w+)"', source):
        found.setdefault(word, set()).add(status)
    for value in re.findall(r"\.verdict = ([^;}]*?)[,;]\n", source):
        for word in re.findall(r'"(\w+)"', value):
            found.setdefault(word, set())
        if "gate_kind_name" in value:
            names = re.search(r"names\[GATE_KINDS\] = \{([^}]*)\}", read("src/core/gate.c")).group(1)
            for word in re.findall(r'"(\w+)"', names):
                found.setdefault(word, set())
    return found


def verdicts_of_readme():
    """Verdict to the set of statuses in its row."""
    found = {}
    for first, words in re.findall(r"^\| (\d{3} -\d[^|]*) \| ((?:`\w+`(?:, )?)+) \|", read("README.md"), re.M):
        for word in re.findall(r"`(\w+)`", words):
            found.setdefault(word, set()).update(re.findall(r"\b(\d{3}) -\d", first))
    return found


def main():
    sources, readme = verdicts_of_sources(), verdicts_of_readme()
    mistakes = [f"README.md: the verdict {word} is missing" for word in sorted(sources.keys() - readme.keys())]
    mistakes += [f"README.md: no answer of weir has the verdict {word}"
                 for word in sorted(readme.keys() - sources.keys())]
    mistakes += [f"README.md: {word} has the status {', '.join(sorted(sources[word] - readme[word]))}"
                 for word in sorted(sources.keys() & readme.keys()) if sources[word] - readme[word]]
    if len(sources) < 15:
        mistakes.append("src/gateway/refuse.c: too few verdicts found; has their form changed?")
    for mistake in mistakes:
        print(f"weir: {mistake}", file=sys.stderr)
    return 1 if mistakes else 0


if __name__ == "__main__":
    sys.exit(main())
