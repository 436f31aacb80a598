"""weir demo shows what it promises: bans straight at the exchange, none through weir.

    check_demo.py PATH-OF-WEIR
"""
import glob
import json
import os
import subprocess
import sys
import tempfile


def expect(condition, what, shown):
    if not condition:
        sys.exit(f"{what}:\n{shown}")


def check_summary(weir, folder):
    """Twelve seconds: one whole window, and the first ban."""
    run = subprocess.run([weir, "demo", "--seconds", "12", "--json"], text=True, timeout=40,
                         capture_output=True, env={**os.environ, "TMPDIR": folder})
    expect(run.returncode == 0, f"exit status {run.returncode}", run.stdout + run.stderr)
    summary = json.loads(run.stdout)
    clean, straight = summary["weir"], summary["straight"]
    expect(summary["clean"] is True, "not clean", run.stdout)
    for side in (clean, clean["seen_by_bots"]):
        expect(side["status_429"] == 0 and side["status_418"] == 0, "refused through weir", run.stdout)
    expect(clean["bans"] == 0, "banned through weir", run.stdout)
    expect(max(clean["windows_used"]) <= clean["limit"], "a window was overdrawn", run.stdout)
    expect(clean["answered"] > 0 and clean["seen_by_bots"]["errors"] == 0, "no data", run.stdout)
    expect(clean["orders"]["placed"] > 0 and clean["orders"]["refused"] == 0, "no orders", run.stdout)
    # Each is placed, or still waiting when the bots are stopped.
    orders = clean["orders"]
    expect(orders["wanted"] == orders["placed"] + orders["waiting"], "an order is missing", run.stdout)
    expect(straight["status_429"] > 0 and straight["bans"] > 0, "too easy without weir", run.stdout)
    expect(not glob.glob(os.path.join(folder, "*")), "left something behind", os.listdir(folder))


def check_refusals(weir):
    """Command lines that are wrong are explained, and start nothing."""
    for wrong in (["--seconds", "0"], ["--seconds", "1x"], ["--bots", "33"], ["--bots"], ["--what"], ["now"]):
        run = subprocess.run([weir, "demo", *wrong], text=True, timeout=10, capture_output=True)
        expect(run.returncode == 2 and run.stderr.startswith("weir: demo: ") and not run.stdout,
               f"weir demo {' '.join(wrong)}", run.stdout + run.stderr)


def main():
    weir = sys.argv[1]
    check_refusals(weir)
    with tempfile.TemporaryDirectory() as folder:
        check_summary(weir, folder)


if __name__ == "__main__":
    main()
