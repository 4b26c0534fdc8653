"""Letters that open a dossier and went before: whoever did not see what became of the first is told of it.

A command that was killed after it had stored its message has sent it, or the next one will; typed again, it would open
a second dossier about the same. Of each such letter a salted digest is kept with its message. The same letter is the
one with the same recipients, measures, act, content and attachments.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from typing import Final

from pydantic_core import to_jsonable_python

from client.composition import Composed
from client.provenance import salted
from client.register import Register
from client.register_rows import Kept
from client.request_file import OVERRIDE
from client.sealing import Attachment

_LETTER: Final = "letter:"
_NEVER_WENT: Final = ("rejected", "refused")


def twin_of(register: Register, composed: Composed, attachments: Sequence[Attachment]) -> Kept | None:
    """The newest message that said the same and was not refused; None of what opens no dossier."""
    if composed.header.leg is not None:
        return None
    message = register.fact(_name(register, composed, attachments))
    kept = None if message is None else register.message(message)
    return None if kept is None or kept.state in _NEVER_WENT else kept


def note_letter(register: Register, composed: Composed, attachments: Sequence[Attachment]) -> None:
    """Of what opens a dossier; of anything else nothing is kept."""
    if composed.header.leg is None:
        register.note_fact(_name(register, composed, attachments), composed.header.id)


def _name(register: Register, composed: Composed, attachments: Sequence[Attachment]) -> str:
    header = composed.header
    said = {
        "profile": header.profile,
        "recipients": sorted(header.recipients),
        "measures": header.measures,
        "act": header.act,
        "content": {name: value for name, value in composed.content.items() if name != OVERRIDE},
        "attachments": [[one.name, hashlib.sha256(one.data).hexdigest()] for one in attachments],
    }
    return _LETTER + salted(register, json.dumps(to_jsonable_python(said), sort_keys=True).encode())
