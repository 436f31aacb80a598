"""`weir positions --watch`: through bans and outages, with a command on each event, on a terminal and on none."""
import json
import re
import signal
import subprocess
import termios
import time

import pytest
from support import WEIR, Program, eventually
from watching import WAYS, Desk, Terminal


@pytest.fixture(params=WAYS)
def desk(request, tmp_path):
    with Desk(request.param, tmp_path) as d:
        yield d


def test_it_goes_on_through_a_ban_and_says_so(desk):
    desk.market("BTCUSDT", "buy", "0.05")
    with desk.watch("--all-orders", "0") as w:
        before = w.check()
        until = int(time.time() * 1000) + 5000
        desk.sim.faults("GET /fapi/v3/positionRisk next 1 error 418 -1003 Way too many requests; IP banned until "
                        f"{until}. Please use the websocket for live updates to avoid bans.\n")
        stale = w.event("stale")
        assert "banned" in stale["why"]
        arrived = len(desk.sim.requests())
        check = w.until(lambda d: d["type"] == "check")
        assert check["weight"] == 5
        assert not check["ok"] and check["staleSinceMs"] == stale["atMs"]
        assert abs(check["retryAtMs"] - until) < 1000 and check["nextMs"] >= check["retryAtMs"]
        # What was known is still there, and it is said as of when.
        assert [p["symbol"] for p in check["positions"]] == ["BTCUSDT"]
        assert before["checkedMs"] <= check["checkedMs"] < stale["atMs"]
        time.sleep(1.5)
        assert len(desk.sim.requests()) == arrived
        fresh = w.event("fresh")
        assert fresh["atMs"] >= until
        assert w.check()["ok"] and w.events() == ["stale", "fresh"]
    book = desk.sim.pool("futures")
    assert book["duringBan"] == 0 and book["status418"] == 0


def test_people_are_told_of_a_ban_too(desk):
    desk.market("BTCUSDT", "buy", "0.05")
    watch = subprocess.Popen([WEIR, "positions", "--watch=1", *desk.where], env=desk.env, stdout=subprocess.PIPE,
                             text=True)
    try:
        while not watch.stdout.readline().startswith("BTCUSDT"):
            pass
        until = int(time.time() * 1000) + 4000
        desk.sim.faults(f"GET /fapi/v3/account next 1 error 418 -1003 Way too many requests; IP banned until {until}.\n")
        line = ""
        while not line.startswith("STALE"):
            line = watch.stdout.readline()
        clock = "[0-9]{2}:[0-9]{2}:[0-9]{2}"
        match = re.fullmatch(f"STALE since ({clock}) UTC, stopped until ({clock}), next try ({clock}); "
                             f"below is as of ({clock})\n", line)
        assert match and match[2] <= match[3] and match[4] < match[1], line
        assert "banned until" in watch.stdout.readline()
        assert watch.stdout.readline().startswith("equity ")
        while not re.match(f"{clock} fresh", line):
            line = watch.stdout.readline()
        assert re.match(f"checked {clock} UTC", watch.stdout.readline())
    finally:
        watch.terminate()
        watch.wait(10)


def test_it_goes_on_through_an_outage_and_says_so(desk):
    desk.market("BTCUSDT", "buy", "0.05")
    with desk.watch("--all-orders", "0", "--timeout", "400", "--deadline", "1500") as w:
        w.check()
        # Nobody answers: neither refused nor reset.
        desk.sim.process.send_signal(signal.SIGSTOP)
        stale = w.event("stale", seconds=60)
        assert stale["why"]
        failed = w.until(lambda d: d["type"] == "check" and not d["ok"], 60)
        again = w.until(lambda d: d["type"] == "check" and not d["ok"], 60)
        assert again["failures"] == failed["failures"] + 1 and again["staleSinceMs"] == failed["staleSinceMs"]
        assert again["weight"] in (0, 5)
        assert again["nextMs"] > again["staleSinceMs"] and again["retryAtMs"] is None
        desk.sim.process.send_signal(signal.SIGCONT)
        w.event("fresh", seconds=60)
        desk.market("BTCUSDT", "sell", "0.05")
        closed = w.event("closed", "BTCUSDT")
        assert closed["tradesWhole"]
        assert w.events() == ["stale", "fresh", "closed"]


def test_a_gateway_may_be_started_anew(tmp_path):
    with Desk("gateway", tmp_path) as desk, desk.watch("--all-orders", "0") as w:
        w.check()
        desk.gateway.kill()
        stale = w.event("stale")
        assert "Connection refused" in stale["why"] or "closed" in stale["why"]
        port = desk.gateway.port
        desk.gateway = Program("gateway", "--listen", f"127.0.0.1:{port}", "--upstream", desk.sim.url,
                               "--region", str(tmp_path / "region"))
        w.event("fresh")
        assert w.check()["ok"]


def test_what_changed_while_nobody_answered_is_told_afterwards(desk):
    desk.market("BTCUSDT", "buy", "0.05")
    with desk.watch("--all-orders", "0") as w:
        w.check()
        desk.sim.faults("GET /fapi/v3/account always reset unexecuted\n")
        w.event("stale")
        # Half a check is none: the positions that it did see were not taken over.
        desk.market("BTCUSDT", "sell", "0.05")
        w.check(ok=False)
        assert w.events() == ["stale"]
        desk.sim.faults("")
        w.event("closed", "BTCUSDT")
        assert w.events() == ["stale", "fresh", "closed"]


def test_a_command_gets_each_event(desk, tmp_path):
    out = tmp_path / "out"
    command = f'{{ printf "%s " "$WEIR_EVENT"; cat; }} >> {out}; echo noise; exit 3'
    with desk.watch("--exec", command) as w:
        w.check()
        desk.market("BTCUSDT", "buy", "0.05")
        w.event("opened")
        desk.market("BTCUSDT", "sell", "0.05")
        w.event("closed")
        eventually(lambda: out.exists() and out.read_text().count("\n") == 2)
        lines = [line.split(" ", 1) for line in out.read_text().splitlines()]
        told = [d for d in w.documents if d["type"] == "event"]
        assert [(name, json.loads(text)) for name, text in lines] == [(d["event"], d) for d in told]
        # What it prints is kept out of our documents; that it failed is said.
        eventually(lambda: 'weir: positions: the command for "closed" ended with status 3\n' in w.errors)
        assert "noise\n" in w.errors


def test_commands_that_hang_do_not_hold_up_checks(desk, tmp_path):
    desk.order("position-mode", "hedge")
    go, ran = tmp_path / "go", tmp_path / "ran"
    command = f'echo "$$" >> {ran}; while [ ! -e {go} ]; do sleep 0.1; done'
    symbols = ["BTCUSDT", "ETHUSDT", "BNBUSDT", "SOLUSDT", "LTCUSDT"]
    with desk.watch("--exec", command) as w:
        w.check()
        for symbol in symbols:
            desk.market(symbol, "buy", "10", "--position-side", "long")
            desk.market(symbol, "sell", "10", "--position-side", "short")
        eventually(lambda: w.events().count("opened") == 10, 30)
        # As many as may run at once run; the others wait.
        eventually(lambda: len(ran.read_text().split()) == 8)
        w.check()
        w.check()
        assert len(ran.read_text().split()) == 8
        children = subprocess.run(["ps", "--ppid", str(w.process.pid), "-o", "stat="], capture_output=True,
                                  text=True).stdout.split()
        assert len(children) == 8 and not any(c.startswith("Z") for c in children)
        go.touch()
        eventually(lambda: len(ran.read_text().split()) == 10)
        eventually(lambda: subprocess.run(["ps", "--ppid", str(w.process.pid), "-o", "stat="], capture_output=True,
                                          text=True).stdout == "")


def test_without_a_terminal_pages_follow_one_another(desk):
    desk.market("BTCUSDT", "buy", "0.05")
    watch = subprocess.Popen([WEIR, "positions", "--watch=1", *desk.where], env={**desk.env, "TERM": "xterm"},
                             stdout=subprocess.PIPE, text=True)
    first = watch.stdout.readline()
    assert re.fullmatch(r"checked [0-9:]{8} UTC \(weight 90\), next check [0-9:]{8}\n", first), first
    desk.market("BTCUSDT", "sell", "0.05")
    lines = []
    while not lines or "no position is open" not in lines[-1]:
        lines.append(watch.stdout.readline())
    text = "".join(lines)
    assert re.search(r"^[0-9:]{8} closed BTCUSDT long 0\.05 at \d+(\.\d+)?; realised -?[0-9.]+ in 2 trades$", text,
                     re.M), text
    assert "\033" not in text
    # Who reads has gone: so does it.
    watch.stdout.close()
    assert watch.wait(10) == 1


def test_a_table_refreshes_in_place_and_gives_the_terminal_back(desk):
    desk.market("BTCUSDT", "buy", "0.05")
    env = {**desk.env, "TERM": "xterm", "LANG": "C.UTF-8"}
    env.pop("NO_COLOR", None)
    t = Terminal([WEIR, "positions", "--watch=1", *desk.where], env)
    t.until(b"BTCUSDT")
    before = termios.tcgetattr(t.fd)
    desk.market("BTCUSDT", "sell", "0.05")
    t.until(b"closed BTCUSDT")
    t.until(b"no position is open")
    assert t.output.count(b"\033[?1049h") == 1 and b"\033[?1049l" not in t.output
    assert t.output.count(b"\033[H") >= 2 and b"\033[31mNONE" in t.output
    assert not before[3] & termios.ECHO
    assert t.end() == -signal.SIGINT
    assert t.output.rstrip().endswith(b"\033[?1049l") and b"\033[?25h" in t.output.rsplit(b"\033[J", 1)[-1]


def test_no_colour_and_a_narrow_terminal(desk):
    desk.market("BTCUSDT", "buy", "0.05")
    env = {**desk.env, "TERM": "xterm", "NO_COLOR": "1"}
    t = Terminal([WEIR, "positions", "--watch=1", *desk.where], env, columns=80)
    t.until(b"BTCUSDT  long")
    t.read(0.2)
    assert not re.search(rb"\033\[3[0-9]m", t.output)
    frame = re.sub(rb"\033\[[?0-9;]*[A-Za-z]", b"", t.output).decode()
    assert "MARGIN" not in frame and "STOP-LOSS" in frame and re.search(r"available [0-9]+\.[0-9]{2}\s", frame)
    assert max(len(line.rstrip()) for line in frame.splitlines()) <= 80, frame
    assert t.end() == -signal.SIGINT
