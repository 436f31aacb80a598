"""Rules of the function in the store, one at a time, in a real server; property.py tries them all at once."""
import json

import pytest
from servers import FUNCTION, HAS_REDIS, Resp, Stage

pytestmark = pytest.mark.skipif(not HAS_REDIS, reason="there is no redis-server and no valkey-server")

LIMIT = 1000
START_MS = 1_700_000_040_000


class Books:
    """Hosts that speak whenever they are told to, about any budgets."""

    def __init__(self, connection):
        self.connection = connection
        self.sha = connection("SCRIPT", "LOAD", FUNCTION).decode()
        connection("FLUSHALL")
        self.now, self.seq, self.told = START_MS, 0, {}
        self.names, self.server = {}, "s"

    def op(self, host, *budgets, bye=False):
        """budgets: (pool, span, what is said of the window of now)."""
        self.seq += 1
        birth, epoch, roster = self.told.get(host, ("", 0, [host]))
        op = {"v": 1, "table": "t", "host": host, "name": self.names.get(host, host), "seq": self.seq, "now": self.now, "error": 5, "birth": birth,
              "epoch": epoch, "server": self.server, "grace": 600_000, "is_fixed": False, "roster": roster, "bye": bye,
              "budgets": {f"main/{pool}/{span}": self.budget(span, **said) for pool, span, said in budgets}}
        answer = json.loads(self.connection("EVALSHA", self.sha, "1", "weir:{weir}", json.dumps(op)))
        assert "error" not in answer, answer
        self.told[host] = (answer["birth"], answer["epoch"], answer["roster"])
        return self.op(host, *budgets, bye=bye) if answer.get("again") else answer

    def budget(self, span, want=0, used=0, hold=0, urgent=0, share=0):
        n = self.now // span
        return {"limit": LIMIT, "span": span, "past": 1, "share": share, "aim": 0, "now": n, "before": 0, "after": hold,
                "windows": {str(n - 1): {"used": 0, "seen": 0},
                            str(n): {"hold": hold, "want": want, "urgent": urgent, "used": used, "seen": 0},
                            str(n + 1): {"hold": 0, "want": 0, "urgent": 0, "used": 0, "seen": 0}}, "later": [0]}

    def claim(self, answer, pool, span):
        return answer["budgets"][f"main/{pool}/{span}"]["windows"][str(self.now // span)]

    def meet(self, *hosts):
        """All know of each other, and none waits any more."""
        for step in (0, 3000, 0, 0):
            self.now += step
            for host in hosts:
                self.op(host, (0, 60_000, {}))


@pytest.fixture
def books():
    stage = Stage()
    try:
        yield Books(Resp(stage.server().socket))
    finally:
        stage.end()


def test_windows_of_another_length_grant_nothing_before_all_have_said_what_they_used(books):
    books.meet("a", "b")
    assert books.claim(books.op("a", (0, 60_000, {"want": 100})), 0, 60_000) == 100
    # Of another pool nobody has used anything.
    assert books.claim(books.op("a", (1, 5000, {"want": 700})), 1, 5000) == 700
    assert books.claim(books.op("a", (0, 5000, {"want": 900})), 0, 5000) == 0
    books.op("b", (0, 5000, {"used": 200, "hold": 200}))
    assert books.claim(books.op("a", (0, 5000, {"want": 900})), 0, 5000) in range(500, 801)


def test_who_says_nothing_of_them_is_not_waited_for_any_longer(books):
    books.meet("a", "b")
    assert books.claim(books.op("a", (0, 5000, {"want": 900})), 0, 5000) == 0
    books.now += 5000
    assert books.claim(books.op("a", (0, 5000, {"want": 900})), 0, 5000) == 0
    books.now += 5000
    assert books.claim(books.op("a", (0, 5000, {"want": 900})), 0, 5000) == 900


def test_who_is_alone_waits_for_nobody(books):
    books.meet("a")
    assert books.claim(books.op("a", (0, 5000, {"want": 900})), 0, 5000) == 900


def test_what_is_urgent_gets_the_last_eighth(books):
    books.meet("a", "b")
    assert books.claim(books.op("a", (0, 60_000, {"want": LIMIT})), 0, 60_000) in range(850, 876)
    assert books.claim(books.op("b", (0, 60_000, {"want": 20})), 0, 60_000) <= 1
    assert books.claim(books.op("b", (0, 60_000, {"want": 20, "urgent": 20})), 0, 60_000) >= 20


def test_who_says_goodbye_leaves_all_but_what_was_used(books):
    books.meet("a", "b")
    books.op("a", (0, 60_000, {"want": 900}))
    books.op("a", (0, 60_000, {"hold": 300, "used": 300}), bye=True)
    answer = books.op("b", (0, 60_000, {"want": LIMIT}))
    assert books.claim(answer, 0, 60_000) in range(550, 701)
    assert answer["hosts"] == 1


def test_what_may_be_counted_of_a_host_anyway_takes_nothing_from_others(books):
    books.meet("a", "b")
    # All of it is spoken for: what a has left of now may fly into the next window.
    books.op("a", (0, 60_000, {"want": 600}))
    books.op("b", (0, 60_000, {"want": LIMIT, "urgent": LIMIT}))
    n, said = str(books.now // 60_000 + 1), books.budget(60_000, hold=600)
    said["windows"][n]["want"] = 300
    books.budget = lambda span: said
    answer = books.op("a", (0, 60_000, {}))
    assert answer["budgets"]["main/0/60000"]["windows"][n] == 300


def test_crumbs_that_are_only_expected_make_nobody_give_back(books):
    books.meet("a", "b", "c")
    books.op("a", (0, 60_000, {"want": LIMIT, "urgent": LIMIT}))
    for want, is_hungry in ((2, False), (30, True)):
        books.op("b", (0, 60_000, {"want": want}))
        answer = books.op("c", (0, 60_000, {}))
        assert answer["budgets"]["main/0/60000"]["hungry"] is is_hungry


def test_a_header_of_one_host_is_in_every_answer(books):
    books.meet("a", "b")
    said = books.budget(60_000)
    books.budget = lambda span: said
    for seen in (150, 200, 280):
        said["windows"][str(books.now // 60_000)]["seen"] = seen
        answer = books.op("a", (0, 60_000, {}))
        assert answer["budgets"]["main/0/60000"]["seen"] == seen
    # Who asks has it, whoever it is.
    said["windows"][str(books.now // 60_000)]["seen"] = 0
    assert books.op("b", (0, 60_000, {}))["budgets"]["main/0/60000"]["seen"] == 280


def test_of_many_hosts_the_last_to_come_gets_its_part_of_the_share_too(books):
    hosts = [f"{i:x}" for i in range(16)]
    shares = dict.fromkeys(hosts[:-1], 0)

    def level():
        for _ in range(6):
            books.now += 100
            for host in shares:
                answer = books.op(host, (0, 60_000, {"share": shares[host]}))
                shares[host] = answer["budgets"]["main/0/60000"]["share"]

    books.meet(*shares)
    level()
    assert min(shares.values()) >= LIMIT // 15 - 1
    shares[hosts[-1]] = 0
    level()
    assert min(shares.values()) >= 0.9 * LIMIT / 16
    assert sum(shares.values()) <= LIMIT


def test_who_is_waited_for_is_named(books):
    names = {"a": "box-1", "b": "box-2", "c": "", "d": "x" * 63, "e": "y" * 63, "f": "z" * 63}
    books.names = names
    books.meet(*names)
    books.server = "another"
    for heard, awaited in (("a", ["box-2", "c", "x" * 63 + " and 2 more"]), ("c", ["box-2", "x" * 63, "y" * 63 + " and 1 more"]),
                           ("b", ["x" * 63, "y" * 63, "z" * 63]), ("d", ["y" * 63, "z" * 63]), ("e", ["z" * 63])):
        wait = books.op(heard, (0, 60_000, {}))["wait"]
        assert wait == "the store came back, and has not heard from " + ", ".join(awaited) and len(wait) < 256
    assert "wait" not in books.op("f", (0, 60_000, {}))
    assert books.op("new", (0, 60_000, {}))["wait"] == \
        "this host is new, and not yet known to " + ", ".join(["box-1", "box-2", "c and 3 more"])
    # Each hears of it first, and names it with its next op.
    for host in "abcdeabcde":
        books.op(host, (0, 60_000, {}))
    assert books.op("new", (0, 60_000, {}))["wait"] == "this host is new, and not yet known to " + "z" * 63
    for host in "ff":
        books.op(host, (0, 60_000, {}))
    assert "wait" not in books.op("new", (0, 60_000, {}))


def test_another_of_the_same_name_is_told(books):
    books.names = {"b": "box", "c": "box", "d": ""}
    assert "namesake" not in books.op("b", (0, 60_000, {}))
    assert books.op("c", (0, 60_000, {}))["namesake"] == "b"
    assert books.op("b", (0, 60_000, {}))["namesake"] == "c"
    books.names["a"] = "box"
    assert books.op("a", (0, 60_000, {}))["namesake"] == "b"
    assert books.op("c", (0, 60_000, {}))["namesake"] == "a"
    books.names["e"] = ""
    for host in "de":
        assert "namesake" not in books.op(host, (0, 60_000, {}))
