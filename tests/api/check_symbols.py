#!/usr/bin/env python3
"""What the header declares, what libweir.sym lists, what leaves both libraries: one and the same.

    check_symbols.py SHARED STATIC EVERY_SYMBOL NM
"""
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def declared():
    text = re.sub(r"/\*.*?\*/", "", (ROOT / "include" / "weir.h").read_text(encoding="utf-8"), flags=re.S)
    return set(re.findall(r"\bWEIR_PUBLIC\b[^;{]*?\b(weir_\w+)\s*\(", text))


def listed():
    text = re.sub(r"/\*.*?\*/", "", (ROOT / "src" / "libweir.sym").read_text(encoding="utf-8"), flags=re.S)
    return set(re.findall(r"^\s+(\w+);", text, re.M))


def defined(nm, path, *options):
    lines = subprocess.run([nm, "--defined-only", *options, path], capture_output=True, text=True,
                           check=True).stdout.splitlines()
    names = {line.split()[2].split("@")[0] for line in lines if len(line.split()) == 3}
    return {name for name in names if not name.startswith("WEIR_")}


def main():
    shared, static, every_symbol, nm = sys.argv[1:]
    sets = {
        "include/weir.h declares": declared(),
        "src/libweir.sym lists": listed(),
        "libweir.so exports": defined(nm, shared, "-D"),
        "libweir.a shows": defined(nm, static, "-g"),
        "tests/api/every_symbol.c touches":
            set(subprocess.run([every_symbol], capture_output=True, text=True, check=True).stdout.split()),
    }
    everything = set().union(*sets.values())
    wrong = 0
    for what, names in sets.items():
        for name in sorted(everything - names):
            print(f"weir: {name}: is none that {what}; add it there or take it away elsewhere")
            wrong += 1
    return 1 if wrong or not everything else 0


if __name__ == "__main__":
    sys.exit(main())
