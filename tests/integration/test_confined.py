"""The gateway under the filter of system calls that contrib/systemd/weir-gateway.service gives it: built here by
libseccomp from the unit's own lines and systemd's own lists, in front of the very program."""
import errno
import re
import shutil
import signal
import subprocess

import pytest

from support import IS_SANITIZED, ROOT, Gateway, Sim, eventually, fetch

seccomp = pytest.importorskip("seccomp", reason="python3-seccomp is not installed")
pytestmark = [
    pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="systemd-analyze is not installed"),
    pytest.mark.skipif(IS_SANITIZED, reason="a sanitizer needs calls of its own"),
]

UNIT = (ROOT / "contrib/systemd/weir-gateway.service").read_text(encoding="utf-8")
FAMILIES = {"AF_UNIX": 1, "AF_INET": 2, "AF_INET6": 10, "AF_NETLINK": 16}
WRITE, EXEC = 2, 4  # PROT_


def values(key):
    return re.findall(rf"^{key}=(.*)$", UNIT, re.MULTILINE)


def members(name):
    """The calls of a @group; of a call itself, it."""
    if not name.startswith("@"):
        return {name}
    listed = subprocess.run(["systemd-analyze", "syscall-filter", name], text=True, stdout=subprocess.PIPE, check=True)
    found = set()
    for line in listed.stdout.splitlines()[1:]:
        word = line.strip()
        if word and not word.startswith("#"):
            found |= members(word)
    return found


def allowed():
    calls = set()
    for line in values("SystemCallFilter"):
        names = set().union(*(members(n) for n in line.lstrip("~").split()))
        calls = calls - names if line.startswith("~") else calls | names
    return calls


def is_here(call):
    try:
        return seccomp.resolve_syscall(seccomp.Arch(), call) >= 0
    except ValueError:
        return False


def confine():
    """In the child, before it becomes the gateway. As with systemd a call that is not allowed fails with EPERM."""
    f = seccomp.SyscallFilter(seccomp.ERRNO(errno.EPERM))
    for call in CALLS - {"socket", "mmap", "mprotect", "pkey_mprotect"}:
        f.add_rule(seccomp.ALLOW, call)
    for family in values("RestrictAddressFamilies")[0].split():
        f.add_rule(seccomp.ALLOW, "socket", seccomp.Arg(0, seccomp.EQ, FAMILIES[family]))
    # MemoryDenyWriteExecute=yes: nothing is both, and nothing becomes executable.
    for bits in (0, WRITE, EXEC):
        f.add_rule(seccomp.ALLOW, "mmap", seccomp.Arg(2, seccomp.MASKED_EQ, WRITE | EXEC, bits))
    f.add_rule(seccomp.ALLOW, "mprotect", seccomp.Arg(2, seccomp.MASKED_EQ, EXEC, 0))
    f.load()


CALLS = {call for call in allowed() if is_here(call)} if shutil.which("systemd-analyze") else set()


def test_the_filter_holds():
    """Else the other test would prove nothing."""
    assert {"openat", "epoll_wait", "timerfd_create", "msync"} <= CALLS
    assert not {"ptrace", "mount", "setuid", "chown", "keyctl", "reboot", "bpf"} & CALLS
    done = subprocess.run(["/usr/bin/env", "chown", "0", "/dev/null"], preexec_fn=confine, text=True,
                          stderr=subprocess.PIPE, check=False)
    assert done.returncode != 0 and "not permitted" in done.stderr, done


def test_all_that_a_gateway_does_is_allowed(tmp_path):
    place = tmp_path / "weir.sock"
    with Sim("--limit", "spot-weight=300/2s", "--ban", "2") as sim:
        with Gateway(f"http://localhost:{sim.port}", tmp_path / "region", "--listen", f"unix:{place}",
                     "--set", f"history.path={tmp_path}/history.db", preexec_fn=confine) as gateway:
            assert re.search(r"^Seccomp:\s+2$", open(f"/proc/{gateway.process.pid}/status").read(), re.MULTILINE)
            assert fetch(gateway.port, "/api/v3/depth?symbol=BTCUSDT&limit=5")[0] == 200
            assert fetch(gateway.port, "/fapi/v1/ping")[0] == 200
            assert fetch(gateway.port, "/weir/api/history?step=day")[0] == 200
            for _ in range(60):
                fetch(sim.port, "/api/v3/depth?symbol=BTCUSDT&limit=5000")
            # A ban is met and written down, and a probe ends it.
            eventually(lambda: fetch(gateway.port, "/api/v3/ping", headers={"X-Weir-Max-Wait": "0"})[0] != 200)
            eventually(lambda: fetch(gateway.port, "/api/v3/ping", headers={"X-Weir-Max-Wait": "0"})[0] == 200, 20)
            gateway.process.send_signal(signal.SIGHUP)
            eventually(lambda: gateway.logged("reloaded"))
            assert gateway.stop() == 0
        assert not [line for line in gateway.lines if "not permitted" in line or "history_failed" in line], gateway.lines
