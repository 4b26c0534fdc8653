"""Looks for plaintexts wherever an exchange writes: its claim to be blind, checked from the outside.

Rules:
1. Every file is read as bytes, whatever it is, deleted database pages and the write-ahead log included. A SQLite file
   is read once more value by value, since a long value is cut into pages.
2. Each plaintext is looked for as UTF-8, UTF-16, hexadecimal, base64 and base64url in their three alignments, with
   JSON's escapes, and as the logs of other programs write bytes (percent, octal, decimal, backslash and x); then again
   in what base64 texts, hexadecimal texts and gzip or zlib streams hold, three deep: a dump of a database writes a JWS
   in hexadecimal, that holds the manifest, and that the header.
3. Not the whole of a plaintext is looked for, but its beginning, its middle and its end: what was cut is found too.
4. A finding proves a leak; no finding proves nothing unless the same search finds something that is there in clear.

What was compressed in another way, or encrypted under a key that lies beside it, is not found. The exchange compresses
nothing; PostgreSQL does, with an algorithm of its own, so a dump of its values must be searched beside its files.
"""

from __future__ import annotations

import base64
import json
import mmap
import re
import sqlite3
import sys
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import quote

PIECE_CHARS: Final = 16
"""Characters (bytes of binary plaintexts) of each piece that is looked for. Longer pieces are lost in more cuts."""
SHORTEST_CHARS: Final = 8
BLOCK: Final = 8
"""Data is looked at in blocks of 8 bytes; a pattern of 15 bytes covers a whole block wherever it lies."""
WRAPPED_DEPTH: Final = 3
_BUFFER_BYTES: Final = 16 * 1024 * 1024
_SEPARATOR: Final = b"\x00" * 16
_SQLITE_MAGIC: Final = b"SQLite format 3\x00"
_BASE64_RUN: Final = re.compile(rb"[A-Za-z0-9+/_-]{32,}")
_HEX_RUN: Final = re.compile(rb"[0-9a-fA-F]{64,}")
_COMPRESSED: Final = re.compile(rb"\x1f\x8b\x08|\x78[\x01\x5e\x9c\xda]")
_COMPRESSED_BYTES: Final = 256 * 1024
_STANDARD: Final = bytes.maketrans(b"-_", b"+/")

Data = bytes | bytearray | mmap.mmap


@dataclass(frozen=True, order=True)
class Finding:
    """A plaintext, or a piece of it, that lies somewhere. `number` counts the plaintexts from 0."""

    number: int
    form: str
    where: str


@dataclass(frozen=True, slots=True)
class _Pattern:
    number: int
    form: str
    text: bytes

    def blocks(self) -> Iterator[int]:
        """Every block that lies wholly in the pattern when the pattern begins at any of 8 offsets."""
        for offset in range(BLOCK):
            yield int.from_bytes(self.text[offset : offset + BLOCK], sys.byteorder)


class PlaintextScanner:
    """All plaintexts at once: the time of a search does not grow with their number."""

    def __init__(self, plaintexts: Iterable[str | bytes]) -> None:
        """Raises ValueError for a plaintext under 8 characters: it would be found by chance."""
        patterns = [pattern for number, one in enumerate(plaintexts) for pattern in _patterns(number, one)]
        self._long = [pattern for pattern in patterns if len(pattern.text) >= 2 * BLOCK - 1]
        self._short = [pattern for pattern in patterns if len(pattern.text) < 2 * BLOCK - 1]
        self._blocks = {block for pattern in self._long for block in pattern.blocks()}

    def search(self, data: Data, where: str) -> set[Finding]:
        """What is found in these bytes as they are."""
        with memoryview(data) as view, view[: len(view) // BLOCK * BLOCK] as whole, whole.cast("Q") as blocks:
            met = self._blocks.intersection(blocks)
        likely = [one for one in self._long if not met.isdisjoint(one.blocks())] if met else []
        return {Finding(one.number, one.form, where) for one in (*likely, *self._short) if data.find(one.text) != -1}

    def search_unwrapped(self, data: Data, where: str, depth: int = WRAPPED_DEPTH) -> set[Finding]:
        """What is found in these bytes, and in what the texts and streams in them hold."""
        found = self.search(data, where)
        if depth:
            for wrapping, unwrapped in _WRAPPINGS.items():
                for buffer in _joined(unwrapped(data)):
                    found |= self.search_unwrapped(buffer, f"{where} (in {wrapping})", depth - 1)
        return found

    def search_file(self, path: Path) -> set[Finding]:
        """Its name, its bytes, and its values if it is a database. Raises OSError, sqlite3.Error."""
        found = self.search(str(path).encode(), f"the name {path}")
        if path.stat().st_size == 0:
            return found
        with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
            found |= self.search_unwrapped(data, str(path))
            is_database = data[: len(_SQLITE_MAGIC)] == _SQLITE_MAGIC
        return found | self.search_database(path) if is_database else found

    def search_database(self, path: Path) -> set[Finding]:
        """Every value of every table, one column after the other. Raises sqlite3.Error."""
        found: set[Finding] = set()
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as database:
            database.text_factory = bytes
            for table, column in _columns(database):
                values = database.execute(f'SELECT "{column}" FROM "{table}"')  # noqa: S608  # names of its own schema
                for buffer in _joined(_as_bytes(value) for (value,) in values):
                    found |= self.search_unwrapped(buffer, f"{path}: {table}.{column}")
        return found


def scan_directory(places: Sequence[Path], plaintexts: Sequence[str | bytes]) -> list[Finding]:
    """What of these plaintexts lies in these files, and in all files under these directories.

    Raises ValueError for a plaintext under 8 characters, and for a place that is not there; OSError, sqlite3.Error.
    """
    scanner = PlaintextScanner(plaintexts)
    found: set[Finding] = set()
    for path in _files(places):
        found |= scanner.search_file(path)
    return sorted(found)


def _files(places: Iterable[Path]) -> Iterator[Path]:
    for place in places:
        if not place.exists():
            raise ValueError(f"there is nothing at {place} to search")
        yield from [place] if place.is_file() else sorted(path for path in place.rglob("*") if path.is_file())


def _patterns(number: int, plaintext: str | bytes) -> list[_Pattern]:
    if len(plaintext) < SHORTEST_CHARS:
        raise ValueError(f"a plaintext of {len(plaintext)} characters is too short to be told from chance")
    middle = max(0, len(plaintext) // 2 - PIECE_CHARS // 2)
    pieces = (plaintext[:PIECE_CHARS], plaintext[middle : middle + PIECE_CHARS], plaintext[-PIECE_CHARS:])
    forms: dict[bytes, str] = {}
    for form, text in (*(one for piece in pieces for one in _forms(piece)), *_rare_forms(pieces[0])):
        forms.setdefault(text, form)  # two forms of one piece can be the same bytes
    return [_Pattern(number, form, text) for text, form in forms.items()]


def _forms(piece: str | bytes) -> Iterator[tuple[str, bytes]]:
    raw = piece if isinstance(piece, bytes) else piece.encode()
    yield "plain", raw
    if isinstance(piece, str):
        yield "UTF-16", piece.encode("utf-16-le")
        yield "JSON", json.dumps(piece)[1:-1].encode()
        yield "JSON", json.dumps(piece, ensure_ascii=False)[1:-1].encode()
    yield "hexadecimal", raw.hex().encode()
    yield "hexadecimal", raw.hex().upper().encode()
    for before in range(3):
        text = _base64_inside(raw, before)
        yield "base64", text
        yield "base64", text.translate(bytes.maketrans(b"+/", b"-_"))


def _rare_forms(piece: str | bytes) -> Iterator[tuple[str, bytes]]:
    """As other programs show bytes; of the beginning only, since each form costs memory."""
    raw = piece if isinstance(piece, bytes) else piece.encode()
    if isinstance(piece, str):
        yield "UTF-16", piece.encode("utf-16-be")
    yield "percent", quote(raw).encode()
    yield "backslash", repr(raw)[2:-1].encode()
    yield "octal", "".join(chr(one) if 32 <= one < 127 else f"\\{one:03o}" for one in raw).encode()
    yield "decimal", ",".join(map(str, raw)).encode()


def _base64_inside(raw: bytes, before: int) -> bytes:
    """The base64 characters that `raw` alone decides when `before` (0 to 2) bytes stand before it in its group."""
    text = base64.b64encode(bytes(before) + raw).rstrip(b"=")
    shared_with_what_follows = (before + len(raw)) % 3 != 0
    return text[(0, 2, 3)[before] : len(text) - shared_with_what_follows]


def _decoded_runs(data: Data) -> Iterator[bytes]:
    for run in _BASE64_RUN.finditer(data):
        text = run.group().translate(_STANDARD)
        text = text[: len(text) - (len(text) % 4 == 1)]
        yield base64.b64decode(text + b"=" * (-len(text) % 4))


def _hexadecimal_runs(data: Data) -> Iterator[bytes]:
    for run in _HEX_RUN.finditer(data):
        text = run.group()
        yield bytes.fromhex(text[: len(text) // 2 * 2].decode())


def _inflated(data: Data) -> Iterator[bytes]:
    """What begins like gzip or zlib and goes on like it, as far as it does."""
    for start in _COMPRESSED.finditer(data):
        at = start.start()
        if _inflate(data[at : at + 64]):
            yield _inflate(data[at : at + _COMPRESSED_BYTES])


def _inflate(data: bytes | bytearray) -> bytes:
    try:
        return zlib.decompressobj(wbits=47).decompress(data, _BUFFER_BYTES)
    except zlib.error:
        return b""


_WRAPPINGS: Final[dict[str, Callable[[Data], Iterator[bytes]]]] = {
    "base64": _decoded_runs,
    "hexadecimal": _hexadecimal_runs,
    "compression": _inflated,
}


def _joined(values: Iterable[bytes]) -> Iterator[bytearray]:
    """The values in buffers of some size, with separators that no pattern crosses."""
    buffer = bytearray()
    for value in values:
        buffer += value + _SEPARATOR
        if len(buffer) >= _BUFFER_BYTES:
            yield buffer
            buffer = bytearray()
    if buffer:
        yield buffer


def _columns(database: sqlite3.Connection) -> list[tuple[str, str]]:
    tables = [name.decode() for (name,) in database.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")]
    return [
        (table, column.decode())
        for table in tables
        for (column,) in database.execute("SELECT name FROM pragma_table_info(?)", (table,))
    ]


def _as_bytes(value: object) -> bytes:
    return value if isinstance(value, bytes) else str(value).encode()
