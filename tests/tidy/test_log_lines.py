"""The lines of the log that docs/hooks.md lists are those that the code writes."""

import re

from rules import ROOT

CALL = re.compile(r'log::(debug|info|warn|error)\(\s*((?:"(?:[^"\\]|\\.)*"\s*)+)')


def written_lines(text):
    """{(sentence, level): fields} of all that `text` logs."""
    lines = {}
    for call in CALL.finditer(text):
        sentence = "".join(re.findall(r'"((?:[^"\\]|\\.)*)"', call.group(2)))
        depth, end = 1, call.end()
        while depth and end < len(text):
            depth += {"(": 1, ")": -1}.get(text[end], 0)
            end += 1
        fields = re.findall(r'\{\s*"(\w+)",', text[call.end():end])
        lines.setdefault((sentence, call.group(1)), set()).update(fields)
    return lines


def documented_lines(page):
    """(sentence, level, fields) of each row of the page's table of lines."""
    table = page.split("| line | level | fields |")[1].split("\n\n")[0]
    rows = re.findall(r"^\| `([^`]+)` \| `(\w+)` \| ([^|]*) \|", table, re.M)
    return [(line, level, set(re.findall(r"`(\w+)`", fields))) for line, level, fields in rows]


def test_lines_of_the_log_are_called_what_the_documentation_says():
    written = {}
    for source in sorted((ROOT / "src").rglob("*.cc")):
        for line, fields in written_lines(source.read_text()).items():
            written.setdefault(line, set()).update(fields)
    documented = documented_lines((ROOT / "docs/hooks.md").read_text())
    assert len(documented) > 15
    for sentence, level, fields in documented:
        assert (sentence, level) in written, f"nobody writes {level} {sentence!r}"
        assert written[sentence, level] == fields, sentence


def test_a_line_and_its_fields_are_found_wherever_they_are_broken():
    text = '''log::warn("a part "
              "and another", {{"name", f(x)},
                              {"error", "none"}});
              base::log::info("short");'''
    assert written_lines(text) == {("a part and another", "warn"): {"name", "error"},
                                   ("short", "info"): set()}
