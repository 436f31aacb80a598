#!/usr/bin/env python3
"""The units of contrib/systemd as systemd itself reads them: no mistake, no more exposure than stated here, and the
template as confined as the service. Skipped where systemd-analyze is missing.

    tools/test_units.py build/weir
"""
import re
import shutil
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
UNITS = ROOT / "contrib/systemd"
SERVICES = ("weir-gateway.service", "weir-gateway@.service")
# systemd's own measure, 0 (confined) to 10. What is left is the network, the users it must tell apart, and netlink,
# by which the C library finds out which addresses a name may have.
EXPOSURE_MAX = 1.6
WEIR = ""


def assignments(text):
    """[(section, "Key=value"), ...]"""
    found, section = [], ""
    for line in text.splitlines():
        if line.startswith("["):
            section = line
        elif line and not line.startswith("#"):
            found.append((section, line))
    return found


@unittest.skipUnless(shutil.which("systemd-analyze"), "systemd-analyze is not installed")
class Units(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        for unit in UNITS.glob("weir-*"):
            text = unit.read_text(encoding="utf-8").replace("/usr/bin/weir ", f"{WEIR} ")
            (self.folder / unit.name).write_text(text, encoding="utf-8")

    def analyze(self, *args):
        done = subprocess.run(["systemd-analyze", *args], text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C"}, check=False)
        return done.returncode, done.stdout

    def test_systemd_finds_nothing_wrong(self):
        names = ["weir-gateway.service", "weir-gateway.socket", "weir-gateway@desk.service"]
        code, said = self.analyze("verify", "--man=no", *(str(self.folder / n) for n in names))
        # Other units of the machine may be talked of.
        ours = "\n".join(line for line in said.splitlines() if "weir" in line)
        self.assertEqual((code, ours), (0, ""))

    def test_a_mistake_would_be_found(self):
        unit = self.folder / "weir-gateway.service"
        unit.write_text(unit.read_text(encoding="utf-8").replace("NoNewPrivileges=", "NoNewPrivilege="),
                        encoding="utf-8")
        self.assertIn("NoNewPrivilege", self.analyze("verify", "--man=no", str(unit))[1])

    def test_the_exposure_is_as_stated(self):
        for name in SERVICES:
            with self.subTest(name):
                code, said = self.analyze("security", "--offline=true", f"--threshold={round(EXPOSURE_MAX * 10)}",
                                          str(self.folder / name))
                self.assertEqual(code, 0, said)
                level = re.search(r"exposure level for \S+: ([\d.]+)", said)
                self.assertLessEqual(float(level.group(1)), EXPOSURE_MAX)


class Text(unittest.TestCase):
    def test_the_template_is_as_confined_as_the_service(self):
        one, template = (dict.fromkeys(assignments((UNITS / n).read_text(encoding="utf-8"))) for n in SERVICES)
        named = {"Description", "ExecStart", "StateDirectory", "Also"}
        differ = {line.split("=")[0] for _, line in one.keys() ^ template.keys()}
        self.assertLessEqual(differ, named)


if __name__ == "__main__":
    WEIR = str(Path(sys.argv.pop()).resolve())
    unittest.main()
