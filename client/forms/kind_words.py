"""Kinds of message, named to whoever may send them: code and label."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from typing_extensions import override

from shared.domain.profile_format import Kind
from shared.domain.profiles import PROFILES
from shared.texts.catalogue import SOURCE, mark, translate

_NOTHING = mark("nothing: it is not your turn to say anything, or all is closed")


@dataclass(frozen=True, slots=True)
class KindsNamed:
    """Several, as a fact of an error: English unless it is told in another language."""

    kinds: tuple[tuple[str, str], ...]

    @override
    def __str__(self) -> str:
        return self.told(SOURCE)

    def told(self, language: str) -> str:
        named = (f"{name} ({translate(label, language)})" for name, label in self.kinds)
        return ", ".join(named) or translate(_NOTHING, language)


def kind_label(kind: str) -> str:
    """What a kind is called in any profile; the code itself where none knows it."""
    return next((profile.kinds[kind].label for profile in PROFILES.values() if kind in profile.kinds), kind)


def named_kinds(kinds: Iterable[Kind]) -> KindsNamed:
    return KindsNamed(tuple((kind.name, kind.label) for kind in kinds))
