"""The way to the store, with real servers: every form of URL, every refusal in words, every loss mended."""
import contextlib
import os
import signal
import socket
import subprocess
import threading

import pytest
from servers import HAS_REDIS, Answer, Lines, Stage, eventually, free_port

pytestmark = pytest.mark.skipif(not HAS_REDIS, reason="there is no redis-server")

ACL = ("+evalsha +eval +hgetall +hget +hset +hdel +publish +subscribe +info +ping +wait +select "
       "resetkeys ~weir:{weir} resetchannels &weir:{weir}:news")


@pytest.fixture(name="stage")
def stage_fixture():
    stage = Stage()
    yield stage
    stage.end()


@pytest.fixture(name="server")
def server_fixture(stage):
    return stage.server()


@contextlib.contextmanager
def one_that_says(data):
    """The port of a server that is no Redis: it says this to both connections of a host, and ends them."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        def answer():
            for _ in range(2):
                peer, _ = listener.accept()
                peer.recv(100)
                peer.sendall(data)
                peer.close()

        threading.Thread(target=answer, daemon=True).start()
        yield listener.getsockname()[1]


def url(server, extra="", user=""):
    return f"redis://{user}127.0.0.1:{server.port}{extra}"


def speaks(host, number="a"):
    """Up, introduced, and answered."""
    host.wait("up")
    assert host.op(number).endswith(" again")
    assert " granted " in host.op(number)


def granted(host, number="a"):
    """New books wait two seconds; then there is something."""
    return eventually(lambda: host.op(number).endswith(" granted 100 6000") or " 100 " in host.events()[-1], every=0.1)


def test_an_op_is_answered_and_granted(stage, server):
    host = Lines(stage, url(server))
    speaks(host)
    granted(host)
    # The function went as a text once, and by its hash since; it is sent again when the server forgot it.
    connection = server.connect()
    calls = connection("INFO", "commandstats").decode()
    assert "cmdstat_eval:calls=1," in calls
    connection("SCRIPT", "FLUSH")
    assert host.op().startswith("answer")
    assert "cmdstat_eval:calls=2," in connection("INFO", "commandstats").decode()
    # A person can read the books.
    assert b"budget main/spot/60000" in connection("HKEYS", "weir:{weir}")


@pytest.mark.parametrize("extra,database,key", [
    ("/2", 2, "weir:{weir}"), ("?db=3&name=desk", 3, "weir:{desk}"), ("?name=other", 0, "weir:{other}")])
def test_database_and_name(stage, server, extra, database, key):
    speaks(Lines(stage, url(server, extra)))
    connection = server.connect()
    connection("SELECT", database)
    assert connection("TYPE", key) == b"hash"


def test_unix_socket(stage, server):
    speaks(Lines(stage, f"unix://{server.socket}"))


def test_password(stage):
    server = stage.server({"requirepass": "hunter2"})
    secret = stage.directory / "secret"
    secret.write_text("hunter2\n", encoding="ascii")
    os.chmod(secret, 0o600)
    speaks(Lines(stage, url(server), password_file=secret))
    speaks(Lines(stage, url(server, user=":hunter2@"), name="b"))
    wrong = Lines(stage, url(server, user=":hunter3@"))
    assert "user or password is wrong" in wrong.wait("down")
    assert "wants a password" in Lines(stage, url(server)).wait("down")
    os.chmod(secret, 0o644)
    said = Lines(stage, url(server), password_file=secret).wait("cannot")
    assert "chmod" in said and "hunter2" not in said
    assert not any("hunter" in line for line in wrong.events())


def test_a_password_that_nobody_asked_for(stage, server):
    assert "has no password" in Lines(stage, url(server, user=":x@")).wait("down")


def test_a_user_with_only_what_is_needed(stage, server):
    connection = server.connect()
    connection("ACL", "SETUSER", "desk", "reset", "on", ">secret", *ACL.split())
    connection("ACL", "SETUSER", "other", "reset", "on", ">secret", *ACL.replace("+evalsha", "").split())
    first = Lines(stage, url(server, user="desk:secret@"))
    speaks(first)
    second = Lines(stage, url(server, user="desk:secret@"))
    speaks(second, "b")
    assert first.wait("news b joined 1")
    other = Lines(stage, url(server, user="other:secret@"))
    other.wait("up")
    assert "its user may not do that" in other.lost("c")


def certificates(directory):
    def run(*words):
        subprocess.run(["openssl", *words], check=True, cwd=directory, capture_output=True)

    for name in ("ca", "stranger"):
        run("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout",
            f"{name}.key", "-out", f"{name}.pem", "-subj", f"/CN={name}", "-days", "2")
    run("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", "server.key",
        "-out", "server.csr", "-subj", "/CN=localhost")
    (directory / "ext").write_text("subjectAltName=DNS:localhost\n", encoding="ascii")
    run("x509", "-req", "-in", "server.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-out",
        "server.pem", "-days", "2", "-extfile", "ext")


def test_tls(stage):
    certificates(stage.directory)
    at = stage.directory
    server = stage.server(start=False)
    server.options.update({"tls-port": server.port, "tls-cert-file": at / "server.pem", "tls-auth-clients": "no",
                           "tls-key-file": at / "server.key", "tls-ca-cert-file": at / "ca.pem", "port": 0})
    server.start()
    speaks(Lines(stage, f"rediss://localhost:{server.port}", ca_file=at / "ca.pem"))
    assert "certificate" in Lines(stage, f"rediss://localhost:{server.port}", ca_file=at / "stranger.pem").wait("down")
    assert Lines(stage, f"rediss://127.0.0.1:{server.port}", ca_file=at / "ca.pem").wait("down")
    plain = Lines(stage, f"redis://localhost:{server.port}").wait("down")
    assert "does it want TLS (rediss://)?" in plain or "say rediss:// instead of redis://" in plain
    assert "no certificates" in Lines(stage, f"rediss://localhost:{server.port}", ca_file=at / "none").wait("cannot")


def test_tls_to_a_server_that_speaks_none(stage, server):
    assert "does it speak TLS?" in Lines(stage, f"rediss://127.0.0.1:{server.port}").wait("down")
    # A Redis answers so where there is a line's end among the bytes that greet it.
    with one_that_says(b"-ERR unknown command") as port:
        assert "does it speak TLS?" in Lines(stage, f"rediss://127.0.0.1:{port}").wait("down")


def test_tls_is_named_to_who_does_not_speak_it(stage):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        def answer():
            for _ in range(2):
                peer, _ = listener.accept()
                peer.recv(100)
                peer.sendall(b"\x15\x03\x01\x00\x02\x02\x46")

        threading.Thread(target=answer, daemon=True).start()
        host = Lines(stage, f"redis://127.0.0.1:{listener.getsockname()[1]}")
        assert "it answers in TLS: say rediss:// instead of redis://" in host.wait("down")


def test_another_reason_is_told(stage):
    server = stage.server({"requirepass": "hunter2"}, start=False)
    host = Lines(stage, url(server))
    assert "refused" in host.wait("down")
    assert "refused" in host.wait("still")
    server.start()
    while "wants a password" not in (why := host.wait("still")):
        assert "refused" in why or "does not answer" in why, why


def test_news_come_to_all(stage, server):
    first, second = Lines(stage, url(server)), Lines(stage, url(server))
    speaks(first)
    second.wait("up")
    second.op("b")
    second.op("b")
    assert first.wait("news b joined 1")
    server.connect()("FLUSHALL")
    second.op("b")
    assert first.wait("news b").endswith("birth 1")
    # What somebody else publishes there disturbs nobody.
    server.connect()("PUBLISH", "weir:{weir}:news", "{")
    assert first.op().startswith("answer")


def test_full_memory_and_a_key_of_somebody_else(stage, server):
    host = Lines(stage, url(server))
    speaks(host)
    connection = server.connect()
    connection("CONFIG", "SET", "maxmemory", "1")
    assert "its memory is full" in host.lost()
    connection("CONFIG", "SET", "maxmemory", "0")
    host.wait("up")
    assert host.op().startswith("answer")
    connection("SET", "weir:{mine}", "x")
    assert "is not ours" in Lines(stage, url(server), name="mine").wait("down")
    # A hash too, and it stays as it is.
    for name, field, value in (("h1", "books", "hello"), ("h2", "books", "5"), ("h3", "books", '{"title":"x"}'),
                               ("h4", "name", "x"), ("h5", "host a", "x")):
        key = "weir:{%s}" % name
        connection("HSET", key, field, value)
        other = Lines(stage, url(server), name=name)
        other.wait("up")
        assert other.ask("a", 100) == "refused 1 the key is there and is not ours: choose another store.name"
        assert connection("HGETALL", key) == [field.encode(), value.encode()]


def test_a_replica_refuses_in_words(stage, server):
    replica = stage.server({"replicaof": f"127.0.0.1 {server.port}"})
    host = Lines(stage, url(replica))
    host.wait("up")
    assert "it is a replica" in host.lost()
    cut_off = stage.server({"replicaof": "127.0.0.1 1", "replica-serve-stale-data": "no"})
    assert "master is down" in Lines(stage, url(cut_off)).wait("down")


def test_a_server_that_loads(stage, server):
    connection = server.connect()
    for i in range(20):
        connection("SET", f"k{i}", "x" * 4000)
    connection("SAVE")
    server.kill(signal.SIGTERM)
    server.options.update({"key-load-delay": 60000, "loading-process-events-interval-bytes": 1024,
                           "rdbcompression": "no"})
    server.start()
    host = Lines(stage, url(server))
    assert "loading its data" in host.wait("down")
    speaks(host)


def test_replicas_must_have_it(stage, server):
    host = Lines(stage, url(server, "?replicas=1"))
    host.wait("up")
    assert "the write has 0 of 1 replicas" in (why := host.lost()) and "say replicas=0 in the URL" in why
    replica = stage.server({"replicaof": f"127.0.0.1 {server.port}"})
    eventually(lambda: b"master_link_status:up" in replica.connect()("INFO", "replication"))
    # Until the replica is known to be in step, one more may be lost.
    host.op()
    replica.kill(signal.SIGSTOP)
    assert "0 of 1 replicas" in host.lost()
    replica.kill(signal.SIGCONT)


def test_a_server_that_stops_and_goes_on(stage, server):
    host = Lines(stage, url(server))
    speaks(host)
    server.kill(signal.SIGSTOP)
    host.tell("op a 1")
    assert "no answer within 500 ms" in host.wait("down")
    host.wait(f"lost {host.asked}")
    host.tell("op a 1")
    assert "not connected" in host.wait("cannot")
    server.kill(signal.SIGCONT)
    host.wait("up")
    assert host.op().startswith("answer")
    # Nothing was on its way: the connection of the news notices.
    server.kill(signal.SIGSTOP)
    assert "news is dead" in host.wait("down")
    server.kill(signal.SIGCONT)
    host.wait("up")


def test_a_server_that_dies_and_comes_back(stage, server):
    host = Lines(stage, url(server))
    speaks(host)
    # Under a question: who asked is told that there will be no answer, and not left to wait for it.
    server.kill(signal.SIGSTOP)
    host.tell("op a 1")
    server.kill()
    host.wait("down")
    host.wait(f"lost {host.asked}")
    server.start()
    host.wait("up")
    assert host.op().endswith(" again")


def test_no_server_and_no_redis(stage):
    assert "refused" in Lines(stage, "redis://127.0.0.1:1").wait("down")
    assert "no-such-host" not in Lines(stage, "redis://no-such-host.invalid:1").wait("down")[:5]
    with one_that_says(b"HTTP/1.1 400 Bad Request\r\n\r\n") as port:
        assert "not answer as a Redis does" in Lines(stage, f"redis://127.0.0.1:{port}").wait("down")


def test_a_cluster_tells_where_the_key_is(stage):
    nodes = [stage.server({"cluster-enabled": "yes", "cluster-node-timeout": 2000, "cluster-port": free_port()})
             for _ in range(2)]
    first, second = (node.connect() for node in nodes)
    first("CLUSTER", "ADDSLOTSRANGE", 0, 8191)
    second("CLUSTER", "ADDSLOTSRANGE", 8192, 16383)
    second("CLUSTER", "SET-CONFIG-EPOCH", 2)
    first("CLUSTER", "MEET", "127.0.0.1", nodes[1].port, nodes[1].options["cluster-port"])
    eventually(lambda: all(b"cluster_state:ok" in c("CLUSTER", "INFO") for c in (first, second)))
    has_key = first("CLUSTER", "KEYSLOT", "weir:{weir}") <= 8191
    for node in nodes:
        speaks(Lines(stage, url(node)), "a" if node is nodes[0] else "b")
    assert (first if has_key else second)("TYPE", "weir:{weir}") == b"hash"
    with pytest.raises(Answer, match="MOVED"):
        (second if has_key else first)("TYPE", "weir:{weir}")
    assert "one database only" in Lines(stage, url(nodes[0], "/1")).wait("down")


def watched(stage, master):
    sentinel = stage.server({"sentinel monitor": f"m 127.0.0.1 {master.port} 1",
                             "sentinel down-after-milliseconds": "m 300", "sentinel failover-timeout": "m 3000"},
                            program="redis-sentinel", start=False)
    del sentinel.options["save"]
    return sentinel.start()


def test_a_master_whose_only_replica_it_was_says_what_it_lacks(stage):
    master = stage.server()
    replica = stage.server({"replicaof": f"127.0.0.1 {master.port}"})
    sentinel = watched(stage, master)
    eventually(lambda: b"slaves=1" in sentinel.connect()("INFO", "sentinel"))
    eventually(lambda: b"master_link_status:up" in replica.connect()("INFO", "replication"))
    host = Lines(stage, f"redis+sentinel://127.0.0.1:{sentinel.port}/m")
    host.wait("up")
    host.op()
    master.kill()
    host.wait("down")
    while str(replica.port) not in host.wait("up"):
        pass
    assert "the write has 0 of 1 replicas" in host.lost()


def test_sentinels_know_the_next_master(stage):
    master = stage.server()
    replicas = [stage.server({"replicaof": f"127.0.0.1 {master.port}"}) for _ in range(2)]
    sentinel = watched(stage, master)
    plain = Lines(stage, f"redis+sentinel://127.0.0.1:{master.port}/m")
    assert "it is no sentinel" in plain.wait("down")
    assert "it is a sentinel" in Lines(stage, f"redis://127.0.0.1:{sentinel.port}").wait("down")
    unknown = Lines(stage, f"redis+sentinel://127.0.0.1:{sentinel.port}/other")
    assert "does not know a master of that name" in unknown.wait("down")
    host = Lines(stage, f"redis+sentinel://127.0.0.1:1,127.0.0.1:{sentinel.port}/m")
    assert str(master.port) in host.wait("up")
    eventually(lambda: b"connected_slaves:2" in master.connect()("INFO", "replication"))
    eventually(lambda: b"num-slaves" in b" ".join(sentinel.connect()("SENTINEL", "MASTER", "m")) and
               b"slaves=2" in sentinel.connect()("INFO", "sentinel"))
    host.op()
    master.kill()
    host.wait("down")
    # Until both have found each other the new one cannot say that a replica has it. Where the machine is slow the
    # sentinel may think that it has died too, and name the other.
    host.op()
    ups = [line for line in host.events()[:host.seen] if line.startswith("up")]
    assert any(str(replica.port) in ups[-1] for replica in replicas), host.events()
