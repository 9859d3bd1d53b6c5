"""Configuring tells what it builds with, and refuses parts that must not be in the process."""

import shutil
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
DEPS = ROOT / "build/deps"


def configure(folder, *options):
    return subprocess.run(
        ["cmake", "-S", str(ROOT), "-B", str(folder), "-G", "Ninja", "-DGATEHOUSE_TESTS=OFF",
         "-DCMAKE_C_COMPILER=clang-19", "-DCMAKE_CXX_COMPILER=clang++-19", *options],
        capture_output=True, text=True,
    )


def test_it_prints_what_it_builds_with(tmp_path):
    done = configure(tmp_path)
    assert done.returncode == 0, done.stderr
    for part in ["compiler", "BoringSSL", "llhttp", "Boost", "JSON", "CLI11"]:
        line = next(line for line in done.stdout.splitlines() if part + " " in line)
        assert any(char.isdigit() for char in line), line


def test_openssl_headers_are_refused(tmp_path):
    parts = tmp_path / "openssl"
    shutil.copytree(DEPS / "boringssl", parts)
    base = parts / "include/openssl/base.h"
    base.write_text("#include <openssl/opensslv.h>\n")
    (parts / "include/openssl/opensslv.h").write_text("#define OPENSSL_VERSION_MAJOR 3\n")
    done = configure(tmp_path / "build", f"-DGATEHOUSE_BORINGSSL_DIR={parts}")
    assert done.returncode != 0
    assert "OpenSSL's headers" in done.stderr, done.stderr


def test_an_absent_boringssl_is_said_with_the_way_out(tmp_path):
    done = configure(tmp_path, f"-DGATEHOUSE_BORINGSSL_DIR={tmp_path}/none")
    assert done.returncode != 0
    assert "no BoringSSL in" in done.stderr and "./dev setup" in done.stderr


def test_a_lenient_llhttp_is_refused(tmp_path):
    parts = tmp_path / "llhttp"
    shutil.copytree(DEPS / "llhttp", parts)
    header = parts / "include/llhttp.h"
    lines = header.read_text().splitlines()
    header.write_text("\n".join(
        "#define LLHTTP_VERSION_MAJOR 8" if "define LLHTTP_VERSION_MAJOR" in line else line
        for line in lines
    ))
    done = configure(tmp_path / "build", f"-DGATEHOUSE_LLHTTP_DIR={parts}")
    assert done.returncode != 0
    assert "llhttp 8" in done.stderr and "too old" in done.stderr, done.stderr


def test_an_old_boost_is_refused(tmp_path):
    old = tmp_path / "include/boost"
    (old / "intrusive").mkdir(parents=True)
    (old / "intrusive/list.hpp").write_text("")
    (old / "version.hpp").write_text('#define BOOST_LIB_VERSION "1_74"\n')
    done = configure(tmp_path / "build", f"-DBOOST_INCLUDE={old.parent}")
    assert done.returncode != 0
    assert "Boost 1.74 is too old" in done.stderr, done.stderr
