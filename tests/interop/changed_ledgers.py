"""A ledger's copy with one thing changed, as who has its files could: no verifier may believe any of these."""

from __future__ import annotations

import random
import shutil
from collections.abc import Callable
from pathlib import Path

from shared.audit.checkpoint import encode_checkpoint
from shared.audit.notes import encode_note, parse_note
from shared.audit.tiles import Bundle, encode_bundle, parse_bundle, places_of
from shared.audit.tree_head import TreeHead
from tests.interop.sequenced_ledger import SequencedLedger
from tests.unit.audit.paper_log import ORIGIN, log_signers

OTHER = "comity.example/other"


def changed(ledger: SequencedLedger, place: Path, chance: random.Random) -> str:
    """A changed copy in `place`; says what was done."""
    shutil.rmtree(place, ignore_errors=True)
    shutil.copytree(ledger.directory, place)
    kind = chance.choice(list(CHANGES))
    return f"{kind}: {CHANGES[kind](place, ledger, chance)}"


def _needed(place: Path, ledger: SequencedLedger, chance: random.Random, kind: type = object) -> Path:
    """A file that the newest checkpoint rests on. Partial tiles of older ones lie beside, and say nothing."""
    places = places_of(size_of(ledger.checkpoints[-1]))
    return place / chance.choice([one.path for one in places if isinstance(one, kind)])


def _one_bit(place: Path, ledger: SequencedLedger, chance: random.Random) -> str:
    file = _needed(place, ledger, chance)
    data = bytearray(file.read_bytes())
    at = chance.randrange(len(data))
    data[at] ^= 1 << chance.randrange(8)
    file.write_bytes(bytes(data))
    return f"{file.relative_to(place)} at {at}"


def _one_bit_of_what_is_signed(place: Path, ledger: SequencedLedger, chance: random.Random) -> str:
    file = place / "checkpoint"
    text, blank, lines = file.read_bytes().partition(b"\n\n")
    signed = bytearray(text + blank + lines.split(b"\n")[0])  # Ed25519 is the line that everybody reads
    at = chance.randrange(len(signed) - 2)  # where base64 ends, x/mod reads several spellings of one signature
    signed[at] ^= 1 << chance.randrange(8)
    file.write_bytes(bytes(signed) + b"\n" + b"\n".join(lines.split(b"\n")[1:]))
    return f"at {at}"


def _cut(place: Path, ledger: SequencedLedger, chance: random.Random) -> str:
    file = _needed(place, ledger, chance)
    data = file.read_bytes()
    file.write_bytes(data[: chance.randrange(len(data))])
    return str(file.relative_to(place))


def _missing(place: Path, ledger: SequencedLedger, chance: random.Random) -> str:
    file = _needed(place, ledger, chance)
    file.unlink()
    return str(file.relative_to(place))


def _entry_changed(place: Path, ledger: SequencedLedger, chance: random.Random) -> str:
    return _entries(place, ledger, chance, lambda some, at: [*some[:at], some[at] + b" ", *some[at + 1 :]])


def _entry_dropped(place: Path, ledger: SequencedLedger, chance: random.Random) -> str:
    return _entries(place, ledger, chance, lambda some, at: [*some[:at], *some[at + 1 :]])


def _entry_doubled(place: Path, ledger: SequencedLedger, chance: random.Random) -> str:
    return _entries(place, ledger, chance, lambda some, at: [*some[: at + 1], *some[at:]][:256])


def _entries_swapped(place: Path, ledger: SequencedLedger, chance: random.Random) -> str:
    return _entries(place, ledger, chance, lambda some, at: [*some[:at], *reversed(some[at:])])


def _entries(
    place: Path,
    ledger: SequencedLedger,
    chance: random.Random,
    change: Callable[[list[bytes], int], list[bytes]],
) -> str:
    file = _needed(place, ledger, chance, Bundle)
    width = int(file.name) if file.parent.name.endswith(".p") else 256
    before = parse_bundle(file.read_bytes(), width)
    after = change(before, chance.randrange(max(1, width - 1)))
    file.write_bytes(encode_bundle(after) if after and after != before else b"")
    return str(file.relative_to(place))


def _another_tree(place: Path, ledger: SequencedLedger, chance: random.Random) -> str:
    """Signed with both keys of the log: a second tree, whose tiles are not there."""
    size = size_of(ledger.checkpoints[-1])
    head = TreeHead(ORIGIN, size, chance.randbytes(32))
    (place / "checkpoint").write_bytes(encode_checkpoint(head, *log_signers()))
    return f"of {size}"


def _another_logs(place: Path, ledger: SequencedLedger, chance: random.Random) -> str:
    head = TreeHead(OTHER, size_of(ledger.checkpoints[-1]), chance.randbytes(32))
    (place / "checkpoint").write_bytes(encode_checkpoint(head, *log_signers(OTHER)))
    return OTHER


def _signatures_of_an_older_one(place: Path, ledger: SequencedLedger, chance: random.Random) -> str:
    newest, older = parse_note(ledger.checkpoints[-1]), parse_note(ledger.checkpoints[0])
    (place / "checkpoint").write_bytes(encode_note(type(newest)(newest.text, older.signatures)))
    return "checkpoint"


def size_of(note: bytes) -> int:
    return int(note.split(b"\n")[1])


CHANGES: dict[str, Callable[[Path, SequencedLedger, random.Random], str]] = {
    "one bit of a file": _one_bit,
    "one bit of the checkpoint": _one_bit_of_what_is_signed,
    "a file cut": _cut,
    "a file missing": _missing,
    "an entry changed": _entry_changed,
    "an entry dropped": _entry_dropped,
    "an entry doubled": _entry_doubled,
    "entries swapped": _entries_swapped,
    "another tree, signed": _another_tree,
    "another log's checkpoint": _another_logs,
    "an older checkpoint's signatures": _signatures_of_an_older_one,
}
