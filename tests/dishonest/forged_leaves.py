"""A leaf of every type of the catalogue that nothing made, at the end of the true tree."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any, Final

from shared.domain.ids import encode_time
from tests.dishonest.books import leaf_of
from tests.dishonest.declared import Listed, Worth
from tests.dishonest.own_books import StagedLie, entry_of
from tests.dishonest.scene import Scene
from tests.dishonest.story import WRITERS


def forge_leaf(type_: str, worth: Worth) -> StagedLie:
    """One more leaf of this type at the end of the true tree, as plausible as the operator can make it."""

    def tell(scene: Scene, chance: random.Random) -> str | None:
        entries = scene.books.entries()
        fields = FORGED[type_](scene, entries, chance)
        if fields is None:
            return None
        scene.books.write([*entries, entry_of(scene, type_, **fields)], scene.witnesses)
        return f"a leaf {type_} that nothing made: {fields.get('message', '')}"

    return StagedLie(f"{type_} forged", tell, worth)


def _decided(entries: list[bytes], chance: random.Random) -> dict[str, Any]:
    return leaf_of(chance.choice([one for one in entries if leaf_of(one)["type"] == "decision.accepted"]))


def _evidence(scene: Scene, entries: list[bytes], chance: random.Random) -> dict[str, Any]:
    """Of a message that was not handed to this recipient."""
    decided = _decided(entries, chance)
    recipient = chance.choice([one for one in (*WRITERS, "ES.SGCJI") if one != decided["sender"]])
    kept = {name: decided[name] for name in ("message", "dossier", "envelope_sha256")}
    return {**kept, "recipient": recipient}


def _submission(scene: Scene, entries: list[bytes], chance: random.Random) -> dict[str, Any]:
    """Accepted, as this leaf says, was another decision."""
    decided = leaf_of(next(one for one in entries if leaf_of(one)["type"] == "decision.rejected"))
    return {name: decided[name] for name in ("message", "dossier", "envelope_sha256", "sender")}


def _admitted(scene: Scene, entries: list[bytes], chance: random.Random) -> dict[str, Any]:
    decided = _decided(entries, chance)
    return {name: decided[name] for name in ("message", "dossier", "envelope_sha256", "sender")}


def _decision(scene: Scene, entries: list[bytes], chance: random.Random) -> dict[str, Any]:
    """Of bytes that no key signed: the envelope of another message, under another id."""
    decided = dict(_decided(entries, chance))
    payload = decided["jws"]["payload"]
    place = chance.randrange(40, len(payload) - 40)
    letter = "A" if payload[place] != "A" else "B"
    decided["jws"] = {**decided["jws"], "payload": payload[:place] + letter + payload[place + 1 :]}
    return {name: value for name, value in decided.items() if name not in ("v", "type", "at", "nonce")}


def _rejection(scene: Scene, entries: list[bytes], chance: random.Random) -> dict[str, Any]:
    fields = _decision(scene, entries, chance)
    return {**{name: value for name, value in fields.items() if name != "states"}, "code": "envelope.expired"}


def _coded(scene: Scene, entries: list[bytes], chance: random.Random) -> dict[str, Any]:
    return {**_evidence(scene, entries, chance), "code": "delivery.failed"}


FORGED: Final[dict[str, Callable[[Scene, list[bytes], random.Random], dict[str, Any] | None]]] = {
    "decision.accepted": _decision,
    "decision.rejected": _rejection,
    "evidence.submission-acceptance": _submission,
    "evidence.submission-rejection": lambda scene, entries, chance: {
        **_admitted(scene, entries, chance),
        "code": "x",
    },
    "evidence.relay-acceptance": _evidence,
    "evidence.relay-rejection": _coded,
    "evidence.relay-failure": _coded,
    "evidence.delivery": _evidence,
    "evidence.non-delivery": _coded,
    "evidence.retrieval": lambda scene, entries, chance: {**_evidence(scene, entries, chance), "request": "GET"},
    "evidence.non-retrieval": _evidence,
    "directory.key-event": lambda scene, entries, chance: next(
        {"event": leaf_of(one)["event"], "seq": 7} for one in entries if leaf_of(one)["type"] == "directory.key-event"
    ),
    "directory.instruments": lambda scene, entries, chance: next(
        {**{name: leaf_of(one)[name] for name in ("document", "registry_sha256")}, "version": 3}
        for one in entries
        if leaf_of(one)["type"] == "directory.instruments"
    ),
    "audit.reading": lambda scene, entries, chance: {
        "auditor": "MA.COUR",
        "day": encode_time(scene.now())[:10],
        "request": "nobody asked",
    },
    "exchange.calls-refused": lambda scene, entries, chance: {
        "since": encode_time(scene.now()),
        "until": encode_time(scene.now()),
        "refused": [{"code": "call.busy", "count": 1}],
    },
    "clock.event": lambda scene, entries, chance: {
        **{name: _decided(entries, chance)[name] for name in ("message", "dossier")},
        "leg": "BE.PF",
        "event": "overdue",
        "falls": encode_time(scene.now()),
        "debtor": "BE.PF",
        "measures": ["M1"],
        "owed": "decide",
        "basis": "policy",
        "due": encode_time(scene.now()),
        "calendar": "be.sample-2026-1",
        "registry": 1,
    },
    "clock.transport-late": lambda scene, entries, chance: {
        **_evidence(scene, entries, chance),
        "awaited": "retrieval",
        "falls": encode_time(scene.now()),
    },
    "exchange.started": lambda scene, entries, chance: {"service": "intake", "version": "0.1.0"},
    "directory.roster": lambda scene, entries, chance: next(
        {
            "roster_sha256": leaf_of(one)["roster_sha256"],
            "document": {**leaf_of(one)["document"], "signatures": leaf_of(one)["document"]["signatures"][:1]},
        }
        for one in entries
        if leaf_of(one)["type"] == "directory.roster"
    ),
    "exchange.stopped": lambda scene, entries, chance: {
        "service": "intake",
        "process": _decided(entries, chance)["message"],
        "stopped_at": encode_time(scene.now()),
    },
    "exchange.parts-pruned": lambda scene, entries, chance: {
        **{name: _decided(entries, chance)[name] for name in ("message", "dossier")},
        "closed_at": encode_time(scene.now()),
        "kept_days": 30,
    },
    "exchange.letter-retried": lambda scene, entries, chance: {
        "service": "intake",
        "letter": 1,
        "reason": "unexpected",
        "request": "nobody asked",
    },
}


_STATED: Final = (
    "a fact of transport that only the exchange witnessed is its own word, as long as nothing contradicts it"
)
FORGED_WORTH: Final[dict[str, Worth]] = {
    **{f"evidence.{kind}": Listed(_STATED) for kind in ("relay-acceptance", "relay-rejection")},
    "exchange.calls-refused": Listed("what a gateway refused, and how often, is its own word"),
    "exchange.started": Listed("that a service started, when, and which, is the exchange's own word"),
}
