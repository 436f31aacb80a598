"""What happened is kept in a file and read back; what is wrong with the file is said once, and nobody waits for it."""
import contextlib
import json
import os
import shutil
import sqlite3
import stat
import subprocess
from pathlib import Path

import pytest

from books import ALICE, RESTING
from support import WEIR, Gateway, Sim, eventually, fetch, signed

# Windows that are over soon.
LIMIT = ("--limit", "spot-weight=2400/1s")
DEPTH = "/api/v3/depth?symbol=BTCUSDT&limit=500"


@pytest.fixture(name="sim")
def start_sim():
    with Sim(*LIMIT) as sim:
        yield sim


def gateway(sim, folder, history, **how):
    return Gateway(sim.url, folder / "region", "--set", f"history.path={history}", **how)


def ask(gate, client, times=1):
    for _ in range(times):
        status, _, _ = fetch(gate.port, DEPTH, headers={"X-Weir-Client": client})
        assert status == 200


def order(gate, client, times=1):
    for _ in range(times):
        status, _, body = fetch(gate.port, "/api/v3/order?" + signed(RESTING, ALICE[1], 60000), "POST",
                                headers={"X-Weir-Client": client, "X-MBX-APIKEY": ALICE[0]})
        assert status == 200, body


def knows_limit(gate):
    """From then on windows are as short as the simulator's."""
    ask(gate, "first")
    eventually(lambda: gate.logged("limit"))


def rows(path, sql):
    db = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    try:
        return db.execute(sql).fetchall()
    except sqlite3.OperationalError:
        return []
    finally:
        db.close()


def kept(path, client, table="windows"):
    found = rows(path, f"SELECT sum(requests) FROM {table} WHERE \"by\" = 2 AND name = '{client}'")
    return found[0][0] or 0 if found else 0


def history(gate, query):
    status, _, text = fetch(gate.port, f"/weir/api/history?{query}")
    return status, json.loads(text)


def shown(gate, client):
    """Weight of today, as the gateway itself reads it."""
    status, answer = history(gate, "by=client&step=day&top=64")
    return sum(sum(s["weight"]) for s in answer["series"] if s["name"] == client) if status == 200 else 0


def printed(path, *args):
    return subprocess.run([WEIR, "history", "--db", path, *args], capture_output=True, text=True, check=True).stdout


def test_it_is_printed_live_and_from_a_copy_for_people_and_programs(sim, tmp_path):
    path = tmp_path / "history.db"
    with gateway(sim, tmp_path, path) as gate:
        knows_limit(gate)
        ask(gate, "maker", 4)
        order(gate, "trader", 2)
        status, memory = history(gate, "step=window&source=memory&of=orders&top=1")
        assert status == 200 and memory["of"] == "orders" and memory["series"][0]["name"] == "trader"
        assert sum(memory["series"][0]["orders"]) == 2
        ask(gate, "poller", 2)
        eventually(lambda: kept(path, "poller"))
        status, file = history(gate, "step=day&of=orders&top=1")
        assert status == 200 and file["series"][0]["name"] == "trader" and sum(file["series"][0]["orders"]) == 2
        assert history(gate, "step=day&of=gold")[0] == 400
        told = json.loads(printed(path, "--json", "--step", "day", "--since", "1d"))
        status, shown_there = history(gate, f"step=day&from_ms={told['starts'][0]}&top=5")
        assert status == 200 and [s["weight"] for s in shown_there["series"]] == [s["weight"] for s in told["series"]]
        assert {s["name"]: s["total"]["requests"] for s in told["series"]}["maker"] == 4
        assert gate.stop() == 0
    lines = printed(path, "--csv").splitlines()
    assert lines[0] == "start,pool,client,requests,weight,orders,refused"
    assert sum(int(line.split(",")[4]) for line in lines if ",maker," in line) == 100
    picture = printed(path, "--top", "1", "--since", "10m")
    assert "A maker" in picture and "- (others)" in picture and "spot-weight by client and window" in picture
    sums = next(line for line in picture.splitlines() if line.startswith("  client "))
    assert sums.split() == ["client", "weight", "share", "requests", "orders", "errors", "retries", "429", "refused", "wait", "p99"]
    narrow = subprocess.run([WEIR, "history", "--db", path], capture_output=True, text=True, check=True,
                            env={**os.environ, "COLUMNS": "80"}).stdout
    assert max(len(line) for line in narrow.splitlines()) <= 80
    picture = printed(path, "--top", "1", "--since", "1d", "--of", "orders")
    assert picture.startswith("orders in windows of spot-weight by client and hour")
    assert "A trader" in picture and next(line for line in picture.splitlines() if "A trader" in line).split()[2:4] == ["2", "100.0%"]
    wrong = subprocess.run([WEIR, "history", "--db", path, "--of", "gold"], capture_output=True, text=True, check=False)
    assert wrong.returncode == 2 and "want weight or orders" in wrong.stderr
    # The counter of orders has windows of its own, in which a client that sent none has no row.
    own = printed(path, "--since", "1d", "--pool", "spot-orders")
    assert own.startswith("spot-orders by client and hour") and "A trader" in own and "maker" not in own
    assert dict(rows(path, "SELECT name, span FROM pools"))["spot-orders"] == 10
    assert rows(path, "SELECT sum(orders), sum(weight) FROM windows JOIN pools ON pools.id = pool WHERE pools.name = 'spot-orders' "
                "AND \"by\" = 2 AND windows.name = 'trader'") == [(2, 0)]
    # What is on is no gap.
    eventually(lambda: "still open" in printed(path, "--step", "window", "--since", "1m"))
    # A copy on a shelf that nobody may write on.
    shelf = tmp_path / "shelf"
    shelf.mkdir()
    shutil.copy(path, shelf / "copy.db")
    os.chmod(shelf / "copy.db", 0o400)
    os.chmod(shelf, 0o500)
    assert printed(shelf / "copy.db", "--csv").splitlines() == lines
    os.chmod(shelf, 0o700)


def state(gate):
    return json.loads(fetch(gate.port, "/weir/api/now")[2])["gateway"]["history"]


def test_what_the_exchange_counted_is_kept_and_read_back(sim, tmp_path):
    path = tmp_path / "history.db"
    with gateway(sim, tmp_path, path) as one, gateway(sim, tmp_path, path) as two:
        knows_limit(one)
        knows_limit(two)
        ask(one, "maker", 3)
        ask(two, "maker", 4)
        ask(two, "poller", 2)
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        eventually(lambda: rows(path, "SELECT 1 FROM windows WHERE name = 'poller'"))
        status, answer = history(one, "by=client&step=hour&pool=spot-weight")
        assert status == 200 and answer["step_ms"] == 3600000 and len(answer["starts"]) in (24, 25)
        # In order: what is on is written too.
        assert one.stop() == 0 and two.stop() == 0
    assert {table: (kept(path, "maker", table), kept(path, "poller", table)) for table in ("windows", "hours", "days")} == {
        table: (7, 2) for table in ("windows", "hours", "days")}
    weight = rows(path, 'SELECT sum(weight) FROM days WHERE "by" = 0')[0][0]
    answers = [r for r in sim.requests(200) if r["status"] == 200]
    assert weight == sum(r["status"] == 200 and (25 if "depth" in r["target"] else 20 if "Info" in r["target"] else 1)
                         for r in answers)
    # Another one knows what was before it.
    with gateway(sim, tmp_path, path) as gate:
        status, answer = history(gate, "by=client&step=day&top=3")
        assert status == 200, answer
        series = {s["name"]: sum(s["weight"]) for s in answer["series"]}
        assert series["maker"] == 175 and series["poller"] == 50
        assert history(gate, "step=hour&pool=none")[0] == 404
        assert history(gate, "step=window&from_ms=0")[0] == 400
        assert history(gate, "step=week")[0] == 400


def test_without_a_path_nothing_is_written_unless_a_service_manager_gives_a_folder(sim, tmp_path):
    home = tmp_path / "home"
    home.mkdir()
    env = {"HOME": str(home), "XDG_STATE_HOME": "", "STATE_DIRECTORY": "", "WEIR_HISTORY": ""}
    with Gateway(sim.url, tmp_path / "region", env=env) as gate:
        ask(gate, "maker")
        assert state(gate) == "off"
        assert gate.stop() == 0
    assert not list(home.rglob("*"))
    given = tmp_path / "state"
    given.mkdir()
    # It was given to the shell that started the tests, perhaps.
    with Gateway(sim.url, tmp_path / "region", env={**env, "STATE_DIRECTORY": str(given), "SYSTEMD_EXEC_PID": "1"}) as gate:
        assert state(gate) == "off"
    as_systemd = ["/bin/sh", "-c", 'SYSTEMD_EXEC_PID=$$ exec "$@"', "sh"]
    with Gateway(sim.url, tmp_path / "region", env={**env, "STATE_DIRECTORY": f"{given}:/elsewhere"},
                 before=as_systemd) as gate:
        ask(gate, "maker")
        assert gate.stop() == 0
    assert kept(given / "history.db", "maker") == 1
    with Gateway(sim.url, tmp_path / "region", env={**env, "WEIR_HISTORY": "on"}) as gate:
        ask(gate, "maker")
        assert gate.stop() == 0
    assert kept(home / ".local/state/weir/history.db", "maker") == 1


def disk(folder, size):
    """A command before which a small file system of its own is mounted at @folder; skips where that is not possible."""
    before = ["unshare", "-m", "sh", "-c", f"mount -t tmpfs -o size={size} weir {folder} && exec \"$@\"", "sh"]
    if subprocess.run([*before, "true"], capture_output=True, check=False).returncode != 0:
        pytest.skip("nothing can be mounted here")
    return before


def inside(gate, path):
    """What the gateway sees at @path: its file systems are its own."""
    return Path(f"/proc/{gate.process.pid}/root{path}")


def fill(path):
    with open(path, "wb", buffering=0) as file, contextlib.suppress(OSError):
        while file.write(b"x" * 4096):
            pass


def test_a_full_disk_is_said_once_and_history_goes_on_when_there_is_room(sim, tmp_path):
    folder = tmp_path / "disk"
    folder.mkdir()
    path = folder / "history.db"
    with gateway(sim, tmp_path, path, before=disk(folder, "1m")) as gate:
        knows_limit(gate)
        ask(gate, "before")
        eventually(lambda: shown(gate, "before") == 25)
        fill(inside(gate, folder / "filler"))

        def is_said():
            # The log may have room that it had before: some windows still fit into that.
            ask(gate, "somebody")
            return gate.logged("history_failed")

        eventually(is_said, 20)
        assert "disk is full" in gate.logged("history_failed")[0] and str(path) in gate.logged("history_failed")[0]
        ask(gate, "meanwhile", 3)
        inside(gate, folder / "filler").unlink()
        eventually(lambda: gate.logged("history_works"), 20)
        eventually(lambda: shown(gate, "meanwhile") == 75 and shown(gate, "before") == 25)
        assert len(gate.logged("history_failed")) == 1 and len(gate.logged("history_works")) == 1


@pytest.mark.parametrize("what", ["missing", "theirs"])
def test_a_file_that_cannot_be_used_is_said_once_and_found_again(sim, tmp_path, what):
    path = tmp_path / "folder" / "history.db"
    if what == "theirs":
        path.parent.mkdir()
        path.write_text("a letter, and no database\n" * 50)
    with gateway(sim, tmp_path, path) as gate:
        knows_limit(gate)
        ask(gate, "maker", 5)
        eventually(lambda: gate.logged("history_failed"))
        remedy = {"missing": "make its folder", "theirs": "move this one away"}[what]
        assert remedy in gate.logged("history_failed")[0] and state(gate) == "failed"
        assert b'weir_history_state{state="failed"} 1' in fetch(gate.port, "/weir/metrics")[2]
        if what == "missing":
            path.parent.mkdir()
        else:
            assert path.read_text().startswith("a letter")
            path.rename(tmp_path / "letter")
        eventually(lambda: gate.logged("history_works"), 15)
        eventually(lambda: kept(path, "maker") == 5)
        assert len(gate.logged("history_failed")) == 1 and state(gate) == "on"
        if what == "missing":
            # A file that somebody deletes is begun anew.
            path.unlink()
            ask(gate, "later")
            eventually(lambda: path.exists() and kept(path, "later") == 1)
        assert gate.stop() == 0


def test_a_read_only_file_system_is_said_once(sim, tmp_path):
    folder = tmp_path / "disk"
    folder.mkdir()
    before = disk(folder, "1m")
    before[4] = before[4].replace("&& exec", f"&& mount -o remount,ro {folder} && exec")
    with gateway(sim, tmp_path, folder / "history.db", before=before) as gate:
        knows_limit(gate)
        ask(gate, "maker", 5)
        eventually(lambda: gate.logged("history_failed"))
        assert "Read-only file system" in gate.logged("history_failed")[0]
        ask(gate, "maker", 5)
        assert gate.stop() == 0
        assert len(gate.logged("history_failed")) == 1
