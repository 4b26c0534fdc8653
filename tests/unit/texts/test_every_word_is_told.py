"""Nobody adds a sentence in English alone: what commands print passes through the catalogues, every word of it.

A sentence elsewhere in `comity/` and `client/` is collected wherever it stands (docs/clauses.py), and lacks its
translation until somebody writes it: that is the test of the catalogues.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from docs.clauses import FILES_EXCEPTED, WHOLE, clauses, is_sentence, template

ROOT = Path(__file__).parents[3]
PRINTING = frozenset(
    {"say", "note", "print", "echo", "secho", "prompt", "confirm", "add_column", "Table", "track", "tell", "scene"}
)
TRANSLATING = frozenset({"_", "_n", "retold", "told", "mark"})
WORD = re.compile(r"[^\W\d_]{2,}")
TYPED = re.compile(r"(comity|witness NAME|SHA-256|UTC|https?)\b.*|--[a-z]+( [A-Z]+)?")
"""What the reader types or compares, and no language changes."""
PRINTED_ELSEWHERE = frozenset({"comity/output.py", "comity/serve.py", "comity/words.py"})
"""Where the functions that print are made, and a line of JSON."""


def _untold(code: str) -> list[str]:
    """Words that are printed as they stand."""
    found = []
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.Call) and _name(node.func) in PRINTING:
            for argument in node.args:
                found += [text for text in _said(argument) if WORD.search(TYPED.sub("", text))]
    return found


def _said(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value
    if isinstance(node, ast.Call | ast.Subscript | ast.Compare | ast.Lambda):
        return  # a call answers for its own words; an index names a member
    if isinstance(node, ast.FormattedValue):  # not how it is set: `:>8`
        yield from _said(node.value)
        return
    for child in ast.iter_child_nodes(node):
        yield from _said(child)


def _name(called: ast.expr) -> str:
    return called.attr if isinstance(called, ast.Attribute) else called.id if isinstance(called, ast.Name) else ""


def _printing() -> Iterator[Path]:
    for file in sorted((ROOT / "comity").rglob("*.py")):
        place = str(file.relative_to(ROOT))
        if place not in PRINTED_ELSEWHERE:
            yield file


def test_no_command_prints_a_word_that_no_catalogue_knows() -> None:
    found = {str(file.relative_to(ROOT)): _untold(file.read_text(encoding="utf-8")) for file in _printing()}
    assert {place: words for place, words in found.items() if words} == {}, "say them through `_` of comity.words"


@pytest.mark.parametrize(
    "line",
    [
        'say(console, "Nothing came.")',
        'say(console, f"{count} entries")',
        'stage.tell(RABAT, "holds the letter")',
        'stage.scene("1. It begins")',
        'say(console, f"  {_(one)} was not moved")',
        'typer.confirm("Go on?", abort=True)',
        'output.note("Wait." if waiting else "")',
        'Table("letter", _("when"))',
        'say(console, _("Nothing came.") + " Ask again.")',
    ],
)
def test_a_sentence_in_english_alone_is_found(line: str) -> None:
    assert _untold(line)


@pytest.mark.parametrize(
    "line",
    [
        'say(console, _("Nothing came."))',
        'say(console, f"  {one[\'kind\']}: {_(state)}", style="bold red")',
        'say(console, f"  comity open {message}")',
        "say(console, retold(why))",
    ],
)
def test_what_is_told_is_not_found(line: str) -> None:
    assert _untold(line) == []


def test_a_new_reason_lacks_its_translation_until_somebody_writes_it(tmp_path: Path) -> None:
    for package in WHOLE:
        (tmp_path / package).mkdir()
    code = '"""It judges."""\nraise ValueError(f"entry {index} fell off the shelf")\n'
    (tmp_path / "client" / "new.py").write_text(code, encoding="utf-8")
    assert list(clauses(tmp_path)) == [("entry {0} fell off the shelf", "client/new.py")]


def test_gaps_are_numbered_in_their_order() -> None:
    [said] = ast.parse('f"{a.b} of {c!r}, {{d}} {e:>8}"').body
    assert isinstance(said, ast.Expr)
    assert template(said.value) == "{0} of {1}, {2} {3}" or template(said.value) == "{0} of {1}, {{d}} {2}"


@pytest.mark.parametrize("text", ["SELECT one FROM others", "bold red", "accepted", "MA.PGR", "https://a b c"])
def test_what_nobody_reads_is_no_sentence(text: str) -> None:
    assert not is_sentence(text)


def test_each_exception_is_a_file_that_is_there() -> None:
    assert all((ROOT / file).exists() for file in FILES_EXCEPTED)
