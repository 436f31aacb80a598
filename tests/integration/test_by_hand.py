"""What an operator has paused and set is so after a restart and a kill -9: kept beside the region, whole or not at all."""
import http.client
import json
import os
import signal
import subprocess
import threading

import pytest
from support import WEIR, Gateway, Program, Sim, eventually, fetch
from test_watch_actions import Asking, act, now
from watchers import ACT, tokens

PING = "/api/v3/ping"
DEPTH = "/api/v3/depth?symbol=BTCUSDT&limit=5"


@pytest.fixture(scope="module", name="sim")
def start_sim():
    with Sim() as sim:
        yield sim


class Desk:
    """One gateway after the other at one place."""

    def __init__(self, sim, folder):
        self.sim, self.folder, self.gates = sim, folder, folder / "gates"
        self.gates.mkdir()
        # A place that it has again; a port that was its own may be another's when it comes back.
        place = f"unix:{self.gates}/gate"
        self.config = tokens(folder, action_token_file=ACT)
        self.command = ["gateway", "--listen", place, "--listen", "127.0.0.1:0", "--upstream", sim.url, "--region", str(folder / "region"),
                        "--config", str(self.config)]
        self.file = folder / f"region@{place.replace('/', '_')}.by-hand"

    def open(self, *args):
        return Program(*self.command, *args)

    def refused(self):
        done = subprocess.run([WEIR, *self.command], capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode != 0
        return done.stderr


@pytest.fixture(name="desk")
def make_desk(sim, tmp_path):
    return Desk(sim, tmp_path)


def paused(gateway):
    return now(gateway)["paused"]


@pytest.mark.parametrize("how", ["in order", "kill -9"])
def test_a_pause_goes_on_after_a_restart(desk, how):
    with desk.open() as gateway:
        fetch(gateway.port, PING)
        act(gateway, "pause", **{"class": "market"})
        done = act(gateway, "pause", client="bot", cancels=True)["done"]
        act(gateway, "pause", client="brief")
        act(gateway, "resume", client="brief")
        act(gateway, "share", client="maker", share=3)
        assert "ends with the gateway" not in done
        assert desk.file.stat().st_mode & 0o777 == 0o600
        before = now(gateway)
        if how == "in order":
            gateway.stop()
        else:
            gateway.kill()
    with desk.open() as gateway:
        # Before anything of it was sent: what comes first is held already.
        waits = Asking(gateway, DEPTH, X_Weir_Max_Wait=300)
        assert paused(gateway) == before["paused"] == {"classes": ["market"], "clients": ["bot"], "with_cancels": ["bot"]}
        assert now(gateway)["shares"] == before["shares"] == {"maker": 3}
        kept = gateway.logged("by_hand_kept")[0]
        assert 'paused_classes="market" paused_clients=1 shares=1 acknowledged=0' in kept
        events = json.loads(fetch(gateway.port, "/weir/api/events")[2])["events"]
        assert "by_hand_kept" in [event["event"] for event in events]
        waits.join(60)
        assert waits.status != 200 and waits.fields["x-weir-verdict"] == "paused"
        assert not [r for r in desk.sim.requests() if "/depth" in r["target"]]
        act(gateway, "resume", **{"class": "market"})
        act(gateway, "resume", client="bot")
        act(gateway, "share", client="maker", share=1)
        assert not desk.file.exists()
    with desk.open() as gateway:
        assert paused(gateway)["classes"] == [] and not gateway.logged("by_hand_kept")
        assert fetch(gateway.port, PING)[0] == 200


def test_a_share_ends_when_the_settings_have_another(desk):
    with desk.open() as gateway:
        act(gateway, "share", client="maker", share=3)
        act(gateway, "share", client="taker", share=4)
        # As after logrotate: nobody has decided anything.
        gateway.process.send_signal(signal.SIGHUP)
        eventually(lambda: gateway.logged("reloaded"))
        assert now(gateway)["shares"] == {"maker": 3, "taker": 4} and not gateway.logged("share_lapsed")
    desk.config.write_text(desk.config.read_text() + "clients:\n  maker: { share: 2 }\n")
    for _ in range(2):
        with desk.open() as gateway:
            assert now(gateway)["shares"] == {"taker": 4}
            lapsed = gateway.logged("share_lapsed")
            gateway.kill()
        assert len(lapsed) == (_ == 0) and all("client=maker share=2 was=3" in line for line in lapsed)


@pytest.mark.parametrize("text, says", [
    ("", "damaged in line"), ('{"weir": "by-ha', "damaged in line"), ("{}", "damaged, or not weir's"),
    ('{"format": 2}', "written by a later weir"),
    ('{"format": 1, "paused": {"classes": ["markt"], "clients": []}, "shares": [], "acknowledged": []}', "damaged"),
    ('{"format": 1, "paused": {"classes": [], "clients": []}, "shares": [{"client": "a", "share": 0, "said": 1}], '
     '"acknowledged": []}', "damaged")])
def test_what_cannot_be_read_stops_the_start(desk, text, says):
    desk.file.write_text(text)
    desk.file.chmod(0o600)
    said = desk.refused()
    assert says in said and str(desk.file) in said and "move it away to start with nothing paused" in said
    assert desk.file.read_text() == text
    desk.file.rename(desk.folder / "away")
    with desk.open() as gateway:
        assert fetch(gateway.port, PING)[0] == 200


def test_a_file_that_others_may_write_is_not_believed(desk):
    desk.file.write_text("{}")
    desk.file.chmod(0o666)
    assert "others may write it" in desk.refused()
    desk.file.unlink()
    desk.file.symlink_to(desk.folder / "elsewhere")
    assert "symbolic link" in desk.refused() or "Too many levels" in desk.refused()


def test_what_cannot_be_kept_is_said_and_tried_again(desk):
    with desk.open() as gateway:
        # Where its name is a folder, root cannot write either.
        (desk.folder / f"{desk.file.name}.new").mkdir()
        (desk.folder / f"{desk.file.name}.new" / "in the way").write_text("")
        assert "ends with the gateway and is not taken up" in act(gateway, "pause", **{"class": "market"})["done"]
        assert paused(gateway)["classes"] == ["market"] and not desk.file.exists()
        eventually(lambda: len(gateway.logged("by_hand_unwritten")) == 1)
        (desk.folder / f"{desk.file.name}.new" / "in the way").unlink()
        (desk.folder / f"{desk.file.name}.new").rmdir()
        eventually(desk.file.exists, 60)
        eventually(lambda: gateway.logged("by_hand_written"))
        gateway.kill()
    with desk.open() as gateway:
        assert paused(gateway)["classes"] == ["market"]


def test_a_gateway_that_holds_nothing_lets_go_and_says_so(desk):
    with desk.open() as gateway:
        act(gateway, "pause", **{"class": "market"})
        gateway.kill()
    with desk.open("--set", "limits=off") as gateway:
        assert fetch(gateway.port, PING)[0] == 200
        assert "limits are off" in gateway.logged("resumed")[0] and not desk.file.exists()


def test_where_the_system_chooses_the_port_the_end_is_told(sim, tmp_path):
    config = tokens(tmp_path, action_token_file=ACT)
    with Gateway(sim.url, tmp_path / "region", "--config", str(config)) as gateway:
        done = act(gateway, "pause", client="bot")["done"]
        assert "ends with the gateway and is not taken up by the next one: the system chooses the port" in done
        assert not [name for name in os.listdir(tmp_path) if "by-hand" in name]


def test_of_two_at_one_place_the_file_is_the_first_ones(desk):
    """As in two containers that have one region."""
    before = ["unshare", "-m", "sh", "-c", f'mount -t tmpfs weir {desk.gates} && exec "$@"', "sh"]
    if subprocess.run([*before, "true"], capture_output=True, check=False).returncode != 0:
        pytest.skip("no mount namespaces here")
    with desk.open() as gateway:
        act(gateway, "pause", client="bot")
        with Program(*desk.command, before=before) as second:
            # What is held is held there too, and it changes nothing of what the first one keeps.
            assert "paused_clients=1" in second.logged("by_hand_kept")[0]
            done = act(second, "pause", client="brief")["done"]
            assert "another gateway of this region listens at the same place" in done
            second.kill()
        assert "ends with the gateway" not in act(gateway, "pause", client="late")["done"]
        gateway.kill()
    with desk.open() as gateway:
        assert paused(gateway)["clients"] == ["bot", "late"]


def test_killed_again_and_again_while_it_is_written_it_is_whole(desk):
    """What was answered as done is there, or what was being done then."""
    told = None
    for life in range(12):
        with desk.open() as gateway:
            clients = paused(gateway)["clients"]
            assert told is None or told <= set(clients), (told, clients)
            for client in clients:
                act(gateway, "resume", client=client)
            told, ended = set(), threading.Event()

            def work(gateway=gateway, life=life, told=told, ended=ended):
                for i in range(60):
                    try:
                        act(gateway, "pause", client=f"bot{life}-{i}")
                    except (OSError, http.client.HTTPException):
                        break
                    told.add(f"bot{life}-{i}")
                ended.set()

            worker = threading.Thread(target=work)
            worker.start()
            eventually(lambda told=told, life=life: len(told) > life, 60)
            gateway.kill()
            worker.join(60)
            assert ended.is_set()
