"""What is tried: every address that the application has × every caller × what is there and what is not.

What must come of it follows from `gateway.rights` alone; the addresses are the application's own, so that one without a
declaration or without an example here is found, and not left out.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from fastapi.routing import APIRoute

from gateway.app import routes
from gateway.rights import RIGHTS, Kind, Relation, Right, Role, Shown
from shared.domain.ids import new_uuid7
from tests.authz.estate import BRUSSELS, MADRID, PARIS, RABAT, ROME, Caller, Estate
from tests.exchange_process import now

REQUEST, ANSWER = "request", "answer"
PARTS: Final[dict[str, dict[str, Relation]]] = {
    REQUEST: {
        RABAT: Relation.wrote,
        BRUSSELS: Relation.received,
        PARIS: Relation.received,
        MADRID: Relation.unrelated,
        ROME: Relation.received,
    },
    ANSWER: {
        RABAT: Relation.received,
        BRUSSELS: Relation.other_leg,
        PARIS: Relation.wrote,
        MADRID: Relation.unrelated,
        ROME: Relation.other_leg,
    },
}
"""What part the authorities have in the two messages."""
IN_THE_DOSSIER: Final[dict[str, dict[str, Relation]]] = {
    REQUEST: PARTS[REQUEST],
    ANSWER: PARTS[ANSWER] | {RABAT: Relation.wrote, PARIS: Relation.received},
}
"""… and in their dossier: by its opening, and seen from the leg of Paris."""


@dataclass(frozen=True)
class Attempt:
    """One call. `about` is the message that it concerns; `twin` is the same call about what does not exist."""

    caller: Caller
    method: str
    address: str
    path: str
    twin: str | None
    about: str
    header: Mapping[str, Any]
    """Of that message."""
    content_type: str | None

    @property
    def right(self) -> Right:
        return RIGHTS[self.method, self.address]

    @property
    def shown(self) -> Shown:
        """Of one message or dossier, or in a list, to this caller, if its role may ask."""
        return self.right.shown.get(self.part, Shown.whole)

    @property
    def part(self) -> Relation:
        """That the caller has in it."""
        if self.caller.is_suspended:
            return Relation.suspended
        parts = IN_THE_DOSSIER if "dossiers" in self.address else PARTS
        return parts[self.about].get(self.caller.name, Relation.unrelated)

    @property
    def refusal(self) -> tuple[int, str] | None:
        """Status and code that the table demands; None where the call is let in."""
        if Role.anonymous in self.right.roles:
            return None
        if self.caller.role is Role.anonymous:
            return 401, "call.unsigned"
        if self.caller.is_suspended:
            return 401, "call.key-unknown"
        if self.caller.role not in self.right.roles:
            return 403, "call.not-permitted"
        if self.right.kind is Kind.one and self.shown is Shown.nothing:
            return 404, "call.not-there"
        return None

    @property
    def title(self) -> str:
        gone = ", suspended" if self.caller.is_suspended else ""
        return f"{self.method} {self.address} by {self.caller.name} ({self.caller.role}{gone}) about the {self.about}"


def attempts(estate: Estate) -> Iterator[Attempt]:
    """All of them, in the order of the application's addresses."""
    for route in routes():
        for method in sorted(route.methods or ()):
            for about in _subjects(RIGHTS[method, route.path]):
                header = (estate.request if about == REQUEST else estate.answer).header
                there, absent = _examples(header, estate.ledger_size)
                path = route.path.replace(":path}", "}").format(**there)
                twin = route.path.replace(":path}", "}").format(**absent) if route.param_convertors else None
                for caller in estate.callers.values():
                    yield Attempt(caller, method, route.path, path, twin, about, header, _content_type(route))


def _subjects(right: Right) -> tuple[str, ...]:
    return (REQUEST, ANSWER) if right.kind in (Kind.one, Kind.listed) else (REQUEST,)


def _examples(header: Mapping[str, Any], ledger_size: int) -> tuple[dict[str, str], dict[str, str]]:
    """Values for the gaps in an address: of what exists, and of what does not."""
    there = {
        "message": header["id"],
        "dossier": header["dossier"],
        "name": "body",
        "level": "0",
        "place": f"000.p/{ledger_size}",
        "letter": "intake-1",
        "code": "call.busy",
    }
    absent = {
        "message": new_uuid7(now()),
        "dossier": new_uuid7(now()),
        "name": "body",
        "level": "0",
        "place": "x001/000",
        "letter": "intake-999",
        "code": "no.such",
    }
    return there, absent


def _content_type(route: APIRoute) -> str | None:
    """What the address takes, by its own description; None where a call has no body."""
    body = (route.openapi_extra or {}).get("requestBody")
    return None if body is None else str(next(iter(body["content"])))
