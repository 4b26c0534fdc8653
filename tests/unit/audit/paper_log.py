"""A whole log in a dictionary, made with the code under test: the files of a tlog-tiles directory, path by path."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from hashlib import sha256

from shared.audit.checkpoint import LogKeys, add_cosignatures, encode_checkpoint
from shared.audit.leaves import encode_entry, encode_leaf
from shared.audit.notes import NoteSigner, SignatureType, encode_vkey, sign_text
from shared.audit.signers import signer_from_seed
from shared.audit.tiles import (
    TILE_WIDTH,
    Bundle,
    Tile,
    TileHashReader,
    build_tiles,
    bundle_at,
    encode_bundle,
    root_from_tiles,
)
from shared.audit.tree import hash_leaf
from shared.audit.tree_head import TreeHead, encode_tree_head

ORIGIN = "comity.example/log"
BEGINNING = datetime(2026, 11, 22, 2, 36, 28, 123456, tzinfo=UTC)


def seed_of(word: str) -> bytes:
    return sha256(word.encode()).digest()


def log_signers(origin: str = ORIGIN) -> tuple[NoteSigner, NoteSigner]:
    return (
        signer_from_seed(origin, SignatureType.ED25519, seed_of(f"{origin} ed25519")),
        signer_from_seed(origin, SignatureType.MLDSA44, seed_of(f"{origin} ml-dsa-44")),
    )


def keys_of(origin: str = ORIGIN) -> LogKeys:
    ed25519, mldsa44 = log_signers(origin)
    return LogKeys(ed25519.vkey, mldsa44.vkey)


def witness_signer(name: str = "witness.example/w1", type_: SignatureType = SignatureType.MLDSA44) -> NoteSigner:
    return signer_from_seed(name, type_, seed_of(f"{name} {type_.name}"))


WITNESS = witness_signer(type_=SignatureType.ED25519_COSIGNATURE)
"""Cosigns what the paper log signs."""
WITNESSED = f"witness w1 {encode_vkey(WITNESS.vkey)}\nquorum w1\n"
"""A policy that is met by it."""


def cosign(checkpoint: bytes, head: TreeHead, *cosigners: NoteSigner, timestamp_s: int = 1_790_000_000) -> bytes:
    return add_cosignatures(checkpoint, [sign_text(encode_tree_head(head), one, timestamp_s) for one in cosigners])


def started_leaf(number: int) -> bytes:
    """A small valid leaf that differs from every other number's."""
    at = BEGINNING + timedelta(seconds=number)
    return encode_leaf("exchange.started", at, sha256(b"%d" % number).digest()[:16], service="intake", version="0.1.0")


def started_entries(count: int) -> list[bytes]:
    return [encode_entry(BEGINNING + timedelta(seconds=number), started_leaf(number)) for number in range(count)]


@dataclass
class PaperLog:
    """`files` maps paths to bytes, old partial tiles included, as a log that keeps everything would serve them."""

    origin: str = ORIGIN
    entries: list[bytes] = field(default_factory=list)
    tiles: dict[Tile, bytes] = field(default_factory=dict)
    files: dict[str, bytes] = field(default_factory=dict)
    cosigners: tuple[NoteSigner, ...] = (WITNESS,)

    def append(self, entries: Sequence[bytes]) -> None:
        old_size = len(self.entries)
        made = build_tiles(old_size, [hash_leaf(entry) for entry in entries], self.tiles.__getitem__)
        self.entries.extend(entries)
        self.tiles.update(made.tiles)
        self.files.update({tile.path: data for tile, data in made.tiles.items()})
        for number in range(old_size // TILE_WIDTH, -(-made.size // TILE_WIDTH)):
            bundle: Bundle = bundle_at(number, made.size)
            first = number * TILE_WIDTH
            self.files[bundle.path] = encode_bundle(self.entries[first : first + bundle.width])
        head = TreeHead(self.origin, made.size, made.root)
        self.files["checkpoint"] = cosign(encode_checkpoint(head, *log_signers(self.origin)), head, *self.cosigners)

    def head(self, size: int | None = None) -> TreeHead:
        size = len(self.entries) if size is None else size
        return TreeHead(self.origin, size, root_from_tiles(size, self.read_tile))

    def reader(self, size: int) -> TileHashReader:
        return TileHashReader(size, self.read_tile)

    def read_tile(self, tile: Tile) -> bytes:
        """Also of earlier sizes: a partial tile is the beginning of the wider one."""
        wider = (
            self.tiles[each] for each in sorted(self.tiles) if each.level == tile.level and each.index == tile.index
        )
        return next(data for data in wider if len(data) >= tile.byte_length)[: tile.byte_length]
