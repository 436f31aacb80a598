#!/usr/bin/env python3
"""What tools/packages does, with stand-ins for dpkg-query, apt-get, id, sudo and node."""
import os
import subprocess
import tempfile
import unittest
from pathlib import Path

HERE = Path(__file__).resolve().parent
NEEDED = "bash env sed dirname mktemp rm tail tee chmod cat".split()
BUILD = [w for line in (HERE / "packages.txt").read_text().splitlines()
         if line.startswith("build:") for w in line.split()[1:]]


class Packages(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.bin = Path(folder.name) / "bin"
        self.bin.mkdir()
        self.log = Path(folder.name) / "log"
        for name in NEEDED:
            path = next(p for d in ("/usr/bin", "/bin") if (p := Path(d) / name).exists())
            (self.bin / name).symlink_to(path)
        # The script, with the one path outside of PATH moved.
        text = (HERE / "packages").read_text().replace("/usr/sbin/policy-rc.d", f"{folder.name}/policy")
        self.script = Path(folder.name) / "packages"
        self.script.write_text(text)
        (Path(folder.name) / "packages.txt").write_text((HERE / "packages.txt").read_text())
        self.stand_in("apt-get", f'echo "apt-get $*" >>{self.log}; ls {folder.name}/policy >>{self.log}')
        (self.bin / "ls").symlink_to("/bin/ls")
        self.user(0)
        self.installed(BUILD)
        self.policy = Path(folder.name) / "policy"

    def stand_in(self, name, body):
        path = self.bin / name
        path.write_text(f"#!/bin/bash\n{body}\n")
        path.chmod(0o755)

    def user(self, uid):
        self.stand_in("id", f"echo {uid}")

    def installed(self, packages):
        self.stand_in("dpkg-query", "printf '%s' '" + "".join(f"{p}=installed " for p in packages) + "'")

    def run_packages(self, *args, **env):
        result = subprocess.run(["/bin/bash", str(self.script), *args], capture_output=True, text=True,
                                env={"PATH": str(self.bin), **env}, check=False)
        log = self.log.read_text() if self.log.exists() else ""
        return result, log

    def test_nothing_happens_when_all_is_there(self):
        result, log = self.run_packages("build")
        self.assertEqual((result.returncode, result.stdout, result.stderr, log), (0, "", "", ""))

    def test_only_what_is_missing_is_installed_and_said(self):
        self.installed([p for p in BUILD if p not in ("cmake", "libyaml-dev")])
        result, log = self.run_packages("build")
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertIn("for build: cmake libyaml-dev\n", result.stdout)
        self.assertIn("update", log)
        self.assertIn("install --no-install-recommends cmake libyaml-dev\n", log)

    def test_a_removed_package_is_missing(self):
        self.stand_in("dpkg-query", "printf '%s' '" + "".join(
            f"{p}={'config-files' if p == 'cmake' else 'installed'} " for p in BUILD) + "'")
        _, log = self.run_packages("build")
        self.assertIn("install --no-install-recommends cmake\n", log)

    def test_services_are_held_back_during_the_installation_only(self):
        self.installed([])
        _, log = self.run_packages("bench")
        self.assertIn(f"{self.policy}\n", log)
        self.assertFalse(self.policy.exists())

    def test_a_policy_of_the_machine_stays(self):
        self.policy.write_text("theirs")
        self.installed([])
        self.run_packages("bench")
        self.assertEqual(self.policy.read_text(), "theirs")

    def test_sudo_is_used_where_the_user_is_not_root(self):
        self.user(1000)
        self.installed([])
        self.stand_in("sudo", f'echo "sudo $*" >>{self.log}; exec "$@"')
        result, log = self.run_packages("make")
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertIn("sudo env DEBIAN_FRONTEND=noninteractive apt-get", log)

    def test_neither_root_nor_sudo_is_told_what_to_do(self):
        self.user(1000)
        self.installed([])
        result, log = self.run_packages("make")
        self.assertEqual((result.returncode, log), (1, ""))
        self.assertTrue(result.stderr.startswith("weir: packages are missing"), result.stderr)
        self.assertIn("apt-get install --no-install-recommends make\n", result.stderr)

    def test_check_installs_nothing(self):
        self.installed([])
        result, log = self.run_packages("--check", "make")
        self.assertEqual((result.returncode, log), (1, ""))
        self.assertIn("apt-get install", result.stderr)

    def test_a_failure_of_apt_is_shown(self):
        self.installed([])
        self.stand_in("apt-get", "echo E: no network; exit 100")
        result, _ = self.run_packages("make")
        self.assertEqual(result.returncode, 1)
        self.assertIn("E: no network", result.stderr)
        self.assertIn("weir: apt-get could not install", result.stderr)

    def test_a_system_without_apt_is_told_what_it_needs(self):
        self.installed([])
        (self.bin / "apt-get").unlink()
        result, _ = self.run_packages("make")
        self.assertEqual(result.returncode, 1)
        self.assertIn("WEIR_PACKAGES=skip", result.stderr)

    def test_skip_skips(self):
        self.installed([])
        result, log = self.run_packages("build", WEIR_PACKAGES="skip")
        self.assertEqual((result.returncode, log), (0, ""))

    def test_a_newer_node_from_elsewhere_counts(self):
        test = [w for line in (HERE / "packages.txt").read_text().splitlines()
                if line.startswith("test:") for w in line.split()[1:]]
        self.installed([p for p in test if p not in ("nodejs", "npm")])
        self.stand_in("npm", "")
        self.stand_in("node", "echo v20.1.0")
        self.assertEqual(self.run_packages("test")[1], "")
        self.stand_in("node", "echo v16.20.0")
        self.assertIn("install --no-install-recommends nodejs npm\n", self.run_packages("test")[1])

    def test_an_unknown_purpose_is_refused(self):
        result, _ = self.run_packages("fun")
        self.assertEqual(result.returncode, 1)
        self.assertIn('no purpose "fun"', result.stderr)


if __name__ == "__main__":
    unittest.main()
