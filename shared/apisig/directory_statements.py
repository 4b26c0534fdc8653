"""Statements about the directory: the exchange signs which key event and which registry of instruments are its newest,
and when it looked.

A statement (`compact_jws`) says: at `at`, event number `index`, with digest `head`, was the newest key event of this
exchange, and publication `registry`, with digest `registry_digest`, its newest registry. Both are chained, so it dates
all of them. One after these that the ledger shows as logged before `at` makes the statement a lie that its own
signature proves.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from shared.apisig.compact_jws import sign_members, verify_members
from shared.domain.ids import encode_time, parse_time
from shared.errors import DirectoryUndated
from shared.keys.private import Ed25519Signer
from shared.keys.public import Ed25519Public

STATEMENT_TYP: Final = "comity-directory"
_MEMBERS: Final = {"exchange", "index", "head", "registry", "registry_digest", "at"}
_MOST: Final = 2**53


@dataclass(frozen=True, slots=True)
class DirectoryStatement:
    """`head` is the digest of event `index`, b64u, None and 0 before the first; so is `registry_digest` of publication
    `registry`. `at` is the gateway's clock, aware."""

    exchange: str
    index: int
    head: str | None
    at: datetime
    registry: int = 0
    registry_digest: str | None = None


def sign_statement(statement: DirectoryStatement, signer: Ed25519Signer) -> str:
    """The statement as text. The same statement and key give the same text."""
    return sign_members(STATEMENT_TYP, _members(statement), signer)


def verify_statement(text: str, public: Ed25519Public) -> DirectoryStatement:
    """The statement in this text, if `public` signed it. Its exchange, its age and its head, the caller compares.

    (1) to (4) of `verify_members`; (5) the exact members. Raises DirectoryUndated.
    """
    try:
        return _read(verify_members(STATEMENT_TYP, text, public))
    except ValueError as bad:
        raise DirectoryUndated(why=f"its statement does not verify: {bad}") from None


def _members(statement: DirectoryStatement) -> dict[str, Any]:
    return {
        "exchange": statement.exchange,
        "index": statement.index,
        "head": statement.head,
        "registry": statement.registry,
        "registry_digest": statement.registry_digest,
        "at": encode_time(statement.at),
    }


def _read(members: dict[str, Any]) -> DirectoryStatement:
    if members.keys() != _MEMBERS:
        raise ValueError(f"its payload has exactly the members {', '.join(sorted(_MEMBERS))}")
    exchange, at = members["exchange"], members["at"]
    if not isinstance(exchange, str) or not isinstance(at, str):
        raise ValueError("exchange and at are texts")
    index, head = _numbered(members, "index", "head")
    registry, registry_digest = _numbered(members, "registry", "registry_digest")
    statement = DirectoryStatement(exchange, index, head, parse_time(at), registry, registry_digest)
    if _members(statement) != members:
        raise ValueError("its payload is not in canonical form")
    return statement


def _numbered(members: dict[str, Any], number: str, digest: str) -> tuple[int, str | None]:
    at, named = members[number], members[digest]
    if type(at) is not int or not 0 <= at < _MOST or not isinstance(named, str | None) or (at == 0) != (named is None):
        raise ValueError(f"{number} is a number, and {digest} a text, which is null for 0 alone")
    return at, named
