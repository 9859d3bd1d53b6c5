"""Every rule fires on what it forbids, and is silent on what is allowed."""

import pytest
from rules import (
    Source, arrows, coroutines, functions, header_guard, names, own_header_first,
    ownership, sizes, words,
)


def fires(rule, text, path="src/http/x.cc"):
    return [str(finding) for finding in rule(Source(path, text))]


def test_an_include_to_the_right_is_found():
    assert fires(arrows, '#include "acme/order.h"\n')
    assert fires(arrows, '#include "http/fields.h"\n', "src/config/x.h")
    assert not fires(arrows, '#include "tls/key.h"\n#include "base/error.h"\n#include <acme/x>\n')


def test_an_unknown_folder_is_found():
    assert fires(arrows, "", "src/stuff/x.cc")


def test_names_that_say_nothing_are_found():
    assert fires(names, "", "src/base/string_util.h")
    assert fires(names, "", "src/helpers/x.h")
    assert fires(names, "class ConnectionManager {};\n")
    assert not fires(names, "class Connection {};\n", "src/base/utilisation.h")


def test_long_files_and_lines_are_found():
    assert fires(sizes, "x\n" * 501)
    assert fires(sizes, "x" * 101)
    assert not fires(sizes, "x\n" * 500 + "x" * 100)


def test_long_functions_are_found():
    body = "  f();\n" * 70
    assert fires(functions, "void g(int a) {\n" + body + "}\n")
    assert fires(functions, "int X::g() const {\n" + body + "}\n")
    assert not fires(functions, "namespace a {\n" + body + "}\n")
    assert not fires(functions, "void g() {\n" + "  f();\n" * 60 + "}\n")


@pytest.mark.parametrize("text", ["// TODO later\n", "// FIXME\n", "std::this_thread::sleep_for(1s);\n"])
def test_unfinished_and_blocking_words_are_found(text):
    assert fires(words, text)


def test_sleeps_and_skips_in_tests_are_found():
    assert fires(words, "time." + "sleep(1)\n", "tests/e2e/test_x.py")
    assert fires(words, "GTEST" + "_SKIP();\n", "tests/http/x_test.cc")


def test_a_header_without_its_guard_is_found():
    assert fires(header_guard, "int x;\n", "src/base/x.h")
    assert not fires(header_guard, "#pragma once\nint x;\n", "src/base/x.h")


def test_a_source_that_includes_its_own_header_second_is_found():
    own, other = '#include "base/x.h"\n', "#include <string>\n"
    assert fires(own_header_first, other + own, "src/base/x.cc")
    assert not fires(own_header_first, own + other, "src/base/x.cc")
    assert not fires(own_header_first, other, "src/base/x.cc")


@pytest.mark.parametrize(
    "text",
    [
        "int r = co_await f({.host = s, .port = 1});",
        "int r = co_await f(Opt{s, 1});",
        "co_await f(std::array<std::string, 2>{a, b});",
        "co_await f([x] { return x; });",
        "co_await f([&](int a) mutable { return x + a; });",
        "co_await (c ? f(a) : g(b));",
        "h(Opt{1}, co_await f());",
        "h(co_await f(), Opt{1});",
        "if (auto r = co_await f(Opt{s}); !r) {\n    co_return;\n  }",
        "co_await f(a, [b = std::move(b)](auto h) { h(b); }, c);",
        "auto [a, b] = co_await f();",
        "auto t = [&loop](int a,\n      int b) mutable -> Task<void> { co_return; };",
        "auto t = [this](int a) -> base::Task<void> { co_return; };",
    ],
)
def test_coroutine_shapes_that_break_are_found(text):
    assert fires(coroutines, "Task<void> g() {\n  " + text + "\n}\n"), text


@pytest.mark.parametrize(
    "text",
    [
        "auto r = co_await f(Opt(s, 1), s + \"x\");",
        "if (auto r = co_await f(); !r) {\n    co_return;\n  }",
        "co_return co_await f();",
        "auto n = (co_await f()).size();",
        "if (c) {\n    co_await f();\n  } else {\n    co_await g();\n  }",
        "while (co_await next(a)) {\n    h({1, 2});\n  }",
        "auto call = [x] { return x; };\n  co_await f(std::move(call));",
        "// co_await f({1})\n  co_await f();",
        "auto r = c ? co_await f() : co_await g();",
        "auto r = co_await f([](int a) { return a; }, bytes[2]);",
        "for (auto& one : all[x]) {\n    co_await (*one).f(a);\n  }",
        "f(Opt{1});\n  co_await g();",
        "Opt opt{1};\n  co_await g(opt);",
        "if (ready) co_await g();\n  h({1});",
        "auto wait = [](T& on) -> base::Task<void> { co_await on.gone.wait(); };\n  h(wait);",
    ],
)
def test_sound_coroutine_shapes_pass(text):
    assert not fires(coroutines, "Task<void> g() {\n  " + text + "\n}\n"), text


def test_virtual_functions_and_stray_coroutines_are_found():
    assert fires(ownership, "virtual void f() = 0;\n", "src/http/client.h")
    assert not fires(ownership, "virtual void f() = 0;\n", "src/storage/storage.h")
    assert fires(ownership, "std::coroutine_handle<> h;\n")
    assert not fires(ownership, "std::coroutine_handle<> h;\n", "src/base/loop.cc")
    assert fires(ownership, "class X : public std::enable_shared_from_this<X> {};\n")
