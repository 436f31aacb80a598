#!/usr/bin/env python3
"""Draws docs/top.svg: weir top beside a simulated exchange with clients, a stranger and a ban.

    tools/top_picture.py [--text COLUMNS] [--rows N]    WEIR=build/weir, else that; --text prints characters
"""
import argparse
import html
import itertools
import sys
import tempfile
import threading
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests/integration"))
from support import Gateway, Sim, fetch  # noqa: E402
from test_top import Terminal  # noqa: E402

COLOURS = {"default": "#d8dee9", "green": "#6cc070", "cyan": "#5fb8c8", "magenta": "#c792ea", "blue": "#6d9bf1",
           "brown": "#e5b567", "red": "#ff6b6b", "black": "#14181f"}
WIDTH, HEIGHT = 8.4, 18


def traffic(port, stop):
    """Three programs of a desk, of which one collects history."""
    def ask(path, client, pause):
        while not stop.is_set():
            try:
                fetch(port, path, headers={"X-Weir-Client": client, "X-Weir-Max-Wait": "90000"})
            except OSError:
                pass
            stop.wait(pause)

    for path, client, pause in (("/api/v3/depth?symbol=BTCUSDT&limit=100", "quotes", 0.02),
                                ("/fapi/v1/ticker/price", "trader", 0.03),
                                ("/fapi/v1/klines?symbol=BTCUSDT&interval=1m&startTime=1&limit=1500", "history", 0.05),
                                ("/fapi/v1/klines?symbol=ETHUSDT&interval=1m&startTime=1&limit=1500", "history", 0.05),
                                ("/fapi/v1/depth?symbol=BTCUSDT&limit=1000", "history", 0.05),
                                ("/sapi/v1/system/status", "trader", 0.2)):
        threading.Thread(target=ask, args=(path, client, pause), daemon=True).start()


def style(at):
    front, back = COLOURS.get(at.fg, COLOURS["default"]), COLOURS["black"]
    return (back, front, at.bold) if at.reverse else (front, back, at.bold)


def run(text, x, y, look):
    """Characters of one style: their ground, and themselves, each in its cell whatever the font is."""
    front, back, is_bold = look
    found = ""
    if back != COLOURS["black"]:
        found += f'<rect x="{x * WIDTH:.1f}" y="{y * HEIGHT}" width="{len(text) * WIDTH:.1f}" height="{HEIGHT}" fill="{back}"/>'
    if text.strip():
        bold = ' font-weight="bold"' if is_bold else ""
        found += (f'<text x="{x * WIDTH:.1f}" y="{y * HEIGHT + 13}" textLength="{len(text) * WIDTH:.1f}" fill="{front}"{bold} '
                  f'xml:space="preserve">{html.escape(text)}</text>')
    return found


def svg(screen):
    width, height = screen.columns * WIDTH, screen.lines * HEIGHT
    runs = []
    for y in range(screen.lines):
        x = 0
        for look, cells in itertools.groupby((screen.buffer[y][i] for i in range(screen.columns)), style):
            text = "".join(cell.data for cell in cells)
            runs.append(run(text, x, y, look))
            x += len(text)
    return (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height}" font-size="14" '
            f'font-family="ui-monospace, DejaVu Sans Mono, monospace">\n'
            f'<rect width="100%" height="100%" fill="{COLOURS["black"]}"/>\n' + "\n".join(filter(None, runs)) + "\n</svg>\n")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--text", type=int)
    parser.add_argument("--rows", type=int, default=26)
    options = parser.parse_args()
    stop = threading.Event()
    with tempfile.TemporaryDirectory() as folder, Sim("--seed", "7", "--limit", "futures-weight=400/60s") as sim, \
            Gateway(sim.url, Path(folder) / "r", "--set", "history.path=off") as gateway:
        fetch(sim.port, "/api/v3/depth?symbol=BTCUSDT&limit=5000")
        traffic(gateway.port, stop)
        with Terminal("top", "--gateway", gateway.url, rows=options.rows, cols=options.text or 110) as top:
            for _ in range(100):
                top.read(0.1)
            sim.faults("GET /api/v3/depth next 1 error 418 -1003 Way too many requests; IP banned until "
                       f"{int(time.time() * 1000) + 95000}")
            for _ in range(20):
                top.read(0.1)
            if options.text:
                print("\n".join(top.lines))
            else:
                (ROOT / "docs/top.svg").write_text(svg(top.screen), encoding="utf-8")
            top.press("q")
            top.end()
        stop.set()


if __name__ == "__main__":
    main()
