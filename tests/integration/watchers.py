"""For the tests of what is under /weir: tokens, and a viewer that reads server-sent events."""
import json
import socket
import threading
import time

LOOK = "look56789abcdef0123456789abcdef0"
ACT = "act456789abcdef0123456789abcdef0"
BEARER = {"Authorization": f"Bearer {ACT}"}
MEANT = {**BEARER, "X-Weir-Action": "yes", "Content-Type": "application/json"}


def tokens(folder, **named):
    """Files of tokens, as they must be, and the lines of a configuration that name them."""
    lines = ["watch:"]
    for setting, token in named.items():
        path = folder / setting
        path.write_text(f"# {setting}\n{token}\n")
        path.chmod(0o600)
        lines.append(f"  {setting}: {path}")
    config = folder / "weir.yaml"
    config.write_text("\n".join(lines) + "\n")
    return config


class Viewer(threading.Thread):
    """Reads /weir/api/live. Each event is (when, name, id, data)."""

    def __init__(self, port, headers=None, host="127.0.0.1"):
        super().__init__(daemon=True)
        fields = "".join(f"{k}: {v}\r\n" for k, v in (headers or {}).items())
        self.socket = socket.create_connection((host, port), timeout=30)
        self.socket.sendall(f"GET /weir/api/live HTTP/1.1\r\nHost: {host}:{port}\r\n{fields}\r\n".encode())
        self.status, self.head, self.events = None, b"", []
        self.is_over = False
        self.start()

    def run(self):
        stream = self.socket.makefile("rb")
        try:
            self.status = int(stream.readline().split()[1])
            for line in iter(stream.readline, b"\r\n"):
                self.head += line
            block = {}
            for line in stream:
                if line.strip():
                    key, _, value = line.decode().partition(":")
                    block[key] = value.strip()
                elif block:
                    if "event" in block:
                        self.events.append((time.monotonic(), block["event"], int(block.get("id", 0)),
                                            json.loads(block["data"])))
                    block = {}
        except (OSError, ValueError):
            pass
        self.is_over = True

    def named(self, name):
        return [e for e in self.events if e[1] == name]

    def close(self):
        self.socket.shutdown(socket.SHUT_RDWR)
        self.join(5)
        self.socket.close()
