"""Debian's Prometheus, for a gateway: scrapes it each second, and evaluates the rules of contrib/prometheus."""
import json
import math
import shutil
import socket
import subprocess
import urllib.parse

from support import ROOT, eventually, fetch

RULES = ROOT / "contrib/prometheus/weir.rules.yml"
IS_THERE = shutil.which("prometheus") is not None and shutil.which("promtool") is not None

CONFIG = """
global: {{scrape_interval: 1s, scrape_timeout: 1s, evaluation_interval: 1s}}
rule_files: [{rules}]
scrape_configs:
  - job_name: weir
    metrics_path: /weir/metrics
    static_configs: [{{targets: ["127.0.0.1:{port}"]}}]
"""


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Prometheus:
    def __init__(self, folder, gateway_port):
        self.port = free_port()
        config = folder / "prometheus.yml"
        config.write_text(CONFIG.format(port=gateway_port, rules=RULES))
        self.log = folder / "prometheus.log"
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen(
                ["prometheus", f"--config.file={config}", f"--storage.tsdb.path={folder / 'tsdb'}",
                 f"--web.listen-address=127.0.0.1:{self.port}", "--log.level=warn"], stdout=log, stderr=log)
        eventually(self.is_ready, 30)

    def is_ready(self):
        assert self.process.poll() is None, self.log.read_text()
        try:
            return fetch(self.port, "/-/ready")[0] == 200
        except OSError:
            return False

    def api(self, path, **parameters):
        status, _, body = fetch(self.port, f"/api/v1/{path}?{urllib.parse.urlencode(parameters)}")
        answer = json.loads(body)
        assert (status, answer["status"]) == (200, "success"), (parameters, answer)
        return answer["data"]

    def query(self, expr):
        """[(labels, value)] as it is now."""
        return [(row["metric"], float(row["value"][1])) for row in self.api("query", query=expr)["result"]]

    def value(self, expr):
        """The one number; None when there is none."""
        found = self.query(expr)
        assert len(found) < 2, (expr, found)
        return found[0][1] if found and not math.isnan(found[0][1]) else None

    def firing(self):
        """{name: alert} of those that fire."""
        return {a["labels"]["alertname"]: a for a in self.api("alerts")["alerts"] if a["state"] == "firing"}

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
