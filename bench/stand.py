"""What the bench consists of: one fast upstream, three proxies in front of it, in a folder of its own.

The upstream answers like the exchange, in size and headers, and does nothing else. Its exchangeInfo
names limits so high that they are never reached, and weir follows them: so weir does all of its
work for each request (classify it, reserve in every window, land, read the usage headers) and
never has a reason to wait. `limits: off` would leave that work out.
"""
import contextlib
import os
import shutil
import signal
import socket
import subprocess
import time
import urllib.request
from pathlib import Path

from load import threads

ROOT = Path(__file__).resolve().parents[1]
WEIR = os.environ.get("WEIR", str(ROOT / "build" / "weir"))
TARGET = "/api/v3/ticker/price?symbol=BTCUSDT"
# The most that a window of the region can count; Binance's own is 6000.
LIMIT = 4194303

UPSTREAM = """
worker_processes 1;
daemon off;
pid {dir}/upstream.pid;
error_log stderr crit;
events {{ worker_connections 1024; }}
http {{
    access_log off;
    server_tokens off;
    keepalive_requests 1000000000;
    keepalive_timeout 1h;
    default_type application/json;
    map $msec $ms {{ "~^(?<s>[0-9]+)\\.(?<f>[0-9]+)$" $s$f; }}
    server {{
        listen 127.0.0.1:{plain} backlog=1024;
        listen 127.0.0.1:{tls} ssl backlog=1024;
        ssl_certificate {dir}/cert.pem;
        ssl_certificate_key {dir}/key.pem;
        ssl_protocols TLSv1.3;
        add_header x-mbx-uuid 7b0c1f4e-5d3a-4c2b-9e8f-0a1b2c3d4e5f;
        add_header x-mbx-used-weight 2;
        add_header x-mbx-used-weight-1m 2;
        add_header strict-transport-security "max-age=31536000; includeSubdomains";
        add_header x-frame-options SAMEORIGIN;
        add_header x-xss-protection "1; mode=block";
        add_header x-content-type-options nosniff;
        add_header content-security-policy "default-src 'self'";
        add_header cache-control "no-cache, no-store, must-revalidate";
        location / {{
            return 200 '{{"symbol":"BTCUSDT","price":"67123.45000000","time":1700000000000,\
"bid":"67123.44000000","ask":"67123.46000000","qty":"0.12"}}';
        }}
        location = /api/v3/time {{ return 200 '{{"serverTime":$ms}}'; }}
        location = /api/v3/exchangeInfo {{ return 200 '{{"rateLimits":[\
{{"rateLimitType":"REQUEST_WEIGHT","interval":"MINUTE","intervalNum":1,"limit":{limit}}},\
{{"rateLimitType":"RAW_REQUESTS","interval":"MINUTE","intervalNum":1,"limit":{limit}}}]}}'; }}
    }}
}}
"""

NGINX = """
worker_processes 1;
daemon off;
pid {dir}/nginx-{port}.pid;
error_log stderr crit;
events {{ worker_connections 1024; }}
http {{
    access_log off;
    keepalive_requests 1000000000;
    keepalive_timeout 1h;
    upstream exchange {{
        server 127.0.0.1:{upstream};
        keepalive 128;
        keepalive_requests 1000000000;
        keepalive_timeout 1h;
    }}
    server {{
        listen 127.0.0.1:{port} backlog=1024;
        location / {{
            proxy_pass {scheme}://exchange;
            proxy_http_version 1.1;
            proxy_set_header Connection "";
            proxy_set_header Host localhost;
            proxy_ssl_protocols TLSv1.3;
            proxy_ssl_verify on;
            proxy_ssl_trusted_certificate {dir}/cert.pem;
            proxy_ssl_name localhost;
            proxy_ssl_server_name on;
        }}
    }}
}}
"""

HAPROXY = """
global
    nbthread 1
    maxconn 1024
defaults
    mode http
    timeout connect 5s
    timeout client 1h
    timeout server 1h
    option http-keep-alive
    http-reuse always
frontend clients
    bind 127.0.0.1:{port} backlog 1024
    default_backend exchange
backend exchange
    server upstream 127.0.0.1:{upstream} pool-max-conn 128 {tls}
"""

GATEWAY = """
listen: 127.0.0.1:{port}
upstream: {scheme}://localhost:{upstream}
tls_ca: "{ca}"
region: {dir}/region-{port}
rate_ceiling: 0
pool:
  max: 128
"""


class Proxy:
    """A running proxy: its name, where it listens, its process (None: nothing in between)."""

    def __init__(self, name, url, process):
        self.name, self.url, self.process = name, url, process

    def pin(self, cpu):
        if cpu is not None and self.process:
            for task in threads(self.process.pid):
                os.sched_setaffinity(int(task.name), {cpu})


class Stand(contextlib.ExitStack):
    """Starts everything on ports that are free, and ends it."""

    def __init__(self, folder, upstream_cpu, proxy_cpu, tries):
        super().__init__()
        self.tries = tries  # of a batch that is disturbed
        self.dir = Path(folder)
        self.upstream_cpu, self.proxy_cpu = upstream_cpu, proxy_cpu
        self.ports = {"plain": free_port(), "tls": free_port()}

    def start(self):
        certificate(self.dir)
        config = self.write("upstream.conf", UPSTREAM.format(dir=self.dir, limit=LIMIT, **self.ports))
        self.upstream = self.spawn(nginx(config), self.upstream_cpu, "upstream.log")
        for port in self.ports.values():
            wait_for(port)

    def direct(self, transport):
        """The upstream itself; wrk does not verify certificates."""
        scheme = "https" if transport == "tls" else "http"
        return Proxy("direct", f"{scheme}://127.0.0.1:{self.ports[transport]}{TARGET}", None)

    def proxies(self, transport):
        return [self.nginx(transport), self.haproxy(transport), self.weir(transport)]

    def nginx(self, transport):
        port = free_port()
        text = NGINX.format(dir=self.dir, port=port, upstream=self.ports[transport],
                            scheme="https" if transport == "tls" else "http")
        return self.proxy("nginx", transport, port, nginx(self.write(f"nginx-{port}.conf", text)))

    def haproxy(self, transport):
        port = free_port()
        tls = (f"ssl verify required ca-file {self.dir}/cert.pem sni str(localhost) "
               "verifyhost localhost ssl-min-ver TLSv1.3" if transport == "tls" else "")
        text = HAPROXY.format(port=port, upstream=self.ports[transport], tls=tls)
        config = self.write(f"haproxy-{port}.cfg", text)
        return self.proxy("haproxy", transport, port, ["haproxy", "-db", "-q", "-f", config])

    def weir(self, transport):
        port = free_port()
        is_tls = transport == "tls"
        text = GATEWAY.format(dir=self.dir, port=port, upstream=self.ports[transport],
                              scheme="https" if is_tls else "http",
                              ca=f"{self.dir}/cert.pem" if is_tls else "")
        config = self.write(f"weir-{port}.yaml", text)
        proxy = self.proxy("weir", transport, port, [WEIR, "gateway", "--config", config])
        get(proxy.url)  # the first request brings the product into use
        await_line(self.dir / f"weir-{transport}.log", f"kind=raw limit={LIMIT}")
        return proxy

    def proxy(self, name, transport, port, command):
        process = self.spawn(command, self.proxy_cpu, f"{name}-{transport}.log")
        wait_for(port)
        return Proxy(name, f"http://127.0.0.1:{port}{TARGET}", process)

    def write(self, name, text):
        (self.dir / name).write_text(text)
        return str(self.dir / name)

    def spawn(self, command, cpu, log):
        if cpu is not None:
            command = ["taskset", "-c", str(cpu), *command]
        with open(self.dir / log, "wb") as out:
            process = subprocess.Popen(command, stdout=out, stderr=out, start_new_session=True)
        self.callback(end, process)
        return process


def end(process):
    """Its whole group: a master of nginx has a child."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def nginx(config):
    program = shutil.which("nginx") or "/usr/sbin/nginx"
    # Without -e it would begin with the system's log.
    return [program, "-e", "stderr", "-p", str(Path(config).parent), "-c", config]


def certificate(folder):
    """A throw-away one that vouches for itself."""
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
                    "-nodes", "-days", "2", "-subj", "/CN=localhost", "-addext",
                    "subjectAltName=DNS:localhost,IP:127.0.0.1", "-keyout", f"{folder}/key.pem",
                    "-out", f"{folder}/cert.pem"], check=True, capture_output=True)


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def wait_for(port, seconds=10):
    until = time.monotonic() + seconds
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError:
            if time.monotonic() > until:
                raise SystemExit(f"weir: bench: nothing listens on port {port}") from None
            time.sleep(0.02)


def get(url):
    with urllib.request.urlopen(url, timeout=10) as reply:
        return reply.read()


def await_line(log, text, seconds=10):
    until = time.monotonic() + seconds
    while text not in log.read_text():
        if time.monotonic() > until:
            raise SystemExit(f"weir: bench: {log} does not say {text!r}:\n{log.read_text()}")
        time.sleep(0.02)
