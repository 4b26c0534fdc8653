"""The sentences that are written in English where they arise, and recognised where they are told.

`shared.texts.retelling` recognises them.

Rules:
1. In `comity/` and `client/` every literal that reads as a sentence is one, wherever it stands: whoever adds one has
   it translated, or the build fails. What nobody reads (SQL, patterns, styles) is excepted below, with its reason.
2. Elsewhere it is what is raised: the argument of an exception, and `why=`.
3. Gaps of an f-string, and those with a name, are numbered in their order.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

WHOLE = ("client", "comity")
RAISED = ("gateway", "services", "shared", "witness")
CALLS_EXCEPTED = {
    "_": "collected by its mark",
    "_n": "collected by its mark",
    "mark": "collected by its mark",
    "execute": "SQL",
    "executemany": "SQL",
    "executescript": "SQL",
    "Option": "help, which is collected from the commands themselves",
    "Argument": "help, which is collected from the commands themselves",
    "Typer": "help, which is collected from the commands themselves",
    "compile": "a pattern",
    "format_date": "a pattern",
    "AssertionError": "a mistake in the program",
    "own_directory": "a reason for the log",
}
MISTAKES = frozenset({"AssertionError", "KeyError", "LookupError", "RuntimeError", "TypeError"})
"""Raised where the program itself is wrong."""
FILES_EXCEPTED = {
    "comity/main.py": "the commands' summaries, which are collected from the commands themselves",
    "comity/advice.py": "collected as a table",
    "comity/proof_page.py": "markup",
    "client/printing/page.py": "markup",
    "client/proof_words.py": "sentences of their own, told by their marks",
    "comity/plaintext_scan.py": "a check of the demonstration and the tests",
    "comity/serve.py": "the commands' summaries, which are collected from the commands themselves",
}
PREFIXES_EXCEPTED = {"comity/demo": "steps of the transcript, and what stops it; the story has marks of its own"}
STEPS_EXCEPTED = "client/proof_"
"""Where the steps of a proof have marks of their own, and what is raised alone is collected."""
_SENTENCE = re.compile(r"[A-Za-z]{2,}[,;:]? [a-z{A-Z]|\} [a-z]{2,}|[a-z]{2,} \{")
_MACHINE = re.compile(
    r"^\s*(SELECT|INSERT|UPDATE|DELETE|PRAGMA|BEGIN|CREATE|\{\d\} (WHERE|ORDER)|\(type = |place IN)"  # SQL
    r"|^\s*(bold |rgb\(|(\{\d\}\s+)*comity )"  # styles, and commands to be typed
    r"|://"
)
_NAMED_GAP = re.compile(r"\{\w*\}")
_LEAST_LETTERS = 4


def clauses(root: Path) -> Iterator[tuple[str, str]]:
    """Each sentence and the file where it stands."""
    for package in (*WHOLE, *RAISED):
        for file in sorted((root / package).rglob("*.py")):
            place = str(file.relative_to(root))
            tree = ast.parse(file.read_text(encoding="utf-8"))
            found = _literals(tree) if package in WHOLE and not place.startswith(STEPS_EXCEPTED) else _raised(tree)
            if place not in FILES_EXCEPTED and not any(place.startswith(one) for one in PREFIXES_EXCEPTED):
                yield from ((text, place) for text in found if is_sentence(text))


def is_sentence(text: str) -> bool:
    letters = sum(letter.isalpha() for letter in _NAMED_GAP.sub("", text))
    return bool(_SENTENCE.search(text)) and not _MACHINE.search(text) and letters >= _LEAST_LETTERS


def _literals(tree: ast.AST) -> Iterator[str]:
    """Every text but docstrings, and what stands in calls that are excepted."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            continue
        if isinstance(node, ast.keyword) and node.arg in ("style", "metavar", "envvar", "help"):
            continue
        if isinstance(node, ast.Call) and _name(node.func) in CALLS_EXCEPTED:
            for one in node.keywords:  # what fills the gaps of a sentence may be one itself
                yield from _literals(one)
            continue
        text = template(node)
        if text is not None:
            yield text
        if isinstance(node, ast.JoinedStr):
            for value in node.values:
                if isinstance(value, ast.FormattedValue):
                    yield from _literals(value)
            continue
        yield from _literals(node)


def _raised(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        said: list[ast.AST] = []
        if isinstance(node, ast.keyword) and node.arg == "why":
            said = [node.value]
        elif isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call) and _name(node.exc.func) not in MISTAKES:
            said = list(node.exc.args)
        elif isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name) and node.targets[0].id == "why":
            said = [node.value]
        for one in said:
            text = template(one)
            if text is not None:
                yield text


def template(node: ast.AST) -> str | None:
    """The text of a literal, its gaps numbered."""
    if isinstance(node, ast.Constant):
        return _numbered(node.value) if isinstance(node.value, str) else None
    if not isinstance(node, ast.JoinedStr):
        return None
    numbers = iter(range(len(node.values)))
    said = (str(one.value) if isinstance(one, ast.Constant) else None for one in node.values)
    text = (f"{{{next(numbers)}}}" if one is None else one.replace("{", "{{").replace("}", "}}") for one in said)
    return "".join(text).strip(" ")


def _numbered(text: str) -> str:
    numbers = iter(range(len(text)))
    return _NAMED_GAP.sub(lambda _: f"{{{next(numbers)}}}", text).strip(" ")


def _name(called: ast.expr) -> str:
    return called.attr if isinstance(called, ast.Attribute) else called.id if isinstance(called, ast.Name) else ""
