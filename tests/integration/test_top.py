"""weir top and weir status at a terminal: a real one of the kernel's, read by an emulator (pyte)."""
import fcntl
import json
import os
import pty
import re
import select
import signal
import struct
import subprocess
import tempfile
import termios
import threading
import time
from pathlib import Path

import pyte
import pytest

from support import WEIR, Gateway, Sim, eventually, fetch


class Terminal:
    """A program at a terminal of its own, and what is to be seen there."""

    def __init__(self, *args, rows=24, cols=80, env=None):
        self.screen = pyte.Screen(cols, rows)
        self.stream = pyte.ByteStream(self.screen)
        self.raw = b""
        self.master, self.slave = pty.openpty()
        self.resize(rows, cols)
        self.modes = termios.tcgetattr(self.slave)
        clean = {name: value for name, value in os.environ.items() if name not in ("NO_COLOR", "COLUMNS", "LC_ALL")}
        env = {**clean, "TERM": "linux", "LANG": "C.UTF-8", **(env or {})}
        self.process = subprocess.Popen([WEIR, *args], stdin=self.slave, stdout=self.slave, stderr=self.slave, env=env,
                                        start_new_session=True,
                                        preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0))

    def resize(self, rows, cols):
        """As a terminal's window does it: the kernel tells the program."""
        self.screen.resize(rows, cols)
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, cols, 0, 0))

    def read(self, seconds=0.05):
        while select.select([self.master], [], [], seconds)[0]:
            try:
                piece = os.read(self.master, 65536)
            except OSError:
                return
            if not piece:
                return
            self.raw += piece
            self.stream.feed(piece)
            seconds = 0

    @property
    def lines(self):
        return [line.rstrip() for line in self.screen.display]

    def shows(self, words):
        self.read()
        return any(words in line for line in self.lines)

    def wait_for(self, words):
        try:
            eventually(lambda: self.shows(words))
        except AssertionError:
            raise AssertionError("\n".join([f"does not show {words!r}:", *self.lines])) from None

    def press(self, keys):
        os.write(self.master, keys.encode())

    def end(self):
        """The exit code, when all it wrote is read."""
        eventually(lambda: self.read() or self.process.poll() is not None)
        self.read()
        return self.process.returncode

    def is_as_before(self):
        """Echo and line mode as they were, the other screen left, the cursor there."""
        return termios.tcgetattr(self.slave) == self.modes and self.raw.rfind(b"\x1b[?25h") > self.raw.rfind(b"\x1b[?25l")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        os.close(self.master)
        os.close(self.slave)


@pytest.fixture(scope="module")
def desk():
    """A gateway with traffic of three clients, which ends with the tests."""
    is_over = threading.Event()

    def ask(port, path, client):
        while not is_over.is_set():
            try:
                fetch(port, path, headers={"X-Weir-Client": client})
            except OSError:
                pass
            is_over.wait(0.03)

    with tempfile.TemporaryDirectory() as folder, Sim("--seed", "7") as sim, \
            Gateway(sim.url, Path(folder) / "r", "--set", "history.path=off") as gateway:
        gateway.region, gateway.folder = str(Path(folder) / "r"), Path(folder)
        threads = [threading.Thread(target=ask, args=(gateway.port, *what)) for what in (
            ("/api/v3/depth?symbol=BTCUSDT&limit=100", "trader"), ("/fapi/v1/ticker/price", "watcher"),
            ("/sapi/v1/system/status", "watcher"))]
        for thread in threads:
            thread.start()
        gateway.rest = lambda: (is_over.set(), [t.join() for t in threads])
        yield gateway
        gateway.rest()


def budgets_on(terminal):
    """{name: (used, limit)} as drawn."""
    found = {}
    for line in terminal.lines:
        match = re.match(r"(\S+)\s+\d+[smd] \S+\s+(\d+)/(\S+)\s+\d+[smh]", line)
        if match:
            found[match.group(1)] = (int(match.group(2)), match.group(3))
    return found


def test_keys_and_sizes(desk):
    with Terminal("top", "--gateway", desk.url, "--interval", "0.1") as top:
        top.wait_for("spot-weight")
        top.wait_for("▼weight")
        top.press("e")
        top.wait_for("GET /api/v3/depth")
        top.press(">")
        top.wait_for("▼share")
        top.press("r")
        top.wait_for("▲share")
        top.press("h")
        top.wait_for("freeze what is shown")
        top.press("h")
        top.wait_for("▲share")
        for rows, cols in ((12, 40), (50, 200), (1, 1), (2, 10), (24, 80)):
            top.resize(rows, cols)
            eventually(lambda: top.read() or top.process.poll() is None)
        top.wait_for("requests/s")
        top.resize(12, 40)
        top.wait_for("c/a/e </> r")
        top.resize(40, 160)
        top.wait_for("of it, and what classes may use")
        top.press("p")
        top.wait_for("FROZEN")
        top.press("q")
        assert top.end() == 0
        assert top.is_as_before()


@pytest.mark.parametrize("how", ["q", "\x03", signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_the_terminal_is_as_it_was_after_every_end(desk, how):
    with Terminal("top", "--region", desk.region) as top:
        top.wait_for("spot-weight")
        assert termios.tcgetattr(top.slave) != top.modes
        if isinstance(how, str):
            top.press(how)
        else:
            top.process.send_signal(how)
        assert top.end() == 0
        assert top.is_as_before()


def test_it_is_stopped_as_a_shell_does_it_and_goes_on(desk):
    def state():
        return Path(f"/proc/{top.process.pid}/stat").read_text(encoding="ascii").rsplit(") ", 1)[1][0]

    with Terminal("top", "--region", desk.region, "--interval", "0.1") as top:
        top.wait_for("spot-weight")
        top.process.send_signal(signal.SIGTSTP)
        eventually(lambda: top.read() or state() == "T")
        assert top.is_as_before()
        top.screen.reset()
        assert not top.shows("spot-weight")
        top.process.send_signal(signal.SIGCONT)
        top.wait_for("spot-weight")
        top.press("q")
        assert top.end() == 0
        assert top.is_as_before()


def test_a_crash_leaves_the_terminal_as_it_was(desk):
    """The region's file is cut short under it: the kernel ends who looks at what is no longer there."""
    copy = desk.folder / "copy"
    copy.write_bytes(Path(desk.region).read_bytes())
    copy.chmod(0o600)
    with Terminal("top", "--region", str(copy), "--interval", "0.1") as top:
        top.wait_for("spot-weight")
        os.truncate(copy, 4096)
        assert top.end() == -signal.SIGBUS
        assert top.is_as_before()


def test_a_gateway_that_goes_away_is_said_so_and_comes_back():
    with tempfile.TemporaryDirectory() as folder, Sim() as sim:
        place = f"unix:{folder}/socket"

        def gateway():
            # It says nothing of a port at a socket alone: a second place tells that it listens.
            return Gateway(sim.url, Path(folder) / "r", "--listen", place, "--set", "history.path=off")

        with gateway() as first:
            fetch(first.port, "/api/v3/ping")
            with Terminal("top", "--gateway", place, "--interval", "0.1") as top:
                top.wait_for("spot-weight")
                first.kill()
                top.wait_for("NOT LIVE")
                top.wait_for(" old: ")
                assert top.shows("spot-weight")
                with gateway():
                    top.wait_for("ready")
                    eventually(lambda: not top.shows("NOT LIVE"))
                    top.press("q")
                    assert top.end() == 0


def test_one_frame_for_a_pipe(desk):
    for source in (("--region", desk.region), ("--gateway", desk.url), ("--gateway=" + desk.url,)):
        for cols in ("40", "80", "160"):
            once = subprocess.run([WEIR, "top", "--once", *source], capture_output=True, text=True, timeout=20,
                                  check=True, env={**os.environ, "COLUMNS": cols, "LANG": "C.UTF-8"})
            assert once.stderr == "" and "spot-weight" in once.stdout and "\x1b" not in once.stdout
            assert max(len(line) for line in once.stdout.splitlines()) <= int(cols)


def test_status_is_a_picture_at_a_terminal_only(desk):
    def run(cols, **env):
        with Terminal("status", "--region", desk.region, cols=cols, rows=50, env=env) as status:
            assert status.end() == 0
            return status.raw, "\n".join(status.lines)

    raw, text = run(160)
    assert "of it, and what classes may use" in text and b"\x1b[0;32m" in raw
    assert "█ ours  ▓ in flight  ▒ by others  ░ held for who waits  ~ expected of others" in text
    raw, text = run(160, NO_COLOR="1")
    assert "█ ours" in text and b"\x1b" not in raw
    _, text = run(40)
    assert "spot-weight" in text and "░ held for who waits" in text
    raw, text = run(80, TERM="dumb", LANG="C")
    assert b"\x1b" not in raw and raw.isascii() and "# ours  = in flight" in text
    plain = subprocess.run([WEIR, "status", "--region", desk.region], capture_output=True, text=True, check=True)
    assert re.search(r"^spot-weight +60s +[#+o.]{30} +\d+ of 6000 +turns in \d+ s", plain.stdout, re.M)
    assert plain.stdout.isascii()


def test_the_figures_are_those_of_the_gateway(desk):
    desk.rest()
    with Terminal("top", "--gateway", desk.url, "--interval", "0.1", rows=40, cols=120) as top:
        top.wait_for("spot-weight")

        def are_equal():
            now = json.loads(fetch(desk.port, "/weir/api/now")[2])
            top.read(0.2)
            said = {b["name"]: b["used"] for b in now["budgets"] if b["name"] in ("spot-weight", "futures-weight")}
            return said and said == {name: used for name, (used, _) in budgets_on(top).items() if name in said}

        eventually(are_equal)
        spenders = json.loads(fetch(desk.port, "/weir/api/spenders?by=client&minutes=60")[2])
        for row in spenders["rows"]:
            if row["name"] != "(weir)":
                eventually(lambda row=row: top.shows(row["name"]) and any(
                    re.match(rf"{re.escape(row['name'])}\s+{row['requests']}\s+{row['weight']}\s", line)
                    for line in top.lines))
        top.press("q")
        assert top.end() == 0


def test_a_gateway_that_wants_a_token_or_has_no_page():
    with tempfile.TemporaryDirectory() as folder, Sim() as sim:
        token = Path(folder) / "token"
        token.write_text("# of the desk\n" + "A" * 40 + "\n", encoding="ascii")
        token.chmod(0o600)

        def once(gateway, *more):
            return subprocess.run([WEIR, "top", "--once", "--gateway", gateway.url, *more], capture_output=True,
                                  text=True, timeout=20, check=False)

        with Gateway(sim.url, Path(folder) / "r", "--set", "history.path=off",
                     "--set", f"watch.token_file={token}") as gateway:
            without = once(gateway)
            assert without.returncode == 1 and "name its file with --token-file" in without.stderr
            assert "A" * 40 not in without.stderr
            assert once(gateway, "--token-file", str(token)).returncode == 0
            token.chmod(0o644)
            assert once(gateway, "--token-file", str(token)).returncode == 1
        with Gateway(sim.url, Path(folder) / "r", "--set", "history.path=off", "--set", "watch.page=off") as gateway:
            fetch(gateway.port, "/api/v3/ping")
            shown = once(gateway)
            assert shown.returncode == 0 and "spot-weight" in shown.stdout and "events" in shown.stdout


def test_a_gateway_that_hangs_is_said_so_and_time_passes_meanwhile():
    with tempfile.TemporaryDirectory() as folder, Sim() as sim, \
            Gateway(sim.url, Path(folder) / "r", "--set", "history.path=off") as gateway:
        fetch(gateway.port, "/api/v3/ping")

        def turn():
            top.read(0.02)
            found = [re.search(r"(\d+)s$", line) for line in top.lines if line.startswith("spot-raw")]
            return int(found[0].group(1)) if found and found[0] else None

        with Terminal("top", "--gateway", gateway.url, "--interval", "0.1") as top:
            top.wait_for("spot-raw")
            first = turn()
            # Nothing happens, so nothing is told; the countdown goes on all the same.
            eventually(lambda: turn() != first)
            gateway.process.send_signal(signal.SIGSTOP)
            top.wait_for("NOT LIVE")
            gateway.process.send_signal(signal.SIGCONT)
            eventually(lambda: not top.shows("NOT LIVE"))
            top.press("q")
            assert top.end() == 0
