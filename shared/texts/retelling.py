"""English that was made somewhere else, told in the reader's language: why an error came, what an audit found.

Such a clause is written where it is raised, crosses processes, comes from the exchange, or was kept in a register years
ago; programs compare it as it stands. For people it is recognised.

Rules:
1. A whole text is recognised: a sentence of the catalogue, or one with the numbered gaps `{0}`, `{1}` …, the words of
   which stand in the text in their order. Of several, one that begins with words of its own is taken before one that
   does not, then the one with most letters.
2. A sentence that begins with a gap and has few words fits almost anything: each of its gaps is then a single word, but
   for a reason behind a colon.
3. What stands in a gap is told again by the same rules, `DEEPEST` times at most.
4. A text without a space is a code, an id or a name, and stays as it is.
5. What is not recognised as a whole is told behind its first colon, where a single word stands before that, or piece by
   piece where commas part it.
6. What is not recognised then stays as it is, in English.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache
from string import Formatter
from typing import Final, Protocol, runtime_checkable

from shared.errors import ComityError
from shared.texts.catalogue import SOURCE, set_apart, translate, translations

DEEPEST: Final = 4
"""Clauses within clauses that are told."""
_GAP: Final = re.compile(r"\{\d+}")
_LEAST_LETTERS: Final = 4
"""Letters that a sentence with gaps has of its own: what has fewer would be recognised in anything."""

_FEW_WORDS: Final = 4
_OUTCOMES: Final = frozenset({"admitted"})
"""Words that are no codes."""
_STATE: Final = "state"
"""The fact of an error that is a state of the tables, and has its word."""


@runtime_checkable
class Told(Protocol):
    """A fact that can be said in another language."""

    def told(self, language: str) -> str: ...


def retell(text: str, language: str, depth: int = DEEPEST) -> str:
    """The text in this language, as far as it is recognised."""
    said = text.strip(" ")
    if language == SOURCE or depth == 0 or " " not in said:
        return text
    before, _, after = text.partition(said)
    whole = translations(language).single.get(said)
    if whole:
        return before + whole + after
    for template, pieces in _clauses(language):
        found = gaps_in(said, pieces)
        if found is not None and (_is_plain(pieces) or _are_words(found, pieces)):
            told = (set_apart(retell(one, language, depth - 1), language) for one in found)
            return before + translate(template, language).format(*told) + after
    return before + _by_pieces(said, language, depth) + after


def _by_pieces(said: str, language: str, depth: int) -> str:
    word, colon, rest = said.partition(": ")
    if colon and " " not in word:
        return f"{word}: {retell(rest, language, depth - 1)}"
    pieces = said.removesuffix(".").split(", ")
    told = [_word_or_clause(one, language, depth - 1) for one in pieces]
    return said if told == pieces else ", ".join(told) + said[len(said.removesuffix(".")) :]


def _word_or_clause(piece: str, language: str, depth: int) -> str:
    return translate(piece, language) if piece in _OUTCOMES else retell(piece, language, depth)


def tell(error: ComityError, language: str) -> str:
    """The error's sentence in this language, with those of its facts that can be told in it."""
    if language == SOURCE:
        return error.sentence()
    return type(error)(**{name: _fact(name, one, language) for name, one in error.facts.items()}).sentence(
        translate(error.template(), language)
    )


def _fact(name: str, fact: object, language: str) -> object:
    if isinstance(fact, Told):
        return fact.told(language)
    if name == _STATE:
        return translate(str(fact), language)
    return set_apart(retell(str(fact), language), language)


def gap_names(template: str) -> set[str]:
    """The names of its gaps."""
    return {name for _text, name, _form, _conversion in Formatter().parse(template) if name}


def facts_in(text: str, template: str) -> dict[str, str] | None:
    """What fills the named gaps of this template so that it says this text; None where it does not."""
    parts = list(Formatter().parse(template))
    names = [name for _text, name, _form, _conversion in parts if name]
    pieces = [said for said, _name, _form, _conversion in parts]
    found = gaps_in(text, pieces if parts and parts[-1][1] is None else [*pieces, ""])
    return None if found is None else dict(zip(names, found, strict=True))


def gaps_in(text: str, pieces: Sequence[str]) -> list[str] | None:
    """What stands between these pieces, which begin and end the text; None where it is not made of them."""
    first, *others = pieces
    if not text.startswith(first):
        return None
    found, at = [], len(first)
    for piece in others[:-1]:
        there = text.find(piece, at)
        if there < 0:
            return None
        found.append(text[at:there])
        at = there + len(piece)
    end = len(text) - len(others[-1])
    if end < at or not text.endswith(others[-1]):
        return None
    return [*found, text[at:end]]


@cache
def _clauses(language: str) -> Sequence[tuple[str, Sequence[str]]]:
    """Each sentence with numbered gaps, and its pieces; the one that says most comes first."""
    known = [(text, [_plain(one) for one in _GAP.split(text)]) for text in translations(language).single]
    with_gaps = [(text, pieces) for text, pieces in known if len(pieces) > 1 and _letters(pieces) >= _LEAST_LETTERS]
    return sorted(with_gaps, key=lambda one: (bool(_letters(one[1][:1])), _letters(one[1])), reverse=True)


def _is_plain(pieces: Sequence[str]) -> bool:
    return bool(_letters(pieces[:1])) or len(" ".join(pieces).split()) >= _FEW_WORDS


def _are_words(found: Sequence[str], pieces: Sequence[str]) -> bool:
    return not any(" " in one and not before.endswith(": ") for before, one in zip(pieces, found, strict=False))


def _plain(piece: str) -> str:
    return piece.replace("{{", "{").replace("}}", "}")


def _letters(pieces: Sequence[str]) -> int:
    return sum(letter.isalpha() for piece in pieces for letter in piece)
