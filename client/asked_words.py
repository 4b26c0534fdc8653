"""What tells one question, parcel or proposal from another of its kind, in a few words from its act."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from client.forms.code_words import CODE_WORDS
from client.printing.act_labels import ACT_LABELS
from shared.domain.header import Header
from shared.domain.speech import Speech

_TELLING: Final = {
    "ask-use-permission": ("purposes", "to"),
    "send-items": ("count", "bag"),
    "propose-appointment": ("on",),
}


def about_message(header: Header, speech: Speech) -> str:
    """Empty for kinds of which there is one at a time."""
    return "; ".join(_words(header, speech))


def _words(header: Header, speech: Speech) -> Iterator[str]:
    for name in _TELLING.get(header.kind, ()):
        said = header.act.get(name)
        if isinstance(said, list | tuple):
            yield "; ".join(speech(CODE_WORDS[code]) if code in CODE_WORDS else str(code) for code in said)
        elif said is not None:
            yield f"{speech(ACT_LABELS[name])} {said}"
