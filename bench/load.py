"""Loads a URL with wrk, and reads CPU times."""
import json
import os
import resource
import subprocess
from pathlib import Path

REPORT = Path(__file__).with_name("report.lua")


def wrk(url, connections, seconds, cpu):
    """One burst of load. Returns what report.lua says; a reply that is no 2xx is a broken bench."""
    command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "-s", str(REPORT), url]
    if cpu is not None:
        command = ["taskset", "-c", str(cpu), *command]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    line = done.stdout.strip().splitlines()[-1:] or [""]
    try:
        result = json.loads(line[0])
    except ValueError:
        raise SystemExit(f"weir: bench: wrk failed on {url}: {done.stdout}{done.stderr}") from None
    if result["refused"] or result["broken"] or not result["requests"]:
        raise SystemExit(f"weir: bench: {url} did not answer all: {result}")
    return result


def threads(pid):
    """All threads of a process and of its children."""
    found = []
    for task in Path(f"/proc/{pid}/task").iterdir():
        found.append(task)
        for child in (task / "children").read_text().split():
            found += threads(child)
    return found


def cpu_us(pid):
    """CPU time that it has used so far, in user and kernel mode, as the scheduler counts it."""
    return sum(int((task / "schedstat").read_text().split()[0]) for task in threads(pid)) / 1000


def busy_us():
    """CPU time of the whole machine that was not idle, and what its host took from it."""
    fields = [int(n) for n in Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:9]]
    idle = fields[3] + fields[4]
    return (sum(fields) - idle) * 1e6 / os.sysconf("SC_CLK_TCK")


def children_us():
    """CPU time of the programs that we ran and that have ended: wrk."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return (used.ru_utime + used.ru_stime) * 1e6
