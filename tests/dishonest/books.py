"""The ledger as the operator has it: every row, both of the log's keys, and two witnesses that cosign what continues.

`write` makes the tables of any entries: leaves, full tiles, head, note, and the lines of those witnesses that gave one.
What a witness says is a real witness's: its own memory, its own rules.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

import httpx2
from prometheus_client import CollectorRegistry

from shared.audit.checkpoint import encode_checkpoint, parse_checkpoint, parse_log_keys
from shared.audit.leaves import digest_of_leaf, encode_entry, encode_leaf
from shared.audit.notes import encode_signature_lines, parse_signature_lines
from shared.audit.tiles import TILE_WIDTH, Appended, Tile, TileHashReader, build_tiles, hash_full_tile
from shared.audit.tree import hash_leaf, prove_consistency
from shared.audit.tree_head import TreeHead
from shared.audit.witness_protocol import encode_add_checkpoint
from shared.domain.ids import encode_time, parse_time
from shared.domain.strict_json import parse_strict_json
from tests.dishonest.story import WITNESSES, Past
from witness.keys import load_witness
from witness.memory import WitnessMemory, add_log
from witness.server import WitnessServer

_TABLES = ("leaf", "tile", "checkpoint", "note", "cosignature", "quorum")


def leaf_of(entry: bytes) -> dict[str, Any]:
    leaf: dict[str, Any] = parse_strict_json(entry.partition(b"\n")[2])
    return leaf


def logged_at(entry: bytes) -> datetime:
    return parse_time(entry.partition(b"\n")[0].decode())


def entry_with(entry: bytes, logged: datetime | None = None, **changes: Any) -> bytes:
    """The entry, saying something else. A field that is changed to `...` is left out."""
    leaf = {**leaf_of(entry), **changes}
    fields = {name: value for name, value in leaf.items() if name not in ("v", "type", "at", "nonce")}
    kept = {name: value for name, value in fields.items() if value is not ...}
    at = leaf["at"] if isinstance(leaf["at"], datetime) else parse_time(leaf["at"])
    return encode_entry(logged or logged_at(entry), encode_leaf(leaf["type"], at, sha256(entry).digest()[:16], **kept))


def started(at: datetime, number: int) -> bytes:
    nonce = sha256(b"started %d" % number).digest()[:16]
    return encode_entry(at, encode_leaf("exchange.started", at, nonce, service="notification", version="0.1.0"))


@dataclass(frozen=True)
class Answered:
    """By a witness: the line that it gave, or what it said instead."""

    status: int
    line: bytes | None


class Witness:
    """One real witness, on a copy of its files; asked without a network."""

    def __init__(self, place: Path, name: str, past: Past, now: Callable[[], datetime]) -> None:
        keys = load_witness(place)
        self.name = name
        self._key = keys.signers[0].vkey
        self._origin = past.trust.origin
        log = parse_log_keys(past.trust.log_vkeys)
        if not list((place / "logs").iterdir()):
            add_log(place, past.trust.origin, (log.ed25519, log.mldsa44), None)
        self._memory = WitnessMemory(place)
        self._server = WitnessServer(keys, self._memory, now, CollectorRegistry())

    @property
    def key(self) -> str:
        """As the column of a cosignature has it."""
        return f"{self._key.name}+{self._key.key_id.hex()}"

    @property
    def size(self) -> int:
        known = self._memory.find(self._origin)
        return 0 if known is None else known.size

    @property
    def note(self) -> bytes | None:
        known = self._memory.find(self._origin)
        return None if known is None else known.note

    def close(self) -> None:
        self._memory.close()

    def ask(self, note: bytes, reader: Callable[[int], TileHashReader]) -> Answered:
        """To cosign this checkpoint, with the proof that the tiles of its tree give."""
        size = parse_checkpoint(note).size
        old = min(self.size, size)
        body = encode_add_checkpoint(old, prove_consistency(old, size, reader(size)), note)
        answer = asyncio.run(self._post(body))
        if answer.status_code != 200:
            return Answered(answer.status_code, None)
        lines = [one for one in parse_signature_lines(answer.content) if one.key_id == self._key.key_id]
        return Answered(200, encode_signature_lines(lines))

    async def _post(self, body: bytes) -> httpx2.Response:
        transport = httpx2.ASGITransport(self._server.app)
        async with httpx2.AsyncClient(transport=transport, base_url="http://witness.example") as client:
            return await client.post("/add-checkpoint", content=body)


class Books:
    """The ledger's tables in one database file."""

    def __init__(self, file: Path, past: Past) -> None:
        self._file = file
        self._past = past

    def entries(self) -> list[bytes]:
        with closing(sqlite3.connect(self._file)) as database:
            rows = database.execute('SELECT entry FROM ledger_leaf ORDER BY "index"')
            return [bytes(row[0]) for row in rows]

    def checkpoint(self) -> bytes:
        """The newest note, without cosignatures."""
        with closing(sqlite3.connect(self._file)) as database:
            note: bytes = database.execute("SELECT note FROM ledger_note ORDER BY size DESC").fetchone()[0]
        return note

    def write(self, entries: Sequence[bytes], witnesses: Sequence[Witness], *, points: bool = True) -> list[Answered]:
        """Make the tables say this and nothing else, signed; what each witness answered. With `points`, rows of other
        tables that named a leaf by its digest name what stands in its place now."""
        made = build_whole(entries)
        head = TreeHead(self._past.trust.origin, made.size, made.root)
        note = encode_checkpoint(head, *self._past.log)
        answers = [one.ask(note, lambda size: _reader(made, size)) for one in witnesses]
        before = self.entries()
        with closing(sqlite3.connect(self._file)) as database, database:
            if points:
                _point_elsewhere(database, before, entries)
            for name in _TABLES:
                database.execute(f"DELETE FROM ledger_{name}")
            rows = [
                (index, encode_time(logged_at(entry)), entry, hash_leaf(entry), _digest(entry))
                for index, entry in enumerate(entries)
            ]
            database.executemany("INSERT INTO ledger_leaf VALUES (?, ?, ?, ?, ?)", rows)
            full = [(tile, data) for tile, data in made.tiles.items() if tile.width == TILE_WIDTH]
            tiles = [(tile.level, tile.index, data, hash_full_tile(data)) for tile, data in full]
            database.executemany("INSERT INTO ledger_tile VALUES (?, ?, ?, ?)", tiles)
            newest = encode_time(logged_at(entries[-1]))
            database.execute(
                "INSERT INTO ledger_checkpoint (size, root, logged_at) VALUES (?, ?, ?)", (made.size, made.root, newest)
            )
            database.execute("INSERT INTO ledger_note VALUES (?, ?)", (made.size, note))
            database.execute("INSERT INTO ledger_quorum VALUES (?)", (made.size,))
            lines = [
                (made.size, one.key, answer.line)
                for one, answer in zip(witnesses, answers, strict=True)
                if answer.line is not None
            ]
            database.executemany("INSERT INTO ledger_cosignature VALUES (?, ?, ?)", lines)
        return answers


def open_witnesses(place: Path, past: Past, now: Callable[[], datetime]) -> list[Witness]:
    return [Witness(place / name, name, past, now) for name in WITNESSES]


def build_whole(entries: Sequence[bytes]) -> Appended:
    """The tree of these entries."""
    return build_tiles(0, [hash_leaf(entry) for entry in entries], _no_tiles)


def _no_tiles(tile: Tile) -> bytes:
    raise LookupError(tile.path)  # a tree that is made whole asks for none


def _reader(made: Appended, size: int) -> TileHashReader:
    return TileHashReader(size, made.tiles.__getitem__)


def _digest(entry: bytes) -> bytes:
    return digest_of_leaf(entry.partition(b"\n")[2])


def _point_elsewhere(database: sqlite3.Connection, before: Sequence[bytes], after: Sequence[bytes]) -> None:
    if len(before) != len(after):
        return
    changed = [(_digest(new), _digest(old)) for old, new in zip(before, after, strict=True) if old != new]
    for table in ("decision", "evidence", "failed_evidence", "key_event", "parts_pruned"):
        database.executemany(f"UPDATE {table} SET leaf_digest = ? WHERE leaf_digest = ?", changed)
