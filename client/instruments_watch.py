"""The registry of instruments as this authority believes it: signed by the operators, and never forgotten.

An older publication than was seen here before, or than the exchange signs to be its newest now, another one of the same
number, and one that does not follow the one before it are refused. Who shows an old one to one client has to sign, each
time anew, that there is no newer one; the ledger holds it, and an auditor who is given the statement sees the lie.
"""

from __future__ import annotations

from typing import Final

from client.exchange import Exchange
from client.register import Register
from shared.apisig.directory_statements import DirectoryStatement
from shared.domain.instruments import Registry, parse_registry
from shared.errors import InstrumentsInvalid
from shared.keys.instruments import Publication, verify_instruments
from shared.keys.trust import Trust

_NUMBER: Final = "instruments-number"
_DIGEST: Final = "instruments-digest"


def fetch_instruments(
    exchange: Exchange, trust: Trust, register: Register, stated: DirectoryStatement
) -> Registry | None:
    """None while nothing is published; `stated` was signed before. Raises InstrumentsInvalid, and what calls raise."""
    document, known = exchange.instruments(), int(register.fact(_NUMBER) or 0)
    if document is None:
        if known:
            raise InstrumentsInvalid(why=f"none is shown, publication {known} was seen here before")
        if stated.registry:
            raise InstrumentsInvalid(why=f"none is shown, and the exchange signed that {stated.registry} exist")
        return None
    publication = verify_instruments(document, trust.operator_keys, trust.operator_quorum, trust.origin)
    digest = register.fact(_DIGEST)
    if publication.number < known:
        raise InstrumentsInvalid(why=f"publication {publication.number} is shown, {known} was seen here before")
    if digest is not None and not _continues(publication, known, digest):
        raise InstrumentsInvalid(why=f"publication {publication.number} does not follow {known}, which was seen here")
    if publication.number < stated.registry:
        why = f"publication {publication.number} is shown, and the exchange signed that {stated.registry} exist"
        raise InstrumentsInvalid(why=why)
    if stated.registry_digest is not None and not _continues(publication, stated.registry, stated.registry_digest):
        why = f"publication {publication.number} does not follow {stated.registry}, which the exchange signed"
        raise InstrumentsInvalid(why=why)
    register.note_facts({_NUMBER: str(publication.number), _DIGEST: publication.digest})
    return parse_registry(publication.registry)


def _continues(publication: Publication, known: int, digest: str) -> bool:
    if publication.number == known:
        return publication.digest == digest
    return publication.number > known + 1 or publication.prev == digest
