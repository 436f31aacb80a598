#!/usr/bin/env python3
"""Checks docs/settings.md, docs/weir.1 and contrib/weir.example.yaml against the settings of the program.

    tools/settings_doc.py WEIR [--print]

Each setting has a heading "### `key`" in docs/settings.md, and below it, as a line of its own
between backquotes, what `weir check --help` says of its kind, range, default and environment
variable. The example holds every setting at its default; docs/weir.1 names every variable. --print
writes the headings and lines as the document should have them.
"""
import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
# A clean environment: the settings' own variables must not change what is compared.
CLEAN = {"PATH": os.environ.get("PATH", "")}


def run(*command):
    result = subprocess.run(command, capture_output=True, text=True, check=False, env=CLEAN)
    if result.returncode != 0:
        sys.exit(f"weir: {' '.join(command)} failed:\n{result.stderr}")
    return result.stdout


def settings_of(weir):
    """Key to the line that says kind, range and default, in the program's order."""
    found = {}
    key = None
    for line in run(weir, "check", "--help").splitlines():
        match = re.match(r"  ([a-z_]+(?:\.[a-z_]+)?) {2,}\S", line)
        if match:
            key = match.group(1)
        elif key and line.startswith("     "):
            found[key] = line.strip()
            key = None
    return found


def check_document(settings, text):
    sections = dict(re.findall(r"^### `([^`]+)`\n(.*?)(?=^##|\Z)", text, re.S | re.M))
    for key, facts in settings.items():
        if key not in sections:
            yield f"docs/settings.md: there is no heading ### `{key}`"
        elif f"\n`{facts}`\n" not in sections[key]:
            yield f"docs/settings.md: {key}: this line is missing: `{facts}`"
        elif len(sections[key].replace(f"`{facts}`", "").split()) < 5:
            yield f"docs/settings.md: {key}: says nothing beyond its kind"
    for key in sections:
        if key not in settings:
            yield f"docs/settings.md: there is no setting {key}"


def check_example(weir, example):
    with tempfile.NamedTemporaryFile(suffix=".yaml") as empty:
        defaults = json.loads(run(weir, "check", "--json", empty.name))
    for key, setting in json.loads(run(weir, "check", "--json", str(example))).items():
        if setting["source"] != "file":
            yield f"{example.name}: {key} is missing"
        elif setting["value"] != defaults[key]["value"]:
            yield f"{example.name}: {key} is {setting['value']}, the default {defaults[key]['value']}"


def check_manual(settings, text):
    """weir(1) names the variables of the settings, all of them; of others only what a command reads or sets."""
    read = {name for facts in settings.values() for name in re.findall(r"environment ([A-Z_]+)", facts)}
    named = set(re.findall(r"\b(?:WEIR|BINANCE)_[A-Z_]+", text))
    for name in sorted(read - named):
        yield f"docs/weir.1: the variable {name} is missing"
    commands = "".join(path.read_text(encoding="utf-8") for path in sorted((ROOT / "src" / "cli").glob("*.c")))
    for name in sorted(named - read):
        if not re.search(rf'(?:getenv\("{name}"|"{name}=")', commands):
            yield f"docs/weir.1: no setting is read from {name}, and no command uses it"


def main():
    weir = sys.argv[1]
    settings = settings_of(weir)
    if "--print" in sys.argv:
        for key, facts in settings.items():
            print(f"### `{key}`\n\n`{facts}`\n")
        return 0
    mistakes = [
        *check_document(settings, (ROOT / "docs" / "settings.md").read_text(encoding="utf-8")),
        *check_manual(settings, (ROOT / "docs" / "weir.1").read_text(encoding="utf-8")),
        *check_example(weir, ROOT / "contrib" / "weir.example.yaml"),
    ]
    if len(settings) < 20:
        mistakes.append("weir check --help lists too few settings; has its form changed?")
    for mistake in mistakes:
        print(f"weir: {mistake}", file=sys.stderr)
    return 1 if mistakes else 0


if __name__ == "__main__":
    sys.exit(main())
