"""What a command says, in the language of its reader: COMITY_LANGUAGE, else that of the terminal."""

from __future__ import annotations

import os
from typing import Any

from shared.texts.catalogue import language_of, translate, translate_plural


def reader_language() -> str:
    named = (os.environ.get(name) for name in ("COMITY_LANGUAGE", "LC_ALL", "LC_MESSAGES", "LANG"))
    return language_of(next((one for one in named if one), None))


def _(text: str, /, **gaps: Any) -> str:
    """The sentence in the reader's language. The name is the one by which the catalogues' sentences are collected."""
    return translate(text, reader_language(), **gaps)


def _n(one: str, many: str, count: int, /, **gaps: Any) -> str:
    """The sentence for this number, which fills the gap `count`."""
    return translate_plural(one, many, count, reader_language(), **gaps)
