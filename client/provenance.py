"""Documents that came from somebody else: none goes on to a third party without permission.

Rules:
1. Of each document that was opened here its digest is kept, salted, with the messages that brought it; of each that is
   sent, too, since what was one's own stays so when it comes back. The first of them says whose it is, and each that
   brought it what may be done with it: who was given a document by two parties may do what either permits.
2. A document of another's goes back to whoever had that message, or on on the same leg. Anybody else gets it only where
   the party that gave it permitted that, to this recipient and of these measures, in a message that was read here
   (UNTOC 18(19)).
3. It is the same document that is known again, byte by byte. What was typed off or changed is its writer's to answer
   for.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from client.register import Register
from client.register_rows import Kept
from client.sealing import Attachment
from client.use_notes import permissions_for
from shared.domain.header import Header, parse_header
from shared.errors import OnwardNotPermitted

_SALT: Final = "document-salt"
_DOCUMENT: Final = "document:"
MOST_MESSAGES: Final = 64
"""That are kept of one document: the first and the newest."""


def note_documents(register: Register, message: str, documents: Iterable[bytes]) -> None:
    """Of the messages that brought or took a document those count that were kept here: one that was never sent does not
    make a document one's own."""
    for data in documents:
        name = _name(register, data)
        known = [kept.message for kept in _messages(register, name)]
        if message not in known:
            newest = [*known[1:], message][1 - MOST_MESSAGES :]
            register.note_fact(name, " ".join([*known[:1], *newest]))


def check_onward(register: Register, own: str, header: Header, documents: Sequence[Attachment]) -> None:
    """Before sealing. Raises OnwardNotPermitted."""
    for one in documents:
        known = _messages(register, _name(register, one.data))
        if not known or known[0].sender == own:
            continue
        gifts = [kept for kept in known if kept.sender != own]
        if any(_is_same_leg(kept, header) for kept in gifts):
            continue
        allowed = {party for kept in gifts for party in _allowed(register, kept)}
        for recipient in header.recipients:
            if recipient not in allowed:
                newest = gifts[-1]
                raise OnwardNotPermitted(
                    document=one.name, party=newest.sender, message=newest.message, to=recipient, dossier=newest.dossier
                )


def _messages(register: Register, name: str) -> list[Kept]:
    """The messages that brought or took this document, as they came."""
    found = (register.message(one) for one in (register.fact(name) or "").split())
    return [kept for kept in found if kept is not None]


def _allowed(register: Register, gift: Kept) -> Iterator[str]:
    """Who has what this message brought, or may get it."""
    yield from (gift.sender, *gift.recipients)
    given = permissions_for(parse_header(gift.header), register.messages(gift.dossier))
    yield from (permission.to for permission in given if permission.to is not None)


def _is_same_leg(kept: Kept, header: Header) -> bool:
    return header.dossier == kept.dossier and header.leg is not None and kept.leg in (None, header.leg)


def _name(register: Register, data: bytes) -> str:
    return _DOCUMENT + salted(register, data)


def salted(register: Register, data: bytes) -> str:
    """Its digest under the register's own salt: whoever steals the register must guess the data whole."""
    salt = register.fact(_SALT)
    if salt is None:
        salt = secrets.token_hex(16)
        register.note_fact(_SALT, salt)
    return hashlib.sha256(bytes.fromhex(salt) + data).hexdigest()
