#!/usr/bin/env python3
"""docs/dependencies.md names what tools/packages.txt and the package.json of tests and bench do, and the build asks for
nothing else."""
import json
import re
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
DOC = (ROOT / "docs/dependencies.md").read_text(encoding="utf-8")


def packages():
    """{purpose: {package, ...}}"""
    found = {}
    for line in (ROOT / "tools/packages.txt").read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#"):
            purpose, words = line.split(":", 1)
            found.setdefault(purpose, set()).update(words.split())
    for place in ("tests/integration", "tests/page", "bench"):
        npm = json.loads((ROOT / place / "package.json").read_text(encoding="utf-8"))
        found[f"npm for {place}"] = set(npm["dependencies"])
    return found


def documented():
    """Every name in backquotes in the first column of a table."""
    return set(re.findall(r"`([@a-z0-9][a-z0-9/.+-]+)`", "\n".join(
        line.split("|")[1] for line in DOC.splitlines() if line.startswith("|"))))


class Dependencies(unittest.TestCase):
    def test_every_package_is_documented(self):
        wanted = set().union(*packages().values())
        self.assertEqual(wanted - documented(), set(), "installed, not in docs/dependencies.md")

    def test_every_documented_package_is_installed(self):
        wanted = set().union(*packages().values())
        self.assertEqual(documented() - wanted, set(), "in docs/dependencies.md, not installed")

    def test_a_library_of_the_build_is_a_package(self):
        text = (ROOT / "CMakeLists.txt").read_text(encoding="utf-8")
        modules = re.findall(r"pkg_check_modules\(\w+ REQUIRED IMPORTED_TARGET (\S+)\)", text)
        self.assertGreater(len(modules), 5)
        wanted = set().union(*packages().values())
        other = {"libevent_core": "libevent-dev", "openssl": "libssl-dev", "yaml-0.1": "libyaml-dev",
                 "zlib": "zlib1g-dev", "ncursesw": "libncurses-dev"}
        for module in modules:
            name = other.get(module, f"lib{module.removeprefix('lib')}-dev")
            with self.subTest(module):
                self.assertIn(name, wanted)

    def test_each_row_says_why(self):
        rows = [line.split("|") for line in DOC.splitlines() if line.startswith("| `")]
        self.assertGreater(len(rows), 15)
        for row in rows:
            with self.subTest(row[1]):
                self.assertTrue(row[2].strip())


if __name__ == "__main__":
    unittest.main()
