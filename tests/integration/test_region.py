"""weir region: what it shows and finds, of a region in use, after a crash, and of files that are none."""
import fcntl
import http.client
import json
import os
import random
import re
import shutil
import signal
import stat
import struct
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from support import IS_SANITIZED, ROOT, WEIR, Gateway, Sim, eventually, fetch

# As docs/region.md draws them; a test of core compares it with the structs.
def fields(title):
    page = (ROOT / "docs" / "region.md").read_text(encoding="utf-8")
    return {name: (int(at), int(n)) for at, n, name in
            re.findall(r"^\| (\d+) \| (\d+) \| `([a-z_]+)`", page.split(f"\n## {title}\n")[1].split("\n## ")[0], re.M)}


FIELDS, EGRESS = fields("Header"), fields("Egress")
EGRESSES, EGRESS_SIZE, HOMES = 4096, 768, 16384
HEADER, SLOT, SLOTS = 20480, 576, 2048
HOSTS, LEASE = 640, 192
SIZE = HEADER + SLOT * SLOTS + HOSTS + LEASE * SLOTS


def weir(*args):
    return subprocess.run([WEIR, *map(str, args)], capture_output=True, text=True, timeout=30, check=False)


def check(region):
    result = weir("region", "check", "--json", "--region", region)
    assert result.returncode in (0, 1), result
    found = json.loads(result.stdout)
    assert found["clean"] == (result.returncode == 0) == (found["findings"] == [])
    return found


def texts(region):
    return [f"{f['where']}: {f['text']}" for f in check(region)["findings"]]


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A region as a killed gateway leaves it, with something of every kind in it."""
    folder = tmp_path_factory.mktemp("made")
    config = folder / "weir.yaml"
    config.write_text("accounts:\n  desk:\n    keys: [AKeyThatIsNamed]\n", encoding="utf-8")
    pacing = {"BINANCE_RATE_LIMIT_RPM": "6000", "BINANCE_RATE_LIMIT_BURST": "100"}
    with Sim() as sim, Gateway(sim.url, folder / "region", "--config", config, env=pacing) as gateway:
        for path in ("/fapi/v1/depth?symbol=BTCUSDT", "/api/v3/time", "/sapi/v1/system/status") * 3:
            assert fetch(gateway.port, path)[0] == 200
        gateway.kill()
    return folder / "region"


@pytest.fixture
def region(made, tmp_path):
    return shutil.copy(made, tmp_path / "region")


def patch(region, at, value):
    with open(region, "r+b") as f:
        f.seek(at)
        f.write(struct.pack("<Q", value & (2**64 - 1)))


def word(region, at):
    with open(region, "rb") as f:
        f.seek(at)
        return struct.unpack("<Q", f.read(8))[0]


def slot_of(region, **wanted):
    """The offset of the first budget, key or bucket with these values."""
    shown = json.loads(weir("region", "show", "--json", "--region", region).stdout)
    for kind in ("budgets", "keys", "pacing", "evidence"):
        for row in shown[kind]:
            if all(row.get(name) == value for name, value in wanted.items()):
                return HEADER + SLOT * row["slot"]
    raise AssertionError(wanted)


def test_a_dead_gateways_region_is_shown_whole(made):
    before = made.read_bytes(), made.stat().st_mtime_ns
    result = weir("region", "show", "--region", made)
    assert (result.returncode, result.stderr) == (0, "")
    for text in ("futures-weight 1m, the address", "GET /sapi/v1/system/status", "nobody uses it now",
                 "6000 a minute, burst 100", "of account desk", "costs seen", "GET /api/v3/time"):
        assert text in result.stdout, result.stdout
    shown = json.loads(weir("region", "show", "--json", "--region", made).stdout)
    assert shown["state"] == "good" and shown["users"] == [] and shown["bytes"] == SIZE
    # Every word of the header that is not 0 is there as it is.
    for name, (at, n) in FIELDS.items():
        if at >= 128 and name in shown["words"]:
            words = {str(i): f"{word(made, at + 8 * i):016x}" for i in range(n // 8)}
            assert shown["words"][name] == {i: w for i, w in words.items() if int(w, 16)}
    weight = next(b for b in shown["budgets"] if b["name"] == "futures-weight")
    now = next(w for w in weight["windows"] if w["sent"])
    assert now["shown"] == now["sent"] + now["extra"] and now["flying"] == 0
    # And of each slot in use.
    for budget in shown["budgets"]:
        kept, at = shown["sections"]["slots"][str(budget["slot"])], HEADER + SLOT * budget["slot"]
        assert kept["key"]["0"] == f"{word(made, at):016x}" and budget["offset"] == at
        assert kept["cells"] == {str(i): f"{word(made, at + 64 + 8 * i):016x}" for i in range(64)
                                 if word(made, at + 64 + 8 * i)}
    assert {c["key"]: c["name"] for c in shown["keys"]}.popitem()[1] == "desk"
    assert shown["slots"]["used"] == sum(len(shown[k]) for k in ("budgets", "pacing", "keys", "evidence")) + \
        shown["slots"]["anchors"]
    assert check(made)["clean"] and "every byte is one that can be" in weir("region", "check", "--region", made).stdout
    assert (made.read_bytes(), made.stat().st_mtime_ns) == before


def test_of_a_region_in_use_every_look_is_clean_and_nobody_is_disturbed(tmp_path):
    with Sim() as sim, Gateway(sim.url, tmp_path / "region") as gateway, \
            Gateway(sim.url, tmp_path / "region") as other:
        stop, statuses = threading.Event(), []

        def work(port):
            while not stop.is_set():
                statuses.append(fetch(port, "/api/v3/time")[0])

        threads = [threading.Thread(target=work, args=(port,)) for port in (gateway.port, other.port) * 2]
        for thread in threads:
            thread.start()
        try:
            found = [check(tmp_path / "region") for _ in range(25)]
            shown = json.loads(weir("region", "show", "--json", "--region", tmp_path / "region").stdout)
        finally:
            stop.set()
            for thread in threads:
                thread.join()
        assert all(f["clean"] for f in found), found
        assert set(shown["users"]) == {gateway.process.pid, other.process.pid}
        assert set(statuses) == {200}


def test_a_region_that_is_deleted_under_a_gateway_is_said_once(tmp_path):
    with Sim() as sim, Gateway(sim.url, tmp_path / "region") as gateway:
        (tmp_path / "region").unlink()
        eventually(lambda: gateway.logged("region_deleted"))
        assert "share no budget with this one" in gateway.logged("region_deleted")[0]
        assert fetch(gateway.port, "/api/v3/time")[0] == 200
        time.sleep(1.2)
        assert len(gateway.logged("region_deleted")) == 1


@pytest.mark.parametrize("form", ["logfmt", "json"])
def test_a_region_that_is_cut_short_under_a_gateway_ends_it_with_a_word(tmp_path, form):
    region = tmp_path / "region"
    with Sim() as sim, Gateway(sim.url, region, "--set", f"log.format={form}") as gateway:
        assert fetch(gateway.port, "/api/v3/time")[0] == 200
        os.truncate(region, 4096)
        try:
            fetch(gateway.port, "/api/v3/time")
        except OSError:
            pass
        except http.client.HTTPException:
            pass
        assert gateway.process.wait(60) == -signal.SIGBUS
        said = [line for line in gateway.lines if "cut short" in line]
        assert len(said) == 1, gateway.lines
        text = json.loads(said[0])["text"] if form == "json" else said[0].removeprefix("weir: ")
        assert text.startswith(f"region {region}: was cut short while it was in use"), said
        assert "stop all that use it and move it away" in text
        # And the next one says what is wrong with it.
        refused("gateway", region, "is cut short or of another version")


# What is written where, in a copy of a good region, and what is said of it.
def broken():
    def header(name, index, value, says):
        return pytest.param(lambda _: FIELDS[name][0] + 8 * index, value, says, id=f"{name}[{index}]")

    def egress(i, name, index, value, says):
        return pytest.param(lambda _: EGRESSES + EGRESS_SIZE * i + EGRESS[name][0] + 8 * index, value, says,
                            id=f"egress {i} {name}[{index}]")

    def budget(name, at, value, says):
        return pytest.param(lambda r: slot_of(r, name="futures-weight") + at, value, says, id=f"budget {name}")

    def other(kind, wanted, at, value, says):
        return pytest.param(lambda r: slot_of(r, **wanted) + at, value, says, id=f"{kind} {at}")

    return [
        header("magic", 0, 1, "file: the magic is damaged"),
        header("table_hash", 0, 1, "header table_hash: was made for other endpoint tables"),
        header("born_ms", 0, 5, "header born_ms: 5 is no time to be made"),
        header("spare_certificate", 3, 1, "header spare_certificate[3]: is 0x1: a spare word is 0"),
        header("ceilings", 0, 0xff, "header ceilings: is 0xff: no set of shares"),
        egress(0, "gates", 1, 3, "egresses[0] gates[1]: is 0x3: no gate has phase 3 and kind 0"),
        egress(15, "gates", 2, 0x71, "no gate has phase 1 and kind 7"),
        egress(2, "gates", 0, 1, "egresses[2] gates[0]: is 0x1: its time is none"),
        header("clocks", 0, 1, "an exchange whose clock is"),
        header("clocks", 7, 1, "there is no product of this number"),
        header("clocks", 8, 2**50, "measured at a time that has not come"),
        header("clocks", 12, 1790000000000, "says when a clock was measured that never was"),
        header("pools", 255, 60000 << 32 | 5, "there is no pool of this number"),
        header("pools", 1, 60000 << 32 | 5, "a second window of 60000 ms in pool 0"),
        header("pools", 1, 60000 << 32, "no window of the exchange"),
        header("counters", 63, 1, "header counters[63]: is 0x1: nothing is counted here"),
        header("counters", 0, 2**63, "nothing happens so often"),
        header("exchanges", 9, 1, "there is no product of this number"),
        header("rules", 7, 1, "there is no rule of this number"),
        header("rules", 0, 1, "no rule of breakers"),
        pytest.param(lambda _: HOMES + 8, 0x1200, "homes[1] home: is 0x1200: the home of a client at no address",
                     id="home at none"),
        pytest.param(lambda _: HOMES + 8 * 511, 0x1203, "at an address that nobody has named", id="home at nobody's"),
        egress(0, "breakers", 0, 3 << 62, "no state of a breaker"),
        egress(0, "breakers", 7, 1, "there is no product of this number"),
        egress(1, "fronts", 1, 2**63, "egresses[1] fronts[1]: is 0x8000000000000000: no time"),
        header("weights", 1, 2000, "slots of evidence are said"),
        header("weights", 5, 1, "nothing is counted here"),
        budget("key", 0, 12345, "slot"),
        budget("shut", 8, 2**60, "shut until a time that is none"),
        budget("pool", 16, 999 << 32 | 60000, "there is no pool 999"),
        budget("trip", 32, 2**20 - 1, "trip: is 1048575: nothing is on its way for so long"),
        budget("look", 56, 2**63, "look: is 0x8000000000000000: a time that is none"),
        other("free slot", {"name": "futures-weight"}, 0, 0, "where a free slot keeps nothing"),
        other("pacing", {"burst": 100}, 64, 2**63, "the bucket is full again at a time that is none"),
        other("pacing", {"burst": 100}, 72, 7, "cell 0: is 0x7, where a pacing bucket keeps nothing"),
        other("key", {"name": "desk"}, 72, 2, "neither that both are charged nor that one is"),
        other("key", {"name": "desk"}, 128, 0x80, "the account's name has a byte 0x80"),
        other("key", {"name": "desk"}, 504, 1, "where a key keeps nothing"),
    ]


@pytest.mark.parametrize("at, value, says", broken())
def test_a_word_that_cannot_be_is_named_with_its_place(region, at, value, says):
    offset = at(region)
    patch(region, offset, value)
    found = check(region)["findings"]
    assert any(says in f"{f['where']}: {f['text']}" for f in found), found
    assert any(f["offset"] == offset or value == 0 or f["where"] == "file" for f in found)
    # In words for people, with the offset, and no less shown for it.
    said = weir("region", "check", "--region", region)
    assert said.returncode == 1 and found[0]["text"] in said.stdout
    assert weir("region", "show", "--region", region).returncode in (0, 1)


def test_a_cell_of_what_cannot_be_is_named(region):
    slot = slot_of(region, name="futures-weight")
    cell = next(slot + 64 + 32 * i for i in range(16) if word(region, slot + 64 + 32 * i))
    was = word(region, cell)
    patch(region, cell, was & ~(2**44 - 1) | 2 << 22 | 3)
    assert "3 are flying of 2 that were sent" in texts(region)[0]
    # Six rounds of the ring ahead: nobody may write there until then.
    patch(region, cell, was + (6 << 44))
    assert re.search(r"cell \d+: sent is of a window \d+ s ahead of all that can be: .*-ESTALE", texts(region)[0])
    patch(region, cell, was)
    assert check(region)["clean"]


def test_what_is_shared_with_other_hosts_is_shown_and_held_against_what_can_be(region):
    hosts = SIZE - SLOTS * LEASE - HOSTS
    patch(region, FIELDS["sharing"][0], 1)
    budget = slot_of(region, name="futures-weight")
    lease = hosts + HOSTS + (budget - HEADER) // SLOT * LEASE
    patch(region, lease, 700 << 32 | 700)
    patch(region, hosts + 32, int(time.time() * 1000) + 60000)
    patch(region, hosts + 40, 2)
    shown = json.loads(weir("region", "show", "--json", "--region", region).stdout)
    assert shown["hosts"]["seen"] == 2 and shown["hosts"]["host"] != "0" * 16
    window = next(b for b in shown["budgets"] if b["name"] == "futures-weight")["windows"][-1]
    assert window["cap"] == 700 and check(region)["clean"]
    assert "of which this host may 700" in weir("region", "show", "--region", region).stdout
    for at, value, says in ((FIELDS["sharing"][0], 2, "header sharing: is 0x2"), (hosts + 64, 1, "hosts waits_ms: is 0x1: no time"),
                            (hosts + 72, 1, "hosts refused_ms: is 0x1: no time"), (hosts + 80, 1, "a spare word is 0"),
                            (hosts + 128 + 8, 5, "a host stands behind the end of the list"),
                            (hosts, 0, "this host has no number"), (lease, 700, "and was 0 before it was lowered"),
                            (lease + 24, 1, "a spare word is 0"), (lease + 64, 5 << 22 | 4, "cap 0 is 5, and was 4")):
        was = word(region, at)
        patch(region, at, value)
        assert any(says in text for text in texts(region)), (says, texts(region))
        patch(region, at, was)
    free = next(i for i in range(SLOTS) if word(region, HEADER + SLOT * i) == 0)
    patch(region, hosts + HOSTS + free * LEASE, 1)
    assert "and its slot is no budget" in texts(region)[0]


def test_a_slot_that_nobody_finds_is_named(region):
    at = slot_of(region, name="futures-weight")
    data = bytearray(open(region, "rb").read())
    free = next(HEADER + SLOT * i for i in range(SLOTS - 1, 0, -1) if not any(data[HEADER + SLOT * i:][:SLOT]))
    data[free:free + SLOT], data[at:at + SLOT] = data[at:at + SLOT], bytes(SLOT)
    open(region, "wb").write(data)
    assert any("nobody finds it" in text for text in texts(region))


@pytest.mark.parametrize("size", [1, 100, 4095, 4096, 5000, SIZE // 2, SIZE - 1])
def test_a_file_that_is_cut_short_is_read_as_far_as_it_goes(region, size):
    os.truncate(region, size)
    found = texts(region)
    assert ("is cut short" if size >= 128 else "is no region of weir") in found[0] or size == 100 and found, found
    shown = weir("region", "show", "--region", region)
    assert shown.returncode == 1 and f"{size} bytes" in shown.stdout


def test_files_that_are_none_are_told_apart(region, tmp_path):
    assert check(region)["clean"]
    with open(region, "ab") as f:
        f.write(b"more")
    assert "has 4 bytes more" in texts(region)[0]
    os.truncate(region, SIZE)
    patch(region, 8, 3 | HEADER << 32)
    assert "is of version 3" in texts(region)[0] and check(region)["state"] == "other version"
    patch(region, 0, 0)
    assert check(region)["state"] == "unfinished"
    for text, state in ((b"", "unfinished"), (bytes(SIZE), "unfinished"), (b"a poem\n" * 999, "foreign")):
        (tmp_path / "file").write_bytes(text)
        assert check(tmp_path / "file")["state"] == state
        assert weir("region", "show", "--region", tmp_path / "file").returncode == 1
    os.chmod(region, 0o666)
    assert any("may be written by everybody" in text for text in texts(region))
    (tmp_path / "link").symlink_to(region)
    for path, says in ((tmp_path / "none", "No such file or directory"), (tmp_path, "Is a directory"),
                       (tmp_path / "link", "it is a symbolic link; name the file it leads to, or name another region with --region")):
        for action in ("show", "check"):
            result = weir("region", action, "--region", path)
            assert (result.returncode, result.stdout) == (2, "") and result.stderr.startswith("weir: region ")
            assert says in result.stderr


def test_whatever_is_in_a_file_is_read_to_its_end(region):
    seed = int(os.environ.get("WEIR_REGION_SEED", "0")) or random.randrange(2**32)
    print("WEIR_REGION_SEED =", seed)
    dice = random.Random(seed)
    good = open(region, "rb").read()
    used = [HEADER + SLOT * i for i in range(SLOTS) if any(good[HEADER + SLOT * i:][:8])]
    for _ in range(25):
        data = bytearray(good)
        for _ in range(dice.choice((1, 3, 400))):
            at = dice.choice((dice.randrange(128, HEADER), dice.choice(used) + dice.randrange(SLOT), dice.randrange(128, SIZE)))
            data[at] ^= 1 << dice.randrange(8)
        open(region, "wb").write(data)
        check(region)
        shown = weir("region", "show", "--json", "--region", region)
        assert shown.returncode in (0, 1) and json.loads(shown.stdout)["bytes"] == SIZE
        assert weir("region", "show", "--region", region).returncode == shown.returncode


# What every program says of a file that it cannot use.

USER = os.environ.get("WEIR_LIBRARY_USER", str(ROOT / "build" / "library" / "library_user"))
PYTHON = ("import sys, weir\ntry:\n    weir.GlobalRateLimiter(region=sys.argv[1])\n"
          "except Exception as error:\n    sys.exit(f'{type(error).__name__}: {error}')")
FACES = {
    "gateway": lambda region: [WEIR, "gateway", "--listen", "127.0.0.1:0", "--upstream", "http://127.0.0.1:1",
                               "--no-discovery", "--region", region],
    "order": lambda region: [WEIR, "order", "positions", "--base", "http://127.0.0.1:1", "--region", region],
    "library": lambda region: [USER, region, "reserve", "GET", "/api/v3/time", ""],
    "python": lambda region: [sys.executable, "-c", PYTHON, region],
}
# An interpreter without a sanitizer loads no library with one.
if IS_SANITIZED:
    del FACES["python"]


def start_face(face, region, before=(), **options):
    keys = {"BINANCE_API_KEY": "key", "BINANCE_API_SECRET": "secret", "PYTHONPATH": str(ROOT / "python"),
            "WEIR_LIBRARY": os.environ.get("WEIR_LIBRARY", str(Path(USER).parents[1] / "libweir.so"))}
    return subprocess.Popen([*before, *map(str, FACES[face](region))], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                            text=True, env={**os.environ, **keys}, **options)


def refused(face, region, says, before=(), **options):
    """It ends at once, with a sentence about this file."""
    process = start_face(face, region, before, **options)
    try:
        out, _ = process.communicate(timeout=20)
    finally:
        process.kill()
    assert process.returncode not in (0, -9), (face, out)
    assert says in out and str(region) in out, (face, out)
    return out


def other_version(region):
    patch(region, 8, 3 | HEADER << 32)


def other_table(region):
    patch(region, FIELDS["table_hash"][0], 1)


def cut_short(region):
    os.truncate(region, SIZE // 2)


def longer(region):
    os.truncate(region, SIZE + 1)


def damaged(region):
    patch(region, 0, 1)


def torn(region):
    """As pages of different times are, after a power cut."""
    at = slot_of(region, name="futures-weight")
    with open(region, "r+b") as f:
        f.seek(at)
        f.write(bytes(32))


def foreign(region):
    open(region, "wb").write(b"a poem\n" * 999)


def open_to_all(region):
    os.chmod(region, 0o666)


def open_to_its_group(region):
    os.chmod(region, 0o660)


def a_pipe(region):
    os.remove(region)
    os.mkfifo(region, 0o600)


def a_link(region):
    os.rename(region, str(region) + "-real")
    os.symlink(str(region) + "-real", region)


def a_folder(region):
    os.remove(region)
    os.mkdir(region)


# Who only looks.
LOOKS = (["status"], ["status", "--json"], ["top", "--once"], ["region", "show"])
REFUSALS = [
    (other_version, "was made by another version of weir; stop the programs that use it and delete it"),
    (other_table, "was made for other endpoint tables; stop the programs that use it and delete it"),
    (cut_short, "is cut short or of another version; stop the programs that use it and delete it"),
    (damaged, "is not a region of weir, or is damaged: if it was one, move it away; else name another region"),
    (torn, "is damaged: slot "),
    (longer, "is cut short or of another version; stop the programs that use it and delete it"),
    (foreign, "is not a region of weir, or is damaged: if it was one, move it away; else name another region"),
    (open_to_all, "may be written by everybody; chmod 600 it"),
    (open_to_its_group, "may be written by its group; chmod 600 it"),
    (a_link, "it is a symbolic link; name the file it leads to, or name another region"),
    (a_folder, "Is a directory; name another region"),
    (a_pipe, "is not a file; name another region"),
]


def name_of(value):
    return getattr(value, "__name__", "")


@pytest.mark.parametrize("how, says", REFUSALS, ids=name_of)
def test_who_only_looks_is_told_what_every_program_would_say(region, how, says):
    how(region)
    for command in LOOKS:
        result = weir(*command, "--region", region)
        lines = result.stderr.splitlines()
        is_none = command[0] == "region" and (region.is_symlink() or not region.is_file())
        assert result.returncode == (2 if is_none else 1), (command, result)
        assert len(lines) == 1 and lines[0].startswith(f"weir: region {region}: ") and says in lines[0], (command, result)
        # What can be mapped is drawn all the same, for who has to find out what happened.
        if how in (torn, open_to_all, open_to_its_group, other_table):
            assert "spot-weight" in result.stdout, (command, result)
    result = weir("check", "--weights", "--region", region)
    assert result.returncode in (1, 2) and says in result.stderr, result
    assert weir("region", "check", "--region", region).returncode in (1, 2)


def test_a_single_bit_of_a_key_and_many_anywhere_are_not_passed_over(region):
    good = region.read_bytes()
    patch(region, slot_of(region, name="futures-weight"), word(region, slot_of(region, name="futures-weight")) ^ 1 << 17)
    bit = weir("status", "--region", region)
    region.write_bytes(good)
    assert (bit.returncode, bit.stderr.count("is damaged: slot ")) == (1, 1), bit
    dice, data = random.Random(7), bytearray(good)
    for _ in range(400):
        data[dice.randrange(HEADER, HEADER + SLOT * SLOTS)] ^= 1 << dice.randrange(8)
    region.write_bytes(data)
    many = weir("status", "--region", region)
    assert many.returncode == 1 and "is damaged: slot " in many.stderr, many
    refused("gateway", region, "is damaged: slot ")


@pytest.mark.parametrize("face", FACES)
@pytest.mark.parametrize("how, says", REFUSALS, ids=name_of)
def test_what_no_program_can_use_is_refused_and_left_alone(region, face, how, says):
    how(region)
    before = os.lstat(region).st_mtime_ns, os.path.isfile(region) and open(region, "rb").read()
    refused(face, region, says)
    assert (os.lstat(region).st_mtime_ns, os.path.isfile(region) and open(region, "rb").read()) == before


def test_a_region_that_nobody_finished_is_built_anew_by_each(tmp_path):
    for number, text in enumerate((b"", bytes(100), bytes(SIZE), bytes(8) + b"what a dead creator left" * 9)):
        for face in {"library", "python"} & set(FACES):
            region = tmp_path / f"{number}-{face}"
            region.write_bytes(text)
            os.chmod(region, 0o600)
            process = start_face(face, region)
            assert process.wait(20) == 0, process.stdout.read()
            found = check(region)
            assert found["clean"], found


@pytest.mark.skipif(os.geteuid() != 0, reason="another user's file takes root")
@pytest.mark.parametrize("face", ["gateway", "library"])
def test_another_users_region_is_refused(region, face):
    os.chown(region, 12345, 12345)
    os.chmod(region, 0o644)
    for folder in (region.parent, *region.parent.parents):
        if folder.stat().st_uid == 0 and not folder.stat().st_mode & 0o001:
            os.chmod(folder, folder.stat().st_mode | 0o011) if "pytest" in str(folder) else pytest.skip(f"{folder} is closed")
    if not all(Path(p).stat().st_mode & 0o001 for p in Path(WEIR).resolve().parents):
        pytest.skip("the program is where nobody else may look")
    refused(face, region, "Permission denied; name another region", user=65534, group=65534, extra_groups=[])
    os.chmod(region, 0o646)
    refused(face, region, "belongs to another user; run as that user or name another region", user=65534, group=65534,
            extra_groups=[])


def mounted(folder, options, then=""):
    """Of a command before which a small file system of its own is mounted at the folder; None: not possible here."""
    line = (f"mount -t tmpfs -o {options} weir {folder} && {then or 'true'} || exit 125; "
            f"\"$@\"; r=$?; ls -A {folder} | sed 's/^/left: /'; exit $r")
    before = ["unshare", "-m", "sh", "-c", line, "sh"]
    possible = subprocess.run([*before, "true"], capture_output=True, check=False).returncode == 0
    return before if possible else pytest.skip("nothing can be mounted here")


@pytest.mark.parametrize("face", FACES)
def test_a_full_or_read_only_disk_is_said_and_nothing_is_left(tmp_path, face):
    folder = tmp_path / "disk"
    folder.mkdir()
    said = refused(face, folder / "region", f"cannot reserve its {SIZE} bytes: No space left on device; make room or "
                   "name another region", mounted(folder, "size=200k"))
    assert "left: " not in said
    refused(face, folder / "region", "Read-only file system; name another region",
            mounted(folder, "size=4m", f"mount -o remount,ro {folder}"))


def test_a_creator_who_stands_still_holds_nobody_up_for_ever(tmp_path):
    region = tmp_path / "region"
    with open(region, "wb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        waiting = {face: start_face(face, region) for face in FACES}
        for face, process in waiting.items():
            out, _ = process.communicate(timeout=30)
            assert process.returncode not in (0, None), (face, out)
            assert "is being made by another program, which stands still" in out and str(region) in out, (face, out)
    process = start_face("library", region)
    assert process.wait(20) == 0 and check(region)["clean"]


def test_under_a_service_manager_the_default_is_the_state_folder(tmp_path):
    state, runtime = tmp_path / "state", tmp_path / "run"
    state.mkdir(mode=0o750)
    runtime.mkdir(mode=0o700)
    env = {"STATE_DIRECTORY": f"{state}:/elsewhere", "XDG_RUNTIME_DIR": str(runtime), "WEIR_REGION": "", "WEIR_HISTORY": "off"}
    # As systemd does it: of the process that it starts, and of no other.
    as_systemd = ["/bin/sh", "-c", 'SYSTEMD_EXEC_PID=$$ exec "$@"', "sh"]
    with Sim() as sim:
        for _ in range(2):
            with Gateway(sim.url, "", env=env, before=as_systemd) as gateway:
                assert fetch(gateway.port, "/api/v3/time")[0] == 200
                assert gateway.stop() == 0
            assert {f.name for f in state.iterdir()} == {"region"} and not list(runtime.iterdir())
    assert stat.S_IMODE((state / "region").stat().st_mode) == 0o600

    def shown(**more):
        result = subprocess.run([*as_systemd, WEIR, "status", "--json"] if not more else [WEIR, "status", "--json"],
                                capture_output=True, text=True, timeout=30, check=False, env={**os.environ, **env, **more})
        return result.returncode, result.stdout, result.stderr

    code, out, _ = shown()
    assert code == 0 and json.loads(out)["region"] == str(state / "region")
    # It was given to the shell that started this one.
    code, _, err = shown(SYSTEMD_EXEC_PID="1")
    assert code == 1 and f"region {runtime}/weir/region: cannot open it: No such file or directory" in err
