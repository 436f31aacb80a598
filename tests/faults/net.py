"""The way from each host to the store, which can be cut: a pair of interfaces into the store's own
network namespace, or, where namespaces are not allowed, a relay."""
import contextlib
import os
import selectors
import socket
import subprocess
import threading
import time

NETWORKS = range(1, 250)


def ip(*words):
    subprocess.run(["ip", *words], check=True, capture_output=True, text=True)


def has_namespaces():
    """Whether this user may make them here."""
    name = f"weir-try-{os.getpid()}"
    try:
        ip("netns", "add", name)
        ip("netns", "del", name)
        return True
    except (OSError, subprocess.CalledProcessError):
        return False


class Namespace(contextlib.ExitStack):
    """A machine for the store: reached by each host over a wire of its own."""

    def __init__(self):
        super().__init__()
        for self.number in NETWORKS:
            try:
                self.name = f"weirf{self.number}"
                ip("netns", "add", self.name)
                break
            except subprocess.CalledProcessError:
                continue  # another run's
        else:
            raise OSError("no network namespace is free: ip netns list; ip netns del NAME")
        self.callback(ip, "netns", "del", self.name)
        ip("-n", self.name, "link", "set", "lo", "up")
        self.wires = 0

    def inside(self, command):
        return ["ip", "netns", "exec", self.name, *command]

    def address(self, wire, is_inside=True):
        return f"10.213.{self.number}.{4 * wire + (2 if is_inside else 1)}"

    def wire(self, _port):
        """One more. Returns where the store is, seen over it."""
        i, self.wires = self.wires, self.wires + 1
        ours, theirs = f"wf{self.number}-{i}", f"wf{self.number}-{i}s"
        ip("link", "add", ours, "type", "veth", "peer", "name", theirs, "netns", self.name)
        self.callback(lambda: subprocess.run(["ip", "link", "del", ours], check=False, capture_output=True))
        ip("addr", "add", self.address(i, False) + "/30", "dev", ours)
        ip("link", "set", ours, "up")
        ip("-n", self.name, "addr", "add", self.address(i) + "/30", "dev", theirs)
        ip("-n", self.name, "link", "set", theirs, "up")
        return self.address(i)

    def cut(self, wire, how):
        """Nothing is told to either end: packets vanish, on the way there and back or only back."""
        if how == "both ways":
            ip("-n", self.name, "link", "set", f"wf{self.number}-{wire}s", "down")
        else:
            ip("-n", self.name, "route", "add", "blackhole", self.address(wire, False) + "/32")

    def heal(self, wire, how):
        if how == "both ways":
            ip("-n", self.name, "link", "set", f"wf{self.number}-{wire}s", "up")
        else:
            ip("-n", self.name, "route", "del", "blackhole", self.address(wire, False) + "/32")


class Relay:
    """One wire: what is sent to its port goes to the store, unless it is cut; then bytes wait, as
    they do in a sender whose packets vanish."""

    def __init__(self, port):
        self.to, self.is_cut, self.how = port, False, ""
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _held(self, is_answer):
        return self.is_cut and (is_answer or self.how == "both ways")

    def _serve(self, client):
        with contextlib.suppress(OSError), client, contextlib.ExitStack() as stack:
            while self._held(False):
                time.sleep(0.01)
            store = stack.enter_context(socket.create_connection(("127.0.0.1", self.to), timeout=5))
            store.settimeout(None)
            waiting = selectors.DefaultSelector()
            waiting.register(client, selectors.EVENT_READ, (store, False))
            waiting.register(store, selectors.EVENT_READ, (client, True))
            while True:
                for key, _ in waiting.select():
                    other, is_answer = key.data
                    if self._held(is_answer):
                        time.sleep(0.005)
                        continue
                    piece = key.fileobj.recv(65536)
                    if not piece:
                        return
                    other.sendall(piece)


class Relays(contextlib.ExitStack):
    """The same face as Namespace, without any right."""

    def __init__(self):
        super().__init__()
        self.relays = []

    def inside(self, command):
        return command

    def wire(self, port):
        self.relays.append(Relay(port))
        self.callback(self.relays[-1].listener.close)
        return self.relays[-1]

    def cut(self, wire, how):
        self.relays[wire].how, self.relays[wire].is_cut = how, True

    def heal(self, wire, _how):
        self.relays[wire].is_cut = False
