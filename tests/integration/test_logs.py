"""What is logged, in each form, and where it goes."""
import fcntl
import json
import os
import re
import resource
import signal
import socket
import subprocess
import threading

from support import WEIR, Gateway, RawUpstream, eventually, fetch, raw

LINE = re.compile(r'weir: ts=(\S+) level=(\w+) event=(\w+)((?: [a-z][a-z0-9_]*=(?:"(?:[^"\\]|\\.)*"|[^\s"]+))*)$')
PAIR = re.compile(r' ([a-z][a-z0-9_]*)=("(?:[^"\\]|\\.)*"|[^\s"]+)')


def read_logfmt(line):
    """As docs/logs.md says: a value in quotes is a string of JSON."""
    match = LINE.match(line)
    assert match, line
    fields = {"ts": match.group(1), "level": match.group(2), "event": match.group(3)}
    for key, value in PAIR.findall(match.group(4)):
        assert key not in fields, line
        fields[key] = json.loads(value) if value.startswith('"') else value
    return fields


def make_noise(gateway):
    """What makes events with every kind of value: hostile paths and names, an unknown endpoint, a reload."""
    fetch(gateway.port, "/api/v3/nonsense=1?signature=aaaa")
    raw(gateway.port, b"GET /api/v3/x\"y=1\\z HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
    fetch(gateway.port, "/api/v3/account", headers={"X-Weir-Account": "a \"b\" = c\\"})
    fetch(gateway.port, "/api/v3/account", headers={"X-Weir-Account": "\u00e4".encode().decode("latin-1")})
    gateway.process.send_signal(signal.SIGHUP)


def check_same(one, other):
    """A line read from logfmt and from JSON, but for time and the request's id."""
    assert list(one) == [key for key in other if key != "logger"], (one, other)
    changing = ("ts", "request", "logger")
    assert {k: v for k, v in one.items() if k not in changing} == \
        {k: str(v) if not isinstance(v, str) else v for k, v in other.items() if k not in changing}


def test_both_forms_say_the_same_line_by_line(tmp_path):
    said = {}
    with RawUpstream() as upstream:
        for form in ("logfmt", "json"):
            with Gateway(upstream.url, tmp_path / f"region-{form}", "--no-discovery", "--set", "log.level=info",
                         env={"WEIR_LOG_FORMAT": form}) as gateway:
                make_noise(gateway)
                eventually(lambda g=gateway: any("reloaded" in line for line in g.lines))
                gateway.stop()
                said[form] = gateway.lines
    plain = [line for line in said["logfmt"] if " event=" not in line]
    assert len(plain) == 1 and plain[0].startswith("weir: gateway listening on ")
    logfmt = [read_logfmt(line) for line in said["logfmt"] if " event=" in line]
    # Every line is an object, what is said in a sentence too.
    objects = [json.loads(line) for line in said["json"]]
    assert all(o["logger"] == "weir" and o["level"] in ("error", "warn", "info") for o in objects)
    assert [o["text"] for o in objects if o["event"] == "said"][0].startswith("gateway listening on ")
    objects = [o for o in objects if o["event"] != "said"]
    assert len(logfmt) == len(objects) > 5
    for one, other in zip(logfmt, objects):
        check_same(one, other)
    assert any(o["event"] == "not_sealed" and o["account"] == 'a "b" = c\\' for o in objects)
    assert any(o["event"] == "unknown_endpoint" and o["path"] == "/api/v3/(hidden)" for o in objects)
    assert any(o["event"] == "unknown_endpoint" and o["weight"] == 50 for o in objects)


def test_a_bad_format_is_refused_with_the_remedy(tmp_path):
    done = subprocess.run([WEIR, "gateway", "--region", str(tmp_path / "r"), "--set", "log.format=jsn"],
                          capture_output=True, text=True, check=False, timeout=20)
    assert done.returncode == 2
    assert done.stderr == 'weir: --set: log.format: "jsn" is no format; did you mean "json"?\n'


def test_what_is_wrong_at_a_reload_is_said_in_the_form_of_the_log(tmp_path):
    config = tmp_path / "weir.yaml"
    config.write_text("log: {format: json}\n")
    with RawUpstream() as upstream, \
            Gateway(upstream.url, tmp_path / "region", "--no-discovery", "--config", str(config)) as gateway:
        config.write_text("log: {format: json}\nunknown_wait: 9\n")
        gateway.process.send_signal(signal.SIGHUP)
        eventually(lambda: any("reload_refused" in line for line in gateway.lines))
        objects = [json.loads(line) for line in gateway.lines]
        assert [o["text"] for o in objects if o["event"] == "said" and o["level"] == "error"] == \
            [f'{config}:2:1: unknown key "unknown_wait"; did you mean "unknown_weight"?']


class Journal:
    """A gateway whose stderr is @path, and which believes that to be the journal, or another file."""

    def __init__(self, path, region, upstream, *args, inode=None):
        self.path = path
        with open(path, "wb") as to:
            st = os.fstat(to.fileno())
            env = {**os.environ, "JOURNAL_STREAM": f"{st.st_dev}:{inode or st.st_ino}"}
            self.process = subprocess.Popen(
                [WEIR, "gateway", "--listen", "127.0.0.1:0", "--upstream", upstream.url, "--region", str(region),
                 "--no-discovery", "--set", "log.level=debug", *args], stderr=to, env=env)
        eventually(lambda: "listening on" in self.text())
        self.port = int(re.search(r"listening on 127.0.0.1:(\d+)", self.text()).group(1))

    def text(self):
        return self.path.read_text()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait(15)


def test_the_journal_gets_priorities_and_nobody_else(tmp_path):
    levels = {"error": "3", "warn": "4", "info": "6", "debug": "7"}
    with RawUpstream(lambda *_: "close") as upstream:
        with Journal(tmp_path / "journal", tmp_path / "one", upstream) as gateway:
            fetch(gateway.port, "/api/v3/nonsense", "POST")
            eventually(lambda: "event=unknown_fate" in gateway.text())
        lines = (tmp_path / "journal").read_text().splitlines()
        for line in lines:
            assert re.match(r"<[3467]>weir: ", line), line
            if " event=" in line:
                assert line[1] == levels[read_logfmt(line[3:])["level"]]
        assert lines[0].startswith("<6>weir: gateway listening on ")
        assert any(line.startswith("<4>") and "event=unknown_fate" in line for line in lines)
        with Journal(tmp_path / "json", tmp_path / "two", upstream, "--set", "log.format=json"):
            pass
        for line in (tmp_path / "json").read_text().splitlines():
            assert line[1] == levels[json.loads(line[3:])["level"]]
        # A shell that sends stderr elsewhere inherits the variable all the same.
        with Journal(tmp_path / "file", tmp_path / "three", upstream, inode=1):
            pass
        assert all(line.startswith("weir: ") for line in (tmp_path / "file").read_text().splitlines())


def test_a_log_that_nobody_reads_holds_nobody_up(tmp_path):
    chunks = []
    read, write = os.pipe()
    fcntl.fcntl(write, fcntl.F_SETPIPE_SZ, 4096)
    with RawUpstream() as upstream:
        process = subprocess.Popen([WEIR, "gateway", "--listen", "127.0.0.1:0", "--upstream", upstream.url, "--region",
                                    str(tmp_path / "region"), "--no-discovery", "--set", "log.access=on", "--set",
                                    "unknown_weight=1"], stderr=write)
        os.close(write)
        try:
            said = b""
            while b"listening on" not in said:
                said += os.read(read, 4096)
            port = int(re.search(rb"listening on 127.0.0.1:(\d+)", said).group(1))
            # Some twenty times what the pipe takes: both kinds of lines.
            for i in range(200):
                assert fetch(port, f"/api/v3/{'time?n=1' if i % 2 else 'nonsense'}", timeout=5)[0] == 200
            reader = threading.Thread(target=lambda: chunks.extend(iter(lambda: os.read(read, 65536), b"")))
            reader.start()
            eventually(lambda: b"".join(chunks).count(b"event=access") == 200)
            process.send_signal(signal.SIGHUP)
            eventually(lambda: b"event=reloaded" in b"".join(chunks))
        finally:
            process.terminate()
            assert process.wait(15) == 0
        reader.join()
    lines = b"".join(chunks).decode().splitlines()
    assert all(read_logfmt(line) for line in lines)
    # Ten a second are let through, of which the pipe took some.
    assert any("missed" in read_logfmt(line) for line in lines if " event=access " not in line)


# --- request ids -----------------------------------------------------------------------------------


def test_an_id_travels_through_answer_and_log_and_never_to_the_exchange(tmp_path):
    with RawUpstream(lambda m, t, b: RawUpstream.OK if m == b"GET" else "close") as upstream, \
            Gateway(upstream.url, tmp_path / "region", "--no-discovery") as gateway:
        _, headers, _ = fetch(gateway.port, "/api/v3/account", headers={"X-Weir-Request-Id": "mine-0.1_~"})
        assert headers["x-weir-request-id"] == "mine-0.1_~"
        ours = [fetch(gateway.port, "/api/v3/time?n=1")[1]["x-weir-request-id"] for _ in range(3)]
        assert len(set(ours)) == 3 and all(re.fullmatch("[0-9a-z]{18}", each) for each in ours)
        for bad in ("", "a b", "x" * 65, "c8db56825ae71d6d79447849e617115f4a920fa2acdcab2b053c4b2838bd6b71", 'a"b'):
            _, headers, _ = fetch(gateway.port, "/api/v3/account", headers={"X-Weir-Request-Id": bad})
            assert headers["x-weir-request-id"].startswith(ours[0][:10])
        # One that changes something and gets no answer.
        status, headers, _ = fetch(gateway.port, "/api/v3/order?a=1", "POST", headers={"X-Weir-Request-Id": "lost"})
        assert status == 502 and headers["x-weir-request-id"] == "lost"
        eventually(lambda: any("request=lost " in line for line in gateway.logged("unknown_fate")))
        # What weir refuses, and what is no request at all.
        for path, status in (("/other", 404), ("/api//v3", 400), ("/weir/nothing-here", 404)):
            got, headers, _ = fetch(gateway.port, path, headers={"X-Weir-Request-Id": "mine"})
            assert (got, headers["x-weir-request-id"]) == (status, "mine"), path
        reply = raw(gateway.port, b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n")
        match = re.search(rb"\r\nX-Weir-Request-Id: ([0-9a-z]{18})\r\n", reply)
        assert reply.startswith(b"HTTP/1.1 400 ") and match, reply
        eventually(lambda: any(match.group(1).decode() in line for line in gateway.logged("malformed")))
        assert not any(line.lower().startswith(b"x-weir") for _, _, lines, _ in upstream.seen() for line in lines)


def test_what_is_under_weir_has_ids_too_at_any_address(tmp_path):
    config = tmp_path / "weir.yaml"
    config.write_text("watch: {listen: ['127.0.0.1:0']}\n")
    with RawUpstream() as upstream, \
            Gateway(upstream.url, tmp_path / "region", "--no-discovery", "--config", str(config)) as gateway:
        def ports():
            return set(map(int, re.findall(r"127\.0\.0\.1:(\d+)", "\n".join(gateway.lines))))

        eventually(lambda: len(ports()) == 2)
        for port in ports():
            assert fetch(port, "/weir/healthz", headers={"X-Weir-Request-Id": "mine"})[1]["x-weir-request-id"] == "mine"
            with socket.create_connection(("127.0.0.1", port), timeout=10) as s:
                s.sendall(b"GET /weir/api/live HTTP/1.1\r\nHost: localhost\r\nX-Weir-Request-Id: live\r\n\r\n")
                reply = b""
                while b"\r\n\r\n" not in reply:
                    reply += s.recv(65536)
            assert b"\r\nX-Weir-Request-Id: live\r\n" in reply, reply
            reply = raw(port, b"GET /weir/ HTTP/7\r\n\r\n")
            assert re.search(rb"\r\nX-Weir-Request-Id: [0-9a-z]{18}\r\n", reply), reply


def test_a_shadow_leaves_replies_alone_and_names_the_request_in_its_report(tmp_path):
    with RawUpstream() as upstream, \
            Gateway(upstream.url, tmp_path / "region", "--no-discovery", "--shadow") as gateway:
        _, headers, _ = fetch(gateway.port, "/api/v3/time", headers={"X-Weir-Request-Id": "mine"})
        assert "x-weir-request-id" not in headers
        fetch(gateway.port, "/api/v3/ping", headers={"X-Weir-Request-Id": "odd", "X-Weir-Class": "nonsense"})
        gateway.stop()
    report = json.loads((tmp_path / "region.shadow").read_text())
    (example,) = report["would_have_refused"][0]["examples"]
    assert (example["request"], example["request_id"]) == ("GET /api/v3/ping", "odd")


# --- the access log --------------------------------------------------------------------------------


def test_a_line_for_each_request_whatever_came_of_it(tmp_path):
    log = tmp_path / "access.log"

    def answer(method, target, body):
        if b"ticker" in target:
            return (b"HTTP/1.1 400 Bad Request\r\nContent-Type: application/json\r\nContent-Length: 38\r\n\r\n"
                    b'{"code":-1121,"msg":"Invalid symbol."}')
        return "close" if method == b"POST" else RawUpstream.OK

    def lines():
        return {fields["request"]: fields for fields in map(json.loads, log.read_text().splitlines())}

    with RawUpstream(answer) as upstream, \
            Gateway(upstream.url, tmp_path / "region", "--no-discovery", "--set", f"log.access={log}",
                    env={"WEIR_LOG_FORMAT": "json"}) as gateway:
        def ask(path, name, method="GET", body=None, **headers):
            fetch(gateway.port, path, method, body, {"X-Weir-Request-Id": name, **headers})

        ask("/api/v3/depth?symbol=BTCUSDT&limit=5", "read", **{"X-Weir-Client": "bot one", "X-Weir-Class": "backfill"})
        ask("/api/v3/ticker/price?symbol=NONE", "error")
        ask("/api/v3/order", "order", "POST", "symbol=A&side=BUY&signature=" + "ab" * 32,
            **{"Content-Type": "application/x-www-form-urlencoded"})
        ask("/api//x", "refused")
        raw(gateway.port, b"nonsense\r\n\r\n")
        eventually(lambda: len(lines()) == 5)
        said = lines()
        assert os.stat(log).st_mode & 0o777 == 0o600
    read = said["read"]
    assert list(read) == ["logger", "ts", "level", "event", "request", "client", "peer", "class", "method", "path", "params",
                          "in_bytes", "status", "code", "out_bytes", "waited_ms", "exchange_ms", "retries", "weight",
                          "outcome"]
    for key, value in {"event": "access", "client": "bot one", "peer": "127.0.0.1", "class": "backfill", "method": "GET",
                       "path": "/api/v3/depth", "params": "symbol,limit", "in_bytes": 0, "status": 200, "code": 0,
                       "out_bytes": 2, "retries": 0, "weight": 5, "outcome": "ok"}.items():
        assert read[key] == value, key
    assert 0 <= read["waited_ms"] < 60000 and 0 < read["exchange_ms"] < 60000
    error, order, refused = said["error"], said["order"], said["refused"]
    assert (error["status"], error["code"], error["outcome"], error["out_bytes"]) == (400, -1121, "error", 38)
    assert (order["status"], order["params"], order["outcome"]) == (502, "symbol,side,signature", "unknown")
    assert (order["verdict"], order["in_bytes"]) == ("unknown", 28 + 64)
    assert (refused["status"], refused["verdict"], refused["outcome"]) == (400, "bad_path", "refused")
    assert [line["status"] for line in said.values() if line.get("verdict") == "malformed"] == [400]


def test_a_rotated_file_is_left_and_a_new_one_begun(tmp_path):
    log, config = tmp_path / "access.log", tmp_path / "weir.yaml"
    config.write_text(f"log: {{access: {log}}}\n")
    with RawUpstream() as upstream, \
            Gateway(upstream.url, tmp_path / "region", "--no-discovery", "--config", str(config)) as gateway:
        fetch(gateway.port, "/api/v3/time?n=1", headers={"X-Weir-Request-Id": "one"})
        eventually(lambda: "request=one " in log.read_text())
        log.rename(tmp_path / "access.log.1")
        fetch(gateway.port, "/api/v3/time?n=1", headers={"X-Weir-Request-Id": "two"})
        eventually(lambda: "request=two " in (tmp_path / "access.log.1").read_text())
        gateway.process.send_signal(signal.SIGHUP)
        eventually(lambda: gateway.logged("reloaded"))
        fetch(gateway.port, "/api/v3/time?n=1", headers={"X-Weir-Request-Id": "three"})
        eventually(lambda: log.exists() and "request=three " in log.read_text())
        # On: into the log, each line whole.
        config.write_text("log: {access: on}\n")
        gateway.process.send_signal(signal.SIGHUP)
        eventually(lambda: len(gateway.logged("reloaded")) == 2)
        fetch(gateway.port, "/api/v3/time?n=1", headers={"X-Weir-Request-Id": "four"})
        eventually(lambda: gateway.logged("access"))
        assert read_logfmt(gateway.logged("access")[0])["request"] == "four"
        # A place that cannot be opened: said, and it goes on as before.
        config.write_text(f"log: {{access: {tmp_path}/none/log}}\n")
        gateway.process.send_signal(signal.SIGHUP)
        eventually(lambda: gateway.logged("access_unopened"))
        fetch(gateway.port, "/api/v3/time?n=1", headers={"X-Weir-Request-Id": "five"})
        eventually(lambda: len(gateway.logged("access")) == 2)


def test_what_could_not_be_written_is_when_there_is_room_again(tmp_path):
    log = tmp_path / "access.log"
    with RawUpstream() as upstream, \
            Gateway(upstream.url, tmp_path / "region", "--no-discovery", "--set", f"log.access={log}") as gateway:
        fetch(gateway.port, "/api/v3/time?n=1", headers={"X-Weir-Request-Id": "one"})
        eventually(lambda: "request=one " in log.read_text())
        # The file may grow by half a line.
        most = resource.prlimit(gateway.process.pid, resource.RLIMIT_FSIZE)
        resource.prlimit(gateway.process.pid, resource.RLIMIT_FSIZE, (log.stat().st_size + 100, most[1]))
        fetch(gateway.port, "/api/v3/time?n=1", headers={"X-Weir-Request-Id": "two"})
        fetch(gateway.port, "/api/v3/time?n=1", headers={"X-Weir-Request-Id": "three"})
        eventually(lambda: gateway.logged("access_unwritten"))
        assert "request=three " not in log.read_text()
        resource.prlimit(gateway.process.pid, resource.RLIMIT_FSIZE, most)
        eventually(lambda: gateway.logged("access_written"))
        assert [read_logfmt(line)["request"] for line in log.read_text().splitlines()] == ["one", "two", "three"]
        assert read_logfmt(gateway.logged("access_written")[0])["lost"] == "0"
        assert len(gateway.logged("access_unwritten")) == 1


def test_a_full_disk_loses_lines_and_no_request(tmp_path):
    with RawUpstream() as upstream:
        done = subprocess.run([WEIR, "gateway", "--upstream", upstream.url, "--region", str(tmp_path / "r"),
                               "--set", f"log.access={tmp_path}/none/log"], capture_output=True, text=True, check=False,
                              timeout=20)
        assert done.returncode == 1
        assert done.stderr == (f"weir: the access log {tmp_path}/none/log cannot be opened: No such file or directory; "
                               "name a file in a folder of yours, on, or off (log.access)\n")
        with Gateway(upstream.url, tmp_path / "region", "--no-discovery", "--set", "log.access=/dev/full") as gateway:
            for _ in range(3):
                assert fetch(gateway.port, "/api/v3/time?n=1")[0] == 200
            eventually(lambda: gateway.logged("access_unwritten"))
            assert fetch(gateway.port, "/api/v3/time?n=1")[0] == 200
            assert gateway.stop() == 0
            assert len(gateway.logged("access_unwritten")) == 1
            assert "No space left on device" in gateway.logged("access_unwritten")[0]
