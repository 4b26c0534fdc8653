"""Key events that must be refused: each rightly signed and proved but for what its name says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tests.vectors.event_texts import (
    BE,
    BEGIN,
    MA,
    MA2,
    SMALL_ORDER,
    USES,
    Party,
    chain,
    enrolment,
    event,
    operators,
    signed,
)


def refused() -> list[dict[str, Any]]:
    first, after_enrolments = chain()[0][0], chain()[2][0]
    es = Party("ES.SGCJI")
    listed: list[dict[str, Any]] = []

    def add(name: str, after: int, document: bytes, signatures: Sequence[Mapping[str, str]] | None = None) -> None:
        text = signed(document, operators(document) if signatures is None else signatures)
        listed.append({"name": name, "after": after, "event": text})

    def enrol(**changes: Any) -> bytes:
        place = {"type_": "enrol", "seq": 4, "prev": after_enrolments, "at": "2026-02-01T00:00:00Z", "party": es.id}
        return event(**{**place, **enrolment(es), **changes})

    def without(use: str) -> list[dict[str, Any]]:
        return [es.entry(one) for one in USES if one != use]

    add("another number", 3, enrol(seq=5))
    add("another predecessor", 3, enrol(prev=first))
    add("another exchange", 3, enrol(exchange="other.example/log"))
    add("dated before the last event", 3, enrol(at="2026-01-01T12:00:00Z"))
    add("already enrolled", 3, enrol(party="BE.PF", country="BE"))
    add("another country", 3, enrol(country="FR"))
    add("a member more", 3, enrol(note="x"))
    add("a compromise in an enrolment", 3, enrol(compromise={"kids": ["x"], "since": BEGIN}))
    add("a name with a direction character", 3, enrol(name={"official": "a\u202eb", "languages": {}}))
    add("a key is missing", 3, enrol(keys=without("api-ed25519")))
    add("a use stands twice", 3, enrol(keys=[*without("api-ed25519"), es.entry("sign-ed25519")]))
    add(
        "a window of 1097 days",
        3,
        enrol(keys=[*without("api-ed25519"), es.entry("api-ed25519", end="2029-01-02T00:00:00Z")]),
    )
    add("a key of small order", 3, enrol(keys=[*without("api-ed25519"), es.entry("api-ed25519", raw=SMALL_ORDER)]))
    add(
        "a key of another party",
        3,
        enrol(keys=[*without("api-ed25519"), es.entry("api-ed25519", raw=MA.key("api-ed25519").public)]),
    )
    add("a proof by another key", 3, enrol(keys=[*without("api-ed25519"), es.entry("api-ed25519", by=MA)]))
    add("a sealing key vouched for by another", 3, enrol(keys=[*without("seal-xwing"), es.entry("seal-xwing", by=MA)]))
    stretched = {**es.entry("api-ed25519"), "not_after": "2027-12-31T00:00:01Z"}
    add("a window longer than its owner set", 3, enrol(keys=[*without("api-ed25519"), stretched]))
    add("one operator", 3, enrol(), operators(enrol(), ("operator 1",)))
    add("one operator twice", 3, enrol(), operators(enrol(), ("operator 1", "operator 1")))
    add("a party signs for operators", 3, enrol(), MA.signatures(enrol()))
    add("signatures of another event", 3, enrol(), operators(first))
    rotation = event("rotate", 4, after_enrolments, "2026-02-01T00:00:00Z", "MA.PGR", keys=[MA2.entry("api-ed25519")])
    add("a rotation that operators sign", 3, rotation)
    add("a rotation with one signature", 3, rotation, MA.signatures(rotation)[:1])
    add("a rotation signed in another order", 3, rotation, MA.signatures(rotation)[::-1])
    add("a rotation by another party", 3, rotation, BE.signatures(rotation))
    add("a rotation of nothing", 3, event("rotate", 4, after_enrolments, "2026-02-01T00:00:00Z", "MA.PGR"))
    add("a reinstatement of one who takes part", 3, event("reinstate", 4, after_enrolments, BEGIN, "MA.PGR"))
    stranger = {"kids": [BE.key("sign-ed25519").kid("BE.PF")], "since": BEGIN}
    add(
        "a compromise of a key of another",
        3,
        event("compromise", 4, after_enrolments, "2026-02-01T00:00:00Z", "MA.PGR", compromise=stranger),
    )
    return listed
