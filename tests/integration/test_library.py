"""Programs that use libweir, and clients of the gateway, on one region."""
import json
import os
import signal
import subprocess
import time

from support import ROOT, WEIR, Gateway, Sim, eventually, fetch

USER = os.environ.get("WEIR_LIBRARY_USER", str(ROOT / "build" / "library" / "library_user"))
BANNED = '{"code":-1003,"msg":"Way too many requests; IP banned."}'


def user(region, *args):
    return subprocess.run([USER, str(region), *args], capture_output=True, text=True, check=True,
                          timeout=60).stdout.strip()


def status(region):
    return json.loads(subprocess.run([WEIR, "status", "--json", "--region", str(region)],
                                     capture_output=True, check=True).stdout)


def spent(region, pool):
    return sum(b["used"] + b["held"] for b in status(region)["budgets"] if b["name"] == pool)


def early_in_the_minute():
    if time.time() % 60 > 50:
        time.sleep(61 - time.time() % 60)


def test_what_a_library_user_spends_the_gateway_has_spent(tmp_path):
    region = tmp_path / "region"
    early_in_the_minute()
    with Sim("--limit", "futures-weight=100/1m") as sim, Gateway(sim.url, region) as gateway:
        assert fetch(gateway.port, "/fapi/v1/ping")[0] == 200
        # The gateway has read the limit of the exchange for all.
        eventually(lambda: any(b["name"] == "futures-weight" and b["limit"] == 100
                               for b in status(region)["budgets"]))
        before = spent(region, "futures-weight")
        assert user(region, "reserve", "GET", "/fapi/v1/klines", "limit=1000") == "go"
        assert spent(region, "futures-weight") == before + 5
        while user(region, "reserve", "GET", "/fapi/v1/klines", "limit=1500") == "go":
            pass
        code, headers, body = fetch(gateway.port, "/fapi/v1/klines?symbol=BTCUSDT&interval=1m&limit=1500",
                                    headers={"X-Weir-Max-Wait": "0"})
        assert code == 429 and headers["x-weir-verdict"] in ("late", "crowded"), (code, headers, body)


def test_a_ban_that_the_gateway_met_stops_library_users_at_once(tmp_path):
    region = tmp_path / "region"
    with Sim() as sim, Gateway(sim.url, region) as gateway:
        assert user(region, "reserve", "GET", "/fapi/v1/time", "") == "go"
        sim.faults("GET /fapi/v1/depth always error 418 -1003 Way too many requests; IP banned.\n")
        assert fetch(gateway.port, "/fapi/v1/depth?symbol=BTCUSDT")[0] == 418
        assert user(region, "reserve", "GET", "/fapi/v1/time", "") == "shut"
        assert user(region, "reserve", "GET", "/api/v3/time", "") == "go"


def test_a_ban_that_a_library_user_met_stops_the_gateway_at_once(tmp_path):
    region = tmp_path / "region"
    with Sim() as sim, Gateway(sim.url, region) as gateway:
        assert fetch(gateway.port, "/fapi/v1/depth?symbol=BTCUSDT")[0] == 200
        assert user(region, "settle", "GET", "/fapi/v1/depth", "418", BANNED) == "banned"
        seen = len(sim.requests())
        code, headers, _ = fetch(gateway.port, "/fapi/v1/depth?symbol=BTCUSDT",
                                 headers={"X-Weir-Max-Wait": "1000"})
        assert code == 429 and headers["x-weir-verdict"] == "ban"
        assert len(sim.requests()) == seen


def test_four_processes_share_a_bucket_and_one_may_be_killed(tmp_path):
    rate, burst, seconds = 1200, 50, 8
    region = tmp_path / "region"
    users = [subprocess.Popen([USER, str(region), "acquire", str(rate), str(burst), str(seconds)],
                              stdout=subprocess.PIPE, text=True) for _ in range(4)]
    time.sleep(seconds / 2)
    users[0].send_signal(signal.SIGKILL)
    got = [[int(line) for line in u.communicate(timeout=60)[0].split()] for u in users]
    times = sorted(t for mine in got for t in mine)
    # In any stretch, burst and what flowed in; a process may have been held up before it read its
    # clock, so that what it got late looks too close to the next.
    late_us = 100000
    for first in range(len(times)):
        for last in range(first, len(times)):
            allowed = burst + (times[last] - times[first] + late_us) * rate / 60e6 + 1
            assert last - first + 1 <= allowed, (first, last, times[last] - times[first])
    # Nothing is lost but what the killed one had been given and had not used.
    assert len(times) >= burst + rate / 60 * (seconds - 1) - 5
    middle = [sum(1 for t in mine if times[0] + 3e6 < t < times[0] + (seconds / 2 - 0.2) * 1e6) for mine in got]
    fairness = sum(middle) ** 2 / (len(middle) * sum(m * m for m in middle))
    # Nobody is starved; how even it is, is also the machine's doing.
    assert fairness >= 0.6, got
    after = [sum(1 for t in mine if t > times[0] + 5e6) for mine in got[1:]]
    assert sum(after) ** 2 / (3 * sum(a * a for a in after)) >= 0.6, after
