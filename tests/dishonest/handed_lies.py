"""Lies in what is handed over: a copy of the ledger for an auditor, a proof bundle for a court.

Both are made from the truth, by the commands' own code, before they are changed: `hand_out_copy`, `hand_over_bundle`.
"""

from __future__ import annotations

import random
import shutil
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any, Final

from client.ledger_export import export_ledger
from client.ledger_source import CHECKPOINT
from client.ledger_stamps import STAMPS, StampedExchange, export_stamps
from client.proof_bundle import encode_bundle
from client.proof_making import make_bundle
from shared.domain.strict_json import encode_canonical_json, parse_strict_json
from tests.dishonest.declared import NO_STAMP, SEEN, Listed, Worth
from tests.dishonest.own_books import StagedLie, Tell, own_tree_for
from tests.dishonest.rows import another_value, flipped
from tests.dishonest.scene import Scene
from tests.dishonest.story import RABAT
from tests.dishonest.tree_lies import edit_entry
from tests.exchange_process import AUDITOR

_FIRST_WITNESS: Final = "\n— w1.example ".encode()


def all_handed_lies() -> list[StagedLie]:
    found = [
        StagedLie(f"a copy of the ledger: {kind} {way}", _changed_copy(kind, way), _COPIES.get((kind, way), SEEN))
        for kind in _FILES
        for way in _WAYS
    ]
    found.append(StagedLie("a copy of the ledger: two bundles of entries exchanged", _exchanged_bundles))
    found.append(StagedLie("a copy of the ledger: an older one, said to be the newest", _older_copy))
    found.append(StagedLie("a copy of the ledger: edited, its tree made and signed again", _signed_again))
    found += [StagedLie(f"a proof bundle: {member} changed", _changed_bundle(member)) for member in _MEMBERS]
    found += [StagedLie(f"a proof bundle: {member} of another message", _mixed(member)) for member in _OF_A_MESSAGE]
    found += [StagedLie(f"a proof bundle: {member} left out", _without(member), LEFT_OUT) for member in _OPTIONAL]
    return found


_COPIES: Final[dict[tuple[str, str], Worth]] = {("a time-stamp", "deleted"): Listed(NO_STAMP)}
LEFT_OUT: Final[Worth] = Listed("what is left out of a proof bundle is not proven by it; it says what it proves")


# --- the ledger's copy -----------------------------------------------------------------------------------------------


def hand_out_copy(scene: Scene) -> Path:
    """`comity ledger export`, by the auditor, of what it is shown."""
    scene.copy = scene.place / "copy"
    with closing(scene.auditor()) as exchange:
        source = StampedExchange(exchange)
        export_ledger(source, scene.copy, scene.past.trust)
        export_stamps(source, scene.copy, scene.past.trust)
    return scene.copy


def _checkpoint(path: str) -> bool:
    return path == CHECKPOINT


def _bundle(path: str) -> bool:
    return path.startswith("tile/entries/")


def _tile(path: str) -> bool:
    return path.startswith("tile/") and not _bundle(path)


def _stamp(path: str) -> bool:
    return path.startswith(f"{STAMPS}/")


_FILES: Final[dict[str, Callable[[str], bool]]] = {
    "checkpoint": _checkpoint,
    "a tile of hashes": _tile,
    "a bundle of entries": _bundle,
    "a time-stamp": _stamp,
}
_WAYS: Final = ("edited", "cut", "deleted")


def _files(copy: Path, kind: Callable[[str], bool]) -> list[Path]:
    return sorted(one for one in copy.rglob("*") if one.is_file() and kind(one.relative_to(copy).as_posix()))


def _changed_copy(kind: str, way: str) -> Tell:
    def tell(scene: Scene, chance: random.Random) -> str | None:
        copy = hand_out_copy(scene)
        scene.is_handed = True
        files = _files(copy, _FILES[kind])
        if not files:
            return None
        file = chance.choice(files)
        data = file.read_bytes()
        # The lines of witnesses are apart: one that is spoiled is as if its witness had been down.
        signed = data.index(_FIRST_WITNESS) if _FIRST_WITNESS in data else len(data)
        match way:
            case "edited":
                file.write_bytes(flipped(data[:signed], chance) + data[signed:])
            case "cut":
                file.write_bytes(data[: chance.randrange(signed)])
            case _:
                file.unlink()
        return f"{file.relative_to(copy)} {way}"

    return tell


def _exchanged_bundles(scene: Scene, chance: random.Random) -> str | None:
    copy = hand_out_copy(scene)
    scene.is_handed = True
    one, other = chance.sample(_files(copy, _bundle), 2)
    here, there = one.read_bytes(), other.read_bytes()
    one.write_bytes(there)
    other.write_bytes(here)
    return f"{one.relative_to(copy)} and {other.relative_to(copy)} exchanged"


def _older_copy(scene: Scene, chance: random.Random) -> str | None:
    file = scene.another(AUDITOR)
    shutil.copyfile(scene.past.place / "before.sqlite3", file)
    hand_out_copy(scene)
    scene.show(AUDITOR, scene.file)
    return "the copy ends where the first chapter did"


def _signed_again(scene: Scene, chance: random.Random) -> str | None:
    """With the log's own keys, and with a witness that had seen nothing of the second chapter."""
    own_tree_for(scene, AUDITOR, lambda entries: edit_entry(entries, scene.past.first_size, chance))
    hand_out_copy(scene)
    scene.show(AUDITOR, scene.file)
    return "the copy has another entry, and signatures that hold"


# --- the proof bundle ------------------------------------------------------------------------------------------------


_MEMBERS: Final = ("v", "origin", "jws", "receipt", "checkpoint", "key_events", "decision", "evidences", "parts")
_OF_A_MESSAGE: Final = ("jws", "receipt", "decision", "evidences", "parts")
_OPTIONAL: Final = ("receipt", "decision", "evidences", "parts")


def hand_over_bundle(scene: Scene, at: int = 0) -> bytes:
    """`comity proof MESSAGE --open-part body`, by Rabat, for one of the messages that it sent in the first chapter."""
    with scene.correspondence(RABAT) as own:
        sent = [
            kept.message
            for dossier in own.register.dossiers()
            for kept in own.register.messages(dossier)
            if kept.state == "accepted" or (kept.state == "submitted" and own.outbox.poll(kept.message))
        ]
        raw = encode_bundle(make_bundle(own, sent[at % len(sent)], ("body",)).bundle)
    scene.bundles.append(raw)
    return raw


def _document(scene: Scene, at: int) -> dict[str, Any]:
    document: dict[str, Any] = parse_strict_json(hand_over_bundle(scene, at))
    return document


def _changed_bundle(member: str) -> Tell:
    def tell(scene: Scene, chance: random.Random) -> str | None:
        document = _document(scene, chance.randrange(3))
        was = document[member]
        if member == CHECKPOINT:
            signed = was.index(_FIRST_WITNESS.decode())
            document[member] = another_value(was[:signed], chance) + was[signed:]
        else:
            document[member] = another_value(was, chance)
        return _hand(scene, document, f"{member} is another")

    return tell


def _mixed(member: str) -> Tell:
    def tell(scene: Scene, chance: random.Random) -> str | None:
        at = chance.randrange(3)
        document, other = _document(scene, at), _document(scene, at + 1)
        if other[member] == document[member]:
            return None
        return _hand(scene, {**document, member: other[member]}, f"{member} is that of another message")

    return tell


def _without(member: str) -> Tell:
    def tell(scene: Scene, chance: random.Random) -> str | None:
        document = _document(scene, chance.randrange(3))
        document[member] = [] if isinstance(document[member], list) else None
        return _hand(scene, document, f"{member} left out")

    return tell


def _hand(scene: Scene, document: dict[str, Any], what: str) -> str:
    scene.bundles[:] = [encode_canonical_json(document)]
    scene.is_handed = True
    return what
