"""Brings the catalogues in shared/texts/catalogues up to date with the sentences of the code, forms and profiles.

Run it as `python docs/make_catalogues.py`. A sentence that is new stands there without translation, which a test
refuses until somebody writes it; one that is gone is taken out.
"""

from __future__ import annotations

import ast
import errno
import os
import sys
from collections.abc import Iterator
from functools import cache
from io import BytesIO
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

from babel.messages import Catalog  # noqa: E402 - the checkout must be on the path first
from babel.messages.pofile import read_po, write_po  # noqa: E402
from typer.main import get_command  # noqa: E402

from client.forms.code_words import CODE_WORDS  # noqa: E402
from client.forms.schema_files import schemas  # noqa: E402
from comity.advice import ADVICE  # noqa: E402
from comity.main import COMMANDS, app, command_of  # noqa: E402
from comity.spoken_help import paragraphs  # noqa: E402
from docs.clauses import clauses  # noqa: E402
from gateway.problems import error_classes  # noqa: E402
from shared.domain.admissibility import PRACTICE, REGISTRY  # noqa: E402
from shared.domain.catalogue import OUTCOMES  # noqa: E402
from shared.domain.evidences import Evidence  # noqa: E402
from shared.domain.leg import DueBasis  # noqa: E402
from shared.domain.profile_format import Condition  # noqa: E402
from shared.domain.profiles import PROFILES  # noqa: E402
from shared.texts.catalogue import FOLDER, LANGUAGES, SOURCE  # noqa: E402

CODE = ("client", "comity", "gateway", "shared")
MARKS = frozenset({"_", "mark"})
SYSTEM = (
    errno.EACCES,
    errno.EEXIST,
    errno.EIO,
    errno.EISDIR,
    errno.ELOOP,
    errno.ENAMETOOLONG,
    errno.ENOENT,
    errno.ENOSPC,
    errno.ENOTDIR,
    errno.EPERM,
    errno.EROFS,
)
"""What the operating system says of a file that a user named."""
FLAG = "Flag"
"""Of a warning the second argument is the sentence."""
PLURAL = "_n"
TRANSLATED = tuple(language for language in LANGUAGES if language != SOURCE)
_HEAD = """# Comity: {name}.
# The sentences are collected by docs/make_catalogues.py; the translations are written here.
# Native review: not done. Legal terms are those of practice, not compared with the treaties' authentic texts (k)."""
_UNSAID = (
    b'"POT-Creation-Date',
    b'"PO-Revision-Date',
    b'"Report-Msgid',
    b'"Last-Translator',
    b'"Language-Team',
    b'"Generated-By',
)


Sentence = str | tuple[str, str]
"""A sentence, or one and many of it."""


@cache
def sentences() -> dict[Sentence, tuple[str, ...]]:
    """Each sentence that a reader can meet → the places where it stands."""
    found: dict[Sentence, set[str]] = {}
    for text, place in (
        *_of_code(),
        *clauses(ROOT),
        *_of_help(),
        *_of_forms(),
        *_of_profiles(),
        *_of_errors(),
        *_of_system(),
    ):
        found.setdefault(text, set()).add(place)
    return {text: tuple(sorted(places)) for text, places in sorted(found.items(), key=lambda item: str(item[0]))}


def _of_code() -> Iterator[tuple[Sentence, str]]:
    for package in CODE:
        for file in sorted((ROOT / package).rglob("*.py")):
            for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                    said = [
                        one.value for one in node.args if isinstance(one, ast.Constant) and isinstance(one.value, str)
                    ]
                    if node.func.id in MARKS and said:
                        yield said[0], str(file.relative_to(ROOT))
                    elif node.func.id == FLAG and len(said) > 1:
                        yield said[1], str(file.relative_to(ROOT))
                    elif node.func.id == PLURAL and len(said) == 2:
                        yield (said[0], said[1]), str(file.relative_to(ROOT))


def _of_help() -> Iterator[tuple[str, str]]:
    """What `--help` tells of each command, option and argument."""
    yield from _help_of(get_command(app), "comity")
    for name in COMMANDS:
        yield from _help_of(command_of(name), f"comity {name}")


def _help_of(command: Any, place: str) -> Iterator[tuple[str, str]]:
    told = [command.help, command.short_help, command.epilog, *(getattr(one, "help", None) for one in command.params)]
    yield from ((text, f"help of {place}") for one in told if one for text in paragraphs(one))
    for name, under in getattr(command, "commands", {}).items():
        yield from _help_of(under, f"{place} {name}")


def _of_forms() -> Iterator[tuple[str, str]]:
    for name, document in schemas().documents.items():
        if "properties" in document or "$ref" in document or "allOf" in document or "$defs" in document:
            yield from ((text, name) for text in _told(document.get("properties", {})))
            yield from ((text, name) for text in _told(document.get("$defs", {})))


def _told(node: object) -> Iterator[str]:
    """Titles and descriptions of fields, at any depth."""
    if not isinstance(node, dict):
        return
    for name, value in node.items():
        if name in ("title", "description") and isinstance(value, str):
            yield value
        elif isinstance(value, dict):
            yield from _told(value)


def _of_profiles() -> Iterator[tuple[str, str]]:
    for profile in PROFILES.values():
        place = f"profile {profile.name}"
        yield profile.title, place
        yield from ((name, place) for name in profile.states)
        yield from ((word, place) for word in profile.owed.values())
        yield from ((kind.outcome, place) for kind in profile.kinds.values() if kind.outcome)
        for kind in profile.kinds.values():
            yield kind.label, place
            yield from ((field.label, place) for field in kind.body)
            yield from ((rule.meaning, place) for rule in kind.act.values())
    yield from ((word, "codes") for word in CODE_WORDS.values())
    yield from ((code, "outcomes") for code in (*OUTCOMES, "transmission"))
    yield from ((str(when), "conditions") for when in Condition)
    yield from ((str(basis), "dates") for basis in DueBasis)
    yield from ((str(kind), "evidences") for kind in Evidence)
    yield from ((rule, "warnings") for rule in (PRACTICE, REGISTRY))


def _of_errors() -> Iterator[tuple[str, str]]:
    for cls in error_classes():
        yield cls.title(), "problem"
        yield cls.template(), "problem"
    yield from ((advice, "advice") for advice in ADVICE.values())


def _of_system() -> Iterator[tuple[str, str]]:
    return ((os.strerror(code), "operating system") for code in SYSTEM)


def catalogue_text(language: str, known: bytes | None) -> bytes:
    """The catalogue's file, with the translations that are known for the sentences of now."""
    before = read_po(BytesIO(known), locale=language) if known else Catalog(locale=language)
    head = _HEAD.format(name=LANGUAGES[language])
    now = Catalog(locale=language, header_comment=head, project="comity", version="1", fuzzy=False)
    for text, places in sentences().items():
        old = before.get(text)
        empty = "" if isinstance(text, str) else ("",) * now.num_plurals
        flags = ("python-brace-format",) if "{" in str(text) else ()
        now.add(
            text, old.string if old and old.string else empty, locations=[(place, 0) for place in places], flags=flags
        )
    written = BytesIO()
    write_po(written, now, width=120, sort_output=True, include_lineno=False)
    return b"\n".join(line for line in written.getvalue().split(b"\n") if not line.startswith(_UNSAID))


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for one in TRANSLATED:
        file = FOLDER / f"{one}.po"
        file.write_bytes(catalogue_text(one, file.read_bytes() if file.exists() else None))
