"""Real client libraries, unchanged: each operation comes to the same through weir as straight at the exchange.

Every client is run twice at the same time, straight at a simulated exchange and through weir in front of
another one that began the same, and what it says of each operation is compared. tools/clients installs them.
"""
import json
import os
import re
import shlex
import subprocess
import sys
import types
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from support import ALICE, ROOT, Gateway, Sim, fetch

CLIENTS = Path(__file__).parent / "clients"
sys.path.insert(0, str(CLIENTS))
import http_operations  # noqa: E402  (it stands beside the other clients)

# What must differ between two runs, and nothing else: moments, and ids that the exchange makes of them.
# Each such value is replaced by its kind, so that one that is missing is still noticed.
MOMENTS = {
    "serverTime", "time", "updateTime", "transactTime", "workingTime", "createTime", "bookTime", "triggerTime",
    "transactionTime", "openTime", "closeTime", "E", "T", "nextFundingTime", "validTime",
    "timestamp", "datetime", "lastTradeTimestamp", "lastUpdateTimestamp", "fundingTimestamp", "fundingDatetime",
    "nextFundingTimestamp", "nextFundingDatetime", "lastUpdateId", "nonce", "firstId", "lastId",
}
# What was traded within the 24 hours before each moment (and what ccxt works out from it).
ROLLING = {"volume", "quoteVolume", "baseVolume", "vwap"}
# Fields of a reply that are of a moment or of the connection; weir's own are looked at apart.
FIELDS = {"date", "connection", "keep-alive"}
USED = re.compile(r"^x-(mbx-(used-weight|order-count)|sapi-used)", re.IGNORECASE)


def normal(value, key=None):
    if key in MOMENTS and isinstance(value, (int, str)) and not isinstance(value, bool):
        return "a moment" if value else value
    if key in ROLLING and isinstance(value, (int, float, str)):
        return "of a day"
    if isinstance(value, dict):
        return {k: normal(v, k) for k, v in value.items() if k != "headers"} | (
            {"headers": normal_fields(value["headers"])} if isinstance(value.get("headers"), list) else {})
    if isinstance(value, list):
        return [normal(v) for v in value]
    return value


def normal_fields(pairs):
    """In their order and spelling. Of counters the name, since weir asks a few things itself. Content-Length,
    which every hop writes for itself, is that of the body before it was made normal."""
    kept = [(k, v) for k, v in pairs if k.lower() not in FIELDS and not k.lower().startswith("x-weir-")]
    return [["content-length", "a number"] if k.lower() == "content-length" else
            [k, "a number"] if USED.match(k) else [k, v] for k, v in kept]


def run_node(script):
    def run(base, account):
        env = {**os.environ, "BASE": base, "KEY": account[0], "SECRET": account[1], "NODE_ENV": "test"}
        done = subprocess.run(["node", str(CLIENTS / script)], env=env, capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, done.stderr
        return [json.loads(line) for line in done.stdout.splitlines()]
    return run


# Name, how it is run, and how many operations at the least.
TABLE = [
    ("ccxt_spot.js", run_node("ccxt_spot.js"), 38),
    ("ccxt_usdm.js", run_node("ccxt_usdm.js"), 50),
    ("binance_spot.js", run_node("binance_spot.js"), 48),
    ("binance_usdm.js", run_node("binance_usdm.js"), 75),
    ("binance_connector.js", run_node("binance_connector.js"), 43),
    ("curl", http_operations.run_curl, 110),
    ("aiohttp", http_operations.run_aiohttp, 110),
]

# Codes that must have come up, so that the comparison is of errors and not of silence.
CODES = {
    "spot": {-1013, -1021, -1022, -1121, -2010, -2011, -2013, -2014, -2015},
    "usdm": {-1021, -1022, -1111, -1121, -2011, -2013, -2014, -2015, -2019},
}
# For this one ccxt tells its own word in place of the code.
CODES["ccxt_spot"] = CODES["spot"] - {-2010}
CODES["connector"] = CODES["spot"]
CODES["curl"] = CODES["aiohttp"] = CODES["spot"] | CODES["usdm"]


def start_pair(folder, *manners):
    sims = [Sim("--quiet", *manners), Sim("--quiet", *manners)]
    # Prices stand still, so that what is read a moment later is the same: those that the orders are about at
    # a fixed place, the others where the first exchange has them.
    for market, path in (("spot", "/api/v3"), ("usdm", "/fapi/v1"), ("coinm", "/dapi/v1")):
        _, _, text = fetch(sims[0].port, path + "/ticker/price")
        for ticker in json.loads(text):
            symbol = ticker["symbol"]
            price = {"BTCUSDT": "91250", "ETHUSDT": "3120"}.get(symbol, ticker["price"])
            for sim in sims:
                sim.admin(f"/sim/price?market={market}&symbol={symbol}&price={price}", "POST")
    return sims, Gateway(sims[1].url, folder / "region")


def what_is_missing():
    stamp = CLIENTS.parent / "node_modules" / ".installed-lock.json"
    lock = CLIENTS.parent / "package-lock.json"
    if not stamp.exists() or stamp.read_bytes() != lock.read_bytes():
        return "the client libraries of package-lock.json are not installed: run tools/clients"
    return None


@pytest.fixture(scope="module", autouse=True)
def clients_are_installed():
    message = what_is_missing()
    if message:
        pytest.fail(message)


def codes_in(results):
    return {int(code) for code in re.findall(r'\\*"code\\*": ?(-\d+)', json.dumps(results))}


def failed(r):
    """As the client reports it: by throwing, or with a status."""
    return "error" in r or (isinstance(r["result"], dict) and r["result"].get("status") not in (None, 200)
                            and isinstance(r["result"]["status"], int))


def differences(a, b, where=""):
    """Where @a and @b differ, a line each."""
    if isinstance(a, dict) and isinstance(b, dict) and list(a) == list(b):
        return [line for k in a for line in differences(a[k], b[k], f"{where}.{k}")]
    if isinstance(a, list) and isinstance(b, list) and len(a) == len(b):
        return [line for i, pair in enumerate(zip(a, b)) for line in differences(*pair, f"{where}[{i}]")]
    return [] if a == b else [f"{where}: straight {json.dumps(a)[:400]}, through weir {json.dumps(b)[:400]}"]


def all_differences(straight, through):
    return [line for a, b in zip(straight, through) for line in differences(normal(a), normal(b), a["op"])]


def run_pair(folder, run, *manners):
    """What a client says straight and through weir, the books of both exchanges, and weir's log."""
    sims, gateway = start_pair(folder, *manners)
    try:
        with ThreadPoolExecutor(2) as pool:
            straight, through = pool.map(lambda base: run(base, ALICE), (sims[0].url, gateway.url))
        return straight, through, [sim.books() for sim in sims], gateway.logged("unknown_endpoint")
    finally:
        for program in (gateway, *sims):
            program.kill()


@pytest.mark.parametrize("name, run, least", TABLE, ids=[row[0] for row in TABLE])
def test_each_operation_is_the_same_through_weir(tmp_path, name, run, least):
    straight, through, books, unknown = run_pair(tmp_path, run)
    print(f"{name}: {len(straight)} operations")
    assert [r["op"] for r in straight] == [r["op"] for r in through]
    assert len(straight) >= least
    assert not (lines := all_differences(straight, through)), "\n".join(lines)
    # What should work did, what should fail did, with the codes of the exchange.
    wrong = [r for r in straight if failed(r) != ("error: " in r["op"])]
    assert not wrong, "\n".join(json.dumps(r)[:600] for r in wrong)
    kind = max((k for k in CODES if k in name), key=len)
    assert CODES[kind] <= codes_in(straight), CODES[kind] - codes_in(straight)
    assert kind != "ccxt_spot" or "InsufficientFunds" in json.dumps(straight)
    for b in books:
        assert (b["status429"], b["status418"], b["status403"]) == (0, 0, 0)
    assert all("nonsense" in line for line in unknown), unknown


@pytest.mark.parametrize("name, run, least", [row for row in TABLE if "ccxt" not in row[0]],
                         ids=[row[0] for row in TABLE if "ccxt" not in row[0]])
def test_compressed_replies_with_lower_case_names_are_the_same_too(tmp_path, name, run, least):
    straight, through, _, _ = run_pair(tmp_path, run, "--gzip", "--lower-case")
    assert len(straight) == len(through) >= least
    assert not (lines := all_differences(straight, through)), "\n".join(lines)
    if name in ("curl", "aiohttp"):
        zipped = [r for r in through if ["content-encoding", "gzip"] in r["result"]["headers"]]
        assert len(zipped) > 20


def test_what_weir_adds_is_added_to_every_reply(tmp_path):
    _, through, _, _ = run_pair(tmp_path, http_operations.run_aiohttp)
    for r in through:
        names = {k for k, _ in r["result"]["headers"]}
        assert {"X-Weir-Wait-Us", "X-Weir-Retries", "X-Weir-Class"} <= names, r


def readme_line(client):
    row = next(row for row in (ROOT / "README.md").read_text().splitlines() if row.startswith(f"| {client} |"))
    return row.split(" | ", 1)[1].removesuffix(" |").strip("`")


def test_the_line_for_curl_works(tmp_path):
    sims, gateway = start_pair(tmp_path)
    with sims[0], sims[1], gateway:
        args = shlex.split(readme_line("curl").replace("http://127.0.0.1:8900", gateway.url))
        done = subprocess.run([args[0], "-sS", *args[1:]], capture_output=True, check=True)
        assert json.loads(done.stdout)["serverTime"] > 0


def test_the_line_for_ccxt_in_python_does_what_the_one_in_javascript_does():
    """Both editions of ccxt are made from one source and have the same URLs."""
    done = subprocess.run(["node", str(CLIENTS / "ccxt_urls.js")], capture_output=True, check=True)
    ex = types.SimpleNamespace(urls={"api": json.loads(done.stdout)})
    before = dict(ex.urls["api"])
    exec(readme_line("ccxt (Python)"), {"re": re, "ex": ex})
    assert ex.urls["api"] == {k: re.sub(r"^https://[^/]+", "http://127.0.0.1:8900", v) for k, v in before.items()}
    assert len(before) > 15


def test_the_lock_file_names_no_addresses():
    lock = json.loads((CLIENTS.parent / "package-lock.json").read_text())
    for place, package in lock["packages"].items():
        assert "resolved" not in package, place
        assert "integrity" in package or place == "", place
        assert "://" not in package.get("version", ""), place
    wanted = json.loads((CLIENTS.parent / "package.json").read_text())["dependencies"]
    for name, version in wanted.items():
        assert lock["packages"][f"node_modules/{name}"]["version"] == version
