"""Key events with one member changed, rightly signed as they then stand: before two readers that must say the same.

Readers that differ over one event replay two directories from there on, and one of them stops.
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterator

from shared.errors import KeyEventRefused
from shared.keys.directory import Directory
from shared.keys.events import verify_event
from shared.keys.private import Ed25519Signer, MLDSA65Signer
from tests.interop.changed_envelopes import change_member
from tests.interop.javascript import JavaScript, RefusedThere
from tests.unit.keys.test_exact_keys import CHAIN, OPERATORS, directory_after
from tests.vectors.event_texts import MA, chain, event_statement, operators, signed

EVENTS = [one["event"] for one in CHAIN["events"]]
TRUSTED = {name: CHAIN[name] for name in ("exchange", "operators", "quorum")}


def differences_over_events(there: JavaScript, count: int, seed: int) -> Iterator[str]:
    """What two readers say differently of `count` changed events, each with what repeats it."""
    known = {place: directory_after(place) for place in range(len(EVENTS))}
    for number in range(count):
        chance = random.Random(f"{seed}/{number}")
        # mostly the enrolment that opens the chain: it has the most members, and nothing is replayed before it
        place = 0 if chance.random() < 0.6 else chance.randrange(len(EVENTS))
        changed = changed_event(place, chance)
        here, said = _read_here(changed, known[place]), _read_there(there, changed, place)
        if here != said:
            yield f"seed {seed}, number {number}, event {place + 1}: here {here}, there {said}"


def changed_event(place: int, chance: random.Random) -> str:
    document = json.loads(chain()[place][0])
    if chance.random() < 0.95:  # the others are as they were, in another byte form
        change_member(document, chance)
    raw = json.dumps(document, ensure_ascii=chance.random() < 0.5).encode("utf-8", "surrogatepass")
    return signed(raw, _own_signatures(raw) if document.get("type") == "rotate" else operators(raw))


def _own_signatures(document: bytes) -> list[dict[str, str]]:
    """By the library that is quick: nothing here must come out the same again."""
    return [
        event_statement(signer, "MA.PGR", document)
        for signer in MA.pair()
        if isinstance(signer, Ed25519Signer | MLDSA65Signer)
    ]


def _read_here(event: str, directory: Directory) -> str:
    try:
        return verify_event(event.encode(), OPERATORS, CHAIN["quorum"], directory).digest
    except KeyEventRefused as refused:
        return refused.code


def _read_there(there: JavaScript, event: str, place: int) -> str:
    try:
        digests = there.ask("directory", **TRUSTED, events=[*EVENTS[:place], event])["digests"]
    except RefusedThere as refused:
        return refused.code
    return str(digests[-1])
