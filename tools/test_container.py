#!/usr/bin/env python3
"""contrib/container/Containerfile installs packages that exist: to build with those of tools/packages.txt, to run with
the ones that the program needs. Building the image wants a registry, and is done by hand."""
import re
import subprocess
import sys
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TEXT = (ROOT / "contrib/container/Containerfile").read_text(encoding="utf-8")
WEIR = ""


def output(*command):
    return subprocess.run(command, text=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=False).stdout


def stages():
    """[[package, ...], ...], one list for each FROM."""
    found = []
    for stage in re.split(r"^FROM .*$", TEXT, flags=re.MULTILINE)[1:]:
        words = re.search(r"apt-get install (.*?)(?:&&|$)", stage.replace("\\\n", " "), re.MULTILINE).group(1)
        found.append([word for word in words.split() if not word.startswith("-")])
    return found


def owner_of(library):
    """The package of a shared library, as the loader finds it."""
    path = re.search(rf"{re.escape(library)} => (\S+)", output("ldd", WEIR))
    if not path:
        return None
    real = Path(path.group(1)).resolve()
    for place in (str(real), str(real).removeprefix("/usr"), f"/usr{real}"):
        owner = output("dpkg-query", "-S", place)
        if owner:
            return owner.split(":")[0]
    return None


class Container(unittest.TestCase):
    def test_it_builds_with_what_everybody_builds_with(self):
        listed = set()
        for line in (ROOT / "tools/packages.txt").read_text(encoding="utf-8").splitlines():
            if line.startswith("build:"):
                listed |= set(line.split(":")[1].split())
        self.assertEqual(set(stages()[0]), listed)

    def test_it_runs_with_what_the_program_needs(self):
        needed = re.findall(r"NEEDED\s+(\S+)", output("objdump", "-p", WEIR))
        if re.search(r"lib[at]san\.so", " ".join(needed)):
            self.skipTest("a build with sanitizers needs other libraries")
        libraries = {name for name in needed if not re.match(r"lib(c|m|gcc_s)\.so", name)}
        self.assertGreater(len(libraries), 4)
        owners = {owner_of(library) for library in libraries}
        self.assertEqual(owners - set(stages()[1]), set())
        # Certificates are for running; a library may come into the program later than into the list.
        self.assertLessEqual(set(stages()[1]) - owners, {"ca-certificates", "libhiredis0.14"})

    def test_every_package_exists(self):
        known = output("apt-cache", "pkgnames").split()
        if len(known) < 10000:
            self.skipTest("this machine has no lists of packages")
        for package in sum(stages(), []):
            with self.subTest(package):
                self.assertIn(package, known)

    def test_it_runs_as_nobody_special_and_is_asked_how_it_is(self):
        last = TEXT.split("\nFROM ")[-1]
        self.assertRegex(last, r"\nUSER 8900:8900\n")
        self.assertIn("HEALTHCHECK", last)
        self.assertIn("VOLUME /var/lib/weir", last)


if __name__ == "__main__":
    WEIR = sys.argv.pop()
    unittest.main()
