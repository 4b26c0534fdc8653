"""Documents that came from somebody else: none goes on to a third party without permission.

Rules:
1. Of each document that was opened here its digest is kept, salted, with the message that brought it; of each that is
   sent, too, since what was one's own stays so when it comes back.
2. A document of another's goes back to whoever had that message, or on on the same leg. Anybody else gets it only where
   the party that gave it permitted that, to this recipient and of these measures, in a message that was read here
   (UNTOC 18(19)).
3. It is the same document that is known again, byte by byte. What was typed off or changed is its writer's to answer
   for.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterable, Sequence
from typing import Final

from client.register import Register
from client.register_rows import Kept
from client.sealing import Attachment
from client.use_notes import permissions_for
from shared.domain.header import Header, parse_header
from shared.errors import OnwardNotPermitted

_SALT: Final = "document-salt"
_DOCUMENT: Final = "document:"


def note_documents(register: Register, message: str, documents: Iterable[bytes]) -> None:
    """The first message that brought or took a document counts, of those that were kept here: one that was never sent
    does not make a document one's own."""
    for data in documents:
        name = _name(register, data)
        known = register.fact(name)
        if known is None or register.message(known) is None:
            register.note_fact(name, message)


def check_onward(register: Register, own: str, header: Header, documents: Sequence[Attachment]) -> None:
    """Before sealing. Raises OnwardNotPermitted."""
    for one in documents:
        message = register.fact(_name(register, one.data))
        kept = None if message is None else register.message(message)
        if kept is None or kept.sender == own or _is_same_leg(kept, header):
            continue
        given = permissions_for(parse_header(kept.header), register.messages(kept.dossier))
        allowed = {kept.sender, *kept.recipients, *(permission.to for permission in given)}
        for recipient in header.recipients:
            if recipient not in allowed:
                raise OnwardNotPermitted(
                    document=one.name, party=kept.sender, message=kept.message, to=recipient, dossier=kept.dossier
                )


def _is_same_leg(kept: Kept, header: Header) -> bool:
    return header.dossier == kept.dossier and header.leg is not None and kept.leg in (None, header.leg)


def _name(register: Register, data: bytes) -> str:
    salt = register.fact(_SALT)
    if salt is None:
        salt = secrets.token_hex(16)
        register.note_fact(_SALT, salt)
    return _DOCUMENT + hashlib.sha256(bytes.fromhex(salt) + data).hexdigest()
