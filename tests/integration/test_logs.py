"""What is logged, in each form, and where it goes."""
import json
import os
import re
import signal
import subprocess

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
    """A line read from logfmt and from JSON, but for time and what is counted."""
    assert list(one) == [key for key in other if key != "logger"], (one, other)
    assert {k: v for k, v in one.items() if k != "ts"} == \
        {k: str(v) if not isinstance(v, str) else v for k, v in other.items() if k not in ("ts", "logger")}


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
    assert any(o["event"] == "unknown_endpoint" and o["path"] == '/api/v3/x"y=1\\z' for o in objects)
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
