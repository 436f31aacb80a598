"""The package as a user gets it: installed by pip without a network, and what it says when libweir is
not there."""
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import weir
from weir import _native

ROOT = Path(__file__).resolve().parents[2]
LIBRARY = Path(_native._path).resolve()


@pytest.fixture(scope="module")
def python(tmp_path_factory):
    """The interpreter of a virtual environment into which the package was installed."""
    folder = tmp_path_factory.mktemp("install")
    # pip builds beside the sources.
    source = shutil.copytree(ROOT / "python", folder / "source", ignore=shutil.ignore_patterns("tests"))
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", "--system-site-packages", folder / "venv"],
                   check=True)
    interpreter = folder / "venv" / "bin" / "python"
    result = subprocess.run([interpreter, "-m", "pip", "install", "-q", "--no-build-isolation", "--no-index",
                             "--disable-pip-version-check", source], text=True, capture_output=True)
    assert result.returncode == 0, result.stdout + result.stderr
    return interpreter


def run(interpreter, code, library=None, folder="/"):
    """With nothing of this source tree in sight."""
    environment = {name: value for name, value in os.environ.items()
                   if name not in ("WEIR_LIBRARY", "PYTHONPATH", "LD_LIBRARY_PATH")}
    if library is not None:
        environment["WEIR_LIBRARY"] = str(library)
    return subprocess.run([interpreter, "-c", code], text=True, capture_output=True, env=environment,
                          cwd=folder)


USE = """
import asyncio, weir
async def main():
    w = weir.BinanceClientWrapper(weir.GlobalRateLimiter())
    async def f(): return "done"
    print(await w.call_async(f), weir.__file__)
asyncio.run(main())
"""


def test_installed_and_used(python):
    result = run(python, USE, LIBRARY)
    assert result.returncode == 0, result.stderr
    assert result.stdout.startswith("done ") and "site-packages" in result.stdout


def test_it_is_typed_and_has_a_version(python):
    code = ("import importlib.metadata as m, pathlib, weir; print(m.version('weir'), weir.__version__, "
            "m.requires('weir'), (pathlib.Path(weir.__file__).parent / 'py.typed').exists())")
    version = re.search(r"project\(weir VERSION ([0-9.]+)", (ROOT / "CMakeLists.txt").read_text()).group(1)
    assert run(python, code, LIBRARY).stdout.split() == [version, version, "None", "True"]
    assert _native.version == version


def test_a_library_beside_the_package_is_found(python):
    place = next(python.parent.parent.glob("lib/*/site-packages/weir")) / "libweir.so.0.1"
    shutil.copy(LIBRARY, place)
    try:
        result = run(python, "from weir import _native; print(_native._path)")
        assert result.stdout == f"{place}\n", result.stderr
    finally:
        place.unlink()


def refused(interpreter, library):
    result = run(interpreter, "import weir", library)
    assert result.returncode == 1
    line = result.stderr.splitlines()[-1]
    assert line.startswith("ImportError: weir: "), result.stderr
    return line


def test_no_library_there(python, tmp_path):
    line = refused(python, tmp_path / "none.so")
    assert "none.so" in line and "make install" in line and "WEIR_LIBRARY" in line


def test_no_library_anywhere(python):
    if run(python, "import ctypes; ctypes.CDLL('libweir.so.0.1')").returncode == 0:
        pytest.skip("libweir is installed on this machine")
    assert "libweir cannot be loaded" in refused(python, None)


def test_another_library(python):
    assert "weir_version" in refused(python, "libc.so.6")


def test_a_library_of_another_version(python, tmp_path):
    source = tmp_path / "other.c"
    source.write_text('const char *weir_version(void) { return "0.2.7"; }')
    library = tmp_path / "libother.so"
    subprocess.run([os.environ.get("CC", "cc"), "-shared", "-fPIC", "-o", library, source], check=True)
    line = refused(python, library)
    assert "0.2.7" in line and _native.INTERFACE in line


def structures():
    for name in dir(_native):
        value = getattr(_native, name)
        if isinstance(value, type) and hasattr(value, "_fields_"):
            yield value


NAMES = {"Error": "weir_error", "Options": "weir_limiter_options", "Stats": "weir_limiter_stats",
         "Request": "weir_request", "Header": "weir_header", "Reply": "weir_reply",
         "Verdict": "weir_verdict"}


def test_structures_and_numbers_are_those_of_the_header(tmp_path):
    """A C program that knows the header only says where each member is."""
    lines, expected = [], []
    for structure in structures():
        c = "struct " + NAMES[structure.__name__]
        lines.append(f'sizeof({c})')
        expected.append(_native.ctypes.sizeof(structure))
        for field, _ in structure._fields_:
            lines += [f"offsetof({c}, {field})", f"sizeof((({c} *)0)->{field})"]
            expected += [getattr(structure, field).offset, getattr(structure, field).size]
    lines += ["sizeof(struct weir_ticket)", "WEIR_EXECUTED_PARTLY", "WEIR_EXECUTED_UNKNOWN"]
    expected += [_native.ctypes.sizeof(_native.Ticket), _native.EXECUTED_PARTLY, _native.EXECUTED_UNKNOWN]
    lines += [f"WEIR_GROUP_{name.upper()}" for name in _native.GROUPS]
    expected += range(len(_native.GROUPS))
    lines += [f"WEIR_CLASS_{name.upper()}" for name in _native.CLASSES]
    expected += range(len(_native.CLASSES))
    source = tmp_path / "layout.c"
    prints = "".join(f'printf("%zu\\n", (size_t)({line}));' for line in lines)
    source.write_text(f"#include <stdio.h>\n#include <weir.h>\nint main(void) {{ {prints} }}\n")
    subprocess.run([os.environ.get("CC", "cc"), f"-I{ROOT / 'include'}", "-o", tmp_path / "layout", source],
                   check=True)
    out = subprocess.run([tmp_path / "layout"], text=True, capture_output=True, check=True).stdout
    assert list(zip(lines, map(int, out.split()))) == list(zip(lines, expected))
    assert sorted(NAMES) == sorted(s.__name__ for s in structures())
    assert len(_native.GROUPS) == 6 and len(_native.CLASSES) == 6


def test_everything_public_is_named():
    assert all(hasattr(weir, name) for name in weir.__all__)
