"""What a witness remembers, as files of its directory: who it is, which logs it watches, what it cosigned of each last.

    witness.json            its name and its verifier keys
    key.json                its seeds, mode 600
    logs/<place>.json       one log: its keys, and the checkpoint that was cosigned last
    evidence/<place>-…      checkpoints that a log signed and that were not shown to continue what was cosigned

Rules:
1. A log's keys and what was cosigned of it are one file. One that is lost makes the log unknown, and never a log that
   may begin anew: forgetting is refusing.
2. A new checkpoint is on the disk before its cosignature leaves the process.
3. One process at a time: two that share a directory, or a copy of it, could sign two trees. A copy cannot be noticed
   here; so it is never restored from a backup, and a witness that lost its files is retired.
4. Evidence is bounded: KEPT_EVIDENCE files for each log, none twice.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from shared.adapters.durable_file import write_durably
from shared.adapters.owned_directory import own_directory
from shared.audit.checkpoint import parse_checkpoint
from shared.audit.notes import VerifierKey, encode_vkey, parse_vkey, verify_note
from shared.audit.tree_head import TreeHead, encode_hash, parse_hash
from shared.audit.witness_protocol import place_of
from shared.errors import KeyRefused, LedgerInvalid, SettingsRefused, StoreUnavailable
from witness.policy import WatchedLog

LOGS: Final = "logs"
EVIDENCE: Final = "evidence"
KEPT_EVIDENCE: Final = 100
"""Of one log. Each is a statement that the log's own keys signed, so that nobody else can fill the disk with them."""
_VERSION: Final = "comity-witness-log/1"


class WitnessMemory:
    """Raises SettingsRefused when the directory is no witness's, or another process serves it."""

    def __init__(self, directory: Path) -> None:
        if not (directory / LOGS).is_dir():
            why = f"{directory} is not a witness's; make one with `comity witness init`, and never restore one"
            raise SettingsRefused(why=why)
        self._directory = directory
        self._lock = own_directory(directory, "serves the witness")
        self._known: dict[str, WatchedLog] = {one.origin: one for one in read_logs(directory)}

    def close(self) -> None:
        self._lock.close()

    def find(self, origin: str) -> WatchedLog | None:
        """Also one that was added since. Raises SettingsRefused for a file that cannot be read."""
        known = self._known.get(origin)
        file = _file_of(self._directory, origin)
        if known is None and file.exists():
            known = self._known[origin] = _read(file)
        return known

    def by_place(self, place: str) -> WatchedLog | None:
        """By `witness_protocol.place_of` its origin."""
        return next((one for one in self._known.values() if place_of(one.origin) == place), None)

    def logs(self) -> list[WatchedLog]:
        return list(self._known.values())

    def keep(self, log: WatchedLog, head: TreeHead, note: bytes) -> None:
        """Durable on return. Raises StoreUnavailable: then nothing may be cosigned."""
        kept = replace(log, size=head.size, root=head.root, note=note)
        self._write(kept)
        self._known[log.origin] = kept

    def keep_again(self) -> None:
        """What is known, as it is: for finding out whether it could be kept. Raises StoreUnavailable."""
        for log in self._known.values():
            self._write(log)

    def _write(self, log: WatchedLog) -> None:
        file = _file_of(self._directory, log.origin)
        try:
            write_durably(file, _encode(log))
        except OSError as failed:
            raise StoreUnavailable(why=f"{file} cannot be written: {failed.strerror}") from failed

    def evidence(self) -> int:
        """How much of it is kept, of all logs."""
        return sum(evidence_of(self._directory, one.origin) for one in self._known.values())

    def keep_evidence(self, note: bytes) -> bool:
        """Whether it is kept now and was not before. Raises StoreUnavailable."""
        head = parse_checkpoint(note)
        folder, place = self._directory / EVIDENCE, place_of(head.origin)[:16]
        file = folder / f"{place}-{head.size}-{head.root.hex()[:16]}.checkpoint"
        if file.exists() or evidence_of(self._directory, head.origin) >= KEPT_EVIDENCE:
            return False
        try:
            folder.mkdir(mode=0o700, exist_ok=True)
            write_durably(file, note)
        except OSError as failed:
            raise StoreUnavailable(why=f"{file} cannot be written: {failed.strerror}") from failed
        return True


def add_log(directory: Path, origin: str, keys: Sequence[VerifierKey], checkpoint: bytes | None) -> WatchedLog:
    """Watch this log, from this checkpoint on or from its beginning. Raises SettingsRefused, LedgerInvalid."""
    if not (directory / LOGS).is_dir():
        raise SettingsRefused(why=f"{directory} is not a witness's; make one with `comity witness init`")
    file = _file_of(directory, origin)
    if file.exists():
        known = _read(file)
        raise SettingsRefused(why=f"{origin} is watched already, {known.size} entries were cosigned")
    log = WatchedLog(origin, tuple(keys))
    if checkpoint is not None:
        verify_note(checkpoint, keys=(), require=log.keys)
        head = parse_checkpoint(checkpoint)
        if head.origin != origin:
            raise LedgerInvalid(why=f"the checkpoint is of the log {head.origin}, not of {origin}")
        log = replace(log, size=head.size, root=head.root, note=checkpoint)
    _write_log(file, log)
    return log


def renew_log(
    directory: Path, origin: str, keys: Sequence[VerifierKey], former: Sequence[Sequence[VerifierKey]]
) -> WatchedLog:
    """Go on watching this log under new keys, where it had one of these pairs: what was cosigned of it last stays so.

    Raises SettingsRefused: then nothing changed.
    """
    file = _file_of(directory, origin)
    if not file.exists():
        raise SettingsRefused(why=f"{origin} is not watched here; `comity witness add` begins")
    known = _read(file)
    if set(known.keys) not in map(set, former):
        raise SettingsRefused(why=f"the keys of {origin} that are known here are not those that were changed")
    renewed = replace(known, keys=tuple(keys))
    _write_log(file, renewed)
    return renewed


def _write_log(file: Path, log: WatchedLog) -> None:
    """Raises SettingsRefused."""
    try:
        write_durably(file, _encode(log))
    except OSError as failed:
        raise SettingsRefused(why=f"{file} cannot be written: {failed.strerror}") from None


def read_logs(directory: Path) -> list[WatchedLog]:
    """Raises SettingsRefused."""
    return [_read(file) for file in sorted((directory / LOGS).glob("*.json"))]


def evidence_of(directory: Path, origin: str) -> int:
    """How many checkpoints of this log are kept as evidence."""
    return sum(1 for _ in (directory / EVIDENCE).glob(f"{place_of(origin)[:16]}-*.checkpoint"))


def _file_of(directory: Path, origin: str) -> Path:
    return directory / LOGS / f"{place_of(origin)}.json"


def _encode(log: WatchedLog) -> bytes:
    document = {
        "v": _VERSION,
        "origin": log.origin,
        "vkeys": [encode_vkey(key) for key in log.keys],
        "size": log.size,
        "root": encode_hash(log.root),
        "note": None if log.note is None else log.note.decode(),
    }
    return json.dumps(document, ensure_ascii=False, indent=1).encode()


def _read(file: Path) -> WatchedLog:
    """What was written here; a file that somebody changed by hand is refused rather than guessed at."""
    try:
        document: dict[str, Any] = json.loads(file.read_bytes())
        if document["v"] != _VERSION or file.stem != place_of(document["origin"]):
            raise ValueError("it is of another version or another log")
        keys = tuple(parse_vkey(text) for text in document["vkeys"])
        note = None if document["note"] is None else document["note"].encode()
        log = WatchedLog(document["origin"], keys, document["size"], parse_hash(document["root"], "its root"), note)
        if not keys or (note is not None and parse_checkpoint(note) != TreeHead(log.origin, log.size, log.root)):
            raise ValueError("its size and root are not those of its checkpoint")
        return log
    except (OSError, ValueError, KeyError, TypeError, AttributeError, LedgerInvalid, KeyRefused) as broken:
        raise SettingsRefused(why=f"{file} cannot be read ({broken}); see docs/guide/witness.md") from None
