"""What a frame carries: a list of service messages, each with the id that its receiver claims.

count (2) | count times: id (16) | type name | version (2) | length (4) | data
"""

from __future__ import annotations

from collections.abc import Sequence
from struct import Struct
from typing import Final, NamedTuple

from shared.errors import FrameRefused
from shared.frame.layout import Reader, encode_id, encode_name

MAX_ITEMS: Final = 1000
_VERSION_AND_LENGTH: Final = Struct(">HI")


class Item(NamedTuple):
    """One service message: `id` is its outbox row's UUIDv7, the key by which a repeat is known; `data` is its JSON."""

    id: str
    type: str
    v: int
    data: bytes


def encode_items(items: Sequence[Item]) -> bytes:
    """Raises FrameRefused for no item, too many, or one that has no encoding."""
    if not 1 <= len(items) <= MAX_ITEMS:
        raise FrameRefused(why=f"a frame carries between 1 and {MAX_ITEMS} items")
    fields = [len(items).to_bytes(2, "big")]
    for item in items:
        if not 1 <= item.v < 2**16:
            raise FrameRefused(why=f"version {item.v} of an item")
        fields += (
            encode_id(item.id),
            encode_name(item.type),
            item.v.to_bytes(2, "big"),
            len(item.data).to_bytes(4, "big"),
            item.data,
        )
    return b"".join(fields)


def parse_items(raw: bytes) -> tuple[Item, ...]:
    """Raises FrameRefused unless `raw` is exactly what `encode_items` writes."""
    reader = Reader(raw)
    count = reader.integer(2)
    if not 1 <= count <= MAX_ITEMS:
        raise FrameRefused(why=f"a frame carries between 1 and {MAX_ITEMS} items")
    items = tuple(_parse_item(reader) for _ in range(count))
    reader.end()
    return items


def _parse_item(reader: Reader) -> Item:
    id_, type_ = reader.id(), reader.name()
    version, length = reader.integers(_VERSION_AND_LENGTH)
    if version == 0:
        raise FrameRefused(why="version 0 of an item")
    return Item(id_, type_, version, reader.take(length))
