"""10,000 clients who ask for 500 endpoints, and what a gateway takes for it."""
import csv
import http.client
import re
import socket
import threading
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
ENDPOINTS = 500
THREADS = 4


def endpoints():
    """[(method, path)] of the tables."""
    found = []
    for name in ("spot", "sapi", "usdm", "coinm", "papi", "eapi"):
        with open(ROOT / "data" / f"{name}.csv", newline="") as file:
            found += [(row["method"], row["path"]) for row in csv.DictReader(file)]
    return found[:ENDPOINTS]


def ask_some(port, requests):
    """On one connection, one after the other; what there is no room for is refused, and counts likewise."""
    with socket.create_connection(("127.0.0.1", port), timeout=60) as s:
        file = s.makefile("rb")
        for client, (method, path) in requests:
            body = "" if method == "GET" else "Content-Length: 0\r\n"
            s.sendall(f"{method} {path} HTTP/1.1\r\nHost: localhost\r\nX-Weir-Max-Wait: 100\r\n"
                      f"X-Weir-Client: client-{client:05d}\r\n{body}\r\n".encode())
            length = 0
            if not file.readline().startswith(b"HTTP/1.1 "):
                raise SystemExit("weir: bench: the gateway did not answer")
            while (line := file.readline()) != b"\r\n":
                if line.lower().startswith(b"content-length:"):
                    length = int(line.split(b":")[1])
            file.read(length)


def ask(port, clients):
    """Each client once for two endpoints."""
    known = endpoints()
    requests = [(i % clients, known[i * 7 % len(known)]) for i in range(2 * clients)]
    threads = [threading.Thread(target=ask_some, args=(port, requests[k::THREADS])) for k in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return {"clients": clients, "endpoints": len(known), "requests": len(requests)}


def get(port, path):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        connection.request("GET", path, headers={"Accept": "application/openmetrics-text"})
        answer = connection.getresponse()
        body = answer.read()
        if answer.status != 200:
            raise SystemExit(f"weir: bench: {path}: {answer.status} {body[:200]!r}")
        return body
    finally:
        connection.close()


def look(port):
    """At all that the page asks for."""
    for by in ("client", "account", "endpoint"):
        get(port, f"/weir/api/spenders?by={by}&minutes=60")
        get(port, f"/weir/api/history?by={by}&step=window")
    get(port, "/weir/api/now")


def scrape(port):
    began = time.monotonic()
    text = get(port, "/weir/metrics").decode()
    if '\nweir_history_state{state="on"} 1\n' not in text:
        raise SystemExit("weir: bench: the history is not written")
    return {"scrape_ms": (time.monotonic() - began) * 1000, "scrape_bytes": len(text),
            "series": sum(1 for line in text.splitlines() if not line.startswith("#"))}


def memory(pid):
    """{"VmRSS": KiB, "VmHWM": KiB, ...}"""
    return {name: int(n) for name, n in re.findall(r"^(Vm\w+):\s+(\d+) kB$", Path(f"/proc/{pid}/status").read_text(), re.M)}
