"""Who may call what, and what a caller is shown of it: the one place where it is decided. `docs/spec/api-rights.md` is
made from it.

Rules:
1. What is not declared here is not served: an application with another address does not start (`check_declared`).
2. A call is judged by the caller's role first, before anything is looked up, so that a role that may not ask learns
   nothing from the refusal (`gateway.auth`, step 4).
3. Whoever did not sign, or whose key does not count, is refused before its role is known. A suspended party is one of
   these: its key does not count.
4. Of a message and of a dossier an authority is shown what its part in it entitles it to. Where that is nothing, the
   answer is the one for what does not exist: the same status, headers, body, and questions to the database. The queries
   see to it (`shared.ports.queries`); `make authz` plays every address, role and relation against them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import Any, Final

from shared.keys.directory import Party


class Role(StrEnum):
    """Who calls. A country's auditor and one with the full mandate are enrolled with that mandate."""

    authority = "authority"
    country_auditor = "country's auditor"
    full_auditor = "full auditor"
    operator = "operator"
    witness = "witness"
    """It cosigns checkpoints. None can be enrolled yet; what it may read stands here already."""
    anonymous = "anybody"
    """Who did not sign the call."""


class Relation(StrEnum):
    """What part an authority has in a message or a dossier."""

    wrote = "sent the message, or opened the dossier"
    received = "is addressed by the message, or by the dossier's opening"
    other_leg = "has another leg of the same dossier"
    unrelated = "has no part in it"
    suspended = "is suspended, whatever its part was"


class Shown(StrEnum):
    whole = "all of it"
    own_part = "its own part"
    nothing = "nothing"
    refused = "refused"
    """Before anything is looked up: see rule 3."""


class Kind(StrEnum):
    shared = "the same for everybody who may ask"
    one = "one message or dossier"
    listed = "a list of the caller's own"
    act = "an act of the caller"


@dataclass(frozen=True)
class Right:
    """One address. `shown` has every relation where one message or dossier, or a list of them, is answered."""

    what: str
    roles: frozenset[Role]
    kind: Kind = Kind.shared
    shown: Mapping[Relation, Shown] = field(default_factory=dict)


_ANYBODY: Final = frozenset(Role)
_AUTHORITIES: Final = frozenset({Role.authority})
_OPERATORS: Final = frozenset({Role.operator})
_ENROLLED: Final = frozenset({Role.authority, Role.country_auditor, Role.full_auditor, Role.operator})
_READERS_OF_THE_TREE: Final = frozenset({Role.authority, Role.country_auditor, Role.full_auditor, Role.witness})


def _shown(wrote: Shown, received: Shown, other_leg: Shown) -> Mapping[Relation, Shown]:
    """Those who have no part in it are shown nothing, ever, and those who are suspended are not let in."""
    return MappingProxyType(
        {
            Relation.wrote: wrote,
            Relation.received: received,
            Relation.other_leg: other_leg,
            Relation.unrelated: Shown.nothing,
            Relation.suspended: Shown.refused,
        }
    )


def _of_one(what: str, wrote: Shown, received: Shown, other_leg: Shown = Shown.nothing) -> Right:
    return Right(what, _AUTHORITIES, Kind.one, _shown(wrote, received, other_leg))


def _listed(what: str, wrote: Shown, received: Shown, other_leg: Shown = Shown.nothing) -> Right:
    return Right(what, _AUTHORITIES, Kind.listed, _shown(wrote, received, other_leg))


WHOLE, OWN_PART, NOTHING = Shown.whole, Shown.own_part, Shown.nothing

RIGHTS: Final[Mapping[tuple[str, str], Right]] = MappingProxyType(
    {
        # messages
        ("POST", "/v1/messages"): Right("submit a sealed message, as its sender", _AUTHORITIES, Kind.act),
        ("GET", "/v1/messages/{message}"): _of_one("fetch a sealed message, with its own key wrap", WHOLE, WHOLE),
        ("GET", "/v1/messages/{message}/parts/{name}"): _of_one("fetch one sealed part of a message", WHOLE, WHOLE),
        ("GET", "/v1/messages/{message}/decision"): _of_one("read what was decided on a submission", WHOLE, NOTHING),
        ("GET", "/v1/messages/{message}/evidences"): _of_one(
            "read what happened to a message, with proofs; a recipient sees no other recipient's", WHOLE, OWN_PART
        ),
        # dossiers
        ("GET", "/v1/dossiers"): _listed(
            "list its dossiers; a requested party sees its own leg", WHOLE, OWN_PART, OWN_PART
        ),
        ("GET", "/v1/dossiers/{dossier}"): _of_one(
            "read one dossier; a requested party sees its own leg", WHOLE, OWN_PART, OWN_PART
        ),
        ("GET", "/v1/feed"): _listed("read what is new for it", WHOLE, OWN_PART),
        # directory
        ("GET", "/v1/authorities"): Right("read all signed key events, and the parties that they enrol", _ENROLLED),
        ("GET", "/v1/authorities/statement"): Right(
            "read, signed, which key event and registry are the newest now", _ENROLLED
        ),
        ("GET", "/v1/instruments"): Right("read the signed registry of instruments", _ENROLLED),
        ("GET", "/v1/key-events"): Right("read where key events stand in the ledger, with proofs", _ENROLLED),
        ("POST", "/v1/key-events"): Right("submit a rotation of its own keys", _AUTHORITIES, Kind.act),
        # ledger
        ("GET", "/log/checkpoint"): Right("read the newest signed checkpoint", _READERS_OF_THE_TREE),
        ("GET", "/log/tile/{level}/{place:path}"): Right("read a tile of hashes", _READERS_OF_THE_TREE),
        ("GET", "/log/stamps"): Right("read time-stamps over checkpoints", _READERS_OF_THE_TREE),
        ("GET", "/log/tile/entries/{place:path}"): Right(
            "read the ledger's entries, which name who wrote to whom", frozenset({Role.full_auditor})
        ),
        # auditors
        ("GET", "/v1/audit/dossiers"): Right(
            "read every dossier with all its legs, to compare them with the ledger", frozenset({Role.full_auditor})
        ),
        # operators
        ("POST", "/v1/operator/key-events"): Right("submit a key event that operators signed", _OPERATORS, Kind.act),
        ("POST", "/v1/operator/instruments"): Right("submit a registry that operators signed", _OPERATORS, Kind.act),
        ("GET", "/v1/operator/queues"): Right("read how much waits where", _OPERATORS),
        ("GET", "/v1/operator/dead-letters"): Right("list what no service could process", _OPERATORS),
        ("GET", "/v1/operator/dead-letters/{letter}"): Right("read why one could not be processed", _OPERATORS),
        ("POST", "/v1/operator/dead-letters/{letter}/retry"): Right("have it tried again", _OPERATORS, Kind.act),
        # open
        ("GET", "/.well-known/comity"): Right("read who this exchange is", _ANYBODY),
        ("GET", "/problems/{code}"): Right("read what a refusal means", _ANYBODY),
        ("GET", "/livez"): Right("ask whether the process answers", _ANYBODY),
        ("GET", "/readyz"): Right("ask whether it can do its work", _ANYBODY),
        ("GET", "/metrics"): Right("read its figures, which name no party and no message", _ANYBODY),
    }
)
"""Method and address, as the application has them → who may, and what is shown. In the page's order."""

_ENROLLED_AS: Final[Mapping[tuple[str, str | None], Role]] = MappingProxyType(
    {
        ("authority", None): Role.authority,
        ("auditor", "country"): Role.country_auditor,
        ("auditor", "full"): Role.full_auditor,
        ("witness", None): Role.witness,
    }
)


def role_of(party: Party) -> Role | None:
    """As what it is enrolled; None for a kind of party that has no rights here."""
    return _ENROLLED_AS.get((party.role, party.mandate))


def right_to(scope: Mapping[str, Any]) -> Right:
    """The right that a call of this ASGI scope claims, once it is known where it leads."""
    return RIGHTS[scope["method"], address_of(scope)]


def address_of(scope: Mapping[str, Any]) -> str:
    """The template of the address that the framework found, or a short way led to (docs/adr/0011-short-ways.md)."""
    address: str = scope["short_way"] if "short_way" in scope else scope["route"].path
    return address


def check_declared(served: Iterable[tuple[str, str]]) -> None:
    """Raises LookupError where an address is served that is not declared, or the other way round."""
    found = set(served)
    if undeclared := sorted(found - RIGHTS.keys()):
        raise LookupError(f"served, and not declared in gateway/rights.py: {undeclared}")
    if missing := sorted(RIGHTS.keys() - found):
        raise LookupError(f"declared in gateway/rights.py, and not served: {missing}")
