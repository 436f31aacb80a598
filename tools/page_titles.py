#!/usr/bin/env python3
"""page/titles.js has a title for each event that the sources log, and for no other: else an operator reads the name of a
symbol instead of what happened."""
import re
import sys

import log_sites
import logs_doc

PLACE = log_sites.ROOT / "page/titles.js"


def main():
    pairs = re.findall(r'^\s*(\w+): "|, (\w+): "', PLACE.read_text(encoding="utf-8"), re.M)
    titles = [first or second for first, second in pairs]
    events, wrong = set(logs_doc.events()), []
    wrong += [f"the event {name} has no title" for name in sorted(events - set(titles))]
    wrong += [f"no event {name} is logged" for name in sorted(set(titles) - events)]
    if titles != sorted(set(titles)):
        wrong.append("the events are not in order, or one is there twice")
    for sentence in wrong:
        print(f"weir: page/titles.js: {sentence}", file=sys.stderr)
    return 1 if wrong or len(events) < 60 else 0


if __name__ == "__main__":
    sys.exit(main())
