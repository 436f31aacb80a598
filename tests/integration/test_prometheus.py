"""A real Prometheus scrapes a real gateway each second, under traffic and through a ban: its numbers are those of weir
status and of the exchange's books, every panel of the dashboard has something to show, and alerts come and go."""
import json
import math
import re
import subprocess
import threading
import time

import pytest
from prometheus import IS_THERE, RULES, Prometheus
from support import ALICE, ROOT, WEIR, Gateway, Sim, eventually, fetch, signed
from test_hosts import SERVER, Store

pytestmark = pytest.mark.skipif(not IS_THERE or SERVER is None, reason="no prometheus or no redis-server is installed")

BAN_S = 4
# What Grafana puts in the place of its variables.
VARIABLES = {"$__rate_interval": "4s", "$pool": "spot-weight", "$window": "4s"}
DASHBOARD = json.loads((ROOT / "contrib/grafana/weir.json").read_text())


def status(region):
    return json.loads(subprocess.run([WEIR, "status", "--json", "--region", str(region)], capture_output=True,
                                     check=True).stdout)


def order():
    return "/api/v3/order?" + signed({"symbol": "BTCUSDT", "side": "BUY", "type": "LIMIT", "timeInForce": "GTC",
                                      "quantity": "0.001", "price": "10000.00"}, ALICE[1])


class Traffic:
    """Bots that read books, one that trades, one whose symbol nobody knows, one that may not wait."""

    def __init__(self, port):
        self.port, self.is_over, self.n = port, threading.Event(), 0
        self.threads = [threading.Thread(target=self.run, args=(i,)) for i in range(3)]
        for thread in self.threads:
            thread.start()

    def run(self, i):
        key = {"X-MBX-APIKEY": ALICE[0], "X-Weir-Client": "trader"}
        while not self.is_over.is_set():
            if i == 0:
                fetch(self.port, order(), "POST", headers=key)
                fetch(self.port, "/api/v3/depth?symbol=NOSUCH&limit=5", headers={"X-Weir-Client": "mistaken"})
                fetch(self.port, "/api/v3/ping", headers={"X-Weir-Client": "hasty", "X-Weir-Max-Wait": "0"})
            else:
                fetch(self.port, "/api/v3/depth?symbol=BTCUSDT&limit=5", headers={"X-Weir-Client": f"bot{i}"})
            time.sleep(0.05)

    def end(self):
        self.is_over.set()
        for thread in self.threads:
            thread.join()


def pools(sim, kind):
    """What the exchange counted in all windows, of one of its books."""
    book = sim.pool(kind)
    return sum(w["used"] for w in book["windows"]) + book["now"]["used"]


def numbers_agree(prometheus, sim, region):
    """Those of one moment, when nothing is under way."""
    seen = status(region)
    for name, n in seen["counters"].items():
        found = prometheus.query(f"weir_{name}_total") or prometheus.query(
            f'weir_refused_total{{reason="{name.removeprefix("refused_")}"}}')
        if found and found[0][1] != n:
            return False
    for budget in seen["budgets"]:
        labels = f'pool="{budget["name"]}",window="{window(budget["span_ms"])}",owner="{budget["owner"]}"'
        for series in ("used", "limit", "held", "in_flight", "foreign", "ours"):
            if prometheus.value(f"weir_budget_{series}{{{labels}}}") != budget[series]:
                return False
    return prometheus.value("sum(weir_class_weight_total)") == pools(sim, "spot")


def window(span_ms):
    for unit, name in ((86400000, "d"), (3600000, "h"), (60000, "m")):
        if span_ms % unit == 0:
            return f"{span_ms // unit}{name}"
    return f"{span_ms // 1000}s"


def asked(expr, gateway):
    for name, value in {**VARIABLES, "$instance": f"127.0.0.1:{gateway.port}"}.items():
        expr = expr.replace(name, value)
    assert "$" not in expr, expr
    return expr


def shows(prometheus, gateway, target):
    return any(not math.isnan(value) for _, value in prometheus.query(asked(target["expr"], gateway)))


def dark_panels(prometheus, gateway):
    return [(panel["title"], target["expr"]) for panel in DASHBOARD["panels"] for target in panel.get("targets", [])
            if not shows(prometheus, gateway, target)]


def overspend(sim):
    """A program that does not go through weir, on the same address, until the exchange bans it."""
    for _ in range(200):
        if fetch(sim.port, "/api/v3/depth?symbol=BTCUSDT&limit=5000")[0] == 418:
            return
    raise AssertionError("it was not banned")


def test_prometheus_sees_what_is_and_its_alerts_come_and_go(tmp_path):
    region = tmp_path / "region"
    limits = "spot-weight=1500/4s,spot-orders=200/4s,spot-orders-long=100000/1m"
    with Sim("--limit", limits, "--ban", str(BAN_S), "--ban-after", "2") as sim, Store() as store, \
            Gateway(sim.url, region, "--store", f"redis://127.0.0.1:{store.port}/0") as gateway, \
            Prometheus(tmp_path, gateway.port) as prometheus:
        traffic = Traffic(gateway.port)
        try:
            eventually(lambda: (prometheus.value("sum(rate(weir_requests_total[4s]))") or 0) > 5, 20)
            assert prometheus.value('up{job="weir"}') == 1
            # It asked for OpenMetrics, and understood it: the older form has no units.
            assert prometheus.api("metadata", metric="weir_wait_seconds")["weir_wait_seconds"][0]["unit"] == "seconds"
            assert prometheus.firing().keys() <= {"WeirRefuses", "WeirNearlyFull"}
        finally:
            traffic.end()
        eventually(lambda: numbers_agree(prometheus, sim, region), 20)

        # Nothing of ours is under way meanwhile: what a 429 says would hold it back until the ban is nearly over.
        overspend(sim)
        traffic = Traffic(gateway.port)
        try:
            seen = {}
            eventually(lambda: seen.update(prometheus.firing()) or "WeirBanned" in seen, 10)
            alert = seen["WeirBanned"]
            assert re.match(r"the exchange bans api by the address default until 20\d\d-", alert["annotations"]["summary"])
            assert alert["labels"]["severity"] == "critical"
            eventually(lambda: not dark_panels(prometheus, gateway), 10)
            annotation = next(a for a in DASHBOARD["annotations"]["list"] if a["name"] == "Bans")
            # Its steps are whole seconds: the ban may be younger than the last one.
            eventually(lambda: prometheus.query(asked(f"last_over_time(({annotation['expr']})[1m:1s])", gateway)))
            for other in DASHBOARD["annotations"]["list"]:
                prometheus.query(asked(other["expr"], gateway))
            eventually(lambda: "WeirBanned" not in prometheus.firing(), BAN_S + 15)
            assert prometheus.value('weir_gates_shut{kind="ban"}') == 0
        finally:
            traffic.end()
        assert prometheus.value('weir_exchange_verdicts_total{verdict="ban"}') >= 1
        # Those that were on their way when the ban began, and the one that met it.
        assert sim.books()["duringBan"] <= 4


def test_every_alert_fires_when_it_should_and_is_over_then():
    done = subprocess.run(["promtool", "test", "rules", "weir.rules_test.yml"], cwd=RULES.parent, capture_output=True,
                          text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr
    tested = (RULES.parent / "weir.rules_test.yml").read_text()
    alerts = set(re.findall(r"alert: (\w+)", RULES.read_text()))
    assert len(alerts) > 15
    assert {name for name in alerts if f'alertname="{name}"' not in tested and f"alertname: {name}" not in tested} == set()


def anchors(page):
    """Those of its headings, as GitHub makes them."""
    return {re.sub(r"[^\w\- ]", "", line.lstrip("# ").lower()).replace(" ", "-")
            for line in page.read_text().splitlines() if line.startswith("#")}


def test_each_alert_leads_to_a_section_that_is_there():
    known = anchors(ROOT / "docs/operations.md")
    for place in re.findall(r"runbook: (\S+)", RULES.read_text()):
        page, _, anchor = place.partition("#")
        assert page == "docs/operations.md" and anchor in known, place


def test_the_example_is_one_that_prometheus_takes():
    done = subprocess.run(["promtool", "check", "config", "prometheus.yml"], cwd=RULES.parent, capture_output=True, text=True,
                          timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr
