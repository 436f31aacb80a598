#!/usr/bin/env python3
"""What every command says of wrong inputs: on stderr, beginning with weir:, with the remedy.

tests/cli/check_usage.py WEIR
"""
import os
import socket
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

WEIR = sys.argv.pop(1) if len(sys.argv) > 1 else "build/weir"
COMMANDS = ("gateway", "sim", "demo", "status", "check", "positions", "region", "store", "top", "history")

# Command line (FOLDER is an empty folder, PORT one that is taken), exit status, what is said.
WRONG = (
    ("", 2, "name a command; see weir --help"),
    ("nope", 2, 'there is no command "nope"; see weir --help'),
    ("statsu", 2, 'there is no command "statsu"; did you mean "status"?'),
    ("--bad", 2, 'there is no command "--bad"'),
    ("gateway --listen", 2, "gateway: --listen needs a value; see weir gateway --help"),
    ("gateway --listen abc", 2, "write HOST:PORT"),
    ("gateway --listen 127.0.0.1:99999", 2, "write a number from 0 to 65535"),
    ("gateway --listen 127.0.0.1:PORT --region FOLDER/r", 1, "Address already in use; name another place with --listen"),
    ("gateway --listen unix:FOLDER/no/socket --region FOLDER/r", 1, "cannot listen on unix:"),
    ("gateway --upstream ftp://x", 2, "write http://HOST[:PORT]"),
    ("gateway --upstream foo=http://x", 2, "there are api, sapi, fapi, dapi, papi and eapi"),
    ("gateway --config FOLDER/none", 2, "cannot be read: No such file or directory"),
    ("gateway --config FOLDER", 2, "cannot be read: Is a directory"),
    ("gateway --set foo=1", 2, 'there is no setting "foo"'),
    ("gateway --set max_wait", 2, "write KEY=VALUE"),
    ("gateway --set tls_ca=FOLDER/none", 2, "cannot be read"),
    ("gateway --region FOLDER --listen 127.0.0.1:0", 1, "Is a directory; name another region with --region"),
    ("gateway --region FOLDER/no/r --listen 127.0.0.1:0", 1, "No such file or directory; name another region with --region"),
    ("gateway --region FOLDER/junk --listen 127.0.0.1:0", 1, "is not a region of weir, or is damaged: if it was one, move it away; else name another region"),
    ("gateway --region FOLDER/pipe --listen 127.0.0.1:0", 1, "is not a file; name another region with --region"),
    ("gateway --region FOLDER/link --listen 127.0.0.1:0", 1, "it is a symbolic link; name the file it leads to, or name another region with --region"),
    ("gateway extra", 2, 'unexpected "extra"'),
    ("sim --seed", 2, "sim: --seed needs a value; see weir sim --help"),
    ("sim --seed x", 2, "want a whole number from 0 to"),
    ("sim --latency x", 2, "A or A~B, each from 0 to 3600000"),
    ("sim --limit nope=1/1s", 2, "there is no limit of this name; weir sim --help lists them"),
    ("sim --ban x", 2, "want seconds, like 120,300,900"),
    ("sim --account x", 2, "want NAME:KEY:SECRET"),
    ("sim --key x", 2, "want NAME:KEY:SECRET"),
    ("sim --key nobody:k:s", 2, "no such account"),
    ("sim --listen 127.0.0.1:0 --faults FOLDER/none", 2, "No such file or directory"),
    ("sim --listen 127.0.0.1:0 --faults FOLDER", 2, "Is a directory"),
    ("sim --listen 127.0.0.1:0 --faults FOLDER/large", 2, "File too large"),
    ("sim --listen 127.0.0.1:PORT", 1, "Address already in use; name another place with --listen"),
    ("sim --tls-cert x", 2, "--tls-cert and --tls-key go together"),
    ("sim --listen 127.0.0.1:0 --tls-cert FOLDER/c --tls-key FOLDER/k", 1, "cannot be used: both must be readable PEM"),
    ("sim extra", 2, 'unexpected "extra"'),
    ("demo --seconds 0", 2, "want a number from 1 to 600"),
    ("demo --bots x", 2, "want a number from 1 to 32"),
    ("demo extra", 2, 'unexpected "extra"'),
    ("status --region FOLDER/none", 1, "No such file or directory; is a gateway running?"),
    ("status --region FOLDER/junk", 1, "is not a region of weir, or is damaged: if it was one, move it away; else name another region with --region"),
    ("status --region FOLDER/link", 1, "it is a symbolic link; name the file it leads to, or name another region with --region"),
    ("status --region FOLDER/pipe", 1, "is not a file; name another region with --region"),
    ("status --region FOLDER", 1, "Is a directory; name another region with --region"),
    ("history --db FOLDER/none", 1, "No such file or directory; name it with --db"),
    ("history --db FOLDER/large", 1, "file is not a database"),
    ("history --since yesterday", 2, "want a time such as 2h, 3d, 2026-11-26 or 2026-11-26T10:30"),
    ("history --since 1h --until 2h", 2, "--since 1h: want a time before --until"),
    ("history --by what", 2, "want client, account, endpoint, class or all"),
    ("history --step week", 2, "want window, hour or day"),
    ("history --top 0", 2, "want a number from 1 to 64"),
    ("history --pool", 2, "history: --pool needs a value; see weir history --help"),
    ("gateway --set history.path=yes", 2, 'history.path: "yes" is no path; write on, or ./yes for a file of that name'),
    ("gateway --set log.access=FALSE", 2, 'log.access: "FALSE" is no path; write off, or ./FALSE'),
    ("gateway --region on", 2, 'region: "on" is no path; name the file, with ./on one of that name'),
    ("order ticker BTCUSDT --gateway=http://127.0.0.1:1", 1, "order: 127.0.0.1:1: cannot connect: Connection refused; is the gateway running?"),
    ("history extra", 2, 'unexpected "extra"'),
    ("store", 2, "store: say what to do: show, or forget HOST; see weir store --help"),
    ("store forget", 2, "store: forget: name one host"),
    ("store show", 2, "store: name it with --store, WEIR_STORE or store.url"),
    ("store show --store http://x", 2, "a store is named as redis://HOST:PORT"),
    ("store show --store redis://127.0.0.1:1", 1, "Connection refused"),
    ("region", 2, "region: say what to do: show, check or unshare; see weir region --help"),
    ("region look", 2, "region: say what to do: show, check or unshare"),
    ("region show extra", 2, "region: say what to do: show, check or unshare"),
    ("region show --region FOLDER/none", 2, "No such file or directory; is a gateway running?"),
    ("region check --region FOLDER", 2, "cannot open it: Is a directory; name another region with --region"),
    ("region check --region FOLDER/pipe", 2, "is not a file; name another region with --region"),
    ("region show --region FOLDER/pipe", 2, "is not a file; name another region with --region"),
    ("region check --region FOLDER/link", 2, "it is a symbolic link; name the file it leads to"),
    ("gateway --watch-action-token-file=x", 2, "there is no option --watch-action-token-file=x; write --set watch.action_token_file=VALUE"),
    ("gateway --watch-what x", 2, "there is no option --watch-what; see weir gateway --help"),
    ("top --gateway http://127.0.0.1:1 --once", 1, "top: http://127.0.0.1:1: cannot connect: Connection refused"),
    ("top extra", 2, 'top: unexpected "extra"; see weir top --help'),
    ("top --gateway http://127.0.0.1:1", 1, "standard input or output is no terminal; weir top --once prints one frame"),
    ("top --region FOLDER/none", 1, "No such file or directory; is a gateway running?"),
    ("top --once --region FOLDER/junk", 1, "is not a region of weir, or is damaged: if it was one, move it away; else name another region with --region"),
    ("top --once --region FOLDER/pipe", 1, "is not a file; name another region with --region"),
    ("top --gateway ftp://x", 2, "write http://HOST[:PORT], https://HOST[:PORT] or unix:PATH"),
    ("top --once --gateway http://127.0.0.1:1", 1, "Connection refused"),
    ("top --once --gateway unix:FOLDER/none", 1, "No such file or directory"),
    ("top --gateway --region FOLDER/r", 2, "look at one of them"),
    ("top --token-file FOLDER/none", 2, "--token-file, --ca and --cert go with --gateway"),
    ("top --gateway --token-file FOLDER/none", 1, "No such file or directory"),
    ("top --interval 0", 2, "--interval 0: want seconds from 0.1 to 3600"),
    ("top --interval nan", 2, "want seconds from 0.1 to 3600"),
    ("status extra", 2, 'unexpected "extra"'),
    ("positions extra", 2, 'positions: unexpected "extra"; see weir positions --help'),
    ("positions --watch=0", 2, "--watch 0: want 1 to 86400 seconds"),
    ("positions --watch=soon", 2, "--watch soon: want a whole number up to 86400"),
    ("positions --all-orders -5", 2, "--all-orders -5: want a whole number up to 86400"),
    ("positions --exec true", 2, "--exec goes with --watch: one check has no events"),
    ("positions --fall much --region FOLDER/r", 2, 'a fall of "much" percent: write a decimal like 3 or 0.5'),
    ("positions --fall -1 --region FOLDER/r", 2, 'a fall of "-1" percent'),
    ("positions --fall 0.000000001 --region FOLDER/r", 2, 'a fall of "0.000000001" percent'),
    ("positions --gateway --testnet", 2, "--gateway goes with neither --base nor --testnet"),
    ("positions --base ftp://x --region FOLDER/r", 2, '"ftp://x" is no base URL'),
    ("positions --key-file FOLDER/none --region FOLDER/r", 1, "cannot be opened: No such file or directory"),
    ("positions --base http://127.0.0.1:1 --region FOLDER/r", 1, "positions: "),
    ("check", 2, "name one file"),
    ("check FOLDER/none", 2, "cannot be read: No such file or directory"),
    ("check FOLDER/yaml", 2, "yaml:2:1: this is no YAML"),
)


def weir(*arguments):
    return subprocess.run([WEIR, *arguments], capture_output=True, text=True, timeout=20, check=False,
                          stdin=subprocess.DEVNULL)


class Usage(unittest.TestCase):
    def test_wrong_inputs_are_explained(self):
        with tempfile.TemporaryDirectory() as folder, socket.create_server(("127.0.0.1", 0)) as taken:
            (Path(folder) / "junk").write_bytes(b"no region" * 9999)
            (Path(folder) / "yaml").write_text("listen: [1\n", encoding="utf-8")
            (Path(folder) / "link").symlink_to("junk")
            os.mkfifo(Path(folder) / "pipe", 0o600)
            (Path(folder) / "large").write_bytes(b"# nothing\n" * 1000000)
            port = str(taken.getsockname()[1])
            for line, status, says in WRONG:
                with self.subTest(line):
                    result = weir(*(word.replace("FOLDER", folder).replace("PORT", port) for word in line.split()))
                    self.refused(result, status, says)

    def refused(self, result, status, says):
        self.assertEqual(result.returncode, status, result)
        self.assertIn(says, result.stderr)
        for line in result.stderr.splitlines():
            self.assertTrue(line.startswith("weir: "), line)

    def test_who_only_looks_makes_no_folder(self):
        with tempfile.TemporaryDirectory() as folder:
            environment = {**os.environ, "XDG_RUNTIME_DIR": folder}
            environment.pop("WEIR_REGION", None)
            result = subprocess.run([WEIR, "status"], capture_output=True, text=True, timeout=20, check=False,
                                    env=environment)
            self.refused(result, 1, f"region {folder}/weir/region: cannot open it: No such file or directory; "
                                    "is a gateway running?")
            self.assertEqual(list(Path(folder).iterdir()), [])

    def test_an_option_that_is_none_is_named(self):
        for command in COMMANDS:
            for option, says in (("--bad", "there is no option --bad"), ("-x", "there is no option -x"),
                                 ("--help=3", "--help takes no value")):
                with self.subTest(command=command, option=option):
                    self.refused(weir(command, option), 2, f"weir: {command}: {says}; see weir {command} --help")

    def test_every_command_explains_itself(self):
        overview = weir("--help").stdout
        for command in COMMANDS:
            with self.subTest(command):
                result = weir(command, "--help")
                self.assertEqual((result.returncode, result.stderr), (0, ""))
                self.assertTrue(result.stdout.startswith(f"usage: weir {command} "))
                self.assertIn("\nExit status: 0 ", result.stdout)
                self.assertEqual(weir(command, "-h").stdout, result.stdout)
                self.assertIn(f"  {command} ", overview)


if __name__ == "__main__":
    unittest.main()
