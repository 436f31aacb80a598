"""weir store: what people see of the books, and how a dead host ends."""
import json
import os
import subprocess
import time

import pytest
from servers import FUNCTION, HAS_REDIS, Stage

pytestmark = pytest.mark.skipif(not HAS_REDIS, reason="there is no redis-server")
KEY = "weir:{weir}"
SPAN = 86_400_000


@pytest.fixture(name="stage")
def stage_fixture():
    stage = Stage()
    yield stage
    stage.end()


class Books:
    """Hosts that speak to a store by the function alone."""

    def __init__(self, server):
        self.server = server
        self.connection = server.connect()
        self.birth, self.epoch, self.seq = "", 0, 0

    def speak(self, number, name, want, ago=0, hold=0):
        now = int(time.time() * 1000) - ago
        n = now // SPAN
        self.seq += 1
        op = {"v": 1, "table": "t", "host": number, "name": name, "seq": self.seq, "now": now, "error": 5,
              "birth": self.birth, "epoch": self.epoch, "server": "s", "grace": 600_000, "is_fixed": False,
              "roster": ["aaaaaaaaaaaaaaaa", "bbbbbbbbbbbbbbbb"], "bye": False,
              "budgets": {"main/orders/86400000": {
                  "limit": 6000, "span": SPAN, "past": 1, "share": 0, "aim": 0, "now": n, "before": 0, "after": hold,
                  "windows": {str(n - 1): {"used": 0, "seen": 0},
                              str(n): {"hold": hold, "want": want, "urgent": 0, "used": hold // 2, "seen": 0},
                              str(n + 1): {"hold": 0, "want": 0, "urgent": 0, "used": 0, "seen": 0}}}}}
        answer = json.loads(self.connection("EVAL", FUNCTION, "1", KEY, json.dumps(op)))
        assert "error" not in answer, answer
        self.birth, self.epoch = answer["birth"], answer["epoch"]
        return answer


def weir(server, *words, **options):
    return subprocess.run([os.environ["WEIR"], "store", *words, "--store", f"redis://127.0.0.1:{server.port}"],
                          capture_output=True, text=True, timeout=20, check=False, **options)


@pytest.fixture(name="books")
def books_fixture(stage):
    """box-1 speaks; box-2 has been silent for more than a minute."""
    books = Books(stage.server())
    for number, name in (("bbbbbbbbbbbbbbbb", "box-2"), ("aaaaaaaaaaaaaaaa", "box-1")):
        books.speak(number, name, 0, ago=70_000)
        books.speak(number, name, 0, ago=70_000)
    books.speak("aaaaaaaaaaaaaaaa", "box-1", 1000, ago=50_000)
    books.speak("aaaaaaaaaaaaaaaa", "box-1", 1000, hold=0)
    return books


def test_nobody_has_spoken_yet(stage):
    server = stage.server()
    done = weir(server, "show")
    assert done.returncode == 1 and "there are no books of the name weir in redis://" in done.stderr
    assert "within a minute" in done.stderr
    for flag in ("--yes", "--json"):
        done = weir(server, "forget", "box-1", flag)
        assert done.returncode == 1 and "there are no books of the name weir" in done.stderr and done.stdout == ""
    assert json.loads(weir(server, "show", "--json").stdout)["hosts"] == {}


def test_a_key_of_somebody_else(stage):
    server = stage.server()
    for field, value in (("books", "hello"), ("title", "{}")):
        server.connect()("DEL", KEY)
        server.connect()("HSET", KEY, field, value)
        for words in (("show",), ("show", "--json"), ("forget", "box-1", "--yes")):
            done = weir(server, *words)
            assert done.returncode == 1 and done.stdout == "", done.stdout
            assert "weir:{weir} in redis://" in done.stderr and "the key is there and is not ours" in done.stderr
        assert server.connect()("HGETALL", KEY) == [field.encode(), value.encode()]


def test_show(books):
    done = weir(books.server, "show")
    assert done.returncode == 0, done.stderr
    assert "2 hosts" in done.stdout and "box-1" in done.stdout and "main/orders/86400000  limit 6000" in done.stdout
    assert "may use   1000" in done.stdout
    shown = json.loads(weir(books.server, "show", "--json").stdout)
    assert shown["books"]["birth"] == books.birth
    assert shown["hosts"]["aaaaaaaaaaaaaaaa"]["name"] == "box-1"
    claims = shown["budgets"]["main/orders/86400000"]["hosts"]["aaaaaaaaaaaaaaaa"]["claims"]
    assert 1000 in claims.values()


def test_forget(books):
    alive = weir(books.server, "forget", "box-1", "--yes")
    assert alive.returncode == 1 and "so it is alive" in alive.stderr
    nobody = weir(books.server, "forget", "box-9", "--yes")
    assert nobody.returncode == 1 and 'there is no host "box-9"' in nobody.stderr
    unsure = weir(books.server, "forget", "box-2", input="yes\n")
    assert unsure.returncode == 1 and "nothing was done" in unsure.stderr
    assert "box-2 will be forgotten" in unsure.stderr and "is forgotten" not in unsure.stderr
    assert "bbbbbbbbbbbbbbbb" in json.loads(weir(books.server, "show", "--json").stdout)["hosts"]
    done = weir(books.server, "forget", "box-2", input="box-2\n")
    assert done.returncode == 0 and done.stdout == "box-2 is forgotten: what it had is the others' now\n", done.stderr
    shown = json.loads(weir(books.server, "show", "--json").stdout)
    assert list(shown["hosts"]) == ["aaaaaaaaaaaaaaaa"]
    assert shown["budgets"]["main/orders/86400000"]["hosts"]["bbbbbbbbbbbbbbbb"]["share"] == 0
    again = weir(books.server, "forget", "bbbbbbbbbbbbbbbb", "--json")
    assert again.returncode == 1
