"""The rules of the house that a machine can check on the text of the sources.

Each rule is a function from a file to findings, so that test_rules.py can show that it fires.
"""

import re
from pathlib import Path
from typing import Iterator, NamedTuple

ROOT = Path(__file__).resolve().parents[2]

LARGEST_FILE = 500
LARGEST_FUNCTION = 70
WIDEST_LINE = 100

# What a folder of src may include, beside itself.
ARROWS = {
    "base": set(),
    "config": {"base"},
    "storage": {"base"},
    "tls": {"base"},
    "dns": {"base"},
    "http": {"base", "tls"},
    "acme": {"base", "tls", "http"},
    "certs": {"base", "config", "storage", "tls", "dns", "http", "acme"},
    "proxy": {"base", "config", "storage", "tls", "http", "acme", "certs"},
}
EMPTY_NAMES = {"util", "utils", "common", "manager", "helper", "helpers", "misc"}
UNFINISHED = re.compile(r"\b(TODO|FIXME|XXX|HACK)\b")
BLOCKING = re.compile(r"\bsleep_for\b|\bsleep_until\(std|\busleep\(|\bnanosleep\(|::sleep\(")
TEST_SLEEP = re.compile(
    r"\bsleep_for\b|\busleep\(|\bnanosleep\(|::sleep\(|\btime\.sleep\b|\basyncio\.sleep\([^0)]"
)
TEST_SKIP = re.compile(r"GTEST_SKIP|\bDISABLED_|pytest\.(mark\.)?skip|EXPECT_TRUE\(true\)")


class Source(NamedTuple):
    path: str  # relative to the root, with "/"
    text: str


class Finding(NamedTuple):
    path: str
    line: int
    what: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.what}"


def without_comments_and_strings(text: str) -> str:
    """The text with comments and literals blanked, line breaks kept."""
    pattern = re.compile(
        r'//[^\n]*|/\*.*?\*/|R"(\w*)\(.*?\)\1"|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])\'', re.S
    )
    return pattern.sub(lambda m: re.sub(r"[^\n]", " ", m.group()), text)


def line_of(text: str, offset: int) -> int:
    return text.count("\n", 0, offset) + 1


def arrows(source: Source) -> Iterator[Finding]:
    parts = source.path.split("/")
    if parts[0] != "src" or len(parts) != 3:
        return
    allowed = ARROWS.get(parts[1])
    if allowed is None:
        yield Finding(source.path, 1, f"src/{parts[1]} is no folder of the house")
        return
    for match in re.finditer(r'^#include "(\w+)/', source.text, re.M):
        folder = match.group(1)
        if folder in ARROWS and folder != parts[1] and folder not in allowed:
            line = line_of(source.text, match.start())
            yield Finding(source.path, line, f"{parts[1]} must not include {folder}")


def names(source: Source) -> Iterator[Finding]:
    for part in re.split(r"[/._]", source.path.lower()):
        if part in EMPTY_NAMES:
            yield Finding(source.path, 1, f'"{part}" says nothing of what is inside')
    for match in re.finditer(r"\b(?:class|struct|namespace)\s+(\w+)", source.text):
        last = re.split(r"_|(?<=[a-z])(?=[A-Z])", match.group(1))[-1].lower()
        if last in EMPTY_NAMES:
            line = line_of(source.text, match.start())
            yield Finding(source.path, line, f'"{match.group(1)}" says nothing of what it is')


def sizes(source: Source) -> Iterator[Finding]:
    lines = source.text.split("\n")
    if len(lines) - 1 > LARGEST_FILE:
        yield Finding(source.path, 1, f"{len(lines) - 1} lines; {LARGEST_FILE} is the most")
    for number, line in enumerate(lines, 1):
        if len(line) > WIDEST_LINE:
            yield Finding(source.path, number, f"{len(line)} columns; {WIDEST_LINE} is the most")


def functions(source: Source) -> Iterator[Finding]:
    """Blocks that open after `)` (a function's head) and are longer than a screen."""
    text = without_comments_and_strings(source.text)
    opened: list[tuple[int, bool]] = []
    for match in re.finditer(r"[{}]", text):
        if match.group() == "{":
            head = text[: match.start()].rstrip()[-200:]
            is_function = bool(
                re.search(r"\)\s*(const|noexcept|override|final|mutable|&|\s|->[\w:<>,\s*&]+)*$", head)
            ) and not re.search(r"\b(if|for|while|switch|catch)\s*\([^{}]*$", head.split(";")[-1])
            opened.append((match.start(), is_function))
        elif opened:
            start, is_function = opened.pop()
            length = text.count("\n", start, match.start()) + 1
            if is_function and length > LARGEST_FUNCTION:
                yield Finding(
                    source.path, line_of(text, start),
                    f"a function of {length} lines; {LARGEST_FUNCTION} is the most",
                )


def words(source: Source) -> Iterator[Finding]:
    for match in UNFINISHED.finditer(source.text):
        yield Finding(source.path, line_of(source.text, match.start()), "unfinished: " + match[0])
    rules = {"src": [BLOCKING], "bench": []}.get(source.path.split("/")[0], [TEST_SLEEP, TEST_SKIP])
    for rule in rules:
        for match in rule.finditer(source.text):
            yield Finding(
                source.path, line_of(source.text, match.start()), f"not here: {match[0]}"
            )


def header_guard(source: Source) -> Iterator[Finding]:
    if source.path.endswith(".h") and source.text.count("#pragma once\n") != 1:
        yield Finding(source.path, 1, "a header says #pragma once, once")


def own_header_first(source: Source) -> Iterator[Finding]:
    """So that each header is seen to include what it needs."""
    own = source.path.removeprefix("src/").removesuffix(".cc") + ".h"
    includes = re.findall(r'^#include ["<]([^">]+)', source.text, re.MULTILINE)
    if source.path.startswith("src/") and own in includes[1:]:
        yield Finding(source.path, 1, f"{own} is what it includes first")


def closing(text: str, opening: int) -> int:
    """Where the bracket that opens at `opening` is closed."""
    depth = 0
    for offset in range(opening, len(text)):
        if text[offset] in "([{":
            depth += 1
        elif text[offset] in ")]}":
            depth -= 1
            if depth == 0:
                return offset
    return len(text) - 1


def awaited_shapes(text: str, offset: int) -> Iterator[str]:
    """What is wrong in the full expression of the `co_await` whose operand begins at `offset`."""
    operand = offset + len(text[offset:]) - len(text[offset:].lstrip())
    if text.startswith("(", operand) and "?" in text[operand : closing(text, operand)]:
        yield "a conditional under co_await"
    depth = 0
    while offset < len(text):
        char, before = text[offset], text[:offset].rstrip()[-1:]
        if char == "[" and not re.match(r"[\w)\]]", before):  # a lambda: not an index
            body = text.find("{", offset)
            if text[offset + 1 : closing(text, offset)].strip():
                yield "a lambda with captures in a co_await statement"
            offset = closing(text, body)
        elif char == "{":
            if before == ")" and depth <= 0:  # the block of an if, a while, a for
                return
            yield "a braced temporary in a co_await statement"
            offset = closing(text, offset)
        elif char in "([":
            depth += 1
        elif char in ")]":
            depth -= 1
        elif char == ";" and depth <= 0:
            return
        offset += 1


def coroutines(source: Source) -> Iterator[Finding]:
    """Shapes that GCC 12 miscompiles, or that are traps (docs/conventions.md)."""
    text = without_comments_and_strings(source.text)
    for match in re.finditer(r"(?<!operator )\bco_await\b", text):
        line = line_of(text, match.start())
        for what in awaited_shapes(text, match.end()):
            yield Finding(source.path, line, what)
        before = re.split(r";|[{}]\s*\n|->\s*[\w:<>]+\s*\{", text[: match.start()])[-1]
        if re.search(r"auto\s*&?&?\s*\[[^\]]*\]\s*=\s*$", before):
            yield Finding(source.path, line, "a structured binding of an awaited value")
        elif re.search(r"[\w>(,]\s*\{", before):
            yield Finding(source.path, line, "a braced temporary in a co_await statement")
    capturing = r"\[[^\]\n]+\]\s*\([^)]*\)\s*(mutable\s*)?(noexcept\s*)?->\s*(\w+::)*Task\b"
    for match in re.finditer(capturing, text):
        yield Finding(source.path, line_of(text, match.start()), "a capturing lambda is a coroutine")


# Virtual functions stand where two real implementations do, and nowhere else.
INTERFACES = {"src/base/ready.h", "src/http/stream.h", "src/storage/storage.h", "src/certs/issuer.h",
              "src/certs/dns_provider.h"}


def ownership(source: Source) -> Iterator[Finding]:
    """Who may be virtual, shared with itself, or start a coroutine that nobody awaits."""
    if not source.path.startswith("src/"):
        return
    text = without_comments_and_strings(source.text)
    rules = {r"\benable_shared_from_this\b": "an owner holds it by value, or it is posted by value"}
    if source.path not in INTERFACES:
        rules[r"\bvirtual\b"] = "only the interfaces that docs/conventions.md lists are"
    if not source.path.startswith("src/base/"):
        rules[r"\bcoroutine_handle\b"] = "coroutines are started by base::Loop and base::Gate"
    for pattern, what in rules.items():
        for match in re.finditer(pattern, text):
            yield Finding(source.path, line_of(text, match.start()), f"{match[0]}: {what}")


RULES = [
    arrows, names, sizes, functions, words, header_guard, own_header_first, coroutines, ownership,
]



def sources() -> Iterator[Source]:
    for folder, endings in (
        ("src", (".h", ".cc")), ("tests", (".h", ".cc", ".py")), ("fuzz", (".h", ".cc")),
        ("bench", (".h", ".cc", ".py")),
    ):
        for path in sorted((ROOT / folder).rglob("*")):
            if path.suffix in endings and "/tidy/" not in path.as_posix():
                yield Source(path.relative_to(ROOT).as_posix(), path.read_text())
