"""A desk that trades with `weir order`, and the stage it trades on."""
import json
import os
import re
import subprocess

from support import ALICE, WEIR, Gateway, Sim

# So that nothing waits for long here: a request expires within a second.
QUICK = ("--timeout", "250", "--recv-window", "500", "--lookup", "350")
WIDE = ("--limit", "futures-weight=1000000/1m,futures-orders=100000/10s,futures-orders-long=1000000/1m")

DONE, FAILED, USAGE, UNKNOWN = 0, 1, 2, 3


class Desk:
    """Somebody who trades: where, and with which keys."""

    def __init__(self, place, region, account=ALICE):
        self.place = place
        self.env = {**os.environ, "WEIR_REGION": str(region), "BINANCE_API_KEY": account[0],
                    "BINANCE_API_SECRET": account[1]}
        for name in ("WEIR_GATEWAY", "BINANCE_PRIVATE_KEY_FILE"):
            self.env.pop(name, None)

    def run(self, *args, timeout=60):
        return subprocess.run([WEIR, "order", *map(str, args), *self.place], env=self.env, text=True,
                              capture_output=True, timeout=timeout)

    def json(self, *args, code=DONE):
        result = self.run(*args, "--json")
        assert result.returncode == code, (args, result.returncode, result.stdout, result.stderr)
        return json.loads(result.stdout)

    def fails(self, *args, code=FAILED, says=""):
        result = self.run(*args)
        assert result.returncode == code, (args, result)
        assert result.stderr.startswith("weir:") and re.search(says, result.stderr), result.stderr
        return result


class Stage:
    def __init__(self, way, folder, *sim_args, gateway_args=()):
        self.sim = Sim(*(sim_args or WIDE))
        self.gateway = None
        if way == "gateway":
            self.gateway = Gateway(self.sim.url, folder / "region", *gateway_args)
            self.place = [f"--gateway={self.gateway.url}"]
        else:
            self.place = ["--base", self.sim.url]
        self.desk = Desk(self.place, folder / "region")

    def books(self, client_id):
        return self.sim.admin(f"/sim/orders?clientOrderId={client_id}")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.gateway:
            self.gateway.kill()
        self.sim.kill()
