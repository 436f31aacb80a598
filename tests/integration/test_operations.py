"""Starting, stopping, reloading, listening, TLS: what an operator does."""
import json
import os
import signal
import socket
import struct
import subprocess
import threading
import time

import pytest
from support import ALICE, WEIR, Gateway, RawUpstream, Sim, eventually, fetch, raw, signed


def status(region):
    return json.loads(subprocess.run([WEIR, "status", "--json", "--region", str(region)],
                                     capture_output=True, check=True).stdout)


def test_sigterm_finishes_what_was_sent_and_refuses_what_was_not(tmp_path):
    release = threading.Event()

    def answer(method, target, body):
        release.wait(10)
        return RawUpstream.OK

    with RawUpstream(answer) as upstream, \
            Gateway(upstream.url, tmp_path / "region", "--no-discovery") as gateway:
        got = {}

        def ask(name, path):
            got[name] = fetch(gateway.port, path, headers={"X-Weir-Class": "cancel"})

        # Two of weight 1000 are under way, a third does not fit into this minute's 2400.
        if time.time() % 60 > 50:
            time.sleep(61 - time.time() % 60)
        threads = [threading.Thread(target=ask, args=(n, f"/fapi/v1/order/asyn?n={n}")) for n in (1, 2)]
        for thread in threads:
            thread.start()
        eventually(lambda: len(upstream.seen()) == 2)
        threads.append(threading.Thread(target=ask, args=(3, "/fapi/v1/order/asyn?n=3")))
        threads[-1].start()
        eventually(lambda: status(tmp_path / "region")["counters"]["waited"] == 1)
        gateway.process.send_signal(signal.SIGTERM)
        eventually(lambda: 3 in got)
        assert got[3][0] == 503 and b"nothing was sent" in got[3][2]
        release.set()
        # Not stop(): a second SIGTERM would mean "at once".
        assert gateway.process.wait(10) == 0
        for thread in threads:
            thread.join()
        assert got[1][0] == got[2][0] == 200
        assert len(upstream.seen()) == 2


def test_sighup_takes_up_a_good_file_and_keeps_the_old_settings_for_a_bad_one(tmp_path):
    config = tmp_path / "weir.yaml"
    config.write_text("unknown_weight: 7\n")
    with RawUpstream() as upstream, \
            Gateway(upstream.url, tmp_path / "region", "--no-discovery", "--config", str(config)) as gateway:
        fetch(gateway.port, "/api/v3/nonsense")
        eventually(lambda: any("weight=7" in line for line in gateway.logged("unknown_endpoint")))
        config.write_text("unknown_weight: 9\n")
        gateway.process.send_signal(signal.SIGHUP)
        eventually(lambda: gateway.logged("reloaded"))
        fetch(gateway.port, "/api/v3/nonsense")
        eventually(lambda: any("weight=9" in line for line in gateway.logged("unknown_endpoint")))
        # What cannot be taken up is not counted.
        config.write_text("unknown_weight: 9\nmax_connections: 77\npool: {max: 3}\n")
        gateway.process.send_signal(signal.SIGHUP)
        eventually(lambda: len(gateway.logged("reloaded")) == 2)
        assert gateway.logged("reloaded")[1].endswith("changed=0") and len(gateway.logged("reload_ignored")) == 2
        config.write_text("unknown_wait: 9\n")
        gateway.process.send_signal(signal.SIGHUP)
        eventually(lambda: gateway.logged("reload_refused"))
        assert any(f"{config}:1:1:" in line for line in gateway.lines)
        assert fetch(gateway.port, "/api/v3/nonsense")[0] == 200


def test_a_unix_socket_serves_and_is_gone_afterwards(tmp_path):
    place = tmp_path / "weir.sock"
    with RawUpstream() as upstream, \
            Gateway(upstream.url, tmp_path / "region", "--no-discovery", "--listen", f"unix:{place}") as gateway:
        assert not gateway.logged("open_to_others")
        with socket.socket(socket.AF_UNIX) as s:
            s.connect(str(place))
            s.sendall(b"GET /api/v3/ping HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            assert s.recv(4096).startswith(b"HTTP/1.1 200 ")
        assert gateway.stop() == 0
    assert not place.exists()


def test_a_place_that_others_reach_is_warned_of(tmp_path):
    with RawUpstream() as upstream, \
            Gateway(upstream.url, tmp_path / "region", "--no-discovery", "--listen", "0.0.0.0:0") as gateway:
        eventually(lambda: gateway.logged("open_to_others"))
        assert [" address=0.0.0.0:" in line for line in gateway.logged("open_to_others")] == [True]


def test_two_gateways_share_one_budget(tmp_path):
    from test_limits import run_greedy, total
    with Sim("--limit", "spot-weight=600/2s,spot-orders=25/2s", "--latency", "3") as sim, \
            Gateway(sim.url, tmp_path / "region") as one, Gateway(sim.url, tmp_path / "region") as two:
        for gateway in (one, two):
            fetch(gateway.port, "/api/v3/ping")
            eventually(lambda: gateway.logged("limit"))
        results = []
        threads = [threading.Thread(target=lambda g=g: results.extend(run_greedy(g.url, 8, 2)))
                   for g in (one, two)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        books = sim.books()
        windows = sim.pool()["windows"]
    assert (books["status429"], books["status418"]) == (0, 0), windows
    assert total(results[:2], 200) > 20 and total(results[2:], 200) > 20
    assert sum(w["used"] for w in windows[1:4]) > 0.9 * 3 * 600, windows


@pytest.fixture(scope="module")
def certificates(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tls")

    def run(*args):
        subprocess.run(["openssl", *args], cwd=folder, check=True, capture_output=True)

    run("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
        "-subj", "/CN=test root", "-keyout", "ca.key", "-out", "ca.pem")
    for name in ("localhost", "elsewhere"):
        (folder / f"{name}.ext").write_text(f"subjectAltName=DNS:{name}\n")
        run("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", f"/CN={name}",
            "-keyout", f"{name}.key", "-out", f"{name}.csr")
        run("x509", "-req", "-in", f"{name}.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial",
            "-days", "2", "-extfile", f"{name}.ext", "-out", f"{name}.pem")
    return folder


def tls_pair(folder, name, region, *more):
    sim = Sim("--tls-cert", str(folder / f"{name}.pem"), "--tls-key", str(folder / f"{name}.key"))
    return sim, Gateway(f"https://localhost:{sim.port}", region, *more)


def test_tls_to_the_exchange_is_verified(tmp_path, certificates):
    ca = f"tls_ca={certificates / 'ca.pem'}"
    sim, gateway = tls_pair(certificates, "localhost", tmp_path / "a", "--set", ca)
    with sim, gateway:
        code, _, body = fetch(gateway.port, "/api/v3/depth?symbol=BTCUSDT&limit=5")
        assert code == 200 and b"bids" in body
    for name, more in (("localhost", ()), ("elsewhere", ("--set", ca))):
        sim, gateway = tls_pair(certificates, name, tmp_path / name, *more)
        with sim, gateway:
            code, headers, body = fetch(gateway.port, "/api/v3/order", "POST", b"symbol=A")
            assert code == 503 and headers["x-weir-verdict"] == "unsent", body
            assert b"certificate" in body.lower() or b"verif" in body.lower(), body


def test_a_large_reply_streams_through_to_a_slow_reader(tmp_path):
    size = 30_000_000
    big = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % size + b"x" * size
    with RawUpstream(lambda *_: big) as upstream, \
            Gateway(upstream.url, tmp_path / "region", "--no-discovery") as gateway:
        with socket.create_connection(("127.0.0.1", gateway.port)) as s:
            s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
            s.sendall(b"GET /api/v3/exchangeInfo HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
                      .replace(b"exchangeInfo", b"klines?symbol=BTCUSDT"))
            time.sleep(0.5)
            with open(f"/proc/{gateway.process.pid}/statm") as f:
                resident = int(f.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
            assert resident < 40_000_000, resident
            n = 0
            while piece := s.recv(1 << 20):
                n += len(piece)
        assert n > size


def test_chunked_and_gzipped_replies_keep_their_payload(tmp_path):
    with Sim("--gzip") as sim, Gateway(sim.url, tmp_path / "region") as gateway:
        path = "/api/v3/klines?symbol=BTCUSDT&interval=1m&startTime=1500000000000&endTime=1500003600000"
        sim.faults("GET /api/v3/klines always chunked")
        straight, through = fetch(sim.port, path), fetch(gateway.port, path)
        assert straight[0] == through[0] == 200 and straight[2] == through[2]
        zipped = fetch(gateway.port, path, headers={"Accept-Encoding": "gzip"})
        assert zipped[1].get("content-encoding") == "gzip" and zipped[2][:2] == b"\x1f\x8b"


@pytest.mark.parametrize("args, said", [
    (["--listen", "nowhere"], b"--listen"),
    (["--upstream", "ftp://x"], b"--upstream"),
    (["--set", "retry.max_retrys=3"], b"max_retries"),
    (["--region", "/proc/nothing/here"], b"/proc/nothing/here"),
    (["--frobnicate"], b"--frobnicate"),
    (["--config", "/nonexistent.yaml"], b"/nonexistent.yaml"),
])
def test_a_mistaken_command_line_is_explained(args, said):
    done = subprocess.run([WEIR, "gateway", *args], capture_output=True, timeout=10)
    assert done.returncode in (1, 2)
    lines = done.stderr.splitlines()
    assert lines and all(line.startswith(b"weir:") for line in lines) and said in done.stderr, done.stderr


def test_a_region_of_something_else_is_not_touched(tmp_path):
    place = tmp_path / "precious"
    place.write_bytes(b"my diary" * 1000)
    done = subprocess.run([WEIR, "gateway", "--listen", "127.0.0.1:0", "--region", str(place)],
                          capture_output=True, timeout=10)
    assert done.returncode == 1 and b"is not a region of weir" in done.stderr
    assert place.read_bytes() == b"my diary" * 1000


def test_status_names_owners_without_losing_digits(tmp_path):
    region = tmp_path / "region"
    order = signed({"symbol": "BTCUSDT", "side": "BUY", "type": "LIMIT", "timeInForce": "GTC", "quantity": "0.001",
                    "price": "10000.00"}, ALICE[1])
    with Sim() as sim, Gateway(sim.url, region) as gateway:
        assert fetch(gateway.port, "/api/v3/order?" + order, "POST", headers={"X-MBX-APIKEY": ALICE[0]})[0] == 200
        budgets = status(region)["budgets"]
    orders = next(b for b in budgets if b["name"] == "spot-orders")
    assert orders["used"] >= 1 and orders["held"] == orders["foreign"] == 0, orders
    # As docs/region.md draws a slot: the owner's hash is its fourth word; what is not a budget has a pool
    # number beyond theirs.
    data = region.read_bytes()
    header_bytes, slot_bytes, n_slots = struct.unpack_from("=III", data, 12)
    slots = [struct.unpack_from("=4Q", data, header_bytes + slot_bytes * i) for i in range(n_slots)]
    assert {b["owner"] for b in budgets} == {f"{owner:016x}" for key, _, pool, owner in slots
                                            if key and pool >> 32 < 64}
    assert int(orders["owner"], 16) > 0 and any(int(b["owner"], 16) == 0 for b in budgets)


def refused_region(upstream, region):
    done = subprocess.run([WEIR, "gateway", "--listen", "127.0.0.1:0", "--region", str(region), *upstream],
                          capture_output=True, timeout=10)
    return done.stderr.decode() if done.returncode == 1 else ""


def test_a_region_stays_with_the_exchange_it_is_about(tmp_path):
    region = tmp_path / "region"
    with RawUpstream() as upstream, RawUpstream() as other:
        with Gateway(upstream.url, region, "--no-discovery"):
            pass
        said = refused_region(["--upstream", other.url], region)
        assert f"region {region}: " in said and other.url in said and "--region" in said, said
        # Neither does one group of another exchange, nor the real one.
        assert "/dapi" in refused_region(["--upstream", upstream.url, "--upstream", f"dapi={other.url}"], region)
        assert "https://api.binance.com" in refused_region([], region)
        with Gateway(upstream.url, region, "--no-discovery") as gateway:
            assert fetch(gateway.port, "/api/v3/ping")[0] == 200


def test_a_refusal_names_what_is_in_the_way(tmp_path):
    impatient = {"X-Weir-Max-Wait": "50"}
    with RawUpstream(limits=[("REQUEST_WEIGHT", "MINUTE", 1, 6000)]) as upstream, \
            Gateway(upstream.url, tmp_path / "region", "--set", "pacing.requests_per_minute=10",
                    "--set", "pacing.burst=1") as gateway:
        assert fetch(gateway.port, "/api/v3/ping")[0] == 200
        for path, signed_too in (("/api/v3/ping", False), ("/api/v3/account?" + signed({}, ALICE[1]), True)):
            status, headers, body = fetch(gateway.port, path, headers=impatient)
            text = json.loads(body)["msg"]
            assert (status, headers["x-weir-verdict"]) == (429, "late"), text
            assert "weir: pacing has room in " in text and ("recvWindow" in text) == signed_too, text
            assert f" {headers['x-weir-would-wait-ms']} ms" in text and int(headers["retry-after"]) > 1, headers
        eventually(lambda: "pool=pacing" in "".join(gateway.logged("refused")))
        assert "spot" not in text
        # Weight is what it counts: 5 leave the bucket four in debt, at ten a minute.
        heavy, light = tmp_path / "heavy", "weir: pacing has room in "
        with Gateway(upstream.url, heavy, "--set", "pacing.requests_per_minute=10", "--set", "pacing.burst=1") as other:
            assert fetch(other.port, "/api/v3/depth?symbol=BTCUSDT&limit=5")[0] == 200
            text = json.loads(fetch(other.port, "/api/v3/ping", headers=impatient)[2])["msg"]
            assert light in text and int(text.split(light)[1].split()[0]) > 24000, text
        # Whose time was over before it came: no budget is to blame.
        text = json.loads(fetch(gateway.port, "/api/v3/ping", headers={"X-Weir-Max-Wait": "0"})[2])["msg"]
        assert "pacing has room" in text or "is over" in text, text


def test_a_bad_wish_is_refused_by_name(tmp_path):
    with RawUpstream() as upstream, \
            Gateway(upstream.url, tmp_path / "region", "--no-discovery") as gateway:
        for field, value in (("X-Weir-Class", "urgent"), ("X-Weir-Max-Wait", "soon")):
            code, _, body = fetch(gateway.port, "/api/v3/ping", headers={field: value})
            assert code == 400 and field.encode() in body and value.encode() in body
        assert upstream.seen() == []


def test_every_command_has_help():
    for command in ("gateway", "sim", "status", "check"):
        done = subprocess.run([WEIR, command, "--help"], capture_output=True, timeout=10)
        assert done.returncode == 0 and done.stdout.startswith(b"usage: weir " + command.encode())
    done = subprocess.run([WEIR, "frob"], capture_output=True, timeout=10)
    assert done.returncode == 2 and done.stderr.startswith(b"weir: ")
