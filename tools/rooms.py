#!/usr/bin/env python3
"""Checks that no room of src/ includes or links a room that tools/rooms.txt does not let it.

    tools/rooms.py [ROOT]

The same arrows are drawn in docs/architecture.md, in a fenced block that begins with "rooms:"; the
two must agree.
"""
import re
import sys
from pathlib import Path

INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]')
USES = re.compile(r'weir_room\(\s*(\w+)[^)]*?\bUSES\b([^)]*)\)', re.S)


def parse_arrows(lines):
    """Lines of "room: deps" to a dictionary; comments and empty lines do not count."""
    arrows = {}
    for line in lines:
        line = line.split("#")[0].strip()
        if line:
            room, _, uses = line.partition(":")
            arrows[room.strip()] = uses.split()
    return arrows


def check_arrows(arrows):
    """A room may use only rooms that stand above it in the list: so there is no circle."""
    known = set()
    for room, uses in arrows.items():
        for use in uses:
            if use not in known:
                yield f'tools/rooms.txt: {room} may not use {use}, which does not stand above it'
        known.add(room)


def check_include(arrows, room, name, bracket, target):
    """What is wrong with one include line of a file called name, or None."""
    if bracket == "<":
        if target.startswith("cmocka") and not name.startswith("test_"):
            return f'only test_*.c may include <{target}>'
        return None
    other, slash, _ = target.partition("/")
    if not slash:
        return f'"{target}" names no room; write "{room}/{target}"'
    if other not in arrows:
        return f'"{target}": there is no room {other}'
    if other != room and other not in arrows[room]:
        allowed = " ".join(arrows[room]) or "no other room"
        return f'"{target}": {room} may include {allowed}, not {other}'
    return None


def check_file(arrows, room, path, shown):
    text = path.read_text(encoding="utf-8", errors="replace")
    for number, line in enumerate(text.splitlines(), 1):
        match = INCLUDE.match(line)
        if match:
            wrong = check_include(arrows, room, path.name, *match.groups())
            if wrong:
                yield f'{shown}:{number}: {wrong}'


def check_links(arrows, path, shown):
    """weir_room(room ... USES ...) must name only rooms that the room may include."""
    for match in USES.finditer(path.read_text(encoding="utf-8")):
        room, uses = match.group(1), match.group(2).split()
        for use in uses:
            if use in arrows and use not in arrows.get(room, []):
                yield f'{shown}: {room} links {use}, which it may not include'


def check_sources(arrows, root):
    for folder in sorted(p for p in (root / "src").iterdir() if p.is_dir()):
        room = folder.name
        if room not in arrows:
            yield f'src/{room}: is no room; add it to tools/rooms.txt'
            continue
        for path in sorted(folder.rglob("*")):
            shown = path.relative_to(root)
            if path.suffix in (".c", ".h", ".def"):
                yield from check_file(arrows, room, path, shown)
            elif path.name == "CMakeLists.txt":
                yield from check_links(arrows, path, shown)


def find_picture(text):
    """The lines of the fenced block that begins with "rooms:", or None."""
    for block in re.findall(r'^```[^\n]*\n(.*?)^```', text, re.S | re.M):
        lines = block.splitlines()
        if lines and lines[0].strip() == "rooms:":
            return lines[1:]
    return None


def check_picture(arrows, root):
    path = root / "docs" / "architecture.md"
    if not path.exists():
        print("weir: rooms: docs/architecture.md is not there, its picture is not checked")
        return
    lines = find_picture(path.read_text(encoding="utf-8"))
    if lines is None:
        yield 'docs/architecture.md: has no fenced block that begins with "rooms:"'
        return
    drawn = parse_arrows(lines)
    for room in sorted(arrows.keys() | drawn.keys()):
        if arrows.get(room) != drawn.get(room):
            yield (f'docs/architecture.md: room {room}: the picture and tools/rooms.txt differ: '
                   f'{drawn.get(room)}, {arrows.get(room)}')


def check(root):
    arrows = parse_arrows((root / "tools" / "rooms.txt").read_text(encoding="utf-8").splitlines())
    return [*check_arrows(arrows), *check_sources(arrows, root), *check_picture(arrows, root)]


def main():
    root = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).resolve().parent.parent
    mistakes = check(root)
    for mistake in mistakes:
        print(f"weir: {mistake}", file=sys.stderr)
    return 1 if mistakes else 0


if __name__ == "__main__":
    sys.exit(main())
