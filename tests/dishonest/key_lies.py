"""Lies about keys: swapped, invented and withheld, with one operator or with a quorum of them."""

from __future__ import annotations

import json
import random
from typing import Any

from client.directory_history import replay_history
from client.enrolment import authority_request, make_event, party_names
from shared.audit.leaves import digest_of_leaf
from shared.domain.ids import encode_time
from shared.keys.directory import Compromise
from shared.keys.event_document import EventType
from shared.keys.events import draft_event, encode_event, sign_event, verify_event
from tests.dishonest.own_books import Tell, entry_of
from tests.dishonest.scene import Scene
from tests.dishonest.story import BRUSSELS, MADRID, PARIS, WRITERS
from tests.unit.envelope.workshop import party


def swap_key(quorum: int, for_one: bool) -> Tell:
    """A party's sealing key becomes the operator's: by an event that so many operators sign, in the ledger or not."""

    def tell(scene: Scene, chance: random.Random) -> str | None:
        swapped = chance.choice((PARIS, BRUSSELS))
        victim = chance.choice([one for one in WRITERS if one != swapped])
        file = scene.another(victim) if for_one else scene.file
        with scene.writing(file) as database:
            events = [bytes(row[0]) for row in database.execute("SELECT event FROM key_event ORDER BY seq")]
            document = _event(scene, events, "recover", swapped, quorum)
            leaf = {"event": json.loads(document), "seq": len(events) + 1}
            entry = entry_of(scene, "directory.key-event", **leaf)
            digest = digest_of_leaf(entry.partition(b"\n")[2])
            at = encode_time(scene.now())
            database.execute("INSERT INTO key_event VALUES (?, ?, ?, ?)", (len(events) + 1, document, at, digest))
        if not for_one:
            scene.books.write([*scene.books.entries(), entry], scene.witnesses)
        whom = f"for {victim} alone" if for_one else "for all"
        return f"{swapped} has new keys {whom}, signed by {quorum} of the operators"

    return tell


def end_party(type_: EventType) -> Tell:
    """A quorum of operators shuts a party out that did nothing, or declares its keys stolen."""

    def tell(scene: Scene, chance: random.Random) -> str | None:
        victim = chance.choice(WRITERS)
        _post(scene, type_, victim)
        return f"a quorum of operators signed {type_} of {victim}"

    return tell


def let_back(scene: Scene, chance: random.Random) -> str | None:
    """Who was suspended takes part again."""
    _post(scene, "reinstate", MADRID)
    return f"a quorum of operators let {MADRID} back"


def _post(scene: Scene, type_: EventType, name: str) -> None:
    with scene.writing() as database:
        events = [bytes(row[0]) for row in database.execute("SELECT event FROM key_event ORDER BY seq")]
        trust = scene.past.trust
        directory = replay_history([one.decode() for one in events], trust).latest
        known = directory.party(name)
        assert known is not None
        stolen = Compromise((known.keys[0].kid,), scene.now()) if type_ == "compromise" else None
        event = draft_event(type_, directory, scene.now(), name, compromise=stolen)
        document = encode_event(event, [sign_event(event, one) for one in scene.past.operators])
        verify_event(document, trust.operator_keys, trust.operator_quorum, directory)
        entry = entry_of(scene, "directory.key-event", event=json.loads(document), seq=len(events) + 1)
        digest = digest_of_leaf(entry.partition(b"\n")[2])
        row = (len(events) + 1, document, encode_time(scene.now()), digest)
        database.execute("INSERT INTO key_event VALUES (?, ?, ?, ?)", row)
    scene.books.write([*scene.books.entries(), entry], scene.witnesses)


def invent_party(scene: Scene, chance: random.Random) -> str | None:
    """With a second operator: an authority that does not exist."""
    with scene.writing() as database:
        events = [bytes(row[0]) for row in database.execute("SELECT event FROM key_event ORDER BY seq")]
        document = _event(scene, events, "enrol", chance.choice(("IT.MG", "DE.BFJ")), 2)
        entry = entry_of(scene, "directory.key-event", event=json.loads(document), seq=len(events) + 1)
        digest = digest_of_leaf(entry.partition(b"\n")[2])
        at = encode_time(scene.now())
        database.execute("INSERT INTO key_event VALUES (?, ?, ?, ?)", (len(events) + 1, document, at, digest))
    scene.books.write([*scene.books.entries(), entry], scene.witnesses)
    return "a quorum of operators enrolled a party that nobody knows"


def freeze(scene: Scene, chance: random.Random) -> str | None:
    """One client is kept from the newest key event, with the exchange's signature that there is none."""
    victim = chance.choice(WRITERS)
    with scene.writing(scene.another(victim)) as database:
        database.execute("DELETE FROM key_event WHERE seq = (SELECT max(seq) FROM key_event)")
    return f"{victim} is not told that Madrid is suspended"


def _event(scene: Scene, events: list[bytes], type_: EventType, name: str, quorum: int) -> bytes:
    trust = scene.past.trust
    directory = replay_history([one.decode() for one in events], trust).latest
    if type_ == "enrol":
        request = authority_request(party(name), party_names({"en": name}), scene.now())
        return make_event("enrol", name, directory, scene.past.operators, trust, scene.now(), request)
    stolen = authority_request(_impostor(name), party_names({"en": name}), scene.now())
    event = draft_event(type_, directory, scene.now(), name, keys=stolen.keys)
    document = encode_event(event, [sign_event(event, one) for one in scene.past.operators[:quorum]])
    if quorum >= trust.operator_quorum:
        verify_event(document, trust.operator_keys, trust.operator_quorum, directory)
    return document


def _impostor(name: str) -> Any:
    from dataclasses import replace

    return replace(party("IT.IMPOSTOR"), authority=name)
