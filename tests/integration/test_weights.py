"""What requests really cost: the gateway learns it from headers, says so, and charges the higher.

The simulated exchange counts with weights as others measured them, the gateway's tables are the
documents': two of its prices are too high, one is too low.
"""
import http.client
import itertools
import json
import signal
import subprocess
import threading
import time

import pytest
from support import ALICE, WEIR, Gateway, Sim, eventually, signed

# Short windows: a cost is believed when several of them show it.
LIMITS = ("--limit", "futures-weight=2400/2s")
DEPTH = "GET /fapi/v1/depth"
KLINES = "GET /fapi/v1/klines limit<=1000"
ACCOUNT = "GET /fapi/v2/account"


class Bot:
    """Asks one thing after the other, on one connection."""

    def __init__(self, gateway):
        self.connection = http.client.HTTPConnection("127.0.0.1", gateway.port, timeout=30)
        self.statuses = []

    def get(self, path, headers=None):
        self.connection.request("GET", path, headers=headers or {})
        response = self.connection.getresponse()
        response.read()
        self.statuses.append(response.status)

    def account(self):
        self.get("/fapi/v2/account?" + signed({}, ALICE[1]), {"X-MBX-APIKEY": ALICE[0]})

    def round(self):
        self.get("/fapi/v1/ping")
        self.get("/fapi/v1/depth?symbol=BTCUSDT")
        self.get("/fapi/v1/klines?symbol=BTCUSDT&interval=1m&limit=500")
        self.account()

    def close(self):
        self.connection.close()


def weights(region):
    """Exit status and rows by name."""
    result = subprocess.run([WEIR, "check", "--weights", "--json", "--region", str(region)],
                            capture_output=True, text=True, check=False)
    assert not result.stderr, result.stderr
    return result.returncode, {row["what"]: row for row in json.loads(result.stdout)["weights"]}


def n_foreign(region):
    """How many replies showed use by others."""
    return json.loads(subprocess.run([WEIR, "status", "--json", "--region", str(region)], capture_output=True,
                                     check=True).stdout)["counters"]["foreign"]


def learn(bots, region, wanted, seconds=40):
    """Rounds by turns until these are learnt. Returns all rows."""
    until = time.monotonic() + seconds
    for n in itertools.count():
        bots[n % len(bots)].round()
        if n % 20 == 19:
            _, rows = weights(region)
            if all(rows.get(name, {}).get("learnt") == cost for name, cost in wanted.items()):
                return rows
        assert time.monotonic() < until, weights(region)


def load(gateway, seconds):
    """Eight at once ask for more than there is."""
    until = time.monotonic() + seconds
    bots = [Bot(gateway) for _ in range(8)]

    def run(bot):
        while time.monotonic() < until:
            bot.account()
    threads = [threading.Thread(target=run, args=(bot,)) for bot in bots]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for bot in bots:
        bot.close()
    return [status for bot in bots for status in bot.statuses]


def test_wrong_tables_are_found_obeyed_and_decided_on(tmp_path):
    region, config = tmp_path / "region", tmp_path / "weir.yaml"
    config.write_text("weights: {}\n")
    with Sim("--measured-weights", *LIMITS) as sim:
        with Gateway(sim.url, region, "--config", str(config)) as gateway, \
                Gateway(sim.url, region, "--config", str(config)) as other:
            bots = [Bot(gateway), Bot(other)]
            rows = learn(bots, region, {DEPTH: 1, KLINES: 2, ACCOUNT: 10})
            assert rows["GET /fapi/v1/ping"]["state"] in ("agrees", "learning")
            assert [rows[name]["used"] for name in (DEPTH, KLINES, ACCOUNT)] == [10, 5, 10]
            assert all(rows[name]["share_pct"] >= 75 for name in (DEPTH, KLINES, ACCOUNT))
            # Said once each by one of the two, whatever came after.
            for n in range(20):
                bots[n % 2].round()
            for bot in bots:
                bot.close()
            said = gateway.logged("weight_mismatch") + other.logged("weight_mismatch")
            assert sorted(line.split('"')[1] for line in said) == [DEPTH, KLINES, ACCOUNT]

            text = subprocess.run([WEIR, "check", "--weights", "--region", str(region)],
                                  capture_output=True, text=True, check=False)
            assert text.returncode == 1
            assert text.stdout.splitlines()[1].startswith("disagrees")
            assert f'  "{ACCOUNT}": 10\n' in text.stdout and f'  "{DEPTH}": 1\n' in text.stdout
            status = subprocess.run([WEIR, "status", "--region", str(region)], capture_output=True,
                                    text=True, check=True).stdout
            assert "3 cost other than charged" in status

            # What is charged is what it costs: nothing is refused when all is used up, and nothing is taken
            # for somebody else's, which would make up for too little.
            before, others = sim.books()["status429"], n_foreign(region)
            assert set(load(gateway, 3)) == {200}
            assert sim.books()["status429"] == before
            assert n_foreign(region) - others <= 10
            gateway.kill()
            other.kill()

        # A restart knows it; a decision is obeyed and ends the talk.
        config.write_text(f'weights:\n  "{DEPTH}": 1\n  "{KLINES}": 2\n  "{ACCOUNT}": 10\n')
        with Gateway(sim.url, region, "--config", str(config)) as gateway:
            code, rows = weights(region)
            assert code == 0
            assert [rows[name]["used"] for name in (DEPTH, KLINES, ACCOUNT)] == [1, 2, 10]
            assert {rows[name]["state"] for name in (DEPTH, KLINES, ACCOUNT)} == {"decided"}
            # Until headers show something new.
            sim.admin("/sim/weights", "POST", f"{KLINES.rsplit(' ', 1)[0]}=3\n")
            bot = Bot(gateway)
            rows = learn([bot], region, {KLINES: 3})
            bot.close()
            assert rows[KLINES]["state"] == "disagrees" and rows[KLINES]["used"] == 2
            config.write_text("weights: {}\n")
            gateway.process.send_signal(signal.SIGHUP)
            eventually(lambda: gateway.logged("reloaded"))
            _, rows = weights(region)
            assert [rows[name]["used"] for name in (DEPTH, KLINES, ACCOUNT)] == [10, 5, 10]


@pytest.mark.parametrize("foreign", [25, 400])
def test_a_stranger_makes_no_table_wrong(tmp_path, foreign):
    region = tmp_path / "region"
    with Sim(*LIMITS) as sim, Gateway(sim.url, region) as gateway:
        sim.faults(f"foreign futures {foreign}\n")
        bot = Bot(gateway)
        until = time.monotonic() + 3
        while time.monotonic() < until:
            bot.round()
        bot.close()
        code, rows = weights(region)
        assert code == 0 and rows, rows
        assert not gateway.logged("weight_mismatch")


def test_what_is_never_alone_is_measured_if_it_may_be(tmp_path):
    region, config = tmp_path / "region", tmp_path / "weir.yaml"
    config.write_text("measure_busy: on\n")
    with Sim("--latency", "20", *LIMITS) as sim, \
            Gateway(sim.url, region, "--config", str(config)) as gateway:
        for _ in range(12):
            assert set(load(gateway, 1)) == {200}
            row = weights(region)[1].get(ACCOUNT, {"samples": 0})
            if row["samples"] >= 2:
                break
        assert row["samples"] >= 2 and row["seen"][0]["weight"] == 5
        assert sim.books()["status429"] == 0


def test_what_cannot_be_looked_at_is_told(tmp_path):
    for args, code, words in (
            (["--weights", "--region", str(tmp_path / "none")], 2, "is a gateway running?"),
            (["--weights", "some.yaml"], 2, "takes no file"),
            (["--region", "x", "some.yaml"], 2, "--region goes with --weights")):
        result = subprocess.run([WEIR, "check", *args], capture_output=True, text=True, check=False)
        assert (result.returncode, words in result.stderr) == (code, True), result.stderr
