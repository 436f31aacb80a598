"""The gateway as a service: what it tells a service manager, sockets that were handed to it, and a restart
that loses nothing."""
import http.client
import os
import re
import shutil
import signal
import socket
import subprocess
import threading
import time

import pytest

from support import WEIR, Gateway, Sim, eventually, fetch


class Manager:
    """The notify socket of a service manager: keeps all that it is told."""

    def __init__(self, folder):
        self.path = str(folder / "notify")
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(self.path)
        self.messages = []
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self):
        while True:
            text = self.socket.recv(4096).decode()
            self.messages.append(dict(line.split("=", 1) for line in text.split("\n")))

    def told(self, key):
        return [message[key] for message in self.messages if key in message]

    def env(self, **more):
        return {"NOTIFY_SOCKET": self.path, **more}


def listening(folder=None):
    """A socket as a .socket unit opens it."""
    if folder is None:
        return socket.create_server(("127.0.0.1", 0), backlog=512)
    s = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    s.bind(str(folder / "weir.sock"))
    s.listen(512)
    return s


def test_the_manager_is_told_what_happens(tmp_path):
    manager = Manager(tmp_path)
    region = tmp_path / "region"
    with Sim("--limit", "spot-weight=100/5s", "--ban", "6") as sim:
        with Gateway(sim.url, region, env=manager.env(WATCHDOG_USEC="300000")) as gateway:
            eventually(lambda: manager.told("READY"))
            assert manager.messages[0] == {"READY": "1", "STATUS": "serving"}
            eventually(lambda: len(manager.told("WATCHDOG")) >= 5)
            gateway.process.send_signal(signal.SIGHUP)
            eventually(lambda: len(manager.told("READY")) == 2)
            order = [k for m in manager.messages for k in m if k in ("RELOADING", "READY")]
            assert order == ["READY", "RELOADING", "READY"]
            # Somebody else on this address goes too far.
            for _ in range(60):
                fetch(sim.port, "/api/v3/depth?symbol=BTCUSDT&limit=5000")
            eventually(lambda: fetch(gateway.port, "/api/v3/ping", headers={"X-Weir-Max-Wait": "0"})[0] != 200)
            eventually(lambda: re.fullmatch(r"serving; api is banned until \d\d:\d\d:\d\d UTC",
                                            manager.told("STATUS")[-1]))
            assert gateway.stop() == 0
            assert manager.told("STOPPING") == ["1"]
            assert manager.told("STATUS")[-1].startswith("draining: ")
        # A new one has read of the ban before it says that it is ready.
        n = len(manager.messages)
        with Gateway(sim.url, region, env=manager.env()):
            eventually(lambda: len(manager.messages) > n)
            assert manager.messages[n]["READY"] == "1"
            assert manager.messages[n]["STATUS"].startswith("serving; api is banned until ")


def test_the_manager_is_told_why_it_did_not_start(tmp_path):
    manager = Manager(tmp_path)
    wrong = tmp_path / "region"
    wrong.write_text("not a region")
    done = subprocess.run([WEIR, "gateway", "--region", str(wrong), "--listen", "127.0.0.1:0"], text=True,
                          capture_output=True, env={**os.environ, **manager.env()}, timeout=10)
    assert done.returncode == 1, done
    eventually(lambda: manager.told("STATUS"))
    assert manager.told("STATUS")[0].startswith("did not start: ")
    assert int(manager.told("ERRNO")[0]) > 0
    assert not manager.told("READY")


def test_the_manager_is_told_that_the_store_is_away(tmp_path):
    manager = Manager(tmp_path)
    with Gateway("http://127.0.0.1:9", tmp_path / "region", "--store", "redis://127.0.0.1:9",
                 env=manager.env()) as gateway:
        eventually(lambda: manager.told("READY"))
        assert manager.told("STATUS")[0].startswith("serving; the store has granted this host nothing yet: nothing is sent")
        assert gateway.stop() == 0


def test_it_ends_in_order_while_it_waits_for_the_store(tmp_path):
    with socket.socket() as nobody:  # bound, and not listening: refuses
        nobody.bind(("127.0.0.1", 0))
        process = subprocess.Popen(
            [WEIR, "gateway", "--region", str(tmp_path / "region"), "--listen", "127.0.0.1:0",
             "--store", f"redis://127.0.0.1:{nobody.getsockname()[1]}"], text=True, stderr=subprocess.PIPE)
        first = process.stderr.readline()
        assert "event=store_away" in first
        process.send_signal(signal.SIGTERM)
        _, rest = process.communicate(timeout=10)
    assert process.returncode == 0, first + rest
    assert "listening on" not in rest


def ask_unix(path):
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as s:
        s.connect(path)
        s.sendall(b"GET /api/v3/ping HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        reply = b""
        while piece := s.recv(65536):
            reply += piece
        return int(reply.split()[1])


def test_sockets_that_were_handed_over_are_served_and_kept(tmp_path):
    sockets = {"desk": listening(), "local": listening(tmp_path)}
    path = sockets["local"].getsockname()
    with Sim() as sim:
        with Gateway(sim.url, tmp_path / "region", "--listen", "127.0.0.1:1", sockets=sockets) as gateway:
            assert fetch(gateway.port, "/api/v3/ping")[0] == 200
            assert gateway.port == sockets["desk"].getsockname()[1]
            assert ask_unix(path) == 200
            said = "\n".join(gateway.lines)
            assert f'weir: gateway listening on unix:{path}, the socket "local" of the service manager' in said
            assert gateway.logged("listen_unused"), said
            assert gateway.stop() == 0
        assert os.path.exists(path)


def test_what_is_no_listening_socket_is_refused_in_words(tmp_path):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as wrong:
        wrong.bind(("127.0.0.1", 0))
        with pytest.raises(RuntimeError) as failure:
            Gateway("http://127.0.0.1:9", tmp_path / "region", sockets={"desk": listening(), "odd": wrong})
    assert 'handed over as \\"odd\\"' in str(failure.value) or 'handed over as "odd"' in str(failure.value)
    assert "ListenStream=" in str(failure.value)


class Asker(threading.Thread):
    """Asks again and again, as soon as it was answered, and notes what was no answer."""

    def __init__(self, port, is_kept):
        super().__init__(daemon=True)
        self.port, self.is_kept = port, is_kept
        self.answered, self.lost, self.is_over = 0, [], False

    def run(self):
        connection = None
        while not self.is_over:
            try:
                connection = connection or http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
                connection.request("POST", "/api/v3/order/test", body=b"symbol=BTCUSDT")
                response = connection.getresponse()
                text = response.read()
                # Without a key the exchange refuses it; that is its own, true answer.
                if response.status == 503 or b"weir:" in text:
                    self.lost.append((response.status, text))
                else:
                    self.answered += 1
                if not self.is_kept or response.will_close:
                    connection.close()
                    connection = None
            except OSError as e:
                self.lost.append(repr(e))
                connection = None
            time.sleep(0.002)


def test_a_restart_on_kept_sockets_loses_no_request(tmp_path):
    kept = {"desk": listening()}
    port = kept["desk"].getsockname()[1]
    with Sim("--limit", "spot-weight=1000000/60s", "--latency", "5~5", "--record", "100000") as sim:
        gateway = Gateway(sim.url, tmp_path / "region", sockets=kept)
        askers = [Asker(port, is_kept) for is_kept in (False, False, True, True)]
        for asker in askers:
            asker.start()
        lives = []
        for _ in range(4):
            before = sum(a.answered for a in askers)
            eventually(lambda: sum(a.answered for a in askers) > before + 50)
            lives.append(gateway.stop())
            # Nobody is there: who connects now waits.
            time.sleep(0.1)
            gateway = Gateway(sim.url, tmp_path / "region", sockets=kept)
        before = sum(a.answered for a in askers)
        eventually(lambda: sum(a.answered for a in askers) > before + 50)
        for asker in askers:
            asker.is_over = True
        for asker in askers:
            asker.join(10)
        assert gateway.stop() == 0 and lives == [0] * 4
        asked = sum(r["target"] == "/api/v3/order/test" for r in sim.requests(100000))
    assert [a.lost for a in askers] == [[]] * len(askers)
    # And each was sent once.
    assert asked == sum(a.answered for a in askers)


@pytest.mark.skipif(not shutil.which("systemd-socket-activate"), reason="systemd-socket-activate is not installed")
def test_systemd_starts_it_with_the_first_connection(tmp_path):
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        port = s.getsockname()[1]
    with Sim() as sim:
        process = subprocess.Popen(
            ["systemd-socket-activate", f"--listen=127.0.0.1:{port}", "--fdname=desk", WEIR, "gateway",
             "--upstream", sim.url, "--region", str(tmp_path / "region")],
            stderr=subprocess.PIPE, text=True)
        try:
            def answers():
                try:
                    return fetch(port, "/api/v3/ping")[0] == 200
                except ConnectionRefusedError:
                    return False
            eventually(answers)
            process.send_signal(signal.SIGTERM)
            _, said = process.communicate(timeout=15)
            assert process.returncode == 0, said
            assert 'the socket "desk" of the service manager' in said
        finally:
            process.kill()
