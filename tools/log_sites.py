#!/usr/bin/env python3
"""Every log_event() of the sources: its fields are pairs that are well-formed, and nothing in them is as a client sent it.

A format is key=value, separated by single spaces; a value is bare, or in double quotes. Only conversions that
base/log_fields.c takes stand in it. `log_sites.py --list` prints level, event and keys of each.
"""
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
STRING = r'"(?:[^"\\]|\\.)*"'
CONVERSION = r"%(?:\d+)?(?:\.(?:\*|\d+))?(?:hh|h|ll|l|z)?[diuxscf]|%%"
KEY = r"[a-z][a-z0-9_]{0,30}"
BARE = rf'(?:{CONVERSION}|[^\s"%])+'
QUOTED = rf'"(?:{CONVERSION}|[^"%\n])*"'
PAIR = rf"({KEY})=({QUOTED}|{BARE})"


def arguments(text, start):
    """The arguments of the call whose parenthesis opens at @start, at commas of the outermost level."""
    depth, found, begin, i = 0, [], start + 1, start
    while True:
        if text[i] == '"':
            i = re.compile(STRING).match(text, i).end()
            continue
        depth += (text[i] in "([{") - (text[i] in ")]}")
        if depth == 0 or (depth == 1 and text[i] == ","):
            found.append(text[begin:i].strip())
            begin = i + 1
        if depth == 0:
            return found
        i += 1


def words(text):
    """The strings of an argument, adjacent ones as one."""
    return "".join(part[1:-1] for part in re.findall(STRING, text)).replace('\\"', '"')


def sites():
    """[(place, level, events, format, arguments)]; an event that is chosen while running has several names, or none here."""
    for path in sorted((ROOT / "src").rglob("*.c")):
        if path.name.startswith("test_") or path.parent.name == "base":
            continue
        text = path.read_text(encoding="utf-8")
        for call in re.finditer(r"\blog_event\(", text):
            level, event, form, *values = arguments(text, call.end() - 1)
            place = f"{path.relative_to(ROOT)}:{text.count(chr(10), 0, call.start()) + 1}"
            yield place, level, [e[1:-1] for e in re.findall(STRING, event)], form, values


def keys_of(form):
    """The keys of a format; None when it is not well-formed."""
    if not re.fullmatch(STRING + rf"(?:\s*{STRING})*", form):
        return None
    form = words(form)
    if not re.fullmatch(rf"{PAIR}(?: {PAIR})*", form):
        return None
    keys = [match.group(1) for match in re.finditer(rf"(?:^| ){PAIR}(?= |$)", form)]
    return keys if len(set(keys)) == len(keys) else None


def sentences():
    """Where a running gateway writes to stderr past the log: then a line is not in the form that was asked for."""
    for room in ("gateway", "watch", "history", "stats", "look"):
        for path in sorted((ROOT / "src" / room).glob("*.c")):
            text = path.read_text(encoding="utf-8")
            for call in re.finditer(r"\bf(?:printf|puts|putc|write)\([^;]*\bstderr\b|\bperror\(", text):
                yield f"{path.relative_to(ROOT)}:{text.count(chr(10), 0, call.start()) + 1}"


def main():
    n, wrong = 0, 0
    for place in sentences():
        print(f"weir: {place}: it writes to stderr itself; use log_say() or log_event()", file=sys.stderr)
        wrong += 1
    for place, level, events, form, values in sites():
        keys = keys_of(form)
        n += 1
        if not re.fullmatch(r"LOG_(ERROR|WARN|INFO|DEBUG)", level):
            print(f"weir: {place}: the level is no LOG_ERROR, LOG_WARN, LOG_INFO or LOG_DEBUG", file=sys.stderr)
            wrong += 1
        # A key or a signature may stand anywhere in these: what may be shown of them is in gateway/shown.h.
        if any(re.search(r"\bhead->|\bhttp_(?:field_value|exchange_body|exchange_head)\(|\bquery\b", v) for v in values):
            print(f"weir: {place}: what a client sent is logged as it is; see gateway/shown.h", file=sys.stderr)
            wrong += 1
        if keys is None or {"ts", "level", "event", "logger"} & set(keys):
            print(f"weir: {place}: the fields are not key=value, one space between them, each key once: {form}",
                  file=sys.stderr)
            wrong += 1
        elif sys.argv[1:] == ["--list"]:
            print(level.removeprefix("LOG_").lower(), "|".join(events) or "?", *keys)
    if n < 50:
        print(f"weir: only {n} places that log were found", file=sys.stderr)
        return 1
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
