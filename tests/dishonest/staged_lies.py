"""Lies in several acts: what an operator does who wants something, with all keys that it has."""

from __future__ import annotations

import json
import random
from datetime import timedelta
from hashlib import sha256
from typing import Final

from shared.domain.ids import encode_time
from shared.domain.strict_json import encode_canonical_json
from shared.envelope.jws import parse_jws
from shared.envelope.manifest import parse_manifest
from shared.keys.base64url import encode_b64u
from shared.keys.instruments import sign_instruments, verify_instruments
from tests.dishonest.books import Books, entry_with, leaf_of, logged_at
from tests.dishonest.declared import SEEN, Listed
from tests.dishonest.forged_leaves import FORGED, FORGED_WORTH, forge_leaf
from tests.dishonest.key_lies import end_party, freeze, invent_party, let_back, swap_key
from tests.dishonest.own_books import (
    StagedLie,
    entry_of,
    erase,
    hide,
    own_tree_for,
    tell_anew,
    unread_message,
    without_one,
)
from tests.dishonest.scene import Scene
from tests.dishonest.story import WRITERS
from tests.dishonest.tree_lies import forget_second_chapter
from tests.exchange_process import AUDITOR


def drop_after_receipt(scene: Scene, chance: random.Random) -> str | None:
    """Everything of it is gone: rows, leaves, and nobody but the sender ever heard of it."""
    message = unread_message(scene, chance)
    erase(scene, message)
    entries = scene.books.entries()
    forget_second_chapter(scene)
    scene.books.write([one for one in entries if leaf_of(one).get("message") != message], scene.witnesses)
    return f"{message} was taken with a receipt and never happened"


def reject_the_valid(scene: Scene, chance: random.Random) -> str | None:
    """Under a code that some other step gives; rows and tree agree."""
    message = unread_message(scene, chance)
    code = chance.choice(("envelope.expired", "dossier.illegal-move", "sender.unknown", "envelope.signature-invalid"))
    erase(scene, message, but=("claim", "decision"))
    with scene.writing() as database:
        database.execute("UPDATE decision SET decision = 'rejected', code = ? WHERE message = ?", (code, message))

    def rejected(entry: bytes) -> bytes | None:
        leaf = leaf_of(entry)
        if leaf.get("message") != message:
            return entry
        return entry_with(entry, type="decision.rejected", states=..., code=code) if "states" in leaf else None

    tell_anew(scene, rejected)
    return f"{message} was rejected as {code}, which it is not"


def accept_the_invalid(scene: Scene, chance: random.Random) -> str | None:
    """What intake rejected stands as accepted, with a state that it would have led to."""
    with scene.writing() as database:
        [message] = database.execute("SELECT message FROM decision WHERE decision = 'rejected'").fetchone()
        database.execute("UPDATE decision SET decision = 'accepted', code = NULL WHERE message = ?", (message,))
    states = [{"measures": {"M1": chance.choice(("accepted", "refused", "closed"))}}]

    def accepted(entry: bytes) -> bytes:
        leaf = leaf_of(entry)
        told = leaf.get("message") == message and "code" in leaf
        return entry_with(entry, type="decision.accepted", code=..., states=states) if told else entry

    tell_anew(scene, accepted)
    return f"{message}, which was rejected, was accepted with {states}"


def withhold_delivery(scene: Scene, chance: random.Random) -> str | None:
    """Decided, and never handed to its recipients; no evidence claims that it was."""
    message = unread_message(scene, chance)
    hide(scene, message)
    with scene.writing() as database:
        database.execute("DELETE FROM evidence WHERE message = ?", (message,))
    dropped = ("evidence.delivery", "evidence.relay-acceptance")

    def without(entry: bytes) -> bytes | None:
        leaf = leaf_of(entry)
        return None if leaf.get("message") == message and leaf["type"] in dropped else entry

    tell_anew(scene, without)
    return f"{message} was accepted and not delivered"


def claim_delivery(scene: Scene, chance: random.Random) -> str | None:
    """The ledger says that it was delivered, and its recipient is shown nothing: not it, nor that anything moved."""
    message = unread_message(scene, chance)
    hide(scene, message)
    return f"{message} is said to be delivered, and its recipient is not told of it"


def deliver_late(scene: Scene, chance: random.Random) -> str | None:
    """Delivered now, and dated as if it had been hours ago: before a time limit that was missed."""
    hours = chance.randrange(2, 30)
    message = unread_message(scene, chance)
    _date_delivery(scene, message, timedelta(hours=hours))
    return f"the delivery of {message} is dated {hours} h before it was"


def date_within_the_hour(scene: Scene, chance: random.Random) -> str | None:
    """The same, within what a writer's clock is believed."""
    minutes = chance.randrange(5, 55)
    message = unread_message(scene, chance)
    _date_delivery(scene, message, timedelta(minutes=minutes))
    return f"the delivery of {message} is dated {minutes} min before it was"


def _date_delivery(scene: Scene, message: str, earlier: timedelta) -> None:
    """Say in the ledger that it was delivered so much earlier than that was logged."""

    def dated(entry: bytes) -> bytes:
        leaf = leaf_of(entry)
        if leaf.get("message") != message or leaf["type"] != "evidence.delivery":
            return entry
        return entry_with(entry, at=encode_time(logged_at(entry) - earlier))

    tell_anew(scene, dated)


def two_trees(scene: Scene, chance: random.Random) -> str | None:
    """One reader is shown a tree of its own, which the second witness cosigned; everybody else the true one."""
    victim = chance.choice(WRITERS)
    file = own_tree_for(scene, victim, lambda entries: without_one(entries, scene, chance))
    return None if file is None else f"{victim} is shown another tree than everybody"


def two_trees_for_two_auditors(scene: Scene, chance: random.Random) -> str | None:
    """The auditor is shown a tree of its own; parties and the first witness saw the true one."""
    file = own_tree_for(scene, "MA.COUR", lambda entries: without_one(entries, scene, chance))
    return None if file is None else "the auditor is shown another tree than everybody"


def two_trees_for_two_witnesses(scene: Scene, chance: random.Random) -> str | None:
    """The second witness cosigns another tree than the first; what is served is the first's."""
    entries = without_one(scene.books.entries(), scene, chance)
    true = scene.books.entries()
    forget_second_chapter(scene)
    one, other = scene.witnesses
    scene.books.write(true, [one])
    Books(scene.another("nobody"), scene.past).write(entries, [other])
    return "the two witnesses were shown two trees"


def set_registry_back(scene: Scene, chance: random.Random) -> str | None:
    with scene.writing() as database:
        database.execute("DELETE FROM instruments WHERE version = (SELECT max(version) FROM instruments)")
    return "the registry of instruments is shown as it was before it was amended"


def set_registry_back_for_one(scene: Scene, chance: random.Random) -> str | None:
    """For one client alone, which was shown the newer one before."""
    victim = chance.choice(WRITERS)
    with scene.writing(scene.another(victim)) as database:
        database.execute("DELETE FROM instruments WHERE version = (SELECT max(version) FROM instruments)")
    return f"{victim} alone is shown the registry as it was before it was amended"


def keep_registry_from_one(scene: Scene, chance: random.Random) -> str | None:
    """The operators publish another one; one client is not shown it, and is told by the exchange that there is none."""
    trust, operators = scene.past.trust, scene.past.operators
    victim = chance.choice(WRITERS)
    with scene.writing() as database:
        [document] = database.execute("SELECT document FROM instruments ORDER BY version DESC").fetchone()
    newest = verify_instruments(bytes(document), trust.operator_keys, trust.operator_quorum, trust.origin)
    amended = sign_instruments(newest.registry, operators, trust.origin, newest.number + 1, newest.digest)
    digest = encode_b64u(sha256(newest.registry).digest())
    fields = {"registry_sha256": digest, "version": newest.number + 1, "document": json.loads(amended)}
    scene.books.write([*scene.books.entries(), entry_of(scene, "directory.instruments", **fields)], scene.witnesses)
    scene.another(victim)
    with scene.writing() as database:
        row = (newest.number + 1, amended, encode_time(scene.now()))
        database.execute("INSERT INTO instruments (version, document, recorded_at) VALUES (?, ?, ?)", row)
    return f"{victim} alone is not shown publication {newest.number + 1}"


def two_trees_that_all_witnesses_cosign(scene: Scene, chance: random.Random) -> str | None:
    """The operator runs the witnesses, too: auditor and parties are shown two trees, each with every cosignature."""
    true = scene.books.entries()
    other = without_one(list(true), scene, chance)
    file = scene.another(AUDITOR)
    forget_second_chapter(scene)
    Books(file, scene.past).write(other, scene.witnesses)
    forget_second_chapter(scene)
    scene.books.write(true, scene.witnesses)
    return "the auditor is shown another tree than everybody, and both have all cosignatures"


def put_notice_back(scene: Scene, chance: random.Random) -> str | None:
    """Behind what its reader has read: it is there, and no reading brings it."""
    with scene.writing() as database:
        news = database.execute(
            "SELECT rowid, authority FROM feed_entry WHERE type = 'message.received' AND message = ?",
            (unread_message(scene, chance),),
        ).fetchall()
        row, authority = chance.choice(news)
        database.execute("UPDATE feed_entry SET position = -1 WHERE rowid = ?", (row,))
    return f"{authority} is not told of a message: its notice stands before those that it has read"


def pretend_pruned(scene: Scene, chance: random.Random) -> str | None:
    """The sealed parts of a message are gone, as if by the policy on retention; no leaf says so."""
    message = unread_message(scene, chance)
    at = encode_time(scene.now())
    with scene.writing() as database:
        told = database.execute("SELECT dossier, jws FROM envelope WHERE message = ?", (message,)).fetchone()
        parts = [one.ct_sha256 for one in parse_manifest(parse_jws(told[1]).payload).parts]
        for table in ("part", "part_chunk"):
            database.executemany(f"DELETE FROM {table} WHERE digest = ?", [(one,) for one in parts])
        database.execute(
            "INSERT INTO parts_pruned VALUES (?, ?, ?, ?, ?, ?)", (message, told[0], at, at, 30, bytes(32))
        )
    return f"the parts of {message} are said to be pruned"


def forge_registry(scene: Scene, chance: random.Random) -> str | None:
    """A registry without its treaties, in the row and in the leaf, signed by one operator."""
    trust = scene.past.trust
    with scene.writing() as database:
        [document] = database.execute("SELECT document FROM instruments ORDER BY version DESC").fetchone()
        published = verify_instruments(bytes(document), trust.operator_keys, trust.operator_quorum, trust.origin)
        registry = {**json.loads(published.registry), "instruments": []}
        one = scene.past.operators[chance.randrange(2)]
        forged = sign_instruments(
            encode_canonical_json(registry), [one], trust.origin, published.number, published.prev
        )
        database.execute("UPDATE instruments SET document = ? WHERE document = ?", (forged, document))

    def told(entry: bytes) -> bytes:
        is_it = leaf_of(entry)["type"] == "directory.instruments"
        return entry_with(entry, document=json.loads(forged)) if is_it else entry

    tell_anew(scene, told)
    return "the registry of instruments has no treaty, by one operator"


_UNTOLD: Final = (
    "a delivery may be claimed that was none: the recipient learns of the message when the next one on its leg names "
    "it, or when its sender asks"
)


_QUORUM: Final = (
    "who takes part, and which of its keys are stolen, is for a quorum of operators to say: the ledger tells it, and a "
    "party finds it there, or when what it signs next is refused"
)


def all_staged_lies() -> list[StagedLie]:
    found = [
        StagedLie("a message dropped after its receipt", drop_after_receipt),
        StagedLie("a valid message rejected", reject_the_valid),
        StagedLie("an invalid message accepted", accept_the_invalid),
        StagedLie("an accepted message never delivered", withhold_delivery),
        StagedLie("a delivery claimed that was none", claim_delivery, Listed(_UNTOLD)),
        StagedLie("a late delivery with a false time", deliver_late),
        StagedLie(
            "a delivery dated earlier by less than an hour",
            date_within_the_hour,
            Listed("within the hour of the merge delay, when something was done is the exchange's own word"),
        ),
        StagedLie("parts deleted, and said to be pruned", pretend_pruned),
        StagedLie("two trees, one for one party", two_trees),
        StagedLie("two trees for two auditors", two_trees_for_two_auditors),
        StagedLie("two trees for two witnesses", two_trees_for_two_witnesses),
        StagedLie("two trees, each cosigned by every witness", two_trees_that_all_witnesses_cosign),
        StagedLie("a notice put back behind what was read", put_notice_back),
        StagedLie("a key swapped for all, by one operator", swap_key(1, for_one=False)),
        StagedLie("a key swapped for one client, by one operator", swap_key(1, for_one=True)),
        StagedLie("a key swapped for all, by a quorum of operators", swap_key(2, for_one=False)),
        StagedLie("a key swapped for one client, by a quorum of operators", swap_key(2, for_one=True)),
        StagedLie("a party invented, by a quorum of operators", invent_party),
        StagedLie("a party suspended, by a quorum of operators", end_party("suspend")),
        StagedLie(
            "keys of a party declared stolen, by a quorum of operators", end_party("compromise"), Listed(_QUORUM)
        ),
        StagedLie("a suspended party let back, by a quorum of operators", let_back, Listed(_QUORUM)),
        StagedLie("a key event withheld from one client", freeze),
        StagedLie("the registry of instruments set back", set_registry_back),
        StagedLie("the registry of instruments set back for one client", set_registry_back_for_one),
        StagedLie("a registry of instruments kept from one client", keep_registry_from_one),
        StagedLie("the registry of instruments forged", forge_registry),
    ]
    return found + [forge_leaf(type_, FORGED_WORTH.get(type_, SEEN)) for type_ in FORGED]
