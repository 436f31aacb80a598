#!/usr/bin/env python3
"""docs/logs.md has each event of the sources with its level and fields, and each field; and no other."""
import re
import sys

import log_sites

PAGE = log_sites.ROOT / "docs/logs.md"


def stops():
    """The names that budget/stops.c gives to what the exchange stopped."""
    text = (log_sites.ROOT / "src/budget/stops.c").read_text(encoding="utf-8")
    return [name for event in re.findall(r"\(struct stop\)\{([^,]*),", text) for name in re.findall(r'"(\w+)"', event)]


def access_keys():
    """The pieces of a line of the access log."""
    text = (log_sites.ROOT / "src/gateway/access_log.c").read_text(encoding="utf-8")
    keys = []
    for call in re.finditer(r"\blog_fields_add\(", text):
        keys += log_sites.keys_of(log_sites.arguments(text, call.end() - 1)[1])
    return set(keys)


def events():
    """{event: (levels, keys)} of the sources."""
    found = {"said": ({"error", "info"}, {"text"}), "access": ({"info"}, access_keys())}
    for _, level, names, form, _ in log_sites.sites():
        for name in names or stops():
            levels, keys = found.setdefault(name, (set(), set()))
            levels.add(level.removeprefix("LOG_").lower())
            keys.update(log_sites.keys_of(form))
    return found


def rows(text, heading):
    section = re.search(rf"^## {heading}\n(.*?)(?=^## |\Z)", text, re.S | re.M).group(1)
    table = [line.strip("|").split(" | ") for line in section.splitlines() if line.startswith("| `")]
    return [[cell.strip() for cell in row] for row in table]


def main():
    text = PAGE.read_text(encoding="utf-8")
    known, wrong = events(), []
    said = {}
    for name, level, fields, what in rows(text, "Events"):
        said[name.strip("`")] = (set(level.split(", ")), set(re.findall(r"`(\w+)`", fields)))
        if len(what.split()) < 3:
            wrong.append(f"{name} says too little")
    for name in sorted(set(known) | set(said)):
        if name not in said:
            wrong.append(f"the event {name} is missing")
        elif name not in known:
            wrong.append(f"no event {name} is logged")
        elif said[name] != known[name]:
            wrong.append(f"{name} has {sorted(known[name][0])} {sorted(known[name][1])}, "
                         f"and not {sorted(said[name][0])} {sorted(said[name][1])}")
    if list(said) != sorted(said):
        wrong.append("the events are not in order")
    fields = {key for row in rows(text, "Fields") for key in re.findall(r"`(\w+)`", row[0])}
    used = set().union(*(keys for _, keys in known.values()))
    wrong += [f"the field {key} is missing" for key in sorted(used - fields)]
    wrong += [f"no event has the field {key}" for key in sorted(fields - used)]
    for sentence in wrong:
        print(f"weir: docs/logs.md: {sentence}", file=sys.stderr)
    if len(known) < 60:
        print(f"weir: docs/logs.md: only {len(known)} events were found in the sources", file=sys.stderr)
    return 1 if wrong or len(known) < 60 else 0


if __name__ == "__main__":
    sys.exit(main())
