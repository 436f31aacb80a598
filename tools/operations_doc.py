#!/usr/bin/env python3
"""The words of docs/operations.md are the program's: what stands there as said by weir stands in its source.

Checked is what is in backquotes and begins with `weir: `, `event=`, `X-Weir-Verdict: `, or a word of the state. What is
in CAPITALS stands for anything.
"""
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs/operations.md"
STRING = r'"(?:[^"\\]|\\.)*"'
CONVERSION = r"%[-+ #0]*(?:\*|\d+)?(?:\.(?:\*|\d+))?(?:hh|h|ll|l|z|j)?[a-zA-Z]"
# Beginnings of what is said within a line: in the why of an event, in the text of an answer.
WITHIN = ("it wants", "it is a", "it is no", "it answers", "REASON before", "its user", "its memory", "user or", "the key is", "the write has",
          "no answer within", "this host has", "this host's", "no gateway with")
STATES = ("the store is", "the store grants", "serving", "draining", "handing over", "in shadow", "a plain proxy", "did not start", "everything is")


def literals():
    """Every string of the sources, adjacent ones as one; a conversion of printf is a NUL."""
    found = set()
    for path in (p for ext in ("*.c", "*.h", "*.def", "*.lua") for p in (ROOT / "src").rglob(ext)):
        if path.name.startswith("test_"):
            continue
        for run in re.finditer(rf"{STRING}(?:\s*(?:PRI\w+\s*)?{STRING})*", path.read_text(encoding="utf-8")):
            text = "".join(part[1:-1] for part in re.findall(STRING, run.group(0)))
            text = text.replace('\\"', '"').replace("\\n", "\n").replace("\\r", "")
            found.add(re.sub(CONVERSION, "\0", text).replace("%%", "%"))
    return found


def sayings(text):
    """[(words, kind)] of the page."""
    found = []
    for words in re.findall(r"`([^`\n]+)`", text):
        if words.startswith("weir: "):
            found.append((words.removeprefix("weir: "), "text"))
        elif re.fullmatch(r"event=[a-z_]+", words):
            found.append((words.removeprefix("event="), "name"))
        elif words.startswith("X-Weir-Verdict: "):
            found.append((words.removeprefix("X-Weir-Verdict: "), "name"))
        elif words.startswith((*STATES, *WITHIN)) or re.match(r"[A-Za-z ]+: .*(REASON|NAME)|GROUP ", words):
            found.append((words, "state" if words.startswith((*STATES, "GROUP ")) else "text"))
    return found


def pieces(words, kind):
    """What must be there as it is: between CAPITALS, colons, what the C library says, and where sentences are joined."""
    words = re.sub(r"\b(?:No space left on device|Permission denied|Address already in use)\b", "REASON", words)
    joints = r"\b(?!LISTEN_FDS\b|TLS\b|UTC\b)[A-Z][A-Z:_]*\b|: "
    if kind == "state":
        joints += r"|; | is | until |UTC"
    return [piece.strip() for piece in re.split(joints, words)]


def main():
    known = literals()
    everything = "\1".join(known)
    said = sayings(PAGE.read_text(encoding="utf-8"))
    wrong = [words for words, kind in said if kind == "name" and words not in known]
    for words, kind in said:
        if kind != "name":
            wrong += [f"{piece}   (of: {words})" for piece in pieces(words, kind)
                      if len(piece) > 1 and piece not in everything]
    for words in wrong:
        print(f"weir: docs/operations.md: the program does not say: {words}", file=sys.stderr)
    if len(said) < 60:
        print(f"weir: docs/operations.md: only {len(said)} sayings were found", file=sys.stderr)
        return 1
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
