"""Who may look at a gateway, and who may act on it: what comes over real sockets."""
import gzip
import http.client
import json
import re
import signal
import socket
import ssl
import subprocess
import time

import pytest
from support import WEIR, Gateway, Sim, eventually, fetch, raw
from watchers import ACT, BEARER, LOOK, MEANT, tokens


@pytest.fixture(scope="module")
def sim():
    with Sim() as s:
        yield s


@pytest.fixture(scope="module")
def free(sim, tmp_path_factory):
    """This machine looks, who has an action token acts."""
    folder = tmp_path_factory.mktemp("free")
    config = tokens(folder, action_token_file=ACT)
    with Gateway(sim.url, folder / "region", "--config", str(config), "--listen", f"unix:{folder}/sock") as g:
        g.socket_path = str(folder / "sock")
        yield g


def ask(gateway, path, method="GET", body=None, **headers):
    status, fields, text = fetch(gateway.port, path, method, body, {k.replace("_", "-"): v for k, v in headers.items()})
    return status, fields, text


def said(text):
    message = json.loads(text)["msg"]
    assert message.startswith("weir: ")
    return message


def own_address():
    """An address of this machine that others could reach; None where it has none."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        try:
            s.connect(("192.0.2.1", 9))
            return s.getsockname()[0]
        except OSError:
            return None


# --- the paths -------------------------------------------------------------------------------------


def test_nothing_under_weir_goes_to_the_exchange(sim, free):
    for path in ("/weir", "/weir/", "/weir/nothing", "/weir/api/now", "/weir/api/nothing", "/weir/../api/v3/ping"):
        for method in ("GET", "POST", "DELETE"):
            ask(free, path, method)
    assert not [r for r in sim.requests() if "weir" in json.dumps(r)]
    assert ask(free, "/weirdo")[1]["x-weir-verdict"] == "no_product"


def asset(gateway, ending):
    """A file that the page loads."""
    page = ask(gateway, "/weir/")[2].decode()
    return re.search(rf'"/?(?:weir/)?(assets/[\w.-]+\.{ending})"', page).group(1)


def test_each_answer_keeps_a_page_in_its_place(free):
    for path, method, status in (("/weir/", "GET", 200), ("/weir/" + asset(free, "css"), "GET", 200),
                                 ("/weir/api/now", "GET", 200), ("/weir/api/nothing", "GET", 404),
                                 ("/weir/api/me", "OPTIONS", 405), ("/weir/api/now", "DELETE", 405),
                                 ("/weir/api/pause", "POST", 401), ("/weir/api/pause", "GET", 405)):
        got, fields, _ = ask(free, path, method)
        assert got == status, (path, method, got)
        assert fields["content-security-policy"].startswith("default-src 'none'; script-src 'self'")
        assert "unsafe" not in fields["content-security-policy"]
        assert fields["x-content-type-options"] == "nosniff" and fields["x-frame-options"] == "DENY"
        assert fields["referrer-policy"] == "no-referrer"
        assert fields["cross-origin-resource-policy"] == "same-origin"
        assert not [name for name in fields if name.startswith("access-control-")]
        assert fields["cache-control"] == ("no-cache" if status == 200 and "api" not in path else "no-store")
    assert ask(free, "/weir")[1]["location"] == "/weir/"
    status, fields, text = ask(free, "/weir/api/me", "HEAD")
    assert (status, text) == (200, b"") and int(fields["content-length"]) > 0


def test_the_pages_files_are_packed_and_kept_until_they_change(free):
    path = "/weir/" + asset(free, "js")
    status, plain, text = ask(free, path)
    assert status == 200 and plain["content-type"] == "text/javascript; charset=utf-8"
    _, packed, bytes_ = ask(free, path, Accept_Encoding="br, gzip;q=0.5")
    assert packed["content-encoding"] == "gzip" and gzip.decompress(bytes_) == text
    assert packed["etag"] != plain["etag"] and len(bytes_) < len(text)
    assert "content-encoding" not in ask(free, path, Accept_Encoding="gzip;q=0")[1]
    for fields in (plain, packed):
        how = {"Accept_Encoding": "gzip"} if fields is packed else {}
        got, _, nothing = ask(free, path, If_None_Match=f'"other", {fields["etag"]}', **how)
        assert (got, nothing) == (304, b"")
    assert ask(free, path, If_None_Match='"other"')[0] == 200


# --- who may ---------------------------------------------------------------------------------------


def test_this_machine_looks_and_no_page_of_another_site(free):
    me = json.loads(ask(free, "/weir/api/me")[2])
    assert (me["may_look"], me["may_act"], me["needs_token"], me["by"]) == (True, False, False, "place")
    own = f"http://127.0.0.1:{free.port}"
    for headers, status in (({"Host": "evil.example"}, 403), ({"Host": f"localhost:{free.port}"}, 200),
                            ({"Origin": own}, 200), ({"Origin": "http://evil.example"}, 403), ({"Origin": "null"}, 403),
                            ({"Sec-Fetch-Site": "cross-site"}, 403), ({"Sec-Fetch-Site": "same-site"}, 403),
                            ({"Sec-Fetch-Site": "same-origin"}, 200), ({"X-Forwarded-For": "127.0.0.1"}, 401),
                            ({"Forwarded": "for=127.0.0.1"}, 401), ({"Authorization": "Basic YTpi"}, 200)):
        got, _, text = fetch(free.port, "/weir/api/now", headers=headers)
        assert got == status, (headers, got, text[:200])
    # A link of another site may lead to the page itself.
    assert fetch(free.port, "/weir/", headers={"Sec-Fetch-Site": "cross-site"})[0] == 200
    assert fetch(free.port, "/weir/", headers={"Sec-Fetch-Site": "cross-site", "Host": "evil.example"})[0] == 403
    # Over the unix socket, whatever the Host.
    with socket.socket(socket.AF_UNIX) as s:
        s.connect(free.socket_path)
        s.sendall(b"GET /weir/api/me HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        assert b'"by":"place"' in b"".join(iter(lambda: s.recv(65536), b""))


def test_an_action_wants_a_token_and_to_be_meant(free):
    path, body = "/weir/api/share", json.dumps({"client": "bot", "share": 2})
    for headers, status in (({}, 401), ({"X-Weir-Action": "yes"}, 401), (BEARER, 403), ({**BEARER, "X-Weir-Action": "no"}, 403),
                            ({**MEANT, "Origin": "http://evil.example"}, 403), ({**MEANT, "Sec-Fetch-Site": "same-site"}, 403),
                            (MEANT, 200)):
        got, _, text = fetch(free.port, path, "POST", body, headers)
        assert got == status, (headers, got, text)
    for body, word in (("", "missing"), ("[]", "no object"), ("{", "no object"), ('{"client":"a","share":"2"}', "another kind"),
                       ('{"client":"a","share":0}', "from 1 to 1000"), ('{"client":"a","share":2,"x":1}', "unknown"),
                       ('{"client":"a","client":"b","share":2}', "no object"), ('{"client":"\\u00e4","share":2}', "printable"),
                       ('{"client":"' + "x" * 5000 + '","share":2}', "larger")):
        status, _, text = fetch(free.port, path, "POST", body, MEANT)
        assert status in (400, 413) and word in said(text), (body[:80], text)
    # Twice, and a token in another place.
    twice = raw(free.port, f"GET /weir/api/me HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {ACT}\r\n"
                           f"Authorization: Bearer {ACT}\r\nConnection: close\r\n\r\n".encode())
    assert b" 400 " in twice.split(b"\r\n")[0]
    assert not json.loads(ask(free, "/weir/api/me", X_Weir_Token=ACT)[2])["may_act"]


def test_a_session_is_what_its_token_is_until_it_is_over(sim, tmp_path):
    config = tokens(tmp_path, token_file=LOOK, action_token_file=ACT)
    with Gateway(sim.url, tmp_path / "region", "--config", str(config)) as g:
        # Everybody needs a token now, but for the page itself.
        assert fetch(g.port, "/weir/api/now")[0] == 401 and fetch(g.port, "/weir/metrics")[0] == 401
        assert fetch(g.port, "/weir/")[0] == 200 and fetch(g.port, "/weir/healthz")[0] == 200
        assert json.loads(fetch(g.port, "/weir/api/me")[2])["needs_token"] is True

        def log_in(token):
            status, fields, text = fetch(g.port, "/weir/api/login", "POST", json.dumps({"token": token}))
            assert (status, text) == (204, b"")
            cookie, *flags = fields["set-cookie"].split("; ")
            assert set(flags) == {"HttpOnly", "SameSite=Strict", "Path=/weir/"}
            assert cookie.startswith(f"weir-{g.port}=") and len(cookie.split("=")[1]) == 64
            return {"Cookie": cookie}

        looks, acts = log_in(LOOK), log_in(ACT)
        assert looks != acts
        me = json.loads(fetch(g.port, "/weir/api/me", headers=looks)[2])
        assert (me["may_look"], me["may_act"], me["by"]) == (True, False, "session")
        action = json.dumps({"client": "bot", "share": 2})
        assert fetch(g.port, "/weir/api/share", "POST", action, {**looks, "X-Weir-Action": "yes"})[0] == 401
        assert fetch(g.port, "/weir/api/share", "POST", action, acts)[0] == 403
        assert fetch(g.port, "/weir/api/share", "POST", action, {**acts, "X-Weir-Action": "yes"})[0] == 200
        # A reload keeps it, unless its token is gone.
        (tmp_path / "token_file").write_text("x" * 40 + "\n" + LOOK + "\n")
        (tmp_path / "action_token_file").write_text("y" * 40 + "\n")
        g.process.send_signal(signal.SIGHUP)
        eventually(lambda: g.logged("reloaded"))
        assert fetch(g.port, "/weir/api/now", headers=looks)[0] == 200
        assert fetch(g.port, "/weir/api/now", headers=acts)[0] == 401
        # What does not work is not taken up.
        (tmp_path / "token_file").write_text("short\n")
        g.process.send_signal(signal.SIGHUP)
        eventually(lambda: g.logged("reload_refused"))
        assert fetch(g.port, "/weir/api/now", headers=looks)[0] == 200
        assert fetch(g.port, "/weir/api/logout", "POST", "", looks)[0] == 204
        assert fetch(g.port, "/weir/api/now", headers=looks)[0] == 401
        lines = "\n".join(g.lines)
        for secret in (LOOK, ACT, looks["Cookie"].split("=")[1], acts["Cookie"].split("=")[1]):
            assert secret not in lines


def test_wrong_tokens_cost_time(sim, tmp_path):
    config = tokens(tmp_path, action_token_file=ACT)
    with Gateway(sim.url, tmp_path / "region", "--config", str(config)) as g:
        def log_in(token):
            return fetch(g.port, "/weir/api/login", "POST", json.dumps({"token": token}))

        for n in range(3):
            assert log_in(f"{n}" * 40)[0] == 401
        for n in range(2):
            assert fetch(g.port, "/weir/api/now", headers={"Authorization": f"Bearer {n}{'z' * 40}"})[0] == 401
        status, fields, text = log_in(ACT)
        assert status == 429 and 50 <= int(fields["retry-after"]) <= 60 and "too many" in said(text)
        assert fetch(g.port, "/weir/api/now", headers={"Authorization": "Bearer " + "z" * 40})[0] == 429
        # Who has the right one is not locked out by those who have not, and this machine looks as ever.
        assert json.loads(fetch(g.port, "/weir/api/me", headers=BEARER)[2])["may_act"]
        assert fetch(g.port, "/weir/api/now")[0] == 200
        assert len(g.logged("token_refused")) == 5 and not [line for line in g.lines if "zzzz" in line]


# --- elsewhere -------------------------------------------------------------------------------------


def make_certificates(folder, address):
    def openssl(*args):
        subprocess.run(["openssl", *args], check=True, capture_output=True, cwd=folder)

    for name in ("ca", "other"):
        openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
                "-subj", f"/CN={name}", "-keyout", f"{name}.key", "-out", f"{name}.pem")
    (folder / "san").write_text(f"subjectAltName=IP:{address},DNS:weir.lan\n")
    for name, ca, extra in (("server", "ca", ["-extfile", "san"]), ("client", "ca", []), ("stranger", "other", [])):
        openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", f"/CN={name}",
                "-keyout", f"{name}.key", "-out", f"{name}.csr")
        openssl("x509", "-req", "-in", f"{name}.csr", "-CA", f"{ca}.pem", "-CAkey", f"{ca}.key", "-CAcreateserial",
                "-days", "2", "-out", f"{name}.pem", *extra)


def free_port(address):
    with socket.socket() as s:
        s.bind((address, 0))
        return s.getsockname()[1]


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion.TLSv1_1")
def test_at_another_address_a_token_or_a_certificate_is_asked_for(sim, tmp_path):
    address = own_address()
    if not address:
        pytest.skip("this machine has no address but loopback")
    make_certificates(tmp_path, address)
    config = tokens(tmp_path, action_token_file=ACT)
    port = free_port(address)
    config.write_text(config.read_text() + f"  listen: ['{address}:{port}']\n  tls_cert: {tmp_path}/server.pem\n"
                      f"  tls_key: {tmp_path}/server.key\n  client_ca: {tmp_path}/ca.pem\n  hosts: [weir.lan]\n")
    with Gateway(sim.url, tmp_path / "region", "--config", str(config)) as g:
        def https(path, cert=None, headers=None, method="GET", body=None):
            context = ssl.create_default_context(cafile=tmp_path / "ca.pem")
            if cert:
                context.load_cert_chain(tmp_path / f"{cert}.pem", tmp_path / f"{cert}.key")
            connection = http.client.HTTPSConnection(address, port, timeout=10, context=context)
            try:
                connection.request(method, path, body, headers or {})
                response = connection.getresponse()
                return response.status, {k.lower(): v for k, v in response.getheaders()}, response.read()
            finally:
                connection.close()

        assert https("/weir/api/now")[0] == 401 and https("/weir/")[0] == 200
        assert https("/weir/api/now", "client")[0] == 200
        assert json.loads(https("/weir/api/me", "client")[2])["by"] == "certificate"
        assert https("/weir/api/now", headers=BEARER)[0] == 200
        assert https("/weir/api/now", headers={**BEARER, "Host": "weir.lan"})[0] == 200
        assert https("/weir/api/now", headers={**BEARER, "Host": "evil.example"})[0] == 403
        # So does weir top in a terminal; the two may be one file, and a key that is locked is refused.
        def top(*args, url=f"https://{address}:{port}"):
            return subprocess.run([WEIR, "top", "--once", "--gateway", url, "--ca", tmp_path / "ca.pem", *args],
                                  capture_output=True, text=True, check=False, timeout=60, stdin=subprocess.DEVNULL)

        both = tmp_path / "both.pem"
        both.write_bytes((tmp_path / "client.pem").read_bytes() + (tmp_path / "client.key").read_bytes())
        subprocess.run(["openssl", "ec", "-in", tmp_path / "client.key", "-aes128", "-passout", "pass:secret",
                        "-out", tmp_path / "locked.key"], check=True, capture_output=True)
        client = ("--cert", tmp_path / "client.pem", "--key")
        assert top().returncode == 1 and "or a certificate with --cert" in top().stderr
        for shown in ((*client, tmp_path / "client.key"), ("--cert", both)):
            assert top(*shown).returncode == 0 and f"https://{address}:{port}" in top(*shown).stdout
        assert top("--cert", tmp_path / "stranger.pem", "--key", tmp_path / "stranger.key").returncode == 1
        for key, why in (("locked.key", "without a passphrase"), ("stranger.key", "its own private key"),
                         ("none.key", "No such file")):
            wrong = top(*client, tmp_path / key)
            assert wrong.returncode != 0 and why in wrong.stderr and key in wrong.stderr, wrong.stderr
        assert top(*client, tmp_path / "client.key", url=f"http://127.0.0.1:{g.port}").returncode == 2
        assert top("--key", both).returncode == 2
        # To act a certificate is not enough.
        action = json.dumps({"client": "bot", "share": 2})
        assert https("/weir/api/share", "client", {"X-Weir-Action": "yes"}, "POST", action)[0] == 401
        assert https("/weir/api/share", None, MEANT, "POST", action)[0] == 200
        # The cookie of a page that came by TLS is sent by TLS only.
        _, fields, _ = https("/weir/api/login", None, {}, "POST", json.dumps({"token": ACT}))
        assert "; Secure" in fields["set-cookie"]
        with pytest.raises((ssl.SSLError, ConnectionError, http.client.RemoteDisconnected)):
            https("/weir/api/me", "stranger")
        # A certificate is renewed by SIGHUP; one that is wrong leaves the old one.
        first = ssl.get_server_certificate((address, port))
        make_certificates(tmp_path, address)
        g.process.send_signal(signal.SIGHUP)
        eventually(lambda: len(g.logged("reloaded")) == 1)
        second = ssl.get_server_certificate((address, port))
        assert second != first and https("/weir/api/now", "client")[0] == 200
        (tmp_path / "server.pem").write_text("no certificate\n")
        g.process.send_signal(signal.SIGHUP)
        eventually(lambda: g.logged("certificate_kept"))
        assert ssl.get_server_certificate((address, port)) == second
        # Nothing else is there, and nobody gets in without TLS.
        assert https("/api/v3/ping", "client")[0] == 404
        assert https("/")[1]["location"] == "/weir/"
        with socket.create_connection((address, port), timeout=5) as s:
            s.sendall(b"GET /weir/ HTTP/1.1\r\nHost: x\r\n\r\n")
            assert b"HTTP/1.1 200" not in s.recv(4096)
        with pytest.raises(ssl.SSLError, match="(?i)protocol.version"):
            old = ssl.create_default_context(cafile=tmp_path / "ca.pem")
            old.set_ciphers("ALL:@SECLEVEL=0")
            old.minimum_version = old.maximum_version = ssl.TLSVersion.TLSv1_1
            with socket.create_connection((address, port), timeout=5) as s:
                old.wrap_socket(s, server_hostname=address)
        assert not [r for r in sim.requests() if "/api/v3/ping" in json.dumps(r)]


def test_at_the_gateways_port_others_are_told_why_they_may_not_look(sim, tmp_path):
    address = own_address()
    if not address:
        pytest.skip("this machine has no address but loopback")
    port = free_port(address)
    with Gateway(sim.url, tmp_path / "region", "--listen", f"{address}:{port}"):
        def get(path):
            connection = http.client.HTTPConnection(address, port, timeout=10)
            connection.request("GET", path)
            response = connection.getresponse()
            return response.status, response.read()

        status, text = get("/weir/api/now")
        assert status == 403 and "watch.token_file" in said(text)
        # Also this machine itself, by that way.
        assert "only over loopback" in said(text) and f"from {address} to {address}; ask 127.0.0.1" in said(text)
        assert get("/weir/")[0] == 403 and get("/weir/healthz")[0] == 200
        assert get("/api/v3/ping")[0] == 200


def test_a_page_that_is_switched_off_leaves_what_programs_ask_for(sim, tmp_path):
    config = tmp_path / "weir.yaml"
    config.write_text("watch: {page: off}\n")
    with Gateway(sim.url, tmp_path / "region", "--config", str(config)) as g:
        for path, status in (("/weir/", 404), ("/weir/api/live", 404), ("/weir/api/now", 200), ("/weir/metrics", 200)):
            assert fetch(g.port, path)[0] == status, path
        assert "watch.page" in said(fetch(g.port, "/weir/")[2])
        config.write_text("watch: {page: on}\n")
        g.process.send_signal(signal.SIGHUP)
        eventually(lambda: g.logged("reloaded"))
        assert fetch(g.port, "/weir/")[0] == 200


def test_a_wrong_setting_stops_the_start_in_words(tmp_path):
    from support import WEIR

    (tmp_path / "open").write_text(LOOK + "\n")
    (tmp_path / "open").chmod(0o644)
    for lines, words in (("token_file: /nowhere/tokens", "cannot be read"),
                         (f"token_file: {tmp_path}/open", f"watch.token_file: the token file {tmp_path}/open is open to others; chmod 600"),
                         ("listen: ['0.0.0.0:0']", "nobody could look"),
                         ("listen: [nonsense]", "watch.listen"),
                         ("hosts: ['http://x']", "without scheme and port"),
                         ("client_ca: /etc/passwd", "watch.tls_cert"),
                         ("tls_cert: /etc/passwd", "watch.tls_key"),
                         ("page: maybe", "neither on nor off")):
        config = tmp_path / "weir.yaml"
        config.write_text(f"watch:\n  {lines}\n")
        began = time.monotonic()
        done = subprocess.run([WEIR, "gateway", "--config", str(config), "--listen", "127.0.0.1:0",
                               "--upstream", "http://127.0.0.1:9", "--region", str(tmp_path / "region")],
                              capture_output=True, text=True, timeout=10, check=False)
        assert done.returncode in (1, 2) and words in done.stderr, (lines, done)
        check = subprocess.run([WEIR, "check", str(config)], capture_output=True, text=True, timeout=10, check=False)
        assert check.returncode == 2 and words in check.stderr, (lines, check)
        assert time.monotonic() - began < 5
