#!/usr/bin/env python3
"""What tools/clients does, with a stand-in for npm."""
import subprocess
import tempfile
import unittest
from pathlib import Path

HERE = Path(__file__).resolve().parent
NEEDED = "bash env sed dirname mktemp rm tail cp cmp mkdir cat".split()


class Clients(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        root = Path(folder.name)
        self.bin, self.log = root / "bin", root / "log"
        self.bin.mkdir()
        for name in NEEDED:
            path = next(p for d in ("/usr/bin", "/bin") if (p := Path(d) / name).exists())
            (self.bin / name).symlink_to(path)
        (root / "tools").mkdir()
        self.script = root / "tools" / "clients"
        self.script.write_text((HERE / "clients").read_text())
        self.tests = root / "tests" / "integration"
        self.tests.mkdir(parents=True)
        (self.tests / "package.json").write_text(
            '{\n  "name": "x",\n  "dependencies": {\n    "@a/b": "1.2.3",\n    "c": "4.5.6"\n  }\n}\n')
        (self.tests / "package-lock.json").write_text("{}\n")
        self.npm(f'echo "npm $*" >>{self.log}; rm -rf node_modules; mkdir node_modules')

    def npm(self, body):
        path = self.bin / "npm"
        path.write_text(f"#!/bin/bash\n{body}\n")
        path.chmod(0o755)

    def run_clients(self, *folder):
        result = subprocess.run(["/bin/bash", str(self.script), *folder], capture_output=True, text=True,
                                env={"PATH": str(self.bin)}, check=False)
        log = self.log.read_text() if self.log.exists() else ""
        return result, log

    def test_what_is_installed_is_said(self):
        result, log = self.run_clients()
        self.assertEqual((result.returncode, result.stderr, log), (0, "", "npm ci\n"))
        self.assertIn("tests/integration/node_modules: @a/b@1.2.3 c@4.5.6\n", result.stdout)

    def test_the_bench_has_packages_of_its_own(self):
        (self.tests.parent.parent / "bench").mkdir()
        for name in ("package.json", "package-lock.json"):
            (self.tests / name).rename(self.tests.parent.parent / "bench" / name)
        result, log = self.run_clients("bench")
        self.assertEqual((result.returncode, result.stderr, log), (0, "", "npm ci\n"))
        self.assertIn("bench/node_modules: @a/b@1.2.3 c@4.5.6\n", result.stdout)

    def test_a_folder_that_has_none_is_named(self):
        result, log = self.run_clients("docs")
        self.assertEqual((result.returncode, log), (1, ""))
        self.assertIn("docs has no package-lock.json; say tests/integration, tests/page or bench", result.stderr)

    def test_nothing_happens_when_all_is_there(self):
        self.run_clients()
        result, log = self.run_clients()
        self.assertEqual((result.returncode, result.stdout, log), (0, "", "npm ci\n"))

    def test_another_lock_file_is_followed(self):
        self.run_clients()
        (self.tests / "package-lock.json").write_text('{"other": 1}\n')
        self.assertEqual(self.run_clients()[1], "npm ci\nnpm ci\n")

    def test_a_failure_is_shown_and_what_was_begun_is_begun_again(self):
        self.npm("mkdir -p node_modules/half; echo npm ERR! no network; exit 1")
        for _ in range(2):
            result, _ = self.run_clients()
            self.assertEqual(result.returncode, 1)
            self.assertIn("npm ERR! no network", result.stderr)
            self.assertIn("weir: npm could not install", result.stderr)

    def test_a_machine_without_npm_is_told_what_it_needs(self):
        (self.bin / "npm").unlink()
        result, _ = self.run_clients()
        self.assertEqual(result.returncode, 1)
        self.assertTrue(result.stderr.startswith("weir: tests/integration needs npm"), result.stderr)


if __name__ == "__main__":
    unittest.main()
