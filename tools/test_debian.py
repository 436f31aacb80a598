#!/usr/bin/env python3
"""debian/ says what the build does: version, library, symbols, files. Building the packages is `make deb`."""
import re
import subprocess
import sys
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
DEBIAN = ROOT / "debian"
BUILD = Path()


def read(path):
    return (ROOT / path).read_text(encoding="utf-8")


def stanzas():
    """{package: {field: value}} of debian/control, the source under ""."""
    found = {}
    for text in read("debian/control").strip().split("\n\n"):
        fields = dict(re.findall(r"^([A-Za-z-]+):[ \n]*((?:.*\n?)(?: .*\n?)*)", text, re.MULTILINE))
        found[fields.get("Package", "").strip()] = fields
    return found


def names(field):
    return set(re.findall(r"(?:^|,)\s*([a-z0-9][a-z0-9.+-]+)", field))


class Debian(unittest.TestCase):
    def test_the_version_is_the_projects(self):
        ours = re.search(r"project\(weir VERSION ([\d.]+)", read("CMakeLists.txt")).group(1)
        self.assertEqual(re.match(r"weir \(([\d.]+)\)", read("debian/changelog")).group(1), ours)

    def test_the_librarys_package_is_named_by_its_soname(self):
        header = subprocess.run(["objdump", "-p", BUILD / "libweir.so"], text=True, stdout=subprocess.PIPE, check=True)
        soname = re.search(r"SONAME\s+libweir\.so\.(\S+)", header.stdout).group(1)
        self.assertIn(f"libweir{soname}", stanzas())

    def test_every_symbol_is_written_down(self):
        exported = set(re.findall(r"^\s+(weir_\w+);", read("src/libweir.sym"), re.MULTILINE))
        written = set(re.findall(r"^ (weir_\w+)@WEIR_", read("debian/libweir0.1.symbols"), re.MULTILINE))
        self.assertEqual(exported, written)

    def test_what_the_build_needs_is_what_the_package_needs(self):
        wanted = names(stanzas()[""]["Build-Depends"])
        listed = set()
        for line in read("tools/packages.txt").splitlines():
            if line.startswith("build:"):
                listed |= set(line.split(":")[1].split())
        # Each system that builds packages has a compiler; certificates are for running.
        self.assertEqual(listed - wanted - {"gcc", "libc6-dev", "python3", "ca-certificates"}, set())

    def test_all_that_is_installed_is_in_one_package(self):
        patterns = [line.split()[0] for f in DEBIAN.glob("*.install") for line in f.read_text("utf-8").splitlines()]
        manifest = BUILD / "install.list"
        done = subprocess.run(["cmake", "--install", BUILD, "--prefix", manifest.with_suffix(".root")], text=True,
                              stdout=subprocess.PIPE, check=True)
        root = str(manifest.with_suffix(".root"))
        self.addCleanup(subprocess.run, ["rm", "-rf", root], check=True)
        files = {line.split(": ", 1)[1][len(root) + 1:] for line in done.stdout.splitlines() if f": {root}/" in line}
        self.assertGreater(len(files), 8)
        for file in sorted(files):
            # lib/x.so here is usr/lib/x86_64-linux-gnu/x.so there.
            there = "usr/" + re.sub(r"^lib/(x86_64-linux-gnu/)?", "lib/*/", file)
            owners = [p for p in patterns if Path(there).match(p) or there.startswith(p.rstrip("/") + "/")]
            with self.subTest(file):
                self.assertEqual(len(owners), 1, owners)

    def test_the_conffile_is_a_good_configuration(self):
        done = subprocess.run([BUILD / "weir", "check", DEBIAN / "weir.yaml"], text=True, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, check=False)
        self.assertEqual(done.returncode, 0, done.stdout)


if __name__ == "__main__":
    BUILD = Path(sys.argv.pop()).resolve()
    unittest.main()
