"""What the registry of instruments warns of, in the language of whoever reads it."""

from __future__ import annotations

from dataclasses import dataclass

from typing_extensions import override

from client.forms.code_words import CODE_WORDS
from client.printing.act_labels import ACT_LABELS
from shared.domain.admissibility import Flag
from shared.texts.catalogue import SOURCE, translate


@dataclass(frozen=True, slots=True)
class Warnings:
    """Several, as a fact of an error: English unless it is told in another language."""

    flags: tuple[Flag, ...]

    @override
    def __str__(self) -> str:
        return self.told(SOURCE)

    def told(self, language: str) -> str:
        return " ".join(told_flag(flag, language) for flag in self.flags)


def told_flag(flag: Flag, language: str) -> str:
    """The sentence, the measures that it is about, its code, and the rule behind it."""
    said = translate(flag.sentence, language, **{name: _word(text, language) for name, text in flag.gaps})
    measures = f" ({', '.join(flag.measures)})" if flag.measures else ""
    return f"{said}{measures} [{flag.code}; {translate(flag.rule, language)}]"


def _word(text: str, language: str) -> str:
    """Members of acts and duties are told by their names; everything else is quoted."""
    word = ACT_LABELS.get(text) or CODE_WORDS.get(text)
    return translate(word, language) if word else text
