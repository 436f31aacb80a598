"""Installed into a folder of its own, the library serves a program that knows nothing else of weir."""
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
BUILD = os.environ.get("WEIR_BUILD", str(ROOT / "build"))
sys.path.insert(0, str(ROOT / "tests" / "integration"))
from support import ALICE, Gateway, Sim  # noqa: E402

STRICT = ["-O2", "-Wall", "-Wextra", "-Wpedantic", "-Werror"]
STRANGER = ROOT / "tests" / "api" / "stranger.c"
EXAMPLES = sorted((ROOT / "examples").glob("*.c"))


def run(*command, **kwargs):
    done = subprocess.run([str(c) for c in command], capture_output=True, text=True, timeout=120, **kwargs)
    assert done.returncode == 0, (command, done.stdout, done.stderr)
    return done.stdout


@pytest.fixture(scope="module")
def prefix(tmp_path_factory):
    first = tmp_path_factory.mktemp("install") / "first"
    run("cmake", "--install", BUILD, "--prefix", first)
    # An installed tree may be moved.
    moved = first.parent / "usr"
    shutil.move(first, moved)
    return moved


@pytest.fixture(scope="module")
def library(prefix):
    return next(prefix.glob("lib/**/libweir.so")).parent


def pkg_config(library, *options):
    env = {**os.environ, "PKG_CONFIG_PATH": str(library / "pkgconfig")}
    return run("pkg-config", *options, "weir", env=env).split()


def test_all_parts_are_there(prefix, library):
    for part in ("include/weir.h", "bin/weir", "share/man/man1/weir.1", "share/man/man3/libweir.3"):
        assert (prefix / part).exists(), part
    for part in ("libweir.so.0.1", "libweir.a", "pkgconfig/weir.pc", "cmake/weir/weirConfig.cmake"):
        assert (library / part).exists(), part
    needed = run("readelf", "-d", library / "libweir.so")
    assert "[libweir.so.0.1]" in needed
    assert pkg_config(library, "--modversion") == run(prefix / "bin/weir", "--version").split()[-1:]


LANGUAGES = {
    "c11": ["gcc", "-std=c11", "-D_POSIX_C_SOURCE=200809L"],
    "c++17": ["g++", "-std=c++17", "-x", "c++"],
}


@pytest.fixture(scope="module", params=[(lang, kind) for lang in LANGUAGES for kind in ("shared", "static")],
                ids="-".join)
def stranger(request, prefix, library, tmp_path_factory):
    language, kind = request.param
    program = tmp_path_factory.mktemp("stranger") / "stranger"
    flags = pkg_config(library, "--cflags")
    if kind == "shared":
        libs = pkg_config(library, "--libs")
    else:
        libs = [library / "libweir.a"] + [f for f in pkg_config(library, "--static", "--libs") if f != "-lweir"]
    run(*LANGUAGES[language], *STRICT, *flags, STRANGER, "-x", "none", "-o", program, *libs)
    if kind == "static":
        assert "libweir" not in run("ldd", program)
    return program, {**os.environ, "LD_LIBRARY_PATH": str(library)}


def test_a_stranger_has_a_limiter_of_its_own(stranger):
    program, env = stranger
    run(program, env=env)


def test_a_stranger_shares_the_region_of_a_gateway(stranger, tmp_path):
    program, env = stranger
    with Sim() as sim, Gateway(sim.url, tmp_path / "region"):
        weight = int(run(program, tmp_path / "region", sim.port, env=env))
        assert weight > 0
        assert len([r for r in sim.requests() if "klines" in r.get("target", r.get("path", ""))]) == 3


def test_cmake_finds_it(prefix, tmp_path):
    (tmp_path / "CMakeLists.txt").write_text(f"""
cmake_minimum_required(VERSION 3.16)
project(stranger C)
find_package(weir 0.1 REQUIRED)
foreach(kind weir weir_static)
  add_executable(with_${{kind}} {STRANGER})
  target_compile_definitions(with_${{kind}} PRIVATE _POSIX_C_SOURCE=200809L)
  target_link_libraries(with_${{kind}} PRIVATE weir::${{kind}})
endforeach()
""")
    run("cmake", "-S", tmp_path, "-B", tmp_path / "build", f"-DCMAKE_PREFIX_PATH={prefix}")
    run("cmake", "--build", tmp_path / "build")
    for kind in ("weir", "weir_static"):
        run(tmp_path / "build" / f"with_{kind}")


@pytest.mark.parametrize("source", EXAMPLES, ids=lambda path: path.stem)
def test_examples_run(source, prefix, library, tmp_path):
    program = tmp_path / source.stem
    libs = pkg_config(library, "--libs", "--cflags")
    if "<curl/curl.h>" in source.read_text(encoding="utf-8"):
        libs += ["-lcurl"]
    run("gcc", "-std=gnu17", *STRICT, source, "-o", program, *libs)
    with Sim() as sim, Gateway(sim.url, tmp_path / "region"):
        env = {**os.environ, "LD_LIBRARY_PATH": str(library), "WEIR_REGION": str(tmp_path / "region"),
               "BINANCE_API_KEY": ALICE[0], "BINANCE_API_SECRET": ALICE[1]}
        lines = run(program, sim.url, env=env).splitlines()
    assert lines and lines[-1].startswith("done"), lines


def test_the_manual_pages_are_without_fault(prefix):
    for page in ("man1/weir.1", "man3/libweir.3"):
        assert run("mandoc", "-T", "lint", "-W", "warning", prefix / "share/man" / page) == ""
        assert "weir" in run("mandoc", prefix / "share/man" / page)


def test_the_manual_names_every_function(prefix):
    names = run("nm", "-D", "--defined-only", next(prefix.glob("lib/**/libweir.so.0.1")))
    page = (prefix / "share/man/man3/libweir.3").read_text()
    missing = [name for name in {line.split()[2].split("@")[0] for line in names.splitlines()}
               if name.startswith("weir_") and name not in page]
    assert not missing
