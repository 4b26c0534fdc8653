"""The registry of instruments as this authority believes it: signed by the operators, and never forgotten.

An older publication than was seen here before, another one of the same number, and one that does not follow the one
seen before it are refused. That the newest is shown, nobody proves: intake judges by the newest and says so.
"""

from __future__ import annotations

from typing import Final

from client.exchange import Exchange
from client.register import Register
from shared.domain.instruments import Registry, parse_registry
from shared.errors import InstrumentsInvalid
from shared.keys.instruments import Publication, verify_instruments
from shared.keys.trust import Trust

_NUMBER: Final = "instruments-number"
_DIGEST: Final = "instruments-digest"


def fetch_instruments(exchange: Exchange, trust: Trust, register: Register) -> Registry | None:
    """None while nothing is published. Raises InstrumentsInvalid, and what the call raises."""
    document, known = exchange.instruments(), int(register.fact(_NUMBER) or 0)
    if document is None:
        if known:
            raise InstrumentsInvalid(why=f"none is shown, publication {known} was seen here before")
        return None
    publication = verify_instruments(document, trust.operator_keys, trust.operator_quorum, trust.origin)
    digest = register.fact(_DIGEST)
    if publication.number < known:
        raise InstrumentsInvalid(why=f"publication {publication.number} is shown, {known} was seen here before")
    if digest is not None and not _continues(publication, known, digest):
        raise InstrumentsInvalid(why=f"publication {publication.number} does not follow {known}, which was seen here")
    register.note_facts({_NUMBER: str(publication.number), _DIGEST: publication.digest})
    return parse_registry(publication.registry)


def _continues(publication: Publication, known: int, digest: str) -> bool:
    if publication.number == known:
        return publication.digest == digest
    return publication.number > known + 1 or publication.prev == digest
