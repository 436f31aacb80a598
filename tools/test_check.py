#!/usr/bin/env python3
"""What `weir check` prints, and with which exit status.   tools/test_check.py WEIR"""
import json
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

WEIR = sys.argv.pop(1) if len(sys.argv) > 1 else "build/weir"


class Check(unittest.TestCase):
    def check(self, yaml, *options, env=None):
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "weir.yaml"
            path.write_text(yaml, encoding="utf-8")
            result = subprocess.run([WEIR, "check", *options, str(path)], capture_output=True,
                                    text=True, env=env or {}, check=False)
            return result, str(path)

    def test_a_good_file_is_answered_with_the_settings(self):
        result, _ = self.check("max_wait: 5s\n")
        self.assertEqual((result.returncode, result.stderr), (0, ""))
        self.assertIn("max_wait: 5s  # file, line 1\n", result.stdout)
        self.assertIn("max_queue: 10000\n", result.stdout)

    def test_what_is_printed_is_a_good_file(self):
        printed, _ = self.check("region: /a b\nlisten: ['[::1]:1']\n")
        result, _ = self.check(printed.stdout)
        self.assertEqual((result.returncode, result.stderr), (0, ""))

    def test_mistakes_are_on_stderr_with_their_place(self):
        result, path = self.check("limits: perhaps\nmax_wiat: 5s\n")
        self.assertEqual((result.returncode, result.stdout), (2, ""))
        lines = result.stderr.splitlines()
        self.assertEqual(len(lines), 2)
        self.assertTrue(lines[0].startswith(f"weir: {path}:1:9: limits: "), lines[0])
        self.assertTrue(lines[1].startswith(f"weir: {path}:2:1: unknown key"), lines[1])

    def test_json_names_value_source_and_reload(self):
        result, _ = self.check("max_queue: 7\n", "--json", env={"WEIR_MAX_RETRIES": "2"})
        settings = json.loads(result.stdout)
        self.assertEqual(settings["max_queue"], {"value": 7, "source": "file", "reload": True})
        self.assertEqual(settings["retry.max_retries"]["source"], "environment")
        self.assertEqual(settings["listen"],
                         {"value": ["127.0.0.1:8900"], "source": "default", "reload": False})

    def test_json_lists_mistakes_too(self):
        result, path = self.check("\nlimits: perhaps\n", "--json")
        self.assertEqual(result.returncode, 2)
        mistake = json.loads(result.stdout)["mistakes"][0]
        self.assertEqual((mistake["where"], mistake["line"], mistake["column"]), (path, 2, 9))

    def test_the_environment_is_checked_too(self):
        result, _ = self.check("", env={"BINANCE_RATE_LIMIT_RPM": "lots"})
        self.assertEqual(result.returncode, 2)
        self.assertIn("environment variable BINANCE_RATE_LIMIT_RPM: ", result.stderr)

    def test_what_had_better_not_be_is_said_and_is_no_mistake(self):
        for yaml, place in (("pool: {max: 65}\nrate_ceiling: 64\n", "1:13: pool.max: 65 requests"),
                            ("rate_ceiling: 63\n", "1:15: rate_ceiling: 64 requests")):
            result, path = self.check(yaml)
            self.assertEqual(result.returncode, 0)
            self.assertIn("rate_ceiling: 6", result.stdout)
            self.assertTrue(result.stderr.startswith(f"weir: {path}:{place} may be on their way"), result.stderr)
            self.assertEqual(result.stderr.count("\n"), 1)
        for yaml in ("pool: {max: 64}\nrate_ceiling: 64\n", "rate_ceiling: 0\n", ""):
            self.assertEqual(self.check(yaml)[0].stderr, "")

    def test_certificates_are_read_as_the_start_reads_them(self):
        with tempfile.TemporaryDirectory() as folder:
            for name in ("one", "other"):
                subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                                "-subj", f"/CN={name}", "-keyout", f"{name}.key", "-out", f"{name}.pem"],
                               cwd=folder, check=True, capture_output=True)
            Path(folder, "none.pem").write_text("no certificate\n", encoding="utf-8")
            for cert, key, ca, says in (("one.pem", "one.key", "other.pem", None),
                                        ("one.pem", "other.key", "other.pem", ":3:13: watch.tls_cert: "),
                                        ("away.pem", "one.key", "other.pem", "away.pem\" cannot be read: No such file"),
                                        ("one.pem", "one.key", "none.pem", ":5:14: watch.client_ca: ")):
                result, _ = self.check(f"watch:\n  listen: ['127.0.0.1:0']\n  tls_cert: {folder}/{cert}\n"
                                       f"  tls_key: {folder}/{key}\n  client_ca: {folder}/{ca}\n")
                self.assertEqual(result.returncode, 2 if says else 0, result.stderr)
                self.assertIn(says or "", result.stderr)

    def check_account(self, spoil, users="[0]"):
        """Answers for an account whose files are good but for what @spoil(folder) does."""
        with tempfile.TemporaryDirectory() as folder:
            folder = Path(folder)
            for name, text in (("key", "K" * 64), ("secret", "S" * 64), ("token", "t" * 43)):
                (folder / name).write_text(text, encoding="utf-8")
                (folder / name).chmod(0o600)
            spoil(folder)
            return self.check("limits: on\naccounts:\n  desk:\n"
                              f"    key_file: {folder}/key\n    secret_file: {folder}/secret\n"
                              f"    clients: {{token_file: {folder}/token, users: {users}}}\n")

    def test_files_of_accounts_are_read_as_the_start_reads_them(self):
        def linked(folder):
            (folder / "secret").rename(folder / "there")
            (folder / "secret").symlink_to(folder / "there")

        result, _ = self.check_account(lambda folder: None)
        self.assertEqual((result.returncode, result.stderr), (0, ""))
        self.assertNotIn("S" * 64, result.stdout)
        for spoil, says in ((lambda folder: (folder / "secret").unlink(), "/secret cannot be opened: No such file"),
                            (lambda folder: (folder / "key").unlink(), "/key cannot be opened: No such file"),
                            (lambda folder: (folder / "secret").chmod(0o644), "/secret"),
                            (lambda folder: (folder / "token").chmod(0o604), "/token"),
                            (lambda folder: (folder / "key").write_text(""), "/key"),
                            (linked, "/secret")):
            result, path = self.check_account(spoil)
            self.assertEqual((result.returncode, result.stdout), (2, ""), says)
            self.assertTrue(result.stderr.startswith(f"weir: {path}:3:3: accounts.desk: "), result.stderr)
            self.assertIn(says, result.stderr)
            self.assertNotIn("S" * 64, result.stderr)
        result, _ = self.check_account(lambda folder: None, "[nobody-of-that-name]")
        self.assertIn("accounts.desk: clients.users: this machine has no user nobody-of-that-name", result.stderr)
        # What systemd lends the unit is not there before it runs.
        yaml = "accounts: {desk: {key_file: /run/credentials/x/key, secret_file: /run/credentials/x/secret, clients: {users: [0]}}}\n"
        self.assertEqual(self.check(yaml)[0].returncode, 0)

    def test_files_are_read_beside_other_mistakes(self):
        with tempfile.TemporaryDirectory() as folder:
            folder = Path(folder)
            for name in ("secret", "token"):
                (folder / name).write_text("t" * 43, encoding="utf-8")
                (folder / name).chmod(0o644)
            result, _ = self.check(f"max_wiat: 5s\nwatch: {{token_file: {folder}/none}}\naccounts:\n  desk:\n"
                                   f"    secret_file: {folder}/secret\n"
                                   f"    clients: {{token_file: {folder}/token, users: [nobody-of-that-name]}}\n"
                                   f"  other:\n    key_file: {folder}/none\n    secret_file: {folder}/none\n"
                                   "    clients: {users: [0]}\n")
            lines = result.stderr.splitlines()
            self.assertEqual((result.returncode, len(lines)), (2, 8), result.stderr)
            for says in ('unknown key "max_wiat"', "desk: lacks key_file", f"the secret file {folder}/secret is open to",
                         f"the token file {folder}/token is open to", "no user nobody-of-that-name",
                         f"the key file {folder}/none cannot be opened", f"the secret file {folder}/none cannot be opened",
                         'watch.token_file: "'):
                self.assertIn(says, result.stderr)

    def test_a_missing_file_is_a_mistake(self):
        result = subprocess.run([WEIR, "check", "/nonexistent"], capture_output=True, text=True, check=False)
        self.assertEqual((result.returncode, result.stderr),
                         (2, "weir: /nonexistent: cannot be read: No such file or directory\n"))

    def test_wrong_usage_is_explained(self):
        for arguments, says in ([], "name one file"), (["a", "b"], "name one file"), \
                (["--jsn", "a"], "no option --jsn"), (["-x", "a"], "no option -x"):
            result = subprocess.run([WEIR, "check", *arguments], capture_output=True, text=True, check=False)
            self.assertEqual(result.returncode, 2)
            self.assertTrue(result.stderr.startswith("weir: check: "), result.stderr)
            self.assertIn(says, result.stderr)

    def test_help_lists_the_keys(self):
        result = subprocess.run([WEIR, "check", "--help"], capture_output=True, text=True, check=False)
        self.assertEqual((result.returncode, result.stderr), (0, ""))
        self.assertIn("timeouts.answer", result.stdout)


if __name__ == "__main__":
    unittest.main()
