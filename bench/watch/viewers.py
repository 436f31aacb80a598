"""viewers.py PORT N: N viewers of the page's live events and one who scrapes the metrics each second, as cheap as can be, until
its input ends. Says "ready" when all have seen something, and at the end what they saw, as JSON."""
import json
import selectors
import socket
import sys
import time

LIVE = b"GET /weir/api/live HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\n\r\n"
SCRAPE = b"GET /weir/metrics HTTP/1.1\r\nHost: localhost\r\nAccept: application/openmetrics-text\r\n\r\n"
PIECE = 1 << 18


def connect(port, request, selector, kind):
    s = socket.create_connection(("127.0.0.1", port), timeout=10)
    s.sendall(request)
    selector.register(s, selectors.EVENT_READ, kind)
    return s


def main():
    port, n = int(sys.argv[1]), int(sys.argv[2])
    selector = selectors.DefaultSelector()
    heard, seen, said_ready = set(), {"events": 0, "bytes": 0, "scrapes": 0}, False
    for _ in range(n):
        connect(port, LIVE, selector, "live")
    scraper = connect(port, SCRAPE, selector, "scrape")
    selector.register(sys.stdin, selectors.EVENT_READ, "end")
    due = time.monotonic() + 1
    while True:
        for key, _ in selector.select(max(due - time.monotonic(), 0)):
            if key.data == "end":
                print(json.dumps(seen), flush=True)
                return 0
            piece = key.fileobj.recv(PIECE)
            if not piece:
                return 1
            heard.add(key.fd)
            seen["bytes"] += len(piece)
            seen["events"] += piece.count(b"event: now")
            seen["scrapes"] += piece.endswith(b"# EOF\n")
        if len(heard) > n and not said_ready:
            said_ready = True
            print("ready", flush=True)
        if time.monotonic() >= due:
            scraper.sendall(SCRAPE)
            due += 1


if __name__ == "__main__":
    sys.exit(main())
